"""The recent course of one balance, for charts: bounded, whatever the interval."""

from __future__ import annotations

from array import array
from collections import deque
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime

_POINTS = 240

Points = tuple[tuple[datetime, float], ...]


@dataclass(frozen=True, slots=True)
class Course:
    """A trail as it was at one moment, in few bytes."""

    times: array[float]
    values: array[float]
    recent: tuple[tuple[float, float], ...]

    def points(self) -> Points:
        """Oldest first, at most 480."""
        first = self.recent[0][0] if self.recent else 0.0
        older = [p for p in zip(self.times, self.values, strict=True) if p[0] < first]
        return tuple((datetime.fromtimestamp(t, UTC), v) for t, v in (*older, *self.recent))


class Courses(Mapping[str, Points]):
    """Of every balance, made into points where somebody looks: a scrape of thousands does not."""

    def __init__(self, kept: Mapping[str, Course]) -> None:
        self._kept = kept

    def __getitem__(self, target: str) -> Points:
        return self._kept[target].points()

    def __iter__(self) -> Iterator[str]:
        return iter(self._kept)

    def __len__(self) -> int:
        return len(self._kept)


class Trail:
    """A thinning record of one balance for charts: bounded, whatever the interval.

    The last points are all kept: a runway of hours is drawn over hours, after months as well.
    """

    __slots__ = ("_every", "_recent", "_seen", "_times", "_values")

    def __init__(self) -> None:
        self._times, self._values = array("d"), array("d")
        self._recent: deque[tuple[float, float]] = deque(maxlen=_POINTS)
        self._every, self._seen = 1, 0

    def add(self, at: datetime, balance: float) -> None:
        """One more point; when there are too many, every second one goes."""
        self._recent.append((at.timestamp(), balance))
        self._seen += 1
        if self._seen % self._every:
            return
        self._times.append(at.timestamp())
        self._values.append(balance)
        if len(self._times) > _POINTS:
            self._times, self._values = self._times[::2], self._values[::2]
            self._every *= 2

    def course(self) -> Course:
        """As it is now, whatever comes."""
        return Course(self._times[:], self._values[:], tuple(self._recent))

    def points(self) -> Points:
        """Oldest first, at most 480."""
        return self.course().points()

"""The marks and scores of one balance: a part of its book, and as bytes a part of its state."""

from __future__ import annotations

import struct
from collections import deque

from monitor.core.accuracy import (
    HORIZONS,
    KEPT,
    MARKS_FOR,
    Ended,
    Ending,
    Hindsight,
    Mark,
    Score,
    Turn,
    hindsight,
    mark_of,
    moment,
    ran_out,
    topped_up,
)

_UNDONE = 7200.0  # seconds in which a balance that ran out may turn out not to have
_NOT = -1.0  # no time
_HEAD = struct.Struct("<ddd6IBB")  # floor, hour, out_at, totals, marks, pending scores
_MARK = struct.Struct("<dd8f")
_SCORE = struct.Struct("<dffBB")  # ending, said, true, index of the horizon, flags
_HELD, _TOPPED_UP = 1, 2  # flags


class Scorebook:
    """What was said of a balance, and how wrong it was. Mutable and bounded, as its book is.

    That it ran out is counted once it has stood for two hours, or until credit came: a fall that
    is refunded before was no ending, and is taken back.
    """

    __slots__ = ("_counts", "_floor", "_hour", "_marks", "_out_at", "_pending", "_scores",
                 "_summed", "ending")  # fmt: skip

    def __init__(self) -> None:
        """Begin with nothing said."""
        self.ending: Ending | None = None  # the newest; None: none yet, or it was taken back
        self._floor, self._hour, self._out_at = 0.0, _NOT, _NOT
        self._marks: deque[Mark] = deque()
        self._scores: dict[int, tuple[Score, ...]] = dict.fromkeys(HORIZONS, ())  # KEPT of each
        self._pending: tuple[Score, ...] = ()  # of a running out that may be taken back
        self._counts = dict.fromkeys(HORIZONS, (0, 0))  # scored, held
        self._summed: tuple[Hindsight, ...] | None = None

    def configure(self, floor: float) -> None:
        """Take a floor; what was said of another one is not scored."""
        if floor != self._floor:
            self._floor = floor
            self._settle()
            self._forget()

    # -- what was said ----------------------------------------------------------------------

    def due(self, at: float) -> bool:
        """Whether the first sample of another hour has come: once for each hour."""
        hour = at // 3600.0
        if hour == self._hour:
            return False
        self._hour = hour
        return True

    def keep(self, said: Mark) -> None:
        """Keep a mark for as long as it may be asked for."""
        self._heed(said.at)
        self._marks.append(said)
        while said.at - self._marks[0].at > MARKS_FOR:
            self._marks.popleft()

    def _heed(self, at: float) -> None:
        """A clock that was set back: how old the marks are is not known."""
        if self._marks and at <= self._marks[-1].at:
            self._settle()
            self._forget()

    def _forget(self) -> None:
        self._marks.clear()
        self._hour = _NOT

    # -- what came --------------------------------------------------------------------------

    def ran_out(self, turn: Turn) -> None:
        """The floor was reached by spending."""
        self._heed(turn.seen)
        self._settle()
        self._pending, self._out_at = ran_out(self._marks, turn), turn.at
        self._end(turn, Ended.RAN_OUT, self._pending)

    def stands(self, at: float) -> None:
        """The balance is still at its floor."""
        if self._out_at != _NOT and not 0 <= at - self._out_at <= _UNDONE:
            self._settle()
            self._forget()

    def refunded(self) -> None:
        """What was spent came back, and the balance is above its floor."""
        if self._out_at != _NOT:
            self.ending, self._pending, self._out_at = None, (), _NOT
            self._summed = None

    def credited(self, turn: Turn, *, blind: bool) -> None:
        """Credit came. `blind`: so little was left that what was refused cannot be known."""
        self._heed(turn.seen)
        if self._out_at != _NOT:
            self._settle()
        elif not blind:
            scores = topped_up(self._marks, turn)
            self._add(scores)
            if scores:
                self._end(turn, Ended.TOPPED_UP, scores)
        self._forget()

    def corrected(self) -> None:
        """The balance fell by what was no spending: what was said of it is not scored."""
        self._settle()
        self._forget()

    def _end(self, turn: Turn, ended: Ended, scores: tuple[Score, ...]) -> None:
        self.ending, self._summed = Ending(moment(turn.seen), ended, scores), None

    def _settle(self) -> None:
        """That it ran out stands."""
        self._add(self._pending)
        self._pending, self._out_at = (), _NOT

    def _add(self, scores: tuple[Score, ...]) -> None:
        for score in scores:
            scored, held = self._counts[score.before]
            self._counts[score.before] = scored + 1, held + score.held
            self._score(score)
        self._summed = None

    def _score(self, score: Score) -> None:
        """Keep the last ones."""
        self._scores[score.before] = (*self._scores[score.before], score)[-KEPT:]

    @property
    def hindsight(self) -> tuple[Hindsight, ...]:
        """How the forecasts have done, by horizon; only those that were scored."""
        if self._summed is None:
            self._summed = tuple(self._sum())
        return self._summed

    def _sum(self) -> list[Hindsight]:
        new = {s.before: s for s in self._pending}
        found = []
        for before in HORIZONS:
            scores = [*self._scores[before], *([new[before]] if before in new else [])][-KEPT:]
            if scores:
                found.append(hindsight(scores, *self._counts[before]))
        return found

    # -- as bytes ---------------------------------------------------------------------------

    def dump(self) -> bytes:
        """The state, at most some two and a half kilobytes; `load` reads it back exactly."""
        totals = [n for before in HORIZONS for n in self._counts[before]]
        kept = [s for before in HORIZONS for s in self._scores[before]]
        head = _HEAD.pack(
            self._floor, self._hour, self._out_at, *totals, len(self._marks), len(self._pending)
        )
        marks = [
            _MARK.pack(m.at, m.left, m.p10, m.p50, m.p90, *m.expected, m.lump, m.doubt)
            for m in self._marks
        ]
        return b"".join([head, *marks, *(_packed(s) for s in (*self._pending, *kept))])

    @classmethod
    def load(cls, data: bytes) -> Scorebook:
        """What was dumped. Raises struct.error or ValueError for anything else."""
        self = cls()
        self._floor, self._hour, self._out_at, *rest = _HEAD.unpack_from(data)
        *totals, marks, pending = rest
        scores_at = _HEAD.size + marks * _MARK.size
        self._counts = dict(
            zip(HORIZONS, zip(totals[::2], totals[1::2], strict=True), strict=True)
        )
        self._marks.extend(
            mark_of(at, left, numbers)
            for at, left, *numbers in _MARK.iter_unpack(data[_HEAD.size : scores_at])
        )
        scores = [_unpacked(row) for row in _SCORE.iter_unpack(data[scores_at:])]
        self._pending = tuple(scores[:pending])
        if len(self._marks) != marks or len(self._pending) != pending:
            raise ValueError("not all of it")
        for score in scores[pending:]:
            self._score(score)
        return self


def _packed(score: Score) -> bytes:
    flags = _HELD * score.held + _TOPPED_UP * (score.ended is Ended.TOPPED_UP)
    at, index = score.at.timestamp(), HORIZONS.index(score.before)
    return _SCORE.pack(at, score.said, score.true, index, flags)


def _unpacked(row: tuple[float, float, float, int, int]) -> Score:
    at, said, true, index, flags = row
    if index >= len(HORIZONS):
        raise ValueError("no such horizon")
    ended = Ended.TOPPED_UP if flags & _TOPPED_UP else Ended.RAN_OUT
    return Score(moment(at), ended, HORIZONS[index], said, true, bool(flags & _HELD))

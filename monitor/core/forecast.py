"""From what was spent to burn and runway: a median, and how far off it may be.

Four exponential levels of the pace, a weekly profile, the size of the lumps in which credit goes,
and a gamma distribution of the time to spend what is left. Floats: nothing here is money any more.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, field

from monitor.core.forecast_noise import Noise
from monitor.core.forecast_path import Z10, Path
from monitor.core.ledger import Pace
from monitor.core.profile import WEEK, Profile

HALF_LIVES = (2.0, 18.0, 90.0, 360.0)  # watched hours, of the four levels
# Relative variance of each level about the next longer one. The 2 h level's is small: bursts that
# chance explains come often, and a surge that it does not explain is believed past all of this.
_STRAY = (0.3, 0.10, 0.15)
_GAP = 3.0  # hours: what happened within a longer gap is known in sum only
_LONGEST = 336.0  # hours: a longer gap tells nothing of today
_FEW, _PLAIN = 2.0, 4.0  # lumps since use began, and lumps missing before, that make it plain
_RECENT = 2  # hours
_DERIVE = 6  # finished hours between two looks at the profile
_PLAN, _PLAN_HALF = 24.0, 72.0  # watched hours a plan weighs as much as; half-life of that
_FADE, _SURGE = 0.5, 6.0  # hours for which the fast level holds; longer in a surge
_ALWAYS = 0.06  # relative variance of the pace that no history takes away
_YOUNG, _YOUTH = 0.81, 36.0  # what is added for a young account, and the hours it wears off in
_UNSEEN = 0.05  # what is added for few lumps seen
_CHANCE = 2.0  # sigmas
_LUMPY = 1.1  # lumps come a little less evenly than at random


@dataclass(frozen=True, slots=True)
class Levels:
    """The pace as each level sees it, in credits per hour, the fast ones drawn to the slow."""

    long: float
    slow: float
    day: float
    fast: float
    surge: float  # by how many standard deviations the fast level stands out
    lump: float


@dataclass(slots=True, kw_only=True)
class Forecast:
    """What has been learned of one balance's spending.

    Mutable and bounded: a year of minutes costs per step what a day costs.
    """

    spent: list[float] = field(default_factory=lambda: [0.0] * 4)
    watched: list[float] = field(default_factory=lambda: [0.0] * 4)
    age: float = 0.0  # watched hours in all
    quiet: float = 0.0  # of them, those before anything was ever spent, while they count
    job: float = 0.0  # the dearest job at the last step, credits
    profile: Profile = field(default_factory=Profile)
    noise: Noise = field(default_factory=Noise)
    finished: int = 0  # hours, for the profile
    hour: int = -1  # the present hour, from the epoch
    hour_spent: float = 0.0
    hour_watched: float = 0.0
    hour_shape: float = 0.0
    late_spent: float = 0.0  # the present hour and the one before, gaps included
    late_watched: float = 0.0
    before_spent: float = 0.0
    before_watched: float = 0.0

    def pace(self, job: float) -> Pace:
        """What the ledger needs to judge the next sample."""
        slow = max(0.0, self.spent[2]) / self.watched[2] if self.watched[2] > 0 else 0.0
        return Pace(slow, self.noise.lump(slow, job), job)

    def learn(self, since: float, at: float, burn: float, *, job: float) -> None:
        """Learn that `burn` credits went between two Unix times; negative: came back."""
        hours = (at - since) / 3600.0
        if not 0.0 < hours <= _LONGEST:
            return
        if burn > 0 and self.spent[3] == 0:
            self.quiet = self.age
        self.age += hours
        self.job = job
        first, close = int(since // 3600), hours <= _GAP
        if at <= (first + 1) * 3600.0:
            self._fold(first, hours, burn, close)
            return
        last = math.ceil(at / 3600.0) - 1
        widths = [1.0] * (last - first + 1)
        widths[0], widths[-1] = first + 1 - since / 3600.0, at / 3600.0 - last
        week = self.profile.week
        shape = [w * week[(first + n) % WEEK] for n, w in enumerate(widths)]
        share = burn / sum(shape)
        for n, width in enumerate(widths):
            self._fold(first + n, width, share * shape[n], close)

    def _fold(self, hour: int, width: float, burn: float, close: bool) -> None:
        """Fold in what went within one hour; not `close`: known in sum only."""
        if hour != self.hour:
            self._turn(hour)
        shape = width * self.profile.week[hour % WEEK]
        spent, watched = self.spent, self.watched
        for n, half in enumerate(HALF_LIVES):
            keep = math.exp2(-width / half)
            spent[n] = spent[n] * keep + burn
            watched[n] = watched[n] * keep + shape
        self.late_spent += burn
        self.late_watched += width
        if close:
            self.hour_spent += burn
            self.hour_watched += width
            self.hour_shape += shape

    def _turn(self, hour: int) -> None:
        """An hour is over: what it says of lumps, of days and of the time of day."""
        if self.hour_watched > 0.2:
            self._finish()
        next_one = hour == self.hour + 1
        self.before_spent = self.late_spent if next_one else 0.0
        self.before_watched = self.late_watched if next_one else 0.0
        self.late_spent = self.late_watched = 0.0
        self.hour, self.hour_spent, self.hour_watched, self.hour_shape = hour, 0.0, 0.0, 0.0

    def _finish(self) -> None:
        slow = max(0.0, self.spent[2]) / self.watched[2]
        long = self.spent[3] / self.watched[3]
        lump = self.noise.lump(slow, self.job)
        self.noise.add(self.hour_spent, slow * self.hour_shape, self.hour_watched, lump)
        if long > 0:
            most = 20.0 * self.hour_watched * max(1.0, self.profile.week[self.hour % WEEK])
            self.profile.add(self.hour, min(self.hour_spent / long, most), self.hour_watched)
        if self.quiet > 0:
            self._begin_late(lump)
        self.finished += 1
        if self.finished % _DERIVE == 0 and slow > 0:
            self.profile.derive(lump / slow)

    def _begin_late(self, lump: float) -> None:
        """Forget the quiet before use began, once it is plain that it was another time.

        It is where at the present pace several lumps would have gone in it.
        """
        since = self.age - self.quiet
        before = [_quiet_left(self.quiet, since, half) for half in HALF_LIVES]
        pace = self.spent[3] / max(1.0, self.watched[3] - before[3])
        if self.spent[3] < _FEW * lump or pace * self.quiet < _PLAIN * lump:
            return
        # Never under an hour: one batch after the quiet is not yet a pace.
        self.watched = [max(1.0, w - b) for w, b in zip(self.watched, before, strict=True)]
        self.age, self.quiet = max(1.0, since), 0.0
        self.profile = Profile()  # its measure was a pace that the quiet made too low

    def levels(self, plan: float, job: float) -> Levels:
        """The four levels, each drawn to the next longer one as far as it says little itself."""
        lump = self.pace(job).lump
        weight = self._plan_weight if plan > 0 else 0.0
        exposure = self.watched[3] + weight
        level = (max(0.0, self.spent[3]) + weight * plan) / exposure if exposure > 0 else 0.0
        found, surge = [level], 0.0
        for n in (2, 1, 0):
            spent, watched = max(0.0, self.spent[n]), self.watched[n]
            if level <= 0:
                found.append(level)
                continue
            drawn = lump / (level * _STRAY[n])
            surge = (spent - level * watched) / math.sqrt(lump * level * watched + 1e-300)
            if abs(surge) > 2:
                drawn /= (surge / 2) ** 2
            level = (spent + level * drawn) / (watched + drawn) if watched + drawn > 0 else level
            found.append(level)
        return Levels(found[0], found[1], found[2], found[3], surge, lump)

    @property
    def _plan_weight(self) -> float:
        """What a planned usage still counts for, in watched hours."""
        return _PLAN * math.exp2(-self.age / _PLAN_HALF)

    @property
    def plan_share(self) -> float:
        """What a planned usage counts for against history: 1 at first, falling to 0."""
        weight = self._plan_weight
        return weight / (weight + self.watched[3])

    def path(self, at: float, levels: Levels) -> Path:
        """The expected pace from Unix time `at` on."""
        return Path(
            start=at / 3600.0,
            long=levels.long,
            slow=levels.slow - levels.long,
            day=levels.day - levels.slow,
            fast=levels.fast - levels.day,
            fade=_FADE + _SURGE * min(1.0, max(0.0, levels.surge / 3 - 1)),
            profile=self.profile,
        )

    def doubt(self, levels: Levels, plan_share: float) -> float:
        """Relative variance of the whole path: what is not known of the pace."""
        learning = _YOUNG * math.exp(-self.age / _YOUTH) * (1.0 - 0.7 * plan_share)
        if levels.day > 0:
            watched = self.watched[2] + 1.0 + plan_share * _PLAN
            learning += _UNSEEN * levels.lump / (levels.day * watched)
        return min(1.2, _ALWAYS + self.noise.day(levels.lump) + learning)

    def recent(self, now: float) -> float | None:
        """Credits per hour spent in the last watched hour and the one before.

        None: hardly watched, or too long before the Unix time `now` to be called recent.
        """
        watched = self.late_watched + self.before_watched
        if watched < 0.25 or now // 3600.0 - self.hour > _RECENT:
            return None
        return max(0.0, self.late_spent + self.before_spent) / watched

    def recent_shape(self, now: float) -> float:
        """The profile's factor of the hours that `recent` speaks of, so that like meets like.

        Of the present hour alone where `recent` is silent.
        """
        week, watched = self.profile.week, self.late_watched + self.before_watched
        if self.recent(now) is None:
            return week[int(now // 3600) % WEEK]
        late, before = week[self.hour % WEEK], week[(self.hour - 1) % WEEK]
        return (late * self.late_watched + before * self.before_watched) / watched

    def recent_noise(self, lump: float) -> float:
        """How much of `recent` lumps that happen to come together may explain: two sigma."""
        watched = self.late_watched + self.before_watched
        spent = max(0.0, self.late_spent + self.before_spent)
        return _CHANCE * math.sqrt(lump * spent) / watched if watched > 0 else 0.0


def amounts(balance: float, lump: float, doubt: float) -> tuple[float, float, float]:
    """What will have been expected to go when `balance` is gone: its 10, 50 and 90 % points.

    First passage of a process with lumps, as a gamma distribution (Wilson and Hilferty's roots).
    """
    mean = balance + lump / 2.0
    spread = math.sqrt(_LUMPY * (lump / mean) * ((balance + lump / 4.0) / mean) + doubt)
    middle = 1.0 - spread * spread / 9.0
    low, high = middle - Z10 * spread / 3.0, middle + Z10 * spread / 3.0
    return mean * max(low, 0.02) ** 3, mean * max(middle, 0.02) ** 3, mean * high**3


def _quiet_left(quiet: float, since: float, half: float) -> float:
    """What `quiet` watched hours, over for `since` hours, still weigh in a level."""
    return half / math.log(2.0) * (1.0 - math.exp2(-quiet / half)) * math.exp2(-since / half)

"""Demand that does not know the balance: an intensity over time, and the jobs that follow it."""

from __future__ import annotations

import math
from bisect import bisect_right
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from random import Random

from benchmarks.forecast.recipes import Recipe

HOUR, DAY, SLOT = 3600.0, 86400.0, 300.0
BEYOND = 15 * DAY  # demand goes on after the last poll, so that late truths are known
_A_DAY = int(DAY / SLOT)


@dataclass(frozen=True, slots=True)
class Shock:
    """From `start` on demand is `factor` times as high; until `end`, then it fades."""

    start: float
    end: float
    factor: float
    fade: float = 0.0  # seconds
    price: bool = False  # dearer, not more

    def at(self, t: float) -> float:
        """The factor at a time."""
        if t < self.start:
            return 1.0
        if t < self.end:
            return self.factor
        return 1 + (self.factor - 1) * math.exp(-(t - self.end) / self.fade) if self.fade else 1.0


@dataclass(frozen=True, slots=True)
class Intensity:
    """Money per hour in slots of five minutes, from `first` on."""

    first: float
    full: list[float]  # what really drives the jobs
    known: list[list[float]]  # [k]: as seen after k shocks, without the noise of days
    shocks: list[Shock]

    def mean(self, start: float, end: float) -> float:
        """Of the slots that begin within [start, end)."""
        low = math.ceil((start - self.first) / SLOT)
        part = self.full[max(low, 0) : math.ceil((end - self.first) / SLOT)]
        return sum(part) / len(part) if part else 0.0


@dataclass(frozen=True, slots=True)
class Events:
    """Charges (> 0) and refunds (< 0) in order of time; a refund bears its job's number."""

    times: list[float]
    amounts: list[float]
    jobs: list[int]
    phi: float  # variance over mean of what is charged, in money: the size of a lump


def intensity(recipe: Recipe, rng: Random, start: float, end: float) -> Intensity:
    """The rates of one account from `start` to 15 days beyond `end`."""
    first = math.floor(start / SLOT) * SLOT
    slots = [first + i * SLOT for i in range(math.ceil((end + BEYOND - first) / SLOT))]
    phase = rng.uniform(-12, 12)  # hours: nobody tells us the time zone
    base = _base(recipe, rng, slots, phase, start, end)
    shocks = _shocks(recipe, rng, start)
    levels = _days(recipe, rng, len(slots))
    known = [base]
    for shock in shocks:
        known.append([rate * shock.at(t) for rate, t in zip(known[-1], slots, strict=True)])
    full = [rate * levels[i // _A_DAY] for i, rate in enumerate(known[-1])]
    if recipe.posted_at is not None:
        known = [_posted(rates, first, recipe.posted_at) for rates in known]
        full_posted = _posted(full, first, recipe.posted_at)
        return Intensity(first, full_posted, known, shocks)
    return Intensity(first, full, known, shocks)


def _base(
    recipe: Recipe, rng: Random, slots: list[float], phase: float, start: float, end: float
) -> list[float]:
    of_day = _of_day(recipe, rng, slots[0], phase)
    into = int((slots[0] / HOUR + phase) % 24 * HOUR / SLOT)  # slots since local midnight
    midnights = [slots[0] + (d * _A_DAY - into) * SLOT for d in range(len(slots) // _A_DAY + 2)]
    of_date = _of_date(recipe, rng, midnights, phase, start)
    trend = math.log1p(recipe.growth) / (7 * DAY)
    onset = -math.inf if recipe.onset_day is None else start + recipe.onset_day * DAY
    stop = math.inf if recipe.stop_day is None else start + recipe.stop_day * DAY
    return [
        recipe.rate
        * of_day[i % _A_DAY]
        * of_date[(i + into) // _A_DAY]
        * math.exp(trend * (t - start))
        if onset <= t <= stop
        else 0.0
        for i, t in enumerate(slots)
    ]


def _of_day(recipe: Recipe, rng: Random, first: float, phase: float) -> list[float]:
    """One day's slots: a long working day, an idle night, a batch job; of mean one."""
    hours = [((first + i * SLOT) / HOUR + phase) % 24 for i in range(_A_DAY)]
    curve = [max(recipe.night, 0.5 + 1.1 * math.sin((h - 6) / 12 * math.pi)) for h in hours]
    mean = sum(curve) / len(curve)
    day = [1 - recipe.daily + recipe.daily * c / mean for c in curve]
    if recipe.batch:
        begin, width = rng.uniform(0, 24), rng.uniform(0.5, 1.5)
        runs = [24 / width if (h - begin) % 24 < width else 0.0 for h in hours]
        day = [d * (1 - recipe.batch) + recipe.batch * on for d, on in zip(day, runs, strict=True)]
    return day


def _of_date(
    recipe: Recipe, rng: Random, midnights: list[float], phase: float, start: float
) -> list[float]:
    """A factor for each local day: weekends, month ends, holidays, days off."""
    factors = []
    for t in midnights:
        local = datetime.fromtimestamp(t, UTC) + timedelta(hours=phase + 12)  # its noon
        factor = _weekday(recipe, local.weekday())
        if (local + timedelta(days=3)).month != local.month:
            factor *= recipe.month_end
        if recipe.holiday and 0 <= (t - start) / DAY - recipe.holiday[0] < recipe.holiday[1]:
            factor *= recipe.holiday[2]
        if rng.random() < recipe.days_off:
            factor = 0.0
        factors.append(factor)
    return factors


def _weekday(recipe: Recipe, day: int) -> float:
    """Of mean one over the week."""
    work, rest = (1.0, 1 - recipe.weekly) if recipe.weekly > 0 else (1 + recipe.weekly, 1.0)
    return 7 * (rest if day >= 5 else work) / (5 * work + 2 * rest)


def _days(recipe: Recipe, rng: Random, slots: int) -> list[float]:
    """Each day's own level: noise that remembers yesterday, of mean one."""
    z, levels = 0.0, []
    for _ in range(slots // _A_DAY + 1):
        z = 0.6 * z + 0.8 * rng.gauss(0, 1)
        levels.append(math.exp(recipe.noise * z - recipe.noise**2 / 2))
    return levels


def _shocks(recipe: Recipe, rng: Random, start: float) -> list[Shock]:
    found = []
    for _ in range(recipe.spikes):
        begin = start + rng.uniform(2, max(3, recipe.days - 1)) * DAY
        end = begin + rng.uniform(2, 10) * HOUR
        found.append(Shock(begin, end, rng.uniform(5, 20), rng.uniform(0.5, 3) * HOUR))
    for _ in range(recipe.shifts):
        begin = start + rng.uniform(3, recipe.days - 2) * DAY
        found.append(Shock(begin, math.inf, rng.choice((3.0, 2.0, 0.33, 0.5))))
    if recipe.price_change:
        day, factor = recipe.price_change
        found.append(Shock(start + day * DAY, math.inf, factor, price=True))
    return sorted(found, key=lambda shock: shock.start)


def _posted(rates: list[float], first: float, hour: float) -> list[float]:
    """The same money, but each day's in the one slot in which it is booked."""
    out, held = [0.0] * len(rates), 0.0
    for i, rate in enumerate(rates):
        held += rate
        if int(((first + i * SLOT) / HOUR - hour) % 24 / (SLOT / HOUR)) == 0:
            out[i], held = held, 0.0
    return out


def events(recipe: Recipe, rng: Random, field: Intensity) -> Events:
    """Clusters of like jobs, as a Poisson process of the intensity; some are refunded."""
    weights = _mix(recipe, rng)
    mean = sum(p * w for p, w in zip(recipe.prices, weights, strict=True))
    found: list[tuple[float, float, int]] = []
    for job, (t, price) in enumerate(_jobs(recipe, rng, field, weights, mean)):
        at = t if recipe.posted_at is None else _booked(t, recipe.posted_at)
        found.append((at, price, job))
        if rng.random() < recipe.fail:
            found.append((at + rng.uniform(60, 1800), -price, job))
    found.sort(key=lambda e: e[0])
    squares = sum(p * p * w for p, w in zip(recipe.prices, weights, strict=True))
    c = recipe.cluster
    phi = squares / mean * ((2 * c * c - c) / c if c > 1 else 1.0)
    return Events([e[0] for e in found], [e[1] for e in found], [e[2] for e in found], phi)


def _mix(recipe: Recipe, rng: Random) -> list[float]:
    """How often each price is paid; a Dirichlet of 0.6 unless all take the same money."""
    if recipe.even_prices:
        raw = [1 / price for price in recipe.prices]
    else:
        raw = [rng.gammavariate(0.6, 1) + 1e-12 for _ in recipe.prices]
    return [x / sum(raw) for x in raw]


def _jobs(
    recipe: Recipe, rng: Random, field: Intensity, weights: list[float], mean: float
) -> list[tuple[float, float]]:
    sums, found = _running(weights), []
    dearer = next((s for s in field.shocks if s.price), None)
    for parent in _parents(recipe, rng, field, dearer, mean * recipe.cluster * (1 - recipe.fail)):
        price = recipe.prices[min(bisect_right(sums, rng.random()), len(sums) - 1)]
        price *= dearer.at(parent) if dearer else 1.0
        size = _geometric(rng, recipe.cluster)
        for _ in range(size):
            late = rng.expovariate(1 / recipe.cluster_seconds) if size > 1 else 0.0
            found.append((parent + late, price))
    return found


def _parents(
    recipe: Recipe, rng: Random, field: Intensity, dearer: Shock | None, worth: float
) -> list[float]:
    """When clusters begin: a unit Poisson clock run through the integral of the intensity."""
    times, left = [], rng.expovariate(1)
    rates = field.full
    for i, rate in enumerate(rates):
        begin = field.first + i * SLOT
        here = rate / worth * (SLOT / HOUR) / (dearer.at(begin) if dearer else 1.0)
        used = left
        while used < here:
            times.append(begin + SLOT * used / here)
            used += rng.expovariate(1)
        left = used - here
    return times


def _geometric(rng: Random, mean: float) -> int:
    if mean <= 1:
        return 1
    return 1 + int(math.log(1 - rng.random()) / math.log(1 - 1 / mean))


def _running(weights: list[float]) -> list[float]:
    total, sums = 0.0, []
    for weight in weights:
        total += weight
        sums.append(total)
    return sums


def _booked(t: float, hour: float) -> float:
    """The instant of the day's posting that a time just after it belongs to."""
    return math.floor((t / HOUR - hour) / 24) * DAY + hour * HOUR

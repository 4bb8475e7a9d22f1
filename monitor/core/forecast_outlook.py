"""What a forecast says at one moment: from levels, path and doubt to hours."""

from __future__ import annotations

import math
from dataclasses import dataclass

from monitor.core.crossing import Ahead
from monitor.core.forecast import Forecast, Levels, amounts
from monitor.core.forecast_path import Path
from monitor.core.model import Outlook
from monitor.core.renewal import Renewal

_FAR = 1e5  # hours: what an endless runway counts as between two percentiles
_QUIET = 24.0  # watched hours without a drop after which nothing seems to burn
_FADED = 0.002  # a plan that weighs less than this against history is history
_ONE_DROP = 6.0  # watched hours after which a single drop is a pace
_QUARTER = 0.526  # how far P25 lies on the way from P50 to P10: 0.674 of 1.282
_TINY = 1e-300  # so that nothing is divided by a job of which nothing is known
_UNSEEN, _FEW = 0.5, 3.0  # a job that has not been seen yet; lumps that make a lump known
_LEAST = 1e-3  # hours: what no runway counts as between two percentiles


@dataclass(frozen=True, slots=True)
class Standing:
    """Where a balance stands for its forecast, above its floor."""

    at: float  # Unix seconds of the accepted balance
    left: float  # balance - floor, credits
    low: float | None  # a lower value that several samples agree on, not believed yet
    drops: int
    job: float
    plan: float  # credits per hour
    renewal: Renewal | None = None  # `to` above the floor, too


def outlook(forecast: Forecast, standing: Standing, now: float) -> Outlook:
    """Burn and runway at Unix time `now`."""
    plan = _plan(forecast, standing)
    levels = _levels(forecast, standing, plan)
    path = forecast.path(standing.at, levels)
    waited = max(0.0, now - standing.at) / 3600.0
    speaks = _speaks(forecast, standing)
    known = plan > 0 or speaks
    low, mid, high = _percentiles(forecast, standing, levels, path, waited)
    return Outlook(
        burn_per_hour=path.mean(waited) if known else None,
        p10=low,
        p25=None if low is None or mid is None else between(low, mid),
        p50=mid,
        p90=high,
        usual_burn_per_hour=levels.long * forecast.recent_shape(now) if known else None,
        recent_burn_per_hour=forecast.recent(now),
        recent_noise_per_hour=forecast.recent_noise(levels.lump),
        planned=known and not speaks,
    )


def ahead(forecast: Forecast, standing: Standing, batch: float, now: float) -> Ahead:
    """What may become of the balance in the next minutes. `batch`: see Ahead.

    As long as little was seen, the next job may be the first or the largest yet: half a job is
    added for what was watched, and few lumps may be larger ones.
    """
    levels = _levels(forecast, standing, _plan(forecast, standing))
    path, waited = forecast.path(standing.at, levels), max(0.0, now - standing.at) / 3600.0
    low, _, _ = _percentiles(forecast, standing, levels, path, waited)
    unseen, lump = _UNSEEN * standing.job / (forecast.age + 1.0), levels.lump
    if lump > 0:
        lump *= 1.0 + _FEW / (1.0 + max(0.0, forecast.spent[3]) / lump)
    return Ahead(
        left=standing.left,
        pace=(path.spent_by(1.0) + unseen) / 3600.0,
        batch=batch,
        lump=lump,
        p10=None if low is None else low * 3600.0,
    )


def _plan(forecast: Forecast, standing: Standing) -> float:
    return standing.plan if forecast.plan_share > _FADED else 0.0


def _levels(forecast: Forecast, standing: Standing, plan: float) -> Levels:
    levels = forecast.levels(plan, standing.job)
    if plan > 0 and not _speaks(forecast, standing):  # a surge of so little would be chance
        plain = levels.long  # the plan, and against it what little was seen
        levels = Levels(plain, plain, plain, plain, 0.0, levels.lump)
    return levels


def _percentiles(
    forecast: Forecast, standing: Standing, levels: Levels, path: Path, waited: float
) -> tuple[float | None, float | None, float | None]:
    """P10, P50 and P90 in hours from now; None: nothing is known yet."""
    plan, speaks = _plan(forecast, standing), _speaks(forecast, standing)
    if standing.left <= 0:
        return 0.0, 0.0, 0.0
    if plan <= 0 and speaks and standing.drops == 0:
        return standing.left * forecast.age / max(standing.job, _TINY), math.inf, math.inf
    if plan > 0 or speaks:
        return _runway(forecast, standing, levels, path, waited)
    return None, None, None


def _speaks(forecast: Forecast, standing: Standing) -> bool:
    if standing.drops == 0:
        return forecast.age >= _QUIET
    return forecast.age >= 0.5 and (standing.drops >= 2 or forecast.age >= _ONE_DROP)


def _runway(
    forecast: Forecast, standing: Standing, levels: Levels, path: Path, waited: float
) -> tuple[float, float, float]:
    """P10, P50 and P90 in hours from now, rising."""
    plan = forecast.plan_share if standing.plan > 0 else 0.0
    doubt = forecast.doubt(levels, plan)
    hours = path.hours_until(_goals(standing.left, levels.lump, doubt, plan))
    if standing.low is not None:
        hours[0] = 0.0
        if standing.low > 0:
            hours[0] = path.hours_until(_goals(standing.low, levels.lump, doubt, plan)[:1])[0]
    renewal = standing.renewal
    if renewal is not None and renewal.to is not None:
        goals = _goals(renewal.to, levels.lump, doubt, plan) if renewal.to > 0 else [0.0] * 3
        hours = _renewed(hours, goals, path, renewal, standing.at)
    low, mid, high = (max(0.0, h - waited) for h in hours)
    return min(low, mid), mid, high


def _goals(left: float, lump: float, doubt: float, plan: float) -> list[float]:
    """What is expected to go until `left` is gone, at P10, P50 and P90."""
    goals = amounts(left, lump, doubt)
    # A plan means what it says: its median is balance by burn.
    told = (left / goals[1]) ** plan if plan > 0 else 1.0
    return [g * told for g in goals]


def _renewed(
    hours: list[float], goals: list[float], path: Path, renewal: Renewal, at: float
) -> list[float]:
    """The hours with what a renewal brings: a percentile that ends before it stands.

    One that lasts until then goes on with the renewed balance, at its own percentile again: an
    account that spends less than expected is taken to go on doing so. Where it lasts a whole
    period, every further one lasts too, and it has no end; nothing is said of a second renewal
    whose day is not known.
    """
    due = (renewal.at - at) / 3600.0
    if due <= 0:
        return hours
    spent, period = path.spent_by(due), (renewal.every or math.inf) / 3600.0
    after = [max(due, h) for h in path.hours_until([spent + g for g in goals])]
    lasting = [math.inf if h - due >= period else h for h in after]
    return [h if h <= due else then for h, then in zip(hours, lasting, strict=True)]


def between(low: float, mid: float) -> float:
    """P25 from P10 and P50, straight between their logarithms."""
    if mid <= 0:
        return 0.0
    a, b = (math.log(min(_FAR, max(_LEAST, x))) for x in (low, mid))
    return max(low, min(mid, math.exp(b - _QUARTER * (b - a))))

"""What a planned usage costs, when the balance ends, what to top up."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import ROUND_UP, Decimal
from difflib import get_close_matches

from monitor.core.figures import estimate, instant, number, runway_hours
from monitor.core.model import Outlook
from monitor.core.settings import Account

_RATE = re.compile(r"([0-9]{1,15}(?:\.[0-9]{1,15})?) ?/ ?(hour|h|day|d|week|w)")
_ZERO = Decimal(0)
_MOST = Decimal(10) ** 18  # credits: beyond it no plan is meant
PAST_DAYS = 7  # that a plan is compared with
_LEAST_DAYS = Decimal("0.5")
_FAR_OFF = Decimal("1.5")
_FAR = Decimal(36500)  # days after which nobody needs the date


class PlanError(ValueError):
    """A plan that cannot be made. `str()` says why, in the user's terms."""


@dataclass(frozen=True, slots=True)
class PlannedJob:
    """So many jobs of one price a day."""

    job: str
    price: Decimal
    per_day: Decimal

    @property
    def cost_per_day(self) -> Decimal:
        """Credits."""
        return self.price * self.per_day


@dataclass(frozen=True, slots=True)
class Past:
    """What an account's history says, the plan left out of it."""

    outlook: Outlook
    burned: Decimal  # credits spent within `days`, without what was refunded
    days: Decimal  # that were watched, of the last `PAST_DAYS`

    @property
    def per_day(self) -> Decimal | None:
        """Credits; None where too little was watched to say."""
        return self.burned / self.days if self.days >= _LEAST_DAYS else None


@dataclass(frozen=True, slots=True)
class Standing:
    """The last balance that was read of an account, and how it came to be."""

    balance: Decimal | None = None
    read_at: datetime | None = None
    unit: str | None = None
    past: Past | None = None


@dataclass(frozen=True, slots=True)
class Plan:
    """One account's planned usage."""

    account: str
    floor: Decimal
    jobs: tuple[PlannedJob, ...]
    days: int
    standing: Standing

    @property
    def cost_per_day(self) -> Decimal:
        """Credits."""
        return sum((j.cost_per_day for j in self.jobs), _ZERO)

    @property
    def needed(self) -> Decimal:
        """The balance that lasts for all the days and ends at the floor."""
        return self.cost_per_day * self.days + self.floor

    @property
    def top_up(self) -> Decimal | None:
        """What is missing of it; None where the balance is not known."""
        balance = self.standing.balance
        return None if balance is None else max(_ZERO, self.needed - balance)

    @property
    def days_left(self) -> Decimal | None:
        """Days until the floor, infinite where nothing is spent; None: the balance is unknown."""
        balance = self.standing.balance
        if balance is None:
            return None
        if balance <= self.floor:
            return _ZERO
        cost = self.cost_per_day
        return (balance - self.floor) / cost if cost > 0 else Decimal("Infinity")

    @property
    def past_per_day(self) -> Decimal | None:
        """What history burned a day; None where there is none, or too little of it."""
        return self.standing.past.per_day if self.standing.past else None

    @property
    def past_top_up(self) -> Decimal | None:
        """What is missing to last for all the days at history's pace; None: not known."""
        balance, burned = self.standing.balance, self.past_per_day
        if balance is None or burned is None:
            return None
        return max(_ZERO, burned * self.days + self.floor - balance)

    @property
    def far_off(self) -> bool:
        """Whether plan and history are further apart than anybody's days differ."""
        cost, burned = self.cost_per_day, self.past_per_day
        return burned is not None and (burned > cost * _FAR_OFF or cost > burned * _FAR_OFF)

    def ends_at(self, now: datetime) -> datetime | None:
        """When the floor is reached; None where that is not known, or not within a century."""
        left = self.days_left
        if left is None or left > _FAR:
            return None
        return now + timedelta(seconds=round(float(left) * 86400))


def parse_planned(text: str) -> tuple[str, Decimal]:
    """`NAME=40/day` to the name and jobs a day. Raises PlanError."""
    name, equals, rate = text.rpartition("=")
    match = _RATE.fullmatch(rate.strip())
    if not equals or not name.strip() or match is None:
        raise PlanError(f"--job: {text!r} is not a planned usage such as sora-2-720p-10s=40/day")
    jobs, unit = Decimal(match[1]), match[2][0]
    return name.strip(), jobs * 24 if unit == "h" else jobs / 7 if unit == "w" else jobs


def planned_jobs(
    accounts: Iterable[Account], asked: Iterable[tuple[str, Decimal]] = ()
) -> dict[str, tuple[PlannedJob, ...]]:
    """Account to its planned jobs: what is `asked`, else what `usage` in the config plans.

    A job that several accounts sell is asked for as `ACCOUNT/JOB`. Raises PlanError.
    """
    accounts = tuple(accounts)
    asked = tuple(asked)
    found: dict[str, tuple[PlannedJob, ...]] = {}
    for name, per_day in asked:
        account, job = _seller(accounts, name)
        if any(j.job == job for j in found.get(account.name, ())):
            raise PlanError(f"{name!r} is planned twice")
        planned = PlannedJob(job, account.jobs[job], per_day)
        found[account.name] = (*found.get(account.name, ()), planned)
    if not asked:
        found = {a.name: _usage(a) for a in accounts if a.usage}
    if not found:
        raise PlanError(f"nothing is planned: give --job NAME=N/day{_known(accounts)}")
    return found


def _usage(account: Account) -> tuple[PlannedJob, ...]:
    return tuple(PlannedJob(j, account.jobs[j], n) for j, n in account.usage.items())


def _seller(accounts: tuple[Account, ...], name: str) -> tuple[Account, str]:
    sold = {f"{a.name}/{job}": (a, job) for a in accounts for job in a.jobs}
    if name in sold:
        return sold[name]
    sellers = [full for full, (_, job) in sold.items() if job == name]
    if len(sellers) == 1:
        return sold[sellers[0]]
    if sellers:
        raise PlanError(f"{name!r} is sold by several accounts: write {' or '.join(sellers)}")
    names = [*dict.fromkeys(job for _, job in sold.values()), *sold]
    near = get_close_matches(name[:200], names, n=1)
    hint = f", did you mean {near[0]}?" if near else _known(accounts)
    raise PlanError(f"{name!r} has no price in the config's `jobs`{hint}")


def _known(accounts: Iterable[Account]) -> str:
    names = list(dict.fromkeys(job for a in accounts for job in a.jobs))
    if not names:
        return "; the config has no `jobs` with prices"
    return f"; known jobs: {', '.join(names)}"


def plans(
    accounts: Iterable[Account],
    jobs: Mapping[str, tuple[PlannedJob, ...]],
    standings: Mapping[str, Standing],
    *,
    days: int,
) -> tuple[Plan, ...]:
    """The plan of every account that has one, in the config's order. Raises PlanError."""
    found = tuple(
        Plan(a.name, a.floor, jobs[a.name], days, standings.get(a.name, Standing()))
        for a in accounts
        if a.name in jobs
    )
    for plan in found:
        if plan.needed >= _MOST:
            raise PlanError(f"{plan.account}: that costs more than there is money")
    return found


def rounded_up(amount: Decimal) -> Decimal:
    """What to buy: whole credits, from 10 on; cents below."""
    step = Decimal(1) if amount >= 10 else Decimal("0.01")
    return amount.quantize(step, rounding=ROUND_UP)


def document(found: Iterable[Plan], *, days: int, now: datetime) -> dict[str, object]:
    """Plans, ready for strict JSON."""
    return {"at": instant(now), "days": days, "accounts": [_account(p, now) for p in found]}


def _account(plan: Plan, now: datetime) -> dict[str, object]:
    return {
        "account": plan.account,
        "unit": plan.standing.unit,
        "balance": number(plan.standing.balance),
        "balance_at": instant(plan.standing.read_at),
        "floor": number(plan.floor),
        "jobs": [_job(j, plan.days) for j in plan.jobs],
        "cost_per_day": number(plan.cost_per_day),
        "burn_per_hour": estimate(plan.cost_per_day / 24),
        "days_left": estimate(plan.days_left),
        "ends_at": instant(plan.ends_at(now)),
        "needed": number(plan.needed),
        "top_up": number(plan.top_up),
        "history": _past(plan, now),
    }


def _past(plan: Plan, now: datetime) -> dict[str, object] | None:
    past = plan.standing.past
    if past is None:
        return None
    return {
        "burned": number(past.burned),
        "days": estimate(past.days),
        "burned_per_day": estimate(past.per_day),
        "burn_per_hour": estimate(past.outlook.burn_per_hour),
        "runway_hours": runway_hours(past.outlook),
        "ends_at": instant(hours_on(now, past.outlook.p50)),
        "ends_early_at": instant(hours_on(now, past.outlook.p25)),
        "top_up": number(plan.past_top_up),
        "far_off": plan.far_off,
    }


def hours_on(now: datetime, hours: float | None) -> datetime | None:
    """So many hours later; None where that is not known, or not within a century."""
    if hours is None or hours > float(_FAR) * 24:
        return None
    return now + timedelta(seconds=round(hours * 3600))


def _job(job: PlannedJob, days: int) -> dict[str, object]:
    return {
        "job": job.job,
        "price": number(job.price),
        "jobs_per_day": number(job.per_day),
        "cost_per_day": number(job.cost_per_day),
        "cost": number(job.cost_per_day * days),
    }

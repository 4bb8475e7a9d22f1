"""`monitor plan`: what a planned usage costs, when the balance ends, what to top up."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime
from pathlib import Path

from monitor.cli import USAGE, Refusal
from monitor.cli.balances import balances, minute, write_json, write_text
from monitor.cli.setting import Globals
from monitor.core.durations import about
from monitor.core.phrases import money
from monitor.core.plan import (
    Plan,
    PlanError,
    Standing,
    document,
    parse_planned,
    planned_jobs,
    plans,
    rounded_up,
)
from monitor.core.settings import Settings
from monitor.core.words import amount
from monitor.history import Archive
from monitor.store import NewerSchemaError, StoreError

_OLD = 3600.0  # seconds after which the age of a balance is said


def run(options: Globals, jobs: Sequence[str], *, days: int, output_format: str) -> int:
    """Print the plan of every account that has one."""
    settings = options.loader(need_secrets=False)()
    now = datetime.now(UTC).replace(microsecond=0)
    try:
        planned = planned_jobs(settings.accounts, [parse_planned(j) for j in jobs])
        found = plans(settings.accounts, planned, _standings(settings, now), days=days)
    except PlanError as error:
        raise Refusal(str(error), USAGE) from error
    if output_format == "json":
        write_json(document(found, days=days, now=now))
    else:
        write_text("\n\n".join("\n".join(_lines(p, now)) for p in found) + "\n")
    return 0


def _standings(settings: Settings, now: datetime) -> dict[str, Standing]:
    """The last balance of every account; none where the store has none, or cannot be read."""
    if not Path(settings.database).exists():
        return {}
    try:
        records = asyncio.run(Archive(settings.database).records(now))
    except NewerSchemaError:
        raise
    except StoreError as error:
        sys.stderr.write(f"the balance is unknown: {error}\n")
        return {}
    return {
        account.name: Standing(record.balance, record.last_success, record.unit)
        for name, (account, _) in balances(settings).items()
        if (record := records.get(name)) is not None
    }


def _lines(plan: Plan, now: datetime) -> Iterator[str]:
    unit, cost = plan.standing.unit, plan.cost_per_day
    yield f"{plan.account}: {money(cost, unit)} a day"
    column = max((len(j.job) for j in plan.jobs), default=0)
    for job in plan.jobs:
        sum_ = f"{amount(job.per_day)} a day x {amount(job.price)} = {amount(job.cost_per_day)}"
        yield f"  {job.job:<{column}}  {sum_}"
    yield f"  balance   {_balance(plan, now)}, floor {amount(plan.floor)}"
    yield f"  it ends   {_end(plan, now)}"
    yield f"  {_top_up(plan)}"


def _balance(plan: Plan, now: datetime) -> str:
    standing = plan.standing
    if standing.balance is None:
        return "unknown: the daemon has not read it yet"
    age = (now - standing.read_at).total_seconds() if standing.read_at else 0.0
    old = f" (read {about(age)} ago)" if age >= _OLD else ""
    return money(standing.balance, standing.unit) + old


def _end(plan: Plan, now: datetime) -> str:
    left, at = plan.days_left, plan.ends_at(now)
    if left is None:
        return "unknown, as the balance is"
    if left <= 0:
        return "now: it is at its floor or under it"
    if at is None:
        return "not within a century"
    return f"{minute(at)} UTC, in {about(float(left) * 86400)}"


def _top_up(plan: Plan) -> str:
    for_days = f"for {plan.days} days"
    if plan.top_up is None:
        needed = money(rounded_up(plan.needed), plan.standing.unit)
        return f"{for_days} a balance of {needed} is needed"
    if not plan.top_up:
        return f"{for_days} nothing has to be topped up"
    return f"{for_days} top up {money(rounded_up(plan.top_up), plan.standing.unit)}"

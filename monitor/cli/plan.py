"""`monitor plan`: what a planned usage costs, when the balance ends, what to top up."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import Container, Iterator, Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from pathlib import Path

from monitor.cli import USAGE, Refusal
from monitor.cli.balances import balances, minute, write_json, write_text
from monitor.cli.setting import Globals
from monitor.core.days import history
from monitor.core.durations import about
from monitor.core.model import Outlook, Sample
from monitor.core.phrases import by_plan, money
from monitor.core.plan import (
    PAST_DAYS,
    Past,
    Plan,
    PlanError,
    Standing,
    document,
    hours_on,
    parse_planned,
    planned_jobs,
    plans,
    rounded_up,
)
from monitor.core.replay import new_book
from monitor.core.settings import Account, Settings
from monitor.core.words import amount
from monitor.history import Archive
from monitor.store import NewerSchemaError, StoreError

_OLD = 3600.0  # seconds after which the age of a balance is said
_PAST = timedelta(days=PAST_DAYS)
_BEFORE = timedelta(days=1)  # what teaches the ledger what is usual, but is not counted


def run(options: Globals, jobs: Sequence[str], *, days: int, output_format: str) -> int:
    """Print the plan of every account that has one."""
    settings = options.loader(need_secrets=False)()
    now = datetime.now(UTC).replace(microsecond=0)
    try:
        planned = planned_jobs(settings.accounts, [parse_planned(j) for j in jobs])
        found = plans(settings.accounts, planned, _standings(settings, planned, now), days=days)
    except PlanError as error:
        raise Refusal(str(error), USAGE) from error
    if output_format == "json":
        write_json(document(found, days=days, now=now))
    else:
        write_text("\n\n".join("\n".join(_lines(p, now)) for p in found) + "\n")
    return 0


def _standings(settings: Settings, planned: Container[str], now: datetime) -> dict[str, Standing]:
    """How each planned account stands; empty where the store has none, or cannot be read."""
    if not Path(settings.database).exists():
        return {}
    try:
        return asyncio.run(_stored(settings, planned, now))
    except NewerSchemaError:
        raise
    except StoreError as error:
        sys.stderr.write(f"the balance is unknown: {error}\n")
        return {}


async def _stored(
    settings: Settings, planned: Container[str], now: datetime
) -> dict[str, Standing]:
    from monitor.stored import stored_snapshot

    # The plan is taken out of the forecast: it would agree with itself.
    bare = tuple(replace(a, usage={}) for a in settings.accounts)
    views = (await stored_snapshot(replace(settings, accounts=bare))).views
    found = {}
    for name, (account, _) in balances(settings).items():
        view = views[name]
        if account.name in planned and view.balance is not None:
            past = await _past(settings, account, name, view.outlook, now)
            found[account.name] = Standing(view.balance, view.last_success, view.unit, past)
    return found


async def _past(
    settings: Settings, account: Account, target: str, outlook: Outlook | None, now: datetime
) -> Past | None:
    """What the last days burned, and where that leads."""
    samples: list[Sample] = []
    since = now - _PAST
    await Archive(settings.database).each(target, samples.append, now=now, since=since - _BEFORE)
    seen = [s.at for s in samples if s.balance is not None]
    total = history(target, samples, new_book(account), since=since).total
    if outlook is None or total is None or not seen:
        return None
    watched = (seen[-1] - max(since, seen[0])) / timedelta(days=1)
    return Past(outlook, max(Decimal(0), total.spent - total.refunded), Decimal(watched))


def _lines(plan: Plan, now: datetime) -> Iterator[str]:
    unit, cost = plan.standing.unit, plan.cost_per_day
    yield f"{plan.account}: {money(cost, unit)} a day"
    column = max((len(j.job) for j in plan.jobs), default=0)
    for job in plan.jobs:
        sum_ = f"{amount(job.per_day)} a day x {amount(job.price)} = {amount(job.cost_per_day)}"
        yield f"  {job.job:<{column}}  {sum_}, {_for_days(plan, job.cost_per_day * plan.days)}"
    yield f"  balance   {_balance(plan, now)}, floor {amount(plan.floor)}"
    yield f"  it ends   {_end(plan, now)}"
    yield f"  {_top_up(plan)}"
    yield from _history(plan, now)


def _for_days(plan: Plan, cost: Decimal) -> str:
    return f"{amount(cost)} for {_days(plan.days)}"


def _days(days: int) -> str:
    return "1 day" if days == 1 else f"{days} days"


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
    if not plan.cost_per_day:
        return "never: the plan spends nothing"
    if at is None:
        return "not within a century"
    return f"{minute(at)} UTC, in {about(float(left) * 86400)}"


def _top_up(plan: Plan) -> str:
    for_days = f"for {_days(plan.days)}"
    if plan.top_up is None:
        needed = money(rounded_up(plan.needed), plan.standing.unit)
        return f"{for_days} a balance of {needed} is needed"
    if not plan.top_up:
        return f"{for_days} nothing has to be topped up"
    return f"{for_days} top up {money(rounded_up(plan.top_up), plan.standing.unit)}"


# -- beside it: history ---------------------------------------------------------------------


def _history(plan: Plan, now: datetime) -> Iterator[str]:
    past = plan.standing.past
    if past is None:
        return
    burned = plan.past_per_day
    yield f"  history   {_burned(plan, past)}{_present(past.outlook)}"
    if past.outlook.p50 is not None:
        yield f"            {_by_history(past.outlook, now)}"
    if plan.past_top_up:
        more = money(rounded_up(plan.past_top_up), plan.standing.unit)
        yield f"            for {_days(plan.days)} at that pace top up {more}"
    if plan.far_off and burned is not None:
        yield f"  note      {_planned(plan)}; {_span(past)} burned {amount(burned)} a day"


def _burned(plan: Plan, past: Past) -> str:
    burned = plan.past_per_day
    if burned is None:
        return f"too short to say: {about(float(past.days) * 86400)} watched"
    return f"{_span(past)} burned {money(burned, plan.standing.unit)} a day"


def _span(past: Past) -> str:
    if past.days > PAST_DAYS - Decimal("0.5"):
        return f"the last {PAST_DAYS} days"
    return f"the {about(float(past.days) * 86400).removeprefix('about ')} that were watched"


def _present(outlook: Outlook) -> str:
    burn = outlook.burn_per_hour
    return "" if burn is None else f", {amount(burn)} an hour at present{by_plan(outlook)}"


def _by_history(outlook: Outlook, now: datetime) -> str:
    likely = hours_on(now, outlook.p50)
    if outlook.p50 is not None and outlook.p50 <= 0:
        return "it has ended: it is at its floor or under it"
    if likely is None:
        return "it does not end: hardly anything burns"
    early = hours_on(now, outlook.p25)
    cautious = f"; at a cautious estimate (P25) {_when(early, now)}" if early else ""
    return f"it ends {_when(likely, now)}, as likely as not (P50){cautious}"


def _when(at: datetime, now: datetime) -> str:
    return f"{minute(at)} UTC, in {about((at - now).total_seconds())}"


def _planned(plan: Plan) -> str:
    cost = money(plan.cost_per_day, plan.standing.unit)
    if len(plan.jobs) != 1:
        return f"you plan {cost} a day"
    return f"you plan {amount(plan.jobs[0].per_day)} a day, {cost}"

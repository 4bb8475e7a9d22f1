"""`monitor history`: a balance, what each day spent, top-ups; beside the running daemon."""

from __future__ import annotations

import asyncio
import csv
import sys
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

from monitor.cli import USAGE, Refusal
from monitor.cli.balances import balances, no_such_balance, write_json, write_text
from monitor.cli.drawing import bar, chart
from monitor.cli.setting import Globals
from monitor.cli.terminal import colour, width
from monitor.core.days import Day, History, document, history
from monitor.core.durations import parse_duration
from monitor.core.figures import instant, number
from monitor.core.model import Sample, TargetRecord
from monitor.core.phrases import money
from monitor.core.replay import new_book, plain_account
from monitor.core.settings import Settings
from monitor.core.words import amount
from monitor.history import Archive
from monitor.store import StoreError

_BEFORE = timedelta(days=7)  # what teaches the ledger what is usual, but is not shown
_BAR = 30  # columns at most
_OLDEST = datetime(1970, 1, 1, tzinfo=UTC)


def run(options: Globals, target: str, *, since: str, output_format: str) -> int:
    """Print a balance's history."""
    now = datetime.now(UTC)
    edge = _since(since, now)
    settings = options.loader(need_secrets=False)()
    found = asyncio.run(_read(settings, target, edge, now))
    if output_format == "json":
        write_json(document(found))
    elif output_format == "csv":
        _write_csv(found)
    else:
        lines = _lines(found, since, width=width(), colour=colour(sys.stdout))
        write_text("\n".join(lines) + "\n")
    return 0


def _since(text: str, now: datetime) -> datetime:
    try:
        return max(_OLDEST, now - timedelta(seconds=parse_duration(text)))
    except OverflowError:
        return _OLDEST
    except ValueError as error:
        raise Refusal(f"--since: {error}", USAGE) from error


async def _read(settings: Settings, target: str, since: datetime, now: datetime) -> History:
    """Balances of accounts that the config no longer has are kept, and can be read too."""
    archive, known = Archive(settings.database), balances(settings)
    records = await _records(archive, now, must=target in known)
    stored = [name for name in records if name.endswith("/balance")]
    if target not in known and target not in stored:
        raise no_such_balance(target, {*known, *stored})
    account = known[target][0] if target in known else plain_account()
    samples: list[Sample] = []
    await archive.each(target, samples.append, now=now, since=since - _BEFORE)
    record = records.get(target)
    return history(
        target,
        samples,
        new_book(account),
        since=since,
        unit=record.unit if record is not None else None,
        floor=account.floor,
    )


async def _records(archive: Archive, now: datetime, *, must: bool) -> dict[str, TargetRecord]:
    """What is stored; without a database nothing, unless it must be there."""
    try:
        return await archive.records(now)
    except StoreError:
        if must:
            raise
        return {}


def _write_csv(found: History) -> None:
    out = csv.writer(sys.stdout, lineterminator="\n")
    out.writerow(("at", "balance"))
    for sample in found.samples:
        balance = number(sample.balance)
        out.writerow((instant(sample.at), "" if balance is None else balance))


def _lines(found: History, since: str, *, width: int, colour: bool) -> Iterator[str]:
    points = [(s.at, float(s.balance)) for s in found.samples if s.balance is not None]
    total = found.total
    if not points or total is None or found.end is None or found.start is None:
        yield f"{found.target}: nothing was read within {since}; --since looks further back"
        return
    paint = _green if colour else str
    yield f"{found.target}: {money(found.end, found.unit)}, {len(points)} samples"
    yield ""
    for line in chart(points, floor=float(found.floor), width=width):
        yield paint(line)
    yield from ("", "per day (UTC)")
    most = max(float(d.spent) for d in found.days)
    room = max(len(amount(d.spent)) for d in found.days)
    across = max(5, min(_BAR, width - room - 60))
    for day in found.days:
        drawn = paint(f"{bar(float(day.spent), most, across):<{across}}")
        yield f"  {day.day:%a %Y-%m-%d}  {amount(day.spent):>{room}} {drawn}{_marks(day)}".rstrip()
    yield from ("", _sum(found, total))


def _green(text: str) -> str:
    return f"\x1b[32m{text}\x1b[0m"


def _marks(day: Day) -> str:
    """What else became of the balance that day."""
    marks = []
    if day.topped_up:
        marks.append(f"▲ topped up {amount(day.topped_up)}")
    if day.refunded:
        marks.append(f"refunded {amount(day.refunded)}")
    if day.adjusted:
        marks.append(f"adjusted {amount(day.adjusted)}")
    return f"  {', '.join(marks)}" if marks else ""


def _sum(found: History, total: Day) -> str:
    parts = [f"{amount(total.spent)} spent"]
    parts += [f"{amount(total.refunded)} refunded"] if total.refunded else []
    parts += [f"{amount(total.topped_up)} topped up"] if total.topped_up else []
    parts += [f"{amount(total.adjusted)} adjusted"] if total.adjusted else []
    start, end = amount(found.start or 0), amount(found.end or 0)
    return f"from {start} to {end}: {', '.join(parts)}"

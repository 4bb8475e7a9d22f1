"""`monitor history`: a balance, when it is spent, what is ahead; beside the running daemon."""

from __future__ import annotations

import asyncio
import csv
import sys
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta, tzinfo

from monitor.cli import USAGE, Refusal
from monitor.cli.balances import balances, no_such_balance, write_json, write_text
from monitor.cli.choices import HistoryBy
from monitor.cli.drawing import in_ascii, painter
from monitor.cli.setting import Globals, Known
from monitor.cli.terminal import colour, draws, width
from monitor.core.days import first_of_month, midnight
from monitor.core.durations import parse_duration
from monitor.core.figures import instant, number
from monitor.core.model import Outlook, TargetRecord
from monitor.core.past import Past, document
from monitor.core.settings import Settings
from monitor.history import Archive
from monitor.recall import Wanted, recall
from monitor.store import StoreError

_OLDEST = datetime(1970, 1, 1, tzinfo=UTC)
_SPANS: dict[
    HistoryBy, tuple[Callable[[datetime], datetime], Callable[[datetime], str | None]]
] = {
    HistoryBy.HOUR: (lambda local: local, instant),
    HistoryBy.DAY: (midnight, lambda local: f"{local:%Y-%m-%d}"),
    HistoryBy.MONTH: (first_of_month, lambda local: f"{local:%Y-%m}"),
}


@dataclass(frozen=True, slots=True)
class Asked:
    """The command's options."""

    target: str
    since: str
    output_format: str
    timezone: str | None = None
    by: HistoryBy | None = None


def run(options: Globals, asked: Asked) -> int:
    """Print a balance's history."""
    now = datetime.now(UTC)
    since = _since(asked.since, now)
    if asked.by is not None and asked.output_format != "csv":
        raise Refusal("--by: only with --format csv", USAGE)
    zone = None if asked.timezone is None else _zone(asked.timezone)
    known = options.known()
    found = asyncio.run(_read(known, asked.target, since, zone or known.settings.timezone, now))
    known.warn("what follows knows no floor, no jobs and no plan")
    if asked.output_format == "json":
        write_json(document(found))
    elif asked.output_format == "csv":
        _write_csv(found, asked.by)
    else:
        _write_text(found, asked.since)
    return 0


def _since(text: str, now: datetime) -> datetime:
    try:
        return max(_OLDEST, now - timedelta(seconds=parse_duration(text)))
    except OverflowError:
        return _OLDEST
    except ValueError as error:
        raise Refusal(f"--since: {error}", USAGE) from error


def _zone(name: str) -> tzinfo:
    from monitor.config.readers import Wrong
    from monitor.config.zones import zone_of

    try:
        return zone_of(name)
    except Wrong as error:
        raise Refusal(f"--timezone: {error}", USAGE) from error


async def _read(on_disk: Known, target: str, since: datetime, zone: tzinfo, now: datetime) -> Past:
    """Balances of accounts that the config no longer has are kept, and can be read too."""
    settings = on_disk.settings
    archive, known = Archive(settings.database), balances(settings)
    records = await _records(archive, now, must=target in known)
    if not records and on_disk.broken is not None:  # nothing is known of any balance
        raise on_disk.broken
    stored = [name for name in records if name.endswith("/balance")]
    if target not in known and target not in stored:
        raise no_such_balance(target, {*known, *stored})
    account = known[target][0] if target in known else None
    unit = records[target].unit if target in records else None
    outlook = await _outlook(settings, target) if account is not None else None
    return await recall(
        archive, Wanted(target, since, zone, account, unit), now=now, outlook=outlook
    )


async def _records(archive: Archive, now: datetime, *, must: bool) -> dict[str, TargetRecord]:
    """What is stored; without a database nothing, unless it must be there."""
    try:
        return await archive.records(now)
    except StoreError:
        if must:
            raise
        return {}


async def _outlook(settings: Settings, target: str) -> Outlook | None:
    """The forecast as the daemon has it: it remembers more than the samples that are shown."""
    from monitor.stored import stored_snapshot

    view = (await stored_snapshot(settings)).views.get(target)
    return None if view is None else view.outlook


def _write_csv(found: Past, by: HistoryBy | None) -> None:
    out = csv.writer(sys.stdout, lineterminator="\n")
    if by is None:
        out.writerow(("at", "balance"))
        for sample in found.history.samples:
            balance = number(sample.balance)
            out.writerow((instant(sample.at), "" if balance is None else balance))
        return
    out.writerow(("at", "spent", "refunded", "topped_up", "adjusted"))
    begin_of, said = _SPANS[by]
    for span in found.history.by(begin_of):
        figures = (span.spent, span.refunded, span.topped_up, span.adjusted)
        out.writerow((said(span.at), *map(number, figures)))


def _write_text(found: Past, since: str) -> None:
    from monitor.cli.report import report

    paint = painter(colour(sys.stdout))
    text = "\n".join(report(found, since, width=width(), paint=paint)) + "\n"
    write_text(text if draws(sys.stdout.encoding) else in_ascii(text))

"""A balance's past out of the archive, for the command line and for the page."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta, tzinfo

from monitor.core.burners import jobs_reported
from monitor.core.days import History, history
from monitor.core.hours import Hour
from monitor.core.model import Outlook, Sample
from monitor.core.past import WEEKS, Past, document, past, pattern_since
from monitor.core.pattern import Pattern, pattern
from monitor.core.replay import new_book, plain_account
from monitor.core.settings import Account
from monitor.core.snapshot import Snapshot
from monitor.history import Archive
from monitor.store import StoreError

_BEFORE = timedelta(days=7)  # what teaches the ledger what is usual, but is not shown
_FRESH = timedelta(minutes=10)
_SAMPLES = timedelta(days=14)  # of which the page gives every single one; hours before


@dataclass(frozen=True, slots=True)
class Wanted:
    """What is to be recalled."""

    target: str
    since: datetime
    zone: tzinfo
    account: Account | None = None  # None: the config does not have it
    unit: str | None = None
    samples_from: datetime | None = None  # before it hours stand for samples, even kept ones


async def recall(
    archive: Archive, wanted: Wanted, *, now: datetime, outlook: Outlook | None = None
) -> Past:
    """Read and fold it, the folding in a thread. Without `outlook` it is worked out from this.

    Raises StoreError.
    """
    first = max(wanted.since, wanted.samples_from or wanted.since)
    samples: list[Sample] = []
    await archive.each(wanted.target, samples.append, now=now, since=first - _BEFORE)
    kept = await archive.hours(wanted.target, pattern_since(wanted.since, wanted.zone, now), now)
    account, _, _ = wanted.target.rpartition("/")
    told = await archive.jobs_reported(account, wanted.since)
    spending = {hour.at: hour.spent for hour in kept}
    found = await asyncio.to_thread(_fold, wanted, samples, kept, now, outlook)
    return replace(found, burners=jobs_reported(told, spending, since=wanted.since))


def _fold(
    wanted: Wanted,
    samples: list[Sample],
    kept: tuple[Hour, ...],
    now: datetime,
    outlook: Outlook | None,
) -> Past:
    account = wanted.account or plain_account()
    book = new_book(account)
    found: History = history(
        wanted.target,
        samples,
        book,
        since=wanted.since,
        kept=kept,
        samples_from=wanted.samples_from,
        unit=wanted.unit,
        floor=account.floor,
        zone=wanted.zone,
    )
    if outlook is None and samples:
        outlook = book.outlook(now)
    return past(found, kept, since=wanted.since, now=now, outlook=outlook)


class Recollection:
    """What the page shows of the past, read beside the writer of the database.

    One look at the disk at a time, however many people look; what is folded and written is so in
    threads, and bounded, so that no probe waits for somebody who asks for years.
    """

    def __init__(self, archive: Archive, snapshot_of: Callable[[], Snapshot]) -> None:
        self._archive, self._snapshot_of = archive, snapshot_of
        self._known: dict[tuple[str, str], tuple[datetime, Pattern]] = {}
        self._reading = asyncio.Lock()

    async def document(self, target: str, since: datetime) -> Mapping[str, object] | str:
        """A target's past for strict JSON, or why it cannot be had."""
        snapshot = self._snapshot_of()
        view = snapshot.views[target]
        wanted = Wanted(
            target=target,
            since=since,
            zone=snapshot.settings.timezone,
            account=snapshot.settings.account(view.account),
            unit=view.unit,
            samples_from=snapshot.at - _SAMPLES,
        )
        try:
            async with self._reading:
                it = await recall(self._archive, wanted, now=snapshot.at, outlook=view.outlook)
                return await asyncio.to_thread(document, it)
        except StoreError as error:
            return str(error)

    async def patterns(self, targets: Sequence[str]) -> Mapping[str, Pattern]:
        """When these balances are spent; without those whose hours cannot be read."""
        snapshot = self._snapshot_of()
        zone = snapshot.settings.timezone
        async with self._reading:
            found = {t: await self._pattern(t, zone, snapshot.at) for t in targets}
        return {target: drawn for target, drawn in found.items() if drawn is not None}

    async def _pattern(self, target: str, zone: tzinfo, now: datetime) -> Pattern | None:
        """Kept for a while: a browser asks every few seconds."""
        key = target, str(zone)
        at, drawn = self._known.get(key, (None, None))
        if at is not None and abs(now - at) < _FRESH:
            return drawn
        since = now - timedelta(weeks=WEEKS)
        try:
            hours = await self._archive.hours(target, since, now)
        except StoreError:
            return drawn
        drawn = await asyncio.to_thread(pattern, hours, zone, now=now, since=since)
        self._known[key] = now, drawn
        return drawn

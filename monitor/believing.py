"""A suspect balance is asked again, and believed for alerting when the answers agree."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from decimal import Decimal

from monitor.asking import Asker
from monitor.clock import Clock
from monitor.core.model import Finding
from monitor.core.settings import Account, TargetSettings
from monitor.keeping import Keeper
from monitor.logs import Log
from monitor.memory import Memory
from monitor.noticing import Noticer

log = Log("monitor.pipeline")

REPEATS = (5.0, 10.0, 20.0)  # seconds until a suspect balance is asked again
Ask = Callable[[TargetSettings], Awaitable[Finding]]


class Believer:
    """Asks again what is hard to believe: a sudden 0, a tenfold rise."""

    def __init__(
        self,
        memory: Memory,
        clock: Clock,
        *,
        asker: Asker,
        noticer: Noticer,
        keeper: Keeper,
        repeats: tuple[float, ...],
    ) -> None:
        self._memory, self._clock, self._asker = memory, clock, asker
        self._noticer, self._keeper, self._repeats = noticer, keeper, repeats

    async def ask(self, settings: TargetSettings) -> Finding:
        """One answer; one whose unit is odd counts as not read until it is believed."""
        return self._noticer.screen(settings.target.name, await self._asker.ask(settings))

    async def believed(
        self, settings: TargetSettings, account: Account, finding: Finding
    ) -> Finding:
        """Ask a suspect balance again after 5, 10 and 20 s; believed when these agree."""
        target = settings.target.name
        read: list[Decimal] = []
        for wait in self._repeats:
            book, now = self._memory.books.get(target), self._clock.now()
            if self._noticer.another(target, finding):
                return finding  # the book is of another unit
            if finding.balance is None or book is None or not book.suspect(now, finding.balance):
                return finding
            read.append(finding.balance)
            log.info("suspect balance, asking again", target=target, seconds=wait)
            book.update(now, finding.balance)
            self._memory.see(target, None)  # whoever looks meanwhile sees that it is doubted
            self._keeper.checkpoint_next(target)
            await self._clock.sleep(wait)
            if self._asker.waits(target)[0]:
                return finding
            finding = await self.ask(settings)
        book = self._memory.books.get(target)
        near = account.dearest_job or Decimal(0)
        agreed = finding.balance is not None and _agree(finding.balance, read, near)
        if self._noticer.another(target, finding):
            return finding
        if finding.balance is not None and book is not None and agreed:
            book.believe(self._clock.now(), finding.balance)
        return finding


def _agree(last: Decimal, read: list[Decimal], job: Decimal) -> bool:
    """Whether the repeats tell the same, but for what a job may have moved meanwhile."""
    return all(abs(last - other) <= max(abs(other) / 10, job) for other in read)

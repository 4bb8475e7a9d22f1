"""One balance's ledger and forecast together: samples in, entries, totals and an outlook out."""

from __future__ import annotations

from datetime import UTC, datetime
from decimal import Decimal

from monitor.core.book_state import UnknownState, pack, unpack
from monitor.core.forecast import Forecast
from monitor.core.forecast_outlook import Standing, outlook
from monitor.core.ledger import Entry, EntryKind, Ledger, Pace
from monitor.core.model import Outlook, Totals

__all__ = ["Book", "Entry", "EntryKind", "UnknownState"]

_LOW_AFTER = 2  # further samples that agree on a low value before P10 follows it
_NOT_A_VALUE = (EntryKind.UNREAD, EntryKind.IGNORED)


class Book:
    """What is known of one balance.

    A mutable object, unlike the rest of the core: every sample changes a hundred numbers of it,
    and copying them each time would cost more than all the work done. It is bounded: ten years of
    samples take no more room, and no more time for each, than a day's.
    """

    __slots__ = ("_believed", "_floor", "_forecast", "_job", "_ledger", "_plan", "_shown")

    def __init__(self, *, floor: Decimal, job_max: Decimal | None, planned_burn: Decimal) -> None:
        """Begin empty. `job_max`: the dearest price, None: learned; `planned_burn` per hour."""
        self._ledger, self._forecast = Ledger(), Forecast()
        self._shown: Decimal | None = None  # what rules see while the ledger still doubts it
        self._believed = False  # and confirmed, so that the outlook follows it too
        self.configure(floor=floor, job_max=job_max, planned_burn=planned_burn)

    def configure(self, *, floor: Decimal, job_max: Decimal | None, planned_burn: Decimal) -> None:
        """Take new settings after a reload; what was learned stays."""
        self._floor = floor
        self._plan = max(0.0, float(planned_burn))
        self._job = float(job_max) if job_max is not None and job_max > 0 else None

    def update(self, at: datetime, balance: Decimal | None) -> Entry:
        """Fold in one sample, None: a probe that could not read. Never raises for a finite one."""
        pace, seconds = self._pace(), at.timestamp()
        before = self._ledger.suspect
        entry = self._ledger.enter(seconds, balance, pace)
        if entry.burn is not None:
            self._forecast.learn(entry.since, seconds, entry.burn, job=pace.job)
        if balance is not None and entry.kind not in _NOT_A_VALUE:
            self._follow(at, balance, new=self._ledger.suspect is not before)
        return entry

    def _follow(self, at: datetime, balance: Decimal, *, new: bool) -> None:
        """What rules and the outlook see while the ledger doubts the newest sample."""
        doubted = self._ledger.suspect is not None
        if new or not doubted:
            self._shown, self._believed = None, False
        if doubted and not self.suspect(at, balance):
            self._shown = balance

    def suspect(self, at: datetime, balance: Decimal) -> bool:
        """Whether alerting should ask again before it believes this.

        A fall to nothing from more than one job's price, or a tenfold rise. Narrower than what the
        ledger doubts before it learns: a balance that is low but not gone is told at once.
        """
        accepted = self.accepted
        if accepted is None:
            return False
        pace, fall = self._pace(), float(accepted - balance)
        if fall <= 0:
            return self._ledger.leaps(-fall, pace)
        return balance <= 0 and float(accepted) > pace.job

    def believe(self, at: datetime, balance: Decimal) -> None:
        """Alerting has confirmed it by quick repeats: it is shown and judged from now on.

        What it teaches the forecast follows the ledger's slower rule.
        """
        self.update(at, balance)  # a duplicate, where it has been folded in already, is ignored
        doubted = self._ledger.suspect
        if doubted is not None and doubted.last == balance:
            self._shown, self._believed = balance, True

    @property
    def accepted(self) -> Decimal | None:
        """The balance that rules and messages speak of; None: none was ever read."""
        return self._ledger.balance if self._shown is None else self._shown

    @property
    def last_at(self) -> datetime | None:
        """When the last sample folded in was read; None before the first."""
        if self._ledger.balance is None:
            return None
        return datetime.fromtimestamp(self._ledger.seen_at, UTC)

    @property
    def totals(self) -> Totals:
        """The ledger's sums, up to the accepted balance."""
        return self._ledger.totals(self.accepted)

    def outlook(self, now: datetime) -> Outlook:
        """Burn and runway at `now`."""
        ledger, doubted, low = self._ledger, self._ledger.suspect, None
        balance, shown = ledger.balance, self._shown
        follows = shown is not None and (self._believed or shown <= self._floor)
        if follows:
            balance = shown
        if balance is None:
            return Outlook(None, None, None, None, None)
        if doubted is not None and doubted.further >= _LOW_AFTER and doubted.last < balance:
            low = float(doubted.last - self._floor)
        standing = Standing(
            at=ledger.seen_at if follows else ledger.at,
            left=float(balance - self._floor),
            low=low,
            drops=ledger.drops,
            job=self._pace_job(),
            plan=self._plan,
        )
        return outlook(self._forecast, standing, now.timestamp())

    def dump(self) -> bytes:
        """The state, for the store; `load` reads it back exactly."""
        return pack(self._ledger, self._forecast, self._shown, self._believed)

    @classmethod
    def load(
        cls, data: bytes, *, floor: Decimal, job_max: Decimal | None, planned_burn: Decimal
    ) -> Book:
        """The book that was dumped. Raises UnknownState, a ValueError: fold history again."""
        book = cls(floor=floor, job_max=job_max, planned_burn=planned_burn)
        book._ledger, book._forecast, book._shown, book._believed = unpack(data)
        return book

    def _pace_job(self) -> float:
        return self._ledger.learned_job if self._job is None else self._job

    def _pace(self) -> Pace:
        return self._forecast.pace(self._pace_job())

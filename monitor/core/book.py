"""One balance's ledger and forecast together: samples in, entries, totals and an outlook out."""

from __future__ import annotations

from datetime import UTC, datetime
from decimal import Decimal

from monitor.core.accuracy import Ending, Hindsight, Turn, mark
from monitor.core.book_state import Parts, UnknownState, pack, unpack
from monitor.core.crossing import Ahead, Batch
from monitor.core.forecast import Forecast
from monitor.core.forecast_outlook import Standing, ahead, outlook
from monitor.core.ledger import Entry, EntryKind, Ledger, Pace, Suspect
from monitor.core.model import Outlook, Totals
from monitor.core.renewal import LATE, Renewal
from monitor.core.scorebook import Scorebook

__all__ = ["Book", "Entry", "EntryKind", "UnknownState"]

_ZERO = Decimal(0)
_LOW_AFTER = 2  # further samples that agree on a low value before P10 follows it
_NOT_A_VALUE = (EntryKind.UNREAD, EntryKind.IGNORED)
_USUAL = (EntryKind.UNCHANGED, EntryKind.SPENT)


class Book:
    """What is known of one balance.

    A mutable object, unlike the rest of the core: every sample changes a hundred numbers of it,
    and copying them each time would cost more than all the work done. It is bounded: ten years of
    samples take no more room, and no more time for each, than a day's.
    """

    __slots__ = ("_batch", "_believed", "_floor", "_forecast", "_job", "_ledger", "_past", "_plan",
                 "_renewal", "_scores", "_shown", "_told")  # fmt: skip

    def __init__(self, *, floor: Decimal, job_max: Decimal | None, planned_burn: Decimal) -> None:
        """Begin empty. `job_max`: the dearest price, None: learned; `planned_burn` per hour."""
        self._ledger, self._forecast, self._scores = Ledger(), Forecast(), Scorebook()
        self._shown: Decimal | None = None  # what rules see while the ledger still doubts it
        self._believed = False  # and confirmed, so that the outlook follows it too
        self._told: tuple[float, Outlook] | None = None  # the last outlook, and its moment
        self._renewal: Renewal | None = None  # what the provider tells of the next one
        self._batch = Batch()
        self._past: Renewal | None = None  # and told of the one before: its rise may be late
        self.configure(floor=floor, job_max=job_max, planned_burn=planned_burn)

    def configure(self, *, floor: Decimal, job_max: Decimal | None, planned_burn: Decimal) -> None:
        """Take new settings after a reload; what was learned stays."""
        self._floor, self._told = floor, None
        self._scores.configure(float(floor))
        self._plan = max(0.0, float(planned_burn))
        self._job = float(job_max) if job_max is not None and job_max > 0 else None

    def update(self, at: datetime, balance: Decimal | None) -> Entry:
        """Fold in one sample, None: a probe that could not read. Never raises for a finite one."""
        pace, seconds = self._pace(), at.timestamp()
        before, since, self._told = self._ledger.suspect, self._ledger.at, None
        entry = self._ledger.enter(seconds, balance, pace, self._renewal_at(seconds))
        if entry.burn is not None:
            until = seconds if entry.until is None else entry.until
            self._forecast.learn(entry.since, until, entry.burn, job=pace.job)
            self._batch.add(entry.since, until, entry.burn)
        if balance is not None and entry.kind not in _NOT_A_VALUE:
            self._follow(at, balance, new=self._ledger.suspect is not before)
            if self._ledger.suspect is None:
                self._score(entry, seconds, since, before)
        return entry

    def renew(self, told: Renewal | None) -> None:
        """Take what a reading told of the next renewal, after its sample. None: nothing.

        It is not part of the state: who loads a book tells it again.
        """
        if told == self._renewal:
            return
        if self._renewal is not None and (told is None or told.at > self._renewal.at):
            self._past = self._renewal
        self._renewal, self._told = told, None

    def _renewal_at(self, at: float) -> Renewal | None:
        """The renewal that a sample at `at` may show."""
        if self._past is not None and at > self._past.at + LATE:
            self._past = None
        return self._past or self._renewal

    def _score(self, entry: Entry, at: float, since: float, doubted: Suspect | None) -> None:
        """What an accepted sample says of earlier forecasts; what is forecast from here on."""
        balance = self._ledger.balance or _ZERO
        left = balance - self._floor
        if left <= 0 or entry.kind not in _USUAL:
            self._turn(entry, at, since, doubted)
        if left > 0 and self._scores.due(at):
            standing = self._standing(balance, at, None)
            self._told = at, self._outlook(at)  # who asks for it next need not wait
            said = mark(self._forecast, standing, self._told[1])
            if said is not None:
                self._scores.keep(said)

    def _turn(self, entry: Entry, at: float, since: float, doubted: Suspect | None) -> None:
        """What ends the time that earlier forecasts spoke of, or takes such an end back."""
        scores, balance, amount = self._scores, self._ledger.balance or _ZERO, entry.amount
        left = balance - self._floor
        kind = entry.kind
        if kind is EntryKind.TOPPED_UP or (kind is EntryKind.ADJUSTED and amount > 0):
            before = balance - amount
            turn = Turn(at, _seen(doubted, entry, at), since, float(before - self._floor))
            scores.credited(turn, blind=before < self._pace_job())
        elif kind is EntryKind.ADJUSTED:
            scores.corrected()
        elif kind is EntryKind.SPENT and left + amount > 0:
            gone = doubted is not None and doubted.balance <= self._floor
            seen = _seen(doubted, entry, at) if gone else at
            scores.ran_out(Turn(at, seen, since, float(left)))
        elif left > 0:
            scores.refunded()
        else:
            scores.stands(at)

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
            self._shown, self._believed, self._told = balance, True, None

    @property
    def accepted(self) -> Decimal | None:
        """The balance that rules and messages speak of; None: none was ever read."""
        return self._ledger.balance if self._shown is None else self._shown

    @property
    def doubted(self) -> tuple[Decimal, datetime] | None:
        """What was read last, and since when, while `accepted` is still the balance before it."""
        found = self._ledger.suspect
        if found is None or found.last == self.accepted:
            return None
        return found.last, datetime.fromtimestamp(found.at, UTC)

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
        seconds = now.timestamp()
        if self._told is None or self._told[0] != seconds:
            self._told = seconds, self._outlook(seconds)
        return self._told[1]

    def ahead(self, line: Decimal, now: datetime) -> Ahead | None:
        """What may become of it above `line`; None: no balance was ever read.

        Nothing is left while a reading is doubted: the forecast speaks of the balance before,
        until it is booked.
        """
        balance, ledger, seconds = self.accepted, self._ledger, now.timestamp()
        if balance is None:
            return None
        if ledger.suspect is not None:
            return Ahead(0.0)
        standing = self._standing(balance, ledger.at, None, floor=max(line, self._floor))
        return ahead(self._forecast, standing, self._batch.to_come(seconds), seconds)

    def _outlook(self, now: float) -> Outlook:
        ledger, doubted, low = self._ledger, self._ledger.suspect, None
        balance, shown = ledger.balance, self._shown
        follows = shown is not None and (self._believed or shown <= self._floor)
        if follows:
            balance = shown
        if balance is None:
            return Outlook(None, None, None, None, None)
        if doubted is not None and doubted.further >= _LOW_AFTER and doubted.last < balance:
            low = float(doubted.last - self._floor)
        at = ledger.seen_at if follows else ledger.at
        return outlook(self._forecast, self._standing(balance, at, low), now)

    def _standing(
        self, balance: Decimal, at: float, low: float | None, *, floor: Decimal | None = None
    ) -> Standing:
        floor = self._floor if floor is None else floor
        return Standing(
            at=at,
            left=float(balance - floor),
            low=low,
            drops=self._ledger.drops,
            job=self._pace_job(),
            plan=self._plan,
            renewal=None if self._renewal is None else self._renewal.above(float(floor)),
        )

    @property
    def hindsight(self) -> tuple[Hindsight, ...]:
        """How earlier forecasts have done, by horizon; empty before the first was scored."""
        return self._scores.hindsight

    @property
    def ending(self) -> Ending | None:
        """The newest ending since this object was made; None: none, or it was taken back."""
        return self._scores.ending

    def dump(self) -> bytes:
        """The state, for the store; `load` reads it back exactly."""
        parts = Parts(self._ledger, self._forecast, self._scores, self._shown, self._believed)
        return pack(parts)

    @classmethod
    def load(
        cls, data: bytes, *, floor: Decimal, job_max: Decimal | None, planned_burn: Decimal
    ) -> Book:
        """The book that was dumped. Raises UnknownState, a ValueError: fold history again."""
        book = cls(floor=floor, job_max=job_max, planned_burn=planned_burn)
        parts = unpack(data)
        book._ledger, book._forecast, book._scores = parts.ledger, parts.forecast, parts.scorebook
        book._shown, book._believed = parts.shown, parts.believed
        book._scores.configure(float(floor))
        return book

    def _pace_job(self) -> float:
        return self._ledger.learned_job if self._job is None else self._job

    def _pace(self) -> Pace:
        return self._forecast.pace(self._pace_job())


def _seen(doubted: Suspect | None, entry: Entry, at: float) -> float:
    """When it was first seen: before `at` where it has been doubted and is believed with `at`."""
    return at if doubted is None or entry.disproved else doubted.at

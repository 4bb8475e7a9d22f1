"""What happens once: another unit, a top-up, another plan. From readings to series and notices."""

from __future__ import annotations

from dataclasses import dataclass, replace
from decimal import Decimal

from monitor.core.book import Book
from monitor.core.causes import Cause
from monitor.core.happenings import key_changed, topped_up, unit_changed
from monitor.core.keys import changes, ends_soon
from monitor.core.model import Check, Finding, Reading
from monitor.core.notice import Notice, TopUp
from monitor.core.rules import Rule, Special
from monitor.core.series import Doubt, Series, differs
from monitor.core.view import View
from monitor.core.words import clean
from monitor.logs import Log
from monitor.memory import Memory

log = Log("monitor.noticing")


@dataclass(frozen=True, slots=True)
class Before:
    """A balance as it stood before a probe."""

    view: View | None
    book: Book | None = None  # None: there was nothing in it yet
    credit: Decimal = Decimal(0)  # topped up since the ledger began


@dataclass(frozen=True, slots=True)
class Happened:
    """What one reading has brought, beside itself."""

    notices: tuple[Notice, ...] = ()
    top_ups: tuple[TopUp, ...] = ()


class Noticer:
    """Sees what happens once; the only writer of series, top-ups and notices in memory."""

    def __init__(self, memory: Memory) -> None:
        self._memory = memory
        self._doubts: dict[str, Doubt] = {}
        self._keys: dict[str, View] = {}  # as each was when it was accepted last

    def stands(self, target: str) -> Before:
        """How a target stands before it is probed."""
        book, view = self._memory.books.get(target), self._memory.views.get(target)
        if book is None or book.accepted is None:
            return Before(view)
        return Before(view, book, book.totals.topped_up)

    # -- units ------------------------------------------------------------------------------

    def screen(self, target: str, finding: Finding) -> Finding:
        """The finding; one whose unit is odd counts as not read until it is believed."""
        record = self._memory.records.get(target)
        if record is None or target not in self._memory.books:
            return finding
        if finding.balance is None:  # a refusal may name a unit: that teaches nothing
            return replace(finding, unit=None) if finding.unit else finding
        doubt = self._doubt(target).hear(record.unit, finding.unit)
        self._doubts[target] = doubt
        if not doubt.run or doubt.believed:
            return finding
        log.info("odd unit", target=target, unit=doubt.unit, known=record.unit, run=doubt.run)
        return _not_read(finding, record.unit or "", doubt)

    def _doubt(self, target: str) -> Doubt:
        """What is doubted; after a restart as far as the last reading has put it down."""
        if target in self._doubts:
            return self._doubts[target]
        reading = self._memory.records[target].reading
        facts = reading.finding.facts if reading is not None else {}
        if "odd_unit" not in facts:
            return Doubt()
        return Doubt(facts["odd_unit"], int(facts["odd_run"]), int(facts["odd_needed"]))

    def another(self, target: str, finding: Finding) -> bool:
        """Whether a finding that was let through begins another series."""
        record = self._memory.records.get(target)
        return record is not None and _begins(record.unit, finding)

    def begin(self, reading: Reading) -> tuple[Series, ...]:
        """Begin another series where a reading's unit is another; the old one stays as it is."""
        if not self.another(reading.target, reading.finding):
            return ()
        series = Series(reading.target, reading.at, reading.finding.unit or "")
        self._memory.begin(series)
        self._doubts[reading.target] = self._doubt(reading.target).over()
        log.warning("the unit of a balance has changed", target=series.target, unit=series.unit)
        return (series,)

    # -- notices ----------------------------------------------------------------------------

    def after(self, target: str, before: Before, series: tuple[Series, ...]) -> Happened:
        """What the reading that has just been folded in and seen is worth saying."""
        if before.view is None:
            return Happened()
        if target not in self._memory.books:
            return self._of_a_key(before.view, self._memory.views[target])
        if series:
            rule = self._rule("unit-changed", target)
            rules = self._memory.rules_for(target)
            view = self._memory.views[target]
            found = [unit_changed(rule, before.view, view, rules)] if rule else []
            return self._keep(tuple(found), ())
        return self._credit(target, before, before.view)

    def _credit(self, target: str, before: Before, view: View) -> Happened:
        book, now = self._memory.books[target], self._memory.views[target]
        totals = book.totals
        credit = totals.topped_up - before.credit
        known = book is before.book  # one that was loaded meanwhile has old top-ups in it
        if not known or credit <= 0 or now.evidence_at is None:
            return Happened()
        rule, last = self._rule("topped-up", target), self._memory.top_ups.get(target)
        found = [topped_up(rule, view, now, credit, totals, last)] if rule else []
        return self._keep(tuple(found), (TopUp(target, now.evidence_at, totals.spent),))

    def _of_a_key(self, before: View, now: View) -> Happened:
        """What of an accepted key is not as it was when it was accepted last."""
        if now.check is not Check.KEY or now.cause is not Cause.OK or now.evidence_at is None:
            return Happened()
        last = self._keys.get(now.target, before if before.cause is Cause.OK else None)
        self._keys[now.target] = now
        if last is None:
            return Happened()
        warned = (_warns(last), _warns(now))
        found = changes(last.facts, now.facts, warned=warned)
        rule = self._rule("key-changed", now.target)
        return self._keep((key_changed(rule, now, found),) if rule and found else (), ())

    def _keep(self, notices: tuple[Notice, ...], top_ups: tuple[TopUp, ...]) -> Happened:
        self._memory.notices.update({n.id: n for n in notices})
        self._memory.top_ups.update({t.target: t for t in top_ups})
        return Happened(notices, top_ups)

    def _rule(self, name: str, target: str) -> Rule | None:
        rules = self._memory.rules_for(target)
        return next((r for r in rules if r.name == name and isinstance(r.when, Special)), None)


def _begins(known: str | None, finding: Finding) -> bool:
    return finding.balance is not None and differs(known, finding.unit)


def _warns(key: View) -> str:
    """What a key is warned of, but for an end that comes near: that has its own rule."""
    soon = key.evidence_at is not None and ends_soon(key, key.evidence_at) is not None
    return key.summary if key.warning and not soon else ""


def _not_read(finding: Finding, known: str, doubt: Doubt) -> Finding:
    """Never shown as a balance, never learned; the run goes on after a restart."""
    odd, own = clean(doubt.unit, 20), clean(known, 20)
    words = f"the balance came in {odd}, this account's is in {own}"
    return Finding(
        Cause.ANSWER_MALFORMED,
        f"{words}: believed after {doubt.needed} readings in a row, this is number {doubt.run}",
        retry_after=finding.retry_after,
        facts={
            "odd_unit": doubt.unit,
            "odd_run": str(doubt.run),
            "odd_needed": str(doubt.needed),
        },
    )

"""Built-in rules over more than one target: the models of an account, a provider, our network."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Final

from monitor.core.blame import (
    LASTING,
    down_member,
    offline_member,
)
from monitor.core.causes import CAUSES, FAILURES, KEY_CAUSES, Cause, Standing
from monitor.core.durations import about
from monitor.core.keys import ends_soon, minute
from monitor.core.model import Check, Judgement, Verdict
from monitor.core.view import View
from monitor.core.words import WHAT

_STALE_INTERVALS, _STALE_LEAST = 3, 15.0  # intervals, seconds
_SLACK = 5.0  # seconds between a probe's end and the next one's start

Judge = Callable[[View, datetime, View | None, View | None], Judgement]


def _ok(view: View) -> Judgement:
    return Judgement(Verdict.OK, view.evidence_at, view.cause or Cause.OK)


def _unknown(view: View) -> Judgement:
    return Judgement(Verdict.UNKNOWN, view.evidence_at, view.cause or Cause.OK)


def _gone(member: View) -> bool:
    return member.standing is Standing.UNUSABLE and member.cause not in KEY_CAUSES


def _confirmed(member: View) -> bool:
    return member.cause is not None and member.streak >= CAUSES[member.cause].after


def models_exhausted(view: View, _: datetime, __: View | None, ___: View | None) -> Judgement:
    """On `ACCOUNT/model`: every model is unusable, each for as long as its cause asks for."""
    members = [m for m in view.members if m.key_cause is None]
    if any(m.standing is Standing.USABLE for m in members):
        return _ok(view)
    if not members or len(members) < len(view.members):
        return _unknown(view)
    if not all(_gone(m) and _confirmed(m) for m in members):
        return _unknown(view)
    first = members[0].cause or Cause.OK
    summary = f"no model is left: all {len(members)} are unusable ({WHAT[first]})"
    if len(members) == 1:
        summary = f"no model is left: {WHAT[first]}"
    return Judgement(Verdict.BREACH, view.evidence_at, first, summary)


def _blame(member: View, who: str) -> Judgement:
    """Breach, on the evidence of the member that shows it."""
    cause = member.cause or Cause.OK
    summary = f"{who}: {WHAT[cause]} ({member.target}, {member.failures} times in a row)"
    return Judgement(Verdict.BREACH, member.evidence_at, cause, summary)


def monitor_offline(view: View, _: datetime, __: View | None, ___: View | None) -> Judgement:
    """On `monitor/network`: nobody answers, at more than one provider."""
    member = offline_member(view)
    if member is not None:
        blamed = _blame(member, "nobody can be reached")
        return Judgement(Verdict.BREACH, blamed.evidence_at, Cause.NETWORK_OFFLINE, blamed.summary)
    return _ok(view) if view.evidence.refuted else _unknown(view)


def provider_down(view: View, _: datetime, network: View | None, __: View | None) -> Judgement:
    """On `PROVIDER/provider`: a check there fails three times and nothing there is read since."""
    if offline_member(network) is not None:
        return _unknown(view)
    member = down_member(view, network)
    if member is not None:
        return _blame(member, f"{view.provider} is down")
    return _ok(view) if view.evidence.refuted else _unknown(view)


def status_report(provider: View | None) -> str:
    """What the provider's own status page reports, of the view of `PROVIDER/provider`.

    Empty where all is well there. A page that cannot be read itself tells no `state`.
    """
    members = provider.members if provider is not None else ()
    pages = [m for m in members if m.check is Check.STATUS and m.cause is not Cause.OK]
    said = next((m.summary for m in pages if "state" in m.facts), "")
    return f"{pages[0].provider}'s status page: {said}" if said else ""


def _accepted(view: View, provider: View | None) -> bool:
    siblings = provider.members if provider is not None else ()
    return view.check is Check.KEY and accepted_elsewhere(view, siblings)


def accepted_elsewhere(key: View, siblings: tuple[View, ...]) -> bool:
    """Whether another authenticated call of the account went through in the same run.

    The same run: read after the key was asked, or within its own interval before.
    """
    return any(_vouches(sibling, key) for sibling in siblings)


def _vouches(sibling: View, key: View) -> bool:
    return _went_through(sibling, key) and not _overdue(sibling, key)


def _went_through(sibling: View, key: View) -> bool:
    if sibling.target == key.target or sibling.check is Check.STATUS or sibling.local:
        return False
    if sibling.account != key.account or sibling.key_cause is not None:
        return False
    reading = sibling.reading
    return reading is not None and reading.read and reading.cause not in KEY_CAUSES


def _overdue(sibling: View, key: View) -> bool:
    if sibling.reading is None or key.reading is None:
        return True
    return (key.reading.at - sibling.reading.at).total_seconds() > sibling.interval


def _asked_first(view: View, provider: View | None) -> bool:
    """Whether a call that went through last time is overdue: after a pause of ours the key was
    asked first, and what vouches for it is asked next."""
    siblings = provider.members if provider is not None else ()
    return view.check is Check.KEY and any(_went_through(s, view) for s in siblings)


def _larger(network: View | None, provider: View | None) -> bool:
    """Whether monitor-offline or provider-down fits: the first that fits is told."""
    return offline_member(network) is not None or down_member(provider, network) is not None


def rate_limited(
    view: View, _: datetime, network: View | None, provider: View | None
) -> Judgement:
    """The provider refuses to answer so often, three times in a row."""
    if view.read or (view.cause is Cause.RATE_LIMITED and _accepted(view, provider)):
        return _ok(view)
    if view.cause is not Cause.RATE_LIMITED or view.failures < LASTING:
        return _unknown(view)
    if _asked_first(view, provider) or _larger(network, provider):
        return _unknown(view)
    summary = f"{WHAT[Cause.RATE_LIMITED]}, {view.failures} times in a row"
    return Judgement(Verdict.BREACH, view.evidence_at, Cause.RATE_LIMITED, summary)


def balance_unreadable(
    view: View, _: datetime, network: View | None, provider: View | None
) -> Judgement:
    """A balance could not be read three times in a row, and nothing larger explains it."""
    if view.check is not Check.BALANCE:
        return _unknown(view)
    if view.read:
        return _ok(view)
    cause = view.cause
    if cause not in FAILURES or cause is Cause.RATE_LIMITED or view.failures < LASTING:
        return _unknown(view)
    if _larger(network, provider):
        return _unknown(view)
    summary = f"the balance cannot be read: {WHAT[cause]}, {view.failures} times in a row"
    return Judgement(Verdict.BREACH, view.evidence_at, cause, summary)


def stale_after(view: View) -> float:
    """Seconds without a finished probe that are our fault: three intervals, at least 15 s.

    A probe may take its whole timeout, and a provider may have asked us to stay away: neither
    is ours.
    """
    asked = view.reading.finding.retry_after if view.reading is not None else None
    own = max(_STALE_INTERVALS * view.interval, _STALE_LEAST)
    return max(own, view.interval + view.timeout + _SLACK, (asked or 0.0) + own)


def target_stale(view: View, now: datetime, __: View | None, ___: View | None) -> Judgement:
    """No probe of this target has finished for three intervals that we were there to see."""
    seen = [at for at in (view.watched_since, view.reading and view.reading.at) if at]
    if view.check is None or not seen:
        return _unknown(view)
    silent = (now - max(seen)).total_seconds()
    if silent <= stale_after(view):
        return _ok(view)
    summary = f"no probe has finished for {about(silent).removeprefix('about ')}"
    return Judgement(Verdict.BREACH, now, view.cause or Cause.OK, summary)


def store_failed(view: View, now: datetime, __: View | None, ___: View | None) -> Judgement:
    """Our own database cannot be used, or had to be begun anew."""
    trouble = view.facts.get("trouble", "")
    return Judgement(Verdict.BREACH if trouble else Verdict.OK, now, Cause.OK, trouble)


def receiver_failing(view: View, now: datetime, __: View | None, ___: View | None) -> Judgement:
    """Nothing has reached a receiver for long, though something is owed to it."""
    if view.cause is None:
        return _unknown(view)  # an attempt is under way, or has failed lately
    return store_failed(view, now, None, None)


def key_expires(view: View, now: datetime, __: View | None, ___: View | None) -> Judgement:
    """On `ACCOUNT/key`: it is accepted, and ends within a week."""
    if view.cause is not Cause.OK:
        return _unknown(view)  # an expired key is key-rejected's matter, and ends nothing here
    at = ends_soon(view, now)
    if at is None:
        return _ok(view)
    left = about(max(0.0, (at - now).total_seconds()))
    summary = f"the key expires in {left}, at {minute(at)}"
    return Judgement(Verdict.BREACH, view.evidence_at, Cause.OK, summary)


def happens_once(view: View, _: datetime, __: View | None, ___: View | None) -> Judgement:
    """What is told as a notice is never a state: nothing opens, and what stood here closes."""
    return _ok(view)


SPECIALS: Final[Mapping[str, Judge]] = {
    "models-exhausted": models_exhausted,
    "monitor-offline": monitor_offline,
    "provider-down": provider_down,
    "rate-limited": rate_limited,
    "balance-unreadable": balance_unreadable,
    "target-stale": target_stale,
    "store-failed": store_failed,
    "receiver-failing": receiver_failing,
    "key-expires": key_expires,
    "key-changed": happens_once,
    "topped-up": happens_once,
    "unit-changed": happens_once,
}

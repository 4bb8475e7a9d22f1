"""The built-in rules, as data: every user has them; the same name in `alerts` replaces one."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Final

from monitor.core.causes import CAUSES, MODEL_CAUSES, MONEY_CAUSES, Cause, Severity
from monitor.core.conditions import Both, CauseIn, Compare, Condition, Either, Special
from monitor.core.rules import Rule
from monitor.core.when import parse_when

_CRITICAL, _WARNING = Severity.CRITICAL, Severity.WARNING


def _compare(text: str) -> Compare:
    condition = parse_when(text)
    if not isinstance(condition, Compare):
        raise TypeError(f"{text!r} is no comparison")
    return condition


def _rule(name: str, on: str, when: Condition, severity: Severity, summary: str) -> Rule:
    return Rule(name, on, when, severity, builtin=True, summary=summary)


def _causes(*causes: Cause) -> CauseIn:
    return CauseIn(frozenset(causes))


_SHORT = replace(
    _rule("runway-short", "*/balance", _compare("runway < 24h"), _WARNING,
          "P25 of the runway is under 24 h for two readings; clears at 30 h"),
    clear=_compare("runway >= 30h"),
    after=2,
)  # fmt: skip
_RUNWAY_CRITICAL = replace(
    _rule("runway-critical", "*/balance",
          Both(_compare("runway < 4h"), _compare("runway(p50) < 8h")), _CRITICAL,
          "P25 of the runway is under 4 h and P50 under 8 h for two readings; "
          "clears at 5 h or 10 h"),
    clear=Either(_compare("runway >= 5h"), _compare("runway(p50) >= 10h")),
    after=2,
)  # fmt: skip
_MODEL = replace(
    _rule("model-unavailable", "*", CauseIn(MODEL_CAUSES), _WARNING,
          "a model is missing or retired (at once), not served or gated (two in a row), "
          "moved or degraded (three in a row)"),
    after_by_cause={cause: CAUSES[cause].after for cause in MODEL_CAUSES},
)  # fmt: skip
_STALE = replace(
    _rule("target-stale", "*", Special("target-stale"), _WARNING,
          "no probe of a target has finished for three intervals, at least 15 s, and none does "
          "within 30 s more: our fault, never a failing probe's"),
    for_seconds=30.0,  # a machine that slept, or a restart, gets the time to ask again
)  # fmt: skip

BUILTIN: Final[tuple[Rule, ...]] = (
    _rule("key-rejected", "*/key", _causes(Cause.KEY_REJECTED, Cause.KEY_EXPIRED), _CRITICAL,
          "the provider rejects the key, or it has expired"),
    _rule("key-lacks-permission", "*/key", _causes(Cause.KEY_LACKS_PERMISSION), _CRITICAL,
          "the key may not do what was asked of it, or what the account `needs`"),
    _rule("key-cap-reached", "*/key", _causes(Cause.KEY_CAP_REACHED), _CRITICAL,
          "the key's own spending cap is reached"),
    _rule("key-expires", "*/key", Special("key-expires"), _WARNING,
          "the key is accepted, and expires within 7 days"),
    _MODEL,
    _rule("models-exhausted", "*/model", Special("models-exhausted"), _CRITICAL,
          "no model of an account is left: each is unusable, for as long as its cause asks for"),
    _rule("credits-exhausted", "*", CauseIn(MONEY_CAUSES), _CRITICAL,
          "the provider refuses for want of credits or quota, or the balance is 0, negative or "
          "under the floor"),
    _SHORT,
    _RUNWAY_CRITICAL,
    _rule("burn-spike", "*/balance", _compare("burn > 3x usual"), _WARNING,
          "credits burn more than 3 times as fast as is usual for this account at this hour"),
    _rule("quota-high", "*/quota", _compare("quota_used >= 80%"), _WARNING,
          "80 % of a quota is used"),
    _rule("quota-critical", "*/quota", _compare("quota_used >= 95%"), _CRITICAL,
          "95 % of a quota is used"),
    _rule("rate-limited", "*", Special("rate-limited"), _WARNING,
          "the provider refuses to answer so often, three times in a row"),
    _rule("provider-down", "*/provider", Special("provider-down"), _CRITICAL,
          "three probes in a row fail by the provider's fault and nothing there is read since"),
    _rule("balance-unreadable", "*/balance", Special("balance-unreadable"), _WARNING,
          "a balance cannot be read three times in a row and nothing larger explains it"),
    _STALE,
    _rule("store-failed", "monitor/store", Special("store-failed"), _CRITICAL,
          "the database cannot be used, or was damaged and set aside; alerting goes on from "
          "memory"),
    _rule("receiver-failing", "monitor/receiver/*", Special("receiver-failing"), _WARNING,
          "no attempt to tell a receiver what it is owed has reached any of its addresses for "
          "10 minutes; told to the others"),
    _rule("monitor-offline", "monitor/network", Special("monitor-offline"), _WARNING,
          "three probes in a row fail and no provider can be reached: our own network"),
    _rule("unit-changed", "*/balance", Special("unit-changed"), _WARNING,
          "a balance is counted in another unit, in three readings in a row: a new series begins"),
    _rule("key-changed", "*/key", Special("key-changed"), _WARNING,
          "plan, role, rights or expiry of a key are no longer what they were; info where all of "
          "it is for the better"),
)  # fmt: skip

# Those that say what happened: told once by `core/notice.py`, never open. Of these the optional
# ones are in force only where the config names them.
OPTIONAL: Final[tuple[Rule, ...]] = (
    _rule("topped-up", "*/balance", Special("topped-up"), Severity.INFO,
          "credit was bought: how much, and how long it lasts"),
)  # fmt: skip
_ONCE = ("unit-changed", "key-changed", "topped-up")
NOTICES: Final[Mapping[str, Rule]] = {
    rule.name: rule for rule in (*BUILTIN, *OPTIONAL) if rule.name in _ONCE
}
EVERY: Final[tuple[Rule, ...]] = (*BUILTIN, *OPTIONAL)

DOCUMENTATION: Final[Mapping[str, str]] = {rule.name: rule.summary for rule in EVERY}

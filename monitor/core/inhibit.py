"""What keeps quiet: one cause, one message, over the incidents as they stand; and silences."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from monitor.core.causes import FAILURES, MONEY_CAUSES
from monitor.core.globs import matches
from monitor.core.model import (
    Incident,
    Silence,
    key_target,
    models_target,
    ours,
)
from monitor.core.rules import Both, CauseIn, Compare, Condition, Rule


class Topic(StrEnum):
    """What a rule is about, as far as one alert can speak for another."""

    MONEY = "money"  # balance, runway, jobs_left, burn
    QUOTA = "quota"
    READING = "reading"  # that nothing could be read
    OTHER = "other"


_MEASURES = {
    "balance": Topic.MONEY,
    "burn": Topic.MONEY,
    "runway": Topic.MONEY,
    "jobs_left": Topic.MONEY,
    "quota_left": Topic.QUOTA,
    "quota_used": Topic.QUOTA,
    "failures": Topic.READING,
    "age": Topic.READING,
}
_BUILT_IN = {
    "credits-exhausted": Topic.MONEY,
    "runway-critical": Topic.MONEY,
    "runway-short": Topic.MONEY,
    "burn-spike": Topic.MONEY,
    "quota-critical": Topic.QUOTA,
    "quota-high": Topic.QUOTA,
    "balance-unreadable": Topic.READING,
    "rate-limited": Topic.READING,
    "target-stale": Topic.READING,
    "provider-down": Topic.READING,
}

# On one target the earlier speaks for the later; any other rule on money comes after these.
_MONEY_ORDER = ("credits-exhausted", "runway-critical", "runway-short")
_QUOTA_ORDER = ("credits-exhausted", "quota-critical", "quota-high")
_KEY_RULES = ("key-rejected", "key-lacks-permission", "key-cap-reached")


def topics(rules: Iterable[Rule]) -> dict[str, str]:
    """Rule name to what it is about, for `due`."""
    return {rule.name: _topic(rule.name, rule.when).value for rule in rules}


def _topic(name: str, when: Condition) -> Topic:
    if name in _BUILT_IN:
        return _BUILT_IN[name]
    if isinstance(when, Both):
        return _topic(name, when.first)
    if isinstance(when, Compare):
        return _MEASURES.get(when.measure, Topic.OTHER)
    if isinstance(when, CauseIn) and when.causes:
        if when.causes <= MONEY_CAUSES:
            return Topic.MONEY
        if when.causes <= FAILURES:
            return Topic.READING
    return Topic.OTHER


def speaks_for(speaker: Incident, other: Incident, topics: Mapping[str, str]) -> bool:
    """Whether `speaker`, while it is open, says what `other` would say. Never both ways round."""
    if speaker.alert in _KEY_RULES and speaker.target == key_target(speaker.account):
        return _key_speaks_for(speaker, other, topics)
    if speaker.alert == "models-exhausted":
        one = f"{models_target(speaker.account)}/"
        return other.alert == "model-unavailable" and other.target.startswith(one)
    if speaker.alert == "provider-down":
        theirs = other.provider == speaker.provider and other.alert != speaker.alert
        return theirs and _unreadable(other, topics) and not _graver(other, speaker)
    if speaker.alert == "monitor-offline":
        return _unreadable(other, topics) and not _graver(other, speaker)
    return speaker.target == other.target and _same_matter(speaker, other, topics)


def _key_speaks_for(speaker: Incident, other: Incident, topics: Mapping[str, str]) -> bool:
    """A rejected key hides its whole account. One that lacks a permission or has reached its own
    cap still reads money and models: an empty account behind it is another cause."""
    if other.account != speaker.account or other.target == speaker.target or ours(other.target):
        return False
    if speaker.alert == "key-rejected" or _unreadable(other, topics):
        return True
    models = models_target(other.account)
    apart = (f"{other.account}/balance", models)
    return other.target not in apart and not other.target.startswith(f"{models}/")


def _unreadable(incident: Incident, topics: Mapping[str, str]) -> bool:
    return topic_of(incident.alert, topics) == Topic.READING


def topic_of(alert: str, topics: Mapping[str, str]) -> str:
    """What an alert is about, also one whose rule is gone from the config."""
    return topics.get(alert) or _BUILT_IN.get(alert, Topic.OTHER)


def _same_matter(speaker: Incident, other: Incident, topics: Mapping[str, str]) -> bool:
    for order in (_MONEY_ORDER, _QUOTA_ORDER):
        if speaker.alert in order and other.alert in order:
            return order.index(speaker.alert) < order.index(other.alert)
    about_money = topic_of(other.alert, topics) == Topic.MONEY
    return speaker.alert in _MONEY_ORDER and about_money and not _graver(other, speaker)


def _graver(one: Incident, other: Incident) -> bool:
    """A user's critical rule is never muted by a built-in warning."""
    return one.alert not in _BUILT_IN and one.severity.rank > other.severity.rank


@dataclass(frozen=True, slots=True)
class Inhibition:
    """The incidents that speak for others, found by what they reach."""

    speakers: Mapping[str, tuple[Incident, ...]]  # target, account, provider or everything
    topics: Mapping[str, str]

    @classmethod
    def among(cls, incidents: Iterable[Incident], topics: Mapping[str, str]) -> Inhibition:
        """Index `incidents`, open and closed ones."""
        found: defaultdict[str, list[Incident]] = defaultdict(list)
        for incident in incidents:
            reach = _reach(incident)
            if reach is not None:
                found[reach].append(incident)
        return cls({reach: tuple(some) for reach, some in found.items()}, topics)

    def for_(self, incident: Incident) -> list[Incident]:
        """Those that speak for `incident` while they are open, closed ones too."""
        reaches = (f"target {incident.target}", f"account {incident.account}")
        near = (*reaches, f"provider {incident.provider}", "everything")
        some = [s for reach in near for s in self.speakers.get(reach, ())]
        return [s for s in some if speaks_for(s, incident, self.topics)]

    def mutes(self, incident: Incident) -> bool:
        """Whether another open incident speaks for this one now."""
        return any(speaker.open for speaker in self.for_(incident))

    def spans(self, incident: Incident) -> list[tuple[datetime, datetime]]:
        """When others spoke for it: (from, until); an open one speaks without end."""
        forever = datetime.max.replace(tzinfo=incident.opened_at.tzinfo)
        return [(s.opened_at, s.closed_at or forever) for s in self.for_(incident)]


def _reach(incident: Incident) -> str | None:
    if incident.alert in _MONEY_ORDER or incident.alert in _QUOTA_ORDER:
        return f"target {incident.target}"
    if incident.alert in _KEY_RULES or incident.alert == "models-exhausted":
        return f"account {incident.account}"
    if incident.alert == "provider-down":
        return f"provider {incident.provider}"
    return "everything" if incident.alert == "monitor-offline" else None


def hushes(silence: Silence, incident: Incident) -> bool:
    """Whether a silence, while it is active, is about an incident."""
    about = silence.alert is None or silence.alert == incident.alert
    return about and matches(silence.targets, incident.target)


def covered(start: datetime, end: datetime, spans: Iterable[tuple[datetime, datetime]]) -> bool:
    """Whether `spans`, their ends exclusive, leave no moment of [start, end) free."""
    reached, touched = start, False
    for begin, until in sorted(spans):
        if begin <= reached < until:
            reached, touched = until, True
    return touched and reached >= end

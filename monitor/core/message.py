"""A notification in words."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime

from monitor.core.causes import Severity
from monitor.core.model import Kind


@dataclass(frozen=True, slots=True)
class Runbook:
    """One page of `monitor/runbooks/`: a cause's, or a built-in rule's."""

    name: str
    title: str
    meaning: str
    steps: tuple[str, ...]
    who: str
    customers: str  # what they may be told
    not_customers: str  # what they may not
    links: tuple[tuple[str, str], ...] = ()  # (text, address)


@dataclass(frozen=True, slots=True)
class Message:
    """What is said, before any channel gives it its form."""

    id: str  # Notification.id
    opened_id: str  # the id of the `opened` notification of the same incident and receiver
    kind: Kind
    round: int
    receiver: str
    at: datetime  # when it was composed: the Date of a mail
    severity: Severity
    subject: str  # `[CRITICAL] kie: about 5 h of credits left`
    what: str  # first line
    how_long: str  # second line; may be empty
    todo: str  # third line: the next step
    status: str  # "firing" or "resolved"
    incident: str
    fingerprint: str
    starts_at: datetime
    ends_at: datetime | None
    figures: tuple[tuple[str, str], ...] = ()  # (label, value) in words
    jobs_left: tuple[tuple[str, int], ...] = ()
    steps: tuple[str, ...] = ()
    customers: str = ""
    not_customers: str = ""
    links: tuple[tuple[str, str], ...] = ()
    muted: tuple[str, ...] = ()  # what this message speaks for: `runway-short on kie/balance`
    labels: Mapping[str, str] = field(default_factory=dict)  # Alertmanager's
    annotations: Mapping[str, str] = field(default_factory=dict)
    external_url: str = ""

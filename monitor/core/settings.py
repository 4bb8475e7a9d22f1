"""What the config means, as values: everything else in the house gets its settings from here."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, tzinfo
from decimal import Decimal
from typing import Final

from monitor.core.causes import Severity
from monitor.core.flapping import Damping
from monitor.core.maintenance import Window
from monitor.core.model import Target
from monitor.core.rules import Rule
from monitor.core.secret import Secret
from monitor.core.timetable import Hours, Recurrence
from monitor.core.windows import DeclaredQuota


@dataclass(frozen=True, slots=True)
class Interval:
    """Seconds between two probes or reminders: fixed where both are equal, else within."""

    shortest: float
    longest: float

    @property
    def adapts(self) -> bool:
        """Whether it is a range."""
        return self.shortest < self.longest


@dataclass(frozen=True, slots=True)
class TargetSettings:
    """One target and its schedule."""

    target: Target
    interval: Interval
    timeout: float  # seconds, for the whole probe
    asked: bool = True  # False: nobody is asked, it is judged from what is counted here


@dataclass(frozen=True, slots=True)
class Account:
    """One credential at one provider."""

    name: str
    provider: str
    key: Secret  # empty: not configured
    targets: tuple[TargetSettings, ...]
    urls: Mapping[str, str] = field(
        default_factory=dict
    )  # base_url, router_url, status_url as set
    needs: frozenset[str] = frozenset()  # what the key must be able to do: "inference"
    models: tuple[str, ...] = ()  # in the order the product tries them
    jobs: Mapping[str, Decimal] = field(default_factory=dict)  # credits per job
    job_titles: Mapping[str, str] = field(default_factory=dict)  # job to what people call several
    usage: Mapping[str, Decimal] = field(default_factory=dict)  # planned jobs per day
    floor: Decimal = Decimal(0)
    was: str | None = None  # the name it had: its history goes on
    quotas: tuple[DeclaredQuota, ...] = ()  # limits that no API tells
    fields: Mapping[str, object] = field(default_factory=dict)  # the provider's own, validated
    key_files: Mapping[str, str] = field(
        default_factory=dict
    )  # `key` or one of `fields` to the absolute path of the file that holds it
    calls: int | None = None  # requests a day, from midnight to midnight UTC; None: no limit

    @property
    def configured(self) -> bool:
        """Whether there is a key to ask with."""
        return bool(self.key)

    @property
    def planned_burn(self) -> Decimal:
        """Credits per hour that `usage` plans; 0 where nothing is planned."""
        return sum((self.jobs[j] * n for j, n in self.usage.items()), Decimal(0)) / 24

    @property
    def main_job(self) -> str:
        """The job that messages name where there are several; empty without any.

        The one of which `usage` plans most a day, the dearer one of two alike; without a plan the
        dearest, as it is the first that can no longer be paid.
        """
        most = lambda job: (self.usage.get(job, 0), self.jobs[job])  # noqa: E731 - one line says it
        return max(self.jobs, key=most, default="")

    @property
    def dearest_job(self) -> Decimal | None:
        """The highest price in `jobs`."""
        return max(self.jobs.values(), default=None)


@dataclass(frozen=True, slots=True)
class Service:
    """What customers see, as a combination of targets. Globs are already resolved, in order."""

    name: str
    needs: tuple[str, ...] = ()
    any_of: tuple[str, ...] = ()
    tell_customers: str = ""


@dataclass(frozen=True, slots=True)
class ReceiverSettings:
    """A configured destination. `channel` names the notifier; `options` are its own fields."""

    name: str
    channel: str  # "email", "webhook"
    options: Mapping[str, object]  # validated by what the notifier declared; secrets are Secret
    addresses: tuple[str, ...]  # what `told` is kept per: e-mail addresses, or the receiver's name
    severities: frozenset[Severity] = frozenset(Severity)
    on: tuple[str, ...] = ("*",)  # target globs
    remind_every: Interval | None = None  # fixed, or each gap twice as long as the last
    escalate_after: float | None = None  # seconds
    fallback: str | None = None  # another receiver, when this one cannot be reached
    follow_up: float | None = None  # seconds a critical incident must have stayed resolved
    hours: Hours | None = None  # outside of them it is told nothing
    quiet_hours: Hours | None = None  # within them it is told only what is critical
    digest: Recurrence | None = None  # when it is told how everything has gone
    was: str | None = None  # its name before: what it has been told still counts


@dataclass(frozen=True, slots=True)
class WebTls:
    """How the page is served over TLS; paths are absolute."""

    cert_file: str
    key_file: str
    client_ca_file: str = ""  # who signs the certificates clients show; empty: none is asked for
    client_required: bool = False  # one has to be shown; else it is looked at where it is
    min_version: str = "TLS12"
    max_version: str = "TLS13"


@dataclass(frozen=True, slots=True)
class WebSettings:
    """Where and to whom the page is shown."""

    listen: tuple[str, int] = ("127.0.0.1", 9877)
    services_listen: tuple[str, int] | None = None
    external_url: str | None = None
    token: Secret = field(default_factory=lambda: Secret(""))
    users: Mapping[str, Secret] = field(default_factory=dict)  # name to password
    allow_unauthenticated: bool = False
    config_file: str | None = None  # absolute path of a Prometheus exporter's web configuration
    tls: WebTls | None = None  # read from it
    hashed_users: Mapping[str, Secret] = field(default_factory=dict)  # name to bcrypt, from it


@dataclass(frozen=True, slots=True)
class PrometheusSettings:
    """A Prometheus that can be asked what is used of a declared quota."""

    url: str
    token: Secret = field(default_factory=lambda: Secret(""))  # empty: it wants none


@dataclass(frozen=True, slots=True)
class HistorySettings:
    """How long what was seen of a balance is kept, in seconds."""

    samples: float = 90 * 86400.0  # every single one
    hours: float = 1825 * 86400.0  # what each hour made of it


LEASE: Final = 10.0  # seconds


@dataclass(frozen=True, slots=True)
class HeartbeatSettings:
    """A dead-man's switch outside: it alerts when it is called no more."""

    url: Secret
    interval: float = 60.0  # seconds
    timeout: float = 10.0


@dataclass(frozen=True, slots=True)
class Settings:
    """The whole effective config. `rules` are built-in and the user's, replaced and removed."""

    file: str
    accounts: tuple[Account, ...]
    services: tuple[Service, ...]
    rules: tuple[Rule, ...]
    receivers: tuple[ReceiverSettings, ...]
    web: WebSettings
    database: str  # absolute path
    canary_url: str | None = None
    history: HistorySettings = HistorySettings()
    flapping: Damping | None = field(default_factory=Damping)  # None: nothing is damped
    timezone: tzinfo = UTC  # of days and hours as people count them
    prometheus: PrometheusSettings | None = None
    maintenance: tuple[Window, ...] = ()  # mute telling, over and over or once
    lease: float = LEASE  # seconds a daemon may hang before one that stands by takes over
    heartbeat: HeartbeatSettings | None = None
    doubts: tuple[str, ...] = ()  # what is odd in the config and yet no fault, one line each

    @property
    def targets(self) -> tuple[TargetSettings, ...]:
        """Every target of every account, in the config's order."""
        return tuple(t for a in self.accounts for t in a.targets)

    @property
    def secrets(self) -> tuple[Secret, ...]:
        """Everything that must never be seen, for redaction."""
        found = [a.key for a in self.accounts] + [self.web.token, *self.web.users.values()]
        found += [self.prometheus.token] if self.prometheus else []
        found += [self.heartbeat.url] if self.heartbeat else []
        for account in self.accounts:
            found += _within(account.fields)
        for receiver in self.receivers:
            found += _within(receiver.options)
        return tuple(s for s in found if s)

    def account(self, name: str) -> Account | None:
        """The account of that name."""
        return next((a for a in self.accounts if a.name == name), None)


def _within(value: object) -> list[Secret]:
    if isinstance(value, Secret):
        return [value]
    if isinstance(value, Mapping):
        return [s for v in value.values() for s in _within(v)]
    if isinstance(value, (list, tuple)):
        return [s for v in value for s in _within(v)]
    return []

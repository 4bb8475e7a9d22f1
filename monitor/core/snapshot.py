"""Everything that is true at one moment: what metrics, pages and documents are made of."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime

from monitor.core.burners import JobsReported
from monitor.core.causes import Cause
from monitor.core.lease import Leading, Presence
from monitor.core.maintenance import WindowState, states
from monitor.core.model import Alert, Incident, Kind, ServiceState, Silence, Told, Totals
from monitor.core.notice import Notice
from monitor.core.series import Series
from monitor.core.settings import Settings
from monitor.core.view import View


@dataclass(frozen=True, slots=True)
class Counts:
    """What has happened since the start of the process (the exporter's counters)."""

    probes: Mapping[tuple[str, Cause], int] = field(default_factory=dict)  # target, cause
    jobs: Mapping[str, Mapping[str, int]] = field(default_factory=dict)  # account: reported
    incidents: Mapping[tuple[str, str], int] = field(default_factory=dict)  # alert, severity
    notifications: Mapping[tuple[str, Kind, str], int] = field(
        default_factory=dict
    )  # receiver, kind, result: ok, failed, refused
    pending: Mapping[str, int] = field(default_factory=dict)  # receiver: still to be told
    oldest_pending: Mapping[str, datetime] = field(default_factory=dict)  # since when it is due
    calls: Mapping[str, int] = field(default_factory=dict)  # account: requests since midnight UTC
    reload_ok: bool = True
    reload_fault: str = ""  # `FILE:LINE` of the first fault of a config that was not taken
    reload_at: datetime | None = None  # the last successful one (or the start)
    scheduler_lag: float = 0.0  # seconds the last probe began late
    store_failed: str = ""  # what is wrong with the database; empty: nothing


@dataclass(frozen=True, slots=True)
class Called:
    """How calling the dead-man's switch outside has gone."""

    heard: bool | None = None  # the last call; None: none has been made
    heard_at: datetime | None = None  # the last call that was heard
    well: bool = True  # what the last call said of us


@dataclass(frozen=True, slots=True)
class Snapshot:
    """The house at one moment."""

    at: datetime
    settings: Settings
    views: Mapping[str, View]  # every configured target by name, in the config's order
    derived: Mapping[str, View] = field(
        default_factory=dict
    )  # `ACCOUNT/key`, `ACCOUNT/model`, `PROVIDER/provider`, `monitor/network`, by name
    alerts: tuple[Alert, ...] = ()  # pending and firing ones
    incidents: tuple[Incident, ...] = ()  # open ones, and those closed within 7 days
    services: tuple[ServiceState, ...] = ()
    silences: tuple[Silence, ...] = ()
    told: tuple[Told, ...] = ()
    notices: tuple[Notice, ...] = ()  # what happened within 7 days
    series: Mapping[str, Series] = field(default_factory=dict)  # targets whose unit has changed
    totals: Mapping[str, Totals] = field(default_factory=dict)  # balance target: the ledger
    history: Mapping[str, tuple[tuple[datetime, float], ...]] = field(
        default_factory=dict
    )  # balance target: recent points for a chart, oldest first
    counts: Counts = field(default_factory=Counts)
    called: Called | None = None  # None: there is no switch
    leading: Leading | None = None  # of several daemons; None: nobody has looked
    daemon: Presence | None = None  # where this is read from a database; None: nobody has looked
    jobs_reported: Mapping[str, JobsReported] = field(
        default_factory=dict
    )  # account: which job burns, in the last 24 hours

    @property
    def maintenance(self) -> tuple[WindowState, ...]:
        """The maintenance windows that are, or are to come."""
        return states(self.settings.maintenance, self.at)

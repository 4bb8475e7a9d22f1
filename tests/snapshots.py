"""Builders of settings, views, snapshots and web doors: a story in few words, for any test."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import TypeVar

from monitor.core.accuracy import Ended, Hindsight, Score
from monitor.core.causes import Cause, Severity
from monitor.core.document import document
from monitor.core.flapping import Flaps
from monitor.core.lease import Leading
from monitor.core.model import (
    Ack,
    Alert,
    AlertState,
    Check,
    Finding,
    Incident,
    Kind,
    Outlook,
    Quota,
    Reading,
    ServiceState,
    ServiceStatus,
    Silence,
    Target,
    Told,
    Totals,
    incident_id,
)
from monitor.core.secret import Secret
from monitor.core.settings import (
    Account,
    Interval,
    ReceiverSettings,
    Settings,
    TargetSettings,
    WebSettings,
)
from monitor.core.snapshot import Called, Counts, Snapshot
from monitor.core.view import View
from monitor.core.views import jobs_left, key_view, models_view
from monitor.exporter import Exporter
from monitor.web import WebDoors

_Value = TypeVar("_Value", Account, Settings, View, Snapshot, Incident, WebDoors)

NOW = datetime(2026, 11, 20, 10, 31, 28, tzinfo=UTC)
JOBS = {
    "sora-2-720p-10s": Decimal(25),
    "sora-2-720p-15s": Decimal(30),
    "sora-2-pro-720p-10s": Decimal(75),
    "sora-2-pro-720p-15s": Decimal(135),
    "sora-2-pro-1080p-10s": Decimal(160),
    "sora-2-pro-1080p-15s": Decimal(300),
}
SDXL = "stabilityai/stable-diffusion-xl-base-1.0"
FLUX = "black-forest-labs/FLUX.1-schnell"
HOSTILE = "</title><script>alert(1)</script>\"'&{}|=%0A::error::\n\x1b[2J\u202e"
KEY = "hf_planted-key-0001"


def account(
    name: str, provider: str | None = None, checks: tuple[str, ...] = ("balance",), **more: object
) -> Account:
    """An account; a check is `balance`, or `model/ID`."""
    targets = []
    for check in checks:
        kind, _, subject = check.partition("/")
        target = Target(name, provider or name, Check(kind), subject or None)
        targets.append(TargetSettings(target, Interval(300.0, 300.0), 15.0))
    models = tuple(c.partition("/")[2] for c in checks if c.startswith("model/"))
    base = Account(name, provider or name, Secret(KEY), tuple(targets), models=models)
    return _replaced(base, more)


def settings(*accounts: Account, **more: object) -> Settings:
    """A config of these accounts on the default address, telling `oncall` and `lead`."""
    base = Settings(
        file="config.yaml",
        accounts=accounts,
        services=(),
        rules=(),
        receivers=(receiver("oncall"), receiver("lead", "webhook")),
        web=WebSettings(),
        database="/nonexistent/monitor.db",
    )
    return _replaced(base, more)


def receiver(name: str, channel: str = "email") -> ReceiverSettings:
    """A receiver with one address."""
    return ReceiverSettings(name, channel, {}, (f"{name}@example.com",))


def view(owner: Account, check: str, cause: Cause | None = Cause.OK, **more: object) -> View:
    """One target as it stands; `cause=None`: no probe has finished. Was read 10 s ago."""
    kind, _, subject = check.partition("/")
    target = Target(owner.name, owner.provider, Check(kind), subject or None)
    at = NOW - timedelta(seconds=10)
    finding = Finding(
        cause or Cause.OK,
        balance=_decimal(more.get("balance")),
        quotas=more.get("quotas", ()),  # type: ignore[arg-type]  # a builder takes what it is given
    )
    reading = None if cause is None else Reading(target.name, at, 0.25, finding)
    base = View(
        target=target.name,
        account=owner.name,
        provider=owner.provider,
        check=target.check,
        subject=target.subject,
        cause=cause,
        evidence_at=at if reading else None,
        reading=reading,
        last_success=at if reading is not None and reading.read else None,
        floor=owner.floor,
    )
    return _replaced(base, {**more, "balance": _decimal(more.get("balance"))})


def snapshot(config: Settings, views: tuple[View, ...], **more: object) -> Snapshot:
    """Everything that is true at NOW, with the derived targets worked out."""
    derived: dict[str, View] = {}
    for owner in config.accounts:
        own = [v for v in views if v.account == owner.name]
        for found in (key_view(owner, own), models_view(owner, own)):
            derived[found.target] = found
    base = Snapshot(
        at=NOW,
        settings=config,
        views={v.target: v for v in views},
        derived=derived,
        counts=Counts(reload_at=NOW - timedelta(hours=1)),
    )
    return _replaced(base, more)


def incident(
    alert: str, owner: Account, target: str, severity: Severity, **more: object
) -> Incident:
    """An open incident, an hour old."""
    opened = NOW - timedelta(hours=1)
    base = Incident(
        id=incident_id(alert, target, opened),
        alert=alert,
        target=target,
        account=owner.name,
        provider=owner.provider,
        opened_at=opened,
        opening_severity=severity,
        opening_cause=Cause.OK,
        severity=severity,
        cause=Cause.OK,
        summary=f"{alert} stands",
    )
    return _replaced(base, more)


def firing(of: Incident) -> Alert:
    """The alert of an open incident."""
    return Alert(
        rule=of.alert,
        target=of.target,
        state=AlertState.FIRING,
        since=of.opened_at,
        incident=of.id,
        severity=of.severity,
        cause=of.cause,
        summary=of.summary,
    )


def told(of: Incident, who: str, kind: Kind = Kind.OPENED, *, address: str = "") -> Told:
    """That a receiver has been told, a minute after the opening."""
    at = of.opened_at + timedelta(minutes=1)
    return Told(of.id, kind, 0, who, address or f"{who}@example.com", at, of.severity)


def falling(days: int = 9) -> tuple[tuple[datetime, float], ...]:
    """A balance that burns 41.5 an hour and was topped up by 5000 once, read every 30 minutes."""
    steps = days * 48
    start = NOW - timedelta(minutes=30 * steps)
    value, points = 5916.25 + 41.5 * days * 24 - 5000, []
    for step in range(steps + 1):
        if step == steps // 2:
            value += 5000
        points.append((start + timedelta(minutes=30 * step), round(value, 2)))
        value -= 41.5 / 2
    return tuple(points)


def forecasts_were() -> tuple[Hindsight, ...]:
    """Of the last top-up, said 24 h before, 8 % too long; of 7 such forecasts 6 held."""
    at = NOW - timedelta(days=1)
    last = Score(at, Ended.TOPPED_UP, 24, said=26.0, true=24.0, held=True)
    return (Hindsight(24, last, scores=7, held=6, factor=1.15, scored_total=9, held_total=7),)


def story() -> Snapshot:
    """A day in the life: kie burns, a model is not served, a key is refused."""
    kie = account("kie", jobs=JOBS, floor=Decimal(135), calls=2000)
    hub = account("huggingface", checks=("key", f"model/{SDXL}", f"model/{FLUX}", "quota"))
    router = account("router", "openrouter", ("key", "balance"))
    low = incident("kie-credits-low", kie, "kie/balance", Severity.WARNING,
                   summary="balance 5916.25 is under 10000",
                   ack=Ack("ada", "topping up today", NOW, Severity.WARNING))  # fmt: skip
    gone = incident("model-unavailable", hub, f"huggingface/model/{SDXL}", Severity.WARNING,
                    cause=Cause.MODEL_NOT_SERVED, summary="nobody serves the model")  # fmt: skip
    refused = incident("key-rejected", router, "router/key", Severity.CRITICAL,
                       cause=Cause.KEY_REJECTED, summary="the key is rejected")  # fmt: skip
    closed = incident("runway-short", kie, "kie/balance", Severity.WARNING,
                      opened_at=NOW - timedelta(days=2), closed_at=NOW - timedelta(days=1),
                      close_reason="resolved", id="closed", summary="about 20 h left")  # fmt: skip
    flaps = Flaps((NOW,) * 5, since=NOW, seen=NOW, within=3600.0)
    quota = Quota("inference-providers", Decimal("0.04"), Decimal("0.1"), "USD",
                  datetime(2026, 12, 1, tzinfo=UTC), exhausted_at=NOW)  # fmt: skip
    return snapshot(
        settings(kie, hub, router),
        (
            view(kie, "balance", balance="5916.25", unit="credits",
                 jobs_left=jobs_left(Decimal("5916.25"), JOBS),
                 outlook=Outlook(41.5, 90.1, 112.0, 139.3, math.inf),
                 hindsight=forecasts_were()),
            view(hub, "key"),
            view(hub, f"model/{SDXL}", Cause.MODEL_NOT_SERVED),
            view(hub, f"model/{FLUX}"),
            view(hub, "quota", quotas=(quota,)),
            view(router, "key", Cause.KEY_REJECTED, key_cause=Cause.KEY_REJECTED),
            view(router, "balance", Cause.PROVIDER_ERROR, key_cause=Cause.KEY_REJECTED),
        ),
        alerts=(firing(low), replace(firing(gone), flaps=flaps), firing(refused),
                Alert("runway-short", "kie/balance", AlertState.PENDING, since=NOW)),
        incidents=(low, gone, refused, closed),
        services=(
            ServiceState("video-generation", ServiceStatus.UP),
            ServiceState("image-generation", ServiceStatus.DEGRADED,
                         "Image generation is slower than usual. Your credits are safe."),
            ServiceState("chat", ServiceStatus.DOWN, "Chat is not available."),
            ServiceState("music", ServiceStatus.UNKNOWN),
        ),
        silences=(Silence("s1", "router/*", None, NOW - timedelta(hours=1),
                          NOW + timedelta(hours=2), "ada", "key is being renewed"),),
        told=(told(low, "oncall"), told(low, "oncall", address="second@example.com"),
              told(gone, "oncall"), told(closed, "oncall"),
              told(closed, "oncall", Kind.RESOLVED)),
        totals={"kie/balance": Totals(spent=Decimal(9000), topped_up=Decimal(5000))},
        history={"kie/balance": falling()},
        counts=Counts(
            probes={("kie/balance", Cause.OK): 12, ("router/key", Cause.KEY_REJECTED): 3},
            jobs={"kie": {"sora-2-pro-720p-15s": 4}},
            incidents={("kie-credits-low", "warning"): 1},
            notifications={("oncall", Kind.OPENED, "ok"): 2, ("oncall", Kind.OPENED, "failed"): 1},
            pending={"oncall": 1},
            oldest_pending={"oncall": NOW - timedelta(minutes=3)},
            calls={"kie": 214},
            reload_at=NOW - timedelta(hours=1),
            scheduler_lag=0.02,
        ),
        called=Called(heard=True, heard_at=NOW - timedelta(seconds=20)),
        leading=Leading(True, "web-1 pid 4711 3fa9c2d1", 3, NOW, standbys=("web-2 pid 12",)),
    )  # fmt: skip


def many(accounts: int, models: int = 0) -> Snapshot:
    """So many accounts, each with a balance, a history and so many models; the last one empty."""
    owners = [
        account(
            f"account-{n:04}", "kie", ("balance", *(f"model/org/m-{m}" for m in range(models)))
        )
        for n in range(accounts)
    ]
    views = []
    for n, owner in enumerate(owners):
        empty = n == accounts - 1
        cause = Cause.CREDITS_EXHAUSTED if empty else Cause.OK
        views.append(view(owner, "balance", cause, balance=0 if empty else 500, unit="credits"))
        views += [view(owner, f"model/{m}") for m in owner.models]
    history = {v.target: falling(2) for v in views if v.check is Check.BALANCE}
    return snapshot(settings(*owners), tuple(views), history=history)


def _decimal(value: object) -> Decimal | None:
    return None if value is None else Decimal(str(value))


def _replaced(base: _Value, more: Mapping[str, object]) -> _Value:
    return replace(base, **more)  # type: ignore[arg-type]  # a typo is a TypeError


def doors(snap: Snapshot | None = None, **more: object) -> WebDoors:
    """What the page needs of a daemon that stands still in `snap`."""
    shown = snap if snap is not None else story()

    async def history(target: str, since: datetime) -> Mapping[str, object]:
        del since
        return {"target": target}

    def probe_now(target: str) -> float | None:
        return 0.0 if target in shown.views else None

    async def reload() -> None:
        return None

    base = WebDoors(
        snapshot_of=lambda: shown,
        document=lambda: document(shown),
        metrics=Exporter(lambda: shown).scrape,
        ready=lambda: True,
        history=history,
        probe_now=probe_now,
        reload=reload,
        settings_of=lambda: shown.settings,
    )
    return _replaced(base, more)

"""A whole pipeline on a stepped clock, with a scripted provider and recorded mail: for tests."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import replace
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path

from monitor.asking import Reread
from monitor.clock import SteppedClock
from monitor.core.builtin import BUILTIN
from monitor.core.causes import Cause, Severity
from monitor.core.message import Message
from monitor.core.model import Check, Finding, Target
from monitor.core.rules import Rule
from monitor.core.secret import Secret
from monitor.core.settings import (
    Account,
    Interval,
    ReceiverSettings,
    Service,
    Settings,
    TargetSettings,
    WebSettings,
)
from monitor.core.spec import ChannelSpec
from monitor.core.when import parse_when
from monitor.illustrating import Draws
from monitor.notifiers import Delivery
from monitor.pipeline import Pipeline
from monitor.runbooks import load_runbooks
from monitor.store import Store
from monitor.telling import Teller

START = datetime(2026, 11, 20, 10, tzinfo=UTC)
MODELS = ("stabilityai/sd-3", "black-forest-labs/flux", "stabilityai/sdxl")


def every(target: Target, seconds: float = 300.0) -> TargetSettings:
    """A target on a fixed interval."""
    return TargetSettings(target, Interval(seconds, seconds), timeout=15.0)


def kie(**changes: object) -> Account:
    """An account whose balance is watched."""
    account = Account(
        name="kie",
        provider="kie",
        key=Secret("kie-planted-key-0001"),
        targets=(every(Target("kie", "kie", Check.BALANCE)),),
        jobs={"video": Decimal(135)},
        floor=Decimal(135),
    )
    return replace(account, **changes)  # type: ignore[arg-type]  # a test names fields it knows


def huggingface(**changes: object) -> Account:
    """An account with a key and three models."""
    name = "huggingface"
    account = Account(
        name=name,
        provider=name,
        key=Secret("hf_planted-key-0001"),
        targets=(
            every(Target(name, name, Check.KEY), 1800),
            *(every(Target(name, name, Check.MODEL, m), 600) for m in MODELS),
        ),
        models=MODELS,
    )
    return replace(account, **changes)  # type: ignore[arg-type]  # a test names fields it knows


def rule(name: str, on: str, when: str, severity: str = "warning", **changes: object) -> Rule:
    """A user's rule."""
    made = Rule(name, on, parse_when(when), Severity(severity))
    return replace(made, **changes)  # type: ignore[arg-type]  # a test names fields it knows


def receiver(name: str = "oncall", **changes: object) -> ReceiverSettings:
    """A receiver on the recorded channel."""
    made = ReceiverSettings(name, "recorded", {}, addresses=(f"{name}@example.com",))
    return replace(made, **changes)  # type: ignore[arg-type]  # a test names fields it knows


def settings(
    accounts: tuple[Account, ...] = (),
    *,
    rules: tuple[Rule, ...] = (),
    receivers: tuple[ReceiverSettings, ...] = (),
    services: tuple[Service, ...] = (),
    builtin: bool = True,
) -> Settings:
    """A config as values; the built-in rules with it."""
    return Settings(
        file="config.yaml",
        accounts=accounts or (kie(),),
        services=services,
        rules=(*(BUILTIN if builtin else ()), *rules),
        receivers=receivers or (receiver(),),
        web=WebSettings(),
        database="/nowhere/monitor.db",
    )


class Script:
    """What the providers answer: a finding per target, changed by the test as it goes."""

    def __init__(self) -> None:
        self.answers: dict[str, Finding | Callable[[], Finding | Awaitable[Finding]]] = {}
        self.asked: list[str] = []

    def balance(self, amount: float | str, account: str = "kie") -> None:
        self.answers[f"{account}/balance"] = Finding(
            Cause.OK, balance=Decimal(str(amount)), unit="credits"
        )

    def cause(self, target: str, cause: Cause, summary: str = "") -> None:
        self.answers[target] = Finding(cause, summary or cause.value)

    async def probe(
        self, account: Account, target: Target, now: datetime, timeout: float
    ) -> Finding:
        del account, now, timeout
        self.asked.append(target.name)
        answer = self.answers.get(target.name, Finding(Cause.OK, "fine"))
        found = answer() if callable(answer) else answer
        return found if isinstance(found, Finding) else await found


class Recorded:
    """A notifier that keeps what it was told to say, and fails as the test wants."""

    spec = ChannelSpec("recorded", "Recorded", ())

    def __init__(self) -> None:
        self.sent: list[tuple[Message, tuple[str, ...]]] = []
        self.outcome: Callable[[Message, tuple[str, ...]], Delivery] = lambda m, a: Delivery(a)

    async def send(
        self, to: ReceiverSettings, message: Message, addresses: tuple[str, ...]
    ) -> Delivery:
        del to
        delivery = self.outcome(message, addresses)
        if delivery.told:
            self.sent.append((message, delivery.told))
        return delivery

    @property
    def said(self) -> list[str]:
        """`kind alert` of all that arrived, in order."""
        return [f"{m.kind.value} {m.labels['alertname']}" for m, _ in self.sent]


class House:
    """The pieces of one running monitor, and the ways to move it on."""

    def __init__(
        self,
        config: Settings | None = None,
        *,
        store: Store | None = None,
        clock: SteppedClock | None = None,
        script: Script | None = None,
        mail: Recorded | None = None,
        canary: Callable[[str], Awaitable[Finding]] | None = None,
        reread: Reread | None = None,
        charts: Draws | None = None,
    ) -> None:
        self.clock = clock or SteppedClock(START)
        self.script, self.mail = script or Script(), mail or Recorded()
        self.settings = config or settings()
        self.pipeline = Pipeline(
            self.settings,
            store=store,
            clock=self.clock,
            probe=self.script.probe,
            teller=Teller({"recorded": self.mail}, load_runbooks(), self.clock, charts),
            canary=canary,
            reread=reread,
        )
        self.memory = self.pipeline.memory

    async def start(self) -> House:
        await self.pipeline.start()
        await self.pipeline.meet()
        return self

    async def probe(self, *targets: str, after: float = 0.0) -> None:
        """Let time pass, observe these (all, if none is named), tell what is due."""
        self.clock.step(after)
        for target in targets or tuple(self.memory.targets):
            await self.pipeline.observe(target)
        await self.tell()

    async def tell(self, after: float = 0.0) -> None:
        self.clock.step(after)
        for each in self.memory.settings.receivers:
            await self.pipeline.deliver(each.name)

    def firing(self) -> dict[str, str]:
        """Alert to target of what fires."""
        open_ones = [i for i in self.memory.incidents.values() if i.open]
        return {i.alert: i.target for i in open_ones}


def database(folder: Path) -> str:
    """Where a test's database lives."""
    return str(folder / "monitor.db")

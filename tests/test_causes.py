"""The contract's table of causes, row by row: standing, metric, `--once`, the daemon's rule.

Each case is a target that is probed again and again with the same answer, through the same
folding, views, rules and alert machine as in the daemon.
"""

from __future__ import annotations

from datetime import timedelta
from decimal import Decimal

import pytest
from core_scenes import NOW

from monitor.core.alerts import step
from monitor.core.builtin import BUILTIN
from monitor.core.causes import CAUSES, FAILURES, KEY_CAUSES, MODEL_CAUSES, MONEY_CAUSES, Cause
from monitor.core.globs import matches
from monitor.core.members import NetworkMembers, ProviderMembers
from monitor.core.model import (
    Alert,
    AlertState,
    Check,
    Finding,
    Incident,
    Reading,
    Target,
    TargetRecord,
)
from monitor.core.rules import judge
from monitor.core.secret import Secret
from monitor.core.settings import Account, Interval, TargetSettings
from monitor.core.status import target_status
from monitor.core.view import View
from monitor.core.views import (
    fold,
    key_view,
    models_view,
    target_view,
)

TARGETS = {
    "key": Target("acct", "vendor", Check.KEY),
    "model": Target("acct", "vendor", Check.MODEL, "a/b"),
    "fallback": Target("acct", "vendor", Check.MODEL, "c/d"),
    "balance": Target("acct", "vendor", Check.BALANCE),
    "quota": Target("acct", "vendor", Check.QUOTA),
    "inference": Target("acct", "vendor", Check.INFERENCE, "a/b"),
}
NAMES = {target.name: word for word, target in TARGETS.items()}


class World:
    """One account, and another provider that always answers."""

    def __init__(self, *asked: str, floor: str = "0") -> None:
        settings = tuple(TargetSettings(TARGETS[w], Interval(60, 60), 15) for w in asked)
        self.account = Account("acct", "vendor", Secret("k-1"), settings, floor=Decimal(floor))
        self.settings = settings
        self.records = {t.target.name: TargetRecord(t.target.name, None) for t in settings}
        self.alerts: dict[tuple[str, str], Alert] = {}
        self.incidents: dict[str, Incident] = {}
        self.now = NOW

    def probe(self, cause: Cause, only: str | None = None, balance: str | None = None) -> None:
        """A minute later every target (or only one) answers that; everything is judged."""
        self.now += timedelta(seconds=60)
        for name, record in self.records.items():
            hit = only is None or NAMES[name] == only
            found = Finding(cause if hit else Cause.OK,
                            balance=Decimal(balance) if balance and hit else None)  # fmt: skip
            reading = Reading(name, self.now, 0.1, found)
            self.records[name] = fold(record, reading, found.balance)
        for view in self.views():
            self._judge(view)

    def configured(self) -> list[View]:
        """The targets as they stand."""
        return [target_view(self.account, t, self.records[t.target.name]) for t in self.settings]

    def views(self) -> list[View]:
        """The targets and the derived ones, as the daemon judges them."""
        own = self.configured()
        key = key_view(self.account, own)
        rest = [view for view in own if view.target != key.target]
        return [*rest, key, models_view(self.account, own), *self.around(own)]

    def around(self, own: list[View]) -> tuple[View, View]:
        """The provider, and the network: with somebody elsewhere who answers."""
        other = Account("other", "else", Secret("k-2"), ())
        settings = TargetSettings(Target("other", "else", Check.KEY), Interval(60, 60), 15)
        fine = Reading("other/key", self.now, 0.1, Finding(Cause.OK))
        answer = target_view(other, settings, TargetRecord("other/key", fine, fine.at))
        return ProviderMembers("vendor", own).view(), NetworkMembers([*own, answer]).view()

    def _judge(self, view: View) -> None:
        provider, network = self.around(self.configured())
        for rule in (r for r in BUILTIN if matches(r.on, view.target)):
            alert = self.alerts.get((rule.name, view.target), Alert(rule.name, view.target))
            judged = judge(
                rule, view, firing=alert.state is AlertState.FIRING, now=self.now,
                network=network, provider=provider,
            )  # fmt: skip
            stepped = step(
                alert, judged, rule, self.now, account=view.account, provider=view.provider,
                incident=self.incidents.get(alert.incident or ""), interval=view.interval,
            )  # fmt: skip
            self.alerts[rule.name, view.target] = stepped.alert
            if stepped.incident is not None:
                self.incidents[stepped.incident.id] = stepped.incident

    def firing(self) -> list[str]:
        """`rule on target, severity` of what fires."""
        return sorted(
            f"{a.rule} on {a.target}, {a.severity}"
            for a in self.alerts.values()
            if a.state is AlertState.FIRING
        )

    def once(self, word: str) -> str:
        """The status `--once` gives a target before any rule speaks."""
        own = self.configured()
        view = next(v for v in own if NAMES[v.target] == word)
        return target_status(view, (), own).value


KEY_RULES = {
    Cause.KEY_REJECTED: "key-rejected",
    Cause.KEY_EXPIRED: "key-rejected",
    Cause.KEY_CAP_REACHED: "key-cap-reached",
    Cause.KEY_LACKS_PERMISSION: "key-lacks-permission",
}

# cause, metric, standing, --once, on which check, the daemon's rule on ..., severity, after
TABLE = """
ok                   1 usable   ok       balance   -                  -             -        -
ok                   1 usable   ok       model     -                  -             -        -
model_loading        1 usable   ok       model     -                  -             -        -
key_rejected         1 unusable critical balance   key-rejected       acct/key      critical 1
key_expired          1 unusable critical balance   key-rejected       acct/key      critical 1
key_cap_reached      1 unusable critical inference key-cap-reached    acct/key      critical 1
key_lacks_permission 1 unusable critical inference key-lacks-permission acct/key    critical 1
key_rejected         1 unusable critical key       key-rejected       acct/key      critical 1
credits_exhausted    1 unusable critical balance   credits-exhausted  acct/balance  critical 1
quota_exhausted      1 unusable critical quota     credits-exhausted  acct/quota    critical 1
credits_exhausted    1 unusable critical inference credits-exhausted  acct/inference/a/b critical 1
model_missing        1 unusable warning  model     model-unavailable  acct/model/a/b warning 1
model_retired        1 unusable warning  model     model-unavailable  acct/model/a/b warning 1
model_not_served     1 unusable warning  model     model-unavailable  acct/model/a/b warning 2
model_gated          1 unusable warning  model     model-unavailable  acct/model/a/b warning 2
model_moved          1 usable   warning  model     model-unavailable  acct/model/a/b warning 3
model_degraded       1 usable   warning  model     model-unavailable  acct/model/a/b warning 3
rate_limited         0 not_read unknown  balance   rate-limited       acct/balance  warning  3
timed_out            0 not_read unknown  balance   provider-down      vendor/provider critical 3
provider_maintenance 0 not_read unknown  balance   provider-down      vendor/provider critical 3
provider_error       0 not_read unknown  balance   provider-down      vendor/provider critical 3
provider_unreachable 0 not_read unknown  balance   provider-down      vendor/provider critical 3
tls_invalid          0 not_read unknown  balance   provider-down      vendor/provider critical 3
network_offline      0 not_read unknown  balance   balance-unreadable acct/balance  warning  3
answer_malformed     0 not_read unknown  balance   balance-unreadable acct/balance  warning  3
endpoint_retired     0 not_read unknown  balance   balance-unreadable acct/balance  warning  3
answer_malformed     0 not_read unknown  quota     provider-down      vendor/provider critical 3
endpoint_retired     0 not_read unknown  quota     provider-down      vendor/provider critical 3
not_knowable         0 not_read ok       quota     -                  -             -        -
not_knowable         0 not_read unknown  balance   -                  -             -        -
not_configured       0 not_read ok       key       -                  -             -        -
not_configured       0 not_read unknown  balance   -                  -             -        -
"""
ROWS = [tuple(line.split()) for line in TABLE.strip().splitlines()]
IDS = [f"{row[0]} on {row[4]}" for row in ROWS]


def test_the_table_has_every_cause() -> None:
    assert {row[0] for row in ROWS} == {cause.value for cause in Cause}


@pytest.mark.parametrize("row", ROWS, ids=IDS)
def test_what_follows_from_a_cause(row: tuple[str, ...]) -> None:
    word, metric, standing, once, check, rule, target, severity, after = row
    cause = Cause(word)
    world = World(check, *(["fallback"] if check == "model" else []))
    only = None if check != "model" else "model"
    expected = [f"{rule} on {target}, {severity}"] if rule != "-" else []
    for probe in range(1, 6):
        world.probe(cause, only)
        view = next(v for v in world.configured() if NAMES[v.target] == check)
        assert view.reading is not None
        assert (view.reading.read, view.standing.value) == (metric == "1", standing)
        assert world.once(check) == once
        assert world.firing() == (expected if rule != "-" and probe >= int(after) else [])


@pytest.mark.parametrize("row", ROWS, ids=IDS)
def test_what_fired_ends_when_the_target_is_fine_again(row: tuple[str, ...]) -> None:
    cause, check = Cause(row[0]), row[4]
    world = World(check, *(["fallback"] if check == "model" else []))
    for _ in range(5):
        world.probe(cause, None if check != "model" else "model")
    world.probe(Cause.OK, balance="5000")
    assert world.firing() == []
    assert all(incident.close_reason == "resolved" for incident in world.incidents.values())


@pytest.mark.parametrize("cause", sorted(FAILURES))
def test_two_failures_open_nothing(cause: Cause) -> None:
    world = World("balance")
    world.probe(cause)
    world.probe(cause)
    assert world.firing() == []


def test_no_model_left_is_critical_at_once_and_for_the_daemon_when_each_is_believed() -> None:
    world = World("model", "fallback")
    world.probe(Cause.MODEL_GATED)
    assert [world.once(w) for w in ("model", "fallback")] == ["critical", "critical"]
    assert world.firing() == []
    world.probe(Cause.MODEL_GATED)
    assert world.firing() == [
        "model-unavailable on acct/model/a/b, warning",
        "model-unavailable on acct/model/c/d, warning",
        "models-exhausted on acct/model, critical",
    ]
    world.probe(Cause.MODEL_GATED, only="model")  # the fallback serves again
    assert world.firing() == ["model-unavailable on acct/model/a/b, warning"]


@pytest.mark.parametrize(("balance", "floor", "once"), [
    ("0", "0", "critical"), ("-1", "0", "critical"), ("134.99", "135", "critical"),
    ("135", "135", "ok"), ("0.01", "0", "ok"),
])  # fmt: skip
def test_a_balance_that_pays_for_nothing_is_exhausted(balance: str, floor: str, once: str) -> None:
    world = World("balance", floor=floor)
    world.probe(Cause.OK, balance=balance)
    assert world.once("balance") == once
    expected = ["credits-exhausted on acct/balance, critical"] if once == "critical" else []
    assert world.firing() == expected
    (view,) = world.configured()
    assert view.reading is not None
    assert view.reading.read
    assert view.known_balance == Decimal(balance)


def test_a_failing_probe_neither_ends_nor_repeats_what_it_cannot_see() -> None:
    world = World("balance", floor="135")
    world.probe(Cause.OK, balance="20")
    opened = world.firing()
    for _ in range(2):
        world.probe(Cause.TIMED_OUT)
        assert world.firing() == opened
    assert len(world.incidents) == 1


def test_one_bad_key_is_one_alert_whatever_it_breaks() -> None:
    world = World("key", "model", "fallback", "balance", "quota", "inference")
    for _ in range(4):
        world.probe(Cause.KEY_REJECTED)
    assert world.firing() == ["key-rejected on acct/key, critical"]
    assert world.once("balance") == "critical"


def test_every_family_of_causes_has_its_rule() -> None:
    named = {rule.name for rule in BUILTIN}
    assert set(KEY_RULES) == KEY_CAUSES
    assert set(KEY_RULES.values()) <= named
    assert {row[0] for row in ROWS if row[5] == "model-unavailable"} == set(MODEL_CAUSES)
    assert {row[0] for row in ROWS if row[5] == "credits-exhausted"} == set(MONEY_CAUSES)
    assert {row[0] for row in ROWS if row[2] == "not_read"} == {
        cause for cause, meaning in CAUSES.items() if not meaning.read
    }

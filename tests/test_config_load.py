"""A sound config: what its words become as settings."""

from __future__ import annotations

import re
from decimal import Decimal
from pathlib import Path

import pytest
import yaml
from catalogue import CATALOGUE
from hypothesis import given
from hypothesis import strategies as st

from monitor.config import ConfigFaults, load
from monitor.config.load import effective
from monitor.core.builtin import BUILTIN
from monitor.core.causes import Cause, Severity
from monitor.core.flapping import Damping
from monitor.core.model import Check
from monitor.core.rules import CauseIn, Compare, Unavailable
from monitor.core.secret import Secret
from monitor.core.settings import Account, Interval, Settings, WebTls

ROOT = Path(__file__).parent.parent
EXAMPLE = ROOT / "config.yaml"
EXAMPLE_ENV = {
    "HUGGINGFACE_API_KEY": "hf_planted-key-0001",
    "KIE_API_KEY": "kie-planted-key-0002",
    "SMTP_PASSWORD": "planted: pass #word '\" 0003",
    "OPS_WEBHOOK_URL": "https://hooks.example.com/planted-0004",
    "OPS_WEBHOOK_SECRET": "planted-secret-0005",
}


@pytest.fixture
def loaded(tmp_path: Path):
    """Settings of a text, with this environment."""

    def load_text(text: str, env: dict[str, str] | None = None, **options: bool) -> Settings:
        path = tmp_path / "config.yaml"
        path.write_text(text)
        return load(str(path), CATALOGUE, env or {}, **options)

    return load_text


def intervals(account: Account) -> dict[str, Interval]:
    """What is asked how often."""
    return {settings.target.name: settings.interval for settings in account.targets}


def fixed(seconds: float) -> Interval:
    """One that is not adapted."""
    return Interval(seconds, seconds)


# -- the example ----------------------------------------------------------------------------


def test_the_example_loads_with_the_variables_it_names_and_no_others() -> None:
    named = set(re.findall(r"\$\{([A-Z_]+)\}", EXAMPLE.read_text().replace("${NAME}", "")))
    assert named == set(EXAMPLE_ENV)
    settings = load(str(EXAMPLE), CATALOGUE, EXAMPLE_ENV)
    assert [t.target.name for t in settings.targets] == [
        "huggingface/key",
        "huggingface/model/stabilityai/stable-diffusion-3-medium-diffusers",
        "huggingface/model/black-forest-labs/FLUX.1-schnell",
        "huggingface/model/stabilityai/stable-diffusion-xl-base-1.0",
        "huggingface/status",
        "kie/balance",
    ]
    assert settings.accounts[0].key.reveal() == "hf_planted-key-0001"
    assert settings.accounts[1].floor == 135
    assert settings.accounts[1].planned_burn == Decimal(225)
    assert settings.targets[-1].interval == Interval(60.0, 900.0)
    assert settings.database == str(ROOT / "monitor.db")
    assert settings.web.listen == ("127.0.0.1", 9877)
    oncall, lead = settings.receivers
    assert oncall.options["smtp"]["password"] == Secret(EXAMPLE_ENV["SMTP_PASSWORD"])
    assert oncall.addresses == ("oncall@example.com",)
    assert oncall.severities == {Severity.WARNING, Severity.CRITICAL}
    assert (oncall.remind_every, lead.escalate_after) == (Interval(4 * 3600, 4 * 3600), 1800)
    assert (lead.channel, lead.addresses) == ("webhook", ("lead",))
    assert settings.services[1].any_of == tuple(
        f"huggingface/model/{model}" for model in settings.accounts[0].models
    )


def test_the_example_without_quotes_in_flow_mappings_means_the_same(tmp_path: Path) -> None:
    text = EXAMPLE.read_text()
    bare = re.sub(r'"(\$\{[A-Z_]+\})"', r"\1", text)
    assert bare != text
    path = tmp_path / "config.yaml"
    path.write_text(bare)
    found = load(str(path), CATALOGUE, EXAMPLE_ENV)
    assert found.receivers == load(str(EXAMPLE), CATALOGUE, EXAMPLE_ENV).receivers


# -- accounts and targets -------------------------------------------------------------------


def test_an_account_without_a_key_is_not_configured_and_the_others_run(loaded) -> None:
    text = "accounts: {kie: , a: {provider: kie, key: ''}, b: {provider: kie, key: ${K}}}"
    found = loaded(text, {"K": "kie-1"})
    assert [account.configured for account in found.accounts] == [False, False, True]
    assert len(found.targets) == 3


def test_a_disabled_account_is_left_out_and_may_still_be_named(loaded) -> None:
    found = loaded(
        "accounts: {kie: {enabled: false}, huggingface: {models: [a/b]}}\n"
        "services: {video: {needs: [kie/balance]}, all: {any: ['*']}}\n"
        "alerts: [{name: low, on: kie/balance, when: balance < 5}]\n"
    )
    assert [account.name for account in found.accounts] == ["huggingface"]
    assert [service.name for service in found.services] == ["all"]


@pytest.mark.parametrize(
    ("account", "expected"),
    [
        ("{models: [a/b]}", {"key": 1800, "model/a/b": 600, "status": 300}),
        ("{models: [a/b], interval: 1h}", {"key": 3600, "model/a/b": 3600, "status": 3600}),
        ("{models: [a/b], interval: 10s}", {"key": 300, "model/a/b": 60, "status": 10}),
        ("{models: [a/b], interval: 10s, key_check: {interval: 1s}, checks: [key]}", {"key": 1}),
        ("{models: [a/b], checks: model, model: {interval: 2s}}", {"model/a/b": 2}),
        ("{models: [a/b], checks: [inference]}", {"inference/a/b": 3600}),
        ("{models: [a/b], checks: [inference], interval: 1s}", {"inference/a/b": 600}),
        ("{checks: [quota, key]}", {"key": 1800, "quota": 3600}),
        ("{quota: {interval: 1s}}", {"key": 1800, "quota": 1, "status": 300}),
    ],
)
def test_an_interval_is_the_checks_else_the_accounts_else_the_providers(
    loaded, account: str, expected: dict[str, float]
) -> None:
    found = loaded(f"accounts: {{huggingface: {account}}}").accounts[0]
    assert intervals(found) == {f"huggingface/{k}": fixed(v) for k, v in expected.items()}


def test_defaults_hold_where_nobody_says_more(loaded) -> None:
    text = "defaults: {interval: 7m, timeout: 3s}\naccounts: {openai: {quota: {timeout: 1m}}}"
    found = loaded(text).accounts[0]
    assert intervals(found) == {"openai/key": fixed(420), "openai/quota": fixed(420)}
    assert [t.timeout for t in found.targets] == [3.0, 60.0]
    bare = loaded("accounts: {openai: {timeout: 2s}}").accounts[0]
    assert intervals(bare)["openai/key"] == fixed(300)
    assert [t.timeout for t in bare.targets] == [2.0, 2.0]
    assert loaded("accounts: {openai: {}}").targets[0].timeout == 15.0


def test_a_range_is_raised_to_the_minimum_on_both_ends(loaded) -> None:
    found = loaded("accounts: {kie: {interval: 1s..10s}}").accounts[0]
    assert intervals(found) == {"kie/balance": fixed(30)}
    wide = loaded("accounts: {kie: {interval: 10s..5m}}").accounts[0]
    assert intervals(wide) == {"kie/balance": Interval(30, 300)}
    own = loaded("accounts: {kie: {balance: {interval: 1s .. 10s}}}").accounts[0]
    assert intervals(own) == {"kie/balance": Interval(1, 10)}


@pytest.mark.parametrize(
    ("money", "floor"),
    [
        ("", 0),
        ("jobs: {a: 25, b: 135}", 0),
        ("jobs: {a: 25, b: 135}, usage: {a: 1/h}", 25),
        ("jobs: {a: 25, b: 135, c: 300}, usage: {a: 1/h, b: 280/week}", 135),
        ("jobs: {a: 25}, usage: {a: 1/h}, floor: 0", 0),
        ("floor: 1.5", Decimal("1.5")),
    ],
)
def test_the_floor_is_the_dearest_job_in_use_unless_it_is_set(loaded, money, floor) -> None:
    assert loaded(f"accounts: {{kie: {{{money}}}}}").accounts[0].floor == floor


@pytest.mark.parametrize(
    ("rate", "per_day"),
    [("40/day", 40), ("40/d", 40), ("2/h", 48), ("2/hour", 48), ("280/week", 40), ("7/w", 1),
     ("0.5 / day", Decimal("0.5")), ("0/day", 0)],
)  # fmt: skip
def test_a_usage_is_jobs_a_day(loaded, rate: str, per_day: Decimal) -> None:
    account = loaded(f"accounts: {{kie: {{jobs: {{a: 25}}, usage: {{a: {rate}}}}}}}").accounts[0]
    assert account.usage == {"a": per_day}


def test_money_is_exact(loaded) -> None:
    found = loaded("accounts: {kie: {jobs: {a: 0.1, b: 1e3, c: 123456789.123456789}}}")
    assert list(found.accounts[0].jobs.values()) == [
        Decimal("0.1"), Decimal(1000), Decimal("123456789.123456789"),
    ]  # fmt: skip


def test_a_providers_own_fields_have_their_types_and_defaults(loaded) -> None:
    found = loaded("accounts: {openai: {organization: org-1, limit: 0.5, admin_key: sk-1}}")
    assert found.accounts[0].fields == {
        "organization": "org-1", "admin_key": Secret("sk-1"), "days": 30, "limit": Decimal("0.5"),
    }  # fmt: skip
    assert Secret("sk-1") in found.secrets
    bare = loaded("accounts: {openai: {}}").accounts[0].fields
    assert bare == {"organization": None, "admin_key": Secret(""), "days": 30, "limit": None}


def test_urls_stand_as_they_are_set(loaded) -> None:
    text = (
        "accounts: {huggingface: {base_url: 'http://127.0.0.1:1/', status_url: https://s.example}}"
    )
    assert loaded(text).accounts[0].urls == {
        "base_url": "http://127.0.0.1:1", "status_url": "https://s.example",
    }  # fmt: skip


def test_a_thousand_accounts_are_read_within_seconds(loaded) -> None:
    lines = [f"  kie-{n}: {{provider: kie, key: k-{n}}}" for n in range(1000)]
    found = loaded("accounts:\n" + "\n".join(lines))
    assert len(found.targets) == 1000


# -- variables and secrets ------------------------------------------------------------------


@pytest.mark.parametrize(
    ("written", "value"),
    [
        ("${A}", "1"), ("x${A}y${B}", "x1y2"), ("${NONE:-3}", "3"), ("${EMPTY:-3}", "3"),
        ("${A:-3}", "1"), ("$${A}", "${A}"), ("$A $", "$A $"), ("$$$${A}", "$${A}"),
        ("${NONE:-}z", "z"), ("${NONE:-a:b}", "a:b"),
    ],
)  # fmt: skip
def test_variables_are_put_in_after_parsing(loaded, written: str, value: str) -> None:
    env = {"A": "1", "B": "2", "EMPTY": ""}
    for text in (f"was: '{written}'", f'was: "{written}"', f"was: {written}"):
        with pytest.raises(ConfigFaults) as caught:
            loaded(f"accounts: {{kie: {{{text}, floor: -1}}}}", env)
        assert all("was" in f.path or "floor" in f.path for f in caught.value.faults)
        found = loaded(f"accounts: {{kie: {{key: {text[5:]}}}}}", env)
        assert found.accounts[0].key.reveal() == value


@given(value=st.text(st.characters(codec="ascii", min_codepoint=33, max_codepoint=126)))
def test_a_secret_from_the_environment_never_becomes_yaml(
    tmp_path_factory: pytest.TempPathFactory, value: str
) -> None:
    path = tmp_path_factory.getbasetemp() / "any_secret.yaml"
    path.write_text("accounts: {kie: {key: ${K}, timeout: 3s}}")
    found = load(str(path), CATALOGUE, {"K": value})
    assert found.accounts[0].key.reveal() == value
    assert len(found.targets) == 1


def test_a_value_from_a_variable_is_what_its_key_wants(loaded) -> None:
    found = loaded(
        "accounts: {kie: {enabled: ${YES}, floor: ${F}, timeout: ${T}, jobs: {a: ${P}}}}\n"
        "receivers: {m: {email: {to: ${TO}, from: a@example.com,"
        " smtp: {host: h, port: ${PORT}}}, severities: ${S}}}\n"
        "web: {listen: ${L}}\n",
        {"YES": "true", "F": "135", "T": "3s", "P": "0.5", "PORT": "25", "TO": "b@example.com",
         "S": "critical", "L": "[::1]:0"},
    )  # fmt: skip
    assert (found.accounts[0].floor, found.targets[0].timeout) == (135, 3.0)
    assert found.receivers[0].options["smtp"]["port"] == 25
    assert found.receivers[0].addresses == ("b@example.com",)
    assert found.web.listen == ("::1", 0)


def test_a_secret_may_stand_in_a_file_beside_the_config(loaded, tmp_path: Path) -> None:
    (tmp_path / "kie.key").write_text("kie-planted-0001\n")
    found = loaded("accounts: {kie: {key_file: kie.key}}")
    assert found.accounts[0].key.reveal() == "kie-planted-0001"


def test_credentials_directory_goes_before_the_configs_own(loaded, tmp_path: Path) -> None:
    (tmp_path / "credentials").mkdir()
    (tmp_path / "credentials" / "kie.key").write_text("from-there\r\n")
    (tmp_path / "kie.key").write_text("from-here")
    env = {"CREDENTIALS_DIRECTORY": str(tmp_path / "credentials"), "NAME": "kie"}
    found = loaded("accounts: {kie: {key_file: '${NAME}.key'}}", env)
    assert found.accounts[0].key.reveal() == "from-there"
    absolute = loaded(f"accounts: {{kie: {{key_file: {tmp_path}/kie.key}}}}", env)
    assert absolute.accounts[0].key.reveal() == "from-here"


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", None),
        (b"one\ntwo\n", "names a file with more than one line: a credential is one line"),
        (b"\xff\xfe", "names a file that is not UTF-8 text"),
        (b"x" * 70_000, "names a file that is no credential: it is larger than 64 KiB"),
    ],
)
def test_a_file_that_holds_no_credential(
    loaded, tmp_path: Path, content: bytes, message: str | None
) -> None:
    (tmp_path / "kie.key").write_bytes(content)
    text = "accounts: {kie: {key_file: kie.key}}"
    if message is None:
        assert not loaded(text).accounts[0].configured
        return
    with pytest.raises(ConfigFaults) as caught:
        loaded(text)
    assert [f.message for f in caught.value.faults] == [message]


def test_every_secret_has_a_twin(loaded, tmp_path: Path) -> None:
    (tmp_path / "s").write_text("planted-0001")
    (tmp_path / "u").write_text("https://hooks.example.com/planted-0002\n")
    found = loaded(
        "accounts: {openai: {key_file: s, admin_key_file: s}}\n"
        "receivers:\n"
        "  hook: {webhook: {url_file: u, secret_file: s}}\n"
        "  mail: {email: {to: a@example.com, from: b@example.com,"
        " smtp: {host: h, password_file: s}}}\n"
        "web: {token_file: s, users: {alice_file: s, bob: planted-0003}}\n"
        "heartbeat: {url_file: u}\n"
    )
    assert [s.reveal()[-4:] for s in found.secrets] == [
        "0001", "0001", "0001", "0003", "0002", "0001", "0002", "0001", "0001",
    ]  # fmt: skip
    assert list(found.web.users) == ["alice", "bob"]


def test_no_secret_is_in_the_settings_text_or_in_the_effective_config(tmp_path: Path) -> None:
    path = tmp_path / "config.yaml"
    text = EXAMPLE.read_text() + "canary: https://canary.example.com\n"
    text += "heartbeat: {url: https://switch.example.com/planted-switch}\n"
    text = text.replace(
        'secret: "${OPS_WEBHOOK_SECRET}"',
        'secret: "${OPS_WEBHOOK_SECRET}", headers: {Authorization: planted-header}',
    ).replace("web: {", "web: {token: planted-token, users: {alice: planted-alice}, ")
    path.write_text(text)
    settings = load(str(path), CATALOGUE, EXAMPLE_ENV)
    shown = repr(settings) + str(settings) + effective(str(path), CATALOGUE, EXAMPLE_ENV)
    assert "planted" not in shown
    assert len(settings.secrets) == 9
    assert "Authorization: '********'" in shown


# -- services, alerts, receivers ------------------------------------------------------------


def test_a_service_has_its_targets_in_the_configs_order(loaded) -> None:
    found = loaded(
        "accounts: {kie: {}, huggingface: {models: [b/2, a/1]}}\n"
        "services:\n"
        "  all: {any: '*'}\n"
        "  few: {needs: [huggingface/model/*, kie/balance, huggingface/model/a/?]}\n"
    )
    models = ("huggingface/model/b/2", "huggingface/model/a/1")
    everything = ("kie/balance", "huggingface/key", *models, "huggingface/status")
    assert found.services[0].any_of == everything
    assert found.services[1].needs == (*models, "kie/balance")


def test_without_alerts_the_built_in_rules_hold(loaded) -> None:
    assert loaded("accounts: {kie: {}}\nalerts:\n").rules == tuple(BUILTIN)


def test_an_alert_replaces_removes_and_extends(loaded) -> None:
    rules = loaded(
        "accounts: {kie: {jobs: {a: 5}}}\n"
        "alerts:\n"
        "  - {name: burn-spike, enabled: false}\n"
        "  - {name: runway-short, on: kie/*, when: runway(p50) < 12h, clear: runway(p50) > 1d,\n"
        "     for: 5m, keep_firing_for: 1h, severity: info}\n"
        "  - {name: few, on: '*', when: jobs_left(a) < 20}\n"
        "  - {name: bad-key, on: kie/key, when: 'cause in [key_rejected, key_expired]'}\n"
        "  - {name: gone, on: monitor/network, when: unavailable, enabled: no}\n"
        "  - {name: down, on: kie/provider, when: unavailable}\n"
    ).rules
    names = [rule.name for rule in rules]
    assert names == [r.name for r in BUILTIN if r.name != "burn-spike"] + [
        "few",
        "bad-key",
        "down",
    ]
    short = next(rule for rule in rules if rule.name == "runway-short")
    assert not short.builtin
    assert (short.on, short.severity) == ("kie/*", Severity.INFO)
    assert (short.for_seconds, short.keep_firing_for) == (300.0, 3600.0)
    assert isinstance(short.when, Compare)
    assert (short.when.argument, short.when.value) == ("p50", 12 * 3600)
    assert rules[-3].severity is Severity.WARNING
    assert rules[-2].when == CauseIn(frozenset({Cause.KEY_REJECTED, Cause.KEY_EXPIRED}))
    assert rules[-1].when == Unavailable()


def test_no_receivers_at_all_is_legal(loaded) -> None:
    assert loaded("accounts: {kie: {}}\nreceivers:\n").receivers == ()


def test_a_receiver_has_the_declared_options_with_their_defaults(loaded) -> None:
    found = loaded(
        "accounts: {kie: {}}\n"
        "receivers:\n"
        "  ops: {webhook: {url: 'https://h.example.com/x', headers: {X-Team: ops},"
        " ca_file: ca.pem}, fallback: mail}\n"
        "  mail: {email: {to: [a@example.com, B <b@example.com>], from: Monitor <m@example.com>,"
        " smtp: {host: h, timeout: 2s}}, on: kie/*}\n"
    )  # fmt: skip
    ops, mail = found.receivers
    assert ops.options["headers"] == {"X-Team": Secret("ops")}
    assert ops.options["ca_file"] == str(Path(found.file).parent / "ca.pem")
    assert (ops.options["timeout"], ops.fallback) == (15.0, "mail")
    assert (ops.addresses, ops.on, ops.severities) == (("ops",), ("*",), frozenset(Severity))
    assert mail.addresses == ("a@example.com", "B <b@example.com>")
    assert mail.on == ("kie/*",)
    assert mail.options["smtp"] == {
        "host": "h", "port": 587, "tls": "starttls", "username": None, "password": Secret(""),
        "ca_file": None, "timeout": 2.0,
    }  # fmt: skip


# -- web, database, canary ------------------------------------------------------------------


@pytest.mark.parametrize(
    "web",
    [
        "{listen: 0.0.0.0:9877, users: {alice: planted}}",
        "{listen: '[::]:9877', allow_unauthenticated: true}",
        "{listen: localhost:0, services_listen: 0.0.0.0:80}",
        "{listen: 127.1.2.3:1, external_url: 'https://m.example.com/', users: {alice: planted}}",
        "{services_listen: 127.0.0.1:0, listen: 127.0.0.1:0}",
    ],
)
def test_who_may_see_the_page_is_said_or_it_stays_on_this_machine(loaded, web: str) -> None:
    settings = loaded(f"accounts: {{kie: {{}}}}\nweb: {web}").web
    assert settings.external_url in (None, "https://m.example.com")


def test_a_web_configuration_file_gives_certificate_and_key(loaded, tmp_path: Path) -> None:
    for name in ("cert.pem", "key.pem"):
        (tmp_path / name).touch()
    text = "tls_server_config: {cert_file: cert.pem, key_file: key.pem}\n"
    (tmp_path / "web.yml").write_text(text)
    found = loaded("accounts: {kie: {}}\nweb: {listen: 0.0.0.0:1, config_file: web.yml}").web
    assert found.tls == WebTls(str(tmp_path / "cert.pem"), str(tmp_path / "key.pem"))
    assert found.config_file == str(tmp_path / "web.yml")


def test_hashed_users_are_users(loaded, tmp_path: Path) -> None:
    hashed = "$2y$10$" + "a" * 53
    (tmp_path / "web.yml").write_text(f"basic_auth_users: {{alice: {hashed}}}\n")
    web = "{external_url: https://m.example, config_file: web.yml}"
    found = loaded(f"accounts: {{kie: {{}}}}\nweb: {web}").web
    assert found.hashed_users == {"alice": Secret(hashed)}
    assert found.tls is None


def test_the_database_is_beside_the_config_unless_there_is_a_state_directory(
    loaded, tmp_path: Path
) -> None:
    assert loaded("accounts: {kie: {}}").database == str(tmp_path / "monitor.db")
    text = "accounts: {kie: {}}\ndatabase: data/m.db"
    assert loaded(text).database == str(tmp_path / "data" / "m.db")
    env = {"STATE_DIRECTORY": "/var/lib/monitor:/var/lib/other"}
    assert loaded(text, env).database == "/var/lib/monitor/data/m.db"
    assert loaded("accounts: {kie: {}}\ndatabase: /srv/m.db", env).database == "/srv/m.db"


def test_the_canary_is_a_url(loaded) -> None:
    text = "accounts: {kie: {}}\ncanary: https://canary.example.com/generate_204"
    assert loaded(text).canary_url == "https://canary.example.com/generate_204"


# -- YAML -----------------------------------------------------------------------------------


def test_aliases_and_merge_keys_are_followed(loaded) -> None:
    found = loaded(
        "accounts:\n"
        "  kie: &kie {provider: kie, timeout: &t 3s, jobs: {a: 5}}\n"
        "  kie-2: {<<: *kie, timeout: 4s}\n"
        "  kie-3:\n"
        "    <<: [*kie]\n"
        "    interval: 7m\n"
        "  openai: {timeout: *t}\n"
    )
    assert [t.timeout for t in found.targets] == [3.0, 4.0, 3.0, 3.0, 3.0]
    assert [a.provider for a in found.accounts] == ["kie", "kie", "kie", "openai"]
    assert found.accounts[2].jobs == {"a": 5}


def test_keys_are_read_as_they_are_written(loaded) -> None:
    found = loaded(
        "accounts: {010: {provider: kie}, no: {provider: kie}, 2026-01-01: {provider: kie}}"
    )
    assert [a.name for a in found.accounts] == ["010", "no", "2026-01-01"]


def test_every_check_of_a_target_is_declared_by_its_provider(loaded) -> None:
    found = loaded("accounts: {huggingface: {models: [a/b]}, kie: {}, openai: {}}")
    for settings in found.targets:
        assert settings.target.check in CATALOGUE.providers[settings.target.provider].checks
    assert {t.target.check for t in found.targets} == set(Check) - {Check.INFERENCE}


# -- the effective config -------------------------------------------------------------------


def test_the_effective_config_means_the_same_as_the_config(tmp_path: Path) -> None:
    path, again = tmp_path / "config.yaml", tmp_path / "again.yaml"
    extra = (
        "  - {name: burn-spike, enabled: false}\n"
        "  - {name: spike, on: kie/balance, when: burn > 5x usual, for: 90s}\n"
        "  - {name: bad, on: '*', when: cause is key_expired}\n"
        "  - {name: out, on: huggingface/model, when: unavailable}\n"
    )
    text = EXAMPLE.read_text().replace("\nreceivers:", extra + "\nreceivers:")
    path.write_text(text.replace("40/day", "1/week"))
    shown = effective(str(path), CATALOGUE, EXAMPLE_ENV)
    again.write_text(shown.replace("url: '********'", "url: https://hooks.example.com/x"))
    before = load(str(path), CATALOGUE, EXAMPLE_ENV)
    after = load(str(again), CATALOGUE, {})
    assert after.targets == before.targets
    assert after.rules == before.rules
    assert after.services == before.services
    assert (after.web.listen, after.database) == (before.web.listen, before.database)
    for name in ("models", "jobs", "usage", "floor", "urls", "fields", "provider", "name"):
        assert [getattr(a, name) for a in after.accounts] == [
            getattr(a, name) for a in before.accounts
        ]
    assert [(r.addresses, r.severities, r.remind_every) for r in after.receivers] == [
        (r.addresses, r.severities, r.remind_every) for r in before.receivers
    ]


LIVES = """accounts: {kie: {}}
alerts:
  - {name: low, on: kie/balance, when: balance < 9, after: 3, clear_after: 2}
receivers:
  a: {webhook: {url: "https://hooks.example.com/x"}, remind_every: 1h..24h, follow_up: 24h}
  b: {webhook: {url: "https://hooks.example.com/x"}, remind_every: 1s}
"""


def test_the_life_of_an_alert_is_taken_as_it_is_written(loaded) -> None:
    found = loaded(LIVES)
    rule = found.rules[-1]
    assert (rule.name, rule.after, rule.clear_after) == ("low", 3, 2)
    assert [r.remind_every for r in found.receivers] == [
        Interval(3600.0, 86400.0),
        Interval(1.0, 1.0),
    ]
    assert [r.follow_up for r in found.receivers] == [86400.0, None]


@pytest.mark.parametrize(
    ("text", "damping"),
    [
        ("", Damping(4, 3600.0)),
        ("flapping: off", None),
        ("flapping: {enabled: false, more_than: 2}", None),
        ("flapping: on", Damping(4, 3600.0)),
        ("flapping: {enabled: true}", Damping(4, 3600.0)),
        ("flapping: {more_than: 2}", Damping(2, 3600.0)),
        ("flapping: {more_than: 9, within: 6d}", Damping(9, 6 * 86400.0)),
        ("flapping: {within: 1s}", Damping(4, 1.0)),
        ("flapping:", Damping(4, 3600.0)),
    ],
)
def test_when_an_alert_flaps_is_the_configs_to_say(
    loaded, text: str, damping: Damping | None
) -> None:
    assert loaded(f"{LIVES}{text}").flapping == damping


@pytest.mark.parametrize("text", ["", "flapping: off", "flapping: {more_than: 2, within: 90s}"])
def test_the_effective_config_keeps_the_life_of_an_alert(
    loaded, tmp_path: Path, text: str
) -> None:
    before = loaded(f"{LIVES}{text}")
    shown = effective(str(tmp_path / "config.yaml"), CATALOGUE, {})
    after = loaded(shown.replace("url: '********'", "url: https://hooks.example.com/x"))
    assert (after.rules, after.flapping) == (before.rules, before.flapping)
    assert [(r.remind_every, r.follow_up) for r in after.receivers] == [
        (r.remind_every, r.follow_up) for r in before.receivers
    ]


def test_lease_and_heartbeat_are_read_and_shown_with_their_defaults(tmp_path: Path) -> None:
    path, again = tmp_path / "config.yaml", tmp_path / "again.yaml"
    plain = "accounts: {kie: {}}\n"
    path.write_text(
        plain + "lease: 5s\nheartbeat: {url: https://s.example.com/a, interval: 30s}\n"
    )
    shown = effective(str(path), CATALOGUE, {})
    again.write_text(shown.replace("'********'", "https://s.example.com/a"))
    for found in (load(str(each), CATALOGUE, {}) for each in (path, again)):
        assert found.heartbeat is not None
        assert found.heartbeat.url.reveal() == "https://s.example.com/a"
        assert (found.lease, found.heartbeat.interval, found.heartbeat.timeout) == (5, 30, 10)
    path.write_text(plain)
    found = load(str(path), CATALOGUE, {})
    assert (found.lease, found.heartbeat) == (10, None)


def test_the_effective_config_is_shown_without_secrets_at_hand() -> None:
    shown = yaml.safe_load(effective(str(EXAMPLE), CATALOGUE, {}))
    assert "key" not in shown["accounts"]["kie"]
    assert shown["accounts"]["kie"]["balance"] == {"interval": "1m..15m", "timeout": "15s"}


def test_the_effective_config_of_a_broken_one_is_its_faults(tmp_path: Path) -> None:
    path = tmp_path / "config.yaml"
    path.write_text("accounts: {kie: {intervall: 5m}}")
    with pytest.raises(ConfigFaults, match="did you mean interval"):
        effective(str(path), CATALOGUE, {})

"""What is legal and yet unwise is a warning with its place, and stops nothing."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from textwrap import indent

import pytest
from catalogue import CATALOGUE

from monitor.build import load_settings
from monitor.config import ConfigFaults, load
from monitor.core.settings import Settings
from monitor.store import StoreError
from monitor.store.sqlite import SqliteStore

GOOD = {
    "huggingface": "{key: hf_x, models: [a/b]}",
    "kie": "{key: x, balance: {interval: 5m}, jobs: {v: 135}, usage: {v: 40/day}}",
    "old": "{provider: kie, enabled: false}",
}
HOOK = "{webhook: {url: 'https://hook.example.com/x'}}"


def read(
    folder: Path, accounts: dict[str, str], receivers: str = "", rest: str = ""
) -> tuple[Settings, list[str]]:
    """The settings, and their doubts without the file's name."""
    path = folder / "config.yaml"
    lines = "".join(f"  {name}: {block}\n" for name, block in (GOOD | accounts).items())
    told = receivers or f"{{r: {HOOK}}}"
    path.write_text(f"accounts:\n{lines}{rest}receivers: {told}\n")
    found = load(str(path), CATALOGUE, {})
    return found, [doubt.removeprefix(f"{path}:") for doubt in found.doubts]


def rule(text: str) -> str:
    return f"alerts:\n{indent(f'- {{{text}}}', '  ')}\n"


def receiver(more: str) -> str:
    return f"{{r: {{{more}, {HOOK[1:]}}}"


def mail(server: str) -> str:
    return f"{{r: {{email: {{to: [a@b.example], from: m@b.example, smtp: {{{server}}}}}}}}}"


ODD = [
    ({"huggingface": "{key: hf_x, models: [a/b], key_check: {interval: 10s}}"}, "", "",
     "2:65: accounts.huggingface.key_check.interval: warning: every 10s is more often than the 5m "
     "that Hugging Face bears: it may refuse all of the account"),
    ({"kie": "{key: x, balance: {interval: 6h}}"}, "", "",
     "3:37: accounts.kie.balance.interval: warning: a balance that is read every 6h can be gone "
     "before runway-critical sees a runway under 4h"),
    ({"kie": "{key: x, interval: 30h}"}, "",
     rule("name: topped-up, enabled: true"),
     "3:27: accounts.kie.interval: warning: a balance that is read every 1d6h can be gone before "
     "runway-critical sees a runway under 4h"),
    ({"kie": "{key: x, jobs: {v: 135}, usage: {v: 40/day}, floor: 5}"}, "", "",
     "3:60: accounts.kie.floor: warning: is under 135, the price of the dearest job in `usage`: "
     "between the two that job is refused, and nobody is told"),
    ({}, "", "services: {s: {needs: [kie/balance, old/balance]}}\n",
     "5:37: services.s.needs.1: warning: is of an account that is disabled: nobody probes it, and "
     "the service is shown without it"),
    ({}, "", "services: {s: {any: old/balance}}\n",
     "5:21: services.s.any: warning: is of an account that is disabled: nobody probes it, and the "
     "service is shown without it"),
    ({}, "", rule("name: monitor-offline, enabled: false"), None),
    ({}, "", rule("name: provider-down, enabled: false"),
     "6:36: alerts.0.enabled: warning: provider-down is critical, and is switched off: nobody "
     "hears when three probes in a row fail by the provider's fault and nothing there is read "
     "since"),
    ({}, "", rule("name: provider-down, on: '*', when: failures >= 3"),
     "6:12: alerts.0.name: warning: takes the place of a critical built-in rule with severity "
     "warning"),
    ({}, "", rule("name: provider-down, on: '*', when: failures >= 3, severity: critical"), None),
    ({}, "", rule("name: a, on: old/balance, when: balance < 1000"),
     "6:19: alerts.0.on: warning: 'old/balance' is only of accounts that are disabled: this rule "
     "never fires"),
    ({}, "", rule("name: a, on: kie/balance, when: balance <= 135"),
     "6:38: alerts.0.when: warning: 135 is not above the floor of 135: credits-exhausted is told "
     "before it"),
    ({}, "", rule("name: a, on: kie/balance, when: balance < 136"), None),
    ({}, "", rule("name: a, on: kie/balance, when: balance < 500, clear: balance < 400"),
     "6:60: alerts.0.clear: warning: goes the same way as `when`: it ends as it gets worse, not "
     "when it is over"),
    ({}, "", rule("name: a, on: '*', when: failures >= 3, clear: failures >= 1"),
     "6:52: alerts.0.clear: warning: goes the same way as `when`: it ends as it gets worse, not "
     "when it is over"),
    ({"kie": "{key: '', balance: {interval: 5m}}"}, "", "",
     "3:14: accounts.kie.key: warning: there is no key: nothing is asked with it, and nobody is "
     "told of it; `enabled: false` says that this is meant"),
    ({"kie": "{}"}, "", "",
     "3:8: accounts.kie: warning: there is no key: nothing is asked with it, and nobody is told "
     "of it; `enabled: false` says that this is meant"),
    ({"kie": "{enabled: false}"}, "", "", None),
    ({"kie": "{key: $KIE_API_KEY, balance: {interval: 5m}}"}, "", "",
     "3:14: accounts.kie.key: warning: looks like a variable of another notation, and is taken as "
     "it stands: write ${KIE_API_KEY} (or $$ for $)"),
    ({"kie": "{key: '%KIE_API_KEY%', balance: {interval: 5m}}"}, "", "",
     "3:14: accounts.kie.key: warning: looks like a variable of another notation, and is taken as "
     "it stands: write ${KIE_API_KEY}"),
    ({"kie": "{key: $(KIE_API_KEY), balance: {interval: 5m}}"}, "", "",
     "3:14: accounts.kie.key: warning: looks like a variable of another notation, and is taken as "
     "it stands: write ${KIE_API_KEY} (or $$ for $)"),
    ({"kie": "{key: $PLANTED7, balance: {interval: 5m}}"}, "", "",  # maybe it is the key
     "3:14: accounts.kie.key: warning: looks like a variable of another notation, and is taken as "
     "it stands: write ${NAME} (or $$ for $)"),
    ({"kie": "{key: $$KIE_API_KEY, balance: {interval: 5m}}"}, "", "", None),
    ({"kie": "{key: $a_key, balance: {interval: 5m}}"}, "", "", None),
    ({}, mail("host: 'smtp.example.com:587'"), "",
     "5:76: receivers.r.email.smtp.host: warning: holds a port: write `host: smtp.example.com, "
     "port: 587`"),
    ({}, mail("host: '::1', tls: none"), "", None),
    ({}, mail("host: smtp.example.com, port: 465"), "",
     "5:100: receivers.r.email.smtp.port: warning: 465 is for `tls: implicit`; starttls is asked "
     "for at 587"),
    ({}, mail("host: smtp.example.com, port: 587, tls: implicit"), "",
     "5:100: receivers.r.email.smtp.port: warning: 587 is for `tls: starttls`; implicit begins at "
     "465"),
    ({}, mail("host: smtp.example.com, port: 465, tls: implicit"), "", None),
    ({}, mail("host: smtp.example.com, username: u"), "",
     "5:104: receivers.r.email.smtp.username: warning: stands without a `password`: nobody logs "
     "in"),
    ({}, mail("host: smtp.example.com, password: p-1234"), "",
     "5:104: receivers.r.email.smtp.password: warning: stands without a `username`: nobody logs "
     "in"),
    ({}, mail("host: smtp.example.com, tls: none, username: u, password: p-1234"), "",
     "5:99: receivers.r.email.smtp.tls: warning: none: no password is sent unencrypted to another "
     "machine, and no mail goes"),
    ({}, mail("host: localhost, tls: none, username: u, password: p-1234"), "", None),
    ({}, "", rule("name: a, on: kie/balance, when: balance < 500, clear: balance >= 400"),
     "6:60: alerts.0.clear: warning: has no effect: it holds already where `when` does not"),
    ({}, "", rule("name: a, on: kie/balance, when: balance < 500, clear: balance >= 600"), None),
    ({}, "", rule("name: a, on: kie/balance, when: quota_used >= 80%"),
     "6:38: alerts.0.when: warning: quota_used is of a quota, and no target of this rule has one: "
     "it never fires"),
    ({"openai": "{key: x}"}, "", rule("name: a, on: openai/quota, when: quota_used > 100%"),
     "7:39: alerts.0.when: warning: 100% is beyond the whole of a quota: it hardly ever fires"),
    ({"openai": "{key: x}"}, "", rule("name: a, on: openai/quota, when: quota_left < 0"),
     "7:39: alerts.0.when: warning: 0 is beyond the whole of a quota: it hardly ever fires"),
    ({"openai": "{key: x}"}, "", rule("name: a, on: openai/quota, when: quota_used > 300"), None),
    ({}, "", rule("name: a, on: kie/balance, when: latency > 15s"),
     "6:38: alerts.0.when: warning: a probe ends after its timeout of 15s: it is never as slow as "
     "15s"),
    ({}, "", rule("name: a, on: kie/balance, when: latency > 14s"), None),
    ({}, "{}", "",
     "5:12: receivers: warning: there are none: nobody is told of anything, there are only "
     "metrics and the page"),
    ({}, receiver("severities: [info], on: [kie/balance]"), "",
     "5:16: receivers.r: warning: no rule of a severity it takes is about a target it takes: it "
     "never hears anything"),
    ({}, receiver("severities: [info], on: [kie/balance]"),
     rule("name: topped-up, enabled: true"), None),
    ({}, receiver("severities: [info]"), "", None),
    ({}, receiver("escalate_after: 30m"), "",
     "5:33: receivers.r.escalate_after: warning: every receiver waits: nobody hears of an "
     "incident when it opens"),
    ({}, receiver("remind_every: 10s"), "",
     "5:31: receivers.r.remind_every: warning: reminds every 10s of what is looked at every 5m: "
     "nothing new can be said"),
]  # fmt: skip


@pytest.mark.parametrize(("accounts", "receivers", "rest", "doubt"), ODD)
def test_what_is_unwise_is_said_with_its_place(
    tmp_path: Path, accounts: dict[str, str], receivers: str, rest: str, doubt: str | None
) -> None:
    _, doubts = read(tmp_path, accounts, receivers, rest)
    assert doubts == ([] if doubt is None else [doubt])


def test_a_receiver_that_only_stands_in_for_another_is_not_unreachable(tmp_path: Path) -> None:
    silent = f"severities: [info], on: [kie/balance], {HOOK[1:]}"
    _, doubts = read(tmp_path, {}, f"{{a: {{fallback: b, {HOOK[1:]}, b: {{{silent}}}")
    assert doubts == []


def test_a_key_file_that_everybody_can_read_is_named_and_read(tmp_path: Path) -> None:
    place = tmp_path / "kie-key"
    place.write_text("planted-key-0001\n")
    place.chmod(0o644)
    settings, doubts = read(tmp_path, {"kie": "{key_file: kie-key}"})
    assert doubts == [
        "3:19: accounts.kie.key_file: warning: names a file that every user of this machine can "
        "read: chmod o= it"
    ]
    assert settings.accounts[1].key.reveal() == "planted-key-0001"
    place.chmod(0o640)
    assert read(tmp_path, {"kie": "{key_file: kie-key}"})[1] == []


@pytest.mark.parametrize(
    ("content", "doubt"),
    [
        (None, "is a directory: name a file in it, such as mine/monitor.db"),
        (b"my notes\n", "names a file that is no database: it is left as it is, and the daemon "
         "remembers nothing from one start to the next; name another"),
        (b"", ""),
        (b"SQLite format 3\0and so on", ""),
    ],
)  # fmt: skip
def test_what_stands_in_the_databases_place_is_named_and_left_alone(
    tmp_path: Path, content: bytes | None, doubt: str
) -> None:
    place = tmp_path / "mine"
    if content is None:
        place.mkdir()
    else:
        place.write_bytes(content)
    _, doubts = read(tmp_path, {}, rest="database: mine\n")
    assert doubts == ([f"5:11: database: warning: {doubt}"] if doubt else [])
    assert content is None or place.read_bytes() == content


@pytest.mark.parametrize(
    ("smtp", "place"),
    [("{host: 'b.example:25'}", "3:80: receivers.r.email.smtp.host"),
     ("[{host: a.example}, {host: 'b.example:25'}]", "3:100: receivers.r.email.smtp.1.host")],
)  # fmt: skip
def test_of_several_mail_servers_the_odd_one_is_named(
    tmp_path: Path, smtp: str, place: str
) -> None:
    path = tmp_path / "config.yaml"
    email = f"{{to: [a@example.com], from: m@example.com, smtp: {smtp}}}"
    path.write_text(f"accounts:\n  kie: {{key: x}}\nreceivers: {{r: {{email: {email}}}}}\n")
    (doubt,) = load_settings(str(path), {}).doubts
    said = f"{path}:{place}: warning: holds a port: write `host: b.example, port: 25`"
    assert doubt == said


@pytest.mark.parametrize(("name", "aside"), [("mine", False), ("mine.txt", False), ("m.db", True)])
async def test_a_file_in_the_databases_place_meets_the_fate_that_was_said(
    tmp_path: Path, name: str, aside: bool
) -> None:
    place = tmp_path / name
    place.write_text("my notes\n" * 100)
    _, (doubt,) = read(tmp_path, {}, rest=f"database: {name}\n")
    assert ("sets it aside" in doubt, "is left as it is" in doubt) == (aside, not aside)
    store = SqliteStore(place)
    try:
        await store.load(datetime(2026, 11, 20, tzinfo=UTC))
    except StoreError:
        assert not aside
    await store.close()
    assert kept_notes(tmp_path) == [aside]


def kept_notes(folder: Path) -> list[bool]:
    """Whether each file with the notes has another name by now."""
    notes = [x for x in folder.iterdir() if x.read_bytes().startswith(b"my notes")]
    return [".corrupt-" in x.name for x in notes]


def test_the_config_itself_is_no_database(tmp_path: Path) -> None:
    (tmp_path / "link.yaml").symlink_to(tmp_path / "config.yaml")
    for name in ("config.yaml", "link.yaml"):
        with pytest.raises(ConfigFaults, match="5:11: database: is the config itself: name"):
            read(tmp_path, {}, rest=f"database: {name}\n")


@pytest.mark.parametrize(("cost", "dear"), [(10, False), (12, False), (13, True), (14, True)])
def test_a_password_that_is_dear_to_check_is_named(tmp_path: Path, cost: int, dear: bool) -> None:
    web = tmp_path / "web.yml"
    web.write_text(f"basic_auth_users:\n  ada: $2b${cost}${'a' * 53}\n")
    _, doubts = read(tmp_path, {}, rest="web: {config_file: web.yml}\n")
    said = (
        f"{web}:2:8: basic_auth_users.ada: warning: has a cost of {cost}: a login takes about a "
        "second of a processor, and so does each guess; 10 is enough"
    )
    assert doubts == ([said] if dear else [])


def test_the_example_config_is_wise() -> None:
    from monitor.build import load_settings

    names = ("KIE_API_KEY", "SMTP_PASSWORD", "OPS_WEBHOOK_SECRET")
    env = dict.fromkeys(names, "x") | {
        "HUGGINGFACE_API_KEY": "hf_x",
        "OPS_WEBHOOK_URL": "https://hook.example.com/x",
    }
    example = Path(__file__).parent.parent / "config.yaml"
    assert load_settings(str(example), env).doubts == ()

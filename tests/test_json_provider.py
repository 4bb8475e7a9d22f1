"""The provider `json`: its faults in the user's words, its secrets, the examples in its page."""

from __future__ import annotations

import re
from decimal import Decimal
from pathlib import Path

import pytest
from recorded import Player, account_of, played

from monitor.build import catalogue
from monitor.config import ConfigFaults, load
from monitor.config.load import effective
from monitor.core.causes import Cause
from monitor.core.model import Check
from monitor.core.secret import Secret
from monitor.core.settings import Account, Settings
from monitor.providers import load_providers
from monitor.providers._json import faults

ROOT = Path(__file__).parent.parent
PAGE = (ROOT / "docs" / "json-provider.md").read_text()
EXAMPLES = re.findall(r"```yaml\n(.*?)```", PAGE, re.DOTALL)
JSON = load_providers()["json"]
CATALOGUE = catalogue()
HEAD = "accounts:\n  acme:\n    provider: json\n    url: https://api.example.com/v1\n"


def loaded(tmp_path: Path, text: str, env: dict[str, str] | None = None) -> Settings:
    """Settings of a config with this in it."""
    path = tmp_path / "config.yaml"
    path.write_text(text)
    return load(str(path), CATALOGUE, env or {})


def account(tmp_path: Path, lines: str, env: dict[str, str] | None = None) -> Account:
    """The one account that has these lines."""
    indented = "".join(f"    {line}\n" for line in lines.splitlines())
    return loaded(tmp_path, HEAD + indented, env).accounts[0]


FAULTS = {
    "balance: data..credits": "5:14: accounts.acme.balance: 'data..credits' is no path",
    "balance: $.data.credits": "5:14: accounts.acme.balance: '$.data.credits' is no path",
    "balance: data[0].credits": "5:14: accounts.acme.balance: 'data[0].credits' is no path",
    "balance: [data.a, data b]": "5:23: accounts.acme.balance.1: 'data b' is no path",
    "balance: items.*": "5:14: accounts.acme.balance: 'items.*' is no path",
    "balance: []": "5:14: accounts.acme.balance: is an empty list",
    "balance: a\nok: {path: -code, equals: 0}": "6:16: accounts.acme.ok.path: '-code' is no path",
    "balance: a\nok: {path: code}": "6:9: accounts.acme.ok.equals: is missing",
    "balance: a\nok: {path: code, equals: [0]}":
        "6:30: accounts.acme.ok.equals: must be text, a number, true or false, not a list",
    "balance: a\nquota: {used: b}": "6:12: accounts.acme.quota: give either balance or quota",
    "quota: {limit: b}": "5:12: accounts.acme.quota.used: is missing",
    "quota: {used: b}\nunit: USD": "6:11: accounts.acme.unit: has no effect",
    "key: planted-key-0001":
        "2:3: accounts.acme: there is nothing to watch: write balance or quota",
    "balance: a\nscale: 0": "6:12: accounts.acme.scale: would make every balance 0",
    "balance: a\nscale: cents": "6:12: accounts.acme.scale: must be a number, not 'cents'",
    "balance: a\nbody: '{}'": "6:11: accounts.acme.body: is sent with `method: POST` only",
    "balance: a\nmethod: POST\nbody: 'not json'": "7:11: accounts.acme.body: is not JSON",
    "balance: a\nmethod: POST\nbody: '{a: 1}'\nheaders: {Content-Type: application/json}":
        "7:11: accounts.acme.body: is not JSON",
    "balance: a\nmethod: PUT": "6:13: accounts.acme.method: 'PUT' is not GET or POST",
    "balance: a\nheaders: {a b: c}": "6:20: accounts.acme.headers.a…: is no header",
    "balance: a\nheaders: {Host: c}": "6:21: accounts.acme.headers.Host: is no header",
    "balance: a\nheaders: {X-A: 'ü'}": "6:20: accounts.acme.headers.X-A: is not printable ASCII",
    "balance: a\nerrors: [{status: 403}]": "6:14: accounts.acme.errors.0.cause: is missing",
    "balance: a\nerrors: [{cause: rate_limited}]":
        "6:14: accounts.acme.errors.0: needs status, code or says",
    "balance: a\nerrors: [{code: 1, cause: rate_limited}]":
        "6:21: accounts.acme.errors.0.code: needs `ok`",
    "balance: a\nerrors: [{status: 42, cause: rate_limited}]":
        "6:23: accounts.acme.errors.0.status: must be an HTTP status",
    "balance: a\nerrors: [{status: 402, cause: credits_exhaustd}]":
        "6:35: accounts.acme.errors.0.cause: 'credits_exhaustd' is not key_rejected,",
    "balance: a\nerrors: [{says: '(', cause: rate_limited}]":
        "6:21: accounts.acme.errors.0.says: '(' is no regular expression: missing )",
    "balance: a\nerrors: [{stat: 1, cause: rate_limited}]":
        "6:15: accounts.acme.errors.0.stat: unknown key, did you mean status?",
}  # fmt: skip


@pytest.mark.parametrize("lines", FAULTS)
def test_what_is_wrong_is_said_with_its_place(lines: str, tmp_path: Path) -> None:
    with pytest.raises(ConfigFaults) as caught:
        account(tmp_path, lines)
    said = [str(f).removeprefix(f"{tmp_path}/config.yaml:") for f in caught.value.faults]
    assert any(line.startswith(FAULTS[lines]) for line in said), said
    assert len(said) == 1


def test_an_unknown_cause_is_asked_about(tmp_path: Path) -> None:
    with pytest.raises(ConfigFaults, match="did you mean credits_exhausted"):
        account(tmp_path, "balance: a\nerrors: [{status: 402, cause: credits_exhaustd}]")


@pytest.mark.parametrize(
    ("url", "words"),
    [
        ("", "url: is missing"),
        ("url: http://api.example.com", "http:// would send the key in the clear"),
        ("url: https://api.example.com/?key=${KEY}", "carry it in a header"),
        ("url: https://me:planted@api.example.com", "must not hold a user name or a password"),
    ],
)
def test_an_address_is_there_and_holds_no_credential(url: str, words: str, tmp_path: Path) -> None:
    text = f"accounts:\n  acme:\n    provider: json\n    balance: a\n    {url}\n"
    with pytest.raises(ConfigFaults) as caught:
        loaded(tmp_path, text, {"KEY": "planted-0009"})
    (fault,) = caught.value.faults
    assert words in str(fault)
    assert "planted" not in str(fault)


def test_a_variable_may_stand_before_the_query_of_an_address(tmp_path: Path) -> None:
    text = "accounts: {acme: {provider: json, balance: a, url: '${BASE}/v1/'}}"
    (found,) = loaded(tmp_path, text, {"BASE": "https://api.example.com"}).accounts
    assert found.urls == {"url": "https://api.example.com/v1/"}


@pytest.mark.parametrize("example", EXAMPLES)
def test_every_example_of_the_page_loads(example: str, tmp_path: Path) -> None:
    settings = loaded(tmp_path, example, {"ACME_API_KEY": "planted-key-0001"})
    check = Check.QUOTA if "quota:" in example else Check.BALANCE
    assert [t.target.name for t in settings.targets] == [f"acme/{check}"]


async def test_the_first_example_reads_the_answer_above_it(tmp_path: Path) -> None:
    (answer,) = re.findall(r"```json\n(.*?)```", PAGE, re.DOTALL)
    found = loaded(tmp_path, EXAMPLES[0], {"ACME_API_KEY": "planted-key-0001"}).accounts[0]
    player = Player({"status": 200, "body": answer})
    finding = await played(JSON, player, Check.BALANCE, account=found)
    assert (finding.cause, finding.balance, finding.unit) == (Cause.OK, Decimal("37.655"), "USD")
    assert player.asked[0].headers["authorization"] == "Bearer planted-key-0001"


SECRET = {"TOKEN": "planted-token-0007", "KEY": "planted-key-0006"}
SECRETIVE = """\
headers: {X-Key: '${KEY}', Authorization: 'Token ${TOKEN}'}
method: POST
body: '{"token": "planted-body-0008"}'
balance: data.credits
ok: {path: fine, equals: true}
errors: [{status: 451, says: private, cause: not_knowable}]
interval: 1m
"""


def test_the_effective_config_shows_no_secret_and_loads_as_it_was(tmp_path: Path) -> None:
    indented = "".join(f"    {line}\n" for line in SECRETIVE.splitlines())
    settings = loaded(tmp_path, HEAD + indented, SECRET)
    said = effective(settings.file, CATALOGUE, SECRET)
    assert "planted" not in said
    assert "X-Key: '********'" in said
    again = loaded(tmp_path, said)
    assert again.targets == settings.targets
    same = ("balance", "ok", "errors", "method", "scale")
    own = settings.accounts[0].fields
    assert {n: again.accounts[0].fields[n] for n in same} == {n: own[n] for n in same}


@pytest.mark.parametrize("status", [200, 401, 418, 451, 500])
@pytest.mark.parametrize("secret", ["planted-token-0007", "planted-key-0006"])
async def test_no_part_of_a_header_comes_back_out(
    status: int, secret: str, tmp_path: Path
) -> None:
    found = account(tmp_path, SECRETIVE, SECRET)
    echo = {"fine": False, "code": secret, "msg": f"private {secret}", secret: secret}
    player = Player({"status": status, "body": echo})
    finding = await played(JSON, player, Check.BALANCE, account=found)
    assert secret not in repr(finding)
    assert finding.cause not in (Cause.OK, Cause.NOT_CONFIGURED)
    (sent,) = player.asked
    assert sent.headers["authorization"] == "Token planted-token-0007"
    assert sent.headers["x-key"] == "planted-key-0006"
    assert sent.content == b'{"token": "planted-body-0008"}'


async def test_an_ok_that_does_not_fit_is_named_without_what_stood_there(tmp_path: Path) -> None:
    found = account(tmp_path, "balance: a\nok: {path: code?, equals: 0}")
    player = Player({"status": 200, "body": {"a": 3, "code": 7719}})
    finding = await played(JSON, player, Check.BALANCE, account=found)
    assert finding.cause is Cause.PROVIDER_ERROR
    assert ": code is not 0; if the answer is good, `ok` in the config is wrong" in finding.summary
    assert "7719" not in repr(finding)


def test_every_secret_of_an_account_is_known_to_the_redaction(tmp_path: Path) -> None:
    indented = "".join(f"    {line}\n" for line in SECRETIVE.splitlines())
    settings = loaded(tmp_path, HEAD + indented, SECRET)
    wanted = {"planted-key-0006", "Token planted-token-0007", '{"token": "planted-body-0008"}'}
    assert {Secret(value) for value in wanted} <= set(settings.secrets)


async def test_a_header_set_by_hand_is_sent_once(tmp_path: Path) -> None:
    lines = "key: planted-key-0001\nbalance: a\nheaders: {accept: text/json, authorization: mine}"
    player = Player({"status": 200, "body": {"a": 1}})
    await played(JSON, player, Check.BALANCE, account=account(tmp_path, lines))
    assert player.asked[0].headers.get_list("accept") == ["text/json"]
    assert player.asked[0].headers.get_list("authorization") == ["mine"]


async def test_without_the_field_of_a_check_nothing_is_asked() -> None:
    bare = account_of(JSON, fields={f.name: f.default for f in JSON.spec.fields})
    finding = await played(JSON, Player(), Check.BALANCE, account=bare)
    assert (finding.cause, finding.summary) == (
        Cause.NOT_CONFIGURED, "no balance is set for the account acme",
    )  # fmt: skip


@pytest.mark.parametrize(
    ("body", "kind"),
    [
        ("[1]", "application/json"),
        ("********", "application/json"),
        ('{"n": ${NOT_SET}}', "application/json"),
        ("grant=all&scope=money", "application/x-www-form-urlencoded"),
    ],
)
def test_a_body_need_not_be_json_where_it_is_called_something_else_or_is_not_known(
    body: str, kind: str
) -> None:
    fields = dict.fromkeys(f.name for f in JSON.spec.fields)
    fields |= {"method": "POST", "body": Secret(body), "headers": {"content-type": Secret(kind)}}
    assert list(faults(fields)) == []

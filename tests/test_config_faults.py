"""A broken config: every fault at once, each with its place, in words, and without secrets."""

from __future__ import annotations

from pathlib import Path

import pytest
import yaml
from catalogue import CATALOGUE
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from monitor.config import ConfigFaults, load
from monitor.core.settings import Settings

HERE = Path(__file__).parent / "bad_configs"
ENV = {"PLANTED": "planted value 0009 <planted>"}
CASES = sorted(HERE.glob("*.yaml"))


def faults(path: Path, env: dict[str, str] | None = None) -> list[str]:
    """The lines a user reads, with the file named as in its own directory."""
    with pytest.raises(ConfigFaults) as caught:
        load(str(path), CATALOGUE, ENV if env is None else env)
    return [line.removeprefix(f"{path.parent}/") for line in str(caught.value).splitlines()]


def written(tmp_path: Path, text: str | bytes) -> Path:
    """A config file with this in it."""
    path = tmp_path / "config.yaml"
    path.write_bytes(text.encode() if isinstance(text, str) else text)
    return path


@pytest.mark.parametrize("path", CASES, ids=lambda path: path.stem)
def test_every_fault_is_reported_with_its_place_and_in_words(path: Path) -> None:
    assert faults(path) == path.with_suffix(".faults").read_text().splitlines()


def test_there_is_an_expectation_for_every_bad_config_and_the_other_way_round() -> None:
    assert {p.stem for p in HERE.glob("*.faults")} == {p.stem for p in CASES}
    assert len(CASES) > 30


@pytest.mark.parametrize("path", CASES, ids=lambda path: path.stem)
def test_no_fault_shows_what_looks_like_a_credential(path: Path) -> None:
    assert "planted" not in "\n".join(faults(path)).lower().replace("${planted}", "")


@pytest.mark.parametrize(
    ("content", "expected"),
    [
        (b"", "1:1: file: is empty: a config begins with a key such as `accounts:`"),
        (b"\n\n", "1:1: file: is empty: a config begins with a key such as `accounts:`"),
        (b"accounts:\n  kie: \0\x01", "1:1: file: holds binary data: a config is text in UTF-8"),
        (b"a: 1\nb: \xff\xfe", "2:4: file: is not UTF-8 text: save the file as UTF-8"),
        (b"a: 1\nb: \x07", "2:4: file: holds the control character U+0007: remove it"),
        (b"a: \xf4\x8f\xbf\xb0", "1:4: file: holds the control character U+10FFF0: remove it"),
        (b"x" * 17_000_000, "1:1: file: is larger than 16 MiB: this is not a config"),
    ],
)
def test_what_is_no_yaml_text_is_one_clear_fault(
    tmp_path: Path, content: bytes, expected: str
) -> None:
    assert faults(written(tmp_path, content)) == [f"config.yaml:{expected}"]


def test_a_config_may_hold_as_many_values_as_it_writes_out(tmp_path: Path) -> None:
    labels = "".join(f"      label{n}: value{n}\n" for n in range(60_000))
    text = f"accounts:\n  kie:\n    provider: kie\n    key: planted\n    labels:\n{labels}"
    assert not [f for f in faults(written(tmp_path, text.encode())) if "values" in f]


def test_a_directory_is_one_clear_fault(tmp_path: Path) -> None:
    with pytest.raises(ConfigFaults) as caught:
        load(str(tmp_path), CATALOGUE, {})
    assert str(caught.value) == f"{tmp_path}:1:1: file: is a directory: name the file in it"


def test_an_absent_file_is_one_clear_fault(tmp_path: Path) -> None:
    assert faults(tmp_path / "absent.yaml") == ["absent.yaml:1:1: file: does not exist"]


def test_a_path_that_is_none_is_one_clear_fault() -> None:
    with pytest.raises(ConfigFaults) as caught:
        load("config\0.yaml", CATALOGUE, {})
    assert caught.value.faults[0].message == "cannot be read: its name is not a path"


def test_what_cannot_be_opened_is_one_clear_fault(tmp_path: Path) -> None:
    loop = tmp_path / "loop.yaml"
    loop.symlink_to(loop)
    assert faults(loop) == [
        "loop.yaml:1:1: file: cannot be read: too many levels of symbolic links"
    ]


def test_faults_come_in_the_order_of_the_file(tmp_path: Path) -> None:
    path = HERE / "everything_at_once.yaml"
    with pytest.raises(ConfigFaults) as caught:
        load(str(path), CATALOGUE, {})
    places = [(fault.line, fault.column) for fault in caught.value.faults]
    assert places == sorted(places)
    assert len(places) == 8


def test_the_same_key_is_a_fault_at_its_second_place_only(tmp_path: Path) -> None:
    path = written(tmp_path, "accounts:\n  kie: {}\nweb: {}\nweb: {}\nweb: {}\n")
    assert faults(path) == [
        "config.yaml:4:1: web: duplicate key, first on line 3",
        "config.yaml:5:1: web: duplicate key, first on line 3",
    ]


def test_a_byte_order_mark_is_no_fault(tmp_path: Path) -> None:
    path = written(tmp_path, b"\xef\xbb\xbfaccounts: {kie: {}}\n")
    assert load(str(path), CATALOGUE, {}).accounts[0].name == "kie"


def test_an_unset_variable_is_no_fault_where_secrets_are_not_needed(tmp_path: Path) -> None:
    text = (HERE / "unset_variable.yaml").read_text() + "web: {token_file: absent}\n"
    found = load(str(written(tmp_path, text)), CATALOGUE, {}, need_secrets=False)
    assert [account.configured for account in found.accounts] == [False, False]
    assert found.receivers[0].name == "ops"
    assert found.secrets == ()


def test_unset_variables_of_other_kinds_fall_back_where_secrets_are_not_needed(
    tmp_path: Path,
) -> None:
    text = "accounts: {kie: {timeout: ${T}, floor: ${F}, enabled: ${E}, base_url: ${B}}}\n"
    found = load(str(written(tmp_path, text)), CATALOGUE, {}, need_secrets=False)
    assert found.targets[0].timeout == 15.0
    assert found.accounts[0].floor == 0


@pytest.mark.parametrize(
    "config",
    [
        "tls_server_config: {cert_file: cert.pem, key_file: key.pem}\n",
        "tls_server_config: {cert_file: cert.pem}\n",
        "basic_auth_users: {alice: planted}\n",
        "tls_server_config: {min_version: TLS12}\n",
        "tls_server_config: {cert_file: web.yml, key_file: web.yml, min_version: TLS10}\n",
        "tls_server_config: {cert_file: web.yml, key_file: web.yml, cipher_suites: [planted]}\n",
        "tls_server_config: {cert_file: web.yml, key_file: web.yml, client_ca_file: web.yml}\n",
        "tls_server_config: {cert_file: web.yml, key_file: web.yml, client_auth_type: Any}\n",
        "basic_auth_users: {alice: $2y$31$" + "planted" * 7 + "abcd}\n",
        "tls_server_config: {cert_file: web.yml, key_file: web.yml, min_version: TLS13,"
        " max_version: TLS12}\n",
        "http_server_config: {http2: true}\n",
        "rate_limit: {}\n",
        "- planted\n",
        "",
    ],
)
def test_a_web_configuration_file_is_heeded_as_a_whole_or_refused(
    tmp_path: Path, config: str
) -> None:
    (tmp_path / "web.yml").write_text(config)
    found = faults(written(tmp_path, "accounts: {kie: {}}\nweb: {config_file: web.yml}\n"))
    assert found
    assert all("config_file" in line or line.startswith("web.yml:") for line in found)
    assert "planted" not in "\n".join(found)


def test_what_of_a_web_configuration_file_is_not_supported_is_said_with_what_to_do_instead(
    tmp_path: Path,
) -> None:
    (tmp_path / "web.yml").write_text(
        "tls_server_config: {cert_file: web.yml, key_file: web.yml, cipher_suites: []}\n"
    )
    (found,) = faults(written(tmp_path, "accounts: {kie: {}}\nweb: {config_file: web.yml}\n"))
    assert found.endswith("is not supported: monitor takes those of its OpenSSL")


WORDS = """
accounts services alerts receivers web defaults kie huggingface key key_file models jobs usage
floor checks needs any on when clear for severity enabled email webhook to from smtp url secret
listen users token interval timeout balance provider was canary database 5m 1m..15m 40/day
kie/balance huggingface/model/* runway-short no 010 12:30 2026-01-01 ~ null .nan 1e999 -1 ${A}
${A:-b} ${ $$ << *a &a !!set !x | > [ ] { } , : - ? ' " # % @ ` unavailable 135 true critical
99999999999999999999999999s a/b https://h.example.com
""".split()  # noqa: SIM905 - a list of these would be a page long
PIECES = st.one_of(
    st.sampled_from(WORDS),
    st.sampled_from(["\n", "\n  ", "\n    ", "\n      ", ": ", "- ", " ", ", ", "{", "}", "\t"]),
    st.text(max_size=4),
)


def settings_or_faults(path: Path, *, need_secrets: bool = True) -> Settings | ConfigFaults:
    """Anything else than these two is an error of the test."""
    try:
        return load(str(path), CATALOGUE, {"A": "1"}, need_secrets=need_secrets)
    except ConfigFaults as error:
        return error


def sound(error: ConfigFaults) -> bool:
    """At least one fault, each on one line of its own, in order, none told twice."""
    lines = str(error).splitlines()
    in_order = sorted(set(error.faults)) == list(error.faults)
    return in_order and 0 < len(lines) == len(error.faults)


@settings(max_examples=400, suppress_health_check=list(HealthCheck), deadline=None)
@given(pieces=st.lists(PIECES, max_size=40))
def test_whatever_is_written_the_answer_is_settings_or_faults(
    tmp_path_factory: pytest.TempPathFactory, pieces: list[str]
) -> None:
    path = tmp_path_factory.getbasetemp() / "arbitrary.yaml"
    path.write_text("".join(pieces), encoding="utf-8", errors="replace")
    for need_secrets in (True, False):
        outcome = settings_or_faults(path, need_secrets=need_secrets)
        assert isinstance(outcome, Settings) or sound(outcome)


SCALARS = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(),
    st.floats(),
    st.sampled_from(WORDS),
    st.text(max_size=3),
)
KEYS = st.sampled_from([word for word in WORDS if word.isidentifier()])
TREES = st.recursive(
    SCALARS,
    lambda inner: st.one_of(st.lists(inner, max_size=3), st.dictionaries(KEYS, inner, max_size=4)),
    max_leaves=25,
)


@settings(max_examples=150, suppress_health_check=list(HealthCheck), deadline=None)
@given(tree=st.dictionaries(KEYS, TREES, max_size=6))
def test_whatever_the_shape_the_answer_is_settings_or_faults(
    tmp_path_factory: pytest.TempPathFactory, tree: dict[str, object]
) -> None:
    path = tmp_path_factory.getbasetemp() / "shapes.yaml"
    path.write_text(yaml.safe_dump(tree, allow_unicode=True), encoding="utf-8")
    outcome = settings_or_faults(path)
    assert isinstance(outcome, Settings) or sound(outcome)


FULL = """\
defaults: {interval: 5m, timeout: 15s}
accounts:
  huggingface: {key: a, models: [a/b, c/d], needs: [inference], key_check: {interval: 1m..2m}}
  kie: {key: b, jobs: {x: 25}, usage: {x: 1/day}, floor: 1, base_url: http://127.0.0.1:1, was: old}
  openai: {organization: a, days: 3, limit: 5, admin_key: c, checks: [key], enabled: true}
services: {s: {needs: [kie/balance], any: ["huggingface/*"], tell_customers: words}}
alerts: [{name: a, on: kie/*, when: balance < 5, clear: balance > 6, for: 1m, severity: info}]
receivers:
  m:
    email: {to: [a@example.com], from: b@example.com, smtp: {host: h, port: 25, tls: none}}
    severities: [info]
    on: [kie/*]
    remind_every: 4h
    fallback: w
  w: {webhook: {url: "https://h.example.com", headers: {A: b}, timeout: 3s}, escalate_after: 1m}
web: {listen: 127.0.0.1:1, users: {a: b}, token: c, external_url: "https://m.example.com"}
database: m.db
canary: https://c.example.com
"""
ODD: list[object] = [
    None, True, 0, -1, 10**400, 1.5, float("nan"), float("inf"), "", " ", "x", "*", "a\nb",
    "\u2028", "${UNSET}", "${", "planted" * 1000, "=", "<<", "5m..", "..", "kie/", "[::1:5",
    [], [[]], [None], [{}], ["x", "x"], [{"name": "x"}], {}, {"": ""}, {"x": {"y": 1}},
    {"email": None, "webhook": None}, "jobs_left() < 1", "1e400/day", "https://a:b@c",
    "http://[", "http://a.example:99999",
]  # fmt: skip


def places(tree: object, at: tuple[str | int, ...] = ()) -> list[tuple[str | int, ...]]:
    """Every path in a tree but the root."""
    inner = list(tree.items() if isinstance(tree, dict) else enumerate(tree))
    found = [(*at, key) for key, _ in inner]
    nested = [(key, value) for key, value in inner if isinstance(value, (dict, list))]
    return found + [path for key, value in nested for path in places(value, (*at, key))]


def replaced(tree: object, path: tuple[str | int, ...], value: object) -> object:
    """A copy of a tree with one thing in it replaced."""
    if not path:
        return value
    if isinstance(tree, dict):
        return {k: replaced(v, path[1:], value) if k == path[0] else v for k, v in tree.items()}
    assert isinstance(tree, list)
    return [replaced(v, path[1:], value) if i == path[0] else v for i, v in enumerate(tree)]


@pytest.mark.parametrize("odd", ODD, ids=lambda odd: repr(odd)[:20])
def test_whatever_stands_anywhere_the_answer_is_settings_or_faults(
    tmp_path: Path, odd: object
) -> None:
    tree = yaml.safe_load(FULL.replace(" on:", ' "on":'))
    path = written(tmp_path, FULL)
    assert isinstance(settings_or_faults(path), Settings)
    for place in places(tree):
        path.write_text(yaml.safe_dump(replaced(tree, place, odd)))
        outcome = settings_or_faults(path)
        assert isinstance(outcome, Settings) or sound(outcome), place

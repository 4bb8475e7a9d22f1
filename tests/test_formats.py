"""The status document as text, JSON, JUnit, GitHub annotations and a Nagios line."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import replace
from xml.etree import ElementTree as ET

import pytest
import snapshots as scene
from hypothesis import given
from hypothesis import strategies as st

from monitor.cli.formats import FORMATS, render, step_summary
from monitor.core.causes import Cause, Status
from monitor.core.document import document
from monitor.core.model import Check
from monitor.core.snapshot import Snapshot

Document = dict[str, object]
ESCAPE = "\x1b"


def shown(said: Mapping[str, object], form: str, *, colour: bool = False, width: int = 100) -> str:
    return render(said, form, colour=colour, width=width)


def target(name: str, status: str = "ok", cause: str = "ok", **more: object) -> Document:
    """One target of a document."""
    check = name.partition("/")[2]
    row = {"target": name, "account": name.partition("/")[0], "check": check, "cause": cause}
    return {**row, "status": status, "summary": f"{name} is {status}", **more}


def said_of(*targets: Document, status: str = "ok") -> Document:
    """A document of these targets."""
    return {"version": 1, "at": "2026-11-20T10:31:28Z", "status": status, "exit_code": 0,
            "duration_seconds": 0.41, "targets": list(targets), "alerts": [],
            "services": []}  # fmt: skip


def story() -> Document:
    return document(scene.story(), duration=0.41)


def hostile() -> Document:
    """A document in which everything anybody may name is hostile."""
    bad = scene.HOSTILE
    row = target(f"a/model/{bad}", "critical", "model_missing", summary=bad, next_step=bad,
                 unit=bad, balance=1.5, jobs_in_words={bad: bad},
                 quotas=[{"quota": bad, "used": 1, "limit": 2, "unit": bad}])  # fmt: skip
    alert = {"alert": bad, "target": bad, "severity": "critical", "state": "firing",
             "summary": bad, "since": bad}  # fmt: skip
    service = {"service": bad, "status": "down", "tell_customers": bad}
    return said_of(row, status="critical") | {"alerts": [alert], "services": [service]}


# -- every format ---------------------------------------------------------------------------


@pytest.mark.parametrize("form", FORMATS)
def test_every_format_ends_in_one_newline_and_shows_no_control_character(form: str) -> None:
    for said in (story(), hostile(), said_of()):
        text = shown(said, form)
        assert text.endswith("\n")
        assert not text.endswith("\n\n")
        # XML keeps a name as it is, as far as XML can hold it.
        harmful = "[\x00-\x08\x0b-\x1f]" if form == "junit" else "[\x00-\x09\x0b-\x1f\x7f\u202e]"
        assert not re.search(harmful, text)
        text.encode()


@pytest.mark.parametrize("form", FORMATS)
def test_a_reader_ignores_what_it_does_not_know_and_survives_what_is_missing(form: str) -> None:
    said: Document = {"status": "gone", "targets": [{"target": "a/key", "new": [1]}, 7, None],
                      "alerts": "?", "services": [{}], "more": {"x": None}}  # fmt: skip
    assert "a/key" in shown(said, form) or form == "nagios"


def test_an_unknown_format_is_refused_with_the_list_of_those_there_are() -> None:
    with pytest.raises(ValueError, match="'xml' is not a format; there are: text, json"):
        shown(story(), "xml")


@given(st.text(), st.sampled_from([f for f in FORMATS if f != "json"]))
def test_no_name_breaks_a_format(name: str, form: str) -> None:
    row = target(f"a/model/{name}", "warning", "model_missing", summary=name, next_step=name)
    text = shown(said_of(row, status="warning"), form)
    text.encode()
    if form == "junit":
        assert len(ET.fromstring(text).findall(".//testcase")) == 1  # noqa: S314 - our own text
    if form == "nagios":
        assert text.count("\n") == 1
        assert len(text.splitlines()) == 1
    if form == "github":
        starts = [line for line in text.splitlines() if line.lstrip().startswith("::")]
        assert len(starts) == 1


# -- json -----------------------------------------------------------------------------------


def test_json_is_the_document_and_nothing_else() -> None:
    assert json.loads(shown(story(), "json")) == story()


def test_json_is_strict_and_safe_in_the_c_locale() -> None:
    assert shown(hostile(), "json").isascii()
    with pytest.raises(ValueError, match="not JSON compliant"):
        shown({"balance": float("nan")}, "json")


# -- text -----------------------------------------------------------------------------------


def test_text_says_how_wrong_the_forecasts_were() -> None:
    assert (
        "forecasts: 24 h before it was topped up on 2026-11-19 it said 26 h where 24 h were true "
        "(8 % too long); of the last 7, 6 within P10-P90, half within a factor 1.15"
    ) in shown(story(), "text", width=0)


def test_text_shows_every_target_with_its_state_in_words() -> None:
    text = shown(story(), "text")
    for name, state in [
        ("kie/balance", "WARNING"),
        ("huggingface/key", "OK"),
        (f"huggingface/model/{scene.SDXL}", "WARNING"),
        ("router/key", "CRITICAL"),
        ("router/balance", "UNKNOWN"),
    ]:
        (line,) = [ln for ln in text.splitlines() if f"  {name}  " in f"{ln}  " and state in ln]
        assert line.split()[:2] == [state, name]


def test_text_shows_figures_jobs_left_and_the_next_step_under_the_target() -> None:
    row = target("kie/balance", "warning", balance=5916.25, unit="credits", floor=135,
                 burn_per_hour=41.5, next_step="Top up 4084 credits",
                 runway_hours={"p10": 90.1, "p25": 112.0, "p50": 139.34, "p90": "+Inf"},
                 jobs_in_words={"sora-2-pro-720p-15s": "43 Sora 2 Pro 720p 15 s videos",
                                "b": "236 B jobs"})  # fmt: skip
    text = shown(said_of(row, status="warning"), "text")
    assert text == (
        "WARNING: 1 warning (2026-11-20T10:31:28Z, 0.41 s)\n"
        "\n"
        "kie\n"
        "  WARNING   kie/balance  kie/balance is warning\n"
        "            balance 5916.25 credits, floor 135\n"
        "            burn 41.5/h\n"
        "            runway P10 about 4 days, P25 about 5 days, P50 about 6 days,"
        " P90 without end\n"
        "            jobs left: 43 Sora 2 Pro 720p 15 s videos, 236 B jobs\n"
        "            next: Top up 4084 credits\n"
    )


def test_text_says_of_a_burn_that_it_is_the_plans() -> None:
    row = target("a/balance", balance=9, burn_per_hour=225, burn_planned=True)
    assert "            burn 225/h (planned)\n" in shown(said_of(row), "text")


@pytest.mark.parametrize(
    ("read", "took", "words"),
    [("2026-11-20T10:29:28Z", None, ", read about 2 min ago"),
     ("2026-11-20T10:31:08Z", None, ", read under a minute ago"),
     ("2026-11-20T10:40:00Z", None, ", read under a minute ago"),  # by a clock that was wrong
     ("2026-11-20T10:31:08Z", 0.41, ""),  # asked for this very document
     (None, None, "")],
)  # fmt: skip
def test_text_says_how_old_a_stored_balance_is(
    read: str | None, took: float | None, words: str
) -> None:
    row = target("kie/balance", balance=9, unit="credits", last_success=read)
    text = shown(said_of(row) | {"duration_seconds": took}, "text")
    assert f"            balance 9 credits{words}\n" in text


@pytest.mark.parametrize(
    ("read", "interval", "late"),
    [("2026-11-20T10:10:28Z", 600, ""),
     ("2026-11-20T09:31:28Z", 600, "last read about 60 min ago"),
     ("2026-11-20T10:30:28Z", 1, ""), ("2026-11-20T10:21:28Z", 1, "last read about 10 min ago")],
)  # fmt: skip
def test_text_says_of_any_target_when_its_reading_is_three_intervals_old(
    read: str, interval: int, late: str
) -> None:
    row = target("hub/key", last_success=read, interval_seconds=interval)
    text = shown(said_of(row) | {"duration_seconds": None}, "text")
    assert [ln.strip() for ln in text.splitlines() if "ago" in ln] == ([late] if late else [])


def test_text_names_the_cause_that_a_runbook_is_found_by() -> None:
    text = shown(said_of(target("hub/key", "critical", "key_rejected")), "text")
    assert "hub/key is critical [key_rejected]" in text


def test_text_shows_services_with_their_words_and_alerts_with_their_reasons() -> None:
    text = shown(story(), "text")
    assert "  DEGRADED  image-generation\n" in text
    assert "tell customers: Image generation is slower than usual." in text
    assert "kie-credits-low on kie/balance, firing since 2026-11-20T09:31:28Z: balance" in text
    assert "runway-short on kie/balance, pending since" in text


def test_text_is_aligned_within_an_account_and_a_long_name_does_not_push_the_others() -> None:
    long = "a/model/" + "x" * 60
    text = shown(said_of(target("a/key"), target("a/balance"), target(long)), "text")
    columns = [ln.index(" is ok") - len(name) for name in ("a/key", "a/balance")
               for ln in text.splitlines() if f" {name} is ok" in ln]  # fmt: skip
    assert len(set(columns)) == 1
    assert f"{long}  {long} is ok" in text


def test_text_has_colour_only_when_asked() -> None:
    assert ESCAPE not in shown(story(), "text")
    coloured = shown(story(), "text", colour=True)
    assert f"{ESCAPE}[1;31mCRITICAL{ESCAPE}[0m" in coloured
    assert re.sub(rf"{ESCAPE}\[[0-9;]+m", "", coloured) == shown(story(), "text")


def test_text_wraps_figures_but_never_the_line_that_holds_name_and_state() -> None:
    jobs = {f"job-number-{n}": f"{n} jobs of number {n}" for n in range(30)}
    row = target("a/balance", jobs_in_words=jobs, summary="word " * 40)
    lines = shown(said_of(row), "text", width=60).splitlines()
    assert max(len(ln) for ln in lines if ln.startswith(" " * 12)) <= 60
    assert any("a/balance" in ln and len(ln) > 100 for ln in lines)
    unbounded = shown(said_of(row), "text", width=0)
    assert "jobs left: 0 jobs of number 0, " in unbounded
    assert max(len(ln) for ln in unbounded.splitlines()) > 400


@pytest.mark.parametrize("status", list(Status))
def test_the_headline_is_the_status_of_the_whole(status: Status) -> None:
    row = target("a/key", status.value)
    first = shown(said_of(row, status=status.value), "text").splitlines()[0]
    assert first.startswith(f"{status.value.upper()}: 1 {status.value} (")


def test_the_headline_names_an_alert_that_is_worse_than_every_target() -> None:
    alert = {"alert": "store-failed", "target": "monitor/store", "severity": "critical",
             "state": "firing", "summary": "the disk is full", "since": ""}  # fmt: skip
    said = said_of(target("a/key")) | {"alerts": [alert]}
    first = shown(said, "text").splitlines()[0]
    assert first.startswith("OK: 1 ok; CRITICAL: store-failed fires (2026-")
    coloured = shown(said, "text", colour=True).splitlines()[0]
    assert f"{ESCAPE}[1;31mCRITICAL: store-failed fires{ESCAPE}[0m" in coloured
    said = said_of(target("a/key")) | {"alerts": [alert | {"state": "pending"}]}
    assert shown(said, "text").startswith("OK: 1 ok (")


def test_no_targets_are_said_to_be_none() -> None:
    assert shown(said_of(), "text").startswith("OK: no targets (")


# -- nagios ---------------------------------------------------------------------------------


def test_nagios_is_one_line_with_the_worst_first_and_performance_data() -> None:
    line = shown(story(), "nagios")
    assert line.count("\n") == 1
    text, _, data = line.rstrip("\n").partition(" | ")
    assert text.startswith("MONITOR CRITICAL - 1 critical, 2 warning, 1 unknown, 3 ok; router/key")
    assert "'kie/balance'=5916.25;;135:;;" in data.split(" ")
    assert "'kie/balance runway'=403200s;;;0;" in data
    assert "'huggingface/quota inference-providers'=0.04;;;0;0.1" in data


PERFDATA = re.compile(r"'(?:[^'=]|'')+'=-?\d+(\.\d+)?[a-z]*;[-\d.:]*;[-\d.:]*;[-\d.]*;[-\d.]*")


@given(st.text(min_size=1), st.floats(allow_nan=False, allow_infinity=False, width=32))
def test_nagios_performance_data_parses_whatever_a_target_is_called(
    name: str, balance: float
) -> None:
    row = target(f"{name}/balance", balance=balance, floor=135)
    line = shown(said_of(row), "nagios").rstrip("\n")
    text, separator, data = line.partition(" | ")
    assert separator
    assert "|" not in text + data
    assert PERFDATA.fullmatch(data), data


@pytest.mark.parametrize("status", list(Status))
def test_nagios_says_the_state_in_its_own_words(status: Status) -> None:
    line = shown(said_of(target("a/key", status.value), status=status.value), "nagios")
    assert line.startswith(f"MONITOR {status.value.upper()} - 1 {status.value}")


def test_nagios_leaves_out_whole_items_where_there_is_no_room() -> None:
    many = [target(f"account-{n}/balance", "critical", balance=n, floor=1) for n in range(2000)]
    line = shown(said_of(*many, status="critical"), "nagios")
    assert len(line) <= 8192
    assert "and 1995 more" in line
    assert all(PERFDATA.fullmatch(i) for i in line.rstrip("\n").partition(" | ")[2].split(" "))


def test_nagios_says_nothing_of_a_balance_that_is_not_known() -> None:
    row = target("a/balance", "unknown", "timed_out", balance=None, runway_hours=None)
    assert "|" not in shown(said_of(row, status="unknown"), "nagios")


# -- junit ----------------------------------------------------------------------------------


def junit(said: Document) -> ET.Element:
    return ET.fromstring(shown(said, "junit"))  # noqa: S314 - our own text


@pytest.mark.parametrize(
    ("status", "tag"),
    [("ok", None), ("warning", "failure"), ("critical", "failure"), ("unknown", "error")],
)
def test_junit_has_a_failure_for_what_is_wrong_and_an_error_for_what_was_not_checked(
    status: str, tag: str | None
) -> None:
    case = junit(said_of(target("kie/balance", status), status=status)).find(".//testcase")
    assert case is not None
    assert case.get("name") == "kie/balance"
    assert [child.tag for child in case] == ([tag] if tag else [])


def test_junit_has_one_testcase_per_target_and_counts_that_add_up() -> None:
    root = junit(story())
    assert [c.get("name") for c in root.iter("testcase")] == [
        t["target"]
        for t in story()["targets"]  # type: ignore[attr-defined,index]  # a document
    ]
    for suite in (root, *root.iter("testsuite")):
        assert suite.get("tests") == str(len(list(suite.iter("testcase"))))
        assert suite.get("failures") == str(len(list(suite.iter("failure"))))
        assert suite.get("errors") == str(len(list(suite.iter("error"))))


def test_junit_says_why_and_what_next() -> None:
    row = target("hub/key", "critical", "key_rejected", next_step="Create a new key")
    failure = junit(said_of(row, status="critical")).find(".//failure")
    assert failure is not None
    assert failure.get("type") == "key_rejected"
    assert failure.get("message") == "hub/key is critical"
    assert "next: Create a new key" in (failure.text or "")


def test_github_puts_the_next_step_into_a_sentence_of_its_own() -> None:
    row = target("hub/key", "critical", "key_rejected", next_step="Create a new key")
    text = shown(said_of(row, status="critical"), "github")
    assert "::hub/key is critical. Next: Create a new key\n" in text


FIRES = [{"alert": f"low-{n}", "summary": f"balance 9 is under 1{n}"} for n in range(5)]


@pytest.mark.parametrize("form", ["junit", "github", "nagios"])
def test_a_format_without_a_list_of_alerts_names_the_rule_that_fires_and_why(form: str) -> None:
    text = shown(said_of(target("a/balance", "warning", firing=FIRES[:1])), form)
    assert "a/balance is warning; low-0 fires: balance 9 is under 10" in text
    known = [{"alert": "models-exhausted", "summary": "a/model is warning"}]
    text = shown(said_of(target("a/model", "warning", firing=known)), form)
    assert "a/model is warning; models-exhausted fires" in text
    assert "fires: " not in text


def test_of_many_rules_that_fire_on_one_target_three_are_named() -> None:
    text = shown(said_of(target("a/balance", "warning", firing=FIRES)), "nagios")
    assert text.endswith("low-2 fires: balance 9 is under 12; 2 more alerts\n")


@pytest.mark.parametrize("form", ["text", "junit", "github"])
def test_the_next_step_says_what_it_reaches_where_the_document_does(form: str) -> None:
    row = target("a/balance", "warning", next_step="Top up 1 credits",
                 next_step_in_full="Top up 1 credits to reach 10")  # fmt: skip
    assert "ext: Top up 1 credits to reach 10" in shown(said_of(row), form)


def test_junit_drops_what_no_xml_may_hold_and_keeps_the_rest() -> None:
    row = target("a/model/x\x00\x1b\ufffe\udc80<&\"'>]]>é", "critical", "model_missing")
    case = junit(said_of(row)).find(".//testcase")
    assert case is not None
    assert case.get("name") == "a/model/x<&\"'>]]>é"


# -- github ---------------------------------------------------------------------------------


def commands(text: str) -> list[str]:
    return [line for line in text.splitlines() if line.lstrip().startswith("::")]


def test_github_has_no_command_when_all_is_ok() -> None:
    text = shown(said_of(target("a/key"), target("::error/balance")), "github")
    assert commands(text) == []
    assert "a/key" in text


def test_github_has_an_error_for_critical_and_a_warning_for_the_rest() -> None:
    text = shown(story(), "github")
    kinds = [line.split(" ")[0] for line in commands(text)]
    assert kinds == ["::error", "::warning", "::warning", "::warning"]
    assert "::error title=router/key key_rejected::" in text
    assert "::warning title=router/balance provider_error::" in text
    for row in story()["targets"]:  # type: ignore[attr-defined]  # a document
        assert f"{row['target']}: " in text


def test_github_escapes_what_would_end_a_command_or_begin_another() -> None:
    row = target("a/b,c:d%\n::error::x", "critical", summary="100%\r\n::error::gone ##[error]x")
    (line,) = commands(shown(said_of(row, status="critical"), "github"))
    title, _, message = line.removeprefix("::error title=").partition("::")
    assert title == "a/b%2Cc%3Ad%25%0A%3A%3Aerror%3A%3Ax critical"
    assert message == "100%25%0D%0A::error::gone ## [error]x"


def test_github_speaks_the_old_commands_nowhere() -> None:
    row = target("a/##[add-path]x", summary="##[set-env name=x]y")
    assert "##[" not in shown(said_of(row), "github")


def test_github_keeps_to_ten_annotations_of_a_kind_and_says_how_many_more() -> None:
    errors = [target(f"e{n}/key", "critical", "key_rejected") for n in range(25)]
    warnings = [target(f"w{n}/key", "warning") for n in range(10)]
    text = shown(said_of(*errors, *warnings, status="critical"), "github")
    found = commands(text)
    assert sum(line.startswith("::error") for line in found) == 10
    assert sum(line.startswith("::warning") for line in found) == 10
    assert "and 16 more targets" in found[9]
    assert "w9/key" in found[-1]


def test_the_step_summary_is_a_table_with_the_worst_first() -> None:
    text = step_summary(story())
    rows = [line for line in text.splitlines() if line.startswith("| ")][2:]
    assert [row.split(" | ")[0] for row in rows] == [
        "| critical", "| warning", "| warning", "| unknown", "| ok", "| ok", "| ok",
    ]  # fmt: skip
    assert "### monitor: critical" in text


def test_the_step_summary_keeps_to_half_of_what_a_step_may_write() -> None:
    rows = [target(f"a{n}/key", "warning", summary="é" * 900) for n in range(450)]
    text = step_summary(said_of(*rows, status="warning"))
    assert 450_000 < len(text.encode()) < 530_000
    named = sum(line.startswith("| warning") for line in text.splitlines())
    assert text.endswith(f"and {450 - named} more targets\n\n")


def test_the_step_summary_is_no_mark_up_but_its_own() -> None:
    bad = "a|b](https://x.example) <img src=x> `c` **d** @ada\n| e |"
    row = target(f"x/model/{bad}", "critical", "model_missing", summary=bad)
    text = step_summary(said_of(row, status="critical"))
    line = next(ln for ln in text.splitlines() if ln.startswith("| critical"))
    assert len(re.findall(r"(?<!\\)\|", line)) == 5
    assert "<" not in line
    assert not re.search(r"(?<!\\)[`*@\]]", line)
    assert "https:" not in line


def test_the_step_summary_of_a_thousand_targets_is_under_a_megabyte() -> None:
    text = step_summary(said_of(*(target(f"a{n}/key", summary="x" * 300) for n in range(1000))))
    assert len(text) < 1024 * 1024
    assert "and 500 more targets" in text


# -- all that the core can say --------------------------------------------------------------


@pytest.mark.parametrize("form", FORMATS)
@pytest.mark.parametrize("cause", list(Cause))
def test_every_cause_can_be_shown(cause: Cause, form: str) -> None:
    owner = scene.account("a", checks=("key",))
    said = document(scene.snapshot(scene.settings(owner), (scene.view(owner, "key", cause),)))
    assert "a/key" in shown(said, form) or form == "nagios"


def test_a_target_that_was_never_probed_says_so() -> None:
    owner = scene.account("a", checks=tuple(c.value for c in Check))
    views = tuple(scene.view(owner, c.value, None) for c in Check)
    snap: Snapshot = scene.snapshot(scene.settings(owner), views)
    text = shown(document(replace(snap, alerts=())), "text")
    assert text.count("not asked yet") == len(Check)

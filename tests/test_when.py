"""The `when` grammar: what it reads, what it refuses, and in which words."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from monitor.core.causes import Cause
from monitor.core.conditions import Both, CauseIn, Compare, Either, Special, Unavailable
from monitor.core.when import MEASURES, PERCENTILES, format_condition, parse_when

READ = [
    ("balance < 10000", Compare("balance", "<", 10000, text="10000")),
    ("balance<10000", Compare("balance", "<", 10000, text="10000")),
    ("  balance  >=  12000.5 ", Compare("balance", ">=", 12000.5, text="12000.5")),
    ("balance < -5", Compare("balance", "<", -5, text="-5")),
    ("burn > 500/h", Compare("burn", ">", 500, text="500/h")),
    ("burn > 500 / hour", Compare("burn", ">", 500, text="500/hour")),
    ("burn > 12000/d", Compare("burn", ">", 500, text="12000/d")),
    ("burn >= 12000/day", Compare("burn", ">=", 500, text="12000/day")),
    ("burn < 0.5x usual", Compare("burn", "<", 0.5, times_usual=True, text="0.5x usual")),
    ("burn > 3x usual", Compare("burn", ">", 3, times_usual=True, text="3x usual")),
    ("burn > 2.5 x  usual", Compare("burn", ">", 2.5, times_usual=True, text="2.5x usual")),
    ("runway < 24h", Compare("runway", "<", 86400, "p25", text="24h")),
    ("runway <= 1d12h", Compare("runway", "<=", 129600, "p25", text="1d12h")),
    ("runway(p10) < 4h", Compare("runway", "<", 14400, "p10", text="4h")),
    ("runway (P50) < 4h", Compare("runway", "<", 14400, "p50", text="4h")),
    ("runway( p90 ) < 4h", Compare("runway", "<", 14400, "p90", text="4h")),
    ("jobs_left(sora-2-pro-720p-15s) < 20",
     Compare("jobs_left", "<", 20, "sora-2-pro-720p-15s", text="20")),
    ("quota_left < 20%", Compare("quota_left", "<", 0.2, text="20%", share=True)),
    ("quota_left <= 1000", Compare("quota_left", "<=", 1000, text="1000")),
    ("quota_used >= 80 %", Compare("quota_used", ">=", 0.8, text="80%", share=True)),
    ("quota_used > 0.5", Compare("quota_used", ">", 0.5, text="0.5")),
    ("failures >= 3", Compare("failures", ">=", 3, text="3")),
    ("latency > 5s", Compare("latency", ">", 5, text="5s")),
    ("latency > 500ms", Compare("latency", ">", 0.5, text="500ms")),
    ("age > 1h", Compare("age", ">", 3600, text="1h")),
    ("cause is model_missing", CauseIn(frozenset({Cause.MODEL_MISSING}))),
    ("cause in [rate_limited, timed_out]",
     CauseIn(frozenset({Cause.RATE_LIMITED, Cause.TIMED_OUT}))),
    ("cause in [ok]", CauseIn(frozenset({Cause.OK}))),
    ("unavailable", Unavailable()),
    (" unavailable ", Unavailable()),
]  # fmt: skip

REFUSED = [
    ("", "a condition is empty: write one such as balance < 10000"),
    ("balanc < 3", "unknown measure 'balanc', did you mean balance?"),
    ("Balance < 3", "unknown measure 'Balance', did you mean balance?"),
    ("unavailabel", "unknown measure 'unavailabel', did you mean unavailable?"),
    ("zzz < 3", "unknown measure 'zzz': one of balance, burn, runway, jobs_left, quota_left, "
                "quota_used, failures, latency, age"),
    ("balance", "'balance' is not a comparison such as balance < VALUE"),
    ("balance 3", "'balance 3' is not a comparison such as balance < VALUE"),
    ("balance == 3", "'==' is not a comparison: use <, <=, > or >="),
    ("balance = 3", "'=' is not a comparison: use <, <=, > or >="),
    ("balance != 3", "'!=' is not a comparison: use <, <=, > or >="),
    ("balance => 3", "'=>' is not a comparison: use <, <=, > or >="),
    ("balance < 3 and burn > 5/h", "more than one condition: two conditions are two rules"),
    ("balance < 3 or unavailable", "more than one condition: two conditions are two rules"),
    ("balance < 3 < 4", "more than one condition: two conditions are two rules"),
    ("balance < 24h", "balance is compared with a plain number in the account's unit such as "
                      "10000, not '24h'"),
    ("balance < 80%", "balance is compared with a plain number"),
    ("balance < ", "balance is compared with a plain number in the account's unit such as 10000, "
                   "not ''"),
    ("balance < 1e5", "not '1e5'"),
    ("balance < nan", "not 'nan'"),
    ("balance < inf", "not 'inf'"),
    ("balance < 10_000", "not '10_000'"),
    ("balance < .5", "not '.5'"),
    ("burn > 500", "burn is compared with a rate such as 500/h or 12000/day, or 3x usual, "
                   "not '500'"),
    ("burn > 500/m", "not '500/m'"),
    ("burn > 3x", "not '3x'"),
    ("burn > 0x usual", "not '0x usual'"),
    ("burn > -3/h", "not '-3/h'"),
    ("runway < 24", "runway is compared with a duration such as 24h, not '24'"),
    ("runway < 24 h", "not '24 h'"),
    ("runway < 3x usual", "runway is compared with a duration"),
    ("runway(p75) < 24h", "runway(p75) is not known: it takes p10, p25, p50, p90"),
    ("runway() < 24h", "runway() is not known"),
    ("latency > 5", "latency is compared with a duration such as 5s, not '5'"),
    ("age > 5/h", "age is compared with a duration such as 1h, not '5/h'"),
    ("failures >= 3.5", "failures is compared with a whole number of probes such as 3, not '3.5'"),
    ("failures >= -1", "not '-1'"),
    ("jobs_left < 3", "jobs_left wants the name of a job: jobs_left(NAME) < 20"),
    ("jobs_left() < 3", "jobs_left wants the name of a job"),
    ("jobs_left(a) < 3%", "jobs_left is compared with a whole number of jobs such as 20"),
    ("balance(a) < 3", "balance takes nothing in parentheses"),
    ("balance() < 3", "balance takes nothing in parentheses"),
    ("quota_left < 3h", "quota_left is compared with a share such as 20%, or a number, not '3h'"),
    ("quota_used > -80%", "quota_used is compared with a share such as 80%, or a number"),
    ("cause is rate_limit", "unknown cause 'rate_limit', did you mean rate_limited?"),
    ("cause is xyzzy", "unknown cause 'xyzzy'"),
    ("cause in [ok, timedout]", "unknown cause 'timedout', did you mean timed_out?"),
    ("cause in []", "'cause in []' is not `cause is NAME` or `cause in [A, B]`"),
    ("cause in [ok,]", "is not `cause is NAME`"),
    ("cause in ok", "is not `cause is NAME`"),
    ("cause is [ok]", "is not `cause is NAME`"),
    ("cause is ok or unavailable", "is not `cause is NAME`"),
    ("cause == ok", "is not `cause is NAME`"),
    ("cause", "is not `cause is NAME`"),
]  # fmt: skip


@pytest.mark.parametrize(("text", "condition"), READ)
def test_the_grammar_reads_every_form_in_its_measures_unit(text: str, condition: object) -> None:
    assert parse_when(text) == condition


@pytest.mark.parametrize(("text", "words"), REFUSED)
def test_what_cannot_be_read_is_refused_in_the_users_terms(text: str, words: str) -> None:
    with pytest.raises(ValueError, match=r"\S") as refused:
        parse_when(text)
    assert words in str(refused.value)


def test_a_job_without_a_price_is_refused_with_the_one_meant() -> None:
    jobs = ["sora-2-720p-10s", "veo"]
    assert parse_when("jobs_left(veo) < 2", jobs=jobs) == parse_when("jobs_left(veo) < 2")
    with pytest.raises(ValueError, match="unknown job 'sora-2-720p-10', did you mean sora-2-720p"):
        parse_when("jobs_left(sora-2-720p-10) < 2", jobs=jobs)
    with pytest.raises(ValueError, match="unknown job 'veo' has no price in `jobs`"):
        parse_when("jobs_left(veo) < 2", jobs=[])


@pytest.mark.parametrize(("text", "condition"), READ)
def test_what_is_written_back_reads_as_the_same(text: str, condition: object) -> None:
    assert parse_when(format_condition(parse_when(text))) == condition


def test_the_canonical_spelling() -> None:
    said = [format_condition(parse_when(t)) for t in (
        "runway(p25)<24h", "runway(P10)<24h", "cause in [timed_out,ok]", "cause in [ok]",
        "burn > 3  x usual", "quota_used>=80 %", "unavailable", "jobs_left( a )<2",
    )]  # fmt: skip
    assert said == [
        "runway < 24h", "runway(p10) < 24h", "cause in [ok, timed_out]", "cause is ok",
        "burn > 3x usual", "quota_used >= 80%", "unavailable", "jobs_left(a) < 2",
    ]  # fmt: skip


def test_a_built_ins_conditions_have_words_too() -> None:
    short, tiny = parse_when("runway < 4h"), parse_when("runway(p50) < 8h")
    assert isinstance(short, Compare)
    assert isinstance(tiny, Compare)
    assert format_condition(Both(short, tiny)) == "runway < 4h and runway(p50) < 8h"
    assert format_condition(Either(short, tiny)) == "runway < 4h or runway(p50) < 8h"
    assert format_condition(Special("provider-down")) == "provider-down"


_NUMBERS = st.decimals(0, 10**9, places=2).map(lambda d: f"{d:f}")
_COUNTS = st.integers(0, 10**6).map(str)
_DURATIONS = st.integers(1, 10**4).map(lambda n: f"{n}h")
_QUOTAS = st.one_of(_NUMBERS, st.integers(0, 100).map(lambda n: f"{n}%"))
_RATES = st.one_of(
    _NUMBERS.map(lambda n: f"{n}/h"), st.integers(1, 99).map(lambda n: f"{n}x usual")
)
_RANGES = {
    "balance": _NUMBERS, "burn": _RATES, "runway": _DURATIONS, "jobs_left": _COUNTS,
    "quota_left": _QUOTAS, "quota_used": _QUOTAS, "failures": _COUNTS, "latency": _DURATIONS,
    "age": _DURATIONS,
}  # fmt: skip


@st.composite
def _conditions(draw: st.DrawFn) -> str:
    name = draw(st.sampled_from(MEASURES))
    argument = ""
    if name == "jobs_left":
        argument = f"({draw(st.from_regex(r'[a-z0-9.-]+', fullmatch=True))})"
    elif name == "runway":
        argument = draw(st.sampled_from(["", *(f"({p})" for p in PERCENTILES)]))
    op, space = (
        draw(st.sampled_from(["<", "<=", ">", ">="])),
        draw(st.sampled_from(["", " ", "  "])),
    )
    return f"{name}{argument}{space}{op}{space}{draw(_RANGES[name])}"


@given(_conditions())
def test_every_comparison_survives_being_written_and_read(text: str) -> None:
    condition = parse_when(text)
    assert parse_when(format_condition(condition)) == condition


# Almost one, or one: a measure, an operator, a value, and now and then something behind it.
ALMOST = st.tuples(
    st.sampled_from([*MEASURES, "runway(p10)", "cause", "unavailable"]),
    st.sampled_from(["<", ">=", "is", ""]),
    st.sampled_from(["10", "24h", "80%", "3x usual", "key_rejected", ""]),
    st.sampled_from(["", "", "", "usual", "<"]),
).map(" ".join)


@given(st.text(max_size=40) | ALMOST)
def test_whatever_is_written_is_read_or_refused_never_worse(text: str) -> None:
    try:
        condition = parse_when(text)
    except ValueError as refused:
        assert str(refused)  # noqa: PT017 - the other half of the same promise
    else:
        assert parse_when(format_condition(condition)) == condition

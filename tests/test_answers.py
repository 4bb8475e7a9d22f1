"""Reading answers strictly: what is refused, and what may be said of what was refused."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from monitor.answers import (
    Malformed,
    Row,
    classify,
    clean,
    finding_of,
    flag,
    mapping,
    moment,
    number,
    plain,
    read_json,
    shape,
    shape_of,
    text,
)
from monitor.core.causes import Cause
from monitor.edge import is_page, retry_after
from monitor.http import Answer
from monitor.sayings import judged, words_of


def said(body: bytes | str, status: int = 200, **headers: str) -> Answer:
    """An answer; names of headers with `_` for `-`."""
    raw = body if isinstance(body, bytes) else body.encode()
    return Answer(status, {n.replace("_", "-"): v for n, v in headers.items()}, raw)


@pytest.mark.parametrize(
    ("body", "value"),
    [
        ('{"a": 5454.65}', {"a": Decimal("5454.65")}),
        (b'\xef\xbb\xbf{"a": 1}', {"a": 1}),
        ('{"a": 1, "a": 2}', {"a": 2}),
        ('"\\u00e9"', "é"),
        ("0.1", Decimal("0.1")),
    ],
)
def test_json_is_read_exactly(body: bytes | str, value: object) -> None:
    assert read_json(said(body)) == value


@pytest.mark.parametrize(
    "body",
    ["", "  \n", "{", "<html>", "NaN", "[Infinity]", '{"a": -Infinity}', "[" * 9999,
     '{"a":' * 9999, b"\xff\xfe{}", "1e99999999999999999999", "9" * 5000, "{'a': 1}", "{} {}"],
)  # fmt: skip
def test_what_is_not_json_is_malformed(body: bytes | str) -> None:
    with pytest.raises(Malformed) as caught:
        read_json(said(body))
    assert caught.value.cause is Cause.ANSWER_MALFORMED
    assert caught.value.__context__ is None  # the parser's error holds the text it was given


@pytest.mark.parametrize("value", [None, True, False, "5", [], {}, "NaN"])
def test_a_number_is_a_number(value: object) -> None:
    with pytest.raises(Malformed):
        number(value, "data")


@pytest.mark.parametrize(
    "value", [10**15, -(10**15), Decimal("1e15"), Decimal("1e999"), 10**4000, Decimal("-1e400")]
)
def test_a_number_no_account_holds_is_refused(value: int | Decimal) -> None:
    with pytest.raises(Malformed, match="no account holds"):
        number(value, "data")


@pytest.mark.parametrize(
    ("value", "is_"),
    [("5", 5), ("-5.25", "-5.25"), (7, 7), (Decimal("1.5"), "1.5"), ("0000", 0)],
)
def test_digits_are_a_number_where_a_provider_says_so(value: object, is_: object) -> None:
    assert number(value, "data", digits=True) == Decimal(str(is_))


@pytest.mark.parametrize("value", ["", "five", "1e5", "1e999", " 5", "5.", "٣", "9" * 41, "-"])
def test_other_text_never_is(value: str) -> None:
    with pytest.raises(Malformed):
        number(value, "data", digits=True)


@given(st.decimals(min_value=-(10**14), max_value=10**14, places=10))
def test_an_amount_survives_reading(amount: Decimal) -> None:
    assert number(read_json(said(f"{amount:f}")), "data") == amount


def test_members_have_their_types() -> None:
    assert mapping({"a": 1}) == {"a": 1}
    assert text("x", "name") == "x"
    assert (flag(True, "f"), flag(None, "f")) == (True, False)
    with pytest.raises(Malformed, match="the answer is a list, not an object"):
        mapping([])
    with pytest.raises(Malformed, match="name is a number, not text"):
        text(5, "name")
    with pytest.raises(Malformed, match="f is text, not true or false"):
        flag("true", "f")
    with pytest.raises(Malformed, match="data is missing"):
        number(None, "data")


@pytest.mark.parametrize(
    ("value", "at"),
    [
        ("2026-12-01T00:00:00Z", datetime(2026, 12, 1, tzinfo=UTC)),
        ("2026-12-01T01:00:00.000+01:00", datetime(2026, 12, 1, tzinfo=UTC)),
        ("2026-12-01T00:00:00", None),
        ("0001-01-01T00:00:00+14:00", None),
        ("tomorrow", None),
        (5, None),
        (None, None),
    ],
)
def test_a_time_has_its_zone_or_is_none(value: object, at: datetime | None) -> None:
    assert moment(value) == at


# What may be said


def test_a_shape_has_keys_and_types_and_codes_only() -> None:
    body = {
        "code": 433, "status": "over_limit", "msg": "user me@example.com",
        "email": "me@example.com", "type": "a whole sentence",
        "data": {"items": [{"id": 5, "key": "k"}]},
        "me@example.com": 1, "ok": True, "none": None,
    }  # fmt: skip
    assert shape(body) == (
        "{code: 433, status: over_limit, msg: text, email: text, type: text, "
        "data: {items: [{…}] x1}, …: number, ok: bool, none: null}"
    )


@given(
    st.recursive(
        st.none() | st.integers() | st.text(alphabet="planted-", min_size=9),
        lambda x: st.lists(x) | st.dictionaries(st.text(alphabet="ab @", max_size=40), x),
    )
)
def test_a_shape_never_holds_a_value(value: object) -> None:
    found = shape(value)
    assert "plant" not in found
    assert len(found) < 20_000


def test_the_shape_of_what_is_no_json_is_its_size() -> None:
    assert shape_of(said("<p>", 502, content_type="text/html")) == "HTTP 502 3 bytes of text/html"
    assert shape_of(said("", 500)) == "HTTP 500 empty"


@pytest.mark.parametrize(
    ("body", "words"),
    [
        ({"error": "one"}, "one"),
        ({"error": ["one", "two"]}, "one two"),
        ({"error": {"message": "one", "type": "three", "code": "two"}}, "one two three"),
        ({"error": {"message": "one", "type": "invalid_request_error"}}, "one"),
        ({"type": "error", "error": {"type": "billing_error"}}, "billing_error"),
        ({"name": "payment_required", "errors": ["one"]}, "one payment_required"),
        ({"error_type": "three", "type": {"message": "no"}}, "three"),
        ({"error": "one", "error_description": "two"}, "one two"),
        ({"errors": [{"message": "one"}]}, "one"),
        ({"message": "one"}, "one"),
        ({"code": 5, "msg": "one"}, "one"),
        ({"detail": [{"msg": "one"}]}, "one"),
        (["one"], "one"),
        ({"other": "one"}, ""),
        (5, ""),
    ],
)
def test_an_error_has_been_said_in_many_forms(body: object, words: str) -> None:
    assert words_of(said(json.dumps(body), 400)) == words


def test_headers_speak_and_html_does_not() -> None:
    answer = said("<h1>rate limit</h1>", 403, x_error_code="GatedRepo", x_error_message="Access")
    assert words_of(answer) == "GatedRepo Access"


TABLE = (
    Row(400, "gone", Cause.MODEL_RETIRED, "gone"),
    Row(range(400, 500), "", Cause.RATE_LIMITED, "too often"),
)


def test_the_first_row_that_fits_decides() -> None:
    assert classify(TABLE, 400, "It is GONE.") is TABLE[0]
    assert classify(TABLE, 400, "something else") is TABLE[1]
    assert classify(TABLE, 500, "gone") is None


def test_what_no_row_knows_is_the_providers_error_with_its_shape() -> None:
    found = finding_of(None, said('{"odd": "secret words"}', 500))
    assert (found.cause, found.evidence) == (Cause.PROVIDER_ERROR, "HTTP 500 {odd: text}")


@pytest.mark.parametrize(
    ("header", "seconds"),
    [("30", 30), ("0", 0), ("7200", 3600), ("1.5", 2), ("0.01", 1), ("99.0", 99), ("-5", 9),
     ("1.", 9), ("1e3", 9), ("soon", 9), ("", 9), ("Fri, 20 Nov 2026 10:33:28 GMT", 9)],
)  # fmt: skip
def test_a_stay_is_read_in_seconds_and_is_no_exile(header: str, seconds: float) -> None:
    assert retry_after(said("", 429, retry_after=header), default=9) == seconds


@pytest.mark.parametrize(
    ("until", "seconds"),
    [
        ("Fri, 20 Nov 2026 10:33:28 GMT", 120),
        ("Fri, 20 Nov 2026 10:31:28 GMT", 0),
        ("Thu, 19 Nov 2026 10:31:28 GMT", 0),
        ("Sat, 21 Nov 2026 10:31:28 GMT", 3600),
        ("Fri, 20 Nov 2026 10:33:28 EST", 9),
        ("Fri, 32 Nov 2026 10:33:28 GMT", 9),
        ("Fri, 20 Nov 99999999999 10:33:28 GMT", 9),
    ],
)
def test_a_stay_until_a_date_is_measured_from_the_answers_own(until: str, seconds: int) -> None:
    answer = said("", 503, retry_after=until, date="Fri, 20 Nov 2026 10:31:28 GMT")
    assert retry_after(answer, default=9) == seconds


@pytest.mark.parametrize(
    ("cause", "stay"),
    [
        (Cause.RATE_LIMITED, 120), (Cause.PROVIDER_ERROR, 120), (Cause.PROVIDER_MAINTENANCE, 120),
        (Cause.CREDITS_EXHAUSTED, None), (Cause.KEY_REJECTED, None), (Cause.MODEL_LOADING, None),
    ],
)  # fmt: skip
def test_whoever_could_not_be_read_is_heeded(cause: Cause, stay: float | None) -> None:
    answer = said("", 503, retry_after="120")
    assert finding_of(Row(503, "", cause, "x"), answer).retry_after == stay


def test_an_answer_nobody_documents_is_heeded_as_well() -> None:
    assert finding_of(None, said("", 503, retry_after="120")).retry_after == 120


@pytest.mark.parametrize(
    ("body", "kind", "page"),
    [
        ("<html>", "text/html", True),
        ("<html>", "", True),
        ("\n <!DOCTYPE html>", "application/json", True),
        ("", "text/html; charset=UTF-8", True),
        ("Sorry", "text/html", True),
        ("Sorry", "text/plain", False),
        ("", "", False),
        ('{"error": "<html>"}', "application/json", False),
        ('{"error": "no"}', "text/html", False),
    ],
)
def test_a_page_is_what_is_no_json_and_called_or_written_as_html(
    body: str, kind: str, page: bool
) -> None:
    assert is_page(said(body, 401, content_type=kind)) is page


def test_what_speaks_in_headers_is_no_page() -> None:
    assert not is_page(said("<html>", 404, x_error_code="RepoNotFound"))


def test_no_row_of_a_vendors_reads_a_page() -> None:
    rows = (Row(range(400, 600), "", Cause.CREDITS_EXHAUSTED, "gone"),)
    found = {}
    for status in (401, 402, 429, 502):
        page = said("<html>", status, content_type="text/html", retry_after="30")
        found[status] = judged("KIE", rows, page, code=status)
    assert {status: x.cause for status, x in found.items()} == {
        401: Cause.PROVIDER_ERROR, 402: Cause.PROVIDER_ERROR,
        429: Cause.RATE_LIMITED, 502: Cause.PROVIDER_ERROR,
    }  # fmt: skip
    assert {x.retry_after for x in found.values()} == {30}


@pytest.mark.parametrize(
    ("theirs", "ours"),
    [
        ("two\nlines\r\n", "two lines"),
        ("a\x00b\x1b[31m", "a b [31m"),
        ("\ud800", "?"),
        ("x" * 300, "x" * 199 + "…"),
        ("right\u202eleft", "right left"),
    ],
)
def test_others_words_become_one_printable_line(theirs: str, ours: str) -> None:
    assert clean(theirs) == ours


@given(st.text(alphabet=st.characters(exclude_categories=()), max_size=400))
def test_whatever_they_say_can_be_written(theirs: str) -> None:
    line = clean(theirs)
    line.encode()
    assert len(line) <= 200
    assert "\n" not in line


@pytest.mark.parametrize(
    ("amount", "words"),
    [("5916.25", "5916.25"), ("100", "100"), ("1E+3", "1000"), ("0.10", "0.1"), ("0E-12", "0")],
)
def test_a_number_for_people_is_plain(amount: str, words: str) -> None:
    assert plain(Decimal(amount)) == words

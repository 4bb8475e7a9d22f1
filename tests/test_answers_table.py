"""The recordings as one table: what has been answered, by whom it is told, and the cause of each.

A table of causes is worth what its answers are worth. Here is counted what can be traced to
somebody's documentation, code or dated report; what was made up to try a parser does not count.
"""

from __future__ import annotations

import json
import re
from collections import Counter

import pytest
from recorded import NOW, Player, Recording, played, recordings

from monitor.core.causes import Cause
from monitor.core.model import Check
from monitor.providers import _huggingface_rows as rows
from monitor.providers import load_providers

PROVIDERS = load_providers()
TABLE = recordings()
LEAST = 200  # answers that can be traced

# A source that can be looked up: an address, a client's own code, a report with its year.
_TRACED = re.compile(r"https://|\b20[12][0-9]\b|huggingface_hub|\bSDK\b|\bissue \d+|#\d+")
# Composed from what is known of a shape, or of two answers: a fair test, and nobody's answer.
_MADE_UP = re.compile(r"never seen|made up|documented shape|known shapes?\b")

# No answer gives these: there is none, or nobody was asked.
UNANSWERED = {
    Cause.TIMED_OUT, Cause.TLS_INVALID, Cause.PROVIDER_UNREACHABLE, Cause.NETWORK_OFFLINE,
    Cause.NOT_CONFIGURED,
}  # fmt: skip


def traced(recording: Recording) -> bool:
    """Whether somebody can look up where the answer comes from."""
    source = str(recording.said["source"])
    return _TRACED.search(source) is not None and _MADE_UP.search(source) is None


def answer_of(recording: Recording) -> str:
    """What was answered, to compare: a copy under another name adds nothing."""
    said = [{k: one.get(k) for k in ("status", "headers", "body")} for one in recording.answers]
    return json.dumps([recording.provider, recording.check, said], sort_keys=True)


def label(recording: Recording) -> str:
    """A case's name."""
    return f"{recording.provider}/{recording.name}"


def test_two_hundred_answers_can_be_traced() -> None:
    distinct = {answer_of(r) for r in TABLE if traced(r)}
    assert len(distinct) >= LEAST, len(distinct)


@pytest.mark.parametrize(
    ("source", "counts"),
    [
        ("https://docs.kie.ai/common-api/get-account-credits", True),
        ("seen live, 2026-08-08", True),
        ("huggingface_hub utils/_http.py", True),
        ("the Python SDK 5.24, types/organization", True),
        ("by its HTTP status; the words are made up", False),
        ("https://docs.kie.ai/market; the words are made up", False),
        ("never seen; a failure to read is not zero", False),
        ("the state of late 2026, by the documented shape", False),
        ("seen live, 2026-08-08; the usage by its documented shape", False),
        ("seen in public reports", False),
    ],
)
def test_only_what_can_be_looked_up_counts(source: str, counts: bool) -> None:
    said = {"source": source, "expect": {}}
    assert traced(Recording("kie", "x", Check.BALANCE, None, said)) is counts


def test_every_cause_that_an_answer_can_give_has_one() -> None:
    met = {Cause(r.expect["cause"]) for r in TABLE}
    assert met == set(Cause) - UNANSWERED


@pytest.mark.parametrize("provider", ["huggingface", "kie"])
def test_every_cause_of_the_two_first_providers_has_an_answer(provider: str) -> None:
    found = Counter(Cause(r.expect["cause"]) for r in recordings(provider))
    money = {Cause.CREDITS_EXHAUSTED, Cause.OK, Cause.ANSWER_MALFORMED, Cause.PROVIDER_ERROR}
    both = {Cause.KEY_REJECTED, Cause.KEY_LACKS_PERMISSION, Cause.RATE_LIMITED,
            Cause.PROVIDER_MAINTENANCE, Cause.ENDPOINT_RETIRED}  # fmt: skip
    models = {cause for cause in Cause if cause.startswith("model_")}
    own = {
        "huggingface": {*models, Cause.KEY_EXPIRED, Cause.QUOTA_EXHAUSTED, Cause.NOT_KNOWABLE},
        "kie": {Cause.KEY_CAP_REACHED},
    }
    assert set(found) == money | both | own[provider]


async def test_every_row_of_hugging_faces_tables_is_met_by_an_answer() -> None:
    """A row that no answer meets is a guess; a row behind a wider one is dead.

    A row that tables share is met where one of them meets it.
    """
    provider, met = PROVIDERS["huggingface"], set()
    for one in recordings("huggingface"):
        account, player = one.account(provider), Player(*one.answers)
        found = await played(provider, player, one.check, one.subject, account=account)
        summary = found.summary.partition(";")[0]
        met |= {(one.check, found.cause, summary), (None, found.cause, summary)}
    shared = {*rows.HOST_ROWS, *rows.TOKEN_ROWS, *rows.KEY_ROWS}
    wanted = {
        (None if row in shared else check, row.cause, row.summary)
        for check, table in rows.TABLES.items()
        for row in (*table, *rows.SPOKEN_ROWS)
        if row not in rows.SPOKEN_ROWS or check is Check.KEY
    }
    assert wanted - met == set()


@pytest.mark.parametrize("recording", TABLE, ids=label)
def test_an_answer_says_where_it_comes_from_and_when_it_was_asked(recording: Recording) -> None:
    source = recording.said["source"]
    assert 5 < len(source) < 200
    years = [int(y) for y in re.findall(r"\b(20[0-9]{2})\b", source)]
    assert all(y <= NOW.year for y in years), "an answer from the future"

"""Whatever a provider answers: one of the declared causes, sound figures, nothing private.

`benchmarks/fuzz_parsers.py` does the same a million times.
"""

from __future__ import annotations

import asyncio
import random
from collections.abc import Iterator
from decimal import Decimal

import pytest
from fuzzing import Ruined, faults, probed, ruined
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from recorded import NOW, Recording, account_of, recordings

from monitor.core.causes import Cause
from monitor.core.model import Check, Finding, Quota, Target
from monitor.core.spec import CheckSpec, ProviderSpec
from monitor.http import Answer
from monitor.providers import Ask, Provider, load_providers, run_probe

PROVIDERS = load_providers()
FUZZ = settings(
    max_examples=30,
    deadline=None,
    derandomize=True,
    database=None,
    suppress_health_check=list(HealthCheck),
)
STATUS = st.sampled_from([200, 200, 200, 201, 204, 304]) | st.integers(100, 599)
HEADERS = st.dictionaries(
    st.sampled_from(
        ["content-type", "retry-after", "ratelimit", "x-error-message", "x-hf-warning"]
    ),
    st.text(max_size=40),
    max_size=3,
)


@pytest.fixture(scope="module")
def runner() -> Iterator[asyncio.Runner]:
    with asyncio.Runner() as running:
        yield running


def told(name: str) -> list[Recording]:
    """The recordings of one provider."""
    return recordings(name)


@pytest.mark.parametrize("name", sorted(PROVIDERS))
@FUZZ
@given(data=st.data(), rng=st.randoms(use_true_random=False))
def test_a_ruined_recording_becomes_a_sound_finding(
    runner: asyncio.Runner, name: str, data: st.DataObject, rng: random.Random
) -> None:
    recording = data.draw(st.sampled_from(told(name)))
    answers = ruined(recording, rng)
    found = runner.run(probed(PROVIDERS[name], recording, answers))
    assert list(faults(PROVIDERS[name], recording, found)) == [], (recording.name, answers)
    assert runner.run(probed(PROVIDERS[name], recording, answers)) == found


@pytest.mark.parametrize("name", sorted(PROVIDERS))
@FUZZ
@given(data=st.data(), status=STATUS, headers=HEADERS, body=st.binary(max_size=120))
def test_any_bytes_at_all_become_a_sound_finding(
    runner: asyncio.Runner, name: str, data: st.DataObject, status: int, headers: dict[str, str],
    body: bytes,
) -> None:  # fmt: skip
    recording = data.draw(st.sampled_from(told(name)))
    found = runner.run(probed(PROVIDERS[name], recording, (Answer(status, headers, body),)))
    assert list(faults(PROVIDERS[name], recording, found)) == [], recording.name


# That it can fail


def finding(**changes: object) -> Finding:
    given = {"cause": Cause.OK, "summary": "fine", "balance": None, "unit": None} | changes
    return Finding(**given)  # type: ignore[arg-type]  # the table's own values


NAN_QUOTA = Quota("q", Decimal("NaN"), None, "USD")


@pytest.mark.parametrize(
    "bad",
    [
        {"summary": ""},
        {"summary": "two\nlines"},
        {
            "summary": "the answer is of a kind this version cannot read",
            "cause": "answer_malformed",
        },
        {"retry_after": 1e9},
        {"quotas": (NAN_QUOTA,)},
        {"facts": {"who": "erika.mustermann@example.com"}},
        {"cause": Cause.TIMED_OUT, "quotas": (Quota("q", None, None, "USD"),)},
    ],
)
def test_an_unsound_finding_is_found_out(bad: dict[str, object]) -> None:
    recording = recordings("huggingface")[0]
    changes = {**bad, "cause": Cause(str(bad.get("cause", "ok")))}
    assert list(faults(PROVIDERS["huggingface"], recording, finding(**changes)))


async def test_a_parser_that_stumbles_is_found_out() -> None:
    async def stumbles(ask: Ask) -> Finding:
        raise KeyError((await ask.send(None)).status)  # type: ignore[arg-type]  # not looked at

    spec = ProviderSpec("own", "Own", {Check.KEY: CheckSpec()}, {"base_url": "https://a"}, "")
    provider = Provider(spec, stumbles)
    way, target = Ruined(Answer(200, {}, b"")), Target("acme", "own", Check.KEY)
    found = await run_probe(provider, way, account_of(provider), target, now=NOW, timeout=5)
    (fault,) = faults(provider, Recording("own", "x", Check.KEY, None, {"expect": {}}), found)
    assert "KeyError at test_parsers_fuzz.py" in fault

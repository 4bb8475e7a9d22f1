"""Kling: the token that two keys sign, and which packs count; its answers are in recordings."""

from __future__ import annotations

import hashlib
import hmac
import json
from base64 import urlsafe_b64decode
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from recorded import KEY, NOW, Player, account_of, played

from monitor.core.causes import Cause
from monitor.core.model import Check, Finding
from monitor.core.secret import Secret
from monitor.providers.kling import PROVIDER, signed_at, token

SECRET_KEY = "planted-secret_key-0002"


def decoded(part: str) -> bytes:
    """What one part of a token holds."""
    return urlsafe_b64decode(part + "=" * (-len(part) % 4))


def carried(now: datetime, **fields: object) -> str:
    """The Authorization header at that time."""
    account = account_of(PROVIDER, fields=fields)
    return signed_at(now)(account)["Authorization"].reveal()


# The token


def test_a_token_is_signed_with_the_secret_key_and_good_for_half_an_hour() -> None:
    scheme, made = carried(NOW, secret_key=Secret(SECRET_KEY)).split()
    head, claims, signature = made.split(".")
    at = int(NOW.timestamp())
    assert scheme == "Bearer"
    assert json.loads(decoded(head)) == {"alg": "HS256", "typ": "JWT"}
    assert json.loads(decoded(claims)) == {"iss": KEY, "exp": at + 1800, "nbf": at - 5}
    mac = hmac.new(SECRET_KEY.encode(), f"{head}.{claims}".encode(), hashlib.sha256)
    assert decoded(signature) == mac.digest()
    assert "=" not in made


def test_a_token_is_the_one_that_openssl_makes() -> None:
    """Of the same two JSON texts, by `openssl dgst -sha256 -hmac sk -binary`."""
    assert token("ak", "sk", datetime(2026, 11, 20, tzinfo=UTC)) == (
        "eyJhbGciOiJIUzI1NiIsInR5cCI6IkpXVCJ9."
        "eyJpc3MiOiJhayIsImV4cCI6MTc5NTEzNDYwMCwibmJmIjoxNzk1MTMyNzk1fQ."
        "OMrg5F0YH8TjvnqOsPZzVNj7dUsZ0vvPqpDxbDWsW_c"
    )


@pytest.mark.parametrize("secret_key", [None, Secret("")])
def test_without_a_secret_key_the_key_goes_as_it_is(secret_key: object) -> None:
    assert carried(NOW, secret_key=secret_key) == f"Bearer {KEY}"


async def test_each_question_is_signed_anew_and_the_keys_stay_out_of_it() -> None:
    player = Player({"status": 200, "body": said()}, {"status": 500, "body": "no"})
    found = [await played(PROVIDER, player, Check.BALANCE) for _ in range(2)]
    for asked in player.asked:
        assert asked.headers["authorization"] == carried(NOW, secret_key=Secret(SECRET_KEY))
        assert SECRET_KEY not in f"{asked.url} {asked.headers} {asked.content!r}"
    assert carried(NOW, secret_key=Secret("x")) != carried(
        NOW + timedelta(seconds=1), secret_key=Secret("x")
    )
    made = player.asked[0].headers["authorization"].split()[1]
    assert made not in repr(found)


# The packs


def ms(moment: datetime) -> int:
    """A time as Kling writes it."""
    return int(moment.timestamp() * 1000)


def pack(left: object, status: str = "online", **days: float) -> dict[str, Any]:
    """A pack; `since` and `ends` in days from now."""
    since, ends = (NOW + timedelta(days=days.get(k, d)) for k, d in (("since", -60), ("ends", 30)))
    return {
        "resource_pack_name": "Video",
        "remaining_quantity": left,
        "effective_time": ms(since),
        "invalid_time": ms(ends),
        "status": status,
    }


def said(*packs: Mapping[str, Any]) -> dict[str, Any]:
    """An answer with these packs."""
    inner = {"code": 0, "msg": "", "resource_pack_subscribe_infos": list(packs)}
    return {"code": 0, "message": "", "request_id": "r", "data": inner}


async def found_of(*packs: Mapping[str, Any]) -> Finding:
    """What is made of these packs."""
    return await played(PROVIDER, Player({"status": 200, "body": said(*packs)}), Check.BALANCE)


SECOND = 1 / 86400
CASES = {
    "in force": (pack(5), 5),
    "not yet": (pack(5, "toBeOnline", since=2), 0),
    "called online before its time": (pack(5, since=SECOND), 0),
    "from this moment on": (pack(5, since=0), 5),
    "for another second": (pack(5, ends=SECOND), 5),
    "ended at this moment": (pack(5, ends=0), 0),
    "ended, and called so": (pack(5, "expired", ends=-1), 0),
    "used up": (pack(0, "runOut"), 0),
    "called used up with a rest": (pack(5, "runOut"), 0),
    "called ended before its time": (pack(5, "expired"), 0),
    "waiting though its time has come": (pack(5, "toBeOnline"), 0),
    "in debt": (pack(-2.5), -2.5),
}


@pytest.mark.parametrize("case", CASES)
async def test_only_a_pack_in_force_counts(case: str) -> None:
    one, counts = CASES[case]
    found = await found_of(one, pack(100))
    assert (found.cause, found.balance, found.unit) == (
        Cause.OK, Decimal(100) + Decimal(str(counts)), "units",
    )  # fmt: skip


@pytest.mark.parametrize("state", ["toBeOnline", "expired", "runOut"])
async def test_a_pack_that_is_not_in_force_needs_no_times(state: str) -> None:
    waiting = {**pack(5, state), "effective_time": None, "invalid_time": None}
    found = await found_of(waiting, pack(100))
    assert (found.cause, found.balance) == (Cause.OK, Decimal(100))


@given(st.lists(st.tuples(st.integers(0, 10**6), st.integers(-50, 50).filter(bool)), min_size=1))
async def test_what_is_left_is_the_sum_of_what_has_not_ended(packs: list[tuple[int, int]]) -> None:
    found = await found_of(*(pack(left, ends=days) for left, days in packs))
    alive = [(left, days) for left, days in packs if days > 0]
    assert found.balance == sum(left for left, _ in alive)
    ends = [NOW + timedelta(days=days) for left, days in alive if left]
    assert found.facts == (
        {"expires_at": min(ends).isoformat().replace("+00:00", "Z")} if ends else {}
    )


async def test_what_ends_first_is_told_with_how_much_it_is() -> None:
    found = await found_of(pack(7, ends=3), pack(5, ends=3), pack(100, ends=9), pack(0, ends=1))
    assert found.summary == "112 units, 12 until 2026-11-23 10:31 UTC"

"""What customers see of a service: the whole table, and words without money or provider."""

from __future__ import annotations

import itertools
from decimal import Decimal

import pytest
from core_scenes import a_view

from monitor.core.causes import Cause, Standing
from monitor.core.model import ServiceState
from monitor.core.services import default_words, service_state, standing
from monitor.core.settings import Service
from monitor.core.view import View

LETTERS = {"u": Cause.OK, "x": Cause.MODEL_MISSING, "?": Cause.TIMED_OUT, "-": None}


def status(needs: str = "", any_of: str = "") -> str:
    """The status of a service whose targets stand as the letters say: usable, x unusable, ?."""
    views: dict[str, View] = {}
    for kind, letters in (("n", needs), ("a", any_of)):
        for number, letter in enumerate(letters):
            name = f"hf/model/{kind}{number}"
            views[name] = a_view(name, LETTERS[letter])
    service = Service(
        "images",
        tuple(n for n in views if n.startswith("hf/model/n")),
        tuple(n for n in views if n.startswith("hf/model/a")),
    )
    return service_state(service, views.get).status.value


@pytest.mark.parametrize(("any_of", "expected"), [
    ("u", "up"), ("x", "down"), ("?", "unknown"), ("-", "unknown"),
    ("ux", "up"), ("u?", "up"), ("uu", "up"),
    ("xu", "degraded"), ("xxu", "degraded"), ("x?u", "degraded"), ("xu?", "degraded"),
    ("?u", "up"), ("-u", "up"), ("?xu", "up"),
    ("xx", "down"), ("xxx", "down"),
    ("x?", "unknown"), ("?x", "unknown"), ("??", "unknown"),
])  # fmt: skip
def test_any_of_the_targets_serves(any_of: str, expected: str) -> None:
    assert status(any_of=any_of) == expected


@pytest.mark.parametrize(("needs", "expected"), [
    ("u", "up"), ("uu", "up"), ("x", "down"), ("ux", "down"), ("x?", "down"), ("?x", "down"),
    ("?", "unknown"), ("u?", "unknown"), ("-u", "unknown"),
])  # fmt: skip
def test_each_of_the_needs_must_be_usable(needs: str, expected: str) -> None:
    assert status(needs=needs) == expected


@pytest.mark.parametrize(("needs", "any_of", "expected"), [
    ("u", "u", "up"), ("u", "xu", "degraded"), ("u", "x", "down"), ("u", "?", "unknown"),
    ("x", "u", "down"), ("x", "xu", "down"), ("x", "?", "down"),
    ("?", "u", "unknown"), ("?", "xu", "degraded"), ("?", "x", "down"), ("?", "?", "unknown"),
])  # fmt: skip
def test_needs_and_any_together_are_as_bad_as_the_worse(
    needs: str, any_of: str, expected: str
) -> None:
    assert status(needs, any_of) == expected


def test_a_service_of_nothing_is_unknown() -> None:
    assert status() == "unknown"


def test_customers_are_served_as_long_as_one_is_usable() -> None:
    for letters in itertools.product("ux?-", repeat=3):
        served = status(any_of="".join(letters)) in ("up", "degraded")
        assert served == ("u" in letters)


def test_how_a_view_stands_for_a_service() -> None:
    assert standing(None) is Standing.NOT_READ
    assert standing(a_view()) is Standing.USABLE
    assert standing(a_view("hf/model/x", Cause.MODEL_LOADING)) is Standing.USABLE
    assert standing(a_view("hf/model/x", Cause.MODEL_DEGRADED)) is Standing.USABLE
    short = a_view(cause=Cause.CREDITS_EXHAUSTED, balance="90", floor=Decimal(135))
    assert standing(short) is Standing.UNUSABLE
    assert standing(a_view(key_cause=Cause.KEY_REJECTED)) is Standing.UNUSABLE
    unread = a_view(cause=Cause.TIMED_OUT, key_cause=Cause.KEY_EXPIRED)
    assert standing(unread) is Standing.UNUSABLE


def test_the_order_is_the_configs() -> None:
    views = {"a": a_view("hf/model/a", Cause.MODEL_MISSING), "b": a_view("hf/model/b")}
    assert service_state(Service("s", (), ("a", "b")), views.get).status == "degraded"
    assert service_state(Service("s", (), ("b", "a")), views.get).status == "up"


@pytest.mark.parametrize(("cause", "words"), [
    (Cause.OK, ""), (Cause.TIMED_OUT, ""), (Cause.MODEL_MISSING, "mine"),
])  # fmt: skip
def test_the_configs_words_stand_while_degraded_or_down(cause: Cause, words: str) -> None:
    service = Service("s", ("t",), (), "mine")
    state = service_state(service, lambda _: a_view("hf/model/x", cause))
    assert state.tell_customers == words


def test_without_words_customers_hear_of_neither_money_nor_provider() -> None:
    views = {"a": a_view("kie/balance", Cause.CREDITS_EXHAUSTED), "b": a_view("hf/model/b")}
    down = service_state(Service("video-generation", ("a",)), views.get)
    assert down == ServiceState(
        "video-generation", down.status,
        "We have a temporary issue with video generation. Our team is on it.",
    )  # fmt: skip
    slow = service_state(Service("image_generation.v2", (), ("a", "b")), views.get)
    assert slow.tell_customers == (
        "Image generation v2 may be slower than usual. Our team is on it."
    )
    for text in (down.tell_customers, slow.tell_customers):
        for word in ("kie", "hf", "hugging", "credit", "balance", "bill", "provider", "quota"):
            assert word not in text.lower()
    assert default_words("x", service_state(Service("x"), views.get).status) == ""

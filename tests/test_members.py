"""A provider and the network, looked at member by member: the same as all of them at once."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import timedelta
from operator import itemgetter

from core_scenes import NOW, a_reading, a_view, later
from house import House, huggingface, kie, settings
from hypothesis import given
from hypothesis import strategies as st

from monitor.core.blame import LASTING, answered, blames_provider, failing_since, unreached
from monitor.core.causes import FAILURES, Cause
from monitor.core.members import Members, NetworkMembers, ProviderMembers
from monitor.core.model import Check
from monitor.core.ranking import Ranking
from monitor.core.view import View

CAUSES = (
    Cause.OK, Cause.CREDITS_EXHAUSTED, Cause.TIMED_OUT, Cause.PROVIDER_ERROR, Cause.RATE_LIMITED,
    Cause.NETWORK_OFFLINE, Cause.ANSWER_MALFORMED, Cause.PROVIDER_UNREACHABLE,
    Cause.NOT_CONFIGURED, None,
)  # fmt: skip
NAMES = ("a/key", "a/balance", "b/key", "b/balance", "b/status", "c/balance", "c/status")
PROVIDERS = {"a": "kie", "b": "kie", "c": "fal"}


@st.composite
def a_move(draw: st.DrawFn) -> View:
    """One of few targets as it may stand after one more probe."""
    name, cause = draw(st.sampled_from(NAMES)), draw(st.sampled_from(CAUSES))
    at = later(draw(st.integers(-4, 4)) * 100)
    failed_from = st.sampled_from([None, at, at - timedelta(seconds=100)])
    return a_view(
        name, cause, at=at,
        provider=PROVIDERS[name[0]],
        failures=draw(st.integers(1, 4)) if cause in FAILURES else 0,
        failed_from=draw(failed_from) if cause in FAILURES else None,
        last_success=later(-300),
        interval=float(draw(st.sampled_from([50, 300]))),
        local=draw(st.booleans()) and draw(st.booleans()),
    )  # fmt: skip


def since(view: View, moment: object) -> bool:
    return view.reading is not None and view.reading.at > moment  # type: ignore[operator]


def offline(members: Sequence[View]) -> View | None:
    """Who shows that we are offline, as one would write it down."""
    lasting = [m for m in members if m.failures >= LASTING and unreached(m)]
    runs = [(began, m) for m in lasting if (began := failing_since(m)) is not None]
    if not runs:
        return None
    began, youngest = max(runs, key=itemgetter(0))
    if any(answered(m) and since(m, began) for m in members):
        return None
    said = any(m.reading and m.reading.cause is Cause.NETWORK_OFFLINE for m in lasting)
    providers = {m.provider for m in members if unreached(m) and since(m, began)}
    return youngest if said or len(providers) > 1 else None


def down(members: Sequence[View]) -> View | None:
    """Who shows that a provider is down, as one would write it down."""
    for member in members:
        began = failing_since(member)
        if began is None or member.failures < LASTING or not blames_provider(member):
            continue
        if not any(m.reading and m.reading.read and since(m, began) for m in members):
            return member
    return None


def refuted(members: Sequence[View], tells: Callable[[View], bool]) -> bool:
    runs = [began for m in members if (began := failing_since(m)) is not None]
    latest = max((m.reading.at for m in members if m.reading and tells(m)), default=None)
    return latest is not None and all(latest > began for began in runs)


def plain(members: Sequence[View]) -> tuple[object, ...]:
    """What a derived view says of its members beside the blame."""
    read = [m for m in members if m.reading is not None and m.reading.read]
    newest = max(read, key=lambda m: m.evidence_at or NOW, default=None)
    causes = [m.cause for m in members if m.cause is not None]
    return (
        Cause.OK if newest else next(iter(causes), None),
        max((m.evidence_at for m in members if m.evidence_at), default=None),
        newest.last_success if newest else None,
        max((m.interval for m in members), default=300.0),
    )


def said(view: View) -> tuple[object, ...]:
    return (view.cause, view.evidence_at, view.last_success, view.interval)


MOVES = st.lists(st.tuples(a_move(), st.booleans()), max_size=25)


def moved(members: Members, moves: Sequence[tuple[View, bool]], theirs: str | None) -> list[View]:
    """Take in one by one what is `theirs`, sometimes looking; what stands in the end."""
    stands: dict[str, View] = {}
    for view, look in moves:
        if theirs in (None, view.provider):
            stands[view.target] = view
            members.put(view)
            if look:
                members.view()
    return [v for v in stands.values() if v.cause is not Cause.NOT_CONFIGURED and not v.local]


@given(MOVES)
def test_the_network_looked_at_one_by_one_is_what_it_is_at_once(
    moves: list[tuple[View, bool]],
) -> None:
    members = NetworkMembers()
    stands = moved(members, moves, None)
    found = members.view()
    assert found.members == tuple(stands)
    assert found.evidence.blamed == offline(stands)
    assert found.evidence.refuted == refuted(stands, answered)
    assert found.evidence.lasting == any(m.failures >= LASTING for m in stands)
    assert said(found) == plain(stands)


@given(MOVES)
def test_a_provider_looked_at_one_by_one_is_what_it_is_at_once(
    moves: list[tuple[View, bool]],
) -> None:
    members = ProviderMembers("kie")
    stands = moved(members, moves, "kie")
    weighs = [m for m in stands if m.check is not Check.STATUS]
    found = members.view()
    assert found.members == (*weighs, *(m for m in stands if m.check is Check.STATUS))
    assert found.evidence.blamed == down(weighs)
    assert found.evidence.refuted == refuted(weighs, lambda m: m.read)
    assert found.evidence.lasting == any(m.failures >= LASTING for m in stands)
    assert said(found) == plain(weighs)


@given(st.lists(st.tuples(st.integers(0, 5), st.none() | st.sampled_from([1.0, 2.0, 3.0]))))
def test_a_ranking_knows_the_highest_and_the_first_that_has_it(
    moves: list[tuple[int, float | None]],
) -> None:
    ranking: Ranking[float] = Ranking()
    stands: dict[int, float | None] = {}
    for place, value in moves:
        ranking.put(place, value)
        stands[place] = value
    left = {p: v for p, v in stands.items() if v is not None}
    assert ranking.highest == max(left.values(), default=None)
    assert ranking.leader == min((p for p in left if left[p] == ranking.highest), default=None)


def test_a_look_that_nothing_moved_since_makes_nothing_anew() -> None:
    members = ProviderMembers("kie", [a_view()])
    assert members.view() is members.view()
    before = members.view()
    members.put(replace(a_view(), reading=a_reading("kie/balance", at=later(5))))
    assert members.view() is not before


def test_a_derived_target_looked_at_by_name_is_the_one_that_all_of_them_hold() -> None:
    memory = House(settings((kie(), huggingface()))).memory
    found = memory.derived()
    assert set(found) == {
        "monitor/network", "kie/key", "huggingface/key", "huggingface/model", "kie/provider",
        "huggingface/provider",
    }  # fmt: skip
    assert {name: memory.look(name) for name in found} == found
    assert memory.look("kie/model") is memory.look("nobody/provider") is memory.look("x") is None

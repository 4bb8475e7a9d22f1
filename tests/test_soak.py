"""A month of the real pipeline in half a minute; and that a soak notices what is wrong."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from decimal import Decimal
from pathlib import Path

import pytest

from benchmarks.soak.gauges import Gauge, grown
from benchmarks.soak.month import Soak
from benchmarks.soak.script import DAY, HOUR, KINDS, Kind, Script, Span, Trouble
from benchmarks.soak.seen import Episode, Said, Weight
from benchmarks.soak.verdict import against, late, strangers
from benchmarks.soak.watched import BALANCES, START
from monitor.core.causes import Severity
from monitor.core.hours import Hour
from monitor.core.model import Totals

A, B = "a@example.com", "b@example.com"


@pytest.mark.slow
async def test_a_month_of_troubles_is_told_once_to_everybody_and_leaves_nothing_behind(
    tmp_path: Path,
) -> None:
    soak = await Soak(tmp_path, seed=1, days=30).run()
    assert against(soak) == []
    assert soak.done["killed"] == 15
    assert len({e.alert for e in soak.episodes.values()}) >= 10
    assert {t.kind.name for t in soak.script.troubles} >= {k.name for k in KINDS}


# -- a soak in which all is well, and what spoils it ------------------------------------------


def said(kind: str, t: float, **changes: object) -> Said:
    made = Said(t, START + timedelta(seconds=t), f"{kind}-1", "oncall", A, kind, "one",
                "provider-down", "kie/provider", Severity.CRITICAL)  # fmt: skip
    return replace(made, **changes)  # type: ignore[arg-type]  # a test names fields it knows


def weight(day: float, **changes: object) -> Weight:
    rows = {"samples": 100, "hours": 10, "seen": 4}
    rows |= dict.fromkeys(("incidents", "acks", "told", "silences", "notices", "alerts"), 0)
    memory = {"incidents": 0, "told": 0, "silences": 0, "seen": 4}
    made = Weight(day, int(day * 100), rows, memory, 1000, 50_000, 5000, int(day * 10_000), 6.0)
    return replace(made, **changes)  # type: ignore[arg-type]  # a test names fields it knows


def well(folder: Path) -> Soak:
    """Three days with one trouble, told and over; nobody lived them."""
    soak = Soak(folder, seed=1, days=3)
    kind = next(k for k in KINDS if k.name == "5xx")
    soak.script = Script(troubles=[Trouble(kind, DAY, DAY + 2 * HOUR)])
    soak.episodes["one"] = Episode(
        "provider-down", "kie/provider", Severity.CRITICAL, DAY + HOUR / 2, DAY + 2 * HOUR
    )
    soak.mail.said = [
        said(kind, t, address=address)
        for address in (A, B)
        for kind, t in (("opened", DAY + HOUR / 2), ("resolved", DAY + 2 * HOUR))
    ]
    soak.mail.said.append(
        said("digest", 2 * HOUR, id="digest-1", receiver="finance", incident="digest")
    )
    soak.weights = [weight(day) for day in (1, 2, 3)]
    soak.totals, soak.hours = {}, {}
    for name in BALANCES:
        spent = Decimal(str(round(soak.truths[name].spent(3 * DAY), 2)))
        soak.totals[name] = Totals(spent=spent, topped_up=spent)
        soak.hours[name] = (Hour(START, spent=spent),)
    return soak


def test_where_all_is_well_no_law_complains(tmp_path: Path) -> None:
    assert against(well(tmp_path)) == []


def _lose(soak: Soak, kind: str) -> None:
    soak.mail.said = [s for s in soak.mail.said if s.kind != kind]


def _heavier(**changes: object) -> Callable[[Soak], None]:
    def spoil(soak: Soak) -> None:
        soak.weights[-1] = replace(soak.weights[-1], **changes)  # type: ignore[arg-type]

    return spoil


def _row(table: str, count: int) -> Callable[[Soak], None]:
    return lambda soak: _heavier(rows={**soak.weights[-1].rows, table: count})(soak)


SPOILT: dict[str, tuple[Callable[[Soak], None], str]] = {
    "no end": (lambda s: _lose(s, "resolved"), "lost"),
    "no beginning": (lambda s: _lose(s, "opened"), "lost"),
    "nothing at all": (lambda s: s.mail.said.clear(), "lost"),
    "one address hears nothing": (
        lambda s: setattr(s.mail, "said", [m for m in s.mail.said if m.address == A]), "late"),
    "late": (lambda s: setattr(s.mail, "said", [
        replace(m, t=m.t + HOUR) if m.kind == "opened" else m for m in s.mail.said]), "late"),
    "the same again": (lambda s: s.mail.said.append(s.mail.said[0]), "twice"),
    "again under another id": (
        lambda s: s.mail.said.append(replace(s.mail.said[0], id="other")), "twice"),
    "reminded too soon": (
        lambda s: s.mail.said.append(said("reminder", DAY + HOUR)), "twice"),
    "without a cause": (lambda s: s.episodes.update(two=Episode(
        "key-rejected", "huggingface/key", Severity.CRITICAL, DAY, 2 * DAY)), "strangers"),
    "in quiet hours": (lambda s: s.mail.said.append(said(
        "opened", DAY - 6 * HOUR, receiver="night", severity=Severity.WARNING)), "muted"),
    "a digest on no Monday": (lambda s: s.mail.said.append(said(
        "digest", DAY, receiver="finance", incident="digest")), "digests"),
    "spent too little": (lambda s: s.totals.update({
        "kie/balance": Totals(spent=Decimal(1), topped_up=Decimal(1))}), "ledgers"),
    "hours that lack": (lambda s: s.hours.update({"kie/balance": ()}), "ledgers"),
    "a table that grows": (_row("seen", 5), "growth"),
    "told that is kept": (_row("told", 500), "growth"),
    "a checkpoint that grows": (_heavier(checkpoint=9000), "growth"),
    "dearer probes": (_heavier(statements=7.0), "growth"),
    "objects": (_heavier(objects=60_000), "growth"),
    "dearer samples": (_heavier(file=90_000), "growth"),
    "something is still owed": (lambda s: s.owed.append("opened to oncall"), "opened to"),
}  # fmt: skip


@pytest.mark.parametrize("how", SPOILT)
def test_a_soak_notices(how: str, tmp_path: Path) -> None:
    soak, (spoil, law) = well(tmp_path), SPOILT[how]
    spoil(soak)
    assert any(words.startswith(law) for words in against(soak)), against(soak)


def _kind(name: str) -> Kind:
    return next(k for k in KINDS if k.name == name)


@pytest.mark.parametrize(
    ("left", "misread", "explained"),
    [(300.0, True, True), (301.0, True, False), (300.0, False, False), (0.0, False, True)],
)
def test_a_zero_is_believed_at_once_where_less_than_a_job_is_left(
    left: float, misread: bool, explained: bool, tmp_path: Path
) -> None:
    soak = well(tmp_path)
    soak.truths["kie/balance"] = replace(soak.truths["kie/balance"], times=[0.0], values=[left])
    if misread:
        soak.script.troubles.append(Trouble(_kind("misread zero"), 2 * DAY, 2 * DAY))
    soak.episodes["zero"] = Episode(
        "credits-exhausted", "kie/balance", Severity.CRITICAL, 2 * DAY + 60, 2 * DAY + 660
    )
    assert list(strangers(soak)) == [] if explained else list(strangers(soak))


@pytest.mark.parametrize(
    ("silent", "told_at", "in_time"),
    [
        (0.0, 3600, True),
        (0.0, 3601, False),
        (3599.0, 3599 + 1 + 3600 + 180, True),  # away: in its next turn
        (3599.0, 3599 + 1 + 3600 + 181, False),
        (3600.0, 3600 + 3600 + 180, True),  # just back
        (3600.0, 3600 + 3600 + 181, False),
    ],
)
def test_what_comes_and_goes_may_be_away_when_a_silence_ends(
    silent: float, told_at: float, in_time: bool, tmp_path: Path
) -> None:
    soak, flaps = well(tmp_path), _kind("a model that flaps")
    alert, target = flaps.told or ("", "")
    soak.script.troubles = [Trouble(flaps, DAY, DAY + 4 * HOUR)]
    if silent:
        soak.script.silences = [Span(DAY - 300, DAY + silent, target)]
    soak.mail.said = [
        said("opened", DAY + told_at, address=address, alert=alert, target=target)
        for address in (A, B)
    ]
    assert (not list(late(soak))) is in_time


# -- half an hour in real time ----------------------------------------------------------------


def gauges(rss: Callable[[int], float], fds: Callable[[int], int]) -> list[Gauge]:
    return [Gauge(n * 10.0, rss(n), n % 2, fds(n) + 2 * (n % 2), 3 + n % 2, 100.0, n)
            for n in range(180)]  # fmt: skip


@pytest.mark.parametrize(
    ("rss", "fds", "words"),
    [
        (lambda n: 80.0, lambda n: 15, ""),
        (lambda n: 80.0 + 9.0 * (n % 30 == 0), lambda n: 15 + 8 * (n % 5 == 0), ""),  # peaks
        (lambda n: 70.0 + min(n, 60) / 5, lambda n: 15, ""),  # warming up
        (lambda n: 80.0 + n / 30, lambda n: 15, "resident memory gains 3.0 MB in 890 s"),
        (lambda n: 80.0, lambda n: 15 + n // 10, "descriptors at rest were 17 and are 26"),
    ],
    ids=["flat", "peaks", "warming-up", "memory", "descriptors"],
)
def test_growth_is_told_from_noise(
    rss: Callable[[int], float], fds: Callable[[int], int], words: str
) -> None:
    assert grown(gauges(rss, fds)) == ([words] if words else [])

"""The ledger: what became of every sample, and that its sums always add up."""

from __future__ import annotations

from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from monitor.core.ledger import Entry, EntryKind, Ledger, Pace

PACE = Pace(slow=60.0, lump=300.0, job=300.0)
START = 1_770_000_000.0
MINUTE, HOUR, DAY = 60.0, 3600.0, 86400.0


def enter(ledger: Ledger, minutes: float, balance: object, pace: Pace = PACE) -> Entry:
    value = None if balance is None else Decimal(str(balance))
    return ledger.enter(START + minutes * MINUTE, value, pace)


def story(text: str, *, minutes: float = 5.0) -> str:
    """Balances in, kinds out, five minutes apart; `-` is a probe that could not read."""
    ledger = Ledger()
    words = [None if word == "-" else word for word in text.split()]
    return " ".join(enter(ledger, n * minutes, word).kind.value for n, word in enumerate(words))


def adds_up(ledger: Ledger) -> bool:
    t = ledger.totals(None)
    return t.start - t.spent + t.refunded + t.topped_up + t.adjusted == t.end


@pytest.mark.parametrize(
    ("balances", "kinds"),
    [
        ("10000 10000 9865", "first unchanged spent"),
        ("10000 - 9865", "first unread spent"),
        ("10000 9700 10000", "first spent refunded"),
        ("10000 9865 14865", "first spent topped_up"),
        ("10000 0 9865", "first suspect spent"),
        ("10000 -1 10000", "first suspect unchanged"),
        ("10000 99999999 9970", "first suspect spent"),
        ("10000 1200 9970", "first suspect spent"),
        ("10000 0 9865 0 9865", "first suspect spent misread unchanged"),
        ("10000 0 99999999 0 9970", "first suspect suspect suspect spent"),
        ("10000 0 0 0 0", "first suspect suspect suspect adjusted"),
        ("10000 3000 2700 2650 2600", "first suspect suspect suspect spent"),
        ("0 0 5000 4700", "first unchanged topped_up spent"),
        ("600 300 0 -300", "first spent spent spent"),
        ("-500 -800 2000", "first spent topped_up"),
    ],
)
def test_every_sample_is_booked_for_what_it_is(balances: str, kinds: str) -> None:
    assert story(balances) == kinds


def test_a_sample_from_the_past_or_a_second_time_changes_nothing() -> None:
    ledger = Ledger()
    enter(ledger, 0, 1000)
    enter(ledger, 10, 900)
    before = ledger.totals(None)
    assert enter(ledger, 10, 900).kind is EntryKind.IGNORED
    assert enter(ledger, 3, 5000).kind is EntryKind.IGNORED
    assert ledger.totals(None) == before


def test_a_clock_that_was_ahead_is_believed_to_have_been_once_samples_go_on() -> None:
    ledger = Ledger()
    enter(ledger, 0, 1000)
    enter(ledger, 525_600, 900)  # a year ahead, and then corrected
    kinds = [enter(ledger, 5 + 5 * n, 800).kind for n in range(8)]
    assert kinds[:4] == [EntryKind.IGNORED] * 4
    assert EntryKind.SPENT in kinds
    assert ledger.balance == 800
    assert adds_up(ledger)


def test_a_clock_set_back_while_a_value_is_doubted_is_survived() -> None:
    ledger = Ledger()
    enter(ledger, 0, 10_000)
    enter(ledger, 525_600, 0)
    for n in range(20):
        enter(ledger, 5 + 5 * n, 9_900)
    assert ledger.balance == 9_900
    assert ledger.spent == 100
    assert ledger.misread == 1


def test_what_was_disproved_is_counted_as_misread() -> None:
    ledger = Ledger()
    for n, balance in enumerate((10_000, 0, 0, 9_970)):
        entry = enter(ledger, 5 * n, balance)
    assert entry.disproved == 2
    assert ledger.misread == 2
    assert ledger.spent == 30


def test_quick_repeats_of_one_answer_count_as_one() -> None:
    ledger = Ledger()
    enter(ledger, 0, 10_000)
    for seconds in (0, 5, 15, 25):
        kind = enter(ledger, 5 + seconds / 60, 0).kind
    assert kind is EntryKind.SUSPECT
    assert ledger.balance == 10_000


def test_slow_polls_are_believed_by_time_not_by_count() -> None:
    assert story("10000 0 0", minutes=60.0) == "first suspect suspect"
    assert story("10000 0 0 0", minutes=60.0) == "first suspect suspect adjusted"


def test_a_great_fall_that_is_taken_back_is_no_spending_left() -> None:
    ledger = Ledger()
    for n, balance in enumerate((1000, 450, 1000)):
        entry = enter(ledger, 5 * n, balance)
    assert entry.kind is EntryKind.REFUNDED
    assert entry.burn == -550


def test_an_adjustment_taken_back_is_an_adjustment() -> None:
    ledger = Ledger()
    for n, balance in enumerate((10_000, 0, 0, 0, 0, 10_000)):
        entry = enter(ledger, 5 * n, balance)
    assert entry.kind is EntryKind.ADJUSTED
    assert entry.burn is None
    assert ledger.adjusted == 0
    assert ledger.spent == 0


def test_a_quota_reached_again_by_another_amount_is_a_reset() -> None:
    ledger = Ledger()
    balances = (9000, 4000, 10_000, 9700, 9400, 10_000)
    kinds = [
        enter(ledger, 600 * n, b, Pace(900.0, 300.0, 300.0)).kind for n, b in enumerate(balances)
    ]
    assert kinds[2] is EntryKind.TOPPED_UP
    ledger.lately = 0.0
    enter(ledger, 4000, 9100)
    ledger.lately = 0.0  # long ago: too little for a refund
    assert enter(ledger, 4005, 10_000).kind is EntryKind.ADJUSTED
    assert adds_up(ledger)


def test_more_than_was_spent_cannot_be_a_refund() -> None:
    assert story("10000 9950 10250") == "first spent topped_up"


def test_quiet_teaches_nothing_where_the_next_job_cannot_be_paid() -> None:
    ledger = Ledger()
    enter(ledger, 0, 250)
    assert enter(ledger, 5, 250).burn is None
    assert enter(ledger, 10, 200).burn == 50
    ledger = Ledger()
    enter(ledger, 0, 20)
    assert enter(ledger, 5, 10).burn is None
    assert ledger.spent == 10


def test_a_top_up_teaches_nothing() -> None:
    ledger = Ledger()
    enter(ledger, 0, 10_000)
    assert enter(ledger, 5, 19_970).burn is None


def test_an_unknown_job_is_learned_from_the_drops() -> None:
    ledger = Ledger()
    enter(ledger, 0, 500)
    assert ledger.learned_job == 5
    for n in range(1, 40):
        enter(ledger, 5 * n, 500 - 3 * n)
    assert ledger.learned_job == 3


def test_a_dear_job_long_ago_is_forgotten() -> None:
    ledger = Ledger()
    balance = 50_000
    enter(ledger, 0, balance)
    for n in range(1, 500):
        balance -= 300 if n == 1 else 2
        enter(ledger, 5 * n, balance)
    assert ledger.learned_job == 2


def test_what_nothing_was_known_of_cannot_leap() -> None:
    ledger = Ledger()
    enter(ledger, 0, 0, Pace(0.0, 0.0, 0.0))
    assert enter(ledger, 5, 50, Pace(0.0, 0.0, 0.0)).kind is EntryKind.TOPPED_UP


def test_a_second_great_fall_within_days_is_how_this_account_spends() -> None:
    ledger = Ledger()
    minutes = 0.0
    kinds = []
    for balance in (10_000, 0, 0, 0, 0, 30_000, 9_000, 9_000, 9_000, 9_000):
        minutes += 5 if balance != 30_000 else 600
        kinds.append(enter(ledger, minutes, balance).kind.value)
    assert kinds[4] == "adjusted"
    assert kinds[-1] == "spent"


BALANCES = st.lists(
    st.one_of(
        st.none(),
        st.sampled_from([Decimal(0), Decimal(-1), Decimal(99_999_999)]),
        st.decimals(-5000, 1_000_000, places=2),
    ),
    max_size=60,
)
GAPS = st.lists(st.floats(-30.0, 6000.0), min_size=60, max_size=60)


@given(BALANCES, GAPS)
def test_the_sums_add_up_and_spending_never_falls(
    balances: list[Decimal | None], gaps: list[float]
) -> None:
    ledger, minutes, spent = Ledger(), 0.0, Decimal(0)
    for balance, gap in zip(balances, gaps, strict=False):
        minutes += gap
        enter(ledger, minutes, balance)
        assert adds_up(ledger)
        assert ledger.spent >= spent
        assert min(ledger.refunded, ledger.topped_up) >= 0
        spent = ledger.spent


@given(st.decimals(-5000, 1_000_000, places=2), st.decimals(-5000, 1_000_000, places=2))
def test_the_sums_add_up_to_any_balance_alerting_has_believed(a: Decimal, b: Decimal) -> None:
    ledger = Ledger()
    enter(ledger, 0, a)
    t = ledger.totals(b)
    assert t.start - t.spent + t.refunded + t.topped_up + t.adjusted == t.end == b

"""The ledger where one answer turns into another: each threshold from both of its sides."""

from __future__ import annotations

from decimal import Decimal

import pytest

from monitor.core.entries import Suspect
from monitor.core.ledger import Entry, EntryKind, Ledger, Pace
from monitor.core.renewal import Renewal

START = 1_770_000_000.0
MINUTE, HOUR, DAY = 60.0, 3600.0, 86400.0
PACE = Pace(slow=60.0, lump=300.0, job=300.0)  # five minutes explain 837 credits
FLAT = Pace(slow=0.0, lump=0.0, job=300.0)  # explains 600 credits, however long it takes
CENTS = Pace(slow=0.0, lump=0.0, job=0.01)


def told(
    text: str, *, every: float = 5.0, pace: Pace = PACE, renewal: Renewal | None = None
) -> tuple[Ledger, list[Entry]]:
    """Balances, `every` so many minutes; `2000@115`: at that minute, and on from there."""
    ledger, entries, minute = Ledger(), [], -every
    for word in text.split():
        value, _, at = word.partition("@")
        minute = float(at) if at else minute + every
        when = START + minute * MINUTE
        entries.append(ledger.enter(when, Decimal(value), pace, renewal))
    return ledger, entries


def last(text: str, *, every: float = 5.0, pace: Pace = PACE) -> str:
    """What becomes of the last of these balances."""
    return told(text, every=every, pace=pace)[1][-1].kind.value


def kinds(text: str, *, every: float = 5.0) -> str:
    return " ".join(e.kind.value for e in told(text, every=every)[1])


@pytest.mark.parametrize(
    ("hours", "credits_"), [(0.0, 200.0), (1.0, 200.0 + 10 + 120), (4.0, 200.0 + 40 + 240)]
)
def test_two_jobs_what_is_expected_and_six_sigma_are_nothing_odd(
    hours: float, credits_: float
) -> None:
    assert Pace(slow=10.0, lump=40.0, job=100.0).explains(hours) == pytest.approx(credits_)


@pytest.mark.parametrize(
    ("balances", "kind"),
    [
        ("10000 5000", "spent"),  # half
        ("10000 4999", "suspect"),
        ("1000 163", "spent"),  # more than half, and explained
        ("1000 162", "suspect"),
        ("15000 4565@3600", "spent"),  # over days
        ("15000 4564@3600", "suspect"),
        ("0.50 0.01", "suspect"),
        ("0.10 3.40", "topped_up"),
        ("0.10 3.41", "suspect"),
        ("300 0", "spent"),  # nothing left: a job's price explains that, and no more
        ("301 0", "suspect"),
        ("300 -1", "suspect"),
        ("600 1", "spent"),
        ("10000 110000", "topped_up"),  # ten times the largest
        ("10000 110001", "suspect"),
        ("10000 9000 109000", "topped_up"),
        ("10000 9000 109001", "suspect"),
        ("5000 20000 220000", "topped_up"),
        ("5000 20000 220001", "suspect"),
        ("100 99100", "topped_up"),  # 330 jobs
        ("100 99101", "suspect"),
        ("0 5000 104000", "topped_up"),
        ("0 5000 104001", "suspect"),
    ],
)
def test_what_takes_more_than_one_sample_to_be_believed(balances: str, kind: str) -> None:
    assert last(balances, pace=CENTS if "." in balances else PACE) == kind


@pytest.mark.parametrize(
    ("suspect", "balance", "agrees"),
    [
        (0, 4_999, True),
        (0, 5_000, False),
        (0, 5_001, False),
        (100_000, 55_001, True),
        (100_000, 55_000, False),
        (100_000, 54_999, False),
    ],
)
def test_what_has_come_half_way_back_does_not_agree(
    suspect: int, balance: int, agrees: bool
) -> None:
    doubted = Suspect(START, Decimal(suspect), Decimal(suspect), START)
    assert doubted.agrees(Decimal(balance), Decimal(10_000)) is agrees


@pytest.mark.parametrize(
    ("balance", "then", "fell"),
    [(3_000, 2_720, False), (3_000, 2_700, False), (3_000, 2_699, True), (-10, -10, False)],
)
def test_a_tenth_further_down_is_falling_on(balance: int, then: int, fell: bool) -> None:
    doubted = Suspect(START, Decimal(balance), Decimal(then), START)
    assert doubted.kept_falling is fell


@pytest.mark.parametrize(
    ("balances", "every", "kind"),
    [
        ("10000 0 0 0", 5, "suspect"),
        ("10000 0 0 0 0", 5, "adjusted"),  # three further ones
        ("10000 0 0", 100, "suspect"),  # one is not two, however late it comes
        ("10000 0 0 0", 44, "suspect"),
        ("10000 0 0 0", 45, "adjusted"),  # two further ones over an hour and a half
        ("10000 0@5 0@5.5 0@6 0@6.5", 5, "adjusted"),  # half a minute apart is another answer
        ("10000 0@5 0@5.49 0@5.98 0@6.47", 5, "suspect"),
        ("10000 0@5 0@5.5 0@5.6 0@5.7 0@5.8", 5, "suspect"),  # counted from the last counted
        ("10000 -10 -10 -10 -10", 5, "adjusted"),
        ("10000 110001 110001 110001 110001", 5, "topped_up"),
    ],
)
def test_how_often_and_how_long_a_value_is_heard_before_it_is_believed(
    balances: str, every: float, kind: str
) -> None:
    assert last(balances, every=every) == kind


def test_a_doubted_line_says_how_far_it_is_from_what_is_believed() -> None:
    for balance, far in ((0, 10_000), (-5, 10_005), (200_000, 190_000)):
        _, entries = told(f"10000 {balance} {balance} 10000 {balance}")
        assert [e.amount for e in entries] == [10_000, far, far, 0, far]
        assert [e.disproved for e in entries] == [0, 0, 0, 2, 0]


@pytest.mark.parametrize(
    ("value", "then", "kind"),
    [(110_001, 110_000, "topped_up"), (0, 0, "adjusted"), (-10, -30, "spent")],
)
def test_what_was_believed_in_the_end_was_never_misread(value: int, then: int, kind: str) -> None:
    ledger, entries = told(f"10000 {value} {value} {value} {then} {then}")
    assert entries[4].kind.value == kind
    assert [e.disproved for e in entries] == [0] * 6
    assert (ledger.misread, ledger.suspect) == (0, None)


def test_a_line_without_a_value_says_nothing_else_either() -> None:
    ledger, _ = told("10000 0")
    ignored = ledger.enter(START, Decimal(9_000), PACE)
    unread = ledger.enter(START + HOUR, None, PACE)
    for entry, kind in ((ignored, EntryKind.IGNORED), (unread, EntryKind.UNREAD)):
        assert (entry.kind, entry.amount, entry.disproved, entry.burn) == (kind, 0, 0, None)


@pytest.mark.parametrize(
    ("balances", "kind"),
    [
        ("10000 0 9865@10 0@369", "misread"),  # six hours, from when it was disproved
        ("10000 0 9865@10 0@370", "suspect"),
        ("10000 0 9865@10 1@15", "suspect"),  # another value
        ("10000 0 9865@10 0@15 9865@20 0@375", "misread"),
    ],
)
def test_a_disproved_value_is_known_again_for_six_hours(balances: str, kind: str) -> None:
    assert last(balances) == kind


@pytest.mark.parametrize(("end", "kind"), [("20001", "spent"), ("20000", "adjusted")])
def test_a_fall_under_twice_the_largest_before_is_how_it_spends(end: str, kind: str) -> None:
    assert last(f"50000 30000 29990 60000 {end} {end} {end} {end}") == kind


@pytest.mark.parametrize(("minute", "kind"), [(8_639, "spent"), (8_640, "adjusted")])
def test_two_adjustments_are_six_days_apart(minute: int, kind: str) -> None:
    again = " ".join(f"5000@{minute + n}" for n in range(-15, 1, 5))
    assert last(f"90000@-20 30000@-15 30000 30000 30000@0 80000@8000 {again}") == kind


@pytest.mark.parametrize(
    ("balances", "kind"),
    [
        ("1000@-5 450@0 1000@120", "refunded"),  # two hours
        ("1000@-5 450@0 1000@121", "topped_up"),
        ("1000 450 890", "refunded"),  # a fifth less, a fifth more
        ("1000 450 889", "topped_up"),
        ("1000 450 1110", "refunded"),
        ("1000 450 1111", "topped_up"),
        ("1000 500 1000", "topped_up"),  # half is no great fall
        ("1000 499 1000", "refunded"),
        ("1000 450 1000 1550", "topped_up"),  # it comes back once
        ("10000@-20 0 0 0 0@0 10000@120", "adjusted"),
        ("10000@-20 0 0 0 0@0 10000@121", "topped_up"),
        ("10000 0 0 0 0 8000", "adjusted"),
        ("10000 0 0 0 0 7999", "topped_up"),
        ("10000 0 0 0 0 10300", "adjusted"),  # to where it was, or a job above
        ("10000 0 0 0 0 10301", "topped_up"),
        ("10000 0 0 0 0 10000 20000", "topped_up"),
    ],
)
def test_a_great_fall_may_come_back_within_two_hours(balances: str, kind: str) -> None:
    assert last(balances) == kind


@pytest.mark.parametrize(
    ("balances", "kind"),
    [
        ("10000@-5 9700@0 10000@719", "refunded"),  # one job, half a day later
        ("10000@-5 9700@0 10000@721", "topped_up"),
        ("10000 9850 10148", "refunded"),  # twice what was spent, of which some is forgotten
        ("10000 9850 10149", "topped_up"),
        ("10000 9000 9300", "refunded"),  # a job's price
        ("10000 9000 9301", "topped_up"),
        ("20000 13000 13696", "refunded"),  # or a tenth of what was spent lately
        ("20000 13000 13697", "topped_up"),
        ("10000 9700 10000 10300", "topped_up"),  # what was refunded is not refunded again
        ("10000 9400 9700 10000", "refunded"),
        ("10000 9850 10148 9998 10148", "refunded"),  # and owes nothing where it was more
        ("0.50 0.51", "topped_up"),
        ("0.50 0.49 0.50 0.51", "topped_up"),
    ],
)
def test_a_rise_is_a_refund_where_as_much_was_spent_lately(balances: str, kind: str) -> None:
    assert last(balances, pace=CENTS if "." in balances else PACE) == kind


@pytest.mark.parametrize(
    ("balances", "kind"),
    [
        ("10000 15000 9000", "adjusted"),  # a fifth more, a fifth less
        ("10000 15000 8999", "spent"),
        ("10000 15000 11000", "adjusted"),
        ("10000 15000 11001", "spent"),
        ("10000 15000 12500 7500", "adjusted"),  # while half of the credit is there
        ("10000 15000 12499 7500", "spent"),
        ("10300 10000 15000 15290 10290", "spent"),  # more than the credit was there
        ("10000 10900 10063", "spent"),  # explained: five minutes may cost 837
        ("10000 10900 10062", "adjusted"),
        ("10000 10900@10 10050@130", "spent"),
        ("20000@-5 30000@0 19565@3600", "spent"),  # and 60 hours 10435
        ("20000@-5 30000@0 19564@3600", "adjusted"),
    ],
)
def test_a_fall_by_the_last_credit_takes_it_back(balances: str, kind: str) -> None:
    assert last(balances) == kind


def test_a_rise_of_less_than_one_may_be_a_leap_too() -> None:
    thousandths = Pace(slow=0.0, lump=0.0, job=0.001)
    assert last("0.01 0.34", pace=thousandths) == "topped_up"
    assert last("0.01 0.35", pace=thousandths) == "suspect"


def test_what_is_just_explained_is_spent() -> None:
    assert last("10000 10600 10000", pace=FLAT) == "spent"
    assert last("10000 10600 9999", pace=FLAT) == "adjusted"


def test_two_replicas_to_and_fro_are_one_account_on_which_jobs_go_on() -> None:
    ledger, entries = told("10000 15000 10000 14200 9200 13400 8400 12600 7600 11800 6800")
    once = ["first", "topped_up", "adjusted"]
    assert [e.kind.value for e in entries] == [*once, *["spent", "unchanged"] * 4]
    assert (ledger.topped_up, ledger.spent, ledger.adjusted) == (5_000, 3_200, -5_000)


@pytest.mark.parametrize(
    ("fall", "adjusted", "spent", "burn"),
    [
        (5_000, -5_000, 0, 0.0),
        (5_300, -5_000, 300, 300.0),
        (5_837, -5_000, 837, 837.0),
        (5_838, -5_838, 0, None),  # more than is explained: who knows what it was
        (4_900, -4_900, 0, None),
    ],
)
def test_what_fell_beside_a_credit_taken_back_was_spent(
    fall: int, adjusted: int, spent: int, burn: float | None
) -> None:
    ledger, entries = told(f"10000 15000 {15_000 - fall}")
    assert (ledger.adjusted, ledger.spent, entries[-1].burn) == (adjusted, spent, burn)
    assert (entries[-1].amount, entries[-1].since) == (-fall, START + 5 * MINUTE)
    assert (ledger.drops, ledger.largest_drop) == ((1, spent) if spent else (0, 0.0))
    again = ledger.enter(START + 15 * MINUTE, Decimal(15_000 - fall + 200), PACE)
    assert again.kind is (EntryKind.REFUNDED if spent else EntryKind.TOPPED_UP)


@pytest.mark.parametrize(
    ("balances", "pace", "spent", "burn"),
    [
        ("10000 15000 9400", FLAT, "600", 600.0),
        ("10000 15000 9399", FLAT, "0", None),
        ("100000@-5 160000@0 89565@3600", PACE, "10435", 10_435.0),  # in 60 hours
        ("100000@-5 160000@0 89564@3600", PACE, "0", None),
        ("10 12 9.99", CENTS, "0.01", 0.01),
        ("10 12 10.01", CENTS, "0", None),
    ],
)
def test_no_more_was_spent_beside_it_than_the_time_explains(
    balances: str, pace: Pace, spent: str, burn: float | None
) -> None:
    ledger, entries = told(balances, pace=pace)
    assert (ledger.spent, entries[-1].burn) == (Decimal(spent), pytest.approx(burn))


@pytest.mark.parametrize(
    ("balances", "burn"),
    [
        ("10000 3000 3000 3000 3000 9700", 300.0),
        ("10000 300 300 300 300 10000", None),  # it could not pay a job meanwhile
        ("10000 301 301 301 301 10000", 0.0),
        ("10000 25 25 25 25 9700", None),
        ("10000 26 26 26 26 9700", 300.0),
    ],
)
def test_what_was_spent_while_an_adjustment_stood_is_learned_where_it_could_be_seen(
    balances: str, burn: float | None
) -> None:
    assert told(balances)[1][-1].burn == burn


@pytest.mark.parametrize(
    ("balances", "burn"),
    [
        ("300 300", 0.0),
        ("299 299", None),  # the next job is refused: quiet tells nothing
        ("299 289", 10.0),
        ("26 20", 6.0),
        ("25 20", None),  # a twelfth of a job
        ("10000 9000 9300", -300.0),
        ("10000 20000", None),
    ],
)
def test_what_a_line_teaches(balances: str, burn: float | None) -> None:
    entry = told(balances)[1][-1]
    assert entry.burn == burn
    assert burn is None or entry.since == START + (len(balances.split()) - 2) * 5 * MINUTE


def test_the_same_purchase_at_the_same_level_is_a_purchase_each_time() -> None:
    assert kinds("5000 10000 7000 5000 10000", every=900).endswith("spent topped_up")
    assert kinds("5000 10000 7000 6000 10000", every=900).endswith("spent adjusted")
    assert kinds("5000 10000 7000 6000 10001", every=900).endswith("spent topped_up")


def test_a_dear_job_is_remembered_for_two_hundred_to_four_hundred_drops() -> None:
    ledger, balance, known = Ledger(), 50_000, {}
    for n in range(402):
        ledger.enter(START + n * MINUTE, Decimal(balance), PACE)
        balance -= 300 if n == 0 else 2
        known[n] = ledger.learned_job  # after n drops
    assert (known[1], known[199], known[200], known[399], known[400]) == (300, 300, 300, 300, 2)


@pytest.mark.parametrize(
    ("balances", "job"),
    [("0.5", 0.005), ("0 40 800", 0.4), ("-500", 5.0), ("0 -500 -500 -500 -500", 5.0)],
)
def test_without_drops_a_hundredth_of_the_first_balance_stands_for_a_job(
    balances: str, job: float
) -> None:
    assert told(balances)[0].learned_job == pytest.approx(job)


def test_an_empty_ledger_has_spent_nothing_and_ends_at_nothing() -> None:
    totals = Ledger().totals(None)
    assert (totals.start, totals.spent, totals.end, totals.misread) == (0, 0, 0, 0)
    assert Ledger().drops == 0
    assert last("2 0.1 0.1 0.1 0.1", pace=CENTS) == "adjusted"  # it knows no drop like it


def clock(minutes: str) -> str:
    """One balance at these minutes, after a first one at minute 100: who is ignored?"""
    _, entries = told("1000@100 " + " ".join(f"990@{m}" for m in minutes.split()))
    return "".join("-" if e.kind is EntryKind.IGNORED else "+" for e in entries[1:])


@pytest.mark.parametrize(
    ("minutes", "taken"),
    [
        ("80 81 82 83 84 85", "----++"),  # five in order, a quarter of an hour behind
        ("81 82 83 84 85", "----+"),
        ("82 83 84 85 86 87", "------"),
        ("80 81 82 81 82 83 84 85", "-------+"),
        ("80 80 80 80 80 80", "------"),
        ("80 81 82 83 101 80 81 82 83 84", "----+----+"),
    ],
)
def test_when_late_samples_show_that_the_clock_was_set_back(minutes: str, taken: str) -> None:
    assert clock(minutes) == taken


AHEAD = 525_600  # minutes: a clock that is a year ahead
BACK = " ".join(f"{{0}}@{m}" for m in range(10, 15))


@pytest.mark.parametrize(
    ("before", "back_to", "then", "kind"),
    [
        # A great fall, an adjustment and a disproved value of the year ahead do not last a year.
        (f"1000@0 450@{AHEAD}", "450", "1000@140", "topped_up"),
        (f"1000@0 450@{AHEAD}", "450", "1000@130", "refunded"),
        (
            f"90000@{AHEAD} 30000 30000 30000 30000", "30000",
            "80000@8000 5000@9000 5000 5000 5000", "adjusted",
        ),
        (f"10000@0 0@{AHEAD} 10000", "10000", "0@400", "suspect"),
        (f"10000@0 0@{AHEAD} 10000", "10000", "0@300", "misread"),
        # What was over before is not begun anew.
        (f"1000@-995 450@-990 450@{AHEAD}", "450", "1000@20", "topped_up"),
        (f"10000@-995 0@-990 10000@-985 10000@{AHEAD}", "10000", "0@20", "suspect"),
        (f"10000@0 0@{AHEAD}", "0", "0@15", "suspect"),  # heard once more when the clock is right
        (f"10000@0 0@{AHEAD}", "0", "0@15 0@16 0@17", "adjusted"),
    ],
)  # fmt: skip
def test_what_a_clock_ahead_has_put_down_is_forgotten_in_time(
    before: str, back_to: str, then: str, kind: str
) -> None:
    assert last(f"{before} {BACK.format(back_to)} {then}") == kind


def test_the_time_a_clock_went_back_by_teaches_nothing() -> None:
    _, entries = told("1000@0 1000@100 " + " ".join(f"700@{m}" for m in range(10, 15)))
    assert (entries[-1].kind, entries[-1].amount) == (EntryKind.SPENT, 300)
    assert entries[-1].since == START + 14 * MINUTE


def test_a_renewal_is_a_credit_that_may_be_taken_back_and_ends_what_was_before_it() -> None:
    renewal = Renewal(START, 10_000.0)
    for balances, kind in (
        ("6000@-5 10000@5 6000@10", "adjusted"),  # a replica that lags
        ("6000@-5 10000@5 8000@4000 8001@8000 10000@9000", "adjusted"),  # the quota again
        ("1000@-10 450@-5 10000@5 10550@10", "topped_up"),  # no fall left to come back
        ("4000@-10 0@-5 10000@5 9990@10", "spent"),
    ):
        ledger, entries = told(balances, renewal=renewal)
        assert entries[-1].kind.value == kind, balances
        assert ledger.misread == 0


@pytest.mark.parametrize(
    ("to", "since", "accepted", "at", "balance", "explained"),
    [
        (10_000.0, -60.0, 400, 0.0, 11_000, True),  # a tenth more, a tenth less
        (10_000.0, -60.0, 400, 0.0, 11_001, False),
        (10_000.0, -60.0, 400, 0.0, 9_000, True),
        (10_000.0, -60.0, 400, 0.0, 8_999, False),
        (10_000.0, -60.0, 400, 10 * HOUR, 6_255, True),  # or what ten hours explain
        (10_000.0, -60.0, 400, 10 * HOUR, 6_254, False),
        (10_000.0, -60.0, 400, 100 * HOUR, 5_000, True),  # but never more than half
        (10_000.0, -60.0, 400, 100 * HOUR, 4_999, False),
        (10_000.0, -60.0, 9_990, 0.0, 9_990, False),  # hardly used: it is a rise, however small
        (10_000.0, -60.0, 9_990, 0.0, 9_990.5, True),
        (10_000.0, -60.0, 9_990, 0.0, 9_989.5, False),
        (0.0, -60.0, 400, 0.0, 0, True),
        (10_000.0, 0.0, 400, 60.0, 10_000, True),  # an answer that lagged
        (10_000.0, 60.0, 400, 60.0, 10_000, True),
        (10_000.0, 0.0, 400, HOUR, 10_000, True),
        (10_000.0, 0.0, 400, HOUR + 1, 10_000, False),
        (None, -60.0, 400, 0.0, 701, True),  # more than a job's price
        (None, -60.0, 400, 0.0, 700, False),
        (None, 0.0, 400, 60.0, 5_000, False),  # the amount unknown, only the first sample counts
    ],
)
def test_what_a_renewal_explains(
    to: float | None, since: float, accepted: int, at: float, balance: float, explained: bool
) -> None:
    found = Renewal(START, to).explains(
        START + since, Decimal(accepted), START + at, Decimal(str(balance)), PACE
    )
    assert found is explained


def test_a_renewal_may_be_told_without_its_amount() -> None:
    assert Renewal.told({"renews_at": "2026-02-02T02:40:00+00:00"}) == Renewal(START)


@pytest.mark.parametrize(
    ("balances", "every", "kind", "amount"),
    [
        ("10000 0 200000", 5, "suspect", 190_000),
        ("10000 0 9900", 5, "spent", 100),
        ("10000 9900 0 10000", 5, "refunded", 100),
        ("10000 0 15000", 5, "topped_up", 5_000),
        ("5000 10000 7000 6000 0 10000", 900, "adjusted", 4_000),  # a reset
        ("10000 15000 0 10000", 5, "adjusted", -5_000),  # a credit taken back
        ("10000 3000 3000 3000 3000 0 10000", 5, "adjusted", 7_000),  # a great fall come back
    ],
)
def test_whatever_disproves_a_value_says_so_beside_its_own_amount(
    balances: str, every: float, kind: str, amount: int
) -> None:
    _, entries = told(balances, every=every)
    assert (entries[-1].kind.value, entries[-1].amount) == (kind, amount)
    assert [e.disproved for e in entries] == [0] * (len(entries) - 1) + [1]


def test_of_a_kind_each_is_added_to_those_before() -> None:
    assert told("10000 9000 9100 9200")[0].refunded == 200
    again = "80000@8000 5000@8625 5000 5000 5000"
    ledger, entries = told(f"90000@-20 30000@-15 30000 30000 30000@0 {again}")
    assert (ledger.adjusted, entries[-1].amount) == (-135_000, -75_000)
    ledger, entries = told(
        "10000@-40 3000 3000 3000 3000 10000@5", renewal=Renewal(START, 10_000.0)
    )
    assert (ledger.adjusted, entries[-1].amount) == (0, 7_000)


@pytest.mark.parametrize("balances", ["10000 9900 9800 10100", "10000 9900 14900 9800 10100"])
def test_a_refund_is_measured_against_all_that_was_spent_lately(balances: str) -> None:
    assert last(balances) == "refunded"


def test_jobs_of_a_cent_are_learned_as_such_over_hundreds_of_drops() -> None:
    ledger, _ = told(" ".join(str(Decimal(1000 - n) / 100) for n in range(201)), pace=CENTS)
    assert (ledger.drops, ledger.learned_job) == (200, pytest.approx(0.01))


@pytest.mark.parametrize(
    ("balance", "kind"), [("1e18", "unread"), ("-1e18", "unread"), ("9.99e17", "first")]
)
def test_a_balance_that_nobody_has_is_not_read(balance: str, kind: str) -> None:
    assert last(balance) == kind


@pytest.mark.parametrize(
    ("balances", "spent", "topped_up", "adjusted", "misread"),
    [
        # Heard twice, or once above nothing: a credit past the old balance shows it was true.
        ("10000 3000 15000", 0, 12_000, -7_000, 0),
        ("10000 0 0 15000", 0, 15_000, -10_000, 0),
        ("10000 -1 -1 -1 15000", 0, 15_001, -10_001, 0),
        ("10000 3000 2700 15000", 0, 12_300, -7_300, 0),
        ("10000 3000 2699 15000", 7_301, 12_301, 0, 0),  # it went on falling
        ("50000 30000 29990 60000 21000 85000", 59_010, 94_010, 0, 0),  # a fall like one before
        ("10000 1 15000", 0, 14_999, -9_999, 0),
        ("10000 3000 110000", 0, 107_000, -7_000, 0),  # ten times the largest is no leap
        ("10000 3000 110001", 0, 0, 0, 1),
        # A lone nothing is what misread values look like; so is one that was misread before.
        ("10000 0 15000", 0, 5_000, 0, 1),
        ("10000 -1 15000", 0, 5_000, 0, 1),
        ("10000 1000 10000 1000 15000", 0, 5_000, 0, 2),
        ("10000 1000 10000@10 1000@369 15000", 0, 5_000, 0, 2),
        ("10000 1000 10000@10 1000@370 15000", 0, 14_000, -9_000, 1),
        # What comes back to where it was, or a refund above, was misread.
        ("10000 3000 3000 10000", 0, 0, 0, 2),
        ("10000 9000 2000 2000 9301", 1_000, 7_301, -7_000, 0),
        ("10000 3000 3000 3000 3000 500 500 10000", 0, 0, 0, 2),  # so was a fall before it
        ("10000 3000 99999999 10000", 0, 0, 0, 2),
        ("10000 99999999 99999999 20000", 0, 10_000, 0, 2),
        # Where nothing was spent there is nothing to refund, but nobody buys less than a job.
        ("10000 3000 10001", 0, 1, 0, 1),
        ("10000 3000 3000 10300", 0, 300, 0, 2),
        ("10000 3000 10301", 0, 7_301, -7_000, 0),
    ],
)
def test_whoever_pays_has_seen_the_balance_run_low(
    balances: str, spent: int, topped_up: int, adjusted: int, misread: int
) -> None:
    t = told(balances)[0].totals(None)
    found = (t.spent, t.topped_up, t.adjusted, t.misread)
    assert found == (spent, topped_up, adjusted, misread)


def test_a_job_given_back_beside_a_misread_value_is_only_that() -> None:
    ledger, entries = told("10000 9000 2000 2000 9300")
    assert (entries[-1].kind, entries[-1].amount, ledger.misread) == (EntryKind.REFUNDED, 300, 2)


def test_a_fall_that_a_credit_shows_to_be_true_is_learned_over_its_own_time() -> None:
    ledger, entries = told("10000@0 3000@5 2690@10 15000@60 15550@65")
    credit = entries[3]
    assert (credit.kind, credit.amount, credit.disproved) == (EntryKind.TOPPED_UP, 12_310, 0)
    assert (credit.burn, credit.since) == (7_310.0, START)
    assert credit.until == START + 10 * MINUTE
    assert (ledger.balance, ledger.at) == (15_550, START + 65 * MINUTE)
    assert told("10000 3000 3000 15000")[0].learned_job == 100  # an adjustment is no job
    # What has been paid for cannot come back: no fall is left to be undone.
    assert told("10000@0 3000@5 3000@10 15000@15 22000@20")[1][-1].kind is EntryKind.TOPPED_UP

"""What must hold of a soak: each law yields what is against it, in words."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterator
from datetime import timedelta
from itertools import pairwise

from benchmarks.soak.growth import growth
from benchmarks.soak.month import Soak
from benchmarks.soak.script import DAY, HOUR, MINUTE, Trouble
from benchmarks.soak.seen import Episode, Said
from benchmarks.soak.watched import BACKUP, JOB, LINE, MISREAD, MONDAYS, QUIET, START
from monitor.core.causes import Severity
from monitor.core.globs import matches

FORECAST = ("runway-short", "runway-critical", "burn-spike")
_SLACK = 3 * MINUTE  # from the end of what delayed a message to the message: a retry a minute
_INTERVAL = 1000.0  # seconds between two looks at a balance, repeats among them
FALSE_ALARMS = 6  # of an account and month: how good the forecast is, other benchmarks say


def against(soak: Soak) -> list[str]:
    """Everything that is wrong with it."""
    laws = (lost, twice, strangers, late, forecasts, muted, digests, ledgers, growth)
    return [*soak.owed, *(f"{law.__name__}: {words}" for law in laws for words in law(soak))]


def _by_incident(soak: Soak) -> dict[tuple[str, str, str], list[Said]]:
    found: defaultdict[tuple[str, str, str], list[Said]] = defaultdict(list)
    for said in soak.mail.said:
        found[said.incident, said.receiver, said.address].append(said)
    return found


def lost(soak: Soak) -> Iterator[str]:
    """Who was told that something begins is told its end, and nobody else is."""
    for (name, _, address), said in _by_incident(soak).items():
        episode = soak.episodes.get(name)
        if episode is None:
            continue
        kinds = Counter(s.kind for s in said)
        ended = episode.closed is not None and episode.closed < soak.days * DAY - HOUR
        if (
            kinds["opened"]
            and ended
            and not kinds["resolved"]
            and not _sleeps(soak, said[-1], episode)
        ):
            yield f"{address} was not told the end of {episode}"
        if kinds["resolved"] and not kinds["opened"]:
            yield f"{address} was told the end, and not the beginning, of {episode}"
    heard = {s.incident for s in soak.mail.said if s.receiver == "oncall"}
    for name, episode in soak.episodes.items():
        if name not in heard and not _excused(soak, name, episode):
            yield f"nobody was told of {episode}"


def _sleeps(soak: Soak, last: Said, episode: Episode) -> bool:
    """Whether it ended in the last night, so that its end waits for the morning."""
    ended = episode.closed or soak.days * DAY
    return last.receiver == "night" and ended > (soak.days - 0.5) * DAY


def _excused(soak: Soak, name: str, episode: Episode) -> bool:
    """It was muted all its life: by a silence, a window, or a graver one about the same."""
    begin, end = episode.opened, episode.closed or soak.days * DAY
    spans = [(s.begin, s.end, s.targets) for s in (*soak.script.silences, *soak.script.no_mail)]
    if any(b - 60 <= end and begin <= e and matches(g, episode.target) for b, e, g in spans):
        return True
    account = episode.target.partition("/")[0]
    if any(matches(g, episode.target) for g in BACKUP.targets) and _in_window(begin):
        return True
    return any(
        other.opened <= end and (other.closed or end) >= begin
        for key, other in soak.episodes.items()
        if key != name
        and other.target.partition("/")[0] in (account, "monitor")
        and other.severity.rank >= episode.severity.rank
    )


def _in_window(t: float) -> bool:
    at = START + timedelta(seconds=t)
    return bool(BACKUP.spans(at, at + timedelta(microseconds=1)))


def twice(soak: Soak) -> Iterator[str]:
    """Nothing comes twice, nor again under another id."""
    for (name, address), count in Counter((s.id, s.address) for s in soak.mail.said).items():
        if count > 1:
            yield f"{address} got {name} {count} times"
    for (name, receiver, address), said in _by_incident(soak).items():
        kinds = Counter(s.kind for s in said)
        for kind in ("opened", "resolved", "digest", "notice"):
            if kinds[kind] > 1:
                yield f"{address} ({receiver}) got {kind} of {name} {kinds[kind]} times"
        times = [s.t for s in said if s.kind in ("opened", "reminder")]
        for before, after in pairwise(times):
            if after - before < 4 * HOUR - HOUR - _SLACK:  # an hour: the clock was stepped
                yield f"{address} was reminded of {name} after {after - before:.0f} s"


def strangers(soak: Soak) -> Iterator[str]:
    """No alert without a cause in the script; credits and lines by the true balance."""
    for episode in soak.episodes.values():
        if episode.alert in FORECAST or _explained(soak, episode):
            continue
        yield f"{episode} has no cause"


def _explained(soak: Soak, episode: Episode) -> bool:
    if any(
        t.explains(episode.alert, episode.target, episode.opened) for t in soak.script.troubles
    ):
        return True
    if episode.alert == "receiver-failing":
        return any(s.begin <= episode.opened <= s.end for s in soak.script.no_mail)
    if episode.target not in soak.truths:
        return False
    lowest = soak.truths[episode.target].lowest(episode.opened - _INTERVAL, episode.opened)
    if episode.alert == "kie-low":
        return lowest < LINE
    return episode.alert == "credits-exhausted" and (
        lowest <= 0 or (lowest <= JOB and _misread(soak, episode))
    )


def _misread(soak: Soak, episode: Episode) -> bool:
    """Whether it was told by a misread zero: with less than a job left, that is a job like any."""
    return episode.target == MISREAD and any(
        t.kind.name == "misread zero" and t.begin <= episode.opened <= t.begin + _INTERVAL
        for t in soak.script.troubles
    )


def late(soak: Soak) -> Iterator[str]:
    """Each planned trouble is told to every address on call within its time."""
    for trouble in soak.script.troubles:
        deadline = _deadline(soak, trouble)
        if trouble.kind.told is None or deadline >= min(trouble.end, soak.days * DAY):
            continue
        for address in ("a@example.com", "b@example.com"):
            if not _knew(soak, address, trouble, deadline):
                when = f"{trouble.begin / DAY:.3f} to {deadline / DAY:.3f} d"
                yield f"{address}: {trouble.kind.name} at {when}"


def _deadline(soak: Soak, trouble: Trouble) -> float:
    """What holds a message back adds to its time."""
    deadline = trouble.begin + trouble.kind.within
    for span in (*soak.script.no_mail, *soak.script.silences):
        if span.begin <= deadline and trouble.begin <= span.end:
            deadline = max(deadline, _again(trouble, span.end) + _SLACK)
    return deadline


def _again(trouble: Trouble, t: float) -> float:
    """When it has to be told if not by `t`. What comes and goes may have begun and ended in a
    silence, of which nobody is told, and has to be seen anew: in this turn, or in the next."""
    turn, since = trouble.kind.off_and_on, t - trouble.begin
    if not turn:
        return t
    away = int(since / turn) % 2
    return t + (turn - since % turn) * away + trouble.kind.within


def _knew(soak: Soak, address: str, trouble: Trouble, deadline: float) -> bool:
    """Whether an address was told between the beginning and then, or knew already."""
    said = [
        s
        for s in soak.mail.said
        if s.address == address and s.t <= deadline and (s.alert, s.target) == trouble.kind.told
    ]
    knew = [s for s in said if s.t <= trouble.begin][-1:]
    told = [s for s in said if s.t > trouble.begin and s.kind == "opened"]
    return bool(told) or any(s.kind != "resolved" for s in knew)


def forecasts(soak: Soak) -> Iterator[str]:
    """A balance that ends is told before or when it ends; alarms for nothing are few."""
    for target, truth in soak.truths.items():
        alarms = [e for e in soak.episodes.values() if e.target == target and e.alert in FORECAST]
        false = [e for e in alarms if not _plausible(soak, e)]
        if len(false) > max(1.0, soak.days / 30) * FALSE_ALARMS:
            yield f"{target}: {len(false)} alarms of the forecast without a reason"
        for at in _ends(truth.times, truth.values):
            told = any(s.target == target and s.t <= at + HOUR for s in soak.mail.said)
            if not told and at > DAY:
                yield f"{target} ended at {at / DAY:.2f} d and nobody was warned"


def _plausible(soak: Soak, episode: Episode) -> bool:
    """At the pace of the last hours or of the next, the balance is gone within two days; or it
    burns twice as fast as in the days before."""
    truth, t = soak.truths[episode.target], episode.opened
    paces = [truth.per_hour(t - h * HOUR, t) for h in (1, 3, 12) if t > h * HOUR]
    paces += [truth.per_hour(t, t + h * HOUR) for h in (3, 12, 24)]
    if episode.alert == "burn-spike":
        return max(paces) > 2 * truth.per_hour(max(0.0, t - 7 * DAY), t)
    return float(truth.balance(t)) < 48 * max(paces)


def _ends(times: list[float], values: list[float]) -> Iterator[float]:
    for n in range(1, len(values)):
        if values[n] <= 0 < values[n - 1]:
            yield times[n]


def muted(soak: Soak) -> Iterator[str]:
    """A silence, a window and quiet hours hold their tongue."""
    for said in soak.mail.said:
        if said.kind not in ("opened", "reminder"):
            continue
        mild = said.severity is not Severity.CRITICAL
        if said.receiver == "night" and mild and QUIET.holds(said.at):
            yield f"{said} in quiet hours"
        about_it = any(matches(g, said.target) for g in BACKUP.targets)
        if about_it and BACKUP.spans(said.at, said.at + timedelta(microseconds=1)):
            yield f"{said} in a maintenance window"
        for span in soak.script.silences:
            if span.begin + 1 < said.t < span.end - HOUR and matches(span.targets, said.target):
                yield f"{said} in a silence"


def digests(soak: Soak) -> Iterator[str]:
    """One for each Monday, at its hour or when mail goes again."""
    end = START + timedelta(days=soak.days)
    wanted = MONDAYS.between(START + timedelta(hours=1), end)
    got = [s for s in soak.mail.said if s.kind == "digest"]
    if len(got) != len(wanted):
        yield f"{len(got)} digests on {len(wanted)} Mondays"


def ledgers(soak: Soak) -> Iterator[str]:
    """What was spent agrees with the truth, and the hours with the ledger.

    A burst that takes more than half at once, and twice what any did before, is booked as
    adjusted: from outside nobody can tell it from a correction. It is counted here, within bounds.
    """
    for target, truth in soak.truths.items():
        totals, true = soak.totals[target], truth.spent(soak.days * DAY)
        spent, adjusted = float(totals.spent - totals.refunded), float(-totals.adjusted)
        if abs(spent + adjusted - true) > 0.04 * true or abs(adjusted) > 0.25 * true:
            yield (
                f"{target}: {spent:.0f} spent and {adjusted:.0f} adjusted by the ledger,"
                f" {true:.0f} spent in truth"
            )
        hours = sum((h.spent for h in soak.hours[target]), start=type(totals.spent)(0))
        if hours != totals.spent:
            yield f"{target}: {hours} spent by the hours, {totals.spent} by the ledger"
        if totals.start - totals.spent + totals.refunded + totals.topped_up + totals.adjusted != (
            totals.end
        ):
            yield f"{target}: the ledger does not add up: {totals}"

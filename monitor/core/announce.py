"""A notice in words: made of its own facts alone, so that a repeat says the same."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timedelta
from decimal import Decimal

from monitor.core.durations import about
from monitor.core.happenings import JOB, KEY
from monitor.core.message import Message, Runbook, jobs_in_words
from monitor.core.notice import Announcement, Notice
from monitor.core.phrases import SUBJECT_LENGTH, hours, moment, named, sentence
from monitor.core.words import amount, clean, thousands

STANDS = timedelta(minutes=5)  # after which a receiver of Alertmanager's may take it for over
_LATE = timedelta(minutes=10)
_NOT_SAID = "not known"

_NUMBERS = {"amount": "amount", "balance": "after", "balance_before": "before"}

Lines = tuple[str, str, str]  # what, how long, what to do
Figures = tuple[tuple[str, str], ...]


def announce(
    announcement: Announcement,
    *,
    runbooks: Mapping[str, Runbook],
    now: datetime,
    external_url: str | None,
) -> Message:
    """Put a notice in words. Links to our own pages are written only with `external_url`.

    `status` is `firing`, since that is what receivers of Alertmanager's body speak of, and it
    ends by itself after five minutes: no `resolved` follows.
    """
    notice, url = announcement.notice, (external_url or "").rstrip("/")
    page = runbooks.get(notice.name)
    steps = tuple(named(s, notice) for s in page.steps_for(notice.provider)) if page else ()
    lines, jobs = _told_at(now, notice, steps[0] if steps else ""), _jobs(notice)
    return Message(
        id=announcement.id,
        opened_id=announcement.id,
        kind=announcement.kind,
        round=announcement.round,
        receiver=announcement.receiver,
        at=now,
        severity=notice.severity,
        subject=f"[{notice.severity.value.upper()}] {clean(_headline(notice), SUBJECT_LENGTH)}",
        what=lines[0],
        how_long=lines[1],
        todo=lines[2],
        status="firing",
        incident=notice.id,
        fingerprint=notice.fingerprint,
        starts_at=notice.at,
        ends_at=notice.at + STANDS,
        figures=_figures(notice),
        jobs_left=jobs,
        steps=steps,
        links=_links(page, url),
        labels=_labels(notice),
        annotations=_annotations(notice, page, url, lines, jobs),
        external_url=url,
    )


def _told_at(now: datetime, notice: Notice, first_step: str) -> Lines:
    what, how_long, todo = _lines(notice, first_step)
    if now - notice.at > _LATE:
        how_long += f" It happened at {moment(notice.at)} and could not be told before."
    return what, how_long.strip(), todo


def _headline(notice: Notice) -> str:
    return f"{notice.account}: {notice.summary}"


def _lines(notice: Notice, first_step: str) -> Lines:
    if any(name.startswith(KEY) for name in notice.facts):
        return f"{clean(_headline(notice), 400)}.", "", sentence(first_step)
    words = _of_a_unit if "was" in notice.facts else _of_a_top_up
    return words(notice, first_step)


# -- a top-up -------------------------------------------------------------------------------


def _of_a_top_up(notice: Notice, first: str) -> Lines:
    before, after = (_amount(notice.facts, name) for name in ("before", "after"))
    what = f"{clean(_headline(notice))}. The balance went from {before} to {after}."
    return what, " ".join(filter(None, (_lasts(notice.facts), _since(notice)))), sentence(first)


def _lasts(facts: Mapping[str, str]) -> str:
    """`The credits last about 6 days at a cautious estimate (about 20 h before); ...`"""
    p25, p50 = _runway(facts, "p25"), _runway(facts, "p50")
    if not p25:
        return ""
    likely = f"; as likely as not {p50}" if p50 else ""
    return f"The credits last {p25} at a cautious estimate{likely}."


def _runway(facts: Mapping[str, str], name: str) -> str:
    """`about 6 days (about 20 h before)`; empty where it is not known."""
    after, before = facts.get(name), facts.get(f"{name}_before")
    if after is None:
        return ""
    said = _hours(after)
    return said if before is None else f"{said} ({_hours(before)} before)"


def _hours(value: str) -> str:
    return hours(float(value)) if float(value) > 0 else "no time"


def _since(notice: Notice) -> str:
    facts = notice.facts
    if "last" not in facts:
        return "It is the first top-up that monitor has seen."
    ago = about((notice.at - datetime.fromisoformat(facts["last"])).total_seconds())
    spent = f"; {_amount(facts, 'spent')} were spent since" if "spent" in facts else ""
    return f"The last top-up was {ago} ago{spent}."


# -- another unit ---------------------------------------------------------------------------


def _of_a_unit(notice: Notice, first: str) -> Lines:
    facts = notice.facts
    last = f"; it was {_amount(facts, 'before', 'was')}" if "before" in facts else ""
    what = f"{clean(_headline(notice))}. It is {_amount(facts, 'after')}{last}."
    how_long = f"A new series began at {moment(notice.at)}: burn, runway and totals start anew."
    *front, last_one = _written(facts) or ("",)
    if not last_one:
        return what, how_long, sentence(first)
    all_of_it = f"{', '.join(front)} and {last_one}" if front else last_one
    verb, them = ("were", "them") if front or last_one.startswith("the prices") else ("was", "it")
    todo = f"{all_of_it} {verb} written for {facts['was']}: correct {them} in the config."
    return what, how_long, sentence(clean(todo))


def _written(facts: Mapping[str, str]) -> list[str]:
    """What of the config means something in the old unit only."""
    found = [f"`{condition}`" for _, condition in _rules(facts)]
    if "floor" in facts:
        found.append(f"the floor of {thousands(Decimal(facts['floor']))}")
    return [*found, "the prices in `jobs`"] if "jobs" in facts else found


def _rules(facts: Mapping[str, str]) -> list[tuple[str, str]]:
    """(rule, condition) of those whose thresholds are amounts."""
    pairs = (text.partition(": ") for text in facts.get("rules", "").split("; ") if text)
    return [(name, condition) for name, _, condition in pairs]


# -- figures, labels, annotations -----------------------------------------------------------


def _amount(facts: Mapping[str, str], name: str, unit: str = "unit") -> str:
    if name not in facts:
        return _NOT_SAID
    return f"{thousands(Decimal(facts[name]))} {facts[unit]}"


def _plain(facts: Mapping[str, str], name: str) -> str:
    return amount(Decimal(facts[name])) if name in facts else ""


def _figures(notice: Notice) -> Figures:
    facts, found = notice.facts, [("Target", clean(notice.target)), ("Notice", notice.name)]
    changed = [(n.removeprefix(KEY), said) for n, said in facts.items() if n.startswith(KEY)]
    found += [(f"Its {name}", clean(said, 300)) for name, said in changed]
    if "amount" in facts:
        found.append(("Topped up", _amount(facts, "amount")))
    if "before" in facts:
        found.append(("Before", _amount(facts, "before", "was" if "was" in facts else "unit")))
    if "after" in facts:
        found.append(("After", _amount(facts, "after")))
    for label, name in (("Runway, P25", "p25"), ("Runway, P50", "p50")):
        if said := _runway(facts, name):
            found.append((label, said))
    if "last" in facts:
        label = "Last in the old unit" if "was" in facts else "Last top-up"
        found.append((label, moment(datetime.fromisoformat(facts["last"]))))
    if "spent" in facts:
        found.append(("Spent since", _amount(facts, "spent")))
    found += [(f"Rule {clean(n, 60)}", clean(c, 100)) for n, c in _rules(facts)]
    return (*found, ("Seen", moment(notice.at)))


def _jobs(notice: Notice) -> tuple[tuple[str, int], ...]:
    jobs = [(n.removeprefix(JOB), c) for n, c in notice.facts.items() if n.startswith(JOB)]
    return tuple((name, int(count)) for name, count in jobs)


def _links(page: Runbook | None, url: str) -> tuple[tuple[str, str], ...]:
    own = [("Status page", f"{url}/")] if url else []
    if url and page is not None:
        own.append((f"Runbook {page.name}", f"{url}/runbooks/{page.name}"))
    return tuple(own)


def _labels(notice: Notice) -> dict[str, str]:
    """Alertmanager's, and `notice`: who groups by labels must not take two for one."""
    return {
        "alertname": notice.name,
        "severity": notice.severity.value,
        "target": notice.target,
        "account": notice.account,
        "provider": notice.provider,
        "cause": "ok",
        "notice": notice.id,
    }


def _annotations(
    notice: Notice,
    page: Runbook | None,
    url: str,
    lines: Lines,
    jobs: tuple[tuple[str, int], ...],
) -> dict[str, str]:
    what, how_long, todo = lines
    facts = notice.facts
    return {
        "severity": notice.severity.value,
        "cause": "ok",
        "summary": clean(_headline(notice)),
        "description": f"{what} {how_long} {todo}",
        "runbook": page.name if page else "",
        "runbook_url": f"{url}/runbooks/{page.name}" if page and url else "",
        "next_step": todo,
        "unit": facts.get("unit", ""),
        **{name: _plain(facts, fact) for name, fact in _NUMBERS.items()},
        "runway": _runway(facts, "p25"),
        "jobs_left": jobs_in_words(jobs),
    }

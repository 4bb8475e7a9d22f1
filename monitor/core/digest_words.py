"""A digest in words: what, how things stand, what to do; its tables are `digest_tables`."""

from __future__ import annotations

import math
from collections.abc import Iterable
from datetime import datetime, timedelta
from decimal import Decimal

from monitor.core.causes import Severity
from monitor.core.digest import NAME, TARGET, Digest
from monitor.core.digest_tables import (
    DAYS,
    Section,
    cautious,
    minute_in,
    overview,
    runway_of,
    sections_of,
    while_of,
)
from monitor.core.message import Message
from monitor.core.model import Incident
from monitor.core.phrases import clean, top_up
from monitor.core.retrospect import Balance, Retrospect
from monitor.core.topping import unit
from monitor.core.words import thousands

STANDS = timedelta(minutes=5)  # after which a receiver of Alertmanager's may take it for over
_LATE = timedelta(hours=1)


def tell(found: Retrospect, *, now: datetime, external_url: str | None) -> Message:
    """Put a digest in words. Links to our own pages are written only with `external_url`.

    Like a notice it is `firing`, of severity info, and ends by itself after five minutes: who
    keeps one open alert for each must not keep this one.
    """
    digest, url = found.digest, (external_url or "").rstrip("/")
    lines, sections = _lines(found, now), sections_of(found)
    return Message(
        id=digest.id,
        opened_id=digest.id,
        kind=digest.kind,
        round=digest.round,
        receiver=digest.receiver,
        at=now,
        severity=Severity.INFO,
        subject=_subject(found),
        what=lines[0],
        how_long=lines[1],
        todo=lines[2],
        status="firing",
        incident=digest.about,
        fingerprint=digest.id[:16],
        starts_at=digest.at,
        ends_at=digest.at + STANDS,
        figures=overview(found),
        sections=sections,
        links=(("Status page", f"{url}/"),) if url else (),
        labels=_labels(digest),
        annotations={
            "severity": Severity.INFO.value,
            "cause": "ok",
            "summary": _subject(found).removeprefix("[DIGEST] "),
            "description": " ".join([*filter(None, lines), *_flat(sections)]),
            "next_step": lines[2],
        },
        external_url=url,
    )


def _labels(digest: Digest) -> dict[str, str]:
    return {
        "alertname": NAME,
        "severity": Severity.INFO.value,
        "target": TARGET,
        "account": "",
        "provider": "",
        "cause": "ok",
        "notice": digest.about,  # a group of its own
    }


def _flat(sections: Iterable[Section]) -> list[str]:
    """For who shows no tables: each as a sentence."""
    return [f"{title}: {'; '.join(' '.join(row) for row in rows)}." for title, rows in sections]


# -- the first lines ------------------------------------------------------------------------


def _subject(found: Retrospect) -> str:
    parts = [f"{while_of(found.digest)} to {found.digest.at.astimezone(found.zone):%-d %b %Y}"]
    first = _shortest(found.balances)
    if first is not None:
        parts.append(f"{first.view.account} lasts {runway_of(first.view)}")
    parts.append(_counted(len(found.incidents), "incident"))
    return clean(f"[DIGEST] {parts[0]}: {', '.join(parts[1:])}", 140)


def _lines(found: Retrospect, now: datetime) -> tuple[str, str, str]:
    digest = found.digest
    end = minute_in(digest.at, found.zone)
    what = f"The {while_of(digest)} to {end}: {_spent_in_all(found.balances)}."
    how_long = [_first_to_end(found.balances), _standing(found.incidents, digest), found.trouble]
    if now - digest.at > _LATE:
        how_long.append("This digest is late: it could not be told before.")
    return what, " ".join(filter(None, how_long)), clean(_todo(found.balances))


def _todo(balances: Iterable[Balance]) -> str:
    """`Top up kie by 4084 credits: that pays for 30 days at this burn.`"""
    wanted = [(b.view.account, top_up(b.view, DAYS)) for b in balances]
    said = [s.replace("Top up", f"Top up {name} by", 1) for name, s in wanted if s]
    return f"{'. '.join(said)}." if said else "Nothing has to be done."


def _spent_in_all(balances: Iterable[Balance]) -> str:
    """`9,240 credits and 12.5 USD were spent`."""
    units: dict[str, Decimal] = {}
    for balance in balances:
        if balance.spell is not None:
            counted = unit(balance.view)
            units[counted] = units.get(counted, Decimal(0)) + balance.spell.spent
    spent = [f"{thousands(value)} {counted}" for counted, value in units.items() if value > 0]
    if not units:
        return "what was spent is not known"
    return f"{' and '.join(spent)} were spent" if spent else "nothing was spent"


def _shortest(balances: Iterable[Balance]) -> Balance | None:
    known = [(cautious(b.view), b) for b in balances]
    ends = [(p25, b) for p25, b in known if p25 is not None and math.isfinite(p25)]
    return min(ends, key=lambda pair: pair[0])[1] if ends else None


def _first_to_end(balances: tuple[Balance, ...]) -> str:
    first = _shortest(balances)
    if first is None:
        return ""
    end = "are used up first, in" if len(balances) > 1 else "last"
    lasts = runway_of(first.view)
    return f"The credits of {first.view.account} {end} {lasts} at a cautious estimate."


def _standing(incidents: tuple[Incident, ...], digest: Digest) -> str:
    still = [i for i in incidents if i.open or (i.closed_at or digest.at) > digest.at]
    if not incidents:
        return "There was no incident."
    if len(incidents) == 1:
        return f"There was 1 incident, {'still open' if still else 'now over'}."
    opened = f"{len(still)} of them still open" if still else "all over"
    return f"There were {len(incidents)} incidents, {opened}."


def _counted(number: int, noun: str) -> str:
    return f"{number or 'no'} {noun}{'' if number == 1 else 's'}"

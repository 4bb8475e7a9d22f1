"""What fires and is worse than the worst target: alerts about the monitor itself, mostly.

The status of the whole is that of its worst target. Whoever reads it beside such an alert must not
take "all ok" for the whole truth.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from monitor.core.causes import Severity, Status

_AS = {
    Severity.INFO: Status.OK,
    Severity.WARNING: Status.WARNING,
    Severity.CRITICAL: Status.CRITICAL,
}
_NAMED = 3  # at most


@dataclass(frozen=True, slots=True)
class Louder:
    """Firing alerts that no target's status shows."""

    status: Status  # of the whole with them
    words: str = ""  # `store-failed fires`; empty where there are none


def louder(firing: Iterable[tuple[str, Severity]], whole: Status) -> Louder:
    """What of the firing alerts, by name and severity, is worse than `whole`; the worst first."""
    worse = {(-_AS[s].badness, n) for n, s in firing if _AS[s].badness > whole.badness}
    if not worse:
        return Louder(whole)
    names = list(dict.fromkeys(name for _, name in sorted(worse)))
    named, left = names[:_NAMED], len(names) - _NAMED
    named += [f"{left} more"] if left > 0 else []
    *before, last = named
    told = f"{', '.join(before)} and {last}" if before else last
    status = next(s for s in Status if s.badness == -min(worse)[0])
    return Louder(status, f"{told} {'fire' if before else 'fires'}")

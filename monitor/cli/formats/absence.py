"""What a document says of the daemon itself: that it is gone, or did not take its config."""

from __future__ import annotations

from collections.abc import Mapping


def gone(daemon: object) -> str:
    """That no daemon is alive, since when, and of when the rest is; empty where one is."""
    if not isinstance(daemon, Mapping) or daemon.get("alive") is not False:
        return ""
    if daemon.get("ran") is False:
        return "no daemon has run yet"
    seen = daemon.get("last_seen")
    since = f": the last sign of one is of {seen}" if isinstance(seen, str) else ""
    return f"no daemon is alive now{since}; what follows was stored by then"


def config_fault(daemon: object) -> str:
    """That the daemon did not take the config as it is now; empty where it did."""
    found = daemon.get("config_fault") if isinstance(daemon, Mapping) else None
    if not isinstance(found, str) or not found:
        return ""
    then = "reload once `monitor check-config` finds no fault"
    return (
        f"the last reload found the config broken at {found}: the one before it is in use; {then}"
    )

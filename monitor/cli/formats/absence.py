"""That nobody watches: what a document read from a database says of a daemon that is gone."""

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

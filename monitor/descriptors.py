"""How many files this process may have open: each probe under way is one."""

from __future__ import annotations

import resource

_WANTED = 65_536  # far more than there is room for probes, messages and readers of the page


def take_what_is_allowed() -> int:
    """Raise the soft limit, which is 1024 by tradition, towards the hard one; what it is now."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    allowed = _WANTED if hard == resource.RLIM_INFINITY else min(hard, _WANTED)
    if soft == resource.RLIM_INFINITY or soft >= allowed:
        return soft
    resource.setrlimit(resource.RLIMIT_NOFILE, (allowed, hard))
    return allowed

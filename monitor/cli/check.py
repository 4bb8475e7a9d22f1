"""`monitor check-config`."""

from __future__ import annotations

import os
import sys

from monitor.cli import BAD_CONFIG
from monitor.cli.setting import Globals


def run(options: Globals, *, need_secrets: bool, quiet: bool) -> int:
    """Print every fault and answer 78, or the effective config (unless `quiet`) and answer 0.

    What is odd in the config and yet no fault is said on stderr.
    """
    from monitor.build import catalogue
    from monitor.config import ConfigFaults, effective, load

    path = options.path
    try:
        settings = load(path, catalogue(), os.environ, need_secrets=need_secrets)
    except ConfigFaults as faults:
        sys.stdout.write(f"{faults}\n")
        return BAD_CONFIG
    for doubt in settings.doubts:
        sys.stderr.write(f"{doubt}\n")
    if not quiet:
        sys.stdout.write(effective(path, catalogue(), os.environ))
    return 0

"""`monitor check-config`."""

from __future__ import annotations

import os
import sys

from monitor.cli import BAD_CONFIG
from monitor.cli.balances import write_json
from monitor.cli.setting import Globals
from monitor.config.faults import Fault
from monitor.config.load import Examined, effective, examine

_WARNING = "warning: "  # how the message of what stops nothing begins


def run(options: Globals, output_format: str, *, need_secrets: bool, quiet: bool) -> int:
    """Print every fault and answer 78, or the effective config (unless `quiet`) and answer 0.

    What is odd in the config and yet no fault is said on stderr; for a program both are on stdout,
    and the effective config is not.
    """
    from monitor.build import catalogue

    path, known = options.path, catalogue()
    found = examine(path, known, os.environ, need_secrets=need_secrets)
    if output_format == "json":
        write_json(_document(path, found))
    elif output_format == "github":
        sys.stdout.write("".join(f"{_annotation(f)}\n" for f in (*found.faults, *found.doubts)))
    else:
        sys.stdout.write("".join(f"{fault}\n" for fault in found.faults))
        sys.stderr.write("".join(f"{doubt}\n" for doubt in found.doubts))
        if not quiet and not found.faults:
            sys.stdout.write(effective(path, known, os.environ))
    return BAD_CONFIG if found.faults else 0


def _document(path: str, found: Examined) -> dict[str, object]:
    return {
        "file": path,
        "sound": not found.faults,
        "faults": [_member(fault) for fault in found.faults],
        "warnings": [_member(doubt) for doubt in found.doubts],
    }


def _member(fault: Fault) -> dict[str, object]:
    return {
        "file": fault.file,  # a fault may stand in a file that the config names
        "line": fault.line,
        "column": fault.column,
        "path": fault.path,
        "message": fault.message.removeprefix(_WARNING),
    }


def _annotation(fault: Fault) -> str:
    """At its line, so that GitHub shows it in a pull request."""
    from monitor.cli.formats.github import annotation

    kind = "warning" if fault.message.startswith(_WARNING) else "error"
    place = {"file": fault.file, "line": str(fault.line), "col": str(fault.column)}
    return annotation(kind, f"{fault.path}: {fault.message.removeprefix(_WARNING)}", **place)

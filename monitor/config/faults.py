"""What is wrong in a config, where, and what to do about it."""

from __future__ import annotations

import re
from dataclasses import dataclass

PathTuple = tuple[str | int, ...]

_PLAIN_NAME = re.compile(r"[A-Za-z_-]{1,32}[0-9]?")


@dataclass(frozen=True, slots=True, order=True)
class Fault:
    """One fault: `FILE:LINE:COLUMN: PATH: MESSAGE`, lines and columns counted from 1."""

    file: str
    line: int
    column: int
    path: str
    message: str

    def __str__(self) -> str:
        return f"{self.file}:{self.line}:{self.column}: {self.path}: {self.message}"


class ConfigFaults(Exception):
    """A config that cannot be used: every fault of it, in the file's order."""

    def __init__(self, faults: tuple[Fault, ...]) -> None:
        super().__init__("\n".join(str(fault) for fault in faults))
        self.faults = faults

    @property
    def first_at(self) -> str:
        """`FILE:LINE` of the first fault."""
        return next((f"{fault.file}:{fault.line}" for fault in self.faults), "")


def spelled(path: PathTuple) -> str:
    """`accounts.kie.models.1`; on one line, and cut where a value may have slipped into a key."""
    return ".".join(_part(str(part)) for part in path) or "file"


def _part(text: str) -> str:
    name = re.split(r"[:=\s]", text, maxsplit=1)[0]
    return one_line(name if name == text else name + "…")


def unknown_name(name: str) -> str:
    """An unknown key as it may be shown: what does not look like a key could be a credential."""
    return name if _PLAIN_NAME.fullmatch(name) else name[:3] + "…"


def one_line(text: str) -> str:
    """`text` without what would break a line or a terminal."""
    return "".join(c if c.isprintable() else "?" for c in text)

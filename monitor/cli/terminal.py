"""What the terminal can show."""

from __future__ import annotations

import os
import shutil
from typing import TextIO


def choose_colour(choice: str) -> None:
    """`auto`, `always` or `never`, in the words that every library here understands."""
    if choice == "always":
        os.environ.pop("NO_COLOR", None)
        os.environ["FORCE_COLOR"] = "1"
    elif choice == "never":
        os.environ.pop("FORCE_COLOR", None)
        os.environ["NO_COLOR"] = "1"


def colour(stream: TextIO) -> bool:
    """Whether colour is wanted: never with NO_COLOR, always with FORCE_COLOR, else on a tty."""
    if os.environ.get("NO_COLOR"):
        return False
    return bool(os.environ.get("FORCE_COLOR")) or stream.isatty()


def width() -> int:
    """Columns of the terminal, 100 where there is none."""
    return shutil.get_terminal_size((100, 24)).columns


def size() -> tuple[int, int]:
    """Columns and rows of the terminal."""
    found = shutil.get_terminal_size((100, 24))
    return found.columns, found.lines


def draws(encoding: str | None) -> bool:
    """Whether the terminal can show what is drawn."""
    try:
        "░▒▓█⣿│▁".encode(encoding or "utf-8")
    except (UnicodeEncodeError, LookupError):
        return False
    return True

"""What the terminal can show."""

from __future__ import annotations

import os
import shutil
from typing import TextIO


def colour(stream: TextIO) -> bool:
    """Whether colour is wanted: never with NO_COLOR, always with FORCE_COLOR, else on a tty."""
    if os.environ.get("NO_COLOR"):
        return False
    return bool(os.environ.get("FORCE_COLOR")) or stream.isatty()


def width() -> int:
    """Columns of the terminal, 100 where there is none."""
    return shutil.get_terminal_size((100, 24)).columns

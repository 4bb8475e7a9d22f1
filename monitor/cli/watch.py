"""`monitor status --watch`: the same, drawn anew in its place until Ctrl-C."""

from __future__ import annotations

import contextlib
import re
import signal
import sys
import time
import unicodedata
from collections.abc import Iterator
from datetime import UTC, datetime
from types import FrameType
from typing import NoReturn

from monitor.cli import USAGE, Refusal, garbage
from monitor.cli.balances import write_text
from monitor.cli.setting import Globals, Known
from monitor.cli.status import text_of
from monitor.cli.terminal import size, width
from monitor.config import ConfigFaults
from monitor.core.durations import format_duration
from monitor.store import NewerSchemaError, StoreError

_OTHER_SCREEN, _OWN_SCREEN = "\x1b[?1049h\x1b[?25l", "\x1b[?25h\x1b[?1049l"
_HOME, _CLEAR_LINE, _REST = "\x1b[H", "\x1b[K", "\x1b[J"
_PIECES = re.compile(r"(\x1b\[[0-9;]*m)")
_PLAIN = "\x1b[0m"


def watch(options: Globals, output_format: str, every: float) -> int:
    """Draw until interrupted. What is no terminal gets one text after the other."""
    if output_format != "text":
        raise Refusal("--watch: only with --format text; a script asks again by itself", USAGE)
    known = options.known()
    if known.broken is not None:
        text_of(known, columns=width())  # refuses where nobody answers
        known.warn()
    garbage.stay()
    if not sys.stdout.isatty():
        while True:
            write_text(f"{_text(known, width())}\n")
            sys.stdout.flush()
            time.sleep(every)
    with _screen():
        while True:
            _draw(known, every)
            time.sleep(every)


def _text(known: Known, columns: int) -> str:
    """How everything stands, or why that cannot be read at present."""
    try:
        return text_of(known, columns=columns)
    except NewerSchemaError:
        raise
    except StoreError as error:
        return f"{error}\n"
    except ConfigFaults as broken:
        return f"no daemon answers, and the config on disk is broken:\n{broken}\n"


def _draw(known: Known, every: float) -> None:
    columns, rows = size()
    now = f"{datetime.now(UTC):%Y-%m-%d %H:%M:%S} UTC"
    head = f"monitor status, every {format_duration(every)}, Ctrl-C ends: {now}"
    lines = fitted([head, "", *_text(known, columns).splitlines()], columns, rows)
    write_text(_HOME + "\n".join(_CLEAR_LINE + line for line in lines) + _REST)
    sys.stdout.flush()


def fitted(lines: list[str], columns: int, rows: int) -> list[str]:
    """As much as there is room for; the last line says how much more there is."""
    if len(lines) > rows:
        hidden = len(lines) - rows + 1
        lines = [*lines[: rows - 1], f"... {hidden} more lines: make the window higher"]
    return [cropped(line, columns) for line in lines]


def cropped(line: str, columns: int) -> str:
    """A line without what would not fit; colours cost no room, and end with it."""
    found, room, coloured = [], columns, False
    for piece in _PIECES.split(line):
        if _PIECES.fullmatch(piece):
            found.append(piece)
            coloured = piece != _PLAIN
            continue
        for character in piece:
            room -= _wide(character)
            if room < 0:
                return "".join(found) + (_PLAIN if coloured else "")
            found.append(character)
    return "".join(found)


def _wide(character: str) -> int:
    """Columns that a character takes."""
    if unicodedata.combining(character):
        return 0
    return 2 if unicodedata.east_asian_width(character) in ("W", "F") else 1


@contextlib.contextmanager
def _screen() -> Iterator[None]:
    """A screen of its own, as pagers have; what stood there before comes back at the end."""
    before = signal.signal(signal.SIGTERM, _ended)
    sys.stdout.write(_OTHER_SCREEN)
    try:
        yield
    finally:
        sys.stdout.write(_OWN_SCREEN)
        sys.stdout.flush()
        signal.signal(signal.SIGTERM, before)


def _ended(number: int, frame: FrameType | None) -> NoReturn:
    del frame
    raise SystemExit(128 + number)

"""A config file to the text in it, or to the one fault that says why not."""

from __future__ import annotations

import os
import re
from pathlib import Path

from monitor.config.faults import ConfigFaults, Fault

LARGEST = 16 * 1024 * 1024  # bytes; a config of ten thousand accounts has an eighth of it

# What YAML calls printable: https://yaml.org/spec/1.1/#c-printable
_UNPRINTABLE = "[^\t\n\r\x20-\x7e\x85\xa0-\ud7ff\ue000-\ufefe\uff00-\ufffd\U00010000-\U0010ffef]"
_UNPRINTABLE_ASCII = "[^\t\n\r\x20-\x7e]"  # the same; the whole of it takes 4 ms to compile


def read_source(file: str) -> str:
    """The text of `file`. Raises ConfigFaults with the one reason why there is none."""
    data = _read_bytes(file)
    if len(data) > LARGEST:
        raise file_fault(file, f"is larger than {LARGEST >> 20} MiB: this is not a config")
    if b"\0" in data:
        raise file_fault(file, "holds binary data: a config is text in UTF-8")
    text = _decoded(file, data)
    found = re.search(_UNPRINTABLE_ASCII if text.isascii() else _UNPRINTABLE, text)
    if found:
        line, column = position(text, found.start())
        code = f"U+{ord(found.group()):04X}"
        raise file_fault(file, f"holds the control character {code}: remove it", line, column)
    return text


def _read_bytes(file: str) -> bytes:
    try:
        with Path(file).open("rb") as stream:
            return stream.read(LARGEST + 1)
    except IsADirectoryError:
        raise file_fault(file, "is a directory: name the file in it") from None
    except FileNotFoundError:
        raise file_fault(file, "does not exist") from None
    except (OSError, ValueError) as error:
        raise file_fault(file, f"cannot be read: {reason(error)}") from None


def _decoded(file: str, data: bytes) -> str:
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line, column = position(data[: error.start].decode("utf-8", "replace"), len(data))
        message = "is not UTF-8 text: save the file as UTF-8"
        raise file_fault(file, message, line, column) from None


def file_fault(file: str, message: str, line: int = 1, column: int = 1) -> ConfigFaults:
    """The fault of a file that could not be read as a whole."""
    return ConfigFaults((Fault(file, line, column, "file", message),))


def position(text: str, offset: int) -> tuple[int, int]:
    """Line and column, from 1, of the character at `offset`."""
    before = text[:offset]
    return before.count("\n") + 1, len(before) - (before.rfind("\n") + 1) + 1


def reason(error: Exception) -> str:
    """Why the system would not, in its own words and without the path."""
    number = error.errno if isinstance(error, OSError) else None
    return os.strerror(number).lower() if number else "its name is not a path"

"""Credentials: given in the config, by a variable, or in a file beside it."""

from __future__ import annotations

import re
import stat
from pathlib import Path

from monitor.config.context import Context
from monitor.config.faults import PathTuple
from monitor.config.source import reason
from monitor.core.secret import Secret

LARGEST = 64 * 1024  # bytes
_CONTROL = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028\u2029]")


def resolve_secret(
    context: Context,
    at: PathTuple,
    *,
    given: Secret | None,
    file: str | None,
    required: bool = False,
    may_be_empty: bool = False,
) -> Secret:
    """The secret at the path `at`, or in the file its `_file` twin names; else an empty one."""
    name, twin = str(at[-1]), (*at[:-1], f"{at[-1]}_file")
    if given is not None and file is not None:
        context.fault(twin, f"give either {name} or {name}_file, not both")
        return given
    if given is None and file is None:
        if required and not context.written(at, twin):
            context.fault(at[:-1], f"needs {name} or {name}_file", shown=at)
        return Secret("")
    where, secret = (at, given) if given is not None else (twin, _read(context, twin, file or ""))
    if secret == Secret("") and not may_be_empty and context.need_secrets:
        context.document.lack(where, "is empty: write a value, or remove the line")
    return secret or Secret("")


def _read(context: Context, at: PathTuple, file: str) -> Secret | None:
    """None where there is a fault (or nothing is to be read): that is told already."""
    if not context.need_secrets or at in context.document.unset:
        return None
    path = context.credential_path(file)
    try:
        found = read_credential(path)
    except BadCredential as error:
        context.document.lack(at, f"names a file {error}")
        return None
    if open_to_others(path):
        context.doubt(at, "names a file that every user of this machine can read: chmod o= it")
    return found


def open_to_others(path: Path) -> bool:
    """Whether whoever is on this machine may read the file at `path`."""
    try:
        return bool(path.stat().st_mode & stat.S_IROTH)
    except OSError:
        return False


class BadCredential(ValueError):
    """A file that holds no credential. `str()` goes on from "a file", without its content."""


def read_credential(path: Path) -> Secret:
    """What the file at `path` holds, without a line break at its end. Raises BadCredential."""
    try:
        with path.open("rb") as stream:
            data = stream.read(LARGEST + 1)
        text = data.decode("utf-8").rstrip("\r\n")
    except UnicodeDecodeError:
        raise BadCredential("that is not UTF-8 text") from None
    except (OSError, ValueError) as error:
        raise BadCredential(f"that cannot be read: {reason(error)}") from None
    if len(data) > LARGEST:
        message = f"it is larger than {LARGEST // 1024} KiB"
        raise BadCredential(f"that is no credential: {message}")
    if _CONTROL.search(text):
        raise BadCredential("with more than one line: a credential is one line")
    return Secret(text)

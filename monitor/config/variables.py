"""`${NAME}`, `${NAME:-default}` and `$$` in the text of a scalar."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass

_TOKEN = re.compile(
    r"\$\$|\$\{(?P<name>[A-Za-z_][A-Za-z0-9_]*)(?::-(?P<default>[^}]*))?\}|(?P<bad>\$\{)"
)
_BARE = re.compile(r"\$([A-Z_][A-Z0-9_]+)|%([A-Z_][A-Z0-9_]+)%|\$\(([A-Z_][A-Z0-9_]+)\)")
_WORDS = re.compile(r"[A-Z]+(_[A-Z]+)+")


# In a flow mapping `{key: ${NAME}}` is no YAML: braces, brackets and commas end a plain scalar
# there. While YAML is read they are hidden within a variable, each behind one other character, so
# that columns stay. The characters are private ones that a config is refused for.
_HIDDEN = "\U0010fff0\U0010fff1\U0010fff2\U0010fff3\U0010fff4"
_HIDE = str.maketrans("{}[],", _HIDDEN)
_SHOW = str.maketrans(_HIDDEN, "{}[],")
_IN_SOURCE = re.compile(r"\$\{[A-Za-z_][A-Za-z0-9_]*(?::-[^}\n]*)?\}")


def hide(source: str) -> str:
    """YAML text in which variables can stand anywhere without quotes."""
    return _IN_SOURCE.sub(lambda m: m[0].translate(_HIDE), source)


def show(text: str) -> str:
    """A piece of text as it was before `hide`."""
    return text.translate(_SHOW)


@dataclass(frozen=True, slots=True)
class Substituted:
    """What became of a text: its value, the variables in it, and those that are not set."""

    text: str
    variables: tuple[str, ...] = ()
    unset: tuple[str, ...] = ()
    malformed: bool = False


def substitute(text: str, env: Mapping[str, str]) -> Substituted:
    """Put the values of variables into `text`; a default counts for an empty value too.

    Text with an unset variable or a malformed `${` is left as it is written.
    """
    if "$" not in text:
        return Substituted(text)
    found = list(_TOKEN.finditer(text))
    names = [m for m in found if m["name"]]
    unset = tuple(m["name"] for m in names if m["default"] is None and m["name"] not in env)
    malformed = any(m["bad"] for m in found)
    done = text if unset or malformed else _TOKEN.sub(lambda m: _value(m, env), text)
    return Substituted(done, tuple(m["name"] for m in names), unset, malformed)


def without_braces(text: str, env: Mapping[str, str]) -> str:
    """How a text is to be written that looks like a variable of another notation; else empty.

    A name is said where it surely is one: it might be a password that begins with a dollar sign.
    """
    match = _BARE.fullmatch(text)
    if match is None:
        return ""
    name = next(filter(None, match.groups()))
    sure = name in env or _WORDS.fullmatch(name)
    return f"${{{name}}}" if sure else "${NAME}"


def _value(match: re.Match[str], env: Mapping[str, str]) -> str:
    if match["name"] is None:
        return "$"
    if match["default"] is None:
        return env[match["name"]]
    return env.get(match["name"]) or match["default"]

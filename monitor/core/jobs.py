"""Jobs in people's words: `sora-2-pro-720p-15s` as `31 Sora 2 Pro 720p 15 s videos`."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Final

from monitor.core.view import View
from monitor.core.words import clean

_LONGEST = 80  # characters of one job
_BREAK = re.compile(r"[-_\s]+")
_LASTS = re.compile(r"([0-9]+(?:\.[0-9]+)?)(?:(s|sec|secs)|(min|mins)|h)", re.IGNORECASE)
_LINES = re.compile(r"[0-9]{3,4}[pi]", re.IGNORECASE)  # of a picture that moves
_VERSION = re.compile(r"v[0-9][0-9.]*", re.IGNORECASE)
_NOUNS: Final = (
    "video", "clip", "image", "picture", "photo", "song", "track", "minute", "page", "call",
    "request", "job",
)  # fmt: skip
_NOUN: Final[Mapping[str, str]] = {form: n for n in _NOUNS for form in (n, n + "s")}
_SOUNDS: Final = frozenset({"audio", "music", "speech", "tts", "voice", "sfx"})
_SMALL: Final = frozenset({"to", "of", "and", "with", "per"})
_SHORT: Final = frozenset(
    {"ai", "api", "gpt", "hd", "hq", "llm", "ocr", "sd", "sdxl", "sfx", "tts", "uhd"}
)


def counted(count: int, job: str, title: str = "") -> str:
    """`31 Sora 2 Pro 720p 15 s videos`; `title`: what the config calls them, else the name says.

    A title whose last word is a noun of ours follows the count, any other stands as it is.
    """
    return f"{count or 'no'} {called(job, title, one=count == 1)}"


def called(job: str, title: str = "", *, one: bool = False) -> str:
    """What several of a job are called, or one of it: `Sora 2 Pro 720p 15 s video`."""
    if title := clean(title, _LONGEST):
        *front, last = title.split(" ")
        noun = _NOUN.get(last.lower())
        return " ".join((*front, last if noun is None else _number(noun, last, one=one)))
    name = clean(job, _LONGEST)
    words = [w for w in _BREAK.split(name) if w] or [name or "job"]
    noun, words = _noun(words), _without_noun(words)
    return " ".join((*map(_word, words), noun if one else noun + "s"))


def _number(noun: str, written: str, *, one: bool) -> str:
    """A title's last word in the singular or plural, with the capital it was given."""
    text = noun if one else noun + "s"
    return text.capitalize() if written[0].isupper() else text


def _noun(words: list[str]) -> str:
    """What one is: the name says it, or gives it away by a resolution or by seconds."""
    named = [_NOUN[w.lower()] for w in words if w.lower() in _NOUN]
    if named:
        return named[-1]
    if any(w.lower() in _SOUNDS for w in words):
        return "job"
    return "video" if any(_moves(w) for w in words) else "job"


def _moves(word: str) -> bool:
    lasts = _LASTS.fullmatch(word)
    return bool(_LINES.fullmatch(word)) or bool(lasts and lasts[2])


def _without_noun(words: list[str]) -> list[str]:
    """Without a noun at the end: it is said after the rest, in the number that fits."""
    dangling = len(words) > 1 and words[-2].lower() in _SMALL
    return words[:-1] if words[-1].lower() in _NOUN and not dangling else words


def _word(word: str) -> str:
    lasts = _LASTS.fullmatch(word)
    if lasts:
        return f"{lasts[1]} {'s' if lasts[2] else 'min' if lasts[3] else 'h'}"
    if word.lower() in _SHORT:
        return word.upper()
    if word in _SMALL or not word.islower() or _VERSION.fullmatch(word):
        return word
    return word[0].upper() + word[1:]


def jobs_of(view: View | None) -> tuple[tuple[str, int], ...]:
    """What the balance still pays, (`Sora 2 Pro 720p 15 s videos`, 31), the main one first.

    Of a remembered balance nothing is promised.
    """
    if view is None or view.known_balance is None:
        return ()
    left = sorted(view.jobs_left.items(), key=lambda item: item[0] != view.main_job)
    return tuple((called(j, view.job_titles.get(j, ""), one=n == 1), n) for j, n in left)


def main_left(view: View | None) -> str:
    """How many of the main job are left: `31 Sora 2 Pro 720p 15 s videos`; empty if unknown."""
    if view is None or view.known_balance is None or view.main_job not in view.jobs_left:
        return ""
    job = view.main_job
    return counted(view.jobs_left[job], job, view.job_titles.get(job, ""))

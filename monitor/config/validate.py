"""A tree against a block: every fault noted, and what is sound given back."""

from __future__ import annotations

from collections.abc import Iterable, Set
from dataclasses import dataclass
from typing import Generic, TypeVar

from pydantic import ValidationError
from pydantic_core import ErrorDetails

from monitor.config.blocks import Block
from monitor.config.document import Document, Scalar, Tag, Tree
from monitor.config.faults import PathTuple, spelled, unknown_name
from monitor.config.readers import Wrong, nearest

B = TypeVar("B", bound=Block)

_WANTED = {"list_type": "a list", "dict_type": "a mapping", "model_type": "a mapping"}


@dataclass(frozen=True, slots=True)
class Checked(Generic[B]):
    """A block without what was at fault, and the keys that were (or were meant)."""

    block: B
    bad: frozenset[str]


def checked(document: Document, block: type[B], tree: Tree, at: PathTuple) -> Checked[B]:
    """Validate `tree`, which stands at the path `at`. Everything in a block is optional."""
    try:
        return Checked(block.model_validate(tree), frozenset())
    except ValidationError as error:
        details = error.errors(include_url=False, include_input=False)
    for detail in details:
        _report(document, block, detail, at)
    places = {document.existing((*at, *detail["loc"]))[len(at) :] for detail in details}
    bad = {str(place[0]) for place in places if place}
    meant = {nearest(name, known_keys(block)) for name in bad}
    sound = _without(tree, places) if isinstance(tree, dict) else {}
    return Checked(block.model_validate(sound), frozenset(bad | {n for n in meant if n}))


def known_keys(block: type[Block]) -> list[str]:
    """The keys of a block as they are written."""
    return [info.alias or name for name, info in block.model_fields.items()]


def _wrong(detail: ErrorDetails) -> Wrong | None:
    error = detail.get("ctx", {}).get("error")
    return error if isinstance(error, Wrong) else None


def _report(document: Document, block: type[Block], detail: ErrorDetails, at: PathTuple) -> None:
    path = document.existing((*at, *detail["loc"]))
    if detail["type"] == "extra_forbidden":
        unknown_key(document, path, _keys_at(block, detail["loc"]))
        return
    wrong = _wrong(detail)
    document.fault(path, str(wrong) if wrong else _wrong_shape(document, path, detail["type"]))


def _wrong_shape(document: Document, path: PathTuple, kind: str) -> str:
    found, wanted = document.get(*path), _WANTED.get(kind, "something else")
    if isinstance(found, Scalar):
        if found.tag is Tag.NOTHING:
            return f"has no value: write {wanted}, or remove the line"
        return f"must be {wanted}, not {found.tag.value}"
    return f"must be {wanted}, not {'a mapping' if isinstance(found, dict) else 'a list'}"


def unknown_key(document: Document, path: PathTuple, known: Iterable[str]) -> None:
    """The fault of a key nobody reads."""
    name, names = str(path[-1]), list(known)
    near = nearest(name, names)
    hint = f", did you mean {near}?" if near else f"; known here: {', '.join(names)}"
    if ":" in name:
        hint = ": a space is missing after the colon"
    shown = spelled((*path[:-1], unknown_name(name)))
    document.fault(path, f"unknown key{hint}", at_key=True, shown=shown)


def _keys_at(block: type[Block], loc: PathTuple) -> list[str]:
    """The keys known to the innermost block around `loc`."""
    here = block
    for part in loc[:-1]:
        here = _inner(here, str(part)) or here
    return known_keys(here)


def _inner(block: type[Block], key: str) -> type[Block] | None:
    for name, info in block.model_fields.items():
        if (info.alias or name) == key:
            return _block_in(info.annotation)
    return None


def _block_in(annotation: object) -> type[Block] | None:
    """The block in `Block | None`, `list[Block]` or `dict[str, Block]`."""
    if isinstance(annotation, type) and issubclass(annotation, Block):
        return annotation
    inner = (_block_in(argument) for argument in getattr(annotation, "__args__", ()))
    return next((block for block in inner if block), None)


def _without(tree: Tree, places: Set[PathTuple], at: PathTuple = ()) -> Tree:
    """`tree` without what stands at `places`, and without what that leaves empty."""
    if isinstance(tree, dict):
        kept = {k: _without(v, places, (*at, k)) for k, v in tree.items()}
        return {k: v for k, v in kept.items() if (*at, k) not in places and (v or not tree[k])}
    if isinstance(tree, list):
        items = [_without(v, places, (*at, i)) for i, v in enumerate(tree)]
        return [v for i, v in enumerate(items) if (*at, i) not in places and (v or not tree[i])]
    return tree

"""A tree of scalars, lists and mappings that remembers where everything stands."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import TypeAlias

from monitor.config.faults import Fault, PathTuple, one_line, spelled


class Tag(StrEnum):
    """What YAML 1.1 takes a scalar for; the value is how a person would call it."""

    TEXT = "text"
    NUMBER = "a number"
    FLAG = "true or false"
    DATE = "a date"
    NOTHING = "nothing"


@dataclass(frozen=True, slots=True)
class Scalar:
    """One value as it is written, with its variables filled in."""

    text: str = field(repr=False)
    tag: Tag = Tag.TEXT
    plain: bool = True  # written without quotes
    variables: tuple[str, ...] = ()
    unset: bool = False  # a variable in it is not set: the text is left as written

    @property
    def shown(self) -> str:
        """The value for a message; what came from the environment is named, never shown."""
        if self.variables:
            return f"the value of ${{{self.variables[0]}}}"
        text = one_line(self.text)
        return repr(text if len(text) <= 60 else text[:59] + "…")


Tree: TypeAlias = "dict[str, Tree] | list[Tree] | Scalar"
Mark = tuple[int, int]


@dataclass(slots=True)
class Document:
    """A tree, where its values and keys stand, and what was wrong with it so far."""

    file: str
    env: Mapping[str, str]
    need_variables: bool = True
    root: Tree = field(default_factory=dict)
    values: dict[PathTuple, Mark] = field(default_factory=dict)
    keys: dict[PathTuple, Mark] = field(default_factory=dict)
    unset: set[PathTuple] = field(default_factory=set)
    faults: list[Fault] = field(default_factory=list)
    lacks: list[tuple[PathTuple, Fault]] = field(default_factory=list)  # faults for who needs it
    doubts: list[Fault] = field(default_factory=list)  # what is odd and yet no fault

    def fault(
        self, path: PathTuple, message: str, *, at_key: bool = False, shown: str = ""
    ) -> None:
        """Note a fault at the value of `path`, or at its key. An unset value has one already."""
        if path in self.unset:
            return
        line, column = self.mark(path, at_key=at_key)
        where = shown or spelled(path)
        self.faults.append(Fault(self.file, line, column, where, one_line(message)))

    def lack(self, path: PathTuple, message: str) -> None:
        """Note that what `path` takes its value from is not there: a fault for who needs it."""
        if path in self.unset:
            return
        line, column = self.mark(path)
        self.lacks.append((path, Fault(self.file, line, column, spelled(path), message)))

    def doubt(self, path: PathTuple, message: str) -> None:
        """Note what is odd at `path`; the config is good all the same."""
        line, column = self.mark(path)
        words = f"warning: {one_line(message)}"
        self.doubts.append(Fault(self.file, line, column, spelled(path), words))

    def mark(self, path: PathTuple, *, at_key: bool = False) -> Mark:
        """Where `path` stands, or the nearest thing around it."""
        if at_key and path in self.keys:
            return self.keys[path]
        return self.values.get(self.existing(path), (1, 1))

    def existing(self, path: PathTuple) -> PathTuple:
        """`path` as far as there is something: one text or table may stand for a list of one."""
        there: PathTuple = ()
        for part in path:
            if (*there, part) in self.values:
                there = (*there, part)
            elif not isinstance(part, int) or not isinstance(self.get(*there), dict):
                break
        return there

    def get(self, *path: str | int) -> Tree | None:
        """What stands at `path`."""
        here: Tree | None = self.root
        for part in path:
            if isinstance(here, dict) and isinstance(part, str):
                here = here.get(part)
            elif isinstance(here, list) and isinstance(part, int):
                here = here[part] if part < len(here) else None
            else:
                return None
        return here

    def text(self, *path: str | int) -> str:
        """The text of the scalar at `path`; empty where there is none."""
        found = self.get(*path)
        return found.text if isinstance(found, Scalar) else ""

    def shown(self, *path: str | int) -> str:
        """The value at `path` as a message may show it."""
        found = self.get(*path)
        return found.shown if isinstance(found, Scalar) else "it"

"""YAML text to a document: PyYAML composes, we walk its nodes and note where they stand."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from contextlib import contextmanager

import yaml

from monitor.config.document import Document, Mark, Scalar, Tag, Tree
from monitor.config.faults import ConfigFaults, Fault, PathTuple, spelled
from monitor.config.source import file_fault
from monitor.config.variables import hide, show, substitute, without_braces

_LOADER: type = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
DEEPEST = 32  # levels of nesting: PyYAML's C composer recurses on the C stack and would overflow
MOST = 50_000  # values after aliases are followed; more only where so many are written out

_TAG = "tag:yaml.org,2002:"
_TAGS = {
    _TAG + "str": Tag.TEXT,
    _TAG + "value": Tag.TEXT,  # a lone `=`
    _TAG + "merge": Tag.TEXT,
    _TAG + "int": Tag.NUMBER,
    _TAG + "float": Tag.NUMBER,
    _TAG + "bool": Tag.FLAG,
    _TAG + "timestamp": Tag.DATE,
    _TAG + "null": Tag.NOTHING,
}


def parse(
    file: str, text: str, env: Mapping[str, str], *, need_variables: bool = True
) -> Document:
    """Read the YAML in `text`. Raises ConfigFaults where there is no tree to go on with."""
    document = Document(file, env, need_variables)
    try:
        _bounded(file, hidden := hide(text))
        node = yaml.compose(hidden, _LOADER)
    except yaml.MarkedYAMLError as error:
        raise _syntax(file, text, error) from None
    except yaml.YAMLError:
        raise file_fault(file, "is not YAML") from None
    if node is None or node.tag == _TAG + "null":
        raise file_fault(file, "is empty: a config begins with a key such as `accounts:`")
    if not isinstance(node, yaml.MappingNode):
        line, column = _mark(node)
        message = "must be a mapping that begins with a key such as `accounts:`"
        raise file_fault(file, message, line, column)
    most = max(MOST, len(text) // 2)  # without an alias, a value takes two characters
    document.root = _Walk(document, most).tree(node, ())
    return document


def _bounded(file: str, text: str) -> None:
    """Refuse what composing could not survive, from the flat stream of events."""
    depth = 0
    for event in yaml.parse(text, _LOADER):
        if isinstance(event, (yaml.MappingStartEvent, yaml.SequenceStartEvent)):
            depth += 1
        elif isinstance(event, (yaml.MappingEndEvent, yaml.SequenceEndEvent)):
            depth -= 1
        if depth > DEEPEST:
            mark = event.start_mark
            where = (mark.line + 1, mark.column + 1) if mark else (1, 1)
            raise file_fault(file, f"is nested deeper than {DEEPEST} levels", *where)


def _syntax(file: str, text: str, error: yaml.MarkedYAMLError) -> ConfigFaults:
    mark = error.problem_mark or error.context_mark
    line, column = (mark.line + 1, mark.column + 1) if mark else (1, 1)
    return ConfigFaults((Fault(file, line, column, "yaml", _problem(text, line, column, error)),))


_PROBLEMS = {  # words in both of PyYAML's parsers to what a user can do
    "another document": "a second document begins here: a config is one document",
    "undefined alias": "an alias of an anchor that does not exist: put text with * in quotes",
    "cannot start any token": "this character cannot begin a value: put the value in quotes",
    "mapping values are not allowed": "a second colon in one value, or an indentation that does "
    "not fit: put text with a colon in quotes",
    "expected ',' or ']'": "a ] is missing, or a comma before this",
    "expected ',' or '}'": "a } is missing, or a comma before this",
}


def _problem(text: str, line: int, column: int, error: yaml.MarkedYAMLError) -> str:
    lines = text.splitlines()
    here = lines[line - 1] if line <= len(lines) else ""
    if "\t" in here[: len(here) - len(here.lstrip())] or here[column - 1 : column] == "\t":
        return "a tab in the indentation: YAML indents with spaces"
    # PyYAML quotes what it found there, which may be a piece of a password.
    problem = re.sub(r"'([^']*)'", _short, error.problem or "is not YAML")
    known = (message for words, message in _PROBLEMS.items() if words in problem)
    begun = error.context_mark.line + 1 if error.context_mark else line
    return next(known, problem) + (f", in what begins on line {begun}" if begun != line else "")


def _short(match: re.Match[str]) -> str:
    return match[0] if len(match[1]) <= 1 else "…"


def _mark(node: yaml.Node) -> Mark:
    return node.start_mark.line + 1, node.start_mark.column + 1


class _Walk:
    """Nodes to a tree. Aliases share nodes, so that going round in circles is possible."""

    def __init__(self, document: Document, most: int) -> None:
        self.document, self.most = document, most
        self.above: set[int] = set()
        self.size = 0

    def tree(self, node: yaml.Node, path: PathTuple) -> Tree:
        self.document.values[path] = _mark(node)
        self.count(node)
        if isinstance(node, yaml.ScalarNode):
            return self.scalar(node, path)
        if id(node) in self.above:
            self.document.fault(path, "an alias that holds itself", at_key=True)
            return self.nothing(path)
        self.known_tag(node, path)
        with self.inside(node):
            if isinstance(node, yaml.MappingNode):
                return self.mapping(node, path)
            return self.sequence(node, path)

    def sequence(self, node: yaml.Node, path: PathTuple) -> list[Tree]:
        """A list. Every list of text in a config is one of different things."""
        found = [self.tree(item, (*path, i)) for i, item in enumerate(node.value)]
        seen: set[str] = set()
        for index, item in enumerate(found):
            if isinstance(item, Scalar) and item.text in seen:
                self.document.fault((*path, index), "is in the list already")
            seen |= {item.text} if isinstance(item, Scalar) else set()
        return found

    def count(self, node: yaml.Node) -> None:
        """A few aliases of aliases make a billion values."""
        self.size += 1
        if self.size > self.most:
            message = f"has more than {self.most} values"
            raise file_fault(self.document.file, message, *_mark(node))

    @contextmanager
    def inside(self, node: yaml.Node) -> Iterator[None]:
        self.above.add(id(node))
        yield
        self.above.discard(id(node))

    def nothing(self, path: PathTuple) -> Scalar:
        """Stands for what has its fault already."""
        self.document.unset.add(path)
        return Scalar("", Tag.NOTHING, unset=True)

    def known_tag(self, node: yaml.Node, path: PathTuple) -> bool:
        known = node.tag in _TAGS or node.tag in (_TAG + "map", _TAG + "seq")
        if not known:
            self.document.fault(path, "YAML tags are not used here: put text with ! in quotes")
            self.document.unset.add(path)
        return known

    def mapping(self, node: yaml.MappingNode, path: PathTuple) -> Tree:
        found: dict[str, Tree] = {}
        for key_node, value_node in node.value:
            if key_node.tag == _TAG + "merge":
                continue
            key = self.key(key_node, path)
            if key is None or self.seen(key, key_node, (*path, key)):
                continue
            self.document.keys[(*path, key)] = _mark(key_node)
            found[key] = self.tree(value_node, (*path, key))
        for key_node, value_node in node.value:
            if key_node.tag == _TAG + "merge":
                self.document.values[(*path, "<<")] = _mark(key_node)
                self.merge(found, value_node, path)
        return found

    def key(self, node: yaml.Node, path: PathTuple) -> str | None:
        """A key as it is written: `on:` and `010:` are text here, whatever YAML 1.1 says."""
        if isinstance(node, yaml.ScalarNode) and node.value and node.tag in _TAGS:
            return show(node.value)
        self.document.values[(*path, "?")] = _mark(node)
        self.document.fault((*path, "?"), "a key must be text")
        return None

    def seen(self, key: str, node: yaml.Node, path: PathTuple) -> bool:
        first = self.document.keys.get(path)
        if first is None:
            return False
        line, column = _mark(node)
        message = f"duplicate key, first on line {first[0]}"
        self.document.faults.append(
            Fault(self.document.file, line, column, spelled(path), message)
        )
        return True

    def merge(self, into: dict[str, Tree], node: yaml.Node, path: PathTuple) -> None:
        """`<<: *anchor`: what is written here goes before what is merged in."""
        for source in node.value if isinstance(node, yaml.SequenceNode) else [node]:
            if not isinstance(source, yaml.MappingNode) or id(source) in self.above:
                self.document.fault((*path, "<<"), "must be an alias of a mapping")
                return
            with self.inside(source):
                self.merge_one(into, source, path)

    def merge_one(self, into: dict[str, Tree], source: yaml.MappingNode, path: PathTuple) -> None:
        for key_node, value_node in source.value:
            self.count(key_node)
            if key_node.tag == _TAG + "merge":
                self.merge(into, value_node, path)
                continue
            key = self.key(key_node, path)
            if key is not None and key not in into:
                self.document.keys[(*path, key)] = _mark(key_node)
                into[key] = self.tree(value_node, (*path, key))

    def scalar(self, node: yaml.ScalarNode, path: PathTuple) -> Scalar:
        if not self.known_tag(node, path):
            return self.nothing(path)
        tag, plain = _TAGS[node.tag], not node.style
        if tag is not Tag.TEXT:
            return Scalar(node.value, tag, plain)
        return self.substituted(node.value, path, plain=plain)

    def substituted(self, text: str, path: PathTuple, *, plain: bool) -> Scalar:
        done = substitute(show(text), self.document.env)
        if meant := without_braces(text, self.document.env):
            message = "looks like a variable of another notation, and is taken as it stands: write"
            self.document.doubt(
                path, f"{message} {meant}{' (or $$ for $)' * text.startswith('$')}"
            )
        if done.malformed:
            self.document.fault(
                path, "${ must be ${NAME} or ${NAME:-default}; write $$ for a dollar sign"
            )
        elif done.unset and self.document.need_variables:
            names = " and ".join(f"${{{name}}}" for name in dict.fromkeys(done.unset))
            self.document.lack(path, f"{names} is not set: export it, or give it a default")
        unset = done.malformed or bool(done.unset)
        if unset:
            self.document.unset.add(path)
        return Scalar(done.text, Tag.TEXT, plain, done.variables, unset)

"""What every part of the config is read with."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

from monitor.config.document import Document, Scalar, Tag
from monitor.config.faults import PathTuple, spelled
from monitor.core.spec import Catalogue


@dataclass(frozen=True, slots=True)
class Context:
    """The document, what is declared, and whether credentials are needed."""

    document: Document
    catalogue: Catalogue
    need_secrets: bool

    def fault(
        self, at: PathTuple, message: str, *, at_key: bool = False, shown: PathTuple | None = None
    ) -> None:
        """Note a fault at the value or the key of a path; `shown` is the path to name instead."""
        words = spelled(shown) if shown else ""
        self.document.fault(at, message, at_key=at_key, shown=words)

    def doubt(self, at: PathTuple, message: str) -> None:
        """Note what is odd at a path and yet no fault."""
        self.document.doubt(at, message)

    def missing(self, at: PathTuple, name: str, message: str = "is missing") -> None:
        """Note that the mapping at `at` lacks the key `name`."""
        misspelt = f"unknown key, did you mean {name}?"
        beside = (f.message for f in self.document.faults if f.path.startswith(spelled(at)))
        if not self.written((*at, name)) and misspelt not in beside:
            self.fault(at, message, shown=(*at, name))

    def written(self, *paths: PathTuple) -> bool:
        """Whether something stands at one of `paths`, right or wrong."""
        return any(self.document.get(*path) is not None for path in paths)

    def path(self, text: str) -> Path:
        """A path of the config, relative to the config's own directory."""
        return (Path(self.document.file).absolute().parent / text).absolute()

    def credential_path(self, text: str) -> Path:
        """The path of a credential, relative to `$CREDENTIALS_DIRECTORY` where that is set."""
        directory = self.document.env.get("CREDENTIALS_DIRECTORY")
        return Path(directory) / text if directory else self.path(text)

    def database_path(self, text: str) -> str:
        """The database's absolute path, relative to `$STATE_DIRECTORY` where that is set."""
        # systemd separates several state directories with a colon
        directory = self.document.env.get("STATE_DIRECTORY", "").split(":")[0]
        return str(Path(directory).absolute() / text if directory else self.path(text))

    def nothing(self, *path: str | int) -> bool:
        """Whether a key stands there without a value."""
        found = self.document.get(*path)
        return isinstance(found, Scalar) and found.tag is Tag.NOTHING

    def items(self, at: PathTuple, texts: Iterable[str]) -> Iterator[tuple[PathTuple, str]]:
        """Each text of a list with its path, also where faulty ones have been left out of it."""
        tree = self.document.get(*at)
        written = tree if isinstance(tree, list) else []
        places = {s.text: (*at, i) for i, s in enumerate(written) if isinstance(s, Scalar)}
        for text in texts:
            yield places.get(text, at), text

    def texts(self, *at: str | int) -> Iterator[tuple[PathTuple, str]]:
        """Each text of a list, or the one text that stands for it, with its path."""
        tree = self.document.get(*at)
        if isinstance(tree, Scalar):
            yield at, tree.text
        for index, item in enumerate(tree if isinstance(tree, list) else ()):
            if isinstance(item, Scalar):
                yield (*at, index), item.text

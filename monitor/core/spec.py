"""What a provider or a notifier declares about itself, so that the config can be checked."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import TypeVar

from monitor.core.model import Check

_T = TypeVar("_T")


class OnDemand(Mapping[str, _T]):
    """All there is by name, each made when it is first looked up; names alone make nothing."""

    def __init__(self, names: Iterable[str], make: Callable[[str], _T]) -> None:
        self._made: dict[str, _T | None] = dict.fromkeys(names)
        self._make = make

    def __getitem__(self, name: str) -> _T:
        found = self._made[name]
        if found is None:
            found = self._made[name] = self._make(name)
        return found

    def __contains__(self, name: object) -> bool:
        return name in self._made

    def __iter__(self) -> Iterator[str]:
        return iter(self._made)

    def __len__(self) -> int:
        return len(self._made)


class FieldKind(StrEnum):
    """What a config value may look like."""

    TEXT = "text"  # on one line
    WORDS = "words"  # on one line or several
    INTEGER = "integer"
    NUMBER = "number"
    FLAG = "flag"
    DURATION = "duration"  # becomes float seconds
    PATH = "path"  # relative to the config file
    URL = "url"
    SECRET = "secret"  # noqa: S105 - the name of a kind; becomes Secret, has a `_file` twin
    TEXTS = "texts"  # a list of strings
    TABLE = "table"  # nested, see `fields`
    TABLES = "tables"  # a list of such
    RELAYS = "relays"  # a table, or a list of such in the order they are tried
    MAP = "map"  # free names to strings
    MEMBER = "member"  # where in an answer something is: `data.credits`, `data.0.credits`
    MEMBERS = "members"  # one or several, that are added up: `data.bought`, `-data.used`
    PATTERN = "pattern"  # a regular expression
    VALUE = "value"  # text, a number, true or false: what JSON would write, as text


@dataclass(frozen=True, slots=True)
class Field:
    """One config key."""

    name: str
    kind: FieldKind
    help: str
    required: bool = False
    default: object = None
    choices: tuple[str, ...] = ()
    fields: tuple[Field, ...] = ()  # of a TABLE, of each of TABLES or RELAYS
    example: str = ""  # what one may look like, for the docs; never a real one


@dataclass(frozen=True, slots=True)
class Limit:
    """How often a provider says it may be asked."""

    calls: int
    seconds: float
    source: str  # where it says so


@dataclass(frozen=True, slots=True)
class CheckSpec:
    """One check a provider can be asked."""

    interval: float | None = None  # seconds the provider wants by default; None: `defaults`
    minimum: float | None = None  # seconds; only a check's own block may go below
    default: bool = True  # asked without being named in `checks:`
    help: str = ""
    limit: Limit | None = None  # documented; `minimum` keeps within it
    field: str = ""  # the config field it cannot be asked without: it takes the place of `key`


# What fields say together that none says alone: where it is at fault, and why.
Faults = Callable[[Mapping[str, object]], Iterable[tuple[tuple[str | int, ...], str]]]


def no_faults(_fields: Mapping[str, object]) -> Iterable[tuple[tuple[str | int, ...], str]]:
    """Fields that do not speak of each other."""
    return ()


# The pages of a vendor's own that a runbook may send somebody to, and what they are called.
LINKS: Mapping[str, str] = {
    "billing": "billing",
    "keys": "keys",
    "usage": "what was spent",
    "prices": "prices",
    "limits": "rate limits",
    "status": "status",
    "models": "models that are served",
    "gated": "gated models",
    "docs": "documentation",  # always there: ProviderSpec.docs
}


def tried(address: str, *headers: str) -> str:
    """How a key is tried by hand where its HTTP status says it all; `$KEY` stands for the key."""
    carried = " ".join(f'-H "{header}"' for header in headers or ("Authorization: Bearer $KEY",))
    asks = f"curl -sS -o /dev/null -w '%{{http_code}}\\n' {carried} {address}"
    return f"`{asks}` prints 200 for a key that is accepted, 401 for one that is not"


@dataclass(frozen=True, slots=True)
class ProviderSpec:
    """A vendor that can be asked. `name` is the file's name."""

    name: str
    title: str
    checks: Mapping[Check, CheckSpec]
    # Name of the config key to the real origin: {"base_url": "https://…"}; "": the config says it.
    urls: Mapping[str, str]
    docs: str  # where the facts come from
    unit: str | None = None  # of the balance
    key_prefixes: tuple[str, ...] = ()  # what its keys look like, for a warning only
    fields: tuple[Field, ...] = ()  # beside what every account has
    key: str = ""  # which of the vendor's keys is wanted, where that needs saying
    knows: str = ""  # what can be known of an account there, and what cannot
    links: Mapping[str, str] = field(default_factory=dict)  # see LINKS: its own pages
    by_hand: str = ""  # how its key is tried from a shell, and what the answer means
    faults: Faults = no_faults
    example: str = ""  # an account's lines for the docs, where its fields' own do not make one


@dataclass(frozen=True, slots=True)
class ChannelSpec:
    """A way of telling. `name` is the file's name and the key in a receiver's block."""

    name: str
    title: str
    fields: tuple[Field, ...]
    addresses: str | None = None  # the field that lists addresses (`to`); None: one, the receiver
    docs: str = ""  # where the facts come from
    knows: str = ""  # what it can do, and what it cannot
    faults: Faults = no_faults
    # Seconds after which what stands is said anew, for a channel that forgets: its `refresh` field
    # says otherwise. None: what was said once stays said.
    refresh: float | None = None
    pictures: bool = False  # it shows `Message.picture`


@dataclass(frozen=True, slots=True)
class Catalogue:
    """All that is declared, handed to the config by the composition root."""

    providers: Mapping[str, ProviderSpec]
    channels: Mapping[str, ChannelSpec] = field(default_factory=dict)

"""A credential that does not show itself."""

from __future__ import annotations

from collections.abc import Iterable

MASK = "********"


class Secret:
    """A string that prints as a mask; `reveal()` is the only way to its value.

    Not a dataclass on purpose: a generated `repr`, `asdict` or pickle would carry the value.
    """

    __slots__ = ("_value",)

    def __init__(self, value: str) -> None:
        self._value = value

    def reveal(self) -> str:
        """The value, to be handed to the wire and to nothing else."""
        return self._value

    def __bool__(self) -> bool:
        return bool(self._value)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Secret) and other._value == self._value

    def __hash__(self) -> int:
        return hash((Secret, self._value))

    def __repr__(self) -> str:
        return f"Secret({MASK})"

    def __str__(self) -> str:
        return MASK

    def __format__(self, spec: str) -> str:
        return format(MASK, spec)

    def __reduce__(self) -> str:
        raise TypeError("a secret is not pickled")


def told_apart(secrets: Iterable[Secret]) -> tuple[str, ...]:
    """What to look for in a text: each value, also as Python quotes it; longest first, so that
    none leaves a tail."""
    values = {s.reveal() for s in secrets if len(s.reveal()) >= 4}
    return tuple(sorted(values | {repr(v)[1:-1] for v in values}, key=len, reverse=True))


def redact(text: str, secrets: Iterable[Secret]) -> str:
    """`text` with every value of `secrets` masked."""
    return masked(text, told_apart(secrets))


def masked(text: str, values: tuple[str, ...]) -> str:
    """`text` with each of `values` masked."""
    for value in values:
        text = text.replace(value, MASK)
    return text

"""A credential that does not show itself."""

from __future__ import annotations

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


def redact(text: str, secrets: tuple[Secret, ...]) -> str:
    """`text` with every value of `secrets` masked; longest first, so that none leaves a tail."""
    values = sorted({s.reveal() for s in secrets if len(s.reveal()) >= 4}, key=len, reverse=True)
    for value in values:
        text = text.replace(value, MASK)
    return text

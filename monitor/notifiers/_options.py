"""What a receiver's own fields hold, as values of a known type."""

from __future__ import annotations

from base64 import b64encode
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from urllib.parse import urlsplit

from monitor.core.secret import Secret


class Unfit(Exception):
    """Settings with which nothing can be sent; `str()` says so in the user's terms."""


@dataclass(frozen=True, slots=True)
class Options:
    """The options of a receiver, which the config has validated."""

    values: Mapping[str, object]

    def text(self, name: str, default: str = "") -> str:
        """A text, a number or a path; `default` where there is none."""
        found = self.values.get(name)
        return default if found is None or found == "" else str(found)

    def secret(self, name: str) -> Secret:
        """A secret; empty where there is none."""
        return as_secret(self.values.get(name))

    def named(self, name: str) -> dict[str, Secret]:
        """Names to secrets."""
        found = self.values.get(name)
        return (
            {str(k): as_secret(v) for k, v in found.items()} if isinstance(found, Mapping) else {}
        )

    def seconds(self, name: str, default: float) -> float:
        """A duration."""
        found = self.values.get(name)
        return float(found) if isinstance(found, (int, float)) else default

    @property
    def secrets(self) -> tuple[Secret, ...]:
        """What no text may hold: path and query of a secret address count as its token."""
        found = [v for v in self.values.values() if isinstance(v, Secret)]
        maps = [n for n, v in self.values.items() if isinstance(v, Mapping)]
        found += [secret for name in maps for secret in self.named(name).values()]
        return tuple(secret for one in found for secret in (one, *_parts(one)))


def as_secret(value: object) -> Secret:
    """`value` as one that does not show itself."""
    if isinstance(value, Secret):
        return value
    return Secret("" if value is None else str(value))


def _parts(secret: Secret) -> tuple[Secret, ...]:
    text = secret.reveal()
    if "://" not in text:
        return ()
    try:
        parts = urlsplit(text)
    except ValueError:  # not an address; the whole is masked all the same
        return ()
    # A path such as /v2 is no secret, and masking it would make texts unreadable.
    return tuple(Secret(p) for p in (parts.path, parts.query, parts.password or "") if len(p) > 8)


_BOTH = "give either token or username and password, not both"


def authorization(options: Options, channel: str) -> dict[str, Secret]:
    """The header of `token`, or of `username` and `password`. Raises Unfit for both."""
    token, user = options.secret("token"), options.text("username")
    if token and user:
        raise Unfit(f"{channel}: {_BOTH}")
    if user:
        pair = f"{user}:{options.secret('password').reveal()}"
        return {"Authorization": Secret(f"Basic {b64encode(pair.encode()).decode()}")}
    return {"Authorization": Secret(f"Bearer {token.reveal()}")} if token else {}


def one_login(values: Mapping[str, object]) -> Iterable[tuple[tuple[str | int, ...], str]]:
    """The faults of two ways to log in at once."""
    if values.get("username") and values.get("token"):
        yield ("username",), _BOTH
    if values.get("password") and not values.get("username"):
        yield ("password",), "needs a username"

"""A key as it was written: what is no key, what only looks wrong, and where it comes from."""

from __future__ import annotations

from monitor.config.blocks import AccountBlock
from monitor.config.context import Context
from monitor.config.document import Scalar
from monitor.config.faults import PathTuple
from monitor.config.secrets import resolve_secret
from monitor.core.secret import Secret
from monitor.core.spec import FieldKind, ProviderSpec

_QUOTES = "\"'`"


def read_key(
    context: Context, at: PathTuple, spec: ProviderSpec, *, given: Secret | None, file: str | None
) -> Secret:
    """The key of the account at `at`, without blanks around it; what is odd in it is noted."""
    found = resolve_secret(context, (*at, "key"), given=given, file=file, may_be_empty=True)
    where = (*at, "key" if given is not None else "key_file")
    value = found.reveal()
    key = value.strip()
    if not (key.isascii() and key.isprintable()):
        context.fault(where, "a key is printable ASCII: copy it once more")
        return found
    written = context.document.get(*where)
    text = written.text if given is not None and isinstance(written, Scalar) else value
    if key and text != text.strip():
        context.doubt(where, "has blanks or line breaks around it, which are left out")
    for message in _oddities(key, spec) if key else ():
        context.doubt(where, message)
    return Secret(key)


def _oddities(key: str, spec: ProviderSpec) -> list[str]:
    """What is odd in a key; never a part of it."""
    if key[0] in _QUOTES or key[-1] in _QUOTES:
        return ["has quotes around it, which the provider would take for a part of it"]
    if key.lower().startswith("bearer "):
        return ["begins with Bearer, which is put before it anyway: write the key alone"]
    found = ["has a blank in it: see whether all of it belongs to the key"] if " " in key else []
    if spec.key_prefixes and not key.startswith(spec.key_prefixes):
        found.append(f"does not look like a key of {spec.title}, {_begins(spec.key_prefixes)}")
    return found


def _begins(prefixes: tuple[str, ...]) -> str:
    *front, last = prefixes
    return f"which begins with {', '.join(front)} or {last}" if front else (
        f"which begins with {last}"
    )  # fmt: skip


def key_files(context: Context, spec: ProviderSpec, block: AccountBlock) -> dict[str, str]:
    """The absolute path of each file an account's credentials were read from, by their names."""
    named = {"key": block.key_file} | {
        f.name: getattr(block, f"file_{f.name}", None)
        for f in spec.fields
        if f.kind is FieldKind.SECRET
    }
    return {name: str(context.credential_path(file)) for name, file in named.items() if file}

"""`monitor init`: a first config from flags or a few questions, and a look at its keys."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from monitor.cli import BAD_INPUT, USAGE, Refusal
from monitor.core.settings import Settings
from monitor.core.spec import Catalogue, FieldKind, ProviderSpec

if TYPE_CHECKING:
    from monitor.config.starter import Mail

_IMPLICIT = 465  # RFC 8314: TLS from the first byte; no server speaks STARTTLS there


@dataclass(frozen=True, slots=True)
class Asked:
    """The command's options."""

    providers: tuple[str, ...]
    fields: tuple[str, ...]  # PROVIDER.FIELD=VALUE
    emails: tuple[str, ...]
    sender: str | None
    smtp_host: str | None
    smtp_port: int
    smtp_tls: str
    smtp_username: str | None
    webhook: bool
    output: Path
    force: bool
    check: bool


def run(asked: Asked) -> int:
    """Write the file, say what its keys are worth and what to do next; 0 once it is written."""
    from monitor.build import catalogue
    from monitor.config.load import variables
    from monitor.config.starter import Wanted, starter

    known = catalogue()
    if not asked.providers:
        from monitor.cli.questions import answered

        asked = answered(asked, known)
    _free(asked)
    mail = _mail(asked)
    text = starter(known, Wanted(_accounts(asked, known), mail, asked.webhook))
    settings = _sound(asked, text, known)
    if str(asked.output) == "-":
        sys.stdout.write(text)
        return 0
    _write(asked.output, text)
    sys.stdout.write(f"{asked.output} is written.\n")
    if asked.check:
        from monitor.cli.key_check import say_of_keys

        say_of_keys(settings)
    unset = [name for name in variables(str(asked.output), text) if not os.environ.get(name)]
    sys.stdout.write("\n".join(_next(asked, settings, unset)) + "\n")
    return 0


def _accounts(asked: Asked, known: Catalogue) -> dict[str, dict[str, str]]:
    """Each provider with the fields that were given of it."""
    from monitor.config.readers import did_you_mean

    found: dict[str, dict[str, str]] = {}
    for name in asked.providers:
        if name not in known.providers:
            near = did_you_mean(name, list(known.providers)) or "; see `monitor providers`"
            raise Refusal(f"--provider: {name!r} is no provider{near}", USAGE)
        found[name] = {}
    for text in asked.fields:
        name, field, value = _field(text)
        if name not in found:
            raise Refusal(f"--set {text}: {name!r} is not among --provider", USAGE)
        _no_secret(known.providers[name], field, value)
        found[name][field] = value
    _complete(found, known)
    return found


def _field(text: str) -> tuple[str, str, str]:
    where, equals, value = text.partition("=")
    name, dot, field = where.partition(".")
    if not (equals and dot and name and field):
        raise Refusal(f"--set {text}: write PROVIDER.FIELD=VALUE", USAGE)
    return name, field, value


def _no_secret(spec: ProviderSpec, field: str, value: str) -> None:
    secrets = {"key", *(own.name for own in spec.fields if own.kind is FieldKind.SECRET)}
    if field in secrets and not value.startswith("${"):
        message = "a secret is not written into the file: name a variable, such as '${NAME}'"
        raise Refusal(f"--set {spec.name}.{field}: {message}", USAGE)


def _complete(found: Mapping[str, Mapping[str, str]], known: Catalogue) -> None:
    from monitor.config.starter import required

    for name, given in found.items():
        for field, words in required(known.providers[name]).items():
            if field not in given:
                message = f"{name} needs {field} ({words}): --set {name}.{field}=VALUE"
                raise Refusal(message, USAGE)


def _mail(asked: Asked) -> Mail | None:
    from monitor.config.addresses import split_listen
    from monitor.config.starter import Mail

    if not asked.emails:
        return None
    if not asked.smtp_host:
        raise Refusal("--email needs --smtp-host: the server that takes the mail", USAGE)
    both = split_listen(asked.smtp_host)
    host, port = both or (asked.smtp_host, asked.smtp_port)
    sender = asked.sender or f"monitor@{asked.emails[0].rpartition('@')[2] or 'localhost'}"
    return Mail(
        to=asked.emails,
        sender=sender,
        host=host,
        port=port,
        tls="implicit" if both and port == _IMPLICIT else asked.smtp_tls,
        username=asked.smtp_username or "",
    )


def _sound(asked: Asked, text: str, known: Catalogue) -> Settings:
    """What the file means with the variables there are; the others are empty for now."""
    from monitor.config import ConfigFaults
    from monitor.config.load import loads, variables

    file = str(asked.output)
    try:
        env = dict.fromkeys(variables(file, text), "") | dict(os.environ)
        return loads(file, text, known, env, need_secrets=False)
    except ConfigFaults as faults:
        lines = "\n".join(f"{f.path}: {f.message}" for f in faults.faults)
        raise Refusal(f"what was given does not make a config:\n{lines}", USAGE) from faults


def _free(asked: Asked) -> None:
    """Whether there is room for the file, before anything else is asked or done."""
    if str(asked.output) == "-":
        return
    if asked.output.is_dir():
        example = asked.output / "config.yaml"
        raise Refusal(f"{asked.output} is a directory: name a file, such as {example}", USAGE)
    if asked.force or not asked.output.exists():
        return
    if sys.stdin.isatty():
        import typer

        typer.confirm(f"{asked.output} exists: overwrite it?", abort=True, err=True)
        return
    raise Refusal(f"{asked.output} exists: --force overwrites it", USAGE)


def _write(place: Path, text: str) -> None:
    try:
        place.write_text(text, encoding="utf-8")
    except OSError as error:
        raise Refusal(f"--output {place}: {error.strerror}", BAD_INPUT) from error


def _next(asked: Asked, settings: Settings, unset: Sequence[str]) -> Iterator[str]:
    """What to do now, line by line."""
    begin = "monitor" if str(asked.output) == "config.yaml" else f"monitor --config {asked.output}"
    commands = {
        "check-config": "what is wrong, what is unwise, what it means",
        "--once": "ask every target once",
        **{f"test-receiver {r.name}": "send a real message" for r in settings.receivers},
        "": "run; the page is http://127.0.0.1:9877/",
    }
    yield from ("", "Next:", *(f"  export {name}=..." for name in unset))
    room = max(map(len, commands))
    yield from (f"  {begin} {words:<{room}}  # {what}" for words, what in commands.items())

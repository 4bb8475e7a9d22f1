"""The few questions of `monitor init`; asked on stderr, so that stdout holds results alone."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from dataclasses import replace

import typer

from monitor.cli import USAGE, Refusal
from monitor.cli.init import Asked
from monitor.config.readers import did_you_mean
from monitor.config.starter import key_variable, required
from monitor.core.model import Check
from monitor.core.spec import Catalogue


def answered(asked: Asked, known: Catalogue) -> Asked:
    """What was asked for, completed by whoever sits at the terminal."""
    if not sys.stdin.isatty():
        names = ", ".join(known.providers)
        raise Refusal(f"--provider: name what you use, one or several of: {names}", USAGE)
    providers = _providers(known)
    fields = tuple(f for name in providers for f in _fields(name, known))
    asked = replace(asked, providers=providers, fields=(*asked.fields, *fields))
    return asked if asked.emails else _mail(asked)


def _ask(words: str, default: str | None = None) -> str:
    found = typer.prompt(words, default=default, err=True, show_default=bool(default))
    return str(found).strip()


def _providers(known: Catalogue) -> tuple[str, ...]:
    typer.echo(f"There are: {', '.join(known.providers)}", err=True)
    while True:
        names = tuple(dict.fromkeys(_ask("Which providers do you use").replace(",", " ").split()))
        wrong = [n for n in names if n not in known.providers]
        if names and not wrong:
            return names
        for name in wrong:
            near = did_you_mean(name, list(known.providers))
            typer.echo(f"{name!r} is no provider{near}", err=True)


def _fields(name: str, known: Catalogue) -> Iterator[str]:
    """What the account cannot do without, and the models it is to be asked about."""
    spec = known.providers[name]
    typer.echo(f"{spec.title}: the key is taken from ${key_variable(name)}", err=True)
    for field, words in required(spec).items():
        yield f"{name}.{field}={_ask(f'{name}: {field} ({words})')}"
    if Check.MODEL in spec.checks:
        words = f"{name}: the models your product calls, in the order it tries them (none: Enter)"
        models = _ask(words, "").replace(",", " ").split()
        if models:
            yield f"{name}.models=[{', '.join(models)}]"


def _mail(asked: Asked) -> Asked:
    emails = tuple(_ask("Who is told by mail (nobody: Enter)", "").replace(",", " ").split())
    if not emails:
        return asked
    return replace(
        asked,
        emails=emails,
        smtp_host=asked.smtp_host or _ask("The mail server"),
        smtp_username=asked.smtp_username
        or _ask("Its user, with the password in $SMTP_PASSWORD (none: Enter)", ""),
    )

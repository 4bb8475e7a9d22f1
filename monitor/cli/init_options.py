"""The options of `monitor init`."""

# Annotations are values here, as in commands.py.

from pathlib import Path
from typing import Annotated

import typer

from monitor.cli import completion
from monitor.cli.choices import SmtpTls

_MAIL = "Mail"


def init(
    provider: Annotated[
        list[str] | None,
        typer.Option(
            "--provider",
            metavar="NAME",
            help="What you use; may be repeated. Without one you are asked.",
            autocompletion=completion.providers,
        ),
    ] = None,
    fields: Annotated[
        list[str] | None,
        typer.Option(
            "--set", metavar="PROVIDER.FIELD=VALUE", help="A field of its account, as YAML."
        ),
    ] = None,
    email: Annotated[
        list[str] | None,
        typer.Option(
            "--email",
            metavar="ADDRESS",
            help="Who is told; may be repeated.",
            rich_help_panel=_MAIL,
        ),
    ] = None,
    sender: Annotated[
        str | None,
        typer.Option("--from", help="Default: monitor@ their domain.", rich_help_panel=_MAIL),
    ] = None,
    smtp_host: Annotated[
        str | None, typer.Option(help="The server that takes the mail.", rich_help_panel=_MAIL)
    ] = None,
    smtp_port: Annotated[
        int, typer.Option(min=1, max=65535, help="Its port.", rich_help_panel=_MAIL)
    ] = 587,
    smtp_tls: Annotated[
        SmtpTls, typer.Option(help="How it is reached.", rich_help_panel=_MAIL)
    ] = SmtpTls.STARTTLS,
    smtp_username: Annotated[
        str | None,
        typer.Option(
            help="Its user; the password is taken from $SMTP_PASSWORD.", rich_help_panel=_MAIL
        ),
    ] = None,
    webhook: Annotated[
        bool, typer.Option("--webhook", help="Tell $OPS_WEBHOOK_URL as well.")
    ] = False,
    output: Annotated[Path, typer.Option(help="The file; `-` for stdout.")] = Path("config.yaml"),
    force: Annotated[bool, typer.Option("--force", help="Overwrite it if it exists.")] = False,
    no_check: Annotated[
        bool, typer.Option("--no-check", help="Do not try the keys; needs no network.")
    ] = False,
) -> int:
    """Write a commented first config, and try the keys that are set."""
    from monitor.cli.init import Asked, run

    return run(
        Asked(
            providers=tuple(dict.fromkeys(provider or ())),
            fields=tuple(fields or ()),
            emails=tuple(email or ()),
            sender=sender,
            smtp_host=smtp_host,
            smtp_port=smtp_port,
            smtp_tls=smtp_tls.value,
            smtp_username=smtp_username,
            webhook=webhook,
            output=output,
            force=force,
            check=not no_check,
        )
    )

"""The page: where it listens, and who may see it."""

from __future__ import annotations

from monitor.config.addresses import is_loopback
from monitor.config.blocks import WebBlock
from monitor.config.context import Context
from monitor.config.faults import PathTuple
from monitor.config.secrets import resolve_secret
from monitor.core.secret import Secret
from monitor.core.settings import WebSettings, WebTls

_LISTEN = ("127.0.0.1", 9877)
_FILE = "_file"


def read_web(context: Context, block: WebBlock) -> WebSettings:
    """The `web:` block, with what would show money to strangers as faults."""
    at: PathTuple = ("web",)
    config_file = str(context.path(block.config_file)) if block.config_file else None
    tls, hashed_users = _web_config(context, config_file)
    settings = WebSettings(
        listen=block.listen or _LISTEN,
        services_listen=block.services_listen,
        external_url=block.external_url,
        token=resolve_secret(context, (*at, "token"), given=block.token, file=block.token_file),
        users=_users(context, block),
        allow_unauthenticated=bool(block.allow_unauthenticated),
        config_file=config_file,
        tls=tls,
        hashed_users=hashed_users,
    )
    _check_exposure(context, settings)
    return settings


def _web_config(context: Context, file: str | None) -> tuple[WebTls | None, dict[str, Secret]]:
    if file is None:
        return None, {}
    from monitor.config.tls import read_web_config

    said = read_web_config(context, file)
    return said.tls, said.users


def _check_exposure(context: Context, settings: WebSettings) -> None:
    """Strangers see nothing unless that is said. A faulty `users` shows the intention."""
    users = bool(settings.users) or context.written(("web", "users"))
    wide = not is_loopback(settings.listen[0])
    if wide and not (users or settings.config_file or settings.allow_unauthenticated):
        context.fault(
            ("web", "listen"),
            "shows the page to the network: add web.users, or listen on 127.0.0.1, "
            "or say allow_unauthenticated: true",
        )
    known = users or settings.hashed_users or (settings.config_file and not context.need_secrets)
    if settings.external_url and not known and not settings.allow_unauthenticated:
        context.fault(("web", "external_url"), "requires web.users: the page shows money")
    if settings.services_listen == settings.listen and settings.listen[1]:
        context.fault(("web", "services_listen"), "is the same address as listen")


def _users(context: Context, block: WebBlock) -> dict[str, Secret]:
    given = dict(block.users or {})
    names = dict.fromkeys(name.removesuffix(_FILE) for name in given)
    return {name: _password(context, name, given) for name in names}


def _password(context: Context, name: str, given: dict[str, Secret]) -> Secret:
    at = ("web", "users", name)
    if not name or ":" in name or not name.isprintable():
        context.fault(at, "the name of a user has no colon", at_key=True)
    file = given.get(name + _FILE)
    path = file.reveal() if file else None
    return resolve_secret(context, at, given=given.get(name), file=path, required=True)

"""A first config as text: commented, without a secret in it, made from what providers declare."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass

import yaml

from monitor.core.model import Check
from monitor.core.spec import Catalogue, ProviderSpec


@dataclass(frozen=True, slots=True)
class Mail:
    """Whom a first config tells, and over which server."""

    to: tuple[str, ...]
    sender: str
    host: str
    port: int = 587
    tls: str = "starttls"
    username: str = ""


@dataclass(frozen=True, slots=True)
class Wanted:
    """What a first config is to hold: providers with what is known of their fields."""

    providers: Mapping[str, Mapping[str, str]]
    mail: Mail | None = None
    webhook: bool = False


def key_variable(name: str) -> str:
    """The environment variable that the example of a provider takes its key from."""
    return f"{name.upper()}_API_KEY"


def required(spec: ProviderSpec) -> dict[str, str]:
    """What an account cannot do without beside its key, and what each of it means."""
    urls = {name: "its address, such as https://..." for name, at in spec.urls.items() if not at}
    return urls | {own.name: own.help for own in spec.fields if own.required}


def account_lines(spec: ProviderSpec, given: Mapping[str, str] | None = None) -> list[str]:
    """An account's lines below its name; what is optional and not `given` is a comment."""
    lines = [f"key: ${{{key_variable(spec.name)}}}"]
    lines += spec.example.splitlines() if spec.example else list(_declared(spec))
    for name, value in (given or {}).items():
        lines = _with(lines, name, _scalar(value))
    return lines


def _declared(spec: ProviderSpec) -> Iterator[str]:
    for name in [name for name, origin in spec.urls.items() if not origin]:
        yield f"{name}: https://{spec.name}.example.com"
    for own in spec.fields:
        mark = "" if own.required else "# "
        yield f"{mark}{own.name}: {own.example or '…'}  # {own.help}"
    if {Check.MODEL, Check.INFERENCE} & spec.checks.keys():
        yield "models: [vendor/model]"


def _with(lines: list[str], name: str, value: str) -> list[str]:
    """The lines with `name` set, in its place where it has one."""
    place = re.compile(rf"(?:# )?{re.escape(name)}:.*?(  # .*)?")
    found = {n: m for n, line in enumerate(lines) if (m := place.fullmatch(line))}
    if not found:
        return [*lines, f"{name}: {value}"]
    first = min(found)
    return [*lines[:first], f"{name}: {value}{found[first][1] or ''}", *lines[first + 1 :]]


def _scalar(value: str) -> str:
    """A value as YAML on one line; what is a list or a mapping of YAML's stays one."""
    if re.fullmatch(r"\[.*\]|\{.*\}|\$\{[A-Za-z_][A-Za-z0-9_]*\}", value):
        return value
    text: str = yaml.safe_dump(value, width=10_000, allow_unicode=True, default_flow_style=True)
    return text.removesuffix("\n").removesuffix("\n...")


def starter(catalogue: Catalogue, wanted: Wanted) -> str:
    """The whole file."""
    parts = [_HEAD, "accounts:"]
    for name, given in wanted.providers.items():
        parts += _account(catalogue.providers[name], given)
    parts += ["", _SERVICES, _ALERTS, *_receivers(wanted), "", _TAIL]
    return "\n".join(parts) + "\n"


def _account(spec: ProviderSpec, given: Mapping[str, str]) -> Iterator[str]:
    yield f"  {spec.name}:  # {spec.title}, {spec.docs}"
    lines = account_lines(spec, given)
    if spec.key:
        yield f"    # The key: {spec.key}."
    if "models" not in given:
        lines = [line.replace("models: [", "# models: [") for line in lines]
    yield from (f"    {line}" for line in lines)
    if Check.BALANCE in spec.checks and not {"jobs", "usage"} & given.keys():
        yield from (f"    {line}" for line in _JOBS)


def _receivers(wanted: Wanted) -> Iterable[str]:
    if wanted.mail is None and not wanted.webhook:
        return _NOBODY.splitlines()
    lines = ["receivers:  # who is told; try one with `monitor test-receiver NAME`"]
    if wanted.mail is not None:
        lines += _mail(wanted.mail)
    if wanted.webhook:
        lines += _WEBHOOK.splitlines()
    return lines


def _mail(mail: Mail) -> Iterator[str]:
    smtp = {"host": _quoted(mail.host), "port": str(mail.port), "tls": mail.tls}
    if mail.username:
        smtp |= {"username": _quoted(mail.username), "password": '"${SMTP_PASSWORD}"'}
    yield "  mail:"
    yield "    email:"
    yield f"      to: [{', '.join(map(_quoted, mail.to))}]"
    yield f"      from: {_scalar(mail.sender)}"
    yield f"      smtp: {{{', '.join(f'{k}: {v}' for k, v in smtp.items())}}}"
    yield "    # severities: [warning, critical]  # by default info as well"
    yield "    # remind_every: 4h"


def _quoted(text: str) -> str:
    """Within a list or a mapping on one line, where a comma would end a plain value."""
    plain = _scalar(text)
    if re.fullmatch(r"[A-Za-z0-9.@_+-]+", plain):
        return plain
    return "'" + text.replace("'", "''") + "'"


_HEAD = """\
# yaml-language-server: $schema=./monitor.schema.json
#
# What monitor watches, and whom it tells. An editor checks this file while you type, once
# `monitor schema > monitor.schema.json` has been written beside it.
# ${NAME} is an environment variable: no key stands in this file. Each of them may be a file as
# well: `key_file: PATH` instead of `key:`.
# `monitor check-config` says what is wrong and what is unwise, `monitor --once` tries all of it.

defaults: {interval: 5m, timeout: 15s}
"""
_JOBS = (
    "# jobs: {video-10s: 25, video-15s: 30}  # credits for each: says how many jobs are left",
    "# usage: {video-15s: 40/day}  # what you plan; carries the forecast until there is history",
    "# floor: 30  # the balance at which the account is of no use any more",
)
_SERVICES = """\
# services:  # what customers see, at /services
#   image-generation: {any: ["huggingface/model/*"], tell_customers: "Images take longer today."}
"""
_ALERTS = """\
# The built-in rules are in force: keys that are refused, models that are gone, credits that end
# within a day, and more. What you want to know beside them:
# alerts:
#   - {name: credits-low, on: "*/balance", when: balance < 10000, severity: warning}
"""
_NOBODY = """\
# Nobody is told yet:
# receivers:
#   mail:
#     email:
#       to: [oncall@example.com]
#       from: monitor@example.com
#       smtp: {host: smtp.example.com, username: monitor, password: "${SMTP_PASSWORD}"}
#   hook:
#     webhook: {url: "${OPS_WEBHOOK_URL}", secret: "${OPS_WEBHOOK_SECRET}"}"""
_WEBHOOK = """\
  hook:  # Alertmanager's webhook format, signed with the secret
    webhook: {url: "${OPS_WEBHOOK_URL}", secret: "${OPS_WEBHOOK_SECRET}"}"""
_TAIL = """\
web: {listen: 127.0.0.1:9877}  # the page, /metrics and the API; a wider address needs `users`
database: monitor.db  # relative to $STATE_DIRECTORY, else to this file"""

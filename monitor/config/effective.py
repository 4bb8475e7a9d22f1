"""Settings back to YAML: what is in force, with secrets masked. It loads to the same settings."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from decimal import Decimal

import yaml

from monitor.config.declared import check_key
from monitor.config.quotas import dumped
from monitor.core.builtin import BUILTIN, NOTICES
from monitor.core.causes import Severity
from monitor.core.durations import format_duration
from monitor.core.flapping import Damping
from monitor.core.maintenance import Window
from monitor.core.model import Check
from monitor.core.rules import CauseIn, Compare, Condition, Rule
from monitor.core.secret import Secret
from monitor.core.settings import (
    Account,
    HeartbeatSettings,
    HistorySettings,
    Interval,
    PrometheusSettings,
    ReceiverSettings,
    Service,
    Settings,
    WebSettings,
)
from monitor.core.spec import Catalogue, Field, FieldKind, ProviderSpec

Dump = dict[str, object]


def effective_text(settings: Settings, catalogue: Catalogue) -> str:
    """The whole config as YAML, and the built-in rules in force as a comment."""
    found: Dump = {
        "accounts": {a.name: _account(a, catalogue) for a in settings.accounts},
        "services": {s.name: _service(s) for s in settings.services},
        "alerts": _alerts(settings.rules),
        "flapping": _flapping(settings.flapping),
        "receivers": {r.name: _receiver(r, catalogue) for r in settings.receivers},
        "maintenance": [_window(window) for window in settings.maintenance],
        "web": _web(settings.web),
        "database": settings.database,
        "lease": _duration(settings.lease),
        "heartbeat": _heartbeat(settings.heartbeat),
        "history": _history(settings.history),
        "canary": settings.canary_url,
        "timezone": str(settings.timezone),
        "prometheus": _prometheus(settings.prometheus),
    }
    text: str = yaml.safe_dump(_present(found), sort_keys=False, allow_unicode=True, width=99)
    builtin = ", ".join(rule.name for rule in settings.rules if rule.builtin)
    return f"{text}# built-in rules in force: {builtin or 'none'}\n"


def _present(found: Mapping[str, object]) -> Dump:
    """Without what is not set. Numbers stay, zero as well."""
    return {k: v for k, v in found.items() if v is not None and v not in ("", [], {})}


def _account(account: Account, catalogue: Catalogue) -> Dump:
    spec = catalogue.providers[account.provider]
    asked = dict.fromkeys(t.target.check for t in account.targets if t.asked)
    has_balance = Check.BALANCE in spec.checks
    found: Dump = {
        "provider": account.provider,
        "key": _mask(account.key),
        **account.urls,
        "was": account.was,
        "needs": sorted(account.needs),
        "calls": None if account.calls is None else f"{account.calls}/day",
        "models": list(account.models),
        "jobs": {job: _job(account, job) for job in account.jobs},
        "usage": {job: _rate(rate) for job, rate in account.usage.items()},
        "floor": _number(account.floor) if has_balance else None,
        **_declared(spec.fields, account.fields),
        "quotas": [dumped(quota) for quota in account.quotas],
        "checks": [check.value for check in asked],
        **_schedules(account, spec, asked),
    }
    return _present(found)


def _job(account: Account, job: str) -> object:
    price, title = _number(account.jobs[job]), account.job_titles.get(job)
    return price if title is None else {"price": price, "title": title}


def _schedules(account: Account, spec: ProviderSpec, asked: Iterable[Check]) -> Dump:
    """Each check's own block; the account's own keys where a field has the block's name."""
    own = {f.name for f in spec.fields}
    found: Dump = {}
    for check in asked:
        schedule = _schedule(account, check)
        found |= schedule if check_key(check) in own else {check_key(check): schedule}
    return found


def _schedule(account: Account, check: Check) -> Dump:
    settings = next(t for t in account.targets if t.target.check is check)
    return {
        "interval": _interval(settings.interval),
        "timeout": format_duration(settings.timeout),
    }


def _interval(interval: Interval) -> str:
    shortest, longest = format_duration(interval.shortest), format_duration(interval.longest)
    return shortest if shortest == longest else f"{shortest}..{longest}"


def _number(value: Decimal) -> int | float:
    return int(value) if value == value.to_integral_value() else float(value)


def _rate(per_day: Decimal) -> str:
    a_week = round(per_day * 7, 12)
    if per_day != round(per_day, 12) and a_week == a_week.to_integral_value():
        return f"{int(a_week)}/week"
    return f"{_number(per_day)}/day"


def _mask(secret: Secret) -> str | None:
    return str(secret) if secret else None


def _service(service: Service) -> Dump:
    return _present(
        {
            "needs": list(service.needs),
            "any": list(service.any_of),
            "tell_customers": service.tell_customers,
        }
    )


def _alerts(rules: Iterable[Rule]) -> list[Dump]:
    """The user's rules, the built-in ones switched off, and the notices that are not as built."""
    rules = tuple(rules)
    names = {rule.name for rule in rules}
    off: list[Dump] = [{"name": r.name, "enabled": False} for r in BUILTIN if r.name not in names]
    return off + [_alert(r) for r in rules if not r.builtin] + [_notice(r) for r in _routed(rules)]


def _routed(rules: Iterable[Rule]) -> list[Rule]:
    """Notices that are in force otherwise than by themselves."""
    return [r for r in rules if r.builtin and r.name in NOTICES and r not in BUILTIN]


def _notice(rule: Rule) -> Dump:
    return {
        "name": rule.name,
        "on": rule.on,
        "severity": rule.severity.value,
        "enabled": True,
    }


def _alert(rule: Rule) -> Dump:
    return _present(
        {
            "name": rule.name,
            "on": rule.on,
            "when": _condition(rule.when),
            "clear": _condition(rule.clear) if rule.clear else None,
            "for": format_duration(rule.for_seconds),
            "keep_firing_for": format_duration(rule.keep_firing_for),
            "after": rule.after,
            "clear_after": rule.clear_after,
            "severity": rule.severity.value,
        }
    )


def _condition(condition: Condition) -> str:
    """A condition as a user writes it: users have no others than these."""
    if isinstance(condition, CauseIn):
        return f"cause in [{', '.join(sorted(condition.causes))}]"
    if not isinstance(condition, Compare):
        return "unavailable"
    argument = f"({condition.argument})" if condition.argument else ""
    return f"{condition.measure}{argument} {condition.op} {condition.text}"


def _receiver(receiver: ReceiverSettings, catalogue: Catalogue) -> Dump:
    fields = catalogue.channels[receiver.channel].fields
    severities = [s.value for s in Severity if s in receiver.severities]
    every = len(severities) == len(Severity)
    dump = _present(
        {
            receiver.channel: _declared(fields, receiver.options),
            "severities": None if every else severities,
            "on": list(receiver.on) if receiver.on != ("*",) else None,
            "remind_every": _interval(receiver.remind_every) if receiver.remind_every else None,
            "follow_up": _duration(receiver.follow_up),
            "escalate_after": _duration(receiver.escalate_after),
            "fallback": receiver.fallback,
            "was": receiver.was,
            **_times(receiver),
        }
    )
    return dump if receiver.severities else dump | {"severities": []}


def _times(receiver: ReceiverSettings) -> Dump:
    hours, quiet, digest = receiver.hours, receiver.quiet_hours, receiver.digest
    zones = [times.zone for times in (hours, quiet, digest) if times is not None]
    return {
        "hours": [s.text for s in hours.stretches] if hours else None,
        "quiet_hours": [s.text for s in quiet.stretches] if quiet else None,
        "digest": [m.text for m in digest.moments] if digest else None,
        "timezone": str(zones[0]) if zones else None,
    }


def _window(window: Window) -> Dump:
    begin, end = window.once or (None, None)
    return _present(
        {
            "name": window.name,
            "targets": list(window.targets),
            "alert": window.alert,
            "every": [m.text for m in window.every.moments] if window.every else None,
            "for": format_duration(window.lasts) if window.every else None,
            "from": begin.astimezone(window.zone).isoformat() if begin else None,
            "until": end.astimezone(window.zone).isoformat() if end else None,
            "timezone": str(window.zone),
        }
    )


def _duration(seconds: object) -> str | None:
    return format_duration(seconds) if isinstance(seconds, float) else None


def _declared(fields: Iterable[Field], values: Mapping[str, object]) -> Dump:
    return _present({f.name: _value(f, values.get(f.name)) for f in fields})


def _value(declared: Field, value: object) -> object:
    if isinstance(value, Secret):
        return _mask(value)
    if declared.kind in (FieldKind.TABLES, FieldKind.RELAYS) and isinstance(value, tuple):
        several = [_declared(declared.fields, one) for one in value]
        return several[0] if declared.kind is FieldKind.RELAYS and len(several) == 1 else several
    if isinstance(value, Mapping):
        if declared.kind is FieldKind.MAP:
            return {str(k): str(v) for k, v in value.items()}
        return _declared(declared.fields, value)
    if declared.kind is FieldKind.DURATION:
        return _duration(value)
    if isinstance(value, Decimal):
        return _number(value)
    return list(value) if isinstance(value, tuple) else value


def _web(web: WebSettings) -> Dump:
    return _present(
        {
            "listen": _address(web.listen),
            "services_listen": _address(web.services_listen) if web.services_listen else None,
            "external_url": web.external_url,
            "token": _mask(web.token),
            "users": {name: str(password) for name, password in web.users.items()},
            "config_file": web.config_file,
            "allow_unauthenticated": web.allow_unauthenticated or None,
        }
    )


def _flapping(damping: Damping | None) -> Dump:
    if damping is None:
        return {"enabled": False}
    return {"more_than": damping.more_than, "within": format_duration(damping.within)}


def _heartbeat(switch: HeartbeatSettings | None) -> Dump | None:
    if switch is None:
        return None
    times = {"interval": _duration(switch.interval), "timeout": _duration(switch.timeout)}
    return {"url": _mask(switch.url), **times}


def _history(history: HistorySettings) -> Dump:
    return {"samples": _duration(history.samples), "hours": _duration(history.hours)}


def _prometheus(server: PrometheusSettings | None) -> Dump | None:
    return None if server is None else _present({"url": server.url, "token": _mask(server.token)})


def _address(listen: tuple[str, int]) -> str:
    host, port = listen
    return f"[{host}]:{port}" if ":" in host else f"{host}:{port}"

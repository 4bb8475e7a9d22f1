"""What is legal in a config and yet unwise. Each is said with its place; none stops anything."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

from monitor.config.context import Context
from monitor.config.declared import check_key
from monitor.config.faults import PathTuple
from monitor.config.mail_doubts import doubt_mail
from monitor.config.references import Targets
from monitor.config.rule_doubts import doubt_rules, shortest_runway
from monitor.core.causes import Severity
from monitor.core.database_file import MAGIC, is_database, may_be_set_aside
from monitor.core.durations import format_duration
from monitor.core.globs import matches
from monitor.core.model import Check
from monitor.core.settings import Account, ReceiverSettings, Settings, TargetSettings


def note_doubts(context: Context, settings: Settings, targets: Targets) -> None:
    """Note everything odd in a config without faults."""
    for account in settings.accounts:
        _keyless(context, account)
        for target in account.targets:
            _often(context, account, target)
            _seldom(context, settings, target)
        _low_floor(context, account)
    _services(context, targets)
    _database(context, Path(settings.database))
    doubt_rules(context, settings, targets)
    _receivers(context, settings, targets)


def _keyless(context: Context, account: Account) -> None:
    """Nothing is asked, nothing is told: as it is meant, or because a variable came empty."""
    at: PathTuple = ("accounts", account.name)
    if account.configured or not any(t.asked for t in account.targets):
        return
    place = (*at, "key") if context.written((*at, "key")) else at
    context.doubt(place, "there is no key: nothing is asked with it, and nobody is told of it; "
                         "`enabled: false` says that this is meant")  # fmt: skip


def _often(context: Context, account: Account, target: TargetSettings) -> None:
    """Only a check's own block may go below what the provider wants, at its own risk."""
    check = target.target.check
    spec = context.catalogue.providers[account.provider]
    declared = spec.checks.get(check)
    least = (declared.minimum if declared else None) or 0.0
    if target.asked and target.interval.shortest < least:
        asked, wanted = format_duration(target.interval.shortest), format_duration(least)
        message = f"every {asked} is more often than the {wanted} that {spec.title} bears"
        at = ("accounts", account.name, check_key(check), "interval")
        context.doubt(at, f"{message}: it may refuse all of the account")


def _seldom(context: Context, settings: Settings, target: TargetSettings) -> None:
    """A balance that is read less often than a rule about its runway needs."""
    found = None
    if target.target.check is Check.BALANCE:
        found = shortest_runway(settings, target.target.name)
    if found is None or target.interval.shortest <= found[1]:
        return
    rule, seconds = found
    message = (
        f"a balance that is read every {format_duration(target.interval.shortest)} can be gone "
        f"before {rule.name} sees a runway under {format_duration(seconds)}"
    )
    context.doubt(_interval_of(context, target), message)


def _interval_of(context: Context, target: TargetSettings) -> PathTuple:
    """Where a target's interval was written."""
    at = ("accounts", target.target.account)
    places: tuple[PathTuple, ...] = (
        (*at, check_key(target.target.check), "interval"),
        (*at, "interval"),
        ("defaults", "interval"),
    )
    return next((place for place in places if context.written(place)), at)


def _low_floor(context: Context, account: Account) -> None:
    """Enough for the floor and not for one job: nobody is told, and nothing works."""
    at = ("accounts", account.name, "floor")
    dearest = max((account.jobs[job] for job in account.usage), default=account.floor)
    if context.written(at) and account.floor < dearest:
        message = (
            f"is under {dearest:f}, the price of the dearest job in `usage`: between the two that "
            "job is refused, and nobody is told"
        )
        context.doubt(at, message)


def _services(context: Context, targets: Targets) -> None:
    written = context.document.get("services")
    for name in written if isinstance(written, dict) else ():
        for key in ("needs", "any"):
            for at, pattern in context.texts("services", name, key):
                if not any(matches(pattern, target) for target in targets.active):
                    message = (
                        "is of an account that is disabled: nobody probes it, and the service"
                    )
                    context.doubt(at, f"{message} is shown without it")


def _database(context: Context, path: Path) -> None:
    """What stands where the database is to be. A daemon alerts all the same, from memory."""
    try:
        if not path.parent.is_dir():
            context.doubt(
                ("database",), f"is to be in {path.parent}, which is no directory: make it"
            )
        elif path.is_dir():
            message = f"is a directory: name a file in it, such as {path.name}/monitor.db"
            context.doubt(("database",), message)
        elif path.is_file():
            with path.open("rb") as stream:
                head = stream.read(len(MAGIC))
            if not is_database(head):
                aside = may_be_set_aside(path.suffix, head)
                context.doubt(("database",), f"names a file that is no database: {_FATE[aside]}")
    except OSError:
        return  # the daemon says why it cannot be used


_FATE = {
    True: "the daemon sets it aside, as NAME.corrupt-TIME, and begins a new one; if it is yours,"
    " name another",
    False: "it is left as it is, and the daemon remembers nothing from one start to the next; name"
    " another",
}


def _receivers(context: Context, settings: Settings, targets: Targets) -> None:
    receivers = settings.receivers
    if not receivers:
        message = "there are none: nobody is told of anything, there are only metrics and the page"
        context.doubt(("receivers",), message)
        return
    names = (*targets.active, *targets.derived)
    fallbacks = {r.fallback for r in receivers}
    for receiver in receivers:
        at: PathTuple = ("receivers", receiver.name)
        reads = receiver.name in fallbacks or receiver.digest is not None
        if not reads and not _hears(receiver, settings, names):
            context.doubt(at, "no rule of a severity it takes is about a target it takes: it "
                              "never hears anything")  # fmt: skip
        _reminded(context, receiver, settings)
        doubt_mail(context, receiver)
    if all(r.escalate_after is not None for r in receivers):
        at = ("receivers", receivers[0].name, "escalate_after")
        context.doubt(at, "every receiver waits: nobody hears of an incident when it opens")


def _hears(receiver: ReceiverSettings, settings: Settings, names: Iterable[str]) -> bool:
    heard = [n for n in names if any(matches(glob, n) for glob in receiver.on)]
    return any(
        receiver.severities & _severities(rule.name, rule.severity)
        and any(matches(rule.on, name) for name in heard)
        for rule in settings.rules
    )


def _severities(name: str, severity: Severity) -> set[Severity]:
    """Of a key that has changed for the better info is told."""
    return {severity, Severity.INFO} if name == "key-changed" else {severity}


def _reminded(context: Context, receiver: ReceiverSettings, settings: Settings) -> None:
    shortest = min(
        (
            t.interval.shortest
            for t in settings.targets
            if any(matches(glob, t.target.name) for glob in receiver.on)
        ),
        default=0.0,
    )
    every = receiver.remind_every
    if every is not None and every.shortest < shortest:
        message = (
            f"reminds every {format_duration(every.shortest)} of what is looked at every "
            f"{format_duration(shortest)}: nothing new can be said"
        )
        context.doubt(("receivers", receiver.name, "remind_every"), message)

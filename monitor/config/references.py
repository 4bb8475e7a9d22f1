"""What names targets: services, alerts and receivers, resolved against those there are."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from monitor.config.accounts import Read
from monitor.config.context import Context
from monitor.config.faults import PathTuple
from monitor.config.readers import nearest
from monitor.core.globs import matches
from monitor.core.model import (
    NETWORK_TARGET,
    STORE_TARGET,
    Check,
    key_target,
    models_target,
    provider_target,
    receiver_target,
)
from monitor.core.settings import Account, TargetSettings


@dataclass(frozen=True, slots=True)
class Targets:
    """Every target there is, and every one there would be."""

    active: tuple[str, ...]  # in the config's order
    derived: tuple[str, ...]
    dormant: frozenset[str]  # of disabled accounts: may be named, match nothing
    broken: frozenset[str]  # accounts whose targets are not known: what names them is not judged
    checks: dict[str, Check]
    accounts: dict[str, Account]  # by the target's name, derived ones of accounts as well

    def resolve(
        self, context: Context, at: PathTuple, pattern: str, *, derived: bool = True
    ) -> tuple[str, ...]:
        """The targets a name or a glob stands for; a fault where it can stand for none."""
        names = self.active + (self.derived if derived else ())
        found = tuple(name for name in names if matches(pattern, name))
        if not found and not self._excused(pattern):
            self._fault(context, at, pattern, names)
        return found

    def _excused(self, pattern: str) -> bool:
        if any(matches(pattern, name) for name in self.dormant):
            return True
        if "*" in pattern or "?" in pattern:
            return bool(self.broken)
        return any(pattern.startswith(f"{name}/") for name in self.broken)

    def _fault(
        self, context: Context, at: PathTuple, pattern: str, names: tuple[str, ...]
    ) -> None:
        shown = context.document.shown(*at)
        near = nearest(pattern, names)
        what = "matches no target" if "*" in pattern or "?" in pattern else "is no target"
        few = f"; there are {', '.join(names[:6])}{', …' if len(names) > 6 else ''}"
        context.fault(at, f"{shown} {what}" + (f", did you mean {near}?" if near else few))


def targets_of(accounts: Iterable[Read], receivers: Iterable[str] = ()) -> Targets:
    """What the accounts make of targets, and what there is to say of ourselves."""
    every = tuple(accounts)
    active = [r.account for r in every if r.account and r.enabled]
    dormant = [r.account for r in every if r.account and not r.enabled]
    derived = (*_derived(active), *(receiver_target(name) for name in receivers))
    of_accounts = {t: a for a in active for t in (*_names(a), *_derived_of(a))}
    return Targets(
        active=tuple(name for a in active for name in _names(a)),
        derived=derived,
        dormant=frozenset(n for a in dormant for n in _names(a)) | frozenset(_derived(dormant)),
        broken=frozenset(r.name for r in every if r.broken),
        checks={t.target.name: t.target.check for a in active for t in a.targets},
        accounts=of_accounts,
    )


def _names(account: Account) -> tuple[str, ...]:
    return tuple(_name(t) for t in account.targets)


def _name(settings: TargetSettings) -> str:
    return settings.target.name


def _derived_of(account: Account) -> tuple[str, ...]:
    models = (models_target(account.name),) if account.models else ()
    return (key_target(account.name), *models)


def _derived(accounts: list[Account]) -> tuple[str, ...]:
    own = [name for a in accounts for name in (*_derived_of(a), provider_target(a.provider))]
    asked = {name for a in accounts for name in _names(a)}
    found = dict.fromkeys([*own, NETWORK_TARGET, STORE_TARGET])
    return tuple(name for name in found if name not in asked)

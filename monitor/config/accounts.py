"""Accounts: credentials, their targets and schedules."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from decimal import Decimal

from monitor.config.addresses import host_of, is_loopback
from monitor.config.blocks import (
    AccountBlock,
    BalanceBlock,
    Block,
    CheckBlock,
    DefaultsBlock,
    JobBlock,
    ModelsBlock,
)
from monitor.config.context import Context
from monitor.config.credentials import key_files, read_key
from monitor.config.declared import account_block, check_key, values_of
from monitor.config.document import Scalar, Tree
from monitor.config.faults import PathTuple
from monitor.config.quotas import read_quotas, with_quota
from monitor.config.readers import did_you_mean
from monitor.config.renamed import check_was
from monitor.config.validate import checked
from monitor.core.model import Check, Target
from monitor.core.settings import Account, Interval, TargetSettings
from monitor.core.spec import CheckSpec, ProviderSpec

NAME = re.compile(r"[a-z0-9._-]+")
_JOB = re.compile(r"[^\s()=,]+")
_INTERVAL = Interval(300.0, 300.0)
_TIMEOUT = 15.0
# What targets are made of.
_SHAPING = frozenset({"provider", "models", "checks", "enabled", "quotas"})


@dataclass(frozen=True, slots=True)
class Read:
    """An account as far as it could be read."""

    name: str
    account: Account | None  # None where its provider is not known
    enabled: bool = True
    broken: bool = False  # its targets are not known for certain: what names them is not judged


def read_accounts(
    context: Context, trees: dict[str, Tree], defaults: DefaultsBlock
) -> tuple[Read, ...]:
    """Every account under `accounts:`, in order."""
    found = tuple(_read(context, name, tree, defaults) for name, tree in trees.items())
    was = {r.account.name: r.account.was for r in found if r.account}
    check_was(context, "accounts", was, known=was, names=NAME)
    if not any(r.enabled for r in found) and found:
        context.fault(("accounts",), "no account is enabled: there is nothing to watch")
    return found


def _read(context: Context, name: str, tree: Tree, defaults: DefaultsBlock) -> Read:
    at: PathTuple = ("accounts", name)
    if not NAME.fullmatch(name):
        context.fault(at, "the name of an account is [a-z0-9._-]+", at_key=True)
    elif name == "monitor":
        context.fault(at, "this name is taken by the monitor itself", at_key=True)
    here: Tree = {} if context.nothing(*at) else tree
    spec = _spec(context, at, here)
    if spec is None:
        return Read(name, None, broken=True)
    found = checked(context.document, account_block(spec), here, at)
    account = _account(context, at, spec, found.block, defaults)
    shaping = _SHAPING | {check.field for check in spec.checks.values()}
    broken = bool(shaping & found.bad) or not isinstance(here, dict)
    if not account.targets and not broken and found.block.checks is None:
        context.fault(at, f"there is nothing to watch: {_missing(spec)}", at_key=True)
    if not found.bad:  # what fields say together is judged where each is sound
        for path, message in spec.faults(account.fields):
            context.fault((*at, *path), message)
    return Read(name, account, found.block.enabled is not False, broken)


def _missing(spec: ProviderSpec) -> str:
    """What an account without a target lacks."""
    fields = [check.field for check in spec.checks.values()]
    return f"write {' or '.join(fields)}" if all(fields) else "list models or checks"


def _spec(context: Context, at: PathTuple, tree: Tree) -> ProviderSpec | None:
    """The provider of an account; a fault where there is none of that name."""
    known = context.catalogue.providers
    written = isinstance(tree, dict) and "provider" in tree
    name: str | None = str(at[-1])
    if isinstance(tree, dict) and "provider" in tree:
        given = checked(context.document, AccountBlock, {"provider": tree["provider"]}, at)
        name = given.block.provider
    if name is None:
        return None
    if name not in known:
        _unknown_provider(context, at, name, written=written)
    return known.get(name)


def _unknown_provider(context: Context, at: PathTuple, name: str, *, written: bool) -> None:
    near = did_you_mean(name, list(context.catalogue.providers))
    names = "" if near else f"; known are {', '.join(context.catalogue.providers)}"
    if written:
        shown = context.document.shown(*at, "provider")
        context.fault((*at, "provider"), f"{shown} is no provider{near}{names}")
        return
    hint = near or f"; name one with `provider:`{names}"
    context.fault(at, f"no provider has the name of this account{hint}", at_key=True)


def _account(
    context: Context,
    at: PathTuple,
    spec: ProviderSpec,
    block: AccountBlock,
    defaults: DefaultsBlock,
) -> Account:
    jobs, usage, floor = _money(context, at, block)
    models = _models(block)
    quotas = read_quotas(context, at, block)
    targets = _targets(context, at, spec, block, models, defaults)
    key = read_key(context, at, spec, given=block.key, file=block.key_file)
    return Account(
        name=str(at[-1]),
        provider=spec.name,
        key=key,
        targets=with_quota(str(at[-1]), spec.name, targets, quotas),
        urls=_urls(context, at, spec, block),
        needs=frozenset(block.needs or ()),
        models=models,
        jobs=jobs,
        job_titles=_titles(block),
        usage=usage,
        floor=floor,
        was=block.was,
        quotas=quotas,
        fields=values_of(context, at, spec.fields, block),
        key_files=key_files(context, spec, block),
        calls=block.calls,
    )


def _models(block: Block) -> tuple[str, ...]:
    return tuple(block.models or ()) if isinstance(block, ModelsBlock) else ()


def _urls(
    context: Context, at: PathTuple, spec: ProviderSpec, block: AccountBlock
) -> dict[str, str]:
    """The addresses as set. Over http:// a key would be readable on its way."""
    found = {name: getattr(block, f"url_{name}") for name in spec.urls}
    for name, url in found.items():
        if url and url.startswith("http://") and not is_loopback(host_of(url)):
            message = (
                "http:// would send the key in the clear: use https://, or a loopback address"
            )
            context.fault((*at, name), message)
    for name in [name for name, origin in spec.urls.items() if not origin]:
        _check_own_address(context, (*at, name), found[name])
    return {name: url for name, url in found.items() if url}


def _check_own_address(context: Context, at: PathTuple, url: str | None) -> None:
    """An address that only the config knows: it has to be there, and is shown to people."""
    if url is None:
        context.missing(at[:-1], str(at[-1]))
        return
    written = context.document.get(*at)
    if isinstance(written, Scalar) and written.variables and "?" in url:
        context.fault(at, "is shown in the clear, and what a variable puts behind its ? may be "
                          "a credential: carry it in a header")  # fmt: skip


Money = tuple[dict[str, Decimal], dict[str, Decimal], Decimal]


def _money(context: Context, at: PathTuple, block: Block) -> Money:
    if not isinstance(block, BalanceBlock):
        return {}, {}, Decimal(0)
    jobs, usage = _prices(context, (*at, "jobs"), block.jobs or {}), dict(block.usage or {})
    priced = _written_keys(context, (*at, "jobs"))
    for job in [job for job in _written_keys(context, (*at, "usage")) if job not in priced]:
        message = f"has no price in jobs{did_you_mean(job, priced)}"
        context.fault((*at, "usage", job), message, at_key=True)
    usage = {job: rate for job, rate in usage.items() if job in jobs}
    dearest = max((jobs[job] for job in usage), default=Decimal(0))
    return jobs, usage, dearest if block.floor is None else block.floor


def _titles(block: Block) -> dict[str, str]:
    jobs = block.jobs or {} if isinstance(block, BalanceBlock) else {}
    return {name: job.title for name, job in jobs.items() if job.title}


def _prices(context: Context, at: PathTuple, blocks: Mapping[str, JobBlock]) -> dict[str, Decimal]:
    for job, block in blocks.items():
        if not _JOB.fullmatch(job):
            message = "the name of a job has no spaces, brackets, commas or equals signs"
            context.fault((*at, job), message, at_key=True)
        elif block.price is None and not context.written((*at, job, "price")):
            context.missing((*at, job), "price", "is missing: credits per job")
    return {job: block.price for job, block in blocks.items() if block.price is not None}


def _written_keys(context: Context, at: PathTuple) -> list[str]:
    tree = context.document.get(*at)
    return list(tree) if isinstance(tree, dict) else []


def _targets(
    context: Context,
    at: PathTuple,
    spec: ProviderSpec,
    block: AccountBlock,
    models: tuple[str, ...],
    defaults: DefaultsBlock,
) -> tuple[TargetSettings, ...]:
    found = []
    for check in _asked(context, at, spec, block):
        own = getattr(block, f"check_{check.value}", None) or CheckBlock.absent()
        interval = _interval(own, block, spec.checks[check], defaults)
        timeout = own.timeout or block.timeout or defaults.timeout or _TIMEOUT
        for subject in _subjects(context, at, check, models, asked=block.checks is not None):
            target = Target(str(at[-1]), spec.name, check, subject)
            found.append(TargetSettings(target, interval, timeout))
    return tuple(found)


def _asked(
    context: Context, at: PathTuple, spec: ProviderSpec, block: AccountBlock
) -> Iterable[Check]:
    """The checks an account is asked, in the order of `Check`: a check's own block asks for it."""
    blocks = {c for c in spec.checks if getattr(block, f"check_{c.value}", None)}
    if block.checks is None:
        return [c for c in Check if c in blocks or _by_itself(context, at, spec, c)]
    for check in sorted(blocks):
        if check.value not in block.checks:
            message = f"has no effect: checks does not name {check.value}"
            context.fault((*at, check_key(check)), message, at_key=True)
    return [c for c in Check if c.value in block.checks]


def _by_itself(context: Context, at: PathTuple, spec: ProviderSpec, check: Check) -> bool:
    """Whether a check is asked without being named: one with a field where that is written.

    The others go with `key`, and without it are asked only where there is nothing else to ask.
    """
    declared = spec.checks.get(check)
    if declared is None or not declared.default:
        return False
    if declared.field:
        return _is_set(context, at, declared.field)
    others = (c.field for c in spec.checks.values() if c.field)
    return _is_set(context, at, "key") or not any(_is_set(context, at, f) for f in others)


def _is_set(context: Context, at: PathTuple, name: str) -> bool:
    return context.written((*at, name), (*at, f"{name}_file"))


def _subjects(
    context: Context, at: PathTuple, check: Check, models: tuple[str, ...], *, asked: bool
) -> tuple[str | None, ...]:
    if check not in (Check.MODEL, Check.INFERENCE):
        return (None,)
    if not models and (asked or check is Check.INFERENCE):
        context.missing(at, "models", "is missing: checks asks about each of them")
    return models


def _interval(
    own: CheckBlock, block: AccountBlock, declared: CheckSpec, defaults: DefaultsBlock
) -> Interval:
    """The check's own block as it is; anything else is raised to the declared minimum."""
    if own.interval:
        return own.interval
    seconds, least = declared.interval, declared.minimum or 0.0
    wanted = Interval(seconds, seconds) if seconds else defaults.interval or _INTERVAL
    wanted = block.interval or wanted
    return Interval(max(wanted.shortest, least), max(wanted.longest, least))

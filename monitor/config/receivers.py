"""Receivers: who is told, and how they are reached."""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import UTC, tzinfo

from monitor.config.addresses import check_url
from monitor.config.blocks import Block, ReceiverBlock
from monitor.config.context import Context
from monitor.config.declared import receiver_block, values_of
from monitor.config.document import Tree
from monitor.config.faults import PathTuple
from monitor.config.flapping import REMEMBERED, WHY
from monitor.config.readers import did_you_mean
from monitor.config.references import Targets
from monitor.config.renamed import check_was
from monitor.config.times import check_times, times_of
from monitor.config.validate import checked, known_keys
from monitor.core.causes import Severity
from monitor.core.secret import Secret
from monitor.core.settings import ReceiverSettings
from monitor.core.spec import ChannelSpec, FieldKind

NAME = re.compile(r"[A-Za-z0-9._-]+")
_MAILBOX = re.compile(r"(?:.*<)?[^@\s<>,;]+@[^@\s<>,;]+>?")


def read_receivers(
    context: Context, trees: dict[str, Tree], targets: Targets, zone: tzinfo = UTC
) -> tuple[ReceiverSettings, ...]:
    """Every receiver under `receivers:`, in order. There may be none."""
    found = [_read(context, name, tree, targets, zone) for name, tree in trees.items()]
    fallbacks = {r.name: r.fallback for r in found if r and r.fallback}
    for name, fallback in fallbacks.items():
        _check_fallback(context, name, fallback, trees, fallbacks)
    was = {r.name: r.was for r in found if r}
    check_was(context, "receivers", was, known=trees, names=NAME)
    return tuple(receiver for receiver in found if receiver)


def _read(
    context: Context,
    name: str,
    tree: Tree,
    targets: Targets,
    zone: tzinfo,
) -> ReceiverSettings | None:
    at: PathTuple = ("receivers", name)
    if not NAME.fullmatch(name):
        context.fault(at, "the name of a receiver is [A-Za-z0-9._-]+", at_key=True)
    found = checked(context.document, _block(context.catalogue.channels, tree), tree, at).block
    for path, pattern in context.items((*at, "on"), found.on or []):
        targets.resolve(context, path, pattern)
    if (found.follow_up or 0.0) > REMEMBERED:
        context.fault((*at, "follow_up"), WHY)
    spec = _channel(context, at, tree)
    if spec is None:
        return None
    given: Block | None = getattr(found, f"channel_{spec.name}")
    there = (*at, spec.name)
    options = values_of(context, there, spec.fields, given) if given else {}
    _check_urls(context, there, spec, options)
    check_times(context, at, found)
    for path, why in spec.faults(options) if given else ():
        context.fault((*there, *path), why)
    return ReceiverSettings(
        name=name,
        channel=spec.name,
        options=options,
        addresses=_addresses(context, there, spec, options) or (name,),
        severities=frozenset(Severity if found.severities is None else found.severities),
        on=tuple(found.on or ("*",)),
        remind_every=found.remind_every,
        escalate_after=found.escalate_after,
        fallback=found.fallback,
        follow_up=found.follow_up,
        was=found.was,
        **times_of(found, found.timezone or zone),
    )


def _block(channels: Mapping[str, ChannelSpec], tree: Tree) -> type[ReceiverBlock]:
    """What this receiver may hold: of all channels only where it holds what none of them is."""
    written = tree.keys() if isinstance(tree, dict) else set()
    if written - channels.keys() - set(known_keys(ReceiverBlock)):
        return receiver_block(channels)
    return receiver_block({name: channels[name] for name in channels if name in written})


def _channel(context: Context, at: PathTuple, tree: Tree) -> ChannelSpec | None:
    """The one way of telling that a receiver names."""
    known = context.catalogue.channels
    named = [key for key in tree if key in known] if isinstance(tree, dict) else []
    if not named and isinstance(tree, dict):
        names = " or ".join(known)
        context.missing(at, next(iter(known), "channel"), f"is missing: a receiver needs {names}")
    for key in named[1:]:
        message = f"a receiver has one way of telling, and this one has {named[0]}"
        context.fault((*at, key), message, at_key=True)
    return known[named[0]] if named else None


def _check_urls(
    context: Context, at: PathTuple, spec: ChannelSpec, options: Mapping[str, object]
) -> None:
    """A secret called `url` is an address that holds a token: it is checked and never shown."""
    for declared in spec.fields:
        value = options.get(declared.name)
        if declared.name == "url" and declared.kind is FieldKind.SECRET and value:
            text = value.reveal() if isinstance(value, Secret) else ""
            _check_url(context, (*at, "url"), text)
        if declared.name == "urls" and isinstance(value, tuple):
            for path, text in context.items((*at, "urls"), value):
                _check_url(context, path, text)


def _check_url(context: Context, at: PathTuple, text: str) -> None:
    problem = check_url(text)
    if problem:
        path = at if context.written(at) else (*at[:-1], f"{at[-1]}_file")
        context.fault(path, problem)


def _addresses(
    context: Context, at: PathTuple, spec: ChannelSpec, options: Mapping[str, object]
) -> tuple[str, ...]:
    listed = options.get(spec.addresses or "")
    if isinstance(listed, Mapping):
        return _named(context, (*at, spec.addresses or ""), listed)
    if spec.addresses is None or not isinstance(listed, tuple):
        return ()
    if spec.name == "email":
        for path, address in context.items((*at, spec.addresses), listed):
            _check_mailbox(context, path, address)
        _check_mailbox(context, (*at, "from"), str(options.get("from") or "nobody@localhost"))
    return listed


def _named(context: Context, at: PathTuple, named: Mapping[str, object]) -> tuple[str, ...]:
    """Addresses that are secret go by the names the config gives them."""
    for name in named:
        if not NAME.fullmatch(name):
            context.fault((*at, name), "the name of an address is [A-Za-z0-9._-]+", at_key=True)
    return tuple(named)


def _check_mailbox(context: Context, at: PathTuple, address: str) -> None:
    if not _MAILBOX.fullmatch(address):
        shown = context.document.shown(*at)
        context.fault(at, f"{shown} is not an e-mail address such as oncall@example.com")


def _check_fallback(
    context: Context,
    name: str,
    fallback: str,
    known: Mapping[str, object],
    fallbacks: Mapping[str, str],
) -> None:
    at = ("receivers", name, "fallback")
    if fallback not in known:
        shown = context.document.shown(*at)
        context.fault(at, f"{shown} is no receiver{did_you_mean(fallback, list(known))}")
        return
    seen, here = [name], fallback
    while here in fallbacks and here not in seen:
        seen.append(here)
        here = fallbacks[here]
    if here == name:
        context.fault(at, "falls back on itself" if len(seen) == 1 else "falls back in a circle")

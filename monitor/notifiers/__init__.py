"""One file per way of telling; the file's name is its name in the config.

A file declares `SPEC` and `notifier(door)`; there is no list to add it to. Files whose names begin
with an underscore are what they share.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from importlib import import_module
from pkgutil import iter_modules
from types import ModuleType
from typing import TYPE_CHECKING, Protocol

from monitor.core.spec import ChannelSpec, OnDemand

if TYPE_CHECKING:  # the config asks for channels' specs alone
    from monitor.core.message import Message
    from monitor.core.settings import ReceiverSettings
    from monitor.http import Answer, Request


@dataclass(frozen=True, slots=True)
class Delivery:
    """What became of one notification, address by address. Texts are one safe line."""

    told: tuple[str, ...] = ()
    failed: Mapping[str, str] = field(default_factory=dict)  # to be tried again
    refused: Mapping[str, str] = field(default_factory=dict)  # for good, for now
    wait: Mapping[str, float] = field(
        default_factory=dict
    )  # seconds a server asks to be left alone


class Notifier(Protocol):
    """The code that reaches a kind of receiver. Never raises but CancelledError."""

    spec: ChannelSpec

    async def send(
        self, receiver: ReceiverSettings, message: Message, addresses: tuple[str, ...]
    ) -> Delivery:
        """Tell `addresses`. The same message gives the same bytes, however often it is sent."""
        ...


class Sends(Protocol):
    """The way to HTTP: `monitor.http.Door`."""

    async def send(self, request: Request) -> Answer:
        """Raises HttpFailure."""
        ...


def channel_names() -> tuple[str, ...]:
    """The name of every notifier there is, sorted: the names of the files in this folder."""
    names = (module.name for module in iter_modules(__path__))
    return tuple(sorted(name for name in names if not name.startswith("_")))


def channel_specs() -> Mapping[str, ChannelSpec]:
    """What every notifier declares, by name; its file is imported when it is looked up."""
    return OnDemand(channel_names(), _spec)


def load_notifiers(door: Sends) -> Mapping[str, Notifier]:
    """Every notifier by name, ready to send; made when it is looked up."""
    return OnDemand(channel_names(), lambda name: _module(name).notifier(door))


def _spec(name: str) -> ChannelSpec:
    found: ChannelSpec = _module(name).SPEC
    if found.name != name:
        raise TypeError(f"monitor/notifiers/{name}.py declares itself as {found.name!r}")
    return found


def _module(name: str) -> ModuleType:
    return import_module(f"{__name__}.{name}")


def all_failed(addresses: tuple[str, ...], why: str, *, wait: float | None = None) -> Delivery:
    """Nobody was told; it is worth another try, after `wait` seconds if that was asked for."""
    asked = {} if wait is None else dict.fromkeys(addresses, wait)
    return Delivery(failed=dict.fromkeys(addresses, why), wait=asked)


def whole(delivery: Delivery, addresses: tuple[str, ...]) -> Delivery:
    """A delivery that has a word for each address: without one it is tried again, in time."""
    known = {*delivery.told, *delivery.failed, *delivery.refused}
    lost = dict.fromkeys((a for a in addresses if a not in known), "nothing was said of it")
    return replace(delivery, failed={**delivery.failed, **lost}) if lost else delivery


def all_refused(addresses: tuple[str, ...], why: str) -> Delivery:
    """Nobody was told, and the same try again would end the same."""
    return Delivery(refused=dict.fromkeys(addresses, why))


def together(deliveries: Iterable[Delivery]) -> Delivery:
    """One delivery of several to different addresses."""
    several = list(deliveries)
    return Delivery(
        told=tuple(a for d in several for a in d.told),
        failed={a: why for d in several for a, why in d.failed.items()},
        refused={a: why for d in several for a, why in d.refused.items()},
        wait={a: seconds for d in several for a, seconds in d.wait.items()},
    )

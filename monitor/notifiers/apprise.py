"""Telling whatever Apprise can reach: SMS, Matrix, Pushover and a hundred more.

This one door is not ours: Apprise brings its own HTTP client, heeds proxy variables of the
environment, follows redirects, and answers yes or no without a reason. The extra is
`.[apprise]`.

Source: https://github.com/caronc/apprise/wiki and its `Apprise.instantiate`, `NotifyBase.notify`.
"""

from __future__ import annotations

import asyncio
import logging
from dataclasses import dataclass
from typing import TYPE_CHECKING

from monitor.core.causes import Severity
from monitor.core.durations import format_duration
from monitor.core.message import Message
from monitor.core.secret import Secret
from monitor.core.settings import ReceiverSettings
from monitor.core.spec import ChannelSpec, Field, FieldKind
from monitor.notifiers import Delivery, Sends, all_failed, all_refused, together
from monitor.notifiers._card import card_of, cut, plain
from monitor.notifiers._options import Options

if TYPE_CHECKING:
    from apprise import NotifyBase, NotifyType

TIMEOUT = 20.0
TITLE, TEXT = 200, 4000
INSTALL = "Apprise is not installed: pip install apprise, beside monitor"

SPEC = ChannelSpec(
    name="apprise",
    title="SMS and a hundred more, by Apprise",
    fields=(
        Field("urls", FieldKind.MAP, "names of your own to Apprise's URLs; each is told by "
              "itself, goes by its name in logs, and is kept secret", required=True,
              example='{phone: "${SMS_URL}"}'),
        Field("timeout", FieldKind.DURATION, "for one address", default=TIMEOUT),
    ),
    addresses="urls",
    docs="https://github.com/caronc/apprise/wiki",
    knows="It needs `pip install apprise` beside monitor. What leaves by this door leaves by the "
    "HTTP client of Apprise: the bounds, the CA file and the refusal to follow redirects of the "
    "others do not hold here, and proxies of the environment do. Apprise answers yes or no "
    "without a reason: a no is tried again. A repeat after a crash is a second message. Where one "
    "of the other channels reaches the same service, prefer it.",
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class AppriseNotifier:
    """Hands a message to Apprise, one address after another in threads of their own."""

    spec: ChannelSpec = SPEC

    async def send(
        self, receiver: ReceiverSettings, message: Message, addresses: tuple[str, ...]
    ) -> Delivery:
        """Every fault becomes a text; only CancelledError is raised."""
        options = Options(receiver.options)
        try:
            import apprise  # noqa: F401 - whether it is there
        except ImportError:
            return all_refused(addresses, INSTALL)
        urls, timeout = options.named("urls"), options.seconds("timeout", TIMEOUT)
        apart = (_tell(urls.get(a, Secret("")), message, a, timeout) for a in addresses)
        return together(await asyncio.gather(*apart))


def notifier(door: Sends) -> AppriseNotifier:
    """Ready to send; Apprise has a door of its own."""
    del door
    return AppriseNotifier()


async def _tell(url: Secret, message: Message, address: str, timeout: float) -> Delivery:
    mine = (address,)
    try:
        # Outside the limit: the first time, Apprise loads all it knows, which takes seconds.
        plugin = await asyncio.to_thread(_plugin, url, timeout)
        if plugin is None:
            return all_refused(mine, f"urls.{address} is no URL that Apprise knows")
        async with asyncio.timeout(timeout):
            # A thread cannot be stopped: past the limit it ends by Apprise's own timeouts.
            done = await asyncio.to_thread(_notify, plugin, message)
    except TimeoutError:
        within = format_duration(timeout)
        return all_failed(mine, f"no answer within {within}: whether it arrived is not known")
    except Exception as error:  # noqa: BLE001 - what a plugin raises may hold its address
        return all_failed(mine, f"Apprise failed ({type(error).__name__})")
    why = "Apprise could not deliver it, and does not say why"
    return Delivery(told=mine) if done else all_failed(mine, why)


def _notify(plugin: NotifyBase, message: Message) -> bool:
    card = card_of(message)
    title, body = cut(card.title, TITLE), cut(plain(card), TEXT)
    return bool(plugin.notify(body=body, title=title, notify_type=_type_of(message)))


def _plugin(url: Secret, timeout: float) -> NotifyBase | None:
    """Who delivers to an address; None where it means nothing to Apprise."""
    from apprise import Apprise, AppriseAsset
    from apprise.common import OverflowMode, PersistentStoreMode

    _hush()
    asset = AppriseAsset(
        app_id="monitor",
        app_desc="monitor",
        async_mode=False,
        secure_logging=True,
        storage_mode=PersistentStoreMode.MEMORY,  # nothing is written to a disk
    )
    plugin = Apprise.instantiate(url.reveal(), asset=asset, suppress_exceptions=True)
    if plugin is None:
        return None
    plugin.socket_connect_timeout = plugin.socket_read_timeout = timeout
    if "overflow=" not in url.reveal():
        plugin.overflow_mode = OverflowMode.TRUNCATE
    return plugin


def _hush() -> None:
    """Apprise and its HTTP client write addresses, which hold tokens."""
    for name in ("apprise", "urllib3", "requests"):
        logger = logging.getLogger(name)
        logger.setLevel(logging.CRITICAL + 1)
        logger.propagate = False


def _type_of(message: Message) -> NotifyType:
    from apprise import NotifyType

    if message.status == "resolved":
        return NotifyType.SUCCESS
    kinds = {Severity.CRITICAL: NotifyType.FAILURE, Severity.WARNING: NotifyType.WARNING}
    return kinds.get(message.severity, NotifyType.INFO)

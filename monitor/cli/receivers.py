"""`monitor test-receiver NAME`: a real message to one receiver."""

from __future__ import annotations

import asyncio
import sys

from monitor.cli import USAGE, Refusal
from monitor.cli.setting import Globals
from monitor.core.settings import ReceiverSettings
from monitor.notifiers import Delivery


def run(options: Globals, name: str) -> int:
    """Send, and say address by address what became of it; 1 if anybody was not reached."""
    from monitor.config.needs import of_receiver
    from monitor.config.readers import did_you_mean

    settings = options.loader(needs=lambda _: of_receiver(name))()
    receiver = next((r for r in settings.receivers if r.name == name), None)
    if receiver is None:
        names = [r.name for r in settings.receivers]
        known, near = ", ".join(names) or "none", did_you_mean(name, names)
        raise Refusal(f"no receiver {name!r} in the config{near or ';'} there are: {known}", USAGE)
    delivery = asyncio.run(_send(receiver))
    for address in delivery.told:
        sys.stdout.write(f"{address}: told\n")
    if chartless := _without_charts(receiver):
        sys.stderr.write(f"{chartless}\n")
    for word, texts in (("failed", delivery.failed), ("refused", delivery.refused)):
        for address, why in texts.items():
            sys.stdout.write(f"{address}: {word}: {why}\n")
    return 0 if delivery.told and not delivery.failed and not delivery.refused else 1


async def _send(receiver: ReceiverSettings) -> Delivery:
    from monitor.trial import send_test

    return await send_test(receiver)


def _without_charts(receiver: ReceiverSettings) -> str:
    from monitor.channels import without_charts

    return without_charts((receiver,))

"""A real message that says it is a test, to one receiver."""

from __future__ import annotations

from datetime import UTC, datetime

from monitor.core.causes import Severity
from monitor.core.message import Message
from monitor.core.model import Kind
from monitor.core.settings import ReceiverSettings
from monitor.http import Door
from monitor.notifiers import Delivery, load_notifiers


async def send_test(receiver: ReceiverSettings) -> Delivery:
    """A real message that says it is a test."""
    door = Door()
    try:
        notifier = load_notifiers(door)[receiver.channel]
        return await notifier.send(receiver, _test_message(receiver), receiver.addresses)
    finally:
        await door.aclose()


def _test_message(receiver: ReceiverSettings) -> Message:
    now = datetime.now(UTC)
    name = f"test-{int(now.timestamp())}-{receiver.name}"
    labels = {"alertname": "test", "severity": "info", "target": "monitor/test"}
    summary = "This is a test: monitor can reach you here."
    return Message(
        id=name,
        opened_id=name,
        kind=Kind.NOTICE,
        round=0,
        receiver=receiver.name,
        at=now,
        severity=Severity.INFO,
        subject="[TEST] monitor can reach you",
        what=summary,
        how_long="",
        todo="Nothing is to be done.",
        status="firing",
        incident=name,
        fingerprint=name,
        starts_at=now,
        ends_at=None,
        labels=labels,
        annotations={"summary": summary},
    )

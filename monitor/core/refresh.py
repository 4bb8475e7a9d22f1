"""What has to be said anew to whoever forgets: level-triggered, beside due() and its log."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from datetime import timedelta

from monitor.core.message import Message
from monitor.core.model import Incident, Kind, Notification, Told
from monitor.core.settings import ReceiverSettings

LASTS = 4  # refreshes a thing may be believed after the last: a dead daemon ends it late, not soon


def standing(
    incidents: Iterable[Incident], receiver: ReceiverSettings, told: Iterable[Told]
) -> tuple[Notification, ...]:
    """Every open incident, to those of the receiver's addresses that were told of its opening.

    A silence and an acknowledgement make no difference: they mute the telling of what is new,
    while this keeps true what was said already.
    """
    opened = {
        (t.incident, t.address)
        for t in told
        if t.receiver == receiver.name and t.kind is Kind.OPENED
    }
    found = []
    for incident in incidents:
        knowing = tuple(a for a in receiver.addresses if (incident.id, a) in opened)
        if incident.open and knowing:
            found.append(Notification(incident, Kind.REMINDER, 0, receiver.name, knowing))
    return tuple(found)


def lasting(message: Message, refresh: float) -> Message:
    """The message of what still fires, with the time until which it may be believed."""
    return replace(message, ends_at=message.at + timedelta(seconds=LASTS * refresh))

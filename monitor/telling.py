"""Saying what is due: composing, sending, trying again, and putting down who knows."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from datetime import datetime

from monitor.clock import Clock
from monitor.core.announce import announce
from monitor.core.digest import Digest, due_digests, next_digest
from monitor.core.maintenance import muting
from monitor.core.message import Message, Runbook, compose
from monitor.core.model import Kind, Notification, Silence, Told
from monitor.core.notice import Announcement, due_notices, next_notice
from monitor.core.notify import concerning, due, next_due
from monitor.core.reaching import Reach
from monitor.core.routing import digest_key, met, seen_key
from monitor.core.settings import ReceiverSettings
from monitor.errands import Errand, Errands, Key, Owing
from monitor.illustrating import Draws, Illustrator
from monitor.keeping import Keeper
from monitor.logs import Log
from monitor.memory import Memory
from monitor.notifiers import Delivery, Notifier, whole

log = Log("monitor.telling")

_AT_ONCE = 8  # notifications on their way to one receiver
_HELD_BACK = 0.5  # seconds until it is looked again whether this daemon leads


class Teller:
    """Turns what is due into what was told."""

    def __init__(
        self,
        notifiers: Mapping[str, Notifier],
        runbooks: Mapping[str, Runbook],
        clock: Clock,
        charts: Draws | None = None,
    ) -> None:
        self._notifiers, self._runbooks, self._clock = notifiers, runbooks, clock
        self._illustrator = Illustrator(charts)
        self._errands = Errands()
        self._memory: Memory
        self._keeper: Keeper
        self._changed: Callable[[], None] = lambda: None
        self._digest: Callable[[Digest], Awaitable[Message]]
        self.may_tell: Callable[[], bool] = lambda: True  # whether this daemon surely leads

    def attach(
        self,
        memory: Memory,
        keeper: Keeper,
        changed: Callable[[], None],
        *,
        digest: Callable[[Digest], Awaitable[Message]],
    ) -> None:
        """What is true, where what was told is kept, whom a failure sets in motion, and who puts
        a digest in words."""
        self._memory, self._keeper, self._changed = memory, keeper, changed
        self._digest = digest

    async def meet(self, now: datetime) -> None:
        """Note since when each address is configured with its present routing."""
        new = {}
        for receiver in self._memory.settings.receivers:
            for address in receiver.addresses:
                keys = (seen_key(receiver, address), digest_key(receiver, address))
                new.update({key: now for key in keys if key and key not in self._memory.seen})
        if new:
            await self._keeper.meet(new)

    def forgive(self) -> None:
        """Try what was refused anew: after a reload somebody may have mended it."""
        self._errands.forgive()

    # -- what is due ------------------------------------------------------------------------

    def due(self, receiver: str, now: datetime) -> list[Owing]:
        """All that has to be said to one receiver now."""
        memory, unkept = self._memory, self._keeper.unkept
        receivers, silences = self._near(receiver), self._silences(now)
        told, failing = self._told(receivers), self._errands.failing()
        since = met(receivers, memory.seen, seen_key)
        kept = tuple(i for i in memory.incidents.values() if i.id not in unkept)
        happened = [n for n in memory.notices.values() if n.id not in unkept]
        open_ones = due(
            kept, receivers, silences, told, now,
            since=since, failing=failing, topics=memory.topics, watched=memory.watches,
        )  # fmt: skip
        once = due_notices(happened, receivers, silences, told, now, since=since, failing=failing)
        digests = due_digests(receivers, told, now, since=met(receivers, memory.seen, digest_key))
        every: tuple[Owing, ...] = (*open_ones, *once, *digests)
        return [n for n in every if n.receiver == receiver]

    def _near(self, receiver: str) -> tuple[ReceiverSettings, ...]:
        """All on whom it depends what one receiver is owed: others need not be looked at."""
        return concerning(receiver, self._memory.settings.receivers)

    def _told(self, receivers: tuple[ReceiverSettings, ...]) -> tuple[Told, ...]:
        names = {r.name for r in receivers}
        return tuple(t for t in self._memory.told.values() if t.receiver in names)

    def _silences(self, now: datetime) -> tuple[Silence, ...]:
        """People's, and those of the maintenance windows."""
        return muting(self._memory.silences, self._memory.settings.maintenance, now)

    # -- deliver ----------------------------------------------------------------------------

    async def deliver(self, receiver: str) -> float | None:
        """Say all that is due to one receiver; seconds until it is worth another look."""
        while True:
            now = self._clock.now()
            mine = self.due(receiver, now)
            self._owes(receiver, {n.key for n in mine}, now)
            self._errands.drop_done(receiver, {n.key for n in mine})
            at = self._clock.monotonic()
            ready = [r for n in mine if (r := self._errands.ready(n, at)) is not None]
            free = _AT_ONCE - self._errands.count_flying(receiver)
            if not ready or free <= 0:
                return self._wait(receiver, mine, now)
            if not self.may_tell():
                return _HELD_BACK
            await asyncio.gather(*(self._send(n) for n in ready[:free]))

    def _owes(self, receiver: str, keys: set[Key], now: datetime) -> None:
        reach = self._memory.reach.get(receiver)
        if reach is not None:  # else a reload has just taken it away
            self._memory.reach[receiver] = reach.owes(keys, now)

    def _wait(self, receiver: str, mine: list[Owing], now: datetime) -> float | None:
        """Seconds until a retry or the passing of time makes something due."""
        waits = list(self._errands.waits(mine, self._clock.monotonic()))
        moment = self._next_due(receiver, now)
        if moment is not None:
            waits.append(max(0.0, (moment - now).total_seconds()))
        return min(waits, default=None)

    def _next_due(self, receiver: str, now: datetime) -> datetime | None:
        memory, silences, near = self._memory, self._silences(now), self._near(receiver)
        incidents = tuple(memory.incidents.values())
        moments = (
            next_due(incidents, near, silences, self._told(near), now),
            next_digest(near, now),
            next_notice(memory.notices.values(), near, silences, now),
        )
        return min((m for m in moments if m is not None), default=None)

    async def _send(self, notification: Owing) -> None:
        settings = self._receiver(notification.receiver)
        if settings is None:
            return  # a reload has just taken it away
        notifier = self._notifiers[settings.channel]
        with self._errands.flying(notification.key):
            pictures = notifier.spec.pictures and settings.options.get("chart") is not False
            errand = await self._errand(notification, pictures=pictures)
            if not self.may_tell():
                return  # another daemon may have begun to lead meanwhile
            delivery = await notifier.send(settings, errand.message, notification.addresses)
            await self._settle(notification, errand, whole(delivery, notification.addresses))

    async def _errand(self, notification: Owing, *, pictures: bool) -> Errand:
        """The one under way, or a new one: composed and illustrated once."""
        found = self._errands.find(notification.key)
        if found is None:
            composed, now = await self._words(notification), self._clock.now()
            reach = self._memory.reach.get(notification.receiver, Reach())
            since = reach.owed.get(notification.key, now)
            message = await self._illustrator.illustrated(
                composed, self._memory, now, pictures=pictures, since=since
            )
            found = self._errands.begin(notification.key, message)
        return found

    async def expect(self) -> None:
        """Get ready for what may have to be told soon."""
        await self._illustrator.expect(self._memory)

    async def aclose(self) -> None:
        """Leave nothing running."""
        await self._illustrator.aclose()

    def _receiver(self, name: str) -> ReceiverSettings | None:
        return next((r for r in self._memory.settings.receivers if r.name == name), None)

    async def _words(self, owing: Owing) -> Message:
        if isinstance(owing, Digest):
            return await self._digest(owing)
        return self.compose(owing)

    def compose(self, notification: Notification | Announcement) -> Message:
        """What is said, as things stand now."""
        external_url = self._memory.settings.web.external_url
        if isinstance(notification, Announcement):
            return announce(
                notification,
                runbooks=self._runbooks,
                now=self._clock.now(),
                external_url=external_url,
            )
        incident, target = notification.incident.id, notification.incident.target
        incidents = self._memory.incidents.values()
        still_open = [i for i in incidents if i.open and i.target == target and i.id != incident]
        firing = {notification.incident.alert, *(i.alert for i in still_open)}
        return compose(
            notification,
            view=self._memory.look(target),
            service_words=self._memory.words_for_customers(target),
            still_open=still_open,
            rules=[r for r in self._memory.settings.rules if r.name in firing],
            runbooks=self._runbooks,
            now=self._clock.now(),
            external_url=external_url,
            opened_as=self._memory.opened_as.get((incident, notification.receiver)),
        )

    async def _settle(self, notification: Owing, errand: Errand, delivery: Delivery) -> None:
        """Put down who knows now, and who has to be tried again."""
        before = errand.given_up
        errand.fared(delivery, self._clock.monotonic())
        if errand.given_up and not before:
            self._changed()  # the receiver's fallback may have to stand in
        if delivery.told:
            now = self._clock.now()
            await self._keeper.tell(
                tuple(_told(notification, errand.message, a, now) for a in delivery.told)
            )
        self._count(notification, errand.message, delivery)
        self._note_reach(notification, delivery)

    def _note_reach(self, notification: Owing, delivery: Delivery) -> None:
        """Whether the way to a receiver works.

        Where another of its addresses knows, and where one has left the config, a failure says
        nothing of the way.
        """
        about, kind, number, name = notification.key
        reach, settings = self._memory.reach.get(name), self._receiver(name)
        if reach is None or settings is None:
            return
        troubles = {**delivery.failed, **delivery.refused}
        known = any(
            (about, kind, number, name, a) in self._memory.told for a in settings.addresses
        )
        if delivery.told or not (known or troubles.keys().isdisjoint(settings.addresses)):
            self._memory.reach[name] = reach.tried(
                self._clock.now(), told=bool(delivery.told), why=_why(troubles)
            )

    def _count(self, notification: Owing, message: Message, delivery: Delivery) -> None:
        counts, name, kind = self._memory.notified, notification.receiver, notification.kind
        words = {"notification": notification.id, "receiver": name, "kind": kind.value}
        words |= {"alert": message.labels["alertname"], "target": message.labels["target"]}
        once = kind in (Kind.NOTICE, Kind.DIGEST)
        words[kind.value if once else "incident"] = notification.about
        if delivery.told:
            counts[name, kind, "ok"] += 1
            log.info("told", **words)
        if delivery.failed:
            counts[name, kind, "failed"] += 1
            log.warning("not told yet, will be tried again", why=_why(delivery.failed), **words)
        if delivery.refused:
            # Given up as a whole counts once; of a mail that others got, each recipient does.
            others = delivery.told or delivery.failed
            counts[name, kind, "refused"] += len(delivery.refused) if others else 1
            log.error("refused, given up for now", why=_why(delivery.refused), **words)


def _why(texts: Mapping[str, str]) -> str:
    return "; ".join(dict.fromkeys(texts.values()))


def _told(notification: Owing, message: Message, address: str, now: datetime) -> Told:
    """What this address knows now: what the message said, which may be older than the truth."""
    return Told(
        notification.about,
        notification.kind,
        notification.round,
        notification.receiver,
        address,
        now,
        message.severity,
    )

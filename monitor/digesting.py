"""What a digest tells, read from memory and store, and put in words."""

from __future__ import annotations

from monitor.clock import Clock
from monitor.core.digest import Digest
from monitor.core.digest_words import tell
from monitor.core.globs import matches
from monitor.core.message import Message
from monitor.core.model import Check, Incident
from monitor.core.retrospect import (
    Balance,
    Downtime,
    Retrospect,
    downtime,
    of_the_while,
    spell,
)
from monitor.core.settings import ReceiverSettings
from monitor.core.view import View
from monitor.logs import Log
from monitor.memory import Memory
from monitor.store import Store, StoreError

log = Log("monitor.digesting")

_UNREAD = "The database could not be read: what was spent and what is over is not known."


class Digesting:
    """Composes digests. A store that cannot be read costs the figures of the past, no digest."""

    def __init__(self, memory: Memory, store: Store | None, clock: Clock) -> None:
        self._memory, self._store, self._clock = memory, store, clock

    async def compose(self, digest: Digest) -> Message:
        """A digest in words."""
        try:
            found = await self._look_back(digest, self._store)
        except StoreError as error:
            log.warning("a digest is told without the past", why=str(error))
            found = await self._look_back(digest, None)
        url = self._memory.settings.web.external_url
        return tell(found, now=self._clock.now(), external_url=url)

    async def _look_back(self, digest: Digest, store: Store | None) -> Retrospect:
        memory, receiver = self._memory, self._receiver(digest.receiver)
        on = receiver.on if receiver is not None else ("*",)
        views = tuple(v for v in memory.views.values() if any(matches(g, v.target) for g in on))
        past = await store.incidents(digest.since) if store is not None else ()
        # Memory knows best of what it has: a disk that fails may lack the newest.
        every = {i.id: i for i in (*past, *memory.incidents.values())}.values()
        incidents = of_the_while(
            (i for i in every if any(matches(g, i.target) for g in on)), digest
        )
        zone = receiver.digest.zone if receiver and receiver.digest else memory.settings.timezone
        return Retrospect(
            digest=digest,
            zone=zone,
            balances=tuple([await self._balance(v, digest, store) for v in views if _money(v)]),
            incidents=incidents,
            views=views,
            downtimes=self._downtimes(views, incidents, digest),
            trouble="" if store is not None else _UNREAD,
        )

    def _receiver(self, name: str) -> ReceiverSettings | None:
        return next((r for r in self._memory.settings.receivers if r.name == name), None)

    async def _balance(self, view: View, digest: Digest, store: Store | None) -> Balance:
        if store is None:
            return Balance(view, None, None)
        earlier = digest.since - (digest.at - digest.since)
        hours = await store.hours(view.target, earlier, digest.at)
        return Balance(
            view,
            spell(hours, digest.since, digest.at),
            spell(hours, earlier, digest.since),
        )

    def _downtimes(
        self, views: tuple[View, ...], incidents: tuple[Incident, ...], digest: Digest
    ) -> tuple[Downtime, ...]:
        """Of the services that rest on what the receiver hears of."""
        heard = {view.target for view in views}
        mine = [s for s in self._memory.settings.services if heard & {*s.needs, *s.any_of}]
        return tuple(downtime(s, views, incidents, digest) for s in mine)


def _money(view: View) -> bool:
    return view.check is Check.BALANCE

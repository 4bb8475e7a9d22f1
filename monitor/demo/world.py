"""A Hugging Face and a KIE on loopback that answer as the real ones do, and misbehave on demand.

async with World() as world:
    world.kie.balance = Decimal("5916.25")
    world.kie.answer = "sub-key-cap-433"
    world.huggingface.faults["key"] = "hang"
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from datetime import UTC, datetime

from monitor.demo.huggingface import HuggingFace
from monitor.demo.kie import Kie
from monitor.demo.wire import Asked, Reply, Server, json_reply


def _wall() -> datetime:
    return datetime.now(UTC)


class World:
    """Five origins on loopback; `now` is the time they believe it is. Ports: 0 is any."""

    def __init__(
        self,
        *,
        now: Callable[[], datetime] = _wall,
        kie_port: int = 0,
        huggingface_port: int = 0,
        router_port: int = 0,
        status_port: int = 0,
    ) -> None:
        self.kie, self.huggingface = Kie(), HuggingFace(now)
        self.strayed: list[Asked] = []  # what followed a redirect to elsewhere: nobody should
        self._kie = Server(self.kie.reply, port=kie_port)
        self._hub = Server(self.huggingface.hub, port=huggingface_port)
        self._router = Server(self.huggingface.router, port=router_port)
        self._status = Server(self.huggingface.status, port=status_port)
        self._elsewhere = Server(self._stray)
        self._servers = (self._kie, self._hub, self._router, self._status, self._elsewhere)
        self._inside = False

    async def __aenter__(self) -> World:
        try:
            for server in self._servers:
                server.listen()
        except OSError:  # a port that was given is taken
            await self._close()
            raise
        self._inside = True
        for vendor in (self.kie, self.huggingface):
            vendor.elsewhere = self._elsewhere.url
            vendor.on_change = self._listen_or_refuse
        self._listen_or_refuse()
        return self

    async def __aexit__(self, *_: object) -> None:
        self._inside = False
        await self._close()

    async def _close(self) -> None:
        await asyncio.gather(*(server.close() for server in self._servers))

    def _listen_or_refuse(self) -> None:
        """A fault has been set or taken back: some may have to refuse, some to listen again."""
        if not self._inside:
            return
        face = self.huggingface
        for server, refuses in (
            (self._kie, self.kie.refuses("*", "balance")),
            (self._hub, face.refuses("*", "hub", "key", "model", "quota")),
            (self._router, face.refuses("*", "inference")),
            (self._status, face.refuses("status")),
        ):
            (server.refuse if refuses else server.listen)()

    def _stray(self, asked: Asked) -> Reply:
        self.strayed.append(asked)
        return json_reply({"code": 200, "msg": "success", "data": 1_000_000, "auth": {}})

    @property
    def drip(self) -> float:
        """Seconds between two bytes of a dripping answer."""
        return self._kie.drip

    @drip.setter
    def drip(self, seconds: float) -> None:
        for server in self._servers:
            server.drip = seconds

    @property
    def kie_url(self) -> str:
        """`base_url` of the account at KIE."""
        return self._kie.url

    @property
    def huggingface_url(self) -> str:
        """`base_url` of the account at Hugging Face."""
        return self._hub.url

    @property
    def router_url(self) -> str:
        """`router_url` of the account at Hugging Face."""
        return self._router.url

    @property
    def status_url(self) -> str:
        """`status_url` of the account at Hugging Face."""
        return self._status.url

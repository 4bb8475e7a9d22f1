"""The listeners of the page: taken, served, given back."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

from starlette.types import ASGIApp

from monitor.core.settings import WebSettings
from monitor.logs import Log
from monitor.web.server import Listener, bind, serve
from monitor.web.tls import tls_context

log = Log("monitor")

_AGAIN = 1.0  # seconds: a leader that hangs keeps its port until it is ended


class Pages:
    """One application on the addresses of the config, as long as this process has them."""

    def __init__(self, app: ASGIApp, settings_of: Callable[[], WebSettings]) -> None:
        self._app, self._settings_of = app, settings_of
        self._listeners: list[Listener] = []
        self._serving: set[asyncio.Task[None]] = set()
        self._stop = asyncio.Event()
        self._broken = asyncio.Event()
        self._error: BaseException | None = None

    @property
    def ports(self) -> dict[str, int]:
        """What the listeners were given: "web", "services"."""
        return {each.name: each.port for each in self._listeners}

    @property
    def address(self) -> str:
        """Where a person looks: the page's URL; empty while there is no listener."""
        web, port = self._settings_of(), self.ports.get("web")
        return "" if port is None else address_of(web, port)

    def take(self) -> None:
        """Listen, where that is not done yet. Raises OSError in the user's terms."""
        if self._listeners:
            return
        web = self._settings_of()
        wanted = [("web", web.listen)]
        wanted += [("services", web.services_listen)] if web.services_listen else []
        tls = {name: tls_context(web.tls, name) for name, _ in wanted}
        taken: list[Listener] = []
        try:
            for name, listen in wanted:
                taken.append(bind(name, listen))
        except OSError:
            for listener in taken:
                listener.close()
            raise
        self._listeners, self._stop = taken, asyncio.Event()
        for listener in taken:
            serving = serve(self._app, listener, self._stop, tls=tls[listener.name])
            task = asyncio.create_task(serving)
            self._serving.add(task)
            task.add_done_callback(self._ended)

    def _ended(self, task: asyncio.Task[None]) -> None:
        self._serving.discard(task)
        if not task.cancelled() and task.exception() is not None:
            self._error = task.exception()
            self._broken.set()

    async def take_sometime(self, after: float = 0.0) -> None:
        """Listen as soon as the port is free."""
        await asyncio.sleep(after)
        said = False
        while not self._listeners:
            try:
                self.take()
            except OSError as error:
                if not said:
                    log.warning("no page is shown yet", why=error.strerror)
                said = True
                await asyncio.sleep(_AGAIN)
            else:
                log.info("shows its page", page=self.address, **self.ports)
                return

    async def broken(self) -> None:
        """Wait until a listener ends by itself; raises its error."""
        await self._broken.wait()
        if self._error is not None:
            raise self._error

    async def give_back(self) -> None:
        """Listen no more."""
        self._stop.set()
        await asyncio.gather(*self._serving, return_exceptions=True)
        for listener in self._listeners:
            listener.close()
        self._listeners = []


def address_of(web: WebSettings, port: int) -> str:
    """`external_url`, else the address that is listened on; for all addresses, this machine."""
    if web.external_url:
        return f"{web.external_url.partition('?')[0].rstrip('/')}/"
    host = "localhost" if web.listen[0] in ("", "0.0.0.0", "::") else web.listen[0]  # noqa: S104 - none is listened on here
    shown = f"[{host}]" if ":" in host else host
    return f"{'https' if web.tls else 'http'}://{shown}:{port}/"

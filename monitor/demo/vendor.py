"""What every simulated vendor has: a key, faults, and an eye on what it is sent."""

from __future__ import annotations

import asyncio
from collections import Counter, UserDict
from collections.abc import Callable

from monitor.demo.faults import Fault, spoil
from monitor.demo.wire import Asked, Reply


class Faults(UserDict[str, Fault]):
    """Fault by route, or `*` for all. A name of `Fault` will do: `faults["key"] = "hang"`.

    Routes are named as checks are: `key`, `model`, `model/ID`, `balance`, `quota`, `inference`,
    `status`; `job` is a customer's order at KIE.
    """

    def __init__(self, changed: Callable[[], None]) -> None:
        self._changed = changed
        super().__init__()

    def __setitem__(self, route: str, fault: str) -> None:
        super().__setitem__(route, Fault(fault))
        self._changed()

    def __delitem__(self, route: str) -> None:
        super().__delitem__(route)
        self._changed()


class Vendor:
    """Base of the simulated vendors; everything of it is settable while it runs."""

    def __init__(self, key: str) -> None:
        self.key = key
        self.requests: Counter[str] = Counter()  # by route
        self.asked = asyncio.Event()  # set by every request; clear it to wait for the next
        self.wrong: list[str] = []  # what no caller may do: a key in the wrong place, a cookie
        self.faults = Faults(self._changed)
        self.elsewhere = "http://127.0.0.1:9"  # where a redirect leads; the world sets its trap
        self.on_change: Callable[[], None] = lambda: None

    @property
    def fault(self) -> Fault | None:
        """What is wrong with every answer; None: nothing."""
        return self.faults.get("*")

    @fault.setter
    def fault(self, fault: str | None) -> None:
        if fault is not None:
            self.faults["*"] = Fault(fault)
        elif "*" in self.faults:
            del self.faults["*"]

    def _changed(self) -> None:
        self.on_change()

    def note(self, route: str, asked: Asked) -> None:
        """Count a request, and look where its credentials are."""
        self.requests[route] += 1
        self.asked.set()
        places = {
            "the address": f"{asked.path} {dict(asked.query)}",
            "the body": asked.body.decode("utf-8", "replace"),
            **{f"the header {n}": v for n, v in asked.headers.items() if n != "authorization"},
        }
        self.wrong += [f"{route}: the key is in {p}" for p, v in places.items() if self.key in v]
        if "cookie" in asked.headers:
            self.wrong.append(f"{route}: a cookie came back")

    def admits(self, asked: Asked) -> bool:
        """Whether the right key stands where it belongs."""
        return asked.headers.get("authorization") == f"Bearer {self.key}"

    def refuses(self, *routes: str) -> bool:
        """Whether one of these routes, or `*` among them, is to refuse connections."""
        return any(self.faults.get(route) is Fault.REFUSED for route in routes)

    def spoilt(self, route: str, good: Reply, *, main: str, alone: bool = False) -> Reply:
        """The answer with the route's fault in it; `main` is the member that matters most.

        `alone`: a fault of the whole vendor does not reach this route.
        """
        check, _, _ = route.partition("/")
        whole = None if alone else self.fault
        fault = self.faults.get(route, self.faults.get(check, whole))
        if fault is None or fault is Fault.REFUSED:  # which nobody can be answered with
            return good
        if fault.on_the_wire:
            return Reply(good.status, good.body, good.headers, fault)
        return Reply(
            *spoil(
                fault, good.status, good.body, good.headers, main=main, elsewhere=self.elsewhere
            )
        )

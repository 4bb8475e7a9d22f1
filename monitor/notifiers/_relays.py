"""Mail servers in the order they are tried: the first that takes a mail has it."""

from __future__ import annotations

import logging
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass

from monitor.notifiers import Delivery
from monitor.notifiers._server import Server

log = logging.getLogger("monitor.notifiers.email")


@dataclass(frozen=True, slots=True)
class Passage:
    """What one relay made of a mail.

    `elsewhere`: those whom the next relay may be asked for. This one certainly has nothing for
    them, and said nothing of them in particular: where it may have taken the text, another one
    would send it twice; where it refused or greylisted a recipient, that is an answer.
    """

    delivery: Delivery
    elsewhere: frozenset[str] = frozenset()


Pass = Callable[[Server, tuple[str, ...]], Awaitable[Passage]]


async def in_turn(
    servers: Sequence[Server], pass_on: Pass, addresses: tuple[str, ...]
) -> Delivery:
    """To all `addresses`, each by the first relay that takes it."""
    told: list[str] = []
    failed: dict[str, list[str]] = {}
    refused: dict[str, list[str]] = {}
    left = addresses
    for n, server in enumerate(servers):
        passage = await pass_on(server, left)
        told += passage.delivery.told
        for ended, texts in (
            (failed, passage.delivery.failed),
            (refused, passage.delivery.refused),
        ):
            for address, why in texts.items():
                ended.setdefault(address, []).append(why)
        left = tuple(a for a in left if a in passage.elsewhere)
        if not left:
            break
        if n + 1 < len(servers):
            _note(passage, left[0], server)
    known = set(told)
    return Delivery(
        told=tuple(told),
        # One relay that may take it another time is worth another try.
        failed={a: _joined(failed, refused, a) for a in failed if a not in known},
        refused={a: "; ".join(refused[a]) for a in refused if a not in known | failed.keys()},
    )


def _joined(failed: dict[str, list[str]], refused: dict[str, list[str]], address: str) -> str:
    return "; ".join((*refused.get(address, ()), *failed[address]))


def _note(passage: Passage, address: str, server: Server) -> None:
    texts = {**passage.delivery.failed, **passage.delivery.refused}
    log.warning("the next mail server is tried, %s:%s did not take the mail: %s",
                server.host, server.port, texts.get(address, ""))  # fmt: skip

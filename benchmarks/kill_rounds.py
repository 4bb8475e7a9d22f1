"""A daemon that is killed with SIGKILL again and again, at any moment, while balances move.

    .venv/bin/python -m benchmarks.kill_rounds [ROUNDS] [--seed N] [--folder DIR]

Each round moves some balances over the line or back, kills the daemon after a random while, and
starts it again. In the end every incident the database knows must have been told, opened and
resolved; every mail must belong to one of them; a mail that came twice came under its first id.
Exit code 1 where that does not hold.
"""

from __future__ import annotations

import argparse
import asyncio
import random
import sys
import tempfile
import time
from collections import Counter
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from benchmarks.sidebyside.sides import ours, settled
from benchmarks.sidebyside.world import FULL, LOW, World
from monitor.core.model import Incident, Kind, notification_id
from monitor.store.sqlite import SqliteStore

_ACCOUNTS = 6
_LONGEST = 1.6  # seconds a daemon lives: it is up within half of one, and probes each second


@dataclass(frozen=True)
class Verdict:
    """What people heard against what is true."""

    incidents: int
    mails: int
    untold: tuple[str, ...]  # incidents whose opening or end nobody heard
    strangers: int  # mails about no incident that is known
    repeats: int  # mails that came again, under the id they had

    @property
    def good(self) -> bool:
        """Nothing lost, nothing said under another id."""
        return not self.untold and not self.strangers


async def rounds(folder: Path, count: int, seed: int) -> Verdict:
    """Kill so many times, then let everything come to rest."""
    chance = random.Random(seed)  # noqa: S311 - chance that can be repeated
    world = World.of(_ACCOUNTS)
    await world.open()
    side = ours(world, folder, "1s")
    try:
        for number in range(count):
            side.start()
            for name in chance.sample(sorted(world.accounts), chance.randint(0, 3)):
                low = world.accounts[name].balance < FULL
                world.move(name, FULL if low else LOW)
            await asyncio.sleep(chance.uniform(0.0, _LONGEST))
            side.kill()
            _say(number + 1, count, world)
        side.start()
        await _rest(world, LOW)
        await _rest(world, FULL)
    finally:
        side.stop()
        await world.close()
    return await _judged(folder, world)


def _say(done: int, count: int, world: World) -> None:
    if sys.stderr.isatty() or done % 50 == 0:
        print(f"{done} of {count} kills, {len(world.mails)} mails", file=sys.stderr)


async def _rest(world: World, balance: int) -> None:
    """All to one side of the line, until nothing more is said."""
    for name in world.accounts:
        world.move(name, balance)
    silent_for = lambda: time.monotonic() - max((m.at for m in world.mails), default=0)  # noqa: E731
    await asyncio.sleep(5)
    await settled(lambda: silent_for() > 5, 120)


async def _judged(folder: Path, world: World) -> Verdict:
    store = SqliteStore(folder / "monitor.db", read_only=True)
    stored = await store.load(datetime(2000, 1, 1, tzinfo=UTC))
    await store.close()
    wanted = {i.id: _ids(i) for i in stored.incidents}
    heard = Counter(m.id.strip("<>").split("@")[0] for m in world.mails)
    untold = tuple(name for name, ids in wanted.items() if not ids <= heard.keys())
    known = {one for i in stored.incidents for one in _ids(i)}
    return Verdict(
        len(wanted),
        len(world.mails),
        untold,
        sum(n for one, n in heard.items() if one not in known),
        sum(n - 1 for n in heard.values()),
    )


def _ids(incident: Incident) -> set[str]:
    """The ids of what has to be said of an incident that is over."""
    kinds = (Kind.OPENED, Kind.RESOLVED) if not incident.open else (Kind.OPENED,)
    return {notification_id(incident.id, kind, 0, "oncall") for kind in kinds}


def main() -> None:
    """Kill, judge, print."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else "")
    parser.add_argument("rounds", type=int, nargs="?", default=200)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--folder", help="keep the database and the logs there")
    args = parser.parse_args()
    with tempfile.TemporaryDirectory() as spare:
        folder = Path(args.folder or spare)
        folder.mkdir(parents=True, exist_ok=True)
        verdict = asyncio.run(rounds(folder, args.rounds, args.seed))
    print(
        f"{args.rounds} kills: {verdict.incidents} incidents, {verdict.mails} mails,"
        f" {len(verdict.untold)} incidents untold, {verdict.strangers} mails about no incident,"
        f" {verdict.repeats} came again under their first id"
    )
    sys.exit(0 if verdict.good else 1)


if __name__ == "__main__":
    main()

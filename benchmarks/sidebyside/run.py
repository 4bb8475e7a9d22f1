"""The same work for both sides, one after the other, and what came of it.

    python -m benchmarks.sidebyside.run                    # 20 accounts, all phases: half an hour
    python -m benchmarks.sidebyside.run --accounts 100 --crossings 40 --outage 120

Four phases for each side: a quiet minute (what a probe costs), crossings (how long to the mail),
an outage of the mail server (what is lost), and SIGKILL of the sender (what is lost or doubled).
"""

from __future__ import annotations

import argparse
import asyncio
import random
import statistics
import tempfile
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from benchmarks.sidebyside.sides import PACKAGES, Side, missing, ours, settled, theirs
from benchmarks.sidebyside.world import FULL, LOW, World

_PATIENCE = 75.0  # seconds until a sender that was killed has had its say


@dataclass
class Outcome:
    """What came of the work, for one side."""

    name: str
    per_probe: float = 0.0  # milliseconds of CPU
    megabytes: float = 0.0
    whole: list[float] = field(default_factory=list)  # seconds from the crossing to the mail
    own: list[float] = field(default_factory=list)  # from the first answer that told it
    crossings_lost: int = 0
    lost_to_outage: int = 0
    late: list[float] = field(default_factory=list)  # seconds after the outage's end
    lost_to_kill: int = 0
    doubled: int = 0  # the same thing said twice; under one id or not
    doubled_anew: int = 0  # of these, under another Message-ID


async def quiet(side: Side, world: World, outcome: Outcome, seconds: float) -> None:
    """Nothing happens: what does a probe cost?"""
    asked, spent = _asked(world), side.seconds()
    await asyncio.sleep(seconds)
    probes = _asked(world) - asked
    outcome.per_probe = (side.seconds() - spent) / max(probes, 1) * 1000
    outcome.megabytes = side.megabytes()


def _asked(world: World) -> int:
    return sum(a.asked for a in world.accounts.values())


async def crossings(
    world: World, outcome: Outcome, names: Sequence[str], chance: random.Random
) -> None:
    """One account after the other falls under the line, at any phase of the interval."""
    for name in names:
        await asyncio.sleep(chance.uniform(0.5, 1.5))
        world.move(name, LOW)
        account = world.accounts[name]
        began = account.crossed or 0.0
        if await world.until_mail(name, began, 60):
            first = next(world.about(name, began))
            outcome.whole.append(first.at - began)
            outcome.own.append(first.at - (account.told_low or began))
        else:
            outcome.crossings_lost += 1
        world.move(name, FULL)
        await world.until_mail(name, began, 60, resolved=True)


async def outage(world: World, outcome: Outcome, names: Sequence[str], seconds: float) -> None:
    """The mail server is away while accounts fall."""
    await world.mail(up=False)
    began = time.monotonic()
    for name in names:
        world.move(name, LOW)
    await asyncio.sleep(seconds)
    await world.mail(up=True)
    back = time.monotonic()
    for name in names:
        if await world.until_mail(name, began, 180):
            outcome.late.append(next(world.about(name, began)).at - back)
        else:
            outcome.lost_to_outage += 1
        world.move(name, FULL)
    for name in names:
        await world.until_mail(name, began, 60, resolved=True)


async def kills(
    side: Side, world: World, outcome: Outcome, names: Sequence[str], chance: random.Random
) -> None:
    """The sender dies within a second of its mail; the next one must not say it again.

    Prometheus sends Alertmanager what fires once a minute: both are given a minute and a quarter.
    """
    for name in names:
        began = time.monotonic()
        world.move(name, LOW)
        await world.until_mail(name, began, 60)
        await asyncio.sleep(chance.choice((0.0, chance.random())))
        side.kill()
        side.start(side.alerting)
        await asyncio.sleep(_PATIENCE)
        mails = list(world.about(name, began))
        outcome.lost_to_kill += not mails
        outcome.doubled += max(0, len(mails) - 1)
        outcome.doubled_anew += max(0, len({m.id for m in mails}) - 1)
        world.move(name, FULL)
        await world.until_mail(name, began, 60, resolved=True)


async def measure(make: Callable[[World, Path, str], Side], args: argparse.Namespace) -> Outcome:
    """All phases of one side."""
    world = World.of(args.accounts)
    await world.open()
    chance = random.Random(args.seed)  # noqa: S311 - chance that can be repeated
    with tempfile.TemporaryDirectory() as folder:
        side = make(world, Path(folder), args.interval)
        outcome = Outcome(side.name)
        side.start()
        try:
            every = lambda: all(a.asked for a in world.accounts.values())  # noqa: E731
            if not await settled(every, 60):
                raise SystemExit(f"{side.name} does not ask: {_logs(Path(folder))}")
            await asyncio.sleep(5)
            await quiet(side, world, outcome, args.quiet)
            names = list(world.accounts)
            some = [names[n % len(names)] for n in range(args.crossings)]
            await crossings(world, outcome, some, chance)
            await outage(world, outcome, names[: args.during], args.outage)
            dying = [names[n % len(names)] for n in range(args.kills)]
            await kills(side, world, outcome, dying, chance)
        finally:
            side.stop()
            await world.close()
    return outcome


def _logs(folder: Path) -> str:
    return "\n".join(f.read_text()[-2000:] for f in folder.glob("*.log"))


def table(outcomes: Sequence[Outcome]) -> str:
    """Markdown, with the ratio of the first to the second."""
    rows = [
        ("CPU per probe, ms", lambda o: o.per_probe, "{:.2f}"),
        ("memory of all processes, MB", lambda o: o.megabytes, "{:.0f}"),
        ("crossing to mail, median, ms", lambda o: _ms(o.whole, 0.5), "{:.0f}"),
        ("crossing to mail, 95 %, ms", lambda o: _ms(o.whole, 0.95), "{:.0f}"),
        ("answer to mail (own delay), median, ms", lambda o: _ms(o.own, 0.5), "{:.0f}"),
        ("answer to mail (own delay), 95 %, ms", lambda o: _ms(o.own, 0.95), "{:.0f}"),
        ("crossings without a mail", lambda o: o.crossings_lost, "{:.0f}"),
        ("told after the outage, median, s", lambda o: _ms(o.late, 0.5) / 1000, "{:.1f}"),
        ("lost to the outage", lambda o: o.lost_to_outage, "{:.0f}"),
        ("lost to SIGKILL", lambda o: o.lost_to_kill, "{:.0f}"),
        ("doubled after SIGKILL", lambda o: o.doubled, "{:.0f}"),
        ("of these under another id", lambda o: o.doubled_anew, "{:.0f}"),
    ]
    names = [o.name for o in outcomes]
    lines = [f"| | {' | '.join(names)} | ratio |", f"|---|{'---:|' * (len(names) + 1)}"]
    for title, value, shape in rows:
        found = [value(o) for o in outcomes]
        ratio = f"{found[0] / found[-1]:.2f}" if len(found) > 1 and found[-1] else ""
        lines.append(f"| {title} | {' | '.join(shape.format(v) for v in found)} | {ratio} |")
    return "\n".join(lines)


def _ms(values: Sequence[float], share: float) -> float:
    if len(values) < 2:
        return values[0] * 1000 if values else float("nan")
    cuts = statistics.quantiles(values, n=100, method="inclusive")
    return cuts[round(share * 100) - 1] * 1000


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawTextHelpFormatter
    )
    parser.add_argument("--accounts", type=int, default=20)
    parser.add_argument("--interval", default="1s", help="between two probes of an account")
    parser.add_argument("--quiet", type=float, default=60, help="seconds of the quiet phase")
    parser.add_argument("--crossings", type=int, default=40)
    parser.add_argument("--during", type=int, default=5, help="crossings during the outage")
    parser.add_argument("--outage", type=float, default=120, help="seconds without a mail server")
    parser.add_argument("--kills", type=int, default=10)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--only", choices=("monitor", "prometheus"))
    args = parser.parse_args()
    sides = {"monitor": ours, "prometheus": theirs}
    if args.only != "monitor" and missing():
        raise SystemExit(f"{', '.join(missing())}: apt-get install {PACKAGES}")
    outcomes = [asyncio.run(measure(m, args)) for n, m in sides.items() if args.only in (None, n)]
    print(table(outcomes))


if __name__ == "__main__":
    main()

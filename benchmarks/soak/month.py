"""A soak on a stepped clock: the real pipeline, a real database, and everything that happens."""

from __future__ import annotations

import gc
import sqlite3
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal
from pathlib import Path

from house import House

from benchmarks.forecast.cost import held
from benchmarks.soak.accounts import Truth, truth
from benchmarks.soak.here import Here
from benchmarks.soak.script import DAY, HOUR, MINUTE, Script, Trouble, script
from benchmarks.soak.seen import Episode, Mail, Weight
from benchmarks.soak.watched import BALANCES, MISREAD, START, config
from monitor.clock import SteppedClock
from monitor.core.causes import Cause
from monitor.core.model import Check, Finding, Target
from monitor.core.settings import Account
from monitor.operator import Operator
from monitor.store.sqlite import SqliteStore

_TABLES = (
    "told", "incidents", "alerts", "silences", "notices", "seen", "records", "books", "calls",
    "probes", "opened", "notified", "top_ups", "series", "tallies", "trails", "hours", "rests",
)  # fmt: skip


@dataclass
class Soak:
    """One life of one monitor, through restarts."""

    folder: Path
    seed: int
    days: int
    at_dawn: Callable[[int], None] = lambda day: None  # is told of each day that begins
    script: Script = field(init=False)
    truths: dict[str, Truth] = field(init=False)
    episodes: dict[str, Episode] = field(default_factory=dict)
    weights: list[Weight] = field(default_factory=list)
    silenced: list[tuple[float, float, str]] = field(default_factory=list)
    owed: list[str] = field(default_factory=list)  # what was still owed at a quiet moment
    done: Counter[str] = field(default_factory=Counter)

    def __post_init__(self) -> None:
        self.script = script(self.seed, self.days)
        self.truths = {t: truth(f, self.seed, START, self.days) for t, f in BALANCES.items()}
        self.clock = SteppedClock(START)
        self.mail = Mail(self.clock, self.script)
        self._turn: dict[str, float] = {}  # target: when it is probed next
        self._wake: dict[str, float] = {}  # receiver: when its deliverer looks again
        self._dirty = True
        self._statements, self._calm = 0, list[int]()
        self._line, self._swapped, self._reloads = True, False, 0

    @property
    def t(self) -> float:
        """Seconds since the soak began."""
        return self.clock.monotonic()

    # -- the world ----------------------------------------------------------------------------

    async def _probe(
        self, account: Account, target: Target, now: datetime, timeout: float
    ) -> Finding:
        del account, now, timeout
        self.done["probes"] += 1
        trouble = self._trouble(target.name)
        if trouble is not None:
            return Finding(trouble, trouble.value)
        if target.check is not Check.BALANCE:
            return Finding(Cause.OK, "fine")
        if target.name == MISREAD and self._misread():
            return Finding(Cause.OK, balance=Decimal(0), unit="credits")
        return Finding(Cause.OK, balance=self.truths[target.name].balance(self.t), unit="credits")

    def _trouble(self, target: str) -> Cause | None:
        found = (trouble.answer(target, self.t) for trouble in self.script.troubles)
        return next((cause for cause in found if cause is not None), None)

    def _misread(self) -> bool:
        """The one answer after a misread zero is due is a 0."""
        for trouble in self.script.troubles:
            due = trouble.kind.name == "misread zero" and self.t >= trouble.begin
            if due and trouble not in self._misreads:
                self._misreads.append(trouble)
                return True
        return False

    # -- the monitor --------------------------------------------------------------------------

    async def _begin(self) -> None:
        store = SqliteStore(self.folder / "monitor.db", now=self.clock.now, thread=Here(),
                            watch=self._watch)  # fmt: skip
        made = config(swapped=self._swapped, line=self._line)
        self.house = House(made, store=store, clock=self.clock, mail=self.mail)  # type: ignore[arg-type]  # a channel is a channel
        self.store, pipeline = store, self.house.pipeline
        pipeline.asker._probe = self._probe
        await self.house.start()
        pipeline.changed = pipeline.keeper.changed = self._changed
        pipeline.ask_soon = lambda target: self._turn.update({target: self.t})
        turns = pipeline.turns()
        self._turn = {
            name: self._when(turns[name]) if name in turns else self.t
            for name in self.house.memory.targets
        }
        pipeline.watch({name: self.clock.now() for name in self._turn})
        self._wake, self._dirty = {}, True

    def _when(self, wall: datetime) -> float:
        return self.t + max(0.0, (wall - self.clock.now()).total_seconds())

    def _watch(self, statement: str) -> None:
        del statement
        self._statements += 1

    def _changed(self) -> None:
        self._dirty = True
        for name, incident in self.house.memory.incidents.items():
            found = self.episodes.setdefault(
                name, Episode(incident.alert, incident.target, incident.opening_severity, self.t)
            )
            if not incident.open and found.closed is None:
                found.closed = self.t

    async def _restart(self, *, killed: bool) -> None:
        """A kill leaves what the last transaction held, and nothing else."""
        await self.house.pipeline.aclose()
        if killed:
            await self.store.close()
        else:
            await self.house.pipeline.keeper.close()
        self.done["killed" if killed else "restarted"] += 1
        await self._begin()

    async def _reload(self) -> None:
        self._reloads += 1
        self._line = self._reloads % 2 == 0
        self._swapped = self.t >= self.script.swapped
        self.done["reloads"] += 1
        await self.house.pipeline.reload(config(swapped=self._swapped, line=self._line))
        now, known = self.t, self.house.memory.targets
        self._turn = {name: self._turn.get(name, now) for name in known}

    # -- time passes --------------------------------------------------------------------------

    async def run(self) -> Soak:
        """Live through all of it."""
        self._misreads: list[Trouble] = []
        await self._begin()
        happenings = sorted(self._happenings(), key=lambda h: h[0])
        sweep, day = self.t, 0
        while self.t < self.days * DAY:
            if self.t >= (day + 1) * DAY:
                day = int(self.t / DAY)
                self.at_dawn(day)
            upcoming = min(sweep, *self._turn.values(), *self._wake.values())
            if happenings and happenings[0][0] <= upcoming:
                at, name, argument = happenings.pop(0)
                self._until(at)
                await getattr(self, name)(argument)
            elif upcoming in self._wake.values():
                self._until(upcoming)
                self._dirty = True
            elif upcoming == sweep:
                self._until(sweep)
                await self.house.pipeline.sweep()
                sweep = self.t + 900
            else:
                await self._observe(min(self._turn, key=lambda name: self._turn[name]))
            await self._tell()
        await self._end()
        return self

    def _until(self, t: float) -> None:
        self.clock.step(max(0.0, t - self.t))

    async def _observe(self, target: str) -> None:
        self._until(self._turn[target])
        before, self._dirty = self._statements, False
        following = await self.house.pipeline.observe(target)
        if not self._dirty:
            self._calm.append(self._statements - before)
        if following is None:
            self._turn.pop(target, None)
        elif target in self._turn:
            self._turn[target] = max(self._when(following), self.t + 1)

    async def _tell(self) -> None:
        if not self._dirty:
            return
        self._dirty, self._wake = False, {}
        for each in self.house.memory.settings.receivers:
            wait = await self.house.pipeline.deliver(each.name)
            if wait is not None:
                self._wake[each.name] = self.t + max(wait, 1.0)

    def _happenings(self) -> list[tuple[float, str, object]]:
        made, found = self.script, list[tuple[float, str, object]]()
        found += [(at, "_on_restart", killed) for at, killed in made.restarts]
        found += [(at, "_on_reload", None) for at in made.reloads]
        found += [(at, "_on_jump", by) for at, by in made.jumps]
        found += [(s.begin, "_on_silence", s) for s in made.silences]
        found += [(s.begin, "_on_ack", s.targets) for s in made.acks]
        found += [(s.end + 5 * MINUTE, "_on_quiet", None) for s in made.no_mail]
        found += [(self.days * DAY * third / 3 - HOUR, "_on_weigh", None) for third in (1, 2, 3)]
        return found

    async def _on_restart(self, killed: bool) -> None:
        await self._restart(killed=killed)

    async def _on_reload(self, _: object) -> None:
        await self._reload()

    async def _on_jump(self, seconds: float) -> None:
        """The scheduler sees at its next tick that the clock has jumped, and arms anew."""
        self.clock.jump(seconds)
        self.done["clock steps"] += 1
        self._turn = {name: min(at, self.t) for name, at in self._turn.items()}
        for name in list(self._turn):
            await self._observe(name)

    async def _on_silence(self, span) -> None:  # type: ignore[no-untyped-def]  # a Span
        await self._operate(do="silence", targets=span.targets, force="yes",
                            **{"for": f"{int(span.end - span.begin)}s"})  # fmt: skip

    async def _on_ack(self, targets: str) -> None:
        await self._operate(do="ack", targets=targets)

    async def _operate(self, **asked: str) -> None:
        operator = Operator(self.house.pipeline, self.clock)
        reply = await operator.handle({**asked, "author": "ops", "comment": "seen"})
        self.done[asked["do"]] += "error" not in reply
        self._dirty = True

    async def _on_quiet(self, _: object) -> None:
        """Some minutes after a mail server came back nothing may be owed any more."""
        self._dirty = True
        await self._tell()
        now = self.clock.now()
        if not self.mail.down:
            teller = self.house.pipeline._teller
            names = [r.name for r in self.house.memory.settings.receivers]
            owing = [n for name in names if teller for n in teller.due(name, now)]
            mine = {(n.receiver, n.id): n for n in owing}.values()
            self.owed += [f"{n.kind.value} to {n.receiver} at {self.t / DAY:.2f} d" for n in mine]

    async def _on_weigh(self, _: object) -> None:
        """After a clean restart, which writes the log back into the file."""
        await self._on_quiet(None)
        calm = sorted(self._calm[-200:])
        await self._restart(killed=False)
        memory = self.house.memory
        gc.collect()
        path = self.folder / "monitor.db"
        self.weights.append(
            Weight(
                day=self.t / DAY,
                probes=self.done["probes"],
                rows=_rows(path),
                memory={n: len(getattr(memory, n)) for n in _TABLES},
                held=held([getattr(memory, n) for n in _TABLES]),
                objects=len(gc.get_objects()) - len(self.mail.said) - len(self.episodes),
                checkpoint=sum(len(b.dump()) for b in memory.books.values()),
                file=path.stat().st_size,
                statements=sum(calm) / max(len(calm), 1),
            )
        )

    async def _end(self) -> None:
        self._changed()
        await self._on_quiet(None)
        self.totals = {name: book.totals for name, book in self.house.memory.books.items()}
        self.hours = {name: await self.store.hours(name) for name in BALANCES}
        await self.house.pipeline.aclose()
        await self.house.pipeline.keeper.close()


def _rows(path: Path) -> dict[str, int]:
    with sqlite3.connect(f"file:{path}?mode=ro", uri=True) as found:
        names = [n for (n,) in found.execute("SELECT name FROM sqlite_master WHERE type='table'")]
        counted = {n: found.execute(f"SELECT count(*) FROM {n}").fetchone()[0] for n in names}  # noqa: S608 - its own names
    found.close()
    return counted

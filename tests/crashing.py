"""A process that can be killed anywhere, without luck: before every step of every task, and
before every SQL statement.

A story is told once, on a loop and a store that run in one thread. Before each step of a task and
each statement what a kill would leave behind is looked at: the database with its log, and what had
arrived by then. Each state that differs from the last is kept; a second process can take up each
of them and tell the rest of the story.

    moments = watched(story, folder)          # every state a kill could leave
    resumed(story, moments[17], folder)       # what people have heard in the end
    overtaken(story, 900, folder)             # the first is stopped there, and goes on later
    terminated(story, moments[17], 40, folder)  # told to end, 40 steps later; another goes on

SQLite's file is copied while a transaction is under way, as the disk has it then: a killed process
leaves its pages to the next one, which rolls back what was not committed.
"""

from __future__ import annotations

import asyncio
import hashlib
import sqlite3
from collections.abc import Awaitable, Callable, Iterable, Sequence
from concurrent.futures import Executor, Future
from contextlib import closing
from contextvars import Context
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path
from threading import Thread
from typing import Any, TypeVar

from house import START, House, Script

from monitor.clock import SteppedClock
from monitor.core.message import Message
from monitor.core.model import Alert, AlertState, Incident, TargetRecord
from monitor.core.settings import ReceiverSettings, Settings
from monitor.core.spec import ChannelSpec
from monitor.notifiers import Delivery
from monitor.store import StoreError
from monitor.store.sqlite import SqliteStore

T = TypeVar("T")
RESTART = timedelta(seconds=1)  # what is seen anew is seen later
Heard = tuple[str, str, str, str]  # receiver, kind, alert on target, the message's id
Outcome = Callable[[str, int, datetime], bool]  # whether a receiver's n-th attempt arrives


class SameThread(Executor):
    """Runs some steps of the loop later what a thread would run beside it: always the same order.

    Between a call and its work others get their turns, as beside a disk that takes its time.
    """

    def submit(self, fn: Callable[..., T], /, *args: Any, **kwargs: Any) -> Future[T]:
        """Run `fn` soon."""
        future: Future[T] = Future()
        asyncio.get_running_loop().call_soon(_later, 3, lambda: _into(future, fn, args, kwargs))
        return future


def _later(steps: int, work: Callable[[], None]) -> None:
    if steps:
        asyncio.get_running_loop().call_soon(_later, steps - 1, work)
    else:
        work()


def _into(future: Future[T], fn: Callable[..., T], args: Any, kwargs: Any) -> None:
    try:
        future.set_result(fn(*args, **kwargs))
    except BaseException as error:  # noqa: BLE001 - it belongs to whoever waits for it
        future.set_exception(error)


class WatchedLoop(asyncio.SelectorEventLoop):
    """Calls `look` before every step of every task."""

    def __init__(self, look: Callable[[], None]) -> None:
        super().__init__()
        self._look = look

    def call_soon(
        self, callback: Callable[..., object], *args: Any, context: Context | None = None
    ) -> asyncio.Handle:
        """As the library's, with a look before it."""

        def step(*given: Any) -> None:
            self._look()
            callback(*given)

        return super().call_soon(step, *args, context=context)


SPEC = ChannelSpec("recorded", "Recorded", ())


@dataclass
class Postman:
    """Takes messages, a step before and a step after each has arrived."""

    heard: list[Heard] = field(default_factory=list)
    arrives: Outcome = lambda _receiver, _attempt, _now: True
    attempts: dict[str, int] = field(default_factory=dict)
    clock: SteppedClock = field(default_factory=lambda: SteppedClock(START))
    spec: ChannelSpec = SPEC

    async def send(
        self, to: ReceiverSettings, message: Message, addresses: tuple[str, ...]
    ) -> Delivery:
        """Tell `addresses`, unless this attempt is one that fails."""
        number = self.attempts[to.name] = self.attempts.get(to.name, 0) + 1
        await asyncio.sleep(0)
        if not self.arrives(to.name, number, self.clock.now()):
            return Delivery(failed=dict.fromkeys(addresses, "451 later"))
        about = f"{message.labels['alertname']} on {message.labels['target']}"
        self.heard.append((to.name, message.kind.value, about, message.id))
        await asyncio.sleep(0)
        return Delivery(addresses)


@dataclass(frozen=True)
class Step:
    """One thing that happens in the world, and the time that passes before it."""

    after: float  # seconds
    happens: Callable[[Script], None] = lambda _script: None
    does: Callable[[House], Awaitable[None]] | None = None  # an operator, beside the probes
    settings: Settings | None = None  # a reload


@dataclass(frozen=True)
class Story:
    """What happens, in order; after each step everything is probed and told."""

    settings: Settings
    steps: tuple[Step, ...]
    arrives: Outcome = lambda _receiver, _attempt, _now: True


@dataclass(frozen=True)
class Moment:
    """What a kill leaves: the files, the step under way, the time, what had arrived."""

    step: int
    at: datetime
    database: bytes
    log: bytes
    heard: tuple[Heard, ...]
    attempts: tuple[tuple[str, int], ...]


class Watcher:
    """Keeps every state that a kill could leave and that differs from the one before."""

    def __init__(self, path: Path) -> None:
        self._path, self.moments = path, list[Moment]()
        self.looked, self._last = 0, b""
        self.stopped = False  # for so long that another may lead
        self.ending = False  # told to end: nothing more is begun
        self.step, self.clock = 0, SteppedClock(START)
        self.postman = Postman(clock=self.clock)

    def look(self) -> None:
        """Something is about to happen."""
        self.looked += 1
        database, log = _bytes(self._path), _bytes(Path(f"{self._path}-wal"))
        heard = tuple(self.postman.heard)
        attempts = tuple(sorted(self.postman.attempts.items()))
        seen = (self.step, self.clock.now(), hash(heard), hash(attempts))
        mark = hashlib.blake2b(repr(seen).encode() + database + b"|" + log).digest()
        if mark != self._last:
            self._last = mark
            now = self.clock.now()
            self.moments.append(Moment(self.step, now, database, log, heard, attempts))


def _bytes(path: Path) -> bytes:
    return path.read_bytes() if path.exists() else b""


async def _tell(story: Story, house: House, watcher: Watcher, *, begin: int) -> None:
    """The story from a step on; that step's time has passed already where it was resumed."""
    for step in story.steps[:begin]:
        step.happens(house.script)
    await house.start()
    for number, step in enumerate(story.steps[begin:], begin):
        if number > begin or begin == 0:
            house.clock.step(step.after)
        watcher.step = number
        step.happens(house.script)
        if step.settings is not None:
            await house.pipeline.reload(step.settings)
        if step.does is not None and not watcher.stopped:
            await step.does(house)
        await _bustle(house, watcher)
        for _ in range(3):  # what failed at first is tried again
            await _unless_ending(watcher, lambda: house.tell(after=2))
        await _unless_ending(watcher, house.pipeline.sweep)
        await _unless_ending(watcher, house.tell)
        if watcher.ending:
            return


async def _unless_ending(watcher: Watcher, work: Callable[[], Awaitable[None]]) -> None:
    if not watcher.ending:
        await work()


async def _bustle(house: House, watcher: Watcher) -> None:
    """Everything is probed at once, and beside it everybody is told what is due, as it comes."""
    observe, deliver = house.pipeline.observe, house.pipeline.deliver
    observing = asyncio.gather(*(observe(t) for t in tuple(house.memory.targets)))
    observing.add_done_callback(lambda ended: ended.cancelled() or ended.exception())
    while not observing.done() and not watcher.ending:
        await asyncio.gather(*(deliver(r.name) for r in house.memory.settings.receivers))
        await asyncio.sleep(0)
    await observing


def _house(watcher: Watcher, path: Path, settings: Settings, look: Callable[[], None]) -> House:
    return House(
        settings,
        store=SqliteStore(
            path,
            thread=SameThread(),
            now=watcher.clock.now,
            watch=lambda _statement: look(),
            busy_timeout=0.0,
        ),
        clock=watcher.clock,
        mail=watcher.postman,  # type: ignore[arg-type]  # a notifier, as the recorded one
    )


async def _lead(house: House, watcher: Watcher) -> None:
    """Claim the lead: whoever led before writes nothing from now on. Raises StoreError."""
    store = house.pipeline._store
    assert isinstance(store, SqliteStore)
    expected = await store.lease()
    assert await store.claim(
        f"process {watcher.step}", expected, watcher.clock.now(), locked=False
    )
    assert house.pipeline._teller is not None
    house.pipeline._teller.may_tell = lambda: not watcher.stopped


def watched(story: Story, folder: Path) -> tuple[Watcher, House]:
    """Tell a whole story, undisturbed, and look on."""
    path = folder / "watched.db"
    watcher = Watcher(path)
    watcher.postman.arrives = story.arrives
    return watcher, _run(story, watcher, path, 0, look=watcher.look)


def _settings(story: Story, begin: int) -> Settings:
    """Those in force once a step has begun."""
    reloads = [s.settings for s in story.steps[: begin + 1] if s.settings is not None]
    return reloads[-1] if reloads else story.settings


def _run(
    story: Story, watcher: Watcher, path: Path, begin: int, *, look: Callable[[], None]
) -> House:
    settings = _settings(story, begin)
    with asyncio.Runner(loop_factory=lambda: WatchedLoop(look)) as runner:
        house = _house(watcher, path, settings, look)
        runner.run(_lead(house, watcher))
        runner.run(_tell(story, house, watcher, begin=begin))
        runner.run(house.pipeline.keeper.close())
        return house


def resumed(
    story: Story, moment: Moment, folder: Path, *, watch: bool = False
) -> tuple[Watcher, House]:
    """Take up what a kill at `moment` left, and tell the rest."""
    path = folder / "resumed.db"
    watcher = _taken_up(story, moment, path)
    look = watcher.look if watch else lambda: None
    return watcher, _run(story, watcher, path, moment.step, look=look)


def _taken_up(story: Story, moment: Moment, path: Path) -> Watcher:
    """The next process, before it begins."""
    for suffix, content in (("", moment.database), ("-wal", moment.log), ("-shm", b"")):
        file = Path(f"{path}{suffix}")
        file.unlink(missing_ok=True)
        if content:
            file.write_bytes(content)
    watcher = Watcher(path)
    watcher.clock = SteppedClock(moment.at + RESTART)
    watcher.postman = Postman(
        list(moment.heard), story.arrives, dict(moment.attempts), watcher.clock
    )
    watcher.step = moment.step
    return watcher


def terminated(
    story: Story, moment: Moment, stop: int, folder: Path, *, hurried: bool
) -> tuple[Moment, House] | None:
    """Go on from a moment, be told to end before the `stop`-th step; what that leaves, and who.

    As the daemon does it: nothing more is begun, what is under way ends by itself, or `hurried` is
    cut off; then the store is closed. None: that step of the story was over before.
    """
    path, looks = folder / "terminated.db", 0
    watcher = _taken_up(story, moment, path)
    begun, waits = list[asyncio.Task[None]](), set[asyncio.Task[Any] | None]()

    def look() -> None:
        nonlocal looks
        looks += 1
        if begun and looks == stop:
            watcher.ending = True
            for task in asyncio.all_tasks() - waits if hurried else ():
                task.cancel()

    async def live(house: House) -> None:
        nonlocal looks
        looks = 0
        waits.add(asyncio.current_task())
        begun.append(asyncio.create_task(_tell(story, house, watcher, begin=moment.step)))
        await asyncio.wait(begun)
        if not begun[0].cancelled():
            begun[0].result()

    settings = _settings(story, moment.step)
    with asyncio.Runner(loop_factory=lambda: WatchedLoop(look)) as runner:
        house = _house(watcher, path, settings, look)
        runner.run(_lead(house, watcher))
        runner.run(live(house))
        if not watcher.ending or watcher.step != moment.step:
            return None
        runner.run(house.pipeline.keeper.close())
    attempts = tuple(sorted(watcher.postman.attempts.items()))
    heard = tuple(watcher.postman.heard)
    return Moment(moment.step, watcher.clock.now(), _bytes(path), b"", heard, attempts), house


def unwritten(moment: Moment, house: House, folder: Path) -> list[str]:
    """What a process knew that its database does not."""
    path = folder / "unwritten.db"
    path.write_bytes(moment.database)
    store, memory = SqliteStore(path, thread=SameThread()), house.memory
    if not house.pipeline.keeper._writing.loaded:
        return []  # it had not even begun
    stored = asyncio.run(store.load(START - timedelta(days=30)))
    pairs = {
        "told": (set(stored.told), set(memory.told.values())),
        "incidents": (_ends(stored.incidents), _ends(memory.incidents.values())),
        "alerts": (_states(stored.alerts), _states(memory.alerts.values())),
        "readings": (_readings(stored.targets.values()), _readings(memory.records.values())),
    }
    return [name for name, (kept, known) in pairs.items() if kept != known]


def _ends(incidents: Iterable[Incident]) -> set[tuple[str, str, str, datetime | None]]:
    return {(i.id, i.severity.value, i.cause.value, i.closed_at) for i in incidents}


def _states(alerts: Iterable[Alert]) -> set[tuple[tuple[str, str], AlertState]]:
    return {(a.key, a.state) for a in alerts}


def _readings(records: Iterable[TargetRecord]) -> set[tuple[str, datetime, int, int]]:
    read = [(r, r.reading.at) for r in records if r.reading is not None]
    return {(r.target, at, r.failures, r.streak) for r, at in read}


@dataclass
class Overtaken:
    """What became of a process that was stopped, and of the one that led from then on."""

    second: Watcher | None = None  # None: it could not take the lead, the first goes on alone
    before: int = 0  # messages that had arrived when the first was stopped
    left: tuple[str, ...] = ()  # the database as the second left it
    fault: BaseException | None = None


def overtaken(story: Story, stop: int, folder: Path) -> tuple[Watcher, Overtaken, Path]:
    """Stop a process before its `stop`-th step; another tells the rest; then the first goes on."""
    path, looks = folder / "overtaken.db", 0
    for suffix in ("", "-wal", "-shm"):
        Path(f"{path}{suffix}").unlink(missing_ok=True)
    first, found = Watcher(path), Overtaken()
    first.postman.arrives = story.arrives

    def look() -> None:
        nonlocal looks
        looks += 1
        if looks == stop:
            thread = Thread(target=_take_over, args=(story, first, path, found))
            thread.start()
            thread.join()

    _run(story, first, path, 0, look=look)
    if found.fault is not None:
        raise found.fault
    return first, found, path


def _take_over(story: Story, first: Watcher, path: Path, found: Overtaken) -> None:
    second, postman = Watcher(path), first.postman
    second.clock, second.step = SteppedClock(first.clock.now() + RESTART), first.step
    found.before = len(postman.heard)
    second.postman = Postman(
        list(postman.heard), story.arrives, dict(postman.attempts), second.clock
    )
    try:
        _run(story, second, path, first.step, look=lambda: None)
    except StoreError:  # stopped within a transaction, it holds the database
        return
    except BaseException as fault:  # noqa: BLE001 - it belongs to the test
        found.fault = fault
    first.stopped, found.second, found.left = True, second, contents(path)


def contents(path: Path) -> tuple[str, ...]:
    """All that a database holds."""
    with closing(sqlite3.connect(path)) as connection:
        return tuple(connection.iterdump())


def said(heard: Sequence[Heard]) -> dict[tuple[str, str], list[str]]:
    """What each receiver heard of each alert, in order, a repeat under the same id left out.

    In what order two alerts were told may change: a reading that is taken again counts as well.
    """
    found: dict[tuple[str, str], list[str]] = {}
    known = set()
    for receiver, kind, about, name in heard:
        if name not in known:
            known.add(name)
            found.setdefault((receiver, about), []).append(kind)
    return found


def repeats(heard: Sequence[Heard]) -> int:
    """How many messages came that had come before."""
    return len(heard) - len({name for _, _, _, name in heard})

"""Recorded history: samples out of a file of JSON lines, or out of the store, one by one."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from itertools import pairwise
from typing import BinaryIO

from monitor.core.counts import JobHour
from monitor.core.hours import Hour
from monitor.core.model import Sample, TargetRecord
from monitor.store.sqlite import SqliteStore

_LONGEST = 65536  # bytes of one line
_LARGEST = Decimal(10) ** 15  # beyond it a number is an error of whoever wrote it
_BEFORE = datetime(2020, 1, 1, tzinfo=UTC)  # nothing is expected there, and little is read at once
_PAGE = timedelta(days=30)
_RFC3339 = re.compile(
    r"[0-9]{4}-[0-9]{2}-[0-9]{2}[Tt ][0-9]{2}:[0-9]{2}:[0-9]{2}(\.[0-9]+)?"
    r"(?P<zone>[Zz]|[+-][0-9]{2}:[0-9]{2})?"
)


class _Unfit(ValueError):
    """Why one line is not a sample."""


class BrokenLine(ValueError):
    """A line of a file of samples that is not one. `str()` says why, in the user's terms."""

    def __init__(self, number: int, why: str) -> None:
        super().__init__(why)
        self.number = number


def parse_time(text: str) -> datetime:
    """RFC 3339, such as `2026-11-20T10:31:28Z`, in UTC. Raises ValueError in the user's terms."""
    match = _RFC3339.fullmatch(text)
    if match is None:
        raise ValueError(f"{text[:60]!r} is not a time such as 2026-11-20T10:31:28Z")
    if match["zone"] is None:
        raise ValueError(f"{text!r} has no time zone: end it in Z, or in an offset such as +01:00")
    try:
        return datetime.fromisoformat(text.upper()).astimezone(UTC)
    except (ValueError, OverflowError):
        raise ValueError(f"{text!r} is no time there is") from None


def read_lines(stream: BinaryIO) -> Iterator[Sample]:
    """Samples of JSON lines `{"at": RFC 3339, "balance": number|null}`, as they are read.

    Nothing is held: ten years of minutes take no more room than a day. Blank lines are passed
    over. Raises BrokenLine, also for a line that is out of order.
    """
    before: datetime | None = None
    number = 0
    while line := stream.readline(_LONGEST + 1):
        number += 1
        if line.isspace():
            continue
        try:
            sample = _sample(line.removeprefix(b"\xef\xbb\xbf") if number == 1 else line)
            _in_order(before, sample.at)
        except ValueError as error:
            raise BrokenLine(number, str(error)) from error
        before = sample.at
        yield sample


def _sample(line: bytes) -> Sample:
    if len(line) > _LONGEST:
        raise _Unfit(f"it is longer than {_LONGEST} bytes")
    found = _parsed(line)
    if not isinstance(found, dict):
        raise _Unfit('it is not an object such as {"at": "2026-11-20T10:31:28Z", "balance": 5}')
    missing = [name for name in ("at", "balance") if name not in found]
    if missing:
        raise _Unfit(f"{missing[0]!r} is missing")
    if not isinstance(found["at"], str):
        raise _Unfit("'at' is not a text such as 2026-11-20T10:31:28Z")
    return Sample(parse_time(found["at"]), _amount(found["balance"]))


def _parsed(line: bytes) -> object:
    try:
        return json.loads(
            line.decode(), parse_float=Decimal, parse_int=Decimal, parse_constant=_refused
        )
    except json.JSONDecodeError as error:
        raise _Unfit(f"it is not JSON: {error.msg}, column {error.colno}") from error
    except UnicodeDecodeError:
        raise _Unfit("it is not UTF-8") from None
    except RecursionError:
        raise _Unfit("it is nested too deeply") from None
    except ArithmeticError:
        raise _Unfit("a number in it is beyond all bounds") from None


def _refused(word: str) -> None:
    raise _Unfit(f"{word} is not a number of JSON")


def _amount(value: object) -> Decimal | None:
    if value is None:
        return None
    if not isinstance(value, Decimal):
        raise _Unfit("'balance' is neither a number nor null")
    if not abs(value) < _LARGEST:
        raise _Unfit("'balance' is 1e15 or more")
    return value


def _in_order(before: datetime | None, at: datetime) -> None:
    if before is not None and at < before:
        raise _Unfit("it is out of order: its time is before that of the line above")


@dataclass(frozen=True, slots=True)
class Archive:
    """A database that is read beside the daemon that writes it. All raise StoreError."""

    database: str

    async def records(self, now: datetime) -> dict[str, TargetRecord]:
        """What is remembered of each target."""
        store = SqliteStore(self.database, read_only=True)
        try:
            return dict((await store.load(now)).targets)
        finally:
            await store.close()

    async def each(
        self,
        target: str,
        take: Callable[[Sample], None],
        *,
        now: datetime,
        since: datetime | None = None,
    ) -> None:
        """Hand over a target's samples in time order, a month's at a time."""
        store = SqliteStore(self.database, read_only=True)
        try:
            first = _BEFORE if since is None else since + _PAGE
            edges: list[datetime | None] = [since, *_edges(first, now), None]
            for low, high in pairwise(edges):
                for sample in await store.samples(target, low, high):
                    take(sample)
        finally:
            await store.close()

    async def hours(self, target: str, since: datetime | None, now: datetime) -> tuple[Hour, ...]:
        """A target's hours in time order, from the one `since` lies in to the one of `now`."""
        store = SqliteStore(self.database, read_only=True)
        try:
            return await store.hours(target, since, now)
        finally:
            await store.close()

    async def jobs_reported(self, account: str, since: datetime) -> tuple[JobHour, ...]:
        """The jobs applications have reported of an account, from the hour of `since` on."""
        store = SqliteStore(self.database, read_only=True)
        try:
            return await store.jobs_reported(account, since)
        finally:
            await store.close()


def _edges(first: datetime, now: datetime) -> Iterator[datetime]:
    """Where one page ends and the next begins."""
    edge = first
    while edge < now:
        yield edge
        edge += _PAGE

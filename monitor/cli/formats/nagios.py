"""One line for Nagios and its kin, with performance data."""

from __future__ import annotations

import math
from collections.abc import Iterator

from monitor.cli.formats.rows import Report, TargetRow
from monitor.cli.formats.safe import one_line
from monitor.core.causes import Status

_NAMED = 5  # targets named in the text
_TEXT = 1000  # characters of the text
_LINE = 8000  # what a core takes from a plugin is 8192 bytes


def render_nagios(report: Report) -> str:
    """`MONITOR <OK|WARNING|CRITICAL|UNKNOWN> - text | 'kie/balance'=5916.25;;135:;;`."""
    line = f"MONITOR {report.status.upper()} - {_text(report)}"
    data = _fitting(_LINE - len(line.encode("utf-8", "replace")) - 3, report.targets)
    return f"{line} | {data}\n" if data else f"{line}\n"


def unknown(why: str) -> str:
    """What is said where nothing could be asked, by the first line of the reason."""
    first, *more = why.splitlines() or ["no reason is known"]
    said = f"{first} (and {len(more)} more)" if more else first
    return f"MONITOR UNKNOWN - {_short(one_line(said).replace('|', '/'))}\n"


def _short(text: str) -> str:
    return text if len(text) <= _TEXT else text[: _TEXT - 3] + "..."


def _text(report: Report) -> str:
    bad = [row for row in report.targets if row.status is not Status.OK]
    bad.sort(key=lambda row: -row.status.badness)
    said = [f"{row.target} {row.status.value}: {row.why}" for row in bad[:_NAMED]]
    if len(bad) > _NAMED:
        said.append(f"and {len(bad) - _NAMED} more")
    return _short(one_line("; ".join([report.counts, *said])).replace("|", "/"))


def _fitting(room: int, rows: tuple[TargetRow, ...]) -> str:
    """As many whole items as there is room for, balances first."""
    items = [item for row in rows for item in _balance(row)]
    items += [item for row in rows for item in (*_runway(row), *_quotas(row))]
    kept: list[str] = []
    for item in items:
        room -= len(item.encode("utf-8", "replace")) + 1
        if room < 0:
            break
        kept.append(item)
    return " ".join(kept)


def _balance(row: TargetRow) -> Iterator[str]:
    if row.balance is not None:
        # `135:` is a range: it is critical to be under the floor.
        floor = "" if row.floor is None else f"{_number(row.floor)}:"
        yield f"{_label(row.target)}={_number(row.balance)};;{floor};;"


def _runway(row: TargetRow) -> Iterator[str]:
    hours = row.runway.get("p25")
    if hours is not None and math.isfinite(hours):
        yield f"{_label(f'{row.target} runway')}={_number(hours * 3600)}s;;;0;"


def _quotas(row: TargetRow) -> Iterator[str]:
    for quota in row.quotas:
        if quota.used is not None:
            limit = "" if quota.limit is None else _number(quota.limit)
            yield f"{_label(f'{row.target} {quota.quota}')}={_number(quota.used)};;;0;{limit}"


def _label(name: str) -> str:
    """Quoted; `=` may not be in a label at all, and `|` would begin the data anew."""
    safe = one_line(name).replace("=", "_").replace("|", "/").replace("'", "''")
    return f"'{safe}'"


def _number(value: float) -> str:
    """Digits with a point: the guidelines know no exponent."""
    text = f"{value:.6f}"
    return text.rstrip("0").rstrip(".") if "." in text else text

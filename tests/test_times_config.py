"""Hours, digests and maintenance windows as a config writes them, and as it shows them again."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from catalogue import CATALOGUE

from monitor.config import load
from monitor.config.load import effective
from monitor.core.causes import Severity
from monitor.core.settings import Settings

HEAD = """
timezone: Europe/Berlin
accounts:
  kie: {key: k}
receivers:
"""
HOOK = 'webhook: {url: "https://hooks.example.com/x"}'


def config(tmp_path: Path, *lines: str, maintenance: str = "") -> Settings:
    path = tmp_path / "config.yaml"
    receivers = "".join(f"  r{n}: {{{HOOK}, {line}}}\n" for n, line in enumerate(lines))
    path.write_text(HEAD + (receivers or "  {}\n") + maintenance)
    return load(str(path), CATALOGUE, {})


def test_hours_are_in_the_receivers_own_time_zone_or_else_in_the_configs(tmp_path: Path) -> None:
    here, there = config(
        tmp_path, 'hours: "08:00-18:00"', 'hours: "08:00-18:00", timezone: America/New_York'
    ).receivers
    assert here.hours is not None
    assert there.hours is not None
    noon = datetime(2026, 11, 20, 12, tzinfo=UTC)  # 13 in Berlin, 7 in New York
    assert here.hours.holds(noon)
    assert not there.hours.holds(noon)


def test_a_receiver_of_digests_alone_hears_of_no_alert(tmp_path: Path) -> None:
    (only,) = config(tmp_path, 'severities: [], digest: "Mon 09:00"').receivers
    assert only.severities == frozenset()
    assert only.digest is not None
    (both,) = config(tmp_path, 'digest: "Mon 09:00"').receivers
    assert both.severities == frozenset(Severity)


WINDOWS = """
maintenance:
  - {name: backup, targets: [kie/*], every: ["Sun 02:00", "1st 03:00"], for: 2h}
  - {name: party, targets: ["*"], alert: runway-short, from: 2026-12-24T18:00, until: 2026-12-26}
  - {name: moved, targets: kie/balance, from: 2026-03-29T02:30, until: 2026-03-29T01:30:00Z}
"""


def test_a_window_comes_again_or_once_in_its_time_zone(tmp_path: Path) -> None:
    backup, party, moved = config(tmp_path, maintenance=WINDOWS).maintenance
    at = datetime(2026, 11, 28, tzinfo=UTC)
    assert backup.spans(at, at + timedelta(days=4)) == [
        (datetime(2026, 11, 29, 1, tzinfo=UTC), datetime(2026, 11, 29, 3, tzinfo=UTC)),
        (datetime(2026, 12, 1, 2, tzinfo=UTC), datetime(2026, 12, 1, 4, tzinfo=UTC)),
    ]
    assert party.alert == "runway-short"
    assert party.once == (
        datetime(2026, 12, 24, 17, tzinfo=UTC), datetime(2026, 12, 25, 23, tzinfo=UTC)
    )  # fmt: skip
    assert moved.once is not None
    assert moved.once[0] == datetime(2026, 3, 29, 1, tzinfo=UTC), "02:30 does not exist that day"


def test_the_effective_config_means_the_same(tmp_path: Path) -> None:
    before = config(
        tmp_path,
        'hours: [Mon-Fri 08:00-18:00, Sat], quiet_hours: "22:00-07:00"',
        "severities: [], digest: [Mon 09:00, last 09:00], timezone: Asia/Tokyo",
        maintenance=WINDOWS,
    )
    again = tmp_path / "again.yaml"
    shown = effective(str(tmp_path / "config.yaml"), CATALOGUE, {})
    again.write_text(shown.replace("url: '********'", "url: https://hooks.example.com/x"))
    after = load(str(again), CATALOGUE, {})
    times = [(r.hours, r.quiet_hours, r.digest, r.severities) for r in before.receivers]
    assert [(r.hours, r.quiet_hours, r.digest, r.severities) for r in after.receivers] == times
    assert after.maintenance == before.maintenance


@pytest.mark.parametrize(("line", "doubt"), [
    ('quiet_hours: daily', "cover the whole week: only what is critical is ever told here"),
    ('severities: [warning], quiet_hours: Mon-Sun', "cover the whole week: no alert is ever told"),
    ('hours: "Mon-Fri 09:00-17:00", quiet_hours: ["16:00-10:00", "Mon-Fri 10:00-16:00"]',
     "cover all its hours"),
    ('hours: "Mon 23:00-01:00", quiet_hours: ["Mon 23:00-24:00", "Tue 00:00-01:00"]',
     "cover all its hours"),
    ('hours: "Mon 23:00-01:00", quiet_hours: "Mon 23:00-24:00"', ""),
    ('hours: "09:00-17:00", quiet_hours: "22:00-07:00"', ""),
    ('hours: "09:00-17:00"', ""),
])  # fmt: skip
def test_hours_that_never_meet_are_doubted(tmp_path: Path, line: str, doubt: str) -> None:
    found = config(tmp_path, line).doubts
    assert doubt in "".join(found)
    assert len(found) == bool(doubt)
    if doubt:
        assert "config.yaml:6:" in found[0]
        assert "receivers.r0.quiet_hours" in found[0]


@pytest.mark.parametrize(("window", "doubted"), [
    ('targets: "*", every: daily 00:00, for: 1d', True),
    ('targets: [kie/*, monitor/*], every: [Mon 00:00, Wed 00:00], for: 5d', True),
    ('targets: "*", every: daily 00:00, for: 22h', False),
    ('targets: kie/balance, every: daily 00:00, for: 1d', False),
    ('targets: "*", alert: runway-short, every: daily 00:00, for: 1d', False),
    ('targets: "*", from: 2026-01-01, until: 2036-01-01', False),
])  # fmt: skip
def test_a_window_that_covers_everything_for_ever_is_doubted(
    tmp_path: Path, window: str, doubted: bool
) -> None:
    entry = f"maintenance:\n  - {{name: w, {window}}}\n"
    found = [d for d in config(tmp_path, maintenance=entry).doubts if "maintenance" in d]
    assert [("maintenance.0: warning: covers every target" in d) for d in found] == [
        True
    ] * doubted

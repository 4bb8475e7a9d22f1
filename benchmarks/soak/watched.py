"""What a soak watches and whom it tells: the config of its monitor."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime
from decimal import Decimal
from zoneinfo import ZoneInfo

from house import every, receiver, rule, settings

from benchmarks.soak.script import HOUR, MINUTE, MODELS
from monitor.config.timetables import parse_moment, parse_stretch
from monitor.core.flapping import Damping
from monitor.core.maintenance import Window
from monitor.core.model import Check, Target
from monitor.core.secret import Secret
from monitor.core.settings import Account, Interval, Settings
from monitor.core.timetable import Hours, Recurrence

BERLIN = ZoneInfo("Europe/Berlin")
START = datetime(2026, 10, 5, 5, 30, tzinfo=UTC)  # a Monday; the clocks go back on the 25th
LINE = Decimal(3000)  # kie-low, while the config has it
JOB = Decimal(300)  # the dearest
MISREAD = "kie/balance"  # whose balance is misread at times
BALANCES = {"kie/balance": "spike", "fal/balance": "diurnal"}  # and whose demand they have
QUIET = Hours((parse_stretch("daily 22:00-07:00"),), BERLIN)
SUNDAYS = Recurrence((parse_moment("Sun 03:00"),), BERLIN)
BACKUP = Window("backup", ("fal/*",), BERLIN, every=SUNDAYS, lasts=2 * HOUR)
MONDAYS = Recurrence((parse_moment("Mon 09:00"),), BERLIN)


def config(*, swapped: bool = False, line: bool = True) -> Settings:
    """What is watched and who is told. `swapped`: the retired model has left it."""
    models = (MODELS[0], "sdxl") if swapped else MODELS
    face = "huggingface"
    accounts = [
        Account(name, name, Secret(f"{name}-planted-key"),
                (every(Target(name, name, Check.BALANCE), seconds),),
                jobs={"video": JOB}, floor=Decimal(0))
        for name, seconds in (("kie", 600), ("fal", 900))
    ]  # fmt: skip
    targets = (
        every(Target(face, face, Check.KEY), 1800),
        *(every(Target(face, face, Check.MODEL, m), 1800) for m in models),
    )
    accounts.append(Account(face, face, Secret("hf_planted-key"), targets, models=models))
    every_4_hours = Interval(4 * HOUR, 4 * HOUR)
    who = (
        receiver(addresses=("a@example.com", "b@example.com"), remind_every=every_4_hours),
        receiver("lead", escalate_after=30 * MINUTE),
        receiver("night", quiet_hours=QUIET),
        receiver("finance", severities=frozenset(), digest=MONDAYS),
    )
    low = rule("kie-low", "kie/balance", f"balance < {LINE}", clear=None)
    made = settings(tuple(accounts), rules=(low,) if line else (), receivers=who)
    damping = Damping(more_than=2, within=3 * HOUR)
    return replace(made, maintenance=(BACKUP,), timezone=BERLIN, flapping=damping)

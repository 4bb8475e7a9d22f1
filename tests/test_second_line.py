"""The second line: who hears of what nobody has seen, and who stands in for another.

A config as users write it, real SMTP and HTTP servers on 127.0.0.1, and a clock that is stepped.
"""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from datetime import timedelta
from pathlib import Path

from house import START, Script
from postbox import OK, Mailbox
from wire import Line, Wire, answer, serving

from monitor.build import catalogue
from monitor.channels import runbooks
from monitor.clock import SteppedClock
from monitor.config import load
from monitor.core.causes import Severity
from monitor.http import Door
from monitor.notifiers import load_notifiers
from monitor.operator import Operator
from monitor.pipeline import Pipeline
from monitor.store.sqlite import SqliteStore
from monitor.telling import Teller

CONFIG = """
accounts:
  kie: {{key: k}}
alerts:
  - {{name: low, on: kie/balance, when: balance < 10000}}
receivers:
  oncall:
    email: {{to: oncall@example.com, from: monitor@example.com,
            smtp: {{host: 127.0.0.1, port: {smtp}, tls: none}}}}
    {oncall}
  lead:
    webhook: {{url: "{hook}"}}
    {lead}
database: {folder}/monitor.db
"""


@dataclass
class Story:
    """A pipeline with what it told."""

    pipeline: Pipeline
    clock: SteppedClock
    script: Script
    box: Mailbox
    wire: Wire

    async def falls(self, balance: float) -> None:
        self.script.balance(balance)
        await self.pipeline.observe("kie/balance")
        await self.passes(0)

    async def passes(self, minutes: float) -> None:
        """Deliver as the daemon does: whenever a deliverer has said that it is time."""
        end = self.clock.now() + timedelta(minutes=minutes)
        while True:
            waits = [await self.pipeline.deliver(name) for name in ("oncall", "lead", "oncall")]
            left = (end - self.clock.now()).total_seconds()
            if left <= 0:
                return
            self.clock.step(min([left, *(max(w, 0.01) for w in waits if w is not None)]))

    @property
    def mails(self) -> list[str]:
        """`opened 10:00`: kind and time of each mail."""
        kinds = [m.message for m in self.box.mails]
        return [f"{m['X-Monitor-Notification']} {m['Date'].datetime:%H:%M}" for m in kinds]

    @property
    def posts(self) -> list[str]:
        """`firing warning`: what each POST said."""
        bodies = [json.loads(seen.partition(b"\r\n\r\n")[2]) for seen in self.wire.seen]
        return [f"{b['status']} {b['commonAnnotations']['severity']}" for b in bodies]


async def accepts(line: Line) -> None:
    """200 to everything."""
    await line.say(answer())


@asynccontextmanager
async def story(
    folder: Path, *, oncall: str = "{}", lead: str = "{}", port: int | None = None
) -> AsyncIterator[Story]:
    async with Mailbox() as box, serving(accepts) as wire:
        keys = {"oncall": oncall.strip("{}"), "lead": lead.strip("{}")}
        text = CONFIG.format(smtp=port or box.port, hook=wire.url, folder=folder, **keys)
        path = folder / "config.yaml"
        path.write_text(text)
        config = load(str(path), catalogue(), {})
        rules = tuple(r for r in config.rules if not r.builtin)
        clock, script, door = SteppedClock(START), Script(), Door()
        pipeline = Pipeline(
            replace(config, rules=rules),
            store=SqliteStore(config.database),
            clock=clock,
            probe=script.probe,
            teller=Teller(load_notifiers(door), runbooks(), clock),
        )
        await pipeline.start()
        await pipeline.meet()
        try:
            yield Story(pipeline, clock, script, box, wire)
        finally:
            await pipeline.keeper.close()
            await door.aclose()


# -- escalate_after -------------------------------------------------------------------------


async def test_the_second_line_hears_after_half_an_hour_to_the_second(tmp_path: Path) -> None:
    async with story(tmp_path, lead="escalate_after: 30m") as it:
        await it.falls(5000)
        assert it.mails == ["opened 10:00"]
        await it.passes(29.99)
        assert it.posts == []
        await it.passes(0.01)
        assert it.posts == ["firing warning"]
        await it.falls(20000)
        assert it.posts == ["firing warning", "resolved warning"]
        assert it.mails == ["opened 10:00", "resolved 10:30"]


async def test_what_is_over_before_it_never_reaches_the_second_line(tmp_path: Path) -> None:
    async with story(tmp_path, lead="escalate_after: 30m") as it:
        await it.falls(5000)
        await it.passes(20)
        await it.falls(20000)
        await it.passes(120)
        assert it.posts == []
        assert it.mails == ["opened 10:00", "resolved 10:20"]


async def test_what_somebody_has_acknowledged_reaches_it_only_once_it_gets_worse(
    tmp_path: Path,
) -> None:
    async with story(tmp_path, oncall="remind_every: 1h", lead="escalate_after: 30m") as it:
        await it.falls(5000)
        await it.passes(10)
        ack = {"do": "ack", "targets": "kie/*", "author": "ada", "comment": "on it"}
        assert "acknowledged" in await Operator(it.pipeline, it.clock).handle(ack)
        await it.passes(180)
        assert it.posts == []
        assert it.mails == ["opened 10:00"], "an acknowledgement ends reminders"
        memory = it.pipeline.memory
        (incident,) = memory.incidents.values()
        memory.incidents[incident.id] = replace(incident, severity=Severity.CRITICAL)
        await it.passes(1)
        assert it.posts == ["firing critical"]
        assert it.mails == ["opened 10:00", "escalated 13:10"]


async def test_an_acknowledgement_after_it_was_told_does_not_take_its_end_away(
    tmp_path: Path,
) -> None:
    async with story(tmp_path, lead="escalate_after: 30m") as it:
        await it.falls(5000)
        await it.passes(31)
        ack = {"do": "ack", "targets": "kie/*", "author": "ada", "comment": "on it"}
        await Operator(it.pipeline, it.clock).handle(ack)
        await it.passes(60)
        await it.falls(20000)
        assert it.posts == ["firing warning", "resolved warning"]


async def test_the_second_line_keeps_its_hours(tmp_path: Path) -> None:
    lead = 'escalate_after: 30m\n    hours: "12:00-13:00"'
    async with story(tmp_path, lead=lead) as it:
        await it.falls(5000)
        await it.passes(119)
        assert it.posts == []
        await it.passes(1)
        assert it.posts == ["firing warning"]


# -- a digest -------------------------------------------------------------------------------


async def test_a_digest_arrives_by_mail_and_by_webhook_at_its_moment_and_once(
    tmp_path: Path,
) -> None:
    reads = 'digest: "daily 12:00"\n    severities: []'
    async with story(tmp_path, oncall=reads, lead=reads) as it:
        await it.falls(5000)
        await it.passes(119)
        assert it.mails == it.posts == []
        await it.passes(300)
        assert it.mails == ["digest 12:00"]
        assert it.posts == ["firing info"]
        (mail,) = it.box.mails
        assert mail.message["Subject"].startswith("[DIGEST] day to 20 Nov 2026: ")
        assert "In-Reply-To" not in mail.message
        assert "kie: balance 5000 is under 10000:  warning" in mail.text
        assert "<h2" in mail.html


# -- fallback -------------------------------------------------------------------------------

SPARE = 'severities: [critical]\n    on: ["monitor/*"]'  # of its own it hears of nothing here


async def test_what_is_refused_for_good_goes_to_the_fallback_at_once(tmp_path: Path) -> None:
    async with story(tmp_path, oncall="fallback: lead", lead=SPARE) as it:
        it.box.rcpt["oncall@example.com"] = ["550 no such user"]
        await it.falls(5000)
        await it.passes(0)
        assert it.posts == ["firing warning"]
        assert it.clock.now() == START
        await it.passes(5)
        await it.falls(20000)
        assert it.posts == ["firing warning", "resolved warning"]
        assert it.mails == [], "who never heard of it hears nothing of its end"


async def test_what_fails_three_times_goes_to_the_fallback_and_is_tried_on(tmp_path: Path) -> None:
    async with story(tmp_path, oncall="fallback: lead", lead=SPARE) as it:
        it.box.rcpt["oncall@example.com"] = ["451 later", "451 later", "451 later", OK]
        await it.falls(5000)
        assert it.posts == []
        await it.passes(1.6 / 60)
        assert it.posts == [], "two failures"
        await it.passes(10)
        assert it.posts == ["firing warning"]
        assert it.mails == ["opened 10:00"], "the retries went on"
        await it.falls(20000)
        assert it.posts[1:] == ["resolved warning"]
        assert it.mails[1:] == ["resolved 10:10"]


async def test_a_mail_server_that_is_down_does_not_silence_the_alert(tmp_path: Path) -> None:
    async with story(tmp_path, oncall="fallback: lead", lead=SPARE, port=1) as it:
        await it.falls(5000)
        await it.passes(1)
        assert it.posts == ["firing warning"]

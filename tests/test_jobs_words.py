"""Jobs as people say them: names become words, and the words stand where they are read."""

from __future__ import annotations

import json
from decimal import Decimal
from pathlib import Path

import pytest
import snapshots as scene
from catalogue import CATALOGUE
from core_scenes import NOW, a_view, an_outlook
from house import House, kie, settings
from hypothesis import given
from hypothesis import strategies as st

from monitor.config.faults import ConfigFaults
from monitor.config.load import load
from monitor.core.advice import summary
from monitor.core.causes import Cause, Severity
from monitor.core.document import document
from monitor.core.jobs import counted, jobs_of, main_left
from monitor.core.message import Message, compose
from monitor.core.model import Incident, Kind, Notification
from monitor.core.view import View
from monitor.notifiers._mail import text_of

PRO, TEN = "sora-2-pro-720p-15s", "sora-2-720p-10s"
LEFT = {TEN: 171, PRO: 31}

NAMES = [
    (PRO, 31, "31 Sora 2 Pro 720p 15 s videos"),
    (PRO, 1, "1 Sora 2 Pro 720p 15 s video"),
    (PRO, 0, "no Sora 2 Pro 720p 15 s videos"),
    (PRO, 12345, "12345 Sora 2 Pro 720p 15 s videos"),
    ("sora-2-pro-1080p-10s", 2, "2 Sora 2 Pro 1080p 10 s videos"),
    ("veo3-fast-8s", 3, "3 Veo3 Fast 8 s videos"),
    ("runway_gen4_10sec", 3, "3 Runway Gen4 10 s videos"),
    ("kling-2.1-720p", 3, "3 Kling 2.1 720p videos"),
    ("video", 3, "3 videos"),
    ("clips", 1, "1 clip"),
    ("flux-schnell-image", 8, "8 Flux Schnell images"),
    ("flux-schnell-image", 1, "1 Flux Schnell image"),
    ("gpt-image-1", 8, "8 GPT Image 1 images"),
    ("nano-banana-pro-4k", 8, "8 Nano Banana Pro 4k jobs"),
    ("image-upscale-1080p", 8, "8 Image Upscale 1080p images"),
    ("suno-v4.5-songs", 2, "2 Suno v4.5 songs"),
    ("udio-track", 1, "1 Udio track"),
    ("whisper-minutes", 90, "90 Whisper minutes"),
    ("transcribe-10min", 5, "5 Transcribe 10 min jobs"),
    ("elevenlabs-tts-15s", 5, "5 Elevenlabs TTS 15 s jobs"),
    ("text-to-video", 5, "5 Text to Video videos"),
    ("FLUX.1-dev", 5, "5 FLUX.1 Dev jobs"),
    ("render-2h", 5, "5 Render 2 h jobs"),
    ("x", 5, "5 X jobs"),
    ("--", 5, "5 -- jobs"),
    ("15s", 5, "5 15 s videos"),
]


@pytest.mark.parametrize(("job", "count", "words"), NAMES)
def test_a_name_becomes_words(job: str, count: int, words: str) -> None:
    assert counted(count, job) == words


TITLES = [
    ("Sora 2 Pro 720p 15 s videos", 31, "31 Sora 2 Pro 720p 15 s videos"),
    ("Sora 2 Pro 720p 15 s videos", 1, "1 Sora 2 Pro 720p 15 s video"),
    ("hero video", 2, "2 hero videos"),
    ("Hero Videos", 1, "1 Hero Video"),
    ("Werbefilme", 1, "1 Werbefilme"),
    ("two\nlines\x1b[31m of  jobs", 2, "2 two lines [31m of jobs"),
]


@pytest.mark.parametrize(("title", "count", "words"), TITLES)
def test_a_title_stands_for_the_name_and_follows_the_count(
    title: str, count: int, words: str
) -> None:
    assert counted(count, PRO, title) == words


@given(st.text(min_size=1, max_size=200), st.integers(0, 10**9), st.text(max_size=200))
def test_any_name_and_title_give_one_short_printable_line(
    job: str, count: int, title: str
) -> None:
    words = counted(count, job, title)
    assert len(words) <= 400
    assert words.isprintable()
    assert words.split()[1:]


# -- which job is named ---------------------------------------------------------------------

JOBS = {TEN: Decimal(25), PRO: Decimal(135), "image": Decimal(300)}
MAIN = [
    ({}, "image"),  # no plan: the dearest, which is the first that can no longer be paid
    ({TEN: 40, PRO: 3}, TEN),
    ({TEN: 3, PRO: 40}, PRO),
    ({TEN: 40, PRO: 40}, PRO),
    ({PRO: 0}, "image"),
    ({TEN: 1, PRO: 0}, TEN),
]


@pytest.mark.parametrize(("usage", "main"), MAIN)
def test_the_job_planned_most_is_named_else_the_dearest(usage: dict[str, int], main: str) -> None:
    assert kie(jobs=JOBS, usage={j: Decimal(n) for j, n in usage.items()}).main_job == main


def test_an_account_without_prices_names_no_job() -> None:
    assert kie(jobs={}).main_job == ""
    assert main_left(a_view(balance="5")) == ""


def test_all_jobs_are_listed_the_main_one_first() -> None:
    view = a_view(balance="4300", jobs_left=LEFT, main_job=PRO, job_titles={TEN: "small clips"})
    assert jobs_of(view) == (("Sora 2 Pro 720p 15 s videos", 31), ("small clips", 171))


def test_of_a_remembered_balance_no_job_is_promised() -> None:
    view = a_view(cause=Cause.TIMED_OUT, jobs_left=LEFT, main_job=PRO)
    assert jobs_of(view) == ()
    assert main_left(view) == ""


# -- where it stands ------------------------------------------------------------------------


def low(balance: str = "4300", p25: float = 5.0, **more: object) -> View:
    changes = {"jobs_left": LEFT, "main_job": PRO, "outlook": an_outlook(p25=p25, p50=8.0)}
    return a_view(balance=balance, unit="credits", **(changes | more))  # type: ignore[arg-type]


def say(alert: str, view: View, kind: Kind = Kind.OPENED, cause: Cause = Cause.OK) -> Message:
    incident = Incident(
        id="01J", alert=alert, target="kie/balance", account="kie", provider="kie",
        opened_at=NOW, opening_severity=Severity.CRITICAL, opening_cause=cause,
        severity=Severity.CRITICAL, cause=cause, summary="",
        closed_at=NOW if kind is Kind.RESOLVED else None,
    )  # fmt: skip
    told = Notification(incident, kind, 0, "oncall", ("a@example.com",), ())
    return compose(told, view=view, runbooks={}, now=NOW, external_url=None)


def test_a_short_runway_says_the_jobs_in_subject_line_and_annotations() -> None:
    message = say("runway-critical", low())
    jobs = "31 Sora 2 Pro 720p 15 s videos"
    assert message.subject == f"[CRITICAL] kie: about 5 h of credits left, {jobs}"
    assert message.how_long.startswith(f"The balance pays for {jobs}, about 5 h at a cautious")
    assert message.annotations["summary"] == f"kie: about 5 h of credits left, {jobs}"
    assert f"{jobs}, about 5 h" in message.annotations["description"]
    assert message.annotations["jobs_left"] == f"{jobs}, 171 Sora 2 720p 10 s videos"
    assert "  Sora 2 Pro 720p 15 s videos:  31" in text_of(message)


def test_credits_that_are_gone_say_what_can_no_longer_be_paid() -> None:
    view = low("100", 0.0, jobs_left={TEN: 4, PRO: 0}, floor=Decimal(135))
    message = say("credits-exhausted", view, cause=Cause.CREDITS_EXHAUSTED)
    assert message.subject == "[CRITICAL] kie: no credits left"
    assert message.how_long.startswith("The balance pays for no Sora 2 Pro 720p 15 s videos. ")
    assert message.annotations["jobs_left"] == (
        "no Sora 2 Pro 720p 15 s videos, 4 Sora 2 720p 10 s videos"
    )


def test_a_rule_of_the_users_on_a_balance_says_jobs_and_hours_too() -> None:
    message = say("kie-credits-low", low())
    assert message.how_long.startswith("The balance pays for 31 Sora 2 Pro 720p 15 s videos, ")


def test_what_is_over_says_what_the_balance_pays_again() -> None:
    message = say("runway-critical", low(p25=120.0), Kind.RESOLVED)
    assert "4300 credits now, 31 Sora 2 Pro 720p 15 s videos, about 5 days." in message.what


def test_without_a_forecast_the_jobs_are_said_all_the_same() -> None:
    message = say("kie-credits-low", low(outlook=None))
    assert message.how_long.startswith("The balance pays for 31 Sora 2 Pro 720p 15 s videos. ")


def test_without_prices_a_message_speaks_of_credits() -> None:
    message = say("runway-critical", low(jobs_left={}, main_job=""))
    assert message.subject == "[CRITICAL] kie: about 5 h of credits left"
    assert message.how_long.startswith("The credits last about 5 h at a cautious estimate; ")


def test_a_long_title_does_not_burst_the_subject() -> None:
    view = low(job_titles={PRO: "very " * 60 + "long videos"})
    assert len(say("runway-critical", view).subject) <= 140


def test_the_summary_of_a_target_ends_in_its_jobs() -> None:
    assert summary(low()) == "4300 credits, about 8 h, 31 Sora 2 Pro 720p 15 s videos"


def test_json_keeps_the_raw_names_and_has_the_words_beside_them() -> None:
    found = document(scene.story())
    (kie_,) = [t for t in found["targets"] if t["target"] == "kie/balance"]
    assert PRO in kie_["jobs_left"]
    assert kie_["jobs_in_words"][PRO].endswith(" Sora 2 Pro 720p 15 s videos")
    json.dumps(found, allow_nan=False)


async def test_the_plain_config_is_enough_for_an_alert_in_peoples_words() -> None:
    account = kie(jobs={PRO: Decimal(135)}, usage={PRO: Decimal(150)})
    house = await House(settings((account,))).start()
    for balance in (5000, 4865, 4730, 4595, 4460, 4325):
        house.script.balance(balance)
        await house.probe(after=300)
    (message, _), *_ = house.mail.sent
    assert "Sora 2 Pro 720p 15 s videos" in message.subject
    assert "Sora 2 Pro 720p 15 s videos, about " in message.how_long


# -- the config -----------------------------------------------------------------------------


def loaded(folder: Path, jobs: str) -> tuple[dict[str, Decimal], dict[str, str]]:
    path = folder / "config.yaml"
    path.write_text(f"accounts:\n  kie:\n    key: x\n    jobs: {jobs}\n")
    (account,) = load(str(path), CATALOGUE, {}).accounts
    return dict(account.jobs), dict(account.job_titles)


def test_a_job_is_a_price_or_a_block_with_price_and_title(tmp_path: Path) -> None:
    jobs = "{a: 135, b: {price: 25, title: 'Hero videos'}, c: {price: 5}}"
    prices = {"a": Decimal(135), "b": Decimal(25), "c": Decimal(5)}
    assert loaded(tmp_path, jobs) == (prices, {"b": "Hero videos"})


FAULTS = [
    ("{a: {prise: 3}}", "4:16: accounts.kie.jobs.a.prise: unknown key, did you mean price?"),
    ("{a: {title: x}}", "4:15: accounts.kie.jobs.a.price: is missing: credits per job"),
    ("{a: {price: 0}}", "4:23: accounts.kie.jobs.a.price: must be more than 0"),
    ("{a: {price: 5, title: }}", "accounts.kie.jobs.a.title: has no value"),
    ("{a: {price: 5, title: \"b\\nc\"}}", "accounts.kie.jobs.a.title: must be one line"),
    ("{a: [5]}", "4:15: accounts.kie.jobs.a: must be a number, not a list"),
    ("{a: {}}", "accounts.kie.jobs.a.price: is missing"),
]  # fmt: skip


@pytest.mark.parametrize(("jobs", "fault"), FAULTS)
def test_a_fault_in_a_job_is_named_with_its_place(tmp_path: Path, jobs: str, fault: str) -> None:
    with pytest.raises(ConfigFaults) as raised:
        loaded(tmp_path, jobs)
    assert fault in str(raised.value)
    assert len(raised.value.faults) == 1

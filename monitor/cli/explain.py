"""`monitor explain`: one probe, step by step."""

from __future__ import annotations

import asyncio
import sys
import textwrap
from collections.abc import Iterator

from monitor.cli import USAGE, Refusal
from monitor.cli.balances import write_json, write_text
from monitor.cli.formats.safe import one_line
from monitor.cli.setting import Globals
from monitor.cli.terminal import width
from monitor.core.causes import Cause
from monitor.core.figures import estimate, number, quota_figures, second
from monitor.core.jobs import jobs_of
from monitor.core.model import Check
from monitor.core.phrases import money, quota_figure, sentence
from monitor.core.words import WHAT
from monitor.explaining import Explanation, NotAsked, Step, explain, judged_from, named

_PHASES = {
    "prepare": "our own start",
    "connect": "name and connection",
    "tls": "TLS",
    "send": "request",
    "wait": "first byte",
    "receive": "the rest",
}


def run(options: Globals, target: str, output_format: str) -> int:
    """Probe once and print every step; 0 whatever was found."""
    from monitor.config.needs import of_account

    settings = options.loader(needs=lambda _: of_account(target.split("/")[0]))()
    own = any(t.target.name == target for t in settings.targets)
    seen_by = judged_from(settings, target) if target.endswith("/key") and not own else ()
    if seen_by:  # the provider has no call for its key: what sees it is asked
        sys.stderr.write(f"{target} is judged from {seen_by[0]}, which is asked\n")
    try:
        found = asyncio.run(explain(settings, seen_by[0] if seen_by else target))
    except NotAsked as refused:
        raise Refusal(str(refused), USAGE) from refused
    if output_format == "json":
        write_json(document(found))
    else:
        across = width()
        lines = (line for text in _lines(found) for line in _wrapped(text, across))
        write_text("\n".join(lines) + "\n")
    return 0


def document(found: Explanation) -> dict[str, object]:
    """The same for programs; times in seconds, figures as in the status document."""
    view, finding, book = found.view, found.finding, found.runbook
    entry: dict[str, object] = {
        "target": view.target,
        "account": view.account,
        "provider": view.provider,
        "at": second(found.at),
        "duration_seconds": estimate(found.seconds),
        "timeout_seconds": number(view.timeout),
        "steps": [_step(s) for s in found.steps],
        "cause": found.cause.value,
        "standing": found.standing.value,
        "summary": found.summary,
        "why": found.why,
        "finding": finding.summary,
        "evidence": finding.evidence,
        "warning": finding.warning,
        "retry_after_seconds": number(finding.retry_after),
        "facts": dict(finding.facts),
        "next_step": found.next_step,
        "runbook": None if book is None else _runbook(found),
    }
    if view.check is Check.BALANCE:
        entry |= {
            "balance": number(view.known_balance),
            "unit": view.unit,
            "floor": number(view.floor),
            "jobs_left": dict(view.jobs_left) if view.known else None,
        }
    if view.quotas:
        entry["quotas"] = [quota_figures(q) for q in view.quotas]
    return entry


def _step(step: Step) -> dict[str, object]:
    return {
        "method": step.method,
        "url": step.url,
        "sent": dict(step.sent),
        "timings": {phase: estimate(spent) for phase, spent in step.timings.items()},
        "duration_seconds": estimate(step.seconds),
        "answered_by": step.answered_by or None,
        "status": step.status,
        "headers": dict(step.headers),
        "shape": step.shape or None,
        "failure": step.failure or None,
    }


def _runbook(found: Explanation) -> dict[str, object] | None:
    book = found.runbook
    if book is None:
        return None
    return {
        "name": book.name,
        "title": book.title,
        "steps": [named(step, found) for step in book.steps_for(found.view.provider)],
        "links": [{"name": name, "url": url} for name, url in book.links_for(found.view.provider)],
    }


def _lines(found: Explanation) -> Iterator[str]:
    words = "with a warning" if found.finding.warning else WHAT[found.cause]
    yield f"{found.view.target}: {found.cause.value}, {words}"
    for number_, step in enumerate(found.steps, 1):
        yield from ("", f"{number_}. {step.method} {step.url}")
        yield from (f"   {line}" for line in _of_step(step))
    if not found.steps:
        yield from ("", "No request was sent.")
    yield ""
    yield from _verdict(found)
    yield from _what_to_do(found)


def _of_step(step: Step) -> Iterator[str]:
    yield from (f"sent      {name}: {value}" for name, value in step.sent.items())
    spent = ", ".join(f"{_PHASES.get(p, p)} {_seconds(s)}" for p, s in step.timings.items())
    yield f"timings   {spent + ', ' if spent else ''}{_seconds(step.seconds)} in all"
    if step.failure:
        yield f"failed    {step.failure}"
        return
    if step.answered_by:
        yield f"from      {step.answered_by}"
    yield f"answer    HTTP {step.status}"
    yield from (f"          {name}: {value}" for name, value in step.headers.items())
    yield f"shape     {step.shape}"


def _seconds(value: float) -> str:
    return f"{value:.3f} s"


def _verdict(found: Explanation) -> Iterator[str]:
    view, finding = found.view, found.finding
    yield f"cause     {found.cause.value} ({found.standing.value.replace('_', ' ')})"
    yield f"summary   {found.summary}"
    yield f"why       {found.why}"
    if finding.summary and not found.summary.startswith(finding.summary):
        yield f"read      {finding.summary}"
    if finding.evidence:
        yield f"evidence  {finding.evidence}"
    if finding.retry_after is not None:
        yield f"wait      {finding.retry_after:.0f} s, as the provider asks"
    yield from (f"fact      {name}: {value}" for name, value in finding.facts.items())
    yield from (f"quota     {q.quota}: {quota_figure(q)}" for q in view.quotas)
    if view.known_balance is not None:
        floor = f", floor {money(view.floor, view.unit)}" if view.floor else ""
        yield f"balance   {money(view.known_balance, view.unit)}{floor}"
        yield from (f"jobs      {n or 'no'} {job}" for job, n in jobs_of(view))
    elif view.check is Check.BALANCE:
        yield "balance   unknown: this probe did not read one"


def _what_to_do(found: Explanation) -> Iterator[str]:
    if found.next_step:
        yield f"next      {sentence(found.next_step)}"
    book = found.runbook
    if book is None or found.cause is Cause.OK:
        return
    yield from ("", f"{book.title}: what to do")
    steps = book.steps_for(found.view.provider)
    yield from (f"{i}. {named(step, found)}" for i, step in enumerate(steps, 1))
    yield from ("", "Links")
    yield from (f"- {name}: {url}" for name, url in book.links_for(found.view.provider))


def _wrapped(text: str, across: int) -> list[str]:
    """Long lines folded under their own beginning; one that is piped stays whole."""
    line = one_line(text)
    if not sys.stdout.isatty() or len(line) <= across:
        return [line]
    return textwrap.wrap(
        line,
        max(across, 40),
        subsequent_indent="   ",
        break_long_words=False,
        break_on_hyphens=False,
    )

"""One probe, step by step: what was sent, what came back, what follows from it. All redacted."""

from __future__ import annotations

import asyncio
import re
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from urllib.parse import SplitResult, unquote, urlsplit

from monitor.answers import clean, plain, scrubbed, shape_of
from monitor.channels import runbooks
from monitor.config.readers import did_you_mean
from monitor.core.advice import next_step, summary
from monitor.core.causes import CAUSES, Cause, Standing
from monitor.core.message import Runbook
from monitor.core.model import (
    CANARY_TARGET,
    NETWORK_TARGET,
    Check,
    Finding,
    Reading,
    TargetRecord,
    key_target,
    models_target,
    ours,
    provider_target,
)
from monitor.core.secret import MASK, Secret
from monitor.core.settings import Account, Settings, TargetSettings
from monitor.core.view import View
from monitor.core.views import fold, target_view
from monitor.http import Answer, Door, HttpFailure, Request
from monitor.providers import load_providers, run_probe
from monitor.reach import Phases
from monitor.threads import PassingThreads

PHASES = (
    "prepare",
    "connect",
    "tls",
    "send",
    "wait",
    "receive",
)  # in the order they happen; prepare is ours
_WORTH = re.compile(
    r"content-(type|length|encoding)|retry-after|(x-)?ratelimit.*|x-error-.*|x-hf-warning"
)
_TELLING_NAME = re.compile(r"key|token|secret|sig|auth|pass|credential", re.IGNORECASE)
_SUDDEN = "the daemon asks again before it believes a sudden one"
_LONG = 2000  # characters of a header looked at: it is cut after it is scrubbed, never before


@dataclass(frozen=True, slots=True)
class Step:
    """One request and what became of it; nothing in it that must not be seen."""

    method: str
    url: str
    sent: Mapping[str, str]  # headers; those that carry a credential are masked
    timings: Mapping[str, float]  # seconds by phase, as far as it came
    seconds: float  # the whole
    answered_by: str = ""  # where a redirect led
    status: int | None = None  # None: no answer
    headers: Mapping[str, str] = field(default_factory=dict)  # those worth showing
    shape: str = ""  # of the body: keys and types
    failure: str = ""  # why there is no answer


@dataclass(frozen=True, slots=True)
class Explanation:
    """One probe: its steps, and what was made of them."""

    at: datetime
    seconds: float
    account: Account
    steps: tuple[Step, ...]
    finding: Finding
    view: View  # as it stands after this one probe, without any history
    cause: Cause
    summary: str
    why: str  # what gave the cause: a line of the provider's table, the way there, our own floor
    next_step: str
    runbook: Runbook | None  # none where nothing is to be done

    @property
    def standing(self) -> Standing:
        """What the cause says of the target."""
        return CAUSES[self.cause].standing


class NotAsked(LookupError):
    """A name that cannot be probed. `str()` says why, and what can be."""


async def explain(settings: Settings, name: str) -> Explanation:
    """Probe the target `name` once, and write down every step. Nothing is kept and nobody told.

    Raises NotAsked for a derived target, and for one that there is not.
    """
    account, chosen = _chosen(settings, name)
    asyncio.get_running_loop().set_default_executor(PassingThreads())
    recorder = _Recorder(settings.secrets)
    provider = load_providers()[account.provider]
    now, began = datetime.now(UTC), time.monotonic()
    try:
        finding = await run_probe(
            provider, recorder, account, chosen.target, now=now, timeout=chosen.timeout
        )
    finally:
        await recorder.door.aclose()
    seconds = time.monotonic() - began
    view = _view(account, chosen, Reading(name, datetime.now(UTC), seconds, finding))
    cause = view.cause or finding.cause
    return Explanation(
        at=now,
        seconds=seconds,
        account=account,
        steps=tuple(recorder.steps),
        finding=finding,
        view=view,
        cause=cause,
        summary=scrubbed(summary(view), settings.secrets),
        why=scrubbed(_why(account, cause, finding, recorder.steps), settings.secrets),
        next_step=next_step(view),
        runbook=runbooks().get(cause.value),
    )


def _why(account: Account, cause: Cause, finding: Finding, steps: list[Step]) -> str:
    """What gave the cause, in words."""
    if finding.why:
        return f"{account.provider}: {finding.why} means {finding.cause.value}"
    if cause is not finding.cause and finding.balance is not None and finding.balance <= 0:
        return f"the balance was read, and is {plain(finding.balance)}; {_SUDDEN}"
    if cause is not finding.cause:
        return f"the balance was read, and is under the floor of {plain(account.floor)}"
    if not steps:
        return "nothing was sent"
    if steps[-1].failure:
        return "no answer that could be read: the cause is what failed on the way"
    if cause is Cause.OK:
        return "the answer holds what was asked for"
    return "it follows from what the answer holds"


def _view(account: Account, chosen: TargetSettings, reading: Reading) -> View:
    record = TargetRecord(chosen.target.name, None)
    balance = reading.finding.balance
    return target_view(account, chosen, fold(record, reading, balance))


def _chosen(settings: Settings, name: str) -> tuple[Account, TargetSettings]:
    for account in settings.accounts:
        for one in account.targets:
            if one.target.name == name and not one.asked:
                words = "asks nobody: its quotas are declared, and counted from what is reported"
                raise NotAsked(f"{name} {words}; `monitor status` shows them")
            if one.target.name == name:
                return account, one
    members = judged_from(settings, name)
    if members:
        listed = "\n  ".join(members)
        words = "is asked nothing of its own; it is judged from these, explain one of them"
        raise NotAsked(f"{name} {words}:\n  {listed}")
    names = [t.target.name for t in settings.targets]
    known, near = "\n  ".join(names), did_you_mean(name, names)
    raise NotAsked(f"no target {clean(name)!r}{near or ';'} there are:\n  {known}")


def judged_from(settings: Settings, name: str) -> tuple[str, ...]:
    """The targets a derived one is judged from; none where there is no such derived target."""
    if name == CANARY_TARGET or ours(name):
        return tuple(t.target.name for t in settings.targets) if name == NETWORK_TARGET else ()
    for account in settings.accounts:
        if name == key_target(account.name):
            return tuple(t.target.name for t in account.targets)
        if name == models_target(account.name):
            of = (t.target for t in account.targets)
            return tuple(t.name for t in of if t.check is Check.MODEL)
    return tuple(
        t.target.name
        for a in settings.accounts
        if name == provider_target(a.provider)
        for t in a.targets
    )


class _Recorder:
    """The way out, which also writes down what passes."""

    def __init__(self, secrets: tuple[Secret, ...]) -> None:
        self.steps: list[Step] = []
        self.door = Door(watch=self._note)
        self._secrets = secrets
        self._phases: list[Phases] = []
        self._began = 0.0

    def _note(self, phases: Phases) -> None:
        if not self._phases:  # trust was loaded until now: no time of the provider's
            phases.seconds["prepare"] = time.monotonic() - self._began
        self._phases.append(phases)

    async def send(self, request: Request) -> Answer:
        """As the door does. Raises HttpFailure."""
        self._phases.clear()
        self._began = time.monotonic()
        answer: Answer | None = None
        failure = "it was not answered in time"  # what stands if the probe's time is over
        try:
            answer = await self.door.send(request)
        except HttpFailure as broken:
            failure = str(broken)
            raise
        finally:
            self.steps.append(self._step(request, answer, failure))
        return answer

    def _step(self, request: Request, answer: Answer | None, failure: str) -> Step:
        seconds = time.monotonic() - self._began
        url = shown(request.url, self._secrets)
        sent = {name: self._said(value) for name, value in request.headers.items()}
        sent |= dict.fromkeys(request.secret_headers, MASK)
        timings = self._timings()
        if answer is None:
            said = self._said(failure)
            return Step(request.method, url, sent, timings, seconds, failure=said)
        came_from = shown(answer.url, self._secrets) if answer.url else url
        worth = {n: v for n, v in sorted(answer.headers.items()) if _WORTH.fullmatch(n)}
        return Step(
            request.method,
            url,
            sent,
            timings,
            seconds,
            answered_by="" if came_from == url else came_from,
            status=answer.status,
            headers={name: self._said(value) for name, value in worth.items()},
            shape=self._said(shape_of(answer).removeprefix(f"HTTP {answer.status} ")),
        )

    def _timings(self) -> dict[str, float]:
        """Over every exchange of one request: a redirect takes two."""
        spent = {p: sum(x.seconds.get(p, 0.0) for x in self._phases) for p in PHASES}
        return {p: s for p, s in spent.items() if any(p in x.seconds for x in self._phases)}

    def _said(self, text: str) -> str:
        return clean(scrubbed(clean(text, _LONG), self._secrets), 400)


def shown(url: str, secrets: tuple[Secret, ...]) -> str:
    """`url` without user, password and fragment, nor anything secret in path or query."""
    try:
        parts = urlsplit(url)
        netloc = _place(parts)
    except ValueError:
        return "an address nobody can read"
    pairs = [_pair(p, secrets) for p in parts.query.split("&")] if parts.query else []
    return parts._replace(
        netloc=netloc, path=_open(parts.path, secrets), query="&".join(pairs), fragment=""
    ).geturl()


def _open(text: str, secrets: tuple[Secret, ...]) -> str:
    """`text` as it is where nothing in it is secret, also when it is decoded."""
    plain = unquote(text)
    said = scrubbed(plain, secrets)
    return text if said == plain else said


def _pair(pair: str, secrets: tuple[Secret, ...]) -> str:
    name, is_set, _ = pair.partition("=")
    if is_set and _TELLING_NAME.search(unquote(name)):
        return f"{_open(name, secrets)}={MASK}"
    return _open(pair, secrets)


def _place(parts: SplitResult) -> str:
    host = parts.hostname or ""
    host = f"[{host}]" if ":" in host else host
    return host if parts.port is None else f"{host}:{parts.port}"


def named(step: str, explanation: Explanation) -> str:
    """A runbook's step with this account and target put in."""
    step = re.sub(r"\bACCOUNT\b", lambda _: explanation.view.account, step)
    return re.sub(r"\bTARGET\b", lambda _: explanation.view.target, step)

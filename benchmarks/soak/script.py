"""The script of a soak: which troubles come when, what may be alerted because of each, and by
when it has to be told. Times in seconds since the soak began, whatever clocks show."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from random import Random

from monitor.core.causes import Cause
from monitor.core.globs import matches

MINUTE, HOUR, DAY = 60.0, 3600.0, 86400.0
RECOVERS = 2 * HOUR  # after its end a trouble may still be seen for an interval, and be told
SLOT = 8 * HOUR  # at most one trouble in each
MODELS = ("sd-3", "flux")
KEY, FLUX = "huggingface/key", "huggingface/model/flux"


@dataclass(frozen=True, slots=True)
class Kind:
    """A sort of trouble: what the targets answer, and what follows."""

    name: str
    answers: Mapping[str, Cause]  # by target glob
    allowed: tuple[str, ...] = ()  # alerts that may fire because of it
    told: tuple[str, str] | None = None  # the alert, and its target, that must be told
    within: float = HOUR  # seconds until then
    lasts: tuple[float, float] = (1.5, 3.0)  # hours
    off_and_on: float = 0.0  # seconds of each turn, where it comes and goes


KINDS = (
    Kind("5xx", {"kie/*": Cause.PROVIDER_ERROR}, ("provider-down",),
         ("provider-down", "kie/provider")),
    Kind("timeouts", {"kie/*": Cause.TIMED_OUT}, ("provider-down",),
         ("provider-down", "kie/provider")),
    Kind("unreadable", {"fal/*": Cause.ANSWER_MALFORMED}, ("balance-unreadable",),
         ("balance-unreadable", "fal/balance")),
    Kind("misread zero", {}, lasts=(0.0, 0.0)),
    Kind("key revoked", {"huggingface/*": Cause.KEY_REJECTED}, ("key-rejected",),
         ("key-rejected", KEY), lasts=(2.0, 2.0)),
    Kind("offline", {"*": Cause.PROVIDER_UNREACHABLE}, ("monitor-offline",),
         ("monitor-offline", "monitor/network"), within=1.75 * HOUR, lasts=(1.0, 1.0)),
    Kind("rate limited", {"kie/*": Cause.RATE_LIMITED}, ("rate-limited",),
         ("rate-limited", "kie/balance")),
    Kind("whoami rate limited", {KEY: Cause.RATE_LIMITED}, lasts=(2.5, 3.0)),
    Kind("one model gone", {FLUX: Cause.MODEL_NOT_SERVED}, ("model-unavailable",),
         ("model-unavailable", FLUX), within=1.2 * HOUR),
    Kind("a model that flaps", {FLUX: Cause.MODEL_MISSING}, ("model-unavailable",),
         ("model-unavailable", FLUX), lasts=(4.0, 4.0), off_and_on=30 * MINUTE),
    Kind("all models gone", {"huggingface/model/*": Cause.MODEL_NOT_SERVED},
         ("model-unavailable", "models-exhausted"), ("models-exhausted", "huggingface/model"),
         within=1.2 * HOUR),
    Kind("credits refused", {"fal/*": Cause.CREDITS_EXHAUSTED}, ("credits-exhausted",),
         ("credits-exhausted", "fal/balance"), within=20 * MINUTE),
)  # fmt: skip
RETIRED = Kind("a model is retired for good", {FLUX: Cause.MODEL_RETIRED}, ("model-unavailable",),
               ("model-unavailable", FLUX), within=HOUR)  # fmt: skip
_OF_MODELS = {k.name for k in KINDS if any("model" in glob for glob in k.answers)}


@dataclass(frozen=True, slots=True)
class Trouble:
    """One of a kind, from `begin` to `end`."""

    kind: Kind
    begin: float
    end: float

    def answer(self, target: str, t: float) -> Cause | None:
        """What a target says because of it; None: nothing of it is seen."""
        if not self.begin <= t < self.end:
            return None
        turn = self.kind.off_and_on
        if turn and int((t - self.begin) / turn) % 2:
            return None
        return next((c for glob, c in self.kind.answers.items() if matches(glob, target)), None)

    def explains(self, alert: str, target: str, t: float) -> bool:
        """Whether an alert that fires then may be because of it."""
        concerned = any(matches(g, target) for g in (*self.kind.answers, *self._derived))
        return self.begin <= t <= self.end + RECOVERS and alert in self.kind.allowed and concerned

    @property
    def _derived(self) -> tuple[str, ...]:
        return () if self.kind.told is None else (self.kind.told[1],)


@dataclass(frozen=True, slots=True)
class Span:
    """Something that lasts, about some targets."""

    begin: float
    end: float
    targets: str = "*"


@dataclass(slots=True)
class Script:
    """All that happens in a soak."""

    troubles: list[Trouble] = field(default_factory=list)
    no_mail: list[Span] = field(default_factory=list)
    silences: list[Span] = field(default_factory=list)
    acks: list[Span] = field(default_factory=list)  # at their beginning
    restarts: list[tuple[float, bool]] = field(default_factory=list)  # when; whether killed
    reloads: list[float] = field(default_factory=list)
    jumps: list[tuple[float, float]] = field(default_factory=list)  # when, by how much
    swapped: float = 0.0  # from this reload on the retired model is out of the config


def script(seed: int, days: int) -> Script:
    """What a seed makes of so many days. The first two are quiet, and the last half day."""
    rng = Random(f"soak|script|{seed}")  # noqa: S311 - chance that can be repeated
    made = Script()
    kinds: list[Kind] = []
    slots = range(int(2 * DAY / SLOT), int((days * DAY - 12 * HOUR) / SLOT))
    for slot in slots:
        kinds = kinds or rng.sample(KINDS, len(KINDS))
        if rng.random() < 0.75:
            _trouble(made, rng, kinds.pop(), slot * SLOT + rng.uniform(0.5, 2) * HOUR)
    made.restarts = [(d * DAY + rng.uniform(0, 20) * HOUR, d % 2 == 1) for d in range(1, days)]
    made.reloads = [d * DAY + rng.uniform(1, 20) * HOUR for d in range(3, days, 4)]
    for day in range(4, days - 1, 9):
        at = day * DAY + 12 * HOUR
        made.jumps += [(at, 3600.0), (at + 40 * MINUTE, -3600.0)]
    _retire(made, days)
    return made


def _trouble(made: Script, rng: Random, kind: Kind, begin: float) -> None:
    end = begin + rng.uniform(*kind.lasts) * HOUR
    made.troubles.append(Trouble(kind, begin, end))
    chance = rng.random()
    if chance < 0.2:
        made.no_mail.append(Span(begin - 600, begin + rng.uniform(0.5, 2) * HOUR))
    elif chance < 0.35 and kind.told is not None:
        made.silences.append(Span(begin - 300, begin + HOUR, kind.told[1]))
    elif chance < 0.6 and kind.told is not None:
        made.acks.append(Span(begin + kind.within, end, kind.told[1]))


def _retire(made: Script, days: int) -> None:
    """Half way a model goes for good; two reloads later the config names it no more."""
    later = [at for at in made.reloads if at > days / 2 * DAY + 4 * DAY]
    made.swapped = later[0] if later else days * DAY
    begin = days / 2 * DAY
    made.troubles = [t for t in made.troubles if t.end < begin or t.kind.name not in _OF_MODELS]
    made.troubles.append(Trouble(RETIRED, begin, made.swapped))

"""Logs to stderr, as text or JSON, in which no secret can be read.

structlog, and rich behind it, are loaded with the first record that is written: a command that has
nothing to say does not wait for them.
"""

from __future__ import annotations

import logging
import sys
from collections.abc import Mapping, MutableMapping
from dataclasses import dataclass
from functools import cached_property
from itertools import islice
from typing import TYPE_CHECKING

from monitor.core.secret import Secret, masked, told_apart

if TYPE_CHECKING:
    import structlog

_Event = MutableMapping[str, object]


_BARE = (int, float, type(None))  # nothing can be in them
_MANY = (list, tuple, set, frozenset)
_DEEP, _LONG = 5, 200  # of what is in one another, and beside one another


class Redaction:
    """Masks the values of all known secrets in every event; told them when a config is loaded."""

    def __init__(self) -> None:
        self._secrets: tuple[Secret, ...] = ()
        self._values: tuple[str, ...] = ()

    @property
    def secrets(self) -> tuple[Secret, ...]:
        """What is masked."""
        return self._secrets

    @secrets.setter
    def secrets(self, secrets: tuple[Secret, ...]) -> None:
        self._secrets, self._values = secrets, told_apart(secrets)

    def __call__(self, logger: object, method: str, event: _Event) -> _Event:
        """structlog's processor. Never raises: whoever logs has trouble enough."""
        del logger, method
        for name, value in event.items():
            if isinstance(value, str):
                event[name] = masked(value, self._values)
            elif not isinstance(value, _BARE) and name[:1] != "_":  # `_record`: structlog's own
                event[name] = self._shown(value)
        return event

    def _shown(self, value: object) -> object:
        try:
            return self._within(value, _DEEP)
        except Exception:  # noqa: BLE001 - an object that cannot even be printed
            return "(cannot be shown)"

    def _within(self, value: object, deep: int) -> object:
        """The same without secrets, however deep they lie; an object that shows one as text."""
        if isinstance(value, str):
            return masked(value, self._values)
        if isinstance(value, _BARE):
            return value
        if deep and isinstance(value, Mapping):
            pairs = islice(value.items(), _LONG)
            return {self._within(k, deep - 1): self._within(v, deep - 1) for k, v in pairs}
        if deep and isinstance(value, _MANY):
            return [self._within(held, deep - 1) for held in islice(value, _LONG)]
        for text in (str(value), repr(value)):
            clean = masked(text, self._values)
            if clean != text or not deep:
                return clean
        return value


REDACTION = Redaction()


@dataclass(frozen=True, slots=True)
class Style:
    """How records look, and the least level that is written."""

    format: str
    least: int
    colour: bool


class Setup:
    """How logs were asked for; structlog hears of it when it is loaded."""

    def __init__(self) -> None:
        self.least = logging.NOTSET
        self._untold: Style | None = None

    def choose(self, style: Style) -> None:
        """Write like this from now on."""
        self.least, self._untold = style.least, style

    def forget(self) -> None:
        """As if nothing had been chosen."""
        self.least, self._untold = logging.NOTSET, None

    def logger(self, name: str) -> structlog.typing.FilteringBoundLogger:
        """What writes records under `name`."""
        import structlog

        style = self._untold
        if style is not None:  # two threads may both find it so: twice is as good as once
            _configure(style)
            self._untold = None
        found: structlog.typing.FilteringBoundLogger = structlog.get_logger(name)
        return found


SETUP = Setup()


class Log:
    """Writes records under a name: an event in words, and the facts that go with it."""

    def __init__(self, name: str) -> None:
        self._name = name

    def debug(self, event: str, **facts: object) -> None:
        """What only a defect of ours makes worth reading."""
        if SETUP.least <= logging.DEBUG:
            SETUP.logger(self._name).debug(event, **facts)

    def info(self, event: str, **facts: object) -> None:
        """What has happened as it should."""
        if SETUP.least <= logging.INFO:
            SETUP.logger(self._name).info(event, **facts)

    def warning(self, event: str, **facts: object) -> None:
        """What somebody may have to look at."""
        if SETUP.least <= logging.WARNING:
            SETUP.logger(self._name).warning(event, **facts)

    def error(self, event: str, **facts: object) -> None:
        """What went wrong."""
        SETUP.logger(self._name).error(event, **facts)

    def exception(self, event: str, **facts: object) -> None:
        """What went wrong, with the traceback of the exception that is being handled."""
        SETUP.logger(self._name).exception(event, **facts)


class _Lines(logging.Formatter):
    """Every record as a line, ours and those of libraries."""

    def __init__(self, style: Style) -> None:
        super().__init__()
        self._asked = style

    def format(self, record: logging.LogRecord) -> str:
        """What goes to stderr, without the end of its line."""
        return self._structured.format(record)

    @cached_property
    def _structured(self) -> structlog.stdlib.ProcessorFormatter:
        import structlog

        last: structlog.typing.Processor = (
            structlog.processors.JSONRenderer()
            if self._asked.format == "json"
            else structlog.dev.ConsoleRenderer(colors=self._asked.colour)
        )
        return structlog.stdlib.ProcessorFormatter(
            foreign_pre_chain=_shared(),
            processors=[structlog.stdlib.ProcessorFormatter.remove_processors_meta, last],
        )


def configure(log_format: str = "text", level: str = "info", *, colour: bool = False) -> None:
    """Send our records and those of the standard library's loggers to stderr."""
    style = Style(log_format, getattr(logging, level.upper(), logging.INFO), colour)
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(_Lines(style))
    root = logging.getLogger()
    root.handlers[:] = [handler]
    root.setLevel(style.least)
    for noisy in ("httpx", "httpcore", "apscheduler", "uvicorn", "asyncio"):
        logging.getLogger(noisy).setLevel(logging.WARNING)  # httpx logs whole URLs at INFO
    SETUP.choose(style)


def _configure(style: Style) -> None:
    import structlog

    structlog.configure(
        processors=[*_shared(), structlog.stdlib.ProcessorFormatter.wrap_for_formatter],
        wrapper_class=structlog.make_filtering_bound_logger(style.least),
        logger_factory=structlog.stdlib.LoggerFactory(),
        cache_logger_on_first_use=False,
    )


def _shared() -> list[structlog.typing.Processor]:
    """What is done to every record before it is rendered."""
    import structlog

    return [
        structlog.contextvars.merge_contextvars,
        structlog.stdlib.add_log_level,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
        structlog.processors.format_exc_info,
        REDACTION,
    ]

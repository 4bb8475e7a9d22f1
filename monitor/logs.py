"""Logs to stderr, as text or JSON, in which no secret can be read."""

from __future__ import annotations

import logging
import sys
from collections.abc import MutableMapping

import structlog

from monitor.core.secret import Secret, redact

_Event = MutableMapping[str, object]


class Redaction:
    """Masks the values of all known secrets in every event; told them when a config is loaded."""

    def __init__(self) -> None:
        self.secrets: tuple[Secret, ...] = ()

    def __call__(self, logger: object, method: str, event: _Event) -> _Event:
        """structlog's processor."""
        del logger, method
        for name, value in event.items():
            if isinstance(value, str):
                event[name] = redact(value, self.secrets)
        return event


REDACTION = Redaction()


def configure(log_format: str = "text", level: str = "info", *, colour: bool = False) -> None:
    """Send structlog's and the standard library's records to stderr."""
    shared: list[structlog.typing.Processor] = [
        structlog.contextvars.merge_contextvars,
        structlog.stdlib.add_log_level,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
        structlog.processors.format_exc_info,
        REDACTION,
    ]
    last: structlog.typing.Processor = (
        structlog.processors.JSONRenderer()
        if log_format == "json"
        else structlog.dev.ConsoleRenderer(colors=colour)
    )
    formatter = structlog.stdlib.ProcessorFormatter(
        foreign_pre_chain=shared,
        processors=[structlog.stdlib.ProcessorFormatter.remove_processors_meta, last],
    )
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(formatter)
    root = logging.getLogger()
    root.handlers[:] = [handler]
    root.setLevel(level.upper())
    for noisy in ("httpx", "httpcore", "apscheduler", "uvicorn", "asyncio"):
        logging.getLogger(noisy).setLevel(logging.WARNING)  # httpx logs whole URLs at INFO
    structlog.configure(
        processors=[*shared, structlog.stdlib.ProcessorFormatter.wrap_for_formatter],
        wrapper_class=structlog.make_filtering_bound_logger(
            getattr(logging, level.upper(), logging.INFO)
        ),
        logger_factory=structlog.stdlib.LoggerFactory(),
        cache_logger_on_first_use=False,
    )

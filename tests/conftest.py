"""What every test begins with."""

from __future__ import annotations

import logging
import signal
from collections.abc import Iterator

import hypothesis
import pytest
import structlog

from monitor.logs import REDACTION, SETUP

# A shell that starts us in the background has it ignored, and so would every command we run.
signal.signal(signal.SIGINT, signal.default_int_handler)

# How long an example takes says more of the machine than of the law.
hypothesis.settings.register_profile("monitor", deadline=None)
hypothesis.settings.load_profile("monitor")


@pytest.fixture(autouse=True)
def logs_as_they_come() -> Iterator[None]:
    """A command that is run in process configures the logs: the next test knows nothing of it."""
    root = logging.getLogger()
    level, handlers, secrets = root.level, root.handlers[:], REDACTION.secrets
    yield
    SETUP.forget()
    structlog.reset_defaults()
    root.setLevel(level)
    root.handlers[:] = handlers
    REDACTION.secrets = secrets

"""What every test begins with."""

from __future__ import annotations

import logging
import os
import signal
import sys
from collections.abc import Iterator
from typing import TYPE_CHECKING

import hypothesis
import pytest
import structlog

from monitor.logs import REDACTION, SETUP

if TYPE_CHECKING:
    from postbox import Mailbox

    from monitor.demo.world import World

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


# Set by pytest for each phase, and by what is imported for as long as a process lives.
_NOT_THE_TESTS = {"PYTEST_CURRENT_TEST", "PYDANTIC_DISABLE_PLUGINS"}
_SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP, signal.SIGCHLD, signal.SIGPIPE)


def shared() -> dict[str, object]:
    """What all tests of a process have in common beside the logs."""
    metrics = sys.modules.get("prometheus_client.registry")
    return {
        "environment": {k: v for k, v in os.environ.items() if k not in _NOT_THE_TESTS},
        "folder": os.getcwd(),
        "signals": [signal.getsignal(number) for number in _SIGNALS],
        "metrics": set(metrics.REGISTRY._collector_to_names) if metrics else None,
        "disabled logs": logging.root.manager.disable,
    }


@pytest.fixture(autouse=True)
def nothing_is_left_to_the_next_test() -> Iterator[None]:
    """What a test changes for all of its process, it puts back."""
    before = shared()
    yield
    after = shared()
    if before["metrics"] is None:  # the module has been imported meanwhile
        before["metrics"] = after["metrics"]
    assert after == before


@pytest.fixture
def world() -> Iterator[World]:
    """A simulated world of the test's own, which the real command line is run against."""
    from living import world_in_thread

    with world_in_thread() as made:
        yield made


@pytest.fixture
def box() -> Iterator[Mailbox]:
    """A mail server of the test's own."""
    from postbox import Mailbox, in_thread

    with in_thread(Mailbox()) as made:
        yield made

"""What fires and is worse than the worst target is named beside the status of the whole."""

from __future__ import annotations

import pytest

from monitor.core.causes import Severity, Status
from monitor.core.louder import Louder, louder

CRITICAL, WARNING, INFO = Severity.CRITICAL, Severity.WARNING, Severity.INFO
STORE, LAG = ("store-failed", CRITICAL), ("scheduler-late", WARNING)


@pytest.mark.parametrize(
    ("firing", "whole", "found"),
    [
        ([], Status.OK, Louder(Status.OK)),
        ([STORE], Status.OK, Louder(Status.CRITICAL, "store-failed fires")),
        ([STORE], Status.UNKNOWN, Louder(Status.CRITICAL, "store-failed fires")),
        ([STORE], Status.CRITICAL, Louder(Status.CRITICAL)),
        ([LAG], Status.WARNING, Louder(Status.WARNING)),
        ([("told", INFO)], Status.OK, Louder(Status.OK)),
        ([LAG, STORE], Status.OK, Louder(Status.CRITICAL, "store-failed and scheduler-late fire")),
        ([LAG, STORE], Status.WARNING, Louder(Status.CRITICAL, "store-failed fires")),
        ([STORE, STORE], Status.OK, Louder(Status.CRITICAL, "store-failed fires")),
        (
            [(name, WARNING) for name in "edcba"],
            Status.OK,
            Louder(Status.WARNING, "a, b, c and 2 more fire"),
        ),
    ],
)
def test_only_what_is_worse_than_every_target_is_named(
    firing: list[tuple[str, Severity]], whole: Status, found: Louder
) -> None:
    assert louder(firing, whole) == found

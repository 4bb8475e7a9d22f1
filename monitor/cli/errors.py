"""Errors of the parts, in the user's terms and with the exit code the contract gives them."""

from __future__ import annotations

import typer

from monitor.cli import BAD_CONFIG, BAD_INPUT, INTERRUPTED, OUR_FAULT, Refusal

# typer may carry its own copy of click: its errors are known by their names.
_NAMES = {"UsageError", "ClickException"}
_DAEMON = "`monitor` without a command is the daemon."
_OTHERWISE = {
    "reload": "The daemon reloads its config on SIGHUP: `systemctl reload monitor`.",
    "stop": "The daemon ends on SIGTERM: `systemctl stop monitor`.",
    **dict.fromkeys(("daemon", "run", "serve", "start"), _DAEMON),
}


def usage_error(error: Exception) -> bool:
    """Whether the command line was written wrongly."""
    return any(c.__name__ in _NAMES for c in type(error).__mro__)


def plain(error: Exception) -> None:
    """Leave out what the library that reads options says of itself."""
    said = getattr(error, "message", None)
    if isinstance(said, str):
        said = said.removeprefix("Value error, ")
        error.message = _elsewhere(said)  # type: ignore[attr-defined]  # click's


def _elsewhere(said: str) -> str:
    """What is no command because it is done otherwise; else `said`, as it is."""
    for name, how in _OTHERWISE.items():
        unknown = f"No such command {name!r}."
        if said.startswith(unknown):
            return f"{unknown} {how}"
    return said


def as_refusal(error: Exception) -> Refusal | None:
    """One line and a code for what a user can mend; None for a defect of ours."""
    from monitor.config import ConfigFaults
    from monitor.store import NewerSchemaError, StoreError

    if isinstance(error, ConfigFaults):
        return Refusal(str(error), BAD_CONFIG)
    if isinstance(error, NewerSchemaError):
        return Refusal(str(error), OUR_FAULT)
    if isinstance(error, StoreError):
        return Refusal(str(error), BAD_INPUT)
    if isinstance(error, ImportError):
        what = error.name or str(error)
        return Refusal(f"monitor is not installed whole: {what} is missing", OUR_FAULT)
    if isinstance(error, typer.Abort):
        return Refusal("interrupted", INTERRUPTED)
    return None

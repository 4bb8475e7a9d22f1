"""What a shell may complete: names out of the config and the store, without the network.

A config that cannot be read, or a database that is not there, completes nothing and says nothing.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING

import typer

if TYPE_CHECKING:  # `monitor --help` completes nothing
    from monitor.core.settings import Settings

Complete = Callable[[typer.Context, str], list[str]]


def _from_settings(names: Callable[[Settings], Iterable[str]]) -> Complete:
    """Completes what `names` finds in the settings."""

    def complete(ctx: typer.Context, incomplete: str) -> list[str]:
        found = _settings(ctx)
        every = dict.fromkeys(() if found is None else names(found))
        return [name for name in every if name.startswith(incomplete)]

    return complete


def _settings(ctx: typer.Context) -> Settings | None:
    from monitor.cli import Refusal
    from monitor.cli.setting import Globals
    from monitor.config import ConfigFaults

    given = ctx.find_root().params
    options = Globals(given.get("config"), given.get("database"), "text", "error")
    try:
        return options.known().settings
    except (ConfigFaults, Refusal, OSError):
        return None


def _asked(settings: Settings) -> list[str]:
    return [t.target.name for t in settings.targets]


def _globs(settings: Settings) -> list[str]:
    """Every target, and all of an account."""
    return [*_asked(settings), *(f"{a.name}/*" for a in settings.accounts)]


def _balances(settings: Settings) -> list[str]:
    from monitor.core.model import Check

    return [t.target.name for t in settings.targets if t.target.check is Check.BALANCE]


def _jobs(settings: Settings) -> list[str]:
    return [f"{job}=" for a in settings.accounts for job in a.jobs]


targets: Complete = _from_settings(_asked)
globs: Complete = _from_settings(_globs)
balances: Complete = _from_settings(_balances)
receivers: Complete = _from_settings(lambda found: (r.name for r in found.receivers))
rules: Complete = _from_settings(lambda found: (r.name for r in found.rules))
jobs: Complete = _from_settings(_jobs)


def silences(ctx: typer.Context, incomplete: str) -> list[str]:
    """The silences in force, by what the store knows."""
    import asyncio

    from monitor.store import StoreError
    from monitor.stored import stored_silences

    settings = _settings(ctx)
    if settings is None:
        return []
    try:
        found = asyncio.run(stored_silences(settings))
    except StoreError:
        return []
    return [s.id for s in found if s.id.startswith(incomplete)]


def providers(ctx: typer.Context, incomplete: str) -> list[str]:
    """What can be watched."""
    from monitor.build import catalogue

    del ctx
    return [name for name in catalogue().providers if name.startswith(incomplete)]

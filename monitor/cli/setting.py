"""What every command needs: where the config is, and what it says."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from monitor.cli import BAD_CONFIG, Refusal
from monitor.cli.terminal import colour

if TYPE_CHECKING:  # `monitor --help` reads no config
    from monitor.config import ConfigFaults
    from monitor.config.needs import Needs
    from monitor.core.settings import Settings

_PLACES = ("config.yaml", "/etc/monitor/config.yaml")
_NAME_IT = "a daemon that still runs is reached with --database FILE"


@dataclass(frozen=True, slots=True)
class Known:
    """What a command beside the daemon knows: the config, of a `broken` one only the database."""

    settings: Settings
    broken: ConfigFaults | None = None

    def warn(self, meanwhile: str = "the daemon runs on the one before") -> None:
        """Say on stderr what is wrong with the config on disk, if anything is."""
        if self.broken is not None:
            sys.stderr.write(f"warning: the config on disk is broken; {meanwhile}:\n")
            sys.stderr.write(f"{self.broken}\n")


@dataclass(frozen=True, slots=True)
class Globals:
    """The global options."""

    config: str | None
    database: str | None
    log_format: str
    log_level: str

    @property
    def path(self) -> str:
        """--config, else $MONITOR_CONFIG, else ./config.yaml, else /etc/monitor/config.yaml."""
        named = self.config or os.environ.get("MONITOR_CONFIG")
        if named:
            return named
        found = next((p for p in _PLACES if Path(p).exists()), None)
        if found is None:
            raise Refusal(
                "no config file: looked for ./config.yaml and /etc/monitor/config.yaml; "
                "name one with --config FILE or $MONITOR_CONFIG, or write one: monitor init",
                BAD_CONFIG,
            )
        return found

    def logging(self) -> None:
        """Set logs up as asked."""
        from monitor import logs

        logs.configure(self.log_format, self.log_level, colour=colour(sys.stderr))

    def loader(
        self, *, need_secrets: bool = True, needs: Needs | None = None
    ) -> Callable[[], Settings]:
        """Reads the config each time it is called. Raises ConfigFaults.

        `needs` says which parts are used: of the others no variable need be set.
        """
        from monitor.build import load_settings

        path, database = self.path, self.database

        def load() -> Settings:
            return load_settings(
                path, os.environ, need_secrets=need_secrets, needs=needs, database=database
            )

        return load

    def known(self) -> Known:
        """The config without its credentials, or what is sure of a broken one.

        Raises ConfigFaults where not even the database is, and --database does not name it.
        """
        from monitor.config import ConfigFaults

        try:
            return Known(self.loader(need_secrets=False)())
        except ConfigFaults as broken:
            return Known(self._place(broken), broken)

    def _place(self, broken: ConfigFaults) -> Settings:
        from monitor.config import ConfigFaults
        from monitor.config.place import bare, place

        if self.database is not None:
            return bare(self.path, str(Path(self.database).absolute()))
        try:
            return place(self.path, os.environ)
        except ConfigFaults:
            if not Path(self.path).exists():  # a name that was mistyped
                raise broken from None
            raise Refusal(f"{broken}\n{_NAME_IT}", BAD_CONFIG) from None

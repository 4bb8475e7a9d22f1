"""Help that teaches: options and commands in groups, and examples that can be copied.

typer's own groups need rich, whose import takes as long as all the rest of `monitor --help`.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from contextlib import AbstractContextManager
from typing import Protocol

import typer
from typer.core import TyperCommand, TyperGroup


class _Formatter(Protocol):
    """What of click's formatter is used here."""

    def section(self, name: str) -> AbstractContextManager[None]: ...
    def write_dl(self, rows: list[tuple[str, str]]) -> None: ...
    def write(self, string: str) -> None: ...
    def write_paragraph(self) -> None: ...

    @property
    def width(self) -> int: ...


class _Parameter(Protocol):
    """What of click's parameters is used here."""

    param_type_name: str

    def get_help_record(self, ctx: typer.Context) -> tuple[str, str] | None: ...


class Command(TyperCommand):
    """A command whose epilog is its examples, written as they stand."""

    def format_options(self, ctx: typer.Context, formatter: _Formatter) -> None:  # type: ignore[override]  # the supertype's own are private
        """Arguments, then options in their groups."""
        _write_parameters(self.get_params(ctx), ctx, formatter)

    def format_epilog(self, ctx: typer.Context, formatter: _Formatter) -> None:  # type: ignore[override]  # as above
        """The examples."""
        del ctx
        _write_examples(self.epilog, formatter)


class Group(TyperGroup):
    """The command line as a whole: its commands in groups as well."""

    def format_options(self, ctx: typer.Context, formatter: _Formatter) -> None:  # type: ignore[override]  # as above
        """Commands first: they are what one looks for."""
        groups: dict[str, list[tuple[str, str]]] = {}
        room = formatter.width - 6 - max(map(len, self.commands), default=0)
        for name, command in self.commands.items():
            panel = getattr(command, "rich_help_panel", None) or "Commands"
            groups.setdefault(panel, []).append((name, command.get_short_help_str(room)))
        _write_groups(groups, formatter)
        _write_parameters(self.get_params(ctx), ctx, formatter)

    def format_epilog(self, ctx: typer.Context, formatter: _Formatter) -> None:  # type: ignore[override]  # as above
        """The examples."""
        del ctx
        _write_examples(self.epilog, formatter)


def _write_parameters(
    parameters: Iterable[_Parameter], ctx: typer.Context, formatter: _Formatter
) -> None:
    groups: dict[str, list[tuple[str, str]]] = {"Arguments": [], "Options": []}
    for parameter in parameters:
        record = parameter.get_help_record(ctx)
        if record is None:
            continue
        argument = parameter.param_type_name == "argument"
        panel = getattr(parameter, "rich_help_panel", None) or "Options"
        groups.setdefault("Arguments" if argument else panel, []).append(record)
    last = groups.pop("Options")
    _write_groups({**groups, "Options": last}, formatter)


def _write_groups(groups: Mapping[str, list[tuple[str, str]]], formatter: _Formatter) -> None:
    for name, rows in groups.items():
        if rows:
            with formatter.section(name):
                formatter.write_dl(rows)


def _write_examples(text: str | None, formatter: _Formatter) -> None:
    if text:
        formatter.write_paragraph()
        formatter.write("Examples:\n")
        formatter.write("".join(f"  {line}\n" for line in text.strip().splitlines()))


def examples(*lines: str) -> str:
    """Commands as one would type them, for an epilog."""
    return "\n".join(lines)

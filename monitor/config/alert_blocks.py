"""The blocks of what is told: rules, receivers, maintenance windows, flap damping."""

from __future__ import annotations

from pydantic import ConfigDict, Field

from monitor.config.block import Block
from monitor.config.kinds import (
    Count,
    Duration,
    Flag,
    Level,
    Levels,
    Local,
    Moments,
    Period,
    Range,
    Text,
    Texts,
    WeekHours,
    Zone,
)


class AlertBlock(Block):
    """A rule beside the built-in ones. The name of a built-in one replaces it as a whole."""

    model_config = ConfigDict(json_schema_extra={"required": ["name"]})

    name: Text | None = Field(None, description="its name, `[A-Za-z0-9._-]+`")
    on: Text | None = Field(None, description="a target or a glob; required")
    when: Text | None = Field(None, description="one comparison; required")
    clear: Text | None = Field(
        None, description="when it is over; by default when `when` no longer holds"
    )
    for_: Duration | None = Field(
        None,
        alias="for",
        description="how long it must hold before it fires",
        json_schema_extra={"default": "0s"},
    )
    keep_firing_for: Duration | None = Field(
        None,
        description="how long it fires on after it is over",
        json_schema_extra={"default": "0s"},
    )
    after: Count | None = Field(
        None,
        description="how many readings in a row must breach before it fires",
        json_schema_extra={"default": 1},
    )
    clear_after: Count | None = Field(
        None,
        description="how many readings in a row must be good before it is over",
        json_schema_extra={"default": 1},
    )
    severity: Level | None = Field(
        None, description="how bad it is", json_schema_extra={"default": "warning"}
    )
    enabled: Flag | None = Field(
        None,
        description="false switches it off; with the name of a built-in rule this is all there "
        "need be",
        json_schema_extra={"default": True},
    )


class ReceiverBlock(Block):
    """A destination. Beside these keys it has exactly one way of telling."""

    severities: Levels | None = Field(
        None,
        description="which alerts it hears of; default: all. With a `digest` it may be `[]`: none",
    )
    on: Texts | None = Field(
        None, description="targets or globs it hears of", json_schema_extra={"default": ["*"]}
    )
    remind_every: Range | None = Field(
        None,
        description="say again what is still open after this long; in a range such as `1h..24h` "
        "each gap is twice as long as the last; default: never",
    )
    follow_up: Period | None = Field(
        None,
        description="say once that what was critical has stayed resolved for this long, at most "
        "6d; default: never",
    )
    escalate_after: Period | None = Field(
        None, description="hear only of what is open this long and not acknowledged"
    )
    fallback: Text | None = Field(
        None, description="the receiver that takes over where this one cannot be reached"
    )
    hours: WeekHours | None = Field(
        None,
        description="hear of nothing outside of these, such as `Mon-Fri 08:00-18:00`; what still "
        "stands when they begin is told then; default: at any time",
    )
    quiet_hours: WeekHours | None = Field(
        None,
        description="hear only of what is critical within these, such as `22:00-07:00`; the rest "
        "waits for their end; default: none",
    )
    digest: Moments | None = Field(
        None,
        description="when to hear how everything has gone since the last digest, such as "
        "`Mon 09:00`; default: never",
    )
    timezone: Zone | None = Field(
        None, description="of its hours and its digest; default: the config's `timezone`"
    )
    was: Text | None = Field(
        None, description="the name this receiver had before: what it was told is not told again"
    )


class MaintenanceBlock(Block):
    """A time at which telling is muted. It comes `every` so often, or once: `from`, `until`."""

    model_config = ConfigDict(json_schema_extra={"required": ["name", "targets"]})

    name: Text | None = Field(None, description="what it is called where it mutes; required")
    targets: Texts | None = Field(None, description="targets or globs; required")
    alert: Text | None = Field(None, description="mute this alert alone; default: all")
    every: Moments | None = Field(
        None, description="when it begins, such as `Sun 02:00`, `daily 02:00` or `1st 02:00`"
    )
    for_: Period | None = Field(
        None, alias="for", description="how long it lasts, with `every`; required there"
    )
    from_: Local | None = Field(
        None, alias="from", description="when it begins, once, such as `2026-12-24T18:00`"
    )
    until: Local | None = Field(None, description="when it ends, with `from`; required there")
    timezone: Zone | None = Field(
        None, description="of these times; default: the config's `timezone`"
    )


class FlappingBlock(Block):
    """An alert that opens and closes too often becomes one incident, which is held open."""

    more_than: Count | None = Field(
        None,
        description="how often it opens and closes before it does",
        json_schema_extra={"default": 4},
    )
    within: Period | None = Field(
        None,
        description="within how long, at most 6d; and how long it must then be steady",
        json_schema_extra={"default": "1h"},
    )
    enabled: Flag | None = Field(
        None,
        description="false tells every turn of every alert",
        json_schema_extra={"default": True},
    )

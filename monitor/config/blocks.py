"""The fixed parts of a config, block by block. What is required is checked where it is used, so
that one missing key hides no other fault; the schema and the reference are made from these.
"""

from __future__ import annotations

from typing import Annotated

from pydantic import BeforeValidator, ConfigDict, Field

from monitor.config.account_blocks import (
    AccountBlock,
    BalanceBlock,
    CheckBlock,
    DefaultsBlock,
    JobBlock,
    ModelsBlock,
    QuotaBlock,
)
from monitor.config.block import Block
from monitor.config.kinds import (
    Count,
    Duration,
    File,
    Flag,
    Level,
    Levels,
    Listen,
    Local,
    Moments,
    Period,
    Range,
    SecretText,
    Text,
    Texts,
    Url,
    WeekHours,
    Words,
    Zone,
)
from monitor.config.readers import switch

__all__ = [
    "AccountBlock",
    "AlertBlock",
    "BalanceBlock",
    "Block",
    "CheckBlock",
    "ConfigBlock",
    "DefaultsBlock",
    "FlappingBlock",
    "HeartbeatBlock",
    "HistoryBlock",
    "JobBlock",
    "MaintenanceBlock",
    "ModelsBlock",
    "PrometheusBlock",
    "QuotaBlock",
    "ReceiverBlock",
    "ServiceBlock",
    "WebBlock",
]


class ServiceBlock(Block):
    """What customers see, as a combination of targets. `needs` or `any` is required."""

    needs: Texts | None = Field(None, description="targets or globs, each of which must be usable")
    any_of: Texts | None = Field(
        None,
        alias="any",
        description="targets or globs in the order of preference, one of which must be usable",
    )
    tell_customers: Words | None = Field(
        None, description="what customers may read while it is degraded or down"
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


class WebBlock(Block):
    """Where and to whom the page is shown."""

    listen: Listen | None = Field(
        None,
        description="the operator's page, metrics and API; port 0 lets the system choose",
        json_schema_extra={"default": "127.0.0.1:9877"},
    )
    services_listen: Listen | None = Field(
        None, description="`/services` alone, for customers; by default not served apart"
    )
    external_url: Url | None = Field(
        None, description="how people reach the page: links in messages; requires `users`"
    )
    token: SecretText | None = Field(
        None,
        description="the bearer token of a POST; without one every POST of a program is refused",
    )
    token_file: File | None = Field(None, description="a file that holds `token`")
    users: dict[str, SecretText] | None = Field(
        None,
        description="user names and passwords; `NAME_file: PATH` reads the password of NAME",
    )
    config_file: File | None = Field(
        None,
        description="TLS and users, in the web configuration format of Prometheus exporters: "
        "`tls_server_config` and `basic_auth_users`",
    )
    allow_unauthenticated: Flag | None = Field(
        None,
        description="show the page on a wider address without users or TLS",
        json_schema_extra={"default": False},
    )


class HistoryBlock(Block):
    """How long what was seen of a balance is kept."""

    samples: Duration | None = Field(
        None,
        description="every single reading; at least 1d",
        json_schema_extra={"default": "90d"},
    )
    hours: Duration | None = Field(
        None,
        description="what each hour made of it: spent, topped up, highest and lowest; at least as "
        "long as `samples`",
        json_schema_extra={"default": "1825d"},
    )


class PrometheusBlock(Block):
    """A Prometheus, or what speaks like one, that knows what is used."""

    model_config = ConfigDict(json_schema_extra={"required": ["url"]})

    url: Url | None = Field(
        None, description="without `/api/v1`, such as `http://127.0.0.1:9090`; required"
    )
    token: SecretText | None = Field(None, description="a bearer token, where it wants one")
    token_file: File | None = Field(None, description="a file that holds `token`")


class HeartbeatBlock(Block):
    """A dead-man's switch outside, which alerts when it is called no more. `url` is required."""

    url: SecretText | None = Field(
        None,
        description="asked with GET while all is well; `/start` and `/fail` are put to its path. "
        "Whoever knows it can call it: it is a secret",
    )
    url_file: File | None = Field(None, description="a file that holds `url`")
    interval: Period | None = Field(
        None, description="how often", json_schema_extra={"default": "1m"}
    )
    timeout: Period | None = Field(
        None,
        description="how long one call may take; shorter than `interval`",
        json_schema_extra={"default": "10s"},
    )


class ConfigBlock(Block):
    """The whole file."""

    model_config = ConfigDict(arbitrary_types_allowed=True)

    defaults: DefaultsBlock | None = Field(
        None, description="what holds where an account and its provider say nothing"
    )
    accounts: dict[str, object] | None = Field(
        None, description="what is watched, by name; required"
    )
    services: dict[str, ServiceBlock] | None = Field(
        None, description="what customers see, by name"
    )
    alerts: list[AlertBlock] | None = Field(None, description="rules beside the built-in ones")
    flapping: Annotated[FlappingBlock | None, BeforeValidator(switch)] = Field(
        None, description="from when on an alert flaps; `off` for never"
    )
    receivers: dict[str, object] | None = Field(None, description="who is told, by name")
    maintenance: list[MaintenanceBlock] | None = Field(
        None, description="planned times at which telling is muted"
    )
    web: WebBlock | None = Field(None, description="where and to whom the page is shown")
    database: File | None = Field(
        None,
        description="what survives a restart; relative to `$STATE_DIRECTORY`, else to this file",
        json_schema_extra={"default": "monitor.db"},
    )
    lease: Period | None = Field(
        None,
        description="how long a daemon may hang before another on the same database takes over",
        json_schema_extra={"default": "10s"},
    )
    heartbeat: HeartbeatBlock | None = Field(
        None, description="the switch outside that watches this daemon"
    )
    history: HistoryBlock | None = Field(
        None, description="how long what was seen of a balance is kept"
    )
    prometheus: PrometheusBlock | None = Field(
        None, description="asked for what is used of the `quotas` with a `query`"
    )
    canary: Url | None = Field(
        None, description="asked before a provider is blamed for what may be our own network"
    )
    timezone: Zone | None = Field(
        None,
        description="of the days and hours that are shown, such as `Europe/Berlin`",
        json_schema_extra={"default": "UTC"},
    )

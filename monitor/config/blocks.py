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
from monitor.config.alert_blocks import (
    AlertBlock,
    FlappingBlock,
    MaintenanceBlock,
    ReceiverBlock,
)
from monitor.config.block import Block
from monitor.config.kinds import (
    Duration,
    File,
    Flag,
    Listen,
    Period,
    SecretText,
    Texts,
    Url,
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

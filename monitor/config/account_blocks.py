"""The blocks of an account: its key, its checks and their schedule, its jobs and quotas."""

from __future__ import annotations

from typing import Annotated

from pydantic import BeforeValidator, ConfigDict, Field, WithJsonSchema

from monitor.config.block import Block
from monitor.config.kinds import (
    JOB,
    Calls,
    Clock,
    File,
    Flag,
    Floor,
    Needs,
    Period,
    Price,
    Range,
    Rate,
    SecretText,
    Text,
    Texts,
    Window,
    Zone,
)


class DefaultsBlock(Block):
    """What holds where an account, its check and its provider say nothing."""

    interval: Range | None = Field(
        None, description="time between two probes", json_schema_extra={"default": "5m"}
    )
    timeout: Period | None = Field(
        None, description="longest time for a whole probe", json_schema_extra={"default": "15s"}
    )


class CheckBlock(Block):
    """One check's own schedule. Only here an interval may go below the provider's minimum."""

    interval: Range | None = Field(
        None,
        description="time between two probes; `1m..15m` probes faster as the runway shortens",
    )
    timeout: Period | None = Field(None, description="longest time for a whole probe")


class QuotaBlock(Block):
    """A limit that no API tells."""

    model_config = ConfigDict(json_schema_extra={"required": ["name", "limit", "per"]})

    name: Text | None = Field(None, description="its name, `[A-Za-z0-9._-]+`; required")
    limit: Price | None = Field(None, description="how much of it in one window; required")
    per: Window | None = Field(
        None,
        description="how long a window is; a week begins on Monday, a month on the 1st; required",
    )
    unit: Text | None = Field(
        None,
        description="what is counted: the name of the member that reports it",
        json_schema_extra={"default": "calls"},
    )
    resets_at: Clock | None = Field(
        None,
        description="when a day, a week or a month begins",
        json_schema_extra={"default": "00:00"},
    )
    timezone: Zone | None = Field(
        None, description="in which it does", json_schema_extra={"default": "UTC"}
    )
    query: Text | None = Field(
        None,
        description="PromQL in place of reports: what is used in the present window, as one value;"
        " `[window]` stands for the window's age, as in `sum(increase(images_total[window]))`",
    )


class AccountBlock(Block):
    """One credential at one provider. Its name is `[a-z0-9._-]+`."""

    provider: Text | None = Field(
        None, description="the vendor that is asked; by default the account's name"
    )
    key: SecretText | None = Field(
        None, description="the credential; absent or empty: the account is not_configured"
    )
    key_file: File | None = Field(
        None, description="a file that holds it; relative to `$CREDENTIALS_DIRECTORY` if set"
    )
    enabled: Flag | None = Field(
        None,
        description="false leaves the account out",
        json_schema_extra={"default": True},
    )
    checks: Texts | None = Field(
        None, description="what is asked; by default all that the provider is asked by itself"
    )
    needs: Needs | None = Field(None, description="what the key must be able to do")
    interval: Range | None = Field(
        None,
        description="time between two probes; raised to the provider's minimum where it is less",
    )
    timeout: Period | None = Field(None, description="longest time for a whole probe")
    calls: Calls | None = Field(
        None,
        description="how many requests a day it may be asked with, such as `2000/day`, from "
        "midnight to midnight UTC; default: no limit",
    )
    quotas: list[QuotaBlock] | None = Field(
        None,
        description="limits that no API tells, counted from what your application reports",
    )
    was: Text | None = Field(
        None, description="the name this account had before: its history goes on"
    )


class ModelsBlock(Block):
    """Of accounts whose provider can be asked about models."""

    models: Texts | None = Field(
        None, description="the models you depend on, in the order your product tries them"
    )


class JobBlock(Block):
    """One job: its price, and what people call several of it."""

    price: Price | None = Field(None, description="credits per job")
    title: Text | None = Field(
        None,
        description="what messages call several of them, such as `Sora 2 Pro videos`; by default "
        "the name in words: `sora-2-pro-720p-15s` is `Sora 2 Pro 720p 15 s videos`",
    )


def _priced(value: object) -> object:
    """A price alone stands for a job without a title."""
    return value if isinstance(value, dict | JobBlock) else {"price": value}


Job = Annotated[JobBlock, BeforeValidator(_priced), WithJsonSchema(JOB)]


class BalanceBlock(Block):
    """Of accounts whose provider can be asked for a balance."""

    jobs: dict[str, Job] | None = Field(
        None,
        description="credits per job, by the job's name; or a block with `price` and `title`",
    )
    usage: dict[str, Rate] | None = Field(
        None,
        description="what you plan, such as `40/day`; carries the forecast until there is history",
    )
    floor: Floor | None = Field(
        None,
        description="the balance at which the account stops being useful; by default the price "
        "of the dearest job in `usage`, else 0",
    )

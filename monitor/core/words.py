"""Figures and causes as people say them, for rules and the status document."""

from __future__ import annotations

import math
from decimal import ROUND_FLOOR, Decimal
from typing import Final

from monitor.core.causes import Cause

TEXT_LENGTH: Final = 500


def amount(value: Decimal | float) -> str:
    """A number for people: two decimals, three significant digits below 1, never `1e-05`.

    A Decimal is money and is cut, not rounded: 9999.999 must not read as 10000.
    """
    size = abs(float(value))
    if size == 0 or math.isinf(size):
        return "without end" if size else "0"
    digits = 2 if size >= 1 else 2 - math.floor(math.log10(size))
    if isinstance(value, Decimal):
        value = value.quantize(Decimal(1).scaleb(-digits), rounding=ROUND_FLOOR)
    text = f"{value:.{digits}f}"
    return text.rstrip("0").rstrip(".") if "." in text else text


def clean(text: str, limit: int = TEXT_LENGTH) -> str:
    """One printable line of at most `limit` characters: providers' texts may hold anything."""
    line = " ".join("".join(c if c.isprintable() else " " for c in text).split())
    return line if len(line) <= limit else line[: limit - 1].rstrip() + "…"


def percent(share: float) -> str:
    """`0.8` as `80 %`."""
    return f"{amount(round(share * 100, 1))} %"


def thousands(value: Decimal | float) -> str:
    """`amount` in groups: `5,916.25`."""
    whole, point, rest = amount(value).partition(".")
    number = whole.removeprefix("-")
    grouped = f"{int(number):,}" if number.isdigit() else number
    return f"{'-' if whole.startswith('-') else ''}{grouped}{point}{rest}"


WHAT: Final[dict[Cause, str]] = {
    Cause.OK: "fine",
    Cause.KEY_REJECTED: "the key is rejected",
    Cause.KEY_EXPIRED: "the key has expired",
    Cause.KEY_LACKS_PERMISSION: "the key may not do what is asked of it",
    Cause.KEY_CAP_REACHED: "the key's own spending cap is reached",
    Cause.CREDITS_EXHAUSTED: "the credits are exhausted",
    Cause.QUOTA_EXHAUSTED: "the quota is exhausted",
    Cause.RATE_LIMITED: "asked too often (rate limit)",
    Cause.MODEL_MISSING: "no such model",
    Cause.MODEL_MOVED: "the model has moved to another name",
    Cause.MODEL_GATED: "the model is gated for this account",
    Cause.MODEL_NOT_SERVED: "nobody serves the model",
    Cause.MODEL_RETIRED: "the model is retired",
    Cause.MODEL_DEGRADED: "the model is served with errors",
    Cause.MODEL_LOADING: "the model is loading",
    Cause.PROVIDER_MAINTENANCE: "the provider is in maintenance",
    Cause.PROVIDER_ERROR: "the provider answers with an error",
    Cause.PROVIDER_UNREACHABLE: "the provider cannot be reached",
    Cause.ENDPOINT_RETIRED: "the provider has retired this address",
    Cause.TIMED_OUT: "no answer in time",
    Cause.TLS_INVALID: "the provider's certificate is not valid",
    Cause.NETWORK_OFFLINE: "our own network is offline",
    Cause.ANSWER_MALFORMED: "the answer cannot be understood",
    Cause.NOT_KNOWABLE: "this key may not read it",
    Cause.NOT_CONFIGURED: "no key is configured",
}

NEXT_STEP: Final[dict[Cause, str]] = {
    Cause.OK: "",
    Cause.KEY_REJECTED: "Create a new key at the provider and put it in the config",
    Cause.KEY_EXPIRED: "Renew the key at the provider and put it in the config",
    Cause.KEY_LACKS_PERMISSION: "Give the key the missing permission",
    Cause.KEY_CAP_REACHED: "Raise the key's spending cap, or wait for its reset",
    Cause.CREDITS_EXHAUSTED: "Top up",
    Cause.QUOTA_EXHAUSTED: "Raise the plan, or wait for the reset",
    Cause.RATE_LIMITED: "Ask less often: lengthen the interval",
    Cause.MODEL_MISSING: "Correct the model's name, or switch to a fallback",
    Cause.MODEL_MOVED: "Use the model's new name",
    Cause.MODEL_GATED: "Accept the model's terms with the key's account",
    Cause.MODEL_NOT_SERVED: "Switch to a fallback that is served",
    Cause.MODEL_RETIRED: "Replace the model",
    Cause.MODEL_DEGRADED: "Have a fallback ready",
    Cause.MODEL_LOADING: "",
    Cause.PROVIDER_MAINTENANCE: "Wait for the end of the maintenance",
    Cause.PROVIDER_ERROR: "Look at the provider's status page",
    Cause.PROVIDER_UNREACHABLE: "Look at the provider's status page",
    Cause.ENDPOINT_RETIRED: "Update monitor, or correct base_url",
    Cause.TIMED_OUT: "Look at the provider's status page",
    Cause.TLS_INVALID: "Check base_url and the machine's certificates",
    Cause.NETWORK_OFFLINE: "Check this machine's network and name resolution",
    Cause.ANSWER_MALFORMED: "Check base_url; run `monitor explain` on the target",
    Cause.NOT_KNOWABLE: "Use a key that may read it, or leave the check out",
    Cause.NOT_CONFIGURED: "Set the account's key",
}

RULE_STEP: Final[dict[str, str]] = {
    "runway-short": "Top up",
    "runway-critical": "Top up",
    "burn-spike": "Look at what is spending, and stop it if it is not yours",
    "quota-high": "Raise the plan, or use less until the reset",
    "quota-critical": "Raise the plan, or use less until the reset",
    "target-stale": "Look at monitor's own log",
    "models-exhausted": "Put a model that is served into the product, or use another provider",
    "store-failed": "Free some space, or mend the rights of the database",
    "receiver-failing": "Tell its people by another way; why it fails: `monitor test-receiver`",
    "monitor-offline": "Check this machine's network and name resolution",
}

"""Runway (runwayml.com): the organization's API credits. One credit is about 0.01 USD.

Source: https://docs.dev.runwayml.com/api and its Python SDK 5.24.
"""

from __future__ import annotations

from monitor.core.model import Check
from monitor.core.spec import CheckSpec, ProviderSpec
from monitor.providers import Provider
from monitor.providers._balance import Balance

SPEC = ProviderSpec(
    name="runway",
    title="Runway",
    checks={Check.BALANCE: CheckSpec(interval=300.0, minimum=60.0, help="credits for the API")},
    urls={"base_url": "https://api.dev.runwayml.com"},
    docs="https://docs.dev.runwayml.com/api",
    unit="credits",
    knows="The organization's credits for the API; those of the web application are others.",
)
PROVIDER = Provider(
    SPEC,
    Balance(
        SPEC,
        "/v1/organization",
        "creditBalance",
        headers={"X-Runway-Version": "2024-11-06"},
    ),
)

"""A small catalogue for tests of the config: two providers, two channels."""

from __future__ import annotations

from monitor.core.model import Check
from monitor.core.spec import Catalogue, ChannelSpec, CheckSpec, Field, FieldKind, ProviderSpec

HUGGINGFACE = ProviderSpec(
    name="huggingface",
    title="Hugging Face",
    checks={
        Check.KEY: CheckSpec(interval=1800.0, minimum=300.0, help="whoami is strictly limited"),
        Check.MODEL: CheckSpec(interval=600.0, minimum=60.0),
        Check.QUOTA: CheckSpec(interval=3600.0, default=False),
        Check.STATUS: CheckSpec(interval=300.0),
        Check.INFERENCE: CheckSpec(interval=3600.0, minimum=600.0, default=False),
    },
    urls={
        "base_url": "https://huggingface.co",
        "router_url": "https://router.huggingface.co",
        "status_url": "https://status.huggingface.co",
    },
    docs="https://huggingface.co/docs/hub/api",
    key_prefixes=("hf_",),
)

KIE = ProviderSpec(
    name="kie",
    title="KIE",
    checks={Check.BALANCE: CheckSpec(interval=300.0, minimum=30.0)},
    urls={"base_url": "https://api.kie.ai"},
    docs="https://docs.kie.ai",
    unit="credits",
)

OPENAI = ProviderSpec(
    name="openai",
    title="OpenAI",
    checks={Check.KEY: CheckSpec(), Check.QUOTA: CheckSpec()},
    urls={"base_url": "https://api.openai.com"},
    docs="https://platform.openai.com/docs",
    unit="USD",
    fields=(
        Field("organization", FieldKind.TEXT, "asked on behalf of this one"),
        Field("admin_key", FieldKind.SECRET, "reads the costs"),
        Field("days", FieldKind.INTEGER, "how far back", default=30),
        Field("limit", FieldKind.NUMBER, "what may be spent"),
    ),
)

EMAIL = ChannelSpec(
    name="email",
    title="e-mail",
    addresses="to",
    fields=(
        Field("to", FieldKind.TEXTS, "who gets it", required=True),
        Field("from", FieldKind.TEXT, "the sender", required=True),
        Field(
            "smtp",
            FieldKind.TABLE,
            "the mail server",
            required=True,
            fields=(
                Field("host", FieldKind.TEXT, "its name", required=True),
                Field("port", FieldKind.INTEGER, "its port", default=587),
                Field(
                    "tls",
                    FieldKind.TEXT,
                    "how the line is encrypted",
                    default="starttls",
                    choices=("starttls", "implicit", "none"),
                ),
                Field("username", FieldKind.TEXT, "who logs in"),
                Field("password", FieldKind.SECRET, "its password"),
                Field("ca_file", FieldKind.PATH, "trust this CA as well"),
                Field("timeout", FieldKind.DURATION, "for each step", default=15.0),
            ),
        ),
    ),
)

WEBHOOK = ChannelSpec(
    name="webhook",
    title="webhook",
    fields=(
        Field("url", FieldKind.SECRET, "where it is posted", required=True),
        Field("secret", FieldKind.SECRET, "signs the body"),
        Field("headers", FieldKind.MAP, "further headers"),
        Field("ca_file", FieldKind.PATH, "trust this CA as well"),
        Field("timeout", FieldKind.DURATION, "for the whole POST", default=15.0),
    ),
)

CATALOGUE = Catalogue(
    providers={spec.name: spec for spec in (HUGGINGFACE, KIE, OPENAI)},
    channels={spec.name: spec for spec in (EMAIL, WEBHOOK)},
)

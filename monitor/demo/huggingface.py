"""Hugging Face as it answers: the Hub, the router and the status page."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from datetime import datetime, timedelta
from decimal import Decimal
from urllib.parse import quote

from monitor.demo import hub
from monitor.demo.hub import Model, error
from monitor.demo.vendor import Vendor
from monitor.demo.wire import Asked, Reply, json_reply

MODELS = (
    "stabilityai/stable-diffusion-3-medium-diffusers",
    "black-forest-labs/FLUX.1-schnell",
    "stabilityai/stable-diffusion-xl-base-1.0",
)
WINDOW = timedelta(minutes=5)
PICTURE = b"\xff\xd8\xff\xe0\x00\x10JFIF" + b"\0" * 64 + b"\xff\xd9"
DEPLETED = (
    "You have depleted your monthly included credits. Purchase pre-paid credits to continue using"
    " Inference Providers. Alternatively, subscribe to PRO to get 20x more included usage."
)


class HuggingFace(Vendor):
    """Settable: `token`, `models`, `used`, `included`, `limit`, `page`, `components`, limits.

    `rate_limited` makes every call of the Hub a 429; `whoami_limit` calls of whoami are allowed in
    five minutes (None: any number); `edge_error` is said with HTTP 200.
    """

    def __init__(self, now: Callable[[], datetime]) -> None:
        super().__init__("hf_demo-key")
        self._now = now
        self.token = "ok"  # noqa: S105 - a state, see hub.GOOD_TOKENS and hub.REFUSED_TOKENS
        self.models: dict[str, Model] = {name: Model() for name in MODELS}
        self.models["runwayml/stable-diffusion-v1-5"] = Model("missing")
        self.used, self.included, self.limit = Decimal("0.04"), Decimal("0.1"), Decimal("0.1")
        self.calls = 4  # this month's, as usage says
        self.page = "operational"  # one of hub.PAGE_STATES
        self.components = {"Hub": "operational", "Inference": "operational"}
        self.rate_limited = False
        self.whoami_limit: int | None = 50
        self.edge_error = ""
        self._whoami: deque[datetime] = deque()

    # -- what happens -----------------------------------------------------------------------

    def set_model(self, name: str, state: str, *, moved_to: str = "") -> None:
        """Put a model into one of hub.MODEL_STATES; a new name makes a new model."""
        if state not in hub.MODEL_STATES:
            known = ", ".join(hub.MODEL_STATES)
            raise ValueError(f"a model has no state {state!r}; known: {known}")
        self.models[name] = Model(state, moved_to=moved_to)
        if moved_to:
            self.models.setdefault(moved_to, Model())

    def retire(self, name: str) -> None:
        """Its last provider stops serving it; the repository stays."""
        self.set_model(name, "retired")

    # -- the Hub ----------------------------------------------------------------------------

    def hub(self, asked: Asked) -> Reply:
        """One answer of huggingface.co."""
        route, main, answer = self._route(asked)
        self.note(route.partition("/")[0], asked)
        left = max(0, 1000 - self.requests.total() % 1000)
        good = self._stopped(asked) or answer(asked)
        headers = {**hub.rate_headers(left, 189), "X-Request-Id": "Root=1-demo", **good.headers}
        return self.spoilt(route, Reply(good.status, good.body, headers), main=main)

    def _route(self, asked: Asked) -> tuple[str, str, Callable[[Asked], Reply]]:
        if asked.method == "GET" and asked.path == "/api/whoami-v2":
            return "key", "auth", self._answer_whoami
        if asked.method == "GET" and asked.path == "/api/settings/billing/usage-v2":
            return "quota", "usage.inferenceProviders.usedNanoUsd", self._answer_usage
        if asked.method == "GET" and asked.path.startswith("/api/models/"):
            name = asked.path.removeprefix("/api/models/")
            return f"model/{name}", "id", self._answer_model
        return "unknown", "error", lambda _: error(404, "Sorry, we can't find the page")

    def _stopped(self, asked: Asked) -> Reply | None:
        """What stands before every call: the edge, the limits, the token."""
        if self.edge_error:
            return json_reply({"error": self.edge_error})
        if self.rate_limited:
            return hub.too_often(1000, 0, 241)
        if "authorization" not in asked.headers:
            return None
        if not self.admits(asked):
            return error(401, hub.INVALID)
        if self.token in hub.REFUSED_TOKENS:
            return error(*hub.REFUSED_TOKENS[self.token])
        if self.token not in hub.GOOD_TOKENS:
            raise ValueError(f"a token has no state {self.token!r}")
        return None

    def _answer_whoami(self, asked: Asked) -> Reply:
        if "authorization" not in asked.headers:
            return error(401, hub.ANONYMOUS)
        if self._whoami_too_often():
            # Its own strict limit: the header speaks of another bucket, which is far from empty.
            return hub.too_often(1000, 794, 241)
        return json_reply(hub.whoami(self.token, self._now()))

    def _whoami_too_often(self) -> bool:
        now = self._now()
        while self._whoami and self._whoami[0] <= now - WINDOW:
            self._whoami.popleft()
        if self.whoami_limit is not None and len(self._whoami) >= self.whoami_limit:
            return True
        self._whoami.append(now)
        return False

    def _answer_usage(self, asked: Asked) -> Reply:
        if "authorization" not in asked.headers:
            return error(401, hub.ANONYMOUS)
        if self.token == "no-billing":  # noqa: S105 - a state
            return error(403, "Forbidden")
        if not _period(asked):
            return error(400, "startDate and endDate must be unix seconds, endDate the later one")
        parts = (self.used, self.included, self.limit, self.calls, self._now())
        return json_reply(hub.usage(*parts))

    def _answer_model(self, asked: Asked) -> Reply:
        name = asked.path.removeprefix("/api/models/")
        model = self.models.get(name, Model("missing"))
        if model.state == "missing":
            if "authorization" not in asked.headers:
                return error(401, hub.ANONYMOUS, code="RepoNotFound")
            return error(404, "Repository not found", code="RepoNotFound")
        if model.state == "moved":
            return Reply(307, b"", {"Location": f"/api/models/{quote(model.moved_to)}"})
        if model.state == "gated-no-access":
            words = f"Access to model {name} is restricted and you are not in the authorized list."
            return error(403, words, code="GatedRepo")
        expand = asked.query.get("expand[]", []) + asked.query.get("expand", [])
        return json_reply(hub.model_document(name, model, expand))

    # -- the router -------------------------------------------------------------------------

    def router(self, asked: Asked) -> Reply:
        """One answer of router.huggingface.co."""
        self.note("inference", asked)
        good = self._infer(asked)
        return self.spoilt("inference", good, main="error")

    def _infer(self, asked: Asked) -> Reply:
        prefix = "/hf-inference/models/"
        if asked.method != "POST" or not asked.path.startswith(prefix):
            page = f"Cannot {asked.method} {asked.path}".encode()
            return Reply(404, page, {"Content-Type": "text/html; charset=utf-8"})
        if not self.admits(asked):
            words = hub.INVALID if "authorization" in asked.headers else hub.ANONYMOUS
            return error(401, words)
        if self.token in hub.REFUSED_TOKENS:
            return error(*hub.REFUSED_TOKENS[self.token])
        return self._refused_model(asked.path.removeprefix(prefix)) or self._picture()

    def _refused_model(self, name: str) -> Reply | None:
        model = self.models.get(name, Model("none"))
        if self.token == "no-inference":  # noqa: S105 - a state
            return error(
                403,
                "This authentication method does not have sufficient permissions to call Inference"
                " Providers on behalf of user demo",
            )
        if model.state == "retired":
            return error(
                410,
                "The requested model is deprecated and no longer supported by provider"
                " hf-inference",
            )
        if model.state == "loading":
            words = {"error": f"Model {name} is currently loading", "estimated_time": 118.02}
            return json_reply(words, status=503)
        served = model.state in ("live", "live-as-list", "gated", "error")
        if not served or model.provider != "hf-inference":
            return error(400, "Model not supported by provider hf-inference")
        return error(402, DEPLETED) if self.limit and self.used >= self.limit else None

    def _picture(self) -> Reply:
        self.used += Decimal("0.0012")  # 10 s of compute
        self.calls += 1
        return Reply(200, PICTURE, {"Content-Type": "image/jpeg"})

    # -- the status page --------------------------------------------------------------------

    def status(self, asked: Asked) -> Reply:
        """One answer of status.huggingface.co, which is another company's."""
        self.note("status", asked)
        if "authorization" in asked.headers:
            self.wrong.append("status: the status page was sent credentials")
        if asked.path != "/index.json":
            return Reply(301, b"", {"Location": "https://status.huggingface.co/"})
        document = hub.status_page(self.page, self.components, self._now())
        good = json_reply(document, headers={"Content-Type": "application/vnd.api+json"})
        return self.spoilt("status", good, main="data", alone=True)


def _period(asked: Asked) -> bool:
    try:
        start, end = (int(asked.query[name][0]) for name in ("startDate", "endDate"))
    except (KeyError, ValueError):
        return False
    return 1 <= start < end

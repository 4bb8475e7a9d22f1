"""KIE as it answers: errors inside HTTP 200, fractional balances, a cookie nobody needs."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Callable, Mapping
from decimal import Decimal

from monitor.demo.vendor import Vendor
from monitor.demo.wire import Asked, Reply, json_reply

# Credits per video, from KIE's price list of late 2025.
PRICES: Mapping[str, int] = {
    "sora-2-720p-10s": 25,
    "sora-2-720p-15s": 30,
    "sora-2-pro-720p-10s": 75,
    "sora-2-pro-720p-15s": 135,
    "sora-2-pro-1080p-10s": 160,
    "sora-2-pro-1080p-15s": 300,
}
GONE_402 = "The current credits are insufficient. Please top up."
GONE_500 = (
    "Credits insufficient : Your current balance isn’t enough to run this request."
    " Please top up to continue."
)
_HTML = b"<html><head><title>520</title></head><body>Web server is returning an unknown error"

# Name of a documented state: HTTP status, code and words of the body.
ANSWERS: Mapping[str, tuple[int, int, str]] = {
    "unauthorized": (200, 401, "You do not have access permissions"),
    "unauthorized-http-401": (
        401,
        401,
        "Unauthorized – Authentication failed. Please check that your Authorization and"
        " Content-Type headers are correctly set.",
    ),
    "insufficient-402": (200, 402, GONE_402),
    "insufficient-http-402": (402, 402, GONE_402),
    "insufficient-500": (200, 500, GONE_500),
    "not-found-404": (200, 404, "Not Found - The requested resource or endpoint does not exist"),
    "validation-422": (200, 422, "url is wrong"),
    "rate-limited-429": (
        429,
        429,
        "Rate Limited - Request limit has been exceeded for this resource",
    ),
    "sub-key-cap-433": (200, 433, "Request Limit - Sub-key Usage Exceeds Limit"),
    "maintenance-455": (
        200,
        455,
        "Service Unavailable - System is currently undergoing maintenance",
    ),
    "error-500": (200, 500, "Server Error - An unexpected error occurred"),
    "error-http-500": (500, 500, "Server Error - An unexpected error occurred"),
    "disabled-505": (200, 505, "Feature Disabled - The requested feature is currently disabled"),
}
# States whose answer is not of that form.
ODD = ("ok", "forbidden-403", "html-520", "code-as-text", "code-missing", "balance-as-text")


class Kie(Vendor):
    """Settable: `balance`, `answer` (`ok`, a name in ANSWERS or ODD), `fault`, `prices`."""

    def __init__(self) -> None:
        super().__init__("kie-demo-key")
        self.balance = Decimal("12480.25")
        self.prices: dict[str, Decimal] = {name: Decimal(p) for name, p in PRICES.items()}
        self.spent = self.refunded = self.topped_up = Decimal(0)
        self._answer = "ok"
        self._jobs: Counter[str] = Counter()

    @property
    def answer(self) -> str:
        """What the credit endpoint says."""
        return self._answer

    @answer.setter
    def answer(self, name: str) -> None:
        if name not in ANSWERS and name not in ODD:
            raise ValueError(f"KIE has no answer {name!r}; known: {', '.join((*ODD, *ANSWERS))}")
        self._answer = name

    # -- what customers and the owner do ------------------------------------------------------

    def spend(self, job: str | Decimal | float) -> bool:
        """A job (a name in `prices`) or so many credits; False: refused before any charge."""
        price = self.prices[job] if isinstance(job, str) else Decimal(str(job))
        if price > self.balance:
            return False
        self.balance -= price
        self.spent += price
        return True

    def refund(self, credits: str | Decimal | float) -> None:
        """A job failed: its credits (or so many) come back."""
        amount = self.prices[credits] if isinstance(credits, str) else Decimal(str(credits))
        self.balance += amount
        self.refunded += amount

    def top_up(self, credits: Decimal | float) -> None:
        """The owner pays."""
        self.balance += Decimal(str(credits))
        self.topped_up += Decimal(str(credits))

    # -- what is answered ---------------------------------------------------------------------

    def reply(self, asked: Asked) -> Reply:
        """One answer, the fault in it."""
        routes: Mapping[tuple[str, str], tuple[str, Callable[[Asked], Reply]]] = {
            ("GET", "/api/v1/chat/credit"): ("balance", self._credit),
            ("POST", "/api/v1/jobs/createTask"): ("job", self._create_task),
        }
        route, answer = routes.get((asked.method, asked.path), ("unknown", _unknown))
        self.note(route, asked)
        good = answer(asked) if self.admits(asked) else _worded("unauthorized")
        headers = {
            "Server": "cloudflare",
            "CF-Cache-Status": "DYNAMIC",
            "CF-Ray": f"{self.requests.total():016x}-SIN",
            "Set-Cookie": f"JSESSIONID={self.requests.total():032X}; Path=/; HttpOnly",
            "Content-Type": "application/json;charset=UTF-8",
            **good.headers,
        }
        spoilable = Reply(good.status, good.body, headers)
        return self.spoilt(route, spoilable, main="data")

    def _credit(self, asked: Asked) -> Reply:
        del asked
        if self.answer in ANSWERS:
            return _worded(self.answer)
        if self.answer == "forbidden-403":
            return Reply(403, b"Forbidden", {"Content-Type": "text/plain"})
        if self.answer == "html-520":
            return Reply(520, _HTML, {"Content-Type": "text/html; charset=UTF-8"})
        code = '"200"' if self.answer == "code-as-text" else "200"
        data = f'"{self.balance}"' if self.answer == "balance-as-text" else f"{self.balance:f}"
        said = "" if self.answer == "code-missing" else f'"code":{code},"msg":"success",'
        return Reply(200, f'{{{said}"data":{data}}}'.encode())

    def _create_task(self, asked: Asked) -> Reply:
        try:
            model = json.loads(asked.body)["model"]
            price = self.prices[model]
        except (ValueError, KeyError, TypeError):
            return _said(200, 422, "The model is not supported")
        if not self.spend(price):
            return _worded("insufficient-402")
        self._jobs[model] += 1
        number = f"{self._jobs.total():032x}"
        task = {"taskId": number, "recordId": number}
        return json_reply({"code": 200, "msg": "success", "data": task}, headers=_TYPE)


_TYPE = {"Content-Type": "application/json;charset=UTF-8"}


def _unknown(asked: Asked) -> Reply:
    words = {"timestamp": "2026-11-20T08:00:00Z", "status": 404, "path": asked.path}
    return json_reply({**words, "error": "Not Found"}, status=404, headers=_TYPE)


def _worded(name: str) -> Reply:
    return _said(*ANSWERS[name])


def _said(status: int, code: int, words: str) -> Reply:
    return json_reply({"code": code, "msg": words, "data": None}, status=status, headers=_TYPE)

"""What the contract suite knows of each channel: its options at a server, and its limits.

A new channel needs an entry in CHANNELS and its recordings in `tests/recordings_channels/NAME/`;
the suite in `test_channel_contract.py` does the rest, and says so where one is missing.
"""

from __future__ import annotations

import json
import re
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from postbox import Mailbox
from wire import Line, Script, answer, serving

from monitor.core.causes import Severity
from monitor.core.message import Message
from monitor.core.model import Kind
from monitor.core.secret import Secret
from monitor.core.settings import ReceiverSettings
from monitor.http import Door
from monitor.notifiers import Delivery, load_notifiers

AT = datetime(2026, 11, 20, 10, 31, 28, tzinfo=UTC)
RECORDINGS = Path(__file__).parent / "recordings_channels"
PLANTED = "planted-credential-0007"
Body = Any  # JSON


def sample(kind: Kind = Kind.OPENED, **changes: object) -> Message:
    """A message with everything in it."""
    over = kind is Kind.RESOLVED
    base = Message(
        id=f"0001-{kind.value}", opened_id="0001-opened", kind=kind, round=0, receiver="lead",
        at=AT, severity=Severity.CRITICAL,
        subject=("[RESOLVED] kie: 8000 credits again" if over
                 else "[CRITICAL] kie: about 5 h of credits left"),
        what="kie: 1215 credits are left.", how_long="They are gone in about 5 h.",
        todo="Top up 4000 credits.", status="resolved" if over else "firing",
        incident="01INCIDENT", fingerprint="0f1e2d3c4b5a6978",
        starts_at=AT - timedelta(minutes=1), ends_at=AT if over else None,
        figures=(("Balance", "1215 credits"), ("Burn", "243 credits per hour")),
        jobs_left=(("Sora 2 Pro 720p 15 s videos", 9), ("Sora 2 720p 10 s videos", 48)),
        steps=("Open the billing page.", "Top up."),
        customers="Your credits are safe.", not_customers="Which provider it is.",
        links=(("Status page", "https://monitor.example.com/"),
               ("billing", "https://kie.example.com/billing?a=1&b=2")),
        muted=("runway-short on kie/balance",),
        labels={"alertname": "runway-critical", "severity": "critical", "target": "kie/balance",
                "account": "kie", "provider": "kie", "cause": "ok"},
        annotations={"severity": "critical", "summary": "about 5 h of credits left",
                     "description": "kie: 1215 credits are left.", "runbook_url": ""},
        external_url="https://monitor.example.com",
    )  # fmt: skip
    return replace(base, **changes)  # type: ignore[arg-type]  # a table of fields


def saying(text: str, kind: Kind = Kind.OPENED) -> Message:
    """A message whose every text is `text`."""
    words = dict.fromkeys(
        ("subject", "what", "how_long", "todo", "customers", "not_customers", "incident"), text
    )
    return sample(
        kind, **words, figures=((text, text),) * 50, jobs_left=((text, 3),) * 50,
        steps=(text,) * 50, links=((text, text), (text, f"https://x.example/{text}")) * 10,
        muted=(text,) * 50, labels={"alertname": text, "target": text, "account": text},
        annotations={"summary": text, "description": text},
    )  # fmt: skip


# -- what each API takes --------------------------------------------------------


def units(text: str) -> int:
    """UTF-16 units, as most APIs count."""
    return len(text.encode("utf-16-le")) // 2


def texts(body: Body) -> list[str]:
    """Every text of a JSON body."""
    if isinstance(body, str):
        return [body]
    inner = body.values() if isinstance(body, dict) else body if isinstance(body, list) else ()
    return [text for one in inner for text in texts(one)]


def no_limits(_body: Body) -> None:
    """It takes what it is given."""


def slack(body: Body) -> None:
    """docs.slack.dev/reference/block-kit."""
    (attachment,) = body["attachments"]
    assert re.fullmatch("#[0-9A-F]{6}", attachment["color"])
    assert 0 < len(attachment["blocks"]) <= 50
    for block in attachment["blocks"]:
        cap = {"header": 150, "section": 3000, "context": 2000}[block["type"]]
        inner = [block["text"]] if "text" in block else block.get("fields") or block["elements"]
        assert 0 < len(inner) <= 10
        for one in inner:
            assert 0 < units(one["text"]) <= (2000 if "fields" in block else cap)
            if one["type"] == "mrkdwn":
                shown = re.sub(
                    r"<https?://[^<>|]*\|[^<>|]*>|<mailto:[^<>|]*\|[^<>|]*>", "", one["text"]
                )
                assert "<" not in shown, "what a stranger wrote begins no link and no mention"
    assert "<" not in body["text"]


def discord(body: Body) -> None:
    """discord.com/developers/docs/resources/message#embed-object-embed-limits."""
    assert body["allowed_mentions"] == {"parse": []}
    (embed,) = body["embeds"]
    assert 0 < units(embed["title"]) <= 256
    assert units(embed["description"]) <= 4096
    assert len(embed["fields"]) <= 25
    assert all(0 < units(f["name"]) <= 256 for f in embed["fields"])
    assert all(0 < units(f["value"]) <= 1024 for f in embed["fields"])
    named = [t for f in embed["fields"] for t in (f["name"], f["value"])]
    whole = [embed["title"], embed["description"], embed["footer"]["text"], *named]
    assert sum(map(units, whole)) <= 6000
    for text in whole[:2] + named:
        plain = re.sub(r"\\.|\]\(<[^<>]*>\)|\[", "", text, flags=re.DOTALL)
        assert not set(plain) & set("*_~`|#@<"), plain


def teams(body: Body) -> None:
    """learn.microsoft.com: 28 KB, Adaptive Card 1.4."""
    assert len(json.dumps(body, ensure_ascii=False).encode()) <= 28 * 1024
    (attachment,) = body["attachments"]
    assert attachment["contentType"] == "application/vnd.microsoft.card.adaptive"
    card = attachment["content"]
    assert (card["type"], card["version"]) == ("AdaptiveCard", "1.4")
    assert len(card["actions"]) <= 4
    assert '"TextBlock"' not in json.dumps(card), "a TextBlock reads Markdown"


def telegram(body: Body) -> None:
    """core.telegram.org/bots/api#sendmessage."""
    assert 0 < units(body["text"]) <= 4096
    tags = re.findall(r"<[^>]*>", body["text"])
    assert all(re.fullmatch(r'</?b>|</a>|<a href="[^"<>]*">', tag) for tag in tags), tags
    assert body["text"].count("<b>") == body["text"].count("</b>")
    assert body["text"].count("<a ") == body["text"].count("</a>")


def pagerduty(body: Body) -> None:
    """developer.pagerduty.com/docs/send-alert-event."""
    assert units(body["payload"]["summary"]) <= 1024
    assert body["payload"]["source"]
    assert len(json.dumps(body)) <= 512 * 1024
    if "event_action" in body:
        assert 0 < len(body["dedup_key"]) <= 255
        assert body["payload"]["severity"] in {"critical", "error", "warning", "info"}


def opsgenie(body: Body) -> None:
    """docs.opsgenie.com/docs/alert-api."""
    if "message" in body:
        assert 0 < units(body["message"]) <= 130
        assert units(body["alias"]) <= 512
        assert units(body["description"]) <= 15_000
        assert units(body["entity"]) <= 512
        assert len("".join((*body["details"], *body["details"].values()))) <= 8000
    assert units(body.get("note", "")) <= 25_000


def ntfy(body: Body) -> None:
    """docs.ntfy.sh/publish: 4096 bytes of text, and three actions."""
    assert 0 < len(body["message"].encode()) <= 4096
    assert body["priority"] in range(1, 6)
    assert len(body["actions"]) <= 3
    assert re.fullmatch("[-_A-Za-z0-9]{1,64}", body["sequence_id"])


def alertmanager(body: Body) -> None:
    """openapi.yaml: postableAlerts, no empty label."""
    (alert,) = body
    assert alert["labels"]["alertname"]
    assert all(alert["labels"].values())


# -- the channels --------------------------------------------------------


@dataclass(frozen=True)
class Entry:
    """A channel's options at a server on this machine, and what its API takes."""

    options: Callable[[str], dict[str, object]]
    takes: Callable[[Body], None] = no_limits
    address: Callable[[str], str] = lambda _url: "lead"  # what `told` is kept under there
    http: bool = True  # False: it does not go through our door


def _hook(url: str) -> dict[str, object]:
    return {"url": Secret(f"{url}/hooks/{PLANTED}")}


CHANNELS: Mapping[str, Entry] = {
    "alertmanager": Entry(
        lambda url: {"urls": (url,), "token": Secret(PLANTED)}, alertmanager, lambda url: url
    ),
    "apprise": Entry(
        lambda url: {
            "urls": {"phone": Secret(url.replace("http", "json") + f"/{PLANTED}")},
            "timeout": 5.0,
        },
        address=lambda _url: "phone",
        http=False,
    ),
    "discord": Entry(_hook, discord),
    "email": Entry(
        lambda url: {
            "to": ("a@example.com",),
            "from": "monitor@example.org",
            "smtp": {"host": "127.0.0.1", "port": int(url.rpartition(":")[2]), "tls": "none",
                     "timeout": 5.0},
        },
        address=lambda _url: "a@example.com",
        http=False,
    ),
    "ntfy": Entry(
        lambda url: {"url": url, "topic": Secret("alerts"), "token": Secret(PLANTED)}, ntfy
    ),
    "opsgenie": Entry(lambda url: {"url": url, "key": Secret(PLANTED), "tags": ()}, opsgenie),
    "pagerduty": Entry(lambda url: {"url": url, "routing_key": Secret(PLANTED)}, pagerduty),
    "slack": Entry(_hook, slack),
    "teams": Entry(_hook, teams),
    "telegram": Entry(
        lambda url: {"url": url, "token": Secret(f"123:{PLANTED}"), "chat_id": "-100"}, telegram
    ),
    "webhook": Entry(lambda url: {**_hook(url), "secret": Secret(PLANTED + "-2"), "headers": {
        "X-Team": Secret(PLANTED + "-3")}}),
}  # fmt: skip


def receiver_of(name: str, url: str, **options: object) -> ReceiverSettings:
    """A receiver of that channel at a server."""
    entry = CHANNELS[name]
    given = {"timeout": 5.0, **entry.options(url), **options}
    return ReceiverSettings("lead", name, given, (entry.address(url),))


async def tell(receiver: ReceiverSettings, message: Message, door: Door | None = None) -> Delivery:
    """Send one message to all addresses of a receiver."""
    own = door or Door()
    try:
        notifier = load_notifiers(own)[receiver.channel]
        return await notifier.send(receiver, message, receiver.addresses)
    finally:
        if door is None:
            await own.aclose()


@dataclass
class Stage:
    """A channel, and a server in its service's place that takes everything."""

    receiver: ReceiverSettings
    sent: Callable[[], list[bytes]]  # the bodies, or the mails, so far


@asynccontextmanager
async def stage(name: str) -> AsyncIterator[Stage]:
    """Until the block ends."""
    if name == "email":
        async with Mailbox() as box:
            yield Stage(receiver_of(name, f":{box.port}"), lambda: [m.content for m in box.mails])
        return
    async with serving(kept(answer(b"ok"))) as wire:
        yield Stage(receiver_of(name, wire.url), lambda: [body_in(r) for r in wire.seen])


def kept(*answers: bytes) -> Script:
    """A script that gives one answer after the other, the last one for ever."""
    left = list(answers)

    async def script(line: Line) -> bool:
        await line.say(left.pop(0) if len(left) > 1 else left[0])
        return True

    return script


def body_in(request: bytes) -> bytes:
    """What stands after the head."""
    return request.partition(b"\r\n\r\n")[2]


# -- recordings --------------------------------------------------------


@dataclass(frozen=True)
class Recording:
    """One notification as it goes over the wire: README.md of the recordings has the members."""

    name: str
    kind: Kind
    answers: list[dict[str, Any]]
    end: str
    requests: list[dict[str, Any]] = field(default_factory=list)
    says: str = ""
    wait: float | None = None

    @property
    def wired(self) -> list[bytes]:
        """The answers as bytes."""
        return [
            answer(
                (
                    one["body"] if isinstance(one["body"], str) else json.dumps(one["body"])
                ).encode(),
                status=one["status"],
                **{n.replace("-", "_"): v for n, v in one.get("headers", {}).items()},
            )
            for one in self.answers
        ]


def recordings(name: str) -> list[Recording]:
    """A channel's, in order."""
    found = []
    for path in sorted((RECORDINGS / name).glob("*.json")):
        read = json.loads(path.read_text(encoding="utf-8"))
        read["kind"] = Kind(read.pop("kind", "opened"))
        found.append(Recording(name=path.stem, **read))
    return found


def as_recorded(request: bytes) -> dict[str, Any]:
    """A request as a recording writes it: what our client always sends is left out."""
    head, _, body = request.partition(b"\r\n\r\n")
    first, *rest = head.decode().split("\r\n")
    method, path, _ = first.split(" ")
    headers = dict(line.split(": ", 1) for line in rest)
    usual = {"host", "accept-encoding", "content-length", "user-agent", "connection", "accept"}
    shown = {n.lower(): v for n, v in headers.items() if n.lower() not in usual}
    return {"method": method, "path": path, "headers": shown, "body": json.loads(body)}

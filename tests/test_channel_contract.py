"""What every channel's file must survive: bad lines, wild texts, echoed keys, its API's limits.

All of it is derived from the file, its entry in `channels.py` and its recordings: a new channel is
held to it by being there.
"""

from __future__ import annotations

import asyncio
import gzip
import json
import logging
from urllib.parse import quote

import pytest
from channels import (
    CHANNELS,
    PLANTED,
    RECORDINGS,
    Recording,
    as_recorded,
    kept,
    receiver_of,
    recordings,
    sample,
    saying,
    stage,
    tell,
)
from wire import Line, Script, answer, cut, drip, free_port, hang, says, serving

from monitor.core.model import Kind
from monitor.core.spec import FieldKind
from monitor.http import Answer, Door, Request
from monitor.notifiers import Delivery, channel_names, load_notifiers
from monitor.notifiers._http import HttpNotifier
from monitor.notifiers._mail_text import kind_word

pytestmark = pytest.mark.filterwarnings("ignore:'imghdr' is deprecated")  # by Apprise

NAMES = [name for name in channel_names() if name in CHANNELS]
HTTP = [name for name in NAMES if CHANNELS[name].http]
RECORDED = [(name, one) for name in HTTP for one in recordings(name)]
NOTIFIERS = load_notifiers(Door())
SHAPED = {"alertmanager", "webhook"}  # their bodies are Alertmanager's, which knows no kinds


def label(x: object) -> str:
    """A case's name."""
    return x.name if isinstance(x, Recording) else str(getattr(x, "value", x))


def end_of(delivery: Delivery) -> list[str]:
    """Told, failed, refused: how it ended."""
    return [end for end in ("told", "failed", "refused") if getattr(delivery, end)]


def reason(delivery: Delivery) -> str:
    """What is said of the end."""
    return " ".join((*delivery.failed.values(), *delivery.refused.values()))


# -- what a new channel brings along --------------------------------------------------------


@pytest.mark.parametrize("name", channel_names())
def test_every_channel_has_its_entry_and_its_recordings(name: str) -> None:
    assert name in CHANNELS, (
        f"monitor/notifiers/{name}.py is new: put its options at a server, and what its API takes,"
        f" into CHANNELS of tests/channels.py"
    )
    spec = NOTIFIERS[name].spec
    assert spec.docs.startswith("https://"), f"{name}: `docs` says where its facts come from"
    assert spec.knows, f"{name}: `knows` says what it can do, and what it cannot"
    assert all(field.help for field in spec.fields)
    if not CHANNELS[name].http:
        return
    found = {one.name: one for one in recordings(name)}
    for wanted in ("opened", "resolved"):
        assert wanted in found, (
            f"write tests/recordings_channels/{name}/{wanted}.json: the requests of an exchange"
            f" that goes well, and their answers; README.md there has the members"
        )
        assert found[wanted].requests, f"{name}/{wanted}.json: write down what has to be sent"
    ends = {one.end for one in found.values()}
    assert ends == {"told", "failed", "refused"}, (
        f"tests/recordings_channels/{name}/ wants an error that is final, and one that passes"
    )


@pytest.mark.parametrize("name", HTTP)
async def test_every_documented_error_has_been_recorded(name: str) -> None:
    notifier = NOTIFIERS[name]
    assert isinstance(notifier, HttpNotifier)
    met = set()
    for one in recordings(name):
        async with serving(kept(*one.wired)) as wire:
            met.add(reason(await tell(receiver_of(name, wire.url), sample(one.kind))))
    for hint in notifier.hints:
        assert any(hint.says in said for said in met), f"no recording of {name} meets {hint}"


@pytest.mark.parametrize(("name", "one"), RECORDED, ids=label)
async def test_an_exchange_is_as_recorded(name: str, one: Recording) -> None:
    async with serving(kept(*one.wired)) as wire:
        result = await tell(receiver_of(name, wire.url), sample(one.kind))
        address = CHANNELS[name].address(wire.url)
    assert end_of(result) == [one.end], reason(result)
    assert one.says in reason(result)
    assert result.wait.get(address) == one.wait
    if one.requests:
        assert [as_recorded(request) for request in wire.seen] == one.requests


# -- what is said --------------------------------------------------------


@pytest.mark.parametrize("kind", Kind, ids=label)
@pytest.mark.parametrize("name", NAMES)
async def test_every_kind_is_told_and_told_apart(name: str, kind: Kind) -> None:
    async with stage(name) as there:
        result = await tell(there.receiver, sample(kind))
        sent = b"".join(there.sent()).decode()
    assert result.told == there.receiver.addresses
    if name in SHAPED:
        return
    assert kind_word(sample(kind)) in sent
    if kind is not Kind.RESOLVED:
        for words in (
            "1215 credits are left",
            "They are gone in about 5 h",
            "Top up 4000 credits",
        ):
            assert words in sent or kind in (Kind.ESCALATED,), words


WANTED = (
    "1215 credits are left", "gone in about 5 h", "Top up 4000 credits", "Sora 2 Pro 720p 15 s",
    "Your credits are safe", "runway-short on kie/balance", "https://monitor.example.com/",
)  # fmt: skip


@pytest.mark.parametrize("name", [n for n in NAMES if n not in SHAPED])
async def test_all_that_matters_is_in_it(name: str) -> None:
    async with stage(name) as there:
        await tell(there.receiver, sample())
        sent = b"".join(there.sent()).decode().replace("=\r\n", "").replace("\\\\", "")
    assert "critical" in sent.lower()
    assert [words for words in WANTED if words not in sent.replace("\\", "")] == []


@pytest.mark.parametrize("name", NAMES)
async def test_a_repeat_is_the_same(name: str) -> None:
    async with stage(name) as there:
        assert (await tell(there.receiver, sample())).told
        once = there.sent()
        assert (await tell(there.receiver, sample())).told
        assert there.sent() == once * 2


WILD = {
    "breaks": "a\r\nBcc: b@example.com\r\n\r\n.\r\n\0",
    "emoji": "⚠️ 👩‍👩‍👧‍👦 🏴‍☠️" * 200,
    "right to left": "\u202eevil\u202c عربى שלום",
    "half a character": "\ud83d",
    "markup": "<script>alert(1)</script> *b* _i_ ~s~ `c` ||x|| [a](https://x.example) # h > q \\",
    "mentions": "@everyone @here <!channel> <!here|x> <@U1> <@&1> <at>all</at> <https://x|y> &lt;",
    "escapes": "\\" * 3000 + "*" * 3000 + "<&>" * 3000,
    "empty": "",
    "endless": "endless words " * 700_000,
    "one long word": "x" * 2_000_000,
    "braces": "{{ 7*7 }} {% raise %} ${HOME} %s %(x)s",
}


@pytest.mark.parametrize("how", WILD)
@pytest.mark.parametrize("name", NAMES)
async def test_no_text_breaks_it_or_its_limits(name: str, how: str) -> None:
    kinds = (Kind.OPENED, Kind.RESOLVED, Kind.NOTICE)
    messages = [saying(WILD[how], kind) for kind in kinds]
    if name == "alertmanager" and not WILD[how]:
        messages = [sample(kind, annotations={}) for kind in kinds]
    async with stage(name) as there:
        for message in messages:
            result = await tell(there.receiver, message)
            assert result.told == there.receiver.addresses, reason(result)
        sent = there.sent()
    assert len(sent) == len(kinds)
    for one in sent:
        assert len(one) < (700_000 if name != "email" else 5_000_000)
        if CHANNELS[name].http:
            CHANNELS[name].takes(json.loads(one.decode("utf-8")))


# -- bad lines --------------------------------------------------------

BOMB = gzip.compress(bytes(4_000_000), mtime=0)
LINES: dict[str, tuple[Script, str]] = {
    "hangs": (hang, "failed"),
    "says 200 slowly for ever": (drip, "failed"),
    "resets": (cut, "failed"),
    "speaks no HTTP": (says(b"hello\r\n\r\n"), "failed"),
    "a bomb": (says(answer(BOMB, content_encoding="gzip")), "failed"),
    "an error of 10 MB": (says(answer(b"x" * 10_000_000, status=500)), "failed"),
}


@pytest.mark.parametrize("how", LINES)
@pytest.mark.parametrize("name", HTTP)
async def test_a_bad_line_is_tried_again(name: str, how: str) -> None:
    script, end = LINES[how]
    async with serving(script) as wire:
        slow = how in ("hangs", "says 200 slowly for ever")
        options = {"timeout": 0.05} if slow else {}
        result = await tell(receiver_of(name, wire.url, **options), sample())
    assert end_of(result) == [end]
    assert PLANTED not in repr(result)


@pytest.mark.parametrize("name", NAMES)
async def test_nobody_there_is_tried_again(name: str) -> None:
    to = receiver_of(name, f"http://127.0.0.1:{free_port()}")
    result = await tell(to, sample())
    assert end_of(result) == ["failed"]
    assert PLANTED not in repr(result)


@pytest.mark.parametrize("name", [n for n in NAMES if n != "email"])
async def test_a_service_that_hangs_is_left_in_time(name: str) -> None:
    await tell(receiver_of(name, f"http://127.0.0.1:{free_port()}"), sample())  # Apprise loads
    async with serving(hang) as wire:
        async with asyncio.timeout(5):
            result = await tell(receiver_of(name, wire.url, timeout=0.1), sample())
    assert end_of(result) == ["failed"]
    assert "not known" in reason(result) or not CHANNELS[name].http


@pytest.mark.parametrize(
    ("status", "end"), [(301, "refused"), (302, "failed"), (307, "failed"), (308, "refused")]
)
@pytest.mark.parametrize("name", HTTP)
async def test_nothing_goes_where_a_redirect_leads(name: str, status: int, end: str) -> None:
    async with serving(kept(answer())) as elsewhere:
        script = says(answer(status=status, location=f"{elsewhere.url}/{PLANTED}"))
        async with serving(script) as wire:
            result = await tell(receiver_of(name, wire.url), sample())
    assert elsewhere.seen == []
    assert end_of(result) == [end]
    assert PLANTED not in repr(result)


CODES = {
    **dict.fromkeys((200, 201, 202, 204, 299), "told"),
    **dict.fromkeys((400, 401, 403, 404, 410, 413, 422), "refused"),
    **dict.fromkeys((408, 425, 429, 500, 502, 503, 599), "failed"),
}


@pytest.mark.parametrize("name", HTTP)
async def test_a_status_means_the_same_to_all(name: str) -> None:
    said: list[int] = []

    async def script(line: Line) -> bool:
        await line.say(answer(b"", status=said[-1]))
        return True

    door = Door()
    async with serving(script) as wire:
        for status, end in CODES.items():
            said.append(status)
            result = await tell(receiver_of(name, wire.url), sample(), door)
            assert end_of(result) == [end], status
            assert end == "told" or str(status) in reason(result)
        await door.aclose()


WAITS = {
    "seconds": ({"retry_after": "17"}, b"", 17.0),
    "a date": ({"date": "Fri, 20 Nov 2026 10:31:28 GMT",
                "retry_after": "Fri, 20 Nov 2026 10:32:00 GMT"}, b"", 32.0),
    "nonsense": ({"retry_after": "soon"}, b"[]", None),
    "nothing": ({}, b"", None),
    "in the body": ({}, b'{"retry_after": 2.5}', 2.5),
    "without end": ({}, b'{"retry_after": 1e308}', None),
}  # fmt: skip


@pytest.mark.parametrize("how", WAITS)
@pytest.mark.parametrize("name", HTTP)
async def test_how_long_to_stay_away_is_passed_on(name: str, how: str) -> None:
    headers, body, wait = WAITS[how]
    for status in (429, 503):
        async with serving(says(answer(body, status=status, **headers))) as wire:
            result = await tell(receiver_of(name, wire.url), sample())
            address = CHANNELS[name].address(wire.url)
        assert (list(result.failed), result.wait.get(address)) == ([address], wait)


# -- what must not leave --------------------------------------------------------


@pytest.mark.parametrize("name", [n for n in NAMES if n != "email"])
async def test_what_is_echoed_goes_no_further(name: str, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)

    async def script(line: Line) -> bool:
        echo = line.request + b" " + PLANTED.encode() + b" " + quote(PLANTED).encode()
        await line.say(answer(echo, status=statuses[-1], x_error=PLANTED))
        return True

    statuses = [200]
    async with serving(script) as wire:
        for status in (200, 400, 401, 403, 404, 410, 422, 429, 500):
            statuses.append(status)
            result = await tell(receiver_of(name, wire.url), sample())
            assert PLANTED not in repr(result), status
    assert PLANTED not in caplog.text


@pytest.mark.parametrize("name", HTTP)
async def test_whatever_breaks_on_the_way_becomes_a_line(name: str) -> None:
    class Broken:
        async def send(self, request: Request) -> Answer:
            raise RuntimeError(request.url)

    to = receiver_of(name, "https://example.com")
    result = await load_notifiers(Broken())[name].send(to, sample(), to.addresses)
    assert "RuntimeError" in reason(result)
    assert PLANTED not in repr(result)


@pytest.mark.parametrize("name", HTTP)
async def test_cancelling_is_obeyed(name: str) -> None:
    waiting = asyncio.Event()

    class Hanging:
        async def send(self, request: Request) -> Answer:
            waiting.set()
            await asyncio.Event().wait()
            raise AssertionError

    to = receiver_of(name, "https://example.com")
    sending = asyncio.create_task(load_notifiers(Hanging())[name].send(to, sample(), to.addresses))
    await waiting.wait()
    sending.cancel()
    with pytest.raises(asyncio.CancelledError):
        await sending


def keyed(name: str) -> bool:
    """Whether it has a secret beside its address."""
    secrets = {f.name for f in NOTIFIERS[name].spec.fields if f.kind is FieldKind.SECRET}
    return bool(secrets - {"url", "secret"})


@pytest.mark.parametrize("name", [n for n in HTTP if keyed(n)])
async def test_a_key_of_its_own_goes_by_http_to_this_machine_only(name: str) -> None:
    """An address that is secret may be http:// inside a network; a key beside it may not."""

    class Closed:
        async def send(self, request: Request) -> Answer:
            raise AssertionError("nothing may be sent")

    to = receiver_of(name, "http://example.com")
    result = await load_notifiers(Closed())[name].send(to, sample(), to.addresses)
    assert "https://" in reason(result)
    assert end_of(result) == ["refused"]


def test_the_recordings_are_of_channels_that_exist() -> None:
    folders = {path.name for path in RECORDINGS.iterdir() if path.is_dir()}
    assert folders == set(HTTP)

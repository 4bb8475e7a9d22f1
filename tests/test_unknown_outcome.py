"""What was sent and never answered may have arrived: the retry is the same, byte for byte."""

from __future__ import annotations

from aiosmtpd.smtp import SMTP, Envelope, Session
from house import House, receiver, rule, settings
from postbox import DROP, OK, Mailbox
from test_webhook import Hooked, serving

from monitor.core.digest import Digest
from monitor.core.message import Message
from monitor.core.model import Kind
from monitor.core.secret import Secret
from monitor.core.settings import ReceiverSettings
from monitor.http import Door
from monitor.notifiers import load_notifiers
from monitor.runbooks import load_runbooks
from monitor.telling import Teller

LOW = rule("low", "kie/balance", "balance < 10000")


class Takes(Mailbox):
    """A server that keeps every mail, whatever it answers, if it does."""

    async def handle_DATA(self, server: SMTP, session: Session, envelope: Envelope) -> str:
        await self._keep(server, session, envelope)
        return await self._say(server, self.data)


def by_mail(box: Mailbox) -> ReceiverSettings:
    smtp = {"host": box.host, "port": box.port, "tls": "none"}
    options = {"to": ("a@example.com",), "from": "m@example.com", "smtp": smtp}
    return receiver(channel="email", options=options, addresses=("a@example.com",))


async def no_digest(digest: Digest) -> Message:
    raise AssertionError(f"nobody wants {digest}")


async def crossing(to: ReceiverSettings, door: Door) -> House:
    """A house whose first message is not answered."""
    house = House(settings(rules=(LOW,), receivers=(to,), builtin=False))
    teller = Teller(load_notifiers(door), load_runbooks(), house.clock)
    house.pipeline._teller = teller
    teller.attach(house.memory, house.pipeline.keeper, lambda: None, digest=no_digest)
    await house.start()
    house.script.balance(9000)
    await house.probe()
    assert house.memory.notified == {("oncall", Kind.OPENED, "failed"): 1}
    return house


AGAIN = {("oncall", Kind.OPENED, "failed"): 1, ("oncall", Kind.OPENED, "ok"): 1}


async def test_a_mail_taken_without_an_answer_is_sent_again_as_it_was() -> None:
    door = Door()
    async with Takes() as box:
        box.data = [DROP, OK]
        house = await crossing(by_mail(box), door)
        await house.tell(after=2)
        first, second = await box.wait(2)
    assert first.content == second.content
    assert first.message["Message-ID"] == second.message["Message-ID"]
    assert house.memory.notified == AGAIN
    await door.aclose()


async def test_a_post_taken_without_an_answer_is_sent_again_as_it_was() -> None:
    door = Door()
    async with serving(Hooked(answer=b"")) as hooked:
        to = receiver(channel="webhook", options={"url": Secret(hooked.url)})
        house = await crossing(to, door)
        hooked.answer = Hooked().answer
        await house.tell(after=2)
        first, second = hooked.got
    assert first.body == second.body
    assert first.headers["idempotency-key"] == second.headers["idempotency-key"]
    assert house.memory.notified == AGAIN
    await door.aclose()

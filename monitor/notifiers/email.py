"""Telling by mail."""

from __future__ import annotations

from dataclasses import dataclass

from monitor.core.message import Message
from monitor.core.settings import ReceiverSettings
from monitor.core.spec import ChannelSpec, Field, FieldKind
from monitor.notifiers import Delivery, Sends, all_failed, all_refused, together
from monitor.notifiers._addresses import sorted_out
from monitor.notifiers._handover import deliver
from monitor.notifiers._lines import safe_line
from monitor.notifiers._mail import letter
from monitor.notifiers._relays import Passage, in_turn
from monitor.notifiers._server import TIMEOUT, Server

SPEC = ChannelSpec(
    name="email",
    title="E-mail by SMTP",
    fields=(
        Field("to", FieldKind.TEXTS, "who is told; one mail goes to all", required=True,
              example="[oncall@example.com]"),
        Field("from", FieldKind.TEXT, "the sender's address", required=True,
              example="monitor@example.com"),
        Field("chart", FieldKind.FLAG, "whether the balance's chart is shown; needs "
              "`matplotlib`", default=True),
        Field("smtp", FieldKind.RELAYS, "the mail server, or several that are tried in this order",
              required=True, fields=(
            Field("host", FieldKind.TEXT, "its name or address", required=True,
                  example="smtp.example.com"),
            Field("port", FieldKind.INTEGER, "default 587, with `tls: implicit` 465"),
            Field("tls", FieldKind.TEXT, "how the connection is encrypted; starttls never falls "
                  "back to plain text, none sends a password to this machine only",
                  default="starttls", choices=("starttls", "implicit", "none")),
            Field("username", FieldKind.TEXT, "logs in if set", example="monitor"),
            Field("password", FieldKind.SECRET, "of that user"),
            Field("ca_file", FieldKind.PATH, "trust this CA as well"),
            Field("timeout", FieldKind.DURATION, "for the whole sending", default=TIMEOUT),
        )),
    ),
    addresses="to",
    docs="https://www.rfc-editor.org/rfc/rfc5321",
    knows="One mail goes to all addresses; one that is refused or greylisted (451) does not hold "
    "up the others, and is tried again alone. Of several servers the next is asked where one "
    "cannot be reached, breaks off before the text, does not let us in or says 4xx to the whole; "
    "never where it may have taken the text, and not for a recipient it refuses. A repeat has the "
    "Message-ID of the first.",
    pictures=True,
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Email:
    """Sends a message as one mail to all addresses."""

    spec: ChannelSpec = SPEC

    async def send(
        self, receiver: ReceiverSettings, message: Message, addresses: tuple[str, ...]
    ) -> Delivery:
        """One mail. Every fault becomes a text; only CancelledError is raised."""
        if not addresses:
            return Delivery()
        servers = Server.all_of(receiver.options)
        secrets = tuple(s for server in servers for s in server.secrets)
        try:
            mail = letter(receiver, message)
        except ValueError as error:
            return all_refused(addresses, safe_line(str(error), secrets))
        except Exception as error:  # noqa: BLE001 - a message nobody foresaw must not stop the rest
            return all_failed(addresses, f"the mail could not be made ({type(error).__name__})")
        good, bad = sorted_out(addresses)

        async def pass_on(server: Server, some: tuple[str, ...]) -> Passage:
            return await deliver(server, mail, some)

        return together([Delivery(refused=bad), await in_turn(servers, pass_on, good)])


def notifier(door: Sends) -> Email:
    """Ready to send; the door leads to HTTP only and is not needed."""
    del door
    return Email()

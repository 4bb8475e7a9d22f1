"""A raw HTTP server on the loopback that says exactly the bytes a test wants, and certificates."""

from __future__ import annotations

import asyncio
import datetime as dt
import ipaddress
import socket
import ssl
import struct
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

Script = Callable[["Line"], Awaitable[bool | None]]  # True: another request may follow


@dataclass
class Wire:
    """The server as a test sees it."""

    port: int
    scheme: str = "http"
    seen: list[bytes] = field(default_factory=list)  # every request, head and body
    connections: int = 0
    sent: int = 0
    gone: asyncio.Event = field(default_factory=asyncio.Event)  # a client hung up

    @property
    def url(self) -> str:
        """The origin."""
        return f"{self.scheme}://127.0.0.1:{self.port}"


@dataclass
class Line:
    """One connection, one request on it."""

    wire: Wire
    reader: asyncio.StreamReader
    writer: asyncio.StreamWriter
    request: bytes

    async def say(self, *parts: bytes) -> None:
        """Send."""
        for part in parts:
            self.writer.write(part)
            await self.writer.drain()
            self.wire.sent += len(part)

    def reset(self) -> None:
        """Break off with a RST."""
        raw = self.writer.get_extra_info("socket")
        raw.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self.writer.transport.abort()


def answer(body: bytes = b"{}", *, status: int = 200, **headers: str) -> bytes:
    """A whole answer; `content_type` and the like become headers."""
    lines = [f"HTTP/1.1 {status} Said", f"Content-Length: {len(body)}"]
    lines += [f"{name.replace('_', '-')}: {value}" for name, value in headers.items()]
    return "\r\n".join(lines).encode() + b"\r\n\r\n" + body


def says(*parts: bytes, again: bool = False) -> Script:
    """A script that sends the same to everybody, and hangs up unless `again`."""

    async def script(line: Line) -> bool:
        await line.say(*parts)
        return again

    return script


async def hang(line: Line) -> None:
    """Say nothing until the other side gives up."""
    await line.reader.read()
    line.wire.gone.set()


async def drip(line: Line) -> None:
    """A byte at a time, for ever."""
    await line.say(b"HTTP/1.1 200 OK\r\nContent-Length: 60000\r\n\r\n")
    while not line.reader.at_eof():
        await line.say(b" ")
        await asyncio.sleep(0.01)


async def cut(line: Line) -> None:
    """A reset instead of an answer."""
    line.reset()


async def _request(reader: asyncio.StreamReader) -> bytes:
    head = await reader.readuntil(b"\r\n\r\n")
    for name, _, value in (x.partition(b":") for x in head.split(b"\r\n")):
        if name.lower() == b"content-length":
            return head + await reader.readexactly(int(value))
    return head


@asynccontextmanager
async def serving(script: Script, tls: ssl.SSLContext | None = None) -> AsyncIterator[Wire]:
    """Serve until the block ends; nothing of it is left behind."""
    tasks: set[asyncio.Task[None]] = set()
    writers: list[asyncio.StreamWriter] = []

    async def on_connection(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        tasks.add(asyncio.current_task())  # type: ignore[arg-type]  # it runs in one
        writers.append(writer)
        wire.connections += 1
        try:
            again: bool | None = True
            while again:
                request = await _request(reader)
                wire.seen.append(request)
                again = await script(Line(wire, reader, writer, request))
        except (OSError, asyncio.IncompleteReadError):
            wire.gone.set()
        except asyncio.CancelledError:  # this server's own end: nobody waits for what is unsent
            writer.transport.abort()
        finally:
            writer.close()

    server = await asyncio.start_server(on_connection, "127.0.0.1", 0, ssl=tls)
    port = server.sockets[0].getsockname()[1]
    wire = Wire(port, "https" if tls else "http")
    try:
        yield wire
    finally:
        server.close()
        for _ in range(5):  # what is being accepted becomes a connection that can be closed
            await asyncio.sleep(0)
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        for writer in writers:
            writer.transport.abort()
            with suppress(OSError, ssl.SSLError):
                await writer.wait_closed()
        await server.wait_closed()


def free_port() -> int:
    """A port on which nobody listens."""
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        return int(s.getsockname()[1])


@dataclass(frozen=True)
class Authority:
    """A CA of the test's own, and servers' certificates from it."""

    directory: Path
    key: ec.EllipticCurvePrivateKey
    certificate: x509.Certificate

    @classmethod
    def create(cls, directory: Path) -> Authority:
        """A new one; its certificate lies in `ca.pem`."""
        key = ec.generate_private_key(ec.SECP256R1())
        name = _name("monitor test authority")
        builder = _builder(name, name, key.public_key(), days=30)
        builder = builder.add_extension(x509.BasicConstraints(ca=True, path_length=None), True)
        builder = builder.add_extension(_SIGNS, True)
        mark = x509.SubjectKeyIdentifier.from_public_key(key.public_key())
        builder = builder.add_extension(mark, False)
        certificate = builder.sign(key, hashes.SHA256())
        (directory / "ca.pem").write_bytes(_pem(certificate))
        return cls(directory, key, certificate)

    @property
    def ca_file(self) -> str:
        """Where its certificate lies."""
        return str(self.directory / "ca.pem")

    def server(self, *, host: str = "127.0.0.1", days: int = 30) -> ssl.SSLContext:
        """A server that calls itself `host`; `days` below 0: expired that long ago."""
        key = ec.generate_private_key(ec.SECP256R1())
        names: list[x509.GeneralName] = [x509.DNSName("localhost")]
        try:
            names.append(x509.IPAddress(ipaddress.ip_address(host)))
        except ValueError:
            names = [x509.DNSName(host)]
        builder = _builder(_name(host), self.certificate.subject, key.public_key(), days=days)
        builder = builder.add_extension(x509.SubjectAlternativeName(names), False)
        by = x509.AuthorityKeyIdentifier.from_issuer_public_key(self.key.public_key())
        builder = builder.add_extension(by, False)  # asked for from Python 3.13 on
        chain, keyfile = self.directory / f"{host}{days}.pem", self.directory / f"{host}{days}.key"
        chain.write_bytes(_pem(builder.sign(self.key, hashes.SHA256())))
        keyfile.write_bytes(
            key.private_bytes(
                serialization.Encoding.PEM,
                serialization.PrivateFormat.PKCS8,
                serialization.NoEncryption(),
            )
        )
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(chain, keyfile)
        return context


_SIGNS = x509.KeyUsage(
    key_cert_sign=True,
    crl_sign=True,
    digital_signature=False,
    content_commitment=False,
    key_encipherment=False,
    data_encipherment=False,
    key_agreement=False,
    encipher_only=False,
    decipher_only=False,
)


def _pem(certificate: x509.Certificate) -> bytes:
    return certificate.public_bytes(serialization.Encoding.PEM)


def _name(common: str) -> x509.Name:
    return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, common)])


def _builder(
    subject: x509.Name, issuer: x509.Name, key: ec.EllipticCurvePublicKey, *, days: int
) -> x509.CertificateBuilder:
    now = dt.datetime.now(dt.UTC)
    return (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(issuer)
        .public_key(key)
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - dt.timedelta(days=60))
        .not_valid_after(now + dt.timedelta(days=days))
    )

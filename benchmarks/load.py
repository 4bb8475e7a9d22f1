"""What a probe costs with many accounts: CPU, memory, lag, and whether one was missed.

    .venv/bin/python -m benchmarks.load [--accounts 1000] [--interval 10s] [--seconds 60]

A server of its own process answers as KIE does, over TLS (--plain: without), well within 5 ms. The
daemon is the real one, with a database, a rule of the user's and a mail receiver, and its page is
scraped every 15 s. Figures are of the daemon's process alone, after all accounts were asked twice.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import multiprocessing
import os
import ssl
import subprocess
import sys
import tempfile
import time
import urllib.request
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from multiprocessing.sharedctypes import Synchronized
from pathlib import Path

from benchmarks.sidebyside.sides import _cpu, _rss, free_port
from monitor.core.durations import parse_duration

_HEAD = b"HTTP/1.1 200 OK\r\nContent-Type: application/json;charset=UTF-8\r\nContent-Length: "


class _Answers(asyncio.Protocol):
    """Answers every request with a balance that goes down a little."""

    def __init__(self, asked: Synchronized[int]) -> None:
        self._asked = asked
        self._waiting = b""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = transport

    def data_received(self, data: bytes) -> None:
        self._waiting += data
        while b"\r\n\r\n" in self._waiting:
            _, _, self._waiting = self._waiting.partition(b"\r\n\r\n")
            with self._asked.get_lock():
                self._asked.value += 1
            left = 900_000 - (time.time() % 80_000)
            body = json.dumps({"code": 200, "msg": "success", "data": round(left, 2)}).encode()
            assert isinstance(self._transport, asyncio.WriteTransport)
            self._transport.write(_HEAD + str(len(body)).encode() + b"\r\n\r\n" + body)


def serve(port: int, asked: Synchronized[int], certificate: tuple[str, str] | None) -> None:
    """Answer for ever."""

    async def live() -> None:
        context = None
        if certificate is not None:
            context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
            context.load_cert_chain(*certificate)
        loop = asyncio.get_running_loop()
        server = await loop.create_server(
            lambda: _Answers(asked), "127.0.0.1", port, ssl=context, backlog=2048
        )
        await server.serve_forever()

    asyncio.run(live())


def certificate(folder: Path) -> tuple[str, str]:
    """A certificate for 127.0.0.1 and its key, as files."""
    from ipaddress import ip_address

    from cryptography import x509
    from cryptography.hazmat.primitives import hashes, serialization
    from cryptography.hazmat.primitives.asymmetric import ec

    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "127.0.0.1")])
    now = datetime.now(UTC)
    made = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + timedelta(days=2))
        .add_extension(
            x509.SubjectAlternativeName([x509.IPAddress(ip_address("127.0.0.1"))]), critical=False
        )
        .sign(key, hashes.SHA256())
    )
    paths = folder / "cert.pem", folder / "key.pem"
    paths[0].write_bytes(made.public_bytes(serialization.Encoding.PEM))
    paths[1].write_bytes(
        key.private_bytes(
            serialization.Encoding.PEM,
            serialization.PrivateFormat.PKCS8,
            serialization.NoEncryption(),
        )
    )
    return str(paths[0]), str(paths[1])


def config(folder: Path, accounts: int, interval: str, origin: str, port: int) -> Path:
    """One config of so many accounts."""
    each = "".join(
        f"  a{n:05}: {{provider: kie, key: key-{n}, base_url: {origin},"
        f" balance: {{interval: {interval}, timeout: 5s}}}}\n"
        for n in range(accounts)
    )
    path = folder / "monitor.yaml"
    path.write_text(
        f"accounts:\n{each}"
        "alerts:\n  - {name: low, on: '*/balance', when: balance < 10000}\n"
        "receivers:\n  oncall:\n    email: {to: [a@example.com], from: b@example.com,"
        " smtp: {host: 127.0.0.1, port: 9, tls: none}}\n"
        f"web: {{listen: '127.0.0.1:{port}'}}\ndatabase: monitor.db\n"
    )
    return path


@dataclass(frozen=True)
class Figures:
    """What was measured."""

    probes: int
    wanted: float
    milliseconds: float  # of CPU, per probe, all included
    megabytes: float
    lag_p99: float  # seconds
    scrape: float  # seconds of one scrape of /metrics
    ready: float  # seconds until every account was asked once after a start
    again: float  # and after a restart


def _scrape(port: int) -> tuple[dict[str, float], float]:
    began = time.perf_counter()
    with urllib.request.urlopen(f"http://127.0.0.1:{port}/metrics", timeout=60) as answer:
        text = answer.read().decode()
    took = time.perf_counter() - began
    lines = (line.rsplit(" ", 1) for line in text.splitlines() if not line.startswith("#"))
    return {name: float(value) for name, value in lines}, took


def start(path: Path, env: Mapping[str, str]) -> subprocess.Popen[bytes]:
    """The daemon."""
    command = [sys.executable, "-m", "monitor", "--config", str(path), "--log-level", "warning"]
    profile = os.environ.get("MONITOR_PROFILE")
    command = [*profile.split(), *command[1:]] if profile else command
    log = (path.parent / "monitor.log").open("ab")
    with log:
        return subprocess.Popen(command, env={**os.environ, **env}, stdout=log, stderr=log)  # noqa: S603 - ours


def _until(holds: object, within: float) -> float:
    began = time.perf_counter()
    while not holds():  # type: ignore[operator]
        if time.perf_counter() - began > within:
            raise SystemExit("the daemon did not ask every account in time")
        time.sleep(0.05)
    return time.perf_counter() - began


def measure(args: argparse.Namespace, folder: Path) -> Figures:
    """Start, wait until all were asked twice, measure."""
    seconds = parse_duration(args.interval)
    asked = multiprocessing.Value("q", 0)
    pair = None if args.plain else certificate(folder)
    port, page = free_port(), free_port()
    server = multiprocessing.Process(target=serve, args=(port, asked, pair), daemon=True)
    server.start()
    origin = f"{'http' if args.plain else 'https'}://127.0.0.1:{port}"
    path = config(folder, args.accounts, args.interval, origin, page)
    env = {
        "RUNTIME_DIRECTORY": str(folder),
        **({} if pair is None else {"SSL_CERT_FILE": pair[0]}),
    }
    process = start(path, env)
    try:
        ready = _until(lambda: asked.value >= args.accounts, 120 + seconds)
        _until(lambda: asked.value >= 2 * args.accounts, 60 + 2 * seconds)
        first, cpu, began = asked.value, _cpu(process.pid), time.perf_counter()
        lags, scrapes = [], []
        while (gone := time.perf_counter() - began) < args.seconds:
            time.sleep(min(1.0, args.seconds - gone) if args.seconds > gone else 0)
            if len(scrapes) <= gone / 15:
                found, took = _scrape(page)
                scrapes.append(took)
            lags.append(found["monitor_scheduler_lag_seconds"])
        gone, probes = time.perf_counter() - began, asked.value - first
        spent, memory = _cpu(process.pid) - cpu, _rss(process.pid)
        process.kill()
        process.wait()
        before = asked.value
        process = start(path, env)
        again = _until(lambda: asked.value - before >= args.accounts, 60 + 2 * seconds)
    finally:
        process.kill()
        process.wait()
        server.kill()
    lags.sort()
    return Figures(
        probes, args.accounts * gone / seconds, spent / max(probes, 1) * 1000, memory,
        lags[min(len(lags) - 1, int(len(lags) * 0.99))], max(scrapes), ready, again,
    )  # fmt: skip


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--accounts", type=int, default=1000)
    parser.add_argument("--interval", default="10s")
    parser.add_argument("--seconds", type=float, default=60)
    parser.add_argument("--plain", action="store_true", help="without TLS")
    args = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        found = measure(args, Path(folder))
    print(
        f"{args.accounts} accounts every {args.interval}: {found.milliseconds:.2f} ms of CPU a"
        f" probe, {found.megabytes:.0f} MB, {found.probes} probes of {found.wanted:.0f} wanted,"
        f" lag {found.lag_p99 * 1000:.0f} ms (99 %), scrape {found.scrape * 1000:.0f} ms,"
        f" all asked {found.ready:.1f} s after a start, {found.again:.1f} s after a restart"
    )


if __name__ == "__main__":
    main()

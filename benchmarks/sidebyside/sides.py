"""The two sides: how each is configured, started, killed, and what it costs."""

from __future__ import annotations

import asyncio
import os
import shutil
import signal
import socket
import subprocess
import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from benchmarks.sidebyside.world import World

_TICKS = os.sysconf("SC_CLK_TCK")
PACKAGES = "prometheus prometheus-alertmanager prometheus-blackbox-exporter"


def free_port() -> int:
    """A port nobody listens on."""
    with socket.socket() as found:
        found.bind(("127.0.0.1", 0))
        return int(found.getsockname()[1])


@dataclass
class Side:
    """Some processes that watch the world and mail; `alerting` is the one that sends."""

    name: str
    commands: Mapping[str, Sequence[str]]
    alerting: str
    folder: Path
    env: Mapping[str, str] = field(default_factory=dict)
    running: dict[str, subprocess.Popen[bytes]] = field(default_factory=dict)

    def start(self, *names: str) -> None:
        """Start these, or all."""
        for name in names or tuple(self.commands):
            log = (self.folder / f"{name}.log").open("ab")
            self.running[name] = subprocess.Popen(  # noqa: S603 - our own command lines
                self.commands[name],
                cwd=self.folder,
                env={**os.environ, **self.env},
                stdout=log,
                stderr=log,
            )
            log.close()

    def kill(self) -> None:
        """SIGKILL the process that sends."""
        process = self.running.pop(self.alerting)
        process.send_signal(signal.SIGKILL)
        process.wait()

    def stop(self) -> None:
        """End everything."""
        for process in self.running.values():
            process.kill()
            process.wait()
        self.running.clear()

    def seconds(self) -> float:
        """CPU seconds of all its processes so far."""
        return sum(_cpu(p.pid) for p in self.running.values())

    def megabytes(self) -> float:
        """Resident memory of all its processes."""
        return sum(_rss(p.pid) for p in self.running.values())


def _cpu(pid: int) -> float:
    words = Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()
    return (int(words[11]) + int(words[12])) / _TICKS


def _rss(pid: int) -> float:
    lines = Path(f"/proc/{pid}/status").read_text().splitlines()
    return next(int(line.split()[1]) / 1024 for line in lines if line.startswith("VmRSS"))


def ours(world: World, folder: Path, interval: str) -> Side:
    """monitor, with its defaults but for the interval."""
    accounts = "".join(
        f"  {name}: {{provider: kie, key: {name}, base_url: http://127.0.0.1:{world.port},"
        f" balance: {{interval: {interval}}}}}\n"
        for name in world.accounts
    )
    (folder / "monitor.yaml").write_text(
        f"accounts:\n{accounts}"
        "alerts:\n  - {name: low, on: '*/balance', when: balance < 10000, severity: warning}\n"
        "receivers:\n  oncall:\n    email:\n      to: [oncall@example.com]\n"
        "      from: monitor@example.com\n"
        f"      smtp: {{host: 127.0.0.1, port: {world.mail_port}, tls: none}}\n"
        "web: {listen: '127.0.0.1:0'}\ndatabase: monitor.db\n"
    )
    command = [sys.executable, "-m", "monitor", "--config", "monitor.yaml"]
    env = {"RUNTIME_DIRECTORY": str(folder), "PYTHONPATH": str(Path.cwd())}
    return Side("monitor", {"monitor": command}, "monitor", folder, env)


def theirs(world: World, folder: Path, interval: str) -> Side:
    """Prometheus, Alertmanager and blackbox_exporter, as fast as their settings allow.

    blackbox_exporter asks each account with its key and fails where the balance has fewer than
    five digits; nothing is grouped and nobody waits (the defaults are 30 s and 5 min).
    """
    ports = {name: free_port() for name in ("prometheus", "alertmanager", "blackbox")}
    _write_blackbox(world, folder)
    _write_alertmanager(world, folder)
    _write_prometheus(world, folder, interval, ports)
    at = {name: f"127.0.0.1:{port}" for name, port in ports.items()}
    commands = {
        "blackbox": ["prometheus-blackbox-exporter", "--config.file=blackbox.yml",
                     f"--web.listen-address={at['blackbox']}"],
        "alertmanager": ["prometheus-alertmanager", "--config.file=alertmanager.yml",
                         "--storage.path=alertmanager", "--cluster.listen-address=",
                         f"--web.listen-address={at['alertmanager']}"],
        "prometheus": ["prometheus", "--config.file=prometheus.yml", "--storage.tsdb.path=tsdb",
                       f"--web.listen-address={at['prometheus']}"],
    }  # fmt: skip
    return Side("prometheus", commands, "alertmanager", folder)


def _write_blackbox(world: World, folder: Path) -> None:
    modules = "".join(
        f"  {name}:\n    prober: http\n    timeout: 5s\n    http:\n"
        f"      authorization: {{credentials: {name}}}\n"
        "      fail_if_body_matches_regexp: ['\"data\": ?[0-9]{1,4}[.,}]']\n"
        for name in world.accounts
    )
    (folder / "blackbox.yml").write_text(f"modules:\n{modules}")


def _write_alertmanager(world: World, folder: Path) -> None:
    (folder / "alertmanager.yml").write_text(
        f"global:\n  smtp_smarthost: 127.0.0.1:{world.mail_port}\n"
        "  smtp_from: am@example.com\n  smtp_require_tls: false\n"
        "route: {receiver: oncall, group_by: [account], group_wait: 0s, group_interval: 1s,"
        " repeat_interval: 4h}\n"
        "receivers:\n- name: oncall\n  email_configs:\n  - to: oncall@example.com\n"
        "    send_resolved: true\n    headers: {Subject: '[{{ .Status }}]"
        " {{ .CommonLabels.account }} {{ .CommonLabels.alertname }}'}\n"
    )


def _write_prometheus(world: World, folder: Path, interval: str, ports: Mapping[str, int]) -> None:
    targets = "".join(
        f"  - targets: ['http://127.0.0.1:{world.port}/api/v1/chat/credit']\n"
        f"    labels: {{account: {name}, __param_module: {name}}}\n"
        for name in world.accounts
    )
    (folder / "rules.yml").write_text(
        "groups:\n- name: low\n  rules:\n  - {alert: low, expr: probe_success == 0}\n"
    )
    (folder / "prometheus.yml").write_text(
        f"global: {{scrape_interval: {interval}, evaluation_interval: 1s}}\n"
        "rule_files: [rules.yml]\n"
        f"alerting: {{alertmanagers: [{{static_configs: [{{targets:"
        f" ['127.0.0.1:{ports['alertmanager']}']}}]}}]}}\n"
        "scrape_configs:\n- job_name: accounts\n  metrics_path: /probe\n"
        f"  static_configs:\n{targets}"
        "  relabel_configs:\n  - {source_labels: [__address__], target_label: __param_target}\n"
        "  - {source_labels: [account], target_label: instance}\n"
        f"  - {{target_label: __address__, replacement: '127.0.0.1:{ports['blackbox']}'}}\n"
    )


def missing() -> list[str]:
    """The programs of the other side that are not installed."""
    wanted = ("prometheus", "prometheus-alertmanager", "prometheus-blackbox-exporter")
    return [name for name in wanted if shutil.which(name) is None]


async def settled(holds: Callable[[], bool], within: float) -> bool:
    """Whether something comes to hold within so many seconds."""
    end = asyncio.get_running_loop().time() + within
    while not holds():
        if asyncio.get_running_loop().time() > end:
            return False
        await asyncio.sleep(0.05)
    return True

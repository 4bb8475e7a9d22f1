"""Keys are planted everywhere they are used, and looked for everywhere else."""

from __future__ import annotations

import json
from collections.abc import Iterator
from decimal import Decimal
from pathlib import Path

import pytest
from living import SECRETS, config, daemon, environment, monitor
from postbox import Mailbox, in_thread

from monitor.demo.world import World

# Every further channel, with a key where nobody listens
THERE, KEY = "http://127.0.0.1:9", "${HOOK_SECRET}"
CHATS = f"""
  am: {{alertmanager: {{urls: ["{THERE}"], token: "{KEY}"}}}}
  discord: {{discord: {{url: "{THERE}/{KEY}"}}}}
  ntfy: {{ntfy: {{url: "{THERE}", topic: "{KEY}", username: m, password: "{KEY}"}}}}
  opsgenie: {{opsgenie: {{url: "{THERE}", key: "{KEY}"}}}}
  pagerduty: {{pagerduty: {{url: "{THERE}", routing_key: "{KEY}"}}}}
  slack: {{slack: {{url: "{THERE}/{KEY}"}}}}
  teams: {{teams: {{url: "{THERE}/?sig={KEY}"}}}}
  telegram: {{telegram: {{url: "{THERE}", token: "1:{KEY}", chat_id: "2"}}}}
"""
LOW = "alerts: [{name: kie-credits-low, on: kie/balance, when: balance < 10000}]\n"


@pytest.fixture
def box() -> Iterator[Mailbox]:
    with in_thread(Mailbox(users={"m": SECRETS["SMTP_PASSWORD"]})) as made:
        yield made


def test_planted_keys_are_found_nowhere(world: World, box: Mailbox, tmp_path: Path) -> None:
    """In no log, page, metric, mail, document, effective config or database, good days or bad."""
    password = SECRETS["SMTP_PASSWORD"]
    login = "username: m, password: ${SMTP_PASSWORD}"
    smtp = f"{{host: 127.0.0.1, port: {box.port}, tls: none, {login}}}"
    receivers = f"""
receivers:
  oncall: {{email: {{to: [a@example.com], from: m@example.com, smtp: {smtp}}}}}
  hook:
    webhook: {{url: "http://127.0.0.1:9/${{HOOK_SECRET}}", secret: "${{HOOK_SECRET}}"}}
{CHATS}"""
    switch = 'heartbeat: {url: "http://127.0.0.1:9/${SWITCH}", interval: 2s, timeout: 1s}\n'
    path = config(world, tmp_path, alerts=LOW, receivers=receivers, switch=switch)
    seen: list[str] = []
    with daemon(
        path,
    ) as living:
        for state in ("ok", "unauthorized", "error-500", "html-520", "forbidden-403"):
            world.kie.answer = state
            world.huggingface.token = "invalid" if state == "unauthorized" else "ok"
            before = world.kie.requests["balance"]
            living.until(lambda before=before: world.kie.requests["balance"] >= before + 2)
            places = ("/", "/services", "/metrics", "/api/v1/status")
            seen += [living.get(place)[1] for place in places]
            open_ = json.loads(living.get("/api/v1/status")[1])["alerts"]
            seen += [living.get(f"/incidents/{a['incident']}")[1] for a in open_ if a["incident"]]
        world.kie.answer, world.kie.balance = "ok", Decimal(9000)
        chats = [line.split(":")[0].strip() for line in CHATS.splitlines() if line]
        for name in ("hook", *chats):  # each has been tried, and its trouble put into words
            living.until(lambda name=name: any(
                "not told yet" in line and f'"receiver": "{name}"' in line for line in living.log
            ))  # fmt: skip
        living.until(lambda: any("switch did not hear us" in line for line in living.log))
        good = path.read_text()
        path.write_text(f"{good}nonsense: true\n")  # the daemon itself says how all stands
        result = monitor(path, "status", "--format", "json")
        assert result.returncode == 0
        seen += [result.stdout, result.stderr]
        path.write_text(good)
        assert living.stop() == 0
    for words in (("--once",), ("check-config",), ("status",), ("test-receiver", "hook"),
                  ("test-receiver", "oncall"), ("providers",),
                  ("check-config", "--format", "json"),
                  ("init", "--provider", "kie", "--output", "-")):  # fmt: skip
        result = monitor(path, *words)
        seen += [result.stdout, result.stderr]
    seen += ["\n".join(living.log), "\n".join(str(m.message) for m in box.mails)]
    for file in tmp_path.iterdir():
        if file.is_file() and file.name.startswith("monitor.db"):
            seen.append(file.read_bytes().decode("latin-1"))
    assert environment(tmp_path)["SMTP_PASSWORD"] == password
    for secret in (*SECRETS.values(), "bot@example.com"):
        for text in seen:
            assert secret not in text, text[max(0, text.find(secret) - 200) :][:400]

"""Keys are planted everywhere they are used, and looked for everywhere else."""

from __future__ import annotations

from collections.abc import Iterator
from decimal import Decimal
from pathlib import Path

import pytest
from living import SECRETS, config, daemon, environment, monitor, world_in_thread
from postbox import Mailbox, in_thread

from monitor.demo.world import World

LOW = "alerts: [{name: kie-credits-low, on: kie/balance, when: balance < 10000}]\n"


@pytest.fixture
def world() -> Iterator[World]:
    with world_in_thread() as made:
        yield made


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
"""
    path = config(world, tmp_path, alerts=LOW, receivers=receivers)
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
        world.kie.answer, world.kie.balance = "ok", Decimal(9000)
        living.until(lambda: any("not told yet" in line for line in living.log))
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

"""Where each command stands in the help, and how it is used: commands as one would type them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

LOOK, ACT, FORESEE, SETUP = "Look", "Act", "Look ahead and back", "Set up"

PANELS: Final[Mapping[str, str]] = {
    "init": SETUP,
    "check-config": SETUP,
    "test-receiver": SETUP,
    "providers": SETUP,
    "schema": SETUP,
    "demo": SETUP,
    "status": LOOK,
    "explain": LOOK,
    "history": FORESEE,
    "plan": FORESEE,
    "replay": FORESEE,
    "silence": ACT,
    "unsilence": ACT,
    "ack": ACT,
}

ROOT: Final = """\
monitor demo                                     # all of it, simulated, in one minute
monitor init                                     # write a first config
monitor                                          # run as a daemon
monitor --once                                   # ask every target once
monitor --once --only "kie/*" --fail-on critical --format junit --output report.xml
monitor --once --notify --timeout 90s            # from cron: tells once, then keeps quiet"""

EXAMPLES: Final[Mapping[str, str]] = {
    "init": """\
monitor init                                     # asks a few questions
monitor init --provider kie --provider huggingface --email oncall@example.com \\
    --smtp-host smtp.example.com --smtp-username monitor --output config.yaml
monitor init --provider litellm --set litellm.base_url=https://llm.example.com --no-check""",
    "check-config": """\
monitor check-config                             # what it means, after what is wrong
monitor check-config --quiet                     # before a deployment: exit code 0 or 78
monitor --config new.yaml check-config --no-secrets
monitor check-config --no-secrets --format github  # marks the lines of a pull request""",
    "status": """\
monitor status
monitor status --watch                           # drawn anew every 2 s, until Ctrl-C
monitor status --watch 10s
monitor status --format json | jq .exit_code""",
    "providers": """\
monitor providers
monitor providers --format json | jq .kie""",
    "schema": """\
monitor schema > monitor.schema.json             # an editor checks the config with it""",
    "test-receiver": """\
monitor test-receiver oncall""",
    "silence": """\
monitor silence "kie/*" --for 2h --author ada --comment "planned top-up"
monitor silence kie/balance --alert runway-short --for 1d --author ada --comment "known" """,
    "unsilence": """\
monitor unsilence 01JD3M0V6Q4S                   # the id that `silence` printed""",
    "ack": """\
monitor ack kie/balance --author ada --comment "topping up, ticket 4711" """,
    "demo": """\
monitor demo
monitor demo --until-done --port 0               # ends by itself; 0 if all came out right""",
    "history": """\
monitor history kie/balance
monitor history kie/balance --since 90d --timezone Europe/Berlin
monitor history kie/balance --since 365d --format csv --by month > spent.csv""",
    "plan": """\
monitor plan                                     # what the config's `usage` plans
monitor plan --job sora-2-pro-720p-15s=60/day --days 45""",
    "replay": """\
monitor replay kie/balance                       # what the present rules would have said
monitor replay samples.jsonl --target kie/balance --format json
zcat old.jsonl.gz | monitor replay -""",
    "explain": """\
monitor explain kie/balance
monitor explain huggingface/key --format json""",
}

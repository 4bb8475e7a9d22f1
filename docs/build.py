"""Writes the reference pages that are made from the code: `make docs`."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from pathlib import Path

from typer.testing import CliRunner

from monitor.build import catalogue
from monitor.channels import runbooks
from monitor.cli.commands import app
from monitor.config.reference import reference
from monitor.config.schema import schema
from monitor.config.starter import account_lines
from monitor.core.builtin import EVERY
from monitor.core.causes import CAUSES, Cause, Standing
from monitor.core.durations import format_duration
from monitor.core.message import Runbook
from monitor.core.spec import ChannelSpec, CheckSpec, Field, FieldKind, ProviderSpec
from monitor.core.when import format_condition
from monitor.notifiers._template import FIELDS

ROOT = Path(__file__).parent.parent
MADE = "<!-- made from the code by `make docs` -->\n"
STANDING = {
    Standing.USABLE: "usable",
    Standing.UNUSABLE: "unusable",
    Standing.NOT_READ: "not read",
}


def commands() -> str:
    """Every command with its options, as the command line itself explains them."""
    names = [c.name or c.callback.__name__ for c in app.registered_commands if c.callback]
    out = [MADE, "# Commands\n", COMMANDS_HEAD]
    out += [
        f"## `{' '.join(['monitor', *words])}`\n\n```\n{_help(words)}\n```\n"
        for words in ([], *([name] for name in names))
    ]
    return "\n".join([*out, EXIT_CODES])


def _help(words: list[str]) -> str:
    wide = {"COLUMNS": "100", "TERMINAL_WIDTH": "100", "NO_COLOR": "1"}
    result = CliRunner().invoke(app, [*words, "--help"], env=wide, prog_name="monitor")
    lines = [line.rstrip() for line in result.output.strip().splitlines()]
    return "\n".join(lines)


COMMANDS_HEAD = """\
Results go to stdout, logs to stderr. `--config`, `--database`, `--log-format`, `--log-level` and
`--color` may stand before or after the command. The config is `--config FILE`, else
`$MONITOR_CONFIG`, else `./config.yaml`, else `/etc/monitor/config.yaml`.

`monitor --install-completion` teaches the shell you are in to complete commands and options, and
beside these the targets, receivers, rules and jobs of the config and the silences in the database.
It asks nobody on the network. Colour is used on a terminal, never with `NO_COLOR`, always with
`FORCE_COLOR`; `--color` goes before both. A bar on stderr shows how far probes are, on a terminal
only.

With `--timeout` the whole of `--once` ends in time: what has not answered by then is `timed_out`,
and with `--notify` a quarter of the time, 5 s at most, is kept for telling. `--output` writes a
file whole or not at all. With `--format nagios` a config that is at fault is said on stdout as
well (`MONITOR UNKNOWN`), for Nagios shows nothing else; the exit code stays 78.

`monitor status` says of each balance how long ago it was read, and of any other target where that
was three intervals ago or more. `about 6 days` in a summary is the likely runway (P50); messages
and rules speak of the cautious one (P25), and say so.

`monitor status --watch` draws the same again in its place, on a screen of its own, until Ctrl-C
(130). Where stdout is no terminal it prints one text after the other.

A config that was broken on disk while the daemon runs on the one before stops nobody on call:
`status`, `ack`, `silence`, `unsilence` and `history` say its faults on stderr as a warning and go
on. `status` shows what the daemon itself says, `history` a balance without the floor, the jobs and
the plan that the config has for it. They refuse (78) where no daemon answers, for `history` where
nothing is stored, and where the config no longer says which database it is, because it is no YAML
any more or `database` is at fault; `--database FILE` names it then.
"""
EXIT_CODES = """\
## Exit codes

| code | of | means |
|---|---|---|
| 0 | `--once` | all ok, or nothing as bad as `--fail-on` |
| 1 | `--once` | the worst target is a warning |
| 2 | `--once` | the worst target is critical |
| 3 | `--once` | the worst target could not be checked |
| 64 | every command | wrong usage |
| 65 | every command | an input file or database cannot be read, the output cannot be written |
| 70 | every command | a fault of monitor's own; a port in use; a database of a newer version |
| 78 | every command | the config is wrong, or there is none |
| 130 | every command | interrupted |
"""


def causes() -> str:
    """Every cause with what follows from it, and its runbook."""
    books = runbooks()
    out = [MADE, CAUSES_HEAD]
    for cause in Cause:
        meaning = CAUSES[cause]
        link = f"[`{cause}`](#{cause})" if cause in books else f"`{cause}`"
        out.append(f"| {link} | {STANDING[meaning.standing]} | {meaning.once} |")
    out += [
        "",
        CAUSES_NOTE,
        "## Built-in rules\n",
        "| rule | on | when | severity |",
        "|---|---|---|---|",
    ]
    out += [
        f"| [`{r.name}`](#{r.name}) | `{r.on}` | {format_condition(r.when)} | {r.severity} |"
        for r in EVERY
    ]
    out.append("\n# Runbooks\n")
    for name in [*Cause, *sorted(r.name for r in EVERY)]:
        if name in books:
            out.append(_page(books[name]))
    return "\n".join(out)


CAUSES_HEAD = """\
# Causes

Why a probe failed or a target is unusable: one word from a closed list. 410 is a retired model or
host, never a quota; 402 is money.

| cause | the target is | `--once` |
|---|---|---|"""


CAUSES_NOTE = """\
`not_knowable` and `not_configured` are unknown where somebody counts on the target: for a balance,
and where a rule or service of yours names it. A balance that was read but is 0, negative or under
its floor is `credits_exhausted`. With no model of an account left, each of them is critical.
"""


def _page(book: Runbook) -> str:
    steps = "\n".join(f"{n}. {step}" for n, step in enumerate(book.steps_for_all, 1))
    # Of the vendors' own pages the two of the quickstart; a message has those of its own vendor.
    shown = (link for name in ("kie", "huggingface") for link in book.vendors.get(name, ()))
    links = "\n".join(f"- [{text}]({address})" for text, address in (*shown, *book.links))
    return (
        f'<a id="{book.name}"></a>\n## {book.name}: {book.title}\n\n{book.meaning}\n\n{steps}\n\n'
        f"Who acts: {book.who}\n\nCustomers may be told: {book.customers}\n\n"
        f"They may not be told: {book.not_customers}\n\n{links}\n"
    )


def providers() -> str:
    """Every provider as its file declares it."""
    specs = dict(sorted(catalogue().providers.items()))
    out = [MADE, PROVIDERS_HEAD]
    out += [
        f"| [`{name}`](#{name}) | {spec.title} | {', '.join(spec.checks)} | {spec.unit or ''} |"
        for name, spec in specs.items()
    ]
    return "\n".join([*out, "", *(_provider(spec) for spec in specs.values())])


PROVIDERS_HEAD = """\
# Providers

What each can be asked, how often, and what cannot be known. `monitor providers` prints the same;
how to add one is in [CONTRIBUTING](../CONTRIBUTING.md#adding-a-provider). Every account also takes
what [the config's reference](config.md) lists. The variable's name is an example.

| name | vendor | checks | unit of the balance |
|---|---|---|---|"""


def _provider(spec: ProviderSpec) -> str:
    rows = [_check(name, check) for name, check in spec.checks.items()]
    limits = dict.fromkeys(c.limit for c in spec.checks.values() if c.limit)
    said = [
        f"It may be asked {x.calls} times in {format_duration(x.seconds)} ({x.source})."
        for x in limits
    ]
    facts = [f"The key: {spec.key}." if spec.key else "", spec.knows, *said]
    return "\n".join(
        [
            f"## {spec.name}\n",
            f"{spec.title}. Source: <{spec.docs}>\n",
            "| check | every | at least | what |\n|---|---|---|---|",
            *rows,
            "",
            *(f"{fact}\n" for fact in facts if fact),
            f"```yaml\n{_account(spec)}```\n",
        ]
    )


def _check(name: str, check: CheckSpec) -> str:
    every = format_duration(check.interval) if check.interval else "`defaults`"
    least = format_duration(check.minimum) if check.minimum else ""
    asked = "" if check.default else " (only where `checks` or its own block asks for it)"
    asked = f" (where `{check.field}` is set)" if check.field else asked
    return f"| `{name}` | {every} | {least} | {check.help}{asked} |"


def _account(spec: ProviderSpec) -> str:
    """An account as a config would write it; what is optional is a comment."""
    lines = ["accounts:", f"  {spec.name}:", *(f"    {line}" for line in account_lines(spec))]
    return "\n".join(lines) + "\n"


def channels() -> str:
    """Every channel as its file declares it."""
    specs = dict(sorted(catalogue().channels.items()))
    out = [MADE, CHANNELS_HEAD]
    out += [f"| [`{name}`](#{name}) | {spec.title} |" for name, spec in specs.items()]
    return "\n".join([*out, "", CHANNELS_NOTE, *(_channel(spec) for spec in specs.values())])


CHANNELS_HEAD = """\
# Channels

The ways to reach people. A receiver in the config has exactly one of them, beside what every
receiver takes ([the config's reference](config.md)): which severities, which targets, whom to fall
back on. `monitor test-receiver NAME` sends a real message by it. How to add one is in
[CONTRIBUTING](../CONTRIBUTING.md#adding-a-channel).

| name | what |
|---|---|"""
CHANNELS_NOTE = """\
What holds for all of them:

- A message says how bad it is, what is wrong, how long it will last and what to do; then the jobs
  left, the runbook's steps, what customers may be told, and what else it speaks for. New, worse,
  still open and resolved are told apart in words and by colour. Links to monitor's own page are
  there with `web.external_url`.
- A text that is too long for a service is cut, with an ellipsis; it never fails. What a provider
  wrote is shown as it is: it makes no bold text, no link and no mention.
- 2xx is told. 4xx but 408, 425 and 429 is refused: it is tried again after an hour, a reload or a
  restart, and `fallback` stands in at once. Everything else is tried again after at most 2 s,
  then at most doubling, at most 20 s apart; a `Retry-After` on 429 or 503 is obeyed up to
  60 s. `fallback` stands in from the third failure on.
- The same message has the same bytes, however often it is sent. Where a service knows a repeat
  (PagerDuty, Opsgenie, ntfy, Alertmanager, `Idempotency-Key`, a mail's Message-ID), a crash
  between sending and noting it makes no second alert.
- Redirects are not followed, and nothing is read past 1 MiB. Nothing secret is sent over `http://`
  to another machine, except an `url` that is itself the secret. Addresses and keys stand in no
  log, message, metric or page. Proxies of the environment are not used.
"""
TEMPLATE = """\
### A body of your own

With `template` or `template_file` the body is what a [Jinja2](https://jinja.palletsprojects.com/)
template prints. Values are put into JSON by `tojson`:

```yaml
receivers:
  lead:
    webhook:
      url: ${WEBHOOK_URL}
      template: |
        {"text": {{ (severity ~ ": " ~ what) | tojson }},
         "open": {{ (status == "firing") | tojson }}}
```

It runs in a sandbox, in a process of its own that has no environment and no secrets, 1 s of CPU,
512 MiB and 1 MiB of output. A template that raises, loops for long, prints too much or prints no
JSON under a JSON `content_type` never holds an alert back: the standard body goes out, and the log
says why. `monitor check-config` compiles it and names the line at fault. There is no `random`,
because a repeat has to be the same body.

| name | what it is |
|---|---|
"""


def _channel(spec: ChannelSpec) -> str:
    parts = [
        f"## {spec.name}\n",
        f"{spec.title}. Source: <{spec.docs}>\n",
        f"{spec.knows}\n",
        f"```yaml\n{_receiver(spec)}```\n",
    ]
    if spec.name == "webhook":
        rows = [f"| `{name}` | {words} |" for name, (words, _) in FIELDS.items()]
        parts.append(TEMPLATE + "\n".join(rows) + "\n")
    return "\n".join(parts)


def _receiver(spec: ChannelSpec) -> str:
    """A receiver as a config would write it; what is optional is a comment."""
    lines = [
        "receivers:",
        "  lead:",
        f"    {spec.name}:",
        *_lines(spec.name, spec.fields, "      "),
    ]
    return "\n".join(lines) + "\n"


def _lines(owner: str, fields: tuple[Field, ...], indent: str) -> Iterator[str]:
    for own in fields:
        mark = "" if own.required else "# "
        if own.fields:
            yield f"{indent}{mark}{own.name}:  # {own.help}"
            yield from _lines(owner, own.fields, f"{indent}  ")
        else:
            yield f"{indent}{mark}{own.name}: {_example(owner, own)}  # {own.help}"


def _example(owner: str, own: Field) -> str:
    if own.example or own.choices:
        return own.example or str(own.default or own.choices[0])
    if own.kind is FieldKind.SECRET:
        return f"${{{owner.upper()}_{own.name.upper()}}}"
    if isinstance(own.default, float):
        return format_duration(own.default)
    return str(own.default or EXAMPLES.get(own.kind, "…"))


EXAMPLES = {FieldKind.PATH: "/etc/ssl/our-ca.pem", FieldKind.INTEGER: "587"}


def _schema() -> str:
    return json.dumps(schema(catalogue()), indent=2) + "\n"


PAGES: dict[str, Callable[[], str]] = {
    "docs/commands.md": commands,
    "docs/causes.md": causes,
    "docs/providers.md": providers,
    "docs/channels.md": channels,
    "docs/config.md": lambda: reference(catalogue()),
    "monitor.schema.json": _schema,
}


if __name__ == "__main__":
    for place, made in PAGES.items():
        (ROOT / place).write_text(made(), encoding="utf-8")
        print(place)

"""A user's own body for a webhook: what its template sees, and how it is held in bounds."""

from __future__ import annotations

import asyncio
import json
import sys
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path

from monitor.core.message import Message
from monitor.notifiers._alert import rfc3339
from monitor.notifiers._lines import safe_line
from monitor.notifiers._mail import tidied
from monitor.notifiers._mail_text import kind_word, text_of
from monitor.notifiers._render import environment

PATIENCE = 3.0  # seconds: its process has one of CPU, and a busy machine takes longer
LARGEST_FILE = 256 * 1024  # bytes of a template
_PROGRAM = str(Path(__file__).with_name("_render.py"))

# What a template may name, what it is, and how it is had of a message.
FIELDS: Mapping[str, tuple[str, Callable[[Message], object]]] = {
    "id": ("the notification's id, the same for a repeat", lambda m: m.id),
    "kind": ("opened, escalated, reminder, resolved, digest, notice or follow_up",
             lambda m: m.kind.value),
    "kind_word": ("the same in words: new, worse now, still open", kind_word),
    "receiver": ("the receiver's name", lambda m: m.receiver),
    "at": ("when the message was composed, RFC 3339", lambda m: rfc3339(m.at)),
    "severity": ("critical, warning or info, as it is now", lambda m: m.severity.value),
    "status": ("firing or resolved", lambda m: m.status),
    "subject": ("one line, as a mail's subject", lambda m: m.subject),
    "what": ("the first line: what is wrong", lambda m: m.what),
    "how_long": ("the second line; may be empty", lambda m: m.how_long),
    "todo": ("the third line: the next step", lambda m: m.todo),
    "text": ("the whole message as plain text, as in a mail", text_of),
    "incident": ("the incident's id", lambda m: m.incident),
    "fingerprint": ("a function of alert and target", lambda m: m.fingerprint),
    "starts_at": ("when it began, RFC 3339", lambda m: rfc3339(m.starts_at)),
    "ends_at": ("when it ended, RFC 3339; empty while it has not",
                lambda m: "" if m.ends_at is None else rfc3339(m.ends_at)),
    "figures": ("a list of [label, value]", lambda m: [list(x) for x in m.figures]),
    "jobs_left": ("a list of [job, count]", lambda m: [list(x) for x in m.jobs_left]),
    "steps": ("the runbook's steps, a list", lambda m: list(m.steps)),
    "customers": ("what customers may be told", lambda m: m.customers),
    "not_customers": ("what they may not be told", lambda m: m.not_customers),
    "links": ("a list of [text, address]", lambda m: [list(x) for x in m.links]),
    "muted": ("what else this message speaks for, a list", lambda m: list(m.muted)),
    "labels": ("Alertmanager's labels, by name: labels.target", lambda m: dict(m.labels)),
    "annotations": ("Alertmanager's annotations, by name", lambda m: dict(m.annotations)),
    "external_url": ("where monitor's page is; may be empty", lambda m: m.external_url),
}  # fmt: skip


class TemplateFault(Exception):
    """A template that gave no body; `str()` is one safe line."""


def values_of(message: Message) -> dict[str, object]:
    """What the template sees: texts are clean and capped, nothing of it is secret."""
    tidy = tidied(message)
    return {name: have(tidy) for name, (_, have) in FIELDS.items()}


def source_of(text: str, file: str) -> str:
    """The template itself. Raises TemplateFault where its file cannot be read."""
    if not file:
        return text
    try:
        data = Path(file).read_bytes()
        if len(data) > LARGEST_FILE:
            raise TemplateFault(f"{file} is larger than {LARGEST_FILE // 1024} KiB")
        return data.decode("utf-8")
    except OSError as error:
        raise TemplateFault(f"{file} cannot be read: {error.strerror}") from None
    except UnicodeDecodeError:
        raise TemplateFault(f"{file} is not UTF-8") from None


async def body_of(
    source: str, message: Message, content_type: str, *, patience: float = PATIENCE
) -> bytes:
    """The body that a template makes of a message. Raises TemplateFault."""
    asked = json.dumps({"source": source, "values": values_of(message)}).encode()
    said = await _in_a_process(asked, patience)
    text = said.get("text")
    if not isinstance(text, str):
        raise TemplateFault(safe_line(str(said.get("fault"))))
    if "json" in content_type.lower():
        _must_be_json(text)
    return text.encode("utf-8", "replace")


async def _in_a_process(asked: bytes, patience: float) -> Mapping[str, object]:
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-I", _PROGRAM,
        stdin=asyncio.subprocess.PIPE, stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.DEVNULL, env={"PYTHONHASHSEED": "0"},
    )  # fmt: skip
    try:
        async with asyncio.timeout(patience):
            out, _ = await process.communicate(asked)
    except TimeoutError:
        raise TemplateFault(f"it took more time than {patience:g} s") from None
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()
    if process.returncode:
        raise TemplateFault("it took more time or memory than a template may take")
    found: object = json.loads(out)
    return found if isinstance(found, dict) else {}


def _must_be_json(text: str) -> None:
    try:
        json.loads(text)
    except ValueError as error:
        raise TemplateFault(safe_line(f"what it prints is not JSON: {error}")) from None


def faults(values: Mapping[str, object]) -> Iterable[tuple[tuple[str | int, ...], str]]:
    """What is wrong with `template` or `template_file`, found without rendering."""
    text, file = str(values.get("template") or ""), str(values.get("template_file") or "")
    if text and file:
        yield ("template_file",), "give either template or template_file, not both"
        return
    at = "template_file" if file else "template"
    try:
        source = source_of(text, file)
    except TemplateFault as fault:
        yield (at,), str(fault)
        return
    where = f"{file}:" if file else "line "
    for line, why in _wrong(source):
        yield (at,), f"{where}{line}: {why}"


def _wrong(source: str) -> Iterable[tuple[int, str]]:
    from jinja2 import TemplateSyntaxError, nodes
    from jinja2.meta import find_undeclared_variables

    made = environment()
    try:
        tree = made.parse(source)
        made.compile(source, raw=True)  # filters and tests that do not exist
        unknown = find_undeclared_variables(tree) - FIELDS.keys() - made.globals.keys()
    except TemplateSyntaxError as error:
        yield error.lineno, safe_line(error.message or "is no template")
        return
    lines = {name.name: name.lineno for name in reversed(list(tree.find_all(nodes.Name)))}
    for name in sorted(unknown):
        yield lines.get(name, 1), f"{name} is nothing a template knows: {', '.join(FIELDS)}"

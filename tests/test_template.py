"""A webhook's own body: what a template sees, and that none of them holds an alert back."""

from __future__ import annotations

import json
import logging
from pathlib import Path

import pytest
from channels import body_in, kept, receiver_of, sample, tell
from wire import answer, serving

from monitor.build import load_settings
from monitor.config import ConfigFaults
from monitor.notifiers._render import rendered
from monitor.notifiers._template import FIELDS, TemplateFault, values_of
from monitor.notifiers._template import body_of as made_by
from monitor.notifiers.webhook import body_of

STANDARD = body_of("lead", sample())


async def sent(template: str, **options: object) -> tuple[str, bytes]:
    """The content type and the body that come of a template."""
    async with serving(kept(answer())) as wire:
        to = receiver_of("webhook", wire.url, template=template, **options)
        assert (await tell(to, sample())).told
    (request,) = wire.seen
    head = request.partition(b"\r\n\r\n")[0].decode().lower()
    kind = next(x for x in head.split("\r\n") if x.startswith("content-type: "))
    return kind.removeprefix("content-type: "), body_in(request)


async def test_the_body_is_what_the_template_prints() -> None:
    kind, body = await sent('{"text": {{ what | tojson }}, "n": {{ figures | length }}}')
    assert (kind, json.loads(body)) == (
        "application/json", {"text": "kie: 1215 credits are left.", "n": 2},
    )  # fmt: skip
    kind, body = await sent("{{ severity }}: {{ todo }}\n", content_type="text/plain")
    assert (kind, body) == ("text/plain", b"critical: Top up 4000 credits.\n")


async def test_every_value_can_be_printed_as_json() -> None:
    whole = ", ".join(f'"{name}": {{{{ {name} | tojson }}}}' for name in FIELDS)
    _, body = await sent(f"{{{whole}}}")
    assert json.loads(body) == values_of(sample())


async def test_a_template_in_a_file_is_read_when_it_is_needed(tmp_path: Path) -> None:
    file = tmp_path / "body.j2"
    file.write_text("{{ kind }}")
    _, body = await sent("", template_file=str(file), content_type="text/plain")
    assert body == b"opened"
    file.unlink()
    assert (await sent("", template_file=str(file)))[1] == STANDARD


SPOILT = {
    "raises": ("{{ 1 / 0 }}", "ZeroDivisionError"),
    "is no template": ("{% if %}", "line 1"),
    "names what is not there": ("a\n{{ nothing.at.all }}", "line 2: 'nothing' is undefined"),
    "loops for long": ("{% for a in range(90000) %}{% for b in range(90000) %}{% endfor %}"
                       "{% endfor %}", "more time"),
    "prints without end": ("{% for a in range(90000) %}{{ 'x' * 90000 }}{% endfor %}",
                           "prints more than"),
    "wants all memory": ("{{ 'x' * 10 ** 10 }}", "MemoryError"),
    "has a range without end": ("{% for a in range(10 ** 9) %}{% endfor %}", "OverflowError"),
    "prints no JSON": ("{{ what }}", "not JSON"),
    "leaves the sandbox": ("{{ ''.__class__.__mro__ }}", "unsafe"),
    "reads the environment": ("{{ self.__init__.__globals__ }}", ""),
    "wants chance": ("{{ [1, 2] | random }}", "random"),
}  # fmt: skip


@pytest.mark.parametrize("how", SPOILT)
async def test_the_alert_arrives_whatever_the_template_does(
    how: str, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.WARNING)
    source, says = SPOILT[how]
    kind, body = await sent(source)
    assert (kind, body) == ("application/json", STANDARD)
    assert "the standard body goes out" in caplog.text
    assert says in caplog.text


async def test_a_template_that_takes_too_long_is_ended() -> None:
    with pytest.raises(TemplateFault, match="more time than"):  # sooner than it can start
        await made_by("{{ kind }}", sample(), "text/plain", patience=0.001)


def test_a_fault_names_its_line() -> None:
    assert rendered("\n\n{{ 1 / 0 }}", {}) == {
        "fault": "line 3: ZeroDivisionError: division by zero"
    }


CONFIG = """accounts: {{kie: {{key: x}}}}
receivers:
  lead:
    webhook:
      url: https://example.com/hook
      {own}
"""
FAULTY = {
    "a syntax error": ("template: '{% if %}'", "webhook.template: line 1: Expected an expression"),
    "an unknown value": ("template: '{{ whta }}'", "line 1: whta is nothing a template knows"),
    "an unknown filter": ("template: '{{ what | shout }}'", "line 1: No filter named 'shout'"),
    "two at once": ("{template: a, template_file: b}", "not both"),
    "no such file": ("template_file: none.j2", "cannot be read: No such file"),
    "a fault in a file": ("template_file: bad.j2", "bad.j2:2: what is this"),
    "no media type": ("content_type: json", "is not a media type"),
}


@pytest.mark.parametrize("how", FAULTY)
def test_check_config_names_the_line_at_fault(how: str, tmp_path: Path) -> None:
    own, says = FAULTY[how]
    (tmp_path / "bad.j2").write_text("fine\n{{ what is this }}")
    own = own.strip("{}").replace(", ", "\n      ") if how == "two at once" else own
    path = tmp_path / "config.yaml"
    path.write_text(CONFIG.format(own=own))
    with pytest.raises(ConfigFaults) as caught:
        load_settings(str(path), {})
    (fault,) = caught.value.faults
    line = f"{fault.line}: {fault.path}: {fault.message}"
    if how == "a fault in a file":
        assert "bad.j2:2: " in line
    else:
        assert says in line
    assert fault.line >= 6


def test_a_template_that_prints_much_is_not_kept_in_memory() -> None:
    found = rendered("{% for a in range(90000) %}{{ 'x' * 900 }}{% endfor %}", {})
    assert "prints more than" in found["fault"]

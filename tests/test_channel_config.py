"""Faults of a channel's own fields, each with its line, and what is shown of a good config."""

from __future__ import annotations

from pathlib import Path

import pytest
from typer.testing import CliRunner

from monitor.build import load_settings
from monitor.cli.commands import app
from monitor.config import ConfigFaults

HEAD = "accounts: {kie: {key: x}}\nreceivers:\n  lead:\n    "
FAULTS = {
    "a replica that is no URL": (
        "alertmanager:\n      urls: [http://one:9093, two:9093]",
        "5:31: receivers.lead.alertmanager.urls.1: is not a URL",
    ),
    "a replica with a password in it": (
        'alertmanager:\n      urls: ["http://me:planted@one:9093"]',
        "5:14: receivers.lead.alertmanager.urls.0: must not hold a user name or a password",
    ),
    "two ways to log in": (
        "ntfy:\n      topic: planted\n      token: planted\n      username: m",
        "7:17: receivers.lead.ntfy.username: give either token or username and password",
    ),
    "a password of nobody": (
        "alertmanager:\n      urls: [http://one]\n      password: planted",
        "6:17: receivers.lead.alertmanager.password: needs a username",
    ),
    "no chat": (
        "telegram:\n      token: planted",
        "5:7: receivers.lead.telegram.chat_id: is missing",
    ),
    "a name that cannot stand in a log": (
        'apprise:\n      urls: {"a phone": planted}',
        "5:14: receivers.lead.apprise.urls.a…: the name of an address is [A-Za-z0-9._-]+",
    ),
    "a relay without a host": (
        "email:\n      to: [a@example.com]\n      from: b@example.com\n"
        "      smtp: [{host: one}, {port: 25}]",
        "7:27: receivers.lead.email.smtp.1.host: is missing",
    ),
    "the only relay without a host": (
        "email:\n      to: [a@example.com]\n      from: b@example.com\n      smtp: {port: 25}",
        "7:13: receivers.lead.email.smtp.host: is missing",
    ),
    "an unknown key of the second relay": (
        "email:\n      to: [a@example.com]\n      from: b@example.com\n"
        "      smtp: [{host: one}, {host: two, prot: 25}]",
        "7:39: receivers.lead.email.smtp.1.prot: unknown key, did you mean port?",
    ),
    "a wrong type in the only relay": (
        "email:\n      to: [a@example.com]\n      from: b@example.com\n"
        "      smtp: {host: one, port: many}",
        "7:31: receivers.lead.email.smtp.port: ",
    ),
    "no relay at all": (
        "email:\n      to: [a@example.com]\n      from: b@example.com\n      smtp: []",
        "7:13: receivers.lead.email.smtp: is an empty list",
    ),
    "a relay's name alone": (
        "email:\n      to: [a@example.com]\n      from: b@example.com\n      smtp: one",
        "7:13: receivers.lead.email.smtp: must be a mapping such as {host: smtp.example.com}, or "
        "a list of such, not text",
    ),
    "a refresh without a unit": (
        "alertmanager:\n      urls: [http://one]\n      refresh: 60",
        "6:16: receivers.lead.alertmanager.refresh: ",
    ),
}


@pytest.mark.parametrize("how", FAULTS)
def test_a_fault_is_named_with_its_line_and_shows_no_secret(how: str, tmp_path: Path) -> None:
    own, says = FAULTS[how]
    path = tmp_path / "config.yaml"
    path.write_text(HEAD + own + "\n")
    with pytest.raises(ConfigFaults) as caught:
        load_settings(str(path), {})
    assert f"{path}:{says}" in str(caught.value)
    assert "planted" not in str(caught.value)


SHOWN = """\
accounts: {kie: {key: x}}
receivers:
  am: {alertmanager: {urls: [http://one:9093], token: planted-1}}
  sms: {apprise: {urls: {phone: "json://planted-2"}}}
  mail:
    email:
      to: [a@example.com]
      from: b@example.com
      smtp: [{host: one, password: planted-3, username: m}, {host: two}]
  one: {email: {to: [a@example.com], from: b@example.com, smtp: {host: alone}}}
"""


def test_the_effective_config_shows_relays_and_masks_addresses(tmp_path: Path) -> None:
    path = tmp_path / "config.yaml"
    path.write_text(SHOWN)
    shown = CliRunner().invoke(app, ["--config", str(path), "check-config"]).output
    assert "planted" not in shown
    assert "refresh: 1m" in shown
    assert "phone: '********'" in shown
    for host in ("one", "two", "alone"):
        assert f"host: {host}" in shown
    again = tmp_path / "again.yaml"
    again.write_text(shown)
    before, after = (load_settings(str(p), {}) for p in (path, again))
    assert [r.addresses for r in before.receivers] == [r.addresses for r in after.receivers]
    assert [r.name for r in before.receivers] == ["am", "sms", "mail", "one"]
    assert before.receivers[1].addresses == ("phone",)

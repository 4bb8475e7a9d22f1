"""`monitor test-receiver` for every channel there is: a real message, and what became of it."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from pathlib import Path

import pytest
import yaml
from channels import CHANNELS, PLANTED, kept, stage
from typer.testing import CliRunner
from wire import answer, serving

from monitor.cli.commands import app
from monitor.core.secret import Secret
from monitor.core.settings import ReceiverSettings

pytestmark = pytest.mark.filterwarnings("ignore:'imghdr' is deprecated")  # by Apprise


def written(value: object) -> object:
    """An option as a config would write it."""
    if isinstance(value, Secret):
        return value.reveal()
    if isinstance(value, Mapping):
        return {name: written(inner) for name, inner in value.items()}
    if isinstance(value, tuple):
        return [written(inner) for inner in value]
    return "5s" if isinstance(value, float) else value


async def command(receiver: ReceiverSettings, folder: Path) -> str:
    """The output of the command, with the receiver in a config."""
    options = {n: v for n, v in receiver.options.items() if v != ()}
    if receiver.channel == "email":
        del options["timeout"]  # a server's, not the channel's
    config = {
        "accounts": {"kie": {"key": "x"}},
        "receivers": {"lead": {receiver.channel: written(options)}},
    }
    path = folder / "config.yaml"
    path.write_text(yaml.safe_dump(config))
    words = ["--config", str(path), "test-receiver", "lead"]
    result = await asyncio.to_thread(CliRunner().invoke, app, words)
    return result.output


@pytest.mark.parametrize("name", CHANNELS)
async def test_a_real_message_goes_by_every_channel(name: str, tmp_path: Path) -> None:
    async with stage(name) as there:
        output = await command(there.receiver, tmp_path)
        sent = b"".join(there.sent()).decode()
    (address,) = there.receiver.addresses
    assert output == f"{address}: told\n"
    assert "monitor can reach you" in sent


@pytest.mark.parametrize("name", [n for n, entry in CHANNELS.items() if entry.http])
async def test_what_went_wrong_is_said_in_words(name: str, tmp_path: Path) -> None:
    async with serving(kept(answer(PLANTED.encode(), status=403))) as wire:
        options = CHANNELS[name].options(wire.url)
        receiver = ReceiverSettings("lead", name, options, (CHANNELS[name].address(wire.url),))
        output = await command(receiver, tmp_path)
    assert "refused: " in output
    assert "HTTP 403" in output
    assert PLANTED not in output

"""A key that is put into its file anew is used: no alert for a key that has only been rotated."""

from __future__ import annotations

import asyncio
import json
import os
import signal
import threading
from collections.abc import Iterator
from dataclasses import replace
from datetime import datetime
from pathlib import Path

import pytest
from house import House, Script, huggingface, kie, settings
from living import Living, config, daemon
from structlog.testing import capture_logs

from monitor import logs
from monitor.build import rereader
from monitor.core.causes import Cause
from monitor.core.model import Finding, Target
from monitor.core.secret import Secret
from monitor.core.settings import Account
from monitor.demo.world import World
from monitor.keyring import Keyring

OLD, NEW, THIRD = "hf_planted-old-0001", "hf_planted-new-0002", "hf_planted-third-0003"
KEY = "huggingface/key"


@pytest.fixture(autouse=True)
def unmasked() -> Iterator[None]:
    """What a test has told the logs to mask is forgotten after it."""
    known = logs.REDACTION.secrets
    yield
    logs.REDACTION.secrets = known


class Vendor(Script):
    """Accepts one key, and notes which it was asked with."""

    def __init__(self, key: str) -> None:
        super().__init__()
        self.key = key

    async def probe(
        self, account: Account, target: Target, now: datetime, timeout: float
    ) -> Finding:
        del now, timeout
        if not account.configured:
            return Finding(Cause.NOT_CONFIGURED)
        self.asked.append(account.key.reveal())
        await asyncio.sleep(0)
        good = self.asked[-1] == self.key
        return Finding(Cause.OK if good else Cause.KEY_REJECTED, target.check.value)


async def house(vendor: Vendor, path: Path, account: Account | None = None) -> House:
    """A monitor that has read its key from `path`."""
    account = replace(account or huggingface(key=Secret(OLD)), key_files={"key": str(path)})
    return await House(settings((account,)), script=vendor, reread=rereader()).start()


def written(path: Path, key: str) -> None:
    path.write_text(key + "\n")


def swapped(path: Path, key: str) -> None:
    """As Kubernetes does: `key` leads over `..data` to a directory, and `..data` is exchanged."""
    folder = path.parent / f"..{len(list(path.parent.iterdir()))}"
    folder.mkdir()
    (folder / path.name).write_text(key)
    link = path.parent / "..data_tmp"
    link.symlink_to(folder.name)
    os.replace(link, path.parent / "..data")
    if not path.is_symlink():
        path.unlink(missing_ok=True)
        path.symlink_to(f"..data/{path.name}")


@pytest.mark.parametrize("put", [written, swapped])
async def test_a_rotated_key_is_used_for_every_target_and_nobody_is_told(
    tmp_path: Path, put: object
) -> None:
    path, vendor = tmp_path / "hf.key", Vendor(OLD)
    assert callable(put)
    put(path, OLD)
    made = await house(vendor, path)
    await made.probe()
    put(path, NEW)
    vendor.key = NEW
    vendor.asked.clear()
    await made.probe(after=1800)
    assert vendor.asked == [OLD, NEW, NEW, NEW, NEW]  # once with the old one, then never again
    assert made.firing() == {}
    assert made.mail.said == []


async def test_a_key_that_is_refused_for_good_is_told_and_asked_once(tmp_path: Path) -> None:
    path, vendor = tmp_path / "hf.key", Vendor(OLD)
    written(path, OLD)
    made = await house(vendor, path)
    vendor.key = THIRD
    await made.probe(KEY)
    assert vendor.asked == [OLD]  # the file holds the same: there is nothing to ask anew
    assert made.firing() == {"key-rejected": KEY}


async def test_a_new_key_that_is_refused_as_well_is_told(tmp_path: Path) -> None:
    path, vendor = tmp_path / "hf.key", Vendor(OLD)
    written(path, OLD)
    made = await house(vendor, path)
    vendor.key = THIRD
    written(path, NEW)
    with capture_logs() as said:
        await made.probe(KEY)
    assert vendor.asked == [OLD, NEW]
    assert made.firing() == {"key-rejected": KEY}
    assert made.mail.said == ["opened key-rejected"]
    events = [entry["event"] for entry in said]
    assert "another key is in the file: it is used from here on" in events
    assert "the key that the file holds by now is refused as well" in events
    assert NEW not in json.dumps(said, default=str)
    assert OLD not in json.dumps(said, default=str)


async def test_targets_refused_together_ask_with_the_new_key_each_once(tmp_path: Path) -> None:
    path, vendor = tmp_path / "hf.key", Vendor(NEW)
    written(path, NEW)
    made = await house(vendor, path)
    await asyncio.gather(*(made.pipeline.observe(name) for name in made.memory.targets))
    assert sorted(vendor.asked) == sorted([OLD] * 4 + [NEW] * 4)
    assert made.firing() == {}


async def test_a_key_that_comes_after_the_alert_ends_it_without_waiting_for_the_next_probe(
    tmp_path: Path,
) -> None:
    path, vendor = tmp_path / "hf.key", Vendor(NEW)
    written(path, OLD)
    made = await house(vendor, path)
    soon: list[str] = []
    made.pipeline.ask_soon = soon.append
    await made.probe(KEY)
    assert made.firing() == {"key-rejected": KEY}
    await made.pipeline.sweep()
    assert soon == []
    written(path, NEW)
    made.clock.step(20)
    await made.pipeline.sweep()
    assert KEY in soon
    await made.probe(*soon)
    assert made.firing() == {}


async def test_an_account_without_a_key_begins_when_its_file_is_filled(tmp_path: Path) -> None:
    path, vendor = tmp_path / "kie.key", Vendor("kie-planted-0005")
    path.write_text("")
    made = await house(vendor, path, kie(key=Secret("")))
    written(path, "kie-planted-0005")
    await made.probe()
    assert made.memory.views["kie/balance"].cause is Cause.OK


async def test_what_the_files_hold_is_masked_in_the_logs_before_it_is_used(tmp_path: Path) -> None:
    path = tmp_path / "hf.key"
    written(path, NEW)
    found = await rereader()(huggingface(key_files={"key": str(path)}))
    assert found.key == Secret(NEW)
    assert Secret(NEW) in logs.REDACTION.secrets
    event = {"event": f"with {NEW}"}
    assert logs.REDACTION(None, "info", event)["event"] == "with ********"


async def test_a_field_of_the_providers_own_is_read_anew_too(tmp_path: Path) -> None:
    path = tmp_path / "admin.key"
    written(path, "planted-admin-0006")
    account = kie(fields={"admin_key": Secret("planted-admin-0001"), "days": 3},
                  key_files={"admin_key": str(path)})  # fmt: skip
    found = await rereader()(account)
    assert found.fields == {"admin_key": Secret("planted-admin-0006"), "days": 3}
    assert found.key == account.key


BROKEN = {
    "gone": lambda p: None,
    "empty": lambda p: p.write_text("\n"),
    "two lines": lambda p: p.write_text("one\ntwo\n"),
    "no text": lambda p: p.write_bytes(b"\xff\xfe"),
    "a folder": lambda p: p.mkdir(),
    "too large": lambda p: p.write_text("k" * 70000),
    "a pipe nobody writes to": lambda p: os.mkfifo(p),
}


@pytest.mark.parametrize("how", BROKEN)
async def test_a_file_that_holds_no_key_leaves_the_old_one(tmp_path: Path, how: str) -> None:
    path = tmp_path / "hf.key"
    BROKEN[how](path)
    account = huggingface(key_files={"key": str(path)})
    assert await Keyring(patience=0.05).reread(account) == account


async def test_a_file_that_hangs_holds_up_nobody_and_takes_one_thread(tmp_path: Path) -> None:
    path = tmp_path / "hf.key"
    os.mkfifo(path)
    ring, account = Keyring(patience=0.05), huggingface(key_files={"key": str(path)})
    beats, before = 0, set(threading.enumerate())  # another test's may hang on
    for _ in range(3):
        task = asyncio.ensure_future(ring.reread(account))
        while not task.done():
            beats += 1
            await asyncio.sleep(0.001)
        assert task.result() == account
    assert beats > 10  # the loop went on
    (reader,) = set(threading.enumerate()) - before
    with path.open("w") as late:  # one reader waits, and what it reads is not lost
        late.write(NEW + "\n")
    await asyncio.to_thread(reader.join, 10)
    assert (await ring.reread(account)).key == Secret(NEW)


# -- the daemon -----------------------------------------------------------------------------


def cause(living: Living, target: str) -> object:
    targets = living.status()["targets"]
    assert isinstance(targets, list)
    return next(t["cause"] for t in targets if t["target"] == target)


@pytest.mark.parametrize("credentials", [False, True])
def test_a_daemon_goes_on_with_the_key_that_is_in_the_file(
    world: World, tmp_path: Path, credentials: bool
) -> None:
    folder = tmp_path / "credentials" if credentials else tmp_path
    folder.mkdir(exist_ok=True)
    file = folder / "kie.key"
    written(file, "kie-demo-key")
    path = config(world, tmp_path)
    path.write_text(path.read_text().replace("key: ${KIE_API_KEY}", "key_file: kie.key"))
    more = {"CREDENTIALS_DIRECTORY": str(folder)} if credentials else {}
    with daemon(path, **more) as living:
        living.until(lambda: cause(living, "kie/balance") == "ok")
        written(file, "kie-planted-new-0004")
        world.kie.key = "kie-planted-new-0004"
        living.until(lambda: "another key is in the file" in " ".join(living.log))
        living.until(lambda: cause(living, "kie/balance") == "ok")
        assert not living.status()["alerts"]
        counted = living.get("/metrics")[1]
        assert 'cause="key_rejected",target="kie/balance"' not in counted
        assert living.stop(signal.SIGTERM) == 0
    said = "\n".join(living.log)
    assert "kie-planted-new-0004" not in said
    assert "kie-demo-key" not in said

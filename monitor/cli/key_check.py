"""What the keys of a new config are worth: one real probe each, in words."""

from __future__ import annotations

import asyncio
import os
import sys
from collections.abc import Mapping

from monitor.cli.formats.report import read
from monitor.cli.formats.rows import TargetRow
from monitor.cli.formats.safe import one_line
from monitor.config.starter import key_variable
from monitor.core.causes import CAUSES, KEY_CAUSES, Cause, Standing
from monitor.core.model import Check
from monitor.core.settings import Account, Settings

_FIRST = (Check.KEY, Check.BALANCE, Check.QUOTA, Check.MODEL)  # what says most of a key


def say_of_keys(settings: Settings) -> None:
    """Probe one target of each account whose key is set, and print a line for each account."""
    from monitor.once import probe_once

    asked = {a.name: _telling(a) for a in settings.accounts if a.configured and a.targets}
    found: Mapping[str, TargetRow] = {}
    if asked:
        names = frozenset(asked.values())
        document = asyncio.run(probe_once(settings, os.environ, names=names)).document
        found = {row.account: row for row in read(document).targets}
    for account in settings.accounts:
        words = _words(found[account.name]) if account.name in found else _not_tried(account)
        sys.stdout.write(f"  {account.name}: {one_line(words)}\n")


def _telling(account: Account) -> str:
    """The target whose answer says most of the account's key."""
    asked = [t.target for t in account.targets if t.asked]
    order = {check: place for place, check in enumerate(_FIRST)}
    return min(asked, key=lambda target: order.get(target.check, len(order))).name


def _not_tried(account: Account) -> str:
    if account.configured:
        return "there is nothing that its key alone could be asked"
    return f"${key_variable(account.provider)} is not set: not tried"


def _words(row: TargetRow) -> str:
    if row.cause in (Cause.KEY_REJECTED, Cause.KEY_EXPIRED):
        return f"the key is refused: {row.words}"
    if row.cause is Cause.OK:
        return f"the key is valid: {row.words}"
    if row.cause in KEY_CAUSES or CAUSES[row.cause or Cause.OK].standing is Standing.UNUSABLE:
        return f"the key is known, but: {row.words}"
    return f"the key could not be tried: {row.words}"

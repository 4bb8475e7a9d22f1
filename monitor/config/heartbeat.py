"""The dead-man's switch outside that is called."""

from __future__ import annotations

from monitor.config.addresses import check_url
from monitor.config.blocks import HeartbeatBlock
from monitor.config.context import Context
from monitor.config.faults import PathTuple
from monitor.config.secrets import resolve_secret
from monitor.core.settings import HeartbeatSettings

_LONGEST = 86400.0  # seconds: no switch waits longer


def read_heartbeat(context: Context, block: HeartbeatBlock | None) -> HeartbeatSettings | None:
    """The `heartbeat:` block; its address is a secret, for whoever knows it can call it."""
    if block is None:
        return None
    at: PathTuple = ("heartbeat",)
    where = (*at, "url") if block.url is not None else (*at, "url_file")
    url = resolve_secret(
        context, (*at, "url"), given=block.url, file=block.url_file, required=True
    )
    usual = HeartbeatSettings(url)
    interval = usual.interval if block.interval is None else block.interval
    timeout = usual.timeout if block.timeout is None else block.timeout
    if url and check_url(url.reveal()):
        context.fault(where, "must be an http:// or https:// address")
    if interval > _LONGEST:
        context.fault((*at, "interval"), "must be at most 1d")
    if timeout >= interval:
        context.fault((*at, "timeout"), "must be shorter than the interval")
    return HeartbeatSettings(url, interval, timeout)

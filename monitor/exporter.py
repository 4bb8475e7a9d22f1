"""Prometheus, from a snapshot: nothing is kept, so a removed target leaves no stale series."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Callable, Iterable

from prometheus_client import CollectorRegistry, GCCollector, PlatformCollector, ProcessCollector
from prometheus_client.core import (
    CounterMetricFamily,
    GaugeMetricFamily,
    InfoMetricFamily,
    Metric,
)
from prometheus_client.exposition import choose_encoder
from prometheus_client.registry import Collector

from monitor.core.snapshot import Snapshot
from monitor.metrics import METRICS, Described, rows

__all__ = [
    "METRICS",
    "Exporter",
    "SnapshotCollector",
    "metrics_text",
    "registry",
    "render",
    "rows",
]


class SnapshotCollector(Collector):
    """Every metric of the house, made of `snapshot_of()` at the moment of the scrape."""

    def __init__(self, snapshot_of: Callable[[], Snapshot]) -> None:
        self._snapshot_of = snapshot_of

    def describe(self) -> Iterable[Metric]:
        """Nothing: else registering would already ask for a snapshot."""
        return ()

    def collect(self) -> Iterable[Metric]:
        """The families that have something to say, in the table's order."""
        found: dict[str, dict[tuple[str, ...], float]] = {m.name: {} for m in METRICS}
        for name, labels, value in rows(self._snapshot_of()):
            # A duplicate series would cost Prometheus the whole scrape: the first one stands.
            found[name].setdefault(tuple([_label(text) for text in labels]), value)
        return [_family(m, found[m.name]) for m in METRICS if found[m.name]]


def registry(snapshot_of: Callable[[], Snapshot], *, process: bool = True) -> CollectorRegistry:
    """A private registry; with the process metrics for the daemon, without for `--once`."""
    made = CollectorRegistry()
    made.register(SnapshotCollector(snapshot_of))
    if process:
        ProcessCollector(registry=made)
        PlatformCollector(registry=made)
        GCCollector(registry=made)
    return made


_VERSION = re.compile(r"\d{1,2}(\.\d{1,2}){0,2}")


def render(source: CollectorRegistry, accept: str) -> tuple[bytes, str]:
    """The exposition and its content type, in the format that `accept` asks for.

    A media type whose version is no version is passed over: the library would raise on it.
    """
    encoder, content_type = choose_encoder(",".join(filter(_sane, accept.split(","))))
    return encoder(source), content_type


class Exporter:
    """What the daemon hands to the page: the metrics of now, process metrics among them."""

    def __init__(self, snapshot_of: Callable[[], Snapshot]) -> None:
        self._snapshot_of = snapshot_of
        self._turn = asyncio.Lock()

    async def scrape(self, accept: str = "") -> tuple[bytes, str]:
        """The exposition and its content type, in the format that `accept` asks for.

        It is written beside the event loop: ten thousand targets take a second, and a probe is not
        to wait for that. One at a time: several would only slow each other down.
        """
        async with self._turn:
            snapshot = self._snapshot_of()
            return await asyncio.to_thread(render, registry(lambda: snapshot), accept)


def _sane(media: str) -> bool:
    pairs = (part.partition("=") for part in media.split(";")[1:])
    versions = (value.strip(' "') for name, _, value in pairs if name.strip() == "version")
    return all(_VERSION.fullmatch(version) for version in versions)


def metrics_text(snapshot: Snapshot) -> str:
    """The text of `/metrics` without process metrics: `--once --format prometheus`."""
    return render(registry(lambda: snapshot, process=False), "")[0].decode()


def _label(text: str) -> str:
    """A lone surrogate cannot be encoded; quotes, backslashes and newlines are the encoder's."""
    return text if text.isascii() else text.encode("utf-8", "replace").decode()


def _family(
    described: Described, series: dict[tuple[str, ...], float]
) -> CounterMetricFamily | GaugeMetricFamily | InfoMetricFamily:
    name, text, labels = described.name, described.help, described.labels
    if name.endswith("_info"):
        info = InfoMetricFamily(name.removesuffix("_info"), text)
        for values in series:
            info.add_metric([], dict(zip(labels, values, strict=True)))
        return info
    family = (
        CounterMetricFamily(name.removesuffix("_total"), text, labels=labels)
        if name.endswith("_total")
        else GaugeMetricFamily(name, text, labels=labels)
    )
    for values, value in series.items():
        family.add_metric(values, value)
    return family

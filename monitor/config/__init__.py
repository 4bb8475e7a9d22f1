"""YAML to validated settings: every fault at once, with file, line and column."""

from __future__ import annotations

from monitor.config.faults import ConfigFaults, Fault
from monitor.config.load import effective, load
from monitor.config.reference import reference
from monitor.config.schema import schema

__all__ = ["ConfigFaults", "Fault", "effective", "load", "reference", "schema"]

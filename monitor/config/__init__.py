"""YAML to validated settings: every fault at once, with file, line and column.

What is written about configs is apart: `schema.py`, `reference.py`, `effective.py`.
"""

from __future__ import annotations

from monitor.config.faults import ConfigFaults, Fault
from monitor.config.load import load

__all__ = ["ConfigFaults", "Fault", "load"]

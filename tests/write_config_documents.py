"""Writes docs/config.md and monitor.schema.json from the code; run it with `python`."""

from __future__ import annotations

import json
from pathlib import Path

from monitor.config import reference, schema
from monitor.core.spec import Catalogue
from monitor.http import Door
from monitor.notifiers import load_notifiers
from monitor.providers import load_providers

ROOT = Path(__file__).parent.parent


def main() -> None:
    """Write both."""
    catalogue = Catalogue(
        providers={name: provider.spec for name, provider in load_providers().items()},
        channels={name: notifier.spec for name, notifier in load_notifiers(Door()).items()},
    )
    (ROOT / "docs").mkdir(exist_ok=True)
    (ROOT / "docs" / "config.md").write_text(reference(catalogue))
    (ROOT / "monitor.schema.json").write_text(json.dumps(schema(catalogue), indent=2) + "\n")


if __name__ == "__main__":
    main()

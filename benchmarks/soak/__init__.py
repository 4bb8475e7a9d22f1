"""Soaks: a month of the pipeline on a stepped clock, and half an hour of the real daemon."""

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent.parent.parent / "tests"))  # house.py is there

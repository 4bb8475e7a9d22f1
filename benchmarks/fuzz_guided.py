"""Coverage-guided fuzzing of every provider's parser, for a night: needs atheris.

    .venv/bin/python -m pip install atheris
    .venv/bin/python benchmarks/fuzz_guided.py -runs=1000000 [corpus folder]

The bytes choose a recorded answer and how it is ruined; what no finding may be is the same as in
`fuzz_parsers.py`, which needs nothing and repeats by number. Arguments are libFuzzer's.
"""

from __future__ import annotations

import asyncio
import random
import sys
from pathlib import Path

sys.path[:0] = [str(Path(__file__).parent.parent / "tests"), str(Path(__file__).parent.parent)]

try:
    import atheris
except ImportError:
    sys.exit("atheris is missing: .venv/bin/python -m pip install atheris")

with atheris.instrument_imports(include=["monitor.providers", "monitor.answers"]):
    from fuzzing import faults, probed, ruined
    from recorded import recordings

    from monitor.http import Answer
    from monitor.providers import load_providers

PROVIDERS = dict(load_providers())
TABLE = [r for r in recordings() if r.provider in PROVIDERS]
LOOP = asyncio.new_event_loop()


def one(data: bytes) -> None:
    """One input; a fault is an exception, which libFuzzer keeps with the bytes that made it."""
    if len(data) < 4:
        return
    recording = TABLE[int.from_bytes(data[:2], "big") % len(TABLE)]
    answers = ruined(recording, random.Random(data[2:4]))  # noqa: S311 - chance that can be repeated
    if len(data) > 4:  # the rest is a body as it came
        first = answers[0]
        answers = (Answer(first.status, first.headers, data[4:]), *answers[1:])
    provider = PROVIDERS[recording.provider]
    found = LOOP.run_until_complete(probed(provider, recording, answers))
    wrong = list(faults(provider, recording, found))
    if wrong:
        raise AssertionError(f"{recording.provider}/{recording.name}: {wrong}")


if __name__ == "__main__":
    atheris.Setup(sys.argv, one)
    atheris.Fuzz()

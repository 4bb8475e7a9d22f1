"""A million ruined answers through every provider's parser: what none of them may do.

    .venv/bin/python benchmarks/fuzz_parsers.py [--inputs 1000000] [--seed 0] [--only kie]

Each input is a recorded answer of `tests/recordings/` with its status, headers or body spoilt, and
goes through `run_probe` as in the daemon, without a network. A finding must be one of the declared
causes, with sound figures, nothing private and printable words (`tests/fuzzing.py`). Input N of a
seed is the same on every machine: `--at N` runs it alone and prints what was answered and found.
Exit code 1 if something was found. No network, no packages beside the project's own.
"""

from __future__ import annotations

import argparse
import asyncio
import random
import sys
import time
from collections import Counter
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent.parent / "tests"))

from fuzzing import faults, probed, ruined
from recorded import Recording, recordings

from monitor.http import Answer
from monitor.providers import Provider, load_providers

SHOWN = 20  # faults printed; all are counted


def _input(seed: int, number: int, table: list[Recording]) -> tuple[Recording, tuple[Answer, ...]]:
    rng = random.Random(f"{seed}:{number}")  # noqa: S311 - chance that can be repeated
    recording = table[rng.randrange(len(table))]
    return recording, ruined(recording, rng)


async def _run(
    args: argparse.Namespace, providers: dict[str, Provider], table: list[Recording]
) -> int:
    causes: Counter[str] = Counter()
    found_out: Counter[str] = Counter()
    began = time.perf_counter()
    for number in range(args.first, args.first + args.inputs):
        recording, answers = _input(args.seed, number, table)
        provider = providers[recording.provider]
        finding = await probed(provider, recording, answers)
        causes[finding.cause.value] += 1
        for fault in faults(provider, recording, finding):
            found_out[f"{recording.provider}: {fault}"] += 1
            if sum(found_out.values()) <= SHOWN:
                print(f"input {number}, {recording.provider}/{recording.name}: {fault}")
    seconds = time.perf_counter() - began
    print(f"{args.inputs} inputs in {seconds:.0f} s, {args.inputs / seconds:.0f} a second")
    print(", ".join(f"{cause} {n}" for cause, n in causes.most_common()))
    print("\n".join(f"{n} x {fault}" for fault, n in found_out.most_common()) or "nothing found")
    return 1 if found_out else 0


async def _one(args: argparse.Namespace, provider: Provider, number: int) -> int:
    recording, answers = _input(args.seed, number, args.table)
    print(recording.provider, recording.name)
    for answer in answers:
        print(answer.status, dict(answer.headers), answer.body)
    finding = await probed(provider, recording, answers)
    print(finding)
    return 1 if list(faults(provider, recording, finding)) else 0


def main() -> int:
    """Run, print, and say whether anything was found."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--inputs", type=int, default=1_000_000)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--first", type=int, default=0, help="the number of the first input")
    parser.add_argument("--only", help="one provider")
    parser.add_argument(
        "--at", type=int, help="this input alone, with what was answered and found"
    )
    args = parser.parse_args()
    providers = dict(load_providers())
    table = [r for r in recordings(args.only) if r.provider in providers]
    if args.at is not None:
        args.table = table
        recording, _ = _input(args.seed, args.at, table)
        return asyncio.run(_one(args, providers[recording.provider], args.at))
    return asyncio.run(_run(args, providers, table))


if __name__ == "__main__":
    raise SystemExit(main())

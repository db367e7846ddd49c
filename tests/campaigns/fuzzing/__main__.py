"""Fuzz readers and HTTP for some minutes, with generated and mutated input. `python -m tests.campaigns.fuzzing MINUTES`.

Ends with exit code 1 at the first input that breaks a promise, which it leaves in a file for a new test.
"""

from __future__ import annotations

import sys
import tempfile
import time
from pathlib import Path
from random import Random

from tests.campaigns.fuzzing.targets import TARGETS, Broken, Target, opened

SHOW_SECONDS = 30


def main(minutes: float, seed: int) -> int:
    """Fuzz the targets in turn until the time is over."""
    print(f"fuzzing for {minutes:g} minutes, seed {seed}")
    counts = dict.fromkeys(TARGETS, 0)
    until, shown = time.monotonic() + 60 * minutes, time.monotonic()
    with opened() as world:
        for number in range(sys.maxsize):
            name = list(TARGETS)[number % len(TARGETS)]
            data = _try(TARGETS[name](world), Random(f"{seed} {number}"), name)
            if data is not None:
                return 1
            counts[name] += 1
            if time.monotonic() - shown > SHOW_SECONDS:
                shown = time.monotonic()
                print(counts, flush=True)
            if time.monotonic() > until:
                break
    print(f"{sum(counts.values())} inputs, nothing broken: {counts}")
    return 0


def _try(target: Target, random: Random, name: str) -> Path | None:
    try:
        target.run(random)
    except Broken as broken:
        kept = Path(tempfile.mkdtemp(prefix="fuzzing-")) / name
        kept.write_bytes(broken.data)
        print(f"{name}: {broken}; the input is in {kept}")
        return kept
    return None


if __name__ == "__main__":
    sys.exit(main(float(sys.argv[1]), int(sys.argv[2]) if len(sys.argv) > 2 else time.time_ns()))

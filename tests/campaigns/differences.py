"""Compare the exact difference and the smallest other answers with every report: `differences.py [PAIRS] [FIRST SEED]`.

PAIRS: generated small rulesets, each with an edited copy. Prints each fault with its seed. Exits with 1 if there is any.
"""

from __future__ import annotations

import itertools
import sys
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[2]))

from tests.support.oracles.diff_agreement import diff_faults, small_pair, why_not_faults

PROGRESS_SECONDS = 10


def main(wanted: int, first_seed: int) -> int:
    """Return the number of faults."""
    faults = 0
    started = told = time.monotonic()
    pairs = ((seed, pair) for seed in itertools.count(first_seed) if (pair := small_pair(seed)) is not None)
    for done, (seed, (old, new)) in enumerate(itertools.islice(pairs, wanted)):
        if time.monotonic() - told > PROGRESS_SECONDS:
            told = time.monotonic()
            print(f"{done:,} of {wanted:,} pairs, {told - started:.0f} s", flush=True)
        for fault in itertools.chain(diff_faults(seed, old, new), why_not_faults(seed, old)):
            faults += 1
            print(f"fault: {fault}", flush=True)
    print(f"{wanted:,} pairs, {faults} faults, {time.monotonic() - started:.0f} s", flush=True)
    return faults


if __name__ == "__main__":
    arguments = [int(argument) for argument in sys.argv[1:]]
    sys.exit(main(*(arguments + [1000, 0][len(arguments) :])) > 0)

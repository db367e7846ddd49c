"""Compare engine and reference evaluator on many generated rulesets and reports: `agreement.py [PAIRS] [FIRST SEED]`.

Prints the seed of each difference; `list(tests.support.oracles.engine_agreement.pairs(seed))` repeats it. Exits with 1 if there is any.
"""

from __future__ import annotations

import sys
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[2]))

from tests.support.oracles.engine_agreement import REPORTS, pairs

PROGRESS_SECONDS = 10


def main(wanted: int, first_seed: int) -> int:
    """Return the number of differences."""
    compared = differences = 0
    started = told = time.monotonic()
    for seed in range(first_seed, first_seed + -(-wanted // REPORTS)):
        for number, pair in enumerate(pairs(seed)):
            compared += 1
            if pair.engine != pair.reference:
                differences += 1
                print(f"difference: seed {seed}, report {number}: {pair.answers}", flush=True)
        if time.monotonic() - told > PROGRESS_SECONDS:
            told = time.monotonic()
            print(f"{compared:,} of {wanted:,} pairs, {told - started:.0f} s", flush=True)
    print(f"{compared:,} pairs, {differences} differences, {time.monotonic() - started:.0f} s", flush=True)
    return differences


if __name__ == "__main__":
    arguments = [int(argument) for argument in sys.argv[1:]]
    sys.exit(main(*(arguments + [100_000, 0][len(arguments) :])) > 0)

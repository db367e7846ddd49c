"""Compare the encoder with evaluators and brute force on many generated rulesets: `analysis.py [RULESETS] [FIRST SEED]`.

RULESETS of each: as many against engine and reference, as many small ones against every report they can get, and as
many small ones with properties, which are proved and held against every report, and as many with mutants.
Prints the seed of each difference. Exits with 1 if there is any.
"""

from __future__ import annotations

import itertools
import sys
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[2]))

from tests.support.oracles import proving_agreement
from tests.support.oracles.encoding_agreement import brute_force_differences, disagreements, small_ruleset
from tests.support.oracles.finding_agreement import finding_differences
from tests.support.oracles.mutation_agreement import killing_disagreements, solver_disagreements

PROGRESS_SECONDS = 10


def main(wanted: int, first_seed: int) -> int:
    """Return the number of differences."""
    differences = 0
    started = told = time.monotonic()

    def progress(what: str, done: int) -> None:
        nonlocal told
        if time.monotonic() - told > PROGRESS_SECONDS:
            told = time.monotonic()
            print(f"{what}: {done:,} of {wanted:,} rulesets, {told - started:.0f} s", flush=True)

    for done, seed in enumerate(range(first_seed, first_seed + wanted)):
        progress("evaluators", done)
        for difference in disagreements(seed):
            differences += 1
            print(f"difference from the evaluators: seed {seed}, {difference}", flush=True)
    small = ((seed, made) for seed in itertools.count(first_seed) if (made := small_ruleset(seed)) is not None)
    for done, (seed, ruleset) in enumerate(itertools.islice(small, wanted)):
        progress("brute force", done)
        for difference in brute_force_differences(ruleset):
            differences += 1
            print(f"difference from brute force: seed {seed}, {difference}", flush=True)
        for difference in finding_differences(ruleset):
            differences += 1
            print(f"difference in what the check finds: seed {seed}, {difference}", flush=True)
    provable = (
        (seed, made)
        for seed in itertools.count(first_seed)
        if (made := proving_agreement.small_ruleset(seed)) is not None
    )
    for done, (seed, ruleset) in enumerate(itertools.islice(provable, wanted)):
        progress("proofs", done)
        for difference in proving_agreement.proving_differences(ruleset, seed):
            differences += 1
            print(f"difference of a proof: seed {seed}, {difference}", flush=True)
    lookable = (
        (seed, found) for seed in itertools.count(first_seed) if (found := solver_disagreements(seed)) is not None
    )
    for done, (seed, found) in enumerate(itertools.islice(lookable, wanted)):
        progress("mutants", done)
        for difference in (*found, *killing_disagreements(seed)):
            differences += 1
            print(f"difference of a mutant: seed {seed}, {difference}", flush=True)
    seconds = time.monotonic() - started
    print(f"{wanted:,} rulesets and {wanted:,} small ones, {differences} differences, {seconds:.0f} s", flush=True)
    return differences


if __name__ == "__main__":
    arguments = [int(argument) for argument in sys.argv[1:]]
    sys.exit(main(*(arguments + [1000, 0][len(arguments) :])) > 0)

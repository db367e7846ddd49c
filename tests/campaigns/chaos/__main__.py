"""Seeded faults against real processes: `python -m tests.campaigns.chaos [--schedules 50] [--reports 2000] ...`.

The same seed gives the same reports and the same schedule of faults; the interleaving of processes is new each time.
Exits with 1 if any promise was broken; the run's folder is kept then.
"""

from __future__ import annotations

import argparse
import multiprocessing
import sys
from concurrent.futures import ProcessPoolExecutor, as_completed

from tests.campaigns.chaos import telling
from tests.campaigns.chaos.running import Outcome
from tests.campaigns.chaos.seeds import one


def main() -> int:
    """Return 1 if a promise was broken."""
    asked = argparse.ArgumentParser(prog="python -m tests.campaigns.chaos", description=__doc__)
    asked.add_argument("--schedules", type=int, default=50)
    asked.add_argument("--reports", type=int, default=2_000)
    asked.add_argument("--faults", type=int, default=18)
    asked.add_argument("--first-seed", type=int, default=1)
    asked.add_argument("--at-once", type=int, default=1, help="runs at the same time")
    said = asked.parse_args()
    outcomes: list[Outcome] = []
    print(telling.HEAD, flush=True)
    with ProcessPoolExecutor(said.at_once, mp_context=multiprocessing.get_context("spawn")) as pool:
        seeds = range(said.first_seed, said.first_seed + said.schedules)
        for run_of_seed in as_completed([pool.submit(one, seed, said.reports, said.faults) for seed in seeds]):
            outcomes.append(run_of_seed.result())
            print(telling.line(outcomes[-1]), flush=True)
            for violation in outcomes[-1].violations:
                print(f"seed {outcomes[-1].seed}: {violation}", file=sys.stderr, flush=True)
    print(f"\n{telling.faults(outcomes)}\n\n{telling.summary(outcomes)}")
    return int(any(outcome.violations for outcome in outcomes))


if __name__ == "__main__":
    sys.exit(main())

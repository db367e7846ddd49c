"""The run of a seed of the campaign."""

from __future__ import annotations

import shutil
import sys
import tempfile
from pathlib import Path

from tests.campaigns.chaos.reports import glass_test, red_dots
from tests.campaigns.chaos.running import Outcome, run

RED_DOTS_EVERY = 10


def one(seed: int, reports: int, faults: int) -> Outcome:
    """Run a seed in its own folder, which is kept if a promise was broken."""
    posting = red_dots() if seed % RED_DOTS_EVERY == 0 else glass_test()
    folder = Path(tempfile.mkdtemp(prefix=f"chaos-{seed}-"))
    outcome = run(seed, posting, reports, faults, folder, poison=1 + seed % 2)
    if outcome.violations:
        print(f"seed {seed}: logs are in {folder}", file=sys.stderr, flush=True)
    else:
        shutil.rmtree(folder)
    return outcome

"""Post more reports than the workers can process: `python -m tests.campaigns.overload [--queued 10000] [--seconds 90] ...`.

Exits with 1 if urgent reports waited too long, if memory grew without bound, or if anything was lost or stayed behind.
"""

from __future__ import annotations

import argparse
import shutil
import sys
import tempfile
from pathlib import Path

from tests.campaigns.chaos.reports import glass_test, red_dots
from tests.campaigns.overload.loading import Plan, run


def main() -> int:
    """Return 1 if a promise was broken."""
    asked = argparse.ArgumentParser(prog="python -m tests.campaigns.overload", description=__doc__)
    asked.add_argument("--queued", type=int, default=10_000, help="others that wait before urgent ones are posted")
    asked.add_argument("--seconds", type=int, default=90, help="how long the load goes on then")
    asked.add_argument("--age", type=int, default=90, help="TRIAGE_MAX_QUEUE_AGE_SECONDS")
    asked.add_argument("--urgent", type=float, default=5.0, help="urgent reports a second")
    asked.add_argument("--ruleset", choices=["red-dots", "glass-test"], default="red-dots")
    said = asked.parse_args()
    folder = Path(tempfile.mkdtemp(prefix="overload-"))
    posting = red_dots() if said.ruleset == "red-dots" else glass_test()
    outcome = run(Plan(posting, said.queued, said.seconds, said.age, said.urgent), folder)
    print(outcome.table(), flush=True)
    for violation in outcome.violations:
        print(violation, file=sys.stderr)
    if outcome.violations:
        print(f"logs are in {folder}", file=sys.stderr)
    else:
        shutil.rmtree(folder)
    return int(bool(outcome.violations))


if __name__ == "__main__":
    sys.exit(main())

"""Measure what a power cut loses under each fsync policy: `python -m tests.campaigns.power_cut [CUTS]`. Exits with 1 if `always` lost any."""

from __future__ import annotations

import sys
import tempfile
from pathlib import Path
from random import Random

from tests.campaigns.power_cut.cutting import cut, unsynced


def main(cuts: int) -> int:
    """Return 1 if `always` lost a report."""
    random, lost_always = Random(1), 0
    print(
        "| appendfsync | cuts | answered | lost | cuts that lost | longest window |\n|---|---|---|---|---|---|",
        flush=True,
    )
    with tempfile.TemporaryDirectory() as folder:
        library = unsynced(Path(folder))
        for policy in ("always", "everysec"):
            found = []
            for number in range(cuts):
                data = Path(folder) / f"{policy}-{number}"
                data.mkdir()
                found.append(cut(data, library, policy, random.uniform(0.3, 2.0)))
            lost = sum(one.lost for one in found)
            lost_always += lost if policy == "always" else 0
            longest = max(one.window_s for one in found)
            losing = sum(one.lost > 0 for one in found)
            print(
                f"| {policy} | {cuts} | {sum(one.told for one in found):,} | {lost:,} | {losing} | {longest:.2f} s |",
                flush=True,
            )
    return int(lost_always > 0)


if __name__ == "__main__":
    sys.exit(main(int(sys.argv[1]) if len(sys.argv) > 1 else 20))

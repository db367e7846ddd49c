"""Profile the functions of a decision: `python -m benchmarks.profiling [made RULES | red-dots]`."""

from __future__ import annotations

import cProfile
import pstats
import sys

from benchmarks.engines.ours import Ours
from benchmarks.posting import red_dots
from benchmarks.rulesets import Shape, make_reports, make_ruleset

SHOWN = 40
DECISIONS = 500


def main(asked: list[str]) -> None:
    """Print the functions that take longest by themselves."""
    if asked[:1] == ["made"]:
        ruleset = make_ruleset(Shape(int(asked[1]), 2))
        reports = make_reports(ruleset, DECISIONS, 0.2)
    else:
        posting = red_dots(DECISIONS)
        ruleset, reports = posting.ruleset, list(posting.answers)
    engine = Ours(ruleset)
    engine.decide(reports[:1])
    profile = cProfile.Profile()
    profile.runcall(engine.seconds, reports)
    pstats.Stats(profile).strip_dirs().sort_stats("tottime").print_stats(SHOWN)


if __name__ == "__main__":
    main(sys.argv[1:])

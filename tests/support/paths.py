"""Places in the repository that tests read."""

from __future__ import annotations

from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
RED_DOTS = ROOT / "rulesets/red-dots"
GLASS_TEST = ROOT / "tests/acceptance/rulesets/glass-test"
"""The small ruleset of the tests: two rules, loaded in milliseconds."""
SAMPLES = sorted((RED_DOTS / "samples").glob("*.json"))

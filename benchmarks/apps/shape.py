"""The made ruleset that whole builds are compared with: 60 rules, half of them chained on the other half."""

from __future__ import annotations

from benchmarks.rulesets import Shape

SHAPE = Shape(60, 2)

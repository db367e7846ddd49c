"""The generated ruleset for comparing whole builds: 60 rules, half of them chained to the other half."""

from __future__ import annotations

from benchmarks.rulesets import Shape

SHAPE = Shape(60, 2)

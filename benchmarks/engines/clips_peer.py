"""clipspy: CLIPS with one fact for the report, a slot for each finding; each rule asserts that it fired.

A fact for each answer, and a report asserted as text, both took several times as long.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterator

import clips

from benchmarks.engines.conditions import SIGNS
from benchmarks.engines.contender import Decided, InProcess
from triage_rules.language.model import All, Answers, Any, Compare, Condition, Inferred, Not, OneOf, Ruleset, Yes


class Clips(InProcess):
    """An environment, reset for each report. Open inputs are `nil`, the slots' default."""

    name = "clipspy"

    def __init__(self, ruleset: Ruleset) -> None:
        super().__init__(ruleset)
        words = {choice.value for asked in ruleset.inputs.values() for choice in asked.choices}
        self._symbols = {word: clips.Symbol(word) for word in words}
        self._environment = clips.Environment()
        slots = " ".join(f"(slot {name} (default nil))" for name in ruleset.inputs)
        self._environment.build(f"(deftemplate report {slots})")
        self._environment.build("(deftemplate fired (slot rule))")
        for rule in ruleset.rules.values():
            says = f" (assert (says {rule.infers}))" if rule.infers else ""
            patterns = " ".join(_patterns(rule.when, map("?v{}".format, itertools.count())))
            self._environment.build(f"(defrule {rule.id} {patterns} => (assert (fired (rule {rule.id}))){says})")
        self._report = self._environment.find_template("report")
        self._fired = self._environment.find_template("fired")

    def run(self, answers: Answers) -> list[str]:
        symbols = self._symbols
        self._environment.reset()
        self._report.assert_fact(**{n: symbols[v] if isinstance(v, str) else v for n, v in answers.items()})
        self._environment.run()
        return [fact["rule"] for fact in self._fired.facts()]

    def read(self, answer: list[str]) -> Decided:
        return self.from_rules(map(str, answer))


def _patterns(condition: Condition, names: Iterator[str]) -> Iterator[str]:
    """Return the patterns: one for each statement and alternative, and one on the report for the rest.

    `names`: variable names, each used once in a rule.
    """
    parts = condition.parts if isinstance(condition, All) else (condition,)
    slots = []
    for part in parts:
        match part:
            case Inferred(name):
                yield f"(says {name})"
            case Any(either):
                yield f"(or {' '.join(pattern for one in either for pattern in _patterns(one, names))})"
            case _:
                slots.append(_slot(part, names))
    if slots:
        yield f"(report {' '.join(slots)})"


def _slot(leaf: Condition, names: Iterator[str]) -> str:
    match leaf:
        case Yes(finding):
            return f"({finding} TRUE)"
        case Not(Yes(finding)):
            return f"({finding} FALSE)"
        case OneOf(finding, values):
            return f"({finding} {'|'.join(values)})"
        case Compare(finding, op, limit):
            name = next(names)
            return f"({finding} {name}&:(and (numberp {name}) ({SIGNS[op]} {name} {limit})))"
        case _:
            raise ValueError(f"no made ruleset has a {type(leaf).__name__}")

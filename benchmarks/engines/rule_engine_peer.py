"""rule-engine: each rule an expression, parsed once; the second layer over the report with the statements added."""

from __future__ import annotations

from typing import Any

import rule_engine

from benchmarks.engines.conditions import SIGNS, Words
from benchmarks.engines.contender import Decided, InProcess
from triage_rules.language.model import Answers, Ruleset

WORDS = Words(
    # a comparison with null raises
    compare=lambda leaf: f"{leaf.input} != null and {leaf.input} {SIGNS[leaf.op]} {leaf.limit}",
    yes=lambda finding: finding,
    no=lambda finding: f"{finding} == false",
)


class RuleEngine(InProcess):
    """An engine: a call of `matches` for each rule. Open inputs are null, because resolving a missing name is slow."""

    name = "rule-engine"

    def __init__(self, ruleset: Ruleset) -> None:
        super().__init__(ruleset)
        self._open: dict[str, Any] = dict.fromkeys([*ruleset.inputs, *ruleset.inferences])
        rules = [(rule, rule_engine.Rule(WORDS.write(rule.when))) for rule in ruleset.rules.values()]
        self._first = [(rule.id, rule.infers, made.matches) for rule, made in rules if rule.infers]
        self._then = [(rule.id, made.matches) for rule, made in rules if not rule.infers]

    def run(self, answers: Answers) -> list[str]:
        facts = {**self._open, **answers}
        fired = []
        stated: dict[str, Any] = {}
        for name, statement, matches in self._first:
            if matches(facts):
                fired.append(name)
                stated[statement] = True
        facts |= stated
        fired += [name for name, matches in self._then if matches(facts)]
        return fired

    def read(self, answer: list[str]) -> Decided:
        return self.from_rules(answer)

"""A ruleset translated into durable-rules' dictionary: pure, no engine in it.

Four signals can stand for a statement, and each is a positive formula over literals that fire only on an answer:

    NOW, true         established                      CERTAIN, true    true whatever is still answered
    NOW, false        ruled out                        CERTAIN, false   never true, whatever is still answered

`not` changes the side and so ends at the findings. The possible rail is what is not CERTAIN false: if the
engine lost a firing there, the level that could still come would be too high, not too low. Without `open` and
`unless` beneath it, a statement's CERTAIN is its NOW.

A signal is put into disjunctive form. Each term is one durable rule, a plain conjunction on one message: no
`$or`, no joins. Terms are dealt onto pages; a page's message holds the fields its terms read, earlier signals
among them. A page has at most PAGE_TERMS terms, which bounds the engine's stack of 64 for every possible report.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

from triage_rules.compiling.formulas import Mode, Signal
from triage_rules.compiling.lowering import GREATEST, LEAST, Lowering, refuse_limits
from triage_rules.compiling.pages import Page, Part, apart, deal, write
from triage_rules.errors import EngineLimitError
from triage_rules.rails import SOONER, Rails, outcome_key
from triage_rules.ruleset import Findings, Ruleset, Value


@dataclass(frozen=True, slots=True)
class Compiled:
    """What the engine runs.

    rules: durable-rules' dictionary. pages: in the order to run them. terms: durable rule name -> signal number.
    established, possible, certain: (key, the number of the signal that decides it; for possible, by being false).
    choices: finding -> value -> its place; the engine compares text in ways that we don't rely on.
    """

    name: str
    rules: dict[str, object]
    pages: tuple[Page, ...]
    terms: dict[str, int]
    signals: tuple[Signal, ...]
    established: tuple[tuple[str, int], ...]
    possible: tuple[tuple[str, int], ...]
    certain: tuple[tuple[str, int], ...]
    choices: dict[str, dict[str, int]]

    def parts(self) -> list[Part]:
        """The rules as one ruleset of the engine, or as several if they are too many for one."""
        return apart(self.rules)

    def facts(self, findings: Findings) -> Findings:
        """The findings as the engine gets them: a choice by its place, a number within what it can read."""
        facts: Findings = {}
        for name, value in findings.items():
            if isinstance(value, str):
                facts[name] = self.choices[name][value]
            elif isinstance(value, float):
                facts[name] = math.copysign(min(max(abs(value), LEAST), GREATEST), value) if value else 0
            else:
                facts[name] = min(max(value, -GREATEST), GREATEST)
        return facts

    def message(self, page: Page, facts: Findings, truths: list[bool]) -> dict[str, Value]:
        """The page's message for a report: answered fields, what is open, and earlier signals."""
        message: dict[str, Value] = {"page": page.number}
        for finding, name in page.findings:
            if finding in facts:
                message[name] = facts[finding]
        for finding, name in page.opens:
            message[name] = finding not in facts
        for number, name in page.signals:
            message[name] = truths[number]
        return message

    def rails(self, truths: list[bool]) -> Rails:
        """The rails that the signals' truths (by number) amount to."""
        return Rails(
            established=frozenset(key for key, number in self.established if truths[number]),
            possible=frozenset(key for key, number in self.possible if not truths[number]),
            certain=frozenset(key for key, number in self.certain if truths[number]),
        )


def compile_ruleset(ruleset: Ruleset, name: str) -> Compiled:
    """Translate. `name` is what the engine registers. Raises EngineLimitError if it can't hold the ruleset."""
    refuse_limits(ruleset)
    lowering = Lowering(ruleset)
    wanted = _wanted(ruleset)
    try:
        for rail in wanted.values():
            for key, (mode, side) in rail.items():
                lowering.need(lowering.signal(key, mode, side))
    except EngineLimitError as error:
        raise EngineLimitError(f"`{lowering.within[-1]}`: {error}") from None
    formulas = lowering.formulas
    number = {signal: i for i, signal in enumerate(formulas)}
    rules, pages, terms = write(deal(formulas), number)
    outputs = {
        rail: tuple((key, number[lowering.signal(key, mode, side)]) for key, (mode, side) in keys.items())
        for rail, keys in wanted.items()
    }
    choices = lowering.choices
    return Compiled(
        name=name, rules=rules, pages=pages, terms=terms, signals=tuple(formulas), choices=choices, **outputs
    )


def _wanted(ruleset: Ruleset) -> dict[str, dict[str, tuple[Mode, bool]]]:
    """The rails to answer: rail -> key -> which side of which mode decides it."""
    outcomes = [
        outcome_key(rule.id, index) for rule in ruleset.rules_and_floors for index in range(max(1, len(rule.outcomes)))
    ]
    sooner = [SOONER] if ruleset.validity.sooner is not None else []
    return {
        "established": dict.fromkeys([*ruleset.inferences, *outcomes, *ruleset.conflicts], (Mode.NOW, True)),
        "possible": dict.fromkeys([*outcomes, *sooner], (Mode.CERTAIN, False)),
        "certain": dict.fromkeys(outcomes, (Mode.CERTAIN, True)),
    }

"""Conditions into formulas: `not` pushed to the findings, `at_least` written out, statements as signals."""

from __future__ import annotations

import itertools
import math
from collections.abc import Iterable

from triage_rules.evaluation.compiling.formulas import (
    ALWAYS,
    LITERALS_LIMIT,
    NEVER,
    TERM_LITERALS,
    TERMS_LIMIT,
    Answered,
    Derived,
    Equality,
    Formula,
    Mode,
    OpenIs,
    Signal,
    disjoin,
    least,
    single,
)
from triage_rules.evaluation.signals import SOONER, outcome_key
from triage_rules.foundation.errors import EngineLimitError
from triage_rules.language.model import (
    MAX_NUMBER,
    All,
    Any,
    AtLeast,
    Compare,
    Condition,
    Inference,
    Inferred,
    IsOpen,
    Not,
    OneOf,
    Op,
    Ruleset,
    Unless,
    Yes,
)

PRODUCT_LIMIT = 12
"""A conjunction that would become more terms than this gets a signal of its own for a part of it."""

COMBINATIONS_LIMIT = 500
"""Ways to choose `at_least` many parts that we are ready to write out."""

NESTING_LIMIT = 150
"""Conditions one beneath the other, through the statements; the evaluators and explanations go down as deep."""

OWN_NESTING_LIMIT = 40
"""Conditions one beneath the other within one statement: written out as Python, they are as deep in brackets."""

STEPS_LIMIT = 50_000
"""Steps of one rule's explanation, in which each statement is explained wherever it is used."""

GREATEST = MAX_NUMBER
LEAST = 1e-12
"""The engine can't read exponents. Magnitudes beyond these are given to it as these; no limit lies beyond them."""

OPPOSITE = {
    Op.AT_LEAST: Op.LESS_THAN,
    Op.LESS_THAN: Op.AT_LEAST,
    Op.AT_MOST: Op.MORE_THAN,
    Op.MORE_THAN: Op.AT_MOST,
}


def statements(ruleset: Ruleset) -> dict[str, Condition]:
    """Every statement of the ruleset by key. A raised outcome needs its rule as well as its own condition."""
    found = {name: _definition(ruleset, inference) for name, inference in ruleset.inferences.items()}
    for rule in ruleset.rules_and_floors:
        for index, outcome in enumerate(rule.outcomes):
            own = rule.when if index == 0 else Inferred(rule.id)
            parts = own if outcome.when is None else All((own, outcome.when))
            found[outcome_key(rule.id, index)] = parts
        if not rule.outcomes:
            found[rule.id] = rule.when
    found |= {conflict.id: conflict.when for conflict in ruleset.conflicts.values()}
    if ruleset.validity.sooner is not None:
        found[SOONER] = ruleset.validity.sooner
    return found


def _definition(ruleset: Ruleset, inference: Inference) -> Condition:
    """A statement that rules alone infer is read off those rules' signals."""
    whens = tuple(ruleset.rules[rule].when for rule in inference.rules)
    if whens and inference.when in (Any(whens), *whens[: len(whens) == 1]):
        return Any(tuple(map(Inferred, inference.rules)))
    return inference.when


class Lowering:
    """Conditions into formulas, signal by signal, each after the ones it reads.

    within: the statements that are being lowered, the innermost last; after a refusal, where it happened.
    """

    def __init__(self, ruleset: Ruleset) -> None:
        self._conditions = statements(ruleset)
        self.choices = {
            name: {choice.value: place for place, choice in enumerate(asked.choices)}
            for name, asked in ruleset.inputs.items()
            if asked.choices
        }
        self._pure: dict[str, bool] = {}
        self.formulas: dict[Signal, Formula] = {}
        self._signals: dict[Formula, Signal] = {}
        self.within: list[str] = []
        self._terms = 0
        self._literals = 0

    def signal(self, statement: str, mode: Mode, side: bool) -> Signal:
        """The signal of a statement; without `open` or `unless` beneath it, CERTAIN is NOW."""
        return Signal(statement, Mode.NOW if self._is_pure(statement) else mode, side)

    def need(self, signal: Signal) -> None:
        """Make sure the signal has a formula."""
        if signal not in self.formulas:
            self.within.append(signal.statement)
            formula = self._lower(self._conditions[signal.statement], signal.mode, signal.side)
            self._keep(signal, formula)
            self.within.pop()

    def _keep(self, signal: Signal, formula: Formula) -> None:
        """Raises EngineLimitError once the ruleset has more terms than the engine takes, or one that is too long."""
        longest = max(map(len, formula), default=0)
        if longest > TERM_LITERALS:
            message = f"{longest} conditions in one conjunction are too many"
            raise EngineLimitError(f"{message}; the engine takes {TERM_LITERALS}: make statements of some of them")
        self._terms += len(formula)
        self._literals += sum(map(len, formula))
        if self._terms > TERMS_LIMIT or self._literals > LITERALS_LIMIT:
            message = (
                f"up to here the rules, written out, have {self._terms} alternatives of {self._literals} conditions"
            )
            raise EngineLimitError(f"{message}; the engine takes {TERMS_LIMIT} of {LITERALS_LIMIT}")
        self.formulas[signal] = formula
        self._signals.setdefault(formula, signal)

    def _is_pure(self, statement: str) -> bool:
        if statement not in self._pure:
            self._pure[statement] = all(
                self._is_pure(leaf.name) if isinstance(leaf, Inferred) else not isinstance(leaf, IsOpen | Unless)
                for leaf in _leaves(self._conditions[statement])
            )
        return self._pure[statement]

    def _derived(self, statement: str, mode: Mode, side: bool, value: bool = True) -> Formula:
        signal = self.signal(statement, mode, side)
        self.need(signal)
        return single(Derived(signal, value))

    def _lower(self, condition: Condition, mode: Mode, side: bool) -> Formula:
        match condition:
            case All(parts):
                lowered = [self._lower(part, mode, side) for part in parts]
                return self._conjoin(lowered) if side else disjoin(lowered)
            case Any(parts):
                lowered = [self._lower(part, mode, side) for part in parts]
                return disjoin(lowered) if side else self._conjoin(lowered)
            case AtLeast(count, parts):
                enough = count if side else len(parts) - count + 1
                return self._atleast(enough, [self._lower(part, mode, side) for part in parts])
            case Not(part):
                return self._lower(part, mode, not side)
            case Inferred(name):
                return self._derived(name, mode, side)
            case Unless(part):
                return self._unless(part, mode, side)
            case IsOpen(finding):
                if side and mode is Mode.CERTAIN:
                    return NEVER  # it may be answered yet
                return single(OpenIs(finding, side))
            case OneOf(finding, values):
                return self._one_of(finding, values, side)
            case Yes(finding):
                return single(Answered(finding, Equality.IS, side))
            case Compare(finding, op, limit):
                return single(Answered(finding, op if side else OPPOSITE[op], limit))

    def _unless(self, part: Inferred | Yes, mode: Mode, side: bool) -> Formula:
        """`unless` is the opposite of established: it reads the part's signal on the true side, answered or not."""
        if isinstance(part, Yes):
            answered = single(Answered(part.input, Equality.IS, not side))
            return answered | single(OpenIs(part.input, True)) if side and mode is Mode.NOW else answered
        if mode is Mode.NOW:
            return self._derived(part.name, Mode.NOW, True, value=not side)
        return self._derived(part.name, Mode.CERTAIN, not side)

    def _one_of(self, finding: str, values: tuple[str, ...], side: bool) -> Formula:
        places = [self.choices[finding][value] for value in values]
        if side:
            return disjoin([single(Answered(finding, Equality.IS, place)) for place in places])
        return frozenset({frozenset(Answered(finding, Equality.IS_NOT, place) for place in places)})

    def _conjoin(self, parts: list[Formula]) -> Formula:
        parts = [part for part in parts if part != ALWAYS]
        if NEVER in parts:
            return NEVER
        while math.prod(map(len, parts)) > PRODUCT_LIMIT and sum(len(part) > 1 for part in parts) > 1:
            widest = max(parts, key=len)
            parts[parts.index(widest)] = self._named(widest)
        return least(frozenset().union(*chosen) for chosen in itertools.product(*parts))

    def _atleast(self, count: int, parts: list[Formula]) -> Formula:
        if math.comb(len(parts), count) > COMBINATIONS_LIMIT:
            message = f"`at_least: {count}` of {len(parts)} parts can't be written out; split it into statements"
            raise EngineLimitError(message)
        if count == 1:
            return disjoin(parts)
        single = [self._named(part) if len(part) > 1 else part for part in parts]
        return disjoin([self._conjoin(list(chosen)) for chosen in itertools.combinations(single, count)])

    def _named(self, formula: Formula) -> Formula:
        """A literal that stands for the formula, by way of a signal of its own."""
        signal = self._signals.get(formula)
        if signal is None:
            signal = Signal(f"part {len(self.formulas)}", Mode.NOW, True)
            self._keep(signal, formula)
        return single(Derived(signal, True))


def refuse_limits(ruleset: Ruleset) -> None:
    """Limits that the engine would not read as written."""
    for leaf in _every_leaf(ruleset):
        if isinstance(leaf, Compare) and not (leaf.limit == 0 or LEAST * 1000 <= abs(leaf.limit) < GREATEST):
            raise EngineLimitError(f"the engine can't compare `{leaf.input}` with {leaf.limit}")
    depths: dict[str, int] = {}
    for name, inference in ruleset.inferences.items():
        depths[name] = _depth(inference.when, depths)
    steps: dict[str, int] = {}
    for name, inference in ruleset.inferences.items():
        steps[name] = _steps(inference.when, steps)
    for name, condition in statements(ruleset).items():
        if _depth(condition, {}) > OWN_NESTING_LIMIT:
            message = f"more than {OWN_NESTING_LIMIT} conditions within each other; make statements of some of them"
            raise EngineLimitError(f"`{name}`: {message}")
        if _depth(condition, depths) > NESTING_LIMIT:
            raise EngineLimitError(f"`{name}`: more than {NESTING_LIMIT} conditions build on each other")
        if _steps(condition, steps) > STEPS_LIMIT:
            raise EngineLimitError(f"`{name}`: explaining it could take more than {STEPS_LIMIT} steps")


def _depth(condition: Condition, depths: dict[str, int]) -> int:
    """Conditions one beneath the other. `depths`: of the statements that it may speak of."""
    match condition:
        case All(parts) | Any(parts) | AtLeast(_, parts):
            return 1 + max((_depth(part, depths) for part in parts), default=0)
        case Not(part) | Unless(part):
            return 1 + _depth(part, depths)
        case Inferred(name):
            return 1 + depths.get(name, 0)
        case _:
            return 1


def _steps(condition: Condition, steps: dict[str, int]) -> int:
    """Steps of its explanation, written out, at most. `steps`: of the statements that it may speak of."""
    found = 0
    for leaf in _leaves(condition):
        match leaf:
            case Inferred(name) | Unless(Inferred(name)):
                found += 1 + steps.get(name, 0)
            case _:
                found += 1
    return found


def _every_leaf(ruleset: Ruleset) -> Iterable[Condition]:
    for condition in statements(ruleset).values():
        yield from _leaves(condition)


def _leaves(condition: Condition) -> Iterable[Condition]:
    match condition:
        case All(parts) | Any(parts) | AtLeast(_, parts):
            for part in parts:
                yield from _leaves(part)
        case Not(part):
            yield from _leaves(part)
        case _:
            yield condition

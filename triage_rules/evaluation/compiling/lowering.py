"""Lowering of conditions to formulas: `not` pushed into the literals, `at_least` written out, statements as signals."""

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
"""Maximum number of terms in a conjunction before a part of it gets a signal of its own."""

COMBINATIONS_LIMIT = 500
"""Maximum number of ways to choose the parts of an `at_least` that are written out."""

NESTING_LIMIT = 150
"""Maximum number of conditions nested through statements; evaluators and explanations recurse as deep."""

OWN_NESTING_LIMIT = 40
"""Maximum number of conditions nested within a statement: written as Python, they are nested brackets."""

STEPS_LIMIT = 50_000
"""Maximum number of steps in a rule's explanation, which explains a statement at each of its uses."""

GREATEST = MAX_NUMBER
LEAST = 1e-12
"""Limits of magnitude. The engine can't read exponents; values beyond are clamped, and no limit lies beyond."""

OPPOSITE = {
    Op.AT_LEAST: Op.LESS_THAN,
    Op.LESS_THAN: Op.AT_LEAST,
    Op.AT_MOST: Op.MORE_THAN,
    Op.MORE_THAN: Op.AT_MOST,
}


def statements(ruleset: Ruleset) -> dict[str, Condition]:
    """Return every statement of the ruleset by key. A raised outcome needs its rule and its own condition."""
    conditions = {name: _define(ruleset, inference) for name, inference in ruleset.inferences.items()}
    for rule in ruleset.rules_and_floors:
        for index, outcome in enumerate(rule.outcomes):
            when = rule.when if index == 0 else Inferred(rule.id)
            condition = when if outcome.when is None else All((when, outcome.when))
            conditions[outcome_key(rule.id, index)] = condition
        if not rule.outcomes:
            conditions[rule.id] = rule.when
    conditions |= {conflict.id: conflict.when for conflict in ruleset.conflicts.values()}
    if ruleset.validity.sooner is not None:
        conditions[SOONER] = ruleset.validity.sooner
    return conditions


def _define(ruleset: Ruleset, inference: Inference) -> Condition:
    """Return an inference's condition; if only rules infer it, it is read from those rules' signals."""
    whens = tuple(ruleset.rules[rule].when for rule in inference.rules)
    if whens and inference.when in (Any(whens), *whens[: len(whens) == 1]):
        return Any(tuple(map(Inferred, inference.rules)))
    return inference.when


class Lowering:
    """Lowers conditions to formulas, signal by signal, each after the signals that it reads.

    within: statements being lowered, the innermost last; after an error, where it happened.
    """

    def __init__(self, ruleset: Ruleset) -> None:
        self._conditions = statements(ruleset)
        self.choices = {
            name: {choice.value: place for place, choice in enumerate(read.choices)}
            for name, read in ruleset.inputs.items()
            if read.choices
        }
        self._pure: dict[str, bool] = {}
        self.formulas: dict[Signal, Formula] = {}
        self._signals: dict[Formula, Signal] = {}
        self.within: list[str] = []
        self._terms = 0
        self._literals = 0

    def signal(self, statement: str, mode: Mode, side: bool) -> Signal:
        """Return the signal of a statement; without `open` or `unless` beneath it, CERTAIN is NOW."""
        return Signal(statement, Mode.NOW if self._is_pure(statement) else mode, side)

    def need(self, signal: Signal) -> None:
        """Make the signal's formula if it has none."""
        if signal not in self.formulas:
            self.within.append(signal.statement)
            formula = self._lower(self._conditions[signal.statement], signal.mode, signal.side)
            self._keep(signal, formula)
            self.within.pop()

    def _keep(self, signal: Signal, formula: Formula) -> None:
        """Keep a formula. Raises EngineLimitError if it, or the ruleset so far, exceeds what the engine holds."""
        longest = max(map(len, formula), default=0)
        if longest > TERM_LITERALS:
            message = f"{longest} conditions in one conjunction are too many"
            raise EngineLimitError(f"{message}; the engine takes {TERM_LITERALS}: move some of them into statements")
        self._terms += len(formula)
        self._literals += sum(map(len, formula))
        if self._terms > TERMS_LIMIT or self._literals > LITERALS_LIMIT:
            message = f"the rules so far, written out, have {self._terms} alternatives with {self._literals} conditions"
            raise EngineLimitError(f"{message}; the engine takes {TERMS_LIMIT} with {LITERALS_LIMIT}")
        self.formulas[signal] = formula
        self._signals.setdefault(formula, signal)

    def _is_pure(self, statement: str) -> bool:
        if statement not in self._pure:
            self._pure[statement] = all(
                self._is_pure(leaf.name) if isinstance(leaf, Inferred) else not isinstance(leaf, IsOpen | Unless)
                for leaf in _leaves(self._conditions[statement])
            )
        return self._pure[statement]

    def _derive(self, statement: str, mode: Mode, side: bool, value: bool = True) -> Formula:
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
                return self._choose(enough, [self._lower(part, mode, side) for part in parts])
            case Not(part):
                return self._lower(part, mode, not side)
            case Inferred(name):
                return self._derive(name, mode, side)
            case Unless(part):
                return self._lower_unless(part, mode, side)
            case IsOpen(name):
                if side and mode is Mode.CERTAIN:
                    return NEVER  # an answer may still come
                return single(OpenIs(name, side))
            case OneOf(name, values):
                return self._lower_one_of(name, values, side)
            case Yes(name):
                return single(Answered(name, Equality.IS, side))
            case Compare(name, op, limit):
                return single(Answered(name, op if side else OPPOSITE[op], limit))

    def _lower_unless(self, part: Inferred | Yes, mode: Mode, side: bool) -> Formula:
        """Lower `unless`, the opposite of established, by the part's signal on the true side, answered or not."""
        if isinstance(part, Yes):
            answered = single(Answered(part.input, Equality.IS, not side))
            return answered | single(OpenIs(part.input, True)) if side and mode is Mode.NOW else answered
        if mode is Mode.NOW:
            return self._derive(part.name, Mode.NOW, True, value=not side)
        return self._derive(part.name, Mode.CERTAIN, not side)

    def _lower_one_of(self, name: str, values: tuple[str, ...], side: bool) -> Formula:
        places = [self.choices[name][value] for value in values]
        if side:
            return disjoin([single(Answered(name, Equality.IS, place)) for place in places])
        return frozenset({frozenset(Answered(name, Equality.IS_NOT, place) for place in places)})

    def _conjoin(self, parts: list[Formula]) -> Formula:
        parts = [part for part in parts if part != ALWAYS]
        if NEVER in parts:
            return NEVER
        while math.prod(map(len, parts)) > PRODUCT_LIMIT and sum(len(part) > 1 for part in parts) > 1:
            widest = max(parts, key=len)
            parts[parts.index(widest)] = self._name_part(widest)
        return least(frozenset().union(*chosen) for chosen in itertools.product(*parts))

    def _choose(self, count: int, parts: list[Formula]) -> Formula:
        if math.comb(len(parts), count) > COMBINATIONS_LIMIT:
            message = f"`at_least: {count}` of {len(parts)} parts can't be written out; split it into statements"
            raise EngineLimitError(message)
        if count == 1:
            return disjoin(parts)
        single = [self._name_part(part) if len(part) > 1 else part for part in parts]
        return disjoin([self._conjoin(list(chosen)) for chosen in itertools.combinations(single, count)])

    def _name_part(self, formula: Formula) -> Formula:
        """Return a literal that stands for the formula, through a signal of its own."""
        signal = self._signals.get(formula)
        if signal is None:
            signal = Signal(f"part {len(self.formulas)}", Mode.NOW, True)
            self._keep(signal, formula)
        return single(Derived(signal, True))


def refuse_limits(ruleset: Ruleset) -> None:
    """Raise EngineLimitError for numbers that the engine misreads, and for conditions nested too deeply."""
    for leaf in _all_leaves(ruleset):
        if isinstance(leaf, Compare) and not (leaf.limit == 0 or LEAST * 1000 <= abs(leaf.limit) < GREATEST):
            raise EngineLimitError(f"the engine can't compare `{leaf.input}` with {leaf.limit}")
    depths: dict[str, int] = {}
    for name, inference in ruleset.inferences.items():
        depths[name] = _measure_depth(inference.when, depths)
    steps: dict[str, int] = {}
    for name, inference in ruleset.inferences.items():
        steps[name] = _count_steps(inference.when, steps)
    for name, condition in statements(ruleset).items():
        if _measure_depth(condition, {}) > OWN_NESTING_LIMIT:
            message = f"more than {OWN_NESTING_LIMIT} conditions within each other; move some of them into statements"
            raise EngineLimitError(f"`{name}`: {message}")
        if _measure_depth(condition, depths) > NESTING_LIMIT:
            raise EngineLimitError(f"`{name}`: more than {NESTING_LIMIT} conditions build on each other")
        if _count_steps(condition, steps) > STEPS_LIMIT:
            raise EngineLimitError(f"`{name}`: explaining it could take more than {STEPS_LIMIT} steps")


def _measure_depth(condition: Condition, depths: dict[str, int]) -> int:
    """Count the levels of nested conditions. `depths`: of the statements that it may use."""
    match condition:
        case All(parts) | Any(parts) | AtLeast(_, parts):
            return 1 + max((_measure_depth(part, depths) for part in parts), default=0)
        case Not(part) | Unless(part):
            return 1 + _measure_depth(part, depths)
        case Inferred(name):
            return 1 + depths.get(name, 0)
        case _:
            return 1


def _count_steps(condition: Condition, steps: dict[str, int]) -> int:
    """Count the steps of its explanation, at most. `steps`: of the statements that it may use."""
    total = 0
    for leaf in _leaves(condition):
        match leaf:
            case Inferred(name) | Unless(Inferred(name)):
                total += 1 + steps.get(name, 0)
            case _:
                total += 1
    return total


def _all_leaves(ruleset: Ruleset) -> Iterable[Condition]:
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

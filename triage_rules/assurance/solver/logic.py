"""Boolean formulas in one solver context: kept small, shared, and named."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import TypeAlias

import z3

from triage_rules.assurance.solver import z3_terms

Formula: TypeAlias = z3.BoolRef
"""Formula that is true or false of a report."""


class Logic:
    """Maker of formulas. Formulas of the same Logic may be combined, in any thread but in only one at a time.

    `facts`: formulas that hold of every report; the list only grows.
    """

    def __init__(self) -> None:
        self.context = z3.Context()
        self.true: Formula = z3.BoolVal(True, self.context)
        self.false: Formula = z3.BoolVal(False, self.context)
        self.facts: list[Formula] = []
        self._named: dict[int, tuple[Formula, Formula]] = {}
        self._definitions: dict[int, tuple[Formula, Formula]] = {}
        self._true, self._false = self.true.get_id(), self.false.get_id()

    def is_true(self, formula: Formula) -> bool:
        """Return whether the formula is the constant `true`."""
        return bool(formula.get_id() == self._true)

    def is_false(self, formula: Formula) -> bool:
        """Return whether the formula is the constant `false`."""
        return bool(formula.get_id() == self._false)

    def variable(self, name: str) -> Formula:
        """Make a new variable without definition. `name` is for people; variables of the same name are distinct."""
        return z3.FreshBool(name, self.context)

    def all_of(self, parts: Iterable[Formula]) -> Formula:
        """Return a formula that is true if every part is."""
        kept = self._without(self._true, parts)
        if self._false in kept:
            return self.false
        return _join(z3_terms.conjunction, kept, self.true)

    def any_of(self, parts: Iterable[Formula]) -> Formula:
        """Return a formula that is true if some part is."""
        kept = self._without(self._false, parts)
        if self._true in kept:
            return self.true
        return _join(z3_terms.disjunction, kept, self.false)

    def opposite(self, part: Formula) -> Formula:
        """Return a formula that is true if the part is false."""
        if part.get_id() == self._true:
            return self.false
        if part.get_id() == self._false:
            return self.true
        return part.arg(0) if z3.is_not(part) else z3_terms.negation(part)

    def at_least(self, count: int, parts: list[Formula]) -> Formula:
        """Return a formula that is true if `count` or more of the parts are; a repeated part counts each time."""
        count -= sum(part.get_id() == self._true for part in parts)
        left = [part for part in parts if part.get_id() not in {self._true, self._false}]
        if count <= 0:
            return self.true
        if count > len(left):
            return self.false
        if count == 1:
            return self.any_of(left)
        if count == len(left):
            return self.all_of(left)
        return z3.PbGe([(part, 1) for part in left], count)

    def same(self, first: Formula, second: Formula) -> Formula:
        """Return a formula that is true if both are true or both are false."""
        return self.true if first.eq(second) else z3_terms.equality(first, second)

    def named(self, formula: Formula, name: str = "asked") -> Formula:
        """Return a variable that is true when the formula is, always the same one; a literal stays as it is."""
        known = self._named.get(formula.get_id())
        if known is None:
            literal = formula if z3.is_const(formula.arg(0) if z3.is_not(formula) else formula) else self.variable(name)
            if literal is not formula:
                self._definitions[literal.get_id()] = (literal, formula)
            known = self._named[formula.get_id()] = (literal, formula)  # kept: a freed formula's id could be reused
        return known[0]

    def defined(self, number: int) -> tuple[Formula, Formula] | None:
        """Return the variable with this number (`get_id`) and its definition; None if it has none."""
        return self._definitions.get(number)

    def _without(self, neutral: int, parts: Iterable[Formula]) -> dict[int, Formula]:
        by_id = {part.get_id(): part for part in parts}
        by_id.pop(neutral, None)
        return by_id


def _join(connective: Callable[[Sequence[Formula]], Formula], parts: dict[int, Formula], nothing: Formula) -> Formula:
    """Join the parts in the order of their making, so that the same parts make the same formula."""
    if len(parts) <= 1:
        return next(iter(parts.values()), nothing)
    return connective([parts[number] for number in sorted(parts)])

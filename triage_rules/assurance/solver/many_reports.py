"""Formulas evaluated in many reports at once: a truth is a whole number with a bit for each report."""

from __future__ import annotations

from collections.abc import Callable

import z3

from triage_rules.assurance.solver.logic import Formula, Logic

Truths = int
"""The reports in which something is true, as bits."""


class ManyReports:
    """Evaluator of the formulas of one Logic. Each formula is taken apart once, however often it is evaluated."""

    def __init__(self, logic: Logic) -> None:
        self._logic = logic
        self._steps: dict[int, list[_Step]] = {}

    def truths(self, formula: Formula, known: dict[int, Truths], every: Truths) -> Truths:
        """Return the reports in which the formula is true, and add the parts to `known`.

        known: the reports in which each variable (`get_id`) is true; a variable that is missing is never true.
        every: all reports.
        """
        number = formula.get_id()
        if number not in self._steps:
            self._steps[number] = self._take_apart(formula)
        for step in self._steps[number]:
            if step.number not in known:
                known[step.number] = step.evaluate([known[part] for part in step.parts], every)
        return known[number]

    def _take_apart(self, formula: Formula) -> list[_Step]:
        """Return the steps to the formula's value, each after those of its parts."""
        steps: dict[int, _Step] = {}
        waiting = [formula]
        while waiting:
            part = waiting[-1]
            inner = self._parts(part)
            missing = [each for each in inner if each.get_id() not in steps]
            if missing:
                waiting += missing
                continue
            waiting.pop()
            steps.setdefault(part.get_id(), _Step(part, inner))
        return list(steps.values())

    def _parts(self, formula: Formula) -> list[Formula]:
        defined = self._logic.defined(formula.get_id())
        return list(formula.children()) if defined is None else [defined[1]]


class _Step:
    """One formula: how its value follows from those of its parts."""

    def __init__(self, formula: Formula, parts: list[Formula]) -> None:
        self.formula = formula  # kept: a freed formula's id could be reused
        self.number = formula.get_id()
        self.parts = [part.get_id() for part in parts]
        kind = formula.decl().kind()
        self._least = formula.decl().params()[0] if kind in _COUNTS else 0
        self.evaluate = self._at_least if kind in _COUNTS else _OPERATIONS[kind]

    def _at_least(self, parts: list[Truths], every: Truths) -> Truths:
        """Return where so many parts or more are true."""
        reached = [every, *[0] * self._least]
        for part in parts:
            for count in range(self._least, 0, -1):
                reached[count] |= reached[count - 1] & part
        return reached[self._least]


def _all(parts: list[Truths], every: Truths) -> Truths:
    for part in parts:
        every &= part
    return every


def _any(parts: list[Truths], _every: Truths) -> Truths:
    truths = 0
    for part in parts:
        truths |= part
    return truths


_COUNTS = {z3.Z3_OP_PB_AT_LEAST, z3.Z3_OP_PB_GE}
"""Counts of true parts, each with the weight 1."""

_OPERATIONS: dict[int, Callable[[list[Truths], Truths], Truths]] = {
    z3.Z3_OP_TRUE: lambda _parts, every: every,
    z3.Z3_OP_FALSE: lambda _parts, _every: 0,
    z3.Z3_OP_AND: _all,
    z3.Z3_OP_OR: _any,
    z3.Z3_OP_NOT: lambda parts, every: every & ~parts[0],
    z3.Z3_OP_EQ: lambda parts, every: every & ~(parts[0] ^ parts[1]),
    z3.Z3_OP_UNINTERPRETED: _any,  # a variable: its definition, or never true
}

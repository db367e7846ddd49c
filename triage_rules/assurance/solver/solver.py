"""Search for a report that makes formulas true: it finds a model, proves that there is none, or runs out of time."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass

import z3

from triage_rules.assurance.solver import z3_terms
from triage_rules.assurance.solver.encoding import Encoding
from triage_rules.assurance.solver.logic import Formula, Logic

QUERY_SECONDS = 10.0
"""Default time limit of one query."""


@dataclass(frozen=True, slots=True)
class NoReport:
    """Proof that no report makes the formulas true."""


@dataclass(frozen=True, slots=True)
class GaveUp:
    """No answer, and why. To be reported as `incomplete`, never left out."""

    why: str = "the time ran out"


class Model:
    """Report that makes the formulas true, as the solver found it."""

    def __init__(self, model: z3.ModelRef, known: Callable[[Formula], bool]) -> None:
        self._model = model
        self._is_known = known

    def holds(self, formula: Formula) -> bool:
        """Return whether the formula is true of this report. Raises LookupError if the solver did not know it."""
        if not self._is_known(formula):
            raise LookupError(f"the solver was not watching {formula}")
        return z3_terms.holds(self._model, formula)


class Budget:
    """Seconds for many queries together. `seconds` None: no limit."""

    def __init__(self, seconds: float | None = None) -> None:
        self._end = None if seconds is None else time.monotonic() + seconds

    def left(self, at_most: float) -> float:
        """Return the seconds left, at most `at_most`; 0 if none are."""
        return at_most if self._end is None else max(0.0, min(at_most, self._end - time.monotonic()))


class Solver:
    """Asks about reports that all of these encodings accept; they share their answers.

    One solver learns from each query, so that many queries to it are quicker than one to each of many. Repeatable: the
    seed is fixed, so the same queries in the same order get the same answers (except those that ran out of time).
    """

    def __init__(
        self, *encodings: Encoding, query_seconds: float = QUERY_SECONDS, budget: Budget | None = None
    ) -> None:
        self.logic: Logic = encodings[0].logic
        self.encodings = encodings
        self.query_seconds = query_seconds
        self.budget = budget or Budget()
        self._solver = z3.SolverFor("QF_FD", ctx=self.logic.context)
        self._solver.set("random_seed", 0)
        self._solver.set("phase", "always_false")  # leaves inputs open where it can: witnesses start out small
        self._fact_count = 0
        self._taught: dict[int, tuple[Formula, int]] = {}
        self._defined: dict[int, int] = {}
        for encoding in encodings:
            self.require(encoding.accepted())

    def require(self, formula: Formula) -> None:
        """Restrict all later queries to reports for which this holds."""
        self._define([formula])
        self._solver.add(formula)

    def watch(self, *formulas: Formula) -> None:
        """Make the models found from now on know these formulas as well."""
        self._define(formulas)

    def find(self, *formulas: Formula, seconds: float | None = None) -> Model | NoReport | GaveUp:
        """Return a report for which all of these hold. `seconds`: time limit, if other than this solver's."""
        literals = [self.logic.named(formula) for formula in formulas]
        if any(map(self.logic.is_false, literals)):
            return NoReport()
        assumed = [literal for literal in literals if not self.logic.is_true(literal)]
        self._define(assumed)
        self._learn_facts()
        left = self.budget.left(self.query_seconds if seconds is None else seconds)
        if not left:
            return GaveUp()
        self._solver.set("timeout", max(1, int(left * 1000)))
        match z3_terms.ask(self._solver, assumed):
            case z3.sat:
                return Model(self._solver.model(), self._make_known(len(self._defined)))
            case z3.unsat:
                return NoReport()
            case _:
                return GaveUp()

    def _learn_facts(self) -> None:
        facts = self.logic.facts
        if self._fact_count < len(facts):
            self._solver.add(facts[self._fact_count :])
            self._fact_count = len(facts)

    def _define(self, formulas: Iterable[Formula]) -> None:
        """Add the definitions of the named parts of these formulas, and no others."""
        context = self.logic.context
        for formula in formulas:
            if formula.get_id() in self._taught:
                continue
            waiting = [formula.as_ast()]
            while waiting:
                ast = waiting.pop()
                number = z3_terms.number(context, ast)
                defined = self.logic.defined(number)
                if defined is None:
                    waiting.extend(z3_terms.parts_of(context, ast))
                elif number not in self._defined:
                    self._defined[number] = len(self._defined)
                    self._solver.add(z3_terms.equality(*defined))
                    waiting.extend(z3_terms.parts_of(context, defined[1].as_ast()))
            self._taught[formula.get_id()] = (formula, len(self._defined))  # kept: a freed one's id could be reused

    def _make_known(self, count: int) -> Callable[[Formula], bool]:
        """Make a test of whether a formula uses only the first `count` definitions."""

        def known(formula: Formula) -> bool:
            context = self.logic.context
            waiting = [formula.as_ast()]
            while waiting:
                ast = waiting.pop()
                number = z3_terms.number(context, ast)
                whole = self._taught.get(number)
                if whole is not None and whole[1] <= count:
                    continue
                if self.logic.defined(number) is None:
                    waiting.extend(z3_terms.parts_of(context, ast))
                elif self._defined.get(number, count) >= count:
                    return False
            return True

        return known

"""Is there a report that makes these formulas true? A model of one, the proof that there is none, or: out of time."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass

import z3

from triage_rules.assurance.solver import z3_terms
from triage_rules.assurance.solver.encoding import Encoding
from triage_rules.assurance.solver.logic import Formula, Logic

QUERY_SECONDS = 10.0
"""What one question may take, unless told otherwise."""


@dataclass(frozen=True, slots=True)
class NoReport:
    """Proved: no report whatever makes the formulas true."""


@dataclass(frozen=True, slots=True)
class GaveUp:
    """Nothing is known, and why. To be told as `incomplete`, never left out."""

    why: str = "the time ran out"


class Model:
    """One report that makes the formulas true, as the solver found it."""

    def __init__(self, model: z3.ModelRef, known: Callable[[Formula], bool]) -> None:
        self._model = model
        self._known = known

    def holds(self, formula: Formula) -> bool:
        """The formula is true of this report. Raises LookupError if the solver was not told of it before."""
        if not self._known(formula):
            raise LookupError(f"the solver was not watching {formula}")
        return z3_terms.holds(self._model, formula)


class Budget:
    """Seconds for many questions together. `seconds` None: no end."""

    def __init__(self, seconds: float | None = None) -> None:
        self._end = None if seconds is None else time.monotonic() + seconds

    def left(self, at_most: float) -> float:
        """What is left of it, in seconds, and no more than `at_most`; 0 if nothing is."""
        return at_most if self._end is None else max(0.0, min(at_most, self._end - time.monotonic()))


class Solver:
    """Asks about reports that all of these encodings accept; they share their answers.

    Remembers what it learnt, so that many questions to one are quicker than one each to many. Repeatable: the seed is
    fixed, so the same questions in the same order get the same answers (but for those that ran out of time).
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
        self._solver.set("phase", "always_false")  # what need not be answered is not: witnesses are sooner small
        self._facts = 0
        self._told: dict[int, tuple[Formula, int]] = {}
        self._defined: dict[int, int] = {}
        for encoding in encodings:
            self.require(encoding.accepted())

    def require(self, formula: Formula) -> None:
        """From now on, ask only about reports for which this holds."""
        self._define([formula])
        self._solver.add(formula)

    def watch(self, *formulas: Formula) -> None:
        """Let the models found from now on tell of these as well."""
        self._define(formulas)

    def find(self, *formulas: Formula, seconds: float | None = None) -> Model | NoReport | GaveUp:
        """A report for which all of these hold. `seconds`: what it may take, if other than this solver's."""
        literals = [self.logic.named(formula) for formula in formulas]
        if any(map(self.logic.is_false, literals)):
            return NoReport()
        asked = [literal for literal in literals if not self.logic.is_true(literal)]
        self._define(asked)
        self._learn_facts()
        left = self.budget.left(self.query_seconds if seconds is None else seconds)
        if not left:
            return GaveUp()
        self._solver.set("timeout", max(1, int(left * 1000)))
        match z3_terms.ask(self._solver, asked):
            case z3.sat:
                return Model(self._solver.model(), self._known_by(len(self._defined)))
            case z3.unsat:
                return NoReport()
            case _:
                return GaveUp()

    def _learn_facts(self) -> None:
        facts = self.logic.facts
        if self._facts < len(facts):
            self._solver.add(facts[self._facts :])
            self._facts = len(facts)

    def _define(self, formulas: Iterable[Formula]) -> None:
        """Tell what the named parts of these formulas stand for; only what a question needs is told."""
        context = self.logic.context
        for asked in formulas:
            if asked.get_id() in self._told:
                continue
            waiting = [asked.as_ast()]
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
            self._told[asked.get_id()] = (asked, len(self._defined))  # kept, so that no other gets its id

    def _known_by(self, told: int) -> Callable[[Formula], bool]:
        """Whether nothing in a formula stands for what the solver had not been told by then."""

        def known(formula: Formula) -> bool:
            context = self.logic.context
            waiting = [formula.as_ast()]
            while waiting:
                ast = waiting.pop()
                number = z3_terms.number(context, ast)
                whole = self._told.get(number)
                if whole is not None and whole[1] <= told:
                    continue
                if self.logic.defined(number) is None:
                    waiting.extend(z3_terms.parts_of(context, ast))
                elif self._defined.get(number, told) >= told:
                    return False
            return True

        return known

"""Every smallest set of causes: which of these formulas must be true of a report, so that others can be."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass

from triage_rules.assurance.solver.logic import Formula
from triage_rules.assurance.solver.solver import GaveUp, Model, NoReport, Solver


@dataclass(frozen=True, slots=True)
class CauseSet:
    """Names of causes, and formulas that hold of the reports of which exactly these causes are true."""

    names: frozenset[str]
    formulas: tuple[Formula, ...]


class Causes:
    """Sets of causes that reports for which the formulas hold can have, one after the other.

    No set has another one in it, and once `next` answers NoReport every report for which the formulas hold has all of
    one of the sets.
    """

    def __init__(self, solver: Solver, formulas: Iterable[Formula], causes: Mapping[str, Formula]) -> None:
        self._solver = solver
        self._formulas = list(formulas)
        self._causes = dict(causes)
        solver.watch(*self._causes.values())

    def next(self) -> CauseSet | NoReport | GaveUp:
        """A set of which no part would do, other than those found so far; NoReport: proved that there is none."""
        found = self._find()
        if not isinstance(found, Model):
            return found
        names = self._true(found)
        while True:
            fewer = self._find(*self._others(names), self._not_all(names))
            if isinstance(fewer, GaveUp):
                return fewer
            if isinstance(fewer, NoReport):
                return self._told(names)
            names = self._true(fewer)

    def next_fewest(self, least: int) -> CauseSet | NoReport | GaveUp:
        """As `next`, with the fewest causes that there still are. `least`: there are at least so many."""
        found = self._find()
        if not isinstance(found, Model):
            return found
        names = self._true(found)
        logic = self._solver.logic
        while len(names) > least:
            too_many = logic.at_least(len(names), list(self._causes.values()))
            fewer = self._find(logic.opposite(too_many))
            if isinstance(fewer, GaveUp):
                return fewer
            if isinstance(fewer, NoReport):
                break
            names = self._true(fewer)
        return self._told(names)

    def is_there_more(self) -> bool | GaveUp:
        """Whether `next` would find another one."""
        found = self._find()
        return found if isinstance(found, GaveUp) else isinstance(found, Model)

    def _find(self, *more: Formula) -> Model | NoReport | GaveUp:
        return self._solver.find(*self._formulas, *more)

    def _true(self, model: Model) -> frozenset[str]:
        return frozenset(name for name, cause in self._causes.items() if model.holds(cause))

    def _others(self, names: frozenset[str]) -> Iterator[Formula]:
        return (self._solver.logic.opposite(cause) for name, cause in self._causes.items() if name not in names)

    def _not_all(self, names: frozenset[str]) -> Formula:
        logic = self._solver.logic
        return logic.any_of(logic.opposite(self._causes[name]) for name in sorted(names))

    def _told(self, names: frozenset[str]) -> CauseSet:
        exactly = [*self._others(names), *(self._causes[name] for name in sorted(names))]
        told = CauseSet(names, (*self._formulas, *exactly))
        self._formulas.append(self._not_all(names))
        return told

"""Smallest sets of causes: for formulas to hold, a report must fulfil every cause of at least one set."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass

from triage_rules.assurance.solver.logic import Formula
from triage_rules.assurance.solver.solver import GaveUp, Model, NoReport, Solver


@dataclass(frozen=True, slots=True)
class CauseSet:
    """Set of causes by name, with formulas that hold of exactly the reports with these causes and no others."""

    names: frozenset[str]
    formulas: tuple[Formula, ...]


class Causes:
    """Finds, one after the other, the smallest sets of causes of the reports for which the formulas hold.

    No set contains another one. Once `next` returns NoReport, every report for which the formulas hold has all causes
    of at least one of the sets.
    """

    def __init__(self, solver: Solver, formulas: Iterable[Formula], causes: Mapping[str, Formula]) -> None:
        self._solver = solver
        self._formulas = list(formulas)
        self._causes = dict(causes)
        solver.watch(*self._causes.values())

    def next(self) -> CauseSet | NoReport | GaveUp:
        """Return a new set without a sufficient part; NoReport: proved that there is no other."""
        model = self._find()
        if not isinstance(model, Model):
            return model
        names = self._true_causes(model)
        while True:
            fewer = self._find(*self._deny_others(names), self._deny_all(names))
            if isinstance(fewer, GaveUp):
                return fewer
            if isinstance(fewer, NoReport):
                return self._record(names)
            names = self._true_causes(fewer)

    def next_fewest(self, least: int) -> CauseSet | NoReport | GaveUp:
        """Return the next set, with as few causes as possible. `least`: known lower bound of their number."""
        model = self._find()
        if not isinstance(model, Model):
            return model
        names = self._true_causes(model)
        logic = self._solver.logic
        while len(names) > least:
            too_many = logic.at_least(len(names), list(self._causes.values()))
            fewer = self._find(logic.opposite(too_many))
            if isinstance(fewer, GaveUp):
                return fewer
            if isinstance(fewer, NoReport):
                break
            names = self._true_causes(fewer)
        return self._record(names)

    def is_there_more(self) -> bool | GaveUp:
        """Return whether `next` would find another set."""
        model = self._find()
        return model if isinstance(model, GaveUp) else isinstance(model, Model)

    def _find(self, *more: Formula) -> Model | NoReport | GaveUp:
        return self._solver.find(*self._formulas, *more)

    def _true_causes(self, model: Model) -> frozenset[str]:
        return frozenset(name for name, cause in self._causes.items() if model.holds(cause))

    def _deny_others(self, names: frozenset[str]) -> Iterator[Formula]:
        return (self._solver.logic.opposite(cause) for name, cause in self._causes.items() if name not in names)

    def _deny_all(self, names: frozenset[str]) -> Formula:
        logic = self._solver.logic
        return logic.any_of(logic.opposite(self._causes[name]) for name in sorted(names))

    def _record(self, names: frozenset[str]) -> CauseSet:
        exactly = [*self._deny_others(names), *(self._causes[name] for name in sorted(names))]
        cause_set = CauseSet(names, (*self._formulas, *exactly))
        self._formulas.append(self._deny_all(names))
        return cause_set

"""The context of one check: the ruleset, its file, a solver, the time left, and the undecided questions."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from datetime import date
from functools import cached_property

from triage_rules.assurance.solver.encoding import Encoding
from triage_rules.assurance.solver.logic import Formula
from triage_rules.assurance.solver.solver import Budget, GaveUp, Model, NoReport, Solver
from triage_rules.assurance.solver.two_reports import TwoReports
from triage_rules.assurance.solver.witness import Witness, Witnesses
from triage_rules.evaluation.evaluator import Evaluator
from triage_rules.foundation.place import Place
from triage_rules.language.check_types import CheckType
from triage_rules.language.model import AskedOf, Ruleset
from triage_rules.language.reading.acceptances import acceptances_of
from triage_rules.language.reading.places import Node

QUERY_SECONDS = 5.0
"""Time limit of one solver query, within the time limit of the check."""

Progress = Callable[[str, int, int], None]
"""Callback with the running family, the number of its checked items, and their total."""


@dataclass(frozen=True, slots=True)
class Finding:
    """Finding of a check. `of`: its subject, by which `accepts` names it. `others`: further ids it involves.

    `proved`: the solver proved it for every report. `accepted`: the owner's reason for accepting it.
    """

    type: CheckType
    place: Place
    of: str
    message: str
    others: tuple[str, ...] = ()
    proved: bool = False
    witness: Witness | None = None
    accepted: str | None = None


@dataclass
class CheckContext:
    """Context of one check of one ruleset. `undecided`: family -> the subjects that the time was too short for."""

    ruleset: Ruleset
    root: Node
    file: str
    today: date
    budget: Budget
    progress: Progress
    evaluator: Evaluator | None = None
    undecided: dict[str, list[str]] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.encoding = Encoding(self.ruleset)
        self.solver = Solver(self.encoding, query_seconds=QUERY_SECONDS, budget=self.budget)
        self._witnesses = Witnesses(self.solver, [self.evaluator] if self.evaluator else [])
        self._accepted = {(a.finding, of) for a in acceptances_of(self.root) for of, _ in a.of}
        self.reached: dict[str, Model | NoReport | GaveUp] = {}

    @cached_property
    def two_reports(self) -> TwoReports:
        """Two reports with the same answers, except to named inputs."""
        return TwoReports(self.ruleset, query_seconds=QUERY_SECONDS, budget=self.budget)

    @cached_property
    def witnesses_of_two(self) -> Witnesses:
        """Maker of witnesses of two reports; the smallest has the fewest answers in the first report."""
        evaluators = [self.evaluator] * 2 if self.evaluator else []
        return Witnesses(self.two_reports.solver, evaluators, smallest_of=self.two_reports.first.answers)

    def find(self, family: str, of: str, *formulas: Formula) -> Model | NoReport | GaveUp:
        """Find a report that makes all formulas true; note the subject if the solver gives up."""
        answer = self.solver.find(*formulas)
        if isinstance(answer, GaveUp):
            self.note(family, of)
        return answer

    def note(self, family: str, of: str) -> None:
        """Note that a subject was not decided."""
        noted = self.undecided.setdefault(family, [])
        if of not in noted:
            noted.append(of)

    def impossible(self, family: str, of: str, *formulas: Formula) -> bool:
        """Return whether it is proved that no report makes all formulas true."""
        return isinstance(self.find(family, of, *formulas), NoReport)

    def witness(self, family: str, of: str, *formulas: Formula) -> Witness | None:
        """Return the smallest report that makes all formulas true, replayed; None, with a note, if time ran out."""
        witness = self._witnesses.smallest(*formulas)
        if isinstance(witness, GaveUp):
            self.note(family, of)
        return witness if isinstance(witness, Witness) else None

    def single_answer_witness(self, family: str, name: str, *formulas: Formula) -> Witness | None:
        """Return such a witness that answers only this input."""
        others = [other for other in self.ruleset.inputs.values() if other.name != name]
        given = [self.encoding.given(other.name) for other in others if other.asked_of is not AskedOf.SERVICE]
        return self.witness(family, name, *formulas, *map(self.encoding.logic.opposite, given))

    def smallest_of_two(self, type_: CheckType, of: str, *formulas: Formula) -> Witness | Model | NoReport | GaveUp:
        """Return the smallest pair of reports, replayed; of an accepted finding, a model: it is never shown."""
        if (type_, of) in self._accepted:
            return self.two_reports.solver.find(*formulas)
        return self.witnesses_of_two.smallest(*formulas)

    def unreachable(self, family: str, key: str) -> bool:
        """Return whether it is proved that this key is never established. The solver is asked once a key."""
        if key not in self.reached:
            self.reached[key] = self.find(family, key, self.encoding.established(key))
        return isinstance(self.reached[key], NoReport)

    def each(self, family: str, subjects: Iterable[str]) -> Iterable[str]:
        """Yield the subjects and report progress. When the time is up, note the remaining ones as undecided."""
        listed = list(subjects)
        for done, subject in enumerate(listed):
            if not self.budget.left(1):
                for undecided in listed[done:]:
                    self.note(family, undecided)
                return
            self.progress(family, done, len(listed))
            yield subject

"""What every family of findings works with: the ruleset, its file, a solver, and a note of what was not decided."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from datetime import date

from triage_rules.assurance.solver.encoding import Encoding
from triage_rules.assurance.solver.logic import Formula
from triage_rules.assurance.solver.solver import Budget, GaveUp, Model, NoReport, Solver
from triage_rules.assurance.solver.witness import Witness, Witnesses
from triage_rules.evaluation.evaluator import Evaluator
from triage_rules.foundation.place import Place
from triage_rules.language.check_types import CheckType
from triage_rules.language.model import AskedOf, Ruleset
from triage_rules.language.reading.places import Node

QUERY_SECONDS = 5.0
"""What one question may take, while there is time at all."""

Progress = Callable[[str, int, int], None]
"""Called with what is being looked at, how much of it is done, and how much there is."""


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that was found. `of`: what it is about, by which it is accepted. `others`: further ids in it.

    `proved`: that there is no report of some sort was proved. `accepted`: the reason why it is there on purpose.
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
    """One check of one ruleset. `undecided`: family -> what the time was too short for."""

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
        self.reached: dict[str, Model | NoReport | GaveUp] = {}

    def find(self, family: str, of: str, *formulas: Formula) -> Model | NoReport | GaveUp:
        """As the solver's; what it gives up on is noted."""
        found = self.solver.find(*formulas)
        if isinstance(found, GaveUp):
            self.note(family, of)
        return found

    def note(self, family: str, of: str) -> None:
        """Something was not decided."""
        noted = self.undecided.setdefault(family, [])
        if of not in noted:
            noted.append(of)

    def impossible(self, family: str, of: str, *formulas: Formula) -> bool:
        """Proved: no report makes all of these true."""
        return isinstance(self.find(family, of, *formulas), NoReport)

    def witness(self, family: str, of: str, *formulas: Formula) -> Witness | None:
        """The smallest report for which these hold, replayed; None, and noted, if the time ran out."""
        found = self._witnesses.smallest(*formulas)
        if isinstance(found, GaveUp):
            self.note(family, of)
        return found if isinstance(found, Witness) else None

    def single_answer_witness(self, family: str, name: str, *formulas: Formula) -> Witness | None:
        """As `witness`, of a report that answers nothing but this input."""
        others = [other for other in self.ruleset.inputs.values() if other.name != name]
        nothing = [self.encoding.is_open(other.name) for other in others if other.asked_of is not AskedOf.SERVICE]
        return self.witness(family, name, *formulas, *nothing)

    def unreachable(self, family: str, key: str) -> bool:
        """Proved: the statement of this key is never established. Asked once."""
        if key not in self.reached:
            self.reached[key] = self.find(family, key, self.encoding.established(key))
        return isinstance(self.reached[key], NoReport)

    def each(self, family: str, things: Iterable[str]) -> Iterable[str]:
        """The things one after the other, with progress. Once the time is over the rest is noted, not looked at."""
        listed = list(things)
        for done, thing in enumerate(listed):
            if not self.budget.left(1):
                for rest in listed[done:]:
                    self.note(family, rest)
                return
            self.progress(family, done, len(listed))
            yield thing

"""Two reports to one ruleset that have the same answers, except to named inputs."""

from __future__ import annotations

from collections.abc import Collection, Iterator

from triage_rules.assurance.solver.encoding import Encoding
from triage_rules.assurance.solver.logic import Formula
from triage_rules.assurance.solver.solver import QUERY_SECONDS, Budget, Solver
from triage_rules.language.model import Input, InputKind, Ruleset


class TwoReports:
    """Two reports, `first` and `second`, each with a decision. One solver learns from all queries."""

    def __init__(self, ruleset: Ruleset, *, query_seconds: float = QUERY_SECONDS, budget: Budget | None = None) -> None:
        self.ruleset = ruleset
        self.first = Encoding(ruleset)
        self.second = Encoding(ruleset, sharing=self.first, but=ruleset.inputs)
        self.logic = self.first.logic
        self.solver = Solver(self.first, self.second, query_seconds=query_seconds, budget=budget)
        self._same: dict[tuple[str, int], Formula] = {}

    def same_but(self, differing: Collection[str]) -> Formula:
        """Return the formula: apart from these inputs, the reports have the same entries as far as conditions read."""
        inputs = self.ruleset.inputs.items()
        return self.logic.all_of(self._same_entry(read) for name, read in inputs if name not in differing)

    def _same_entry(self, read: Input) -> Formula:
        pairs = list(self._pairs(read))
        key = (read.name, len(pairs))  # a later condition may cut a number once more
        if key not in self._same:
            both = self.logic.all_of(self.logic.same(*pair) for pair in pairs)
            self._same[key] = self.logic.named(both, f"same {read.name}")
        return self._same[key]

    def _pairs(self, read: Input) -> Iterator[tuple[Formula, Formula]]:
        """Yield the variables of an input in the first report, each with that of the second."""
        logic, first, second = self.logic, self.first.answers, self.second.answers
        match read.kind:
            case InputKind.YES_NO | InputKind.CHOICE:
                values, others = first.one_hot(read), second.one_hot(read)
                for value in dict.fromkeys((*values.values, *others.values)):
                    yield values.value(logic, value), others.value(logic, value)
            case InputKind.TEXT:
                yield first.text(read.name).answered, second.text(read.name).answered
                for mention in self.ruleset.mentions.values():
                    if mention.text == read.name:
                        yield first.mentioned(mention), second.mentioned(mention)
            case _:
                number, another = first.number(read), second.number(read)
                yield number.answered, another.answered
                for point in sorted({*number.points, *another.points}):
                    yield number.cut(logic, point), another.cut(logic, point)

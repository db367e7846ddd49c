"""Counterfactuals: the smallest sets of answers that would lead to another level, and the rules nearest to it."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from dataclasses import dataclass

from triage_rules.assurance.solver.encoding import Encoding
from triage_rules.assurance.solver.logic import Formula
from triage_rules.assurance.solver.minimal import Causes, CauseSet
from triage_rules.assurance.solver.solver import Budget, GaveUp, Model, NoReport, Solver
from triage_rules.assurance.solver.witness import EncoderBugError, Json, Witness, Witnesses
from triage_rules.evaluation.answers import UNKNOWN, asked
from triage_rules.evaluation.evaluator import Evaluator
from triage_rules.evaluation.result import ENGINE_DISAGREEMENT
from triage_rules.evaluation.signals import outcome_key
from triage_rules.language.model import Answers, InputKind, Level, Ruleset
from triage_rules.records.reports import History

SETS = 5
"""Default number of sets to search for."""

NEAREST = 5
"""Number of nearest rules to list."""


@dataclass(frozen=True, slots=True)
class LevelGoal:
    """Wanted level. `exactly`: only this one; else also higher ones (upwards) or lower ones (downwards)."""

    level: Level
    upwards: bool
    exactly: bool = False

    def reached(self, level: Level) -> bool:
        """Return whether a level reaches the goal."""
        if self.exactly:
            return level is self.level
        return level >= self.level if self.upwards else level <= self.level

    def formula(self, encoding: Encoding) -> Formula:
        """Return the formula that the level reaches the goal."""
        return encoding.logic.any_of(encoding.level_is(level) for level in Level if self.reached(level))


@dataclass(frozen=True, slots=True)
class Alternative:
    """Smallest set of answers that reaches the goal: no part of it does, with any answers. `result`: its result.

    The answers are an example; others to the same questions may reach the goal as well.
    """

    answers: Answers
    result: Json


@dataclass(frozen=True, slots=True)
class Alternatives:
    """Result of the search. `complete`: proved that there is no other set.

    `gave_up`: why the search ended early; empty if it did not.
    """

    sets: tuple[Alternative, ...]
    complete: bool
    gave_up: str = ""


class Counterfactual:
    """Other answers to one report: `kept` inputs keep their answers, and no answer is removed.

    A question that was answered with "unknown" stays open if it is kept, and may be answered otherwise.
    """

    def __init__(self, evaluator: Evaluator, answers: Answers, kept: Collection[str], budget: Budget) -> None:
        self._evaluator = evaluator
        self._given = given = {name: answer for name, answer in answers.items() if answer != UNKNOWN}
        self._encoding = encoding = Encoding(evaluator.ruleset)
        self._solver = Solver(encoding, budget=budget)
        self._witnesses = Witnesses(self._solver, [evaluator])
        logic = encoding.logic
        self._changed: dict[str, Formula] = {}
        self._fixed = [encoding.counts(History())]
        for read in asked(evaluator.ruleset):
            name = read.name
            if name not in given:
                if name in kept and name in answers:
                    self._fixed.append(logic.opposite(encoding.given(name)))
                else:
                    self._changed[name] = encoding.given(name)
                continue
            same = encoding.answer(name, given[name])
            self._fixed.append(encoding.given(name))
            if name in kept:
                self._fixed.append(same)
            else:
                self._changed[name] = logic.opposite(same)
        for formula in self._fixed:
            self._solver.require(formula)

    def alternatives(self, goal: LevelGoal, limit: int = SETS) -> Alternatives:
        """Return the smallest sets of answers that reach the goal, those of fewest answers first.

        Raises EncoderBugError if engine and reference don't confirm a set.
        """
        search = Causes(self._solver, [goal.formula(self._encoding)], self._changed)
        alternatives: list[Alternative] = []
        least = 0
        while len(alternatives) < limit:
            changed = search.next_fewest(least)
            if not isinstance(changed, CauseSet):
                return _end_search(alternatives, changed)
            least = len(changed.names)
            alternative = self._find_alternative(goal, changed)
            if isinstance(alternative, GaveUp):
                return _end_search(alternatives, alternative)
            alternatives.append(alternative)
        more = search.is_there_more()
        return Alternatives(tuple(alternatives), more is False, more.why if isinstance(more, GaveUp) else "")

    def nearest(self, goal: LevelGoal, limit: int = NEAREST) -> list[tuple[str, int]] | GaveUp:
        """Return outcomes, by key, that would lead upwards to the goal, and how many answers away each is.

        Established ones are left out, and so are those that no answers establish.
        """
        outcomes = []
        for key in candidate_outcomes(self._evaluator.ruleset, goal):
            away = self._count_answers_away(self._encoding.established(key))
            if isinstance(away, GaveUp):
                return away
            if away:
                outcomes.append((key, away))
        return sorted(outcomes, key=lambda row: row[1])[:limit]

    def _count_answers_away(self, formula: Formula) -> int | GaveUp:
        """Count the fewest answers that make it true; 0 if it is true already, or if no answers do."""
        changed = Causes(self._solver, [formula], self._changed).next_fewest(0)
        match changed:
            case CauseSet(names):
                return len(names)
            case NoReport():
                return 0
        return changed

    def _find_alternative(self, goal: LevelGoal, changed: CauseSet) -> Alternative | GaveUp:
        model = self._nearest_numbers(changed)
        if isinstance(model, NoReport):
            raise EncoderBugError("the solver found a report, and then none for the same formulas")
        witness = model if isinstance(model, GaveUp) else self._witnesses.replayed(model)
        if not isinstance(witness, Witness):
            return witness
        answers = {name: witness.answers[name] for name in self._changed if name in changed.names}
        result = self._evaluator.evaluate(
            self._given | answers, History(), report_id="counterfactual", received_ms=0, evaluated_ms=0
        )
        if ENGINE_DISAGREEMENT in result["flags"] or not goal.reached(Level.of(result["level"])):
            raise EncoderBugError(f"other answers lead to {result['level']}, in contradiction to the formulas")
        return Alternative(answers, result)

    def _nearest_numbers(self, changed: CauseSet) -> Model | NoReport | GaveUp:
        """Return a model in which answered numbers cross as few limits as possible."""
        fixed = list(changed.formulas)
        model = self._solver.find(*fixed)
        for wish in self._list_wishes(changed):
            if isinstance(model, Model) and not model.holds(wish):
                nearer = self._solver.find(*fixed, wish)
                if not isinstance(nearer, Model):
                    continue
                model = nearer
            fixed.append(wish)
        return model

    def _list_wishes(self, changed: CauseSet) -> Iterator[Formula]:
        """Yield for each number that changes that it stays below (or above) each limit, the farthest first."""
        logic = self._encoding.logic
        for name in sorted(changed.names & self._given.keys()):
            read, given = self._evaluator.ruleset.inputs[name], self._given[name]
            if read.kind not in {InputKind.NUMBER, InputKind.INTEGER} or isinstance(given, str):
                continue
            number = self._encoding.answers.number(read)
            wishes = [logic.opposite(number.cuts[point]) for point in reversed(number.points) if point > given]
            wishes += [number.cuts[point] for point in number.points if point <= given]
            self._solver.watch(*wishes)
            yield from wishes


def candidate_outcomes(ruleset: Ruleset, goal: LevelGoal) -> list[str]:
    """Return the keys of outcomes of rules and floors whose level reaches the goal."""
    return [
        outcome_key(rule.id, index)
        for rule in ruleset.rules_and_floors
        for index, outcome in enumerate(rule.outcomes)
        if goal.reached(ruleset.dispositions[outcome.disposition].level)
    ]


def _end_search(alternatives: list[Alternative], end: NoReport | GaveUp) -> Alternatives:
    return Alternatives(tuple(alternatives), isinstance(end, NoReport), end.why if isinstance(end, GaveUp) else "")

"""The smallest sets of answers that would have led to another level, and the rules that were nearest to it."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from dataclasses import dataclass

from triage_rules.assurance.solver.encoding import Encoding
from triage_rules.assurance.solver.logic import Formula
from triage_rules.assurance.solver.minimal import Causes, CauseSet
from triage_rules.assurance.solver.solver import Budget, GaveUp, Model, NoReport, Solver
from triage_rules.assurance.solver.witness import EncoderBugError, Json, Witness, Witnesses
from triage_rules.evaluation.answers import asked
from triage_rules.evaluation.evaluator import Evaluator
from triage_rules.evaluation.result import ENGINE_DISAGREEMENT
from triage_rules.evaluation.signals import outcome_key
from triage_rules.language.model import Answers, InputKind, Level, Ruleset
from triage_rules.records.reports import History

SETS = 5
"""Sets that are looked for, unless told otherwise."""

NEAREST = 5
"""Rules that are told of as the nearest."""


@dataclass(frozen=True, slots=True)
class LevelGoal:
    """The level that was asked for. `exactly`: none beyond it will do; else upwards more, downwards less will."""

    level: Level
    upwards: bool
    exactly: bool = False

    def reached(self, level: Level) -> bool:
        """Whether a level will do."""
        if self.exactly:
            return level is self.level
        return level >= self.level if self.upwards else level <= self.level

    def formula(self, encoding: Encoding) -> Formula:
        """The level is one that will do."""
        return encoding.logic.any_of(encoding.level_is(level) for level in Level if self.reached(level))


@dataclass(frozen=True, slots=True)
class Alternative:
    """A smallest set of answers that leads there: no part of it does, with whatever answers. `result`: what comes out.

    The answers are one way to give them; others to the same questions may do as well.
    """

    answers: Answers
    result: Json


@dataclass(frozen=True, slots=True)
class Alternatives:
    """What was found. `complete`: there is no other set (none at all, if there is none): proved.

    `gave_up`: why the search ended early; empty if it did not.
    """

    found: tuple[Alternative, ...]
    complete: bool
    gave_up: str = ""


class Counterfactual:
    """Other answers of one report: those of `kept` inputs that were given stay, and no answer is taken away."""

    def __init__(self, evaluator: Evaluator, findings: Answers, kept: Collection[str], budget: Budget) -> None:
        self._evaluator = evaluator
        self._findings = findings
        self._encoding = encoding = Encoding(evaluator.ruleset)
        self._solver = Solver(encoding, budget=budget)
        self._witnesses = Witnesses(self._solver, [evaluator])
        logic = encoding.logic
        self._changed: dict[str, Formula] = {}
        self._fixed = [encoding.counts(History())]
        for read in asked(evaluator.ruleset):
            name = read.name
            if name not in findings:
                self._changed[name] = encoding.answered(name)
                continue
            same = encoding.answer(name, findings[name])
            self._fixed.append(encoding.answered(name))
            if name in kept:
                self._fixed.append(same)
            else:
                self._changed[name] = logic.opposite(same)
        for formula in self._fixed:
            self._solver.require(formula)

    def alternatives(self, goal: LevelGoal, most: int = SETS) -> Alternatives:
        """The smallest sets of answers that lead there, those of fewest answers first.

        Raises EncoderBugError if engine and reference don't confirm one.
        """
        search = Causes(self._solver, [goal.formula(self._encoding)], self._changed)
        found: list[Alternative] = []
        least = 0
        while len(found) < most:
            changed = search.next_fewest(least)
            if not isinstance(changed, CauseSet):
                return _ended(found, changed)
            least = len(changed.names)
            alternative = self._alternative(goal, changed)
            if isinstance(alternative, GaveUp):
                return _ended(found, alternative)
            found.append(alternative)
        more = search.is_there_more()
        return Alternatives(tuple(found), more is False, more.why if isinstance(more, GaveUp) else "")

    def nearest(self, goal: LevelGoal, most: int = NEAREST) -> list[tuple[str, int]] | GaveUp:
        """Outcomes, by key, that would lead upwards to the goal but are not established; and how many answers away.

        Those that no answers establish are left out.
        """
        found = []
        for key in candidate_outcomes(self._evaluator.ruleset, goal):
            away = self._away(self._encoding.established(key))
            if isinstance(away, GaveUp):
                return away
            if away:
                found.append((key, away))
        return sorted(found, key=lambda one: one[1])[:most]

    def _away(self, formula: Formula) -> int | GaveUp:
        """The fewest answers that make it true; 0 if it is, or if none do."""
        changed = Causes(self._solver, [formula], self._changed).next_fewest(0)
        match changed:
            case CauseSet(names):
                return len(names)
            case NoReport():
                return 0
        return changed

    def _alternative(self, goal: LevelGoal, changed: CauseSet) -> Alternative | GaveUp:
        model = self._nearest_numbers(changed)
        if isinstance(model, NoReport):
            raise EncoderBugError("the solver said yes and then no")
        witness = model if isinstance(model, GaveUp) else self._witnesses.replayed(model)
        if not isinstance(witness, Witness):
            return witness
        answers = {name: witness.answers[name] for name in self._changed if name in changed.names}
        result = self._evaluator.evaluate(
            self._findings | answers, History(), report_id="counterfactual", received_ms=0, evaluated_ms=0
        )
        if ENGINE_DISAGREEMENT in result["flags"] or not goal.reached(Level.of(result["level"])):
            raise EncoderBugError(f"other answers lead to {result['level']}, and the formulas say otherwise")
        return Alternative(answers, result)

    def _nearest_numbers(self, changed: CauseSet) -> Model | NoReport | GaveUp:
        """A model in which numbers that were given move over as few limits as can be."""
        fixed = list(changed.formulas)
        model = self._solver.find(*fixed)
        for wish in self._wishes(changed):
            if isinstance(model, Model) and not model.holds(wish):
                nearer = self._solver.find(*fixed, wish)
                if not isinstance(nearer, Model):
                    continue
                model = nearer
            fixed.append(wish)
        return model

    def _wishes(self, changed: CauseSet) -> Iterator[Formula]:
        """For each number that changes, that it stays below (or above) each limit, the farthest one first."""
        logic = self._encoding.logic
        for name in sorted(changed.names & self._findings.keys()):
            read, given = self._evaluator.ruleset.inputs[name], self._findings[name]
            if read.kind not in {InputKind.NUMBER, InputKind.INTEGER} or isinstance(given, str):
                continue
            number = self._encoding.answers.number(read)
            wishes = [logic.opposite(number.cuts[point]) for point in reversed(number.points) if point > given]
            wishes += [number.cuts[point] for point in number.points if point <= given]
            self._solver.watch(*wishes)
            yield from wishes


def candidate_outcomes(ruleset: Ruleset, goal: LevelGoal) -> list[str]:
    """The keys of outcomes of rules and floors whose level is the goal's or beyond."""
    return [
        outcome_key(rule.id, index)
        for rule in ruleset.rules_and_floors
        for index, outcome in enumerate(rule.outcomes)
        if goal.reached(ruleset.dispositions[outcome.disposition].level)
    ]


def _ended(found: list[Alternative], end: NoReport | GaveUp) -> Alternatives:
    return Alternatives(tuple(found), isinstance(end, NoReport), end.why if isinstance(end, GaveUp) else "")

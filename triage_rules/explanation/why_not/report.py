"""Report of why a report has no other level, as plain data: rules that were near or in the way, and other answers."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import asdict, dataclass

from triage_rules.assurance.solver.solver import Budget, GaveUp
from triage_rules.assurance.solver.witness import Json
from triage_rules.evaluation.answers import UNKNOWN
from triage_rules.evaluation.evaluator import Evaluator
from triage_rules.evaluation.explanation import OPEN, DerivationNode, describe_node
from triage_rules.evaluation.reference import Reference
from triage_rules.evaluation.signals import outcome_key
from triage_rules.explanation.why_not.counterfactual import (
    Alternative,
    Alternatives,
    Counterfactual,
    LevelGoal,
    candidate_outcomes,
)
from triage_rules.explanation.why_not.missing import ObstacleFinder
from triage_rules.language.model import All, Answers, Condition, Floor, Level, Rule, RuleOutcome, Ruleset
from triage_rules.records.reports import History

CAUTION = (
    "For the people who maintain the rules: it shows how the rules depend on each other. "
    "It is no advice on how to answer, and no answer should be given because of it."
)


@dataclass(frozen=True, slots=True)
class Asked:
    """Options of the question. `kept`: inputs whose answers stay; `sets`: greatest number of sets of answers."""

    level: Level
    kept: Collection[str]
    exactly: bool
    sets: int
    seconds: float


def why_not(evaluator: Evaluator, answers: Answers, level: Level, asked: Asked) -> Json:
    """Return the whole explanation for a report that has `level`. Raises EncoderBugError."""
    goal = LevelGoal(asked.level, asked.level > level, asked.exactly)
    counterfactual = Counterfactual(evaluator, answers, asked.kept, Budget(asked.seconds))
    alternatives = counterfactual.alternatives(goal, asked.sets)
    rules: list[Json] | GaveUp = (
        _list_nearest(evaluator, answers, goal, counterfactual)
        if goal.upwards
        else _list_in_the_way(evaluator, answers, goal)
    )
    return {
        "level": level.word,
        "asked": asked.level.word,
        "way": "up" if goal.upwards else "down",
        "exactly": asked.exactly,
        "kept": [name for name in evaluator.ruleset.inputs if name in asked.kept and name in answers],
        "caution": CAUTION,
        "statement": statement(goal, alternatives),
        "complete": alternatives.complete,
        "gave_up": alternatives.gave_up,
        "rules": [] if isinstance(rules, GaveUp) else rules,
        "rules_gave_up": rules.why if isinstance(rules, GaveUp) else "",
        "sets": [_make_set(evaluator.ruleset, answers, alternative) for alternative in alternatives.sets],
    }


def statement(goal: LevelGoal, alternatives: Alternatives) -> str:
    """Describe the search's result: which other answers exist, as far as is proved."""
    to = f"to {goal.level.word}{'' if goal.exactly else ' or ' + ('higher' if goal.upwards else 'lower')}"
    if not alternatives.sets:
        if alternatives.complete:
            return f"No set of answers leads {to}: proved."
        return f"Gave up ({alternatives.gave_up}): whether any set of answers leads {to} is not known."
    if alternatives.complete:
        return f"Every set of answers that leads {to} has all the questions of one of these in it: proved."
    if alternatives.gave_up:
        return f"Each set is proved smallest. Gave up ({alternatives.gave_up}): more sets may lead {to}."
    return f"Each set is proved smallest. More sets lead {to}; --sets shows more."


def _make_set(ruleset: Ruleset, answers: Answers, alternative: Alternative) -> Json:
    changes = []
    for name, value in alternative.answers.items():
        question = ruleset.inputs[name].question
        answer = answers.get(name, UNKNOWN)
        given = describe_node(ruleset, DerivationNode(name, question, OPEN if answer == UNKNOWN else answer))
        changes.append(
            {
                "question": question,
                "given": given,
                "instead": describe_node(ruleset, DerivationNode(name, question, value)),
            }
        )
    result = alternative.result
    fields = {field: result[field] for field in ("level", "disposition", "could_be", "determined")}
    rules = [rule["id"] for rule in [*result["rules"], *result["safety_net"]]]
    return {"findings": dict(alternative.answers), "in_words": changes, "result": {**fields, "rules": rules}}


def _list_nearest(
    evaluator: Evaluator, answers: Answers, goal: LevelGoal, counterfactual: Counterfactual
) -> list[Json] | GaveUp:
    near = counterfactual.nearest(goal)
    if isinstance(near, GaveUp):
        return near
    reference = Reference(evaluator.ruleset, evaluator.facts(answers, History()))
    lacking = ObstacleFinder(evaluator.ruleset, reference)
    rules = []
    for key, away in near:
        rule, outcome, condition = _find_outcome(evaluator.ruleset, key)
        rules.append({**_make_rule(evaluator.ruleset, rule, outcome), "answers_away": away,
                     "lacks": [asdict(lack) for lack in lacking.of(condition)]})  # fmt: skip
    return rules


def _list_in_the_way(evaluator: Evaluator, answers: Answers, goal: LevelGoal) -> list[Json]:
    """List the outcomes that hold above the goal, and the changes needed to undo them."""
    ruleset = evaluator.ruleset
    reference = Reference(ruleset, evaluator.facts(answers, History()))
    lacking = ObstacleFinder(ruleset, reference)
    rules = []
    for key in candidate_outcomes(ruleset, LevelGoal(Level(goal.level + 1), upwards=True)):
        rule, outcome, condition = _find_outcome(ruleset, key)
        if reference.value(condition) is True:
            lacks = [asdict(lack) for lack in lacking.of(condition, wanted=False)]
            rules.append({**_make_rule(ruleset, rule, outcome), "lacks": lacks})
    return rules


def _make_rule(ruleset: Ruleset, rule: Rule | Floor, outcome: RuleOutcome) -> Json:
    level = ruleset.dispositions[outcome.disposition].level
    return {"id": rule.id, "title": rule.title, "level": level.word, "disposition": outcome.disposition}


def _find_outcome(ruleset: Ruleset, key: str) -> tuple[Rule | Floor, RuleOutcome, Condition]:
    for rule in ruleset.rules_and_floors:
        for index, outcome in enumerate(rule.outcomes):
            if outcome_key(rule.id, index) == key:
                return rule, outcome, rule.when if outcome.when is None else All((rule.when, outcome.when))
    raise KeyError(key)

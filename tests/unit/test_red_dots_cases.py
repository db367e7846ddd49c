"""The worked cases of red-dots all pass, and leave no rule, floor, outcome, threshold or mandatory question untried."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator

import pytest

from tests.support.shares import some_of
from triage_rules.assurance.cases import Case, CaseOutcome
from triage_rules.evaluation.answers import read_answers
from triage_rules.evaluation.decision import decide
from triage_rules.evaluation.evaluator import Evaluator
from triage_rules.evaluation.reference import Reference
from triage_rules.foundation.errors import ReportError
from triage_rules.language.model import (
    All,
    Answers,
    Any,
    AtLeast,
    Compare,
    Condition,
    Floor,
    Level,
    Not,
    Rule,
    Ruleset,
)

STEPS = {"temperature_c": 0.1, "inr": 0.1}
QUARTER_YEAR_STEP = 0.01


@pytest.fixture
def evaluator(red_dots_evaluator: Evaluator) -> Evaluator:
    return red_dots_evaluator


@pytest.fixture
def ruleset(red_dots_evaluator: Evaluator) -> Ruleset:
    return red_dots_evaluator.ruleset


@pytest.fixture
def outcomes(red_dots_outcomes: list[CaseOutcome]) -> list[CaseOutcome]:
    return red_dots_outcomes


def compares(condition: Condition) -> Iterator[Compare]:
    match condition:
        case All(inner) | Any(inner) | AtLeast(_, inner):
            for part in inner:
                yield from compares(part)
        case Not(part):
            yield from compares(part)
        case Compare():
            yield condition
        case _:
            return


def limits(ruleset: Ruleset) -> set[tuple[str, float]]:
    """Every limit that a number is compared with, anywhere in the ruleset."""
    conditions = [inference.when for inference in ruleset.inferences.values()]
    conditions += [conflict.when for conflict in ruleset.conflicts.values()]
    rules: list[Rule | Floor] = [*ruleset.rules.values(), *ruleset.floors.values()]
    for rule in rules:
        conditions += [rule.when, *(outcome.when for outcome in rule.outcomes if outcome.when)]
    return {(compare.input, compare.limit) for condition in conditions for compare in compares(condition)}


def answered(case: Case) -> Iterator[tuple[str, float]]:
    yield "reports_last_48h", case.history.reports_last_48h
    for name, value in case.answers.items():
        if isinstance(value, int | float) and not isinstance(value, bool):
            yield name, value


def test_there_are_at_least_200_cases_and_all_pass(outcomes: list[CaseOutcome]) -> None:
    """The cases were written from the rules of the note, not from what the ruleset does."""
    assert len(outcomes) >= 200
    told = [f"{outcome.case.id}: {', '.join(outcome.differences)}" for outcome in outcomes if not outcome.passed]
    assert not told, "\n".join(told)


def test_every_rule_and_floor_fires_in_a_case_and_stays_silent_in_a_near_miss(
    ruleset: Ruleset, outcomes: list[CaseOutcome]
) -> None:
    """Both are written down as wanted: a rule that fires by accident proves nothing."""
    ids = {*ruleset.rules, *ruleset.floors}
    fires = {name for outcome in outcomes for name in outcome.case.expect.get("fires", [])}
    silent = {name for outcome in outcomes for name in outcome.case.expect.get("silent", [])}
    assert fires == ids
    assert silent == ids


def test_every_outcome_of_every_rule_is_reached(ruleset: Ruleset, outcomes: list[CaseOutcome]) -> None:
    """A raised branch that no case reaches may be unreachable."""
    reached: dict[str, set[str]] = defaultdict(set)
    for outcome in outcomes:
        if outcome.result is not None:
            for rule in [*outcome.result["rules"], *outcome.result["safety_net"]]:
                reached[rule["id"]].add(rule.get("disposition"))
    rules: list[Rule | Floor] = [*ruleset.rules.values(), *ruleset.floors.values()]
    for rule in rules:
        wanted = {outcome.disposition for outcome in rule.outcomes}
        assert wanted <= reached[rule.id], rule.id


def test_every_threshold_has_cases_on_it_just_below_and_just_above(
    ruleset: Ruleset, outcomes: list[CaseOutcome]
) -> None:
    """An off-by-one in a limit is the likeliest fault in a table of vital signs."""
    values: dict[str, set[float]] = defaultdict(set)
    for outcome in outcomes:
        for name, value in answered(outcome.case):
            values[name].add(round(value, 4))
    for name, limit in sorted(limits(ruleset)):
        step = QUARTER_YEAR_STEP if limit == 0.25 else STEPS.get(name, 1)
        read = ruleset.inputs[name]
        for value in (round(limit - step, 4), limit, round(limit + step, 4)):
            possible = (read.minimum is None or value >= read.minimum) and (
                read.maximum is None or value <= read.maximum
            )
            assert not possible or value in values[name], f"{name} {value}"


def test_every_mandatory_question_has_a_case_without_it(ruleset: Ruleset, outcomes: list[CaseOutcome]) -> None:
    """And in that case the result says that it is missing."""
    missing = {name for outcome in outcomes for name in outcome.case.expect.get("missing", [])}
    assert missing == {name for item in ruleset.mandatory for name in item.inputs}


def test_every_conflict_has_a_case(ruleset: Ruleset, outcomes: list[CaseOutcome]) -> None:
    told = {name for outcome in outcomes for name in outcome.case.expect.get("conflicts", [])}
    assert told == set(ruleset.conflicts)


def routine_facts(evaluator: Evaluator, outcomes: list[CaseOutcome]) -> Iterator[tuple[Case, Answers]]:
    for outcome in outcomes:
        if outcome.result is not None and outcome.result["level"] == "routine":
            case = outcome.case
            yield case, evaluator.facts(read_answers(evaluator.ruleset, case.answers), case.history)


def level(ruleset: Ruleset, facts: Answers) -> Level:
    return decide(ruleset, Reference(ruleset, facts).rails()).level


def test_taking_any_mandatory_answer_away_leaves_routine(evaluator: Evaluator, outcomes: list[CaseOutcome]) -> None:
    """Whatever the harmless pattern: fever is the only question that has a second answer."""
    ruleset = evaluator.ruleset
    for case, facts in some_of(routine_facts(evaluator, outcomes), 8):
        for item in ruleset.mandatory:
            if item.when is not None and Reference(ruleset, facts).value(item.when) is False:
                continue
            less = {name: value for name, value in facts.items() if name not in item.inputs}
            assert level(ruleset, less) > Level.ROUTINE, (case.id, item.inputs)


DANGEROUS: dict[str, bool | str] = {
    "fever_reported": True,
    "looks_unwell": True,
    "consciousness": "drowsy",
    "breathing_difficulty": "mild",
    "rash_spreading": "rapid_hours",
    "neck_stiffness": True,
    "mucosal_bleeding": "minor",
    "gi_bleeding": True,
    "anticoagulant": True,
    "known_bleeding_disorder": "other",
    "immunosuppressed": True,
}


@pytest.mark.parametrize("name", DANGEROUS)
def test_a_positive_red_flag_leaves_routine_whatever_the_pattern(
    evaluator: Evaluator, outcomes: list[CaseOutcome], name: str
) -> None:
    """Non-fading spots are the one red flag that a harmless pattern may explain."""
    for case, facts in some_of(routine_facts(evaluator, outcomes), 8):
        worse: Answers = {**facts, name: DANGEROUS[name]}
        assert level(evaluator.ruleset, worse) > Level.ROUTINE, case.id


def test_a_refused_case_is_refused_for_what_it_says(evaluator: Evaluator) -> None:
    """S07: never clamped, never converted; the hint names the likely unit and not the number."""
    with pytest.raises(ReportError) as refused:
        read_answers(evaluator.ruleset, {"temperature_c": 101})
    assert "Fahrenheit" in str(refused.value)
    assert "101" not in str(refused.value)

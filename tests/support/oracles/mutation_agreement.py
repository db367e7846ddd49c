"""Mutants of made rulesets held against a look at every report, and against a plain run of every case."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import replace
from random import Random

from tests.support.oracles import brute_force
from tests.support.oracles.encoding_agreement import can_be_written, small_ruleset
from tests.support.rulesets.generated import DIGEST, make_report, make_ruleset
from triage_rules.assurance.cases import Case, differences, fired_ids
from triage_rules.assurance.mutation.case_runs import CaseRuns
from triage_rules.assurance.mutation.equivalence import Differs, Distinguished, Equivalence, Equivalent
from triage_rules.assurance.mutation.mutants import apply_mutation
from triage_rules.assurance.mutation.operators import Mutant, make_mutants
from triage_rules.assurance.solver.solver import GaveUp
from triage_rules.evaluation.answers import read_answers
from triage_rules.evaluation.decision import disposition_of
from triage_rules.evaluation.evaluator import Evaluator
from triage_rules.evaluation.reference import Reference
from triage_rules.evaluation.result import Identity
from triage_rules.foundation.place import Place
from triage_rules.language.model import Answers, Level, Ruleset
from triage_rules.language.reading.places import MappingNode

NOWHERE = MappingNode({}, Place("made", 1, 1))
IDENTITY = Identity("case", "made", "1.0.0", DIGEST, 0, 0)
MUTANTS = 2
CASES = 10
SECONDS = 20.0
MOST_REPORTS = 100
"""A ruleset that tells more reports apart is too large to look at every one."""


def made_mutants(ruleset: Ruleset, random: Random, wanted: int) -> list[Mutant]:
    """Some of a made ruleset's mutants."""
    found = make_mutants(ruleset, NOWHERE, "made")
    return random.sample(found, min(wanted, len(found)))


# --- every report ---


def solver_disagreements(seed: int) -> Iterator[str] | None:
    """Where the solver's word on some mutants of a small ruleset is not what every report shows; None if too large."""
    ruleset = small_ruleset(seed)
    if (
        ruleset is None
        or math.prod(1 + len(brute_force.answers(ruleset, name)) for name in ruleset.inputs) > MOST_REPORTS
    ):
        return None
    return _solver_disagreements(ruleset, seed)


def _solver_disagreements(ruleset: Ruleset, seed: int) -> Iterator[str]:
    telling = Equivalence(Evaluator(ruleset, DIGEST), SECONDS)
    for mutant in made_mutants(ruleset, Random(seed), MUTANTS):
        other = apply_mutation(ruleset, mutant.change)
        shown = worst_difference(ruleset, other)
        match telling.compare(other):
            case Equivalent():
                if shown is not None:
                    yield f"{mutant.id}: proved to be equal, and {shown} differs"
            case Distinguished(differs, witness):
                if shown is not differs:
                    yield f"{mutant.id}: {differs} differs, and every report shows {shown}"
                elif witness is None or published(witness.results[0]) == published(witness.results[1]):
                    yield f"{mutant.id}: the witness shows nothing: {witness}"
            case GaveUp(why):
                yield f"{mutant.id}: {why}"


def worst_difference(one: Ruleset, other: Ruleset) -> Differs | None:
    """The most serious way in which any report comes out otherwise."""
    also = {f"also {rule.id}": rule for rule in other.rules.values()}
    floors = {f"also {floor.id}": floor for floor in other.floors.values()}
    inferences = {f"also {i.name}": i for i in other.inferences.values()}
    both = replace(
        one, rules=one.rules | also, floors=one.floors | floors, inferences=one.inferences | inferences
    )  # only for its limits: both rulesets' numbers are looked at
    order = list(Differs)
    found = [
        order.index(difference)
        for answers in brute_force.completions(both, {})
        if can_be_written(one, answers)
        if (difference := _difference(one, other, answers)) is not None
    ]
    return order[min(found)] if found else None


def _difference(one: Ruleset, other: Ruleset, answers: Answers) -> Differs | None:
    before, after = brute_force.level(one, answers), brute_force.level(other, answers)
    if before is Level.URGENT > after:
        return Differs.URGENT_LOWERED
    if before is not after:
        return Differs.LEVEL
    if _disposition(one, answers) != _disposition(other, answers):
        return Differs.DISPOSITION
    if _fired(one, answers) != _fired(other, answers):
        return Differs.RULES
    return Differs.REST if _rest(one, answers, before) != _rest(other, answers, after) else None


def _disposition(ruleset: Ruleset, answers: Answers) -> str:
    return disposition_of(ruleset, Reference(ruleset, brute_force.effective(ruleset, answers)).established())


def _fired(ruleset: Ruleset, answers: Answers) -> set[str]:
    return {key for key, held in brute_force.outcomes(ruleset, answers).items() if held and "+" not in key}


def _rest(ruleset: Ruleset, answers: Answers, level: Level) -> tuple[object, ...]:
    """Whose reasons are told, which conflicts there are, what is missing. Flags hang on rules and default."""
    answers = brute_force.effective(ruleset, answers)
    held = brute_force.outcomes(ruleset, answers)
    told = set()
    for rule in ruleset.rules_and_floors:
        keys = [rule.id, *(f"{rule.id}+{number}" for number in range(1, len(rule.outcomes)))]
        reached = [
            ruleset.dispositions[outcome.disposition].level
            for key, outcome in zip(keys, rule.outcomes, strict=False)
            if held[key]
        ]
        if max(reached, default=None) is level or (not rule.outcomes and held[rule.id]):
            told.add(rule.id)
    conflicts = {c.id for c in ruleset.conflicts.values() if brute_force.truth(ruleset, answers, c.when)}
    missing = {
        name
        for item in ruleset.mandatory
        if item.when is None or brute_force.truth(ruleset, answers, item.when) is not False
        if not any(finding in answers for finding in item.inputs)
        for name in item.inputs
    }
    return told, conflicts, missing, not any(held[rule] for rule in ruleset.rules)


def published(result: dict[str, object]) -> tuple[object, ...]:
    """What cases can see of a result, but for what is still open."""
    conflicts = [conflict["id"] for conflict in result["conflicts"]]
    fields = [result[field] for field in ("level", "disposition", "flags", "missing", "advice")]
    return (*fields, fired_ids(result), conflicts)


# --- every case ---


def killing_disagreements(seed: int) -> Iterator[str]:
    """Where the quick way finds another first failing case than a whole run of every case does."""
    random = Random(seed)
    ruleset = make_ruleset(random)
    evaluator = Evaluator(ruleset, DIGEST)
    cases = [_case(evaluator, random, number) for number in range(CASES)]
    quick = CaseRuns(evaluator, cases)
    assert quick.failing == ()
    for mutant in made_mutants(ruleset, random, MUTANTS):
        other = apply_mutation(ruleset, mutant.change)
        killed, mutated = quick.kill(other), Evaluator(other, DIGEST)
        plain = next((case.id for case in cases if differences(case.expect, _result(mutated, case))), None)
        if plain != (killed and killed.case):
            yield f"{mutant.id}: {killed and killed.case} is found, and {plain} is the first that fails"


def _case(evaluator: Evaluator, random: Random, number: int) -> Case:
    """A made report with some of its result as what is wanted."""
    answers, history = make_report(random, evaluator.ruleset)
    case = Case(f"case {number}", "", answers, history, {})
    result = _result(evaluator, case)
    asked = [question["finding"] for question in result["ask"]]
    wanted = {
        **{field: result[field] for field in ("level", "disposition", "could_be", "determined", "missing", "flags")},
        "fires": sorted(fired_ids(result)),
        "silent": sorted({rule.id for rule in evaluator.ruleset.rules_and_floors} - fired_ids(result)),
        "conflicts": [conflict["id"] for conflict in result["conflicts"]],
        "ask": asked,
    }
    chosen = random.sample(sorted(wanted), random.randint(1, 4))
    return replace(case, expect={key: wanted[key] for key in chosen})


def _result(evaluator: Evaluator, case: Case) -> dict[str, object]:
    answers = read_answers(evaluator.ruleset, case.answers)
    return evaluator.evaluate(answers, case.history, report_id=case.id, received_ms=0, evaluated_ms=0)

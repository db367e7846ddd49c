"""The encoder against engine, reference and brute force on made rulesets: for the tests and for the campaign."""

from __future__ import annotations

import itertools
import math
from collections.abc import Iterator
from random import Random

from tests.support.oracles import brute_force
from tests.support.rulesets.generated import as_facts, make_report, make_ruleset
from triage_rules.assurance.solver.encoding import Encoding
from triage_rules.assurance.solver.solver import Model, NoReport, Solver
from triage_rules.assurance.solver.witness import Witness, Witnesses
from triage_rules.evaluation.compiling import compile_ruleset
from triage_rules.evaluation.decision import Decider
from triage_rules.evaluation.engine import Engine
from triage_rules.evaluation.justification import missing
from triage_rules.evaluation.reference import Reference
from triage_rules.evaluation.signals import SOONER, Numbering, Rails
from triage_rules.language.model import Answers, AskedOf, Basis, Level, Ruleset

MOST_REPORTS = 2000
"""A ruleset with more ways to answer is passed over: brute force would take too long."""


def disagreements(seed: int, reports: int = 5) -> Iterator[str]:
    """What the encoder says of reports by one made ruleset, and engine or reference don't."""
    random = Random(seed)
    size = {"inputs": 25, "statements": 25, "rules": 40} if seed % 50 == 0 else {}
    ruleset = make_ruleset(random, **size)
    engine, numbering = Engine(compile_ruleset(ruleset, "made")), Numbering(ruleset)
    encoding = Encoding(ruleset)
    solver = Solver(encoding)
    for number in range(reports):
        answers, history = make_report(random, ruleset, 0 if number == 0 else None)
        facts = as_facts(ruleset, answers, history)
        reference = Reference(ruleset, facts)
        rails = numbering.rails(engine.run(facts))
        if rails != reference.rails():
            yield f"report {number}: engine and reference differ: {answers}"
        solver.watch(*(formula for *_, formula in _wanted(encoding, rails, reference)))
        model = solver.find(encoding.says(answers, history))
        if not isinstance(model, Model):
            yield f"report {number}: {model}: {answers}"
            continue
        for name, wanted, formula in _wanted(encoding, rails, reference):
            if model.holds(formula) is not wanted:
                yield f"report {number}: `{name}` is {wanted}: {answers} {history}"
    engine.close()


def _wanted(encoding: Encoding, rails: Rails, reference: Reference) -> Iterator[tuple[str, bool, object]]:
    """Each thing that can be said of a report: its name, whether it is so, and the formula for it."""
    ruleset = encoding.ruleset
    for key, condition in encoding.statements.items():
        value = reference.value(condition)
        yield f"{key} open", value is None, encoding.open(condition)
        yield f"{key} false", value is False, encoding.ruled_out(key)
        if key == SOONER:
            yield "sooner", key in rails.possible, encoding.sooner()
            continue
        yield f"{key} established", key in rails.established, encoding.established(key)
        if key not in ruleset.inferences and key not in ruleset.conflicts:
            yield f"{key} possible", key in rails.possible, encoding.possible(key)
            yield f"{key} certain", key in rails.certain, encoding.certain(key)
    deciding = Decider(ruleset)
    masks = deciding.numbering.masks(rails)
    decision = deciding.decide(masks)
    for level in Level:
        yield f"level >= {level}", decision.level >= level, encoding.level_at_least(level)
        yield f"level is {level}", decision.level == level, encoding.level_is(level)
        yield f"could_be >= {level}", decision.could_be >= level, encoding.could_be_at_least(level)
    for code in ruleset.dispositions:
        urgent = ruleset.urgency(decision.disposition) >= ruleset.urgency(code)
        yield f"disposition {code}", decision.disposition == code, encoding.disposition_is(code)
        yield f"as urgent as {code}", urgent, encoding.at_least_as_urgent(code)
    yield "determined", decision.determined, encoding.determined()
    for basis in Basis:
        yield f"basis {basis}", decision.basis is basis, encoding.basis_is(basis)
    for code in ruleset.dispositions:
        yield f"by rules {code}", decision.by_rules == code, encoding.by_rules_is(code)
        could = decision.could_be_disposition == code
        yield f"could be {code}", could, encoding.could_be_disposition_is(code)
    yield "default", decision.by_default, encoding.by_default()
    fired = {one.rule.id: one for some in deciding.fired(masks.established) for one in some}
    for rule in ruleset.rules_and_floors:
        statement = fired.get(rule.id)
        yield f"{rule.id} fired", statement is not None, encoding.fired(rule.id)
        told = statement is not None and (
            statement.outcome is None or ruleset.dispositions[statement.outcome.disposition].level == decision.level
        )
        yield f"{rule.id} advises", told, encoding.advises(rule.id)
    absent = missing(ruleset, reference)
    for name in ruleset.inputs:
        yield f"{name} missing", name in absent, encoding.missing(name)


def small_ruleset(seed: int) -> Ruleset | None:
    """A made ruleset of which every report can be looked at; None if this seed makes a larger one."""
    ruleset = make_ruleset(Random(seed), inputs=4, statements=3, rules=4, depth=2)
    if any(read.asked_of is AskedOf.SERVICE for read in ruleset.inputs.values()):
        return None
    every = [1 + len(brute_force.answers(ruleset, name)) for name in ruleset.inputs]
    return ruleset if math.prod(every) * 2 ** len(ruleset.mentions) <= MOST_REPORTS else None


def brute_force_differences(ruleset: Ruleset) -> Iterator[str]:
    """Where "some report does" by solver and by looking at every report differ; smallest witnesses included."""
    fewest: dict[tuple[Level, str], int] = {}
    for answers in brute_force.completions(ruleset, {}):
        if not can_be_written(ruleset, answers):
            continue
        answered = sum(name in ruleset.inputs for name in answers)
        level, outcomes = brute_force.level(ruleset, answers), brute_force.outcomes(ruleset, answers)
        for key in ["", *(key for key, held in outcomes.items() if held)]:
            fewest[level, key] = min(answered, fewest.get((level, key), answered))
    encoding = Encoding(ruleset)
    witnesses = Witnesses(Solver(encoding))
    keys = ["", *brute_force.outcomes(ruleset, {})]
    for level, key in itertools.product(Level, keys):
        whole = [encoding.level_is(level), *([encoding.established(key)] if key else [])]
        found = witnesses.smallest(*whole)
        match found:
            case NoReport():
                if (level, key) in fewest:
                    yield f"{level.word} with `{key}`: none found, and there is one"
            case Witness():
                if len(found.answers) != fewest.get((level, key)) or not found.fewest:
                    yield f"{level.word} with `{key}`: {found.answers}, and the fewest are {fewest.get((level, key))}"
            case _:
                yield f"{level.word} with `{key}`: {found}"


def can_be_written(ruleset: Ruleset, answers: Answers) -> bool:
    """A text that has a phrase has it for every mention that looks for it."""
    for mention, other in itertools.permutations(ruleset.mentions.values(), 2):
        implied = mention.text == other.text and set(mention.phrases) <= set(other.phrases)
        if implied and answers.get(mention.name) and not answers[other.name]:
            return False
    return True

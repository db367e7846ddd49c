"""The plain evaluator, written out as Python, says what the reference evaluator says, of every ruleset and report."""

from __future__ import annotations

from pathlib import Path
from random import Random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.support.rulesets import repository
from tests.support.rulesets.generated import DIGEST, make_completion, make_findings, make_ruleset
from tests.support.shares import examples, some_of
from tests.unit.test_compiling import ruleset_of
from triage_rules.evaluation.answers import read_answers
from triage_rules.evaluation.evaluator import Evaluator
from triage_rules.evaluation.generated.program import GeneratedEvaluation, GeneratedEvaluator, Reach
from triage_rules.evaluation.justification import ReferenceJustification
from triage_rules.evaluation.reference import Reference
from triage_rules.evaluation.signals import Numbering, input_bits
from triage_rules.language.model import All, Answers, OneOf, Ruleset, Yes
from triage_rules.language.model import Any as AnyOf

RED_DOTS = Path(__file__).parents[2] / "rulesets" / "red-dots"


def differences(
    plain: GeneratedEvaluator, ruleset: Ruleset, findings: Answers, closed: frozenset[str] = frozenset()
) -> list[str]:
    """What the plain evaluator says otherwise. closed: inputs that the audience will not answer."""
    reference, numbering = Reference(ruleset, findings), Numbering(ruleset)
    gone = findings.keys() | ruleset.not_asked(findings)
    is_open = {name: bit for name, bit in input_bits(ruleset).items() if name not in gone}
    closed_bits = sum(bit for name, bit in is_open.items() if name in closed)
    opinion = plain.of(findings, Reach(sum(is_open.values()) & ~closed_bits, closed_bits))
    rails, grounds = reference.rails(), ReferenceJustification(ruleset, reference, closed)
    said = numbering.rails(opinion.rails)
    told = [rail for rail in ("established", "possible", "certain") if getattr(said, rail) != getattr(rails, rail)]
    told += [
        f"why {key}"
        for key in rails.established - ruleset.conflicts.keys()
        if list(opinion.reasons(key).items()) != list(grounds.reasons(key).items())
    ]
    told += ["missing"] if opinion.missing() != grounds.missing() else []
    return told + _differences_in_reach(opinion, grounds, numbering, findings, ruleset)


def _differences_in_reach(
    opinion: GeneratedEvaluation,
    grounds: ReferenceJustification,
    numbering: Numbering,
    findings: Answers,
    ruleset: Ruleset,
) -> list[str]:
    outcomes = numbering.mask(numbering.outcomes)
    reach, found = grounds.rails_in_reach(), opinion.rails_in_reach()
    wanted = grounds.depends_on_in_reach()
    differing = [
        ("possible in reach", found.possible, reach.possible & outcomes),
        ("certain in reach", found.certain, reach.certain & outcomes),
        ("only elsewhere", opinion.only_elsewhere(), grounds.only_elsewhere()),
        ("what it hangs on in reach", opinion.depends_on_in_reach(), wanted),
    ]
    return [what for what, one, other in differing if one != other]


@settings(max_examples=examples(50, 200), derandomize=True, deadline=None, database=None)
@given(st.integers(min_value=0, max_value=2**63))
def test_it_agrees_with_the_reference_on_rails_reasons_and_questions(seed: int) -> None:
    random = Random(seed)
    ruleset = make_ruleset(random, inputs=10, statements=10, rules=12)
    plain = GeneratedEvaluator(ruleset)
    for _ in range(5):
        findings = make_findings(random, ruleset)
        closed = frozenset(name for name in ruleset.inputs if random.random() < 0.3)
        assert differences(plain, ruleset, findings, closed) == []
        assert differences(plain, ruleset, make_completion(random, ruleset, findings)) == []


def test_it_agrees_on_the_worked_cases_of_red_dots_and_on_what_is_left_of_them() -> None:
    ruleset = repository.ruleset(RED_DOTS)
    evaluator, plain, random = Evaluator(ruleset, DIGEST), GeneratedEvaluator(ruleset), Random(2)
    for case in some_of(repository.cases(RED_DOTS)[::4], 60):
        if "refused" not in case.expect:
            findings = read_answers(ruleset, case.answers)
            fewer = {name: value for name, value in findings.items() if random.random() < 0.6}
            for answers in (findings, fewer):
                facts = evaluator.facts(answers, case.history)
                assert differences(plain, ruleset, facts, frozenset(fewer) - facts.keys()) == [], case.id


def test_an_evaluator_that_is_wrong_about_one_statement_is_found_out(monkeypatch: pytest.MonkeyPatch) -> None:
    """A comparison that can't fail would prove nothing."""
    ruleset = ruleset_of(All((Yes("y0"), Yes("y1"))))
    wrong = ruleset_of(AnyOf((Yes("y0"), Yes("y1"))))
    assert differences(GeneratedEvaluator(wrong), ruleset, {"y0": True}) != []
    assert differences(GeneratedEvaluator(ruleset), ruleset, {"y0": True}) == []


def test_reasons_may_be_asked_for_after_what_it_hangs_on() -> None:
    """The function gives its answers in a fixed order; who asks need not know."""
    ruleset = ruleset_of(AnyOf((Yes("y0"), Yes("y1"))))
    opinion = GeneratedEvaluator(ruleset).of({"y0": True})
    assert set(opinion.depends_on_in_reach()) == {0}
    assert opinion.reasons("R1") == {"y0": True}
    assert opinion.missing() == []


def test_what_is_written_in_a_ruleset_is_never_run() -> None:
    """Names and choices pass into the function as literals, whatever they look like."""
    hostile = "'); raise SystemExit('run') #"
    opinion = GeneratedEvaluator(ruleset_of(OneOf("c", (hostile,)), {hostile: Yes("y0")})).of(
        {"c": hostile, "y0": True}
    )
    assert opinion.reasons(hostile) == {"y0": True}
    assert opinion.reasons("R1") == {"c": hostile}

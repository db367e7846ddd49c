"""Scope in every evaluator, in interviews and in proofs: after the no nothing is below its disposition."""

from __future__ import annotations

from random import Random

from hypothesis import given, settings
from hypothesis import strategies as st

from tests.engine.test_plain import differences
from tests.support.oracles import interview_laws as laws
from tests.support.oracles.interview_laws import Subject, cases_of
from tests.support.rulesets.generated import DIGEST, make_findings, make_ruleset
from tests.support.rulesets.interviewed import make_interviewed
from tests.support.rulesets.scoped import with_scope
from tests.support.shares import examples
from triage_rules.assurance.solver.encoding import Encoding
from triage_rules.assurance.solver.solver import NoReport, Solver
from triage_rules.assurance.solver.witness import Witness, Witnesses
from triage_rules.evaluation.compiling import compile_ruleset
from triage_rules.evaluation.decision import decide
from triage_rules.evaluation.engine import Engine
from triage_rules.evaluation.evaluator import Evaluator
from triage_rules.evaluation.generated.program import GeneratedEvaluator
from triage_rules.evaluation.reference import Reference
from triage_rules.evaluation.signals import Numbering
from triage_rules.interview.random_people import random_person
from triage_rules.language.model import IN_SCOPE, OUT_OF_SCOPE, Audience, Level, Yes

SEEDS = st.integers(min_value=0, max_value=2**63)


@settings(max_examples=examples(15, 100), derandomize=True, deadline=None, database=None)
@given(SEEDS)
def test_the_evaluators_agree_and_a_no_is_never_below_its_disposition(seed: int) -> None:
    random = Random(seed)
    ruleset = with_scope(random, make_ruleset(random))
    assert ruleset.scope is not None
    generated, numbering = GeneratedEvaluator(ruleset), Numbering(ruleset)
    engine = Engine(compile_ruleset(ruleset, "made"))
    for about in (True, False, None):
        findings = make_findings(random, ruleset) | {"about": about}
        findings = {name: value for name, value in findings.items() if value is not None}
        rails = Reference(ruleset, findings).rails()
        assert numbering.rails(engine.run(findings)) == rails
        assert differences(generated, ruleset, findings) == []
        decision = decide(ruleset, rails)
        assert (IN_SCOPE in rails.established) is (about is not False)
        if about is False:
            assert ruleset.urgency(decision.disposition) >= ruleset.urgency(ruleset.scope.disposition)
            assert decision.lowest > Level.ROUTINE
            assert not decision.by_default
    engine.close()


@settings(max_examples=examples(4, 40), derandomize=True, deadline=None, database=None)
@given(SEEDS)
def test_the_solver_proves_that_a_no_is_never_routine(seed: int) -> None:
    random = Random(seed)
    ruleset = with_scope(random, make_ruleset(random, inputs=5, statements=3, rules=4, depth=2))
    encoding = Encoding(ruleset)
    no = encoding.false(Yes("about"))
    assert isinstance(Solver(encoding).find(no, encoding.level_is(Level.ROUTINE)), NoReport)
    witness = Witnesses(Solver(encoding)).smallest(no)  # replayed: the evaluators say what the formulas say
    assert isinstance(witness, Witness)
    assert OUT_OF_SCOPE in witness.result["flags"]
    assert witness.result["missing"] == []


@settings(max_examples=examples(8, 60), derandomize=True, deadline=None, database=None)
@given(SEEDS)
def test_the_laws_of_interviews_hold_with_a_scope(seed: int) -> None:
    random = Random(seed)
    ruleset = with_scope(random, make_interviewed(random, inputs=5, statements=3, rules=4, depth=2))
    subject = Subject(Evaluator(ruleset, DIGEST))
    cases = cases_of(subject, random, 3)
    assert [fault for case in cases for fault in laws.exceptions(case, laws.LAWS)] == []
    for audience in Audience:
        truth = random_person(ruleset, random, usual=random.random())
        truth["about"] = random.choice([True, False])
        truth = random_person(ruleset, random, given=truth)
        talk, faults = laws.interview_exceptions(subject, truth, audience)
        assert faults == []
        if truth["about"] is False:
            later = talk.answers.keys() - talk.exchanges[0].answers.keys() if talk.exchanges else set()
            assert "about" not in talk.answers or not later & ruleset.not_asked({"about": False})

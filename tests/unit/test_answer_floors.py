"""Which floors rest on given answers: a warning sign does, a contradiction and a count don't."""

from __future__ import annotations

import pytest

from tests.support.paths import RED_DOTS
from tests.support.rulesets import repository
from tests.support.rulesets.generated import DIGEST
from triage_rules.evaluation.evaluator import Evaluator
from triage_rules.language.answer_floors import floors_on_answers
from triage_rules.language.model import Answers, Level
from triage_rules.records.reports import History

RULESET = repository.ruleset(RED_DOTS)


def test_a_warning_sign_rests_on_answers_and_contradictions_and_counts_do_not() -> None:
    on_answers = floors_on_answers(RULESET)
    assert {"A01", "A03"} <= on_answers
    assert not {"S06", "S12", "S12B"} & on_answers


@pytest.mark.parametrize(
    ("answers", "basis"),
    [
        pytest.param({"chest_pain": True}, "rules", id="a sign for which only A01 has a floor"),
        pytest.param({"age_years": 4}, "safety_net", id="the glass test of a child is missing"),
    ],
)
def test_the_basis_of_red_dots(answers: Answers, basis: str) -> None:
    result = Evaluator(RULESET, DIGEST).evaluate(answers, History(), report_id="r", received_ms=0, evaluated_ms=0)
    assert result["basis"] == basis


def test_earlier_reports_are_the_safety_net() -> None:
    urgent = History(highest_level_24h=Level.URGENT)
    result = Evaluator(RULESET, DIGEST).evaluate({}, urgent, report_id="r", received_ms=0, evaluated_ms=0)
    assert (result["level"], result["basis"]) == ("urgent", "safety_net")

"""An answer that relevance implies is shown with the answers that rule its question out."""

from __future__ import annotations

import json
from pathlib import Path

from click.testing import CliRunner

from tests.engine.test_encoding import HEAD
from tests.support.rulesets.generated import DIGEST
from triage_rules.cli import main
from triage_rules.evaluation.evaluator import Evaluator
from triage_rules.language.reading import parse_ruleset
from triage_rules.workbench.try_patient import try_answers

GATED = """
inputs:
  age_years: {type: integer, group: person, minimum: 0, maximum: 120, unit: a, question: How old is the person?}
  fontanelle:
    type: yes_no
    group: signs
    question: Is the soft spot bulging?
    relevant: {when: small, otherwise: false}
  since:
    type: choice
    group: signs
    question: Since when does it bulge?
    choices: {today: Since today, never: It does not}
    relevant: {when: fontanelle, otherwise: never}
inferences:
  small: {says: A small child, when: {age_years: {less_than: 3}}}
rules:
  R1:
    {title: Calm, when: {all: [{not: fontanelle}, {since: {is: never}}]}, disposition: R1, reason: Calm., source: {text: made, marks: []}}
"""
RULESET = (HEAD + GATED).encode()


def explained(folder: Path, answers: dict[str, object], *options: str) -> str:
    """The output of `triage explain`."""
    (folder / "ruleset.yaml").write_bytes(RULESET)
    (folder / "cases.yaml").write_text("cases: []\n")
    arguments = ["explain", str(folder), *options]
    ran = CliRunner().invoke(main, arguments, input=json.dumps({"findings": answers}), catch_exceptions=False)
    assert ran.exit_code == 0, ran.output
    return ran.stdout


def test_an_implied_answer_is_shown_with_its_reason_also_through_another_one(tmp_path: Path) -> None:
    lines = explained(tmp_path, {"age_years": 45}).splitlines()
    no = "no (not asked: How old is the person? 45 years)"
    assert f"  - Is the soft spot bulging?: {no}" in lines
    assert f"  - Since when does it bulge?: It does not (not asked: Is the soft spot bulging? {no})" in lines


def test_an_answer_that_was_given_has_no_such_reason(tmp_path: Path) -> None:
    lines = explained(tmp_path, {"age_years": 45, "fontanelle": False, "since": "never"}).splitlines()
    assert "  - Is the soft spot bulging?: no" in lines
    assert not any("not asked" in line for line in lines)


def test_the_derivation_as_data_goes_on_to_the_answers_that_rule_a_question_out(tmp_path: Path) -> None:
    derivation = json.loads(explained(tmp_path, {"age_years": 45}, "--format", "json"))["derivation"]["R1"]
    (bulging,) = [node for node in derivation if node["name"] == "fontanelle"]
    assert bulging["answer"] is False
    assert [(node["name"], node["answer"]) for node in bulging["because"]] == [("age_years", 45)]


def test_a_patient_who_is_tried_on_a_draft_sees_what_is_not_asked() -> None:
    evaluator = Evaluator(parse_ruleset(RULESET, "ruleset.yaml"), DIGEST)
    (rule,) = try_answers(evaluator, None, {"age_years": "45"})["draft"]["rules"]
    bulging = next(node for node in rule["because"] if node["name"] == "fontanelle")
    assert bulging["answer"] == "no (not asked: How old is the person? 45 years)"
    assert bulging["because"] == []

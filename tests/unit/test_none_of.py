"""Answers to a panel's lines read as one step: "none of: a fit; a stiff neck"."""

from __future__ import annotations

from tests.support.paths import RED_DOTS
from tests.support.rulesets import repository
from triage_rules.evaluation.explanation import DerivationNode
from triage_rules.explanation.none_of import merge_none_of
from triage_rules.explanation.not_asked import derivation_lines

RULESET = repository.ruleset(RED_DOTS)
FIT, CHEST, ALERT = (
    DerivationNode(name, RULESET.inputs[name].question, answer)
    for name, answer in (("seizure", False), ("chest_pain_crushing", False), ("consciousness", "alert"))
)


def test_harmless_answers_to_lines_of_one_panel_are_one_step() -> None:
    [merged] = merge_none_of(RULESET, [FIT, ALERT, CHEST])
    texts = {line.input: line.text for line in RULESET.panels["danger_now"].lines}
    assert merged.says == f"none of: {texts['seizure']}; {texts['consciousness']}; {texts['chest_pain_crushing']}"


def test_a_line_that_applies_and_a_single_line_stay_as_they_are() -> None:
    ticked = DerivationNode("chest_pain_crushing", "Chest pain?", True)
    drowsy = DerivationNode("consciousness", "Awake?", "drowsy")
    assert merge_none_of(RULESET, [FIT, ticked, drowsy]) == [FIT, ticked, drowsy]


def test_the_text_of_a_derivation_has_them_on_one_line() -> None:
    node = DerivationNode("well", "Does not seem ill", True, None, (FIT, CHEST))
    lines = list(derivation_lines(RULESET, node))
    assert len(lines) == 2
    assert lines[1].startswith("  - none of: ")

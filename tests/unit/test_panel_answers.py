"""The answers to panels: each form, each fault with its pointer and code, and never an answer in a message."""

from __future__ import annotations

from typing import Any

import pytest

from tests.support.paths import GLASS_TEST
from tests.support.rulesets import repository
from tests.support.rulesets.faulty_files import example
from triage_rules.evaluation.answers import UNKNOWN
from triage_rules.evaluation.panel_answers import read_panels, ticked_choices
from triage_rules.foundation.errors import ReportError
from triage_rules.intake.report import read_report
from triage_rules.language.model import Answers, Ruleset
from triage_rules.language.reading import parse_ruleset

INPUTS = """\
  seizure: {type: yes_no, group: g, question: A fit?}
  confusion: {type: choice, group: g, question: Confused?, choices: {none: No, some: A little, severe: Very}}
  rash: {type: yes_no, group: g, question: A rash?}
"""
PANELS = """
panels:
  danger:
    question: Is any of this so?
    lines: [seizure, {finding: confusion, none_means: none, text: Confused or drowsy}]
  skin: {question: And of this?, lines: [itchy, rash]}
"""


@pytest.fixture(scope="module")
def ruleset() -> Ruleset:
    text = example().replace("  itchy: {", f"{INPUTS}  itchy: {{", 1) + PANELS
    return parse_ruleset(text.encode(), "ruleset.yaml")


@pytest.mark.parametrize(
    ("answer", "merged"),
    [
        ([], {"seizure": False, "confusion": "none"}),
        (["seizure"], {"seizure": True, "confusion": "none"}),
        (["confusion"], {"seizure": False}),
        (["confusion", "seizure"], {"seizure": True}),
        ({"apply": []}, {"seizure": False, "confusion": "none"}),
        ({"apply": [], "unknown": []}, {"seizure": False, "confusion": "none"}),
        ({"apply": [], "unknown": ["seizure"]}, {"seizure": UNKNOWN, "confusion": "none"}),
        ({"apply": ["seizure"], "unknown": ["confusion"]}, {"seizure": True, "confusion": UNKNOWN}),
        ("unknown", {"seizure": UNKNOWN, "confusion": UNKNOWN}),
    ],
)
def test_each_form_gives_each_line_its_answer(ruleset: Ruleset, answer: object, merged: Answers) -> None:
    assert read_panels(ruleset, {"danger": answer}, {}) == merged


def test_a_ticked_choice_stays_open_until_it_is_answered(ruleset: Ruleset) -> None:
    """It is still to be asked; the answer that it then gets may be any but the harmless one."""
    panels = {"danger": ["confusion"]}
    assert "confusion" not in read_panels(ruleset, panels, {})
    assert ticked_choices(ruleset, panels, {"seizure": False}) == ("confusion",)
    for value in ("some", "severe", UNKNOWN):
        answers = read_panels(ruleset, panels, {"confusion": value})
        assert answers == {"seizure": False, "confusion": value}
        assert ticked_choices(ruleset, panels, answers) == ()


@pytest.mark.parametrize("answer", [{"apply": ["confusion"]}, ["confusion"]])
def test_a_choice_is_ticked_in_either_form(ruleset: Ruleset, answer: object) -> None:
    assert ticked_choices(ruleset, {"danger": answer, "skin": "unknown"}, {}) == ("confusion",)


def test_no_panel_leaves_the_answers_as_they_are(ruleset: Ruleset) -> None:
    assert read_panels(ruleset, {}, {"seizure": True}) == {"seizure": True}
    assert read_panels(ruleset, {"skin": []}, {"seizure": True}) == {"seizure": True, "rash": False, "itchy": False}


def test_equal_findings_may_be_sent_beside_a_panel(ruleset: Ruleset) -> None:
    """A client may send all that it knows; an "unknown" among the findings stays so for a line that isn't listed."""
    answers: Answers = {"seizure": True, "confusion": "none"}
    assert read_panels(ruleset, {"danger": ["seizure"]}, answers) == answers
    assert read_panels(ruleset, {"danger": []}, {"seizure": UNKNOWN}) == {"seizure": UNKNOWN, "confusion": "none"}
    assert read_panels(ruleset, {"danger": ["seizure"]}, {"seizure": UNKNOWN})["seizure"] is True


FAULTS: list[tuple[object, Answers, list[tuple[str, str]]]] = [
    # --- the whole ---
    ([], {}, [("/panels", "wrong_type")]),
    ("unknown", {}, [("/panels", "wrong_type")]),
    (None, {}, [("/panels", "wrong_type")]),
    (True, {}, [("/panels", "wrong_type")]),
    # --- the panel ---
    ({"dangr": []}, {}, [("/panels/dangr", "unknown_panel")]),
    ({"a/b~c": []}, {}, [("/panels/a~1b~0c", "unknown_panel")]),
    ({"": []}, {}, [("/panels/", "unknown_panel")]),
    ({"danger": None}, {}, [("/panels/danger", "wrong_type")]),
    ({"danger": True}, {}, [("/panels/danger", "wrong_type")]),
    ({"danger": 0}, {}, [("/panels/danger", "wrong_type")]),
    ({"danger": "none"}, {}, [("/panels/danger", "wrong_type")]),
    ({"danger": "seizure"}, {}, [("/panels/danger", "wrong_type")]),
    # --- the lines ---
    ({"danger": [7]}, {}, [("/panels/danger/0", "wrong_type")]),
    ({"danger": [["seizure"]]}, {}, [("/panels/danger/0", "wrong_type")]),
    ({"danger": [None, {}]}, {}, [("/panels/danger/0", "wrong_type"), ("/panels/danger/1", "wrong_type")]),
    ({"danger": ["seizur"]}, {}, [("/panels/danger/0", "unknown_line")]),
    ({"danger": ["itchy"]}, {}, [("/panels/danger/0", "unknown_line")]),
    ({"danger": ["unknown"]}, {}, [("/panels/danger/0", "unknown_line")]),
    ({"danger": ["seizure", "confusion", "seizure"]}, {}, [("/panels/danger/2", "duplicate")]),
    # --- the object ---
    ({"danger": {}}, {}, [("/panels/danger/apply", "required")]),
    ({"danger": {"unknown": []}}, {}, [("/panels/danger/apply", "required")]),
    ({"danger": {"apply": "seizure"}}, {}, [("/panels/danger/apply", "wrong_type")]),
    ({"danger": {"apply": None}}, {}, [("/panels/danger/apply", "wrong_type")]),
    ({"danger": {"apply": [], "unknown": "all"}}, {}, [("/panels/danger/unknown", "wrong_type")]),
    ({"danger": {"apply": [], "none": []}}, {}, [("/panels/danger/none", "unknown_field")]),
    ({"danger": {"apply": [], "unknown": ["x"]}}, {}, [("/panels/danger/unknown/0", "unknown_line")]),
    ({"danger": {"apply": ["seizure"], "unknown": ["seizure"]}}, {}, [("/panels/danger/unknown/0", "duplicate")]),
    ({"danger": {"apply": ["seizure", "seizure"]}}, {}, [("/panels/danger/apply/1", "duplicate")]),
    (
        {"danger": {"apply": [], "none": 1, "all": 2, "yes": 3, "no": 4}},
        {},
        [(f"/panels/danger/{key}", "unknown_field") for key in ("none", "all", "yes", "no")],
    ),
    # --- findings that say otherwise ---
    ({"danger": []}, {"seizure": True}, [("/panels/danger", "contradicts")]),
    ({"danger": ["seizure"]}, {"seizure": False}, [("/panels/danger/0", "contradicts")]),
    ({"danger": []}, {"confusion": "severe"}, [("/panels/danger", "contradicts")]),
    ({"danger": ["confusion"]}, {"confusion": "none"}, [("/panels/danger/0", "contradicts")]),
    ({"danger": "unknown"}, {"seizure": True}, [("/panels/danger", "contradicts")]),
    ({"danger": {"apply": [], "unknown": ["seizure"]}}, {"seizure": False}, [("/panels/danger/unknown/0", "contradicts")]),
    (
        {"danger": {"apply": [], "unknown": ["confusion"]}},
        {"confusion": "none", "seizure": True},
        [("/panels/danger", "contradicts"), ("/panels/danger/unknown/0", "contradicts")],
    ),
    # --- several ---
    (
        {"skin": ["rash", "rash"], "dangr": [], "danger": 1},
        {},
        [("/panels/skin/1", "duplicate"), ("/panels/dangr", "unknown_panel"), ("/panels/danger", "wrong_type")],
    ),
]  # fmt: skip


@pytest.mark.parametrize(("raw", "answers", "faults"), FAULTS, ids=range(len(FAULTS)))
def test_each_fault_has_its_pointer_and_code(
    ruleset: Ruleset, raw: object, answers: Answers, faults: list[tuple[str, str]]
) -> None:
    """All faults at once, and a faulty panel gives no line an answer."""
    with pytest.raises(ReportError) as refused:
        read_panels(ruleset, raw, answers)
    assert [(fault.pointer, fault.code) for fault in refused.value.faults] == faults


@pytest.mark.parametrize(
    ("raw", "hint"),
    [
        ({"dangr": []}, "did you mean `danger`?"),
        ({"zzz": []}, "known are `danger`, `skin`"),
        ({"danger": ["seizur"]}, "did you mean `seizure`?"),
        ({"danger": ["zzz"]}, "known are `seizure`, `confusion`"),
    ],
)
def test_a_likely_name_is_suggested(ruleset: Ruleset, raw: object, hint: str) -> None:
    with pytest.raises(ReportError) as refused:
        read_panels(ruleset, raw, {})
    assert hint in refused.value.faults[0].detail


def test_a_ruleset_without_panels_refuses_each() -> None:
    with pytest.raises(ReportError) as refused:
        read_panels(repository.ruleset(GLASS_TEST), {"danger": []}, {})
    (fault,) = refused.value.faults
    assert (fault.pointer, fault.code) == ("/panels/danger", "unknown_panel")
    assert "this ruleset has no panels" in fault.detail


SECRET = "a private matter"


@pytest.mark.parametrize(
    ("raw", "answers"),
    [
        ({"danger": SECRET}, {}),
        ({"danger": [SECRET]}, {}),
        ({"danger": {"apply": [SECRET], "unknown": [SECRET]}}, {}),
        ({"danger": {"apply": SECRET, "unknown": SECRET}}, {}),
        ({"danger": {"apply": [], SECRET: []}}, {}),
        ({SECRET: SECRET}, {}),
        (SECRET, {}),
        ({"danger": []}, {"confusion": "severe", "seizure": True}),
    ],
)  # fmt: skip
def test_no_detail_repeats_what_was_written(ruleset: Ruleset, raw: object, answers: Answers) -> None:
    """A pointer names the field, as in all faults; a detail never has an answer."""
    with pytest.raises(ReportError) as refused:
        read_panels(ruleset, raw, answers)
    for fault in refused.value.faults:
        assert SECRET not in fault.detail
        assert "severe" not in fault.detail and "true" not in fault.detail.lower()


def test_of_very_many_faults_the_first_hundred_are_listed(ruleset: Ruleset) -> None:
    with pytest.raises(ReportError) as refused:
        read_panels(ruleset, {f"p{number}": [] for number in range(150)}, {})
    assert (len(refused.value.faults), refused.value.left_out) == (100, 50)


# --- in a report ---


class _Live:
    """The ruleset, as a posted report finds it."""

    def __init__(self, ruleset: Ruleset) -> None:
        self.ruleset = ruleset

    def names(self) -> list[str]:
        return ["glass-test"]

    def get(self, _: str) -> _Live:
        return self


@pytest.mark.parametrize(("panels", "code"), [([], "wrong_type"), (None, "wrong_type"), ("unknown", "wrong_type")])
def test_panels_of_a_report_are_an_object(ruleset: Ruleset, panels: Any, code: str) -> None:
    with pytest.raises(ReportError) as refused:
        read_report({"findings": {}, "panels": panels}, _Live(ruleset), 0)
    assert [(fault.pointer, fault.code) for fault in refused.value.faults] == [("/panels", code)]


def test_a_report_has_the_answers_of_its_panels_and_the_choices_still_to_be_asked(ruleset: Ruleset) -> None:
    posted = read_report(
        {"findings": {"age_years": 4}, "panels": {"danger": ["confusion"], "skin": {"apply": [], "unknown": ["rash"]}}},
        _Live(ruleset),
        0,
    )
    assert posted.answers == {"age_years": 4, "seizure": False, "rash": UNKNOWN, "itchy": False}
    assert posted.ticked == ("confusion",)

"""What red-dots says: to patients, to clinicians, to other systems' code lists, and in its samples."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from triage_rules.assurance.cases import CaseOutcome
from triage_rules.evaluation.answers import read_answers
from triage_rules.evaluation.evaluator import Evaluator
from triage_rules.language.model import Floor, InputKind, Rule, Ruleset
from triage_rules.language.reading import load_document
from triage_rules.records.reports import History

FOLDER = Path(__file__).parents[2] / "rulesets" / "red-dots"
SAMPLES = sorted((FOLDER / "samples").glob("*.json"))
# What no patient text may speak of: the carer reads it.
SAFEGUARDING = ("safeguard", "suspicious", "does not fit", "inconsistent", "abuse", "non-accidental", "CG89")
PRIVATE = ("neck", "strangul", "assault", "violence", "hurt you")


def dihedral(a: int, b: int) -> int:
    """The product in the dihedral group of order 10: 0-4 are turns, 5-9 are flips."""
    if a < 5:
        return (a + b) % 5 if b < 5 else 5 + (a + b - 5) % 5
    return 5 + (a - 5 - b) % 5 if b < 5 else (a - b) % 5


def verhoeff(code: str) -> bool:
    """Whether the last digit is the Verhoeff check digit of the others."""
    step = (1, 5, 7, 6, 2, 8, 3, 0, 9, 4)
    check, turned = 0, list(range(10))
    for digit in reversed(code):
        check = dihedral(check, turned[int(digit)])
        turned = [turned[step[place]] for place in range(10)]
    return check == 0


@pytest.fixture
def evaluator(red_dots_evaluator: Evaluator) -> Evaluator:
    return red_dots_evaluator


@pytest.fixture
def ruleset(red_dots_evaluator: Evaluator) -> Ruleset:
    return red_dots_evaluator.ruleset


@pytest.fixture
def results(red_dots_outcomes: list[CaseOutcome]) -> list[dict[str, Any]]:
    """The results of all worked cases that are not refused."""
    return [outcome.result for outcome in red_dots_outcomes if outcome.result is not None]


@pytest.fixture(scope="module")
def codes() -> dict[str, Any]:
    document: dict[str, Any] = load_document(FOLDER / "codes-snomed.yaml").data
    return document


def code_entries(codes: dict[str, Any]) -> Iterator[dict[str, Any]]:
    for group in ("findings", "statements", "other"):
        yield from codes[group]


def test_the_check_digit_finds_the_wrong_codes_of_the_note() -> None:
    """Two codes that public repositories carry for stiff neck and petechiae, and a valid one with two digits swapped."""
    assert verhoeff("271813007")
    assert verhoeff("161882006")
    assert [code for code in ("29164003", "169826008", "271831007") if verhoeff(code)] == []


def test_every_snomed_code_has_a_valid_check_digit(codes: dict[str, Any]) -> None:
    """It catches slips of the pen; whether a code means what we say needs a terminology server."""
    wrong = [entry for entry in code_entries(codes) if entry["code"] is not None and not verhoeff(entry["code"])]
    assert not wrong


def test_every_snomed_code_has_a_mark_and_unsure_ones_have_no_code(codes: dict[str, Any]) -> None:
    for entry in code_entries(codes):
        assert entry["mark"] in ("c", "s", "u")
        assert entry["display"]
        assert (entry["code"] is None) == (entry["mark"] == "u"), entry


def test_snomed_codes_are_mapped_to_answers_and_statements_that_exist(codes: dict[str, Any], ruleset: Ruleset) -> None:
    """The mapping can be swapped, so it is checked from outside: the ruleset does not know it."""
    for entry in codes["findings"]:
        read = ruleset.inputs[entry["finding"]]
        if read.kind is InputKind.YES_NO:
            assert entry["value"] is True
        else:
            assert entry["value"] in {choice.value for choice in read.choices}
    assert {entry["statement"] for entry in codes["statements"]} <= set(ruleset.inferences)


def test_a_clinician_only_reason_never_reaches_patient_text(ruleset: Ruleset, results: list[dict[str, Any]]) -> None:
    """The carer who reads the text may be the one who did it."""
    private = [rule for rule in ruleset.rules.values() if rule.clinician_only]
    assert [rule.id for rule in private] == ["R60"]
    fired = [result for result in results if any(rule["id"] == "R60" for rule in result["rules"])]
    assert len(fired) >= 5
    for result in fired:
        text = result["advice"]["patient"]
        for rule in private:
            assert rule.reason not in text
            assert rule.title not in text
        assert not [word for word in SAFEGUARDING if word.casefold() in text.casefold()]
        assert private[0].reason in result["advice"]["clinician"]


def test_a_private_answer_is_not_named_in_patient_text(results: list[dict[str, Any]]) -> None:
    """Somebody else may read the screen. The safety advice that stands on every result names a stiff neck; it is left aside."""
    fired = [result for result in results if any(rule["id"] == "R61" for rule in result["rules"])]
    assert fired
    for result in fired:
        text = result["advice"]["patient"].replace("stiff neck", "").casefold()
        assert not [word for word in PRIVATE if word in text]


def test_the_safety_advice_is_on_every_result(ruleset: Ruleset, results: list[dict[str, Any]]) -> None:
    """Also on routine: nobody goes home without knowing when to call."""
    assert all(ruleset.always_patient in result["advice"]["patient"] for result in results)


def test_patient_texts_are_whole_calm_sentences(ruleset: Ruleset) -> None:
    """A reason ends in a full stop, does not shout, and names no certainty of a disease."""
    rules: list[Rule | Floor] = [*ruleset.rules.values(), *ruleset.floors.values()]
    texts = [rule.reason for rule in rules] + [disposition.patient for disposition in ruleset.dispositions.values()]
    for text in texts:
        assert re.fullmatch(r"[A-Z][^!]*\.", text), text
        assert not re.search(r"\byou have (sepsis|meningitis|leuk|cancer)", text, re.IGNORECASE), text


def test_nobody_is_told_to_stop_a_medicine(ruleset: Ruleset) -> None:
    """The page that this grew out of says "change medicine"; a stopped blood thinner is a stroke."""
    for rule_id in ("R39", "R40", "R41"):
        assert re.search(r"(do not|don't) stop", ruleset.rules[rule_id].reason, re.IGNORECASE), rule_id


def test_the_readme_has_a_line_for_every_sample_and_no_other() -> None:
    readme = (FOLDER / "README.md").read_text(encoding="utf-8")
    assert set(re.findall(r"`([\w-]+\.json)`", readme)) == {path.name for path in SAMPLES}
    assert len(SAMPLES) >= 8


@pytest.mark.parametrize("path", SAMPLES, ids=lambda path: path.stem)
def test_a_sample_has_the_level_that_the_readme_says(evaluator: Evaluator, path: Path) -> None:
    """A sample is a report as posted: the ruleset's name and findings, no subject."""
    report = json.loads(path.read_text(encoding="utf-8"))
    assert set(report) == {"ruleset", "findings"}
    assert report["ruleset"] == "red-dots"
    answers = read_answers(evaluator.ruleset, report["findings"])
    result = evaluator.evaluate(answers, History(), report_id=path.stem, received_ms=0, evaluated_ms=0)
    readme = (FOLDER / "README.md").read_text(encoding="utf-8")
    wanted = re.search(rf"`{re.escape(path.name)}` \|.*\| (routine|monitor|urgent)(.*)\|", readme)
    assert wanted is not None
    assert result["level"] == wanted.group(1)
    assert not wanted.group(2).strip() or result["ask"], "it says that it asks"


def test_the_lifelong_dots_are_routine_and_nothing_is_left_to_ask(evaluator: Evaluator) -> None:
    """The one person of the page whom a doctor told that it is nothing."""
    report = json.loads((FOLDER / "samples" / "lifelong-dots-like-moles.json").read_text(encoding="utf-8"))
    answers = read_answers(evaluator.ruleset, report["findings"])
    result = evaluator.evaluate(answers, History(), report_id="x", received_ms=0, evaluated_ms=0)
    assert (result["level"], result["could_be"], result["ask"]) == ("routine", "routine", [])
    assert result["determined"] is True

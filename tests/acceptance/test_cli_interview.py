"""`triage interview`, and the personas that `triage test` and `triage check` run: output, exit codes, messages."""

from __future__ import annotations

import json
from pathlib import Path
from xml.etree import ElementTree as ET

import pytest

from tests.support.command import run_triage
from tests.support.paths import GLASS_TEST
from tests.support.rulesets import glass_personas


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return glass_personas.write_folder(tmp_path / "glass-test")


@pytest.fixture
def wrong(tmp_path: Path) -> Path:
    """With a persona who expects another outcome than the rules give."""
    return glass_personas.write_folder(tmp_path / "glass-test", glass_personas.WRONG)


def test_each_persona_is_shown_with_screens_answers_and_outcome(folder: Path) -> None:
    ran = run_triage("interview", folder)
    assert ran.exit_code == 0
    for line in (
        "bites: A woman of 33 with itchy bites",
        "   1  Feeling ill: Is any of this so? The spots itch",
        "  => routine  R2_self_care_info: Self care",
        "     2 screens (certificate: 2), 2 taps, surely urgent after 2 screens",
    ):
        assert line in ran.stdout.splitlines()
    assert "no clinician has approved" in ran.stderr


def test_json_is_complete_and_only_the_named_personas_are_interviewed(folder: Path) -> None:
    ran = run_triage("interview", folder, "--persona", "unsure", "--persona", "bites", "--format", "json")
    data = json.loads(ran.stdout)
    assert (data["ruleset"], data["version"], data["budget"]) == ("glass-test", "1.0.0", None)
    assert [run["name"] for run in data["interviews"]] == ["bites", "unsure"]
    assert {"shown", "outcome", "expected", "certificate", "answers", "taps"} <= set(data["interviews"][0])
    assert [figures["group"] for figures in data["summary"]["groups"]] == ["harmless", "unsure", "all"]


def test_an_unexpected_outcome_is_a_finding(wrong: Path) -> None:
    ran = run_triage("interview", wrong)
    assert ran.exit_code == 1
    assert "     disposition: wanted M1_clinician_48h, got R2_self_care_info" in ran.stdout.splitlines()
    assert "1 of 3 interviews fails." in ran.stderr


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (["--persona", "bits"], "There is no persona `bits`; did you mean `bites`?"),
        (["--people", "2", "--unknown", "1.5"], "Invalid value for '--unknown'"),
        (["--people", "0"], "Invalid value for '--people'"),
        (["--people", "2", "--persona", "bites"], "--people can't be combined"),
        (["--people", "2", "--worst"], "--people can't be combined"),
    ],
)
def test_wrong_usage_ends_with_2(folder: Path, arguments: list[str], says: str) -> None:
    ran = run_triage("interview", folder, *arguments)
    assert (ran.exit_code, ran.stdout) == (2, "")
    assert says in ran.stderr


def test_a_ruleset_without_personas_has_only_random_people() -> None:
    ran = run_triage("interview", GLASS_TEST)
    assert (ran.exit_code, "personas.yaml`, so there are no personas to interview" in ran.stderr) == (2, True)
    ran = run_triage("interview", GLASS_TEST, "--people", "3", "--seed", "5", "--format", "json")
    data = json.loads(ran.stdout)
    assert (ran.exit_code, [run["name"] for run in data["interviews"]]) == (0, ["random_5", "random_6", "random_7"])
    assert data["summary"]["groups"][0]["complete"] == 3
    again = run_triage("interview", GLASS_TEST, "--people", "1", "--seed", "6", "--format", "json")
    assert json.loads(again.stdout)["interviews"][0]["answers"] == data["interviews"][1]["answers"]


def test_random_people_may_know_little() -> None:
    ran = run_triage("interview", GLASS_TEST, "--people", "3", "--unknown", "1", "--format", "json")
    runs = json.loads(ran.stdout)["interviews"]
    assert ran.exit_code == 0
    assert {answer for run in runs for answer in run["answers"].values()} == {"unknown"}
    assert {run["complete"] for run in runs} == {True}


def test_the_text_about_random_people_shows_only_those_who_fail(folder: Path) -> None:
    ran = run_triage("interview", folder, "--people", "5")
    assert (ran.exit_code, "random_0" in ran.stdout, "random  5 " in ran.stdout) == (0, False, True)


def test_the_longest_interview_is_found_and_shown(folder: Path) -> None:
    """A random person's may be as long as that of a persona, not longer: no more than four screens are needed."""
    ran = run_triage("interview", folder, "--worst", "--seconds", "0.3", "--format", "json")
    (longest,) = json.loads(ran.stdout)["interviews"]
    assert (ran.exit_code, longest["screens"], longest["complete"]) == (0, 4, True)
    ran = run_triage("interview", GLASS_TEST, "--worst", "--seconds", "0.3")
    assert ran.exit_code == 0
    assert "longest: The longest of " in ran.stdout


def test_a_fault_of_the_personas_is_told_with_its_place(folder: Path) -> None:
    text = glass_personas.PERSONAS.replace("itchy: true", "ichy: true")
    (folder / "personas.yaml").write_text(text, encoding="utf-8")
    line = 1 + text[: text.index("ichy")].count("\n")
    for command, stream in (("interview", "stderr"), ("test", "stderr"), ("check", "stdout")):
        ran = run_triage(command, folder)
        assert ran.exit_code == 1
        assert f"personas.yaml:{line}:" in getattr(ran, stream)
        assert "unknown input `ichy`; did you mean `itchy`?" in getattr(ran, stream)


def test_test_runs_personas_beside_cases(folder: Path, wrong: Path) -> None:
    ran = run_triage("test", wrong)
    assert ran.exit_code == 1
    assert "bites: A woman of 33 with itchy bites\n    level: wanted monitor, got routine\n" in ran.stdout
    assert "personas: 2 passed, 1 failed (median: 2 screens)" in ran.stdout
    assert "1 of 3 personas fails." in ran.stderr and "cases" not in ran.stderr
    ran_tests = json.loads(run_triage("test", wrong, "--format", "json").stdout)
    assert [(one["name"], one["passed"], one["screens"]) for one in ran_tests["personas"]] == [
        ("bites", False, 4),
        ("feverish", True, 2),
        ("unsure", True, 2),
    ]
    suite = ET.fromstring(run_triage("test", wrong, "--format", "junit").stdout)
    assert (suite.get("tests"), suite.get("failures")) == ("5", "1")
    (failure,) = suite.iter("failure")
    assert failure.get("message") == "A woman of 33 with itchy bites"
    classes = {case.get("name"): case.get("classname") for case in suite.iter("testcase")}
    assert (classes["spots-that-itch"], classes["bites"]) == ("glass-test", "glass-test.personas")


def test_test_without_personas_says_nothing_of_them() -> None:
    ran = run_triage("test", GLASS_TEST)
    assert (ran.exit_code, ran.stdout) == (0, "2 passed, 0 failed\n")


def test_a_share_of_unknown_answers_goes_only_with_random_people(folder: Path) -> None:
    """Personas have their own answers: a share that changes nothing would mislead."""
    ran = run_triage("interview", folder, "--unknown", "0.3")
    assert ran.exit_code == 2
    assert "--unknown goes with --people" in ran.stderr

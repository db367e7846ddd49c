"""`triage vignettes`, and the vignettes that `triage test` and `triage check` run: output, exit codes, messages."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from xml.etree import ElementTree as ET

import pytest

from tests.support.command import run_triage
from tests.support.rulesets import glass_vignettes


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return glass_vignettes.write_folder(tmp_path / "glass-test")


@pytest.fixture
def mild(tmp_path: Path) -> Path:
    """With a vignette whose outcome is too mild, and a budget that is missed."""
    return glass_vignettes.write_folder(tmp_path / "glass-test", glass_vignettes.TOO_MILD)


def test_figures_and_confusions_are_shown(folder: Path) -> None:
    ran = run_triage("vignettes", folder)
    assert ran.exit_code == 0
    lines = [" ".join(line.split()) for line in ran.stdout.splitlines()]
    for line in (
        "adults 2 1 (50 %) 2 (100 %) 0 0 0 of 2 3 / 4 3 / 4",
        "kind: urgent 1 1 (100 %) 1 (100 %) 0 0 0 of 0 2 / 2 2 / 2",
        "routine 0 1 1",
        "adults routine 0 1 1",
        "R2 0 1 1",
        "vignettes: 3 run, 2 (66.7 %) exact, 3 (100 %) acceptable, 0 too mild, 0 too grave",
        "Budget: exact_percent 50, acceptable_percent 75, harmless_called_urgent_percent 0.",
    ):
        assert line in lines
    assert "no clinician has approved" in ran.stderr


def test_a_miss_and_a_missed_budget_are_findings(mild: Path) -> None:
    ran = run_triage("vignettes", mild)
    assert ran.exit_code == 1
    assert "fever: too mild: wanted U2_emergency_dept_now, got M1_clinician_48h (no rule fits)" in ran.stdout
    assert "    It can be meningococcal disease." in ran.stdout.splitlines()
    assert "Vignettes: 1 of 3 are too mild; 1 of 3 (33.3 %) are exact, and the budget is at least 50 %;" in ran.stderr


def test_the_half_that_is_set_aside_is_shown_as_counts_without_names(mild: Path) -> None:
    """Whoever changes the rules must not see which of them miss."""
    shutil.move(mild / "vignettes.yaml", mild / "vignettes-held-out.yaml")
    for form in ("text", "markdown", "json"):
        ran = run_triage("vignettes", mild, "--held-out", "--format", form)
        assert ran.exit_code == 1
        assert [
            name for name in ("fever:", '"fever"', "swelling", "fading", "meningococcal") if name in ran.output
        ] == []
        assert "33.3 %" in ran.output
    data = json.loads(ran.stdout)
    assert set(data) == {"ruleset", "version", "digest", "file", "budget", "failures", "figures"}
    assert (data["figures"]["all"]["too_mild"], data["file"]) == (1, "vignettes-held-out.yaml")


def test_json_has_each_vignette_with_what_decided(folder: Path) -> None:
    data = json.loads(run_triage("vignettes", folder, "--format", "json").stdout)
    first, second, _ = data["vignettes"]
    assert (first["verdict"], first["rules"], first["by_default"]) == ("acceptable", [], True)
    assert (second["form"], second["interview"], second["rules"]) == ("R2_self_care_info", "R2_self_care_info", ["R67"])
    assert first["marks"] == ["V", "V~"]


def test_without_the_interviews_the_verdicts_are_the_same(mild: Path) -> None:
    """And nothing is claimed about interviews."""
    whole, forms = (
        json.loads(run_triage("vignettes", mild, "--format", "json", *options).stdout)
        for options in ((), ("--forms-only",))
    )
    assert [run["verdict"] for run in whole["vignettes"]] == [run["verdict"] for run in forms["vignettes"]]
    assert whole["failures"] == forms["failures"]
    shown = run_triage("vignettes", mild, "--forms-only")
    assert shown.exit_code == 1
    assert [word for word in ("interview", "screens", "taps") if word in shown.stdout] == []


def test_a_folder_without_the_file_ends_with_2(folder: Path) -> None:
    ran = run_triage("vignettes", folder, "--held-out")
    assert (ran.exit_code, ran.stdout) == (2, "")
    assert f"there is no `{folder / 'vignettes-held-out.yaml'}`, so there are no vignettes to run" in ran.stderr


def test_triage_test_runs_them(folder: Path) -> None:
    ran = run_triage("test", folder)
    assert ran.exit_code == 0
    assert "vignettes: 3 run, 2 (66.7 %) exact, 3 (100 %) acceptable, 0 too mild, 0 too grave" in ran.stdout


def test_triage_test_fails_with_the_vignettes(mild: Path) -> None:
    ran = run_triage("test", mild)
    assert ran.exit_code == 1
    assert "fever: too mild: wanted U2_emergency_dept_now, got M1_clinician_48h (no rule fits)" in ran.stdout
    assert "Vignettes: 1 of 3 are too mild;" in ran.stderr
    data = json.loads(run_triage("test", mild, "--format", "json").stdout)
    assert [run["passed"] for run in data["vignettes"]] == [True, True, False]
    suite = ET.fromstring(run_triage("test", mild, "--format", "junit").stdout)
    cases = [case for case in suite.iter("testcase") if case.get("classname") == "glass-test.vignettes"]
    assert [(case.get("name"), len(case)) for case in cases] == [
        ("fading", 0),
        ("swelling", 0),
        ("fever", 1),
        ("budget", 1),
    ]
    assert (suite.get("tests"), suite.get("failures")) == ("9", "2")


@pytest.mark.parametrize("file", ["vignettes.yaml", "vignettes-held-out.yaml"])
def test_triage_check_reads_both_files(folder: Path, file: str) -> None:
    text = glass_vignettes.VIGNETTES.replace("kind: urgent", "kind: between")
    (folder / file).write_text(text, encoding="utf-8")
    checked = run_triage("check", folder)
    assert checked.exit_code == 1
    assert f"{file}:28:11: " in checked.stdout
    assert "expected `urgent`, since `U2_emergency_dept_now` is urgent" in checked.stdout

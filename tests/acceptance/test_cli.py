"""The `triage` command as C types it: output, exit codes, messages; no server behind it."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
import sys
from pathlib import Path
from xml.etree import ElementTree as ET

import pytest

from tests.support.command import run_triage, spawn_triage
from tests.support.paths import GLASS_TEST, RED_DOTS, ROOT
from tests.support.rulesets import repository

FEVERISH = '{"findings": {"age_years": 4, "blanches_on_pressure": "does_not_blanch", "fever_reported": true}}'


NIELSEN = ROOT / "rulesets/comparison/nielsen"


@pytest.fixture(scope="module")
def copied(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("copied") / "red-dots"


@pytest.fixture
def copy(copied: Path) -> Path:
    """A copy of red-dots without people, to spoil, each time in the same place: good files are not parsed again."""
    people = shutil.ignore_patterns("personas.yaml", "vignettes*")
    return Path(shutil.copytree(RED_DOTS, copied, dirs_exist_ok=True, ignore=people))


def test_check_tells_every_fault_with_its_place(copy: Path) -> None:
    """Findings are data: they go to stdout, and the exit code says that there were some."""
    text = (copy / "ruleset.yaml").read_text(encoding="utf-8")
    broken = re.sub(r"^version: \S+", "version: first", text, count=1, flags=re.MULTILINE)
    broken = broken.replace("when: mandatory_open", "when: mandatory_opn", 1)
    (copy / "ruleset.yaml").write_text(broken, encoding="utf-8")
    checked = run_triage("check", str(copy))
    assert checked.exit_code == 1
    version = next(n for n, line in enumerate(broken.splitlines(), 1) if line == "version: first")
    assert f"ruleset.yaml:{version}:10: " in checked.stdout
    assert "did you mean `mandatory_open`" in checked.stdout


def test_a_rule_past_its_review_date_is_a_finding(tmp_path: Path) -> None:
    text = (GLASS_TEST / "ruleset.yaml").read_text(encoding="utf-8")
    late = re.sub(r"review_by: \S+", "review_by: 2020-05-22", text, count=1)
    assert late != text
    (tmp_path / "ruleset.yaml").write_text(late, encoding="utf-8")
    checked = run_triage("check", str(tmp_path))
    assert (checked.exit_code, "was due for review by 2020-05-22" in checked.stdout) == (0, True)
    assert run_triage("check", str(tmp_path), "--strict").exit_code == 1


def test_check_without_time_says_what_it_could_not_decide() -> None:
    checked = run_triage("check", GLASS_TEST, "--seconds", "0", "--strict")
    assert (checked.exit_code, "warning: incomplete" in checked.stdout) == (1, True)


def test_check_as_json_and_sarif_tells_faults_and_findings_alike(tmp_path: Path) -> None:
    text = (GLASS_TEST / "ruleset.yaml").read_text(encoding="utf-8")
    for name, made in (("good", text), ("bad", text.replace("version: 1.0.0", "version: first", 1))):
        (tmp_path / name).mkdir()
        (tmp_path / name / "ruleset.yaml").write_text(made, encoding="utf-8")
        told = json.loads(run_triage("check", str(tmp_path / name), "--format", "json").stdout)
        log = json.loads(run_triage("check", str(tmp_path / name), "--format", "sarif").stdout)
        assert [one["type"] for one in told["findings"]] == [one["ruleId"] for one in log["runs"][0]["results"]]
        assert ("fault" in {one["type"] for one in told["findings"]}) == (name == "bad")


def test_check_tells_rules_that_are_too_much_for_the_engine(copy: Path) -> None:
    text = (copy / "ruleset.yaml").read_text(encoding="utf-8")
    many = "{at_least: 9, of: [" + ", ".join(["febrile", "child", "nonblanching"] * 6) + "]}"
    (copy / "ruleset.yaml").write_text(text.replace("when: mandatory_open", f"when: {many}", 1), encoding="utf-8")
    checked = run_triage("check", str(copy))
    assert (checked.exit_code, "error: engine_limit" in checked.stdout) == (1, True)


def test_a_folder_that_is_not_there_is_wrong_usage() -> None:
    assert run_triage("check", "rulesets/nothing").exit_code == 2


def test_test_runs_the_cases_and_writes_junit() -> None:
    ran = run_triage("test", NIELSEN, "--format", "junit")
    suite = ET.fromstring(ran.stdout)
    assert (ran.exit_code, suite.get("failures")) == (0, "0")
    assert int(suite.get("tests") or 0) == len(repository.cases(NIELSEN))


def test_every_case_is_a_testcase_in_junit_and_a_failing_one_tells_what_differs(copy: Path) -> None:
    """Continuous integration shows these beside the tests of a program."""
    (copy / "cases.yaml").write_text(
        "cases:\n"
        "  - {id: one, note: A <child> & more., findings: {age_years: 4}, expect: {level: routine, fires: [R08]}}\n"
        "  - {id: two, findings: {temperature_c: 101}, expect: {refused: [temperature_c]}}\n",
        encoding="utf-8",
    )
    ran = run_triage("test", str(copy), "--format", "junit", "--coverage")
    suite = ET.fromstring(ran.stdout)
    assert (ran.exit_code, suite.get("tests"), suite.get("failures")) == (1, "2", "1")
    assert [case.get("name") for case in suite.iter("testcase")] == ["one", "two"]
    (failure,) = suite.iter("failure")
    assert failure.get("message") == "A <child> & more."
    assert "fires: `R08` is not there" in str(failure.text)
    properties = {found.get("name"): found.get("value") for found in suite.iter("property")}
    assert float(properties["coverage.mcdc"] or "nan") < 10


def test_too_little_coverage_is_a_finding_and_a_misspelt_measure_wrong_usage(copy: Path) -> None:
    """`make rulesets` holds red-dots to what it has reached."""
    (copy / "cases.yaml").write_text(
        "cases:\n  - {id: one, findings: {consciousness: drowsy}, expect: {level: urgent}}\n", encoding="utf-8"
    )
    assert run_triage("test", str(copy)).exit_code == 0
    ran = run_triage("test", str(copy), "--require", "rules=100,floors=0", "--coverage", "--format", "json")
    assert (ran.exit_code, "Too little is covered: rules: " in ran.stderr) == (1, True)
    coverage = json.loads(ran.stdout)["coverage"]
    assert coverage["rules"]["R01"]["established"] == "one"
    assert coverage["rules"]["R08"]["established"] is None
    assert "R08: never established: no case where it fires" in [goal["text"] for goal in coverage["not_shown"]]
    wrong = run_triage("test", str(copy), "--require", "mccd=80")
    assert (wrong.exit_code, "`mccd` is not a measure" in wrong.stderr) == (2, True)


def test_drafts_of_cases_wait_for_their_label(copy: Path) -> None:
    """What is suggested is a report; what it must lead to is for a clinician to say."""
    (copy / "cases.yaml").write_text(
        "cases:\n  - {id: one, findings: {consciousness: drowsy}, expect: {level: urgent}}\n", encoding="utf-8"
    )
    ran = run_triage("test", str(copy), "--suggest", "2")
    assert (ran.exit_code, ran.stdout.count("expect: {level: to_be_said}")) == (0, 2)
    with (copy / "cases.yaml").open("a", encoding="utf-8") as file:
        file.write(ran.stdout)
    assert "`to_be_said` is not one of `routine`" in run_triage("test", str(copy)).stderr


def test_a_failing_case_is_told_in_words(copy: Path) -> None:
    (copy / "cases.yaml").write_text(
        "cases:\n  - {id: one, note: A child., findings: {age_years: 4}, expect: {level: routine, fires: [R08]}}\n",
        encoding="utf-8",
    )
    ran = run_triage("test", str(copy))
    assert ran.exit_code == 1
    assert "level: wanted routine, got " in ran.stdout
    assert "fires: `R08` is not there" in ran.stdout


def test_a_misspelt_name_that_must_be_silent_is_told(copy: Path) -> None:
    """What doesn't exist is silent for ever, so such a case could never fail."""
    (copy / "cases.yaml").write_text(
        "cases:\n  - {id: one, findings: {}, expect: {level: monitor, silent: [R888], ask_excludes: [nekc]}}\n",
        encoding="utf-8",
    )
    ran = run_triage("test", str(copy))
    assert "cases.yaml:2:63: case `one`: `expect`: `silent`: the ruleset has no rule or floor `R888`" in ran.stderr
    assert "`ask_excludes`: the ruleset has no input `nekc`" in ran.stderr


def test_a_case_without_a_wanted_level_is_refused(copy: Path) -> None:
    """A case that can't fail is none."""
    (copy / "cases.yaml").write_text("cases:\n  - {id: one, findings: {}, expect: {}}\n", encoding="utf-8")
    ran = run_triage("test", copy)
    assert (ran.exit_code, "`expect` must state a `level`" in ran.stderr) == (1, True)


def test_a_ruleset_without_cases_does_not_pass(copy: Path) -> None:
    (copy / "cases.yaml").write_text("cases: []\n", encoding="utf-8")
    assert run_triage("test", str(copy)).exit_code == 1


def test_decide_prints_one_result_as_json_and_nothing_else() -> None:
    decided = run_triage("decide", RED_DOTS, "-", "--format", "json", stdin=FEVERISH)
    result = json.loads(decided.stdout)
    assert (decided.exit_code, result["level"], result["disposition"]) == (0, "urgent", "U2_emergency_dept_now")
    assert "R08" in {rule["id"] for rule in result["rules"]}


def test_decide_refuses_a_wrong_report_with_a_pointer_for_every_fault() -> None:
    report = '{"findings": {"age_years": "4", "temperature_c": 101.3, "blanches_on_presure": true}}'
    decided = run_triage("decide", RED_DOTS, "-", stdin=report)
    assert (decided.exit_code, decided.stdout) == (1, "")
    for told in ("/findings/age_years:", "Fahrenheit", "`blanches_on_pressure`"):
        assert told in decided.stderr
    assert "101.3" not in decided.stderr


def test_decide_refuses_a_report_for_another_ruleset() -> None:
    assert run_triage("decide", RED_DOTS, "-", stdin='{"ruleset": "blue-dots", "findings": {}}').exit_code == 1


def test_explain_leads_from_the_level_to_the_answers() -> None:
    explained = run_triage("explain", RED_DOTS, "-", stdin=FEVERISH).stdout
    rule, statement, answer = (
        explained.index(words) for words in ("R08 ", "don't fade under a glass", "No, they stay")
    )
    assert rule < statement < answer


def test_explain_gives_the_derivation_as_data() -> None:
    explained = json.loads(run_triage("explain", RED_DOTS, "-", "--format", "json", stdin=FEVERISH).stdout)
    assert set(explained) == {"result", "derivation"}
    assert {node["name"] for node in explained["derivation"]["R08"]} == set(
        next(rule["because"] for rule in explained["result"]["rules"] if rule["id"] == "R08")
    )


@pytest.mark.parametrize(
    "command", [["status"], ["deploy", GLASS_TEST], ["rollback", "red-dots"], ["decide", "red-dots", "-"]]
)
def test_without_redis_a_command_that_needs_it_cannot_run(command: list[str]) -> None:
    """Exit code 3, one sentence, no traceback."""
    ran = run_triage(*command)
    assert ran.exit_code == 3
    assert "Traceback" not in ran.stderr


def test_post_without_a_service_cannot_run() -> None:
    ran = run_triage("post", f"{RED_DOTS}/samples/feverish-child-spots-stay.json", "--url", "http://127.0.0.1:1")
    assert (ran.exit_code, "can't be reached" in ran.stderr) == (3, True)


def test_an_unknown_setting_is_refused_by_name() -> None:
    ran = run_triage("status", TRIAGE_REDIS_ULR="x")
    assert (ran.exit_code, "did you mean TRIAGE_REDIS_URL" in ran.stderr) == (2, True)


# --- in a process of its own ---


def test_the_program_writes_data_to_stdout_and_everything_else_to_stderr() -> None:
    """Else a pipe into another program would break on a note that a person was to read."""
    ran = spawn_triage("decide", RED_DOTS, "-", "--format", "json", stdin=FEVERISH)
    assert (ran.returncode, json.loads(ran.stdout)["level"]) == (0, "urgent")
    assert "no clinician has approved" in ran.stderr


def test_the_program_ends_with_the_exit_code_of_its_command() -> None:
    """Scripts branch on it: 1 is a finding, 3 means that nothing could be checked."""
    report = '{"findings": {"age_years": "4"}}'
    assert spawn_triage("decide", RED_DOTS, "-", stdin=report).returncode == 1
    ran = spawn_triage("status")
    assert (ran.returncode, ran.stdout, "Traceback" in ran.stderr) == (3, "", False)


def test_the_command_line_starts_without_solver_server_and_queue() -> None:
    """Most commands need none of these, and loading them would make every one slow."""
    imports = "import sys, triage_rules.cli; print(*sorted({'z3', 'flask', 'celery'} & sys.modules.keys()))"
    loaded = subprocess.run([sys.executable, "-c", imports], cwd=ROOT, capture_output=True, text=True, check=True)
    assert loaded.stdout.strip() == ""

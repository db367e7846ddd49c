"""A draft on the workbench: what is wrong with it, its cases, a patient tried, what it changes, what to take along."""

from __future__ import annotations

import io
import shutil
import subprocess
import zipfile
from datetime import date
from pathlib import Path
from typing import Any

import pytest

from tests.support.rulesets import glass_personas, glass_vignettes, repository
from triage_rules.deployment.deploy import check_folder
from triage_rules.language.bundle import bundle_of, document_of, make_bundle
from triage_rules.language.reading import parse_document
from triage_rules.workbench.archive import pack_files
from triage_rules.workbench.compare_live import changed_files, patch
from triage_rules.workbench.diagnostics import as_json, examine
from triage_rules.workbench.draft import Drafts
from triage_rules.workbench.requests import Desk
from triage_rules.workbench.yaml_export import yaml_of

ROOT = Path(__file__).resolve().parents[2]
FOLDER = ROOT / "tests" / "acceptance" / "rulesets" / "glass-test"
FEVER_LINE = "when: {any: [{temperature_c: {at_least: 38}}, fever_reported]}"
PROPERTIES = """owner: us
review_by: 2030-01-01
properties:
  P01:
    says: Fever with spots that stay is urgent.
    whenever: {all: [nonblanching, febrile]}
    level_at_least: urgent
    source: {text: for tests}
"""


@pytest.fixture(scope="module")
def files() -> dict[str, str]:
    found = {name: (FOLDER / name).read_text(encoding="utf-8") for name in ("ruleset.yaml", "cases.yaml")}
    return found | {"properties.yaml": PROPERTIES}


@pytest.fixture(scope="module")
def live() -> dict[str, str]:
    bundle = repository.bundle(FOLDER)
    return {"digest": bundle.digest, "data": bundle.data.decode()}


def edited(files: dict[str, str], old: str, new: str, name: str = "ruleset.yaml") -> dict[str, str]:
    assert old in files[name]
    return files | {name: files[name].replace(old, new)}


def ask(files: dict[str, str], what: str, live: dict[str, str] | None = None, **words: Any) -> dict[str, Any]:
    return Desk().answer({"ask": what, "files": files, "live": live, "words": words})


# --- what is wrong ---


def test_a_fault_is_told_as_the_command_line_tells_it_and_its_word_is_marked(files: dict[str, str]) -> None:
    """Same checker, same words; the editor underlines from `column` to `end_column`."""
    (told,) = ask(edited(files, "all: [nonblanching, febrile]", "all: [nonblanchin, febrile]"), "look")["diagnostics"]
    line = files["ruleset.yaml"].split("\n").index("    when: {all: [nonblanching, febrile]}") + 1
    assert (told["file"], told["line"], told["column"], told["end_column"]) == ("ruleset.yaml", line, 18, 29)
    assert told["message"] == "rule `R08`: unknown name `nonblanchin`; did you mean `nonblanching`?"
    assert (told["severity"], told["type"]) == ("error", "fault")


def test_faults_of_all_three_files_are_told_at_once(files: dict[str, str]) -> None:
    draft = edited(files, "fires: [R08]", "fires: [R99]", "cases.yaml")
    draft = edited(draft, "level_at_least: urgent", "level_at_least: high", "properties.yaml")
    assert [(one["file"], one["line"]) for one in ask(draft, "look")["diagnostics"]] == [
        ("cases.yaml", 5),
        ("properties.yaml", 7),
    ]


def test_what_can_t_be_read_at_all_is_one_fault_and_no_more(files: dict[str, str]) -> None:
    for text in ("", "- 1", "\x00", "a: &b 1", "\u202e", "x" * 2_000_000):
        told = ask(files | {"ruleset.yaml": text}, "look")
        assert told["diagnostics"] and told["draft"] is None and told["controls"] == []


def test_a_draft_without_cases_is_told_so_and_one_without_properties_is_not(files: dict[str, str]) -> None:
    (told,) = ask({"ruleset.yaml": files["ruleset.yaml"]}, "look")["diagnostics"]
    assert (told["file"], told["message"]) == ("cases.yaml", "this file is missing, so no case runs")
    assert ask(files | {"properties.yaml": " \n"}, "look")["diagnostics"] == []


def test_a_check_tells_what_triage_check_tells_with_a_patient_that_shows_it(files: dict[str, str]) -> None:
    draft = edited(
        files,
        "when: {all: [nonblanching, febrile]}",
        "when: {all: [nonblanching, febrile, {not: febrile}]}",
    )
    opened = Drafts().open(draft)
    told = as_json(examine(opened, draft, date(2027, 1, 1)))
    errors = [one for one in told if one["severity"] == "error"]
    assert "unreachable_rule" in [one["type"] for one in errors]
    (refuted,) = [one for one in errors if one["type"] == "property"]
    assert "Fever with spots that stay is urgent" in refuted["message"]
    assert "Press a clear glass on the spots. Do they fade? No, they stay" in refuted["example"]
    assert refuted["outcome"].startswith("monitor")


def test_the_same_cases_are_not_parsed_again_and_their_faults_not_told_twice(files: dict[str, str]) -> None:
    desk, draft = Desk(), edited(files, "fires: [R08]", "fires: [R99]", "cases.yaml")
    first = desk.answer({"ask": "look", "files": draft})
    assert desk.answer({"ask": "look", "files": draft}) == first
    assert (
        len(
            desk.answer({"ask": "look", "files": draft | {"ruleset.yaml": draft["ruleset.yaml"] + "\n"}})["diagnostics"]
        )
        == 1
    )


# --- cases ---


def test_a_case_that_the_draft_breaks_is_told_apart_from_one_that_was_broken_before(
    files: dict[str, str], live: dict[str, str]
) -> None:
    draft = edited(files, FEVER_LINE, FEVER_LINE.replace("38}", "39.5}"))
    cases = draft["cases.yaml"] + "  - id: never-right\n    findings: {itchy: true}\n    expect: {level: routine}\n"
    told = ask(draft | {"cases.yaml": cases}, "cases", live)["cases"]
    assert (told["total"], told["passed"], told["failed"], told["broken"]) == (3, 1, 2, 1)
    assert [(one["id"], one["since"], one["line"]) for one in told["failing"]] == [
        ("spots-that-stay", "broken", 3),
        ("never-right", "before", 9),
    ]
    assert "level: wanted urgent, got monitor" in told["failing"][0]["differences"]


def test_a_case_about_a_question_that_is_not_live_can_t_have_been_broken_before(
    files: dict[str, str], live: dict[str, str]
) -> None:
    draft = edited(files, "  itchy: {", "  newly: {type: yes_no, group: spots, question: New?}\n  itchy: {")
    cases = draft["cases.yaml"] + "  - id: new\n    findings: {newly: true}\n    expect: {level: urgent}\n"
    draft = draft | {"cases.yaml": cases}
    assert ask(draft, "cases", live)["cases"]["failing"][0]["since"] == "unknown"
    assert ask(draft, "cases")["cases"]["failing"][0]["since"] == "unknown"


# --- personas ---


@pytest.fixture(scope="module")
def peopled(files: dict[str, str]) -> dict[str, str]:
    """With a panel and personas."""
    return files | {"ruleset.yaml": glass_personas.rules(), "personas.yaml": glass_personas.PERSONAS}


def test_a_failing_case_is_shown_with_the_answers_of_its_panels(peopled: dict[str, str]) -> None:
    case = "  - {id: ill, panels: {ill: [itchy]}, findings: {age_years: 4}, expect: {level: urgent}}\n"
    draft = peopled | {"cases.yaml": peopled["cases.yaml"] + case}
    (failing,) = ask(draft, "cases")["cases"]["failing"]
    assert failing["patient"] == {"age_years": "4", "itchy": "yes", "fever_reported": "no"}


def test_a_case_about_a_panel_that_is_not_live_can_t_have_been_broken_before(
    peopled: dict[str, str], live: dict[str, str]
) -> None:
    case = "  - {id: ill, panels: {ill: [itchy]}, expect: {level: urgent}}\n"
    draft = peopled | {"cases.yaml": peopled["cases.yaml"] + case}
    assert ask(draft, "cases", live)["cases"]["failing"][0]["since"] == "unknown"


def test_faults_of_personas_are_told_with_those_of_the_other_files(peopled: dict[str, str]) -> None:
    draft = edited(peopled, "fires: [R08]", "fires: [R99]", "cases.yaml")
    draft = edited(draft, "itchy: true", "ichy: true", "personas.yaml")
    told = ask(draft, "look")["diagnostics"]
    assert [(one["file"], one["line"]) for one in told] == [("cases.yaml", 5), ("personas.yaml", 13)]
    assert "did you mean `itchy`?" in told[1]["message"]
    assert peopled["personas.yaml"].split("\n")[12][told[1]["column"] - 1 :].startswith("itchy")
    assert ask(peopled, "look")["draft"]["personas"] == 3
    assert ask(peopled | {"personas.yaml": " \n"}, "look")["diagnostics"] == []


def test_faults_of_vignettes_are_told_once_the_personas_can_be_read(peopled: dict[str, str]) -> None:
    """Otherwise every vignette would seem to lack its base."""
    draft = peopled | {"vignettes.yaml": glass_vignettes.VIGNETTES.replace("kind: urgent", "kind: between")}
    told = ask(draft, "look")["diagnostics"]
    assert [(one["file"], one["line"]) for one in told] == [("vignettes.yaml", 28)]
    told = ask(edited(draft, "itchy: true", "ichy: true", "personas.yaml"), "look")["diagnostics"]
    assert [one["file"] for one in told] == ["personas.yaml"]
    assert ask(peopled | {"vignettes.yaml": glass_vignettes.VIGNETTES}, "look")["draft"]["vignettes"] == 3


def test_the_cases_run_with_the_personas(peopled: dict[str, str]) -> None:
    assert ask(peopled, "cases")["cases"]["personas"] == {"total": 3, "ran": 3, "failing": []}
    told = ask(peopled | {"personas.yaml": glass_personas.WRONG}, "cases")["cases"]["personas"]
    (failing,) = told["failing"]
    assert (failing["name"], failing["line"]) == ("bites", 9)
    assert "level: wanted monitor, got routine" in failing["differences"]


def test_a_personas_interview_is_shown_and_without_a_name_the_first(peopled: dict[str, str]) -> None:
    def shown(name: str) -> dict[str, Any]:
        told = Desk().answer({"ask": "interview", "files": peopled, "persona": name})["interview"]
        assert [one["name"] for one in told["personas"]] == ["bites", "feverish", "unsure"]
        run: dict[str, Any] = told["run"]
        return run

    assert shown("")["name"] == shown("nobody")["name"] == "bites"
    assert [one["title"] for one in shown("feverish")["shown"]] == ["Feeling ill", "Spots"]
    assert ask(peopled | {"personas.yaml": ""}, "interview")["interview"] is None
    assert ask(peopled | {"ruleset.yaml": "ruleset: 1"}, "interview")["interview"] is None


def test_personas_are_downloaded_and_patched(peopled: dict[str, str], files: dict[str, str], tmp_path: Path) -> None:
    with zipfile.ZipFile(io.BytesIO(pack_files("glass-test", peopled))) as archive:
        archive.extractall(tmp_path)
    assert check_folder(tmp_path / "glass-test").interviews is not None
    assert "+++ b/rulesets/glass-test/personas.yaml" in patch("glass-test", files, peopled)


# --- a patient ---


def test_trying_a_patient_shows_the_level_and_the_whole_way_to_it_by_draft_and_by_what_is_live(
    files: dict[str, str], live: dict[str, str]
) -> None:
    draft = edited(files, FEVER_LINE, FEVER_LINE.replace("38}", "39}"))
    told = ask(draft, "try", live, temperature_c="38,5", blanches_on_pressure="does_not_blanch", itchy="")["tried"]
    assert (told["draft"]["level"], told["live"]["level"]) == ("monitor", "urgent")
    (rule,) = told["live"]["rules"]
    assert (rule["id"], rule["because"][1]["says"]) == ("R08", "Has or had a fever")
    assert rule["because"][1]["because"][0]["answer"] == "38.5 °C"


def test_not_asked_is_a_state_of_each_question_and_is_no_answer(files: dict[str, str]) -> None:
    told = ask(files, "try", **dict.fromkeys(("age_years", "itchy", "blanches_on_pressure", "free_text"), ""))["tried"]
    assert told["faults"] == {}
    assert told["draft"]["level"] == "monitor"
    assert {one["finding"] for one in told["draft"]["ask"]} >= {"blanches_on_pressure"}


def test_an_answer_that_can_t_be_taken_is_told_at_its_question_without_the_answer(files: dict[str, str]) -> None:
    told = ask(files, "try", temperature_c="101", age_years="old", reports_last_48h="-1")["tried"]
    assert set(told["faults"]) == {"age_years", "reports_last_48h"}
    told = ask(files, "try", temperature_c="101")["tried"]
    assert "degrees Fahrenheit" in told["faults"]["temperature_c"]
    assert told["draft"] is None


def test_what_the_service_counts_can_be_tried_too(files: dict[str, str]) -> None:
    told = ask(files, "try", reports_last_48h="2", temperature_c="39")["tried"]
    assert [rule["id"] for rule in told["draft"]["rules"]] == ["S12"]
    assert told["draft"]["level"] == "urgent"


def test_a_question_that_what_is_live_does_not_have_is_told(files: dict[str, str], live: dict[str, str]) -> None:
    draft = edited(files, "  itchy: {", "  newly: {type: yes_no, group: spots, question: New?}\n  itchy: {")
    told = ask(draft, "try", live, newly="yes", temperature_c="39")["tried"]
    assert told["not_live"] == ["newly"]
    assert told["live"]["level"] == "monitor"


def test_each_input_gets_a_control_of_its_kind(files: dict[str, str]) -> None:
    controls = {one["name"]: one for one in ask(files, "look")["controls"]}
    assert (controls["temperature_c"]["minimum"], controls["temperature_c"]["step"]) == (30, 0.1)
    assert controls["new_spots_a_day"]["step"] == 1
    assert [one["value"] for one in controls["itchy"]["choices"]] == ["yes", "no"]
    assert [one["value"] for one in controls["blanches_on_pressure"]["choices"]] == ["blanches", "does_not_blanch"]
    assert list(controls)[-1] == "reports_last_48h"


# --- what changes ---


def test_the_difference_to_what_is_live_comes_with_witness_patients(
    files: dict[str, str], live: dict[str, str]
) -> None:
    draft = edited(files, FEVER_LINE, FEVER_LINE.replace("38}", "39}"))
    told = ask(draft, "compare", live)["compared"]
    lower = told["differences"][0]
    assert (lower["aspect"], lower["way"]) == ("level", "lower")
    assert {(*kind["before"], *kind["after"]) for kind in lower["kinds"]} == {
        ("urgent", "monitor"),
        ("monitor", "routine"),
    }
    assert all(kind["example"]["in_words"] for kind in lower["kinds"])
    assert ask(files, "compare", live)["compared"]["result"] == "No report differs at all: proved."
    assert ask(files, "compare")["compared"] is None


def test_the_patch_makes_what_is_live_into_the_draft(files: dict[str, str], tmp_path: Path) -> None:
    """By git itself; also with files that have no line feed at their end, and one that is new."""
    git = shutil.which("git")
    assert git is not None
    before = {name: text for name, text in files.items() if name != "properties.yaml"}
    after = edited(files, "at_least: 38", "at_least: 38.5") | {"cases.yaml": files["cases.yaml"].rstrip("\n")}
    folder = tmp_path / "rulesets" / "glass-test"
    folder.mkdir(parents=True)
    for name, text in before.items():
        (folder / name).write_text(text, encoding="utf-8", newline="")
    subprocess.run([git, "apply", "-"], input=patch("glass-test", before, after), text=True, cwd=tmp_path, check=True)
    assert {name: (folder / name).read_text(encoding="utf-8") for name in after} == after
    assert patch("glass-test", files, files) == ""
    assert changed_files(before, after) == ["ruleset.yaml", "cases.yaml", "properties.yaml"]


def test_what_is_downloaded_can_be_deployed(files: dict[str, str], tmp_path: Path) -> None:
    data = pack_files("glass-test", files)
    assert data == pack_files("glass-test", dict(reversed(files.items())))
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        archive.extractall(tmp_path)
    assert check_folder(tmp_path / "glass-test").bundle == repository.bundle(FOLDER)


def test_a_bundle_whose_file_was_not_kept_is_written_as_the_same_rules() -> None:
    """By its digest; also the largest ruleset that we have."""
    for folder in (FOLDER, ROOT / "rulesets" / "red-dots"):
        bundle = make_bundle(folder)
        text = yaml_of(document_of(bundle.data, bundle.digest)["ruleset"])
        assert bundle_of(parse_document(text.encode(), "ruleset.yaml")).digest == bundle.digest

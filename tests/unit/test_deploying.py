"""The check of a ruleset from elsewhere: in a process of its own, bounded, and told in full."""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.support.rulesets import glass_personas, glass_vignettes
from triage_rules.deployment import deploy, evidence
from triage_rules.foundation.errors import CasesFailed, PersonasFailed, RulesetError, VignettesFailed
from triage_rules.language.bundle import make_bundle

FOLDER = Path(__file__).resolve().parents[1] / "acceptance" / "rulesets" / "glass-test"


def files() -> dict[str, str]:
    return {name: (FOLDER / name).read_text(encoding="utf-8") for name in ("ruleset.yaml", "cases.yaml")}


def faults(sent: dict[str, str]) -> list[str]:
    with pytest.raises(RulesetError) as caught:
        deploy.check_files(sent)
    return [str(fault) for fault in caught.value.faults]


def test_a_ruleset_from_elsewhere_becomes_the_same_bundle_as_a_folder() -> None:
    """Byte by byte, so that its digest says what was deployed by either way."""
    checked = deploy.check_files(files())
    assert checked == deploy.check_folder(FOLDER)
    assert checked.bundle == make_bundle(FOLDER)
    assert (checked.cases, checked.approved_by) == (2, None)


def test_every_fault_is_told_with_its_place_and_without_our_folders() -> None:
    sent = files()
    sent["ruleset.yaml"] = (
        sent["ruleset.yaml"].replace("version: 1.0.0", "version: one").replace("language: 1", "language: 2")
    )
    told = faults(sent)
    assert [one.split(": ")[0] for one in told] == ["ruleset.yaml:3:11", "ruleset.yaml:4:10"]


def test_a_case_that_fails_is_told_with_its_place_and_counted(tmp_path: Path) -> None:
    """Over HTTP as at the command line; a ruleset without cases doesn't pass either."""
    sent = files()
    sent["cases.yaml"] = sent["cases.yaml"].replace("level: routine", "level: urgent")
    told = "cases.yaml:6:5: case `spots-that-itch`: level: wanted urgent, got routine"
    assert faults(sent) == [told]
    for name, text in sent.items():
        (tmp_path / name).write_text(text, encoding="utf-8")
    with pytest.raises(CasesFailed, match="Refused: 1 of 2 cases failed") as caught:
        deploy.check_folder(tmp_path)
    assert str(caught.value).startswith(f"{tmp_path}/{told}")
    assert faults(files() | {"cases.yaml": "cases: []\n"}) == ["cases.yaml:1:8: `cases`: the list is empty"]


def with_personas(text: str = glass_personas.PERSONAS) -> dict[str, str]:
    return files() | {"ruleset.yaml": glass_personas.rules(), "personas.yaml": text}


def test_personas_are_interviewed_and_go_along(tmp_path: Path) -> None:
    """By either way; their interviews are part of the evidence."""
    checked = deploy.check_files(with_personas())
    assert checked == deploy.check_folder(glass_personas.write_folder(tmp_path / "glass-test"))
    assert checked.kept["personas.yaml"] == glass_personas.PERSONAS
    assert (checked.interviews, checked.vignettes) == (deploy.Interviews(3, 2, None), None)
    assert deploy.check_files(files()).interviews is None
    shown = evidence.read(checked.kept[evidence.FILE_NAME])
    assert [(one.name, one.level, one.screens, one.certificate) for one in shown.personas] == [
        ("bites", "routine", 4, 4),
        ("feverish", "urgent", 2, 2),
        ("unsure", "monitor", 2, 2),
    ]
    assert (shown.median_screens, shown.budget) == (2, None)


def test_a_persona_that_fails_is_told_with_its_place_and_counted(tmp_path: Path) -> None:
    (told,) = faults(with_personas(glass_personas.WRONG))
    assert told.startswith("personas.yaml:9:3: persona `bites`: level: wanted monitor, got routine; disposition: ")
    with pytest.raises(PersonasFailed, match="Refused: 1 of 3 personas failed"):
        deploy.check_folder(glass_personas.write_folder(tmp_path / "glass-test", glass_personas.WRONG))


def test_every_fault_of_the_personas_is_told() -> None:
    told = faults(with_personas(glass_personas.PERSONAS.replace("itchy: true", "itchy: often")))
    assert [one.split(": ")[0] for one in told] == ["personas.yaml:13:38"]


def with_vignettes(text: str = glass_vignettes.VIGNETTES) -> dict[str, str]:
    return with_personas() | {"vignettes.yaml": text}


def test_vignettes_are_run_and_go_along(tmp_path: Path) -> None:
    """By either way; the half that is set aside stays where it is."""
    folder = glass_vignettes.write_folder(tmp_path / "glass-test")
    (folder / "vignettes-held-out.yaml").write_text("not: read", encoding="utf-8")
    checked = deploy.check_files(with_vignettes())
    assert checked == deploy.check_folder(folder)
    assert checked.kept["vignettes.yaml"] == glass_vignettes.VIGNETTES
    assert checked.vignettes == 3


def test_a_vignette_that_is_too_mild_and_a_missed_budget_keep_a_ruleset_from_going_live(tmp_path: Path) -> None:
    mild = "vignettes.yaml:25:3: vignette `fever`: too mild: wanted U2_emergency_dept_now, got M1_clinician_48h"
    missed = "vignettes.yaml:2:1: `budget`: 2 of 3 (66.7 %) are acceptable, and the budget is at least 75 %"
    first, second, third = faults(with_vignettes(glass_vignettes.TOO_MILD))
    assert first.startswith(mild)
    assert second.startswith("vignettes.yaml:2:1: `budget`: 1 of 3 (33.3 %) are exact")
    assert third == missed
    with pytest.raises(VignettesFailed, match="Refused: 3 vignettes were run, with the faults above"):
        deploy.check_folder(glass_vignettes.write_folder(tmp_path / "glass-test", glass_vignettes.TOO_MILD))


IMPOSSIBLE = """
rules:
  X9:
    title: Both
    when: {all: [{blanches_on_pressure: {is: blanches}}, {blanches_on_pressure: {is: does_not_blanch}}]}
    disposition: M1_clinician_48h
    reason: It can't be.
    source: {text: made, marks: []}
"""


def test_what_the_check_calls_an_error_keeps_a_ruleset_from_going_live() -> None:
    """Unless the file accepts it, with a reason."""
    sent = files()
    sent["ruleset.yaml"] = sent["ruleset.yaml"].replace("\nrules:\n", IMPOSSIBLE, 1)
    (told,) = faults(sent)
    assert "unreachable_rule: the rule `X9` (Both) can never fire" in told
    assert told.startswith("ruleset.yaml:")
    sent["ruleset.yaml"] += "accepts: [{finding: unreachable_rule, of: [X9], reason: A test wants it.}]\n"
    assert deploy.check_files(sent).cases == 2


def test_a_missing_file_is_told() -> None:
    assert faults({"cases.yaml": "cases: []\n"}) == ["ruleset.yaml:1:1: this file is missing"]
    assert faults({"ruleset.yaml": files()["ruleset.yaml"]}) == ["cases.yaml:1:1: this file is missing"]


def test_names_from_elsewhere_are_never_paths(tmp_path: Path) -> None:
    """Only the known names are written."""
    target = tmp_path / "target"
    deploy.check_files(files() | {str(target): "x", f"../../../../{target}": "x"})
    assert not target.exists()


def _hang(folder: Path) -> None:
    (folder / "fake.py").write_text("import time\ntime.sleep(60)\n", encoding="utf-8")


def _crash(folder: Path) -> None:
    (folder / "fake.py").write_text("import os\nos.abort()\n", encoding="utf-8")


@pytest.mark.parametrize(("child", "says"), [(_hang, "longer than 1 seconds"), (_crash, "broke off (exit code -6)")])
def test_a_check_that_hangs_or_crashes_is_a_refusal(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, child: Callable[[Path], None], says: str
) -> None:
    """The engine is C: what breaks it there must not break the service."""
    child(tmp_path)
    fake = tmp_path / "python"
    fake.write_text(f"#!/bin/sh\nulimit -c 0\nexec {deploy.sys.executable} {tmp_path}/fake.py\n", encoding="utf-8")
    fake.chmod(0o700)
    monkeypatch.setattr(deploy.sys, "executable", str(fake))
    monkeypatch.setattr(deploy, "CHECK_SECONDS", 1)
    started = time.monotonic()
    [told] = faults(files())
    assert says in told
    assert time.monotonic() - started < 5


def test_the_check_gets_no_secret_of_ours(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """A ruleset from elsewhere may find a way to run something."""
    seen = tmp_path / "seen"
    fake = tmp_path / "python"
    fake.write_text(f"#!/bin/sh\nenv > {seen}\n", encoding="utf-8")
    fake.chmod(0o700)
    monkeypatch.setenv("TRIAGE_REDIS_URL", "redis://:s3cret@cache")
    monkeypatch.setattr(deploy.sys, "executable", str(fake))
    assert "broke off" in faults(files())[0]
    assert "s3cret" not in seen.read_text(encoding="utf-8")

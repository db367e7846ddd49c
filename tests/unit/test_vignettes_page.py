"""The page about vignettes is made from the command's data; new vignettes are added to the half of their hash."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.support.command import run_triage
from tests.support.paths import RED_DOTS, ROOT
from tests.support.rulesets import glass_personas, glass_vignettes
from tools.split_vignettes import split
from tools.vignettes_page import PUBLISHED, make_page
from triage_rules.interview.vignette_runs import run_vignettes
from triage_rules.interview.vignettes import HELD_OUT_FILE, VIGNETTES_FILE, is_held_out, load_vignettes

HELD_OUT_RESULT = RED_DOTS / "vignettes-held-out-result.json"
PAGE = ROOT / "docs/safety/vignettes.md"


def data_of(folder: Path, *options: str) -> dict[str, object]:
    data: dict[str, object] = json.loads(run_triage("vignettes", folder, "--format", "json", *options).stdout)
    return data


def test_the_page_shows_the_figures_the_misses_and_the_figures_of_others(tmp_path: Path) -> None:
    page = make_page(
        data_of(glass_vignettes.write_folder(tmp_path / "glass-test", glass_vignettes.TOO_MILD), "--forms-only"), None
    )
    for line in (
        "- 2 read in a source (`V`)",
        "| urgent | 0 | 1 | 0 |",
        "| children | urgent | 0 | 1 | 0 |",
        "Not run yet: it is run once, when the rules are finished.",
        "| `fever` | too mild: wanted U2_emergency_dept_now, got M1_clinician_48h (no rule fits) | It can be meningococcal disease. |",
        "| `fading` | A man of 40 has a few spots that fade. | `R2_self_care_info` |",
        "**These are not comparisons.**",
    ):
        assert line in page.splitlines()
    assert all(f"| {' | '.join(row)} |" in page for row in PUBLISHED)


def test_the_run_of_the_half_that_was_set_aside_is_shown_with_its_version(tmp_path: Path) -> None:
    folder = glass_vignettes.write_folder(tmp_path / "glass-test")
    (folder / HELD_OUT_FILE).write_text(glass_vignettes.TOO_MILD, encoding="utf-8")
    held_out = data_of(folder, "--held-out")
    _, section = make_page(data_of(folder, "--forms-only"), held_out).split("## The half that was set aside\n")
    section = section.partition("\n## ")[0]
    assert f"Run once, with glass-test 1.0.0, `{held_out['digest']}`." in section
    assert "| all | 3 | 1 (33.3 %) | 2 (66.7 %) | 1 | 0 |" in section
    assert "3 of 3 interviews end with the outcome of the full form." in section
    assert "Not run yet" not in section


def test_the_page_is_current() -> None:
    """`make vignettes-page` writes it."""
    held_out = json.loads(HELD_OUT_RESULT.read_text(encoding="utf-8"))
    assert PAGE.read_text(encoding="utf-8") == make_page(data_of(RED_DOTS, "--forms-only"), held_out)


# --- the split ---

NEW = """\
vignettes:
  # comes first
  bites:
    story: A woman has bites.
    group: adults
    kind: harmless
    base: adult
    findings: {itchy: true}   # as she says
    wanted: R2_self_care_info
    mildest: R2_self_care_info
    gravest: R2_self_care_info
    why: They are bites.
    source: {text: for tests, marks: [M]}
"""


def test_new_vignettes_are_added_to_the_half_of_their_hash_as_they_are_written(tmp_path: Path) -> None:
    folder, evaluator = glass_vignettes.write_folder(tmp_path / "glass-test"), glass_personas.evaluator()
    people = glass_personas.personas(evaluator)
    new = tmp_path / "new.yaml"
    new.write_text(NEW + NEW.partition("\n")[2].replace("bites:", "dots:", 1), encoding="utf-8")
    assert (is_held_out("bites"), is_held_out("dots")) == (True, False)
    assert split([new], folder) == {VIGNETTES_FILE: 1, HELD_OUT_FILE: 1}
    own = load_vignettes(folder, evaluator.ruleset, people)
    aside = load_vignettes(folder, evaluator.ruleset, people, HELD_OUT_FILE)
    assert own is not None
    assert aside is not None
    assert [vignette.name for vignette in own.vignettes] == ["fading", "swelling", "fever", "dots"]
    assert [vignette.name for vignette in aside.vignettes] == ["bites"]
    assert "findings: {itchy: true}   # as she says" in (folder / HELD_OUT_FILE).read_text(encoding="utf-8")
    assert [run.passed for run in run_vignettes(evaluator, aside.vignettes)] == [True]


@pytest.mark.parametrize(
    ("own", "new", "message"),
    [
        (
            glass_vignettes.VIGNETTES,
            NEW.replace("bites:", "fever:"),
            "vignette `fever`: another vignette has this name",
        ),
        (glass_vignettes.VIGNETTES, "stories: {}\n", "expected vignettes by name under the key `vignettes`"),
        (f"{glass_vignettes.VIGNETTES}bases: {{}}\n", NEW, "expected `vignettes` as the last key"),
    ],
)
def test_what_can_not_be_added_changes_no_file(tmp_path: Path, own: str, new: str, message: str) -> None:
    folder = glass_vignettes.write_folder(tmp_path / "glass-test", own)
    (tmp_path / "new.yaml").write_text(new, encoding="utf-8")
    with pytest.raises(SystemExit, match=message):
        split([tmp_path / "new.yaml"], folder)
    assert (folder / VIGNETTES_FILE).read_text(encoding="utf-8") == own
    assert not (folder / HELD_OUT_FILE).exists()

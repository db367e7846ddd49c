"""The page about vignettes is made from the command's data."""

from __future__ import annotations

import json
from pathlib import Path

from tests.support.command import run_triage
from tests.support.paths import RED_DOTS, ROOT
from tests.support.rulesets import glass_vignettes
from tools.vignettes_page import PUBLISHED, make_page
from triage_rules.interview.vignettes import HELD_OUT_FILE

PAGE = ROOT / "docs/safety/vignettes.md"


def data_of(folder: Path, *options: str) -> dict[str, object]:
    data: dict[str, object] = json.loads(run_triage("vignettes", folder, "--format", "json", *options).stdout)
    return data


def test_the_page_shows_the_figures_the_misses_and_the_figures_of_others(tmp_path: Path) -> None:
    page = make_page(
        data_of(glass_vignettes.write_folder(tmp_path / "glass-test", glass_vignettes.TOO_MILD), "--forms-only"), []
    )
    for line in (
        "- 2 read in a source (`V`)",
        "| urgent | 0 | 1 | 0 |",
        "| children | urgent | 0 | 1 | 0 |",
        "None was run yet.",
        "| `fever` | too mild: wanted U2_emergency_dept_now, got M1_clinician_48h (no rule fits) | It can be meningococcal disease. |",
        "| `fading` | A man of 40 has a few spots that fade. | `R2_self_care_info` |",
        "**These are not comparisons.**",
    ):
        assert line in page.splitlines()
    assert all(f"| {' | '.join(row)} |" in page for row in PUBLISHED)


def test_the_runs_of_the_sets_that_were_set_aside_are_shown_with_their_version(tmp_path: Path) -> None:
    folder = glass_vignettes.write_folder(tmp_path / "glass-test")
    (folder / HELD_OUT_FILE).write_text(glass_vignettes.TOO_MILD, encoding="utf-8")
    held_out = data_of(folder, "--held-out")
    page = make_page(data_of(folder, "--forms-only"), [{**held_out, "version": "0.9.0"}, held_out])
    _, section = page.split("## The sets that were set aside\n")
    newest, earlier = section.partition("\n## ")[0].split("### Set 1\n")
    assert "Run once, with glass-test 0.9.0," in earlier
    section = newest.split("### Set 2\n")[1]
    assert f"Run once, with glass-test 1.0.0, `{held_out['digest']}`." in section
    assert "| all | 3 | 1 (33.3 %) | 2 (66.7 %) | 1 | 0 |" in section
    assert "3 of 3 interviews end with the outcome of the full form." in section
    assert "None was run yet." not in page


def test_the_page_is_current() -> None:
    """`make vignettes-page` writes it."""
    files = sorted(RED_DOTS.glob("vignettes-held-out-result-*.json"))
    held_out = [json.loads(file.read_text(encoding="utf-8")) for file in files]
    assert PAGE.read_text(encoding="utf-8") == make_page(data_of(RED_DOTS, "--forms-only"), held_out)

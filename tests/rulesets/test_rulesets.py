"""What every ruleset here must stand before it is merged: `make rulesets` runs these alone."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.support.command import run_triage
from tests.support.paths import RED_DOTS, ROOT
from tests.support.shares import in_campaign

FOLDERS = sorted(path.parent for path in (ROOT / "rulesets").rglob("ruleset.yaml"))
PROPERTIES = [folder for folder in FOLDERS if (folder / "properties.yaml").exists()]
COVERAGE = {
    RED_DOTS: "rules=100,floors=100,outcomes=100,inferences=100,possible=94,conditions=98,thresholds=100,choices=100,mcdc=77"
}
"""What the cases of a ruleset show, in percent: it may rise, not fall."""
MUTANTS = 60
"""So many mutants of each ruleset are drawn; the campaign tries all."""

each_ruleset = pytest.mark.parametrize("folder", FOLDERS, ids=lambda folder: folder.name)


@each_ruleset
def test_check_finds_nothing_that_is_not_accepted_with_a_reason(folder: Path) -> None:
    """A dead rule or a gap would decide patients' reports otherwise than its author believes."""
    checked = run_triage("check", folder, "--strict", "--seconds", "200")
    assert checked.exit_code == 0, checked.output
    assert "no clinician has approved" in checked.stderr


@each_ruleset
def test_all_cases_pass_and_cover_what_they_covered(folder: Path) -> None:
    """The cases are what clinicians agreed on."""
    required = ("--require", COVERAGE[folder]) if folder in COVERAGE else ()
    ran = run_triage("test", folder, *required)
    assert ran.exit_code == 0, ran.output


@pytest.mark.parametrize("folder", PROPERTIES, ids=lambda folder: folder.name)
def test_every_property_is_proved(folder: Path) -> None:
    """For every possible report, open answers included; none is left out."""
    proved = run_triage("prove", folder)
    assert proved.exit_code == 0, proved.output


@each_ruleset
def test_the_cases_notice_nearly_every_mutant(folder: Path) -> None:
    """Every one that lowers an urgent level, and 95 % of all others: else a slip of an editor could go live unseen."""
    drawn = () if in_campaign() else ("--sample", str(MUTANTS))
    ran = run_triage("mutate", folder, "--require", "95", "--require-urgent", "100", "--processes", "1", *drawn)
    assert ran.exit_code == 0, ran.output

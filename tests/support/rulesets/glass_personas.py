"""Personas of the small ruleset, and the ruleset with a panel, for tests of interviews."""

from __future__ import annotations

from pathlib import Path

from tests.support.paths import GLASS_TEST
from triage_rules.evaluation.evaluator import Evaluator
from triage_rules.interview.personas import PERSONAS_FILE, Personas, parse_personas
from triage_rules.language.reading import parse_ruleset

PERSONAS = """\
ruleset: glass-test
bases:
  adult:
    title: A well adult with spots that fade
    findings:
      {age_years: 40, blanches_on_pressure: blanches, itchy: false, new_spots_a_day: 0, temperature_c: 36.8,
      fever_reported: false, free_text: ""}
personas:
  bites:
    title: A woman of 33 with itchy bites
    group: harmless
    base: adult
    findings: {age_years: 33, itchy: true}
    expect: {level: routine, disposition: R2_self_care_info}
  feverish:
    title: A man of 40 with a fever, whose spots stay
    group: urgent
    base: adult
    findings: {blanches_on_pressure: does_not_blanch, temperature_c: 39.1, fever_reported: true}
    expect: {level: urgent, disposition: U2_emergency_dept_now}
  unsure:
    title: A man who has neither glass nor thermometer
    group: unsure
    base: adult
    findings: {blanches_on_pressure: unknown, temperature_c: unknown, fever_reported: unknown}
    expect: {level: monitor, disposition: M1_clinician_48h}
"""

PANEL = """
panels:
  ill:
    question: Is any of this so?
    section: Feeling ill
    lines: [fever_reported, {finding: itchy, text: The spots itch}]
screens:
  first: [ill, [age_years, blanches_on_pressure]]
"""

WRONG = PERSONAS.replace(
    "level: routine, disposition: R2_self_care_info", "level: monitor, disposition: M1_clinician_48h"
)
"""With a persona whose expectation is wrong, in line 9."""


def rules(*, panel: bool = True) -> str:
    """The text of the ruleset."""
    return (GLASS_TEST / "ruleset.yaml").read_text(encoding="utf-8") + (PANEL if panel else "")


def evaluator() -> Evaluator:
    """An evaluator of the ruleset with the panel."""
    return Evaluator(parse_ruleset(rules().encode(), "ruleset.yaml"), f"sha256:{'0' * 64}")


def personas(evaluator: Evaluator) -> Personas:
    return parse_personas(PERSONAS.encode(), PERSONAS_FILE, evaluator.ruleset)


def write_folder(folder: Path, text: str = PERSONAS) -> Path:
    """A folder of the ruleset with its panel, its cases and these personas."""
    folder.mkdir(exist_ok=True)
    (folder / "ruleset.yaml").write_text(rules(), encoding="utf-8")
    (folder / "cases.yaml").write_bytes((GLASS_TEST / "cases.yaml").read_bytes())
    (folder / PERSONAS_FILE).write_text(text, encoding="utf-8")
    return folder

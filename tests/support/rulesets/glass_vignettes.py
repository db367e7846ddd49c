"""Vignettes of the small ruleset, which share the bases of its personas."""

from __future__ import annotations

from pathlib import Path

from tests.support.rulesets import glass_personas
from triage_rules.evaluation.evaluator import Evaluator
from triage_rules.interview.vignettes import VIGNETTES_FILE, Vignettes, parse_vignettes

VIGNETTES = """\
ruleset: glass-test
budget: {exact_percent: 50, acceptable_percent: 75, harmless_called_urgent_percent: 0}
vignettes:
  fading:
    story: A man of 40 has a few spots that fade.
    group: adults
    kind: harmless
    base: adult
    wanted: R2_self_care_info
    mildest: R2_self_care_info
    gravest: M1_clinician_48h
    why: Spots that fade are mostly harmless.
    source: {text: for tests, url: "https://example.org/spots", marks: [V, "V~"]}
  swelling:
    story: A woman of 33 has itchy bites.
    group: adults
    kind: harmless
    base: adult
    findings: {age_years: 33, itchy: true}
    wanted: R2_self_care_info
    mildest: R2_self_care_info
    gravest: R2_self_care_info
    why: Bites need no clinician.
    source: {text: for tests, marks: [M]}
  fever:
    story: A child of 6 has a fever and spots that stay.
    group: children
    kind: urgent
    base: adult
    findings: {age_years: 6, blanches_on_pressure: does_not_blanch, temperature_c: 39.1, fever_reported: true}
    wanted: U2_emergency_dept_now
    mildest: U2_emergency_dept_now
    gravest: U2_emergency_dept_now
    why: It can be meningococcal disease.
    source: {text: for tests, marks: ["V:NG240"]}
"""
"""Of which the first outcome is acceptable, and the others are exact."""

TOO_MILD = VIGNETTES.replace("blanches_on_pressure: does_not_blanch", "blanches_on_pressure: blanches")
"""In which the child's spots fade, so that no rule fits; the vignette is in line 25."""


def vignettes(evaluator: Evaluator, text: str = VIGNETTES) -> Vignettes:
    return parse_vignettes(text.encode(), VIGNETTES_FILE, evaluator.ruleset, glass_personas.personas(evaluator))


def write_folder(folder: Path, text: str = VIGNETTES) -> Path:
    """A folder of the ruleset with its panel, cases, personas and these vignettes."""
    glass_personas.write_folder(folder)
    (folder / VIGNETTES_FILE).write_text(text, encoding="utf-8")
    return folder

"""The hazard log names only rules, proofs, checks and tests that exist, and its pages agree with it."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from tests.support.rulesets import repository
from tools.hazard_log import Control, HazardLog, render
from triage_rules.assurance.properties.reading import read_properties
from triage_rules.language.check_types import CheckType

ROOT = Path(__file__).resolve().parents[2]
SAFETY = ROOT / "docs" / "safety"
LOG = HazardLog.read(SAFETY / "hazards.yaml")
CONTROLS = [
    (f"{name}{letter}", control) for name, hazard in LOG.hazards.items() for letter, control in hazard.controls.items()
]


@pytest.fixture(scope="module")
def existing() -> dict[str, set[str]]:
    """What a control may name, by the field that names it."""
    folder = ROOT / "rulesets" / "red-dots"
    ruleset = repository.ruleset(folder)
    return {
        "rules": {*ruleset.rules, *ruleset.floors, *ruleset.conflicts},
        "properties": {claim.id for claim in read_properties(folder, ruleset)},
        "checks": {str(check) for check in CheckType},
        "tests": set(functions_of_tests()),
    }


def functions_of_tests() -> Iterator[str]:
    for path in sorted((ROOT / "tests").rglob("test_*.py")):
        for node in ast.parse(path.read_text(encoding="utf-8")).body:
            if isinstance(node, ast.FunctionDef) and node.name.startswith("test_"):
                yield f"{path.relative_to(ROOT)}::{node.name}"


def unknown_names(control: Control, existing: dict[str, set[str]]) -> set[str]:
    return {name for field, names in existing.items() for name in getattr(control, field) if name not in names}


def test_the_page_is_made_from_the_log() -> None:
    """`make hazards` writes it."""
    assert (SAFETY / "hazards.md").read_text(encoding="utf-8") == render(LOG)


def test_every_name_in_a_control_exists(existing: dict[str, set[str]]) -> None:
    """A control whose test is gone is only a claim."""
    assert {name: found for name, control in CONTROLS if (found := unknown_names(control, existing))} == {}


@pytest.mark.parametrize("field", ["rules", "properties", "checks", "tests"])
def test_a_name_that_does_not_exist_is_noticed(existing: dict[str, set[str]], field: str) -> None:
    good = next(control for _, control in CONTROLS if getattr(control, field))
    first = getattr(good, field)[0]
    assert unknown_names(good, existing) == set()
    assert unknown_names(replace(good, **{field: (f"{first}_not_there",)}), existing) == {f"{first}_not_there"}


def test_every_hazard_has_a_control_and_every_control_is_held() -> None:
    assert [name for name, hazard in LOG.hazards.items() if not hazard.controls] == []
    assert [name for name, held in CONTROLS if not (held.properties or held.checks or held.tests)] == []


def test_every_property_of_red_dots_controls_a_hazard(existing: dict[str, set[str]]) -> None:
    """A new claim about safety says which danger it is about."""
    assert existing["properties"] - {name for _, control in CONTROLS for name in control.properties} == set()


def test_ids_have_no_gap() -> None:
    """A number left out would be given again, to another hazard."""
    assert sorted(LOG.hazards) == [f"H{number:02}" for number in range(1, len(LOG.hazards) + 1)]
    for name, hazard in LOG.hazards.items():
        assert "".join(hazard.controls) == "abcdefghij"[: len(hazard.controls)], name


def test_every_risk_is_on_the_scales_and_no_control_raises_it() -> None:
    assert len(LOG.severity) == len(LOG.likelihood)
    for name, hazard in LOG.hazards.items():
        assert hazard.group in LOG.groups, name
        for before, after in zip(hazard.before, hazard.after, strict=True):
            assert 1 <= after <= before <= len(LOG.severity), name


@pytest.mark.parametrize("page", sorted(SAFETY.glob("*.md")), ids=lambda page: page.name)
def test_every_hazard_that_a_page_names_exists(page: Path) -> None:
    assert set(re.findall(r"\bH\d\d\b", page.read_text(encoding="utf-8"))) <= set(LOG.hazards)


def test_every_statement_on_the_intended_use_has_an_id_of_its_own() -> None:
    """An assessor must be able to cite a line."""
    text = (SAFETY / "intended-use.md").read_text(encoding="utf-8")
    statements = re.split(r"^## Regulatory notes", text, flags=re.MULTILINE)[0].split("\n## ")[1:]
    rows = [line for section in statements for line in section.splitlines() if line.startswith("| ")]
    ids = [row.split(" | ")[0].lstrip("| ") for row in rows if not row.startswith(("| id ", "| --- "))]
    assert ids
    assert [name for name in ids if not re.fullmatch(r"(IP|US|EX|EN|ND|AS)\d\d", name)] == []
    assert len(set(ids)) == len(ids)


def test_a_slip_in_the_log_is_named_with_its_place(tmp_path: Path) -> None:
    text = (SAFETY / "hazards.yaml").read_text(encoding="utf-8")
    path = tmp_path / "hazards.yaml"
    path.write_text(text.replace("    cause:", "    caus:", 1), encoding="utf-8")
    with pytest.raises(ValueError, match=r"hazards\.yaml: H01: .*'caus'.*; expected: group, hazard, cause, harm"):
        HazardLog.read(path)

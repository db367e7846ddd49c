"""What runs away from a checkout is in the wheel."""

from __future__ import annotations

import json
from importlib import resources
from pathlib import Path

from triage_rules.foundation.schemas import read_schema, schema_names

ROOT = Path(__file__).resolve().parents[2]


def test_every_schema_is_read_from_the_package() -> None:
    assert schema_names() == [
        "personas.schema.json",
        "properties.schema.json",
        "result-event.schema.json",
        "result.schema.json",
        "ruleset.schema.json",
        "vignettes.schema.json",
    ]
    for name in schema_names():
        assert json.loads(read_schema(name))["$schema"].startswith("https://json-schema.org/")


def test_the_package_says_that_it_is_typed() -> None:
    assert (resources.files("triage_rules") / "py.typed").is_file()


def test_the_old_path_of_the_schemas_still_leads_to_them() -> None:
    """Rulesets of others name it in their first line, for their editors."""
    assert (ROOT / "docs" / "schemas").resolve() == ROOT / "triage_rules" / "schemas"

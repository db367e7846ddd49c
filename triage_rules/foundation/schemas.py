"""The JSON Schemas that come with the package: of ruleset and properties files, of results and their events."""

from __future__ import annotations

from importlib import resources

_FOLDER = resources.files("triage_rules") / "schemas"


def schema_names() -> list[str]:
    """List the names of all schemas, such as `result.schema.json`."""
    return sorted(file.name for file in _FOLDER.iterdir())


def read_schema(name: str) -> bytes:
    """Return the schema of that name, which `schema_names` lists."""
    return (_FOLDER / name).read_bytes()

"""Findings as SARIF 2.1.0, which editors and code hosts show at the line."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from triage_rules.assurance.checking.context import Finding
from triage_rules.language.check_types import CheckType

SCHEMA = "https://docs.oasis-open.org/sarif/sarif/v2.1.0/errata01/os/schemas/sarif-schema-2.1.0.json"

Json = dict[str, Any]


def as_sarif(findings: tuple[Finding, ...], version: str) -> Json:
    """One SARIF log with one run. `version`: of this program."""
    rules = [
        {
            "id": found.value,
            "shortDescription": {"text": found.meaning},
            "defaultConfiguration": {"level": found.severity.value},
        }
        for found in CheckType
    ]
    driver = {"name": "triage check", "version": version, "rules": rules}
    return {
        "$schema": SCHEMA,
        "version": "2.1.0",
        "runs": [
            {"tool": {"driver": driver}, "columnKind": "unicodeCodePoints", "results": list(map(_result, findings))}
        ],
    }


def _result(found: Finding) -> Json:
    result: Json = {
        "ruleId": found.type.value,
        "ruleIndex": list(CheckType).index(found.type),
        "level": found.type.severity.value,
        "message": {"text": found.message},
        "locations": [
            {
                "physicalLocation": {
                    "artifactLocation": {"uri": _uri(found.place.file)},
                    "region": {"startLine": max(1, found.place.line), "startColumn": max(1, found.place.column)},
                }
            }
        ],
        "properties": {"of": found.of, "others": list(found.others), "proved": found.proved},
    }
    if found.witness is not None:
        result["properties"]["report"] = found.witness.answers
        result["properties"]["level"] = found.witness.result["level"]
    if found.accepted is not None:
        result["suppressions"] = [{"kind": "inSource", "justification": found.accepted}]
    return result


def _uri(file: str) -> str:
    """A path as SARIF wants it: relative as it is, absolute as a file URI."""
    path = Path(file)
    return path.as_uri() if path.is_absolute() else path.as_posix()

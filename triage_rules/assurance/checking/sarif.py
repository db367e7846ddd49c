"""Findings as SARIF 2.1.0, which editors and code hosts show at their lines."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from triage_rules.assurance.checking.context import Finding
from triage_rules.language.check_types import CheckType

SCHEMA = "https://docs.oasis-open.org/sarif/sarif/v2.1.0/errata01/os/schemas/sarif-schema-2.1.0.json"

Json = dict[str, Any]


def as_sarif(findings: tuple[Finding, ...], version: str) -> Json:
    """Return a SARIF log with one run. `version`: of this program."""
    rules = [
        {
            "id": check_type.value,
            "shortDescription": {"text": check_type.meaning},
            "defaultConfiguration": {"level": check_type.severity.value},
        }
        for check_type in CheckType
    ]
    driver = {"name": "triage check", "version": version, "rules": rules}
    return {
        "$schema": SCHEMA,
        "version": "2.1.0",
        "runs": [
            {"tool": {"driver": driver}, "columnKind": "unicodeCodePoints", "results": list(map(_result, findings))}
        ],
    }


def _result(finding: Finding) -> Json:
    result: Json = {
        "ruleId": finding.type.value,
        "ruleIndex": list(CheckType).index(finding.type),
        "level": finding.type.severity.value,
        "message": {"text": finding.message},
        "locations": [
            {
                "physicalLocation": {
                    "artifactLocation": {"uri": _uri(finding.place.file)},
                    "region": {"startLine": max(1, finding.place.line), "startColumn": max(1, finding.place.column)},
                }
            }
        ],
        "properties": {"of": finding.of, "others": list(finding.others), "proved": finding.proved},
    }
    if finding.witness is not None:
        result["properties"]["report"] = finding.witness.answers
        result["properties"]["level"] = finding.witness.result["level"]
    if finding.accepted is not None:
        result["suppressions"] = [{"kind": "inSource", "justification": finding.accepted}]
    return result


def _uri(file: str) -> str:
    """Format a path for SARIF: a relative path unchanged, an absolute path as a file URI."""
    path = Path(file)
    return path.as_uri() if path.is_absolute() else path.as_posix()

"""Findings as text, as JSON, and as a one-line summary."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from triage_rules.assurance.checking.context import Finding
from triage_rules.language.check_types import CheckType, Severity
from triage_rules.language.model import Ruleset

Json = dict[str, Any]


def has_failures(findings: tuple[Finding, ...], *, strict: bool = False) -> bool:
    """Return whether a finding that is not accepted is an error, or with `strict` a warning."""
    failing = {Severity.ERROR, Severity.WARNING} if strict else {Severity.ERROR}
    return any(finding.accepted is None and finding.type.severity in failing for finding in findings)


def as_text(findings: tuple[Finding, ...], ruleset: Ruleset | None) -> Iterator[str]:
    """Yield the findings by type, the most serious first, each with its report; then a summary.

    Consecutive findings that are accepted for the same reason show it once.
    """
    last: tuple[CheckType, bool] | None = None
    reason: str | None = None
    for finding in findings:
        group = (finding.type, finding.accepted is not None)
        if group != last:
            last, reason = group, None
            accepted = ", accepted" if finding.accepted is not None else ""
            yield f"\n{finding.type.severity}: {finding.type} ({finding.type.meaning}){accepted}"
        yield f"  {finding.place}: {finding.message}"
        if finding.accepted is not None:
            if finding.accepted != reason:
                yield f"    accepted: {finding.accepted}"
        elif finding.witness is not None and ruleset is not None:
            yield from (f"    {line}" for line in _witness_lines(finding, ruleset))
        reason = finding.accepted
    yield f"\n{summary(findings)}" if findings else summary(findings)


def _witness_lines(finding: Finding, ruleset: Ruleset) -> Iterator[str]:
    assert finding.witness is not None  # the caller checked
    answers = finding.witness.describe(ruleset)
    yield "example report:" if answers else "example report: no question is answered"
    yield from (f"  {line}" for line in answers)
    result = finding.witness.result
    fired = ", ".join(rule["id"] for rule in [*result["rules"], *result["safety_net"]]) or "no rule"
    yield f"  result: {result['level']}, {result['disposition']} ({fired})"


def summary(findings: tuple[Finding, ...]) -> str:
    """Count the findings by severity, in one line."""
    counts = count_by_severity(findings)
    words = [f"{count} {severity}{'s' if count != 1 else ''}" for severity, count in counts.items() if count]
    return ", ".join(words).replace("accepteds", "accepted") or "no findings"


def count_by_severity(findings: tuple[Finding, ...]) -> dict[str, int]:
    """Map each severity to the number of findings that are not accepted, and `accepted` to the rest."""
    counts = {severity.value: 0 for severity in Severity} | {"accepted": 0}
    for finding in findings:
        counts[finding.type.severity.value if finding.accepted is None else "accepted"] += 1
    return counts


def as_json(finding: Finding, ruleset: Ruleset | None) -> Json:
    """Return a finding as JSON data."""
    data: Json = {
        "type": finding.type.value,
        "severity": finding.type.severity.value,
        "file": finding.place.file,
        "line": finding.place.line,
        "column": finding.place.column,
        "of": finding.of,
        "others": list(finding.others),
        "message": finding.message,
        "proved": finding.proved,
        "accepted": finding.accepted,
        "report": None,
    }
    if finding.witness is not None and ruleset is not None:
        history = finding.witness.history
        highest = history.highest_level_24h
        data["report"] = {
            "findings": finding.witness.answers,
            "history": {
                "reports_last_48h": history.reports_last_48h,
                "highest_level_24h": None if highest is None else highest.word,
            },
            "in_words": finding.witness.describe(ruleset),
            "level": finding.witness.result["level"],
            "disposition": finding.witness.result["disposition"],
            "rules": [rule["id"] for rule in finding.witness.result["rules"]],
            "safety_net": [floor["id"] for floor in finding.witness.result["safety_net"]],
        }
    return data

"""Findings as text for people, as JSON, and in few words."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from triage_rules.assurance.checking.context import Finding
from triage_rules.language.check_types import CheckType, Severity
from triage_rules.language.model import Ruleset

Json = dict[str, Any]


def has_failures(findings: tuple[Finding, ...], *, strict: bool = False) -> bool:
    """Something is there that is not accepted: an error, or with `strict` a warning."""
    refused = {Severity.ERROR, Severity.WARNING} if strict else {Severity.ERROR}
    return any(found.accepted is None and found.type.severity in refused for found in findings)


def as_text(findings: tuple[Finding, ...], ruleset: Ruleset | None) -> Iterator[str]:
    """Lines: grouped by type, the most serious first, each with the report that shows it; then a summary.

    The reason for accepting several findings in a row is told with the first of them.
    """
    last: tuple[CheckType, bool] | None = None
    reason: str | None = None
    for found in findings:
        group = (found.type, found.accepted is not None)
        if group != last:
            last, reason = group, None
            accepted = ", accepted" if found.accepted is not None else ""
            yield f"\n{found.type.severity}: {found.type} ({found.type.meaning}){accepted}"
        yield f"  {found.place}: {found.message}"
        if found.accepted is not None:
            if found.accepted != reason:
                yield f"    accepted: {found.accepted}"
        elif found.witness is not None and ruleset is not None:
            yield from (f"    {line}" for line in _witness_lines(found, ruleset))
        reason = found.accepted
    yield f"\n{summary(findings)}" if findings else summary(findings)


def _witness_lines(found: Finding, ruleset: Ruleset) -> Iterator[str]:
    assert found.witness is not None  # looked at before
    answers = found.witness.describe(ruleset)
    yield "such a report:" if answers else "such a report: nothing answered at all"
    yield from (f"  {line}" for line in answers)
    result = found.witness.result
    fired = ", ".join(rule["id"] for rule in [*result["rules"], *result["safety_net"]]) or "no rule"
    yield f"  comes out as {result['level']}, {result['disposition']} ({fired})"


def summary(findings: tuple[Finding, ...]) -> str:
    """How much of what, in one line."""
    counts = count_by_severity(findings)
    words = [f"{count} {severity}{'s' if count != 1 else ''}" for severity, count in counts.items() if count]
    return ", ".join(words).replace("accepteds", "accepted") or "nothing found"


def count_by_severity(findings: tuple[Finding, ...]) -> dict[str, int]:
    """Severity -> how many that are not accepted; and `accepted`."""
    counts = {severity.value: 0 for severity in Severity} | {"accepted": 0}
    for found in findings:
        counts[found.type.severity.value if found.accepted is None else "accepted"] += 1
    return counts


def as_json(found: Finding, ruleset: Ruleset | None) -> Json:
    """One finding as JSON data."""
    data: Json = {
        "type": found.type.value,
        "severity": found.type.severity.value,
        "file": found.place.file,
        "line": found.place.line,
        "column": found.place.column,
        "of": found.of,
        "others": list(found.others),
        "message": found.message,
        "proved": found.proved,
        "accepted": found.accepted,
        "report": None,
    }
    if found.witness is not None and ruleset is not None:
        history = found.witness.history
        highest = history.highest_level_24h
        data["report"] = {
            "findings": found.witness.answers,
            "history": {
                "reports_last_48h": history.reports_last_48h,
                "highest_level_24h": None if highest is None else highest.word,
            },
            "in_words": found.witness.describe(ruleset),
            "level": found.witness.result["level"],
            "disposition": found.witness.result["disposition"],
            "rules": [rule["id"] for rule in found.witness.result["rules"]],
            "safety_net": [floor["id"] for floor in found.witness.result["safety_net"]],
        }
    return data

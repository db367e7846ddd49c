"""Findings that the ruleset's owner accepts on purpose, and acceptances of findings that do not exist."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from dataclasses import replace

from triage_rules.assurance.checking.context import Finding
from triage_rules.language.check_types import CheckType
from triage_rules.language.reading.acceptances import Acceptance


def apply_acceptances(
    findings: Iterable[Finding], acceptances: tuple[Acceptance, ...], unknown: Collection[CheckType]
) -> list[Finding]:
    """Return the findings, the accepted ones with the reason, and a finding for each unused acceptance.

    `unknown`: types whose check did not finish; acceptances of them are not reported as unused.
    """
    reasons = {(a.finding, of): a.reason for a in acceptances for of, _ in a.of}
    marked = [replace(finding, accepted=reasons.get((finding.type, finding.of))) for finding in findings]
    used = {(finding.type, finding.of) for finding in marked}
    for acceptance in acceptances:
        for of, place in acceptance.of:
            if (acceptance.finding, of) not in used and acceptance.finding not in unknown:
                message = f"`accepts`: there is no `{acceptance.finding}` of `{of}` to accept; remove this"
                marked.append(Finding(CheckType.UNUSED_ACCEPTANCE, place, of, f"{message}."))
    return marked

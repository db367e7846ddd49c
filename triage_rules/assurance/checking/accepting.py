"""Findings that the ruleset's owner accepts on purpose, and acceptances of what is not there."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from dataclasses import replace

from triage_rules.assurance.checking.context import Finding
from triage_rules.language.check_types import CheckType
from triage_rules.language.reading.acceptances import Acceptance


def apply_acceptances(
    findings: Iterable[Finding], acceptances: tuple[Acceptance, ...], unknown: Collection[CheckType]
) -> list[Finding]:
    """The findings, each with the reason why it is accepted if it is, and acceptances that accept nothing.

    `unknown`: what may be there though it was not found; acceptances of it are left alone.
    """
    reasons = {(a.finding, of): a.reason for a in acceptances for of, _ in a.of}
    told = [replace(found, accepted=reasons.get((found.type, found.of))) for found in findings]
    used = {(found.type, found.of) for found in told}
    for acceptance in acceptances:
        for of, place in acceptance.of:
            if (acceptance.finding, of) not in used and acceptance.finding not in unknown:
                message = f"`accepts`: there is no `{acceptance.finding}` of `{of}` to accept; take this out"
                told.append(Finding(CheckType.UNUSED_ACCEPTANCE, place, of, f"{message}."))
    return told

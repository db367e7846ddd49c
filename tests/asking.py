"""What to ask, as the reference evaluator finds it."""

from __future__ import annotations

from triage_rules.deciding import Deciding, Decision, Question
from triage_rules.grounds import ByReference
from triage_rules.rails import Rails
from triage_rules.reference import Reference
from triage_rules.ruleset import Ruleset


def questions(ruleset: Ruleset, rails: Rails, decision: Decision, reference: Reference) -> list[Question]:
    """The questions of a report."""
    deciding = Deciding(ruleset)
    return deciding.questions(deciding.numbering.masks(rails), decision, ByReference(ruleset, reference).hangs_on())

"""What to ask, as the reference evaluator finds it."""

from __future__ import annotations

from triage_rules.evaluation.decision import Deciding, Decision, Question
from triage_rules.evaluation.justification import ByReference
from triage_rules.evaluation.reference import Reference
from triage_rules.evaluation.signals import Rails
from triage_rules.language.model import Ruleset


def questions(ruleset: Ruleset, rails: Rails, decision: Decision, reference: Reference) -> list[Question]:
    """The questions of a report."""
    deciding = Deciding(ruleset)
    return deciding.questions(deciding.numbering.masks(rails), decision, ByReference(ruleset, reference).hangs_on())

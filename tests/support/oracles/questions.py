"""What to ask, as the reference evaluator finds it."""

from __future__ import annotations

from triage_rules.evaluation.decision import Decider, Decision, OpenQuestion
from triage_rules.evaluation.justification import ReferenceJustification
from triage_rules.evaluation.reference import Reference
from triage_rules.evaluation.signals import Rails
from triage_rules.language.model import Ruleset


def questions(ruleset: Ruleset, rails: Rails, decision: Decision, reference: Reference) -> list[OpenQuestion]:
    """The questions of a report."""
    deciding = Decider(ruleset)
    grounds = ReferenceJustification(ruleset, reference)
    return deciding.questions(deciding.numbering.masks(rails), decision, grounds.depends_on_in_reach())

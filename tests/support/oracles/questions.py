"""What to ask, as the reference evaluator finds it."""

from __future__ import annotations

from triage_rules.evaluation.decision import Decider, OpenQuestion
from triage_rules.evaluation.justification import ReferenceJustification
from triage_rules.evaluation.reference import Reference
from triage_rules.language.model import Ruleset


def questions(ruleset: Ruleset, reference: Reference) -> list[OpenQuestion]:
    """The questions of a report to people who can answer everything that makes sense."""
    deciding, justification = Decider(ruleset), ReferenceJustification(ruleset, reference)
    rails = justification.rails_in_reach()
    return deciding.questions(rails, deciding.decide(rails), justification.depends_on_in_reach())

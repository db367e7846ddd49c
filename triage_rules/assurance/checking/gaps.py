"""Reports with every mandatory answer, and an answer that some condition looks for, in which no rule or floor fires."""

from __future__ import annotations

from collections.abc import Iterator

from triage_rules.assurance.checking.context import CheckContext, Finding
from triage_rules.assurance.checking.written_conditions import place_at, written_conditions
from triage_rules.assurance.solver.logic import Formula
from triage_rules.language.check_types import CheckType, Family
from triage_rules.language.conditions import atoms
from triage_rules.language.model import AskedOf, Compare, OneOf, Yes

FAMILY = Family.GAPS
SHOWN = 20
"""Number of groups of questions that are checked; further groups are reported as undecided."""


def find_gaps(context: CheckContext) -> Iterator[Finding]:
    """Yield, for each group of questions, the smallest such report with an answer in the group, if any."""
    encoding, logic = context.encoding, context.encoding.logic
    sought = _sought_answers(context)
    for group in list(sought)[SHOWN:]:
        context.note(FAMILY, group)
    nothing_fires = [logic.opposite(encoding.fired(rule.id)) for rule in context.ruleset.rules_and_floors]
    mandatory = {name for item in context.ruleset.mandatory for name in item.inputs}
    answered = [logic.opposite(encoding.missing(name)) for name in sorted(mandatory)]
    for group in context.each(FAMILY, list(sought)[:SHOWN]):
        formulas = (*nothing_fires, *answered, logic.any_of(sought[group]))
        if context.impossible(FAMILY, group, *formulas):
            continue
        witness = context.witness(FAMILY, group, *formulas)
        if witness is None:
            continue
        first = next(name for name, read in context.ruleset.inputs.items() if read.group == group)
        message = (
            f"some reports with answers about `{group}` and every mandatory answer are decided only by the default: "
            "no rule and no floor fires. The report is the smallest; there may be others."
        )
        place = place_at(context.root, ("inputs", first))
        yield Finding(CheckType.GAP, place, group, message, witness=witness)


def _sought_answers(context: CheckContext) -> dict[str, list[Formula]]:
    """Map each group to the formulas of those of its answers that some condition looks for."""
    answers: dict[str, list[Formula]] = {}
    leaves = dict.fromkeys(leaf for w in written_conditions(context.ruleset) for leaf in atoms(w.condition))
    for leaf in leaves:
        if isinstance(leaf, Compare | OneOf | Yes):
            read = context.ruleset.input_behind(leaf.input)
            if read.asked_of is AskedOf.SERVICE:
                continue
            answers.setdefault(read.group, []).append(context.encoding.true(leaf))
    return answers

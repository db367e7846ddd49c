"""Reports with all that is mandatory, and with something that a condition looks for, that no rule or floor takes up."""

from __future__ import annotations

from collections.abc import Iterator

from triage_rules.assurance.checking.context import CheckContext, Finding
from triage_rules.assurance.checking.written_conditions import place_at, written
from triage_rules.assurance.solver.logic import Formula
from triage_rules.language.check_types import CheckType, Family
from triage_rules.language.conditions import atoms
from triage_rules.language.model import AskedOf, Compare, OneOf, Yes

FAMILY = Family.GAPS
SHOWN = 20
"""Groups of questions that are looked at; of more, the rest is told as not looked at."""


def find_gaps(asking: CheckContext) -> Iterator[Finding]:
    """For each group of questions, the smallest such report with an answer in the group, if there is one."""
    encoding, logic = asking.encoding, asking.encoding.logic
    looked_for = _looked_for(asking)
    for group in list(looked_for)[SHOWN:]:
        asking.note(FAMILY, group)
    nobody = [logic.opposite(encoding.fired(rule.id)) for rule in asking.ruleset.rules_and_floors]
    mandatory = {finding for item in asking.ruleset.mandatory for finding in item.inputs}
    answered = [logic.opposite(encoding.missing(finding)) for finding in sorted(mandatory)]
    for group in asking.each(FAMILY, list(looked_for)[:SHOWN]):
        formulas = (*nobody, *answered, logic.any_of(looked_for[group]))
        if asking.impossible(FAMILY, group, *formulas):
            continue
        witness = asking.witness(FAMILY, group, *formulas)
        if witness is None:
            continue
        first = next(name for name, read in asking.ruleset.inputs.items() if read.group == group)
        message = (
            f"some reports with answers about `{group}` and every mandatory answer are decided by the default alone: "
            "no rule and no floor takes them up. The smallest is shown; there may be others."
        )
        place = place_at(asking.root, ("inputs", first))
        yield Finding(CheckType.GAP, place, group, message, witness=witness)


def _looked_for(asking: CheckContext) -> dict[str, list[Formula]]:
    """Group -> for each of its answers that some condition looks for, that it is given."""
    found: dict[str, list[Formula]] = {}
    every = dict.fromkeys(leaf for w in written(asking.ruleset) for leaf in atoms(w.condition))
    for leaf in every:
        if isinstance(leaf, Compare | OneOf | Yes):
            read = asking.ruleset.input_behind(leaf.input)
            if read.asked_of is AskedOf.SERVICE:
                continue
            found.setdefault(read.group, []).append(asking.encoding.true(leaf))
    return found

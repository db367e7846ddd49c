"""Statements that are true in exactly the same reports."""

from __future__ import annotations

from collections.abc import Iterator

from triage_rules.assurance.checking.context import CheckContext, Finding
from triage_rules.assurance.checking.written_conditions import place_at
from triage_rules.assurance.solver.logic import Formula
from triage_rules.assurance.solver.solver import Model
from triage_rules.language.check_types import CheckType, Family
from triage_rules.language.model import IN_SCOPE, MANDATORY_OPEN

FAMILY = Family.EQUAL


def find_equal_statements(context: CheckContext) -> Iterator[Finding]:
    """Yield a finding for each statement that is true and false in the same reports as an earlier one."""
    encoding = context.encoding
    made = (MANDATORY_OPEN, IN_SCOPE)
    names = [n for n in context.ruleset.inferences if n not in made and not context.unreachable(FAMILY, n)]
    for group in _group_indistinct(context, names):
        distinct: list[str] = []
        for name in context.each(FAMILY, group):
            twin = next((other for other in distinct if not _may_differ(context, name, other)), None)
            if twin is None:
                distinct.append(name)
                continue
            inferences = context.ruleset.inferences
            pair = " and ".join(f"`{key}` ({inferences[key].says})" for key in (name, twin))
            witness = context.witness(FAMILY, name, encoding.established(name))
            place = inferences[name].place or place_at(context.root, ("inferences", name))
            message = f"{pair} are true in exactly the same reports. This is proved."
            yield Finding(CheckType.EQUAL_STATEMENTS, place, name, message, (twin,), True, witness)


def _group_indistinct(context: CheckContext, names: list[str]) -> list[list[str]]:
    """Group the statements: within a group, no report that the solver found so far distinguishes any two."""
    encoding = context.encoding
    context.solver.watch(*map(encoding.established, names))
    groups = [names]
    for name in names:
        if not any(name in group for group in groups):
            continue
        model = context.find(FAMILY, name, encoding.established(name))
        if isinstance(model, Model):
            holds = {other: model.holds(encoding.established(other)) for group in groups for other in group}
            halves = [[n for n in group if holds[n] is side] for group in groups for side in (True, False)]
            groups = [half for half in halves if len(half) > 1]
    return groups


def _may_differ(context: CheckContext, first: str, other: str) -> bool:
    """Return whether two statements are not proved to be equal."""
    encoding, logic = context.encoding, context.encoding.logic
    pairs: list[tuple[Formula, Formula]] = [
        (encoding.established(first), encoding.established(other)),
        (encoding.ruled_out(first), encoding.ruled_out(other)),
    ]
    differ = logic.any_of(logic.opposite(logic.same(*pair)) for pair in pairs)
    return not context.impossible(FAMILY, first, differ)

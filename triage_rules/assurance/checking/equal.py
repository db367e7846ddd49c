"""Statements that always hold in the same reports: two names for one thing."""

from __future__ import annotations

from collections.abc import Iterator

from triage_rules.assurance.checking.context import CheckContext, Finding
from triage_rules.assurance.checking.written_conditions import place_at
from triage_rules.assurance.solver.logic import Formula
from triage_rules.assurance.solver.solver import Model
from triage_rules.language.check_types import CheckType, Family
from triage_rules.language.model import MANDATORY_OPEN

FAMILY = Family.EQUAL


def find_equal_statements(asking: CheckContext) -> Iterator[Finding]:
    """Each statement that is true and false in the same reports as an earlier one."""
    encoding = asking.encoding
    names = [n for n in asking.ruleset.inferences if n != MANDATORY_OPEN and not asking.unreachable(FAMILY, n)]
    for group in _told_apart(asking, names):
        first: list[str] = []
        for name in asking.each(FAMILY, group):
            twin = next((other for other in first if not _may_differ(asking, name, other)), None)
            if twin is None:
                first.append(name)
                continue
            says = asking.ruleset.inferences
            message = f"`{name}` ({says[name].says}) and `{twin}` ({says[twin].says}) hold in exactly the same reports"
            witness = asking.witness(FAMILY, name, encoding.established(name))
            place = says[name].place or place_at(asking.root, ("inferences", name))
            told = f"{message}. This is proved."
            yield Finding(CheckType.EQUAL_STATEMENTS, place, name, told, (twin,), True, witness)


def _told_apart(asking: CheckContext, names: list[str]) -> list[list[str]]:
    """The statements in groups, in each of which no report that was looked at tells any apart."""
    encoding = asking.encoding
    asking.solver.watch(*map(encoding.established, names))
    groups = [names]
    for name in names:
        if not any(name in group for group in groups):
            continue
        model = asking.find(FAMILY, name, encoding.established(name))
        if isinstance(model, Model):
            holds = {other: model.holds(encoding.established(other)) for group in groups for other in group}
            halves = [[n for n in group if holds[n] is side] for group in groups for side in (True, False)]
            groups = [half for half in halves if len(half) > 1]
    return groups


def _may_differ(asking: CheckContext, one: str, other: str) -> bool:
    """Not proved to be equal."""
    encoding, logic = asking.encoding, asking.encoding.logic
    pairs: list[tuple[Formula, Formula]] = [
        (encoding.established(one), encoding.established(other)),
        (encoding.ruled_out(one), encoding.ruled_out(other)),
    ]
    differ = logic.any_of(logic.opposite(logic.same(first, second)) for first, second in pairs)
    return not asking.impossible(FAMILY, one, differ)

"""Limits on one number that don't meet, overlap, or are drawn in two ways."""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from dataclasses import dataclass
from decimal import Decimal

from triage_rules.assurance.checking.context import CheckContext, Finding
from triage_rules.assurance.checking.written_conditions import Path, condition_text, place_of_limit, written
from triage_rules.assurance.solver.answers import first_above, first_at_least
from triage_rules.language.check_types import CheckType, Family
from triage_rules.language.conditions import LOWER_LIMITS, OPPOSITE
from triage_rules.language.model import All, Any, AskedOf, AtLeast, Compare, Condition, Input, InputKind, Not, Op

FAMILY = Family.LIMITS
SHOWN = 3
"""So many rules and statements are named that write one limit."""


@dataclass(frozen=True, slots=True)
class LimitEdge:
    """One comparison where it is written. `start`: the first number above the edge."""

    owner: str
    path: Path
    written: Compare
    effect: Compare
    start: float

    @property
    def up(self) -> bool:
        """It takes what is above the edge."""
        return self.effect.op in LOWER_LIMITS


def find_edges(asking: CheckContext) -> Iterator[Finding]:
    """What two neighbouring limits of one input leave out, take twice, or draw in two ways."""
    found: dict[str, list[LimitEdge]] = {}
    for one in written(asking.ruleset):
        for compare, effect in _compared(one.condition, True):
            read = asking.ruleset.inputs[compare.input]
            start = (first_at_least if effect.op in {Op.AT_LEAST, Op.LESS_THAN} else first_above)(
                read.kind, effect.limit
            )
            found.setdefault(compare.input, []).append(LimitEdge(one.owner, one.path, compare, effect, start))
    for name in asking.each(FAMILY, found):
        read = asking.ruleset.inputs[name]
        starts = sorted({edge.start for edge in found[name]})
        for low, high in itertools.pairwise(starts):
            below = [edge for edge in found[name] if edge.start == low]
            above = [edge for edge in found[name] if edge.start == high]
            if _is_narrow(read, below, above):
                yield from _between(asking, read, below, above)


def _compared(condition: Condition, side: bool) -> Iterator[tuple[Compare, Compare]]:
    """The comparisons as written and as they take effect: the opposite under a `not`. Single values are left out."""
    match condition:
        case Compare(finding, op, limit):
            yield condition, condition if side else Compare(finding, OPPOSITE[op], limit)
        case Not(part):
            yield from _compared(part, not side)
        case All(parts) | Any(parts) | AtLeast(_, parts):
            for part in parts:
                single = isinstance(part, Compare) and any(
                    isinstance(other, Compare)
                    and (other.input, other.limit) == (part.input, part.limit)
                    and {other.op, part.op} == {Op.AT_LEAST, Op.AT_MOST}
                    for other in parts
                )
                if not single:
                    yield from _compared(part, side)


def _is_narrow(read: Input, below: list[LimitEdge], above: list[LimitEdge]) -> bool:
    """What lies between two neighbouring edges is a single value, or a slip between two inclusive limits."""
    if read.asked_of is AskedOf.SERVICE:
        return False
    if read.kind is InputKind.INTEGER:
        # one whole number is a band like any other, unless its neighbours leave it out or both take it
        same_limit = {e.written.limit for e in below} & {e.written.limit for e in above}
        one_sided = not any(e.up for e in below) and all(e.up for e in above)
        return above[0].start - below[0].start == 1 and (bool(same_limit) or one_sided)
    if {e.effect.limit for e in below} == {e.effect.limit for e in above}:
        return True
    inclusive = all(e.effect.op is Op.AT_MOST for e in below) and all(e.effect.op is Op.AT_LEAST for e in above)
    low, high = Decimal(str(below[0].effect.limit)), Decimal(str(above[0].effect.limit))
    return inclusive and high - low <= max(_last_digit(low), _last_digit(high))


def _last_digit(limit: Decimal) -> Decimal:
    """One unit of the last digit that is written; at most 1."""
    exponent = limit.normalize().as_tuple().exponent
    return Decimal(1).scaleb(min(0, exponent if isinstance(exponent, int) else 0))


def _between(asking: CheckContext, read: Input, below: list[LimitEdge], above: list[LimitEdge]) -> Iterator[Finding]:
    """What happens to a value from the lower edge to below the upper one."""
    logic, number = asking.encoding.logic, asking.encoding.answers.number(read)
    witness = asking.single_answer_witness(
        FAMILY,
        read.name,
        number.cut(logic, below[0].start),
        logic.opposite(number.cut(logic, above[0].start)),
    )
    if witness is None:
        return
    value = witness.answers[read.name]
    takes = [edge for edge in below if edge.up] + [edge for edge in above if not edge.up]
    leaves = [edge for edge in below if not edge.up] + [edge for edge in above if edge.up]
    if not takes:
        found, told = CheckType.EDGE_GAP, f"{_told(below)} and {_told(above)}: a `{read.name}` of {value} is neither"
    elif not leaves:
        found, told = CheckType.EDGE_OVERLAP, f"{_told(below)} and {_told(above)}: a `{read.name}` of {value} is both"
    else:
        found = CheckType.EDGE_MIXED
        told = f"a `{read.name}` of {value} counts for {_told(takes)}, and not for {_told(leaves)}"
    first = leaves[0] if leaves else takes[0]
    owners = tuple(dict.fromkeys(edge.owner for edge in (*below, *above)))
    place = place_of_limit(asking.root, first.path, first.written)
    yield Finding(found, place, read.name, f"{told}.", owners, witness=witness)


def _told(find_edges: list[LimitEdge]) -> str:
    """The comparison, and who writes it."""
    owners = list(dict.fromkeys(f"`{edge.owner}`" for edge in find_edges))
    shown = ", ".join(owners[:SHOWN]) + (f" and {len(owners) - SHOWN} more" if len(owners) > SHOWN else "")
    comparisons = " / ".join(dict.fromkeys(condition_text(edge.effect) for edge in find_edges))
    return f"{comparisons} ({shown})"

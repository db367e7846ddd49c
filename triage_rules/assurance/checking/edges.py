"""Limits on a number that leave a gap, overlap, or disagree about the limit itself."""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from dataclasses import dataclass
from decimal import Decimal

from triage_rules.assurance.checking.context import CheckContext, Finding
from triage_rules.assurance.checking.written_conditions import Path, condition_text, place_of_limit, written_conditions
from triage_rules.assurance.solver.answers import first_above, first_at_least
from triage_rules.language.check_types import CheckType, Family
from triage_rules.language.conditions import LOWER_LIMITS, OPPOSITE
from triage_rules.language.model import All, Any, AskedOf, AtLeast, Compare, Condition, Input, InputKind, Not, Op

FAMILY = Family.LIMITS
SHOWN = 3
"""Number of rules and statements that are named for a limit."""


@dataclass(frozen=True, slots=True)
class LimitEdge:
    """Comparison at its place in the file. `start`: the first number above the edge."""

    owner: str
    path: Path
    written: Compare
    effect: Compare
    start: float

    @property
    def is_lower_limit(self) -> bool:
        """Return whether the comparison is true for numbers above the edge."""
        return self.effect.op in LOWER_LIMITS


def find_edges(context: CheckContext) -> Iterator[Finding]:
    """Yield a finding for each pair of neighbouring limits with a gap, an overlap or a mixed edge."""
    edges: dict[str, list[LimitEdge]] = {}
    for entry in written_conditions(context.ruleset):
        for compare, effect in _comparisons(entry.condition, True):
            read = context.ruleset.inputs[compare.input]
            start = (first_at_least if effect.op in {Op.AT_LEAST, Op.LESS_THAN} else first_above)(
                read.kind, effect.limit
            )
            edges.setdefault(compare.input, []).append(LimitEdge(entry.owner, entry.path, compare, effect, start))
    for name in context.each(FAMILY, edges):
        read = context.ruleset.inputs[name]
        starts = sorted({edge.start for edge in edges[name]})
        for low, high in itertools.pairwise(starts):
            below = [edge for edge in edges[name] if edge.start == low]
            above = [edge for edge in edges[name] if edge.start == high]
            if _is_narrow(read, below, above):
                yield from _check_between(context, read, below, above)


def _comparisons(condition: Condition, side: bool) -> Iterator[tuple[Compare, Compare]]:
    """Yield comparisons as written and as they take effect: the opposite under a `not`. Skip single values."""
    match condition:
        case Compare(name, op, limit):
            yield condition, condition if side else Compare(name, OPPOSITE[op], limit)
        case Not(part):
            yield from _comparisons(part, not side)
        case All(parts) | Any(parts) | AtLeast(_, parts):
            for part in parts:
                single = isinstance(part, Compare) and any(
                    isinstance(other, Compare)
                    and (other.input, other.limit) == (part.input, part.limit)
                    and {other.op, part.op} == {Op.AT_LEAST, Op.AT_MOST}
                    for other in parts
                )
                if not single:
                    yield from _comparisons(part, side)


def _is_narrow(read: Input, below: list[LimitEdge], above: list[LimitEdge]) -> bool:
    """Return whether only one value, or a slip between two inclusive limits, lies between neighbouring edges."""
    if read.asked_of is AskedOf.SERVICE:
        return False
    if read.kind is InputKind.INTEGER:
        # a band of one whole number is usual: it is a mistake only if both neighbours include it or leave it out
        same_limit = {e.written.limit for e in below} & {e.written.limit for e in above}
        one_sided = not any(e.is_lower_limit for e in below) and all(e.is_lower_limit for e in above)
        return above[0].start - below[0].start == 1 and (bool(same_limit) or one_sided)
    if {e.effect.limit for e in below} == {e.effect.limit for e in above}:
        return True
    inclusive = all(e.effect.op is Op.AT_MOST for e in below) and all(e.effect.op is Op.AT_LEAST for e in above)
    low, high = Decimal(str(below[0].effect.limit)), Decimal(str(above[0].effect.limit))
    return inclusive and high - low <= max(_last_digit(low), _last_digit(high))


def _last_digit(limit: Decimal) -> Decimal:
    """Return one unit of the last written digit; at most 1."""
    exponent = limit.normalize().as_tuple().exponent
    return Decimal(1).scaleb(min(0, exponent if isinstance(exponent, int) else 0))


def _check_between(
    context: CheckContext, read: Input, below: list[LimitEdge], above: list[LimitEdge]
) -> Iterator[Finding]:
    """Find a value from the lower edge to below the upper edge, and yield a finding if the limits conflict there."""
    logic, number = context.encoding.logic, context.encoding.answers.number(read)
    witness = context.single_answer_witness(
        FAMILY,
        read.name,
        number.cut(logic, below[0].start),
        logic.opposite(number.cut(logic, above[0].start)),
    )
    if witness is None:
        return
    value = witness.answers[read.name]
    including = [edge for edge in below if edge.is_lower_limit] + [edge for edge in above if not edge.is_lower_limit]
    excluding = [edge for edge in below if not edge.is_lower_limit] + [edge for edge in above if edge.is_lower_limit]
    if not including:
        check_type = CheckType.EDGE_GAP
        message = f"{_describe(below)} and {_describe(above)}: a `{read.name}` of {value} meets neither"
    elif not excluding:
        check_type = CheckType.EDGE_OVERLAP
        message = f"{_describe(below)} and {_describe(above)}: a `{read.name}` of {value} meets both"
    else:
        check_type = CheckType.EDGE_MIXED
        message = f"a `{read.name}` of {value} meets {_describe(including)}, but not {_describe(excluding)}"
    first = excluding[0] if excluding else including[0]
    owners = tuple(dict.fromkeys(edge.owner for edge in (*below, *above)))
    place = place_of_limit(context.root, first.path, first.written)
    yield Finding(check_type, place, read.name, f"{message}.", owners, witness=witness)


def _describe(edges: list[LimitEdge]) -> str:
    """Describe the comparisons of these edges and name the rules and statements that write them."""
    owners = list(dict.fromkeys(f"`{edge.owner}`" for edge in edges))
    shown = ", ".join(owners[:SHOWN]) + (f" and {len(owners) - SHOWN} more" if len(owners) > SHOWN else "")
    comparisons = " / ".join(dict.fromkeys(condition_text(edge.effect) for edge in edges))
    return f"{comparisons} ({shown})"

"""Every part of every condition of a ruleset file, with its owner, its path and its place."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace

from triage_rules.assurance.checking.written_conditions import (
    AVAILABLE,
    Path,
    WrittenCondition,
    place_at,
    written_conditions,
)
from triage_rules.foundation.place import Place
from triage_rules.language.conditions import parts as parts_of
from triage_rules.language.model import All, Condition, Ruleset
from triage_rules.language.reading.places import MappingNode, Node, Sequence

VALIDITY = "validity"
"""Owner of the condition under which a result expires sooner: no case can see it, so it gets no mutants."""


@dataclass(frozen=True, slots=True)
class Part:
    """Condition or part of a condition. `steps`: part numbers from the `whole` down to it; `within`: its parent.

    in_range: whether it is a range such as `{at_least: 1, less_than: 3}`, or a side of it.
    """

    whole: WrittenCondition
    steps: tuple[int, ...]
    condition: Condition
    within: Condition | None
    place: Place
    in_range: bool


def list_parts(ruleset: Ruleset, root: Node, file: str) -> Iterator[Part]:
    """Yield each condition and all its parts, the outer ones first, in the order of `written`.

    Skip those that change no outcome: the validity's, and gates that imply no answer.
    """
    for whole in written_conditions(ruleset):
        if whole.owner != VALIDITY and (not whole.is_gate or _implies_answer(ruleset, whole)):
            place = place_at(root, whole.path, file)
            outermost = Part(whole, (), whole.condition, None, place, in_range=False)
            yield from _walk(outermost, _find_node(root, whole.path))


def _implies_answer(ruleset: Ruleset, gate: WrittenCondition) -> bool:
    relevant = ruleset.inputs[gate.owner].relevant
    return relevant is not None and relevant.otherwise is not None and AVAILABLE not in gate.path


def _walk(part: Part, node: Node | None) -> Iterator[Part]:
    """Yield the part that this node writes, and its own parts."""
    is_range = part.in_range or (isinstance(part.condition, All) and node is not None and _is_range(node))
    part = replace(part, in_range=is_range)
    yield part
    inner = parts_of(part.condition)
    nodes = [node] * len(inner) if is_range else _part_nodes(node, len(inner))
    for number, (condition, below) in enumerate(zip(inner, nodes, strict=True)):
        place = part.place
        if below is not None and below is not node:
            place = Place(place.file, below.place.line, below.place.column)
        yield from _walk(Part(part.whole, (*part.steps, number), condition, part.condition, place, is_range), below)


def _part_nodes(node: Node | None, count: int) -> list[Node | None]:
    """Return the nodes of a condition's parts; None for each part of a ruleset that was not read from a file."""
    if isinstance(node, MappingNode):
        for word in ("all", "any", "of", "not"):
            if word in node.entries:
                inner = node.entries[word].node
                nodes = list(inner.items) if isinstance(inner, Sequence) and word != "not" else [inner]
                if len(nodes) == count:
                    return list(nodes)
    return [None] * count


def _is_range(node: Node) -> bool:
    """Return whether the node is a range such as `{at_least: 1, less_than: 3}`, which is read as two comparisons."""
    return isinstance(node, MappingNode) and not {"all", "any", "of", "not"} & set(node.entries)


def _find_node(root: Node, path: Path) -> Node | None:
    """Return the node at a path, or None."""
    node: Node = root
    for step in path:
        if isinstance(node, MappingNode) and step in node.entries:
            node = node.entries[str(step)].node
        elif isinstance(node, Sequence) and isinstance(step, int) and step < len(node.items):
            node = node.items[step]
        else:
            return None
    return node

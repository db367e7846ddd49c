"""Every part of every condition of a ruleset file: whose it is, how to get to it, where it stands."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace

from triage_rules.assurance.checking.written_conditions import Path, Written, place_at, written
from triage_rules.foundation.place import Place
from triage_rules.language.conditions import parts as parts_of
from triage_rules.language.model import All, Condition, Ruleset
from triage_rules.language.reading.places import MappingNode, Node, Sequence

VALIDITY = "validity"
"""The owner of the condition on which a result expires sooner: no case can see it, so nothing of it is changed."""


@dataclass(frozen=True, slots=True)
class Part:
    """A condition, or a part of one. `steps`: which part of which part of the `whole`; `within`: what it is a part of.

    in_range: it is one side of a range such as `{at_least: 1, less_than: 3}`, or such a range itself.
    """

    whole: Written
    steps: tuple[int, ...]
    condition: Condition
    within: Condition | None
    place: Place
    in_range: bool


def parts(ruleset: Ruleset, root: Node, file: str) -> Iterator[Part]:
    """Each condition and all its parts, the outer ones first, in the order of `written`; without the validity's."""
    for whole in written(ruleset):
        if whole.owner != VALIDITY:
            place = place_at(root, whole.path, file)
            outermost = Part(whole, (), whole.condition, None, place, in_range=False)
            yield from _beneath(outermost, _at(root, whole.path))


def _beneath(part: Part, node: Node | None) -> Iterator[Part]:
    """The part that this node says, and its own parts."""
    is_range = part.in_range or (isinstance(part.condition, All) and node is not None and _says_range(node))
    part = replace(part, in_range=is_range)
    yield part
    inner = parts_of(part.condition)
    nodes = [node] * len(inner) if is_range else _nodes(node, len(inner))
    for number, (condition, below) in enumerate(zip(inner, nodes, strict=True)):
        place = part.place
        if below is not None and below is not node:
            place = Place(place.file, below.place.line, below.place.column)
        yield from _beneath(Part(part.whole, (*part.steps, number), condition, part.condition, place, is_range), below)


def _nodes(node: Node | None, count: int) -> list[Node | None]:
    """What says the parts of a condition; unknown of a ruleset that was read from nowhere."""
    if isinstance(node, MappingNode):
        for word in ("all", "any", "of", "not"):
            if word in node.entries:
                inner = node.entries[word].node
                found = list(inner.items) if isinstance(inner, Sequence) and word != "not" else [inner]
                if len(found) == count:
                    return list(found)
    return [None] * count


def _says_range(node: Node) -> bool:
    """`finding: {at_least: 1, less_than: 3}`: written as one, read as two."""
    return isinstance(node, MappingNode) and not {"all", "any", "of", "not"} & set(node.entries)


def _at(root: Node, path: Path) -> Node | None:
    """What stands at a path, if anything does."""
    node: Node = root
    for step in path:
        if isinstance(node, MappingNode) and step in node.entries:
            node = node.entries[str(step)].node
        elif isinstance(node, Sequence) and isinstance(step, int) and step < len(node.items):
            node = node.items[step]
        else:
            return None
    return node

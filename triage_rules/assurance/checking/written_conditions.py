"""The conditions of a ruleset as they were written: whose they are, where they stand, and how they read."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from triage_rules.foundation.place import Place
from triage_rules.language.conditions import OPPOSITE, own_definition
from triage_rules.language.model import (
    All,
    Any,
    AtLeast,
    Compare,
    Condition,
    Inferred,
    IsOpen,
    Not,
    OneOf,
    Ruleset,
    Unless,
    Yes,
)
from triage_rules.language.reading.places import MappingNode, Node, Scalar, Sequence
from triage_rules.language.wording import limit_in_words

Path = tuple[str | int, ...]


@dataclass(frozen=True, slots=True)
class Written:
    """One condition of the file. `owner`: the id or name that it belongs to; `path`: keys and numbers down to it."""

    owner: str
    path: Path
    condition: Condition


def written(ruleset: Ruleset) -> list[Written]:
    """Every condition of the file, each once, in the order of use: statements, rules, floors, the rest."""
    found = []
    for inference in ruleset.inferences.values():
        own = own_definition(ruleset, inference)
        if own is not None:
            found.append(Written(inference.name, ("inferences", inference.name, "when"), own))
    for section, rules in (("rules", ruleset.rules), ("safety_net", ruleset.floors)):
        for rule in rules.values():
            found.append(Written(rule.id, (section, rule.id, "when"), rule.when))
            found += [
                Written(rule.id, (section, rule.id, "raised", number, "when"), outcome.when)
                for number, outcome in enumerate(rule.outcomes[1:])
                if outcome.when is not None
            ]
    found += [Written(c.id, ("conflicts", c.id, "when"), c.when) for c in ruleset.conflicts.values()]
    found += [
        Written(item.inputs[0], ("mandatory", number, "when"), item.when)
        for number, item in enumerate(ruleset.mandatory)
        if item.when is not None
    ]
    if ruleset.validity.sooner is not None:
        found.append(Written("validity", ("validity", "sooner", "when"), ruleset.validity.sooner))
    return found


def place_at(root: Node, path: Path, file: str = "") -> Place:
    """Where the last key of the path stands that is there."""
    node, place = root, root.place
    for step in path:
        if isinstance(node, MappingNode) and step in node.entries:
            entry = node.entries[str(step)]
            node, place = entry.node, entry.key_place
        elif isinstance(node, Sequence) and isinstance(step, int) and step < len(node.items):
            node = node.items[step]
            place = node.place
        else:
            break
    return place if place.file else Place(file, place.line, place.column)


def place_of_limit(root: Node, path: Path, compare: Compare) -> Place:
    """Where the limit of a comparison is written, beneath a path."""
    node: Node | None = root
    for step in path:
        if isinstance(node, MappingNode) and step in node.entries:
            node = node.entries[str(step)].node
        elif isinstance(node, Sequence) and isinstance(step, int):
            node = node.items[step]
    found = next(_limits(node, compare), None) if node is not None else None
    return found or place_at(root, path)


def _limits(node: Node, compare: Compare) -> Iterator[Place]:
    match node:
        case MappingNode(entries=entries):
            for key, entry in entries.items():
                inner = entry.node
                if key == compare.input and isinstance(inner, MappingNode) and compare.op in inner.entries:
                    limit = inner.entries[compare.op]
                    if isinstance(limit.node, Scalar) and limit.node.value == compare.limit:
                        yield limit.key_place
                yield from _limits(inner, compare)
        case Sequence(items=items):
            for item in items:
                yield from _limits(item, compare)


# --- in words ---


def condition_text(condition: Condition) -> str:
    """The condition as one reads it: `temperature_c` at least 38."""
    match condition:
        case Inferred(name) | Yes(name):
            return f"`{name}`"
        case Not(Compare(finding, op, limit)):
            return condition_text(Compare(finding, OPPOSITE[op], limit))
        case Not(part):
            return f"not {condition_text(part)}"
        case Unless(part):
            return f"unless {condition_text(part)}"
        case IsOpen(finding):
            return f"`{finding}` open"
        case Compare(finding):
            return f"`{finding}` {limit_in_words(condition)}"
        case OneOf(finding, values):
            return f"`{finding}` {' or '.join(values)}"
        case All(parts):
            return f"({' and '.join(map(condition_text, parts))})"
        case Any(parts):
            return f"({' or '.join(map(condition_text, parts))})"
        case AtLeast(count, parts):
            return f"(at least {count} of {', '.join(map(condition_text, parts))})"


def join_conditions(conditions: list[Condition]) -> str:
    """Conditions in words, the last after "and"."""
    words = [condition_text(condition) for condition in conditions]
    return words[0] if len(words) == 1 else f"{', '.join(words[:-1])} and {words[-1]}"

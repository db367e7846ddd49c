"""The conditions of a ruleset file, with their owner, their place and their text."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from triage_rules.foundation.place import Place
from triage_rules.language.conditions import OPPOSITE, own_definition
from triage_rules.language.model import (
    SCOPE,
    All,
    Any,
    AtLeast,
    Compare,
    Condition,
    Floor,
    Inferred,
    IsOpen,
    Not,
    OneOf,
    Rule,
    Ruleset,
    Unless,
    Yes,
)
from triage_rules.language.reading.places import MappingNode, Node, Scalar, Sequence
from triage_rules.language.scope import written_condition, written_mandatory
from triage_rules.language.wording import limit_in_words

Path = tuple[str | int, ...]


AVAILABLE = "available_if"
"""Key of the condition that decides only whether a question can be answered."""


@dataclass(frozen=True, slots=True)
class WrittenCondition:
    """Condition of the file. `path`: its keys and numbers.

    `owner`: the id of its rule, floor or conflict, or the name of its statement, or of the input that it gates.
    """

    owner: str
    path: Path
    condition: Condition

    @property
    def is_gate(self) -> bool:
        """Return whether it decides on an input: if it is relevant, or can be answered."""
        return self.path[0] == "inputs"


def written_conditions(ruleset: Ruleset) -> list[WrittenCondition]:
    """Return each condition of the file once: those of statements, rules, floors, then the rest."""
    conditions = []
    for inference in ruleset.inferences.values():
        own = own_definition(ruleset, inference)
        if own is not None:
            conditions.append(WrittenCondition(inference.name, ("inferences", inference.name, "when"), own))
    for section, rules in (("rules", ruleset.rules), ("safety_net", ruleset.floors)):
        for rule in rules.values():
            if rule.id == SCOPE:  # `scope` has no condition
                continue
            conditions.append(WrittenCondition(rule.id, (section, rule.id, "when"), written_condition(rule)))
            conditions += [
                WrittenCondition(rule.id, (section, rule.id, "raised", number, "when"), outcome.when)
                for number, outcome in enumerate(rule.outcomes[1:])
                if outcome.when is not None
            ]
    conditions += [WrittenCondition(c.id, ("conflicts", c.id, "when"), c.when) for c in ruleset.conflicts.values()]
    conditions += [
        WrittenCondition(item.inputs[0], ("mandatory", number, "when"), when)
        for number, item in enumerate(ruleset.mandatory)
        if (when := written_mandatory(item, ruleset.scope)) is not None
    ]
    if ruleset.validity.sooner is not None:
        conditions.append(WrittenCondition("validity", ("validity", "sooner", "when"), ruleset.validity.sooner))
    for read in ruleset.inputs.values():
        if read.relevant is not None:
            conditions.append(WrittenCondition(read.name, (*relevance_path(read.name), "when"), read.relevant.when))
        if read.available_if is not None:
            conditions.append(WrittenCondition(read.name, ("inputs", read.name, AVAILABLE), read.available_if))
    return conditions


def rule_path(rule: Rule | Floor) -> Path:
    """Return the path of a rule or floor; the rule of the scope's disposition stands under `scope`."""
    if rule.id == SCOPE:
        return ("scope",)
    return ("rules" if isinstance(rule, Rule) else "safety_net", rule.id)


def relevance_path(name: str) -> Path:
    """Return the path of an input's `relevant`."""
    return ("inputs", name, "relevant")


def place_at(root: Node, path: Path, file: str = "") -> Place:
    """Return the place of the last existing key of the path."""
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
    """Return the place of a comparison's limit below a path."""
    node: Node | None = root
    for step in path:
        if isinstance(node, MappingNode) and step in node.entries:
            node = node.entries[str(step)].node
        elif isinstance(node, Sequence) and isinstance(step, int):
            node = node.items[step]
    place = next(_find_limits(node, compare), None) if node is not None else None
    return place or place_at(root, path)


def _find_limits(node: Node, compare: Compare) -> Iterator[Place]:
    match node:
        case MappingNode(entries=entries):
            for key, entry in entries.items():
                inner = entry.node
                if key == compare.input and isinstance(inner, MappingNode) and compare.op in inner.entries:
                    limit = inner.entries[compare.op]
                    if isinstance(limit.node, Scalar) and limit.node.value == compare.limit:
                        yield limit.key_place
                yield from _find_limits(inner, compare)
        case Sequence(items=items):
            for item in items:
                yield from _find_limits(item, compare)


# --- as text ---


def condition_text(condition: Condition) -> str:
    """Write the condition as text, such as `temperature_c` at least 38."""
    match condition:
        case Inferred(name) | Yes(name):
            return f"`{name}`"
        case Not(Compare(name, op, limit)):
            return condition_text(Compare(name, OPPOSITE[op], limit))
        case Not(part):
            return f"not {condition_text(part)}"
        case Unless(part):
            return f"unless {condition_text(part)}"
        case IsOpen(name):
            return f"`{name}` open"
        case Compare(name):
            return f"`{name}` {limit_in_words(condition)}"
        case OneOf(name, values):
            return f"`{name}` {' or '.join(values)}"
        case All(parts):
            return f"({' and '.join(map(condition_text, parts))})"
        case Any(parts):
            return f"({' or '.join(map(condition_text, parts))})"
        case AtLeast(count, parts):
            return f"(at least {count} of {', '.join(map(condition_text, parts))})"


def join_conditions(conditions: list[Condition]) -> str:
    """Join conditions as text, with "and" before the last."""
    words = [condition_text(condition) for condition in conditions]
    return words[0] if len(words) == 1 else f"{', '.join(words[:-1])} and {words[-1]}"

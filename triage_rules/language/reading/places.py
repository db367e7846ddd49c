"""The tree of a file, in which every key and value has its place; and the faults of the file."""

from __future__ import annotations

from dataclasses import dataclass, field

from triage_rules.foundation.errors import RulesetError, RulesetFault
from triage_rules.foundation.place import Place
from triage_rules.language.reading.limits import MAX_FAULTS, MAX_KEY

SHOWN = 60
"""The most characters of a written value in a message."""

DECIMALS_HINT = "; write decimals with a point, such as `38.5`"
PlainValue = None | bool | int | float | str
"""The value of a scalar."""

_LONGEST = 1500


@dataclass(frozen=True, slots=True)
class Scalar:
    """A resolved value."""

    value: PlainValue
    place: Place


@dataclass(frozen=True, slots=True)
class Sequence:
    """A list."""

    items: tuple[Node, ...]
    place: Place


@dataclass(frozen=True, slots=True)
class MappingEntry:
    """A key's place, and the node under it."""

    key_place: Place
    node: Node


@dataclass(frozen=True, slots=True)
class MappingNode:
    """A mapping from text keys. `whole`: none of its keys was rejected."""

    entries: dict[str, MappingEntry]
    place: Place
    whole: bool = True


@dataclass(frozen=True, slots=True)
class Broken:
    """A node that already has a fault: readers add no more."""

    place: Place


Node = Scalar | Sequence | MappingNode | Broken


def is_whole(node: Node) -> bool:
    """Return whether no part of a node was rejected while its text was parsed."""
    match node:
        case Scalar():
            return True
        case Sequence(items=items):
            return all(is_whole(item) for item in items)
        case MappingNode(entries=entries, whole=whole):
            return whole and all(is_whole(entry.node) for entry in entries.values())
        case Broken():
            return False


@dataclass(slots=True)
class Faults:
    """The collected faults of a file, so that all are listed at once; at most MAX_FAULTS."""

    collected: list[RulesetFault] = field(default_factory=list)

    def add(self, place: Place, message: str) -> None:
        """Collect a fault; `message`: one line, without the place. Raises RulesetError once there are too many."""
        line = " ".join(message.split())
        # Escape sequences in a file must not control the terminal that shows the fault.
        shown = "".join(character if character.isprintable() else "\ufffd" for character in line)
        self.collected.append(RulesetFault(place, shown if len(shown) <= _LONGEST else shown[:_LONGEST] + "..."))
        if len(self.collected) >= MAX_FAULTS:
            faults = self.in_order()
            stopped = f"reading stopped after {MAX_FAULTS} faults; fix these, and check again"
            raise RulesetError((*faults, RulesetFault(faults[-1].place, stopped)))

    def in_order(self) -> tuple[RulesetFault, ...]:
        """Return each fault once, in the order of the file."""
        return tuple(sorted(dict.fromkeys(self.collected), key=lambda f: (f.place.line, f.place.column)))


class Unreadable(Exception):
    """The end of reading; its fault has been collected."""


def key_too_long(key: str) -> str:
    """Return the message for a key that is too long."""
    return f"the key {quoted(key)} has {len(key)} characters; at most {MAX_KEY} are allowed"


def quoted(value: object) -> str:
    """Quote a scalar in backticks as YAML writes it, cut and on one line."""
    match value:
        case None:
            return "`null`"
        case bool():
            return "`true`" if value else "`false`"
    text = " ".join(str(value)[: 10 * SHOWN].split())
    return f"`{text[:SHOWN]}...`" if len(text) > SHOWN else f"`{text}`"


def data_of(node: Node) -> object:
    """Return a tree as plain JSON data, in the order of the file; a Broken node becomes null."""
    match node:
        case Scalar(value=value):
            return value
        case Sequence(items=items):
            return [data_of(item) for item in items]
        case MappingNode(entries=entries):
            return {key: data_of(entry.node) for key, entry in entries.items()}
        case Broken():
            return None

"""The tree of a file: every key and value knows its place. And the faults that are found in it."""

from __future__ import annotations

from dataclasses import dataclass, field

from triage_rules.foundation.errors import RulesetError, RulesetFault
from triage_rules.foundation.place import Place
from triage_rules.language.reading.limits import MAX_FAULTS, MAX_KEY

SHOWN = 60
"""So many characters of what was written are shown in a fault."""

DECIMALS_HINT = "; decimals take a point, such as `38.5`"
PlainValue = None | bool | int | float | str
"""What a scalar resolves to."""

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
    """A key's place, and what stands under it."""

    key_place: Place
    node: Node


@dataclass(frozen=True, slots=True)
class MappingNode:
    """A mapping from text keys. `whole`: no key of it was refused."""

    entries: dict[str, MappingEntry]
    place: Place
    whole: bool = True


@dataclass(frozen=True, slots=True)
class Broken:
    """Something that was refused already: readers stay silent about it."""

    place: Place


Node = Scalar | Sequence | MappingNode | Broken


def is_whole(node: Node) -> bool:
    """Nothing in it was refused while its text was parsed."""
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
    """Collects faults, so that all are told at once; of very many, the first MAX_FAULTS that were found."""

    found: list[RulesetFault] = field(default_factory=list)

    def add(self, place: Place, message: str) -> None:
        """`message` is one line, without the place. Raises RulesetError, with what was found, once it is too many."""
        line = " ".join(message.split())
        # What a file holds must not steer the terminal that shows the fault.
        shown = "".join(character if character.isprintable() else "\ufffd" for character in line)
        self.found.append(RulesetFault(place, shown if len(shown) <= _LONGEST else shown[:_LONGEST] + "..."))
        if len(self.found) >= MAX_FAULTS:
            told = self.in_order()
            stopped = f"reading stopped after {MAX_FAULTS} faults; mend these, and check again"
            raise RulesetError((*told, RulesetFault(told[-1].place, stopped)))

    def in_order(self) -> tuple[RulesetFault, ...]:
        """Each fault once, as they stand in the file."""
        return tuple(sorted(dict.fromkeys(self.found), key=lambda f: (f.place.line, f.place.column)))


class Unreadable(Exception):
    """Reading can't go on; the fault has been collected."""


def key_too_long(key: str) -> str:
    """What is told of such a key."""
    return f"the key {quoted(key)} has {len(key)} characters; at most {MAX_KEY} are taken"


def quoted(value: object) -> str:
    """A scalar in backticks as YAML writes it, cut and on one line."""
    match value:
        case None:
            return "`null`"
        case bool():
            return "`true`" if value else "`false`"
    text = " ".join(str(value)[: 10 * SHOWN].split())
    return f"`{text[:SHOWN]}...`" if len(text) > SHOWN else f"`{text}`"


def data_of(node: Node) -> object:
    """The tree as plain JSON data, in the order of the file. What is Broken becomes null."""
    match node:
        case Scalar(value=value):
            return value
        case Sequence(items=items):
            return [data_of(item) for item in items]
        case MappingNode(entries=entries):
            return {key: data_of(entry.node) for key, entry in entries.items()}
        case Broken():
            return None

"""Plain data, as in a bundle, to the same tree as YAML, within the same limits; every place has line 0."""

from __future__ import annotations

import math
from collections.abc import Mapping

from triage_rules.foundation.place import Place
from triage_rules.language.reading.limits import (
    MAX_DEPTH,
    MAX_DIGITS,
    MAX_KEY,
    MAX_NODES,
    MAX_TEXT,
    text_too_long,
    too_deep,
    too_many_nodes,
)
from triage_rules.language.reading.places import (
    Broken,
    Faults,
    MappingEntry,
    MappingNode,
    Node,
    Scalar,
    Sequence,
    Unreadable,
    key_too_long,
)


def tree_of_data(data: object, file: str, faults: Faults) -> Node:
    """Return the tree of JSON data. Faults go to `faults`; if the data is too large, the root is Broken."""
    try:
        return _DataReader(file, faults).node(data, 1)
    except Unreadable:
        return Broken(Place(file, 0, 0))


class _DataReader:
    """The reader of plain data. MAX_DEPTH bounds its recursion, MAX_NODES its work."""

    def __init__(self, file: str, faults: Faults) -> None:
        self._place = Place(file, 0, 0)
        self._faults = faults
        self._nodes = 0

    def node(self, data: object, depth: int) -> Node:
        """Return the node of one value."""
        if depth > MAX_DEPTH:
            self._refuse(too_deep())
            raise Unreadable
        self._count(1)
        match data:
            case None | bool():
                return Scalar(data, self._place)
            case str():
                return Scalar(data, self._place) if len(data) <= MAX_TEXT else self._refuse(text_too_long(len(data)))
            case int():
                if abs(data) < 10**MAX_DIGITS:
                    return Scalar(data, self._place)
                return self._refuse(f"a number has at most {MAX_DIGITS} digits")
            case float():
                return Scalar(data, self._place) if math.isfinite(data) else self._refuse("a number must be finite")
            case list() | tuple():
                return Sequence(tuple(self.node(item, depth + 1) for item in data), self._place)
            case Mapping():
                return self._mapping(data, depth)
            case _:
                return self._refuse(f"a value of the type {type(data).__name__} is not allowed in a ruleset")

    def _mapping(self, data: Mapping[object, object], depth: int) -> Node:
        entries: dict[str, MappingEntry] = {}
        self._count(len(data))
        for key, value in data.items():
            if not isinstance(key, str):
                self._refuse("a key must be a text")
            elif len(key) > MAX_KEY:
                self._refuse(key_too_long(key))
            else:
                entries[key] = MappingEntry(self._place, self.node(value, depth + 1))
        return MappingNode(entries, self._place)

    def _count(self, more: int) -> None:
        self._nodes += more
        if self._nodes > MAX_NODES:
            self._refuse(too_many_nodes())
            raise Unreadable

    def _refuse(self, message: str) -> Broken:
        self._faults.add(self._place, message)
        return Broken(self._place)

"""Statements while they are read: joined definitions, circles, and the order to derive them in."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field

from triage_rules.foundation.place import Place
from triage_rules.language.conditions import statements_in
from triage_rules.language.model import Any, Condition, Inference, Source
from triage_rules.language.reading.places import Faults


@dataclass(slots=True)
class StatementDraft:
    """The parts of one statement: its own definition first, then those of rules."""

    name: str
    place: Place
    says: str
    id: str | None = None
    source: Source | None = None
    rules: list[str] = field(default_factory=list)
    definitions: list[Condition] = field(default_factory=list)

    def inference(self) -> Inference:
        """Return the inference; several definitions are joined by Any."""
        when = self.definitions[0] if len(self.definitions) == 1 else Any(tuple(self.definitions))
        return Inference(self.name, self.says, when, self.id, self.source, tuple(self.rules), self.place)


def in_order(statements: dict[str, StatementDraft], faults: Faults) -> dict[str, Inference]:
    """Return each statement after all that it needs, otherwise in the order of the file. A circle is a fault."""
    walk = _Walk(statements, faults)
    for name in statements:
        walk.from_(name)
    return {name: statements[name].inference() for name in walk.done}


class _Walk:
    """A depth-first walk with its own path: chains of statements may be longer than Python's stack."""

    def __init__(self, statements: dict[str, StatementDraft], faults: Faults) -> None:
        self.done: dict[str, None] = {}
        self._statements = statements
        self._faults = faults
        self._path: dict[str, Iterator[str]] = {}
        self._reported: set[frozenset[str]] = set()

    def from_(self, start: str) -> None:
        """Put `start` and all that it needs into `done`."""
        self._enter(start)
        while self._path:
            name, waiting = next(reversed(self._path.items()))
            need = next(waiting, None)
            if need is None:
                del self._path[name]
                self.done[name] = None
            elif need in self._path:
                self._report_circle(need)
            else:
                self._enter(need)

    def _enter(self, name: str) -> None:
        if name not in self.done and name in self._statements:
            definitions = self._statements[name].definitions
            self._path[name] = iter(dict.fromkeys(need for part in definitions for need in statements_in(part)))

    def _report_circle(self, first: str) -> None:
        path = list(self._path)
        circle = path[path.index(first) :]
        if frozenset(circle) in self._reported:
            return
        self._reported.add(frozenset(circle))
        chain = " needs ".join(f"`{name}`" for name in [*circle, first])
        message = f"statements can't build on each other in a circle: {chain}"
        self._faults.add(self._statements[first].place, message)

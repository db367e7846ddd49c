"""Gates of inputs: the conditions under which a question makes sense, or can be answered."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from triage_rules.language.conditions import atoms, leaves
from triage_rules.language.model import Condition, Inference, Inferred, Input, IsOpen, Ruleset, Unless


def gates_of(read: Input) -> Iterator[Condition]:
    """Yield the conditions of `relevant` and `available_if`."""
    if read.relevant is not None:
        yield read.relevant.when
    if read.available_if is not None:
        yield read.available_if


class InputsBehind:
    """The inputs and mentions that conditions read, through statements.

    `inferences`: in an order in which each needs only earlier ones.
    """

    def __init__(self, inferences: Mapping[str, Inference]) -> None:
        self._names: dict[str, frozenset[str]] = {}
        self._unsettled: set[str] = set()
        for name, inference in inferences.items():
            self._names[name] = frozenset(self.of(inference.when))
            if self.may_be_taken_back(inference.when):
                self._unsettled.add(name)

    def of(self, condition: Condition) -> list[str]:
        """Return the inputs and mentions that a condition reads."""
        names: dict[str, None] = {}
        for atom in atoms(condition):
            names |= dict.fromkeys(self._names.get(atom.name, ()) if isinstance(atom, Inferred) else (atom.input,))
        return list(names)

    def may_be_taken_back(self, condition: Condition) -> bool:
        """Return whether a further answer may change a true or false condition: `open` or `unless` is beneath."""
        return any(
            isinstance(leaf, IsOpen | Unless) or (isinstance(leaf, Inferred) and leaf.name in self._unsettled)
            for leaf in leaves(condition)
        )


def gated_in_order(ruleset: Ruleset) -> list[Input]:
    """Return the inputs with gates, each after those that its gates read."""
    behind = InputsBehind(ruleset.inferences)
    gated = {name: read for name, read in ruleset.inputs.items() if read.relevant or read.available_if}
    needs = {
        name: {ruleset.input_behind(need).name for when in gates_of(read) for need in behind.of(when)} & gated.keys()
        for name, read in gated.items()
    }
    done: dict[str, Input] = {}
    while len(done) < len(gated):  # a ruleset's gates have no circles
        done |= {name: gated[name] for name in gated if name not in done and needs[name] <= done.keys()}
    return list(done.values())

"""Reader of conditions: every name must be known, every comparison must suit the type of its input."""

from __future__ import annotations

from dataclasses import dataclass, field

from triage_rules.foundation.place import Place
from triage_rules.language.conditions import LOWER_LIMITS
from triage_rules.language.model import (
    IN_SCOPE,
    MANDATORY_OPEN,
    All,
    Any,
    AtLeast,
    Compare,
    Condition,
    Inferred,
    Input,
    InputKind,
    IsOpen,
    Not,
    OneOf,
    Op,
    Unless,
    Yes,
)
from triage_rules.language.reading.fields import Form
from triage_rules.language.reading.limits import most
from triage_rules.language.reading.messages import describe_node_kind, join_names, suggest_name
from triage_rules.language.reading.places import (
    Broken,
    Faults,
    MappingEntry,
    MappingNode,
    Node,
    Scalar,
    Sequence,
    quoted,
)

WORDS = ("all", "any", "not", "at_least", "open", "unless")
"""The words that a condition can start with, besides names."""

RESERVED = frozenset({*WORDS, "of", MANDATORY_OPEN})
"""Names that are not available."""

REFUSED: Condition = All(())
"""The placeholder of an invalid condition; never leaves the reader, as there is a fault then."""

_LIMITS = tuple(op.value for op in Op)


@dataclass(slots=True)
class Names:
    """The name space of a ruleset. An input of None was declared, but is invalid."""

    inputs: dict[str, Input | None] = field(default_factory=dict)
    mentions: dict[str, str] = field(default_factory=dict)
    statements: set[str] = field(default_factory=set)

    def known(self) -> list[str]:
        """Return every name."""
        return [*self.inputs, *self.mentions, *sorted(self.statements)]


class ConditionReader:
    """The reader of one ruleset's conditions. `what`: the rule's name in messages."""

    def __init__(self, names: Names, faults: Faults) -> None:
        self._names = names
        self._faults = faults

    def under(self, form: Form, key: str = "when") -> Condition:
        """Read the required condition under a key."""
        node = form.node(key)
        return REFUSED if node is None else self.read(node, form.what)

    def under_or_none(self, form: Form, key: str = "when") -> Condition | None:
        """Read the condition under a key; None if the key is missing."""
        node = form.node(key, required=False)
        return None if node is None else self.read(node, form.what)

    def read(self, node: Node, what: str) -> Condition:
        """Read a condition; REFUSED, with its faults collected, if it is invalid."""
        match node:
            case Scalar(value=str() as name):
                return self._name(name, node.place, what)
            case MappingNode():
                return self._mapping(node, what)
            case Broken():
                return REFUSED
            case Sequence():
                self._add_fault(
                    node.place, what, "expected a condition, found a list; write `all:` or `any:` before it"
                )
            case Scalar():
                self._add_fault(node.place, what, f"expected a condition, found {describe_node_kind(node)}")
        return REFUSED

    def _add_fault(self, place: Place, what: str, message: str) -> None:
        self._faults.add(place, f"{what}: {message}" if what else message)

    def _unknown(self, name: str, place: Place, what: str) -> None:
        if name == MANDATORY_OPEN:
            self._add_fault(place, what, f"`{MANDATORY_OPEN}` needs the list `mandatory`, which is missing")
        elif name == IN_SCOPE:
            self._add_fault(place, what, f"`{IN_SCOPE}` needs `scope`, which is missing")
        else:
            self._add_fault(
                place,
                what,
                f"unknown name {quoted(name)}{_how_instead(name) or suggest_name(name, self._names.known())}",
            )

    # --- a bare name ---

    def _name(self, name: str, place: Place, what: str) -> Condition:
        if name in self._names.statements:
            return Inferred(name)
        if name in self._names.mentions:
            return Yes(name)
        if name not in self._names.inputs:
            self._unknown(name, place, what)
            return REFUSED
        declared = self._names.inputs[name]
        if declared is None:
            return REFUSED
        if declared.kind is InputKind.YES_NO:
            return Yes(name)
        self._add_fault(place, what, f"`{name}` by itself is not a condition: {_how_to(declared)}")
        return REFUSED

    # --- a mapping ---

    def _mapping(self, node: MappingNode, what: str) -> Condition:
        keys = list(node.entries)
        if "of" in keys or (keys == ["at_least"]):
            return self._at_least(node, what)
        if len(keys) != 1:
            mapping = f"{join_names(keys)}; join them with `all:` or `any:`" if keys else "an empty mapping"
            self._add_fault(node.place, what, f"expected one condition, found {mapping}")
            return REFUSED
        word, entry = keys[0], node.entries[keys[0]]
        match word:
            case "all":
                return All(self._parts(entry.node, word, what))
            case "any":
                return Any(self._parts(entry.node, word, what))
            case "not":
                return Not(self.read(entry.node, what))
            case "open":
                return self._open(entry.node, what)
            case "unless":
                return self._unless(entry.node, what)
            case _:
                return self._comparison(word, entry, what)

    def _parts(self, node: Node, word: str, what: str) -> tuple[Condition, ...]:
        if isinstance(node, Broken):
            return ()
        if not isinstance(node, Sequence):
            self._add_fault(
                node.place, what, f"`{word}`: expected a list of conditions, found {describe_node_kind(node)}"
            )
            return ()
        if not node.items:
            self._add_fault(node.place, what, f"`{word}`: the list is empty")
        if len(node.items) > most(word):
            message = f"`{word}`: the list has {len(node.items)} conditions; at most {most(word)} are allowed"
            self._add_fault(node.items[most(word)].place, what, f"{message}; make statements of some of them")
            return ()
        return tuple(self.read(item, what) for item in node.items)

    def _at_least(self, node: MappingNode, what: str) -> Condition:
        form = Form(node, what, self._faults)
        count = form.number("at_least", required=True, whole=True)
        listed_parts = form.node("of")
        parts = () if listed_parts is None else self._parts(listed_parts, "of", what)
        form.close()
        if count is not None and parts and not 1 <= count <= len(parts):
            message = f"`at_least`: expected 1 to {len(parts)}, the number of conditions in `of`, found {quoted(count)}"
            self._add_fault(form.place_of("at_least"), what, message)
        return AtLeast(int(count or 0), parts)

    def _open(self, node: Node, what: str) -> Condition:
        name = self._operand(node, "open", what)
        if name is None:
            return REFUSED
        if name in self._names.mentions:
            text = self._names.mentions[name]
            self._add_fault(node.place, what, f"`open` takes an input, and `{name}` is a mention; write `open: {text}`")
        elif name in self._names.statements:
            message = f"`open` takes an input, and `{name}` is a statement; did you mean `unless: {name}`?"
            self._add_fault(node.place, what, message)
        elif name not in self._names.inputs:
            self._unknown_input(name, node.place, what)
        else:
            return IsOpen(name)
        return REFUSED

    def _unknown_input(self, name: str, place: Place, what: str) -> None:
        self._add_fault(place, what, f"unknown input {quoted(name)}{suggest_name(name, self._names.inputs)}")

    def _unless(self, node: Node, what: str) -> Condition:
        name = self._operand(node, "unless", what)
        if name is None:
            return REFUSED
        part = self._name(name, node.place, what)
        return Unless(part) if isinstance(part, Inferred | Yes) else REFUSED

    def _operand(self, node: Node, word: str, what: str) -> str | None:
        if isinstance(node, Scalar) and isinstance(node.value, str):
            return node.value
        if not isinstance(node, Broken):
            self._add_fault(node.place, what, f"`{word}` takes a name, found {describe_node_kind(node)}")
        return None

    # --- an input compared ---

    def _comparison(self, name: str, entry: MappingEntry, what: str) -> Condition:
        if name not in self._names.inputs:
            if name in self._names.statements or name in self._names.mentions:
                message = f"`{name}` is true, false or open, so it can't be compared; write only `{name}`"
                self._add_fault(entry.key_place, what, message)
            else:
                self._no_such_key(name, entry, what)
            return REFUSED
        declared = self._names.inputs[name]
        if declared is None or isinstance(entry.node, Broken):
            return REFUSED
        if declared.kind in (InputKind.YES_NO, InputKind.TEXT):
            self._add_fault(entry.key_place, what, f"`{name}` can't be compared: {_how_to(declared)}")
            return REFUSED
        if not isinstance(entry.node, MappingNode):
            self._add_fault(
                entry.node.place,
                what,
                f"`{name}`: expected a comparison, found {describe_node_kind(entry.node)}: {_how_to(declared)}",
            )
            return REFUSED
        if declared.kind is InputKind.CHOICE:
            return self._choice(declared, entry.node, what)
        return self._number(declared, entry.node, what)

    def _no_such_key(self, name: str, entry: MappingEntry, what: str) -> None:
        hint = _OTHER_WORDS.get(name.casefold()) or suggest_name(name, [*self._names.known(), *WORDS])
        kind = "unknown name" if isinstance(entry.node, MappingNode) else "unknown word or name"
        self._add_fault(entry.key_place, what, f"{kind} {quoted(name)}{hint}")

    def _operators(
        self, declared: Input, node: MappingNode, known: tuple[str, ...], what: str
    ) -> dict[str, MappingEntry]:
        for word, entry in node.entries.items():
            if word not in known:
                kind = "choice" if declared.kind is InputKind.CHOICE else "number"
                hint = suggest_name(word, known) or f": {_how_to(declared)}"
                self._add_fault(
                    entry.key_place, what, f"{quoted(word)} is not an operator for the {kind} `{declared.name}`{hint}"
                )
        if not node.entries:
            self._add_fault(node.place, what, f"`{declared.name}`: the comparison is empty: {_how_to(declared)}")
        return {word: entry for word, entry in node.entries.items() if word in known}

    def _choice(self, declared: Input, node: MappingNode, what: str) -> Condition:
        operators = self._operators(declared, node, ("is", "in"), what)
        if "is" in operators and "in" in operators:
            self._add_fault(node.place, what, f"`{declared.name}`: write `is` or `in`, not both")
        form = Form(node, f"{what}: `{declared.name}`" if what else f"`{declared.name}`", self._faults)
        values: dict[str, None] = {}
        if "is" in operators:
            self._value(declared, operators["is"].node, values, form)
        if "in" in operators:
            for item in form.items_of(operators["in"].node, "in"):
                self._value(declared, item, values, form)
        return OneOf(declared.name, tuple(values))

    def _value(self, declared: Input, node: Node, values: dict[str, None], form: Form) -> None:
        if isinstance(node, Broken):
            return
        if not isinstance(node, Scalar) or not isinstance(node.value, str):
            form.add_fault(node.place, f"expected a choice's value, found {describe_node_kind(node)}")
            return
        value = node.value
        choice = next((c for c in declared.choices if c.value == value), None)
        if value == "unknown" or (choice is not None and choice.means_open):
            form.add_fault(
                node.place, f"`{value}` leaves the input open, so no answer equals it; write `open: {declared.name}`"
            )
        elif choice is None:
            known = [c.value for c in declared.choices if not c.means_open]
            hint = suggest_name(value, known) or f"; its choices are {join_names(known, 20)}"
            form.add_fault(node.place, f"{quoted(value)} is not one of its choices{hint}")
        elif value in values:
            form.add_fault(node.place, f"`{value}` is in the list twice")
        else:
            values[value] = None

    def _number(self, declared: Input, node: MappingNode, what: str) -> Condition:
        operators = self._operators(declared, node, _LIMITS, what)
        form = Form(node, what, self._faults)
        compares = []
        for op in Op:
            if op.value in operators:
                limit = form.number_of(
                    operators[op.value].node, f"`{declared.name}`: `{op}`", whole=declared.kind is InputKind.INTEGER
                )
                if limit is not None:
                    self._check_bounds(declared, op, limit, operators[op.value].node.place, form)
                    compares.append(Compare(declared.name, op, limit))
        if len(compares) == 1 and len(operators) == 1:
            return compares[0]
        if len(compares) == len(operators) and compares:
            self._check_range(compares, node.place, form)
        return All(tuple(compares))

    def _check_bounds(self, declared: Input, op: Op, limit: float, place: Place, form: Form) -> None:
        low, high = declared.minimum, declared.maximum
        if (low is not None and limit < low) or (high is not None and limit > high):
            fault = f"the limit {quoted(limit)} is outside the input's bounds, {bounds(declared)}"
        elif (op is Op.LESS_THAN and limit == low) or (op is Op.MORE_THAN and limit == high):
            fault = f"`{op}` {quoted(limit)} can never be true within the input's bounds, {bounds(declared)}"
        else:
            return
        form.add_fault(place, f"`{declared.name}`: {fault}")

    def _check_range(self, compares: list[Compare], place: Place, form: Form) -> None:
        lower = [c for c in compares if c.op in LOWER_LIMITS]
        upper = [c for c in compares if c.op not in LOWER_LIMITS]
        name = compares[0].input
        if len(lower) != 1 or len(upper) != 1:
            expected = "one of `at_least` and `more_than`, with one of `at_most` and `less_than`"
            form.add_fault(place, f"`{name}`: expected {expected}")
            return
        closed = lower[0].op is Op.AT_LEAST and upper[0].op is Op.AT_MOST
        if lower[0].limit > upper[0].limit or (lower[0].limit == upper[0].limit and not closed):
            form.add_fault(place, f"`{name}`: the range is empty")


def bounds(declared: Input) -> str:
    """Describe an input's bounds."""
    if declared.maximum is None:
        return f"{declared.minimum} or more"
    if declared.minimum is None:
        return f"{declared.maximum} or less"
    return f"{declared.minimum} to {declared.maximum}"


def _how_to(declared: Input) -> str:
    name = declared.name
    match declared.kind:
        case InputKind.NUMBER | InputKind.INTEGER:
            return f"compare the number with `{name}: {{at_least: ...}}`, `more_than`, `at_most` or `less_than`"
        case InputKind.CHOICE:
            return f"compare the choice with `{name}: {{is: ...}}` or `{{in: [...]}}`"
        case InputKind.YES_NO:
            return f"it is a yes/no input; write only `{name}`, or `not: {name}`"
        case InputKind.TEXT:
            return "it is a text; declare its phrases under `mentions`, or write `open:` before it"


_OTHER_WORDS = {"and": "; did you mean `all`?", "or": "; did you mean `any`?"}


def _how_instead(written: str) -> str:
    """Return a hint for a formula or phrase; a similar name would be another condition."""
    words = written.split()
    if len(words) == 2 and words[0] == "not":  # noqa: PLR2004 - `not` and a name
        return f"; write `not: {words[1]}`"
    if "and" in words or "or" in words:
        return "; write `all: [.., ..]` for and, `any: [.., ..]` for or"
    if any(sign in written for sign in "<>="):
        return (
            "; compare a number with `name: {at_least: ...}`, `more_than`, `at_most` or `less_than`, a choice with `is`"
        )
    return ""

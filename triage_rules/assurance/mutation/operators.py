"""The small wrong changes that are tried on a ruleset, each with an id, a place and a description."""

from __future__ import annotations

import enum
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, replace
from decimal import Decimal

from triage_rules.assurance.checking.written_conditions import condition_text, place_at, relevance_path, rule_path
from triage_rules.assurance.coverage.goals import step
from triage_rules.assurance.mutation.mutants import (
    DEFAULT,
    ConditionMutation,
    DispositionMutation,
    MandatoryRemoval,
    Mutation,
    OutcomeRemoval,
    RelevanceMutation,
    RuleRemoval,
    ScopeMarkRemoval,
    replace_part,
    with_parts,
)
from triage_rules.assurance.mutation.places import Part, list_parts
from triage_rules.foundation.place import Place
from triage_rules.language.model import (
    SCOPE,
    All,
    Any,
    AtLeast,
    Compare,
    Condition,
    Inferred,
    InputKind,
    IsOpen,
    Level,
    Not,
    OneOf,
    Op,
    RuleOutcome,
    Ruleset,
    Unless,
    Yes,
)
from triage_rules.language.reading.places import Node

WORDS_SHOWN = 160
"""Length from which a condition's text is cut."""


class Operator(enum.StrEnum):
    """Kind of change."""

    SHIFT_THRESHOLD = "shift_threshold"
    FLIP_COMPARISON = "flip_comparison"
    DROP_CONDITION = "drop_condition"
    CHANGE_COUNT = "change_count"
    SWAP_ALL_ANY = "swap_all_any"
    CHANGE_NOT = "change_not"
    LOWER_LEVEL = "lower_level"
    RAISE_LEVEL = "raise_level"
    DELETE_RULE = "delete_rule"
    DELETE_FLOOR = "delete_floor"
    DELETE_OUTCOME = "delete_outcome"
    DELETE_CONFLICT = "delete_conflict"
    OPEN_AS_FALSE = "open_as_false"
    DROP_CHOICE = "drop_choice"
    DROP_MANDATORY = "drop_mandatory"
    DROP_RELEVANCE = "drop_relevance"
    DROP_SCOPE = "drop_scope"


@dataclass(frozen=True, slots=True)
class Mutant:
    """Wrong change. owner: its rule, floor, conflict, statement or input, or DEFAULT; words: its text."""

    id: str
    operator: Operator
    owner: str
    place: Place
    words: str
    change: Mutation


def make_mutants(ruleset: Ruleset, root: Node, file: str) -> tuple[Mutant, ...]:
    """Return every mutant of a ruleset, in the order of the file. An id is stable while the owner's conditions are."""
    counts: Counter[tuple[str, Operator]] = Counter()
    made = []
    for operator, owner, place, words, change in (
        *_change_conditions(ruleset, root, file),
        *_change_levels(ruleset, root, file),
        *_change_lists(ruleset, root, file),
        *_change_relevance(ruleset, root, file),
        *_change_scope(ruleset, root, file),
    ):
        counts[owner, operator] += 1
        mutant_id = f"{owner}:{operator}:{counts[owner, operator]}"
        made.append(Mutant(mutant_id, operator, owner, place, words, change))
    return tuple(made)


Change = tuple[Operator, str, Place, str, Mutation]


# --- conditions ---


def _change_conditions(ruleset: Ruleset, root: Node, file: str) -> Iterator[Change]:
    for part in list_parts(ruleset, root, file):
        known: set[Condition] = {part.condition}
        for operator, new, words in _change_part(ruleset, part):
            if new not in known and not (part.whole.is_gate and isinstance(new, Unless)):
                known.add(new)
                whole = replace_part(part.whole.condition, part.steps, new)
                yield operator, part.whole.owner, part.place, words, ConditionMutation(part.whole.path, whole)
        yield from _drop_part(part)


def _drop_part(part: Part) -> Iterator[Change]:
    """Yield the parent condition without this part."""
    if isinstance(part.within, All | Any | AtLeast) and len(part.within.parts) > 1:
        number = part.steps[-1]
        left = (*part.within.parts[:number], *part.within.parts[number + 1 :])
        whole = replace_part(part.whole.condition, part.steps[:-1], with_parts(part.within, left))
        words = f"{_words(part.condition)} is dropped"
        yield Operator.DROP_CONDITION, part.whole.owner, part.place, words, ConditionMutation(part.whole.path, whole)


Replacement = tuple[Operator, Condition, str]


def _change_part(ruleset: Ruleset, part: Part) -> Iterator[Replacement]:
    condition = part.condition
    match condition:
        case Compare():
            yield from _shift(ruleset, condition)
            yield _flip(condition)
        case OneOf(name, values) if len(values) > 1:
            for value in values:
                fewer = OneOf(name, tuple(other for other in values if other != value))
                yield Operator.DROP_CHOICE, fewer, f"`{name}`: the answer `{value}` no longer counts"
        case All() | Any() | AtLeast() if not part.in_range:
            yield from _change_combination(condition)
        case IsOpen(name):
            yield Operator.OPEN_AS_FALSE, Any(()), f"an open `{name}` is no longer noticed"
        case Unless(inner):
            yield Operator.OPEN_AS_FALSE, Not(inner), f"{_words(condition)} becomes not {_words(inner)}"
        case Not((Inferred() | Yes()) as inner):
            new = Unless(inner)
            yield Operator.OPEN_AS_FALSE, new, f"{_words(condition)} becomes {_words(new)}: silence counts as no"
        case _:
            pass
    yield from _change_not(part)


def _change_not(part: Part) -> Iterator[Replacement]:
    condition = part.condition
    if isinstance(condition, Not):
        yield Operator.CHANGE_NOT, condition.part, f"`not` is lost before {_words(condition.part)}"
    elif not isinstance(condition, All | Any | AtLeast) and not isinstance(part.within, Not) and not part.in_range:
        yield Operator.CHANGE_NOT, Not(condition), f"{_words(condition)} gets a `not` before it"


def _shift(ruleset: Ruleset, compare: Compare) -> Iterator[Replacement]:
    """Yield the comparison with the limit a step down and a step up, within the bounds of the input."""
    asked = ruleset.inputs[compare.input]
    for way in (-1, 1):
        exact = Decimal(str(compare.limit)) + way * step(compare.limit)
        limit = int(exact) if asked.kind is InputKind.INTEGER or exact == int(exact) else float(exact)
        low, high = asked.minimum, asked.maximum
        below = low is not None and (limit < low or (compare.op is Op.LESS_THAN and limit == low))
        above = high is not None and (limit > high or (compare.op is Op.MORE_THAN and limit == high))
        if not below and not above:
            new = Compare(compare.input, compare.op, limit)
            yield Operator.SHIFT_THRESHOLD, new, f"{_words(compare)} becomes {_words(new)}"


_STRICT = {
    Op.AT_LEAST: Op.MORE_THAN,
    Op.MORE_THAN: Op.AT_LEAST,
    Op.AT_MOST: Op.LESS_THAN,
    Op.LESS_THAN: Op.AT_MOST,
}


def _flip(compare: Compare) -> Replacement:
    """Move the limit itself to the other side."""
    new = Compare(compare.input, _STRICT[compare.op], compare.limit)
    return Operator.FLIP_COMPARISON, new, f"{_words(compare)} becomes {_words(new)}"


def _change_combination(condition: All | Any | AtLeast) -> Iterator[Replacement]:
    inner = condition.parts
    match condition:
        case AtLeast(count):
            for other in (count - 1, count + 1):
                if 1 <= other <= len(inner):
                    new = AtLeast(other, inner)
                    yield Operator.CHANGE_COUNT, new, f"at least {count} becomes at least {other} of {len(inner)}"
        case All() if len(inner) > 1:
            yield Operator.SWAP_ALL_ANY, Any(inner), f"all becomes any: {_words(Any(inner))}"
        case Any() if len(inner) > 1:
            yield Operator.SWAP_ALL_ANY, All(inner), f"any becomes all: {_words(All(inner))}"


def _words(condition: Condition) -> str:
    words = condition_text(condition)
    return words if len(words) <= WORDS_SHOWN else f"{words[:WORDS_SHOWN]}..."


# --- levels ---


def _change_levels(ruleset: Ruleset, root: Node, file: str) -> Iterator[Change]:
    for rule in ruleset.rules_and_floors:
        if rule.id == SCOPE:
            continue
        section = "rules" if rule.id in ruleset.rules else "safety_net"
        place = place_at(root, (section, rule.id), file)
        for number, outcome in enumerate(rule.outcomes):
            outcome_place = place_at(root, _outcome_path(section, rule.id, number), file)
            for operator, code in _neighbours(ruleset, outcome.disposition):
                if number == 0 or _raises(ruleset, rule.outcomes[0], code):
                    words = _becomes(ruleset, outcome.disposition, code)
                    yield operator, rule.id, outcome_place, words, DispositionMutation(rule.id, number, code)
            if number:
                words = f"it is no longer raised to {outcome.disposition}"
                yield Operator.DELETE_OUTCOME, rule.id, outcome_place, words, OutcomeRemoval(rule.id, number)
        deleted = Operator.DELETE_RULE if section == "rules" else Operator.DELETE_FLOOR
        yield deleted, rule.id, place, f"`{rule.id}` ({rule.title}) is deleted", RuleRemoval(rule.id)
    for operator, code in _never_routine(ruleset, ruleset.default.disposition):
        place = place_at(root, ("default", "disposition"), file)
        words = _becomes(ruleset, ruleset.default.disposition, code)
        yield operator, DEFAULT, place, words, DispositionMutation(DEFAULT, 0, code)


def _never_routine(ruleset: Ruleset, old: str) -> Iterator[tuple[Operator, str]]:
    """Yield the neighbours that are allowed where nothing is routine."""
    for operator, code in _neighbours(ruleset, old):
        if ruleset.dispositions[code].level > Level.ROUTINE:
            yield operator, code


def _outcome_path(section: str, rule: str, number: int) -> tuple[str | int, ...]:
    return (section, rule, "disposition") if number == 0 else (section, rule, "raised", number - 1, "to")


def _raises(ruleset: Ruleset, own: RuleOutcome, code: str) -> bool:
    """Return whether a raised outcome may have this disposition: it is more urgent than the rule's own."""
    return ruleset.urgency(code) > ruleset.urgency(own.disposition)


def _neighbours(ruleset: Ruleset, code: str) -> Iterator[tuple[Operator, str]]:
    """Yield the nearest disposition of the level below, and of the level above."""
    order = sorted(ruleset.dispositions, key=ruleset.urgency)
    level = ruleset.dispositions[code].level
    lower = [other for other in order if ruleset.dispositions[other].level == level - 1]
    higher = [other for other in order if ruleset.dispositions[other].level == level + 1]
    if lower:
        yield Operator.LOWER_LEVEL, lower[-1]
    if higher:
        yield Operator.RAISE_LEVEL, higher[0]


def _becomes(ruleset: Ruleset, old: str, new: str) -> str:
    levels = ruleset.dispositions
    return f"{old} ({levels[old].level.word}) becomes {new} ({levels[new].level.word})"


# --- lists ---


def _change_lists(ruleset: Ruleset, root: Node, file: str) -> Iterator[Change]:
    for conflict in ruleset.conflicts.values():
        place = place_at(root, ("conflicts", conflict.id), file)
        yield Operator.DELETE_CONFLICT, conflict.id, place, f"`{conflict.id}` is deleted", RuleRemoval(conflict.id)
    for number, item in enumerate(ruleset.mandatory):
        place = place_at(root, ("mandatory", number), file)
        names = " or ".join(f"`{name}`" for name in item.inputs)
        words = f"{names} is no longer mandatory"
        yield Operator.DROP_MANDATORY, item.inputs[0], place, words, MandatoryRemoval(number)


# --- relevance ---


def _change_relevance(ruleset: Ruleset, root: Node, file: str) -> Iterator[Change]:
    for read in ruleset.inputs.values():
        gate = read.relevant
        if gate is None or gate.otherwise is None:  # without `otherwise`, relevance decides only what is asked
            continue
        name, place = read.name, place_at(root, relevance_path(read.name), file)
        words = f"`{name}` is always relevant"
        yield Operator.DROP_RELEVANCE, name, place, words, RelevanceMutation(name, None)
        if isinstance(gate.when, All | Any | AtLeast):
            place = place_at(root, (*relevance_path(name), "when"), file)
            words = f"`{name}` is relevant only if not {_words(gate.when)}"
            yield Operator.CHANGE_NOT, name, place, words, RelevanceMutation(name, replace(gate, when=Not(gate.when)))


# --- scope ---


def _change_scope(ruleset: Ruleset, root: Node, file: str) -> Iterator[Change]:
    if ruleset.scope is None:
        return
    code, place = ruleset.scope.disposition, place_at(root, ("scope",), file)
    yield Operator.DROP_SCOPE, SCOPE, place, f"a no to `{ruleset.scope.question}` gives nothing", RuleRemoval(SCOPE)
    for operator, other in _never_routine(ruleset, code):
        place = place_at(root, ("scope", "disposition"), file)
        yield operator, SCOPE, place, _becomes(ruleset, code, other), DispositionMutation(SCOPE, 0, other)
    for rule in ruleset.rules_and_floors:
        if rule.in_scope_only:
            place = place_at(root, (*rule_path(rule), "in_scope_only"), file)
            words = f"`{rule.id}` ({rule.title}) counts out of scope, too"
            yield Operator.DROP_SCOPE, rule.id, place, words, ScopeMarkRemoval(rule.id)

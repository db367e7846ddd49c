"""Changes of mutants, applied to a typed ruleset together with the statements that depend on them."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace

from triage_rules.assurance.checking.written_conditions import Path
from triage_rules.foundation.place import Place
from triage_rules.language.conditions import own_definition, parts
from triage_rules.language.model import (
    MANDATORY_OPEN,
    All,
    Any,
    AtLeast,
    Condition,
    Conflict,
    Floor,
    Mandatory,
    Not,
    Relevance,
    Rule,
    RuleOutcome,
    Ruleset,
)
from triage_rules.language.reading.rules import mandatory_statement
from triage_rules.language.scope import mandatory_in_scope, only_in_scope, written_condition, written_mandatory


@dataclass(frozen=True, slots=True)
class ConditionMutation:
    """Replacement of the condition at this path of the file."""

    path: Path
    condition: Condition


@dataclass(frozen=True, slots=True)
class DispositionMutation:
    """Another disposition for an outcome of a rule or floor, or for the default (`of` is DEFAULT)."""

    of: str
    outcome: int
    disposition: str


@dataclass(frozen=True, slots=True)
class RuleRemoval:
    """Removal of a rule, floor or conflict. The statement that a removed rule infers is still inferred."""

    of: str


@dataclass(frozen=True, slots=True)
class OutcomeRemoval:
    """Removal of a raised outcome of a rule or floor."""

    of: str
    outcome: int


@dataclass(frozen=True, slots=True)
class RelevanceMutation:
    """Another `relevant` of an input; None: always relevant."""

    of: str
    relevant: Relevance | None


@dataclass(frozen=True, slots=True)
class ScopeMarkRemoval:
    """Removal of `in_scope_only` from a rule or floor."""

    of: str


@dataclass(frozen=True, slots=True)
class MandatoryRemoval:
    """Removal of an item of the mandatory list."""

    number: int


Mutation = (
    ConditionMutation
    | DispositionMutation
    | RuleRemoval
    | OutcomeRemoval
    | RelevanceMutation
    | ScopeMarkRemoval
    | MandatoryRemoval
)

DEFAULT = "default"
"""Owner of the default's disposition."""


def apply_mutation(ruleset: Ruleset, change: Mutation) -> Ruleset:
    """Return the ruleset with the change. Unchanged parts stay the same objects."""
    match change:
        case ConditionMutation(path, condition):
            return _replace_condition(ruleset, path, condition)
        case DispositionMutation(of, _, code) if of == DEFAULT:
            return replace(ruleset, default=replace(ruleset.default, disposition=code))
        case DispositionMutation(of, number, code):
            old = _find_rule(ruleset, of).outcomes
            return _with_outcomes(
                ruleset, of, (*old[:number], replace(old[number], disposition=code), *old[number + 1 :])
            )
        case RuleRemoval(of):
            return _without(ruleset, of)
        case OutcomeRemoval(of, number):
            old = _find_rule(ruleset, of).outcomes
            return _with_outcomes(ruleset, of, (*old[:number], *old[number + 1 :]))
        case RelevanceMutation(of, relevant):
            return _with_relevance(ruleset, of, relevant)
        case ScopeMarkRemoval(of):
            rule = _find_rule(ruleset, of)
            return _with_when(ruleset, replace(rule, in_scope_only=False), written_condition(rule))
        case MandatoryRemoval(number):
            return _with_mandatory(ruleset, (*ruleset.mandatory[:number], *ruleset.mandatory[number + 1 :]))


# --- conditions ---


def replace_part(condition: Condition, steps: tuple[int, ...], new: Condition) -> Condition:
    """Return the condition with the part at these steps replaced."""
    if not steps:
        return new
    first, *rest = steps
    inner = list(parts(condition))
    inner[first] = replace_part(inner[first], tuple(rest), new)
    return with_parts(condition, tuple(inner))


def with_parts(condition: Condition, inner: tuple[Condition, ...]) -> Condition:
    """Return the condition with these parts instead of its own."""
    match condition:
        case AtLeast(count):
            return AtLeast(min(count, len(inner)), inner)
        case All() | Any():
            return replace(condition, parts=inner)
        case Not():
            return Not(*inner)
        case _:
            raise TypeError(f"{condition} has no parts")


def _replace_condition(ruleset: Ruleset, path: Path, condition: Condition) -> Ruleset:
    match path:
        case ("inferences", str(name), "when"):
            return _with_definition(ruleset, name, condition)
        case ("rules" | "safety_net", str(name), "when"):
            rule = _find_rule(ruleset, name)
            return _with_when(ruleset, rule, only_in_scope(condition) if rule.in_scope_only else condition)
        case ("rules" | "safety_net", str(name), "raised", int(number), "when"):
            old = _find_rule(ruleset, name).outcomes
            outcome = replace(old[number + 1], when=condition)
            return _with_outcomes(ruleset, name, (*old[: number + 1], outcome, *old[number + 2 :]))
        case ("conflicts", str(name), "when"):
            conflict = replace(ruleset.conflicts[name], when=condition)
            return replace(ruleset, conflicts={**ruleset.conflicts, name: conflict})
        case ("mandatory", int(number), "when"):
            item = replace(ruleset.mandatory[number], when=condition)
            item = item if ruleset.scope is None else mandatory_in_scope(item)
            return _with_mandatory(ruleset, (*ruleset.mandatory[:number], item, *ruleset.mandatory[number + 1 :]))
        case ("inputs", str(name), "relevant", "when"):
            old_gate = ruleset.inputs[name].relevant
            assert old_gate is not None  # the path is of a condition in the file
            return _with_relevance(ruleset, name, replace(old_gate, when=condition))
        case _:
            raise KeyError(path)


def _with_definition(ruleset: Ruleset, name: str, own: Condition) -> Ruleset:
    """Return the ruleset with another own definition of a statement; the definitions by rules stay."""
    inference = ruleset.inferences[name]
    definitions = (own, *(ruleset.rules[rule].when for rule in inference.rules))
    return _with_inference(ruleset, name, definitions)


def _with_when(ruleset: Ruleset, rule: Rule | Floor, when: Condition) -> Ruleset:
    """Return the ruleset with another condition of a rule or floor."""
    if isinstance(rule, Rule):
        return _with_rule(ruleset, replace(rule, when=when))
    return replace(ruleset, floors={**ruleset.floors, rule.id: replace(rule, when=when)})


def _with_rule(ruleset: Ruleset, rule: Rule) -> Ruleset:
    """Return the ruleset with another rule of the same id, and with the statement that the rule infers."""
    changed = replace(ruleset, rules={**ruleset.rules, rule.id: rule})
    if rule.infers is None or rule.when is ruleset.rules[rule.id].when:
        return changed
    inference = ruleset.inferences[rule.infers]
    own = own_definition(ruleset, inference)
    written = () if own is None else (own,)
    return _with_inference(changed, rule.infers, (*written, *(changed.rules[other].when for other in inference.rules)))


def _with_inference(ruleset: Ruleset, name: str, definitions: tuple[Condition, ...]) -> Ruleset:
    when = definitions[0] if len(definitions) == 1 else Any(definitions)
    inference = replace(ruleset.inferences[name], when=when)
    return replace(ruleset, inferences={**ruleset.inferences, name: inference})


# --- rules, floors, the rest ---


def _with_relevance(ruleset: Ruleset, name: str, relevant: Relevance | None) -> Ruleset:
    read = replace(ruleset.inputs[name], relevant=relevant)
    return replace(ruleset, inputs={**ruleset.inputs, name: read})


def _find_rule(ruleset: Ruleset, name: str) -> Rule | Floor:
    return ruleset.rules[name] if name in ruleset.rules else ruleset.floors[name]


def _with_outcomes(ruleset: Ruleset, name: str, outcomes: tuple[RuleOutcome, ...]) -> Ruleset:
    if name in ruleset.rules:
        return _with_rule(ruleset, replace(ruleset.rules[name], outcomes=outcomes))
    return replace(ruleset, floors={**ruleset.floors, name: replace(ruleset.floors[name], outcomes=outcomes)})


def _without(ruleset: Ruleset, name: str) -> Ruleset:
    if name in ruleset.rules:
        inferred = ruleset.rules[name].infers
        rules = {rule_id: rule for rule_id, rule in ruleset.rules.items() if rule_id != name}
        smaller = replace(ruleset, rules=rules)
        return smaller if inferred is None else _keep_inferred(smaller, inferred, name)
    if name in ruleset.floors:
        return replace(ruleset, floors={i: floor for i, floor in ruleset.floors.items() if i != name})
    return replace(ruleset, conflicts=_all_but(ruleset.conflicts.values(), name))


def _keep_inferred(ruleset: Ruleset, statement: str, removed: str) -> Ruleset:
    """Turn the removed rule's definition of the statement into an own definition."""
    inference = ruleset.inferences[statement]
    kept = replace(inference, rules=tuple(rule for rule in inference.rules if rule != removed))
    return replace(ruleset, inferences={**ruleset.inferences, statement: kept})


def _all_but(conflicts: Iterable[Conflict], name: str) -> dict[str, Conflict]:
    return {conflict.id: conflict for conflict in conflicts if conflict.id != name}


def _with_mandatory(ruleset: Ruleset, mandatory: tuple[Mandatory, ...]) -> Ruleset:
    """Return the ruleset with another mandatory list, and the statement made from it."""
    place = ruleset.inferences[MANDATORY_OPEN].place or Place("", 0, 0)
    written = tuple(replace(item, when=written_mandatory(item, ruleset.scope)) for item in mandatory)
    inference = mandatory_statement(written, place, ruleset.scope).inference()
    return replace(ruleset, mandatory=mandatory, inferences={**ruleset.inferences, MANDATORY_OPEN: inference})

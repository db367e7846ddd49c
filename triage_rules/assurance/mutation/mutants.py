"""What a mutant changes in a typed ruleset, and the changed ruleset; what hangs on the change is made anew with it."""

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
    Rule,
    RuleOutcome,
    Ruleset,
)
from triage_rules.language.reading.rules import mandatory_statement


@dataclass(frozen=True, slots=True)
class ConditionMutation:
    """The condition at this path of the file is another one."""

    path: Path
    condition: Condition


@dataclass(frozen=True, slots=True)
class DispositionMutation:
    """An outcome of a rule or floor reaches another disposition; of DEFAULT, the default does."""

    of: str
    outcome: int
    disposition: str


@dataclass(frozen=True, slots=True)
class RuleRemoval:
    """A rule, floor or conflict is not there. What the rule infers still is inferred."""

    of: str


@dataclass(frozen=True, slots=True)
class OutcomeRemoval:
    """A raised outcome of a rule or floor is not there."""

    of: str
    outcome: int


@dataclass(frozen=True, slots=True)
class MandatoryRemoval:
    """An item of the mandatory list is not there."""

    number: int


Mutation = ConditionMutation | DispositionMutation | RuleRemoval | OutcomeRemoval | MandatoryRemoval

DEFAULT = "default"
"""The owner of the default's disposition."""


def apply_mutation(ruleset: Ruleset, change: Mutation) -> Ruleset:
    """The ruleset with the change. What is not touched stays the same object."""
    match change:
        case ConditionMutation(path, condition):
            return _rewritten(ruleset, path, condition)
        case DispositionMutation(of, _, code) if of == DEFAULT:
            return replace(ruleset, default=replace(ruleset.default, disposition=code))
        case DispositionMutation(of, number, code):
            old = _of(ruleset, of).outcomes
            return _with_outcomes(
                ruleset, of, (*old[:number], replace(old[number], disposition=code), *old[number + 1 :])
            )
        case RuleRemoval(of):
            return _without(ruleset, of)
        case OutcomeRemoval(of, number):
            old = _of(ruleset, of).outcomes
            return _with_outcomes(ruleset, of, (*old[:number], *old[number + 1 :]))
        case MandatoryRemoval(number):
            return _with_mandatory(ruleset, (*ruleset.mandatory[:number], *ruleset.mandatory[number + 1 :]))


# --- conditions ---


def replace_part(condition: Condition, steps: tuple[int, ...], new: Condition) -> Condition:
    """The condition in which the part that the steps lead to is another one."""
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


def _rewritten(ruleset: Ruleset, path: Path, condition: Condition) -> Ruleset:
    match path:
        case ("inferences", str(name), "when"):
            return _with_definition(ruleset, name, condition)
        case ("rules", str(name), "when"):
            return _with_rule(ruleset, replace(ruleset.rules[name], when=condition))
        case ("safety_net", str(name), "when"):
            floor = replace(ruleset.floors[name], when=condition)
            return replace(ruleset, floors={**ruleset.floors, name: floor})
        case ("rules" | "safety_net", str(name), "raised", int(number), "when"):
            old = _of(ruleset, name).outcomes
            outcome = replace(old[number + 1], when=condition)
            return _with_outcomes(ruleset, name, (*old[: number + 1], outcome, *old[number + 2 :]))
        case ("conflicts", str(name), "when"):
            conflict = replace(ruleset.conflicts[name], when=condition)
            return replace(ruleset, conflicts={**ruleset.conflicts, name: conflict})
        case ("mandatory", int(number), "when"):
            item = replace(ruleset.mandatory[number], when=condition)
            return _with_mandatory(ruleset, (*ruleset.mandatory[:number], item, *ruleset.mandatory[number + 1 :]))
        case _:
            raise KeyError(path)


def _with_definition(ruleset: Ruleset, name: str, own: Condition) -> Ruleset:
    """A statement with another definition of its own; those that rules give stay beside it."""
    inference = ruleset.inferences[name]
    definitions = (own, *(ruleset.rules[rule].when for rule in inference.rules))
    return _with_inference(ruleset, name, definitions)


def _with_rule(ruleset: Ruleset, rule: Rule) -> Ruleset:
    """The ruleset with another rule of the same id, and what the rule infers."""
    whole = replace(ruleset, rules={**ruleset.rules, rule.id: rule})
    if rule.infers is None or rule.when is ruleset.rules[rule.id].when:
        return whole
    inference = ruleset.inferences[rule.infers]
    own = own_definition(ruleset, inference)
    written = () if own is None else (own,)
    return _with_inference(whole, rule.infers, (*written, *(whole.rules[other].when for other in inference.rules)))


def _with_inference(ruleset: Ruleset, name: str, definitions: tuple[Condition, ...]) -> Ruleset:
    when = definitions[0] if len(definitions) == 1 else Any(definitions)
    inference = replace(ruleset.inferences[name], when=when)
    return replace(ruleset, inferences={**ruleset.inferences, name: inference})


# --- rules, floors, the rest ---


def _of(ruleset: Ruleset, name: str) -> Rule | Floor:
    return ruleset.rules[name] if name in ruleset.rules else ruleset.floors[name]


def _with_outcomes(ruleset: Ruleset, name: str, outcomes: tuple[RuleOutcome, ...]) -> Ruleset:
    if name in ruleset.rules:
        return _with_rule(ruleset, replace(ruleset.rules[name], outcomes=outcomes))
    return replace(ruleset, floors={**ruleset.floors, name: replace(ruleset.floors[name], outcomes=outcomes)})


def _without(ruleset: Ruleset, name: str) -> Ruleset:
    if name in ruleset.rules:
        inferred = ruleset.rules[name].infers
        rules = {rule_id: rule for rule_id, rule in ruleset.rules.items() if rule_id != name}
        whole = replace(ruleset, rules=rules)
        return whole if inferred is None else _still_inferred(whole, inferred, name)
    if name in ruleset.floors:
        return replace(ruleset, floors={i: floor for i, floor in ruleset.floors.items() if i != name})
    return replace(ruleset, conflicts=_all_but(ruleset.conflicts.values(), name))


def _still_inferred(ruleset: Ruleset, statement: str, gone: str) -> Ruleset:
    """The statement keeps what the rule that is gone said of it, as a definition of its own."""
    inference = ruleset.inferences[statement]
    kept = replace(inference, rules=tuple(rule for rule in inference.rules if rule != gone))
    return replace(ruleset, inferences={**ruleset.inferences, statement: kept})


def _all_but(conflicts: Iterable[Conflict], name: str) -> dict[str, Conflict]:
    return {conflict.id: conflict for conflict in conflicts if conflict.id != name}


def _with_mandatory(ruleset: Ruleset, mandatory: tuple[Mandatory, ...]) -> Ruleset:
    """Another mandatory list, and the statement made of it."""
    place = ruleset.inferences[MANDATORY_OPEN].place or Place("", 0, 0)
    inference = mandatory_statement(mandatory, place).inference()
    return replace(ruleset, mandatory=mandatory, inferences={**ruleset.inferences, MANDATORY_OPEN: inference})

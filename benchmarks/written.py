"""A generated ruleset in its written form, to go live like any other."""

from __future__ import annotations

import json
from typing import Any as Anything

from triage_rules.language.bundle import Bundle, bundle_of
from triage_rules.language.model import (
    All,
    Any,
    Compare,
    Condition,
    Inferred,
    Input,
    InputKind,
    Not,
    OneOf,
    Rule,
    Ruleset,
    Yes,
)
from triage_rules.language.reading import parse_document

SOURCE = {"text": "made for measuring", "marks": []}


def bundle(ruleset: Ruleset) -> Bundle:
    """Return the bundle to make live. Raises RulesetError if it is not a ruleset."""
    return bundle_of(parse_document(json.dumps(_document(ruleset)).encode(), "ruleset.yaml"))


def _document(ruleset: Ruleset) -> dict[str, Anything]:
    return {
        "ruleset": ruleset.name,
        "language": 1,
        "version": ruleset.version,
        "title": ruleset.title,
        "description": "Only for measuring.",
        "owner": ruleset.owner,
        "review_by": "2030-01-01",
        "approved_by": None,
        "approved_on": None,
        "dispositions": {
            one.code: {
                "level": one.level.word,
                "act_within_minutes": one.act_within_minutes,
                "title": one.title,
                "patient": one.patient,
                "clinician": one.clinician,
            }
            for one in ruleset.dispositions.values()
        },
        "default": {
            "disposition": ruleset.default.disposition,
            "reason": ruleset.default.reason,
            "flags": list(ruleset.default.flags),
        },
        "validity": {"minutes": ruleset.validity.minutes},
        "always": {"patient": ruleset.always_patient, "clinician": ruleset.always_clinician},
        "inputs": {name: _input(one) for name, one in ruleset.inputs.items()},
        "inferences": {name: {"says": one.says} for name, one in ruleset.inferences.items()},
        "rules": {name: _rule(one) for name, one in ruleset.rules.items()},
    }


def _input(asked: Input) -> dict[str, Anything]:
    told: dict[str, Anything] = {"type": asked.kind.value, "group": asked.group, "question": asked.question}
    if asked.kind is InputKind.NUMBER:
        told |= {"unit": "1", "minimum": 0, "maximum": 100}
    if asked.choices:
        told["choices"] = {choice.value: choice.label for choice in asked.choices}
    return told


def _rule(rule: Rule) -> dict[str, Anything]:
    told = {
        "title": rule.title,
        "when": _when(rule.when),
        "disposition": rule.outcomes[0].disposition,
        "reason": rule.reason,
        "source": SOURCE,
    }
    return told | ({"infers": rule.infers} if rule.infers else {})


def _when(condition: Condition) -> Anything:
    match condition:
        case All(parts):
            return {"all": [*map(_when, parts)]}
        case Any(parts):
            return {"any": [*map(_when, parts)]}
        case Not(part):
            return {"not": _when(part)}
        case Compare(finding, op, limit):
            return {finding: {op.value: limit}}
        case OneOf(finding, values):
            return {finding: {"in": list(values)}}
        case Yes(name) | Inferred(name):
            return name
        case _:
            raise ValueError(f"no made ruleset has a {type(condition).__name__}")

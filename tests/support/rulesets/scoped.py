"""Rulesets with a scope: a small one as a file has it, and made ones that get a scope."""

from __future__ import annotations

from dataclasses import replace
from random import Random
from typing import TypeVar

from triage_rules.foundation.place import Place
from triage_rules.language.conditions import own_definition
from triage_rules.language.model import (
    IN_SCOPE,
    MANDATORY_OPEN,
    SCOPE,
    Any,
    AskedOf,
    Condition,
    Floor,
    Inference,
    Input,
    InputKind,
    Rule,
    Ruleset,
    RulesetScope,
    ScreenPlan,
)
from triage_rules.language.reading import parse_ruleset
from triage_rules.language.reading.rules import mandatory_statement
from triage_rules.language.scope import (
    in_scope_condition,
    inputs_not_asked,
    mandatory_in_scope,
    only_in_scope,
    scope_rule,
)

AnyRule = TypeVar("AnyRule", Rule, Floor)

TEXT = """\
ruleset: spots
language: 1
version: 1.0.0
title: Spots
description: Spots only.
owner: us
review_by: 2099-01-01
approved_by: null
approved_on: null
dispositions:
  U1_now: {level: urgent, act_within_minutes: 0, title: Now, patient: Call now., clinician: Now.}
  M0_not_assessed: {level: monitor, act_within_minutes: 240, title: Not assessed, patient: Ask a clinician today., clinician: Not assessed.}
  M1_soon: {level: monitor, act_within_minutes: 2880, title: Soon, patient: Ask within 2 days., clinician: Soon.}
  R1_wait: {level: routine, act_within_minutes: null, title: Wait, patient: Wait., clinician: Wait.}
default: {disposition: U1_now, reason: No rule fits., flags: [no_rule_matched]}
validity: {minutes: 60}
always: {patient: Ask again if it gets worse., clinician: Not approved.}
inputs:
  fit: {type: yes_no, group: danger, question: A fit?}
  chest_pain: {type: yes_no, group: danger, question: Chest pain?}
  about_spots: {type: yes_no, group: spots, question: Is it about spots?}
  age: {type: number, group: person, minimum: 0, maximum: 120, question: How old?}
  fading: {type: yes_no, group: spots, question: Do they fade under a glass?}
  fever: {type: yes_no, group: illness, question: Any fever?, relevant: {when: {age: {less_than: 90}}, otherwise: false}}
  self_harm:
    type: yes_no
    group: other
    asked_of: private
    question: Do you think of hurting yourself?
    available_if: {not: about_spots}
  words: {type: text, group: other, max_length: 100, question: Anything else?}
mentions:
  blue: {text: words, phrases: [blue lips], says: Blue lips are mentioned}
panels:
  danger: {question: Any of this?, immediate_danger: true, lines: [fit, chest_pain]}
screens:
  first: [danger, [about_spots, age]]
scope:
  question: about_spots
  disposition: M0_not_assessed
  reason: Nobody has assessed this. These questions are only about spots.
  then_ask: [self_harm]
mandatory: [age, fading]
rules:
  R1: {title: Danger, when: {any: [fit, chest_pain, blue]}, disposition: U1_now, reason: Help is needed now., source: {text: ours, marks: []}}
  R2: {title: Fading, when: {all: [fading, {not: fever}]}, disposition: R1_wait, reason: Fading spots are harmless., source: {text: ours, marks: []}}
  R3: {title: Self-harm, when: self_harm, disposition: U1_now, clinician_only: true, reason: Self-harm is near., source: {text: ours, marks: []}}
  R4: {title: Fever, when: fever, disposition: M1_soon, reason: A fever., source: {text: ours, marks: []}}
safety_net:
  S1: {title: Something is open, when: mandatory_open, disposition: M1_soon, reason: Questions are open., source: {text: ours, marks: []}}
  S2:
    title: Nobody pressed a glass on them
    when: {open: fading}
    in_scope_only: true
    disposition: U1_now
    reason: Spots that may not fade are urgent.
    source: {text: ours, marks: []}
"""


def read_scoped(**edits: str) -> Ruleset:
    """The small ruleset; `edits`: texts by the texts that they replace."""
    return parse_ruleset(edited(**edits).encode(), "ruleset.yaml")


def edited(**edits: str) -> str:
    """The small ruleset's text with edits. Each key stands once in the text."""
    text = TEXT
    for old, new in edits.items():
        assert text.count(old) == 1, old
        text = text.replace(old, new)
    return text


def with_scope(random: Random, ruleset: Ruleset) -> Ruleset:
    """A made ruleset with a scope question, asked first, and some rules and floors that count only in scope."""
    names = [name for name, read in ruleset.inputs.items() if read.asked_of is not AskedOf.SERVICE]
    plain = [name for name in names if ruleset.inputs[name].relevant is None]
    inputs = {"about": Input("about", InputKind.YES_NO, "about it?", "group", expected=True), **ruleset.inputs}
    code = random.choice([d for d in ruleset.dispositions if ruleset.dispositions[d].level])
    then_ask = tuple(name for name in plain if not inputs[name].available_if and random.random() < 0.2)
    scope = RulesetScope("about", code, "Nobody has assessed this.", then_ask)
    scope = replace(scope, not_asked=inputs_not_asked(scope, inputs, ruleset.panels))
    marked = {rule.id for rule in ruleset.rules_and_floors if random.random() < 0.4}
    rules = {name: _marked(rule) if name in marked else rule for name, rule in ruleset.rules.items()}
    made = {IN_SCOPE: Inference(IN_SCOPE, "in scope", in_scope_condition("about")), **ruleset.inferences}
    for name, inference in ruleset.inferences.items():
        if marked.intersection(inference.rules):
            made[name] = replace(inference, when=_joined(inference, ruleset, rules))
    if ruleset.mandatory:
        draft = mandatory_statement(ruleset.mandatory, Place("", 0, 0), scope)
        made[MANDATORY_OPEN] = replace(made[MANDATORY_OPEN], when=draft.inference().when)
    return replace(
        ruleset,
        inputs=inputs,
        inferences=made,
        rules=rules | {SCOPE: scope_rule(scope, "us", "2030-01-01")},
        floors={name: _marked(floor) if name in marked else floor for name, floor in ruleset.floors.items()},
        mandatory=tuple(map(mandatory_in_scope, ruleset.mandatory)),
        screens=ScreenPlan((("about",), *ruleset.screens.first), ruleset.screens.then),
        scope=scope,
    )


def _marked(rule: AnyRule) -> AnyRule:
    return replace(rule, when=only_in_scope(rule.when), in_scope_only=True)


def _joined(inference: Inference, ruleset: Ruleset, rules: dict[str, Rule]) -> Condition:
    """The definition of a statement with the rules that infer it as they are now."""
    own = own_definition(ruleset, inference)
    whens = (*(() if own is None else (own,)), *(rules[rule].when for rule in inference.rules))
    return whens[0] if len(whens) == 1 else Any(whens)

"""One report on the graph: what is established, ruled out or still possible, and which way led to the level.

Nothing is decided here: values and reaches are the reference evaluator's, what a statement rests on is `explaining`'s,
the level is `deciding`'s.
"""

from __future__ import annotations

import enum
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from triage_rules.evaluation.decision import Decision, decide, statements
from triage_rules.evaluation.explanation import Node as Told
from triage_rules.evaluation.explanation import because, in_words, outcome_condition
from triage_rules.evaluation.reference import Reference
from triage_rules.evaluation.signals import Rails
from triage_rules.explanation.graph.graph import DEFAULT, Kind, key_of
from triage_rules.language.model import Condition, Findings, Inferred, Level, Ruleset, Yes
from triage_rules.language.model import Kind as InputKind


class State(enum.StrEnum):
    """What became of a node. `answered` and `open` are of findings; `outranked`: reached, but something is higher."""

    ESTABLISHED = "established"
    OUTRANKED = "outranked"
    POSSIBLE = "possible"
    RULED_OUT = "ruled_out"
    ANSWERED = "answered"
    OPEN = "open"


WORDS = {
    State.ESTABLISHED: "established",
    State.OUTRANKED: "reached, but something else is more urgent",
    State.POSSIBLE: "still possible",
    State.RULED_OUT: "ruled out",
    State.ANSWERED: "answered",
    State.OPEN: "not answered",
}


@dataclass(frozen=True, slots=True)
class Lighting:
    """By keys of nodes. `answers`: of findings, in words. `lit`: nodes and edges of the derivations of all that fired.

    `way`: the nodes of those of them that led to the level.
    """

    states: Mapping[str, State]
    answers: Mapping[str, str]
    lit: frozenset[str]
    lit_edges: frozenset[tuple[str, str]]
    way: frozenset[str]
    decision: Decision


def light(ruleset: Ruleset, facts: Findings) -> Lighting:
    """Light the graph for a report. `facts`: as the evaluators see them."""
    reference = Reference(ruleset, facts)
    rails = reference.rails()
    decision = decide(ruleset, rails)
    lit = _Lit(ruleset, reference, rails, decision)
    return Lighting(
        states=_states(ruleset, reference, rails, decision),
        answers={
            key_of(Kind.FINDING, name): _answer(ruleset, name, facts[name]) for name in ruleset.inputs if name in facts
        },
        lit=frozenset(lit.nodes),
        lit_edges=frozenset(lit.edges),
        way=lit.way(key_of(Kind.LEVEL, decision.level.word)),
        decision=decision,
    )


def _answer(ruleset: Ruleset, name: str, value: Any) -> str:
    """Of a text only that it was answered, which is all that the evaluators see."""
    if ruleset.inputs[name].kind is InputKind.TEXT:
        return WORDS[State.ANSWERED]
    return in_words(ruleset, Told(name, "", value))


def _states(ruleset: Ruleset, reference: Reference, rails: Rails, decision: Decision) -> dict[str, State]:
    found = {
        key_of(Kind.FINDING, name): State.ANSWERED if name in reference.findings else State.OPEN
        for name in ruleset.inputs
    }
    for kind, names in ((Kind.MENTION, ruleset.mentions), (Kind.STATEMENT, ruleset.inferences)):
        for name in names:
            found[key_of(kind, name)] = state_of(reference, Yes(name) if kind is Kind.MENTION else Inferred(name))
    for kind, rules in ((Kind.RULE, ruleset.rules), (Kind.FLOOR, ruleset.floors)):
        for rule in rules:
            found[key_of(kind, rule)] = _railed(rule, rails)
    some_rule_is_certain = any(rule in rails.certain for rule in ruleset.rules)
    found[key_of(Kind.DEFAULT, DEFAULT)] = (
        State.ESTABLISHED
        if decision.by_default
        else State.RULED_OUT
        if some_rule_is_certain
        else State.POSSIBLE
    )  # fmt: skip
    return found | _dispositions(ruleset, rails, decision, by_default=not some_rule_is_certain) | _levels(decision)


def state_of(reference: Reference, condition: Condition) -> State:
    """Of a condition, as of a statement."""
    if reference.value(condition) is True:
        return State.ESTABLISHED
    return State.POSSIBLE if True in reference.reach(condition) else State.RULED_OUT


def _railed(key: str, rails: Rails) -> State:
    if key in rails.established:
        return State.ESTABLISHED
    return State.POSSIBLE if key in rails.possible else State.RULED_OUT


def _dispositions(ruleset: Ruleset, rails: Rails, decision: Decision, *, by_default: bool) -> dict[str, State]:
    established = set(_led_to(ruleset, rails.established))
    possible = set(_led_to(ruleset, rails.possible)) | ({ruleset.default.disposition} if by_default else set())
    found = {}
    for code, one in ruleset.dispositions.items():
        state = State.RULED_OUT
        if code == decision.disposition:
            state = State.ESTABLISHED
        elif code in established:
            state = State.OUTRANKED
        elif code in possible and decision.lowest <= one.level <= decision.could_be:
            state = State.POSSIBLE
        found[key_of(Kind.DISPOSITION, code)] = state
    return found


def _led_to(ruleset: Ruleset, keys: frozenset[str]) -> Iterator[str]:
    """The dispositions that these outcomes lead to; of a floor that raises by one level, all that it may."""
    for statement in statements(ruleset.rules_and_floors):
        if statement.key in keys:
            if statement.outcome is not None:
                yield statement.outcome.disposition
            else:
                yield from (code for _, code in getattr(statement.rule, "raise_one", ()))


def _levels(decision: Decision) -> dict[str, State]:
    found = {}
    for level in Level:
        state = State.POSSIBLE if decision.lowest <= level <= decision.could_be else State.RULED_OUT
        found[key_of(Kind.LEVEL, level.word)] = State.ESTABLISHED if level is decision.level else state
    return found


class _Lit:
    """The nodes and edges of every derivation of what fired, and on to the level."""

    def __init__(self, ruleset: Ruleset, reference: Reference, rails: Rails, decision: Decision) -> None:
        self._ruleset = ruleset
        self._reference = reference
        self._decided = decision.disposition
        self.nodes: set[str] = set()
        self.edges: set[tuple[str, str]] = set()
        for statement in statements(ruleset.rules_and_floors):
            if statement.key in rails.established:
                kind = Kind.RULE if statement.rule.id in ruleset.rules else Kind.FLOOR
                key = key_of(kind, statement.rule.id)
                self._rests(key, outcome_condition(statement), side=True)
                led = [code for code in _led_to(ruleset, frozenset({statement.key}))
                       if statement.outcome is not None or code == self._decided]  # fmt: skip
                for code in led:
                    self._leads(key, code)
        if decision.by_default:
            self._leads(key_of(Kind.DEFAULT, DEFAULT), ruleset.default.disposition)
        decided = key_of(Kind.DISPOSITION, self._decided)
        self.nodes |= {decided}
        self._edge(decided, key_of(Kind.LEVEL, decision.level.word))

    def way(self, level: str) -> frozenset[str]:
        """The nodes from which lit edges lead to the level."""
        before: dict[str, list[str]] = {}
        for start, end in self.edges:
            before.setdefault(end, []).append(start)
        found, waiting = {level}, [level]
        while waiting:
            new = set(before.get(waiting.pop(), ())) - found
            found |= new
            waiting += new
        return frozenset(found)

    def _leads(self, key: str, code: str) -> None:
        self._edge(key, key_of(Kind.DISPOSITION, code))

    def _edge(self, start: str, end: str) -> None:
        self.nodes |= {start, end}
        self.edges.add((start, end))

    def _rests(self, key: str, condition: Condition, *, side: bool | None) -> None:
        """What makes the condition come out so, and what makes that so."""
        self.nodes.add(key)
        for name in because(self._reference, condition, side):
            inference = self._ruleset.inferences.get(name)
            kind = Kind.STATEMENT if inference else Kind.MENTION if name in self._ruleset.mentions else Kind.FINDING
            own = key_of(kind, name)
            seen = own in self.nodes
            self._edge(own, key)
            if inference is not None and not seen:
                value = self._reference.value(inference.when)
                if value is not None:  # what is open hangs on everything; the way ends there
                    self._rests(own, inference.when, side=value)
            elif kind is Kind.MENTION:
                self._edge(key_of(Kind.FINDING, self._ruleset.mentions[name].text), own)

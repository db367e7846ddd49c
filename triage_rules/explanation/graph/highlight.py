"""One report on the graph: what is established, ruled out or still possible, and which way led to the level.

Nothing is decided here: values and reaches are the reference evaluator's, what a statement rests on is `explaining`'s,
the level is `deciding`'s.
"""

from __future__ import annotations

import enum
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from triage_rules.evaluation.decision import Decision, decide, keyed_outcomes
from triage_rules.evaluation.explanation import DerivationNode as Told
from triage_rules.evaluation.explanation import describe_node, find_reasons, outcome_condition
from triage_rules.evaluation.reference import Reference
from triage_rules.evaluation.signals import Rails
from triage_rules.explanation.graph.graph import DEFAULT, NodeKind, key_of
from triage_rules.language.model import Answers, Condition, Inferred, InputKind, Level, Ruleset, Yes


class NodeState(enum.StrEnum):
    """What became of a node. `answered` and `open` are of findings; `outranked`: reached, but something is higher."""

    ESTABLISHED = "established"
    OUTRANKED = "outranked"
    POSSIBLE = "possible"
    RULED_OUT = "ruled_out"
    ANSWERED = "answered"
    OPEN = "open"


WORDS = {
    NodeState.ESTABLISHED: "established",
    NodeState.OUTRANKED: "reached, but something else is more urgent",
    NodeState.POSSIBLE: "still possible",
    NodeState.RULED_OUT: "ruled out",
    NodeState.ANSWERED: "answered",
    NodeState.OPEN: "not answered",
}


@dataclass(frozen=True, slots=True)
class Highlight:
    """By keys of nodes. `answers`: of findings, in words. `lit`: nodes and edges of the derivations of all that fired.

    `way`: the nodes of those of them that led to the level.
    """

    states: Mapping[str, NodeState]
    answers: Mapping[str, str]
    lit: frozenset[str]
    lit_edges: frozenset[tuple[str, str]]
    way: frozenset[str]
    decision: Decision


def highlight_graph(ruleset: Ruleset, facts: Answers) -> Highlight:
    """Light the graph for a report. `facts`: as the evaluators see them."""
    reference = Reference(ruleset, facts)
    rails = reference.rails()
    decision = decide(ruleset, rails)
    lit = _Lit(ruleset, reference, rails, decision)
    return Highlight(
        states=_states(ruleset, reference, rails, decision),
        answers={
            key_of(NodeKind.FINDING, name): _answer(ruleset, name, facts[name])
            for name in ruleset.inputs
            if name in facts
        },
        lit=frozenset(lit.nodes),
        lit_edges=frozenset(lit.edges),
        way=lit.way(key_of(NodeKind.LEVEL, decision.level.word)),
        decision=decision,
    )


def _answer(ruleset: Ruleset, name: str, value: Any) -> str:
    """Of a text only that it was answered, which is all that the evaluators see."""
    if ruleset.inputs[name].kind is InputKind.TEXT:
        return WORDS[NodeState.ANSWERED]
    return describe_node(ruleset, Told(name, "", value))


def _states(ruleset: Ruleset, reference: Reference, rails: Rails, decision: Decision) -> dict[str, NodeState]:
    found = {
        key_of(NodeKind.FINDING, name): NodeState.ANSWERED if name in reference.answers else NodeState.OPEN
        for name in ruleset.inputs
    }
    for kind, names in ((NodeKind.MENTION, ruleset.mentions), (NodeKind.STATEMENT, ruleset.inferences)):
        for name in names:
            found[key_of(kind, name)] = state_of(reference, Yes(name) if kind is NodeKind.MENTION else Inferred(name))
    for kind, rules in ((NodeKind.RULE, ruleset.rules), (NodeKind.FLOOR, ruleset.floors)):
        for rule in rules:
            found[key_of(kind, rule)] = _railed(rule, rails)
    some_rule_is_certain = any(rule in rails.certain for rule in ruleset.rules)
    found[key_of(NodeKind.DEFAULT, DEFAULT)] = (
        NodeState.ESTABLISHED
        if decision.by_default
        else NodeState.RULED_OUT
        if some_rule_is_certain
        else NodeState.POSSIBLE
    )  # fmt: skip
    return found | _dispositions(ruleset, rails, decision, by_default=not some_rule_is_certain) | _levels(decision)


def state_of(reference: Reference, condition: Condition) -> NodeState:
    """Of a condition, as of a statement."""
    if reference.value(condition) is True:
        return NodeState.ESTABLISHED
    return NodeState.POSSIBLE if True in reference.reach(condition) else NodeState.RULED_OUT


def _railed(key: str, rails: Rails) -> NodeState:
    if key in rails.established:
        return NodeState.ESTABLISHED
    return NodeState.POSSIBLE if key in rails.possible else NodeState.RULED_OUT


def _dispositions(ruleset: Ruleset, rails: Rails, decision: Decision, *, by_default: bool) -> dict[str, NodeState]:
    established = set(_led_to(ruleset, rails.established))
    possible = set(_led_to(ruleset, rails.possible)) | ({ruleset.default.disposition} if by_default else set())
    found = {}
    for code, one in ruleset.dispositions.items():
        state = NodeState.RULED_OUT
        if code == decision.disposition:
            state = NodeState.ESTABLISHED
        elif code in established:
            state = NodeState.OUTRANKED
        elif code in possible and decision.lowest <= one.level <= decision.could_be:
            state = NodeState.POSSIBLE
        found[key_of(NodeKind.DISPOSITION, code)] = state
    return found


def _led_to(ruleset: Ruleset, keys: frozenset[str]) -> Iterator[str]:
    """The dispositions that these outcomes lead to; of a floor that raises by one level, all that it may."""
    for statement in keyed_outcomes(ruleset.rules_and_floors):
        if statement.key in keys:
            if statement.outcome is not None:
                yield statement.outcome.disposition
            else:
                yield from (code for _, code in getattr(statement.rule, "raise_one", ()))


def _levels(decision: Decision) -> dict[str, NodeState]:
    found = {}
    for level in Level:
        state = NodeState.POSSIBLE if decision.lowest <= level <= decision.could_be else NodeState.RULED_OUT
        found[key_of(NodeKind.LEVEL, level.word)] = NodeState.ESTABLISHED if level is decision.level else state
    return found


class _Lit:
    """The nodes and edges of every derivation of what fired, and on to the level."""

    def __init__(self, ruleset: Ruleset, reference: Reference, rails: Rails, decision: Decision) -> None:
        self._ruleset = ruleset
        self._reference = reference
        self._decided = decision.disposition
        self.nodes: set[str] = set()
        self.edges: set[tuple[str, str]] = set()
        for statement in keyed_outcomes(ruleset.rules_and_floors):
            if statement.key in rails.established:
                kind = NodeKind.RULE if statement.rule.id in ruleset.rules else NodeKind.FLOOR
                key = key_of(kind, statement.rule.id)
                self._rests(key, outcome_condition(statement), side=True)
                led = [code for code in _led_to(ruleset, frozenset({statement.key}))
                       if statement.outcome is not None or code == self._decided]  # fmt: skip
                for code in led:
                    self._leads(key, code)
        if decision.by_default:
            self._leads(key_of(NodeKind.DEFAULT, DEFAULT), ruleset.default.disposition)
        decided = key_of(NodeKind.DISPOSITION, self._decided)
        self.nodes |= {decided}
        self._edge(decided, key_of(NodeKind.LEVEL, decision.level.word))

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
        self._edge(key, key_of(NodeKind.DISPOSITION, code))

    def _edge(self, start: str, end: str) -> None:
        self.nodes |= {start, end}
        self.edges.add((start, end))

    def _rests(self, key: str, condition: Condition, *, side: bool | None) -> None:
        """What makes the condition come out so, and what makes that so."""
        self.nodes.add(key)
        for name in find_reasons(self._reference, condition, side):
            inference = self._ruleset.inferences.get(name)
            kind = (
                NodeKind.STATEMENT
                if inference
                else NodeKind.MENTION
                if name in self._ruleset.mentions
                else NodeKind.FINDING
            )
            own = key_of(kind, name)
            seen = own in self.nodes
            self._edge(own, key)
            if inference is not None and not seen:
                value = self._reference.value(inference.when)
                if value is not None:  # what is open hangs on everything; the way ends there
                    self._rests(own, inference.when, side=value)
            elif kind is NodeKind.MENTION:
                self._edge(key_of(NodeKind.FINDING, self._ruleset.mentions[name].text), own)

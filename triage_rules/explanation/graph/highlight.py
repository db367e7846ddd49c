"""One report on the graph: established, ruled-out and possible nodes, and the way that led to the level.

Decides nothing itself: values and reaches are the reference evaluator's, reasons come from `evaluation.explanation`,
the level from `evaluation.decision`.
"""

from __future__ import annotations

import enum
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from triage_rules.evaluation.decision import Decision, decide, keyed_outcomes
from triage_rules.evaluation.explanation import DerivationNode as Step
from triage_rules.evaluation.explanation import describe_node, find_reasons, outcome_condition
from triage_rules.evaluation.reference import Reference
from triage_rules.evaluation.signals import Rails
from triage_rules.explanation.graph.graph import DEFAULT, NodeKind, key_of
from triage_rules.language.model import Answers, Condition, Inferred, InputKind, Level, Ruleset, Yes


class NodeState(enum.StrEnum):
    """State of a node for a report. `answered` and `open` are of inputs; `outranked`: less urgent than another."""

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
    """Highlights of a graph, by keys of nodes. `answers`: of inputs, in words.

    `lit`: nodes and edges of the derivations of all that fired. `way`: those of the nodes that led to the level.
    """

    states: Mapping[str, NodeState]
    answers: Mapping[str, str]
    lit: frozenset[str]
    lit_edges: frozenset[tuple[str, str]]
    way: frozenset[str]
    decision: Decision


def highlight_graph(ruleset: Ruleset, facts: Answers) -> Highlight:
    """Highlight the graph for a report. `facts`: the evaluators' input."""
    reference = Reference(ruleset, facts)
    rails = reference.rails()
    decision = decide(ruleset, rails)
    lit = _Derivations(ruleset, reference, rails, decision)
    return Highlight(
        states=_collect_states(ruleset, reference, rails, decision),
        answers={
            key_of(NodeKind.FINDING, name): _describe_answer(ruleset, name, facts[name])
            for name in ruleset.inputs
            if name in facts
        },
        lit=frozenset(lit.nodes),
        lit_edges=frozenset(lit.edges),
        way=lit.way(key_of(NodeKind.LEVEL, decision.level.word)),
        decision=decision,
    )


def _describe_answer(ruleset: Ruleset, name: str, value: Any) -> str:
    """Describe an answer; of a text only that there is an answer, as the evaluators see no more."""
    if ruleset.inputs[name].kind is InputKind.TEXT:
        return WORDS[NodeState.ANSWERED]
    return describe_node(ruleset, Step(name, "", value))


def _collect_states(ruleset: Ruleset, reference: Reference, rails: Rails, decision: Decision) -> dict[str, NodeState]:
    states = {
        key_of(NodeKind.FINDING, name): NodeState.ANSWERED if name in reference.answers else NodeState.OPEN
        for name in ruleset.inputs
    }
    for kind, names in ((NodeKind.MENTION, ruleset.mentions), (NodeKind.STATEMENT, ruleset.inferences)):
        for name in names:
            states[key_of(kind, name)] = state_of(reference, Yes(name) if kind is NodeKind.MENTION else Inferred(name))
    for kind, rules in ((NodeKind.RULE, ruleset.rules), (NodeKind.FLOOR, ruleset.floors)):
        for rule in rules:
            states[key_of(kind, rule)] = _rule_state(rule, rails)
    some_rule_is_certain = any(rule in rails.certain for rule in ruleset.rules)
    states[key_of(NodeKind.DEFAULT, DEFAULT)] = (
        NodeState.ESTABLISHED
        if decision.by_default
        else NodeState.RULED_OUT
        if some_rule_is_certain
        else NodeState.POSSIBLE
    )  # fmt: skip
    return (
        states
        | _disposition_states(ruleset, rails, decision, by_default=not some_rule_is_certain)
        | _level_states(decision)
    )


def state_of(reference: Reference, condition: Condition) -> NodeState:
    """Return the state of a condition, as for a statement."""
    if reference.value(condition) is True:
        return NodeState.ESTABLISHED
    return NodeState.POSSIBLE if True in reference.reach(condition) else NodeState.RULED_OUT


def _rule_state(key: str, rails: Rails) -> NodeState:
    if key in rails.established:
        return NodeState.ESTABLISHED
    return NodeState.POSSIBLE if key in rails.possible else NodeState.RULED_OUT


def _disposition_states(
    ruleset: Ruleset, rails: Rails, decision: Decision, *, by_default: bool
) -> dict[str, NodeState]:
    established = set(_find_dispositions(ruleset, rails.established))
    possible = set(_find_dispositions(ruleset, rails.possible)) | (
        {ruleset.default.disposition} if by_default else set()
    )
    lowest, highest = map(ruleset.urgency, (decision.lowest_disposition, decision.could_be_disposition))
    states = {}
    for code in ruleset.dispositions:
        state = NodeState.RULED_OUT
        if code == decision.disposition:
            state = NodeState.ESTABLISHED
        elif code in established:
            state = NodeState.OUTRANKED
        elif code in possible and lowest <= ruleset.urgency(code) <= highest:
            state = NodeState.POSSIBLE
        states[key_of(NodeKind.DISPOSITION, code)] = state
    return states


def _find_dispositions(ruleset: Ruleset, keys: frozenset[str]) -> Iterator[str]:
    """Yield the dispositions that these outcomes lead to; of a floor that raises by one level, all possible ones."""
    for statement in keyed_outcomes(ruleset.rules_and_floors):
        if statement.key in keys:
            if statement.outcome is not None:
                yield statement.outcome.disposition
            else:
                yield from (code for _, code in getattr(statement.rule, "raise_one", ()))


def _level_states(decision: Decision) -> dict[str, NodeState]:
    states = {}
    for level in Level:
        state = NodeState.POSSIBLE if decision.lowest <= level <= decision.could_be else NodeState.RULED_OUT
        states[key_of(NodeKind.LEVEL, level.word)] = NodeState.ESTABLISHED if level is decision.level else state
    return states


class _Derivations:
    """Nodes and edges of every derivation of an outcome that fired, and on to the level."""

    def __init__(self, ruleset: Ruleset, reference: Reference, rails: Rails, decision: Decision) -> None:
        self._ruleset = ruleset
        self._reference = reference
        self._disposition = decision.disposition
        self.nodes: set[str] = set()
        self.edges: set[tuple[str, str]] = set()
        for statement in keyed_outcomes(ruleset.rules_and_floors):
            if statement.key in rails.established:
                kind = NodeKind.RULE if statement.rule.id in ruleset.rules else NodeKind.FLOOR
                key = key_of(kind, statement.rule.id)
                self._add_reasons(key, outcome_condition(statement), side=True)
                codes = [code for code in _find_dispositions(ruleset, frozenset({statement.key}))
                       if statement.outcome is not None or code == self._disposition]  # fmt: skip
                for code in codes:
                    self._lead_to(key, code)
        if decision.by_default:
            self._lead_to(key_of(NodeKind.DEFAULT, DEFAULT), ruleset.default.disposition)
        decided = key_of(NodeKind.DISPOSITION, self._disposition)
        self.nodes |= {decided}
        self._add_edge(decided, key_of(NodeKind.LEVEL, decision.level.word))

    def way(self, level: str) -> frozenset[str]:
        """Return the nodes from which lit edges lead to the level."""
        before: dict[str, list[str]] = {}
        for start, end in self.edges:
            before.setdefault(end, []).append(start)
        reached, waiting = {level}, [level]
        while waiting:
            new = set(before.get(waiting.pop(), ())) - reached
            reached |= new
            waiting += new
        return frozenset(reached)

    def _lead_to(self, key: str, code: str) -> None:
        self._add_edge(key, key_of(NodeKind.DISPOSITION, code))

    def _add_edge(self, start: str, end: str) -> None:
        self.nodes |= {start, end}
        self.edges.add((start, end))

    def _add_reasons(self, key: str, condition: Condition, *, side: bool | None) -> None:
        """Add the reasons why the condition has this value, down to the answers."""
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
            start = key_of(kind, name)
            is_known = start in self.nodes
            self._add_edge(start, key)
            if inference is not None and not is_known:
                value = self._reference.value(inference.when)
                if value is not None:  # an open statement depends on all its parts: the way ends there
                    self._add_reasons(start, inference.when, side=value)
            elif kind is NodeKind.MENTION:
                self._add_edge(key_of(NodeKind.FINDING, self._ruleset.mentions[name].text), start)

"""json-rules-engine on node, in a process that measures its own time: the transfer doesn't count."""

from __future__ import annotations

import json
import shutil
import subprocess
from collections.abc import Sequence
from pathlib import Path
from typing import Any as Anything

from benchmarks.engines.contender import Contender, Decided, NotHere, decided
from triage_rules.language.model import (
    All,
    Answers,
    Any,
    Compare,
    Condition,
    Inferred,
    Not,
    OneOf,
    Op,
    Rule,
    Ruleset,
    Yes,
)

PEERS = Path(__file__).resolve().parents[1] / "peers"
OPERATORS = {
    Op.AT_LEAST: "greaterThanInclusive",
    Op.MORE_THAN: "greaterThan",
    Op.AT_MOST: "lessThanInclusive",
    Op.LESS_THAN: "lessThan",
}
FIRST, THEN = 2, 1
"""Priorities: the rules that infer statements, and those that read them."""


class JsonRules(Contender):
    """An engine; its second layer has a lower priority and reads facts that the first added."""

    name = "json-rules-engine"

    def __init__(self, ruleset: Ruleset) -> None:
        node = shutil.which("node")
        if node is None or not (PEERS / "node_modules" / "json-rules-engine").exists():
            raise NotHere(f"no node, or not installed: npm ci --prefix {PEERS.relative_to(PEERS.parents[1])}")
        self._ruleset = ruleset
        self._loaded: Sequence[Answers] | None = None
        self._process = subprocess.Popen(
            [node, str(PEERS / "rules.mjs")], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
        )

    def decide(self, reports: Sequence[Answers]) -> list[Decided]:
        self._loaded = reports
        layered = any(rule.infers for rule in self._ruleset.rules.values())
        rules = [_rule(rule, layered=layered) for rule in self._ruleset.rules.values()]
        answer = self._ask(json.dumps({"rules": rules, "reports": reports}))
        return [decided(self._ruleset, fired) for fired in answer["fired"]]

    def seconds(self, reports: Sequence[Answers]) -> float:
        if reports is not self._loaded:
            self.decide(reports)
        return float(self._ask("")["seconds"])

    def close(self) -> None:
        self._process.communicate(timeout=10)

    def _ask(self, line: str) -> dict[str, Anything]:
        pipes = self._process.stdin, self._process.stdout
        assert pipes[0] is not None
        assert pipes[1] is not None
        pipes[0].write(f"{line}\n")
        pipes[0].flush()
        answer = pipes[1].readline()
        if not answer:
            raise RuntimeError("node ended")
        return dict(json.loads(answer))


def _rule(rule: Rule, *, layered: bool) -> dict[str, Anything]:
    conditions = _written(rule.when)
    conditions = conditions if {"all", "any"} & set(conditions) else {"all": [conditions]}
    return {
        "id": rule.id,
        "conditions": conditions,
        "priority": FIRST if rule.infers or not layered else THEN,
        **({"infers": rule.infers} if rule.infers else {}),
    }


def _written(condition: Condition) -> dict[str, Anything]:
    match condition:
        case All(parts):
            return {"all": [*map(_written, parts)]}
        case Any(parts):
            return {"any": [*map(_written, parts)]}
        case Compare(finding, op, limit):
            return {"fact": finding, "operator": OPERATORS[op], "value": limit}
        case OneOf(finding, values):
            return {"fact": finding, "operator": "in", "value": list(values)}
        case Yes(finding):
            return {"fact": finding, "operator": "equal", "value": True}
        case Not(Yes(finding)):
            return {"fact": finding, "operator": "equal", "value": False}
        case Inferred(name):
            return {"fact": name, "operator": "equal", "value": True}
        case _:
            raise ValueError(f"no made ruleset has a {type(condition).__name__}")

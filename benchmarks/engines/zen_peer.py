"""zen-engine: one decision graph, loaded once, a decision table for each layer.

A table of one column that holds each rule's expression, with the hit policy `collect`, was the fastest of three forms;
expression nodes, and a column for each finding, took up to twice as long.
"""

from __future__ import annotations

import itertools
import json
from collections.abc import Iterable
from typing import Any

import zen

from benchmarks.engines.conditions import SIGNS, Words
from benchmarks.engines.contender import Decided, InProcess
from triage_rules.language.model import Answers, Rule, Ruleset

WORDS = Words(
    # a comparison with null raises
    compare=lambda leaf: f"{leaf.input} != null and {leaf.input} {SIGNS[leaf.op]} {leaf.limit}",
    yes=lambda finding: f"{finding} == true",
    no=lambda finding: f"{finding} == false",
    inferred=lambda name: f"{json.dumps(name)} in said",
)


class ZenEngine(InProcess):
    """A graph of tables; the second reads the report and the statements that the first returned."""

    name = "zen-engine"

    def __init__(self, ruleset: Ruleset) -> None:
        super().__init__(ruleset)
        first = [rule for rule in ruleset.rules.values() if rule.infers]
        then = [rule for rule in ruleset.rules.values() if not rule.infers]
        nodes = [_node("in", "inputNode"), _table("then", then), _node("out", "outputNode")]
        ways = ["in then", "then out"]
        if first:
            said = {"id": "said", "key": "said", "value": "map(first, #.said)"}
            nodes += [_table("first", first), _node("said", "expressionNode", expressions=[said])]
            ways += ["in first", "first said", "said then", "first out"]
        edges = [dict(zip(("id", "sourceId", "targetId"), (way, *way.split()), strict=True)) for way in ways]
        self._evaluate = zen.ZenEngine().create_decision(json.dumps({"nodes": nodes, "edges": edges})).evaluate

    def run(self, answers: Answers) -> Any:
        return self._evaluate(answers)

    def read(self, answer: Any) -> Decided:
        return self.from_rules(row["id"] for row in itertools.chain.from_iterable(answer["result"].values()))


def _table(name: str, rules: Iterable[Rule]) -> dict[str, Any]:
    rows = [
        {"_id": r.id, "when": WORDS.write(r.when), "id": json.dumps(r.id), "said": json.dumps(r.infers)} for r in rules
    ]
    return _node(
        name,
        "decisionTableNode",
        hitPolicy="collect",
        inputs=[{"id": "when", "name": "when"}],
        outputs=[{"id": key, "name": key, "field": key} for key in ("id", "said")],
        rules=rows,
        outputPath=name,
    )


def _node(name: str, kind: str, **content: Any) -> dict[str, Any]:
    return {"id": name, "name": name, "type": kind, "position": {"x": 0, "y": 0}, "content": content}

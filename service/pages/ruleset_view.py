"""What the viewer shows of a ruleset: rows for its tables, and drawings; kept by digest, since neither changes."""

from __future__ import annotations

import datetime as dt
import threading
from collections import OrderedDict
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cached_property, lru_cache
from typing import Any

from flask import url_for
from markupsafe import Markup

from service.pages.opened import HighlightedRuleset
from triage_rules.deployment import evidence as kept
from triage_rules.deployment.evidence import Evidence
from triage_rules.deployment.live import Loaded
from triage_rules.evaluation.answers import format_unit
from triage_rules.explanation.graph import (
    CLOSE,
    MAP,
    Graph,
    GraphNode,
    Layout,
    NodeKind,
    around,
    graph_of,
    kept_only,
    key_of,
    lay_out,
)
from triage_rules.explanation.graph.svg import draw
from triage_rules.language.model import Floor, Input, Rule, Ruleset
from triage_rules.store import Ledger

Json = dict[str, Any]

KEPT = 8
"""Versions whose graph, map and evidence are kept."""

KEPT_PARTS = 256
"""Layouts of parts of a graph that are kept."""


@dataclass(frozen=True, eq=False)
class Version:
    """A ruleset as it went live."""

    ruleset: Ruleset

    @cached_property
    def graph(self) -> Graph:
        """All of it."""
        return graph_of(self.ruleset)

    @cached_property
    def map(self) -> Layout:
        """All of it, laid out."""
        return lay_out(self.graph, MAP)


_versions: OrderedDict[str, Version] = OrderedDict()
_keeping = threading.Lock()


def version_of(loaded: Loaded) -> Version:
    """The same as long as it is kept."""
    with _keeping:
        found = _versions.setdefault(loaded.digest, Version(loaded.ruleset))
        _versions.move_to_end(loaded.digest)
        if len(_versions) > KEPT:
            _versions.popitem(last=False)
        return found


def evidence_of(ledger: Ledger, digest: str) -> Evidence:
    """What was shown of it when it went live. Raises LedgerUnavailable."""
    return _evidence(ledger.source(digest).get(kept.FILE_NAME))


@lru_cache(KEPT)
def _evidence(text: str | None) -> Evidence:
    return kept.read(text)


# --- drawings -------------------------------------------------------------------------------


@lru_cache(KEPT_PARTS)
def part(version: Version, key: str) -> Layout:
    """What a node rests on and leads to. `key` is one of the graph's."""
    return lay_out(around(version.graph, key), CLOSE)


def way(version: Version, opened: HighlightedRuleset) -> Layout:
    """What led to the level."""
    return lay_out(kept_only(version.graph, opened.lighting.way), CLOSE)


def drawing(layout: Layout, name: str, title: str, opened: HighlightedRuleset | None, here: str = "") -> Markup:
    """The SVG; its links keep open what is open."""
    boxes, curves = len(layout.boxes), len(layout.curves)
    query = opened.query if opened is not None else {}
    text = draw(
        layout,
        links(name, query),
        title=title,
        description=f"{boxes} boxes and {curves} lines, from inputs on the left to levels on the right.",
        lighting=opened.lighting if opened is not None else None,
        here=here,
    )
    return Markup(text)  # noqa: S704 - our own, all that a ruleset says is escaped in it


def links(name: str, query: Mapping[str, str]) -> Callable[[GraphNode], str]:
    """Where a node's link leads: rules have pages, what is read has a graph, the rest stands in a table."""
    rule, graph, show = (
        url_for("viewer.rule", name=name, rule_id="RULE", **dict[str, Any](query)),
        url_for("viewer.graph", name=name, **dict[str, Any](query)),
        url_for("viewer.show", name=name),
    )
    sign = "&" if "?" in graph else "?"

    def href(node: GraphNode) -> str:
        match node.kind:
            case NodeKind.RULE | NodeKind.FLOOR:
                return rule.replace("RULE", node.name, 1)
            case NodeKind.FINDING | NodeKind.MENTION | NodeKind.STATEMENT:
                return f"{graph}{sign}focus={node.key}"
            case NodeKind.DISPOSITION:
                return f"{show}#{node.key}"
            case _:
                return f"{show}#dispositions"

    return href


# --- tables ---------------------------------------------------------------------------------


def tables(version: Version, shown: Evidence, today: dt.date) -> Json:
    """The rows of every table, by table."""
    ruleset, after = version.ruleset, version.graph.after
    fired = _fired(shown)

    def readers(key: str) -> list[GraphNode]:
        return [version.graph.nodes[other] for other in after.get(key, ())]

    return {
        "rules": [rule_row(ruleset, one, fired, shown, today) for one in ruleset.rules.values()],
        "floors": [rule_row(ruleset, one, fired, shown, today) for one in ruleset.floors.values()],
        "statements": [
            {"key": key_of(NodeKind.STATEMENT, one.name), "name": one.name, "says": one.says,
             "source": one.source, "readers": readers(key_of(NodeKind.STATEMENT, one.name))}
            for one in ruleset.inferences.values()
        ],
        "inputs": [
            {"key": key_of(NodeKind.FINDING, one.name), "asked": one, "takes": takes(one),
             "readers": readers(key_of(NodeKind.FINDING, one.name))}
            for one in ruleset.inputs.values()
        ],
        "dispositions": [(key_of(NodeKind.DISPOSITION, one.code), one) for one in ruleset.dispositions.values()],
        "conflicts": list(ruleset.conflicts.values()),
        "properties": shown.properties,
    }  # fmt: skip


def _fired(shown: Evidence) -> dict[str, int]:
    found: dict[str, int] = {}
    for case in shown.cases:
        for rule in case.fires:
            found[rule] = found.get(rule, 0) + 1
    return found


def rule_row(ruleset: Ruleset, rule: Rule | Floor, fired: Mapping[str, int], shown: Evidence, today: dt.date) -> Json:
    """What is told of a rule in one line."""
    own = rule.outcomes[0].disposition if rule.outcomes else None
    return {
        "key": key_of(NodeKind.RULE if isinstance(rule, Rule) else NodeKind.FLOOR, rule.id),
        "rule": rule,
        "disposition": ruleset.dispositions[own] if own is not None else None,
        "raised": len(rule.outcomes) > 1,
        "overdue": overdue(rule.review_by, today),
        "cases": fired.get(rule.id, 0),
        "proofs": sum(rule.id in one.names for one in shown.properties),
        "clinician_only": isinstance(rule, Rule) and rule.clinician_only,
    }


def overdue(review_by: str, today: dt.date) -> bool:
    """The day by which somebody was to look at it again is over. An empty or odd date is no day."""
    try:
        return dt.date.fromisoformat(review_by) < today
    except ValueError:
        return True


def takes(asked: Input) -> str:
    """The answers that a question takes, in words."""
    if asked.choices:
        return " · ".join(choice.label for choice in asked.choices)
    if asked.minimum is not None and asked.maximum is not None:
        unit = format_unit(asked.unit) if asked.unit else ""
        return f"{asked.minimum:g} to {asked.maximum:g}{unit}"
    return asked.kind.value.replace("_", " or ")

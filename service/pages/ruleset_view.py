"""Rows of the viewer's tables, and drawings of the graph, both cached by digest."""

from __future__ import annotations

import datetime as dt
import threading
from collections import Counter, OrderedDict
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
from triage_rules.store.rulesets import RulesetStore

Json = dict[str, Any]

KEPT = 8
"""Number of versions whose graph, map and evidence are cached."""

KEPT_PARTS = 256
"""Number of cached layouts of parts of graphs."""


@dataclass(frozen=True, eq=False)
class Version:
    """A deployed version of a ruleset."""

    ruleset: Ruleset

    @cached_property
    def graph(self) -> Graph:
        """Return the whole graph."""
        return graph_of(self.ruleset)

    @cached_property
    def map(self) -> Layout:
        """Return the layout of the whole graph."""
        return lay_out(self.graph, MAP)


_versions: OrderedDict[str, Version] = OrderedDict()
_keeping = threading.Lock()


def version_of(loaded: Loaded) -> Version:
    """Return the cached version, or cache a new one."""
    with _keeping:
        version = _versions.setdefault(loaded.digest, Version(loaded.ruleset))
        _versions.move_to_end(loaded.digest)
        if len(_versions) > KEPT:
            _versions.popitem(last=False)
        return version


def evidence_of(rulesets: RulesetStore, digest: str) -> Evidence:
    """Return the evidence that was stored at deployment. Raises StoreUnavailable."""
    return _evidence(rulesets.get_files(digest).get(kept.FILE_NAME))


@lru_cache(KEPT)
def _evidence(text: str | None) -> Evidence:
    return kept.read(text)


# --- drawings -------------------------------------------------------------------------------


@lru_cache(KEPT_PARTS)
def lay_out_part(version: Version, key: str) -> Layout:
    """Lay out the nodes that a node depends on and leads to. `key`: a key of the graph."""
    return lay_out(around(version.graph, key), CLOSE)


def lay_out_path(version: Version, opened: HighlightedRuleset) -> Layout:
    """Lay out the nodes that led to the level."""
    return lay_out(kept_only(version.graph, opened.lighting.way), CLOSE)


def draw_svg(layout: Layout, name: str, title: str, opened: HighlightedRuleset | None, here: str = "") -> Markup:
    """Draw a layout as SVG, with links that keep the opened report open."""
    boxes, curves = len(layout.boxes), len(layout.curves)
    query = opened.query if opened is not None else {}
    text = draw(
        layout,
        node_links(name, query),
        title=title,
        description=f"{boxes} boxes and {curves} lines, from inputs on the left to levels on the right.",
        lighting=opened.lighting if opened is not None else None,
        here=here,
    )
    return Markup(text)  # noqa: S704 - our own, all that a ruleset says is escaped in it


def node_links(name: str, query: Mapping[str, str]) -> Callable[[GraphNode], str]:
    """Return a function from a node to its link: a rule's page, the graph around an input or statement, or a table."""
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


def build_tables(version: Version, shown: Evidence, today: dt.date) -> Json:
    """Return the rows of each table."""
    ruleset, after = version.ruleset, version.graph.after
    fired = _count_fired(shown)

    def readers(key: str) -> list[GraphNode]:
        return [version.graph.nodes[other] for other in after.get(key, ())]

    return {
        "rules": [build_rule_row(ruleset, rule, fired, shown, today) for rule in ruleset.rules.values()],
        "floors": [build_rule_row(ruleset, floor, fired, shown, today) for floor in ruleset.floors.values()],
        "statements": [
            {"key": (key := key_of(NodeKind.STATEMENT, statement.name)), "name": statement.name,
             "says": statement.says, "source": statement.source, "readers": readers(key)}
            for statement in ruleset.inferences.values()
        ],
        "inputs": [
            {"key": (key := key_of(NodeKind.FINDING, asked.name)), "asked": asked, "takes": describe_answers(asked),
             "readers": readers(key)}
            for asked in ruleset.inputs.values()
        ],
        "dispositions": [
            (key_of(NodeKind.DISPOSITION, disposition.code), disposition)
            for disposition in ruleset.dispositions.values()
        ],
        "conflicts": list(ruleset.conflicts.values()),
        "properties": shown.properties,
        "personas": shown.personas,
    }  # fmt: skip


def _count_fired(shown: Evidence) -> Mapping[str, int]:
    return Counter(rule for case in shown.cases for rule in case.fires)


def build_rule_row(
    ruleset: Ruleset, rule: Rule | Floor, fired: Mapping[str, int], shown: Evidence, today: dt.date
) -> Json:
    """Return the row of a rule."""
    code = rule.outcomes[0].disposition if rule.outcomes else None
    return {
        "key": key_of(NodeKind.RULE if isinstance(rule, Rule) else NodeKind.FLOOR, rule.id),
        "rule": rule,
        "disposition": ruleset.dispositions[code] if code is not None else None,
        "raised": len(rule.outcomes) > 1,
        "overdue": is_overdue(rule.review_by, today),
        "cases": fired.get(rule.id, 0),
        "proofs": sum(rule.id in property_.names for property_ in shown.properties),
        "clinician_only": isinstance(rule, Rule) and rule.clinician_only,
    }


def is_overdue(review_by: str, today: dt.date) -> bool:
    """Return True if the review date has passed, or is not a date."""
    try:
        return dt.date.fromisoformat(review_by) < today
    except ValueError:
        return True


def describe_answers(asked: Input) -> str:
    """Describe the answers that a question accepts."""
    if asked.choices:
        return " · ".join(choice.label for choice in asked.choices)
    if asked.minimum is not None and asked.maximum is not None:
        unit = format_unit(asked.unit) if asked.unit else ""
        return f"{asked.minimum:g} to {asked.maximum:g}{unit}"
    return asked.kind.value.replace("_", " or ")

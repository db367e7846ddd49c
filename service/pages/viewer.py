"""The viewer of a ruleset: tables, a graph, a page for each rule, also for a report or a case."""

from __future__ import annotations

import datetime as dt
from typing import Any

from flask import Blueprint, Response, request, url_for

from service.api.rulesets import describe_approval
from service.http.parts import get_parts
from service.http.problems import Refused
from service.pages import ruleset_view
from service.pages.opened import WHAT_IF_BYTES, HighlightedRuleset, open_case, open_posted, open_report
from service.pages.page import page, render
from triage_rules.deployment.evidence import Evidence
from triage_rules.deployment.live import Loaded
from triage_rules.explanation.graph import Layout, NodeKind, NodeState, key_of
from triage_rules.explanation.graph.highlight import WORDS
from triage_rules.explanation.graph.svg import standalone
from triage_rules.explanation.graph.wording import worded
from triage_rules.foundation.timestamps import timestamp
from triage_rules.language.model import Floor, Rule

blueprint = Blueprint("viewer", __name__)

Json = dict[str, Any]

CASES_SHOWN = 40
"""Maximum number of cases on a rule's page."""

FOLLOWED = (NodeState.ESTABLISHED, NodeState.POSSIBLE, NodeState.RULED_OUT)

TABLES = {
    "rules": "Rules",
    "floors": "Safety net",
    "statements": "Statements",
    "inputs": "Inputs",
    "dispositions": "What to do",
    "conflicts": "Contradictions",
    "properties": "Properties",
    "personas": "Personas",
}


@page(blueprint, "/rulesets/<name>")
def show(name: str) -> Response:
    """Show a live ruleset as tables that can be filtered by a word."""
    loaded, shown, common = _live(name)
    live = get_parts().store.rulesets.get_live().get(name)
    rows = ruleset_view.build_tables(ruleset_view.version_of(loaded), shown, _today())
    return render(
        "rulesets/show.html",
        tables=TABLES,
        rows=rows,
        approval=describe_approval(loaded.ruleset),
        activated=timestamp(live.activated_ms) if live is not None else None,
        link=ruleset_view.node_links(name, {}),
        wanted=request.args.get("q", "").strip()[:100].casefold(),
        overdue=sum(row["overdue"] for row in (*rows["rules"], *rows["floors"])),
        never_fired=sum(not row["cases"] for row in (*rows["rules"], *rows["floors"])),
        **common,
    )


@page(blueprint, "/rulesets/<name>/graph", methods=("GET", "POST"), max_bytes=WHAT_IF_BYTES * 3)
def graph(name: str) -> Response:
    """Show the whole graph, the part around a node, or the path to the level of a report, case or posted answers."""
    text, opened, faults = open_posted(name) if request.method == "POST" else ("", _opened(name), [])
    loaded, _, common = _live(name, opened)
    version = ruleset_view.version_of(loaded)
    focus = request.args.get("focus", "")
    if focus and focus not in version.graph.nodes:
        raise Refused("not-found", detail="This ruleset has no such part.")
    view = "part" if focus else "way" if opened is not None and "map" not in request.values else "map"
    layout, title = _laid_out(view, version, focus, opened)
    return render(
        "rulesets/graph.html",
        view=view,
        focus=version.graph.nodes.get(focus),
        svg=ruleset_view.draw_svg(layout, name, title, opened, here=focus),
        graph_title=title,
        followed=[(state, _of_state(version, opened, state)) for state in FOLLOWED] if opened is not None else [],
        link=ruleset_view.node_links(name, opened.query if opened is not None else {}),
        posted=text,
        faults=faults,
        **common,
    )  # fmt: skip


@page(blueprint, "/rulesets/<name>/graph.svg")
def graph_svg(name: str) -> Response:
    """Download the whole graph as a file that contains its colours."""
    loaded, _, _ = _live(name)
    layout = ruleset_view.version_of(loaded).map
    url = ruleset_view.node_links(name, {})
    title = f"{loaded.ruleset.title}, {loaded.version}"
    text = standalone(layout, lambda node: request.host_url.rstrip("/") + url(node), title)
    headers = {"Content-Disposition": f'attachment; filename="{name}.svg"'}
    return Response(text, headers=headers, content_type="image/svg+xml; charset=utf-8")


@page(blueprint, "/rulesets/<name>/rules/<rule_id>")
def rule(name: str, rule_id: str) -> Response:
    """Show a rule: in words, as a graph, its source, its cases and proofs."""
    opened = _opened(name)
    loaded, shown, common = _live(name, opened)
    ruleset = loaded.ruleset
    shown_rule: Rule | Floor | None = ruleset.rules.get(rule_id) or ruleset.floors.get(rule_id)
    if shown_rule is None:
        raise Refused("not-found", detail="This ruleset has no such rule.")
    reference = opened.reference if opened is not None else None
    version = ruleset_view.version_of(loaded)
    key = key_of(NodeKind.RULE if isinstance(shown_rule, Rule) else NodeKind.FLOOR, rule_id)
    title = f"{rule_id}: what it depends on and leads to"
    cases = shown.firing(rule_id)
    reads = {version.graph.nodes[other].name for other in version.graph.before.get(key, ())}
    return render(
        "rulesets/rule.html",
        row=ruleset_view.build_rule_row(ruleset, shown_rule, {rule_id: len(cases)}, shown, _today()),
        rule=shown_rule,
        when=worded(ruleset, shown_rule.when, reference),
        outcomes=[
            (
                ruleset.dispositions[outcome.disposition],
                None if outcome.when is None else worded(ruleset, outcome.when, reference),
            )
            for outcome in shown_rule.outcomes
        ],
        raises=[(level, ruleset.dispositions[code]) for level, code in getattr(shown_rule, "raise_one", ())],
        cases=cases[:CASES_SHOWN],
        more_cases=max(0, len(cases) - CASES_SHOWN),
        proofs=[proof for proof in shown.properties if rule_id in proof.names],
        near_proofs=[proof for proof in shown.properties if rule_id not in proof.names and proof.names & reads],
        svg=ruleset_view.draw_svg(ruleset_view.lay_out_part(version, key), name, title, opened, here=key),
        graph_title=title,
        key=key,
        **common,
    )


def _live(name: str, opened: HighlightedRuleset | None = None) -> tuple[Loaded, Evidence, Json]:
    """Return the live version, or that of the opened report, with its evidence and the values of every template."""
    parts = get_parts()
    loaded = opened.loaded if opened is not None else parts.live.get(name)
    shown = ruleset_view.evidence_of(parts.store.rulesets, loaded.digest)
    live = parts.store.rulesets.get_live().get(name)
    return loaded, shown, {
        "name": name,
        "ruleset": loaded.ruleset,
        "digest": loaded.digest,
        "is_live": live is not None and live.digest == loaded.digest,
        "evidence": shown,
        "opened": opened,
        "query": dict(opened.query) if opened is not None else {},
        "words": WORDS,
        "here": url_for("viewer.show", name=name),
        "wide": True,
        "approval_note": f"{loaded.ruleset.title}: {describe_approval(loaded.ruleset)}.",
    }  # fmt: skip


def _opened(name: str) -> HighlightedRuleset | None:
    """Return the report or case that this address opens, if any."""
    parts = get_parts()
    if "report" in request.args:
        return open_report(name, request.args["report"])
    if "case" in request.args:
        loaded = parts.live.get(name)
        return open_case(loaded, ruleset_view.evidence_of(parts.store.rulesets, loaded.digest), request.args["case"])
    return None


def _laid_out(
    view: str, version: ruleset_view.Version, focus: str, opened: HighlightedRuleset | None
) -> tuple[Layout, str]:
    if view == "part":
        return ruleset_view.lay_out_part(version, focus), f"Around: {version.graph.nodes[focus].says}"
    if view == "way" and opened is not None:
        return ruleset_view.lay_out_path(version, opened), "Path from answers to level"
    return version.map, f"Graph of {version.ruleset.title}"


def _of_state(version: ruleset_view.Version, opened: HighlightedRuleset, state: NodeState) -> list[Any]:
    """Return the rules and floors in a state, the most urgent first."""
    states = opened.lighting.states
    nodes = [
        node
        for node in version.graph.nodes.values()
        if node.kind in (NodeKind.RULE, NodeKind.FLOOR) and states[node.key] is state
    ]
    return sorted(nodes, key=lambda node: -3 if node.level is None else -node.level)


def _today() -> dt.date:
    return dt.datetime.fromtimestamp(get_parts().now_ms() / 1000, dt.UTC).date()

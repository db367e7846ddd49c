"""A ruleset to be read: tables, a graph, a page for each rule; and what a report or a case made of it."""

from __future__ import annotations

import datetime as dt
from typing import Any

from flask import Blueprint, Response, request, url_for

from service.api.rulesets import approval
from service.http.parts import parts
from service.http.problems import Refused
from service.pages import ruleset_view
from service.pages.opened import WHAT_IF_BYTES, HighlightedRuleset, of_case, of_report, posted
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
"""Cases that a rule's page lists."""

FOLLOWED = (NodeState.ESTABLISHED, NodeState.POSSIBLE, NodeState.RULED_OUT)

TABLES = {
    "rules": "Rules",
    "floors": "Safety net",
    "statements": "Statements",
    "inputs": "Inputs",
    "dispositions": "What to do",
    "conflicts": "Contradictions",
    "properties": "Properties",
}


@page(blueprint, "/rulesets/<name>")
def show(name: str) -> Response:
    """All that a live ruleset says, as tables that can be filtered by a word."""
    loaded, shown, common = _live(name)
    live = parts().ledger.live().get(name)
    rows = ruleset_view.tables(ruleset_view.version_of(loaded), shown, _today())
    return render(
        "rulesets/show.html",
        tables=TABLES,
        rows=rows,
        approval=approval(loaded.ruleset),
        activated=timestamp(live.activated_ms) if live is not None else None,
        link=ruleset_view.links(name, {}),
        wanted=request.args.get("q", "").strip()[:100].casefold(),
        overdue=sum(row["overdue"] for row in (*rows["rules"], *rows["floors"])),
        never_fired=sum(not row["cases"] for row in (*rows["rules"], *rows["floors"])),
        **common,
    )


@page(blueprint, "/rulesets/<name>/graph", methods=("GET", "POST"), max_bytes=WHAT_IF_BYTES * 3)
def graph(name: str) -> Response:
    """The map, or the part around one node; with a report, a case or posted answers, the way that led to the level."""
    text, opened, faults = posted(name) if request.method == "POST" else ("", _opened(name), [])
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
        svg=ruleset_view.drawing(layout, name, title, opened, here=focus),
        graph_title=title,
        followed=[(state, _of_state(version, opened, state)) for state in FOLLOWED] if opened is not None else [],
        link=ruleset_view.links(name, opened.query if opened is not None else {}),
        posted=text,
        faults=faults,
        **common,
    )  # fmt: skip


@page(blueprint, "/rulesets/<name>/graph.svg")
def graph_svg(name: str) -> Response:
    """The map as a file, with its colours in it."""
    loaded, _, _ = _live(name)
    layout = ruleset_view.version_of(loaded).map
    url = ruleset_view.links(name, {})
    title = f"{loaded.ruleset.title}, {loaded.version}"
    text = standalone(layout, lambda node: request.host_url.rstrip("/") + url(node), title)
    headers = {"Content-Disposition": f'attachment; filename="{name}.svg"'}
    return Response(text, headers=headers, content_type="image/svg+xml; charset=utf-8")


@page(blueprint, "/rulesets/<name>/rules/<rule_id>")
def rule(name: str, rule_id: str) -> Response:
    """One rule: in words, drawn, where it comes from, what shows it."""
    opened = _opened(name)
    loaded, shown, common = _live(name, opened)
    ruleset = loaded.ruleset
    found: Rule | Floor | None = ruleset.rules.get(rule_id) or ruleset.floors.get(rule_id)
    if found is None:
        raise Refused("not-found", detail="This ruleset has no such rule.")
    reference = opened.reference if opened is not None else None
    version = ruleset_view.version_of(loaded)
    key = key_of(NodeKind.RULE if isinstance(found, Rule) else NodeKind.FLOOR, rule_id)
    title = f"{rule_id}: what it depends on and leads to"
    cases = shown.firing(rule_id)
    reads = {version.graph.nodes[other].name for other in version.graph.before.get(key, ())}
    return render(
        "rulesets/rule.html",
        row=ruleset_view.rule_row(ruleset, found, {rule_id: len(cases)}, shown, _today()),
        rule=found,
        when=worded(ruleset, found.when, reference),
        outcomes=[
            (ruleset.dispositions[one.disposition], None if one.when is None else worded(ruleset, one.when, reference))
            for one in found.outcomes
        ],
        raises=[(level, ruleset.dispositions[code]) for level, code in getattr(found, "raise_one", ())],
        cases=cases[:CASES_SHOWN],
        more_cases=max(0, len(cases) - CASES_SHOWN),
        proofs=[one for one in shown.properties if rule_id in one.names],
        near_proofs=[one for one in shown.properties if rule_id not in one.names and one.names & reads],
        svg=ruleset_view.drawing(ruleset_view.part(version, key), name, title, opened, here=key),
        graph_title=title,
        key=key,
        **common,
    )


def _live(name: str, opened: HighlightedRuleset | None = None) -> tuple[Loaded, Evidence, Json]:
    """What is live, or what decided what is opened; what was shown of it; and what every template is told."""
    own = parts()
    loaded = opened.loaded if opened is not None else own.live.get(name)
    shown = ruleset_view.evidence_of(own.ledger, loaded.digest)
    live = own.ledger.live().get(name)
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
        "approval_note": f"{loaded.ruleset.title}: {approval(loaded.ruleset)}.",
    }  # fmt: skip


def _opened(name: str) -> HighlightedRuleset | None:
    """What this address opens beside the ruleset."""
    own = parts()
    if "report" in request.args:
        return of_report(name, request.args["report"])
    if "case" in request.args:
        loaded = own.live.get(name)
        return of_case(loaded, ruleset_view.evidence_of(own.ledger, loaded.digest), request.args["case"])
    return None


def _laid_out(
    view: str, version: ruleset_view.Version, focus: str, opened: HighlightedRuleset | None
) -> tuple[Layout, str]:
    if view == "part":
        return ruleset_view.part(version, focus), f"Around: {version.graph.nodes[focus].says}"
    if view == "way" and opened is not None:
        return ruleset_view.way(version, opened), "Path from answers to level"
    return version.map, f"Graph of {version.ruleset.title}"


def _of_state(version: ruleset_view.Version, opened: HighlightedRuleset, state: NodeState) -> list[Any]:
    """The rules and parts of the safety net that came out so, the most urgent first."""
    states = opened.lighting.states
    found = [
        node
        for node in version.graph.nodes.values()
        if node.kind in (NodeKind.RULE, NodeKind.FLOOR) and states[node.key] is state
    ]
    return sorted(found, key=lambda node: -3 if node.level is None else -node.level)


def _today() -> dt.date:
    return dt.datetime.fromtimestamp(parts().now_ms() / 1000, dt.UTC).date()

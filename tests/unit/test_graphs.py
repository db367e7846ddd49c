"""A ruleset as a graph: laid out without overlaps, drawn for everybody, lit as the evaluator decides."""

from __future__ import annotations

import xml.etree.ElementTree as ET
from itertools import combinations, pairwise
from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.support.paths import RED_DOTS
from tests.support.rulesets import repository
from tests.support.rulesets.generated import DIGEST, as_facts, make_report, make_ruleset
from triage_rules.evaluation.evaluator import Evaluator
from triage_rules.evaluation.reference import Reference
from triage_rules.explanation.graph import (
    CLOSE,
    MAP,
    Graph,
    Layout,
    NodeKind,
    NodeState,
    Sign,
    around,
    graph_of,
    highlight_graph,
    key_of,
    lay_out,
)
from triage_rules.explanation.graph.graph import DEFAULT, reads
from triage_rules.explanation.graph.svg import draw
from triage_rules.explanation.graph.wording import ConditionLine, worded
from triage_rules.language.model import Any, Condition, Level, Not, Ruleset
from triage_rules.records.reports import History

SVG = "{http://www.w3.org/2000/svg}"
GLASS_TEST = "Press a clear glass firmly on the spots. Do they fade?"
seeds = st.integers(0, 2**32 - 1)


@pytest.fixture(scope="module")
def red_dots() -> Ruleset:
    return repository.ruleset(RED_DOTS)


def svg(layout: Layout, **how: object) -> ET.Element:
    text = draw(layout, lambda node: f"#{node.key}", title="t", description="d", **how)  # type: ignore[arg-type]
    return ET.fromstring(text)


def check_layout(layout: Layout) -> None:
    """Nothing overlaps, all is inside, and every edge runs from left to right, box to box."""
    size = layout.size
    columns: dict[int, list[int]] = {}
    for box in layout.boxes.values():
        columns.setdefault(box.x, []).append(box.y)
        assert box.x >= 0
        assert box.y >= 0
        assert box.x + size.width <= layout.width
        assert box.y + size.height <= layout.height
    for heights in columns.values():
        assert all(below - above > size.height for above, below in pairwise(sorted(heights)))
    assert all(abs(one - other) >= size.width for one, other in combinations(columns, 2))
    for curve in layout.curves:
        xs = [x for x, _ in curve.points]
        assert all(left < right for left, right in pairwise(xs))
        start, end = layout.boxes[curve.edge.start], layout.boxes[curve.edge.end]
        assert curve.points[0] == (start.x + size.width, start.y + size.height // 2)
        assert curve.points[-1] == (end.x, end.y + size.height // 2)


@given(seed=seeds)
def test_no_boxes_overlap_and_every_edge_points_forward(seed: int) -> None:
    graph = graph_of(make_ruleset(Random(seed)))
    assert {edge.start for edge in graph.edges} | {edge.end for edge in graph.edges} == set(graph.nodes)
    for size in (CLOSE, MAP):
        check_layout(lay_out(graph, size))


@given(seed=seeds)
def test_the_same_ruleset_is_laid_out_the_same_every_time(seed: int) -> None:
    """Somebody who knows the map finds a rule where it was."""
    first, again = (lay_out(graph_of(make_ruleset(Random(seed))), MAP) for _ in range(2))
    assert (first.boxes, first.curves) == (again.boxes, again.curves)


def test_the_largest_ruleset_is_laid_out_with_the_most_urgent_on_top(red_dots: Ruleset) -> None:
    layout = lay_out(graph_of(red_dots), MAP)
    check_layout(layout)
    rules = [layout.graph.nodes[key] for key in sorted(layout.boxes, key=lambda key: layout.boxes[key].y)
             if layout.graph.nodes[key].kind in (NodeKind.RULE, NodeKind.FLOOR)]  # fmt: skip
    levels = [rule.level for rule in rules if rule.level is not None]
    assert levels == sorted(levels, reverse=True)
    assert len(rules) == len(red_dots.rules_and_floors)
    check_layout(lay_out(graph_of(make_ruleset(Random(1), inputs=100, statements=100, rules=500)), MAP))


def test_a_rules_own_graph_holds_all_that_it_rests_on_and_where_it_leads(red_dots: Ruleset) -> None:
    graph = around(graph_of(red_dots), key_of(NodeKind.RULE, "R08"))
    assert {node.name for node in graph.nodes.values() if node.kind in (NodeKind.RULE, NodeKind.FLOOR)} == {"R08"}
    assert {"blanches_on_pressure", "temperature_c", "nonblanching", "febrile"} <= {
        n.name for n in graph.nodes.values()
    }
    assert [node.name for node in graph.nodes.values() if node.kind is NodeKind.LEVEL] == ["urgent"]


def test_how_a_finding_is_read_is_told() -> None:
    made = [edge.sign for seed in range(60) for edge in graph_of(make_ruleset(Random(seed))).edges]
    assert set(made) == set(Sign)


# --- drawn ----------------------------------------------------------------------------------


def test_a_drawing_can_be_read_out_and_has_no_style_of_its_own(red_dots: Ruleset) -> None:
    """The policy forbids inline style; and a link without a name is none for who can't see."""
    layout = lay_out(graph_of(red_dots), MAP)
    drawn = svg(layout)
    assert drawn.find(f"{SVG}title") is not None
    assert drawn.find(f"{SVG}desc") is not None
    links = list(drawn.iter(f"{SVG}a"))
    assert {link.get("id") for link in links} == set(layout.boxes)
    assert all(link.get("aria-label") and link.get("href") for link in links)
    assert not [one for one in drawn.iter() if "style" in one.attrib or one.tag == f"{SVG}style"]
    assert len(list(drawn.iter(f"{SVG}path"))) == len(layout.curves)


def test_what_a_ruleset_says_stays_text() -> None:
    graph = graph_of(make_ruleset(Random(3)))
    node = next(iter(graph.nodes.values()))
    sly = Graph({**graph.nodes, node.key: type(node)(node.key, node.kind, node.name, "<script>\"'&")}, graph.edges)
    drawn = svg(lay_out(sly, CLOSE))
    (link,) = [link for link in drawn.iter(f"{SVG}a") if link.get("id") == node.key]
    assert "<script>\"'&" in (link.get("aria-label") or "")


# --- lit ------------------------------------------------------------------------------------


@given(seed=seeds)
def test_the_light_agrees_with_the_evaluator(seed: int) -> None:
    """Level, disposition, rules and statements are as published; nothing that the evaluator thinks possible is out."""
    random = Random(seed)
    ruleset = make_ruleset(random)
    answers, history = make_report(random, ruleset)
    evaluator = Evaluator(ruleset, DIGEST)
    facts = evaluator.facts(answers, history)
    result = evaluator.evaluate(answers, history, report_id="r", received_ms=0, evaluated_ms=0)
    lighting = highlight_graph(ruleset, facts)
    named = lambda kind, state: {  # noqa: E731
        key.removeprefix(f"{kind.value}-") for key, found in lighting.states.items()
        if key.startswith(f"{kind.value}-") and found is state
    }  # fmt: skip
    assert named(NodeKind.LEVEL, NodeState.ESTABLISHED) == {result["level"]}
    assert named(NodeKind.DISPOSITION, NodeState.ESTABLISHED) == {result["disposition"]}
    assert named(NodeKind.RULE, NodeState.ESTABLISHED) == {one["id"] for one in result["rules"]}
    assert named(NodeKind.STATEMENT, NodeState.ESTABLISHED) == set(result["inferences"])
    assert named(NodeKind.FINDING, NodeState.ANSWERED) == {name for name in facts if name in ruleset.inputs}
    assert (lighting.states[key_of(NodeKind.DEFAULT, DEFAULT)] is NodeState.ESTABLISHED) == (not result["rules"])
    could_be = Level.of(result["could_be"])
    assert lighting.states[key_of(NodeKind.LEVEL, could_be.word)] in (NodeState.ESTABLISHED, NodeState.POSSIBLE)
    if result["determined"]:
        assert named(NodeKind.LEVEL, NodeState.POSSIBLE) == set()


@given(seed=seeds)
def test_what_is_lit_is_a_way_from_answers_to_the_level(seed: int) -> None:
    """Every lit edge is one of the graph, and whatever fired is lit up to its disposition."""
    random = Random(seed)
    ruleset = make_ruleset(random)
    graph = graph_of(ruleset)
    facts = as_facts(ruleset, *make_report(random, ruleset))
    lighting = highlight_graph(ruleset, facts)
    edges = {(edge.start, edge.end) for edge in graph.edges}
    assert lighting.lit_edges <= edges
    assert {key for edge in lighting.lit_edges for key in edge} == lighting.lit
    for rule in ruleset.rules:
        key = key_of(NodeKind.RULE, rule)
        assert (key in lighting.lit) == (lighting.states[key] is NodeState.ESTABLISHED)
    assert lighting.way <= lighting.lit
    led = {graph.nodes[key].name for key in lighting.way if graph.nodes[key].kind is NodeKind.DISPOSITION}
    assert led == {lighting.decision.disposition}
    levels = [key for key in lighting.lit if graph.nodes[key].kind is NodeKind.LEVEL]
    assert levels == [key_of(NodeKind.LEVEL, lighting.decision.level.word)]


# --- in words -------------------------------------------------------------------------------


def names(line: ConditionLine) -> set[str]:
    return ({line.name} if line.name else set()).union(*map(names, line.parts))


@given(seed=seeds)
def test_a_condition_in_words_names_all_that_it_reads_and_what_it_came_out_as(seed: int) -> None:
    random = Random(seed)
    ruleset = make_ruleset(random)
    reference = Reference(ruleset, as_facts(ruleset, *make_report(random, ruleset)))
    for rule in ruleset.rules_and_floors:
        told = worded(ruleset, rule.when, reference)
        assert names(told) == {name for name, _ in reads(rule.when)}
        assert (told.state is NodeState.ESTABLISHED) == (reference.value(rule.when) is True)


def test_a_condition_reads_as_somebody_would_say_it(red_dots: Ruleset) -> None:
    def flat(condition: Condition) -> list[str]:
        line = worded(red_dots, condition)
        return [f"{line.says} {line.is_so}".strip(), *(f"{part.says} {part.is_so}".strip() for part in line.parts)]

    assert flat(red_dots.rules["R08"].when) == [
        "All of these",
        "The spots don't fade under a glass, or not all of them",
        "Has a fever, or had one in the last 2 days",
        "Under 16 years old, or the age is not known",
    ]
    assert flat(Not(red_dots.rules["R08"].when))[0] == "Not so: all of these"
    assert "Fever or shivering in the last 2 days? yes" in flat(red_dots.inferences["febrile"].when)
    glass = red_dots.inferences["nonblanching"].when
    assert isinstance(glass, Any)
    assert flat(glass.parts[0]) == [f"{GLASS_TEST} \u201cNo, they stay\u201d or \u201cSome fade, some stay\u201d"]
    assert flat(Not(glass.parts[0]))[0].startswith(f"{GLASS_TEST} not \u201cNo")


def test_a_report_with_nothing_answered_is_lit_by_what_is_open(red_dots: Ruleset) -> None:
    evaluator = Evaluator(red_dots, DIGEST)
    lighting = highlight_graph(red_dots, evaluator.facts({}, History()))
    assert NodeState.POSSIBLE in lighting.states.values()
    assert lighting.lit

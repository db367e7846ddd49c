"""The plot of screens by persona is drawn from the command's data, the same each time."""

from __future__ import annotations

from xml.etree import ElementTree as ET

import pytest

from tests.support.rulesets import glass_personas
from tools.interview_plot import LEFT, UNIT, draw
from triage_rules.interview.description import describe_run
from triage_rules.interview.persona_runs import run_persona
from triage_rules.interview.plan import Planner

SVG = "{http://www.w3.org/2000/svg}"


@pytest.fixture(scope="module")
def data() -> dict[str, object]:
    evaluator = glass_personas.evaluator()
    planner = Planner(evaluator)
    runs = [run_persona(evaluator, planner, persona) for persona in glass_personas.personas(evaluator).personas]
    described = [describe_run(evaluator.ruleset, run) for run in runs]
    described[2] |= {"passed": False, "name": "a<b"}
    return {"ruleset": "glass-test", "version": "1.0.0", "interviews": described}


def test_each_persona_has_a_bar_as_long_as_its_interview_and_a_line_for_its_certificate(
    data: dict[str, object],
) -> None:
    drawing = ET.fromstring(draw(data))
    _, *bars = drawing.iter(f"{SVG}rect")
    assert [int(bar.get("width", "0")) // UNIT for bar in bars] == [4, 2, 2]
    assert len({bar.get("fill") for bar in bars}) == 3
    certificates = [line for line in drawing.iter(f"{SVG}line") if line.get("stroke-width") == "2"]
    assert [(int(line.get("x1", "0")) - LEFT) // UNIT for line in certificates] == [4, 2, 2]
    texts = [text.text for text in drawing.iter(f"{SVG}text")]
    assert {"harmless", "urgent", "unsure", "bites", "a<b", "4", "2", "2 X"} <= set(texts)


def test_the_same_data_give_the_same_drawing(data: dict[str, object]) -> None:
    assert draw(data) == draw({**data, "interviews": list(data["interviews"])})

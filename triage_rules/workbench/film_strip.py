"""The interview of a draft's persona, screen by screen."""

from __future__ import annotations

from typing import Any

from triage_rules.interview.description import describe_run
from triage_rules.interview.persona_runs import run_persona
from triage_rules.interview.plan import Planner
from triage_rules.workbench.draft import OpenedDraft

Json = dict[str, Any]


def show_interview(opened: OpenedDraft, name: str) -> Json | None:
    """Return the personas, and the interview of the one of this name, else of the first; None if the draft has none."""
    evaluator = opened.evaluator
    if evaluator is None or not opened.personas:
        return None
    by_name = {persona.name: persona for persona in opened.personas}
    persona = by_name.get(name, opened.personas[0])
    return {
        "personas": [{"name": p.name, "title": p.title, "group": p.group} for p in opened.personas],
        "run": describe_run(evaluator.ruleset, run_persona(evaluator, Planner(evaluator), persona)),
    }

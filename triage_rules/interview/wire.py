"""The next screen on the wire: `interview.next` of a result."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from triage_rules.interview.plan import NextScreen, Planner
from triage_rules.language.model import Answers, AskedOf, Audience, Ruleset
from triage_rules.records.reports import History

Json = dict[str, Any]


def add_next(  # noqa: PLR0913 (a report's part of an interview)
    result: Json,
    planner: Planner,
    answers: Answers,
    *,
    history: History,
    audience: Audience,
    ticked: Iterable[str] = (),
) -> None:
    """Add to a result of these answers the screen to show next, as `interview.next`."""
    shown = planner.next_screen(answers, history, audience, ticked)
    known = result.get("interview") or {"audience": audience.value, "complete": shown is None}  # of an earlier version
    result["interview"] = {**known, "next": describe_next(planner.ruleset, shown)}


def describe_next(ruleset: Ruleset, shown: NextScreen | None) -> Json | None:
    """Return the screen as in schemas/result.schema.json; None if the interview is complete."""
    if shown is None:
        return None
    panel = shown.screen.panel
    if panel is None:
        return {"questions": [_question(ruleset, name) for name in shown.inputs]}
    return {
        "panel": panel.name,
        "section": panel.section,
        "question": panel.question,
        "lines": [
            {
                "finding": line.input,
                "question": line.text or ruleset.inputs[line.input].question,
                "help": ruleset.inputs[line.input].help,
                "none_means": line.none_means,
            }
            for line in panel.lines
            if line.input in shown.inputs
        ],
    }


def _question(ruleset: Ruleset, name: str) -> Json:
    read = ruleset.inputs[name]
    entry: Json = {"finding": name, "question": read.question, "help": read.help}
    if read.asked_of is not AskedOf.ANYONE:
        entry["audience"] = read.asked_of.value
    return entry

"""Interviews as plain data, with the ruleset's words: for JSON, for text and for the workbench."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict
from statistics import fmean
from typing import Any

from triage_rules.evaluation.answers import UNKNOWN, format_unit
from triage_rules.evaluation.decision import Decision
from triage_rules.interview.conversation import Exchange
from triage_rules.interview.persona_runs import PersonaRun
from triage_rules.interview.plan import NextScreen
from triage_rules.interview.summary import InterviewFigures, Spread, figures_by_group, planning_time
from triage_rules.language.model import InputKind, PanelLine, Ruleset, Value

Json = dict[str, Any]

APPLIES, NOT_KNOWN, NONE_OF_THESE = "applies", "I don't know", "None of these"
"""Words for a line of a panel, for an answer `unknown`, and for a panel of which no line applies."""


def describe_run(ruleset: Ruleset, run: PersonaRun) -> Json:
    """Return an interview with its screens and the answers to them."""
    persona, conversation = run.persona, run.conversation
    exchanges = conversation.exchanges
    decisions = [*(exchange.decision for exchange in exchanges), conversation.decision]
    milliseconds = [1000 * exchange.seconds for exchange in exchanges]
    return {
        "name": persona.name,
        "title": persona.title,
        "group": persona.group,
        "audience": persona.audience.value,
        "passed": run.passed,
        "differences": list(run.differences),
        "complete": run.is_complete,
        "outcome": _outcome(ruleset, run.result["level"], run.result["disposition"]),
        "expected": _outcome(ruleset, persona.expect_level.word, persona.expect_disposition),
        "screens": conversation.screens,
        "taps": conversation.taps,
        "screens_until_urgent": run.screens_until_urgent,
        "certificate": {
            "screens": len(run.certificate),
            "shown": [{"title": _title(ruleset, shown), "inputs": list(shown.inputs)} for shown in run.certificate],
        },
        "ratio": round(run.ratio, 3),
        "planning_ms": {
            "mean": round(fmean(milliseconds), 3) if milliseconds else 0.0,
            "most": round(max(milliseconds, default=0.0), 3),
        },
        "shown": [
            _describe_exchange(ruleset, exchange, decision)
            for exchange, decision in zip(exchanges, decisions[1:], strict=True)
            if decision is not None
        ],
        "answers": dict(conversation.answers),
    }


def describe_summary(runs: Sequence[PersonaRun]) -> Json:
    """Return the figures over these interviews."""
    time = planning_time(runs)
    return {
        "groups": [_describe_figures(figures) for figures in figures_by_group(runs)],
        "planning_ms": None if time is None else {name: round(value, 3) for name, value in asdict(time).items()},
    }


def _describe_figures(figures: InterviewFigures) -> Json:
    def spread(measure: Spread, middle: str = "median") -> Json:
        return {middle: round(measure.middle, 3), "most": round(measure.most, 3)}

    return {
        "group": figures.group,
        "people": figures.people,
        "complete": figures.complete,
        "passed": figures.passed,
        "screens": spread(figures.screens),
        "taps": spread(figures.taps),
        "ratio": spread(figures.ratio),
        "screens_until_urgent": None if figures.until_urgent is None else spread(figures.until_urgent, "mean"),
    }


def _outcome(ruleset: Ruleset, level: str, disposition: str) -> Json:
    return {"level": level, "disposition": disposition, "title": ruleset.dispositions[disposition].title}


def _describe_exchange(ruleset: Ruleset, exchange: Exchange, after: Decision) -> Json:
    shown = exchange.shown
    panel = shown.screen.panel
    lines = {} if panel is None else {line.input: line for line in panel.lines}
    return {
        "panel": None if panel is None else panel.name,
        "title": _title(ruleset, shown),
        "question": None if panel is None else panel.question,
        "answers": [
            {
                "finding": name,
                "question": _question(ruleset, name, lines.get(name)),
                "answer": exchange.answers.get(name),
                "in_words": _in_words(ruleset, name, exchange, lines.get(name)),
                "applies": name in _applying(exchange),
            }
            for name in shown.inputs
        ],
        "taps": exchange.taps,
        "planning_ms": round(1000 * exchange.seconds, 3),
        "after": {
            "level": after.level.word,
            "disposition": after.disposition,
            "lowest": after.lowest.word,
            "lowest_disposition": after.lowest_disposition,
            "could_be": after.could_be.word,
            "could_be_disposition": after.could_be_disposition,
        },
    }


def _title(ruleset: Ruleset, shown: NextScreen) -> str:
    """Return a panel's section, or its question; of questions, the groups they belong to."""
    panel = shown.screen.panel
    if panel is not None:
        return panel.section or panel.question
    groups = dict.fromkeys(ruleset.inputs[name].group for name in shown.inputs)
    return ", ".join(group.replace("_", " ") for group in groups).capitalize()


def _question(ruleset: Ruleset, name: str, line: PanelLine | None) -> str:
    return line.text if line is not None and line.text else ruleset.inputs[name].question


def _applying(exchange: Exchange) -> set[str]:
    """Return the lines of a panel that apply; a choice among them is still to be asked."""
    panel = exchange.shown.screen.panel
    if panel is None:
        return set()
    none_means = {line.input: line.none_means for line in panel.lines}
    marked = {name for name, answer in exchange.answers.items() if answer not in (UNKNOWN, none_means[name])}
    return marked.union(exchange.ticked)


def _in_words(ruleset: Ruleset, name: str, exchange: Exchange, line: PanelLine | None) -> str:
    if line is not None and name in _applying(exchange):
        return APPLIES
    return answer_in_words(ruleset, name, exchange.answers[name])


def answer_in_words(ruleset: Ruleset, name: str, answer: Value) -> str:
    """Return an answer as a person would say it: a choice's label, a number with its unit, yes, no."""
    read = ruleset.inputs[name]
    if answer == UNKNOWN:
        return NOT_KNOWN
    match read.kind:
        case InputKind.YES_NO:
            return "yes" if answer else "no"
        case InputKind.CHOICE:
            return next((choice.label for choice in read.choices if choice.value == answer), str(answer))
        case InputKind.TEXT:
            return str(answer) or "nothing"
        case _:
            return f"{answer}{format_unit(read.unit)}"


def describe_screens(run: Mapping[str, Any]) -> Iterator[str]:
    """Yield each screen of a described interview with its answers, in short.

    Of a panel only the lines that apply, and those whose answer the person doesn't know.
    """
    for shown in run["shown"]:
        if shown["panel"] is None:
            answers = [f"{answer['question']} {answer['in_words']}" for answer in shown["answers"]]
            yield f"{shown['title']}: {'; '.join(answers)}"
        else:
            parts = [answer["question"] for answer in shown["answers"] if answer["applies"]]
            unknown = [answer["question"] for answer in shown["answers"] if answer["answer"] == UNKNOWN]
            parts += [f"{NOT_KNOWN}: {'; '.join(unknown)}"] if unknown else []
            yield f"{shown['title']}: {shown['question']} {'; '.join(parts) or NONE_OF_THESE}"

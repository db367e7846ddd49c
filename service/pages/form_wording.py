"""Words of the form: the reasons to ask, the answers of the summary, and what others could still find out."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any

from service.pages.form_state import PANEL, FormScreen, FormState
from triage_rules.evaluation.answers import UNKNOWN
from triage_rules.intake.form import Checklist, ChecklistLine, FormAnswers, group_title
from triage_rules.language.model import AskedOf, Ruleset

OUTCOMES_MAX = 3
"""Number of outcomes that a reason to ask names."""


@dataclass(frozen=True, slots=True)
class AnswerRow:
    """Row of the summary. `edit`: the name of the question or, with its prefix, of the panel to change."""

    question: str
    answers: list[str]
    edit: str
    is_private: bool = False


def reasons_to_ask(ruleset: Ruleset, screen: FormScreen, result: dict[str, Any]) -> list[str]:
    """Return sentences about the outcomes that the screen's answers could settle. `result`: without these answers."""
    entries = [entry for entry in result["ask"] if entry["finding"] in screen.names]
    up = _titles(ruleset, (entry["could_raise_to_disposition"] for entry in entries))
    down = _titles(ruleset, (entry["could_lower_to_disposition"] for entry in entries))
    subject = "A tick" if screen.panel else "Your answer" if len(screen.names) == 1 else "Your answers"
    sentences = []
    if up:
        sentences.append(f"{subject} could mean: {_join(up)}.")
    if down:
        subject = "\u201cNone of these\u201d" if screen.panel else subject
        sentences.append(f"{subject} could help to show that this is enough: {_join(down)}.")
    return sentences or ["The answer helps to work out how urgent this is."]


def list_faults(state: FormState, faults: dict[str, str]) -> list[tuple[str, str]]:
    """Return the faults with the ids of the fields that they lead to; each names its question if there are several."""
    listed = []
    for name, fault in faults.items():
        checklist = state.lists.get(name.removeprefix(PANEL)) if name.startswith(PANEL) else None
        if checklist is None:
            field, question = name, state.asked[name].text
        else:
            shown = state.lines(state.at) if state.at is not None else checklist.yes_no_lines
            field, question = shown[0].name, checklist.question
        is_only = state.at is not None and (state.at.panel or len(state.at.names) == 1)
        listed.append((f"q-{field}", fault if is_only else f"{question} {fault}"))
    return listed


def ticked_fault(state: FormState, name: str) -> str:
    """Return the message for a ticked choice without an answer."""
    lines = (line for checklist in state.lists.values() for line in checklist.lines)
    text = next(line.text for line in lines if line.name == name)
    return f"Choose what fits: you ticked \u201c{text}\u201d."


def section_title(state: FormState, screen: FormScreen) -> str:
    """Return the name of the section that a screen belongs to."""
    if screen.panel:
        return state.lists[screen.panel].section
    first, *others = dict.fromkeys(group_title(state.asked[name]) for name in screen.names)
    *middle, last = [first, *map(_lower, others)]
    return f"{', '.join(middle)} and {last}" if middle else last


def describe_elsewhere(result: dict[str, Any]) -> str:
    """Return who could still change the result once the person can't; '' for no one. Names no questions."""
    askers = {entry["audience"] for entry in result["open_elsewhere"]}
    if AskedOf.CLINICIAN.value in askers:
        return "A clinician could still change it, for example by an examination or a test."
    return "It could change if you find an answer that you don\u2019t know now." if askers else ""


def describe_answers(state: FormState, answers: FormAnswers) -> list[AnswerRow]:
    """Return the rows of the summary, in the order of answering: for each panel, and for each other question."""
    panel_of = {line.name: checklist for checklist in state.lists.values() for line in checklist.lines}
    rows: dict[str, AnswerRow] = {}
    for name in dict.fromkeys([*(name for screen in state.path for name in screen.names), *state.asked]):
        question = state.asked[name]
        if (name not in state.written and name not in state.ticked) or name in answers.faults:
            continue
        checklist = panel_of.get(name)
        if checklist is not None:
            rows.setdefault(PANEL + checklist.name, _describe_checklist(state, checklist))
        elif question.is_private:
            rows[name] = AnswerRow("A private question", ["answered, not shown here"], name, is_private=True)
        else:
            rows[name] = AnswerRow(question.text, [question.in_words(state.written[name])], name)
    return list(rows.values())


def screen_to_edit(state: FormState, name: str) -> FormScreen | None:
    """Return the screen that changes a row of the summary; None if there is no such row."""
    checklist = state.lists.get(name.removeprefix(PANEL)) if name.startswith(PANEL) else None
    if checklist is None:
        return FormScreen((name,)) if name in state.asked else None
    names = tuple(line.name for line in _answered(state, checklist))
    return FormScreen(names, checklist.name) if names else None


def _describe_checklist(state: FormState, checklist: Checklist) -> AnswerRow:
    lines = _answered(state, checklist)
    ticks = state.shown_ticks(checklist.name, lines)
    none = [line for line in lines if line.name not in ticks.apply | ticks.unknown]
    answers = [_describe_line(state, line) for line in lines if line.name in ticks.apply]
    if none:
        answers.append("None of the others" if ticks.apply else f"None of: {_list_lines(none)}")
    unknown = [line for line in lines if line.name in ticks.unknown]
    if unknown:
        answers.append(f"I don\u2019t know: {_list_lines(unknown)}")
    return AnswerRow(checklist.question, answers, PANEL + checklist.name)


def _describe_line(state: FormState, line: ChecklistLine) -> str:
    written = state.written.get(line.name, UNKNOWN)
    if not line.is_choice or written == UNKNOWN:
        return line.text
    return f"{line.text}: {_lower(state.asked[line.name].in_words(written))}"


def _answered(state: FormState, checklist: Checklist) -> list[ChecklistLine]:
    return [line for line in checklist.lines if line.name in state.written or line.name in state.ticked]


def _list_lines(lines: Iterable[ChecklistLine]) -> str:
    return "; ".join(_lower(line.text) for line in lines)


def _lower(text: str) -> str:
    """Return a text for the middle of a sentence; a name in capitals stays."""
    return text[:1].lower() + text[1:] if text[1:2].islower() or text[1:2] == " " else text


def _titles(ruleset: Ruleset, codes: Iterable[str | None]) -> list[str]:
    """Return the titles of these dispositions, the most urgent first."""
    known: Iterator[str] = (code for code in codes if code is not None)
    return [ruleset.dispositions[code].title for code in sorted(set(known), key=ruleset.urgency, reverse=True)]


def _join(titles: list[str]) -> str:
    return " or ".join(f"\u201c{title}\u201d" for title in titles[:OUTCOMES_MAX])

"""Forms: a ruleset's inputs as questions and checklists in groups, and the written texts as answers.

Decides nothing. Written answers are text, as a form without scripts sends them; each becomes an answer of a report,
or a fault at its question.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from triage_rules.evaluation.answers import UNKNOWN, format_unit, read_answers
from triage_rules.foundation.errors import ReportError
from triage_rules.language.model import AskedOf, Audience, Input, InputKind, Panel, Ruleset, Value

YES, NO = "yes", "no"
_NUMBER = re.compile(r"[-+]?\d{1,15}([.,]\d{1,15})?")
_CHOOSE = "Choose one of the answers; \u201cI don\u2019t know\u201d is one, too."
_NONE, _NONE_OTHER = "None of these", "None of the others"


@dataclass(frozen=True, slots=True)
class AnswerOption:
    """Answer to choose. `is_open`: it leaves the question open."""

    value: str
    label: str
    is_open: bool = False


@dataclass(frozen=True, slots=True)
class FormQuestion:
    """Input as shown to a person. `unit` and `between`: in words, '' if there is none."""

    name: str
    kind: InputKind
    text: str
    help: str
    group: str
    asked_of: AskedOf
    unit: str
    between: str
    options: tuple[AnswerOption, ...]
    max_length: int | None

    @property
    def is_private(self) -> bool:
        """Return whether it may be asked only where no other person can see it."""
        return self.asked_of is AskedOf.PRIVATE

    @property
    def unknown_label(self) -> str:
        """Return the label of the answer that leaves it open."""
        is_measured = self.asked_of in (AskedOf.MEASURED, AskedOf.LABORATORY)
        return "Not measured" if is_measured else "I don\u2019t know"

    def in_words(self, written: str) -> str:
        """Describe a written answer, as shown to a person."""
        if not written:
            return "Nothing to add" if self.kind is InputKind.TEXT else "Not answered"
        if written == UNKNOWN:
            return self.unknown_label
        labels = {option.value: option.label for option in self.options}
        return labels.get(written, f"{written}{self.unit}")


@dataclass(frozen=True, slots=True)
class ChecklistLine:
    """Line of a checklist. `none_means`: the written answer if it does not apply.

    `is_choice`: a tick does not answer it yet; it is asked next.
    """

    name: str
    text: str
    help: str
    none_means: str
    is_choice: bool


@dataclass(frozen=True, slots=True)
class Checklist:
    """Panel as shown to a person."""

    name: str
    question: str
    section: str
    lines: tuple[ChecklistLine, ...]

    @property
    def yes_no_lines(self) -> list[ChecklistLine]:
        """Return the lines that a tick answers."""
        return [line for line in self.lines if not line.is_choice]


@dataclass(frozen=True, slots=True)
class Ticks:
    """Ticks in a checklist: the lines that apply, the lines marked as not known, and "none of these"."""

    apply: frozenset[str] = frozenset()
    unknown: frozenset[str] = frozenset()
    none: bool = False

    @property
    def is_empty(self) -> bool:
        """Return True if nothing is ticked."""
        return not (self.none or self.apply or self.unknown)

    @property
    def none_label(self) -> str:
        """Return the label of "none of these", which speaks only for the lines that are not marked as not known."""
        return _NONE_OTHER if self.unknown else _NONE

    def fault(self, lines: Iterable[ChecklistLine]) -> str:
        """Return the message for ticks that are no answer to these lines; '' if they are one.

        A line marked as not known says nothing about the others.
        """
        if self.none and self.apply:
            return f"You ticked \u201c{self.none_label}\u201d and another line. Untick one of them."
        if self.none or self.apply or self.unknown.issuperset(line.name for line in lines):
            return ""
        return f"Tick each {'other ' if self.unknown else ''}line that applies, or \u201c{self.none_label}\u201d."


@dataclass(frozen=True, slots=True)
class FormAnswers:
    """Answers of a form. `given`: as posted; `faults`: the question's name -> a sentence for people."""

    given: dict[str, Any]
    faults: dict[str, str]


def questions(ruleset: Ruleset, audience: Audience) -> dict[str, FormQuestion]:
    """Return the questions that this audience can answer, in the ruleset's order."""
    return {read.name: _make_question(read) for read in ruleset.inputs.values() if read.asked_of in audience.answers}


def checklists(ruleset: Ruleset, asked: Mapping[str, FormQuestion]) -> dict[str, Checklist]:
    """Return the ruleset's panels as checklists of the lines that are asked."""
    made = (_make_checklist(panel, asked) for panel in ruleset.panels.values())
    return {checklist.name: checklist for checklist in made if checklist.lines}


def groups(
    asked: Iterable[FormQuestion], lists: Iterable[Checklist] = ()
) -> list[tuple[str, list[FormQuestion | Checklist]]]:
    """Group the questions; each group is placed where its first question stands.

    The yes/no questions of a checklist stand in it, where the first of them would be, in the group of its section.
    """
    list_of = {line.name: checklist for checklist in lists for line in checklist.yes_no_lines}
    members_of: dict[str, list[FormQuestion | Checklist]] = {}
    for question in asked:
        checklist = list_of.get(question.name)
        members = members_of.setdefault(group_title(question) if checklist is None else checklist.section, [])
        if checklist is None:
            members.append(question)
        elif checklist not in members:
            members.append(checklist)
    return list(members_of.items())


def group_title(question: FormQuestion) -> str:
    """Return the name of a question's group, as shown to a person."""
    return question.group.replace("_", " ").capitalize()


def write_ticks(lines: Iterable[ChecklistLine], ticks: Ticks, written: Mapping[str, str]) -> dict[str, str]:
    """Return the written answers that faultless ticks give to these lines.

    A choice that applies keeps its earlier answer from `written`; without one it has none yet.
    """
    answers: dict[str, str] = {}
    for line in lines:
        if line.name in ticks.apply:
            if not line.is_choice:
                answers[line.name] = YES
            elif written.get(line.name, UNKNOWN) not in (UNKNOWN, line.none_means):
                answers[line.name] = written[line.name]
        else:
            answers[line.name] = UNKNOWN if line.name in ticks.unknown else line.none_means
    return answers


def ticks_of(lines: Iterable[ChecklistLine], written: Mapping[str, str], ticked: Iterable[str]) -> Ticks:
    """Return the ticks that gave these written answers. `ticked`: choices ticked before, and still to be asked."""
    shown = list(lines)
    unknown = frozenset(line.name for line in shown if written.get(line.name) == UNKNOWN) - set(ticked)
    none = frozenset(line.name for line in shown if written.get(line.name) == line.none_means) - set(ticked)
    answered = frozenset(line.name for line in shown if line.name in written or line.name in ticked)
    apply = answered - unknown - none
    return Ticks(apply, unknown, none=bool(none) and not apply and len(answered) == len(shown))


def read_form_answers(ruleset: Ruleset, asked: Mapping[str, FormQuestion], written: Mapping[str, str]) -> FormAnswers:
    """Convert texts by name to answers and faults. An empty text is no answer, except to a text question."""
    answers: dict[str, Any] = {}
    faults: dict[str, str] = {}
    for name, text in written.items():
        if name not in asked:
            continue
        try:
            answers[name] = _read_text(asked[name], text)
        except ValueError as error:
            faults[name] = str(error)
    try:
        read_answers(ruleset, answers)
    except ReportError as error:
        for fault in error.faults:
            name = fault.pointer.rpartition("/")[2]
            faults[name] = _describe_fault(asked[name], fault.code, fault.detail)
            answers.pop(name, None)
    return FormAnswers(answers, faults)


def unanswered(question: FormQuestion) -> str:
    """Return the message for a person who went on without an answer; '' where none is needed."""
    match question.kind:
        case InputKind.TEXT:
            return ""
        case InputKind.NUMBER | InputKind.INTEGER:
            return f"Write a number{_add_range(question)}, or tick \u201c{question.unknown_label}\u201d."
        case _:
            return _CHOOSE


def _make_question(read: Input) -> FormQuestion:
    unit = format_unit(read.unit)
    return FormQuestion(
        name=read.name,
        kind=read.kind,
        text=read.question,
        help=read.help or "",
        group=read.group,
        asked_of=read.asked_of,
        unit=unit,
        between=_describe_range(read, unit),
        options=_make_options(read),
        max_length=read.max_length,
    )


def _make_checklist(panel: Panel, asked: Mapping[str, FormQuestion]) -> Checklist:
    lines = tuple(
        ChecklistLine(
            name=line.input,
            text=line.text or asked[line.input].text,
            help=asked[line.input].help,
            none_means=write_answer(line.none_means),
            is_choice=asked[line.input].kind is InputKind.CHOICE,
        )
        for line in panel.lines
        if line.input in asked
    )
    section = panel.section or (group_title(asked[lines[0].name]) if lines else "")
    return Checklist(panel.name, panel.question, section, lines)


def write_answer(answer: Value) -> str:
    """Return an answer as a form holds it."""
    match answer:
        case True:
            return YES
        case False:
            return NO
        case _:
            return str(answer)


def _make_options(read: Input) -> tuple[AnswerOption, ...]:
    match read.kind:
        case InputKind.YES_NO:
            return (AnswerOption(YES, "Yes"), AnswerOption(NO, "No"))
        case InputKind.CHOICE:
            return tuple(AnswerOption(choice.value, choice.label, choice.means_open) for choice in read.choices)
        case _:
            return ()


def _describe_range(read: Input, unit: str) -> str:
    low, high = _write_number(read.minimum), _write_number(read.maximum)
    if low and high:
        return f"{low} to {high}{unit}"
    if low:
        return f"{low}{unit} or more"
    return f"{high}{unit} or less" if high else ""


def _write_number(number: float | None) -> str:
    return "" if number is None else f"{number:g}" if abs(number) < 1e6 else f"{number:,.0f}"  # noqa: PLR2004


def _read_text(question: FormQuestion, text: str) -> Any:
    """Convert a written text to the posted answer. Raises ValueError with a sentence for people."""
    if question.kind is InputKind.TEXT:
        return text
    if text == UNKNOWN:
        return UNKNOWN
    match question.kind:
        case InputKind.YES_NO:
            if text not in (YES, NO):
                raise ValueError(_CHOOSE)
            return text == YES
        case InputKind.CHOICE:
            return text
        case _:
            return _read_number(question, text)


def _read_number(question: FormQuestion, text: str) -> float:
    """Read a number; a whole number stays an integer, and a decimal comma counts as a point."""
    plain = text.strip()
    if not _NUMBER.fullmatch(plain):
        raise ValueError(f"Write a number in digits{_add_range(question)}, without words.")
    whole = "." not in plain and "," not in plain
    return int(plain) if whole else float(plain.replace(",", "."))


def _add_range(question: FormQuestion) -> str:
    return f" ({question.between})" if question.between else ""


def _describe_fault(question: FormQuestion, code: str, detail: str) -> str:
    """Describe a report's fault for the person who wrote the answer, without repeating it."""
    match code:
        case "out_of_range":
            hints = detail.partition("; ")[2]
            message = f"This must be {question.between}." if question.between else "This number is too large."
            return message + (f" Please check: {hints}." if hints else "")
        case "wrong_type" if question.kind is InputKind.INTEGER:
            return f"Write a whole number{_add_range(question)}."
        case "not_a_choice":
            return _CHOOSE
        case "too_long":
            return f"Write at most {question.max_length} characters."
        case _:
            return "This can\u2019t be read. Please write it again."

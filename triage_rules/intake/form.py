"""Forms: a ruleset's inputs as questions in groups, the written texts as answers, and the questions to ask next.

Decides nothing. Written answers are text, as a form without scripts sends them; each becomes an answer of a report,
or a fault at its question.
"""

from __future__ import annotations

import re
from collections.abc import Container, Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from triage_rules.evaluation.answers import UNKNOWN, format_unit, read_answers
from triage_rules.foundation.errors import ReportError
from triage_rules.language.model import AskedOf, Audience, Input, InputKind, Ruleset

YES, NO = "yes", "no"
_NUMBER = re.compile(r"[-+]?\d{1,15}([.,]\d{1,15})?")
_CHOOSE = "Choose one of the answers; \u201cI don\u2019t know\u201d is one, too."


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

    def in_words(self, written: str) -> str:
        """Describe a written answer, as shown to a person."""
        if not written:
            return "Nothing to add" if self.kind is InputKind.TEXT else "Not answered"
        if written == UNKNOWN:
            return "I don\u2019t know"
        labels = {option.value: option.label for option in self.options}
        return labels.get(written, f"{written}{self.unit}")


@dataclass(frozen=True, slots=True)
class FormAnswers:
    """Answers of a form. `given`: as posted; `faults`: the question's name -> a sentence for people."""

    given: dict[str, Any]
    faults: dict[str, str]


def questions(ruleset: Ruleset, *, clinician: bool = False) -> dict[str, FormQuestion]:
    """Return the questions in the ruleset's order; for a clinician also those that only clinicians can answer."""
    audience = Audience.CLINICIAN if clinician else Audience.PATIENT
    return {read.name: _make_question(read) for read in ruleset.inputs.values() if read.asked_of in audience.answers}


def groups(asked: Iterable[FormQuestion]) -> list[tuple[str, list[FormQuestion]]]:
    """Group the questions; each group is placed where its first question stands."""
    members_of: dict[str, list[FormQuestion]] = {}
    for question in asked:
        members_of.setdefault(question.group, []).append(question)
    return [(name.replace("_", " ").capitalize(), members) for name, members in members_of.items()]


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


def next_questions(result: Mapping[str, Any], asked: Container[str], answered: Container[str]) -> list[str]:
    """Return questions not yet asked that could still change the level, the most important first.

    Empty once no answer can change the level. `result`: of the answers so far.
    """
    if result["determined"]:
        return []
    names = [str(entry["finding"]) for entry in result["ask"]]
    return [name for name in names if name in asked and name not in answered]


def unanswered(question: FormQuestion) -> str:
    """Return the message for a person who went on without an answer; '' where none is needed."""
    match question.kind:
        case InputKind.TEXT:
            return ""
        case InputKind.NUMBER | InputKind.INTEGER:
            return f"Write a number{_add_range(question)}, or tick \u201cI don\u2019t know\u201d."
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

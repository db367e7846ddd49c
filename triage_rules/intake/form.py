"""What a form asks: a ruleset's inputs as questions in groups, what is written in it as answers, what to ask next.

Nothing is decided here. What is written is text, as a form without scripts sends it; it becomes the findings of a
report, or a fault at its question.
"""

from __future__ import annotations

import re
from collections.abc import Container, Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from triage_rules.evaluation.answers import UNKNOWN, format_unit, read_answers
from triage_rules.foundation.errors import ReportError
from triage_rules.language.model import AskedOf, Input, InputKind, Ruleset

YES, NO = "yes", "no"
_NUMBER = re.compile(r"[-+]?\d{1,15}([.,]\d{1,15})?")
_CHOOSE = "Choose one of the answers; \u201cI don\u2019t know\u201d is one, too."


@dataclass(frozen=True, slots=True)
class AnswerOption:
    """An answer to choose. `is_open`: it leaves the question open."""

    value: str
    label: str
    is_open: bool = False


@dataclass(frozen=True, slots=True)
class FormQuestion:
    """An input as a person reads it. `unit` and `between`: in words, '' if there is none."""

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
        """It may be asked only where nobody else can see it."""
        return self.asked_of is AskedOf.PRIVATE

    def in_words(self, written: str) -> str:
        """What was written, as a person reads it."""
        if not written:
            return "Nothing to add" if self.kind is InputKind.TEXT else "Not answered"
        if written == UNKNOWN:
            return "I don\u2019t know"
        labels = {option.value: option.label for option in self.options}
        return labels.get(written, f"{written}{self.unit}")


@dataclass(frozen=True, slots=True)
class FormAnswers:
    """What a form came to. `findings`: as they are posted; `faults`: the question's name -> a sentence for people."""

    given: dict[str, Any]
    faults: dict[str, str]


def questions(ruleset: Ruleset, *, clinician: bool = False) -> dict[str, FormQuestion]:
    """All that can be asked, in the ruleset's order; of a clinician also what only they can answer."""
    asked = {AskedOf.ANYONE, AskedOf.PRIVATE} | ({AskedOf.CLINICIAN} if clinician else set())
    return {read.name: _question(read) for read in ruleset.inputs.values() if read.asked_of in asked}


def groups(asked: Iterable[FormQuestion]) -> list[tuple[str, list[FormQuestion]]]:
    """The questions by group, each group where its first question stands."""
    found: dict[str, list[FormQuestion]] = {}
    for question in asked:
        found.setdefault(question.group, []).append(question)
    return [(name.replace("_", " ").capitalize(), members) for name, members in found.items()]


def read_form_answers(ruleset: Ruleset, asked: Mapping[str, FormQuestion], written: Mapping[str, str]) -> FormAnswers:
    """From texts by name to findings and faults. What was left empty is no answer; of a text, that is what '' says."""
    answers: dict[str, Any] = {}
    faults: dict[str, str] = {}
    for name, text in written.items():
        if name not in asked:
            continue
        try:
            answers[name] = _read(asked[name], text)
        except ValueError as error:
            faults[name] = str(error)
    try:
        read_answers(ruleset, answers)
    except ReportError as error:
        for fault in error.faults:
            name = fault.pointer.rpartition("/")[2]
            faults[name] = _in_words(asked[name], fault.code, fault.detail)
            answers.pop(name, None)
    return FormAnswers(answers, faults)


def next_questions(result: Mapping[str, Any], asked: Container[str], answered: Container[str]) -> list[str]:
    """What could still change the level and was not asked yet, what matters most first. `result`: of what is answered.

    Empty once no answer can change the level.
    """
    if result["determined"]:
        return []
    names = [str(one["finding"]) for one in result["ask"]]
    return [name for name in names if name in asked and name not in answered]


def unanswered(question: FormQuestion) -> str:
    """What to tell who went on without an answer; '' where that is an answer."""
    match question.kind:
        case InputKind.TEXT:
            return ""
        case InputKind.NUMBER | InputKind.INTEGER:
            return f"Write a number{_or_between(question)}, or tick \u201cI don\u2019t know\u201d."
        case _:
            return _CHOOSE


def _question(read: Input) -> FormQuestion:
    unit = format_unit(read.unit)
    return FormQuestion(
        name=read.name,
        kind=read.kind,
        text=read.question,
        help=read.help or "",
        group=read.group,
        asked_of=read.asked_of,
        unit=unit,
        between=_between(read, unit),
        options=_options(read),
        max_length=read.max_length,
    )


def _options(read: Input) -> tuple[AnswerOption, ...]:
    match read.kind:
        case InputKind.YES_NO:
            return (AnswerOption(YES, "Yes"), AnswerOption(NO, "No"))
        case InputKind.CHOICE:
            return tuple(AnswerOption(choice.value, choice.label, choice.means_open) for choice in read.choices)
        case _:
            return ()


def _between(read: Input, unit: str) -> str:
    low, high = _plain(read.minimum), _plain(read.maximum)
    if low and high:
        return f"{low} to {high}{unit}"
    if low:
        return f"{low}{unit} or more"
    return f"{high}{unit} or less" if high else ""


def _plain(number: float | None) -> str:
    return "" if number is None else f"{number:g}" if abs(number) < 1e6 else f"{number:,.0f}"  # noqa: PLR2004


def _read(question: FormQuestion, text: str) -> Any:
    """What is posted for what was written. Raises ValueError with a sentence for people."""
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
            return _number(question, text)


def _number(question: FormQuestion, text: str) -> float:
    """A whole number stays one; a decimal comma is taken for a point."""
    plain = text.strip()
    if not _NUMBER.fullmatch(plain):
        raise ValueError(f"Write a number in digits{_or_between(question)}, without words.")
    whole = "." not in plain and "," not in plain
    return int(plain) if whole else float(plain.replace(",", "."))


def _or_between(question: FormQuestion) -> str:
    return f" ({question.between})" if question.between else ""


def _in_words(question: FormQuestion, code: str, detail: str) -> str:
    """A fault of the report as the person who wrote it reads it. Never what was written."""
    match code:
        case "out_of_range":
            hints = detail.partition("; ")[2]
            told = f"This must be {question.between}." if question.between else "This number is too large."
            return told + (f" Please check: {hints}." if hints else "")
        case "wrong_type" if question.kind is InputKind.INTEGER:
            return f"Write a whole number{_or_between(question)}."
        case "not_a_choice":
            return _CHOOSE
        case "too_long":
            return f"Write at most {question.max_length} characters."
        case _:
            return "This can\u2019t be read. Please write it again."

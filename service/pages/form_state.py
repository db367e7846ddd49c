"""Where a person is in a form: all of it travels in the form's own hidden fields, so nothing is kept here meanwhile."""

from __future__ import annotations

import hashlib
import re
import secrets
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from werkzeug.datastructures import MultiDict

from triage_rules.evaluation.answers import UNKNOWN
from triage_rules.foundation import strict_json
from triage_rules.intake.form import FormAnswers, FormQuestion, read_form_answers
from triage_rules.language.model import InputKind, Ruleset

ANSWER = "a."
"""Before the question's name: the field that holds its answer."""

SHOWN, SKIPPED = "shown", "skipped"
"""What the person said about the private questions; '' before they were offered."""

_ID = re.compile(r"[0-9a-f]{32}")
_PRINT = re.compile(r"[0-9a-f]{16}")


@dataclass
class FormState:
    """`written`: name -> text. `path`: the questions asked one by one, in order; `at`: the one that is shown.

    `sent`: the report that was sent, '' if none, and `sent_print`: the print of its answers.
    """

    asked: Mapping[str, FormQuestion]
    id: str
    written: dict[str, str] = field(default_factory=dict)
    path: list[str] = field(default_factory=list)
    at: str = ""
    private: str = ""
    clinician: bool = False
    sent: str = ""
    sent_print: str = ""

    def answers(self, ruleset: Ruleset) -> FormAnswers:
        """What is written, as findings and faults."""
        return read_form_answers(ruleset, self.asked, self.written)

    def is_private(self, name: str) -> bool:
        """Whether the question may be shown only where nobody else sees it."""
        return self.asked[name].is_private

    def visit(self, name: str) -> None:
        """The question was answered, and the person went on."""
        if name and name not in self.path:
            self.path.append(name)

    def step_back(self) -> bool:
        """To the question before. False if there is none."""
        before = self.path[: self.path.index(self.at)] if self.at in self.path else self.path
        if not before:
            return False
        self.at = before[-1]
        self.path = before[:-1]
        return True

    def hidden(self, visible: str = "") -> Iterator[tuple[str, str]]:
        """The hidden fields that carry it, without the answer to the question that is visible."""
        yield "id", self.id
        yield "path", " ".join(self.path)
        yield "at", self.at
        yield "private", self.private
        yield "clinician", "yes" if self.clinician else ""
        yield "sent", self.sent
        yield "sent_print", self.sent_print
        for name, text in self.written.items():
            if name != visible:
                yield ANSWER + name, text


def fresh(asked: Mapping[str, FormQuestion], *, clinician: bool) -> FormState:
    """Nothing is answered yet."""
    return FormState(asked, secrets.token_hex(16), clinician=clinician)


def read(form: MultiDict[str, str], asked: Mapping[str, FormQuestion], *, clinician: bool) -> FormState:
    """What was posted. What can't be ours counts as not said."""
    path = [name for name in form.get("path", "").split() if name in asked]
    at = form.get("at", "")
    state = FormState(
        asked=asked,
        id=form.get("id", "") if _ID.fullmatch(form.get("id", "")) else secrets.token_hex(16),
        path=list(dict.fromkeys(path)),
        at=at if at in asked else "",
        private=form.get("private", "") if form.get("private") in (SHOWN, SKIPPED) else "",
        clinician=clinician,
        sent=form.get("sent", "") if _ID.fullmatch(form.get("sent", "")) else "",
        sent_print=form.get("sent_print", "") if _PRINT.fullmatch(form.get("sent_print", "")) else "",
    )
    seen = {*state.path, state.at}
    for name, question in asked.items():
        if (text := _written(form.getlist(ANSWER + name), question, was_asked=name in seen)) is not None:
            state.written[name] = text
    return state


def print_of(findings: Mapping[str, Any]) -> str:
    """Tells answers apart: the same answers have the same print."""
    text = strict_json.dumps(dict(sorted(findings.items())))
    return hashlib.sha256(text.encode("utf-8", "backslashreplace")).hexdigest()[:16]


def _written(texts: list[str], question: FormQuestion, *, was_asked: bool) -> str | None:
    """Of a field and the box beside it: what was written, else that it isn't known. An empty text may be an answer."""
    plain = [text.strip().replace("\r\n", "\n") for text in texts]
    said = [text for text in plain if text and text != UNKNOWN]
    if said:
        return said[0]
    if UNKNOWN in plain:
        return UNKNOWN
    return "" if plain and question.kind is InputKind.TEXT and was_asked else None

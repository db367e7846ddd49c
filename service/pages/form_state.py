"""The state of a form in progress, carried in its hidden fields; the service stores nothing until it is sent."""

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
"""Prefix of the fields with answers."""

SHOWN, SKIPPED = "shown", "skipped"
"""The person's choice about the private questions; '' before they were offered."""

_ID = re.compile(r"[0-9a-f]{32}")
_PRINT = re.compile(r"[0-9a-f]{16}")
_CODE = re.compile(r"\w{1,100}", re.ASCII)


@dataclass
class FormState:
    """The state of a form. `written`: the texts by question; `path`: the questions answered so far, in order.

    `at`: the question that is shown; `sent`: the id of the report sent last, or ''; `sent_print`: its answers'
    fingerprint; `sent_as`: its disposition, if it was sent for being urgent.
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
    sent_as: str = ""

    def answers(self, ruleset: Ruleset) -> FormAnswers:
        """Read the texts as answers and faults."""
        return read_form_answers(ruleset, self.asked, self.written)

    def is_private(self, name: str) -> bool:
        """Return True if the question may be shown only to a person who is alone."""
        return self.asked[name].is_private

    def visit(self, name: str) -> None:
        """Add an answered question to the path."""
        if name and name not in self.path:
            self.path.append(name)

    def step_back(self) -> bool:
        """Go to the previous question; return False if there is none."""
        before = self.path[: self.path.index(self.at)] if self.at in self.path else self.path
        if not before:
            return False
        self.at = before[-1]
        self.path = before[:-1]
        return True

    def hidden(self, visible: str = "") -> Iterator[tuple[str, str]]:
        """Yield the hidden fields of the state, except the answer to the visible question."""
        yield "id", self.id
        yield "path", " ".join(self.path)
        yield "at", self.at
        yield "private", self.private
        yield "clinician", "yes" if self.clinician else ""
        yield "sent", self.sent
        yield "sent_print", self.sent_print
        yield "sent_as", self.sent_as
        for name, text in self.written.items():
            if name != visible:
                yield ANSWER + name, text


def new_state(asked: Mapping[str, FormQuestion], *, clinician: bool) -> FormState:
    """Return the state of an empty form."""
    return FormState(asked, secrets.token_hex(16), clinician=clinician)


def read_state(form: MultiDict[str, str], asked: Mapping[str, FormQuestion], *, clinician: bool) -> FormState:
    """Read the posted state; invalid values are dropped."""
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
        sent_as=form.get("sent_as", "") if _CODE.fullmatch(form.get("sent_as", "")) else "",
    )
    seen = {*state.path, state.at}
    for name, question in asked.items():
        if (text := _written(form.getlist(ANSWER + name), question, was_asked=name in seen)) is not None:
            state.written[name] = text
    return state


def fingerprint(findings: Mapping[str, Any]) -> str:
    """Return a fingerprint of answers; equal answers have equal fingerprints."""
    text = strict_json.dumps(dict(sorted(findings.items())))
    return hashlib.sha256(text.encode("utf-8", "backslashreplace")).hexdigest()[:16]


def _written(texts: list[str], question: FormQuestion, *, was_asked: bool) -> str | None:
    """Return the text of a field, else UNKNOWN if its box is ticked, else None. An empty text may be an answer."""
    plain = [text.strip().replace("\r\n", "\n") for text in texts]
    entered = [text for text in plain if text and text != UNKNOWN]
    if entered:
        return entered[0]
    if UNKNOWN in plain:
        return UNKNOWN
    return "" if plain and question.kind is InputKind.TEXT and was_asked else None

"""The state of a form in progress, carried in its hidden fields; the service stores nothing until it is sent."""

from __future__ import annotations

import hashlib
import re
import secrets
from collections.abc import Container, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from werkzeug.datastructures import MultiDict

from triage_rules.evaluation.answers import UNKNOWN
from triage_rules.foundation import strict_json
from triage_rules.intake.form import (
    YES,
    Checklist,
    ChecklistLine,
    FormAnswers,
    FormQuestion,
    Ticks,
    checklists,
    questions,
    read_form_answers,
    ticks_of,
    write_ticks,
)
from triage_rules.language.model import Audience, InputKind, Ruleset

ANSWER = "a."
"""Prefix of the fields with answers."""

TICK = "tick."
"""Prefix of the fields of ticked choices, which are still to be asked."""

NONE = "none"
"""Field with the names of the checklists where "None of these" is ticked."""

SHOWN, SKIPPED = "shown", "skipped"
"""The person's choice about the private questions; '' before they were offered."""

REVIEW, PRIVATE, ALL = "review", "private", "all"
"""Pages of the form that show no screen of the interview."""

PANEL = "panel:"
"""Prefix of a panel's name, where the name of a question may stand, too."""

_ID = re.compile(r"[0-9a-f]{32}")
_PRINT = re.compile(r"[0-9a-f]{16}")
_COUNT = re.compile(r"[0-9]{1,3}")
_CODE = re.compile(r"\w{1,100}", re.ASCII)


@dataclass(frozen=True, slots=True)
class FormScreen:
    """Questions that are shown together: lines of a panel, or one to three questions. `panel`: '' for questions."""

    names: tuple[str, ...]
    panel: str = ""

    def __str__(self) -> str:
        return " ".join([PANEL + self.panel, *self.names] if self.panel else self.names)


@dataclass
class FormState:
    """The state of a form. `written`: the texts by question; `ticked`: choices ticked in checklists, to be asked.

    `at`: the screen that is shown; `page`: the page that is shown instead; `again`: it was completed before. `path`:
    the screens completed so far, in order. `left`: the number of further screens stated on this screen; `before`: on
    the one before. `sent`: the id of the report sent last, or ''; `sent_print`: its answers' fingerprint; `sent_as`:
    its disposition, if it was sent for being urgent; `shown_as`: the urgent disposition that the person has seen.
    """

    asked: Mapping[str, FormQuestion]
    lists: Mapping[str, Checklist]
    id: str
    audience: Audience = Audience.PATIENT
    written: dict[str, str] = field(default_factory=dict)
    ticked: list[str] = field(default_factory=list)
    ticks: dict[str, Ticks] = field(default_factory=dict)
    path: list[FormScreen] = field(default_factory=list)
    at: FormScreen | None = None
    page: str = ""
    again: bool = False
    left: int | None = None
    before: int | None = None
    private: str = ""
    sent: str = ""
    sent_print: str = ""
    sent_as: str = ""
    shown_as: str = ""

    def answers(self, ruleset: Ruleset, without: Container[str] = ()) -> FormAnswers:
        """Read the texts as answers and faults."""
        written = {name: text for name, text in self.written.items() if name not in without}
        return read_form_answers(ruleset, self.asked, written)

    def lines(self, screen: FormScreen) -> list[ChecklistLine]:
        """Return the lines of a panel's screen."""
        return [line for line in self.lists[screen.panel].lines if line.name in screen.names]

    def shown_ticks(self, panel: str, lines: Iterable[ChecklistLine]) -> Ticks:
        """Return the ticks to show: those just made, else those that gave the answers."""
        return self.ticks.get(panel) or ticks_of(lines, self.written, self.ticked)

    def is_private(self, names: Iterable[str]) -> bool:
        """Return True if one of the questions may be shown only to a person who is alone."""
        return any(self.asked[name].is_private for name in names)

    def skip_private(self, names: Iterable[str]) -> None:
        """Answer the private questions among these that have no answer with "unknown"."""
        self.private = SKIPPED
        for name in names:
            if self.asked[name].is_private:
                self.written.setdefault(name, UNKNOWN)

    def show(self, screen: FormScreen) -> None:
        """Go to a screen."""
        self.at, self.page = screen, ""
        self.again = all(name in self.written or name in self.ticked for name in screen.names)

    def show_page(self, page: str) -> None:
        """Go to a page that shows no screen."""
        self.at, self.page, self.again = None, page, False

    def complete_screen(self) -> None:
        """Add the current screen to the path."""
        if self.at is not None and self.at not in self.path:
            self.path.append(self.at)

    def step_back(self) -> bool:
        """Go to the previous screen; return False if there is none."""
        earlier = self.path[: self.path.index(self.at)] if self.at in self.path else self.path
        if not earlier:
            return False
        self.path = earlier[:-1]
        self.show(earlier[-1])
        return True

    def apply_ticks(self, panel: str, lines: list[ChecklistLine]) -> str:
        """Take the ticks in a checklist as its answer; return their fault, or ''."""
        ticks = self.ticks[panel]
        if fault := ticks.fault(lines):
            return fault
        answers = write_ticks(lines, ticks, self.written)
        for line in lines:
            self.written.pop(line.name, None)
        self.written |= answers
        self.ticked = [name for name in self.ticked if name not in {line.name for line in lines}]
        self.ticked += [line.name for line in lines if line.is_choice and line.name in ticks.apply]
        return ""

    def withdraw_none(self, lines: Iterable[ChecklistLine], ticks: Ticks) -> None:
        """Drop the earlier answer of each ticked choice that says that the line does not apply."""
        for line in lines:
            if line.is_choice and line.name in ticks.apply and self.written.get(line.name) == line.none_means:
                del self.written[line.name]

    def hidden(self, visible: Container[str] = ()) -> Iterator[tuple[str, str]]:
        """Yield the hidden fields of the state, except the answers to visible questions."""
        yield "id", self.id
        yield "path", ",".join(map(str, self.path))
        yield "at", self.page or str(self.at or "")
        yield "again", YES if self.again else ""
        yield "left", "" if self.left is None else str(self.left)
        yield "before", "" if self.before is None else str(self.before)
        yield "private", self.private
        yield "clinician", YES if self.audience is Audience.CLINICIAN else ""
        for name, text in self.written.items():
            if name not in visible or (self._is_tick_of_choice(name) and text != UNKNOWN):
                yield ANSWER + name, text
        for name in self.ticked:
            if name not in visible or not self._is_tick_of_choice(name):
                yield TICK + name, YES

    def hidden_sent(self) -> Iterator[tuple[str, str]]:
        """Yield the hidden fields about what was sent and shown."""
        yield "sent", self.sent
        yield "sent_print", self.sent_print
        yield "sent_as", self.sent_as
        yield "shown_as", self.shown_as

    def _is_tick_of_choice(self, name: str) -> bool:
        """Return True if the visible screen shows the choice as a line to tick, so that its answer stays hidden."""
        return (
            self.at is not None
            and bool(self.at.panel)
            and any(line.is_choice and line.name == name for line in self.lines(self.at))
        )


def new_state(ruleset: Ruleset, audience: Audience) -> FormState:
    """Return the state of an empty form."""
    asked = questions(ruleset, audience)
    return FormState(asked, checklists(ruleset, asked), secrets.token_hex(16), audience)


def read_state(form: MultiDict[str, str], ruleset: Ruleset, audience: Audience) -> FormState:
    """Read the posted state; invalid values are dropped."""
    state = new_state(ruleset, audience)
    at = form.get("at", "")
    state.id = _read(form, "id", _ID) or state.id
    state.page = at if at in (REVIEW, PRIVATE, ALL) else ""
    state.at = _read_screen(at, state)
    screens = (_read_screen(text, state) for text in form.get("path", "").split(","))
    state.path = list(dict.fromkeys(screen for screen in screens if screen is not None))
    state.again = form.get("again") == YES
    left, before = _read(form, "left", _COUNT), _read(form, "before", _COUNT)
    state.left, state.before = int(left) if left else None, int(before) if before else None
    state.private = form.get("private", "") if form.get("private") in (SHOWN, SKIPPED) else ""
    state.sent, state.sent_print = _read(form, "sent", _ID), _read(form, "sent_print", _PRINT)
    state.sent_as, state.shown_as = _read(form, "sent_as", _CODE), _read(form, "shown_as", _CODE)
    seen = {name for screen in [*state.path, *([state.at] if state.at else [])] for name in screen.names}
    for name, question in state.asked.items():
        if (text := _read_text(form.getlist(ANSWER + name), question, was_asked=name in seen)) is not None:
            state.written[name] = text
    choices = {line.name for checklist in state.lists.values() for line in checklist.lines if line.is_choice}
    state.ticked = [name for name in state.asked if name in choices and form.get(TICK + name)]
    for name in state.ticked:  # the person said that it applies, so "unknown" is no answer
        if state.written.get(name) == UNKNOWN:
            del state.written[name]
    return state


def read_ticks(form: MultiDict[str, str], panel: str, lines: Iterable[ChecklistLine]) -> Ticks:
    """Read the ticks in a visible checklist. A line that is ticked applies, even if it is marked as not known, too."""
    apply, unknown = set(), set()
    for line in lines:
        texts = form.getlist(ANSWER + line.name)
        if form.get(TICK + line.name) if line.is_choice else YES in texts:
            apply.add(line.name)
        elif UNKNOWN in texts:
            unknown.add(line.name)
    return Ticks(frozenset(apply), frozenset(unknown), panel in form.getlist(NONE))


def fingerprint(findings: Mapping[str, Any]) -> str:
    """Return a fingerprint of answers; equal answers have equal fingerprints."""
    text = strict_json.dumps(dict(sorted(findings.items())))
    return hashlib.sha256(text.encode("utf-8", "backslashreplace")).hexdigest()[:16]


def _read(form: MultiDict[str, str], name: str, pattern: re.Pattern[str]) -> str:
    text = form.get(name, "")
    return text if pattern.fullmatch(text) else ""


def _read_screen(text: str, state: FormState) -> FormScreen | None:
    """Read a screen as `str` writes it; None if it can't be shown now."""
    first, *others = text.split(" ")
    if first.startswith(PANEL):
        checklist = state.lists.get(first.removeprefix(PANEL))
        names = () if checklist is None else tuple(line.name for line in checklist.lines if line.name in others)
        return FormScreen(names, first.removeprefix(PANEL)) if names else None
    names = tuple(dict.fromkeys(name for name in [first, *others] if name in state.asked))
    return FormScreen(names) if names else None


def _read_text(texts: list[str], question: FormQuestion, *, was_asked: bool) -> str | None:
    """Return the text of a field, else UNKNOWN if its box is ticked, else None. An empty text may be an answer."""
    plain = [text.strip().replace("\r\n", "\n") for text in texts]
    entered = [text for text in plain if text and text != UNKNOWN]
    if entered:
        return entered[0]
    if UNKNOWN in plain:
        return UNKNOWN
    return "" if plain and question.kind is InputKind.TEXT and was_asked else None

"""The intake form of a ruleset: one screen of the interview at a time, or all questions on one page.

The form works without scripts: each button posts the form, which carries all answers so far. The same use cases as
behind the API read the answers.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, TypeVar

from flask import Blueprint, Response, request

from service.api.reports import wait_for_report
from service.api.rulesets import NOT_APPROVED
from service.http.api_keys import get_caller
from service.http.parts import get_parts
from service.pages import form_state, form_wording, signed_links
from service.pages.form_state import ALL, PANEL, PRIVATE, REVIEW, SHOWN, FormScreen, FormState
from service.pages.page import may, page, redirect_to, render
from service.use.intake import Request
from triage_rules.deployment.live import Loaded
from triage_rules.evaluation.answers import read_answers
from triage_rules.foundation.errors import LinkError, QueueTooOld, ReportError, StaleRuleset, StoreUnavailable
from triage_rules.intake.form import FormAnswers, groups, questions, unanswered
from triage_rules.intake.links import FormLink
from triage_rules.interview.plan import MOST_TICKED
from triage_rules.interview.screens import count_screens_left
from triage_rules.language.model import Audience, Level, Ruleset
from triage_rules.records.api_keys import Scope
from triage_rules.records.reports import History

blueprint = Blueprint("form", __name__)

T = TypeVar("T")

DRAWINGS = {"blanches_on_pressure": "form/glass-test.html"}
"""Drawings beside questions that are easier to see than to read."""

WAIT_SECONDS = 3
"""Time that the person waits for the result before a page shows that it is being worked out."""

KEPT_BY_BROWSER = "private, no-cache"
"""Lets the browser keep a form, so going back loses no answer; it revalidates before it shows the form again."""

RETRY, SEND = "retry", "send"
"""The buttons that try again what could not be sent: urgent answers, or the whole form."""

NOT_NOW = (StoreUnavailable, QueueTooOld, StaleRuleset)
"""The errors after which the same report may be sent later."""


@dataclass
class FormRequest:
    """A request of a form: its ruleset, its signed link, and the answers so far.

    `is_away`: the store does not answer; `unsent`: the button that tries again what could not be sent, or ''.
    """

    loaded: Loaded
    link: FormLink | None
    state: FormState
    is_away: bool = False
    unsent: str = ""
    _results: dict[str, dict[str, Any]] = field(default_factory=dict)

    @property
    def ruleset(self) -> Ruleset:
        return self.loaded.ruleset

    @property
    def client(self) -> str:
        return get_caller().client if self.link is None else self.link.client

    def body(self, answers: FormAnswers) -> dict[str, Any]:
        """Return the report as a program would post it."""
        report: dict[str, Any] = {"ruleset": self.ruleset.name, "findings": answers.given}
        if self.state.audience is not Audience.PATIENT:
            report["audience"] = self.state.audience.value
        if self.link is not None and self.link.subject is not None:
            report["subject"] = self.link.subject
        if self.state.sent:
            report["amends"] = self.state.sent
        return report

    def result(self, answers: FormAnswers) -> dict[str, Any]:
        """Evaluate the answers so far; while the store is away, without the subject's earlier reports."""
        key = form_state.fingerprint(answers.given)
        if key not in self._results:
            self._results[key] = self._evaluate(answers)
        return self._results[key]

    def is_urgent(self, answers: FormAnswers) -> bool:
        """Return True if the answers are urgent, whatever the person answers to the open questions.

        An incomplete form may be urgent only for its open questions.
        """
        result = self.result(answers)
        if result["level"] != Level.URGENT.word:
            return False
        by_rules = result["by_rules"]
        if result["interview"]["complete"] or (by_rules is not None and by_rules["level"] == Level.URGENT.word):
            return True
        given = read_answers(self.ruleset, answers.given)
        decision = self.loaded.planner.standing(given, History(), self.state.audience).decision
        return decision.lowest is Level.URGENT

    def _evaluate(self, answers: FormAnswers) -> dict[str, Any]:
        intake = get_parts().intake
        if not self.is_away:
            try:
                return self.amending(lambda: intake.evaluate(self.body(answers), self.client))
            except StoreUnavailable:
                self.is_away = True
        return intake.evaluate_offline(self.body(answers), self.loaded)

    def accept(self, answers: FormAnswers) -> str:
        """Accept the report and return its id; the same answers after the same report always give the same one.

        Raises StoreUnavailable, QueueTooOld, StaleRuleset.
        """
        if self.is_away:
            raise StoreUnavailable
        return self.amending(lambda: self._accept(answers))

    def _accept(self, answers: FormAnswers) -> str:
        print_ = form_state.fingerprint(answers.given)
        key = f"form {self.state.id} {print_} {self.state.sent}"  # callers' keys have no blanks
        return get_parts().intake.accept(Request(self.body(answers), key, self.client)).id

    def amending(self, call: Callable[[], T]) -> T:
        """Call again without the earlier report if it can't be amended, for example because it was erased."""
        try:
            return call()
        except ReportError as error:
            if not self.state.sent or {fault.pointer for fault in error.faults} != {"/amends"}:
                raise
            self.state.sent = self.state.sent_as = ""
            return call()


@page(
    blueprint,
    "/forms/<ruleset>",
    methods=("GET", "POST"),
    needs=frozenset({Scope.REPORT}),
    opener=signed_links.open_form,
)
def show(ruleset: str) -> Response:
    """Start the form (GET), or do what the pressed button says with the posted answers (POST)."""
    link = signed_links.form_link()
    if link is not None and link.ruleset != ruleset:
        raise LinkError("link", "it is for another form")
    if request.form.get("do") in (RETRY, SEND) and not request.form.get("auto"):  # a person waits for it
        get_parts().live.refresh()
    loaded, is_reached = get_parts().live.get_last(ruleset)
    is_clinician = link is None and may(Scope.READ) and request.values.get("clinician") == "yes"
    audience = Audience.CLINICIAN if is_clinician else Audience.PATIENT
    if request.method == "GET":
        state = form_state.new_state(loaded.ruleset, audience)
        response = _begin(FormRequest(loaded, link, state, not is_reached), request.args.get("mode", ""))
    else:
        state = form_state.read_state(request.form, loaded.ruleset, audience)
        response = _act(FormRequest(loaded, link, state, not is_reached), request.form.get("do", ""))
    response.headers["Cache-Control"] = KEPT_BY_BROWSER
    return response


def _begin(form: FormRequest, mode: str) -> Response:
    match mode:
        case "one":
            return _show_next(form)
        case "all":
            return _show_all(form)
        case _:
            return _render(
                form,
                "form/start.html",
                count=len(form.state.asked),
                may_answer_as_clinician=_may_answer_as_clinician(form),
            )


def _act(form: FormRequest, do: str) -> Response:
    state = form.state
    faults = _read_checklists(form, is_next=do == "next")
    match do.partition(":"):
        case ["next", _, _]:
            return _submit_screen(form)
        case ["back", _, _]:
            return _show_again(form) if state.step_back() else _show_next(form)
        case ["edit", _, name] if (screen := form_wording.screen_to_edit(state, name)) is not None:
            state.show(screen)
            return _show_again(form)
        case ["private", _, _]:
            state.private = SHOWN
            return _show_next(form)
        case ["skip-private", _, _]:
            result = form.result(state.answers(form.ruleset))
            state.skip_private(entry["finding"] for entry in result["ask"])
            return _show_next(form)
        case ["all" | "all-private" as which, _, _]:
            state.private = SHOWN if which == "all-private" else state.private
            return _show_all(form, faults)
        case ["check", _, _]:
            return _show_progress(form)
        case ["review", _, _]:
            return _show_ticked(form) or _show_review(form)
        case ["send", _, _]:
            return _send(form, faults)
        case ["show" | "retry", _, _]:
            return _show_current(form, faults)
        case _:
            return _show_next(form)


def _read_checklists(form: FormRequest, *, is_next: bool) -> dict[str, str]:
    """Take the ticks in the visible checklists as answers; return the faults of the page with all questions.

    On a screen only Next completes a checklist, or any button if it was completed before: without it, a line that is
    not ticked is not answered.
    """
    state = form.state
    if state.page == ALL:
        state.ticked = [name for name in state.ticked if name not in state.written]
        shown = [(panel, checklist.yes_no_lines) for panel, checklist in state.lists.items()]
    else:
        shown = [] if state.at is None or not state.at.panel else [(state.at.panel, state.lines(state.at))]
    faults = {}
    for panel, lines in shown:
        ticks = form_state.read_ticks(request.form, panel, lines)
        if state.page == ALL and ticks.is_empty:
            continue
        state.ticks[panel] = ticks
        state.withdraw_none(lines, ticks)
        if (state.page == ALL or (state.again and not is_next)) and (fault := state.apply_ticks(panel, lines)):
            faults[PANEL + panel] = fault
    return faults


def _submit_screen(form: FormRequest) -> Response:
    """Go to the next screen, unless an answer of this one has a fault."""
    state = form.state
    if state.at is None:
        return _show_next(form)
    if state.at.panel:
        fault = state.apply_ticks(state.at.panel, state.lines(state.at))
        faults = {PANEL + state.at.panel: fault} if fault else {}
    else:
        invalid = state.answers(form.ruleset).faults
        missing = {name: _missing(state, name) for name in state.at.names if name not in state.written}
        faults = {name: text for name in state.at.names if (text := invalid.get(name) or missing.get(name, ""))}
        state.ticked = [name for name in state.ticked if name not in state.at.names or name in faults]
    if faults:
        if state.at.panel:  # a misspelt number is no open question: it is corrected before it is judged
            _send_if_urgent(form, state.answers(form.ruleset))
        return _show_screen(form, faults)
    state.complete_screen()
    state.before = state.left
    return _show_next(form, keep_before=True)


def _missing(state: FormState, name: str) -> str:
    """Return the message for a question without an answer; '' where none is needed."""
    return form_wording.ticked_fault(state, name) if name in state.ticked else unanswered(state.asked[name])


def _ticked_to_ask(state: FormState, result: dict[str, Any]) -> list[str]:
    """Return the ticked choices without an answer that could still change the outcome."""
    ask = {entry["finding"] for entry in result["ask"]}
    return [name for name in state.ticked if name in ask and name not in state.written]


def _show_ticked(form: FormRequest) -> Response | None:
    """Show the ticked choices that must be answered before the form is checked or sent; None if there are none."""
    state = form.state
    answers = state.answers(form.ruleset)
    ticked = _ticked_to_ask(state, form.result(answers))[:MOST_TICKED]
    if not ticked:
        return None
    _send_if_urgent(form, answers)
    state.complete_screen()  # Back leads to the tick
    state.show(FormScreen(tuple(ticked)))
    state.before = None
    return _show_screen(form, {name: _missing(state, name) for name in ticked})


def _show_next(form: FormRequest, *, keep_before: bool = False) -> Response:
    """Show the next screen of the interview, and the summary after the last one."""
    state = form.state
    state.before = state.before if keep_before else None
    answers = state.answers(form.ruleset)
    result = form.result(answers)
    _send_if_urgent(form, answers)
    screen = _next_screen(state, result)
    if screen is None:
        return _show_review(form)
    if state.is_private(screen.names) and state.private != SHOWN:
        return _show_private(form)  # also after another private question was skipped
    state.show(screen)
    return _show_screen(form)


def _next_screen(state: FormState, result: dict[str, Any]) -> FormScreen | None:
    """Return the screen to show: ticked choices first; None if nothing is left to ask."""
    ask = {entry["finding"] for entry in result["ask"]}
    ticked = [name for name in state.ticked if name in ask or name in state.written]
    if ticked:
        return FormScreen(tuple(ticked[:MOST_TICKED]))
    shown = result["interview"]["next"]
    if shown is None:
        return None
    panel = shown.get("panel", "")
    return FormScreen(tuple(item["finding"] for item in shown["lines" if panel else "questions"]), panel)


def _show_again(form: FormRequest) -> Response:
    """Show a screen that was completed before."""
    form.state.before = None
    return _show_screen(form)


def _show_current(form: FormRequest, faults: dict[str, str]) -> Response:
    """Show the same page again, after trying again to send urgent answers."""
    state = form.state
    answers = state.answers(form.ruleset)
    _send_if_urgent(form, answers)
    match state.page:
        case form_state.REVIEW:
            return _show_review(form)
        case form_state.PRIVATE:
            return _show_private(form)
        case form_state.ALL:
            return _show_all(form, faults)
    if state.at is None or (state.is_private(state.at.names) and state.private != SHOWN):
        return _show_next(form)
    return _show_screen(form)


def _show_private(form: FormRequest) -> Response:
    form.state.show_page(PRIVATE)
    return _render(form, "form/private.html")


def _show_screen(form: FormRequest, faults: dict[str, str] | None = None) -> Response:
    """Show the current screen. `faults`: by the names of its questions or of its panel."""
    state = form.state
    at = state.at
    assert at is not None
    result = form.result(state.answers(form.ruleset))
    others = {entry["finding"] for entry in result["ask"]}.difference(at.names)
    state.left = count_screens_left(form.loaded.planner.screens, others)
    checklist = state.lists.get(at.panel)
    lines = [] if checklist is None else state.lines(at)
    return _render(
        form,
        "form/screen.html",
        422 if faults else 200,
        questions=[state.asked[name] for name in at.names],
        faults=faults or {},
        summary=form_wording.list_faults(state, faults or {}),
        is_private=state.is_private(at.names),
        number=len([screen for screen in state.path if screen != at]) + 1,
        opened=state.before is not None and state.left + 1 > state.before,
        reasons=form_wording.reasons_to_ask(form.ruleset, at, form.result(state.answers(form.ruleset, at.names))),
        checklist=checklist,
        lines=lines,
        ticks=state.shown_ticks(at.panel, lines),
        section=form_wording.section_title(state, at),
        shows_urgent=bool(state.sent or at.panel or not faults),
    )


def _show_all(form: FormRequest, faults: dict[str, str] | None = None) -> Response:
    """Show all questions in groups; private ones only if the person has confirmed to be alone."""
    state = form.state
    state.show_page(ALL)
    answers = state.answers(form.ruleset)
    shown = [question for question in state.asked.values() if not question.is_private or state.private == SHOWN]
    return _render(
        form,
        "form/all.html",
        422 if faults else 200,
        groups=groups(shown, state.lists.values()),
        faults=faults or {},
        summary=form_wording.list_faults(state, faults or {}),
        has_private=any(question.is_private for question in state.asked.values()) and state.private != SHOWN,
        visible=frozenset(question.name for question in shown),
        **_progress(form, answers),
    )


def _show_progress(form: FormRequest) -> Response:
    """Show the progress on the page with all questions: the advice if it is urgent, and the next questions."""
    answers = form.state.answers(form.ruleset)
    return render("form/standing.html", by_script=True, **_progress(form, answers))


def _progress(form: FormRequest, answers: FormAnswers) -> dict[str, Any]:
    result = form.result(answers)
    left = [form.state.asked[entry["finding"]] for entry in result["ask"]]
    return {
        "urgent": _urgent_notice(form, answers),
        "complete": result["interview"]["complete"],
        "answered": len(answers.given),
        "matters": [question for question in left if not question.is_private][:3],
        "irrelevant": [
            *(entry["finding"] for entry in result["irrelevant"]),
            *sorted(form.ruleset.not_asked(answers.given) - answers.given.keys()),
        ],
    }


def _show_review(form: FormRequest, status: int = 200) -> Response:
    """Show all answers, to be checked, changed and sent."""
    state = form.state
    answers = state.answers(form.ruleset)
    result = form.result(answers)
    if not form.unsent:
        _send_if_urgent(form, answers)
    state.show_page(REVIEW)
    return _render(
        form,
        "form/review.html",
        status,
        rows=form_wording.describe_answers(state, answers),
        wrong=[(state.asked[name], fault) for name, fault in answers.faults.items()],
        complete=result["interview"]["complete"],
        left=count_screens_left(form.loaded.planner.screens, {entry["finding"] for entry in result["ask"]}),
        elsewhere=form_wording.describe_elsewhere(result),
        include_open=True,
        was_sent=bool(state.sent) and state.sent_print == form_state.fingerprint(answers.given),
        result_at=signed_links.address_of_result(state.sent) if state.sent else "",
    )


def _send(form: FormRequest, faults: dict[str, str]) -> Response:
    """Post the answers as a report and show its result; on faults show the questions again."""
    state = form.state
    answers = state.answers(form.ruleset)
    faults = answers.faults | faults
    if state.page == ALL:
        faults |= {name: _missing(state, name) for name in _ticked_to_ask(state, form.result(answers))}
        if faults:
            return _show_all(form, faults)
    if (page := _show_ticked(form)) is not None:
        return page
    if faults:
        return _show_review(form)
    try:
        report = form.accept(answers)
    except NOT_NOW:
        form.unsent = SEND
        return _show_review(form, 503)
    wait_for_report(report, WAIT_SECONDS)
    return redirect_to(signed_links.address_of_result(report))


def _send_if_urgent(form: FormRequest, answers: FormAnswers) -> None:
    """Send urgent answers immediately, and again when the disposition rises.

    A person who reads that they must go now may never press Send, and a nurse must not see less than the person.
    """
    disposition = form.result(answers)["disposition"]
    if not form.is_urgent(answers) or not _has_risen(form, disposition):
        return
    try:
        form.state.sent = form.accept(answers)
    except NOT_NOW:
        form.unsent = RETRY  # the advice is shown anyway
        return
    form.state.sent_print = form_state.fingerprint(answers.given)
    form.state.sent_as = disposition


def _has_risen(form: FormRequest, disposition: str) -> bool:
    """Return True if nothing was sent for being urgent, or only a less urgent disposition."""
    sent_as = form.state.sent_as
    if sent_as not in form.ruleset.dispositions:  # '', or one of an earlier version of the ruleset
        return True
    return form.ruleset.urgency(disposition) > form.ruleset.urgency(sent_as)


def _urgent_notice(form: FormRequest, answers: FormAnswers, *, include_open: bool = False) -> dict[str, Any] | None:
    """Return the urgent notice, if the answers make it urgent. `include_open`: also if open questions do."""
    result = form.result(answers)
    if not form.is_urgent(answers) and not (include_open and result["level"] == Level.URGENT.word):
        return None
    state = form.state
    is_new, state.shown_as = state.shown_as != result["disposition"], result["disposition"]
    return {
        "title": form.ruleset.dispositions[result["disposition"]].title,
        "advice": result["advice"]["patient"].split("\n\n"),
        "is_new": is_new,
        "result_at": signed_links.address_of_result(state.sent) if state.sent else "",
    }


def _lowered_from(form: FormRequest, result: dict[str, Any]) -> str | None:
    """Return the title of the disposition that was sent, if changed answers are less urgent now."""
    sent_as = form.ruleset.dispositions.get(form.state.sent_as)
    if sent_as is None or form.ruleset.urgency(result["disposition"]) >= form.ruleset.urgency(sent_as.code):
        return None
    return sent_as.title


def _may_answer_as_clinician(form: FormRequest) -> bool:
    return form.link is None and may(Scope.READ) and _has_questions_for_clinicians(form.ruleset)


def _has_questions_for_clinicians(ruleset: Ruleset) -> bool:
    return len(questions(ruleset, Audience.CLINICIAN)) > len(questions(ruleset, Audience.PATIENT))


def _render(
    form: FormRequest,
    template: str,
    status: int = 200,
    *,
    include_open: bool = False,
    shows_urgent: bool = True,
    **values: Any,
) -> Response:
    """Render a page of the form, with the urgent advice if there is any. `include_open`: as in `_urgent_notice`."""
    ruleset = form.ruleset
    answers = form.state.answers(ruleset)
    result = form.result(answers)
    return render(
        template,
        status,
        form=form,
        ruleset=ruleset,
        link=request.args.get("link"),
        embedded=form.link is not None,
        drawings=DRAWINGS,
        not_approved=NOT_APPROVED if ruleset.approved_by is None else None,
        **{
            "urgent": _urgent_notice(form, answers, include_open=include_open) if shows_urgent else None,
            "lowered_from": _lowered_from(form, result),
            "advice_now": ruleset.dispositions[result["disposition"]].title,
            **values,
        },
    )

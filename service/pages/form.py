"""The intake form of a ruleset: question by question, the most important first, or all questions on one page.

The form works without scripts: each button posts the form, which carries all answers so far. The same use cases as
behind the API read the answers.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from flask import Blueprint, Response, request

from service.api.reports import wait_for_report
from service.api.rulesets import NOT_APPROVED
from service.http.api_keys import get_caller
from service.http.parts import get_parts
from service.pages import form_state, signed_links
from service.pages.form_state import SHOWN, SKIPPED, FormState
from service.pages.page import is_htmx, may, page, redirect_to, render
from service.use.intake import Request
from triage_rules.foundation.errors import LinkError, QueueTooOld, StaleRuleset, StoreUnavailable
from triage_rules.intake.form import FormAnswers, groups, next_questions, questions, unanswered
from triage_rules.intake.links import FormLink
from triage_rules.language.model import Level, Ruleset
from triage_rules.records.api_keys import Scope

blueprint = Blueprint("form", __name__)

DRAWINGS = {"blanches_on_pressure": "form/glass-test.html"}
"""Drawings beside questions that are easier to see than to read."""

WAIT_SECONDS = 3
"""Time that the person waits for the result before a page shows that it is being worked out."""

KEPT_BY_BROWSER = "private, no-cache"
"""Lets the browser keep a form, so going back loses no answer; it revalidates before it shows the form again."""


@dataclass
class FormRequest:
    """A request of a form: its ruleset, its signed link, and the answers so far."""

    ruleset: Ruleset
    link: FormLink | None
    state: FormState
    is_news: bool = True
    """True until the person has seen that the result is urgent."""

    def body(self, answers: FormAnswers) -> dict[str, Any]:
        """Return the report as a program would post it."""
        report: dict[str, Any] = {"ruleset": self.ruleset.name, "findings": answers.given}
        if self.link is not None and self.link.subject is not None:
            report["subject"] = self.link.subject
        return report

    def result(self, answers: FormAnswers) -> dict[str, Any]:
        """Evaluate the answers so far."""
        return get_parts().intake.evaluate(self.body(answers), self.client)

    @property
    def client(self) -> str:
        return get_caller().client if self.link is None else self.link.client


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
    loaded = get_parts().live.get(ruleset)
    clinician = link is None and may(Scope.READ) and request.values.get("clinician") == "yes"
    asked = questions(loaded.ruleset, clinician=clinician)
    if request.method == "GET":
        form = FormRequest(loaded.ruleset, link, form_state.new_state(asked, clinician=clinician))
        response = _begin(form, request.args.get("mode", ""))
    else:
        state = form_state.read_state(request.form, asked, clinician=clinician)
        form = FormRequest(loaded.ruleset, link, state, is_news=not state.sent)
        response = _act(form, request.form.get("do", ""))
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
    match do.partition(":"):
        case ["next", _, _]:
            return _submit_answer(form)
        case ["back", _, _]:
            return _show_question(form) if state.step_back() else _show_all(form)
        case ["edit", _, name] if name in state.asked:
            state.at = name
            return _show_question(form)
        case ["private", _, _]:
            state.private = SHOWN
            return _show_next(form)
        case ["skip-private", _, _]:
            state.private = SKIPPED
            return _show_next(form)
        case ["all" | "all-private" as which, _, _]:
            state.private = SHOWN if which == "all-private" else state.private
            return _show_all(form)
        case ["check", _, _]:
            return _show_progress(form)
        case ["review", _, _]:
            return _show_review(form, stopped=True)
        case ["send", _, _]:
            return _send(form)
        case _:
            return _show_next(form)


def _submit_answer(form: FormRequest) -> Response:
    """Go to the next question, unless the answer has a fault."""
    state = form.state
    at = state.asked.get(state.at)
    if at is not None:
        answers = state.answers(form.ruleset)
        fault = answers.faults.get(at.name) or ("" if at.name in state.written else unanswered(at))
        if fault:
            return _show_question(form, fault)
        state.visit(at.name)
    return _show_next(form)


def _show_next(form: FormRequest) -> Response:
    """Show the most important open question, private ones last, and then the summary."""
    state = form.state
    answers = state.answers(form.ruleset)
    result = form.result(answers)
    left = next_questions(result, state.asked, answers.given)
    private = [name for name in left if state.is_private(name)]
    plain = [name for name in left if name not in private]
    _send_if_urgent(form, answers, result)
    if plain or (private and state.private == SHOWN):
        state.at = (plain or private)[0]
        return _show_question(form, answers.faults.get(state.at, ""), result, len(left))
    if private and not state.private:
        state.at = ""
        return _render(form, "form/private.html", urgent=_urgent_notice(form, result))
    return _show_review(form, answers=answers, result=result)


def _show_question(
    form: FormRequest, fault: str = "", result: dict[str, Any] | None = None, left: int | None = None
) -> Response:
    """Show the current question."""
    state = form.state
    question = state.asked[state.at]
    result = form.result(state.answers(form.ruleset)) if result is None else result
    if left is None:
        left = len(next_questions(result, state.asked, state.written.keys() - {state.at}))
    return _render(
        form,
        "form/question.html",
        200 if not fault else 422,
        question=question,
        fault=fault,
        number=len([name for name in state.written if name != state.at]) + 1,
        left=max(left - 1, 0),
        urgent=_urgent_notice(form, result),
    )


def _show_all(form: FormRequest, faults: dict[str, str] | None = None) -> Response:
    """Show all questions in groups; private ones only if the person has confirmed to be alone."""
    state = form.state
    state.at = ""
    answers = state.answers(form.ruleset)
    shown = [question for question in state.asked.values() if not question.is_private or state.private == SHOWN]
    return _render(
        form,
        "form/all.html",
        422 if faults else 200,
        groups=groups(shown),
        faults=faults or {},
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
    left = next_questions(result, form.state.asked, answers.given)
    return {
        "urgent": _urgent_notice(form, result),
        "determined": result["determined"],
        "answered": len(answers.given),
        "matters": [form.state.asked[name] for name in left if not form.state.is_private(name)][:3],
    }


def _show_review(
    form: FormRequest,
    *,
    stopped: bool = False,
    answers: FormAnswers | None = None,
    result: dict[str, Any] | None = None,
) -> Response:
    """Show all answers, to be checked, changed and sent."""
    state = form.state
    answers = state.answers(form.ruleset) if answers is None else answers
    result = form.result(answers) if result is None else result
    if stopped:
        _send_if_urgent(form, answers, result)
    state.at = ""
    given = [(state.asked[name], text) for name, text in state.written.items() if name not in answers.faults]
    return _render(
        form,
        "form/review.html",
        given=given,
        wrong=[(state.asked[name], fault) for name, fault in answers.faults.items()],
        determined=result["determined"],
        left=len(next_questions(result, state.asked, state.written)),
        urgent=_urgent_notice(form, result, include_open=True),
        was_sent=bool(state.sent) and state.sent_print == form_state.fingerprint(answers.given),
        result_at=signed_links.address_of_result(state.sent) if state.sent else "",
    )


def _send(form: FormRequest) -> Response:
    """Post the answers as a report and show its result; on faults show the questions again."""
    answers = form.state.answers(form.ruleset)
    if answers.faults:
        if request.form.get("from") == "all":
            return _show_all(form, answers.faults)
        return _show_review(form, answers=answers)
    report = _accept(form, answers)
    wait_for_report(report, WAIT_SECONDS)
    to = signed_links.address_of_result(report)
    if is_htmx():
        return Response(status=200, headers={"HX-Redirect": to})
    return redirect_to(to)


def _send_if_urgent(form: FormRequest, answers: FormAnswers, result: dict[str, Any]) -> None:
    """Send urgent answers immediately, and again when the disposition rises.

    A person who reads that they must go now may never press Send, and a nurse must not see less than the person.
    """
    if not is_urgent_by_answers(result) or not _has_risen(form, result["disposition"]):
        return
    try:
        form.state.sent = _accept(form, answers)
        form.state.sent_print = form_state.fingerprint(answers.given)
        form.state.sent_as = result["disposition"]
        form.is_news = True
    except (StoreUnavailable, QueueTooOld, StaleRuleset):
        return  # the advice and the button to send are shown anyway


def _has_risen(form: FormRequest, disposition: str) -> bool:
    """Return True if nothing was sent for being urgent, or only a less urgent disposition."""
    sent_as = form.state.sent_as
    if sent_as not in form.ruleset.dispositions:  # such as one of an earlier version of the ruleset
        return not form.state.sent or bool(sent_as)
    return form.ruleset.urgency(disposition) > form.ruleset.urgency(sent_as)


def _accept(form: FormRequest, answers: FormAnswers) -> str:
    """Accept the report and return its id; the same answers of the same form always give the same report."""
    key = f"form {form.state.id} {form_state.fingerprint(answers.given)}"  # callers' keys have no blanks
    return get_parts().intake.accept(Request(form.body(answers), key, form.client)).id


def is_urgent_by_answers(result: dict[str, Any]) -> bool:
    """Return True if the answers given are urgent; an incomplete form may be urgent only for its open questions."""
    urgent = Level.URGENT.word
    by_rules = result["by_rules"]
    is_by_rules = by_rules is not None and by_rules["level"] == urgent
    return result["level"] == urgent and (is_by_rules or bool(result["determined"]))


def _urgent_notice(form: FormRequest, result: dict[str, Any], *, include_open: bool = False) -> dict[str, Any] | None:
    """Return the urgent notice, if the answers make it urgent. `include_open`: also if open questions do."""
    if not is_urgent_by_answers(result) and not (include_open and result["level"] == Level.URGENT.word):
        return None
    title = form.ruleset.dispositions[result["disposition"]].title
    advice = result["advice"]["patient"].split("\n\n")
    sent = form.state.sent
    return {
        "title": title,
        "advice": advice,
        "sent": bool(sent),
        "is_new": form.is_news,
        "result_at": signed_links.address_of_result(sent) if sent else "",
    }


def _may_answer_as_clinician(form: FormRequest) -> bool:
    return form.link is None and may(Scope.READ) and _has_questions_for_clinicians(form.ruleset)


def _has_questions_for_clinicians(ruleset: Ruleset) -> bool:
    return len(questions(ruleset, clinician=True)) > len(questions(ruleset))


def _render(form: FormRequest, template: str, status: int = 200, **values: Any) -> Response:
    ruleset = form.ruleset
    return render(
        template,
        status,
        form=form,
        ruleset=ruleset,
        link=request.args.get("link"),
        embedded=form.link is not None,
        drawings=DRAWINGS,
        not_approved=NOT_APPROVED if ruleset.approved_by is None else None,
        **values,
    )

"""The intake form of a ruleset: one question at a time, what matters most first, or all on one page.

It works without scripts: each button posts the form, which holds all that was answered so far. What an answer means is
asked of the same use cases as by the API.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from flask import Blueprint, Response, request

from service.api.reports import look_up_report
from service.api.rulesets import NOT_APPROVED
from service.http.api_keys import caller
from service.http.parts import parts
from service.pages import form_state, signed_links
from service.pages.form_state import SHOWN, SKIPPED, FormState
from service.pages.page import by_htmx, go, may, page, render
from service.use.intake import Request
from triage_rules.foundation.errors import LedgerUnavailable, LinkError, QueueTooOld, StaleRuleset
from triage_rules.intake.form import FormAnswers, groups, next_questions, questions, unanswered
from triage_rules.intake.links import FormLink
from triage_rules.language.model import Level, Ruleset
from triage_rules.records.api_keys import Scope

blueprint = Blueprint("form", __name__)

DRAWINGS = {"blanches_on_pressure": "form/glass-test.html"}
"""Findings that are easier to see than to read: the drawing beside the question."""

WAIT_SECONDS = 3
"""So long the person waits for the result, before its page says that it is being worked out."""

KEPT_BY_BROWSER = "private, no-cache"
"""The browser may keep a form, so that going back loses no answer; it asks before it shows it anew."""


@dataclass
class FormRequest:
    """One request of a form: whose ruleset, by which link, and what is written so far."""

    ruleset: Ruleset
    link: FormLink | None
    state: FormState
    is_news: bool = True
    """Whether the person hasn't been shown yet that it is urgent."""

    def body(self, answers: FormAnswers) -> dict[str, Any]:
        """The report, as a program would post it."""
        report: dict[str, Any] = {"ruleset": self.ruleset.name, "findings": answers.given}
        if self.link is not None and self.link.subject is not None:
            report["subject"] = self.link.subject
        return report

    def result(self, answers: FormAnswers) -> dict[str, Any]:
        """What the answers so far would give."""
        return parts().intake.evaluate(self.body(answers), self.client)

    @property
    def client(self) -> str:
        return caller().client if self.link is None else self.link.client


@page(
    blueprint,
    "/forms/<ruleset>",
    methods=("GET", "POST"),
    needs=frozenset({Scope.REPORT}),
    opener=signed_links.open_form,
)
def show(ruleset: str) -> Response:
    """A GET begins; each POST says what to do with what is written."""
    link = signed_links.form_link()
    if link is not None and link.ruleset != ruleset:
        raise LinkError("link", "it is for another form")
    loaded = parts().live.get(ruleset)
    clinician = link is None and may(Scope.READ) and request.values.get("clinician") == "yes"
    asked = questions(loaded.ruleset, clinician=clinician)
    if request.method == "GET":
        asking = FormRequest(loaded.ruleset, link, form_state.fresh(asked, clinician=clinician))
        response = _begin(asking, request.args.get("mode", ""))
    else:
        state = form_state.read(request.form, asked, clinician=clinician)
        asking = FormRequest(loaded.ruleset, link, state, is_news=not state.sent)
        response = _act(asking, request.form.get("do", ""))
    response.headers["Cache-Control"] = KEPT_BY_BROWSER
    return response


def _begin(asking: FormRequest, mode: str) -> Response:
    match mode:
        case "one":
            return _go_on(asking)
        case "all":
            return _all(asking)
        case _:
            return _page(
                asking, "form/start.html", count=len(asking.state.asked), may_answer_as_clinician=_staff(asking)
            )


def _act(asking: FormRequest, do: str) -> Response:
    state = asking.state
    match do.partition(":"):
        case ["next", _, _]:
            return _next(asking)
        case ["back", _, _]:
            return _one(asking) if state.step_back() else _all(asking)
        case ["edit", _, name] if name in state.asked:
            state.at = name
            return _one(asking)
        case ["private", _, _]:
            state.private = SHOWN
            return _go_on(asking)
        case ["skip-private", _, _]:
            state.private = SKIPPED
            return _go_on(asking)
        case ["all" | "all-private" as which, _, _]:
            state.private = SHOWN if which == "all-private" else state.private
            return _all(asking)
        case ["check", _, _]:
            return _standing(asking)
        case ["review", _, _]:
            return _review(asking, stopped=True)
        case ["send", _, _]:
            return _send(asking)
        case _:
            return _go_on(asking)


def _next(asking: FormRequest) -> Response:
    """To the next question, unless the answer to this one has a fault."""
    state = asking.state
    at = state.asked.get(state.at)
    if at is not None:
        answers = state.answers(asking.ruleset)
        fault = answers.faults.get(at.name) or ("" if at.name in state.written else unanswered(at))
        if fault:
            return _one(asking, fault)
        state.visit(at.name)
    return _go_on(asking)


def _go_on(asking: FormRequest) -> Response:
    """What matters most of what is not answered; the private questions last; then the summary."""
    state = asking.state
    answers = state.answers(asking.ruleset)
    result = asking.result(answers)
    left = next_questions(result, state.asked, answers.given)
    private = [name for name in left if state.is_private(name)]
    plain = [name for name in left if name not in private]
    _send_if_urgent(asking, answers, result)
    if plain or (private and state.private == SHOWN):
        state.at = (plain or private)[0]
        return _one(asking, answers.faults.get(state.at, ""), result, len(left))
    if private and not state.private:
        state.at = ""
        return _page(asking, "form/private.html", urgent=_urgent(asking, result))
    return _review(asking, answers=answers, result=result)


def _one(
    asking: FormRequest, fault: str = "", result: dict[str, Any] | None = None, left: int | None = None
) -> Response:
    """The question the person is at."""
    state = asking.state
    question = state.asked[state.at]
    result = asking.result(state.answers(asking.ruleset)) if result is None else result
    if left is None:
        left = len(next_questions(result, state.asked, state.written.keys() - {state.at}))
    return _page(
        asking,
        "form/question.html",
        200 if not fault else 422,
        question=question,
        fault=fault,
        number=len([name for name in state.written if name != state.at]) + 1,
        left=max(left - 1, 0),
        urgent=_urgent(asking, result),
    )


def _all(asking: FormRequest, faults: dict[str, str] | None = None) -> Response:
    """All questions in groups. Private ones only once the person said that nobody else sees the screen."""
    state = asking.state
    state.at = ""
    answers = state.answers(asking.ruleset)
    shown = [one for one in state.asked.values() if not one.is_private or state.private == SHOWN]
    return _page(
        asking,
        "form/all.html",
        422 if faults else 200,
        groups=groups(shown),
        faults=faults or {},
        has_private=any(one.is_private for one in state.asked.values()) and state.private != SHOWN,
        visible=frozenset(one.name for one in shown),
        **_told(asking, answers),
    )


def _standing(asking: FormRequest) -> Response:
    """For the page with all questions, while it is filled in: the advice as soon as it is urgent, and what matters."""
    answers = asking.state.answers(asking.ruleset)
    return render("form/standing.html", by_script=True, **_told(asking, answers))


def _told(asking: FormRequest, answers: FormAnswers) -> dict[str, Any]:
    result = asking.result(answers)
    left = next_questions(result, asking.state.asked, answers.given)
    return {
        "urgent": _urgent(asking, result),
        "determined": result["determined"],
        "answered": len(answers.given),
        "matters": [asking.state.asked[name] for name in left if not asking.state.is_private(name)][:3],
    }


def _review(
    asking: FormRequest,
    *,
    stopped: bool = False,
    answers: FormAnswers | None = None,
    result: dict[str, Any] | None = None,
) -> Response:
    """All that was answered, to be looked through, changed and sent."""
    state = asking.state
    answers = state.answers(asking.ruleset) if answers is None else answers
    result = asking.result(answers) if result is None else result
    if stopped:
        _send_if_urgent(asking, answers, result)
    state.at = ""
    given = [(state.asked[name], text) for name, text in state.written.items() if name not in answers.faults]
    return _page(
        asking,
        "form/review.html",
        given=given,
        wrong=[(state.asked[name], fault) for name, fault in answers.faults.items()],
        determined=result["determined"],
        left=len(next_questions(result, state.asked, state.written)),
        urgent=_urgent(asking, result, whatever_is_open=True),
        was_sent=bool(state.sent) and state.sent_print == form_state.print_of(answers.given),
        result_at=signed_links.address_of_result(state.sent) if state.sent else "",
    )


def _send(asking: FormRequest) -> Response:
    """The answers become a report; its result is the next page. Faults first go back to their questions."""
    answers = asking.state.answers(asking.ruleset)
    if answers.faults:
        if request.form.get("from") == "all":
            return _all(asking, answers.faults)
        return _review(asking, answers=answers)
    report = _accept(asking, answers)
    look_up_report(report, WAIT_SECONDS)
    to = signed_links.address_of_result(report)
    if by_htmx():
        return Response(status=200, headers={"HX-Redirect": to})
    return go(to)


def _send_if_urgent(asking: FormRequest, answers: FormAnswers, result: dict[str, Any]) -> None:
    """Whoever reads that they must go now may not come back to send: so it is sent at once, and the page says so."""
    if asking.state.sent or not is_urgent_by_answers(result):
        return
    try:
        asking.state.sent = _accept(asking, answers)
        asking.state.sent_print = form_state.print_of(answers.given)
    except (LedgerUnavailable, QueueTooOld, StaleRuleset):
        return  # the advice is shown all the same, and the button to send


def _accept(asking: FormRequest, answers: FormAnswers) -> str:
    """The report's id. The same answers from the same form, sent again, are the same report."""
    key = f"form {asking.state.id} {form_state.print_of(answers.given)}"  # a blank can't stand in a caller's key
    return parts().intake.accept(Request(asking.body(answers), key, asking.client)).id


def is_urgent_by_answers(result: dict[str, Any]) -> bool:
    """Urgent for what was answered, not for what is still open: half a form may be urgent because it is half a form."""
    urgent = Level.URGENT.word
    return result["level"] == urgent and (
        bool(result["determined"]) or any(rule["level"] == urgent for rule in result["rules"])
    )


def _urgent(asking: FormRequest, result: dict[str, Any], *, whatever_is_open: bool = False) -> dict[str, Any] | None:
    """What to show at once, if the answers so far make it urgent; at the end, also if what was left open does."""
    if not is_urgent_by_answers(result) and not (whatever_is_open and result["level"] == Level.URGENT.word):
        return None
    title = asking.ruleset.dispositions[result["disposition"]].title
    advice = result["advice"]["patient"].split("\n\n")
    sent = asking.state.sent
    return {
        "title": title,
        "advice": advice,
        "sent": bool(sent),
        "is_new": asking.is_news,
        "result_at": signed_links.address_of_result(sent) if sent else "",
    }


def _staff(asking: FormRequest) -> bool:
    return asking.link is None and may(Scope.READ) and _asks_clinicians(asking.ruleset)


def _asks_clinicians(ruleset: Ruleset) -> bool:
    return len(questions(ruleset, clinician=True)) > len(questions(ruleset))


def _page(asking: FormRequest, template: str, status: int = 200, **values: Any) -> Response:
    ruleset = asking.ruleset
    return render(
        template,
        status,
        form=asking,
        ruleset=ruleset,
        link=request.args.get("link"),
        embedded=asking.link is not None,
        drawings=DRAWINGS,
        not_approved=NOT_APPROVED if ruleset.approved_by is None else None,
        **values,
    )

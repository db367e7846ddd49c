"""The result of a report, for the patient or the clinician: what to do and by when, the reasons, open questions."""

from __future__ import annotations

import json
import re
import shlex
from dataclasses import dataclass
from typing import Any

from flask import Blueprint, Response, request

from service.api.rulesets import NOT_APPROVED
from service.http.api_keys import get_caller
from service.http.parts import get_parts
from service.pages import reasons, signed_links
from service.pages.page import may, page, render
from service.pages.reasons import SHOWN_TO_PATIENTS
from triage_rules.deployment.live import Loaded
from triage_rules.foundation.errors import BundleError, EngineError, ReportNotFound, RulesetError, RulesetNotFound
from triage_rules.foundation.timestamps import timestamp
from triage_rules.intake.form import questions, write_answer
from triage_rules.language.model import Audience, Level
from triage_rules.records.api_keys import Scope
from triage_rules.records.reports import Delivery, NewReport, StoredReport

blueprint = Blueprint("result", __name__)

PATIENT, CLINICIAN = "patient", "clinician"
SAME = ("level", "disposition", "could_be", "determined", "rules", "safety_net", "inferences", "flags", "conflicts")
"""Fields that must be equal when a report is evaluated again."""

_ID = re.compile(r"[0-9a-f]{32}")


@dataclass(frozen=True, slots=True)
class OpenedReport:
    """A settled report with its ruleset and answers, as far as they can still be opened."""

    report: StoredReport
    result: dict[str, Any]
    loaded: Loaded | None
    posted: Delivery | None


@page(
    blueprint,
    "/results/<report_id>",
    needs=frozenset({Scope.REPORT, Scope.READ}),
    opener=signed_links.open_result,
)
def show(report_id: str) -> Response:
    """Show the patient's view, or with `?view=clinician` the clinician's view, which only staff see."""
    link = signed_links.result_link(report_id) if _ID.fullmatch(report_id) else None
    report = find_visible_report(report_id, by_link=link is not None)
    by_link: dict[str, Any] = {
        "link": request.args.get("link"),
        "embedded": link is not None,
        "back": link.back if link else None,
    }
    if report.result is None:
        return render("result/waiting.html", report=report, **by_link)
    opened = _open(report, report.result)
    view = CLINICIAN if request.args.get("view") == CLINICIAN and link is None else PATIENT
    return render(
        f"result/{view}.html",
        view=view,
        may_see_both=link is None,
        report=report,
        result=report.result,
        lowers=report.result.get("lowers"),
        again=_is_reproduced(opened) if request.args.get("again") else None,
        received=timestamp(report.received_ms),
        act_by=_act_by(report, report.result),
        **_view_values(opened, for_clinician=view == CLINICIAN),
        **by_link,
    )


def find_visible_report(report_id: str, *, by_link: bool) -> StoredReport:
    """Return the report. Raises ReportNotFound, also for another client's report, so nobody learns that it exists."""
    if not _ID.fullmatch(report_id):
        raise ReportNotFound
    report = get_parts().store.reports.get(report_id)
    if not by_link and not may(Scope.READ) and report.client != get_caller().client:
        raise ReportNotFound
    return report


def _open(report: StoredReport, result: dict[str, Any]) -> OpenedReport:
    parts = get_parts()
    try:
        loaded = parts.live.of_result(report.digest, result)
    except (BundleError, RulesetError, RulesetNotFound):
        loaded = None
    return OpenedReport(report, result, loaded, parts.store.reports.get_delivery(report.id))


def _view_values(opened: OpenedReport, *, for_clinician: bool) -> dict[str, Any]:
    """Return the values of a view; patients see no private answers and nothing for clinicians only."""
    result, loaded = opened.result, opened.loaded
    asks = [item for item in result["ask"] if for_clinician or item.get("audience", "anyone") in SHOWN_TO_PATIENTS]
    values: dict[str, Any] = {
        "advice": [text for text in result["advice"][CLINICIAN if for_clinician else PATIENT].split("\n\n") if text],
        "own_words": (result.get("own_words") or {}).get(CLINICIAN if for_clinician else PATIENT),
        "ask": asks,
        "missing": [],
        "disposition": None,
        "reasons": [],
        "given": [],
        "ruleset": None if loaded is None else loaded.ruleset,
        "not_approved": None if result["ruleset"].get("approved_by") else NOT_APPROVED,
        "commands": None,
        "reopen": [],
    }
    if loaded is None or opened.posted is None:
        return values
    ruleset, answers = loaded.ruleset, opened.posted.report.answers
    values["disposition"] = ruleset.dispositions.get(result["disposition"] or "")
    values["missing"] = [ruleset.inputs[name].question for name in result["missing"] if name in ruleset.inputs]
    values["reasons"] = reasons.build_reasons(loaded, opened.posted, result, for_clinician=for_clinician)
    asked = questions(ruleset, Audience.CLINICIAN)
    shown = {
        name: value for name, value in answers.items() if for_clinician or asked[name].asked_of in SHOWN_TO_PATIENTS
    }
    written = {name: write_answer(value) for name, value in shown.items()}
    values["given"] = [(asked[name].text, asked[name].in_words(text)) for name, text in written.items()]
    values["reopen"] = [*((f"a.{name}", text) for name, text in written.items()), ("path", ",".join(shown))]
    if len(shown) == len(answers):  # an amendment without the hidden answers would withdraw them
        urgent = result["disposition"] if result["level"] == Level.URGENT.word else ""
        values["reopen"] += [("sent", opened.report.id), ("sent_as", urgent)]
    values["commands"] = _commands(ruleset.name, opened.posted.report) if for_clinician else None
    return values


def _act_by(report: StoredReport, result: dict[str, Any]) -> str | None:
    """Return the end of the time to act (RFC 3339); None if there is no limit or the time is now."""
    minutes = result["act_within_minutes"]
    return timestamp(report.received_ms + minutes * 60_000) if minutes else None


def _is_reproduced(opened: OpenedReport) -> bool | None:
    """Evaluate the stored answers again and return True if the result is the same; None if that is impossible."""
    if opened.loaded is None or opened.posted is None or opened.result["level"] is None:
        return None
    posted = opened.posted
    try:
        second = opened.loaded.evaluator.evaluate(
            posted.report.answers,
            posted.history,
            report_id=posted.report.id,
            received_ms=posted.report.received_ms,
            evaluated_ms=get_parts().now_ms(),
            audience=posted.report.audience,
            amends=posted.report.amends,
        )
    except EngineError:
        return None
    return all(second[name] == opened.result[name] for name in SAME)


def _commands(name: str, report: NewReport) -> dict[str, str]:
    """Return the commands that reproduce the result."""
    audience = {} if report.audience is Audience.PATIENT else {"audience": report.audience.value}
    body = json.dumps({"ruleset": name, **audience, "findings": report.answers}, ensure_ascii=False, indent=1)
    return {
        "decide": f"triage decide {name} - <<'REPORT'\n{body}\nREPORT",
        "curl": f"curl -s {request.host_url}v1/evaluate -H 'Content-Type: application/json' -d {shlex.quote(body)}",
    }

"""Reports shown on the graph of a ruleset: a stored report, a worked case, or posted answers."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from flask import request

from service.http.api_keys import get_caller
from service.http.parts import get_parts
from service.http.problems import Refused
from service.pages.page import may
from service.pages.result import find_visible_report
from triage_rules.assurance.cases import answers_of
from triage_rules.deployment.evidence import Evidence, ShownCase
from triage_rules.deployment.live import Loaded
from triage_rules.evaluation.reference import Reference
from triage_rules.explanation.graph import Highlight, highlight_graph
from triage_rules.foundation import strict_json
from triage_rules.foundation.errors import ReportError, ReportFault, ReportNotFound, RulesetNotFound, describe_left_out
from triage_rules.intake.report import read_report
from triage_rules.language.model import Answers
from triage_rules.records.api_keys import Scope
from triage_rules.records.reports import History

WHAT_IF_BYTES = 64 * 1024


@dataclass(frozen=True)
class HighlightedRuleset:
    """A ruleset and the answers that its graph shows. `what`: report, case or what-if. `id`: of the report or case.

    `query`: the parameters that keep it open in an address; `published`: the level of a report's result.
    """

    loaded: Loaded
    facts: Answers
    what: str
    id: str
    query: Mapping[str, str]
    published: str | None = None
    note: str = ""

    @cached_property
    def lighting(self) -> Highlight:
        """Return the states of the whole graph."""
        return highlight_graph(self.loaded.ruleset, self.facts)

    @cached_property
    def reference(self) -> Reference:
        """Return the values of all conditions."""
        return Reference(self.loaded.ruleset, self.facts)


def open_report(name: str, report_id: str) -> HighlightedRuleset:
    """Open a settled report with the version that decided it. Raises ReportNotFound, also if the caller may not see."""
    if not may(Scope.READ) and not may(Scope.REPORT):
        raise ReportNotFound
    report = find_visible_report(report_id, by_link=False)
    posted = get_parts().store.reports.get_delivery(report.id)
    if report.ruleset != name or report.result is None or posted is None:
        raise ReportNotFound
    loaded = get_parts().live.of_result(report.digest, report.result)
    facts = loaded.evaluator.facts(posted.report.answers, posted.history)
    return HighlightedRuleset(loaded, facts, "report", report.id, {"report": report.id}, report.result["level"])


def open_case(loaded: Loaded, evidence: Evidence, case_id: str) -> HighlightedRuleset:
    """Open a worked case of the live version. Raises Refused."""
    for case in evidence.cases:
        if case.id == case_id and case.level is not None:
            return _highlight_case(loaded, case)
    raise Refused("not-found", detail="The live version has no such case, or the report of the case is rejected.")


def _highlight_case(loaded: Loaded, case: ShownCase) -> HighlightedRuleset:
    facts = loaded.evaluator.facts(answers_of(loaded.ruleset, case), case.history)
    return HighlightedRuleset(loaded, facts, "case", case.id, {"case": case.id}, case.level, case.note)


def open_posted(name: str) -> tuple[str, HighlightedRuleset | None, list[ReportFault]]:
    """Open the posted answers without storing them. Returns their text, and the opened report or the faults."""
    text = request.form.get("report", "")
    try:
        raw: Any = strict_json.loads(text.encode(), max_bytes=WHAT_IF_BYTES, what="report")
        if isinstance(raw, dict):
            raw = {"ruleset": name} | (raw if "findings" in raw else {"findings": raw})
        read = read_report(raw, get_parts().live, get_parts().now_ms())
    except ReportError as error:
        more = [ReportFault("", "invalid", describe_left_out(error.left_out))] if error.left_out else []
        return text, None, [*error.faults, *more]
    if read.loaded.ruleset.name != name:
        raise RulesetNotFound(f"the report is for another ruleset than `{name}`")
    facts = read.loaded.evaluator.facts(read.answers, _history(read.subject, name))
    return text, HighlightedRuleset(read.loaded, facts, "what-if", "", {}), []


def _history(subject: str | None, name: str) -> History:
    if subject is None:
        return History()
    parts = get_parts()
    return parts.store.reports.get_history(name, subject, parts.now_ms(), get_caller().client)

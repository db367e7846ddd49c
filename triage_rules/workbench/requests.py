"""Requests about a draft, and their responses as plain data: the same in this process and in one of its own."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

from triage_rules.evaluation.evaluator import Evaluator
from triage_rules.foundation.contacts import read_contact_choice
from triage_rules.foundation.errors import TriageError
from triage_rules.language.bundle import open_bundle
from triage_rules.workbench import case_runs, compare_live, diagnostics, film_strip, try_patient
from triage_rules.workbench.draft import Drafts, Files, OpenedDraft

Json = dict[str, Any]

LIVE_KEPT = 3
"""Number of live versions that are kept open."""


class Desk:
    """Desk that answers requests about drafts, one at a time. A live version comes as `{digest, data}`, or None."""

    def __init__(self) -> None:
        self._drafts = Drafts()
        self._live: OrderedDict[str, Evaluator] = OrderedDict()

    def answer(self, request: Json) -> Json:
        """Answer a request {ask, files, live, words, persona}.

        `ask` is one of: look, check, cases, interview, try, compare. persona: the name of the one to interview.
        """
        files: Files = request["files"]
        opened = self._drafts.open(files)
        live = self._open_live(request.get("live"))
        response = _describe(opened, files)
        match request["ask"]:
            case "look":
                return response
            case "check":
                examined = diagnostics.examine(opened, files, datetime.now(UTC).date())
                return response | {"diagnostics": diagnostics.as_json(examined)}
            case "cases":
                return response | {"cases": case_runs.run(opened, live)}
            case "interview":
                return response | {"interview": film_strip.show_interview(opened, request.get("persona", ""))}
            case "try":
                return response | {"tried": self._try(opened, live, request.get("words", {}))}
            case "compare":
                comparison = (
                    None
                    if live is None or opened.evaluator is None
                    else compare_live.compare_with_live(live, opened.evaluator)
                )
                return response | {"compared": comparison}
            case other:
                raise ValueError(f"unknown request: {other}")

    def _try(self, opened: OpenedDraft, live: Evaluator | None, words: Mapping[str, str]) -> Json | None:
        return None if opened.evaluator is None else try_patient.try_answers(opened.evaluator, live, words)

    def _open_live(self, live: Mapping[str, str] | None) -> Evaluator | None:
        """Open the live version; None if there is none, or it can't be opened: then there is no comparison."""
        if live is None:
            return None
        digest = live["digest"]
        if digest not in self._live:
            try:
                ruleset = open_bundle(live["data"].encode(), digest, read_contact_choice())
                self._live[digest] = Evaluator(ruleset, digest)
            except TriageError:
                return None
            while len(self._live) > LIVE_KEPT:
                self._live.popitem(last=False)
        return self._live[digest]


def _describe(opened: OpenedDraft, files: Files) -> Json:
    """Return the part of every response: the faults and, if the rules can be read, the draft and its controls."""
    response: Json = {
        "diagnostics": diagnostics.as_json(diagnostics.faults_of(opened, files)),
        "draft": None,
        "controls": [],
    }
    if opened.rules is None:
        return response
    ruleset = opened.rules.ruleset
    draft = {
        "name": ruleset.name,
        "version": ruleset.version,
        "title": ruleset.title,
        "digest": opened.rules.digest,
        "rules": len(ruleset.rules),
        "inputs": len(ruleset.inputs),
        "cases": len(opened.cases),
        "properties": len(opened.properties),
        "personas": len(opened.personas),
        "vignettes": len(opened.vignettes),
        "approved_by": ruleset.approved_by,
    }
    return response | {"draft": draft, "controls": try_patient.controls(ruleset)}

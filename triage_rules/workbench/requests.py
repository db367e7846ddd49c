"""What can be asked of a draft, and the answers as plain data: the same in this process and in one of its own."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

from triage_rules.evaluation.evaluator import Evaluator
from triage_rules.foundation.errors import TriageError
from triage_rules.language.bundle import open_bundle
from triage_rules.workbench import case_runs, compare_live, diagnostics, try_patient
from triage_rules.workbench.draft import Drafts, Files, OpenedDraft

Json = dict[str, Any]

LIVE_KEPT = 3
"""Live versions that are kept open."""


class Desk:
    """Answers questions about drafts, one after the other. Live versions come as `{digest, data}`, or None."""

    def __init__(self) -> None:
        self._drafts = Drafts()
        self._live: OrderedDict[str, Evaluator] = OrderedDict()

    def answer(self, question: Json) -> Json:
        """The answer to {ask, files, live, words}. `ask` is one of: look, check, cases, try, compare."""
        files: Files = question["files"]
        opened = self._drafts.open(files)
        live = self._opened_live(question.get("live"))
        told = _looked(opened, files)
        match question["ask"]:
            case "look":
                return told
            case "check":
                examined = diagnostics.examine(opened, files, datetime.now(UTC).date())
                return told | {"diagnostics": diagnostics.as_json(examined)}
            case "cases":
                return told | {"cases": case_runs.run(opened, live)}
            case "try":
                return told | {"tried": self._tried(opened, live, question.get("words", {}))}
            case "compare":
                found = (
                    None
                    if live is None or opened.evaluator is None
                    else compare_live.compare_with_live(live, opened.evaluator)
                )
                return told | {"compared": found}
            case other:
                raise ValueError(f"nobody knows how to {other}")

    def _tried(self, opened: OpenedDraft, live: Evaluator | None, words: Mapping[str, str]) -> Json | None:
        return None if opened.evaluator is None else try_patient.try_answers(opened.evaluator, live, words)

    def _opened_live(self, live: Mapping[str, str] | None) -> Evaluator | None:
        """None also if it can't be opened: then there is nothing to compare with."""
        if live is None:
            return None
        digest = live["digest"]
        if digest not in self._live:
            try:
                ruleset = open_bundle(live["data"].encode(), digest)
                self._live[digest] = Evaluator(ruleset, digest)
            except TriageError:
                return None
            while len(self._live) > LIVE_KEPT:
                self._live.popitem(last=False)
        return self._live[digest]


def _looked(opened: OpenedDraft, files: Files) -> Json:
    """What every answer has: the faults, and, if the rules can be read, what they are and ask."""
    told: Json = {
        "diagnostics": diagnostics.as_json(diagnostics.faults_of(opened, files)),
        "draft": None,
        "controls": [],
    }
    if opened.rules is None:
        return told
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
        "approved_by": ruleset.approved_by,
    }
    return told | {"draft": draft, "controls": try_patient.controls(ruleset)}

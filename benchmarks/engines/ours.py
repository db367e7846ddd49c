"""Our engine as a worker uses it: the whole result, with explanation, questions and advice."""

from __future__ import annotations

from typing import Any

from benchmarks.engines.contender import Decided, InProcess
from triage_rules.evaluation.evaluator import Evaluator
from triage_rules.language.model import Answers, Ruleset
from triage_rules.records.reports import History

DIGEST = "sha256:" + "0" * 64
NOW_MS = 1_790_000_000_000
NO_HISTORY = History()


class Ours(InProcess):
    """Our engine as in production: durable-rules, and a second opinion on every report."""

    name = "triage-rules"
    explains = True
    second_opinion = True

    def __init__(self, ruleset: Ruleset) -> None:
        super().__init__(ruleset)
        self._evaluator = Evaluator(ruleset, DIGEST, second_opinion=self.second_opinion)

    def run(self, answers: Answers) -> Any:
        return self._evaluator.evaluate(answers, NO_HISTORY, report_id="r", received_ms=NOW_MS, evaluated_ms=NOW_MS)

    def read(self, answer: Any) -> Decided:
        return Decided(answer["level"], frozenset(rule["id"] for rule in answer["rules"]))


class OursAlone(Ours):
    """Our engine without the second opinion."""

    name = "triage-rules, no second opinion"
    second_opinion = False

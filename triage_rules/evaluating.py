"""One report, evaluated: both evaluators, the decision, the result."""

from __future__ import annotations

import os
import threading
import unicodedata
import weakref
from collections.abc import Callable
from typing import Any

from triage_rules.compiling import compile_ruleset
from triage_rules.deciding import decide, disposition_of
from triage_rules.engine import Engine
from triage_rules.messages import History
from triage_rules.rails import Rails
from triage_rules.reference import Reference
from triage_rules.results import Identity, make_result
from triage_rules.ruleset import AskedOf, Findings, Kind, Level, Ruleset

REPORTS_LAST_48H = "reports_last_48h"
HIGHEST_LEVEL_24H = "highest_level_24h"
"""The inputs that the service counts. A ruleset that declares them gets them; `none` is an answer."""


class Evaluator:
    """Evaluates reports by one ruleset. May be shared by threads and may cross a fork: the engine is then built anew.

    `alarm` is called for each report on which the evaluators differ.
    """

    def __init__(
        self,
        ruleset: Ruleset,
        digest: str,
        *,
        second_opinion: bool = True,
        alarm: Callable[[], None] = lambda: None,
    ) -> None:
        self.ruleset = ruleset
        self.digest = digest
        self._compiled = compile_ruleset(ruleset, f"{ruleset.name}-{digest[-12:]}")
        self._phrases = {m.name: tuple(map(folded, m.phrases)) for m in ruleset.mentions.values()}
        self._second_opinion = second_opinion
        self._alarm = alarm
        self._lock = threading.Lock()
        self._engine: Engine | None = None
        _evaluators.add(self)

    def evaluate(
        self, findings: Findings, history: History, *, report_id: str, received_ms: int, evaluated_ms: int
    ) -> dict[str, Any]:
        """The result, ready to publish. Raises EngineError if the engine fails."""
        facts = self.facts(findings, history)
        rails = self._run(facts)
        reference = Reference(self.ruleset, facts)
        disagreement = False
        if self._second_opinion:
            second = reference.rails()
            disagreement = second != rails
            if disagreement:
                self._alarm()
                rails = _safer(self.ruleset, rails, second)
        ruleset = self.ruleset
        identity = Identity(report_id, ruleset.name, ruleset.version, self.digest, received_ms, evaluated_ms)
        decision = decide(self.ruleset, rails)
        return make_result(self.ruleset, identity, reference, rails, decision, disagreement=disagreement)

    def looks_urgent(self, findings: Findings, history: History) -> bool:
        """Whether the report is urgent as it stands, by the plain evaluator: it then goes by the urgent lane."""
        established = Reference(self.ruleset, self.facts(findings, history)).established()
        return self.ruleset.dispositions[disposition_of(self.ruleset, established)].level is Level.URGENT

    def facts(self, findings: Findings, history: History) -> Findings:
        """What the evaluators see: the answers (of a text, that there is one, and what it mentions), and the counts."""
        inputs = self.ruleset.inputs
        counted: Findings = {
            REPORTS_LAST_48H: history.reports_last_48h,
            HIGHEST_LEVEL_24H: "none" if history.highest_level_24h is None else history.highest_level_24h.word,
        }
        texts = {name for name, read in inputs.items() if read.kind is Kind.TEXT}
        facts = {name: True if name in texts else value for name, value in findings.items()}
        facts |= {n: v for n, v in counted.items() if n in inputs and inputs[n].asked_of is AskedOf.SERVICE}
        read = {name: folded(str(findings[name])) for name in texts if name in findings}
        for mention in self.ruleset.mentions.values():
            if mention.text in read:
                facts[mention.name] = any(phrase in read[mention.text] for phrase in self._phrases[mention.name])
        return facts

    def _run(self, facts: Findings) -> Rails:
        with self._lock:
            if self._engine is None:
                self._engine = Engine(self._compiled)
            return self._engine.run(facts)

    def start_anew(self) -> None:
        """For the child of a fork: the engine is the parent's, and a lock that another thread held would stay so."""
        self._lock = threading.Lock()
        self._engine = None


_evaluators: weakref.WeakSet[Evaluator] = weakref.WeakSet()


def _after_fork() -> None:
    for evaluator in list(_evaluators):
        evaluator.start_anew()


os.register_at_fork(after_in_child=_after_fork)


def folded(text: str) -> str:
    """The text as phrases are looked for in it: case, the form of accents, quotes and blanks don't count."""
    plain = unicodedata.normalize("NFKC", text).casefold().replace("\u2019", "'")
    return " ".join(plain.split())


def _safer(ruleset: Ruleset, first: Rails, second: Rails) -> Rails:
    """Of two opinions, what the one with the more urgent disposition holds, and all that either thinks possible.

    Also if one of them makes no sense at all: what holds is possible, and only what holds is certain.
    """
    opinions = (first.established, second.established)
    established = max(opinions, key=lambda keys: ruleset.urgency(disposition_of(ruleset, keys)))
    return Rails(
        established=established,
        possible=first.possible | second.possible | established,
        certain=first.certain & second.certain & established,
    )

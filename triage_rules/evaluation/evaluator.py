"""Evaluation of one report: both evaluators, the decision, the result."""

from __future__ import annotations

import os
import threading
import weakref
from collections.abc import Callable, Mapping
from functools import cached_property
from typing import Any

from triage_rules.evaluation.answers import UNKNOWN
from triage_rules.evaluation.compiling import compile_ruleset
from triage_rules.evaluation.decision import Decider
from triage_rules.evaluation.engine import Engine
from triage_rules.evaluation.generated.gates import ImpliedAnswers
from triage_rules.evaluation.generated.mentions import MentionedPhrases
from triage_rules.evaluation.generated.program import GeneratedEvaluator, Reach
from triage_rules.evaluation.own_words import describe_own_words
from triage_rules.evaluation.phrases import PhraseSearch, ReadText
from triage_rules.evaluation.result import Identity, Results
from triage_rules.evaluation.signals import Masks, input_bits
from triage_rules.language.model import Answers, AskedOf, Audience, InputKind, Level, Ruleset, Value
from triage_rules.records.reports import History

REPORTS_LAST_48H = "reports_last_48h"
HIGHEST_LEVEL_24H = "highest_level_24h"
"""Inputs that the service counts. A ruleset gets those that it declares; `none` is an answer."""


class Evaluator:
    """Evaluates reports by one ruleset. May be shared by threads and may cross a fork: the child builds its own engine.

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
        self._deciding = Decider(ruleset)
        self._results = Results(ruleset, self._deciding)
        self._phrases = PhraseSearch(ruleset.mentions.values())
        self._texts = [name for name, read in ruleset.inputs.items() if read.kind is InputKind.TEXT]
        self._counted_inputs = [name for name, read in ruleset.inputs.items() if read.asked_of is AskedOf.SERVICE]
        self._gated = [
            name for name, read in ruleset.inputs.items() if read.relevant and read.relevant.otherwise is not None
        ]
        self._implied = ImpliedAnswers(ruleset)
        self._bits = input_bits(ruleset)
        asked = [read for read in ruleset.inputs.values() if read.asked_of is not AskedOf.SERVICE]
        self._asked = sum(self._bits[read.name] for read in asked)
        self._in_reach = {
            audience: sum(self._bits[read.name] for read in asked if read.asked_of in audience.answers)
            for audience in Audience
        }
        scope = ruleset.scope
        self._scope_question = "" if scope is None else scope.question
        self._in_scope_only = 0 if scope is None else sum(self._bits[name] for name in scope.not_asked)
        self._second_opinion = second_opinion
        self._alarm = alarm
        self._lock = threading.Lock()
        self._engine: Engine | None = None
        _evaluators.add(self)

    def evaluate(  # noqa: PLR0913 (a result says all of this)
        self,
        answers: Answers,
        history: History,
        *,
        report_id: str,
        received_ms: int,
        evaluated_ms: int,
        audience: Audience = Audience.PATIENT,
        amends: str | None = None,
    ) -> dict[str, Any]:
        """Return the result, ready to publish. Raises EngineError if the engine fails."""
        texts = self._read_texts(answers)
        facts = self._complete(answers, history, self._phrases.find(texts))
        rails = self._run(facts)
        if texts and self._second_opinion:  # the second search decides what the second evaluator sees
            written = {name: str(answers[name]) for name in texts}
            facts = self._complete(answers, history, self._mentions.of(written))
        opinion = self._plain.of(facts, self.reach(answers, facts, audience))
        disagreement = self._second_opinion and opinion.rails != rails
        if disagreement:
            self._alarm()
            rails = self._merge_safely(rails, opinion.rails)
        ruleset = self.ruleset
        identity = Identity(
            report_id, ruleset.name, ruleset.version, self.digest, received_ms, evaluated_ms, audience, amends
        )
        decision = self._deciding.decide(rails)
        irrelevant = [name for name in self._gated if name in facts and answers.get(name, UNKNOWN) == UNKNOWN]
        own_words = describe_own_words(ruleset, texts, facts) if texts else None
        return self._results.make(
            identity, opinion, rails, decision, irrelevant, own_words=own_words, disagreement=disagreement
        )

    def looks_urgent(self, answers: Answers, history: History) -> bool:
        """Return whether the plain evaluator finds the report urgent, for the choice of the urgent lane."""
        rails = self._plain.of(self.facts(answers, history)).rails
        return self._deciding.level(rails.established) is Level.URGENT

    def facts(self, answers: Answers, history: History) -> Answers:
        """Return the evaluators' input: the answers without unknown ones, and what follows without being asked.

        A text stands as its presence and its mentions. Added are the counts, and answers that relevance implies.
        """
        return self._complete(answers, history, self._phrases.find(self._read_texts(answers)))

    def _read_texts(self, answers: Answers) -> dict[str, ReadText]:
        return {name: ReadText(str(answers[name])) for name in self._texts if answers.get(name, UNKNOWN) != UNKNOWN}

    def _complete(self, answers: Answers, history: History, mentions: Mapping[str, bool]) -> Answers:
        facts = {name: answer for name, answer in answers.items() if answer != UNKNOWN}
        facts |= {name: True for name in self._texts if name in facts}
        for name in self._counted_inputs:
            facts[name] = _count(name, history)
        facts |= mentions
        if self._gated:
            facts |= self._implied.of(facts)
        return facts

    def reach(self, answers: Answers, facts: Answers, audience: Audience) -> Reach:
        """Return the open inputs that this audience may answer, and those out of its reach or answered "unknown".

        Out of scope, without those that are asked only in scope.
        """
        bit, answered, unknown = self._bits.get, 0, 0
        for name in facts:
            answered |= bit(name, 0)
        for name, answer in answers.items():
            if answer == UNKNOWN:
                unknown |= bit(name, 0)
        if self._in_scope_only and facts.get(self._scope_question) is False:
            answered |= self._in_scope_only  # no one is asked these any more
        in_reach = self._in_reach[audience]
        return Reach(in_reach & ~(answered | unknown), self._asked & ~answered & (~in_reach | unknown))

    @cached_property
    def _plain(self) -> GeneratedEvaluator:
        """Return the plain evaluator; built at its first use, as that takes a moment."""
        return GeneratedEvaluator(self.ruleset)

    @cached_property
    def _mentions(self) -> MentionedPhrases:
        """Return the second search for phrases; built at its first use, as the second evaluator is."""
        return MentionedPhrases(self.ruleset.mentions.values())

    def _run(self, facts: Answers) -> Masks:
        with self._lock:
            if self._engine is None:
                self._engine = Engine(self._compiled)
            return self._engine.run(facts)

    def _merge_safely(self, first: Masks, second: Masks) -> Masks:
        """Merge two evaluations that differ, on the safe side.

        Takes the more urgent outcome, all that is possible in either, and only what is certain in both. An established
        outcome counts as possible, and only an established one as certain, even if an evaluator contradicts itself.
        """
        opinions = (first.established, second.established)
        established = max(opinions, key=lambda rail: self.ruleset.urgency(self._deciding.disposition(rail)))
        return Masks(
            established=established,
            possible=first.possible | second.possible | established,
            certain=first.certain & second.certain & established,
        )

    def reset(self) -> None:
        """Replace engine and lock after a fork: the engine is the parent's, and the lock may be held there."""
        self._lock = threading.Lock()
        self._engine = None


def _count(name: str, history: History) -> Value:
    if name == REPORTS_LAST_48H:
        return history.reports_last_48h
    return "none" if history.highest_level_24h is None else history.highest_level_24h.word


_evaluators: weakref.WeakSet[Evaluator] = weakref.WeakSet()


def _after_fork() -> None:
    for evaluator in list(_evaluators):
        evaluator.reset()


os.register_at_fork(after_in_child=_after_fork)

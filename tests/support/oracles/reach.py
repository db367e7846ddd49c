"""What an audience can still answer, by definition, and ways to go on: every one, or some at random."""

from __future__ import annotations

from collections.abc import Iterator
from functools import cache
from random import Random
from typing import Protocol

from tests.support.oracles import brute_force
from tests.support.rulesets.generated import as_facts
from triage_rules.evaluation.answers import UNKNOWN
from triage_rules.evaluation.decision import Decider
from triage_rules.evaluation.evaluator import Evaluator
from triage_rules.evaluation.generated.program import GeneratedEvaluator
from triage_rules.evaluation.reference import Reference
from triage_rules.language.model import Answers, AskedOf, Audience, Condition, InputKind, Ruleset, Value
from triage_rules.records.reports import History


class Judge(Protocol):
    """Evaluates one ruleset: what an oracle needs of it."""

    ruleset: Ruleset

    def facts(self, answers: Answers) -> Answers:
        """Answers as the evaluators see them: texts as mentions, and what relevance implies."""
        ...

    def truth(self, facts: Answers, condition: Condition) -> bool | None: ...

    def disposition(self, facts: Answers) -> str: ...


class ByDefinition:
    """By brute force, which shares no code with the product; for rulesets whose connectives have few parts."""

    def __init__(self, ruleset: Ruleset, history: History) -> None:
        self.ruleset = ruleset
        self._history = history

    def facts(self, answers: Answers) -> Answers:
        return as_facts(self.ruleset, _without_unknown(answers), self._history)

    def truth(self, facts: Answers, condition: Condition) -> bool | None:
        return brute_force.truth(self.ruleset, facts, condition)

    def disposition(self, facts: Answers) -> str:
        return brute_force.disposition(self.ruleset, facts)


class ByEvaluator:
    """By the product's own evaluators, for a large ruleset."""

    def __init__(self, evaluator: Evaluator, history: History | None = None) -> None:
        self.ruleset = evaluator.ruleset
        self._evaluator = evaluator
        self._history = history or History()
        self._generated, self._decider = GeneratedEvaluator(self.ruleset), Decider(self.ruleset)

    def facts(self, answers: Answers) -> Answers:
        return self._evaluator.facts(answers, self._history)

    def truth(self, facts: Answers, condition: Condition) -> bool | None:
        return Reference(self.ruleset, facts).value(condition)

    def disposition(self, facts: Answers) -> str:
        return self._decider.disposition(self._generated.of(facts).rails.established)


class Reach:
    """What is still open of reports by one ruleset. An audience None: anyone, also to what was answered "unknown"."""

    def __init__(self, judge: Judge) -> None:
        self.judge = judge
        self.ruleset = judge.ruleset
        self.ways = cache(self._ways)

    def open_to(self, answers: Answers, audience: Audience | None) -> list[str]:
        """The inputs that may be answered next."""
        facts = self.judge.facts(answers)
        if audience is None:
            return self.unanswered(facts)
        return [
            name for name in self.unanswered(facts) if name not in answers and self._may_answer(name, facts, audience)
        ]

    def unanswered(self, facts: Answers) -> list[str]:
        """The inputs without an answer, given or implied, whoever could give it."""
        inputs = self.ruleset.inputs.items()
        return [name for name, read in inputs if name not in facts and read.asked_of is not AskedOf.SERVICE]

    def is_irrelevant(self, name: str, facts: Answers) -> bool:
        relevant = self.ruleset.inputs[name].relevant
        is_out_of_scope = name in self.ruleset.not_asked(facts)
        return is_out_of_scope or (relevant is not None and self.judge.truth(facts, relevant.when) is False)

    def is_asked_later(self, name: str, answers: Answers, audience: Audience) -> bool:
        """Whether it is this audience's to answer, but availability is still open."""
        read = self.ruleset.inputs[name]
        is_theirs = read.asked_of in audience.answers and name not in answers
        is_open = (
            read.available_if is not None and self.judge.truth(self.judge.facts(answers), read.available_if) is None
        )
        return is_theirs and is_open

    def _may_answer(self, name: str, facts: Answers, audience: Audience) -> bool:
        read = self.ruleset.inputs[name]
        is_available = read.available_if is None or self.judge.truth(facts, read.available_if) is True
        return read.asked_of in audience.answers and is_available and not self.is_irrelevant(name, facts)

    def single_answers(self, answers: Answers, name: str) -> Iterator[str]:
        """The disposition after each answer to one more input."""
        for way in self.ways(name):
            yield self.judge.disposition(self.judge.facts({**answers, name: way}))

    def every_way(self, answers: Answers, audience: Audience | None) -> Iterator[Answers]:
        """Every report to which further answers, one after the other, may lead; each once."""
        waiting, seen = [_start(answers, audience)], set()
        while waiting:
            here = waiting.pop()
            for name in self.open_to(here, audience):
                for way in self.ways(name):
                    further = {**here, name: way}
                    key = frozenset(further.items())
                    if key not in seen:
                        seen.add(key)
                        waiting.append(further)
                        yield further

    def some_way(
        self, answers: Answers, audience: Audience | None, random: Random, usual: Answers, share: float
    ) -> Iterator[Answers]:
        """One way to go on to the end, some answers at a time: of those with a usual one, about that share have it."""
        here = _start(answers, audience)
        while names := self.open_to(here, audience):
            # Answers to what may be answered now are reached in any order.
            for name in random.sample(names, random.choice([1, min(2, len(names)), len(names)])):
                likely = name in usual and random.random() < share
                here = {**here, name: usual[name] if likely else random.choice(self.ways(name))}
            yield here

    def _ways(self, name: str) -> tuple[Value, ...]:
        """Answers that stand for all there are."""
        read = self.ruleset.inputs[name]
        if read.kind is InputKind.TEXT:
            phrases = [phrase for mention in self.ruleset.mentions.values() for phrase in mention.phrases]
            return tuple(dict.fromkeys(["", *phrases, " ".join(phrases)[: read.max_length]]))
        open_ = {choice.value for choice in read.choices if choice.means_open}
        ways = [way for way in brute_force.answers(self.ruleset, name) if way not in open_]
        if read.kind in {InputKind.YES_NO, InputKind.CHOICE}:
            return tuple(ways)
        low, high = read.minimum, read.maximum
        within = [way for way in ways if (low is None or way >= low) and (high is None or way <= high)]
        return tuple(within) or ((low if low is not None else 0),)


def _start(answers: Answers, audience: Audience | None) -> Answers:
    return _without_unknown(answers) if audience is None else dict(answers)


def _without_unknown(answers: Answers) -> Answers:
    return {name: answer for name, answer in answers.items() if answer != UNKNOWN}

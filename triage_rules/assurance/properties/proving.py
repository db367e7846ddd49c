"""Proves properties of every possible report, or finds the smallest report that breaks one, replayed."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from triage_rules.assurance.properties.check_result import Seen, breaks
from triage_rules.assurance.properties.claims import ProofQuery, build_query
from triage_rules.assurance.properties.model import HOLDS, SECONDS, Against, ProofVerdict, Property
from triage_rules.assurance.solver.encoding import Encoding
from triage_rules.assurance.solver.solver import Budget, GaveUp, NoReport, Solver
from triage_rules.assurance.solver.witness import NO_DIGEST, EncoderBugError, Witness, Witnesses
from triage_rules.evaluation.answers import read_answers
from triage_rules.evaluation.evaluator import Evaluator
from triage_rules.evaluation.reference import Reference
from triage_rules.language.model import Ruleset


@dataclass(frozen=True, slots=True)
class Proof:
    """A property and what is known of it. `why`: in words, for all verdicts but the first two.

    `counterexample`: of a refuted one, the report (or pair of reports) that breaks it, and what came of it.
    """

    asked: Property
    verdict: ProofVerdict
    seconds: float
    counterexample: Witness | None = None
    why: str = ""

    @property
    def holds(self) -> bool:
        return self.verdict in HOLDS


def prove(
    ruleset: Ruleset,
    properties: Sequence[Property],
    *,
    previous: Ruleset | None = None,
    seconds: float | None = SECONDS,
    evaluator: Evaluator | None = None,
) -> Iterator[Proof]:
    """A proof of each property, in their order, as soon as it is there; `seconds` for all of them together.

    previous: what claims against a previous version compare with. evaluator: of this ruleset, if there is one already.
    Raises EncoderBugError if formulas and evaluators differ about a counterexample: nothing is known then.
    """
    prover = _Prover(ruleset, previous, Budget(seconds), evaluator or Evaluator(ruleset, NO_DIGEST))
    for asked in properties:
        yield prover.prove(asked)


def describe_proof(proof: Proof) -> str:
    """What is known of the property, for a list of faults: a counterexample by its answers."""
    if proof.counterexample is None:
        return f"{proof.asked.says} {proof.verdict}: {proof.why}"
    shown = [
        f"{json.dumps(answers, ensure_ascii=False)} is {result['level']} ({result['disposition']})"
        for (answers, _), result in zip(proof.counterexample.reports, proof.counterexample.results, strict=True)
    ]
    return f"{proof.asked.says} {proof.verdict}: {', and '.join(shown)}"


class _Prover:
    def __init__(self, ruleset: Ruleset, previous: Ruleset | None, budget: Budget, evaluator: Evaluator) -> None:
        self._previous = previous
        self._budget = budget
        self._encoding = Encoding(ruleset)
        self._evaluators = [evaluator]
        self._alone = Witnesses(Solver(self._encoding, budget=budget), [evaluator])

    def prove(self, asked: Property) -> Proof:
        started = time.monotonic()
        verdict, found, why = self._proved(asked)
        return Proof(asked, verdict, time.monotonic() - started, found, why)

    def _proved(self, asked: Property) -> tuple[ProofVerdict, Witness | None, str]:
        if isinstance(asked.claim, Against) and self._previous is None:
            return ProofVerdict.NOT_ASKED, None, "there is no previous version to compare with"
        if not self._budget.left(1.0):
            return ProofVerdict.GAVE_UP, None, GaveUp().why  # before formulas are made, which takes time as well
        wanted = build_query(asked, self._encoding, self._previous)
        witnesses = self._witnesses(wanted)
        match witnesses.smallest(*wanted.applies, *wanted.breaks):
            case Witness() as found:
                self._judge(asked, found)
                return ProofVerdict.REFUTED, found, ""
            case GaveUp(why):
                return ProofVerdict.GAVE_UP, None, why
            case _:
                return self._not_empty(wanted, witnesses.solver)

    def _not_empty(self, wanted: ProofQuery, solver: Solver) -> tuple[ProofVerdict, Witness | None, str]:
        """Proved, unless the property speaks of no report at all: then it was most likely meant otherwise."""
        match solver.find(*wanted.applies):
            case NoReport():
                return (
                    ProofVerdict.VACUOUS,
                    None,
                    "there is no report that it speaks of, or the ruleset never looks at what is to differ",
                )
            case GaveUp(why):
                return ProofVerdict.GAVE_UP, None, why
            case _:
                return ProofVerdict.PROVED, None, ""

    def _witnesses(self, wanted: ProofQuery) -> Witnesses:
        if len(wanted.encodings) == 1:
            return self._alone
        evaluators = [self._evaluator(encoding.ruleset) for encoding in wanted.encodings]
        return Witnesses(Solver(*wanted.encodings, budget=self._budget), evaluators)

    def _evaluator(self, ruleset: Ruleset) -> Evaluator:
        found = next((known for known in self._evaluators if known.ruleset is ruleset), None)
        if found is None:
            found = Evaluator(ruleset, NO_DIGEST)
            self._evaluators.append(found)
        return found

    def _judge(self, asked: Property, found: Witness) -> None:
        """Hold the property against the results themselves, without any formula."""
        seen = []
        for ruleset, (posted, history), result in zip(found.rulesets, found.reports, found.results, strict=True):
            answers = read_answers(ruleset, posted)
            reference = Reference(ruleset, self._evaluator(ruleset).facts(answers, history))
            seen.append(Seen(ruleset, answers, reference.value, result))
        if not breaks(asked, seen):
            raise EncoderBugError(f"`{asked.id}`: the results don't break it")

"""Proofs of properties for every possible report, or the smallest report that breaks one, replayed."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from triage_rules.assurance.properties.check_result import EvaluatedReport, breaks
from triage_rules.assurance.properties.claims import ProofQuery, build_query
from triage_rules.assurance.properties.model import HOLDS, SECONDS, Against, ProofVerdict, Property
from triage_rules.assurance.solver.encoding import Encoding
from triage_rules.assurance.solver.solver import Budget, GaveUp, NoReport, Solver
from triage_rules.assurance.solver.witness import NO_DIGEST, EncoderBugError, Witness, Witnesses
from triage_rules.evaluation.answers import UNKNOWN, read_answers
from triage_rules.evaluation.evaluator import Evaluator
from triage_rules.evaluation.reference import Reference
from triage_rules.language.model import Ruleset


@dataclass(frozen=True, slots=True)
class Proof:
    """Property with its verdict. `why`: the reason as text, for every verdict except the first two.

    `counterexample`: for a refuted property, the report (or pair of reports) that breaks it, with results.
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
    """Yield the proof of each property, in order. `seconds`: the time limit for all of them together.

    previous: the ruleset for claims against the previous version. evaluator: of this ruleset; made if left out.
    Raises EncoderBugError if formulas and evaluators disagree about a counterexample: then no verdict is sure.
    """
    prover = _Prover(ruleset, previous, Budget(seconds), evaluator or Evaluator(ruleset, NO_DIGEST))
    for asked in properties:
        yield prover.prove(asked)


def describe_proof(proof: Proof) -> str:
    """Describe the verdict in a line for a list of faults, with the counterexample's answers."""
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
        self._witnesses_of_ruleset = Witnesses(Solver(self._encoding, budget=budget), [evaluator])

    def prove(self, asked: Property) -> Proof:
        started = time.monotonic()
        verdict, counterexample, why = self._decide(asked)
        return Proof(asked, verdict, time.monotonic() - started, counterexample, why)

    def _decide(self, asked: Property) -> tuple[ProofVerdict, Witness | None, str]:
        if isinstance(asked.claim, Against) and self._previous is None:
            return ProofVerdict.NOT_ASKED, None, "there is no previous version to compare with"
        if not self._budget.left(1.0):
            return (
                ProofVerdict.GAVE_UP,
                None,
                GaveUp().why,
            )  # checked first, because making the formulas takes time as well
        query = build_query(asked, self._encoding, self._previous)
        witnesses = self._make_witnesses(query)
        match witnesses.smallest(*query.applies, *query.breaks):
            case Witness() as counterexample:
                self._check(asked, counterexample)
                return ProofVerdict.REFUTED, counterexample, ""
            case GaveUp(why):
                return ProofVerdict.GAVE_UP, None, why
            case _:
                return self._prove_applicable(query, witnesses.solver)

    def _prove_applicable(self, query: ProofQuery, solver: Solver) -> tuple[ProofVerdict, Witness | None, str]:
        """Return the verdict PROVED, or VACUOUS if the property covers no report: then it is a likely mistake."""
        match solver.find(*query.applies):
            case NoReport():
                return (
                    ProofVerdict.VACUOUS,
                    None,
                    "it covers no report, or the ruleset never reads the answer that differs",
                )
            case GaveUp(why):
                return ProofVerdict.GAVE_UP, None, why
            case _:
                return ProofVerdict.PROVED, None, ""

    def _make_witnesses(self, query: ProofQuery) -> Witnesses:
        if len(query.encodings) == 1:
            return self._witnesses_of_ruleset
        evaluators = [self._evaluator(encoding.ruleset) for encoding in query.encodings]
        return Witnesses(Solver(*query.encodings, budget=self._budget), evaluators)

    def _evaluator(self, ruleset: Ruleset) -> Evaluator:
        evaluator = next((known for known in self._evaluators if known.ruleset is ruleset), None)
        if evaluator is None:
            evaluator = Evaluator(ruleset, NO_DIGEST)
            self._evaluators.append(evaluator)
        return evaluator

    def _check(self, asked: Property, witness: Witness) -> None:
        """Check the property on the results themselves, without formulas."""
        reports = []
        for ruleset, (posted, history), result in zip(witness.rulesets, witness.reports, witness.results, strict=True):
            answers = read_answers(ruleset, posted)
            facts = self._evaluator(ruleset).facts(answers, history)
            given = {name: answer for name, answer in answers.items() if answer != UNKNOWN}
            reports.append(EvaluatedReport(ruleset, given, facts, Reference(ruleset, facts).value, result))
        if not breaks(asked, reports):
            raise EncoderBugError(f"`{asked.id}`: the results don't break it")

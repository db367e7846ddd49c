"""A whole run: every mutant against the cases, then those that no case noticed against every possible report."""

from __future__ import annotations

import enum
import multiprocessing
from collections.abc import Callable, Collection, Iterator, Sequence
from dataclasses import dataclass

from triage_rules.assurance.cases import Case
from triage_rules.assurance.mutation.case_runs import CaseRuns, Kill
from triage_rules.assurance.mutation.equivalence import Differs, Distinguished, Equivalence, Equivalent
from triage_rules.assurance.mutation.mutants import apply_mutation
from triage_rules.assurance.mutation.operators import Mutant
from triage_rules.assurance.solver.solver import QUERY_SECONDS, GaveUp
from triage_rules.assurance.solver.witness import NO_DIGEST
from triage_rules.evaluation.evaluator import Evaluator
from triage_rules.language.model import Ruleset

Progress = Callable[[int, int], None]
"""Called with how many mutants are done, and how many there are."""


class MutantStatus(enum.StrEnum):
    """What became of a mutant. One that the solver gave up on counts as a survivor."""

    KILLED = "killed"
    EQUIVALENT = "equivalent"
    SURVIVED = "survived"
    GAVE_UP = "gave_up"


@dataclass(frozen=True, slots=True)
class MutantOutcome:
    """A mutant and what became of it. `killed`: by what; `told`: the report that tells a survivor apart."""

    mutant: Mutant
    status: MutantStatus
    killed: Kill | None = None
    distinguished: Distinguished | None = None

    @property
    def lowers_urgent(self) -> bool:
        """Some report that was urgent is lower: the case that killed it shows it, or a report was found.

        Also if the solver gave up on a survivor: nothing better is known.
        """
        if self.killed is not None:
            return self.killed.lowers_urgent
        found = self.distinguished is not None and self.distinguished.differs is Differs.URGENT_LOWERED
        return found or self.status is MutantStatus.GAVE_UP


class FailingCasesError(Exception):
    """Cases that fail without any change can't notice one: mend them first. Holds their ids."""

    def __init__(self, cases: tuple[str, ...]) -> None:
        super().__init__(f"{len(cases)} cases fail as it is, the first is `{cases[0]}`; `triage test` tells them")
        self.cases = cases


class Judge:
    """Judges the mutants of one ruleset by its cases, then by proof. Raises FailingCasesError."""

    def __init__(self, ruleset: Ruleset, cases: Collection[Case], query_seconds: float = QUERY_SECONDS) -> None:
        self._ruleset = ruleset
        evaluator = Evaluator(ruleset, NO_DIGEST)
        self._cases = CaseRuns(evaluator, cases)
        if self._cases.failing:
            raise FailingCasesError(self._cases.failing)
        self._telling = Equivalence(evaluator, query_seconds)

    def judge(self, mutant: Mutant) -> MutantOutcome:
        """What becomes of one mutant. Raises EncoderBugError."""
        made = apply_mutation(self._ruleset, mutant.change)
        killed = self._cases.kill(made)
        if killed is not None:
            return MutantOutcome(mutant, MutantStatus.KILLED, killed=killed)
        match self._telling.compare(made):
            case Equivalent():
                return MutantOutcome(mutant, MutantStatus.EQUIVALENT)
            case Distinguished() as told:
                return MutantOutcome(mutant, MutantStatus.SURVIVED, distinguished=told)
            case GaveUp():
                return MutantOutcome(mutant, MutantStatus.GAVE_UP)


def run(
    ruleset: Ruleset,
    cases: Collection[Case],
    mutants: Sequence[Mutant],
    *,
    processes: int = 1,
    progress: Progress = lambda _done, _all: None,
) -> tuple[MutantOutcome, ...]:
    """The outcomes in the order of the mutants. Raises FailingCasesError, EncoderBugError."""
    found: dict[str, MutantOutcome] = {}
    for outcome in _each(ruleset, cases, mutants, processes):
        found[outcome.mutant.id] = outcome
        progress(len(found), len(mutants))
    return tuple(found[mutant.id] for mutant in mutants)


CHUNK = 8
"""Mutants that a process is given at a time."""


def _each(
    ruleset: Ruleset, cases: Collection[Case], mutants: Sequence[Mutant], processes: int
) -> Iterator[MutantOutcome]:
    if processes <= 1 or len(mutants) <= CHUNK:
        judge = Judge(ruleset, cases)
        yield from map(judge.judge, mutants)
        return
    with multiprocessing.get_context("spawn").Pool(processes, _start, (ruleset, list(cases))) as pool:
        yield from pool.imap_unordered(_judge, mutants, CHUNK)


_ruleset_of_process: tuple[Ruleset, list[Case]] | None = None
_judge_of_process: Judge | None = None


def _start(ruleset: Ruleset, cases: list[Case]) -> None:
    """What a process works with. The judge is made at the first mutant, so that what it raises is told."""
    global _ruleset_of_process  # noqa: PLW0603 (a pool hands things to its processes in no other way)
    _ruleset_of_process = ruleset, cases


def _judge(mutant: Mutant) -> MutantOutcome:
    global _judge_of_process  # noqa: PLW0603 (as above)
    if _judge_of_process is None:
        assert _ruleset_of_process is not None  # _start was called
        _judge_of_process = Judge(*_ruleset_of_process)
    return _judge_of_process.judge(mutant)

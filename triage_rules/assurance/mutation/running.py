"""A mutation run: every mutant against the cases, then those that no case noticed against every possible report."""

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
"""Callback with the number of finished mutants, and the number of all."""


class MutantStatus(enum.StrEnum):
    """Status of a mutant after the run. GAVE_UP counts as survived."""

    KILLED = "killed"
    EQUIVALENT = "equivalent"
    SURVIVED = "survived"
    GAVE_UP = "gave_up"


@dataclass(frozen=True, slots=True)
class MutantOutcome:
    """Mutant with its status. `killed`: the killing case; `distinguished`: the report on which a survivor differs."""

    mutant: Mutant
    status: MutantStatus
    killed: Kill | None = None
    distinguished: Distinguished | None = None

    @property
    def lowers_urgent(self) -> bool:
        """Return whether an urgent report gets a lower level, by the killing case or by the solver's report.

        If the solver gave up on the mutant, return True: the opposite isn't proved.
        """
        if self.killed is not None:
            return self.killed.lowers_urgent
        is_lowered = self.distinguished is not None and self.distinguished.differs is Differs.URGENT_LOWERED
        return is_lowered or self.status is MutantStatus.GAVE_UP


class FailingCasesError(Exception):
    """Cases fail on the unchanged ruleset, so they can't notice a mutant. `cases`: their ids."""

    def __init__(self, cases: tuple[str, ...]) -> None:
        super().__init__(cases)  # its own arguments, so that it can be pickled
        self.cases = cases

    def __str__(self) -> str:
        fail = "case fails" if len(self.cases) == 1 else "cases fail"
        return f"{len(self.cases)} {fail} on the unchanged ruleset, first `{self.cases[0]}`; `triage test` lists them"


class Judge:
    """Judge of the mutants of one ruleset, by its cases and then by proof. Raises FailingCasesError."""

    def __init__(self, ruleset: Ruleset, cases: Collection[Case], query_seconds: float = QUERY_SECONDS) -> None:
        self._ruleset = ruleset
        evaluator = Evaluator(ruleset, NO_DIGEST)
        self._cases = CaseRuns(evaluator, cases)
        if self._cases.failing:
            raise FailingCasesError(self._cases.failing)
        self._equivalence = Equivalence(evaluator, query_seconds)

    def judge(self, mutant: Mutant) -> MutantOutcome:
        """Run a mutant against the cases, then against the solver. Raises EncoderBugError."""
        mutated = apply_mutation(self._ruleset, mutant.change)
        killed = self._cases.kill(mutated)
        if killed is not None:
            return MutantOutcome(mutant, MutantStatus.KILLED, killed=killed)
        match self._equivalence.compare(mutated):
            case Equivalent():
                return MutantOutcome(mutant, MutantStatus.EQUIVALENT)
            case Distinguished() as distinguished:
                return MutantOutcome(mutant, MutantStatus.SURVIVED, distinguished=distinguished)
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
    """Judge the mutants. Return the outcomes in the order of the mutants.

    Raises:
        FailingCasesError: If a case fails on the unchanged ruleset.
        EncoderBugError: If the solver and the evaluators disagree about a report.
    """
    judged: dict[str, MutantOutcome] = {}
    for outcome in _judge_all(ruleset, cases, mutants, processes):
        judged[outcome.mutant.id] = outcome
        progress(len(judged), len(mutants))
    return tuple(judged[mutant.id] for mutant in mutants)


CHUNK = 8
"""Number of mutants that a process gets at a time."""


def _judge_all(
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
    """Store the ruleset and cases of a process. The judge is made later: a pool loses errors raised here."""
    global _ruleset_of_process  # noqa: PLW0603 (a pool hands things to its processes in no other way)
    _ruleset_of_process = ruleset, cases


def _judge(mutant: Mutant) -> MutantOutcome:
    global _judge_of_process  # noqa: PLW0603 (as above)
    if _judge_of_process is None:
        assert _ruleset_of_process is not None  # _start was called
        _judge_of_process = Judge(*_ruleset_of_process)
    return _judge_of_process.judge(mutant)

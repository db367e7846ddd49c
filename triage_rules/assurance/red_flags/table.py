"""Table of red flags: the mildest outcome of each flag and each pair, with harmless answers and with any answers."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from triage_rules.assurance.red_flags.flags import Flag, holds, raising_flags
from triage_rules.assurance.red_flags.outcomes import Group, Outcome, Outcomes
from triage_rules.assurance.red_flags.situations import Situation, Situations
from triage_rules.assurance.solver.encoding import Encoding
from triage_rules.assurance.solver.solver import GaveUp, Model, NoReport, Solver
from triage_rules.assurance.solver.two_reports import TwoReports
from triage_rules.assurance.solver.witness import NO_DIGEST, EncoderBugError
from triage_rules.evaluation.evaluator import Evaluator
from triage_rules.evaluation.result import ENGINE_DISAGREEMENT
from triage_rules.language.model import Answers, AskedOf, Ruleset, Value
from triage_rules.records.reports import History

Codes = tuple[str | None, ...]
"""A disposition for each situation; None: the question of a flag is not asked there."""


@dataclass(frozen=True, slots=True)
class FlagRow:
    """Flags and their mildest outcomes: all else harmless, and (of a single flag) with any other answers at all."""

    flags: Group
    harmless: Codes
    anything: Codes = ()


@dataclass
class Table:
    """Outcomes of each flag in each situation. `baseline`: of a report without any flag.

    pairs: all pairs of flags that can be given together. undecided: what the time was too short for.
    """

    ruleset: Ruleset
    split: tuple[str, ...]
    situations: tuple[Situation, ...]
    baseline: Codes = ()
    singles: list[FlagRow] = field(default_factory=list)
    pairs: list[FlagRow] = field(default_factory=list)
    undecided: list[str] = field(default_factory=list)

    def raising_pairs(self) -> list[FlagRow]:
        """Return the pairs that are more urgent, in some situation, than both flags by themselves."""
        by_flag = {row.flags[0]: row.harmless for row in self.singles}
        return [
            row
            for row in self.pairs
            if any(
                self.is_raised(code, *(by_flag[flag][n] for flag in row.flags)) for n, code in enumerate(row.harmless)
            )
        ]

    def is_raised(self, code: str | None, *others: str | None) -> bool:
        """Return whether a disposition is more urgent than all these; where a flag is not asked, nothing is."""
        if code is None or None in others:
            return False
        return all(self.ruleset.urgency(code) > self.ruleset.urgency(other) for other in others if other is not None)


def make_table(
    ruleset: Ruleset,
    split: Mapping[str, Sequence[Value]],
    *,
    with_pairs: bool = False,
    progress: Callable[[str, int, int], None] = lambda *_: None,
) -> Table:
    """Make the table of a ruleset. Raises EncoderBugError if an evaluator contradicts the table."""
    reports = TwoReports(ruleset)
    _encode_all(reports.first)
    _encode_all(reports.second)
    situations = Situations(reports.first, split)
    table = Table(ruleset, tuple(split), tuple(situations.all))
    flags = []
    for flag in raising_flags(reports, situations.inputs):
        if isinstance(flag, GaveUp):
            table.undecided.append("whether an answer raises")
        else:
            flags.append(flag)
    outcomes, replay = Outcomes(reports.first, situations), _Replay(ruleset)
    groups: list[Group] = [(), *((flag,) for flag in flags)]
    baseline, *rows = [replay.codes(row) for row in outcomes.of(groups)]
    table.baseline = baseline
    search = _AnyReports(reports.first, situations, flags, table.undecided)
    anything = [search.mildest(situation) for situation in situations.all]
    for flag, row in zip(flags, rows, strict=True):
        table.singles.append(FlagRow((flag,), row, tuple(codes.get(flag) for codes in anything)))
    for number, flag in enumerate(flags if with_pairs else []):
        progress("pairs of red flags", number, len(flags))
        pairs = [(flag, other) for other in flags[number + 1 :] if other.input != flag.input]
        for pair, outcome in zip(pairs, outcomes.of(pairs) if pairs else [], strict=True):
            if any(outcome):
                table.pairs.append(FlagRow(pair, replay.codes(outcome)))
    return table


def _encode_all(encoding: Encoding) -> None:
    """Make every formula that the table needs, so that each number is cut wherever a condition reads it."""
    for code in encoding.ruleset.dispositions:
        encoding.at_least_as_urgent(code)
    for read in encoding.ruleset.inputs.values():
        if read.relevant is not None:
            encoding.false(read.relevant.when)
        if read.available_if is not None:
            encoding.true(read.available_if)


class _Replay:
    """Both evaluators, asked for one report of each row of outcomes that is new."""

    def __init__(self, ruleset: Ruleset) -> None:
        self._ruleset = ruleset
        self._evaluator = Evaluator(ruleset, NO_DIGEST)
        self._seen: set[Codes] = set()

    def codes(self, row: Iterable[Outcome | None]) -> Codes:
        """Return the dispositions. Raises EncoderBugError if an evaluator comes to another one."""
        outcomes = list(row)
        codes = tuple(None if outcome is None else outcome.disposition for outcome in outcomes)
        if codes not in self._seen:
            self._seen.add(codes)
            for outcome in {outcome.disposition: outcome for outcome in outcomes if outcome is not None}.values():
                self._check(outcome.make_report(), outcome.disposition)
        return codes

    def _check(self, report: Answers, disposition: str) -> None:
        counted = {name for name, read in self._ruleset.inputs.items() if read.asked_of is AskedOf.SERVICE}
        answers = {name: value for name, value in report.items() if name not in counted}
        result = self._evaluator.evaluate(answers, History(), report_id="flags", received_ms=0, evaluated_ms=0)
        if result["disposition"] != disposition or ENGINE_DISAGREEMENT in result["flags"]:
            raise EncoderBugError(f"`{disposition}` came out otherwise in a report with red flags")


class _AnyReports:
    """Search, by the solver, for the mildest report with each flag, whatever else is answered or left open."""

    def __init__(self, encoding: Encoding, situations: Situations, flags: Sequence[Flag], undecided: list[str]) -> None:
        self._encoding, self._situations, self._undecided = encoding, situations, undecided
        self._holds = {flag: holds(encoding, flag) for flag in flags}
        self._solver = Solver(encoding)
        self._solver.watch(*self._holds.values())

    def mildest(self, situation: Situation) -> dict[Flag, str]:
        """Return the mildest disposition of each flag, without flags that no report of the situation can have."""
        ruleset, logic = self._encoding.ruleset, self._encoding.logic
        codes = sorted(ruleset.dispositions, key=ruleset.urgency)
        here, left, mildest = self._situations.holds(situation), dict(self._holds), dict[Flag, str]()
        for code in codes:
            is_mild = self._encoding.disposition_is(code)
            while left:
                model = self._solver.find(here, is_mild, logic.any_of(left.values()))
                if not isinstance(model, Model):
                    break
                shown = [flag for flag, formula in left.items() if model.holds(formula)]
                mildest |= dict.fromkeys(shown, code)
                left = {flag: formula for flag, formula in left.items() if flag not in mildest}
            else:
                break
            if not isinstance(model, NoReport):
                self._undecided += [flag.name for flag in left]
        return mildest

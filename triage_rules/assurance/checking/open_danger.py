"""Questions that a routine result leaves open, though an answer would make it urgent."""

from __future__ import annotations

from collections.abc import Iterator

from triage_rules.assurance.checking.context import CheckContext, Finding
from triage_rules.assurance.checking.written_conditions import place_at
from triage_rules.assurance.solver.logic import Formula
from triage_rules.assurance.solver.solver import GaveUp, Model, NoReport
from triage_rules.assurance.solver.two_reports import TwoReports
from triage_rules.assurance.solver.witness import Witness, describe_report
from triage_rules.language.check_types import CheckType, Family
from triage_rules.language.model import Audience, Level
from triage_rules.records.reports import History

FAMILY = Family.OPEN_DANGER


def find_open_dangers(context: CheckContext) -> Iterator[Finding]:
    """Yield a finding for each question to patients that a routine result leaves open, though an answer is urgent."""
    scope = context.ruleset.scope
    elsewhere = () if scope is None else scope.then_ask  # asked only after the no, which is never routine
    inputs = context.ruleset.inputs.items()
    asked = [n for n, read in inputs if read.asked_of in Audience.PATIENT.answers and n not in elsewhere]
    for name in context.each(FAMILY, asked):
        answer = context.smallest_of_two(CheckType.OPEN_DANGER, name, *_formulas(context.two_reports, name))
        if isinstance(answer, GaveUp):
            context.note(FAMILY, name)
        elif not isinstance(answer, NoReport):
            yield _report(context, name, answer)


def _formulas(reports: TwoReports, name: str) -> list[Formula]:
    """Return formulas: the first report is routine and lacks this answer, and with the answer it is urgent."""
    first, second, logic = reports.first, reports.second, reports.logic
    relevant = reports.ruleset.inputs[name].relevant
    is_asked = logic.true if relevant is None else logic.opposite(first.false(relevant.when))
    levels = [first.level_is(Level.ROUTINE), second.level_is(Level.URGENT)]
    return [*levels, is_asked, logic.opposite(first.given(name)), second.given(name), reports.same_but([name])]


def _report(context: CheckContext, name: str, shown: Witness | Model) -> Finding:
    message = f"a routine result may leave `{name}` open, though an answer would make it urgent."
    if isinstance(shown, Witness):
        answers, _ = shown.reports[1]
        [answer] = describe_report(context.ruleset, {name: answers[name]}, History())
        disposition = shown.results[1]["disposition"]
        message += f" To the report shown, “{answer}” would be such an answer, with {disposition}."
    place = place_at(context.root, ("inputs", name))
    witness = shown if isinstance(shown, Witness) else None
    return Finding(CheckType.OPEN_DANGER, place, name, message, witness=witness)

"""Witness: the smallest report that shows something, replayed through engine and reference evaluator."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any

from triage_rules.assurance.solver.answers import AnswerVariables
from triage_rules.assurance.solver.encoding import Encoding
from triage_rules.assurance.solver.logic import Formula
from triage_rules.assurance.solver.report_of_model import NoSuchText, report_of, values_of
from triage_rules.assurance.solver.solver import GaveUp, Model, NoReport, Solver
from triage_rules.evaluation.answers import read_answers
from triage_rules.evaluation.evaluator import Evaluator
from triage_rules.evaluation.explanation import DerivationNode, describe_node
from triage_rules.evaluation.result import ENGINE_DISAGREEMENT
from triage_rules.foundation.errors import ReportError
from triage_rules.language.model import Answers, AskedOf, Basis, Input, InputKind, Level, Ruleset
from triage_rules.records.reports import History

NO_DIGEST = "sha256:" + "0" * 64

FEWER_SECONDS = 1.0
"""Time limit of the search for a report with fewer answers, once no single answer can be left out."""

Json = dict[str, Any]


Claim = tuple[str, object, Formula]
"""Field of the result, a value (of a list: an element), and the formula that it has this value."""


class EncoderBugError(Exception):
    """A report that the solver found has a result in contradiction to the formulas: a bug of the encoder."""


@dataclass(frozen=True, slots=True)
class Witness:
    """Report as it can be posted, and each ruleset's result for it, in the order of the encodings.

    No answer in it can be left out. `fewest`: it is also proved that no report with fewer answers does the same.
    `reports`: the report that each ruleset was asked about: this report, as far as the ruleset has questions for it, or
    the second report if the encoding is of one that differs.
    """

    answers: Answers
    history: History
    results: tuple[Json, ...]
    fewest: bool
    reports: tuple[tuple[Answers, History], ...]
    rulesets: tuple[Ruleset, ...]

    @property
    def result(self) -> Json:
        """Return the first ruleset's result."""
        return self.results[0]

    def describe(self, ruleset: Ruleset) -> list[str]:
        """Describe the report in the ruleset's words: a line for each answered question, then the service's counts."""
        return describe_report(ruleset, self.answers, self.history)


def describe_report(ruleset: Ruleset, answers: Answers, history: History) -> list[str]:
    """Describe a report in the ruleset's words: a line for each answered question, then the service's counts."""
    lines = [
        f"{read.question} {describe_node(ruleset, DerivationNode(name, read.question, answers[name]))}"
        for name, read in ruleset.inputs.items()
        if name in answers
    ]
    if history.reports_last_48h and "reports_last_48h" in ruleset.inputs:
        lines.append(f"Earlier reports in the last 48 hours: {history.reports_last_48h}")
    if history.highest_level_24h is not None and "highest_level_24h" in ruleset.inputs:
        lines.append(f"Highest level in the last 24 hours: {history.highest_level_24h.word}")
    return lines


class Witnesses:
    """Makes witnesses of the solver's reports. `evaluators`: one for each encoding; made when needed if left out.

    smallest_of: the report with the fewest answers, if there are several; None: all of them together.
    """

    def __init__(
        self, solver: Solver, evaluators: Iterable[Evaluator] = (), *, smallest_of: AnswerVariables | None = None
    ) -> None:
        self.solver = solver
        self._evaluators = list(evaluators)
        self._claims: list[tuple[Claim, ...]] = []
        self._answers = list({id(e.answers): e.answers for e in solver.encodings}.values())
        self._counted = self._answers if smallest_of is None else [smallest_of]
        self._inputs: dict[tuple[str, InputKind], Input] = {
            (read.name, read.kind): read for e in reversed(solver.encodings) for read in e.ruleset.inputs.values()
        }

    def smallest(self, *formulas: Formula, keep: Iterable[str] = ()) -> Witness | NoReport | GaveUp:
        """Return a report with the fewest answers for which all of these hold, replayed.

        keep: names of inputs to answer if possible, such as age. Raises EncoderBugError if the product contradicts the
        formulas. Gives up as well if a text would have to be longer than is accepted.
        """
        wanted = set(keep)
        kept = self._has_entries(read for read in self._inputs.values() if read.name in wanted)
        wishes = [*kept, *self._no_history()]  # before the first model, which knows no later variables
        model = self.solver.find(*formulas)
        if not isinstance(model, Model):
            return model
        fixed = list(formulas)
        for wish in wishes:
            model, fixed = self._add_wish(model, fixed, wish)
        others = self._has_entries(
            read for read in self._inputs.values() if read.name not in wanted and not _is_counted(read)
        )
        model, _ = self._drop_answers(model, fixed, others)
        model, fewest = self._minimize(model, fixed, others)
        return self.replayed(model, fewest=fewest)

    def replayed(self, model: Model, *, fewest: bool = False) -> Witness | GaveUp:
        """Return the model's report as a witness, unchanged. Raises and gives up as `smallest` does."""
        variables = {variable.get_id(): variable for answers in self._answers for variable in answers.variables()}
        opposite = self.solver.logic.opposite
        pins = [variable if model.holds(variable) else opposite(variable) for variable in variables.values()]
        if not self._claims:
            self._claims = [tuple(claims(encoding)) for encoding in self.solver.encodings]
            self.solver.watch(*(formula for claim in self._claims for *_, formula in claim))
        whole = self.solver.find(*pins)
        if isinstance(whole, GaveUp):
            return whole
        if isinstance(whole, NoReport):
            raise EncoderBugError("a model's own answers are rejected")
        try:
            values = {id(answers): values_of(answers, self._inputs, whole) for answers in self._answers}
        except NoSuchText as refusal:
            return GaveUp(str(refusal))
        reports = [report_of(e.ruleset, values[id(e.answers)]) for e in self.solver.encodings]
        results = []
        for number, result_claims in enumerate(self._claims):
            result = self._evaluate(number, *reports[number])
            hold_against(result, result_claims, whole)
            results.append(result)
        given: Answers = {}
        history = History()
        for encoding, (posted, counts) in reversed(list(zip(self.solver.encodings, reports, strict=True))):
            if encoding.answers is self._answers[0]:
                given |= posted
                history = counts if counts != History() else history
        return Witness(
            given, history, tuple(results), fewest, tuple(reports), tuple(e.ruleset for e in self.solver.encodings)
        )

    def _evaluate(self, number: int, posted: Answers, history: History) -> Json:
        ruleset = self.solver.encodings[number].ruleset
        while len(self._evaluators) <= number:
            self._evaluators.append(Evaluator(self.solver.encodings[len(self._evaluators)].ruleset, NO_DIGEST))
        try:
            answers = read_answers(ruleset, posted)
        except ReportError as error:
            raise EncoderBugError(f"the report is rejected: {error}") from error
        return self._evaluators[number].evaluate(answers, history, report_id="witness", received_ms=0, evaluated_ms=0)

    # --- smaller ---

    def _has_entries(self, inputs: Iterable[Input]) -> list[Formula]:
        """Return for each of these inputs and each report: it has an entry for the input, even an open one."""
        logic = self.solver.logic
        by_id = {}
        for read in inputs:
            for answers in self._counted:
                choosing = read.kind in {InputKind.YES_NO, InputKind.CHOICE}
                has_entry = logic.any_of(answers.one_hot(read).values.values()) if choosing else answers.answered(read)
                by_id[has_entry.get_id()] = has_entry
        return list(by_id.values())

    def _no_history(self) -> list[Formula]:
        """Return the formulas that the subject never reported before."""
        logic, formulas = self.solver.logic, []
        for read in filter(_is_counted, self._inputs.values()):
            for answers in self._counted:
                if read.kind is InputKind.INTEGER:
                    formulas.append(logic.opposite(answers.number(read).cut(logic, 1)))
                else:
                    formulas.append(answers.one_hot(read).value(logic, "none"))
        return formulas

    def _add_wish(self, model: Model, fixed: list[Formula], wish: Formula) -> tuple[Model, list[Formula]]:
        """Return a model that fulfils the wish as well, if there is one, and the formulas fixed so far."""
        wished = self.solver.find(*fixed, wish)
        return (wished, [*fixed, wish]) if isinstance(wished, Model) else (model, fixed)

    def _drop_answers(self, model: Model, fixed: list[Formula], posted: list[Formula]) -> tuple[Model, int]:
        """Return a model without the answers that can be left out one by one, and the number of those left."""
        fixed = [*fixed, *(self.solver.logic.opposite(answered) for answered in posted if not model.holds(answered))]
        needed = 0
        for answered in posted:
            if model.holds(answered):
                without = self.solver.find(*fixed, self.solver.logic.opposite(answered))
                if isinstance(without, Model):
                    model = without
                    fixed.append(self.solver.logic.opposite(answered))
                else:
                    needed += 1
                    fixed.append(answered)
        return model, needed

    def _minimize(self, model: Model, fixed: list[Formula], posted: list[Formula]) -> tuple[Model, bool]:
        """Return a model with as few of these answers as found, and whether fewer are proved impossible."""
        while needed := sum(map(model.holds, posted)):
            fewer = self.solver.logic.opposite(self.solver.logic.at_least(needed, posted))
            smaller = self.solver.find(*fixed, fewer, seconds=FEWER_SECONDS)
            if not isinstance(smaller, Model):
                return model, isinstance(smaller, NoReport)
            model, _ = self._drop_answers(smaller, fixed, posted)
        return model, True


def claims(encoding: Encoding) -> Iterator[Claim]:
    """Yield the formulas for the fields of a result."""
    ruleset = encoding.ruleset
    yield from (("level", level.word, encoding.level_is(level)) for level in Level)
    yield from (("could_be", level.word, encoding.could_be_is(level)) for level in Level)
    yield from (("disposition", code, encoding.disposition_is(code)) for code in ruleset.dispositions)
    yield from (("could_be_disposition", code, encoding.could_be_disposition_is(code)) for code in ruleset.dispositions)
    yield "determined", True, encoding.determined()
    yield from (("basis", basis.value, encoding.basis_is(basis)) for basis in Basis)
    for code, disposition in ruleset.dispositions.items():
        yield "by_rules", {"level": disposition.level.word, "disposition": code}, encoding.by_rules_is(code)
    yield from (("rules", rule, encoding.fired(rule)) for rule in ruleset.rules)
    yield from (("safety_net", floor, encoding.fired(floor)) for floor in ruleset.floors)
    yield from (("inferences", name, encoding.established(name)) for name in ruleset.inferences)
    yield from (("conflicts", name, encoding.established(name)) for name in ruleset.conflicts)
    yield from (("irrelevant", name, encoding.implied(name)) for name in encoding.implying)
    missing = {name for item in ruleset.mandatory for name in item.inputs}
    yield from (("missing", name, encoding.missing(name)) for name in missing)


def hold_against(result: Json, claimed: Iterable[Claim], model: Model) -> None:
    """Raise EncoderBugError if the result differs from the formulas' values in the model."""
    if ENGINE_DISAGREEMENT in result["flags"]:
        raise EncoderBugError("engine and reference evaluator differ")
    for field, value, formula in claimed:
        if model.holds(formula) != _has_value(result[field], value):
            raise EncoderBugError(f"`{field}`: `{value}` came out otherwise")


def _has_value(content: object, value: object) -> bool:
    match content:
        case list():
            return any(value == _name_of(item) for item in content)
        case dict() if not isinstance(value, dict):
            return value in content
        case _:
            return content == value


def _name_of(item: object) -> object:
    """Return the name of a list's item: its id, or the input that it is about."""
    return item.get("id", item.get("finding")) if isinstance(item, dict) else item


def _is_counted(read: Input) -> bool:
    return read.asked_of is AskedOf.SERVICE

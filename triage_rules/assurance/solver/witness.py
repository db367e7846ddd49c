"""A witness: the smallest report that shows something, replayed through engine and reference evaluator."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any

from triage_rules.assurance.solver.encoding import Encoding
from triage_rules.assurance.solver.logic import Formula
from triage_rules.assurance.solver.report_of_model import NoSuchText, report_of, values_of
from triage_rules.assurance.solver.solver import GaveUp, Model, NoReport, Solver
from triage_rules.evaluation.answers import read_answers
from triage_rules.evaluation.evaluator import Evaluator
from triage_rules.evaluation.explanation import DerivationNode, describe_node
from triage_rules.evaluation.result import ENGINE_DISAGREEMENT
from triage_rules.foundation.errors import ReportError
from triage_rules.language.model import Answers, AskedOf, Input, InputKind, Level, Ruleset
from triage_rules.records.reports import History

NO_DIGEST = "sha256:" + "0" * 64

FEWER_SECONDS = 1.0
"""What it may take to look for a report with fewer answers than one of which none can be left out."""

Json = dict[str, Any]


Claim = tuple[str, object, Formula]
"""A field of the result, a value (of a list: an element), and the formula that says that it is so."""


class EncoderBugError(Exception):
    """A report that the solver found does not come out of the product as the formulas say: never to be shown."""


@dataclass(frozen=True, slots=True)
class Witness:
    """A report as it can be posted, and what each of the rulesets makes of it, in the order of the encodings.

    No answer in it can be left out. `fewest`: it is also proved that no report with fewer answers does.
    `reports`: what each of the rulesets was asked about. That is the report itself, as far as the ruleset has questions
    for it, unless the encoding is of a second report that differs: then it is that one.
    """

    answers: Answers
    history: History
    results: tuple[Json, ...]
    fewest: bool
    reports: tuple[tuple[Answers, History], ...]
    rulesets: tuple[Ruleset, ...]

    @property
    def result(self) -> Json:
        """What the first ruleset makes of it."""
        return self.results[0]

    def describe(self, ruleset: Ruleset) -> list[str]:
        """The report in the ruleset's words: a line for each answered question, then what the service counted."""
        return describe_report(ruleset, self.answers, self.history)


def describe_report(ruleset: Ruleset, findings: Answers, history: History) -> list[str]:
    """A report in the ruleset's words: a line for each answered question, then what the service counted."""
    lines = [
        f"{read.question} {describe_node(ruleset, DerivationNode(name, read.question, findings[name]))}"
        for name, read in ruleset.inputs.items()
        if name in findings
    ]
    if history.reports_last_48h and "reports_last_48h" in ruleset.inputs:
        lines.append(f"Earlier reports in the last 48 hours: {history.reports_last_48h}")
    if history.highest_level_24h is not None and "highest_level_24h" in ruleset.inputs:
        lines.append(f"Highest level in the last 24 hours: {history.highest_level_24h.word}")
    return lines


class Witnesses:
    """Makes witnesses of what the solver finds. `evaluators`: one for each encoding; made at need if left out."""

    def __init__(self, solver: Solver, evaluators: Iterable[Evaluator] = ()) -> None:
        self.solver = solver
        self._evaluators = list(evaluators)
        self._claims: list[tuple[Claim, ...]] = []
        self._answers = list({id(e.answers): e.answers for e in solver.encodings}.values())
        self._inputs: dict[tuple[str, InputKind], Input] = {
            (read.name, read.kind): read for e in reversed(solver.encodings) for read in e.ruleset.inputs.values()
        }

    def smallest(self, *formulas: Formula, keep: Iterable[str] = ()) -> Witness | NoReport | GaveUp:
        """A report with the fewest answers for which all of these hold, replayed.

        keep: names of inputs that are to be answered if they can be, such as age. Raises EncoderBugError if the product
        says otherwise. Gives up as well if a text would have to be longer than is accepted.
        """
        wanted = set(keep)
        kept = self._posted(read for read in self._inputs.values() if read.name in wanted)
        wishes = [*kept, *self._nothing_counted()]  # before the first model: it knows nothing of later variables
        model = self.solver.find(*formulas)
        if not isinstance(model, Model):
            return model
        fixed = list(formulas)
        for wish in wishes:
            model, fixed = self._with(model, fixed, wish)
        others = self._posted(read for read in self._inputs.values() if read.name not in wanted and not _counted(read))
        model, _ = self._drop(model, fixed, others)
        model, fewest = self._fewer(model, fixed, others)
        return self.replayed(model, fewest=fewest)

    def replayed(self, model: Model, *, fewest: bool = False) -> Witness | GaveUp:
        """The model's report as a witness, as it is. Raises and gives up as `smallest` does."""
        variables = [made for answers in self._answers for made in answers.variables()]
        pins = [made if model.holds(made) else self.solver.logic.opposite(made) for made in variables]
        if not self._claims:
            self._claims = [tuple(claims(encoding)) for encoding in self.solver.encodings]
            self.solver.watch(*(formula for claim in self._claims for *_, formula in claim))
        whole = self.solver.find(*pins)
        if isinstance(whole, GaveUp):
            return whole
        if isinstance(whole, NoReport):
            raise EncoderBugError("a model's own answers are refused")
        try:
            values = {id(answers): values_of(answers, self._inputs, whole) for answers in self._answers}
        except NoSuchText as refusal:
            return GaveUp(str(refusal))
        reports = [report_of(e.ruleset, values[id(e.answers)]) for e in self.solver.encodings]
        results = []
        for number, claimed in enumerate(self._claims):
            result = self._evaluate(number, *reports[number])
            hold_against(result, claimed, whole)
            results.append(result)
        findings: Answers = {}
        history = History()
        for encoding, (own, counted) in reversed(list(zip(self.solver.encodings, reports, strict=True))):
            if encoding.answers is self._answers[0]:
                findings |= own
                history = counted if counted != History() else history
        return Witness(
            findings, history, tuple(results), fewest, tuple(reports), tuple(e.ruleset for e in self.solver.encodings)
        )

    def _evaluate(self, number: int, posted: Answers, history: History) -> Json:
        ruleset = self.solver.encodings[number].ruleset
        while len(self._evaluators) <= number:
            self._evaluators.append(Evaluator(self.solver.encodings[len(self._evaluators)].ruleset, NO_DIGEST))
        try:
            findings = read_answers(ruleset, posted)
        except ReportError as error:
            raise EncoderBugError(f"the report is refused: {error}") from error
        return self._evaluators[number].evaluate(findings, history, report_id="witness", received_ms=0, evaluated_ms=0)

    # --- smaller ---

    def _posted(self, inputs: Iterable[Input]) -> list[Formula]:
        """For each of these inputs and each report: it has something for the input, even if it means open."""
        logic = self.solver.logic
        found = {}
        for read in inputs:
            for answers in self._answers:
                choosing = read.kind in {InputKind.YES_NO, InputKind.CHOICE}
                said = logic.any_of(answers.one_hot(read).values.values()) if choosing else answers.answered(read)
                found[said.get_id()] = said
        return list(found.values())

    def _nothing_counted(self) -> list[Formula]:
        """That the subject never reported before."""
        logic, found = self.solver.logic, []
        for read in filter(_counted, self._inputs.values()):
            for answers in self._answers:
                if read.kind is InputKind.INTEGER:
                    found.append(logic.opposite(answers.number(read).cut(logic, 1)))
                else:
                    found.append(answers.one_hot(read).value(logic, "none"))
        return found

    def _with(self, model: Model, fixed: list[Formula], wish: Formula) -> tuple[Model, list[Formula]]:
        """A model that fulfils the wish as well, if there is one."""
        found = self.solver.find(*fixed, wish)
        return (found, [*fixed, wish]) if isinstance(found, Model) else (model, fixed)

    def _drop(self, model: Model, fixed: list[Formula], posted: list[Formula]) -> tuple[Model, int]:
        """A model without the answers that can be left out one after the other, and how many of them it has."""
        fixed = [*fixed, *(self.solver.logic.opposite(said) for said in posted if not model.holds(said))]
        needed = 0
        for said in posted:
            if model.holds(said):
                without = self.solver.find(*fixed, self.solver.logic.opposite(said))
                if isinstance(without, Model):
                    model = without
                    fixed.append(self.solver.logic.opposite(said))
                else:
                    needed += 1
                    fixed.append(said)
        return model, needed

    def _fewer(self, model: Model, fixed: list[Formula], posted: list[Formula]) -> tuple[Model, bool]:
        """A model with fewer of these answers as long as there is one; and whether there is no other."""
        while needed := sum(map(model.holds, posted)):
            fewer = self.solver.logic.opposite(self.solver.logic.at_least(needed, posted))
            found = self.solver.find(*fixed, fewer, seconds=FEWER_SECONDS)
            if not isinstance(found, Model):
                return model, isinstance(found, NoReport)
            model, _ = self._drop(found, fixed, posted)
        return model, True


def claims(encoding: Encoding) -> Iterator[Claim]:
    """What the formulas say of the fields of a result."""
    ruleset = encoding.ruleset
    yield from (("level", level.word, encoding.level_is(level)) for level in Level)
    yield from (("could_be", level.word, encoding.could_be_is(level)) for level in Level)
    yield from (("disposition", code, encoding.disposition_is(code)) for code in ruleset.dispositions)
    yield from (("could_be_disposition", code, encoding.could_be_disposition_is(code)) for code in ruleset.dispositions)
    yield "determined", True, encoding.determined()
    yield from (("rules", rule, encoding.fired(rule)) for rule in ruleset.rules)
    yield from (("safety_net", floor, encoding.fired(floor)) for floor in ruleset.floors)
    yield from (("inferences", name, encoding.established(name)) for name in ruleset.inferences)
    yield from (("conflicts", name, encoding.established(name)) for name in ruleset.conflicts)
    missing = {finding for item in ruleset.mandatory for finding in item.inputs}
    yield from (("missing", finding, encoding.missing(finding)) for finding in missing)


def hold_against(result: Json, claimed: Iterable[Claim], model: Model) -> None:
    """Raises EncoderBugError if the result is not what the formulas say of the model."""
    if ENGINE_DISAGREEMENT in result["flags"]:
        raise EncoderBugError("engine and reference evaluator differ")
    for field, value, formula in claimed:
        if model.holds(formula) != _is_there(result[field], value):
            raise EncoderBugError(f"`{field}`: `{value}` came out otherwise")


def _is_there(found: object, value: object) -> bool:
    match found:
        case list():
            return any(value == (item["id"] if isinstance(item, dict) else item) for item in found)
        case dict():
            return value in found
        case _:
            return found == value


def _counted(read: Input) -> bool:
    return read.asked_of is AskedOf.SERVICE

"""Mentions in a text that raise a result, though no question asks for the same."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from triage_rules.assurance.checking.context import CheckContext, Finding
from triage_rules.assurance.checking.written_conditions import condition_text, place_at, written_conditions
from triage_rules.assurance.solver.encoding import Encoding
from triage_rules.assurance.solver.logic import Formula
from triage_rules.assurance.solver.solver import GaveUp, Model, NoReport
from triage_rules.assurance.solver.two_reports import TwoReports
from triage_rules.assurance.solver.witness import Witness
from triage_rules.language.check_types import CheckType, Family
from triage_rules.language.conditions import parts
from triage_rules.language.gates import InputsBehind
from triage_rules.language.model import All, Any, Audience, Condition, Inferred, Mention, Not, Ruleset, Unless, Yes

FAMILY = Family.MENTIONS


def find_unasked_mentions(context: CheckContext) -> Iterator[Finding]:
    """Yield a finding for each mention that raises a result in which no other answer does the same."""
    for name in context.each(FAMILY, context.ruleset.mentions):
        effect = _Effect(context.two_reports, context.ruleset.mentions[name])
        change = effect.find_change()
        if isinstance(change, GaveUp):
            context.note(FAMILY, name)
        if not isinstance(change, tuple):
            continue
        beside = _conditions_beside(context, name)
        proofs = [effect.is_covered_by(condition) for condition in beside]
        if any(isinstance(proof, NoReport) for proof in proofs):
            continue
        if any(isinstance(proof, GaveUp) for proof in proofs):
            context.note(FAMILY, name)
            continue
        witness = context.witnesses_of_two.smallest(*effect.changes(*change))
        yield _report(context, name, change, beside, witness if isinstance(witness, Witness) else None)


@dataclass(frozen=True)
class _Effect:
    """The effect of a mention: a report without it, and the same report with it."""

    reports: TwoReports
    mention: Mention

    def find_change(self) -> tuple[str, str] | NoReport | GaveUp:
        """Return the gravest disposition that the mention leads to, and the mildest without it; all else answered."""
        first, second, logic = self.reports.first, self.reports.second, self.reports.logic
        codes = sorted(self.reports.ruleset.dispositions, key=self.reports.ruleset.urgency)
        rises = logic.any_of(
            logic.all_of([second.at_least_as_urgent(code), logic.opposite(first.at_least_as_urgent(code))])
            for code in codes
        )
        fixed = [*self._flip(), self._all_answered(), rises]
        after = self._first_of(fixed, {code: second.disposition_is(code) for code in reversed(codes)})
        if not isinstance(after, str):
            return after
        fixed.append(second.disposition_is(after))
        before = self._first_of(fixed, {code: first.disposition_is(code) for code in codes})
        return (before, after) if isinstance(before, str) else before

    def changes(self, before: str, after: str) -> list[Formula]:
        """Return formulas: without the mention it is the one disposition, with it the other."""
        return [*self._flip(), self.reports.first.disposition_is(before), self.reports.second.disposition_is(after)]

    def is_covered_by(self, condition: Condition) -> NoReport | Model | GaveUp:
        """Look for a report in which the mention leads to more than the condition would in its place, if it is true."""
        first, second, logic = self.reports.first, self.reports.second, self.reports.logic
        behind = InputsBehind(self.reports.ruleset.inferences).of(condition)
        differing = {self.mention.text, *(self.reports.ruleset.input_behind(name).name for name in behind)}
        milder = logic.any_of(
            logic.all_of([first.at_least_as_urgent(code), logic.opposite(second.at_least_as_urgent(code))])
            for code in self.reports.ruleset.dispositions
        )
        return self.reports.solver.find(
            self.reports.same_but(differing),
            *self._same_other_mentions(),
            first.answers.mentioned(self.mention),
            *self._without(second),
            second.true(condition),
            logic.opposite(first.true(condition)),
            self._all_answered(),
            milder,
        )

    def _first_of(self, fixed: list[Formula], ways: dict[str, Formula]) -> str | NoReport | GaveUp:
        """Return the first way that is possible."""
        for name, way in ways.items():
            model = self.reports.solver.find(*fixed, way)
            if isinstance(model, GaveUp):
                return model
            if isinstance(model, Model):
                return name
        return NoReport()

    def _flip(self) -> list[Formula]:
        """Return formulas: the second report differs from the first by the mention, in a text that both give."""
        second = self.reports.second.answers.mentioned(self.mention)
        same = [self.reports.same_but([self.mention.text]), *self._same_other_mentions()]
        return [*same, *self._without(self.reports.first), second]

    def _without(self, encoding: Encoding) -> list[Formula]:
        return [encoding.given(self.mention.text), encoding.logic.opposite(encoding.answers.mentioned(self.mention))]

    def _same_other_mentions(self) -> Iterator[Formula]:
        first, second = self.reports.first.answers, self.reports.second.answers
        for other in self.reports.ruleset.mentions.values():
            if other.text == self.mention.text and other != self.mention:
                yield self.reports.logic.same(first.mentioned(other), second.mentioned(other))

    def _all_answered(self) -> Formula:
        """Return the formula: the first report has an answer to every question to a patient that is not ruled out."""
        first, logic = self.reports.first, self.reports.logic
        return logic.all_of(
            logic.any_of([first.answered(name), *([first.false(read.relevant.when)] if read.relevant else [])])
            for name, read in self.reports.ruleset.inputs.items()
            if read.asked_of in Audience.PATIENT.answers and name != self.mention.text
        )


def _conditions_beside(context: CheckContext, name: str) -> list[Condition]:
    """Return what stands for the mention: `unless` or `not` beside it, or another way to its statement."""
    ruleset = context.ruleset
    beside: dict[Condition, None] = {}
    waiting: list[Condition] = [entry.condition for entry in written_conditions(ruleset)]
    while waiting:
        condition = waiting.pop()
        waiting += parts(condition)
        if isinstance(condition, All) and any(_says(ruleset, part, name) for part in condition.parts):
            beside |= {part.part: None for part in condition.parts if isinstance(part, Unless | Not)}
    for inference in ruleset.inferences.values():
        if isinstance(inference.when, Any) and _says(ruleset, inference.when, name):
            others = (part for part in inference.when.parts if not _says(ruleset, part, name))
            beside |= {part: None for part in others if not (isinstance(part, Yes) and part.input in ruleset.mentions)}
    return list(beside)


def _says(ruleset: Ruleset, condition: Condition, name: str) -> bool:
    """Return whether the mention makes the condition true by itself."""
    match condition:
        case Inferred(statement):
            return _says(ruleset, ruleset.inferences[statement].when, name)
        case Any(ways):
            return any(_says(ruleset, way, name) for way in ways)
        case _:
            return condition == Yes(name)


def _report(
    context: CheckContext, name: str, change: tuple[str, str], beside: list[Condition], witness: Witness | None
) -> Finding:
    mention = context.ruleset.mentions[name]
    before, after = change
    count = len(mention.phrases)
    words = f"one phrase (\u201c{mention.phrases[0]}\u201d)" if count == 1 else f"any of {count} phrases"
    covered = (
        f"{' or '.join(map(condition_text, beside))} asks for the same, but leads to less in some reports"
        if beside
        else "no condition beside it asks for the same"
    )
    message = (
        f"{words} of `{name}` in `{mention.text}` may change the result from {before} to {after}, even if every "
        f"question is answered; {covered}. The report shown is the smallest with this change, without the words."
    )
    return Finding(
        CheckType.UNASKED_MENTION, place_at(context.root, ("mentions", name)), name, message, witness=witness
    )

"""Reports that two versions of a ruleset decide differently: each kind with a smallest witness, or a proof of none."""

from __future__ import annotations

import enum
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass

from triage_rules.assurance.diff import formulas
from triage_rules.assurance.diff.formulas import VersionPair
from triage_rules.assurance.solver.encoding import Encoding
from triage_rules.assurance.solver.logic import Formula
from triage_rules.assurance.solver.minimal import Causes, CauseSet
from triage_rules.assurance.solver.solver import Budget, GaveUp, Model, NoReport, Solver
from triage_rules.assurance.solver.witness import Json, Witness, Witnesses
from triage_rules.evaluation.evaluator import Evaluator
from triage_rules.language.model import Disposition, Level, Ruleset

KINDS = {"level": 5, "disposition": 2, "advice": 3}
"""Number of kinds shown for each pair of levels, each pair of dispositions, and other advice; 1 for the rest."""


class Aspect(enum.StrEnum):
    """Part of the result that differs."""

    LEVEL = "level"
    DISPOSITION = "disposition"
    ADVICE = "advice"
    COULD_BE = "could_be"
    DETERMINED = "determined"
    BASIS = "basis"
    IRRELEVANT = "irrelevant"
    MISSING = "missing"
    CONFLICTS = "conflicts"
    FLAGS = "flags"
    VALIDITY = "validity"


class Way(enum.StrEnum):
    """Direction of a difference: less urgent, more urgent, or other."""

    LOWER = "lower"
    HIGHER = "higher"
    OTHER = "other"


class SearchState(enum.StrEnum):
    """State of a search: every kind is listed (perhaps none), more kinds exist, or the rest is unknown."""

    COMPLETE = "complete"
    MORE = "more"
    GAVE_UP = "gave up"


@dataclass(frozen=True, slots=True)
class DifferenceKind:
    """Kind of report whose result differs. `before`, `after`: the value in the old and in the new result.

    For a list field, only the elements of one side. `causes`: a minimal combination of deciding rules ("old R08") and
    of edits that have an effect on the report. `rules`: the rules behind each of the witness's two results.
    """

    before: tuple[str, ...]
    after: tuple[str, ...]
    causes: tuple[str, ...]
    witness: Witness
    rules: tuple[tuple[str, ...], tuple[str, ...]]


@dataclass(frozen=True, slots=True)
class ResultDifference:
    """Difference of one aspect in one direction. State COMPLETE: it is proved that there are no other kinds.

    `why`: for GAVE_UP, the reason.
    """

    aspect: Aspect
    way: Way
    kinds: tuple[DifferenceKind, ...]
    state: SearchState
    why: str = ""

    @property
    def proved_none(self) -> bool:
        """Return whether it is proved that no report differs in this way."""
        return not self.kinds and self.state is SearchState.COMPLETE


FIELDS: Mapping[Aspect, Sequence[Callable[[Encoding], dict[str, Formula]]]] = {
    Aspect.ADVICE: (formulas.patient_paragraphs, formulas.clinician_paragraphs),
    Aspect.COULD_BE: (formulas.could_be,),
    Aspect.DETERMINED: (formulas.determined,),
    Aspect.BASIS: (formulas.basis,),
    Aspect.IRRELEVANT: (formulas.irrelevant,),
    Aspect.MISSING: (formulas.missing,),
    Aspect.CONFLICTS: (formulas.conflicts,),
    Aspect.FLAGS: (formulas.flags,),
    Aspect.VALIDITY: (formulas.valid_for,),
}
"""Fields of the result by aspect; advice has one field for the patient and one for the clinician."""

READERS = ("patient", "clinician")


class DifferenceSearch:
    """Search for reports that both versions accept and decide differently.

    `most`: the number of kinds to show of everything, in place of KINDS.
    """

    def __init__(self, old: Evaluator, new: Evaluator, budget: Budget, most: int | None = None) -> None:
        self._versions = VersionPair(old.ruleset, new.ruleset)
        self._solver = Solver(self._versions.old, self._versions.new, budget=budget)
        self._witnesses = Witnesses(self._solver, [old, new])
        self._most = most

    def all(self) -> Iterator[ResultDifference]:
        """Yield every difference, less urgent ones first: level, disposition, then the other fields.

        Dispositions are compared for reports with the same level, other fields for those with the same disposition.
        Raises EncoderBugError if engine, reference and formulas disagree on a witness.
        """
        yield self.levels(Way.LOWER)
        yield self.dispositions(Way.LOWER)
        yield self.levels(Way.HIGHER)
        yield self.dispositions(Way.HIGHER)
        yield self.dispositions(Way.OTHER)
        for aspect in FIELDS:
            yield self.field(aspect)

    def levels(self, way: Way) -> ResultDifference:
        """Find reports whose level is lower, or higher, in the new version. `way`: LOWER or HIGHER."""
        old, new = self._versions.old, self._versions.new
        deciding = old if way is Way.LOWER else new
        causes = self._versions.causes(deciding)
        pairs = [
            _Pair(before.word, after.word, (old.level_is(before), new.level_is(after)), causes)
            for before in sorted(Level, reverse=True)
            for after in Level
            if (after < before if way is Way.LOWER else after > before)
        ]
        return self._search_pairs(Aspect.LEVEL, way, pairs)

    def dispositions(self, way: Way) -> ResultDifference:
        """Find reports of the same level whose disposition is less urgent, more urgent, or can't be compared."""
        old, new = self._versions.old, self._versions.new
        pairs = [
            _Pair(before, after, (old.disposition_is(before), new.disposition_is(after)), causes)
            for before in old.ruleset.dispositions
            for after in new.ruleset.dispositions
            if _compare_urgency(old.ruleset, new.ruleset, before, after) is way
            for causes in [self._disposition_causes(before, after, way)]
        ]
        return self._search_pairs(Aspect.DISPOSITION, way, pairs)

    def _disposition_causes(self, before: str, after: str, way: Way) -> dict[str, Formula]:
        version, encoding, code = (
            ("new", self._versions.new, after) if way is Way.HIGHER else ("old", self._versions.old, before)
        )
        decided = formulas.outcomes_at(encoding, code)
        return {f"{version} {name}": formula for name, formula in decided.items()} | dict(
            self._versions.effective_edits()
        )

    def field(self, aspect: Aspect) -> ResultDifference:
        """Find reports of the same level and disposition whose result differs in this field."""
        items: dict[str, Formula] = {}
        sides: dict[str, tuple[str, bool]] = {}
        readers = READERS if aspect is Aspect.ADVICE else ("",)
        for reader, field in zip(readers, FIELDS[aspect], strict=True):
            for value, lost, formula in self._versions.fields(field):
                element = f"{reader}: {value}" if reader else value
                items[f"{element}/{lost}"] = formula
                sides[f"{element}/{lost}"] = (element, lost)
        return self._search_items(aspect, items, sides)

    # --- search ---

    def _kinds_shown(self, aspect: Aspect) -> int:
        return KINDS.get(aspect.value, 1) if self._most is None else self._most

    def _search_pairs(self, aspect: Aspect, way: Way, pairs: list[_Pair]) -> ResultDifference:
        logic = self._versions.logic
        some = self._solver.find(logic.any_of(logic.all_of(pair.formulas) for pair in pairs))
        if not isinstance(some, Model):
            return _finish(aspect, way, [], some)
        kinds: list[DifferenceKind] = []
        states = [self._search_pair(pair, kinds, self._kinds_shown(aspect)) for pair in pairs]
        gave_up = [state.why for state in states if isinstance(state, GaveUp)]
        if gave_up:
            return ResultDifference(aspect, way, tuple(kinds), SearchState.GAVE_UP, gave_up[0])
        return ResultDifference(aspect, way, tuple(kinds), SearchState.MORE if any(states) else SearchState.COMPLETE)

    def _search_pair(self, pair: _Pair, kinds: list[DifferenceKind], most: int) -> bool | GaveUp:
        """Add the kinds of this pair. Return whether there are more of them."""
        search = Causes(self._solver, pair.formulas, pair.causes)
        for _ in range(most):
            causes = search.next()
            if not isinstance(causes, CauseSet):
                return causes if isinstance(causes, GaveUp) else False
            names = tuple(name for name in pair.causes if name in causes.names)
            kind = self._make_kind((pair.before,), (pair.after,), causes, names)
            if isinstance(kind, GaveUp):
                return kind
            kinds.append(kind)
        return search.is_there_more()

    def _make_kind(
        self, before: tuple[str, ...], after: tuple[str, ...], causes: CauseSet, names: tuple[str, ...]
    ) -> DifferenceKind | GaveUp:
        witness = self._witnesses.smallest(*causes.formulas)
        if isinstance(witness, NoReport):
            return GaveUp("the solver contradicted itself")
        if isinstance(witness, GaveUp):
            return witness
        old, new = witness.results
        return DifferenceKind(before, after, names, witness, (responsible(old), responsible(new)))

    def _search_items(
        self, aspect: Aspect, items: dict[str, Formula], sides: dict[str, tuple[str, bool]]
    ) -> ResultDifference:
        """Find a report for each element that only one of the results has, with as few others as possible."""
        left, kinds = dict(items), list[DifferenceKind]()
        while True:
            some = self._versions.logic.any_of(left.values())
            if len(kinds) == self._kinds_shown(aspect) and left:
                more = self._solver.find(self._versions.alike(), some)
                if not isinstance(more, Model):
                    return _finish(aspect, Way.OTHER, kinds, more)
                return ResultDifference(aspect, Way.OTHER, tuple(kinds), SearchState.MORE)
            causes = Causes(self._solver, [self._versions.alike(), some], items).next()
            if not isinstance(causes, CauseSet):
                return _finish(aspect, Way.OTHER, kinds, causes)
            shown = [sides[name] for name in left if name in causes.names]
            lost, gained = ([value for value, is_lost in shown if is_lost is side] for side in (True, False))
            kind = self._make_kind(tuple(lost), tuple(gained), causes, ())
            if isinstance(kind, GaveUp):
                return _finish(aspect, Way.OTHER, kinds, kind)
            kinds.append(kind)
            left = {name: formula for name, formula in left.items() if name not in causes.names}


@dataclass(frozen=True, slots=True)
class _Pair:
    """Value in the old and the new result, the formulas for both, and the possible causes."""

    before: str
    after: str
    formulas: tuple[Formula, ...]
    causes: dict[str, Formula]


def _finish(aspect: Aspect, way: Way, kinds: list[DifferenceKind], end: NoReport | GaveUp) -> ResultDifference:
    if isinstance(end, GaveUp):
        return ResultDifference(aspect, way, tuple(kinds), SearchState.GAVE_UP, end.why)
    return ResultDifference(aspect, way, tuple(kinds), SearchState.COMPLETE)


def responsible(result: Json) -> tuple[str, ...]:
    """Return the rules and floors at the level of a result, and `default` if no rule fired."""
    fired = [*result["rules"], *result["safety_net"]]
    names = [rule["id"] for rule in fired if rule.get("level", result["level"]) == result["level"]]
    return tuple(names if result["rules"] else [*names, formulas.DEFAULT])


def _compare_urgency(old: Ruleset, new: Ruleset, before: str, after: str) -> Way | None:
    """Compare the urgency of two dispositions of the same level; None if they don't differ or the level does."""
    was, now = old.dispositions[before], new.dispositions[after]
    if was.level != now.level:
        return None
    if before == after:
        return _compare_time(was, now)
    orders = {
        ruleset.urgency(after) > ruleset.urgency(before)
        for ruleset in (old, new)
        if before in ruleset.dispositions and after in ruleset.dispositions
    }
    if len(orders) != 1:
        return Way.OTHER
    return Way.HIGHER if orders.pop() else Way.LOWER


def _compare_time(was: Disposition, now: Disposition) -> Way | None:
    """Compare the time limits: more time is less urgent."""
    if now.allows_more_time_than(was):
        return Way.LOWER
    return Way.HIGHER if was.allows_more_time_than(now) else None

"""For whom two versions of a ruleset decide otherwise: each kind of report with a smallest witness, or none: proved."""

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
"""Kinds that are shown of each pair of levels, of each pair of dispositions, and of other advice; of the rest one."""


class Aspect(enum.StrEnum):
    """What of the result differs."""

    LEVEL = "level"
    DISPOSITION = "disposition"
    ADVICE = "advice"
    COULD_BE = "could_be"
    DETERMINED = "determined"
    MISSING = "missing"
    CONFLICTS = "conflicts"
    FLAGS = "flags"
    VALIDITY = "validity"


class Way(enum.StrEnum):
    """How it differs: less urgent, more urgent, or otherwise."""

    LOWER = "lower"
    HIGHER = "higher"
    OTHER = "other"


class SearchState(enum.StrEnum):
    """What is known of an aspect: every kind there is (it may be none), that there are more, or nothing more."""

    COMPLETE = "complete"
    MORE = "more"
    GAVE_UP = "gave up"


@dataclass(frozen=True, slots=True)
class DifferenceKind:
    """One kind of report whose result differs. `before`, `after`: what the old and the new result say.

    Of a field that is a list, only what one of them has. `causes`: what must come together, no more than needed: rules
    that decide ("old R08"), and edits of conditions that tell on the report. `rules`: those behind the witness's two
    results.
    """

    before: tuple[str, ...]
    after: tuple[str, ...]
    causes: tuple[str, ...]
    witness: Witness
    rules: tuple[tuple[str, ...], tuple[str, ...]]


@dataclass(frozen=True, slots=True)
class ResultDifference:
    """All that was found of one way to differ. State COMPLETE: no report differs so but those of these kinds: proved.

    `why`: of GAVE_UP, what is not known and why.
    """

    aspect: Aspect
    way: Way
    kinds: tuple[DifferenceKind, ...]
    state: SearchState
    why: str = ""

    @property
    def proved_none(self) -> bool:
        """No report differs so."""
        return not self.kinds and self.state is SearchState.COMPLETE


FIELDS: Mapping[Aspect, Sequence[Callable[[Encoding], dict[str, Formula]]]] = {
    Aspect.ADVICE: (formulas.patient_paragraphs, formulas.clinician_paragraphs),
    Aspect.COULD_BE: (formulas.could_be,),
    Aspect.DETERMINED: (formulas.determined,),
    Aspect.MISSING: (formulas.missing,),
    Aspect.CONFLICTS: (formulas.conflicts,),
    Aspect.FLAGS: (formulas.flags,),
    Aspect.VALIDITY: (formulas.valid_for,),
}
"""Fields of the result by aspect; of advice what the patient reads, then what the clinician does."""

READERS = ("patient", "clinician")


class DifferenceSearch:
    """Looks for reports that both versions accept and decide otherwise.

    `most`: as KINDS, for all alike.
    """

    def __init__(self, old: Evaluator, new: Evaluator, budget: Budget, most: int | None = None) -> None:
        self._both = VersionPair(old.ruleset, new.ruleset)
        self._solver = Solver(self._both.old, self._both.new, budget=budget)
        self._witnesses = Witnesses(self._solver, [old, new])
        self._most = most

    def all(self) -> Iterator[ResultDifference]:
        """Every way to differ, downwards first: level, disposition, then what else the results say.

        From disposition on of reports whose level is the same; from advice on of those whose disposition is, too.
        Raises EncoderBugError if engine, reference and formulas don't agree on a witness.
        """
        yield self.levels(Way.LOWER)
        yield self.dispositions(Way.LOWER)
        yield self.levels(Way.HIGHER)
        yield self.dispositions(Way.HIGHER)
        yield self.dispositions(Way.OTHER)
        for aspect in FIELDS:
            yield self.field(aspect)

    def levels(self, way: Way) -> ResultDifference:
        """Reports whose level is lower, or higher, by the new version. `way`: LOWER or HIGHER."""
        old, new = self._both.old, self._both.new
        deciding = old if way is Way.LOWER else new
        causes = self._both.causes(deciding)
        pairs = [
            _Pair(before.word, after.word, (old.level_is(before), new.level_is(after)), causes)
            for before in sorted(Level, reverse=True)
            for after in Level
            if (after < before if way is Way.LOWER else after > before)
        ]
        return self._of_pairs(Aspect.LEVEL, way, pairs)

    def dispositions(self, way: Way) -> ResultDifference:
        """Reports of the same level whose disposition is less urgent, more urgent, or can't be compared."""
        old, new = self._both.old, self._both.new
        pairs = [
            _Pair(before, after, (old.disposition_is(before), new.disposition_is(after)), causes)
            for before in old.ruleset.dispositions
            for after in new.ruleset.dispositions
            if _way(old.ruleset, new.ruleset, before, after) is way
            for causes in [self._disposition_causes(before, after, way)]
        ]
        return self._of_pairs(Aspect.DISPOSITION, way, pairs)

    def _disposition_causes(self, before: str, after: str, way: Way) -> dict[str, Formula]:
        version, encoding, code = (
            ("new", self._both.new, after) if way is Way.HIGHER else ("old", self._both.old, before)
        )
        decided = formulas.outcomes_at(encoding, code)
        return {f"{version} {name}": formula for name, formula in decided.items()} | dict(self._both.telling())

    def field(self, aspect: Aspect) -> ResultDifference:
        """Reports of the same level and disposition whose result differs in this field."""
        items: dict[str, Formula] = {}
        sides: dict[str, tuple[str, bool]] = {}
        readers = READERS if aspect is Aspect.ADVICE else ("",)
        for reader, field in zip(readers, FIELDS[aspect], strict=True):
            for value, lost, formula in self._both.fields(field):
                told = f"{reader}: {value}" if reader else value
                items[f"{told}/{lost}"] = formula
                sides[f"{told}/{lost}"] = (told, lost)
        return self._of_items(aspect, items, sides)

    # --- how ---

    def _limit(self, aspect: Aspect) -> int:
        return KINDS.get(aspect.value, 1) if self._most is None else self._most

    def _of_pairs(self, aspect: Aspect, way: Way, pairs: list[_Pair]) -> ResultDifference:
        logic = self._both.logic
        some = self._solver.find(logic.any_of(logic.all_of(pair.formulas) for pair in pairs))
        if not isinstance(some, Model):
            return _ended(aspect, way, [], some)
        kinds: list[DifferenceKind] = []
        states = [self._of_pair(pair, kinds, self._limit(aspect)) for pair in pairs]
        gave_up = [state.why for state in states if isinstance(state, GaveUp)]
        if gave_up:
            return ResultDifference(aspect, way, tuple(kinds), SearchState.GAVE_UP, gave_up[0])
        return ResultDifference(aspect, way, tuple(kinds), SearchState.MORE if any(states) else SearchState.COMPLETE)

    def _of_pair(self, pair: _Pair, kinds: list[DifferenceKind], most: int) -> bool | GaveUp:
        """Adds the kinds of this pair; whether there are more of them."""
        search = Causes(self._solver, pair.formulas, pair.causes)
        for _ in range(most):
            found = search.next()
            if not isinstance(found, CauseSet):
                return found if isinstance(found, GaveUp) else False
            kind = self._kind((pair.before,), (pair.after,), found, tuple(c for c in pair.causes if c in found.names))
            if isinstance(kind, GaveUp):
                return kind
            kinds.append(kind)
        return search.is_there_more()

    def _kind(
        self, before: tuple[str, ...], after: tuple[str, ...], found: CauseSet, causes: tuple[str, ...]
    ) -> DifferenceKind | GaveUp:
        witness = self._witnesses.smallest(*found.formulas)
        if isinstance(witness, NoReport):
            return GaveUp("the solver said yes and then no")
        if isinstance(witness, GaveUp):
            return witness
        old, new = witness.results
        return DifferenceKind(before, after, causes, witness, (responsible(old), responsible(new)))

    def _of_items(
        self, aspect: Aspect, items: dict[str, Formula], sides: dict[str, tuple[str, bool]]
    ) -> ResultDifference:
        """Each element that only one of the results has is shown once, with as few others as can be."""
        left, kinds = dict(items), list[DifferenceKind]()
        while True:
            some = self._both.logic.any_of(left.values())
            if len(kinds) == self._limit(aspect) and left:
                more = self._solver.find(self._both.alike(), some)
                if not isinstance(more, Model):
                    return _ended(aspect, Way.OTHER, kinds, more)
                return ResultDifference(aspect, Way.OTHER, tuple(kinds), SearchState.MORE)
            found = Causes(self._solver, [self._both.alike(), some], items).next()
            if not isinstance(found, CauseSet):
                return _ended(aspect, Way.OTHER, kinds, found)
            shown = [sides[name] for name in left if name in found.names]
            lost, gained = ([value for value, is_lost in shown if is_lost is side] for side in (True, False))
            kind = self._kind(tuple(lost), tuple(gained), found, ())
            if isinstance(kind, GaveUp):
                return _ended(aspect, Way.OTHER, kinds, kind)
            kinds.append(kind)
            left = {name: formula for name, formula in left.items() if name not in found.names}


@dataclass(frozen=True, slots=True)
class _Pair:
    """What the old and the new result say, the formulas for it, and what may cause it."""

    before: str
    after: str
    formulas: tuple[Formula, ...]
    causes: dict[str, Formula]


def _ended(aspect: Aspect, way: Way, kinds: list[DifferenceKind], end: NoReport | GaveUp) -> ResultDifference:
    if isinstance(end, GaveUp):
        return ResultDifference(aspect, way, tuple(kinds), SearchState.GAVE_UP, end.why)
    return ResultDifference(aspect, way, tuple(kinds), SearchState.COMPLETE)


def responsible(result: Json) -> tuple[str, ...]:
    """The rules and floors at the level of a result, and `default` if no rule fired."""
    told = [*result["rules"], *result["safety_net"]]
    found = [rule["id"] for rule in told if rule.get("level", result["level"]) == result["level"]]
    return tuple(found if result["rules"] else [*found, formulas.DEFAULT])


def _way(old: Ruleset, new: Ruleset, before: str, after: str) -> Way | None:
    """How one disposition compares with the other at the same level; None: they are no difference in it."""
    was, now = old.dispositions[before], new.dispositions[after]
    if was.level != now.level:
        return None
    if before == after:
        return _by_time(was, now)
    orders = {
        ruleset.urgency(after) > ruleset.urgency(before)
        for ruleset in (old, new)
        if before in ruleset.dispositions and after in ruleset.dispositions
    }
    if len(orders) != 1:
        return Way.OTHER
    return Way.HIGHER if orders.pop() else Way.LOWER


def _by_time(was: Disposition, now: Disposition) -> Way | None:
    """More time is less urgent."""
    if now.allows_more_time_than(was):
        return Way.LOWER
    return Way.HIGHER if was.allows_more_time_than(now) else None

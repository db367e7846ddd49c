"""Decision by rails: the outcome, floors, the default, the outcomes still possible, and the questions to ask."""

from __future__ import annotations

import functools
import itertools
import operator
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from itertools import compress
from typing import Generic, NamedTuple, TypeVar

from triage_rules.evaluation.signals import Masks, Numbering, Rails, flags, input_bits, outcome_key
from triage_rules.language.answer_floors import floors_on_answers
from triage_rules.language.gates import InputsBehind
from triage_rules.language.model import Basis, Floor, Level, Rule, RuleOutcome, Ruleset


@dataclass(frozen=True, slots=True)
class OutcomeChanges:
    """Effect on the outcome if one undecided outcome turns into its opposite, with any other changes.

    Dispositions as ranks, the higher the more urgent. before: the present one before floors raise it by one level.
    raised: each rank -> the rank that floors may then raise it to. fallen: the rank that may remain once no rule is
    established; None if a rule certainly is, or if none is now.
    """

    by_default: bool
    before: int
    raised: tuple[int, ...]
    fallen: int | None

    def could_raise_to(self, outcome: _RankedOutcome) -> int | None:
        """Return the highest rank possible once it is no longer established; None if that can't raise."""
        if outcome.of_rule and self.fallen is not None:
            return self.raised[self.fallen]
        return self.raised[self.before] if outcome.rank is None else None

    def could_lower(self, outcome: _RankedOutcome, *, established: bool) -> bool:
        """Return whether a less urgent outcome may result."""
        if outcome.rank is None:
            return established
        if established:
            return outcome.rank == self.before
        return self.by_default and outcome.of_rule and outcome.rank < self.before


@dataclass(frozen=True, slots=True)
class Decision:
    """Outcome of a report, now and at most.

    lowest_disposition: the least urgent that answers to open inputs could still lead to; may be too mild, never too
    urgent. could_be_disposition: the most urgent; may be too urgent, never too mild. lowest, could_be: their levels.
    by_rules: the disposition by the established rules only; None if there is none.
    """

    level: Level
    disposition: str
    lowest: Level
    lowest_disposition: str
    could_be: Level
    could_be_disposition: str
    basis: Basis
    by_rules: str | None
    outcome_changes: OutcomeChanges = field(repr=False, compare=False)

    @property
    def by_default(self) -> bool:
        """Return whether no rule was established."""
        return self.by_rules is None

    @property
    def determined(self) -> bool:
        """Return whether no answer to an open input can change the outcome, its level or its disposition."""
        return self.lowest_disposition == self.could_be_disposition


class OpenQuestion(NamedTuple):
    """Open input whose answer could change the outcome: upwards, downwards (to the lowest), or either way.

    Both are dispositions.
    """

    input: str
    could_raise_to: str | None
    could_lower_to: str | None


@dataclass(frozen=True, slots=True)
class KeyedOutcome:
    """Outcome of a rule or floor. `outcome` None: a floor that raises by one level."""

    rule: Rule | Floor
    key: str
    outcome: RuleOutcome | None


def keyed_outcomes(rules: Iterable[Rule | Floor]) -> Iterator[KeyedOutcome]:
    """Yield every outcome of these rules or floors, with its key on the rails."""
    for rule in rules:
        for index, outcome in enumerate(rule.outcomes):
            yield KeyedOutcome(rule, outcome_key(rule.id, index), outcome)
        if isinstance(rule, Floor) and rule.raise_one:
            yield KeyedOutcome(rule, rule.id, None)


@dataclass(frozen=True, slots=True)
class _RankedOutcome:
    """Statement with its urgency.

    rank: of its disposition, the higher the more urgent; None if it raises by one level.
    """

    number: int
    statement: KeyedOutcome
    of_rule: bool
    rank: int | None
    level: Level


NONE = -1
"""Rank where there is no outcome."""

NEXT_LEVEL = tuple(Level(min(level + 1, Level.URGENT)) for level in Level)
"""Each level raised by one."""


class Decider:
    """Decides reports by one ruleset, and looks up its constants once. Rails are passed as `Masks`."""

    def __init__(self, ruleset: Ruleset) -> None:
        self._ruleset = ruleset
        self._codes = sorted(ruleset.dispositions, key=ruleset.urgency)
        self._ranks = {code: rank for rank, code in enumerate(self._codes)}
        self._levels = [ruleset.dispositions[code].level for code in self._codes]
        self._default = self._ranks[ruleset.default.disposition]
        self.numbering = Numbering(ruleset)
        by_key = {statement.key: statement for statement in keyed_outcomes(ruleset.rules_and_floors)}
        self._outcomes = [self._rank_outcome(number, by_key[key]) for number, key in enumerate(self.numbering.outcomes)]
        self._all_mask = self._select(lambda _: True)
        self._rules_mask = self._select(lambda outcome: outcome.of_rule)
        self._floors_mask = self._select(lambda outcome: not outcome.of_rule and outcome.rank is not None)
        on_answers = floors_on_answers(ruleset)
        self._answer_floors_mask = self._floors_mask & self._select(lambda o: o.statement.rule.id in on_answers)
        self._raising_mask = self._select(lambda outcome: outcome.rank is None)
        self._raised = {
            floor.id: {level: self._ranks[code] for level, code in floor.raise_one} for floor in ruleset.floors.values()
        }
        self._read_by = _inputs_read_by(ruleset, [outcome.statement for outcome in self._outcomes])
        self._numbers_of = [
            (NONE if rank is None else rank, slice(numbers[0], numbers[-1] + 1))
            for rank, group in itertools.groupby(self._outcomes, key=lambda outcome: outcome.rank)
            if (numbers := [outcome.number for outcome in group])
        ]
        self._above = [self._select_above(rank) for rank in range(len(self._codes))]
        self._tables = QuestionTables(ruleset, lambda question: question)
        self._as_it_is = tuple(range(len(self._codes)))

    def _rank_outcome(self, number: int, statement: KeyedOutcome) -> _RankedOutcome:
        rank = None if statement.outcome is None else self._ranks[statement.outcome.disposition]
        level = Level.ROUTINE if rank is None else self._levels[rank]
        return _RankedOutcome(number, statement, isinstance(statement.rule, Rule), rank, level)

    def _select(self, wanted: Callable[[_RankedOutcome], bool]) -> int:
        return sum(1 << outcome.number for outcome in self._outcomes if wanted(outcome))

    def _select_above(self, rank: int) -> int:
        return self._select(lambda outcome: outcome.rank is not None and outcome.rank > rank)

    def disposition(self, established: int) -> str:
        """Return the current disposition; its level is the report's."""
        return self._codes[self._rank_now(self._summarize(established))]

    def level(self, established: int) -> Level:
        """Return the current level."""
        return self._levels[self._rank_now(self._summarize(established))]

    def decide(self, rails: Masks) -> Decision:
        """Decide by the rails. Order and priority play no part: only the most urgent outcome counts."""
        now, may, sure = (
            self._summarize(rails.established),
            self._summarize(rails.possible),
            self._summarize(rails.certain),
        )
        rank = self._rank_now(now)
        default = self._default if now.highest_rule == NONE else now.highest_rule
        before = max(default, now.floor)
        could_fall = now.highest_rule != NONE and sure.highest_rule == NONE
        lowest, highest = self._lowest_rank(rails.possible, may, sure), self._highest_rank(rank, may, sure)
        return Decision(
            level=self._levels[rank],
            disposition=self._codes[rank],
            lowest=self._levels[lowest],
            lowest_disposition=self._codes[lowest],
            could_be=self._levels[highest],
            could_be_disposition=self._codes[highest],
            basis=self._basis(rank, default, now, rails.certain),
            by_rules=None if now.highest_rule == NONE else self._codes[now.highest_rule],
            outcome_changes=OutcomeChanges(
                by_default=now.highest_rule == NONE,
                before=before,
                raised=self._raise_each(may) if may.raising else self._as_it_is,
                fallen=max(before, self._default) if could_fall else None,
            ),
        )

    def _basis(self, rank: int, default: int, now: _Summary, certain: int) -> Basis:
        if rank <= default:
            return Basis.DEFAULT if now.highest_rule == NONE else Basis.RULES
        on_answers = certain & self._answer_floors_mask
        if on_answers and self._rank_at((on_answers & -on_answers).bit_length()) >= rank:
            return Basis.RULES
        return Basis.SAFETY_NET

    def fired(self, established: int) -> tuple[list[KeyedOutcome], list[KeyedOutcome]]:
        """Return the most urgent outcome of each rule, and of each floor, that fired; the most urgent first."""
        rules: dict[str, KeyedOutcome] = {}
        floors: dict[str, KeyedOutcome] = {}
        for outcome in self._outcomes_in(established):
            (rules if outcome.of_rule else floors).setdefault(outcome.statement.rule.id, outcome.statement)
        return list(rules.values()), list(floors.values())

    def _outcomes_in(self, mask: int) -> Iterator[_RankedOutcome]:
        """Return the outcomes in a mask, the most urgent first."""
        return compress(self._outcomes, flags(mask & self._all_mask))

    def _summarize(self, mask: int) -> _Summary:
        """Summarize a mask. Numbers fall as urgency rises, so a mask's lowest bit is its most urgent outcome."""
        rules, floors = mask & self._rules_mask, mask & self._floors_mask
        return _Summary(
            lowest_rule=self._rank_at(rules.bit_length()) if rules else len(self._codes),
            highest_rule=self._rank_at((rules & -rules).bit_length()) if rules else NONE,
            floor=self._rank_at((floors & -floors).bit_length()) if floors else NONE,
            raising=mask & self._raising_mask,
        )

    def _rank_at(self, bit_length: int) -> int:
        rank = self._outcomes[bit_length - 1].rank
        assert rank is not None  # the masks hold no outcomes that raise by one
        return rank

    def _raised_ranks(self, raising: int) -> list[dict[Level, int]]:
        """Return for each of these floors the rank that each level is raised to."""
        return [self._raised[outcome.statement.key] for outcome in self._outcomes_in(raising)]

    def _rank_now(self, now: _Summary) -> int:
        rank = max(self._default if now.highest_rule == NONE else now.highest_rule, now.floor)
        level = self._levels[rank]
        if now.raising and level < Level.URGENT:
            return max(ranks[Level(level + 1)] for ranks in self._raised_ranks(now.raising))
        return rank

    def _highest_rank(self, now: int, may: _Summary, sure: _Summary) -> int:
        default = self._default if sure.highest_rule == NONE else NONE
        before = max(may.highest_rule, may.floor, default)
        if not may.raising:
            return max(now, before)
        level = NEXT_LEVEL[self._levels[before]]
        raised = [rank for ranks in self._raised_ranks(may.raising) for to, rank in ranks.items() if to <= level]
        return max([now, before, *raised])

    def _lowest_rank(self, possible: int, may: _Summary, sure: _Summary) -> int:
        no_rule_is_sure = sure.highest_rule == NONE
        before = max(min(self._default, may.lowest_rule) if no_rule_is_sure else sure.highest_rule, sure.floor)
        level = self._levels[before]
        if not sure.raising or level is Level.URGENT:
            return before
        raised = max(ranks[Level(level + 1)] for ranks in self._raised_ranks(sure.raising))
        if level is Level.ROUTINE:
            return raised
        # An urgent outcome is not raised, so it may be less urgent than what a lower one is raised to.
        urgent = [o.rank for o in self._outcomes_in(possible) if o.rank is not None and o.level is Level.URGENT]
        if no_rule_is_sure and self._levels[self._default] is Level.URGENT:
            urgent.append(self._default)
        return min([raised, *urgent])

    def _raise_each(self, may: _Summary) -> tuple[int, ...]:
        """Return for each rank the highest rank that these floors may raise it to."""
        raising = self._raised_ranks(may.raising)
        return tuple(
            rank if level is Level.URGENT else max(ranks[Level(level + 1)] for ranks in raising)
            for rank, level in enumerate(self._levels)
        )

    # --- questions ---

    def questions(self, rails: Masks, decision: Decision, depends_on: list[int]) -> list[OpenQuestion]:
        """Return the open inputs that could change the outcome; none once it is determined.

        First come signs of immediate danger, then mandatory inputs, then the others in the ruleset's order. Left out
        are inputs that the service counts. `depends_on`: for each outcome, by its number, a mask of the open inputs
        that can change it (`input_bits`).
        """
        return self.collect(rails, decision, depends_on, self._tables)

    def collect(
        self, rails: Masks, decision: Decision, depends_on: list[int], tables: QuestionTables[Entry]
    ) -> list[Entry]:
        """Return the same as `questions`, as entries of tables."""
        if decision.determined:
            return []
        now, lowest = self._ranks[decision.disposition], self._ranks[decision.lowest_disposition]
        raises, lowers = self._directions(rails, decision, depends_on)
        chosen: list[tuple[int, list[Entry]]] = []
        asked = 0
        for rank in (*range(len(self._codes) - 1, now, -1), None):
            new = (lowers if rank is None else raises[rank]) & ~asked
            asked |= new
            up = None if rank is None else self._codes[rank]
            for mask, down in ((new & lowers, self._codes[lowest]), (new & ~lowers, None)):
                if mask:
                    chosen.append((mask, tables.of(up, down)))
        picked: dict[int, Entry] = {}
        for mask, entries in chosen:
            picked.update(compress(enumerate(entries), flags(mask)))
        return [picked[place] for place in sorted(picked)]

    def _directions(self, rails: Masks, decision: Decision, depends_on: list[int]) -> tuple[list[int], int]:
        """Return for each rank a mask of the inputs that could raise to it, and a mask of those that could lower."""
        changes = decision.outcome_changes
        could_lower = self._ranks[decision.lowest_disposition] < self._ranks[decision.disposition]
        raises, lowers = [0] * len(self._codes), 0
        others = list(depends_on)
        for number in bit_numbers(rails.established & rails.possible & ~rails.certain & self._all_mask):
            outcome, mask, others[number] = self._outcomes[number], depends_on[number], 0
            if (rank := changes.could_raise_to(outcome)) is not None:
                raises[rank] |= mask
            if could_lower and changes.could_lower(outcome, established=True):
                lowers |= mask
        for rank, numbers in self._numbers_of:
            raises[changes.raised[max(changes.before, rank)]] |= functools.reduce(operator.or_, others[numbers], 0)
        if could_lower:
            for outcome, mask in zip(self._outcomes, others, strict=True):
                if mask and changes.could_lower(outcome, established=False):
                    lowers |= mask
        return raises, lowers

    def may_change(self, rails: Masks, decision: Decision, only: int) -> int:
        """Return which of these inputs could change the outcome, if others are answered too; may hold too many.

        `only`: a mask of open inputs.
        """
        undecided = rails.possible & ~rails.certain & self._all_mask
        if decision.lowest_disposition == decision.disposition:
            # before floors raise it by one level: an outcome just above that is raised, too
            raises = self._above[decision.outcome_changes.before] | self._raising_mask
            if decision.outcome_changes.fallen is not None:  # then the default, which may be more urgent, replaces them
                raises |= rails.established & self._rules_mask
            undecided &= raises
        return only & functools.reduce(operator.or_, compress(self._read_by, flags(undecided)), 0)


Entry = TypeVar("Entry")


class QuestionTables(Generic[Entry]):
    """Entries for the questions of a ruleset, in the order of asking, made once for each pair of dispositions.

    make: the entry of an input that could raise and lower to these.
    """

    def __init__(self, ruleset: Ruleset, make: Callable[[OpenQuestion], Entry]) -> None:
        self._names = list(input_bits(ruleset))
        self._make = make
        self._entries: dict[tuple[str | None, str | None], list[Entry]] = {}

    def of(self, could_raise_to: str | None, could_lower_to: str | None) -> list[Entry]:
        """Return the entries for these dispositions."""
        key = (could_raise_to, could_lower_to)
        if key not in self._entries:
            self._entries[key] = [self._make(OpenQuestion(name, *key)) for name in self._names]
        return self._entries[key]


def bit_numbers(mask: int) -> Iterator[int]:
    """Yield the numbers of a mask's bits that are 1, from the lowest on."""
    while mask:
        lowest = mask & -mask
        mask ^= lowest
        yield lowest.bit_length() - 1


class _Summary(NamedTuple):
    """Ranks of some outcomes; NONE if there are none (for lowest_rule: one more than the highest rank).

    raising: mask of the outcomes that raise by one level.
    """

    lowest_rule: int
    highest_rule: int
    floor: int
    raising: int


def _inputs_read_by(ruleset: Ruleset, statements: Iterable[KeyedOutcome]) -> list[int]:
    """Return for each outcome a mask of the inputs that its conditions read, through statements and implied answers."""
    behind, bits = InputsBehind(ruleset.inferences), input_bits(ruleset)
    masks = []
    for statement in statements:
        further = statement.outcome.when if statement.outcome is not None else None
        waiting = [when for when in (statement.rule.when, further) if when is not None]
        names: set[str] = set()
        while waiting:
            new = {ruleset.input_behind(name).name for name in behind.of(waiting.pop())} - names
            names |= new
            gates = [ruleset.inputs[name].relevant for name in new]
            waiting += [gate.when for gate in gates if gate is not None and gate.otherwise is not None]
        masks.append(sum(bits[name] for name in names))
    return masks


def decide(ruleset: Ruleset, rails: Rails) -> Decision:
    """Decide as `Decider.decide`, for a ruleset that decides once."""
    deciding = Decider(ruleset)
    return deciding.decide(deciding.numbering.masks(rails))


def disposition_of(ruleset: Ruleset, established: frozenset[str]) -> str:
    """Return the disposition as `Decider.disposition`, for a ruleset that decides once."""
    deciding = Decider(ruleset)
    return deciding.disposition(deciding.numbering.mask(established))

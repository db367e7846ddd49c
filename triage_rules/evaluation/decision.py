"""Rails to a decision: levels, floors, the default, what could still come, and what to ask."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from itertools import compress
from typing import NamedTuple

from triage_rules.evaluation.signals import Masks, Numbering, Rails, flags, outcome_key
from triage_rules.language.model import Floor, Level, Rule, RuleOutcome, Ruleset


@dataclass(frozen=True, slots=True)
class LevelChanges:
    """What turning one undecided outcome into its opposite could do to the level, whatever else then changes.

    level: before it is raised by one. raised: for each level what it then may be raised to. fallen: what it may come
    to if no rule is established any more; None if one surely is, or none is now.
    """

    by_default: bool
    level: Level
    raised: tuple[Level, ...]
    fallen: Level | None

    def could_raise_to(self, one: _Outcome) -> Level:
        """The highest level that may come of it if one that is established no longer is; routine if nothing higher."""
        if one.of_rule and self.fallen is not None:
            return self.raised[self.fallen]
        return self.raised[self.level] if one.rank is None else Level.ROUTINE

    def could_lower(self, one: _Outcome, *, established: bool) -> bool:
        """Whether a lower level may come of it."""
        if one.rank is None:
            return established
        if established:
            return one.level == self.level
        return self.by_default and one.of_rule and one.level < self.level


@dataclass(frozen=True, slots=True)
class Decision:
    """What the rails amount to.

    lowest: the lowest level that answers to open findings could still lead to; may be too low, never too high.
    could_be: the highest; may be too high, never too low. by_default: no rule was established.
    """

    level: Level
    disposition: str
    lowest: Level
    could_be: Level
    could_be_disposition: str
    by_default: bool
    level_changes: LevelChanges = field(repr=False, compare=False)

    @property
    def determined(self) -> bool:
        """No answer to an open finding can change the level."""
        return self.lowest == self.could_be


class OpenQuestion(NamedTuple):
    """An open finding whose answer could change the level: upwards, downwards (to the lowest), or either."""

    input: str
    could_raise_to: Level | None
    could_lower_to: Level | None


@dataclass(frozen=True, slots=True)
class KeyedOutcome:
    """One outcome of a rule or floor. `outcome` None: a floor that raises by one level."""

    rule: Rule | Floor
    key: str
    outcome: RuleOutcome | None


def keyed_outcomes(rules: Iterable[Rule | Floor]) -> Iterator[KeyedOutcome]:
    """Every outcome of these rules or floors, with its key on the rails."""
    for rule in rules:
        for index, outcome in enumerate(rule.outcomes):
            yield KeyedOutcome(rule, outcome_key(rule.id, index), outcome)
        if isinstance(rule, Floor) and rule.raise_one:
            yield KeyedOutcome(rule, rule.id, None)


@dataclass(frozen=True, slots=True)
class _Outcome:
    """A statement as deciding needs it.

    rank: of its disposition, the higher the more urgent; None if it raises by one level.
    """

    number: int
    statement: KeyedOutcome
    of_rule: bool
    rank: int | None
    level: Level


NONE = -1
"""The rank of nothing at all."""

AS_IT_IS = tuple(Level)
NEXT_LEVEL = tuple(Level(min(level + 1, Level.URGENT)) for level in Level)
"""What a level becomes, and what it becomes if it is raised by one."""


class Decider:
    """Decides by one ruleset; looks up once what it needs to know of it. Rails come and go as `Masks`."""

    def __init__(self, ruleset: Ruleset) -> None:
        self._ruleset = ruleset
        self._codes = sorted(ruleset.dispositions, key=ruleset.urgency)
        self._ranks = {code: rank for rank, code in enumerate(self._codes)}
        self._levels = [ruleset.dispositions[code].level for code in self._codes]
        self._default = self._ranks[ruleset.default.disposition]
        self.numbering = Numbering(ruleset)
        made = {statement.key: statement for statement in keyed_outcomes(ruleset.rules_and_floors)}
        self._outcomes = [self._outcome(number, made[key]) for number, key in enumerate(self.numbering.outcomes)]
        self._all = self._mask_of(lambda _: True)
        self._rules = self._mask_of(lambda one: one.of_rule)
        self._floors = self._mask_of(lambda one: not one.of_rule and one.rank is not None)
        self._raising = self._mask_of(lambda one: one.rank is None)
        self._raised = {
            floor.id: {level: self._ranks[code] for level, code in floor.raise_one} for floor in ruleset.floors.values()
        }
        self._inputs = list(ruleset.inputs)
        mandatory = dict.fromkeys(finding for item in ruleset.mandatory for finding in item.inputs)
        self._mandatory = [1 << self._inputs.index(finding) for finding in mandatory]
        self._mandatory_mask = sum(self._mandatory)
        self._questions: dict[tuple[Level | None, Level | None], dict[int, OpenQuestion]] = {}

    def _outcome(self, number: int, statement: KeyedOutcome) -> _Outcome:
        rank = None if statement.outcome is None else self._ranks[statement.outcome.disposition]
        level = Level.ROUTINE if rank is None else self._levels[rank]
        return _Outcome(number, statement, isinstance(statement.rule, Rule), rank, level)

    def _mask_of(self, wanted: Callable[[_Outcome], bool]) -> int:
        return sum(1 << one.number for one in self._outcomes if wanted(one))

    def disposition(self, established: int) -> str:
        """The disposition as things stand; its level is the report's."""
        return self._codes[self._rank(self._sum(established))]

    def level(self, established: int) -> Level:
        """The level as things stand."""
        return self._levels[self._rank(self._sum(established))]

    def decide(self, rails: Masks) -> Decision:
        """Put the rails together. Order and priority play no part: only the most urgent counts."""
        now, may, sure = self._sum(rails.established), self._sum(rails.possible), self._sum(rails.certain)
        rank = self._rank(now)
        default = self._default if now.highest_rule == NONE else now.highest_rule
        before = max(default, now.floor)
        falls = now.highest_rule != NONE and sure.highest_rule == NONE
        return Decision(
            level=self._levels[rank],
            disposition=self._codes[rank],
            lowest=self._lowest(may, sure),
            could_be=self._highest(may, sure),
            could_be_disposition=self._codes[self._most_urgent(rank, may, sure)],
            by_default=now.highest_rule == NONE,
            level_changes=LevelChanges(
                by_default=now.highest_rule == NONE,
                level=self._levels[before],
                raised=NEXT_LEVEL if may.raising else AS_IT_IS,
                fallen=self._levels[max(before, self._default)] if falls else None,
            ),
        )

    def fired(self, established: int) -> tuple[list[KeyedOutcome], list[KeyedOutcome]]:
        """Of each rule, and of each floor, that fired its most urgent outcome; the most urgent first."""
        rules: dict[str, KeyedOutcome] = {}
        floors: dict[str, KeyedOutcome] = {}
        for one in self._of(established):
            (rules if one.of_rule else floors).setdefault(one.statement.rule.id, one.statement)
        return list(rules.values()), list(floors.values())

    def _of(self, mask: int) -> Iterator[_Outcome]:
        """The outcomes on a rail, the most urgent first."""
        return compress(self._outcomes, flags(mask & self._all))

    def _sum(self, mask: int) -> _Sum:
        """Numbers fall as urgency rises, so the lowest bit of a mask is its most urgent outcome."""
        rules, floors = mask & self._rules, mask & self._floors
        return _Sum(
            lowest_rule=self._rank_at(rules.bit_length()) if rules else len(self._codes),
            highest_rule=self._rank_at((rules & -rules).bit_length()) if rules else NONE,
            floor=self._rank_at((floors & -floors).bit_length()) if floors else NONE,
            raising=mask & self._raising,
        )

    def _rank_at(self, bit_length: int) -> int:
        rank = self._outcomes[bit_length - 1].rank
        assert rank is not None  # what raises by one is in none of the masks
        return rank

    def _raises(self, raising: int) -> list[dict[Level, int]]:
        """For each of these floors, the rank that each level is raised to."""
        return [self._raised[one.statement.key] for one in self._of(raising)]

    def _rank(self, now: _Sum) -> int:
        rank = max(self._default if now.highest_rule == NONE else now.highest_rule, now.floor)
        level = self._levels[rank]
        if now.raising and level < Level.URGENT:
            return max(ranks[Level(level + 1)] for ranks in self._raises(now.raising))
        return rank

    def _could_reach(self, may: _Sum, sure: _Sum) -> int:
        """The highest rank, before it is raised by one level."""
        default = self._default if sure.highest_rule == NONE else NONE
        return max(may.highest_rule, may.floor, default)

    def _highest(self, may: _Sum, sure: _Sum) -> Level:
        return self._raised_level(self._levels[self._could_reach(may, sure)], may)

    def _most_urgent(self, now: int, may: _Sum, sure: _Sum) -> int:
        rank = max(now, self._could_reach(may, sure))
        if not may.raising:
            return rank
        level = self._highest(may, sure)
        raised = [rank for ranks in self._raises(may.raising) for to, rank in ranks.items() if to <= level]
        return max([rank, *raised])

    def _lowest(self, may: _Sum, sure: _Sum) -> Level:
        rank = min(self._default, may.lowest_rule) if sure.highest_rule == NONE else sure.highest_rule
        return self._raised_level(self._levels[max(rank, sure.floor)], sure)

    @staticmethod
    def _raised_level(level: Level, outcomes: _Sum) -> Level:
        """Several floors that raise by one level raise by one all the same."""
        return NEXT_LEVEL[level] if outcomes.raising else level

    # --- what to ask ---

    def questions(self, rails: Masks, decision: Decision, hangs_on: Mapping[int, int]) -> list[OpenQuestion]:
        """The open findings that could change the level, the most dangerous first; empty once it is determined.

        First what could raise highest; then the mandatory ones, in the ruleset's order; then what the fewest other
        open findings stand beside. What the service counts, and what is asked of nobody, is left out.
        `hangs_on`: an undecided outcome's number -> the open inputs that it hangs on: bit n is the ruleset's nth input.
        """
        if decision.determined:
            return []
        changes = decision.level_changes
        may_lower = decision.lowest < decision.level
        raised = [changes.raised[max(changes.level, level)] for level in Level]  # by what isn't established yet
        raises, lowers = [0] * len(Level), 0
        beside: dict[int, int] = {}
        for one in self._of(rails.possible & ~rails.certain):
            mask = hangs_on.get(one.number)
            if mask:
                is_so = bool(rails.established >> one.number & 1)
                count = mask.bit_count()
                beside[count] = beside.get(count, 0) | mask
                raises[changes.could_raise_to(one) if is_so else raised[one.level]] |= mask
                if may_lower and changes.could_lower(one, established=is_so):
                    lowers |= mask
        fewest_first = [beside[count] for count in sorted(beside)]
        found: list[OpenQuestion] = []
        told = 0
        for level in (Level.URGENT, Level.MONITOR, None):
            if level is None or level > decision.level:
                new = (lowers if level is None else raises[level]) & ~told
                told |= new
                lower = self._asked(level, decision.lowest)
                neither = self._asked(level, None)
                found += [(lower if lowers & n else neither)[n] for n in self._in_order(new, fewest_first)]
        return found

    def _in_order(self, wanted: int, fewest_first: list[int]) -> Iterator[int]:
        """The wanted bits: mandatory ones first, then those in the smallest masks, then in the ruleset's order."""
        if wanted & self._mandatory_mask:
            yield from (n for n in self._mandatory if wanted & n)
            wanted &= ~self._mandatory_mask
        for mask in fewest_first:
            new = mask & wanted
            wanted ^= new
            while new:
                n = new & -new
                new ^= n
                yield n

    def _asked(self, raise_to: Level | None, lower_to: Level | None) -> dict[int, OpenQuestion]:
        """The question for each bit."""
        known = self._questions.get((raise_to, lower_to))
        if known is None:
            made = {1 << n: OpenQuestion(name, raise_to, lower_to) for n, name in enumerate(self._inputs)}
            known = self._questions[raise_to, lower_to] = made
        return known


class _Sum(NamedTuple):
    """What some outcomes amount to: ranks, NONE (or for the lowest, one beyond the highest) where there is none.

    raising: those that raise by one level, as a mask.
    """

    lowest_rule: int
    highest_rule: int
    floor: int
    raising: int


def decide(ruleset: Ruleset, rails: Rails) -> Decision:
    """As `Decider.decide`, for a ruleset that decides once."""
    deciding = Decider(ruleset)
    return deciding.decide(deciding.numbering.masks(rails))


def disposition_of(ruleset: Ruleset, established: frozenset[str]) -> str:
    """As `Decider.disposition`, for a ruleset that decides once."""
    deciding = Decider(ruleset)
    return deciding.disposition(deciding.numbering.mask(established))

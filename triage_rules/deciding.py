"""Rails to a decision: levels, floors, the default, what could still come, and what to ask."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from triage_rules.rails import Rails, outcome_key
from triage_rules.reference import Reference
from triage_rules.ruleset import (
    All,
    Any,
    AskedOf,
    AtLeast,
    Compare,
    Condition,
    Floor,
    Inferred,
    IsOpen,
    Level,
    Not,
    OneOf,
    Outcome,
    Rule,
    Ruleset,
    Unless,
    Yes,
)


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

    @property
    def determined(self) -> bool:
        """No answer to an open finding can change the level."""
        return self.lowest == self.could_be


@dataclass(frozen=True, slots=True)
class Question:
    """An open finding whose answer could change the level: upwards, downwards (to the lowest), or either."""

    finding: str
    could_raise_to: Level | None
    could_lower_to: Level | None


@dataclass(frozen=True, slots=True)
class Statement:
    """One outcome of a rule or floor. `outcome` None: a floor that raises by one level."""

    rule: Rule | Floor
    key: str
    outcome: Outcome | None


def statements(rules: Iterable[Rule | Floor]) -> Iterator[Statement]:
    """Every outcome of these rules or floors, with its key on the rails."""
    for rule in rules:
        for index, outcome in enumerate(rule.outcomes):
            yield Statement(rule, outcome_key(rule.id, index), outcome)
        if isinstance(rule, Floor) and rule.raise_one:
            yield Statement(rule, rule.id, None)


def decide(ruleset: Ruleset, rails: Rails) -> Decision:
    """Put the rails together. Order and priority play no part: only the most urgent counts."""
    disposition = disposition_of(ruleset, rails.established)
    return Decision(
        level=ruleset.dispositions[disposition].level,
        disposition=disposition,
        lowest=_lowest(ruleset, rails),
        could_be=_highest(ruleset, rails),
        could_be_disposition=_most_urgent(ruleset, rails, disposition),
        by_default=not _dispositions(ruleset.rules.values(), rails.established),
    )


def disposition_of(ruleset: Ruleset, established: frozenset[str]) -> str:
    """The disposition as things stand; its level is the report's."""
    dispositions = _dispositions(ruleset.rules.values(), established) or [ruleset.default.disposition]
    dispositions += _dispositions(ruleset.floors.values(), established)
    disposition = max(dispositions, key=ruleset.urgency)
    level = ruleset.dispositions[disposition].level
    raising = _raising(ruleset, established)
    if raising and level < Level.URGENT:
        return max((dict(floor.raise_one)[Level(level + 1)] for floor in raising), key=ruleset.urgency)
    return disposition


def _dispositions(rules: Iterable[Rule | Floor], keys: frozenset[str]) -> list[str]:
    return [s.outcome.disposition for s in statements(rules) if s.outcome is not None and s.key in keys]


def _levels(ruleset: Ruleset, rules: Iterable[Rule | Floor], keys: frozenset[str]) -> list[Level]:
    return [ruleset.dispositions[code].level for code in _dispositions(rules, keys)]


def _raising(ruleset: Ruleset, keys: frozenset[str]) -> list[Floor]:
    """The floors that raise by one level; several of them raise by one all the same."""
    return [floor for floor in ruleset.floors.values() if floor.raise_one and floor.id in keys]


def _default(ruleset: Ruleset) -> Level:
    return ruleset.dispositions[ruleset.default.disposition].level


def _highest(ruleset: Ruleset, rails: Rails) -> Level:
    levels = _levels(ruleset, ruleset.rules.values(), rails.possible)
    if not _levels(ruleset, ruleset.rules.values(), rails.certain):
        levels.append(_default(ruleset))
    level = max(levels + _levels(ruleset, ruleset.floors.values(), rails.possible))
    return Level(min(level + bool(_raising(ruleset, rails.possible)), Level.URGENT))


def _most_urgent(ruleset: Ruleset, rails: Rails, now: str) -> str:
    dispositions = [now, *_dispositions(ruleset.rules_and_floors, rails.possible)]
    if not _levels(ruleset, ruleset.rules.values(), rails.certain):
        dispositions.append(ruleset.default.disposition)
    level = _highest(ruleset, rails)
    for floor in _raising(ruleset, rails.possible):
        dispositions += [code for to, code in floor.raise_one if to <= level]
    return max(dispositions, key=ruleset.urgency)


def _lowest(ruleset: Ruleset, rails: Rails) -> Level:
    certain = _levels(ruleset, ruleset.rules.values(), rails.certain)
    possible = _levels(ruleset, ruleset.rules.values(), rails.possible)
    level = max(certain) if certain else min([_default(ruleset), *possible])
    level = max([level, *_levels(ruleset, ruleset.floors.values(), rails.certain)])
    return Level(min(level + bool(_raising(ruleset, rails.certain)), Level.URGENT))


# --- what to ask ----------------------------------------------------------------------------


def questions(ruleset: Ruleset, rails: Rails, decision: Decision, reference: Reference) -> list[Question]:
    """The open findings that could change the level, the most dangerous first; empty once it is determined.

    First what could raise highest; then the mandatory ones, in the ruleset's order; then what the fewest other
    open findings stand beside. What the service counts, and what is asked of nobody, is left out.
    """
    if decision.determined:
        return []
    raises: dict[str, Level] = {}
    lowers: set[str] = set()
    fewest: dict[str, int] = {}
    undecided, standing = _Undecided(ruleset, reference), _Standing(ruleset, rails, decision)
    for statement in _undecided_statements(ruleset, rails):
        asked = undecided.asked(statement)
        fewest.update({finding: min(fewest.get(finding, len(asked)), len(asked)) for finding in asked})
        level = standing.could_raise_to(statement)
        if level > decision.level:
            raises.update({finding: max(raises.get(finding, level), level) for finding in asked})
        if standing.could_lower(statement):
            lowers |= asked
    found = [
        Question(finding, raises.get(finding), decision.lowest if finding in lowers else None)
        for finding in ruleset.inputs
        if finding in raises or finding in lowers
    ]
    mandatory = [finding for item in ruleset.mandatory for finding in item.findings]
    return sorted(found, key=lambda q: _danger(q, mandatory, fewest))


class _Standing:
    """What turning one undecided statement into its opposite could do to the level, whatever else then changes."""

    def __init__(self, ruleset: Ruleset, rails: Rails, decision: Decision) -> None:
        rules, floors = ruleset.rules.values(), ruleset.floors.values()
        reached = _levels(ruleset, rules, rails.established) or [_default(ruleset)]
        self._level = max(reached + _levels(ruleset, floors, rails.established))  # before it is raised by one
        self._may_be_raised = bool(_raising(ruleset, rails.possible))
        self._may_fall_to_default = not decision.by_default and not _levels(ruleset, rules, rails.certain)
        self._ruleset, self._rails, self._decision = ruleset, rails, decision

    def could_raise_to(self, statement: Statement) -> Level:
        """The highest level that may come of it."""
        established, level = statement.key in self._rails.established, self._level
        if not established:
            level = max(level, self._own(statement))
        elif isinstance(statement.rule, Rule) and self._may_fall_to_default:
            level = max(level, _default(self._ruleset))
        elif statement.outcome is not None:
            return self._decision.level
        return Level(min(level + self._may_be_raised, Level.URGENT))

    def could_lower(self, statement: Statement) -> bool:
        """Whether a lower level may come of it."""
        if self._decision.lowest == self._decision.level:
            return False
        established, own = statement.key in self._rails.established, self._own(statement)
        if statement.outcome is None:
            return established
        if established:
            return own == self._level
        return self._decision.by_default and isinstance(statement.rule, Rule) and own < self._level

    def _own(self, statement: Statement) -> Level:
        if statement.outcome is None:
            return Level.ROUTINE
        return self._ruleset.dispositions[statement.outcome.disposition].level


def _undecided_statements(ruleset: Ruleset, rails: Rails) -> Iterator[Statement]:
    for statement in statements(ruleset.rules_and_floors):
        if statement.key in rails.possible and statement.key not in rails.certain:
            yield statement


def _danger(question: Question, mandatory: list[str], fewest: dict[str, int]) -> tuple[int, int, int]:
    raises = question.could_raise_to
    place = mandatory.index(question.finding) if question.finding in mandatory else len(mandatory)
    return (-1 if raises is None else -raises - 1, place, fewest[question.finding])


class _Undecided:
    """The open findings that a condition still hangs on; remembers statements it has looked at."""

    def __init__(self, ruleset: Ruleset, reference: Reference) -> None:
        self._ruleset = ruleset
        self._reference = reference
        self._statements: dict[str, frozenset[str]] = {}

    def asked(self, statement: Statement) -> frozenset[str]:
        """What could be asked of somebody to settle an outcome: inputs, without what the service counts."""
        conditions = [statement.rule.when]
        if statement.outcome is not None and statement.outcome.when is not None:
            conditions.append(statement.outcome.when)
        found = frozenset().union(*map(self._findings, conditions))
        mentions, inputs = self._ruleset.mentions, self._ruleset.inputs
        texts = {mentions[name].text if name in mentions else name for name in found}
        return frozenset(name for name in texts if inputs[name].asked_of is not AskedOf.SERVICE)

    def _findings(self, condition: Condition) -> frozenset[str]:
        if len(self._reference.reach(condition)) == 1:
            return frozenset()
        match condition:
            case All(parts) | Any(parts) | AtLeast(_, parts):
                return frozenset().union(*map(self._findings, parts))
            case Not(part) | Unless(part):
                return self._findings(part)
            case Inferred(name):
                if name not in self._statements:
                    self._statements[name] = self._findings(self._ruleset.inferences[name].when)
                return self._statements[name]
            case Compare(finding) | OneOf(finding) | Yes(finding) | IsOpen(finding):
                return frozenset({finding})


def missing(ruleset: Ruleset, reference: Reference) -> list[str]:
    """The mandatory findings that are open, in the ruleset's order; all of a group if none of it is answered."""
    return [
        finding
        for item in ruleset.mandatory
        if (item.when is None or reference.value(item.when) is not False)
        and all(reference.value(IsOpen(finding)) for finding in item.findings)
        for finding in item.findings
    ]

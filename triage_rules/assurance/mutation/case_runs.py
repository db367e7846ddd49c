"""Which case notices a mutant: the first whose expectations fail.

Exact, and quick: a case is evaluated again only where what the mutant changed can matter to it.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from triage_rules.assurance.cases import Case, differences
from triage_rules.evaluation.answers import read_answers
from triage_rules.evaluation.decision import Decider, keyed_outcomes
from triage_rules.evaluation.evaluator import Evaluator
from triage_rules.evaluation.explanation import outcome_condition
from triage_rules.evaluation.justification import ReferenceJustification
from triage_rules.evaluation.reference import Kleene, Reference
from triage_rules.evaluation.result import Identity, Results
from triage_rules.evaluation.signals import Rails
from triage_rules.language.conditions import parts, statements_in
from triage_rules.language.model import Answers, Condition, Floor, IsOpen, Level, Mandatory, Rule, Ruleset

_LOOKS_AHEAD = frozenset({"could_be", "determined", "ask", "ask_includes", "ask_excludes"})
"""What a case may want of answers that are not yet given. Everything else hangs on what is established alone."""


@dataclass(frozen=True, slots=True)
class Kill:
    """The first case that fails, what differs in it, and whether it was urgent and is lower."""

    case: str
    differs: tuple[str, ...]
    lowers_urgent: bool


@dataclass(slots=True)
class _Known:
    """A case and all that the ruleset makes of it."""

    case: Case
    facts: Answers
    reference: Reference
    values: dict[str, Kleene]
    established: frozenset[str]
    level: Level
    looks_ahead: bool


@dataclass(slots=True)
class _Touched:
    """What a mutant changed.

    conditions: pairs, old and new; hanging: the statements built on these. affected: conditions of the mutant that may
    have another value than before, by key; gone: keys that are no more. outcomes: rules and floors with other outcomes
    or none, and conflicts that are no more, by key; mandatory: items that are no more, or are asked for otherwise.
    """

    conditions: list[tuple[Condition, Condition]]
    hanging: frozenset[str]
    affected: Mapping[str, Condition]
    gone: frozenset[str]
    outcomes: frozenset[str]
    mandatory: list[Mandatory]
    default: bool

    @property
    def beside(self) -> bool:
        """More is changed than conditions: the same statements may come to another result."""
        return self.default or bool(self.outcomes or self.mandatory)


class _Made:
    """What decides by one ruleset, and tells it."""

    def __init__(self, ruleset: Ruleset) -> None:
        self.ruleset = ruleset
        self._deciding = Decider(ruleset)
        self._results = Results(ruleset, self._deciding)

    def level(self, established: frozenset[str]) -> Level:
        return self._deciding.level(self._deciding.numbering.mask(established))

    def result(self, identity: Identity, reference: Reference, rails: Rails) -> dict[str, Any]:
        masks = self._deciding.numbering.masks(rails)
        grounds, decision = ReferenceJustification(self.ruleset, reference), self._deciding.decide(masks)
        return self._results.make(identity, grounds, masks, decision, disagreement=False)


class CaseRuns:
    """The cases of a ruleset, evaluated once. Those to be refused, and those that fail anyway, notice nothing."""

    def __init__(self, evaluator: Evaluator, cases: Collection[Case]) -> None:
        self.ruleset = evaluator.ruleset
        self._identity = Identity("case", self.ruleset.name, self.ruleset.version, evaluator.digest, 0, 0)
        self._conditions = _conditions(self.ruleset)
        self._needs = {key: frozenset(statements_in(condition)) for key, condition in self._conditions.items()}
        self._users = _users(self.ruleset)
        self._made = _Made(self.ruleset)
        evaluated = [self._evaluated(evaluator, case) for case in cases if "refused" not in case.expect]
        self.failing = tuple(known.case.id for known in evaluated if self._fails(known, known.established, self._made))
        self._known = [known for known in evaluated if known.case.id not in self.failing]

    def __len__(self) -> int:
        return len(self._known)

    def kill(self, mutant: Ruleset) -> Kill | None:
        """The first case, in the order of the file, that the mutant fails; None if it passes all."""
        made = _Made(mutant)
        for known, established in self._noticing(mutant, self._touched(mutant)):
            if found := self._fails(known, established, made):
                lowered = known.level is Level.URGENT and made.level(established) < Level.URGENT
                return Kill(known.case.id, found, lowered)
        return None

    def _noticing(self, mutant: Ruleset, touched: _Touched) -> Iterator[tuple[_Known, frozenset[str]]]:
        """The cases whose result may be another, each with what the mutant establishes."""
        for known in self._known:
            if self._matters(known, touched):
                established = self._established(mutant, known, touched)
                if known.looks_ahead or touched.beside or established != known.established:
                    yield known, established

    def _matters(self, known: _Known, touched: _Touched) -> bool:
        """Something that was changed is otherwise in this case, or is looked at by it."""
        reference = known.reference
        for old, new in touched.conditions:
            if reference.value(old) is not reference.value(new):
                return True
            if known.looks_ahead and not (len(reference.reach(old)) == len(reference.reach(new)) == 1):
                return True
        if touched.default or any(all(map(reference.value, map(IsOpen, i.inputs))) for i in touched.mandatory):
            return True
        return bool(touched.outcomes) and (known.looks_ahead or bool(touched.outcomes & known.established))

    def _established(self, mutant: Ruleset, known: _Known, touched: _Touched) -> frozenset[str]:
        """What the mutant establishes in a case: looked at anew only where it may be something else."""
        left = {name: value for name, value in known.values.items() if name not in touched.hanging}
        reference = Reference(mutant, known.facts, left)
        now = {key for key, condition in touched.affected.items() if reference.value(condition)}
        return (known.established - touched.gone - touched.affected.keys()) | now

    def _fails(self, known: _Known, established: frozenset[str], made: _Made) -> tuple[str, ...]:
        """What differs from what the case wants. One that doesn't look ahead is not told what is still open."""
        reference = Reference(made.ruleset, known.facts)
        rails = reference.rails() if known.looks_ahead else Rails(established, established, established)
        return tuple(differences(known.case.expect, made.result(self._identity, reference, rails)))

    def _evaluated(self, evaluator: Evaluator, case: Case) -> _Known:
        facts = evaluator.facts(read_answers(self.ruleset, case.answers), case.history)
        reference = Reference(self.ruleset, facts)
        established = frozenset(key for key, condition in self._conditions.items() if reference.value(condition))
        return _Known(
            case,
            facts,
            reference,
            {name: reference.value(inference.when) for name, inference in self.ruleset.inferences.items()},
            established,
            self._made.level(established),
            looks_ahead=bool(_LOOKS_AHEAD & case.expect.keys()),
        )

    # --- what was changed: whatever is not the same object ---

    def _touched(self, mutant: Ruleset) -> _Touched:
        old, new = self.ruleset, mutant
        changed = [
            name for name, inference in old.inferences.items() if inference.when is not new.inferences[name].when
        ]
        conditions = _conditions(mutant)
        hanging = self._hanging(changed)
        others = {key for key, condition in conditions.items() if condition != self._conditions[key]}
        pairs = [(old.inferences[name].when, new.inferences[name].when) for name in changed]
        pairs += [(self._conditions[key], conditions[key]) for key in others]
        rules = {rule.id: rule for rule in new.rules_and_floors}
        outcomes = {r.id for r in old.rules_and_floors if r.id not in rules or _reached(r) != _reached(rules[r.id])}
        return _Touched(
            conditions=[_narrowed(*pair) for pair in pairs],
            hanging=hanging,
            affected={key: when for key, when in conditions.items() if key in others or self._needs[key] & hanging},
            gone=frozenset(self._conditions.keys() - conditions.keys()),
            outcomes=frozenset(outcomes | (old.conflicts.keys() - new.conflicts.keys())),
            mandatory=[item for item in old.mandatory if not any(item is kept for kept in new.mandatory)],
            default=old.default is not new.default,
        )

    def _hanging(self, keyed_outcomes: Collection[str]) -> frozenset[str]:
        """These statements, and those that are built on them."""
        found, waiting = set(keyed_outcomes), list(keyed_outcomes)
        while waiting:
            for name in self._users.get(waiting.pop(), ()):
                if name not in found:
                    found.add(name)
                    waiting.append(name)
        return frozenset(found)


def _narrowed(old: Condition, new: Condition) -> tuple[Condition, Condition]:
    """The smallest parts in which two conditions differ."""
    if type(old) is type(new) and getattr(old, "count", None) == getattr(new, "count", None):
        pairs = list(zip(parts(old), parts(new), strict=False))
        differing = [(one, other) for one, other in pairs if one is not other]
        if len(parts(old)) == len(parts(new)) and len(differing) == 1:
            return _narrowed(*differing[0])
    return old, new


def _conditions(ruleset: Ruleset) -> dict[str, Condition]:
    """The whole condition of each outcome of each rule and floor, and of each conflict, by key."""
    found = {statement.key: outcome_condition(statement) for statement in keyed_outcomes(ruleset.rules_and_floors)}
    return found | {conflict.id: conflict.when for conflict in ruleset.conflicts.values()}


def _users(ruleset: Ruleset) -> Mapping[str, list[str]]:
    """Each statement with those whose definitions speak of it."""
    found: dict[str, list[str]] = {}
    for name, inference in ruleset.inferences.items():
        for need in set(statements_in(inference.when)):
            found.setdefault(need, []).append(name)
    return found


def _reached(rule: Rule | Floor) -> list[str]:
    return [outcome.disposition for outcome in rule.outcomes]

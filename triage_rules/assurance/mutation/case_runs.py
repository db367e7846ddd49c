"""Runs of the cases against mutants, to find the first case that fails.

Exact and quick: a case is evaluated again only if the mutant's change can affect its result.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any

from triage_rules.assurance.cases import Case, answers_of, differences
from triage_rules.evaluation.answers import UNKNOWN
from triage_rules.evaluation.decision import Decider, keyed_outcomes
from triage_rules.evaluation.evaluator import Evaluator
from triage_rules.evaluation.explanation import outcome_condition
from triage_rules.evaluation.generated.gates import ImpliedAnswers
from triage_rules.evaluation.justification import ReferenceJustification
from triage_rules.evaluation.reference import Kleene, Reference
from triage_rules.evaluation.result import Identity, Results
from triage_rules.evaluation.signals import Rails
from triage_rules.language.conditions import parts, statements_in
from triage_rules.language.model import Answers, Audience, Condition, Floor, IsOpen, Level, Mandatory, Rule, Ruleset

_AHEAD = frozenset({"could_be", "determined", "ask", "ask_includes", "ask_excludes", "open_elsewhere_includes"})
"""Expectations about answers not yet given. All others depend only on the established statements."""


@dataclass(frozen=True, slots=True)
class Kill:
    """First case that fails, its differences, and whether its level was urgent and is lower."""

    case: str
    differs: tuple[str, ...]
    lowers_urgent: bool


@dataclass(slots=True)
class _EvaluatedCase:
    """Case with its evaluation by the unchanged ruleset.

    given: its facts without those that relevance implies; closed: the inputs that its audience will not answer.
    """

    case: Case
    facts: Answers
    given: Answers
    closed: frozenset[str]
    reference: Reference
    values: dict[str, Kleene]
    established: frozenset[str]
    level: Level
    looks_ahead: bool


@dataclass(slots=True)
class _Changes:
    """Changes of a mutant.

    conditions: pairs, old and new; dependents: the statements that depend on them. affected: the mutant's conditions
    that may have another value than before, by key; removed: keys that no longer exist. outcomes: keys of rules and
    floors with other outcomes or none, and of removed conflicts; mandatory: removed or changed items. gates: whether
    relevance may imply other answers.
    """

    conditions: list[tuple[Condition, Condition]]
    dependents: frozenset[str]
    affected: Mapping[str, Condition]
    removed: frozenset[str]
    outcomes: frozenset[str]
    mandatory: list[Mandatory]
    default: bool
    gates: bool

    @property
    def affects_results(self) -> bool:
        """Return whether more than conditions changed, so that the same statements may give another result."""
        return self.default or bool(self.outcomes or self.mandatory)


class _ResultMaker:
    """Decider and result renderer of one ruleset."""

    def __init__(self, ruleset: Ruleset) -> None:
        self.ruleset = ruleset
        self._decider = Decider(ruleset)
        self._results = Results(ruleset, self._decider)

    def level(self, established: frozenset[str]) -> Level:
        return self._decider.level(self._decider.numbering.mask(established))

    def result(self, identity: Identity, reference: Reference, rails: Rails, closed: frozenset[str]) -> dict[str, Any]:
        masks = self._decider.numbering.masks(rails)
        justification, decision = ReferenceJustification(self.ruleset, reference, closed), self._decider.decide(masks)
        return self._results.make(identity, justification, masks, decision, disagreement=False)


class CaseRuns:
    """Cases of a ruleset, evaluated once. Cases that expect a refusal or fail on the unchanged ruleset are left out."""

    def __init__(self, evaluator: Evaluator, cases: Collection[Case]) -> None:
        self.ruleset = evaluator.ruleset
        self._identity = Identity("case", self.ruleset.name, self.ruleset.version, evaluator.digest, 0, 0)
        self._conditions = _keyed_conditions(self.ruleset)
        self._needs = {key: frozenset(statements_in(condition)) for key, condition in self._conditions.items()}
        self._users = _statement_users(self.ruleset)
        self._out_of_reach = {
            audience: frozenset(n for n, read in self.ruleset.inputs.items() if read.asked_of not in audience.answers)
            for audience in Audience
        }
        self._behind_gates = _statements_of_gates(self.ruleset)
        self._maker = _ResultMaker(self.ruleset)
        evaluated = [self._evaluate(evaluator, case) for case in cases if "refused" not in case.expect]
        self.failing = tuple(
            known.case.id for known in evaluated if self._compare(known, known.established, self._maker)
        )
        self._known = [known for known in evaluated if known.case.id not in self.failing]

    def __len__(self) -> int:
        return len(self._known)

    def kill(self, mutant: Ruleset) -> Kill | None:
        """Return the first case, in the order of the file, that fails on the mutant; None if all pass."""
        maker = _ResultMaker(mutant)
        for known, established in self._select(mutant, self._list_changes(mutant)):
            if differing := self._compare(known, established, maker):
                lowers_urgent = known.level is Level.URGENT and maker.level(established) < Level.URGENT
                return Kill(known.case.id, differing, lowers_urgent)
        return None

    def _select(self, mutant: Ruleset, changes: _Changes) -> Iterator[tuple[_EvaluatedCase, frozenset[str]]]:
        """Yield the cases whose result may differ, each with the keys that the mutant establishes."""
        implied = ImpliedAnswers(mutant) if changes.gates else None
        for known in self._known:
            facts = known.facts if implied is None else {**known.given, **implied.of(known.given)}
            if facts != known.facts:
                yield replace(known, facts=facts), _find_all_established(mutant, facts)
            elif changes.gates and known.looks_ahead:
                yield known, self._find_established(mutant, known, changes)
            elif self._is_affected(known, changes):
                established = self._find_established(mutant, known, changes)
                if known.looks_ahead or changes.affects_results or established != known.established:
                    yield known, established

    def _is_affected(self, known: _EvaluatedCase, changes: _Changes) -> bool:
        """Return whether a change affects this case, or the case looks ahead to it."""
        reference = known.reference
        for old, new in changes.conditions:
            if reference.value(old) is not reference.value(new):
                return True
            if known.looks_ahead and not (len(reference.reach(old)) == len(reference.reach(new)) == 1):
                return True
        if changes.default or any(all(map(reference.value, map(IsOpen, i.inputs))) for i in changes.mandatory):
            return True
        return bool(changes.outcomes) and (known.looks_ahead or bool(changes.outcomes & known.established))

    def _find_established(self, mutant: Ruleset, known: _EvaluatedCase, changes: _Changes) -> frozenset[str]:
        """Return the keys that the mutant establishes in a case; evaluate again only the affected conditions."""
        left = {name: value for name, value in known.values.items() if name not in changes.dependents}
        reference = Reference(mutant, known.facts, left)
        now = {key for key, condition in changes.affected.items() if reference.value(condition)}
        return (known.established - changes.removed - changes.affected.keys()) | now

    def _compare(self, known: _EvaluatedCase, established: frozenset[str], maker: _ResultMaker) -> tuple[str, ...]:
        """Return the differences from the case's expectations. Only a case that looks ahead needs the open outcomes."""
        reference = Reference(maker.ruleset, known.facts)
        rails = reference.rails() if known.looks_ahead else Rails(established, established, established)
        identity = replace(self._identity, audience=known.case.audience)
        return tuple(differences(known.case.expect, maker.result(identity, reference, rails, known.closed)))

    def _evaluate(self, evaluator: Evaluator, case: Case) -> _EvaluatedCase:
        answers = answers_of(self.ruleset, case)
        facts = evaluator.facts(answers, case.history)
        reference = Reference(self.ruleset, facts)
        established = frozenset(key for key, condition in self._conditions.items() if reference.value(condition))
        return _EvaluatedCase(
            case,
            facts,
            {name: answer for name, answer in facts.items() if not self._is_implied(name, answers)},
            self._out_of_reach[case.audience] | {name for name, answer in answers.items() if answer == UNKNOWN},
            reference,
            {name: reference.value(inference.when) for name, inference in self.ruleset.inferences.items()},
            established,
            self._maker.level(established),
            looks_ahead=bool(_AHEAD & case.expect.keys()),
        )

    def _is_implied(self, name: str, answers: Answers) -> bool:
        read = self.ruleset.inputs.get(name)
        return read is not None and read.relevant is not None and answers.get(name, UNKNOWN) == UNKNOWN

    # --- changes: parts that are not the same object ---

    def _list_changes(self, mutant: Ruleset) -> _Changes:
        old, new = self.ruleset, mutant
        changed = [
            name for name, inference in old.inferences.items() if inference.when is not new.inferences[name].when
        ]
        conditions = _keyed_conditions(mutant)
        dependents = self._find_dependents(changed)
        others = {key for key, condition in conditions.items() if condition != self._conditions[key]}
        pairs = [(old.inferences[name].when, new.inferences[name].when) for name in changed]
        pairs += [(self._conditions[key], conditions[key]) for key in others]
        rules = {rule.id: rule for rule in new.rules_and_floors}
        outcomes = {
            r.id for r in old.rules_and_floors if r.id not in rules or _dispositions(r) != _dispositions(rules[r.id])
        }
        return _Changes(
            conditions=[_narrow(*pair) for pair in pairs],
            dependents=dependents,
            affected={key: when for key, when in conditions.items() if key in others or self._needs[key] & dependents},
            removed=frozenset(self._conditions.keys() - conditions.keys()),
            outcomes=frozenset(outcomes | (old.conflicts.keys() - new.conflicts.keys())),
            mandatory=[item for item in old.mandatory if not any(item is kept for kept in new.mandatory)],
            default=old.default is not new.default,
            gates=old.inputs is not new.inputs or bool(self._behind_gates & dependents),
        )

    def _find_dependents(self, names: Collection[str]) -> frozenset[str]:
        """Return these statements and those that depend on them."""
        dependents, waiting = set(names), list(names)
        while waiting:
            for name in self._users.get(waiting.pop(), ()):
                if name not in dependents:
                    dependents.add(name)
                    waiting.append(name)
        return frozenset(dependents)


def _narrow(old: Condition, new: Condition) -> tuple[Condition, Condition]:
    """Return the smallest parts in which two conditions differ."""
    if type(old) is type(new) and getattr(old, "count", None) == getattr(new, "count", None):
        pairs = list(zip(parts(old), parts(new), strict=False))
        differing = [(first, second) for first, second in pairs if first is not second]
        if len(parts(old)) == len(parts(new)) and len(differing) == 1:
            return _narrow(*differing[0])
    return old, new


def _keyed_conditions(ruleset: Ruleset) -> dict[str, Condition]:
    """Map the key of each outcome of a rule or floor, and of each conflict, to its whole condition."""
    conditions = {statement.key: outcome_condition(statement) for statement in keyed_outcomes(ruleset.rules_and_floors)}
    return conditions | {conflict.id: conflict.when for conflict in ruleset.conflicts.values()}


def _find_all_established(ruleset: Ruleset, facts: Answers) -> frozenset[str]:
    reference = Reference(ruleset, facts)
    return frozenset(key for key, condition in _keyed_conditions(ruleset).items() if reference.value(condition))


def _statements_of_gates(ruleset: Ruleset) -> frozenset[str]:
    """Return the statements that conditions of relevance read themselves."""
    gates = (read.relevant.when for read in ruleset.inputs.values() if read.relevant is not None)
    return frozenset(name for when in gates for name in statements_in(when))


def _statement_users(ruleset: Ruleset) -> Mapping[str, list[str]]:
    """Map each statement to the statements that read it."""
    users: dict[str, list[str]] = {}
    for name, inference in ruleset.inferences.items():
        for need in set(statements_in(inference.when)):
            users.setdefault(need, []).append(name)
    return users


def _dispositions(rule: Rule | Floor) -> list[str]:
    return [outcome.disposition for outcome in rule.outcomes]

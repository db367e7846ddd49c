"""People made at random from a `random.Random`, with a truth for every input of a ruleset: most are mostly healthy."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Mapping
from random import Random

from triage_rules.evaluation.answers import UNKNOWN, asked
from triage_rules.evaluation.phrases import PhraseSearch, ReadText
from triage_rules.evaluation.reference import Reference
from triage_rules.language.conditions import atoms
from triage_rules.language.gates import InputsBehind, gates_of
from triage_rules.language.model import AskedOf, Compare, Condition, Input, InputKind, Ruleset, Value

HEALTH = (1.0, 0.995, 0.98, 0.9)
"""Shares of usual answers; each person has one of them."""

UNKNOWN_SHARE = 0.02
"""Usual share of what a person doesn't know."""

FREE = 0.5
"""Share of usual answers to what says who the person is, and of unknown numbers among those without a usual one.

Numbers and choices on which two inputs or more depend, such as age and sex, say who the person is.
"""

UNBOUNDED = 1000
STEPS = (-1, -0.1, 0, 0.1, 1)


def random_person(
    ruleset: Ruleset,
    random: Random,
    *,
    unknown: float = UNKNOWN_SHARE,
    usual: float | None = None,
    given: Mapping[str, Value] | None = None,
) -> dict[str, Value]:
    """Return a truth for every input that a report may answer. `unknown`: share of what the person doesn't know.

    usual: share of usual answers; None: one of HEALTH. given: truths to keep, as far as they are relevant.
    An input whose relevance is ruled out has its `otherwise` (`unknown` without one); one that isn't available, or that
    is not asked out of scope, is unknown.
    """
    return _Person(ruleset, random, unknown, usual, given or {}).whole()


class _Person:
    """Person whose truths are drawn one after the other, each after those that its gates read."""

    def __init__(
        self, ruleset: Ruleset, random: Random, unknown: float, usual: float | None, given: Mapping[str, Value]
    ) -> None:
        self._ruleset = ruleset
        self._random = random
        self._unknown = unknown
        self._health = random.choice(HEALTH) if usual is None else usual
        self._given = given
        self._searched = {mention.text for mention in ruleset.mentions.values()}
        self._limits = _limits(ruleset)
        self._needs = _needs(ruleset)
        counts = Counter(need.name for needs in self._needs.values() for need in needs)
        self._who = {name for name, count in counts.items() if count > 1}
        self._truth: dict[str, Value] = {}

    def whole(self) -> dict[str, Value]:
        for read in asked(self._ruleset):
            self._settle(read)
        return {read.name: self._truth[read.name] for read in asked(self._ruleset)}

    def _settle(self, read: Input) -> None:
        if read.name in self._truth:
            return
        for need in self._needs[read.name]:
            self._settle(need)
        if read.name in self._ruleset.not_asked(self._truth):
            self._truth[read.name] = UNKNOWN
            return
        if read.relevant is not None and self._value(read.relevant.when) is False:
            self._truth[read.name] = UNKNOWN if read.relevant.otherwise is None else read.relevant.otherwise
        elif read.available_if is not None and self._value(read.available_if) is not True:
            self._truth[read.name] = UNKNOWN
        elif read.name in self._given:
            self._truth[read.name] = self._given[read.name]
        else:
            self._truth[read.name] = UNKNOWN if self._random.random() < self._unknown else self._draw(read)

    def _value(self, when: Condition) -> bool | None:
        """Return a condition's value by the truths so far; conditions read a text's mentions."""
        facts = {name: truth for name, truth in self._truth.items() if truth != UNKNOWN}
        texts = {name: ReadText(str(facts[name])) for name in self._searched if name in facts}
        if texts:
            facts |= PhraseSearch(self._ruleset.mentions.values()).find(texts)
        return Reference(self._ruleset, facts).value(when)

    def _draw(self, read: Input) -> Value:
        usual = usual_answer(read)
        if usual is None:
            return UNKNOWN if self._random.random() < FREE else self._number(read)
        is_free = read.name in self._who and read.kind is not InputKind.YES_NO
        if self._random.random() < (FREE if is_free else self._health):
            return usual
        match read.kind:
            case InputKind.YES_NO:
                return not usual
            case InputKind.CHOICE:
                others = [c.value for c in read.choices if not c.means_open and c.value != usual]
                return self._random.choice(others or [usual])
            case InputKind.TEXT:
                phrases = [p for m in self._ruleset.mentions.values() if m.text == read.name for p in m.phrases]
                return self._random.choice([*phrases, "words"])[: read.max_length]
            case InputKind.NUMBER | InputKind.INTEGER:
                return self._number(read)

    def _number(self, read: Input) -> Value:
        """Return any number within the bounds, or one beside a limit of the ruleset."""
        low = -UNBOUNDED if read.minimum is None else read.minimum
        high = max(low, UNBOUNDED) if read.maximum is None else read.maximum
        limits = self._limits[read.name]
        if limits and self._random.random() < FREE:
            drawn = self._random.choice(limits) + self._random.choice(STEPS)
        else:
            drawn = self._random.uniform(low, high)
        within = min(max(round(drawn, 2), low), high)
        return int(within) if read.kind is InputKind.INTEGER else within


def usual_answer(read: Input) -> Value | None:
    """Return the expected answer; without one: no, the first choice, an empty text; None for a number."""
    if read.expected is not None:
        return read.expected
    match read.kind:
        case InputKind.YES_NO:
            return False
        case InputKind.CHOICE:
            return next((choice.value for choice in read.choices if not choice.means_open), UNKNOWN)
        case InputKind.TEXT:
            return ""
        case InputKind.NUMBER | InputKind.INTEGER:
            return None


def _needs(ruleset: Ruleset) -> dict[str, list[Input]]:
    """Return for each input that a report may answer those among them that its gates read."""
    behind = InputsBehind(ruleset.inferences)
    needs: dict[str, list[Input]] = {}
    for read in asked(ruleset):
        names = dict.fromkeys(ruleset.input_behind(need).name for when in gates_of(read) for need in behind.of(when))
        if ruleset.scope is not None and read.name in ruleset.scope.not_asked:
            names[ruleset.scope.question] = None
        needs[read.name] = [
            ruleset.inputs[name] for name in names if ruleset.inputs[name].asked_of is not AskedOf.SERVICE
        ]
    return needs


def _limits(ruleset: Ruleset) -> dict[str, list[float]]:
    """Return the limits that statements, rules and safety nets compare each number with."""
    limits: dict[str, dict[float, None]] = defaultdict(dict)
    conditions = [statement.when for statement in ruleset.inferences.values()]
    for rule in ruleset.rules_and_floors:
        conditions += [rule.when, *(outcome.when for outcome in rule.outcomes if outcome.when is not None)]
    for condition in conditions:
        for atom in atoms(condition):
            if isinstance(atom, Compare):
                limits[atom.input][atom.limit] = None
    return defaultdict(list, {name: list(of_input) for name, of_input in limits.items()})

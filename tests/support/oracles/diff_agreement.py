"""The exact difference and the smallest other answers against a look at every report: for tests and campaign."""

from __future__ import annotations

import itertools
import math
from collections.abc import Iterator
from datetime import datetime
from random import Random
from typing import Any

from tests.support.oracles import brute_force
from tests.support.oracles.encoding_agreement import can_be_written, small_ruleset
from tests.support.rulesets.edits import edited
from tests.support.rulesets.generated import DIGEST
from triage_rules.assurance.diff.outcomes import (
    Aspect,
    DifferenceSearch,
    ResultDifference,
    SearchState,
    Way,
    responsible,
)
from triage_rules.assurance.solver.solver import Budget
from triage_rules.evaluation.decision import decide
from triage_rules.evaluation.evaluator import Evaluator
from triage_rules.evaluation.justification import ReferenceJustification
from triage_rules.evaluation.reference import Reference
from triage_rules.evaluation.result import Identity, make_result
from triage_rules.explanation.why_not.counterfactual import Counterfactual, LevelGoal
from triage_rules.language.model import Answers, InputKind, Level, Ruleset

MOST_REPORTS = 300
"""Pairs with more ways to answer are passed over: whole results are compared, which takes longer than levels."""

EVERY = 10_000
"""More kinds, or sets, than there can be."""

Result = dict[str, Any]
Change = tuple[str, str]

IDENTITY = Identity("every", "made", "1.0.0", DIGEST, 0, 0)


def small_pair(seed: int) -> tuple[Ruleset, Ruleset] | None:
    """A made ruleset and an edited copy of which every report can be looked at; None if this seed makes larger ones."""
    ruleset = small_ruleset(seed)
    if ruleset is None:
        return None
    pair = ruleset, edited(Random(seed), ruleset)
    return pair if math.prod(map(len, _ways(*pair).values())) <= MOST_REPORTS else None


def _ways(old: Ruleset, new: Ruleset) -> dict[str, list[Answers]]:
    """For each input, every way to answer it that either of them tells from others, and silence."""
    found: dict[str, list[Answers]] = {}
    for name in old.inputs:
        ways = [{}, *brute_force.ways(old, name), *brute_force.ways(new, name)]
        found[name] = [way for number, way in enumerate(ways) if way not in ways[:number]]
    return found


def every_report(old: Ruleset, new: Ruleset) -> Iterator[Answers]:
    """Every report, as evaluators see it."""
    for chosen in itertools.product(*_ways(old, new).values()):
        answers = {name: value for way in chosen for name, value in way.items()}
        if can_be_written(old, answers):
            yield answers


def result_of(ruleset: Ruleset, answers: Answers) -> Result:
    """The whole result by the reference evaluator."""
    facts = brute_force.effective(ruleset, answers)
    reference = Reference(ruleset, facts)
    rails, grounds = reference.rails(), ReferenceJustification(ruleset, reference)
    result = make_result(ruleset, IDENTITY, grounds, rails, decide(ruleset, rails), disagreement=False)
    implied = {name: value for name, value in facts.items() if name not in answers}
    return {**result, "irrelevant": [{"finding": name, "taken_as": value} for name, value in implied.items()]}


def diff_faults(seed: int, old: Ruleset, new: Ruleset) -> Iterator[str]:
    """Where the exact difference is not what a look at every report says."""
    pairs = [(result_of(old, answers), result_of(new, answers)) for answers in every_report(old, new)]
    search = DifferenceSearch(Evaluator(old, DIGEST), Evaluator(new, DIGEST), Budget(), EVERY)
    for difference in search.all():
        what = f"seed {seed}, {difference.aspect.value} {difference.way.value}"
        if difference.state is not SearchState.COMPLETE:
            yield f"{what}: {difference.state} {difference.why}"
        wanted = _wanted(difference, pairs, old, new)
        told = {pair for kind in difference.kinds for pair in _told(difference.aspect, kind.before, kind.after)}
        if wanted != told:
            yield f"{what}: every report says {wanted}, and the difference {told}"
        for kind in difference.kinds:
            if not _shows(difference, kind.before, kind.after, kind.witness.results):
                yield f"{what}: {kind.witness.answers} does not show {kind.before} and {kind.after}"
        if difference.aspect is Aspect.LEVEL:
            yield from (f"{what}: {pair} is of no kind" for pair in _of_no_kind(difference, pairs))


def _told(aspect: Aspect, before: tuple[str, ...], after: tuple[str, ...]) -> Iterator[Change]:
    if aspect in {Aspect.LEVEL, Aspect.DISPOSITION}:
        yield before[0], after[0]
    else:
        yield from (("lost", value) for value in before)
        yield from (("gained", value) for value in after)


def _wanted(
    difference: ResultDifference, pairs: list[tuple[Result, Result]], old: Ruleset, new: Ruleset
) -> set[Change]:
    found: set[Change] = set()
    for before, after in pairs:
        found |= set(_changes(difference.aspect, difference.way, before, after))
    return found


def _changes(aspect: Aspect, way: Way, before: Result, after: Result) -> Iterator[Change]:
    """What of this aspect differs between two results, if it differs that way."""
    levels = Level.of(before["level"]), Level.of(after["level"])
    if aspect is Aspect.LEVEL:
        if levels[1] < levels[0] if way is Way.LOWER else levels[1] > levels[0]:
            yield before["level"], after["level"]
        return
    if levels[0] is not levels[1]:
        return
    codes = before["disposition"], after["disposition"]
    times = before["act_within_minutes"], after["act_within_minutes"]
    if aspect is Aspect.DISPOSITION:
        if _compared(codes, times) is way:
            yield codes
    elif codes[0] == codes[1] and times[0] == times[1]:
        lost, gained = (set(_field(aspect, result)) for result in (before, after))
        yield from (("lost", value) for value in lost - gained)
        yield from (("gained", value) for value in gained - lost)


def _compared(codes: tuple[str, str], times: tuple[int | None, int | None]) -> Way | None:
    """By the names of the made dispositions: U1 is more urgent than U2."""
    if codes[0] != codes[1]:
        return Way.HIGHER if codes[1] < codes[0] else Way.LOWER
    one, two = (math.inf if time is None else time for time in times)
    return None if one == two else Way.LOWER if two > one else Way.HIGHER


def _field(aspect: Aspect, result: Result) -> list[str]:
    match aspect:
        case Aspect.ADVICE:
            return [f"{who}: {text}" for who, all_of_it in result["advice"].items() for text in all_of_it.split("\n\n")]
        case Aspect.DETERMINED:
            return ["determined"] if result["determined"] else []
        case Aspect.BASIS:
            by_rules = result["by_rules"]
            return [f"basis: {result['basis']}", *([f"by_rules: {by_rules['disposition']}"] if by_rules else [])]
        case Aspect.CONFLICTS:
            return [f"{one['id']}: {one['text']} ({', '.join(one['findings'])})" for one in result["conflicts"]]
        case Aspect.VALIDITY:
            until = datetime.fromisoformat(result["valid_until"])
            return [f"{round(until.timestamp() / 60)} minutes"]
        case Aspect.COULD_BE:
            return [result["could_be"], result["could_be_disposition"]]
        case Aspect.IRRELEVANT:
            return [f"{one['finding']}: {one['taken_as']}" for one in result["irrelevant"]]
        case _:
            return list(result[aspect.value])


def _shows(
    difference: ResultDifference, before: tuple[str, ...], after: tuple[str, ...], results: tuple[Result, ...]
) -> bool:
    """The witness's own results, by engine and reference, differ as the kind says."""
    changed = set(_changes(difference.aspect, difference.way, *results))
    return set(_told(difference.aspect, before, after)) <= changed


def _of_no_kind(difference: ResultDifference, pairs: list[tuple[Result, Result]]) -> Iterator[Change]:
    """Level changes by rules of which no kind's are a part."""
    version = 0 if difference.way is Way.LOWER else 1
    for pair in pairs:
        for change in _changes(difference.aspect, difference.way, *pair):
            decided = {f"{('old', 'new')[version]} {name}" for name in responsible(pair[version])}
            rules = [
                {cause for cause in kind.causes if cause.startswith(("old ", "new "))}
                for kind in difference.kinds
                if (kind.before[0], kind.after[0]) == change
            ]
            if not any(needed <= decided for needed in rules):
                yield change


# --- why not ---


def why_not_faults(seed: int, ruleset: Ruleset) -> Iterator[str]:
    """Where the smallest sets of other answers are not what a look at every report says."""
    random = Random(seed)
    reports = list(every_report(ruleset, ruleset))
    facts = random.choice(reports)
    texts = {name for name, read in ruleset.inputs.items() if read.kind is InputKind.TEXT}
    answers = {name: _posted(ruleset, name, facts) for name in facts if name in ruleset.inputs}
    kept = {name for name in ruleset.inputs if random.random() < 0.3}
    level = brute_force.level(ruleset, facts)
    evaluator = Evaluator(ruleset, DIGEST)
    for wanted, exactly in itertools.product(Level, [False, True]):
        if wanted is level:
            continue
        goal = LevelGoal(wanted, wanted > level, exactly)
        found = Counterfactual(evaluator, answers, kept, Budget()).alternatives(goal, EVERY)
        told = [frozenset(one.answers) for one in found.sets]
        smallest = _smallest(ruleset, goal, facts, kept, reports)
        what = f"seed {seed}, {wanted.word} for {answers}, {sorted(kept)} kept"
        if not found.complete:
            yield f"{what}: not complete"
        if set(told) != smallest or len(told) != len(smallest):
            yield f"{what}: every report says {smallest}, and it says {told}"
        if [len(names) for names in told] != sorted(map(len, told)):
            yield f"{what}: the sets of fewest answers don't come first"
        for one in found.sets:
            if texts & one.answers.keys():
                continue
            changed = {**facts, **one.answers}
            if not goal.reached(brute_force.level(ruleset, changed)):
                yield f"{what}: {one.answers} doesn't lead there"


def _posted(ruleset: Ruleset, name: str, facts: Answers) -> Any:
    """An answer as it is posted; of a text, one that mentions what it is to mention."""
    if ruleset.inputs[name].kind is not InputKind.TEXT:
        return facts[name]
    said = [m.phrases[-1] for m in ruleset.mentions.values() if m.text == name and facts[m.name]]
    both = [p for m in ruleset.mentions.values() if m.text == name and facts[m.name] for p in m.phrases]
    unsaid = {p for m in ruleset.mentions.values() if m.text == name and not facts[m.name] for p in m.phrases}
    return ", ".join(phrase for phrase in dict.fromkeys([*said, *both]) if phrase not in unsaid)


def _smallest(
    ruleset: Ruleset, goal: LevelGoal, facts: Answers, kept: set[str], reports: list[Answers]
) -> set[frozenset[str]]:
    """Sets of questions whose answers differ in a report that reaches the goal, and no part of which do."""
    sets = set()
    for other in reports:
        changed = _differing(ruleset, facts, other)
        given = facts.keys() & ruleset.inputs.keys()
        if given <= other.keys() and not changed & kept & given and goal.reached(brute_force.level(ruleset, other)):
            sets.add(frozenset(changed))
    return {one for one in sets if not any(other < one for other in sets)}


def _differing(ruleset: Ruleset, facts: Answers, other: Answers) -> set[str]:
    texts = {mention.name: mention.text for mention in ruleset.mentions.values()}
    names = facts.keys() | other.keys()
    return {texts.get(name, name) for name in names if facts.get(name) != other.get(name)}

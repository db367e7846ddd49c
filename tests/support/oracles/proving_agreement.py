"""Proofs against a look at every report: made properties of small made rulesets, for the tests and for the campaign."""

from __future__ import annotations

import itertools
import math
from collections.abc import Iterable, Iterator
from dataclasses import replace
from random import Random

from tests.support.oracles import brute_force
from tests.support.oracles.encoding_agreement import can_be_written
from tests.support.rulesets.generated import CODES, DIGEST, SOURCE, Vocabulary, make_condition, make_ruleset
from triage_rules.assurance.properties.check_result import EvaluatedReport, applies_to, breaks
from triage_rules.assurance.properties.model import (
    Against,
    Answering,
    Claim,
    LeavingOpen,
    Never,
    ProofVerdict,
    Property,
    RelativeAnswer,
    ResultMeasure,
    RoutineOnlyIfAnswered,
    Then,
)
from triage_rules.assurance.properties.proving import Proof, prove
from triage_rules.evaluation.decision import decide
from triage_rules.evaluation.justification import ReferenceJustification
from triage_rules.evaluation.reference import Reference
from triage_rules.evaluation.result import Identity, make_result
from triage_rules.language.model import (
    Answers,
    AskedOf,
    Inference,
    Inferred,
    Input,
    InputKind,
    Level,
    Mandatory,
    RuleOutcome,
    Ruleset,
    Validity,
)

MOST_REPORTS = 250
"""A ruleset with more ways to answer is passed over: every pair of reports is looked at."""

CONDITIONS = ("p0", "p1", "p2")
"""Statements that nothing but the properties speaks of: so their limits are among those that brute force tries."""


def small_ruleset(seed: int) -> Ruleset | None:
    """A made ruleset of which every pair of reports can be looked at; None if this seed makes a larger one."""
    random = Random(seed)
    ruleset = make_ruleset(random, inputs=4, statements=2, rules=5, depth=2)
    if any(read.asked_of is AskedOf.SERVICE for read in ruleset.inputs.values()):
        return None
    words = Vocabulary(ruleset.inputs, ruleset.mentions, list(ruleset.inferences))
    own = {name: Inference(name, name, make_condition(random, words, 1)) for name in CONDITIONS}
    # brute force tries the limits of statements, rules and floors; other ones would be known to the formulas alone
    ruleset = replace(ruleset, inferences={**ruleset.inferences, **own}, conflicts={}, validity=Validity(1440))
    every = [1 + len(brute_force.answers(ruleset, name)) for name in ruleset.inputs]
    return ruleset if math.prod(every) * 2 ** len(ruleset.mentions) <= MOST_REPORTS else None


def previous_of(random: Random, ruleset: Ruleset) -> Ruleset:
    """Another version: a rule leads elsewhere, the floors are gone, or the default is another."""
    match random.randrange(3):
        case 0:
            return replace(ruleset, default=replace(ruleset.default, disposition=random.choice(CODES[:4])))
        case 1:
            return replace(ruleset, floors={})
        case _:
            changed = random.choice(list(ruleset.rules))
            outcomes = (RuleOutcome(random.choice(CODES)),)
            return replace(ruleset, rules=ruleset.rules | {changed: replace(ruleset.rules[changed], outcomes=outcomes)})


def make_properties(random: Random, ruleset: Ruleset) -> list[Property]:
    """One of each kind, and some more."""
    claims = [
        _then(random, ruleset),
        _then(random, ruleset),
        Never(random.choice([*Level, *CODES]), *_unless(random, ruleset)),
        RoutineOnlyIfAnswered(tuple(_item(random, ruleset) for _ in range(2))),
        _answering(random, ruleset),
        _answering(random, ruleset),
        _leaving_open(random, ruleset),
        LeavingOpen(tuple((name, None) for name in ruleset.inputs), ResultMeasure.COULD_BE),
        Against(random.choice(list(ResultMeasure))),
    ]
    return [_property(random, number, claim) for number, claim in enumerate(claims)]


def _property(random: Random, number: int, claim: Claim) -> Property:
    whenever = Inferred("p0") if random.random() < 0.4 else None
    return Property(f"P{number}", f"{claim}", claim, SOURCE, "us", "2030-01-01", whenever)


def _then(random: Random, ruleset: Ruleset) -> Then:
    rules = [rule.id for rule in ruleset.rules_and_floors]
    some = (random.choice(rules),)
    return random.choice(
        [
            Then(level_at_least=random.choice(list(Level)[1:])),
            Then(disposition_at_least=random.choice(CODES)),
            Then(could_be_at_least=random.choice(list(Level)[1:])),
            Then(flags=("no_rule_matched",)),
            Then(fires=some),
            Then(silent=some),
            Then(patient_says=(f"REASON  {some[0]}",)),
            Then(patient_never_says=(f"reason {some[0]}",)),
            Then(clinician_says=(f"title {some[0]}", "always")),
            Then(clinician_never_says=("clinician M1",)),
            Then(hidden_from_patient=some),
        ]
    )


def _unless(random: Random, ruleset: Ruleset) -> tuple[Inferred | None, tuple[str, ...]]:
    rules = [rule.id for rule in ruleset.rules_and_floors]
    return Inferred("p1") if random.random() < 0.6 else None, (random.choice(rules),) if random.random() < 0.4 else ()


def _item(random: Random, ruleset: Ruleset) -> Mandatory:
    names = random.sample(list(ruleset.inputs), random.randint(1, min(2, len(ruleset.inputs))))
    return Mandatory(tuple(names), Inferred("p2") if random.random() < 0.4 else None)


def _answering(random: Random, ruleset: Ruleset) -> Answering:
    answers: list[tuple[str, bool | str | RelativeAnswer, bool | str | None]] = []
    for read in random.sample(list(ruleset.inputs.values()), random.randint(1, len(ruleset.inputs))):
        known = _answers(read)
        changes = [
            RelativeAnswer.ANY,
            *(
                [RelativeAnswer.HIGHER, RelativeAnswer.LOWER] * 2
                if not known and read.kind is not InputKind.TEXT
                else []
            ),
        ]
        answer = random.choice([*known, *known, *changes])
        others = [other for other in known if other != answer]
        before = random.choice(others) if not isinstance(answer, RelativeAnswer) and random.random() < 0.4 else None
        answers.append((read.name, answer, before))
    return Answering(tuple(answers), random.choice(list(ResultMeasure)))


def _leaving_open(random: Random, ruleset: Ruleset) -> LeavingOpen:
    reads = random.sample(list(ruleset.inputs.values()), random.randint(1, len(ruleset.inputs)))
    compared = tuple((read.name, random.choice([None, *_answers(read)])) for read in reads)
    return LeavingOpen(compared, random.choice(list(ResultMeasure)))


def _answers(read: Input) -> list[bool | str]:
    return [True, False] if read.kind is InputKind.YES_NO else [choice.value for choice in read.choices]


# --- every report ---------------------------------------------------------------------------


def every_report(ruleset: Ruleset, reads: Ruleset) -> list[EvaluatedReport]:
    """All there are to `reads`, as `ruleset` decides them."""
    found = []
    for facts in brute_force.completions(reads, {}):
        if can_be_written(reads, facts):
            effective = brute_force.effective(ruleset, facts)
            reference = Reference(ruleset, effective)
            rails = reference.rails()
            identity = Identity("r", "made", "1.0.0", DIGEST, 0, 0)
            result = make_result(
                ruleset,
                identity,
                ReferenceJustification(ruleset, reference),
                rails,
                decide(ruleset, rails),
                disagreement=False,
            )
            assert result["level"] == brute_force.level(ruleset, facts).word
            found.append(EvaluatedReport(ruleset, _findings(ruleset, facts), effective, _truth(ruleset, facts), result))
    return found


def _truth(ruleset: Ruleset, facts: Answers) -> object:
    return lambda condition: brute_force.truth(ruleset, facts, condition)


def _findings(ruleset: Ruleset, facts: Answers) -> Answers:
    """The answers; of a text, what it mentions, so that texts that mention the same are the same."""
    found = {name: value for name, value in facts.items() if name in ruleset.inputs}
    for name in found:
        if ruleset.inputs[name].kind is InputKind.TEXT:
            said = [m.name for m in ruleset.mentions.values() if m.text == name and facts[m.name]]
            found[name] = "text " + " ".join(said)
    return found


def wanted(
    asked: Property, reports: list[EvaluatedReport], before: list[EvaluatedReport]
) -> tuple[ProofVerdict, int | None]:
    """What a look at every report says of the property, and the fewest answers of one report that breaks it."""
    looked: Iterable[tuple[EvaluatedReport, ...]]
    match asked.claim:
        case Against():
            looked = zip(reports, before, strict=True)
        case Answering() | LeavingOpen():
            looked = _neighbours(reports)
        case _:
            looked = ((report,) for report in reports)
    spoken_of = [seen for seen in looked if applies_to(asked, seen)]
    broken = [len(seen[0].answers) for seen in spoken_of if breaks(asked, seen)]
    if broken:
        return ProofVerdict.REFUTED, min(broken)
    return (ProofVerdict.PROVED if spoken_of else ProofVerdict.VACUOUS), None


def _neighbours(reports: list[EvaluatedReport]) -> Iterator[tuple[EvaluatedReport, EvaluatedReport]]:
    """Every ordered pair of reports that differ in one answer alone."""
    for name in reports[0].ruleset.inputs:
        groups: dict[tuple[object, ...], list[EvaluatedReport]] = {}
        for report in reports:
            key = tuple(sorted((n, type(v).__name__, v) for n, v in report.answers.items() if n != name))
            groups.setdefault(key, []).append(report)
        for group in groups.values():
            yield from itertools.permutations(group, 2)


def proving_differences(ruleset: Ruleset, seed: int) -> Iterator[str]:
    """Where proofs and a look at every report differ."""
    random = Random(seed)
    previous = previous_of(random, ruleset)
    properties = make_properties(random, ruleset)
    reports, before = every_report(ruleset, ruleset), every_report(previous, ruleset)
    for proof in prove(ruleset, properties, previous=previous):
        verdict, fewest = wanted(proof.asked, reports, before)
        if proof.verdict is not verdict and not (verdict is ProofVerdict.PROVED and _never_looked_at(proof)):
            yield f"{proof.asked}: {proof.verdict} {proof.why}, and it is {verdict}"
        witness = proof.counterexample
        if witness is not None and len(witness.results) == 1 and len(witness.answers) != fewest:
            yield f"{proof.asked}: {witness.answers}, and the fewest are {fewest}"


def _never_looked_at(proof: Proof) -> bool:
    """Two numbers between the same limits are one to the formulas: a claim about such pairs alone says nothing."""
    claim = proof.asked.claim
    numbers = isinstance(claim, Answering) and {RelativeAnswer.HIGHER, RelativeAnswer.LOWER} & {
        answer for _, answer, _ in claim.answers
    }
    return proof.verdict is ProofVerdict.VACUOUS and bool(numbers)

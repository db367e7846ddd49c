"""Rulesets and reports made at random from a `random.Random`, for laws that must hold of all of them."""

from __future__ import annotations

import math
from dataclasses import dataclass, field, replace
from random import Random

from tests.support.oracles.brute_force import effective
from triage_rules.language.conditions import leaves
from triage_rules.language.model import (
    MANDATORY_OPEN,
    All,
    Answers,
    Any,
    AskedOf,
    AtLeast,
    Choice,
    Compare,
    Condition,
    Conflict,
    Default,
    Disposition,
    Floor,
    Inference,
    Inferred,
    Input,
    InputKind,
    IsOpen,
    Level,
    Mandatory,
    Mention,
    Not,
    OneOf,
    Op,
    Panel,
    PanelLine,
    Relevance,
    Rule,
    RuleOutcome,
    Ruleset,
    Source,
    Unless,
    Validity,
    Value,
    Yes,
)
from triage_rules.records.reports import History

DISPOSITIONS = {
    code: Disposition(code, level, minutes, f"title {code}", f"patient {code}", f"clinician {code}")
    for code, level, minutes in [
        ("U1", Level.URGENT, 0),
        ("U2", Level.URGENT, 60),
        ("M1", Level.MONITOR, 2880),
        ("M2", Level.MONITOR, 10080),
        ("R1", Level.ROUTINE, 20160),
        ("R2", Level.ROUTINE, None),
    ]
}
CODES = list(DISPOSITIONS)
WHOLE_LIMITS = (-3, 0, 1, 2, 38, 1000)
LIMITS = (*WHOLE_LIMITS, 2.5, 37.95, 0.1, 1e-5, -1e-9, 123456789.125, 1e14)
SOURCE = Source("made")
DIGEST = "sha256:" + "0" * 64
PHRASES = ("stiff neck", "blue lips")
SERVICE = {
    "reports_last_48h": Input(
        "reports_last_48h", InputKind.INTEGER, "(counted)", "service", AskedOf.SERVICE, minimum=0, maximum=1000
    ),
    "highest_level_24h": Input(
        "highest_level_24h",
        InputKind.CHOICE,
        "(counted)",
        "service",
        AskedOf.SERVICE,
        choices=tuple(Choice(word, word) for word in ("none", "routine", "monitor", "urgent")),
    ),
}


@dataclass
class Vocabulary:
    """What conditions may speak of so far."""

    inputs: dict[str, Input]
    mentions: dict[str, Mention] = field(default_factory=dict)
    names: list[str] = field(default_factory=list)


def make_ruleset(
    random: Random, *, inputs: int = 8, statements: int = 6, rules: int = 8, depth: int = 3, gates: bool = True
) -> Ruleset:
    """A ruleset with up to that many inputs, statements and rules; conditions nest up to `depth`.

    gates: half of them have inputs that are relevant only by answers to others."""
    words = _vocabulary(random, inputs)
    inferences: dict[str, Inference] = {}
    for n in range(random.randint(0, statements)):
        when = make_condition(random, words, depth)
        inferences[f"s{n}"] = Inference(f"s{n}", f"statement {n}", when)
        words.names.append(f"s{n}")
    mandatory = _mandatory(random, words) if random.random() < 0.3 else ()
    if mandatory:
        inferences[MANDATORY_OPEN] = Inference(MANDATORY_OPEN, "mandatory", Any(tuple(map(_still_open, mandatory))))
        words.names.append(MANDATORY_OPEN)
    made_rules = _rules(random, words, inferences, random.randint(1, rules), depth)
    floors = {f"S{n}": _floor(random, f"S{n}", words) for n in range(random.randint(0, 3))}
    conflicts = {"C1": Conflict("C1", make_condition(random, words, 1), "says", ())}
    sooner = make_condition(random, words, 1) if random.random() < 0.8 else None
    gated = _with_gates(random, words, inferences) if gates else words.inputs
    panels = _panels(random, gated)
    return Ruleset(
        name="made",
        version="1.0.0",
        title="made",
        description="",
        owner="us",
        approved_by=None,
        approved_on=None,
        inputs=gated,
        mentions=words.mentions,
        inferences=inferences,
        rules=made_rules,
        floors=floors,
        conflicts=conflicts,
        mandatory=mandatory,
        dispositions=DISPOSITIONS,
        default=Default(random.choice(["M1", "M1", "M2", "U2"]), "nothing matched", ("no_rule_matched",)),
        validity=Validity(1440) if sooner is None else Validity(1440, 240, sooner),
        always_patient="always",
        always_clinician="always",
        panels=panels,
    )


def _vocabulary(random: Random, inputs: int) -> Vocabulary:
    asked = {i.name: i for i in (_input(random, n) for n in range(random.randint(1, inputs)))}
    asked |= {name: counted for name, counted in SERVICE.items() if random.random() < 0.1}
    mentions = {}
    for text in [i.name for i in asked.values() if i.kind is InputKind.TEXT]:
        for n in range(random.randint(0, 2)):
            mentions[f"m_{text}_{n}"] = Mention(f"m_{text}_{n}", text, PHRASES[n:], f"mentions {n}")
    return Vocabulary(asked, mentions)


def _input(random: Random, n: int) -> Input:
    kinds = (
        [InputKind.YES_NO] * 6
        + [InputKind.NUMBER] * 3
        + [InputKind.INTEGER] * 3
        + [InputKind.CHOICE] * 3
        + [InputKind.TEXT]
    )
    kind = random.choice(kinds)
    choices = (
        tuple(Choice(f"c{i}", f"choice {i}") for i in range(random.randint(2, 4))) if kind is InputKind.CHOICE else ()
    )
    asked = AskedOf.CLINICIAN if random.random() < 0.1 else AskedOf.ANYONE
    return Input(f"f{n}", kind, f"question {n}?", "group", asked, choices=choices)


def _with_gates(random: Random, words: Vocabulary, inferences: dict[str, Inference]) -> dict[str, Input]:
    """The inputs, in half of the rulesets some of them relevant only by answers to earlier ones, so often in chains."""
    if random.random() < 0.5:
        return words.inputs
    gated: dict[str, Input] = {}
    for name, read in words.inputs.items():
        when = make_gate(random, words, inferences, list(gated)) if gated and random.random() < 0.5 else None
        gated[name] = read
        if when is not None and read.asked_of is not AskedOf.SERVICE:
            takes = read.kind is not InputKind.TEXT and random.random() < 0.8
            gated[name] = replace(read, relevant=Relevance(when, make_answer(random, read) if takes else None))
    return gated


def make_gate(
    random: Random, words: Vocabulary, inferences: dict[str, Inference], earlier: list[str]
) -> Condition | None:
    """A condition that further answers can't take back, over these inputs; None if none was made in some tries."""
    readable = {*earlier, *(mention.name for mention in words.mentions.values() if mention.text in earlier)}
    statements = [name for name in inferences if _is_gate(inferences, Inferred(name), readable)]
    few = Vocabulary({name: words.inputs[name] for name in earlier}, words.mentions, statements)
    made = (make_condition(random, few, 2) for _ in range(10))
    return next((when for when in made if _is_gate(inferences, when, readable)), None)


def _is_gate(inferences: dict[str, Inference], condition: Condition, readable: set[str]) -> bool:
    return all(
        _is_gate(inferences, inferences[leaf.name].when, readable)
        if isinstance(leaf, Inferred)
        else not isinstance(leaf, IsOpen | Unless) and leaf.input in readable
        for leaf in leaves(condition)
    )


def _panels(random: Random, inputs: dict[str, Input]) -> dict[str, Panel]:
    """Up to two panels, of yes/no inputs and choices that the same people can answer; signs of danger have no gates."""
    lines = [
        PanelLine(name) if read.kind is InputKind.YES_NO else PanelLine(name, read.choices[0].value, f"line {name}")
        for name, read in inputs.items()
        if read.kind in {InputKind.YES_NO, InputKind.CHOICE} and read.asked_of is AskedOf.ANYONE
    ]
    random.shuffle(lines)
    panels = {}
    for number in range(random.randint(0, 2)):
        some, lines = tuple(lines[:3]), lines[3:]
        if some:
            danger = all(inputs[line.input].relevant is None for line in some)
            panels[f"panel{number}"] = Panel(f"panel{number}", "Is any of this so?", some, None, danger)
    return panels


def _mandatory(random: Random, words: Vocabulary) -> tuple[Mandatory, ...]:
    names = [i.name for i in words.inputs.values() if i.asked_of is not AskedOf.SERVICE]
    return tuple(
        Mandatory(
            tuple(random.sample(names, min(len(names), random.choice([1, 1, 2])))),
            make_condition(random, words, 1) if random.random() < 0.3 else None,
        )
        for _ in range(random.randint(1, 3))
    )


def _still_open(item: Mandatory) -> Condition:
    opens = tuple(map(IsOpen, item.inputs))
    return All(opens) if item.when is None else All((item.when, *opens))


def _rules(
    random: Random, words: Vocabulary, inferences: dict[str, Inference], count: int, depth: int
) -> dict[str, Rule]:
    """The rules; some infer a statement, alone, with others, or beside its own definition."""
    made: dict[str, Rule] = {}
    while len(made) < count:
        several = random.choice([0, 0, 1, 1, 1, 2, 3])
        infers = f"i{len(made)}" if several else None
        group = [
            _rule(random, f"R{len(made) + n}", make_condition(random, words, depth), infers, words)
            for n in range(max(1, several))
        ]
        made |= {rule.id: rule for rule in group}
        if infers:
            own = [make_condition(random, words, 1)] if random.random() < 0.2 else []
            whens = (*own, *(rule.when for rule in group))
            when = whens[0] if len(whens) == 1 else Any(whens)
            inferences[infers] = Inference(infers, f"says {infers}", when, rules=tuple(rule.id for rule in group))
            words.names.append(infers)
    return made


def _rule(random: Random, name: str, when: Condition, infers: str | None, words: Vocabulary) -> Rule:
    return Rule(
        name,
        f"title {name}",
        when,
        _outcomes(random, words),
        f"reason {name}",
        SOURCE,
        "us",
        "2030-01-01",
        infers,
        clinician_only=random.random() < 0.1,
        flags=(f"flag_{name}",) if random.random() < 0.2 else (),
    )


def _floor(random: Random, name: str, words: Vocabulary) -> Floor:
    raises = random.random() < 0.3
    return Floor(
        name,
        f"title {name}",
        make_condition(random, words, 2),
        () if raises else _outcomes(random, words),
        f"reason {name}",
        SOURCE,
        "us",
        "2030-01-01",
        raise_one=((Level.MONITOR, "M1"), (Level.URGENT, "U2")) if raises else (),
    )


def _outcomes(random: Random, words: Vocabulary) -> tuple[RuleOutcome, ...]:
    own = random.choice(CODES)
    worse = CODES[: CODES.index(own)]
    if not worse or random.random() < 0.6:
        return (RuleOutcome(own),)
    raised = tuple(
        RuleOutcome(random.choice(worse), make_condition(random, words, 1)) for _ in range(random.randint(1, 2))
    )
    return (RuleOutcome(own), *raised)


def make_condition(random: Random, words: Vocabulary, depth: int) -> Condition:
    """A condition over these inputs, mentions and statements."""
    if depth and random.random() < 0.6:
        parts = tuple(make_condition(random, words, depth - 1) for _ in range(random.randint(1, 4)))
        shape = random.randrange(5)
        if shape == 0:
            return Not(parts[0])
        if shape == 1:
            return AtLeast(random.randint(1, len(parts)), parts)
        return All(parts) if shape < 4 and random.random() < 0.6 else Any(parts)
    if words.names and random.random() < 0.35:
        statement = Inferred(random.choice(words.names))
        return Unless(statement) if random.random() < 0.2 else statement
    if words.mentions and random.random() < 0.1:
        mention = Yes(random.choice(list(words.mentions)))
        return Unless(mention) if random.random() < 0.2 else mention
    return _leaf(random, random.choice(list(words.inputs.values())))


def _leaf(random: Random, asked: Input) -> Condition:
    if random.random() < 0.12:
        return IsOpen(asked.name)
    match asked.kind:
        case InputKind.YES_NO:
            return Unless(Yes(asked.name)) if random.random() < 0.1 else Yes(asked.name)
        case InputKind.CHOICE:
            values = [choice.value for choice in asked.choices]
            return OneOf(asked.name, tuple(random.sample(values, random.randint(1, len(values)))))
        case InputKind.TEXT:
            return IsOpen(asked.name)
        case _:
            limits = WHOLE_LIMITS if asked.kind is InputKind.INTEGER else LIMITS
            compare = Compare(asked.name, random.choice(list(Op)), random.choice(limits))
            if random.random() < 0.15:
                return All((Compare(asked.name, Op.AT_LEAST, 1), compare))
            return compare


# --- reports --------------------------------------------------------------------------------


def make_report(random: Random, ruleset: Ruleset, share: float | None = None) -> tuple[Answers, History]:
    """What an Evaluator gets: answers to about `share` of the inputs (at random if None), and a history."""
    share = random.choice([0, 0.3, 0.6, 0.9, 1]) if share is None else share
    answers = {
        name: make_answer(random, asked)
        for name, asked in ruleset.inputs.items()
        if asked.asked_of is not AskedOf.SERVICE and random.random() < share
    }
    return answers, History(random.choice([0, 0, 1, 2, 38]), random.choice([None, None, *Level]))


def make_findings(random: Random, ruleset: Ruleset, share: float | None = None) -> Answers:
    """What the engine and the reference get: of a text, that it was answered, and what it mentions."""
    answers, history = make_report(random, ruleset, share)
    return as_facts(ruleset, answers, history)


def as_facts(ruleset: Ruleset, answers: Answers, history: History) -> Answers:
    """Answers and history as the evaluators see them, with the answers that relevance implies."""
    facts: Answers = dict(answers)
    for name, asked in ruleset.inputs.items():
        if asked.kind is InputKind.TEXT and name in answers:
            facts[name] = True
    for mention in ruleset.mentions.values():
        if mention.text in answers:
            facts[mention.name] = any(phrase in str(answers[mention.text]) for phrase in mention.phrases)
    if "reports_last_48h" in ruleset.inputs:
        facts["reports_last_48h"] = history.reports_last_48h
    if "highest_level_24h" in ruleset.inputs:
        highest = history.highest_level_24h
        facts["highest_level_24h"] = "none" if highest is None else highest.word
    return effective(ruleset, facts)


def make_answer(random: Random, asked: Input) -> Value:
    """One answer that the input takes, often on or beside a limit."""
    match asked.kind:
        case InputKind.YES_NO:
            return random.random() < 0.5
        case InputKind.CHOICE:
            return random.choice(asked.choices).value
        case InputKind.TEXT:
            return random.choice(["", "nothing", "a stiff neck", "blue lips and a stiff neck"])
        case InputKind.INTEGER:
            near = random.choice(WHOLE_LIMITS) + random.choice([0, 0, -1, 1])
            return random.choice([near, near, near, 10**15, -(10**15)])
        case _:
            return _number(random)


def _number(random: Random) -> float:
    limit = random.choice(LIMITS)
    beside = [math.nextafter(limit, math.inf), math.nextafter(limit, -math.inf), limit + 0.1, limit - 0.1]
    odd = [0.0, 5e-324, -1e-300, 1e-13, 1e15, -1e15, 1234.000001, 37.949999999999996]
    return random.choice([limit, float(limit), random.choice(beside), random.choice(odd)])


def make_completion(random: Random, ruleset: Ruleset, findings: Answers) -> Answers:
    """The same answers and some more."""
    texts = {mention.name: mention.text for mention in ruleset.mentions.values()}
    more = make_findings(random, ruleset)
    new = {name: value for name, value in more.items() if texts.get(name, name) not in findings}
    return effective(ruleset, {**new, **findings})

"""A ruleset translated into durable-rules' dictionary: pure, no engine in it.

Four signals can stand for a statement, and each is a positive formula over literals that fire only on an answer:

    NOW, true         established                      CERTAIN, true    true whatever is still answered
    NOW, false        ruled out                        CERTAIN, false   never true, whatever is still answered

`not` changes the side and so ends at the findings. The possible rail is what is not CERTAIN false: if the
engine lost a firing there, the level that could still come would be too high, not too low. Without `open` and
`unless` beneath it, a statement's CERTAIN is its NOW.

A signal is put into disjunctive form. Each term is one durable rule, a plain conjunction on one message: no
`$or`, no joins. Terms are dealt onto pages; a page's message holds the fields its terms read, earlier signals
among them. A page has at most PAGE_TERMS terms, which bounds the engine's stack of 64 for every possible report.
"""

from __future__ import annotations

import enum
import itertools
import math
from collections.abc import Iterable
from dataclasses import dataclass

from triage_rules.errors import EngineLimitError
from triage_rules.rails import SOONER, Rails, outcome_key
from triage_rules.ruleset import (
    MAX_NUMBER,
    All,
    Any,
    AtLeast,
    Compare,
    Condition,
    Findings,
    Inference,
    Inferred,
    IsOpen,
    Not,
    OneOf,
    Op,
    Ruleset,
    Unless,
    Value,
    Yes,
)

PAGE_TERMS = 56
"""Terms on a page. Every term satisfied at once still leaves room on the engine's stack of 64."""

PAGE_FIELDS = 200
"""Fields of a page's message; the engine takes 252."""

PAGE_LIMIT = 500
"""Pages. They stand side by side under one node of the engine, and with more than 511 there it hangs."""

TERM_LITERALS = 120
"""Literals of one term: a chain of conditions, one under the other."""

PRODUCT_LIMIT = 12
"""A conjunction that would become more terms than this gets a signal of its own for a part of it."""

COMBINATIONS_LIMIT = 500
"""Ways to choose `at_least` many parts that we are ready to write out."""

NESTING_LIMIT = 150
"""Conditions one beneath the other, through the statements; the evaluators and explanations go down as deep."""

GREATEST = MAX_NUMBER
LEAST = 1e-12
"""The engine can't read exponents. Magnitudes beyond these are given to it as these; no limit lies beyond them."""

SENTINEL = "received"
"""A rule that fires on every page of every report; without one, deleting the state frees wild memory."""


class Mode(enum.StrEnum):
    """As things stand, or whatever is still answered."""

    NOW = "now"
    CERTAIN = "certain"


@dataclass(frozen=True, slots=True, order=True)
class Signal:
    """A truth that the engine derives: a statement, as it stands or for good, on its true or its false side."""

    statement: str
    mode: Mode
    side: bool


class Equality(enum.StrEnum):
    """A comparison of a choice or a yes/no."""

    IS = "is"
    IS_NOT = "is_not"


@dataclass(frozen=True, slots=True)
class Answered:
    """The finding has an answer, and it compares so with `value`."""

    finding: str
    op: Op | Equality
    value: Value


@dataclass(frozen=True, slots=True)
class OpenIs:
    """The finding is open, or is not."""

    finding: str
    value: bool


@dataclass(frozen=True, slots=True)
class Derived:
    """An earlier signal came out so."""

    signal: Signal
    value: bool


Literal = Answered | OpenIs | Derived
Term = frozenset[Literal]
Formula = frozenset[Term]

NEVER: Formula = frozenset()
ALWAYS: Formula = frozenset({frozenset()})

OPPOSITE = {
    Op.AT_LEAST: Op.LESS_THAN,
    Op.LESS_THAN: Op.AT_LEAST,
    Op.AT_MOST: Op.MORE_THAN,
    Op.MORE_THAN: Op.AT_MOST,
}
DURABLE = {
    Op.AT_LEAST: "$gte",
    Op.MORE_THAN: "$gt",
    Op.AT_MOST: "$lte",
    Op.LESS_THAN: "$lt",
    Equality.IS_NOT: "$neq",
}


@dataclass(frozen=True, slots=True)
class Page:
    """One message: the fields to fill, by where their value comes from (source, field name)."""

    number: int
    findings: tuple[tuple[str, str], ...]
    opens: tuple[tuple[str, str], ...]
    signals: tuple[tuple[int, str], ...]


@dataclass(frozen=True, slots=True)
class Compiled:
    """What the engine runs.

    rules: durable-rules' dictionary. pages: in the order to run them. terms: durable rule name -> signal number.
    established, possible, certain: (key, the number of the signal that decides it; for possible, by being false).
    choices: finding -> value -> its place; the engine compares text in ways that we don't rely on.
    """

    name: str
    rules: dict[str, object]
    pages: tuple[Page, ...]
    terms: dict[str, int]
    signals: tuple[Signal, ...]
    established: tuple[tuple[str, int], ...]
    possible: tuple[tuple[str, int], ...]
    certain: tuple[tuple[str, int], ...]
    choices: dict[str, dict[str, int]]

    def facts(self, findings: Findings) -> Findings:
        """The findings as the engine gets them: a choice by its place, a number within what it can read."""
        facts: Findings = {}
        for name, value in findings.items():
            if isinstance(value, str):
                facts[name] = self.choices[name][value]
            elif isinstance(value, float):
                facts[name] = math.copysign(min(max(abs(value), LEAST), GREATEST), value) if value else 0
            else:
                facts[name] = min(max(value, -GREATEST), GREATEST)
        return facts

    def message(self, page: Page, facts: Findings, truths: list[bool]) -> dict[str, Value]:
        """The page's message for a report: answered fields, what is open, and earlier signals."""
        message: dict[str, Value] = {"page": page.number}
        for finding, name in page.findings:
            if finding in facts:
                message[name] = facts[finding]
        for finding, name in page.opens:
            message[name] = finding not in facts
        for number, name in page.signals:
            message[name] = truths[number]
        return message

    def rails(self, truths: list[bool]) -> Rails:
        """The rails that the signals' truths (by number) amount to."""
        return Rails(
            established=frozenset(key for key, number in self.established if truths[number]),
            possible=frozenset(key for key, number in self.possible if not truths[number]),
            certain=frozenset(key for key, number in self.certain if truths[number]),
        )


def compile_ruleset(ruleset: Ruleset, name: str) -> Compiled:
    """Translate. `name` is what the engine registers. Raises EngineLimitError if it can't hold the ruleset."""
    _refuse_limits(ruleset)
    lowering = _Lowering(ruleset)
    wanted = _wanted(ruleset)
    for rail in wanted.values():
        for key, (mode, side) in rail.items():
            lowering.need(lowering.signal(key, mode, side))
    formulas = lowering.formulas
    number = {signal: i for i, signal in enumerate(formulas)}
    rules, pages, terms = _write(_deal(formulas), number)
    outputs = {
        rail: tuple((key, number[lowering.signal(key, mode, side)]) for key, (mode, side) in keys.items())
        for rail, keys in wanted.items()
    }
    choices = lowering.choices
    return Compiled(
        name=name, rules=rules, pages=pages, terms=terms, signals=tuple(formulas), choices=choices, **outputs
    )


def statements(ruleset: Ruleset) -> dict[str, Condition]:
    """Every statement of the ruleset by key. A raised outcome needs its rule as well as its own condition."""
    found = {name: _definition(ruleset, inference) for name, inference in ruleset.inferences.items()}
    for rule in ruleset.rules_and_floors:
        for index, outcome in enumerate(rule.outcomes):
            own = rule.when if index == 0 else Inferred(rule.id)
            parts = own if outcome.when is None else All((own, outcome.when))
            found[outcome_key(rule.id, index)] = parts
        if not rule.outcomes:
            found[rule.id] = rule.when
    found |= {conflict.id: conflict.when for conflict in ruleset.conflicts.values()}
    if ruleset.validity.sooner is not None:
        found[SOONER] = ruleset.validity.sooner
    return found


def _definition(ruleset: Ruleset, inference: Inference) -> Condition:
    """A statement that rules alone infer is read off those rules' signals."""
    whens = tuple(ruleset.rules[rule].when for rule in inference.rules)
    if whens and inference.when in (Any(whens), *whens[: len(whens) == 1]):
        return Any(tuple(map(Inferred, inference.rules)))
    return inference.when


def _wanted(ruleset: Ruleset) -> dict[str, dict[str, tuple[Mode, bool]]]:
    """The rails to answer: rail -> key -> which side of which mode decides it."""
    outcomes = [
        outcome_key(rule.id, index) for rule in ruleset.rules_and_floors for index in range(max(1, len(rule.outcomes)))
    ]
    sooner = [SOONER] if ruleset.validity.sooner is not None else []
    return {
        "established": dict.fromkeys([*ruleset.inferences, *outcomes, *ruleset.conflicts], (Mode.NOW, True)),
        "possible": dict.fromkeys([*outcomes, *sooner], (Mode.CERTAIN, False)),
        "certain": dict.fromkeys(outcomes, (Mode.CERTAIN, True)),
    }


class _Lowering:
    """Conditions into formulas, signal by signal, each after the ones it reads."""

    def __init__(self, ruleset: Ruleset) -> None:
        self._conditions = statements(ruleset)
        self.choices = {
            name: {choice.value: place for place, choice in enumerate(asked.choices)}
            for name, asked in ruleset.inputs.items()
            if asked.choices
        }
        self._pure: dict[str, bool] = {}
        self.formulas: dict[Signal, Formula] = {}

    def signal(self, statement: str, mode: Mode, side: bool) -> Signal:
        """The signal of a statement; without `open` or `unless` beneath it, CERTAIN is NOW."""
        return Signal(statement, Mode.NOW if self._is_pure(statement) else mode, side)

    def need(self, signal: Signal) -> None:
        """Make sure the signal has a formula."""
        if signal not in self.formulas:
            formula = self._lower(self._conditions[signal.statement], signal.mode, signal.side)
            self.formulas[signal] = formula

    def _is_pure(self, statement: str) -> bool:
        if statement not in self._pure:
            self._pure[statement] = all(
                self._is_pure(leaf.name) if isinstance(leaf, Inferred) else not isinstance(leaf, IsOpen | Unless)
                for leaf in _leaves(self._conditions[statement])
            )
        return self._pure[statement]

    def _derived(self, statement: str, mode: Mode, side: bool, value: bool = True) -> Formula:
        signal = self.signal(statement, mode, side)
        self.need(signal)
        return _literal(Derived(signal, value))

    def _lower(self, condition: Condition, mode: Mode, side: bool) -> Formula:
        match condition:
            case All(parts):
                lowered = [self._lower(part, mode, side) for part in parts]
                return self._conjoin(lowered) if side else _disjoin(lowered)
            case Any(parts):
                lowered = [self._lower(part, mode, side) for part in parts]
                return _disjoin(lowered) if side else self._conjoin(lowered)
            case AtLeast(count, parts):
                enough = count if side else len(parts) - count + 1
                return self._at_least(enough, [self._lower(part, mode, side) for part in parts])
            case Not(part):
                return self._lower(part, mode, not side)
            case Inferred(name):
                return self._derived(name, mode, side)
            case Unless(part):
                return self._unless(part, mode, side)
            case IsOpen(finding):
                if side and mode is Mode.CERTAIN:
                    return NEVER  # it may be answered yet
                return _literal(OpenIs(finding, side))
            case OneOf(finding, values):
                return self._one_of(finding, values, side)
            case Yes(finding):
                return _literal(Answered(finding, Equality.IS, side))
            case Compare(finding, op, limit):
                return _literal(Answered(finding, op if side else OPPOSITE[op], limit))

    def _unless(self, part: Inferred | Yes, mode: Mode, side: bool) -> Formula:
        """`unless` is the opposite of established: it reads the part's signal on the true side, answered or not."""
        if isinstance(part, Yes):
            answered = _literal(Answered(part.finding, Equality.IS, not side))
            return answered | _literal(OpenIs(part.finding, True)) if side and mode is Mode.NOW else answered
        if mode is Mode.NOW:
            return self._derived(part.name, Mode.NOW, True, value=not side)
        return self._derived(part.name, Mode.CERTAIN, not side)

    def _one_of(self, finding: str, values: tuple[str, ...], side: bool) -> Formula:
        places = [self.choices[finding][value] for value in values]
        if side:
            return _disjoin([_literal(Answered(finding, Equality.IS, place)) for place in places])
        return frozenset({frozenset(Answered(finding, Equality.IS_NOT, place) for place in places)})

    def _conjoin(self, parts: list[Formula]) -> Formula:
        parts = [part for part in parts if part != ALWAYS]
        if NEVER in parts:
            return NEVER
        while math.prod(map(len, parts)) > PRODUCT_LIMIT and sum(len(part) > 1 for part in parts) > 1:
            widest = max(parts, key=len)
            parts[parts.index(widest)] = self._named(widest)
        return _least(frozenset().union(*chosen) for chosen in itertools.product(*parts))

    def _at_least(self, count: int, parts: list[Formula]) -> Formula:
        if math.comb(len(parts), count) > COMBINATIONS_LIMIT:
            message = f"`at_least: {count}` of {len(parts)} parts can't be written out; split it into statements"
            raise EngineLimitError(message)
        if count == 1:
            return _disjoin(parts)
        single = [self._named(part) if len(part) > 1 else part for part in parts]
        return _disjoin([self._conjoin(list(chosen)) for chosen in itertools.combinations(single, count)])

    def _named(self, formula: Formula) -> Formula:
        """A literal that stands for the formula, by way of a signal of its own."""
        for signal, known in self.formulas.items():
            if known == formula:
                return _literal(Derived(signal, True))
        signal = Signal(f"part {len(self.formulas)}", Mode.NOW, True)
        self.formulas[signal] = formula
        return _literal(Derived(signal, True))


def _refuse_limits(ruleset: Ruleset) -> None:
    """Limits that the engine would not read as written."""
    for leaf in _every_leaf(ruleset):
        if isinstance(leaf, Compare) and not (leaf.limit == 0 or LEAST * 1000 <= abs(leaf.limit) < GREATEST):
            raise EngineLimitError(f"the engine can't compare `{leaf.finding}` with {leaf.limit}")
    depths: dict[str, int] = {}
    for name, inference in ruleset.inferences.items():
        depths[name] = _depth(inference.when, depths)
    for name, condition in statements(ruleset).items():
        if _depth(condition, depths) > NESTING_LIMIT:
            raise EngineLimitError(f"`{name}`: more than {NESTING_LIMIT} conditions build on each other")


def _depth(condition: Condition, depths: dict[str, int]) -> int:
    """Conditions one beneath the other. `depths`: of the statements that it may speak of."""
    match condition:
        case All(parts) | Any(parts) | AtLeast(_, parts):
            return 1 + max((_depth(part, depths) for part in parts), default=0)
        case Not(part) | Unless(part):
            return 1 + _depth(part, depths)
        case Inferred(name):
            return 1 + depths.get(name, 0)
        case _:
            return 1


def _every_leaf(ruleset: Ruleset) -> Iterable[Condition]:
    for condition in statements(ruleset).values():
        yield from _leaves(condition)


def _leaves(condition: Condition) -> Iterable[Condition]:
    match condition:
        case All(parts) | Any(parts) | AtLeast(_, parts):
            for part in parts:
                yield from _leaves(part)
        case Not(part):
            yield from _leaves(part)
        case _:
            yield condition


def _literal(literal: Literal) -> Formula:
    return frozenset({frozenset({literal})})


def _disjoin(parts: list[Formula]) -> Formula:
    return _least(itertools.chain.from_iterable(parts))


def _deal(formulas: dict[Signal, Formula]) -> list[list[tuple[Signal, Term]]]:
    """Terms onto pages: each after the pages of the signals it reads, on the first page with room."""
    pages: list[list[tuple[Signal, Term]]] = []
    fields: list[set[object]] = []
    known_after: dict[Signal, int] = {}
    for signal, formula in formulas.items():
        known_after[signal] = 0
        for term in sorted(formula, key=_written):
            reads = {_field(literal) for literal in term}
            if len(term) > TERM_LITERALS or len(reads) > PAGE_FIELDS:
                raise EngineLimitError(f"`{signal.statement}`: {len(term)} conditions in one conjunction are too many")
            first = max((known_after[x.signal] for x in term if isinstance(x, Derived)), default=0)
            page = next(
                (
                    p
                    for p in range(first, len(pages))
                    if len(pages[p]) < PAGE_TERMS and len(fields[p] | reads) <= PAGE_FIELDS
                ),
                len(pages),
            )
            if page == len(pages):
                pages.append([])
                fields.append(set())
            pages[page].append((signal, term))
            fields[page] |= reads
            known_after[signal] = max(known_after[signal], page + 1)
    if len(pages) > PAGE_LIMIT:
        raise EngineLimitError(f"the rules fill {len(pages)} pages, and the engine takes {PAGE_LIMIT}")
    return pages


def _written(term: Term) -> list[str]:
    return sorted(map(repr, term))


def _field(literal: Literal) -> tuple[str, object]:
    match literal:
        case Answered(finding):
            return ("answer", finding)
        case OpenIs(finding):
            return ("open", finding)
        case Derived(signal):
            return ("signal", signal)


def _write(
    pages: list[list[tuple[Signal, Term]]], number: dict[Signal, int]
) -> tuple[dict[str, object], tuple[Page, ...], dict[str, int]]:
    """Pages into durable-rules' dictionary, with what each page's message must hold."""
    rules: dict[str, object] = {}
    written: list[Page] = []
    terms: dict[str, int] = {}
    for p, page in enumerate(pages or [[]]):
        names: dict[tuple[str, object], str] = {}
        for signal, term in page:
            conditions = [_write_literal(literal, names) for literal in sorted(term, key=repr)]
            name = f"t{len(terms)}"
            terms[name] = number[signal]
            rules[name] = {"all": [{"m": {"$and": [{"page": p}, *conditions]}}]}
        rules[f"{SENTINEL}{p}"] = {"all": [{"m": {"page": p}}]}
        written.append(
            Page(
                number=p,
                findings=tuple((str(what), name) for (kind, what), name in names.items() if kind == "answer"),
                opens=tuple((str(what), name) for (kind, what), name in names.items() if kind == "open"),
                signals=tuple((number[what], name) for (_, what), name in names.items() if isinstance(what, Signal)),
            )
        )
    _refuse_collisions([*rules, "page", "id", "sid", *(f"{letter}{i}" for letter in "vos" for i in range(PAGE_FIELDS))])
    return rules, tuple(written), terms


def _write_literal(literal: Literal, names: dict[tuple[str, object], str]) -> dict[str, object]:
    kind, _ = key = _field(literal)
    name = names.setdefault(key, f"{'v' if kind == 'answer' else kind[0]}{len(names)}")
    match literal:
        case Answered(_, Equality.IS, value) | OpenIs(_, value) | Derived(_, value):
            return {name: value}
        case Answered(_, op, value):
            return {DURABLE[op]: {name: value}}


def _refuse_collisions(names: list[str]) -> None:
    """The engine knows names by their 32-bit FNV-1a hash alone; two names with one hash would be one name."""
    seen: dict[int, str] = {}
    for name in names:
        other = seen.setdefault(fnv_1a(name), name)
        if other != name:
            raise EngineLimitError(f"the engine can't tell `{other}` from `{name}`: they have the same hash")


def fnv_1a(name: str) -> int:
    """The engine's hash of a name: FNV-1a, 32 bits, over its UTF-8 bytes."""
    value = 2166136261
    for byte in name.encode():
        value = ((value ^ byte) * 16777619) & 0xFFFFFFFF
    return value


def _least(terms: Iterable[Term]) -> Formula:
    """Without the terms that another, shorter term makes superfluous."""
    kept: list[Term] = []
    for term in sorted(set(terms), key=len):
        if not any(shorter <= term for shorter in kept):
            kept.append(term)
    return frozenset(kept)

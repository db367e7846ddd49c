"""Formulas onto pages, and pages into durable-rules' dictionary, within what the engine can hold."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from triage_rules.compiling.formulas import (
    TERM_LITERALS,
    Answered,
    Derived,
    Equality,
    Formula,
    Literal,
    OpenIs,
    Signal,
    Term,
)
from triage_rules.errors import EngineLimitError
from triage_rules.ruleset import Op

PAGE_TERMS = 56
"""Terms on a page. Every term satisfied at once still leaves room on the engine's stack of 64."""

PAGE_FIELDS = 200
"""Fields of a page's message; the engine takes 252."""

PAGE_LIMIT = 500
"""Pages. They stand side by side under one node of the engine, and with more than 511 there it hangs."""

RULES_LIMIT = 4_096
"""Rules of one ruleset of the engine, sentinels included; with one more, registering it ends with error 106."""

SENTINEL = "received"
"""A rule that fires on every page of every report; without one, deleting the state frees wild memory."""

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


def deal(formulas: dict[Signal, Formula]) -> list[list[tuple[Signal, Term]]]:
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
                    if len(pages[p]) < PAGE_TERMS and len(fields[p]) + len(reads - fields[p]) <= PAGE_FIELDS
                ),
                len(pages),
            )
            if page == PAGE_LIMIT:
                raise EngineLimitError(f"the rules fill more than {PAGE_LIMIT} pages, and the engine takes no more")
            if page == len(pages):
                pages.append([])
                fields.append(set())
            pages[page].append((signal, term))
            fields[page] |= reads
            known_after[signal] = max(known_after[signal], page + 1)
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


def write(
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
    refuse_collisions([*rules, "page", "id", "sid", *(f"{letter}{i}" for letter in "vos" for i in range(PAGE_FIELDS))])
    return rules, tuple(written), terms


@dataclass(frozen=True, slots=True)
class Part:
    """Some pages and their rules: one ruleset of the engine."""

    pages: list[int]
    rules: dict[str, object]


def apart(rules: Mapping[str, object]) -> list[Part]:
    """The written rules in as few parts as the engine takes; a page stays whole, with its sentinel."""
    found = [Part([], {})]
    page: dict[str, object] = {}
    for name, rule in rules.items():
        page[name] = rule
        if name.startswith(SENTINEL):  # the last of its page
            if len(found[-1].rules) + len(page) > RULES_LIMIT:
                found.append(Part([], {}))
            found[-1].pages.append(int(name.removeprefix(SENTINEL)))
            found[-1].rules.update(page)
            page = {}
    return found


def _write_literal(literal: Literal, names: dict[tuple[str, object], str]) -> dict[str, object]:
    kind, _ = key = _field(literal)
    name = names.setdefault(key, f"{'v' if kind == 'answer' else kind[0]}{len(names)}")
    match literal:
        case Answered(_, Equality.IS, value) | OpenIs(_, value) | Derived(_, value):
            return {name: value}
        case Answered(_, op, value):
            return {DURABLE[op]: {name: value}}


def refuse_collisions(names: list[str]) -> None:
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

"""Formulas onto pages, and pages into durable-rules' dictionaries, within what the engine can hold.

A term that says no more than that an earlier signal came out true is no rule of the engine: what makes the earlier
signal true makes the later one true as well. A term that several signals share is one rule.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field

from triage_rules.evaluation.compiling.formulas import (
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
from triage_rules.foundation.errors import EngineLimitError
from triage_rules.language.model import Op, Value

GROUPS = 47
GROUP_TERMS = 16
"""Groups on a page, and terms in a group: all groups and every term of one still have room on the engine's stack of 64.

Small groups are quick. The engine keeps the children of a node in a table of 32 buckets, and looks through its
neighbours, too, for each field of a message: with more children it soon looks at most of them for each field.
"""

GROUP = "start"
"""The field that opens all groups of a page. Its bucket is the last of the 32: no other field is looked up there."""

PAGE_TERMS = GROUPS * GROUP_TERMS

PAGE_FIELDS = 200
"""Fields of a page's message; the engine takes 252."""

PAGE_LIMIT = 120
"""Pages. Each is a ruleset of the engine with its state."""

SENTINEL = "received"
"""A rule that fires on every message of every page; without one, deleting the state frees wild memory."""

DURABLE = {
    Op.AT_LEAST: "$gte",
    Op.MORE_THAN: "$gt",
    Op.AT_MOST: "$lte",
    Op.LESS_THAN: "$lt",
    Equality.IS_NOT: "$neq",
}


@dataclass(frozen=True, slots=True)
class Has:
    """What a field of a message says by being there: an earlier signal came out so, or a finding is open or isn't."""

    what: Signal | str
    value: bool


@dataclass(frozen=True, slots=True)
class EnginePage:
    """One ruleset of the engine, and the message that it gets.

    rules: durable-rules' dictionary. terms: name of a rule -> numbers of the signals that are true if it fires.
    answers: (finding, field, the comparisons that the page makes with it); the field holds the answer.
    opens: (finding, is it open, field); signals: (signal number, did it come out true, field): there only if it is so.
    """

    rules: dict[str, object]
    terms: dict[str, tuple[int, ...]]
    answers: tuple[tuple[str, str, tuple[tuple[Op | Equality, Value], ...]], ...]
    opens: tuple[tuple[str, bool, str], ...]
    signals: tuple[tuple[int, bool, str], ...]


@dataclass(slots=True)
class PageDraft:
    """A page that is being filled. makes: the signals that each of its terms makes true."""

    makes: dict[Term, set[Signal]] = field(default_factory=dict)
    fields: set[str | Has] = field(default_factory=set)

    def has_room_for(self, reads: set[str | Has]) -> bool:
        return len(self.makes) < PAGE_TERMS and len(self.fields | reads) <= PAGE_FIELDS


class Deal:
    """Terms onto pages: each after the pages of the signals it reads, on the first page with room.

    Raises EngineLimitError if that takes too many pages.
    """

    def __init__(self, formulas: dict[Signal, Formula]) -> None:
        self.drafts: list[PageDraft] = []
        self._place: dict[Term, int] = {}
        self._known_after: dict[Signal, int] = {}
        self._follow: dict[Signal, list[Signal]] = {signal: [] for signal in formulas}
        for signal, formula in formulas.items():
            pages = [self._take(signal, term) for term in sorted(formula, key=_written)]
            self._known_after[signal] = max(pages, default=0)
        for draft in self.drafts:
            for made in draft.makes.values():
                made.update(*map(self._all_that_follow, list(made)))

    def _take(self, signal: Signal, term: Term) -> int:
        """The number of pages after which it is known whether the term holds."""
        earlier = implied_by(term)
        if earlier is not None:
            self._follow[earlier].append(signal)
            return self._known_after[earlier]
        if term not in self._place:
            self._place[term] = self._page_for(signal, term)
            self.drafts[self._place[term]].makes[term] = set()
        self.drafts[self._place[term]].makes[term].add(signal)
        return self._place[term] + 1

    def _page_for(self, signal: Signal, term: Term) -> int:
        reads = {_source(literal) for literal in term}
        if len(term) > TERM_LITERALS or len(reads) > PAGE_FIELDS:
            raise EngineLimitError(f"`{signal.statement}`: {len(term)} conditions in one conjunction are too many")
        first = max((self._known_after[literal.signal] for literal in term if isinstance(literal, Derived)), default=0)
        while len(self.drafts) <= first:
            self._open()
        page = next((p for p in range(first, len(self.drafts)) if self.drafts[p].has_room_for(reads)), None)
        if page is None:
            page = self._open()
        self.drafts[page].fields |= reads
        return page

    def _open(self) -> int:
        if len(self.drafts) == PAGE_LIMIT:
            raise EngineLimitError(f"the rules fill more than {PAGE_LIMIT} pages, and the engine takes no more")
        self.drafts.append(PageDraft())
        return len(self.drafts) - 1

    def _all_that_follow(self, signal: Signal) -> set[Signal]:
        found: set[Signal] = set()
        todo = [signal]
        while todo:
            new = set(self._follow[todo.pop()]) - found
            found |= new
            todo += new
        return found


def implied_by(term: Term) -> Signal | None:
    """The earlier signal that is all the term asks for; None if it asks for more, or for something else."""
    match tuple(term):
        case (Derived(signal, True),):
            return signal
        case _:
            return None


def write(drafts: Iterable[PageDraft], number: dict[Signal, int]) -> tuple[EnginePage, ...]:
    """The drafts as durable-rules takes them, with what each page's message must hold."""
    return tuple(_write_page(draft, number) for draft in drafts)


def _write_page(draft: PageDraft, number: dict[Signal, int]) -> EnginePage:
    names: dict[str | Has, str] = {}
    compared: dict[str, dict[tuple[Op | Equality, Value], None]] = {}
    rules: dict[str, object] = {SENTINEL: {"all": [{"m": {GROUP: 0}}]}}
    terms: dict[str, tuple[int, ...]] = {}
    for n, (term, made) in enumerate(draft.makes.items()):
        conditions = []
        for literal in sorted(term, key=repr):
            conditions.append(_write_literal(literal, names))
            if isinstance(literal, Answered):
                compared.setdefault(literal.input, {})[literal.op, literal.value] = None
        name = f"t{n:03}"
        terms[name] = tuple(sorted(number[signal] for signal in made))
        rules[name] = {"all": [{"m": {"$and": [{"$lte": {GROUP: n // GROUP_TERMS}}, *conditions]}}]}
    page = EnginePage(
        rules=rules,
        terms=terms,
        answers=tuple((s, name, tuple(compared[s])) for s, name in names.items() if isinstance(s, str)),
        opens=tuple(
            (s.what, s.value, name) for s, name in names.items() if isinstance(s, Has) and isinstance(s.what, str)
        ),
        signals=tuple(
            (number[s.what], s.value, name)
            for s, name in names.items()
            if isinstance(s, Has) and isinstance(s.what, Signal)
        ),
    )
    refuse_collisions([*rules, GROUP, *names.values(), "id", "sid"])
    return page


def _write_literal(literal: Literal, names: dict[str | Has, str]) -> dict[str, object]:
    name = names.setdefault(_source(literal), field_name(len(names)))
    match literal:
        case Answered(_, Equality.IS, value):
            return {name: value}
        case Answered(_, op, value):
            return {DURABLE[op]: {name: value}}
        case OpenIs() | Derived():
            return {name: True}


def field_name(n: int) -> str:
    """The name of a page's nth field."""
    return f"f{n}"


def _source(literal: Literal) -> str | Has:
    match literal:
        case Answered(finding):
            return finding
        case OpenIs(finding, value):
            return Has(finding, value)
        case Derived(signal, value):
            return Has(signal, value)


def _written(term: Term) -> list[str]:
    return sorted(map(repr, term))


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

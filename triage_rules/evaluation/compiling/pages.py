"""Pages: formulas dealt onto pages, and pages written as durable-rules' dictionaries, within the engine's limits.

A term that only repeats an earlier signal becomes no rule of the engine: whatever makes the earlier signal true also
makes the later one true. A term that several signals share is one rule.
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
"""Maximum numbers of groups on a page, and of terms in a group: all groups and every term of one group fit the
engine's stack of 64.

Small groups are fast. The engine keeps the children of a node in a table of 32 buckets, and searches neighbouring
buckets as well for each field of a message: with more children it soon searches most of them for each field.
"""

GROUP = "start"
"""Field that opens all groups of a page. Its bucket is the last of the 32, where no other field is looked up."""

PAGE_TERMS = GROUPS * GROUP_TERMS

PAGE_FIELDS = 200
"""Maximum number of fields in a page's message; the engine takes 252."""

PAGE_LIMIT = 120
"""Maximum number of pages. Each is a ruleset of the engine with its state."""

SENTINEL = "received"
"""Rule that fires on every message of every page; without one, deleting the state frees wild memory."""

DURABLE = {
    Op.AT_LEAST: "$gte",
    Op.MORE_THAN: "$gt",
    Op.AT_MOST: "$lte",
    Op.LESS_THAN: "$lt",
    Equality.IS_NOT: "$neq",
}


@dataclass(frozen=True, slots=True)
class Has:
    """Meaning of a field that is present: an earlier signal is true or not, or an input is open or not."""

    what: Signal | str
    value: bool


@dataclass(frozen=True, slots=True)
class EnginePage:
    """Ruleset of the engine, and the fields of its message.

    rules: durable-rules' dictionary. terms: name of a rule -> numbers of the signals that are true if it fires.
    answers: (input, field, comparisons that the page makes with it); the field holds the answer.
    opens: (input, is it open, field); signals: (signal number, is it true, field): present only if it is so.
    """

    rules: dict[str, object]
    terms: dict[str, tuple[int, ...]]
    answers: tuple[tuple[str, str, tuple[tuple[Op | Equality, Value], ...]], ...]
    opens: tuple[tuple[str, bool, str], ...]
    signals: tuple[tuple[int, bool, str], ...]


@dataclass(slots=True)
class PageDraft:
    """Page that is being filled. makes: the signals that each of its terms makes true."""

    makes: dict[Term, set[Signal]] = field(default_factory=dict)
    fields: set[str | Has] = field(default_factory=set)

    def has_room_for(self, reads: set[str | Has]) -> bool:
        return len(self.makes) < PAGE_TERMS and len(self.fields | reads) <= PAGE_FIELDS


class Deal:
    """Deals terms onto pages: each after the pages of the signals it reads, on the first page with room.

    Raises EngineLimitError if it takes too many pages.
    """

    def __init__(self, formulas: dict[Signal, Formula]) -> None:
        self.drafts: list[PageDraft] = []
        self._page_of: dict[Term, int] = {}
        self._known_after: dict[Signal, int] = {}
        self._followers: dict[Signal, list[Signal]] = {signal: [] for signal in formulas}
        for signal, formula in formulas.items():
            pages = [self._take(signal, term) for term in sorted(formula, key=_by_literals)]
            self._known_after[signal] = max(pages, default=0)
        for draft in self.drafts:
            for made in draft.makes.values():
                made.update(*map(self._find_followers, list(made)))

    def _take(self, signal: Signal, term: Term) -> int:
        """Return the number of pages after which the term's truth is known."""
        earlier = implied_by(term)
        if earlier is not None:
            self._followers[earlier].append(signal)
            return self._known_after[earlier]
        if term not in self._page_of:
            self._page_of[term] = self._find_page(signal, term)
            self.drafts[self._page_of[term]].makes[term] = set()
        self.drafts[self._page_of[term]].makes[term].add(signal)
        return self._page_of[term] + 1

    def _find_page(self, signal: Signal, term: Term) -> int:
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

    def _find_followers(self, signal: Signal) -> set[Signal]:
        followers: set[Signal] = set()
        todo = [signal]
        while todo:
            new = set(self._followers[todo.pop()]) - followers
            followers |= new
            todo += new
        return followers


def implied_by(term: Term) -> Signal | None:
    """Return the earlier signal that is the term's only literal; None for any other term."""
    match tuple(term):
        case (Derived(signal, True),):
            return signal
        case _:
            return None


def write(drafts: Iterable[PageDraft], number: dict[Signal, int]) -> tuple[EnginePage, ...]:
    """Write the drafts as durable-rules takes them, with the fields of each page's message."""
    return tuple(_write_page(draft, number) for draft in drafts)


def _write_page(draft: PageDraft, number: dict[Signal, int]) -> EnginePage:
    names: dict[str | Has, str] = {}
    compared: dict[str, dict[tuple[Op | Equality, Value], None]] = {}
    rules: dict[str, object] = {SENTINEL: {"all": [{"m": {GROUP: 0}}]}}
    terms: dict[str, tuple[int, ...]] = {}
    for n, (term, signals) in enumerate(draft.makes.items()):
        conditions = []
        for literal in sorted(term, key=repr):
            conditions.append(_write_literal(literal, names))
            if isinstance(literal, Answered):
                compared.setdefault(literal.input, {})[literal.op, literal.value] = None
        name = f"t{n:03}"
        terms[name] = tuple(sorted(number[signal] for signal in signals))
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
    """Return the name of a page's nth field."""
    return f"f{n}"


def _source(literal: Literal) -> str | Has:
    match literal:
        case Answered(name):
            return name
        case OpenIs(name, value):
            return Has(name, value)
        case Derived(signal, value):
            return Has(signal, value)


def _by_literals(term: Term) -> list[str]:
    return sorted(map(repr, term))


def refuse_collisions(names: list[str]) -> None:
    """Raise EngineLimitError if two names share a hash: the engine knows a name only by its 32-bit FNV-1a hash."""
    seen: dict[int, str] = {}
    for name in names:
        other = seen.setdefault(fnv_1a(name), name)
        if other != name:
            raise EngineLimitError(f"the engine can't distinguish `{other}` from `{name}`: they have the same hash")


def fnv_1a(name: str) -> int:
    """Return the engine's hash of a name: FNV-1a, 32 bits, over its UTF-8 bytes."""
    value = 2166136261
    for byte in name.encode():
        value = ((value ^ byte) * 16777619) & 0xFFFFFFFF
    return value

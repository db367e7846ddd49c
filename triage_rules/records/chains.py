"""Chains of amendments: a report, and all reports that amend it, directly or not. Values in, values out.

A chain is one row on the board and counts once in the history of its subject. The result of a report takes the place of
the results that it amends. If its outcome is less urgent than theirs, it names what it lowers.
"""

from __future__ import annotations

import enum
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

from triage_rules.language.model import Level, Ruleset


class ChainChanged(Exception):
    """Another report of the chain was settled after this one was begun: it must be decided again."""


class ChainPlace(enum.StrEnum):
    """The place of a result in its chain."""

    FRONT = "front"
    """It is the newest: it takes the place of the others."""
    SIDE = "side"
    """An amendment was decided before it, and is less urgent: it is shown beside that one."""
    BACK = "back"
    """An amendment was decided before it, and is as urgent or more so."""


@dataclass(frozen=True, slots=True)
class ChainResult:
    """A settled report of a chain. `level` None: it could not be decided, or its result can't be read."""

    id: str
    received_ms: int
    level: Level | None = None
    disposition: str | None = None


@dataclass(frozen=True, slots=True)
class ChainView:
    """The settled reports that the result of a report may take the place of.

    `above`: the nearest decided one that it amends; `shown`: the one that stands for the chain on the board;
    `undecided`: the nearest dead letter that it amends, if that is nearer than `above`.
    """

    above: ChainResult | None = None
    shown: ChainResult | None = None
    undecided: ChainResult | None = None


NO_VIEW = ChainView()


@dataclass(frozen=True, slots=True)
class ChainStanding:
    """The place of a result in its chain, and the ids in the view in which it was decided ('': none)."""

    place: ChainPlace | None = None
    above: str = ""
    shown: str = ""
    undecided: str = ""


UNCHAINED = ChainStanding()


def find_standing(
    result: Mapping[str, Any], view: ChainView, ruleset: Ruleset, *, amends: str | None, received_ms: int
) -> ChainStanding:
    """Return the place of a report's result. `amends`, `received_ms`: of the report."""
    shown = view.shown
    seen = ChainStanding(None, *(each.id if each else "" for each in (view.above, shown, view.undecided)))
    if amends is None and shown is None:
        return seen
    if shown is None or received_ms > shown.received_ms or (received_ms == shown.received_ms and amends):
        place = ChainPlace.FRONT
    else:
        own = ChainResult(result["id"], received_ms, Level.of(result["level"]), result["disposition"])
        place = ChainPlace.SIDE if _is_lower(shown, own, ruleset) else ChainPlace.BACK
    return replace(seen, place=place)


def find_lowered(
    result: Mapping[str, Any], view: ChainView, ruleset: Ruleset, place: ChainPlace | None = None
) -> dict[str, str | None] | None:
    """Return the most urgent outcome that the result lowers, as a result names it; None if it lowers none."""
    own = ChainResult(result["id"], 0, Level.of(result["level"]), result["disposition"])
    others = [view.above, view.undecided, view.shown if place is ChainPlace.FRONT else None]
    lowered = [other for other in others if other is not None and _is_lower(own, other, ruleset)]
    if not lowered:
        return None
    gravest = lowered[0]
    for other in lowered[1:]:
        if _is_lower(gravest, other, ruleset) or (gravest.level is None and other.level is Level.URGENT):
            gravest = other
    return {"level": None if gravest.level is None else gravest.level.word, "disposition": gravest.disposition}


def _is_lower(first: ChainResult, second: ChainResult, ruleset: Ruleset) -> bool:
    """Return whether the first outcome is less urgent. An undecided report ranks as urgent.

    Dispositions that this version of the ruleset doesn't have are compared by level only.
    """
    levels = [Level.URGENT if each.level is None else each.level for each in (first, second)]
    codes = [each.disposition for each in (first, second)]
    if levels[0] is levels[1] and all(code in ruleset.dispositions for code in codes):
        urgencies = [ruleset.urgency(str(code)) for code in codes]
        return urgencies[0] < urgencies[1]
    return levels[0] < levels[1]

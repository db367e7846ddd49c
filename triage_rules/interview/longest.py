"""The person with the longest interview, searched for by hill climbing from personas and random people."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from random import Random

from triage_rules.evaluation.answers import asked
from triage_rules.interview.conversation import Conversation, interview
from triage_rules.interview.plan import Planner
from triage_rules.interview.random_people import random_person
from triage_rules.language.model import Audience, Ruleset, Value

Person = tuple[Audience, Mapping[str, Value]]

PATIENCE = 30
"""Tries without a longer interview before the search starts again elsewhere."""

CHANGES = (1, 1, 2, 4)
"""Numbers of truths that a step changes."""

USUAL, UNKNOWN_SHARE = 0.5, 0.1
"""Shares of usual and of unknown truths among changed ones."""


def search_longest(
    ruleset: Ruleset, planner: Planner, people: Iterable[Person], random: Random
) -> Iterator[tuple[Person, Conversation]]:
    """Yield the person with the longest interview so far, after each interview, without an end.

    The search interviews the people, then climbs from the longest of them, then from random people.
    """
    longest: tuple[Person, Conversation] | None = None
    for person in people:
        longest = _longer(longest, _interview(planner, person))
        yield longest
    here = longest
    while True:
        if here is None:
            here = _interview(planner, (Audience.PATIENT, random_person(ruleset, random)))
            longest = _longer(longest, here)
            yield longest
        tries = 0
        while tries < PATIENCE:
            near = _interview(planner, _change(ruleset, here[0], random))
            tries = 0 if _length(near[1]) > _length(here[1]) else tries + 1
            if _length(near[1]) >= _length(here[1]):
                here = near
            longest = _longer(longest, near)
            yield longest
        here = None


def _interview(planner: Planner, person: Person) -> tuple[Person, Conversation]:
    audience, truth = person
    return person, interview(planner, truth, audience=audience)


def _change(ruleset: Ruleset, person: Person, random: Random) -> Person:
    """Return the person with some truths drawn again, and those that depend on them made consistent."""
    audience, truth = person
    names = [read.name for read in asked(ruleset) if read.asked_of in audience.answers]
    changed = set(random.sample(names, min(random.choice(CHANGES), len(names))))
    given = {name: value for name, value in truth.items() if name not in changed}
    return audience, random_person(ruleset, random, unknown=UNKNOWN_SHARE, usual=USUAL, given=given)


def _longer(
    longest: tuple[Person, Conversation] | None, other: tuple[Person, Conversation]
) -> tuple[Person, Conversation]:
    return other if longest is None or _length(other[1]) > _length(longest[1]) else longest


def _length(conversation: Conversation) -> tuple[bool, int, int]:
    """Return what makes an interview long: that it never ends, its screens, its taps."""
    return conversation.repeated is not None, conversation.screens, conversation.taps

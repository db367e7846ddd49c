"""Screens of an interview: each input that a person can be asked stands on exactly one."""

from __future__ import annotations

from collections.abc import Container, Iterable
from dataclasses import dataclass

from triage_rules.language.model import AskedOf, Panel, Ruleset


@dataclass(frozen=True, slots=True)
class Screen:
    """Inputs that are asked together: the lines of a panel, or one to three questions. place: its order of preference.

    is_first: shown before the plan, as long as one of its inputs matters.
    """

    inputs: tuple[str, ...]
    panel: Panel | None
    place: int
    is_first: bool = False


def screens_of(ruleset: Ruleset) -> list[Screen]:
    """Return the screens in order of preference: those that the ruleset lists, its other panels, single inputs."""
    listed = [*ruleset.screens.first, *ruleset.screens.then]
    listed += [name for name in ruleset.panels if name not in listed]
    shared = [ruleset.panels[item].inputs if isinstance(item, str) else item for item in listed]
    on_one = {name for inputs in shared for name in inputs}
    single = [
        (read.name,)
        for read in ruleset.inputs.values()
        if read.name not in on_one and read.asked_of is not AskedOf.SERVICE
    ]
    panels = [ruleset.panels[item] if isinstance(item, str) else None for item in listed]
    return [
        Screen(inputs, panel, place, place < len(ruleset.screens.first))
        for place, (inputs, panel) in enumerate(zip([*shared, *single], [*panels, *[None] * len(single)], strict=True))
    ]


def count_screens_left(screens: Iterable[Screen], asked: Container[str]) -> int:
    """Return the number of screens that hold an input to ask: an upper bound, until an answer opens new questions."""
    return sum(any(name in asked for name in screen.inputs) for screen in screens)

"""The rulesets of the repository, read once in each process."""

from __future__ import annotations

from functools import cache
from pathlib import Path

from triage_rules.assurance.cases import Case, read_cases
from triage_rules.language.bundle import Bundle, make_bundle
from triage_rules.language.model import Ruleset
from triage_rules.language.reading import read_ruleset


@cache
def ruleset(folder: Path) -> Ruleset:
    """Return the ruleset of a folder that no test changes."""
    return read_ruleset(folder)


@cache
def bundle(folder: Path) -> Bundle:
    """Return its bundle."""
    return make_bundle(folder)


@cache
def cases(folder: Path) -> tuple[Case, ...]:
    """Return its cases."""
    return tuple(read_cases(folder, ruleset(folder)))

"""How much of a long test runs: a fixed share in `make test`, all of it in `make campaign` (`pytest --campaign`).

The share is the same each time, so a failure can be looked at again; the campaign is for the night and for a release.
"""

from __future__ import annotations

import os
from collections.abc import Iterable
from typing import TypeVar

import pytest

T = TypeVar("T")

CAMPAIGN = "TESTS_CAMPAIGN"
"""Environment variable that the option sets, so that worker processes and module-level code know it, too."""


def in_campaign() -> bool:
    """Return whether all is to run."""
    return CAMPAIGN in os.environ


def examples(share: int, whole: int) -> int:
    """Return how many examples to try: `share` of the `whole` number, or all in a campaign."""
    return whole if in_campaign() else share


def some_of(values: Iterable[T], share: int) -> list[T]:
    """Return `share` of the values, evenly spread from the first on, or all of them in a campaign."""
    found = list(values)
    return found if in_campaign() or share >= len(found) else [found[n * len(found) // share] for n in range(share)]


def params(values: Iterable[T], share: int | Iterable[T]) -> list[object]:
    """Return parameters for parametrize: all of them, those outside the share for the campaign only.

    `share`: how many, evenly spread, or which.
    """
    found = list(values)
    if isinstance(share, int):
        kept = {n * len(found) // share for n in range(share)} if share < len(found) else set(range(len(found)))
    else:
        kept = {found.index(value) for value in share}
    return [_param(value, campaign=n not in kept) for n, value in enumerate(found)]


def _param(value: object, *, campaign: bool) -> object:
    values = value if isinstance(value, tuple) else (value,)
    return pytest.param(*values, marks=pytest.mark.campaign) if campaign else pytest.param(*values)

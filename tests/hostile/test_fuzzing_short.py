"""A short run of `make fuzz`: the same inputs each time; and each input that the campaign ever broke something with."""

from __future__ import annotations

from collections.abc import Iterator
from random import Random

import pytest

from tests.campaigns.fuzzing.targets import TARGETS, Broken, World, opened, watch
from tests.support.shares import examples

INPUTS = examples(12, 40)


@pytest.fixture(scope="module")
def world() -> Iterator[World]:
    with opened() as made:
        yield made


@pytest.mark.parametrize("name", TARGETS)
def test_no_made_input_breaks_a_promise(name: str, world: World) -> None:
    """In time, by a known error or a described answer; what is taken must run."""
    target = TARGETS[name](world)
    for seed in range(INPUTS):
        target.run(Random(f"short {seed}"))


def test_the_campaign_sees_what_is_broken() -> None:
    """A check of the check: an error that isn't allowed, one that steers the terminal, and an input that takes too long."""

    def fail() -> None:
        raise ValueError("\x1b[2J")

    with pytest.raises(Broken, match="ValueError"):
        watch(b"", fail, (), 1.0)
    with pytest.raises(Broken, match="steers the terminal"):
        watch(b"", fail, (ValueError,), 1.0)
    with pytest.raises(Broken, match="it took"):
        watch(b"", lambda: None, (), -1.0)

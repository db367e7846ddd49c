"""Real workers in processes of their own."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from tests.support.marked_reports import SECRET, Opening
from tests.support.services.workers import Crew
from triage_rules.foundation.settings import Settings
from triage_rules.store.redis import RedisStore


@pytest.fixture
def crew(settings: Settings, store: RedisStore, tmp_path: Path) -> Iterator[Crew]:
    """Starts workers for this test."""
    made = Crew(settings, store, tmp_path)
    yield made
    made.end()


@pytest.fixture
def opening(settings: Settings) -> Iterator[Opening]:
    """Opens stores on the same store, with these encryption keys."""
    made: list[RedisStore] = []

    def open_with(*keys: str, secret: str = SECRET) -> RedisStore:
        told = replace(settings, encryption_keys=",".join(keys), index_secret=secret)
        made.append(RedisStore(told))
        return made[-1]

    yield open_with
    for store in made:
        store.close()

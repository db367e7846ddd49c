"""The audit log in Redis: no step without its entry, no entry without its step, one chain whoever writes."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator

import pytest
import redis
from redis.client import Pipeline

from tests.support.actors import TESTER
from tests.support.reports import NOW_MS
from triage_rules.foundation.errors import AuditError, RulesetNotFound, StoreUnavailable
from triage_rules.foundation.settings import Settings
from triage_rules.records import audit
from triage_rules.records.audit import Act, Action, Actor, Via
from triage_rules.store.audit import AuditedStep
from triage_rules.store.redis import RedisStore

LOG = "triage:audit"


def deploy(store: RedisStore, version: int, name: str = "spots", by: Actor = TESTER) -> None:
    store.rulesets.deploy(name, f"{version}.0.0", f"sha256:{version}", b"bundle", NOW_MS + version, by=by)


def test_deploying_and_rolling_back_are_written_down(store: RedisStore) -> None:
    """Who, by which door, when, what, and what was live before."""
    deploy(store, 1)
    deploy(store, 2, by=Actor("clinic-b", Via.HTTP))
    store.rulesets.roll_back("spots", NOW_MS + 3, by=Actor("ann", Via.CLI))
    entries = list(store.audit.read_entries())
    assert [(one["actor"], one["via"], one["action"], one["details"]) for one in entries] == [
        ("tester", "cli", "deploy", '{"ruleset":"spots","version":"1.0.0","digest":"sha256:1","previous":null}'),
        (
            "clinic-b",
            "http",
            "deploy",
            '{"ruleset":"spots","version":"2.0.0","digest":"sha256:2","previous":"sha256:1"}',
        ),
        ("ann", "cli", "rollback", '{"ruleset":"spots","version":"1.0.0","digest":"sha256:1","left":"sha256:2"}'),
    ]
    assert audit.verify(entries).faults == ()


def test_what_is_withdrawn_is_live_no_more_and_that_is_written_down(store: RedisStore) -> None:
    """It can be deployed again, and rolled back to what was before; a name that is not live can't be withdrawn."""
    deploy(store, 1)
    deploy(store, 2)
    deploy(store, 1, "others")
    assert store.rulesets.withdraw("spots", NOW_MS + 3, by=Actor("ann", Via.CLI)).digest == "sha256:2"
    assert list(store.rulesets.get_live()) == ["others"]
    with pytest.raises(RulesetNotFound):
        store.rulesets.withdraw("spots", NOW_MS + 4, by=TESTER)
    last = list(store.audit.read_entries())[-1]
    assert (last["actor"], last["action"]) == ("ann", "withdraw")
    assert last["details"] == '{"ruleset":"spots","version":"2.0.0","digest":"sha256:2"}'
    deploy(store, 2)
    assert store.rulesets.get_live()["spots"].previous == "sha256:1"
    assert store.rulesets.roll_back("spots", NOW_MS + 5, by=TESTER).digest == "sha256:1"


def test_what_changes_nothing_is_not_written_down(store: RedisStore) -> None:
    """`triage up` deploys at every start; and a rollback that was refused did nothing."""
    deploy(store, 1)
    deploy(store, 1)
    with pytest.raises(RulesetNotFound):
        store.rulesets.roll_back("spots", NOW_MS, by=TESTER)
    with pytest.raises(RulesetNotFound):
        store.rulesets.roll_back("never", NOW_MS, by=TESTER)
    assert len(list(store.audit.read_entries())) == 1


def test_writers_at_once_make_one_unbroken_chain(settings: Settings, store: RedisStore) -> None:
    """Each of 8 threads deploys 10 rulesets of its own: 80 entries, none missing, none doubled, each behind another."""
    start = threading.Barrier(8)

    def write(thread: int) -> None:
        with RedisStore(settings) as own:
            own.health.ping()
            start.wait()
            for version in range(10):
                deploy(own, version, name=f"ruleset-{thread}")

    threads = [threading.Thread(target=write, args=[number]) for number in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    entries = list(store.audit.read_entries())
    verdict = audit.verify(entries)
    assert (verdict.head.number, verdict.faults) == (80, ())
    assert len({one["details"] for one in entries}) == 80
    assert {live.digest for live in store.rulesets.get_live().values()} == {"sha256:9"}


def test_two_who_deploy_the_same_at_once_write_one_entry(settings: Settings, store: RedisStore) -> None:
    start = threading.Barrier(8)

    def write() -> None:
        with RedisStore(settings) as own:
            own.health.ping()
            start.wait()
            deploy(own, 1)

    threads = [threading.Thread(target=write) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(list(store.audit.read_entries())) == 1


def an_act(number: int = 1) -> Act:
    return Act(TESTER, Action.REKEY, NOW_MS, {"number": number})


def refused(pipe: Pipeline) -> None:
    pipe.set("triage:probe", "1")
    pipe.execute_command("SET", "triage:probe")


def failing(pipe: Pipeline) -> None:
    pipe.set("triage:probe", "1")
    raise ZeroDivisionError


@pytest.mark.parametrize("commands", [refused, failing])
def test_a_step_that_fails_leaves_no_entry_and_no_half_of_itself(
    store: RedisStore, redis_client: redis.Redis, commands: Callable[[Pipeline], None]
) -> None:
    """Refused by Redis or given up by ourselves, before or after a command that would have done."""
    with pytest.raises((redis.ResponseError, ZeroDivisionError)):
        store.audit.run_step(lambda _: AuditedStep(None, an_act(), commands), watch=[])
    assert redis_client.keys() == []


def test_a_deployment_that_meets_a_key_of_another_type_leaves_no_entry(
    store: RedisStore, redis_client: redis.Redis
) -> None:
    """Redis runs the rest of a transaction when one command of it fails, so the step looks before."""
    for key in ("triage:live", "triage:deployments:spots"):
        redis_client.set(key, "spoilt")
        with pytest.raises(redis.ResponseError, match="WRONGTYPE"):
            deploy(store, 1)
        assert redis_client.keys() == [key]
        redis_client.delete(key)


@pytest.fixture
def full(redis_client: redis.Redis) -> Iterator[redis.Redis]:
    redis_client.config_set("maxmemory", 1)
    yield redis_client
    redis_client.config_set("maxmemory", 0)


def test_a_full_server_takes_neither_step_nor_entry(store: RedisStore, full: redis.Redis) -> None:
    with pytest.raises(StoreUnavailable):
        deploy(store, 1)
    assert full.keys() == []


def test_a_log_of_another_type_stops_the_step(store: RedisStore, redis_client: redis.Redis) -> None:
    """A step never goes without its entry."""
    redis_client.set(LOG, "spoilt")
    with pytest.raises(AuditError, match="is not a log"):
        deploy(store, 1)
    assert redis_client.keys() == [LOG]


def test_a_step_whose_answer_was_lost_is_not_done_twice(
    store: RedisStore, redis_client: redis.Redis, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The connection may die after Redis has done it: then redis-py says, as for a changed key, to try again."""
    whole, lost = Pipeline.execute, iter([True])

    def execute(pipe: Pipeline, *args: object, **kwargs: object) -> object:
        answer = whole(pipe, *args, **kwargs)
        if next(lost, False):
            deploy(store, 7)  # somebody else, right behind it
            raise redis.WatchError("A ConnectionError occurred while watching one or more keys")
        return answer

    with monkeypatch.context() as once:
        once.setattr(Pipeline, "execute", execute)
        answer = store.audit.run_step(
            lambda _: AuditedStep("done", an_act(), lambda pipe: pipe.incr("triage:probe")), watch=[]
        )
    assert (answer, redis_client.get("triage:probe")) == ("done", "1")
    assert [one["action"] for one in store.audit.read_entries()] == ["rekey", "deploy"]


def test_one_changed_byte_in_redis_is_found_and_stops_the_next_step(
    store: RedisStore, redis_client: redis.Redis
) -> None:
    """Whoever can write there can write an entry anew, also with bytes that are no text."""
    for version in range(3):
        deploy(store, version)
    entries = redis_client.xrange(LOG)
    redis_client.delete(LOG)
    for number, (_, fields) in enumerate(entries):
        changed = fields | ({"actor": b"teste\xff"} if number == 2 else {})
        redis_client.xadd(LOG, changed)
    assert audit.verify(store.audit.read_entries()).faults == ("entry 3 was changed: its hash does not match",)
    with pytest.raises(AuditError):
        deploy(store, 9)
    assert store.rulesets.get_live()["spots"].digest == "sha256:2"


def test_a_long_log_is_read_whole(store: RedisStore, redis_client: redis.Redis) -> None:
    """In several pages."""
    head = audit.Head()
    with redis_client.pipeline() as pipe:
        for number in range(2500):
            entry = audit.record(an_act(number), head)
            head = audit.head_of(entry)
            pipe.xadd(LOG, entry)
        pipe.execute()
    assert audit.verify(store.audit.read_entries()) == audit.AuditVerdict(head, ())

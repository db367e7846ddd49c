"""What others import: each result is handled, whoever dies, and not twice if it can be helped."""

from __future__ import annotations

import itertools
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import redis

from tests.support.reports import NOW_MS, a_report, a_result, deployed
from tests.support.waiting import wait_for
from triage_rules import consumer as consumer_module
from triage_rules.consumer import Consumer, Message, follow, following
from triage_rules.foundation.errors import CredentialsRefused
from triage_rules.language.model import Level
from triage_rules.records.events import Event
from triage_rules.store.redis import RedisStore

ROOT = Path(__file__).resolve().parents[2]
GROUP = "ward-7"


@pytest.fixture(autouse=True)
def _quick(monkeypatch: pytest.MonkeyPatch, store: RedisStore) -> None:
    monkeypatch.setattr(consumer_module, "BLOCK_MS", 50)
    deployed(store)


def publish(store: RedisStore, *levels: str | None) -> list[str]:
    """One settled report for each level; their ids."""
    ids = []
    for level in levels:
        report = a_report(received_ms=NOW_MS)
        store.reports.accept(report)
        if level is None:
            store.work.bury(report.id, a_result(report, None), "worker_lost", NOW_MS)
        else:
            store.work.settle(report.id, a_result(report, level), NOW_MS)
        ids.append(report.id)
    return ids


def take(consumer: Consumer, count: int) -> list[Message]:
    """The next messages, not acknowledged."""
    found: list[Message] = []
    for message in consumer:
        found.append(message)
        if len(found) == count:
            break
    return found


def run_until(consumer: Consumer, handle: Callable[[Event], object], done: Callable[[], bool]) -> None:
    """Run in a thread until `done()`, then stop."""
    running = threading.Thread(target=consumer.run, args=(handle,))
    running.start()
    try:
        wait_for(done, 5)
    finally:
        consumer.stop()
        running.join(5)
    assert not running.is_alive()


def pending(client: redis.Redis, group: str = GROUP) -> int:
    return int(client.xpending("triage:results", group)["pending"])


def test_a_group_gets_all_results_from_the_beginning_once(
    store: RedisStore, redis_url: str, redis_client: redis.Redis
) -> None:
    """Also those published before it was ever started; and each group gets all of them."""
    ids = publish(store, "urgent", "routine", None)
    for group in ("ward-7", "archive"):
        seen: list[Event] = []
        run_until(Consumer(redis_url, group), seen.append, lambda seen=seen: len(seen) == 3)
        assert [event.subject for event in seen] == ids
        assert [event.level for event in seen] == [Level.URGENT, Level.ROUTINE, None]
        assert seen[0].result["level"] == "urgent"
        assert pending(redis_client, group) == 0


def test_a_new_group_can_begin_with_what_comes_from_now_on(store: RedisStore, redis_url: str) -> None:
    """A display doesn't want last month's results."""
    publish(store, "urgent")
    with Consumer(redis_url, GROUP, start="$") as consumer:
        consumer._stream.join(GROUP, "$")
        (later,) = publish(store, "monitor")
        (message,) = take(consumer, 1)
        assert message.event.subject == later


def test_two_members_share_the_results_of_their_group(store: RedisStore, redis_url: str) -> None:
    """Start as many as you like: no result goes to both."""
    ids = publish(store, *["monitor"] * 40)
    seen: list[str] = []
    members = [Consumer(redis_url, GROUP) for _ in range(2)]
    threads = [
        threading.Thread(target=member.run, args=(lambda event: seen.append(event.subject),)) for member in members
    ]
    for thread in threads:
        thread.start()
    wait_for(lambda: len(seen) >= 40, 5)
    for member, thread in zip(members, threads, strict=True):
        member.stop()
        thread.join(5)
    assert sorted(seen) == sorted(ids)


def test_the_filter_by_level_lets_results_for_human_review_pass(
    store: RedisStore, redis_url: str, redis_client: redis.Redis
) -> None:
    """A failed evaluation may be an emergency: whoever wants urgent results gets it too."""
    publish(store, "routine", "urgent", "monitor", None, "routine")
    seen: list[Level | None] = []
    consumer = Consumer(redis_url, GROUP, levels=["urgent"])
    run_until(consumer, lambda event: seen.append(event.level), lambda: len(seen) == 2 and pending(redis_client) == 0)
    assert seen == [Level.URGENT, None]


def test_the_filter_does_not_read_what_it_leaves_out(
    store: RedisStore, redis_url: str, redis_client: redis.Redis
) -> None:
    """It looks at the entry's field: data that nobody wants costs nothing, not even if it is broken."""
    deployed(store)
    redis_client.xadd("triage:results", {"level": "routine", "data": "{broken"})
    publish(store, "urgent")
    with Consumer(redis_url, GROUP, levels=[Level.URGENT]) as consumer:
        (message,) = take(consumer, 1)
    assert message.event.level is Level.URGENT
    assert not redis_client.exists(f"triage:dead:{GROUP}")


def test_a_result_whose_handler_raised_comes_again(
    store: RedisStore, redis_url: str, redis_client: redis.Redis
) -> None:
    """The others don't wait for it, and once it succeeds it is done."""
    first, second = publish(store, "urgent", "monitor")
    tried: list[str] = []

    def handle(event: Event) -> None:
        tried.append(event.subject)
        if tried.count(first) < 3 and event.subject == first:
            raise RuntimeError("the printer is out of paper")

    consumer = Consumer(redis_url, GROUP, claim_after=0.1)
    run_until(consumer, handle, lambda: tried.count(first) == 3 and pending(redis_client) == 0)
    assert tried == [first, second, first, first]
    assert not redis_client.exists(f"triage:dead:{GROUP}")


def test_a_result_that_is_never_handled_becomes_a_dead_letter_of_its_group(
    store: RedisStore, redis_url: str, redis_client: redis.Redis, caplog: pytest.LogCaptureFixture
) -> None:
    """With everything that was in it, so that it can be put back; and a log that doesn't repeat what the handler said."""
    (report_id,) = publish(store, "urgent")
    tried: list[str] = []

    def handle(event: Event) -> None:
        tried.append(event.subject)
        raise RuntimeError("temperature 38.9 of Ms Private")

    consumer = Consumer(redis_url, GROUP, claim_after=0.05, max_deliveries=3)
    run_until(consumer, handle, lambda: redis_client.xlen(f"triage:dead:{GROUP}") == 1)
    assert tried == [report_id] * 3
    assert pending(redis_client) == 0
    ((_, letter),) = redis_client.xrange(f"triage:dead:{GROUP}")
    ((entry_id, entry),) = redis_client.xrange("triage:results")
    assert letter["dead_reason"].startswith(
        "delivered 3 times without success; the handler raised RuntimeError in test_consumer"
    )
    assert letter["dead_deliveries"] == "3"
    assert "Private" not in letter["dead_reason"]
    assert letter["dead_entry"] == entry_id
    assert {name: letter[name] for name in entry} == entry
    assert "RuntimeError" in caplog.text
    assert "Private" not in caplog.text


def test_a_result_that_kills_each_member_takes_no_other_with_it(
    store: RedisStore, redis_url: str, redis_client: redis.Redis
) -> None:
    """Read ten at a time, the members die of the first: the other nine were in their hands, but never looked at."""
    poison, *others = publish(store, *["monitor"] * 10)
    handled: list[str] = []
    for _ in range(4):
        with Consumer(redis_url, GROUP, prefetch=10, claim_after=0.05, max_deliveries=2) as member:
            threading.Timer(0.5, member.stop).start()
            for message in member:
                if message.event.subject == poison:
                    break
                handled.append(message.event.subject)
                message.ack()
        time.sleep(0.1)
    assert sorted(handled) == sorted(others)
    assert [letter["ce_subject"] for _, letter in redis_client.xrange(f"triage:dead:{GROUP}")] == [poison]


def test_an_entry_that_is_no_event_becomes_a_dead_letter_at_once(
    store: RedisStore, redis_url: str, redis_client: redis.Redis
) -> None:
    """It would be none the next time either, and must not stop the others."""
    redis_client.xadd("triage:results", {"level": "urgent", "data": "{}"})
    publish(store, "urgent")
    with Consumer(redis_url, GROUP) as consumer:
        (message,) = take(consumer, 1)
        message.ack()
    ((_, letter),) = redis_client.xrange(f"triage:dead:{GROUP}")
    assert letter["dead_reason"].startswith("not a result event: fields are missing")
    assert pending(redis_client) == 0


def test_bytes_that_are_no_text_end_no_consumer(store: RedisStore, redis_url: str, redis_client: redis.Redis) -> None:
    """In a field, in a field's name, and with more fields than a script can pass on: each becomes a dead letter."""
    publish(store, "urgent")
    ((_, good),) = redis_client.xrange("triage:results")
    redis_client.delete("triage:results")
    bad: list[dict[Any, Any]] = [{**good, "data": b"\xff\xfe"}, {b"\xff": b"\xfe"}, dict.fromkeys(range(9000), "x")]
    for fields in bad:
        redis_client.xadd("triage:results", fields)
    redis_client.xadd("triage:results", good)
    with Consumer(redis_url, GROUP) as consumer:
        (message,) = take(consumer, 1)
        assert message.event.subject == good["ce_subject"]
        message.ack()
    raw = redis_client.execute_command("XRANGE", f"triage:dead:{GROUP}", "-", "+", NEVER_DECODE=True)
    assert (len(raw), raw[0][1][b"data"]) == (3, b"\xff\xfe")
    assert b"not UTF-8" in raw[0][1][b"dead_reason"]
    assert [event.subject for event in follow(redis_url, "0", silence=0.1)] == [good["ce_subject"]]


def test_what_a_dead_member_left_is_claimed_by_another(
    store: RedisStore, redis_url: str, redis_client: redis.Redis
) -> None:
    """It read, and then its machine was gone."""
    ids = publish(store, "urgent", "monitor", "routine")
    with Consumer(redis_url, GROUP, prefetch=2) as gone:
        assert [message.deliveries for message in take(gone, 2)] == [1, 1]
    seen: dict[str, int] = {}
    with Consumer(redis_url, GROUP, claim_after=0.1, prefetch=10) as heir:
        for message in heir:
            seen[message.event.subject] = message.deliveries
            message.ack()
            if len(seen) == 3:
                break
    assert seen == {ids[0]: 2, ids[1]: 2, ids[2]: 1}
    assert pending(redis_client) == 0


def test_a_result_that_was_handled_but_not_acknowledged_in_time_is_not_handled_again(
    store: RedisStore, redis_url: str, redis_client: redis.Redis
) -> None:
    """A slow member finishes after another has claimed its result: whoever looks next sees that it is done."""
    publish(store, "urgent", "monitor")
    with Consumer(redis_url, GROUP, prefetch=1) as slow, Consumer(redis_url, GROUP, claim_after=0.05) as other:
        (held,) = take(slow, 1)
        held.ack()
        redis_client.xadd("triage:results", held._entry.fields)
        seen = [message.event.level for message in take(other, 1)]
        assert seen == [Level.MONITOR]
        other.stop()
    with Consumer(redis_url, GROUP, claim_after=0.0) as last:
        (message,) = take(last, 1)
        assert message.event.level is Level.MONITOR
        message.ack()
        threading.Timer(0.3, last.stop).start()
        assert take(last, 1) == []
    assert pending(redis_client) == 0


def test_ids_are_remembered_for_a_while_only(store: RedisStore, redis_url: str, redis_client: redis.Redis) -> None:
    """The memory of a group is bounded by time; and a group can do without."""
    publish(store, "urgent", "urgent")
    with Consumer(redis_url, GROUP, dedupe_for=3600) as consumer:
        redis_client.zadd(f"triage:seen:{GROUP}", {"long ago": 1})
        take(consumer, 1)[0].ack()
    assert redis_client.zcard(f"triage:seen:{GROUP}") == 1
    assert 0 < redis_client.ttl(f"triage:seen:{GROUP}") <= 3600
    with Consumer(redis_url, "careless", dedupe_for=0) as consumer:
        take(consumer, 1)[0].ack()
    assert not redis_client.exists("triage:seen:careless")


def test_the_caller_can_give_a_result_up(store: RedisStore, redis_url: str, redis_client: redis.Redis) -> None:
    """In the form with an iterator, with a reason of the caller's own."""
    publish(store, "urgent")
    with Consumer(redis_url, GROUP) as consumer:
        take(consumer, 1)[0].give_up("no such ward")
    assert [letter["dead_reason"] for _, letter in redis_client.xrange(f"triage:dead:{GROUP}")] == ["no such ward"]
    assert pending(redis_client) == 0


def test_stop_ends_run_after_the_result_at_hand_and_leaves_no_name_behind(
    store: RedisStore, redis_url: str, redis_client: redis.Redis
) -> None:
    """A release must not leave half a result, nor a name in the group for each process that ever was."""
    publish(store, "urgent", "urgent", "urgent")
    seen: list[str] = []
    consumer = Consumer(redis_url, GROUP, prefetch=3)

    def handle(event: Event) -> None:
        seen.append(event.subject)
        consumer.stop()
        time.sleep(0.05)

    consumer.run(handle)
    assert len(seen) == 1
    assert pending(redis_client) == 2
    rest = Consumer(redis_url, GROUP, claim_after=0.0)
    run_until(rest, lambda event: seen.append(event.subject), lambda: len(seen) == 3 and pending(redis_client) == 0)
    assert [member["name"] for member in redis_client.xinfo_consumers("triage:results", GROUP)] == [consumer.name]


def test_a_consumer_outlives_an_outage_of_redis(
    store: RedisStore, redis_url: str, redis_client: redis.Redis, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It waits, connects again, and joins its group again should even that be gone."""
    monkeypatch.setattr(consumer_module, "BACKOFF_SECONDS", (0.05,))
    seen: list[str] = []
    consumer = Consumer(redis_url, GROUP)

    def everything_is_lost_and_comes_again() -> bool:
        if not seen:
            return False
        if len(seen) == 1:
            redis_client.client_kill_filter(_type="normal", skipme=True)
            redis_client.flushall()
            deployed(store)
            publish(store, "monitor")
            seen.append("flushed")
        return len(seen) == 3

    publish(store, "urgent")
    run_until(consumer, lambda event: seen.append(event.subject), everything_is_lost_and_comes_again)
    assert len(seen) == 3


def test_a_wrong_level_or_group_is_refused_at_once(redis_url: str) -> None:
    """Not after the first night without a result."""
    with pytest.raises(ValueError, match="expected routine, monitor, urgent"):
        Consumer(redis_url, GROUP, levels=["Critical"])
    with pytest.raises(ValueError, match="group"):
        Consumer(redis_url, "ward 7:*")


@pytest.mark.parametrize(
    "choice",
    [
        {"levels": "urgent"},
        {"start": "now"},
        {"max_deliveries": 0},
        {"prefetch": 0},
        {"claim_after": -1},
        {"dedupe_for": -1},
    ],
)
def test_a_choice_that_would_lose_or_never_get_results_is_refused_at_once(
    redis_url: str, choice: dict[str, Any]
) -> None:
    """No deliveries at all would send each result to the dead letters."""
    with pytest.raises(ValueError, match="expected"):
        Consumer(redis_url, GROUP, **choice)


def test_follow_shows_results_from_now_on_or_from_the_beginning(store: RedisStore, redis_url: str) -> None:
    """Without a group: looking on changes nothing for those who work."""
    old = publish(store, "urgent", "routine")
    assert [event.subject for event in follow(redis_url, "0", silence=0.1)] == old
    assert list(follow(redis_url, silence=0.1)) == []
    with following(redis_url, silence=0.5) as events:
        new = publish(store, "monitor", None)
        assert [next(events).subject, next(events).subject] == new


def test_follow_leaves_out_what_is_no_event(store: RedisStore, redis_url: str, redis_client: redis.Redis) -> None:
    """One bad entry must not blind the onlooker."""
    redis_client.xadd("triage:results", {"level": "urgent"})
    ids = publish(store, "urgent")
    assert [event.subject for event in follow(redis_url, "0", silence=0.1)] == ids


def test_the_documented_example_runs_and_stops_when_told(store: RedisStore, redis_url: str) -> None:
    """Ten lines, as printed in docs/howto/consuming-results.md."""
    example = ROOT / "docs" / "examples" / "consumer.py"
    assert example.read_text(encoding="utf-8") in (ROOT / "docs" / "howto" / "consuming-results.md").read_text(
        encoding="utf-8"
    )
    urgent, _, failed = publish(store, "urgent", "routine", None)
    process = subprocess.Popen(
        [sys.executable, str(example)], env={**os.environ, "REDIS_URL": redis_url}, stdout=subprocess.PIPE, text=True
    )
    try:
        assert process.stdout is not None
        assert [process.stdout.readline().strip() for _ in range(2)] == [
            f"{urgent} urgent",
            f"{failed} human review now",
        ]
        process.send_signal(signal.SIGTERM)
        assert process.wait(60) == 0
    finally:
        process.kill()
        process.wait(60)
        assert process.stdout is not None
        process.stdout.close()


# --- what an outage beside the consumer must not cost --------------------------------------


def test_a_group_that_was_removed_begins_anew(store: RedisStore, redis_url: str, redis_client: redis.Redis) -> None:
    """What the group of that name had handled before counts for nothing."""
    ids = publish(store, "urgent", "routine")
    for _ in range(2):
        seen: list[str] = []
        consumer = Consumer(redis_url, GROUP)
        run_until(consumer, lambda event, seen=seen: seen.append(event.subject), lambda seen=seen: len(seen) == 2)
        assert seen == ids
        redis_client.xgroup_destroy("triage:results", GROUP)


def test_results_are_not_used_up_while_the_handler_fails_for_all_of_them(
    store: RedisStore, redis_url: str, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """After two in a row each waits; one that is handled ends the waiting."""
    monkeypatch.setattr(consumer_module, "PAUSE_SECONDS", (0.0, 0.0, 0.3))
    publish(store, *["routine"] * 6)
    at: list[float] = []

    def handle(_: Event) -> None:
        at.append(time.monotonic())
        if len(at) < 4:
            raise ConnectionError("the hospital's system, with a patient's answers")

    run_until(Consumer(redis_url, GROUP), handle, lambda: len(at) == 6)
    waited = [later - earlier for earlier, later in itertools.pairwise(at)]
    assert waited[2] >= 0.3
    assert "failed 3 times in a row" in caplog.text
    assert "ConnectionError in test_consumer.py, line" in caplog.text
    assert "answers" not in caplog.text


def test_an_outage_behind_a_consumer_makes_no_dead_letters_however_long_it_lasts(
    store: RedisStore, redis_url: str, redis_client: redis.Redis, monkeypatch: pytest.MonkeyPatch
) -> None:
    """And what is new is tried as well as what failed: either may be what succeeds again."""
    monkeypatch.setattr(consumer_module, "PAUSE_SECONDS", (0.0,))
    ids = publish(store, *["urgent"] * 5)
    tried: list[str] = []
    handled: set[str] = set()

    def handle(event: Event) -> None:
        tried.append(event.subject)
        if len(tried) == 20:
            ids.extend(publish(store, "urgent"))
        if len(tried) < 60:
            raise ConnectionError
        handled.add(event.subject)

    consumer = Consumer(redis_url, GROUP, claim_after=0.02, max_deliveries=2)
    run_until(consumer, handle, lambda: len(handled) == 6)
    assert handled == set(ids)
    assert ids[5] in tried[20:25]
    assert redis_client.xlen(f"triage:dead:{GROUP}") == 0


def test_results_that_fail_while_others_succeed_still_become_dead_letters(
    store: RedisStore, redis_url: str, redis_client: redis.Redis
) -> None:
    """Three that nobody can handle are no outage as long as others are handled in between."""
    bad = set(publish(store, *["urgent"] * 3))
    tried: list[str] = []

    def handle(event: Event) -> None:
        tried.append(event.subject)
        publish(store, "routine")
        if event.subject in bad:
            raise KeyError

    consumer = Consumer(redis_url, GROUP, claim_after=0.02, max_deliveries=2)
    run_until(consumer, handle, lambda: redis_client.xlen(f"triage:dead:{GROUP}") == 3)
    assert {letter["ce_subject"] for _, letter in redis_client.xrange(f"triage:dead:{GROUP}")} == bad


def test_dead_letters_of_a_group_come_again_once_it_is_set_back(
    store: RedisStore, redis_url: str, redis_client: redis.Redis
) -> None:
    """As docs/howto/consuming-results.md says: what was handled is not handed out again."""
    ids = publish(store, "urgent", "routine")
    with Consumer(redis_url, GROUP) as consumer:
        first, second = take(consumer, 1), take(consumer, 1)
        first[0].ack()
        second[0].give_up("the ward's system was down")
    redis_client.execute_command("XGROUP", "SETID", "triage:results", GROUP, "0")
    redis_client.delete(f"triage:dead:{GROUP}")
    seen: list[str] = []
    run_until(Consumer(redis_url, GROUP), lambda event: seen.append(event.subject), lambda: seen != [])
    assert seen == ids[1:]


def test_a_consumer_that_wants_no_level_at_all_is_refused(redis_url: str) -> None:
    with pytest.raises(ValueError, match="at least one level, or None"):
        Consumer(redis_url, GROUP, levels=[])


def test_a_wrong_password_ends_a_consumer_instead_of_letting_it_wait(redis_url: str) -> None:
    wrong = redis_url.replace("redis://", "redis://nobody:wrong@", 1)
    with pytest.raises(CredentialsRefused, match="refuses this name and password"):
        Consumer(wrong, GROUP).run(lambda _: None)

"""What a consumer group gave up comes again, once what was wrong is mended: to that group alone, and no letter is lost."""

from __future__ import annotations

import json
from concurrent.futures import ThreadPoolExecutor

import pytest
import redis
from click.testing import CliRunner, Result

from tests.integration.test_consumer import pending, run_until, take
from tests.support.actors import TESTER
from tests.support.reports import NOW_MS, a_report, a_result, deployed
from triage_rules import consumer as consumer_module
from triage_rules.cli import main
from triage_rules.consumer import Consumer
from triage_rules.foundation.errors import GroupNotFound
from triage_rules.records.consumer_groups import GroupLetter, PutBack
from triage_rules.records.events import Event
from triage_rules.store import consumer_groups
from triage_rules.store.redis import RedisStore

GROUP = "ward-7"
DEAD, SEEN = f"triage:dead:{GROUP}", f"triage:seen:{GROUP}"


@pytest.fixture(autouse=True)
def _quick(monkeypatch: pytest.MonkeyPatch, store: RedisStore) -> None:
    monkeypatch.setattr(consumer_module, "BLOCK_MS", 50)
    deployed(store)


def publish(store: RedisStore, count: int) -> list[str]:
    """So many settled reports; their ids."""
    reports = [a_report() for _ in range(count)]
    store.reports.accept_many(reports)
    for report in reports:
        store.work.settle(report.id, a_result(report, "urgent"), NOW_MS)
    return [report.id for report in reports]


def given_up(store: RedisStore, url: str, count: int) -> list[str]:
    """So many results that the group gave up; the ids of their reports."""
    ids = publish(store, count)
    with Consumer(url, GROUP) as consumer:
        for message in take(consumer, count):
            message.give_up("the ward's system was down")
        consumer._leave()
    return ids


def letters_of(store: RedisStore) -> list[GroupLetter]:
    return [letter for page in store.consumer_groups.page_dead_letters(GROUP) for letter in page]


def put_back(store: RedisStore) -> list[PutBack]:
    return store.consumer_groups.requeue(GROUP, letters_of(store), NOW_MS, by=TESTER)


def redrives(store: RedisStore) -> list[dict[str, object]]:
    """What the audit log says of it."""
    return [json.loads(one["details"]) for one in store.audit.read_entries() if one["action"] == "redrive.group"]


def redrive(url: str, *arguments: str) -> Result:
    return CliRunner().invoke(main, ["redrive", *arguments], env={"TRIAGE_REDIS_URL": url}, catch_exceptions=False)


def test_a_letter_that_is_put_back_is_handled_and_acknowledged_by_its_group_alone(
    store: RedisStore, redis_url: str, redis_client: redis.Redis
) -> None:
    """Others have had the result: publishing it once more would have them act twice."""
    ids = given_up(store, redis_url, 3)
    other: list[Event] = []
    run_until(Consumer(redis_url, "archive"), other.append, lambda: len(other) == 3)
    entries = [letter.entry for letter in letters_of(store)]

    assert put_back(store) == [PutBack.DONE] * 3

    assert redis_client.xlen("triage:results") == 3
    assert not redis_client.xlen(DEAD)
    seen: list[Event] = []
    run_until(Consumer(redis_url, GROUP), seen.append, lambda: len(seen) == 3 and not pending(redis_client))
    assert [event.subject for event in seen] == ids
    with Consumer(redis_url, "archive") as archive:
        assert archive._stream.read("archive", archive.name, count=9) == []
        assert archive._stream.claim("archive", archive.name, idle_ms=0, count=9) == []
    assert redrives(store) == [{"group": GROUP, "entries": entries}]


def test_a_consumer_that_runs_gets_what_is_put_back_with_all_its_deliveries(
    store: RedisStore, redis_url: str, redis_client: redis.Redis
) -> None:
    """Nobody has to stop it; and one more failure doesn't make a dead letter of it at once."""
    (report_id,) = given_up(store, redis_url, 1)
    seen: list[str] = []

    def handle(event: Event) -> None:
        seen.append(event.subject)
        if len(seen) < 2:
            raise RuntimeError

    def done() -> bool:
        if not seen and letters_of(store):
            put_back(store)
        return len(seen) == 2 and not pending(redis_client)

    run_until(Consumer(redis_url, GROUP, claim_after=0.2, max_deliveries=2), handle, done)
    assert seen == [report_id] * 2
    assert not redis_client.xlen(DEAD)


def test_the_letter_of_an_entry_that_was_trimmed_stays(
    store: RedisStore, redis_url: str, redis_client: redis.Redis
) -> None:
    """It is the last copy. Nothing is claimed, nothing written down; the command says so, and exits with 1."""
    given_up(store, redis_url, 1)
    (entry,) = [letter.entry for letter in letters_of(store)]
    redis_client.xtrim("triage:results", maxlen=0, approximate=False)

    ran = redrive(redis_url, "--group", GROUP, "--all")

    assert ran.exit_code == 1
    assert f"{entry} is no longer in the stream of results" in ran.stdout
    assert (redis_client.xlen(DEAD), pending(redis_client), redrives(store)) == (1, 0, [])


def test_the_letter_of_an_entry_that_is_trimmed_at_that_moment_stays(
    store: RedisStore, redis_url: str, redis_client: redis.Redis, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Between looking and doing, another process may trim: what is there no more isn't claimed, and so not dropped."""
    given_up(store, redis_url, 2)
    looked_up = consumer_groups._look_up

    def and_then_trimmed(*args: object) -> object:
        found = looked_up(*args)  # type: ignore[arg-type]
        redis_client.xtrim("triage:results", maxlen=1, approximate=False)
        return found

    first, _ = letters_of(store)
    monkeypatch.setattr(consumer_groups, "_look_up", and_then_trimmed)
    put_back(store)
    assert letters_of(store) == [first]
    assert pending(redis_client) == 1


def test_of_several_who_put_the_same_letters_back_one_does(
    store: RedisStore, redis_url: str, redis_client: redis.Redis
) -> None:
    """It can be done twice, also at the same time, and is done and written down once."""
    given_up(store, redis_url, 5)
    letters = letters_of(store)
    with ThreadPoolExecutor(8) as threads:
        told = list(
            threads.map(lambda n: store.consumer_groups.requeue(GROUP, letters, NOW_MS + n, by=TESTER), range(16))
        )
    assert sum(fates == [PutBack.DONE] * 5 for fates in told) == 1
    assert sum(fates == [PutBack.GONE] * 5 for fates in told) == 15
    assert (pending(redis_client), len(redrives(store))) == (5, 1)
    assert store.consumer_groups.requeue(GROUP, letters, NOW_MS, by=TESTER) == [PutBack.GONE] * 5


def test_what_a_member_has_in_hand_is_not_taken_from_it(
    store: RedisStore, redis_url: str, redis_client: redis.Redis
) -> None:
    """The group was set back by hand, and one is at work on it: two at the same result would be worse than a letter."""
    given_up(store, redis_url, 1)
    redis_client.xgroup_setid("triage:results", GROUP, "0")
    with Consumer(redis_url, GROUP, name="at-work") as consumer:
        (message,) = take(consumer, 1)
        assert put_back(store) == [PutBack.DONE]
        (row,) = redis_client.xpending_range("triage:results", GROUP, "-", "+", 9)
        assert (row["consumer"], row["times_delivered"]) == ("at-work", 1)
        message.ack()
    assert (pending(redis_client), redis_client.xlen(DEAD)) == (0, 0)


def test_what_the_group_was_not_given_yet_comes_once(
    store: RedisStore, redis_url: str, redis_client: redis.Redis
) -> None:
    """A group that begins anew gets it by itself; claimed, it would come twice to one that remembers nothing."""
    given_up(store, redis_url, 1)
    redis_client.xgroup_setid("triage:results", GROUP, "0")
    assert put_back(store) == [PutBack.DONE]
    assert (pending(redis_client), redis_client.xlen(DEAD)) == (0, 0)
    with Consumer(redis_url, GROUP) as consumer:
        assert len(take(consumer, 1)) == 1


def test_what_the_group_noted_as_handled_comes_again(
    store: RedisStore, redis_url: str, redis_client: redis.Redis
) -> None:
    """Acknowledged, and then given up: whoever puts it back wants it handled, not dropped in silence."""
    (report_id,) = publish(store, 1)
    with Consumer(redis_url, GROUP, claim_after=0.2) as consumer:
        (message,) = take(consumer, 1)
        message.ack()
        message.give_up("the ward never got it")
        assert redis_client.zcard(SEEN) == 1
        assert put_back(store) == [PutBack.DONE]
        (again,) = take(consumer, 1)
        assert again.event.subject == report_id


def test_a_letter_with_bytes_that_are_no_text_is_put_back(
    store: RedisStore, redis_url: str, redis_client: redis.Redis
) -> None:
    """And one that names no entry, or none that can be, stays: it stops no other."""
    given_up(store, redis_url, 1)
    (entry,) = [letter.entry for letter in letters_of(store)]
    redis_client.delete(DEAD)
    for named in (entry, "99999999999999999999-0", "\x1b[2J"):
        redis_client.xadd(
            DEAD, {"dead_entry": named, b"ce_id\xff": b"\xff", "ce_id": b"\xfe", "dead_reason": b"\x07\xff"}
        )

    shown = redrive(redis_url, "--group", GROUP)
    ran = redrive(redis_url, "--group", GROUP, "--all")

    assert shown.stdout.count("\n") == 3
    assert f"{entry} is queued in {GROUP} again." in ran.stdout
    assert (ran.exit_code, redis_client.xlen(DEAD), pending(redis_client)) == (1, 2, 1)
    assert not {"\x1b", "\x07"} & set(shown.stdout + ran.stdout)


def test_the_command_shows_letters_and_puts_back_those_that_are_named(
    store: RedisStore, redis_url: str, redis_client: redis.Redis
) -> None:
    """Without entries it does nothing but say what there is; of an unknown entry it says so, and exits with 1."""
    ids = given_up(store, redis_url, 2)
    first, second = letters_of(store)

    shown = redrive(redis_url, "--group", GROUP)
    assert (shown.exit_code, redis_client.xlen(DEAD)) == (0, 2)
    assert [line.split()[::2][:2] for line in shown.stdout.splitlines()] == [
        [letter.entry, report_id] for letter, report_id in zip((first, second), ids, strict=True)
    ]
    assert "the ward's system was down" in shown.stdout

    ran = redrive(redis_url, "--group", GROUP, "--by", "ann", second.entry, "1-1")
    assert (ran.exit_code, letters_of(store)) == (1, [first])
    assert f"1-1 is not a dead letter of {GROUP}." in ran.stdout
    assert [one["actor"] for one in store.audit.read_entries()][-1] == "ann"
    again = redrive(redis_url, "--group", GROUP, second.entry)
    assert (again.exit_code, pending(redis_client)) == (1, 1)


def test_all_letters_are_put_back_a_page_in_a_step(
    store: RedisStore, redis_url: str, redis_client: redis.Redis
) -> None:
    """However many; an entry of the audit log for each hundred names them all."""
    given_up(store, redis_url, 250)
    entries = [letter.entry for letter in letters_of(store)]
    ran = redrive(redis_url, "--group", GROUP, "--all")
    assert (ran.exit_code, pending(redis_client), redis_client.xlen(DEAD)) == (0, 250, 0)
    told = [details["entries"] for details in redrives(store)]
    assert [len(page) for page in told] == [100, 100, 50]
    assert [entry for page in told for entry in page] == entries
    assert redrive(redis_url, "--group", GROUP, "--all").exit_code == 0


def test_what_is_given_up_meanwhile_is_left_for_the_next_time(store: RedisStore, redis_url: str) -> None:
    """A consumer that still fails would have the command go on for ever."""
    given_up(store, redis_url, 2)
    pages = store.consumer_groups.page_dead_letters(GROUP)
    first = next(pages)
    given_up(store, redis_url, 1)
    assert (len(first), list(pages), len(letters_of(store))) == (2, [], 3)


def test_a_group_that_is_not_there_gets_nothing_back(
    store: RedisStore, redis_url: str, redis_client: redis.Redis
) -> None:
    """Nobody would get it; the letters stay. It must not create the group either."""
    with pytest.raises(GroupNotFound):
        store.consumer_groups.requeue(GROUP, [], NOW_MS, by=TESTER)  # there is no stream either
    given_up(store, redis_url, 1)
    redis_client.xgroup_destroy("triage:results", GROUP)
    ran = redrive(redis_url, "--group", GROUP, "--all")
    assert (ran.exit_code, redis_client.xlen(DEAD)) == (2, 1)
    assert f"there is no group `{GROUP}`" in ran.stderr
    assert redis_client.xinfo_groups("triage:results") == []


def test_an_unknown_group_is_not_one_without_dead_letters(store: RedisStore, redis_url: str) -> None:
    """Else a misspelt name looks as if nothing was left to do."""
    given_up(store, redis_url, 1)
    for arguments in ((), ("--all",)):
        ran = redrive(redis_url, "--group", "nix", *arguments)
        assert (ran.exit_code, ran.stdout) == (2, "")
        assert "there is no group `nix`" in ran.stderr
    redrive(redis_url, "--group", GROUP, "--all")
    assert redrive(redis_url, "--group", GROUP).exit_code == 0


def test_a_refused_report_is_named_before_the_reason(store: RedisStore, redis_url: str) -> None:
    ran = redrive(redis_url, "nix")
    assert (ran.exit_code, ran.stdout) == (2, "nix: there is no report with this id; it may have expired.\n")


@pytest.mark.parametrize("arguments", [[], ["--all"], ["a", "--all"], ["--group", GROUP, "--all", "1-1"]])
def test_what_the_command_does_not_understand_does_nothing(redis_url: str, arguments: list[str]) -> None:
    assert redrive(redis_url, *arguments).exit_code == 2

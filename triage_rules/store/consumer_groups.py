"""Consumer groups for operators: the progress of each, its dead letters, and how these are requeued."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import redis
from redis.client import Pipeline

from triage_rules.foundation.errors import GroupNotFound
from triage_rules.records.audit import Act, Action, Actor
from triage_rules.records.consumer_groups import ConsumerGroup, GroupLetter, Groups, PutBack
from triage_rules.store.audit import AuditedStep, AuditLog
from triage_rules.store.connection import Connection, refusals_translated
from triage_rules.store.keyspace import DEAD_OF, RESULTS, SEEN

KEEPER = "triage-redrive"
"""The member of the group that holds requeued entries until a consumer claims them.

Not one of the group's consumers: if it left at that moment, the entries it holds would go with it.
"""

MOST_GROUPS = 100
"""Groups that are listed: everyone who may read results may make groups."""

NAME_MAX = 100
"""Groups with a longer or unprintable name are counted and not named. The consumer library makes no such names."""

PAGE = 100
"""Letters that are read, and requeued, at a time: entries are as large as their results."""

_ID = re.compile(r"([0-9]{1,20})-([0-9]{1,20})", re.ASCII)


@dataclass(frozen=True, slots=True)
class _Plan:
    """A letter and what requeueing does with it. `new`: the group wasn't given its entry yet; `waits`: it holds it."""

    letter: GroupLetter
    fate: PutBack
    new: bool = False
    waits: bool = False


class ConsumerGroups:
    """The consumer groups of the result stream."""

    def __init__(self, connection: Connection) -> None:
        self._redis = connection.client
        self._audit = AuditLog(connection)
        self._drop_letters = connection.script("drop_letters")

    def get_all(self) -> Groups:
        """Return the progress of each consumer group; of very many, the first by name. Two round trips."""
        with refusals_translated():
            infos = {_text(info["name"]): info for info in _infos(self._redis)}
            names = sorted(name for name in infos if name.isprintable() and len(name) <= NAME_MAX)[:MOST_GROUPS]
            with self._redis.pipeline(transaction=False) as pipe:
                for name in names:
                    pipe.xlen(DEAD_OF + name)
                dead = pipe.execute()
        shown = [
            # Servers before Redis 7 report no lag; later ones report none while an erased entry is still to come.
            ConsumerGroup(name, infos[name].get("lag"), int(infos[name]["pending"]), int(letters))
            for name, letters in zip(names, dead, strict=True)
        ]
        return Groups(tuple(shown), len(infos) - len(names))

    def check_exists(self, group: str) -> None:
        """Check that there is such a group. Raises GroupNotFound."""
        with refusals_translated():
            _delivered(self._redis, group)

    def page_dead_letters(self, group: str) -> Iterator[list[GroupLetter]]:
        """Yield a group's present dead letters in pages, oldest first; letters that come meanwhile are left out."""
        newest = self._letters("XREVRANGE", group, "+", "-", 1)
        last = newest[0].id if newest else ""
        page = self._letters("XRANGE", group, "-", last, PAGE) if last else []
        while page:
            yield page
            page = self._letters("XRANGE", group, f"({page[-1].id}", last, PAGE)

    def _letters(self, command: str, group: str, start: str, end: str, count: int) -> list[GroupLetter]:
        with refusals_translated():
            entries: Any = self._redis.execute_command(  # type: ignore[no-untyped-call]
                command, DEAD_OF + group, start, end, "COUNT", count, NEVER_DECODE=True
            )
        return [_letter(_text(letter_id), fields) for letter_id, fields in entries]

    def requeue(self, group: str, letters: Sequence[GroupLetter], now_ms: int, *, by: Actor) -> list[PutBack]:
        """Requeue a group's dead letters, only for this group, with their audit entry; return the outcome of each.

        Their entries wait in the group as if left by a member that is gone, with all their deliveries. Nothing is
        published: other groups would get it, too. The group forgets that it handled such an event.
        Raises GroupNotFound.
        """

        def prepare(pipe: Pipeline) -> AuditedStep[list[PutBack]]:
            plans = self._plans(pipe, group, letters)
            done = [plan for plan in plans if plan.fate is PutBack.DONE]
            answer = [plan.fate for plan in plans]
            if not done:
                return AuditedStep(answer)

            def commands(pipe: Pipeline) -> None:
                claimed: list[Any] = [plan.letter.entry for plan in done if not (plan.new or plan.waits)]
                if claimed:
                    # Waiting since 1970: due for whoever claims next, and also if the store's clock is set back.
                    pipe.xclaim(
                        RESULTS, group, KEEPER, 0, claimed, time=0, retrycount=0, force=True, justid=True
                    )  # fmt: skip
                pipe.zrem(SEEN + group, *(_bytes(plan.letter.event) for plan in done))
                args = [part for plan in done for part in (plan.letter.id, plan.letter.entry, "1" if plan.new else "")]
                self._drop_letters([RESULTS, DEAD_OF + group], [group, *args], client=pipe)

            details = {"group": group, "entries": [plan.letter.entry for plan in done]}
            return AuditedStep(answer, Act(by, Action.REDRIVE_GROUP, now_ms, details), commands)

        return self._audit.run_step(prepare, watch=[DEAD_OF + group])

    def _plans(self, pipe: Pipeline, group: str, letters: Sequence[GroupLetter]) -> list[_Plan]:
        delivered = _delivered(pipe, group)
        plans = []
        for letter, (there, kept, waits) in zip(letters, _look_up(self._redis, group, letters), strict=True):
            if not there:
                plans.append(_Plan(letter, PutBack.GONE))
            elif not kept:
                plans.append(_Plan(letter, PutBack.TRIMMED))
            else:
                plans.append(_Plan(letter, PutBack.DONE, new=_place(letter.entry) > delivered, waits=waits))
        return plans


def _infos(client: redis.Redis) -> list[dict[str, Any]]:
    """Return Redis' information on each group; names are bytes."""
    if not client.exists(RESULTS):
        return []
    infos: Any = client.execute_command("XINFO GROUPS", RESULTS, NEVER_DECODE=True)  # type: ignore[no-untyped-call]
    return list(infos)


def _delivered(client: redis.Redis, group: str) -> tuple[int, int]:
    """Return the place in the stream up to which the group was given entries. Raises GroupNotFound."""
    ends = {_text(info["name"]): _text(info["last-delivered-id"]) for info in _infos(client)}
    if group not in ends:
        raise GroupNotFound(f"there is no group `{group}` that would get its dead letters; a consumer creates it")
    return _place(ends[group])


def _look_up(client: redis.Redis, group: str, letters: Sequence[GroupLetter]) -> list[tuple[bool, bool, bool]]:
    """Return for each letter whether it is there, whether its entry is kept, and whether the group holds that entry."""
    with client.pipeline(transaction=False) as pipe:
        for letter in letters:
            entry, raw = letter.entry or "0-0", {"NEVER_DECODE": True}
            pipe.execute_command("XRANGE", DEAD_OF + group, letter.id, letter.id, **raw)  # type: ignore[no-untyped-call]
            pipe.execute_command("XRANGE", RESULTS, entry, entry, **raw)  # type: ignore[no-untyped-call]
            pipe.execute_command("XPENDING", RESULTS, group, entry, entry, 1, parse_detail=True, **raw)  # type: ignore[no-untyped-call]
        replies = [bool(reply) for reply in pipe.execute()]
    return list(zip(replies[::3], replies[1::3], replies[2::3], strict=True))


def _letter(letter_id: str, fields: dict[bytes, bytes]) -> GroupLetter:
    texts = {_text(name): _text(value) for name, value in fields.items()}
    entry = texts.get("dead_entry", "")
    form = _ID.fullmatch(entry)
    return GroupLetter(
        id=letter_id,
        entry=entry if form and max(map(int, form.groups())) < 2**64 else "",
        event=texts.get("ce_id", ""),
        report=texts.get("ce_subject", ""),
        reason=texts.get("dead_reason", ""),
        deliveries=texts.get("dead_deliveries", ""),
        at=texts.get("dead_at", ""),
    )


def _place(entry_id: str) -> tuple[int, int]:
    milliseconds, _, number = entry_id.partition("-")
    return int(milliseconds), int(number)


def _text(raw: bytes) -> str:
    return raw.decode("utf-8", "surrogateescape")


def _bytes(text: str) -> bytes:
    return text.encode("utf-8", "surrogateescape")

"""Consumer groups as those see them who run the service: how far each is, what it gave up, how that is put back."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import redis
from redis.client import Pipeline

from triage_rules.foundation.errors import GroupNotFound
from triage_rules.foundation.settings import Settings
from triage_rules.records.audit import Act, Action, Actor
from triage_rules.records.consumer_groups import ConsumerGroup, GroupLetter, Groups, PutBack
from triage_rules.store.audit import Audited, AuditedStep
from triage_rules.store.connection import refusals_translated
from triage_rules.store.keyspace import DEAD_OF, RESULTS, SEEN

KEEPER = "triage-redrive"
"""The member of the group under whose name entries wait that were put back, until another claims them.

Not one that is there: if it left at that moment, what waits under its name would go with it.
"""

MOST_GROUPS = 100
"""So many are told of: whoever may read results may make groups."""

NAME_MAX = 100
"""Groups with longer names, or such as can't be printed, are counted and not named. The consumer library makes none."""

PAGE = 100
"""Letters that are looked at, and put back, at a time: entries are as large as their results."""

_ID = re.compile(r"([0-9]{1,20})-([0-9]{1,20})", re.ASCII)


@dataclass(frozen=True, slots=True)
class _Plan:
    """What is to be done about a letter. `new`: the group wasn't given its entry yet; `waits`: it has it."""

    letter: GroupLetter
    fate: PutBack
    new: bool = False
    waits: bool = False


class ConsumerGroups(Audited):
    """See `triage_rules.store.Ledger` for what each method promises."""

    def __init__(self, settings: Settings) -> None:
        super().__init__(settings)
        self._drop_letters = self._script("drop_letters")

    def groups(self) -> Groups:
        """How far each consumer group is; of very many, the first by name. In as many steps however many there are."""
        with refusals_translated():
            found = {_text(one["name"]): one for one in _infos(self._redis)}
            names = sorted(name for name in found if name.isprintable() and len(name) <= NAME_MAX)[:MOST_GROUPS]
            with self._redis.pipeline(transaction=False) as pipe:
                for name in names:
                    pipe.xlen(DEAD_OF + name)
                dead = pipe.execute()
        shown = [
            # Servers before Redis 7 don't tell the lag; later ones not while an erased entry is among those to come.
            ConsumerGroup(name, found[name].get("lag"), int(found[name]["pending"]), int(letters))
            for name, letters in zip(names, dead, strict=True)
        ]
        return Groups(tuple(shown), len(found) - len(names))

    def group_letters(self, group: str) -> Iterator[list[GroupLetter]]:
        """The dead letters that a consumer group has when this begins, the oldest first, a page at a time."""
        newest = self._letters("XREVRANGE", group, "+", "-", 1)
        last = newest[0].id if newest else ""
        page = self._letters("XRANGE", group, "-", last, PAGE) if last else []
        while page:
            yield page
            page = self._letters("XRANGE", group, f"({page[-1].id}", last, PAGE)

    def _letters(self, command: str, group: str, start: str, end: str, count: int) -> list[GroupLetter]:
        with refusals_translated():
            found: Any = self._redis.execute_command(  # type: ignore[no-untyped-call]
                command, DEAD_OF + group, start, end, "COUNT", count, NEVER_DECODE=True
            )
        return [_letter(_text(letter_id), fields) for letter_id, fields in found]

    def put_back(self, group: str, letters: Sequence[GroupLetter], now_ms: int, *, by: Actor) -> list[PutBack]:
        """Have a group's dead letters handed out again, to this group alone, and write it down, in one step.

        Their entries wait in the group as if left by a member that is gone, with all their deliveries. Nothing is
        published: other groups would get it, too. What the group noted of such an event as handled is forgotten.
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
                told = [part for plan in done for part in (plan.letter.id, plan.letter.entry, "1" if plan.new else "")]
                self._drop_letters([RESULTS, DEAD_OF + group], [group, *told], client=pipe)

            details = {"group": group, "entries": [plan.letter.entry for plan in done]}
            return AuditedStep(answer, Act(by, Action.REDRIVE_GROUP, now_ms, details), commands)

        return self._audited(prepare, watch=[DEAD_OF + group])

    def _plans(self, pipe: Pipeline, group: str, letters: Sequence[GroupLetter]) -> list[_Plan]:
        delivered = _delivered(pipe, group)
        plans = []
        for letter, (there, kept, waits) in zip(letters, _looked_up(self._redis, group, letters), strict=True):
            if not there:
                plans.append(_Plan(letter, PutBack.GONE))
            elif not kept:
                plans.append(_Plan(letter, PutBack.TRIMMED))
            else:
                plans.append(_Plan(letter, PutBack.DONE, new=_place(letter.entry) > delivered, waits=waits))
        return plans


def _infos(client: redis.Redis) -> list[dict[str, Any]]:
    """What the store tells of each group; names are bytes."""
    if not client.exists(RESULTS):
        return []
    found: Any = client.execute_command("XINFO GROUPS", RESULTS, NEVER_DECODE=True)  # type: ignore[no-untyped-call]
    return list(found)


def _delivered(pipe: Pipeline, group: str) -> tuple[int, int]:
    """Up to where the group was given the stream. Raises GroupNotFound."""
    ends = {_text(one["name"]): _text(one["last-delivered-id"]) for one in _infos(pipe)}
    if group not in ends:
        raise GroupNotFound(f"there is no group `{group}` that would get its dead letters; a consumer creates it")
    return _place(ends[group])


def _looked_up(client: redis.Redis, group: str, letters: Sequence[GroupLetter]) -> list[tuple[bool, bool, bool]]:
    """For each: whether the letter is there, whether its entry is kept, whether that waits in the group."""
    with client.pipeline(transaction=False) as pipe:
        for letter in letters:
            entry, raw = letter.entry or "0-0", {"NEVER_DECODE": True}
            pipe.execute_command("XRANGE", DEAD_OF + group, letter.id, letter.id, **raw)  # type: ignore[no-untyped-call]
            pipe.execute_command("XRANGE", RESULTS, entry, entry, **raw)  # type: ignore[no-untyped-call]
            pipe.execute_command("XPENDING", RESULTS, group, entry, entry, 1, parse_detail=True, **raw)  # type: ignore[no-untyped-call]
        found = [bool(reply) for reply in pipe.execute()]
    return list(zip(found[::3], found[1::3], found[2::3], strict=True))


def _letter(letter_id: str, fields: dict[bytes, bytes]) -> GroupLetter:
    told = {_text(name): _text(value) for name, value in fields.items()}
    entry = told.get("dead_entry", "")
    form = _ID.fullmatch(entry)
    return GroupLetter(
        id=letter_id,
        entry=entry if form and max(map(int, form.groups())) < 2**64 else "",
        event=told.get("ce_id", ""),
        report=told.get("ce_subject", ""),
        reason=told.get("dead_reason", ""),
        deliveries=told.get("dead_deliveries", ""),
        at=told.get("dead_at", ""),
    )


def _place(entry_id: str) -> tuple[int, int]:
    milliseconds, _, number = entry_id.partition("-")
    return int(milliseconds), int(number)


def _text(raw: bytes) -> str:
    return raw.decode("utf-8", "surrogateescape")


def _bytes(text: str) -> bytes:
    return text.encode("utf-8", "surrogateescape")

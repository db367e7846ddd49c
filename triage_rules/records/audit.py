"""The chain of the audit log: what was done, by whom, and that no entry was changed since. Values in, values out.

An entry is a record of texts: number, at, actor, via, action, details (JSON), previous, hash. `hash` is `sha256:` and
the SHA-256, in hex, of the JSON of the other fields: keys sorted, no blanks, ASCII alone. `previous` is the hash of the
entry before. So each entry vouches for all before it, and the last hash, noted elsewhere, for the whole log.

There is no secret in it: whoever may write to Redis can write a whole new log. Only a hash noted elsewhere tells.
"""

from __future__ import annotations

import enum
import hashlib
import json
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any, TypeAlias

from triage_rules.foundation import strict_json
from triage_rules.foundation.errors import AuditError
from triage_rules.foundation.timestamps import timestamp

Record: TypeAlias = Mapping[str, str]
"""An entry as it is stored."""

START = "sha256:" + "0" * 64
"""`previous` of the first entry."""

_NUMBER = re.compile(r"[1-9][0-9]{0,17}")
_FIELDS = frozenset({"number", "at", "actor", "via", "action", "details", "previous", "hash"})


class Via(enum.StrEnum):
    """By which door somebody came."""

    CLI = "cli"
    HTTP = "http"
    UP = "up"


class Action(enum.StrEnum):
    """What is written down."""

    DEPLOY = "deploy"
    ROLLBACK = "rollback"
    WITHDRAW = "withdraw"
    FILES = "files"
    PROPOSE = "propose"
    PROPOSAL_DECLINE = "proposal.decline"
    PROPOSAL_WITHDRAW = "proposal.withdraw"
    ERASE = "erase"
    KEY_MAKE = "key.make"
    KEY_REVOKE = "key.revoke"
    REKEY = "rekey"
    ACKNOWLEDGE = "acknowledge"
    ACKNOWLEDGE_UNDO = "acknowledge.undo"
    REDRIVE = "redrive"
    REDRIVE_GROUP = "redrive.group"


@dataclass(frozen=True, slots=True)
class Actor:
    """Who did it: a user of the operating system at the command line, a client over HTTP."""

    name: str
    via: Via


@dataclass(frozen=True, slots=True)
class Act:
    """What is to be written down. `details`: JSON; never a subject, an answer or a secret."""

    actor: Actor
    action: Action
    at_ms: int
    details: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Head:
    """The end of the log: how many entries, and the hash of the last one."""

    number: int = 0
    hash: str = START


@dataclass(frozen=True, slots=True)
class AuditVerdict:
    """What a look at the whole log found. `faults`: a sentence each; none: no entry was changed."""

    head: Head
    faults: tuple[str, ...]


def record(act: Act, head: Head) -> dict[str, str]:
    """The entry that tells of `act` behind `head`."""
    told = {
        "number": str(head.number + 1),
        "at": timestamp(act.at_ms),
        "actor": act.actor.name,
        "via": act.actor.via.value,
        "action": act.action.value,
        "details": strict_json.dumps(act.details),
        "previous": head.hash,
    }
    return told | {"hash": _hash(told)}


def head_of(last: Record | None) -> Head:
    """The end of a log whose last entry this is (None: of an empty one). Raises AuditError if it was changed."""
    if last is None:
        return Head()
    faults = _own_faults(last)
    if faults:
        raise AuditError(f"the last entry of the audit log {faults[0]}; nothing was done. See `triage audit verify`.")
    return Head(int(last["number"]), last["hash"])


def verify(records: Iterable[Record], noted: str | None = None) -> AuditVerdict:
    """Look at a whole log, oldest entry first. `noted`: a hash that was the last one at some time.

    A log whose end was cut off is whole in itself: only `noted` tells.
    """
    faults: list[str] = []
    head, seen_noted = Head(), noted in (None, START)
    for place, one in enumerate(records, start=1):
        faults += [f"entry {place} {fault}" for fault in _own_faults(one)]
        if one.get("number") != str(head.number + 1):
            faults.append(f"entry {place} has the number {one.get('number')}, expected {head.number + 1}")
        if one.get("previous") != head.hash:
            faults.append(f"entry {place} does not follow the one before it")
        # Go on from what stands here, so that one fault is told once.
        head = Head(_number(one, place), one.get("hash", ""))
        seen_noted = seen_noted or head.hash == noted
    if not seen_noted:
        faults.append(f"the noted hash {noted} is not in the log: its end was cut off, or it was written anew")
    return AuditVerdict(head, tuple(faults))


def _own_faults(one: Record) -> list[str]:
    if set(one) != _FIELDS:
        return ["has other fields than an entry has"]
    if one["hash"] != _hash({name: text for name, text in one.items() if name != "hash"}):
        return ["was changed: its hash is another"]
    if not _NUMBER.fullmatch(one["number"]):
        return ["was changed: its number is none"]
    return []


def _number(one: Record, place: int) -> int:
    text = one.get("number", "")
    return int(text) if _NUMBER.fullmatch(text) else place


def _hash(told: Record) -> str:
    text = json.dumps(told, ensure_ascii=True, sort_keys=True, separators=(",", ":"))
    return f"sha256:{hashlib.sha256(text.encode('ascii')).hexdigest()}"

"""The hash chain of the audit log: actions, actors, and whether an entry was changed. Values in, values out.

An entry is a record of texts: number, at, actor, via, action, details (JSON), previous, hash. `hash` is `sha256:` and
the SHA-256, in hex, of the JSON of the other fields: keys sorted, no blanks, only ASCII. `previous` is the hash of the
entry before. So each hash confirms all entries before it, and the last hash, noted elsewhere, the whole log.

The chain has no secret: anyone who may write to Redis can write a new log. Only a hash noted elsewhere reveals that.
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
"""An entry in its stored form."""

START = "sha256:" + "0" * 64
"""`previous` of the first entry."""

_NUMBER = re.compile(r"[1-9][0-9]{0,17}")
_FIELDS = frozenset({"number", "at", "actor", "via", "action", "details", "previous", "hash"})


class Via(enum.StrEnum):
    """The interface that an action came through."""

    CLI = "cli"
    HTTP = "http"
    UP = "up"


class Action(enum.StrEnum):
    """An action that is recorded."""

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
    """The person or client behind an action: an operating-system user at the command line, a client over HTTP."""

    name: str
    via: Via


@dataclass(frozen=True, slots=True)
class Act:
    """An action to record. `details`: JSON; never a subject, an answer or a secret."""

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
    """The result of verifying a whole log. `faults`: a sentence each; none: no entry was changed."""

    head: Head
    faults: tuple[str, ...]


def record(act: Act, head: Head) -> dict[str, str]:
    """Return the entry of `act` that follows `head`."""
    entry = {
        "number": str(head.number + 1),
        "at": timestamp(act.at_ms),
        "actor": act.actor.name,
        "via": act.actor.via.value,
        "action": act.action.value,
        "details": strict_json.dumps(act.details),
        "previous": head.hash,
    }
    return entry | {"hash": _hash(entry)}


def head_of(last: Record | None) -> Head:
    """Return the end of a log with this last entry (None: of an empty log). Raises AuditError if it was changed."""
    if last is None:
        return Head()
    faults = _own_faults(last)
    if faults:
        raise AuditError(f"the last entry of the audit log {faults[0]}; nothing was done. See `triage audit verify`.")
    return Head(int(last["number"]), last["hash"])


def verify(records: Iterable[Record], noted: str | None = None) -> AuditVerdict:
    """Verify a whole log, oldest entry first. `noted`: a hash that was once the last one.

    A log without its end is still a valid chain: only `noted` reveals the cut.
    """
    faults: list[str] = []
    head, seen_noted = Head(), noted in (None, START)
    for place, entry in enumerate(records, start=1):
        faults += [f"entry {place} {fault}" for fault in _own_faults(entry)]
        if entry.get("number") != str(head.number + 1):
            faults.append(f"entry {place} has the number {entry.get('number')}, expected {head.number + 1}")
        if entry.get("previous") != head.hash:
            faults.append(f"entry {place} does not follow the entry before it")
        # Continue from this entry, so that each fault is listed once.
        head = Head(_number(entry, place), entry.get("hash", ""))
        seen_noted = seen_noted or head.hash == noted
    if not seen_noted:
        faults.append(f"the noted hash {noted} is not in the log: its end was cut off, or the whole log was rewritten")
    return AuditVerdict(head, tuple(faults))


def _own_faults(entry: Record) -> list[str]:
    if set(entry) != _FIELDS:
        return ["has missing or extra fields"]
    if entry["hash"] != _hash({name: text for name, text in entry.items() if name != "hash"}):
        return ["was changed: its hash does not match"]
    if not _NUMBER.fullmatch(entry["number"]):
        return ["was changed: its number is not valid"]
    return []


def _number(entry: Record, place: int) -> int:
    text = entry.get("number", "")
    return int(text) if _NUMBER.fullmatch(text) else place


def _hash(fields: Record) -> str:
    text = json.dumps(fields, ensure_ascii=True, sort_keys=True, separators=(",", ":"))
    return f"sha256:{hashlib.sha256(text.encode('ascii')).hexdigest()}"

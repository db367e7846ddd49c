"""Consume results: join a consumer group on the stream, where each result is handled at least once.

    consumer = Consumer("redis://127.0.0.1:6379/0", "ward-7", levels=["urgent"])
    consumer.run(lambda event: print(event.subject, event.result["disposition"]))

See docs/howto/consuming-results.md.
"""

from __future__ import annotations

import logging
import os
import re
import secrets
import socket
import threading
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from typing import Self

from triage_rules.consumer.failures import OUTAGE, FailureStreak, WaitTimes, describe_error
from triage_rules.foundation.encryption import Encryption
from triage_rules.foundation.errors import CredentialsRefused, DecryptionError, EventError, StoreUnavailable
from triage_rules.foundation.timestamps import now_ms
from triage_rules.language.model import Level
from triage_rules.records.events import ENCRYPTED_TYPE, Event, decode
from triage_rules.store.results import ResultStream, StreamEntry

__all__ = [
    "Consumer",
    "CredentialsRefused",
    "DecryptionError",
    "Event",
    "EventError",
    "Level",
    "Message",
    "StoreUnavailable",
    "follow",
    "following",
]
"""The public names: code that consumes results needs no other module of this package."""

log = logging.getLogger("triage.consumer")

BLOCK_MS = 500
"""Duration of a blocking read. stop() waits for it and for the handler, no longer."""

WATCHED = 100
"""Number of the group's oldest pending entries that this process times by its own clock as well."""

BACKOFF_SECONDS = (0.1, 0.5, 1.0, 2.0, 5.0)

PAUSE_SECONDS = (0.0, 0.0, 1.0, 2.0, 5.0, 10.0, 30.0, 60.0)
"""Pause of run() after the first, second, … failure of the handler in a row."""

CAUSES_KEPT = 1000
"""Number of results whose last handler error is remembered, for the reason of the dead letter."""

_GROUP = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.-]{0,63}")
_START = re.compile(r"\$|[0-9]{1,20}(?:-[0-9]{1,20})?")


@dataclass(frozen=True, slots=True)
class Message:
    """Result handed to this consumer. `deliveries`: how often the group was given it, this time included."""

    event: Event
    deliveries: int
    _entry: StreamEntry = field(repr=False)
    _consumer: Consumer = field(repr=False)

    def ack(self) -> None:
        """Acknowledge the result: no member of the group gets it again. After StoreUnavailable a member may."""
        self._consumer._acknowledge(self)  # noqa: SLF001 - two classes, one unit

    def give_up(self, reason: str) -> None:
        """Move the result to the group's dead letters, `triage:dead:{group}`, as it can't be handled."""
        self._consumer._give_up(self._entry, reason)  # noqa: SLF001 - as above


class Consumer:
    """Member of a consumer group. Start any number with the same group, on any machine.

    `url`: of Redis. `group`: one for each system that needs all results.
    `levels`: levels to receive (words or Level; None: all). A result without a level always comes.
    Use the same levels for all members: a result that one member filters out reaches none of them.
    `max_deliveries`: a result that failed this many times becomes a dead letter of the group; failures during an
    outage, when every result fails, don't count.
    `claim_after`: seconds after which a result that was delivered but not acknowledged is delivered again;
    must be longer than the slowest handler takes for `prefetch` results.
    `dedupe_for`: seconds for which the ids of handled results are remembered (0: not at all).
    `start`: where a new group begins, `0` for all results in the stream, `$` for new ones only.
    `encryption_keys`: the service's keys, if it encrypts. The iteration ends with a DecryptionError at the first
    encrypted result if there are no keys, and after several if no key opens them; a single one ends as a dead letter.
    """

    def __init__(  # noqa: PLR0913 - two required, the others optional and by name
        self,
        url: str,
        group: str,
        *,
        name: str | None = None,
        levels: Iterable[Level | str] | None = None,
        max_deliveries: int = 5,
        claim_after: float = 60.0,
        dedupe_for: float = 86_400.0,
        start: str = "0",
        prefetch: int = 1,
        encryption_keys: Sequence[str] = (),
    ) -> None:
        if not _GROUP.fullmatch(group):
            raise ValueError(f"group {group!r}: expected letters, digits, dots, dashes and underscores")
        if isinstance(levels, str):
            raise ValueError(f"levels {levels!r}: expected a list, such as ['urgent']")  # noqa: TRY004 - ValueError, as below
        levels = levels if levels is None else list(levels)
        if levels == []:
            raise ValueError("levels []: expected at least one level, or None for all")
        if not _START.fullmatch(start):
            raise ValueError(f"start {start!r}: expected '0', '$' or an entry's id")
        if max_deliveries < 1 or prefetch < 1 or claim_after < 0 or dedupe_for < 0:
            raise ValueError(
                "expected max_deliveries and prefetch of 1 or more, claim_after and dedupe_for of 0 or more"
            )
        self.group = group
        self.name = name or f"{socket.gethostname()}-{os.getpid()}-{secrets.token_hex(3)}"
        self._levels = None if levels is None else {"", *map(_read_level, levels)}
        self._max_deliveries = max_deliveries
        self._claim_after_ms = round(claim_after * 1000)
        self._keep_ms = round(dedupe_for * 1000)
        self._start = start
        self._prefetch = prefetch
        self._encryption = Encryption(encryption_keys)
        self._stream = ResultStream(url)
        self._stop = threading.Event()
        self._has_joined = False
        self._was_admitted = False
        self._next_claim = 0.0
        self._has_claimed = False
        self._wait_times = WaitTimes()
        self._causes: dict[str, str] = {}
        self._unreadable = FailureStreak()
        self._has_opened = False

    def run(self, handle: Callable[[Event], object]) -> None:
        """Call `handle` for each result until stop(). If it raises, the result is delivered again after `claim_after`.

        From the third failure in a row on, run() pauses, longer each time, up to a minute. From the third different
        result that fails in a row on, a delivery doesn't count towards `max_deliveries`. Raises as iterating does.
        """
        streak = FailureStreak()
        for message in self:
            try:
                handle(message.event)
            except Exception as error:  # noqa: BLE001 - a bad result must not stop the others; it is counted and kept
                self._record_error(message, describe_error(error), streak)
                continue
            streak.reset()
            try:
                message.ack()
            except StoreUnavailable as error:
                log.warning(
                    "result %s: handled but not acknowledged, may be delivered again: %s", message.event.id, error
                )

    def _record_error(self, message: Message, cause: str, streak: FailureStreak) -> None:
        """Record a handler's error and pause. `cause`: class and place only, as its text may hold patient data."""
        log.warning("result %s: the handler raised %s", message.event.id, cause)
        entry = message._entry  # noqa: SLF001 - as in Message
        if len(self._causes) >= CAUSES_KEPT:
            self._causes.pop(next(iter(self._causes)))
        self._causes[entry.id] = cause
        streak.record(entry.id)
        if streak.is_outage:
            self._refund_delivery(entry)
        pause = PAUSE_SECONDS[min(streak.length, len(PAUSE_SECONDS)) - 1]
        if pause:
            log.warning("pausing for %g s: the handler failed %d times in a row", pause, streak.length)
            self._stop.wait(pause)

    def __iter__(self) -> Iterator[Message]:
        """Yield results until stop(). The caller acknowledges each; one without acknowledgement is delivered again.

        Raises:
            DecryptionError: If results are encrypted and no key opens them.
            CredentialsRefused: If Redis refuses the credentials at the first connection.
        """
        failures = 0
        while not self._stop.is_set():
            try:
                entries = self._next_entries()
            except StoreUnavailable as error:
                if isinstance(error, CredentialsRefused) and not self._was_admitted:
                    raise
                log.warning("retrying: %s", error)
                self._has_joined = False
                self._stop.wait(BACKOFF_SECONDS[min(failures, len(BACKOFF_SECONDS) - 1)])
                failures += 1
                continue
            failures = 0
            for entry in entries:
                if self._stop.is_set():
                    break
                message = self._make_message(entry)
                if message is not None:
                    yield message
        self._leave()

    def stop(self) -> None:
        """End run() or the iteration after the current result. For signal handlers and other threads."""
        self._stop.set()

    def close(self) -> None:
        """Stop, and close the connections."""
        self.stop()
        self._stream.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def _next_entries(self) -> list[StreamEntry]:
        """Return overdue entries of other members and new ones in turn, so that neither delays the other."""
        if not self._has_joined:
            self._stream.join(self.group, self._start)
            # If Redis loses its data, and the group with it, the new group starts at the oldest result there is.
            self._has_joined, self._was_admitted, self._start = True, True, "0"
        if self._has_claimed:
            self._has_claimed = False
            if fresh := self._stream.read(self.group, self.name, count=self._prefetch):
                return fresh
        if time.monotonic() >= self._next_claim:
            # Claim singly: of several entries, those behind one that kills its handler would count as delivered.
            claimed = self._stream.claim(self.group, self.name, idle_ms=self._claim_after_ms, count=1)
            if claimed or (claimed := self._take_overdue()):
                self._has_claimed = True
                return claimed
            self._next_claim = time.monotonic() + self._claim_after_ms / 4000
        return self._stream.read(self.group, self.name, count=self._prefetch, block_ms=BLOCK_MS)

    def _take_overdue(self) -> list[StreamEntry]:
        """Take an overdue entry that the store doesn't offer because its clock was set back.

        The limit is a quarter longer than the store's, so that the store offers the entry first if it can.
        """
        rows = self._stream.get_unfinished(self.group, WATCHED)
        entry_id = self._wait_times.find_overdue(rows, 1.25 * self._claim_after_ms / 1000)
        return [] if entry_id is None else self._stream.claim_entry(self.group, self.name, entry_id)

    def _make_message(self, entry: StreamEntry) -> Message | None:
        """Return the message to deliver, or None if the entry needs no delivery."""
        try:
            if self._levels is not None and entry.fields.get("level", "") not in self._levels:
                self._stream.drop(self.group, entry)
                return None
            self._check_keys(entry)
            if entry.deliveries > self._max_deliveries:
                self._give_up(replace(entry, deliveries=entry.deliveries - 1), self._describe_failure(entry))
                return None
            event = self._decode(entry)
            if event is not None and self._keep_ms and self._stream.has_handled(self.group, event.id):
                self._stream.drop(self.group, entry)
                return None
        except StoreUnavailable as error:
            log.warning("entry %s stays pending in the group: %s", entry.id, error)
            return None
        return None if event is None else Message(event, entry.deliveries, entry, self)

    def _describe_failure(self, entry: StreamEntry) -> str:
        cause = self._causes.pop(entry.id, "")
        reason = f"delivered {entry.deliveries - 1} times without success"
        return reason + (f"; the handler raised {cause}" if cause else "")

    def _decode(self, entry: StreamEntry) -> Event | None:
        try:
            event = decode(entry.fields, self._encryption)
        except DecryptionError as error:
            self._refuse_unreadable(entry, error)
            return None
        except EventError as error:
            log.error("entry %s becomes a dead letter: %s", entry.id, error)  # noqa: TRY400 - the traceback helps nobody
            self._give_up(entry, f"not a result event: {error}")
            return None
        if entry.fields["content-type"] == ENCRYPTED_TYPE:
            self._has_opened = True
            self._unreadable.reset()
        return event

    def _refuse_unreadable(self, entry: StreamEntry, error: DecryptionError) -> None:
        """Leave a single result that no key opens pending. Raises DecryptionError if several show wrong keys."""
        self._unreadable.record(entry.id)
        has_wrong_keys = self._unreadable.is_outage or (not self._has_opened and self._unreadable.length >= OUTAGE)
        if has_wrong_keys or not self._has_opened:
            self._refund_delivery(entry)
        if has_wrong_keys:
            raise DecryptionError(f"entry {entry.id}: {error}; this consumer needs the encryption_keys of the service")
        log.error("entry %s will be delivered again: %s", entry.id, error)

    def _check_keys(self, entry: StreamEntry) -> None:
        """Raise DecryptionError for an encrypted result if there are no keys.

        Called before failed deliveries are counted: a missing setting must not turn results into dead letters.
        """
        if not self._encryption and entry.fields.get("content-type") == ENCRYPTED_TYPE:
            raise DecryptionError("results are encrypted, and this consumer has no key; pass it encryption_keys")

    def _acknowledge(self, message: Message) -> None:
        self._causes.pop(message._entry.id, None)  # noqa: SLF001 - as in Message
        self._stream.acknowledge(self.group, message._entry, message.event.id, now_ms=now_ms(), keep_ms=self._keep_ms)  # noqa: SLF001

    def _refund_delivery(self, entry: StreamEntry) -> None:
        """Take this delivery off the entry's count."""
        try:
            self._stream.refund_delivery(self.group, self.name, entry)
        except StoreUnavailable as error:
            log.warning("entry %s: this delivery counts, though it failed in an outage: %s", entry.id, error)

    def _give_up(self, entry: StreamEntry, reason: str) -> None:
        self._stream.give_up(self.group, entry, reason, now_ms=now_ms())

    def _leave(self) -> None:
        try:
            if self._has_joined:
                self._stream.leave(self.group, self.name)
        except StoreUnavailable as error:
            log.warning("consumer %s stays listed in the group: %s", self.name, error)


def follow(
    url: str, start: str = "$", *, silence: float | None = None, encryption_keys: Sequence[str] = ()
) -> Iterator[Event]:
    """Yield results as they arrive, for monitoring: no group, no acknowledgement.

    `start`: `$` for new results, `0` for all in the stream. Ends after `silence` seconds without a result, or never.
    `encryption_keys`: the service's keys, if it encrypts.

    Raises:
        StoreUnavailable: If Redis can't be reached.
        DecryptionError: If results are encrypted and there are no keys.
    """
    with following(url, start, silence=silence, encryption_keys=encryption_keys) as events:
        yield from events


@contextmanager
def following(
    url: str, start: str = "$", *, silence: float | None = None, encryption_keys: Sequence[str] = ()
) -> Iterator[Iterator[Event]]:
    """Follow results from the moment of entering: `$` misses none that arrive before the first is asked for."""
    stream = ResultStream(url)
    try:
        yield _read_events(
            stream, stream.get_last_id() if start == "$" else start, silence, Encryption(encryption_keys)
        )
    finally:
        stream.close()


def _read_events(stream: ResultStream, last: str, silence: float | None, encryption: Encryption) -> Iterator[Event]:
    last_arrival = time.monotonic()
    while silence is None or time.monotonic() - last_arrival < silence:
        for entry in stream.read_after(last, count=100, block_ms=BLOCK_MS):
            last, last_arrival = entry.id, time.monotonic()
            try:
                yield decode(entry.fields, encryption)
            except DecryptionError:
                if not encryption:
                    raise
                log.warning("entry %s skipped: no key opens it", entry.id)
            except EventError as error:
                log.warning("entry %s skipped: %s", entry.id, error)


def _read_level(level: Level | str) -> str:
    """Return a level's word. Raises ValueError for an unknown level."""
    try:
        return level.word if isinstance(level, Level) else Level.of(level).word
    except KeyError:
        raise ValueError(f"level {level!r}: expected {', '.join(known.word for known in Level)}") from None

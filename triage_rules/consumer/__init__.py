"""What others import to consume results: a group on the stream, where each result is handled at least once.

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

log = logging.getLogger("triage.consumer")

BLOCK_MS = 500
"""How long one read waits: the longest that stop() is waited for, besides the handler."""

WATCHED = 100
"""Entries of the group, the oldest, whose time in the same hands is counted here, too."""

BACKOFF_SECONDS = (0.1, 0.5, 1.0, 2.0, 5.0)

PAUSE_SECONDS = (0.0, 0.0, 1.0, 2.0, 5.0, 10.0, 30.0, 60.0)
"""What run() waits after the handler raised so many times in a row."""

CAUSES_KEPT = 1000
"""Of so many results it is remembered here what the handler raised, to be told in the dead letter."""

_GROUP = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.-]{0,63}")
_START = re.compile(r"\$|[0-9]{1,20}(?:-[0-9]{1,20})?")


@dataclass(frozen=True, slots=True)
class Message:
    """A result that was handed to this consumer. `deliveries`: how often it was to anyone, this time included."""

    event: Event
    deliveries: int
    _entry: StreamEntry = field(repr=False)
    _consumer: Consumer = field(repr=False)

    def ack(self) -> None:
        """It was handled; nobody of the group gets it again. Raises StoreUnavailable: then somebody might."""
        self._consumer._done(self)  # noqa: SLF001 - the two are one thing in two classes

    def give_up(self, reason: str) -> None:
        """It can't be handled: move it to the group's dead letters, `triage:dead:{group}`."""
        self._consumer._give_up(self._entry, reason)  # noqa: SLF001 - as above


class Consumer:
    """One member of a consumer group. Start as many as you like, with the same group, anywhere.

    `url`: of Redis. `group`: one for each system that wants all results.
    `levels`: only these (words or Level); a result without a level needs a human now and always comes. None: all.
    The same for all members of the group: what one leaves out, none of them gets.
    `max_deliveries`: a result that was handed out that often in vain becomes a dead letter of the group; what fails
    while all do doesn't count.
    `claim_after`: seconds after which a result that was handed out and not acknowledged is handed out again;
    must be longer than the slowest handler takes for `prefetch` results.
    `dedupe_for`: seconds that the ids of handled results are remembered for (0: not).
    `start`: where a new group begins, `0` for all results that are kept, `$` for those from now on.
    `encryption_keys`: those of the service, if it encrypts. Without any, the first encrypted result ends the iteration
    with a DecryptionError, and so do several that none of them opens; a single one becomes a dead letter in the end.
    """

    def __init__(  # noqa: PLR0913 - two that all need, and choices by name
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
            raise ValueError(f"levels {levels!r}: expected a list, such as ['urgent']")  # noqa: TRY004 - as for the others
        levels = levels if levels is None else list(levels)
        if levels == []:
            raise ValueError("levels []: expected at least one level, or None for all")
        if not _START.fullmatch(start):
            raise ValueError(f"start {start!r}: expected '0', '$' or an entry's id")
        if max_deliveries < 1 or prefetch < 1 or claim_after < 0 or dedupe_for < 0:
            raise ValueError("expected max_deliveries and prefetch from 1, claim_after and dedupe_for from 0")
        self.group = group
        self.name = name or f"{socket.gethostname()}-{os.getpid()}-{secrets.token_hex(3)}"
        self._wanted = None if levels is None else {"", *map(_word, levels)}
        self._max_deliveries = max_deliveries
        self._claim_after_ms = round(claim_after * 1000)
        self._keep_ms = round(dedupe_for * 1000)
        self._start = start
        self._prefetch = prefetch
        self._encryption = Encryption(encryption_keys)
        self._stream = ResultStream(url)
        self._stopping = threading.Event()
        self._joined = False
        self._let_in = False
        self._next_claim = 0.0
        self._claimed = False
        self._waiting = WaitTimes()
        self._causes: dict[str, str] = {}
        self._unopened = FailureStreak()
        self._opened = False

    def run(self, handle: Callable[[Event], object]) -> None:
        """Call `handle` for each result until stop(). If it raises, the result comes again after `claim_after`.

        If it raises for one result after the other, the next one waits, longer each time, up to a minute, and from the
        third different one on that doesn't count as a delivery in vain. Raises as iterating does.
        """
        failing = FailureStreak()
        for message in self:
            try:
                handle(message.event)
            except Exception as error:  # noqa: BLE001 - one bad result must not stop the others; it is counted and kept
                self._raised(message, describe_error(error), failing)
                continue
            failing.reset()
            try:
                message.ack()
            except StoreUnavailable as error:
                log.warning("result %s: handled, not acknowledged, may come again: %s", message.event.id, error)

    def _raised(self, message: Message, told: str, failing: FailureStreak) -> None:
        """`told`: class and place alone, as the text of somebody else's error may hold a patient's answers."""
        log.warning("result %s: the handler raised %s", message.event.id, told)
        entry = message._entry  # noqa: SLF001 - as in Message
        if len(self._causes) >= CAUSES_KEPT:
            self._causes.pop(next(iter(self._causes)))
        self._causes[entry.id] = told
        failing.record(entry.id)
        if failing.is_outage:
            self._refund(entry)
        pause = PAUSE_SECONDS[min(failing.times, len(PAUSE_SECONDS)) - 1]
        if pause:
            log.warning("waiting %g s: the handler raised for %d results in a row", pause, failing.times)
            self._stopping.wait(pause)

    def __iter__(self) -> Iterator[Message]:
        """Results until stop(). The caller acknowledges each; one that isn't comes again.

        Raises DecryptionError if no key opens the results, CredentialsRefused if Redis refuses user or password.
        """
        failures = 0
        while not self._stopping.is_set():
            try:
                entries = self._entries()
            except StoreUnavailable as error:
                if isinstance(error, CredentialsRefused) and not self._let_in:
                    raise
                log.warning("waiting: %s", error)
                self._joined = False
                self._stopping.wait(BACKOFF_SECONDS[min(failures, len(BACKOFF_SECONDS) - 1)])
                failures += 1
                continue
            failures = 0
            for entry in entries:
                if self._stopping.is_set():
                    break
                message = self._message(entry)
                if message is not None:
                    yield message
        self._leave()

    def stop(self) -> None:
        """Let run() or the iteration end after the result at hand. For signal handlers and other threads."""
        self._stopping.set()

    def close(self) -> None:
        """Stop, and give the connections back."""
        self.stop()
        self._stream.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def _entries(self) -> list[StreamEntry]:
        """What somebody left lying and what is new, by turns, so that neither holds up the other."""
        if not self._joined:
            self._stream.join(self.group, self._start)
            # Should the group be lost with Redis' data, it begins anew with what there is.
            self._joined, self._let_in, self._start = True, True, "0"
        if self._claimed:
            self._claimed = False
            if fresh := self._stream.read(self.group, self.name, count=self._prefetch):
                return fresh
        if time.monotonic() >= self._next_claim:
            # One at a time: of several, those behind one that kills its handler would be counted as handed out.
            claimed = self._stream.claim(self.group, self.name, idle_ms=self._claim_after_ms, count=1)
            if claimed or (claimed := self._take_forgotten()):
                self._claimed = True
                return claimed
            self._next_claim = time.monotonic() + self._claim_after_ms / 4000
        return self._stream.read(self.group, self.name, count=self._prefetch, block_ms=BLOCK_MS)

    def _take_forgotten(self) -> list[StreamEntry]:
        """What the store doesn't give, as its clock was set back. A quarter later, so that it comes first if it can."""
        rows = self._stream.get_unfinished(self.group, WATCHED)
        entry_id = self._waiting.longest(rows, 1.25 * self._claim_after_ms / 1000)
        return [] if entry_id is None else self._stream.claim_entry(self.group, self.name, entry_id)

    def _message(self, entry: StreamEntry) -> Message | None:
        """The message to hand out, or None if this entry is dealt with here."""
        try:
            if self._wanted is not None and entry.fields.get("level", "") not in self._wanted:
                self._stream.drop(self.group, entry)
                return None
            self._refuse_without_keys(entry)
            if entry.deliveries > self._max_deliveries:
                self._give_up(replace(entry, deliveries=entry.deliveries - 1), self._in_vain(entry))
                return None
            event = self._decoded(entry)
            if event is not None and self._keep_ms and self._stream.has_handled(self.group, event.id):
                self._stream.drop(self.group, entry)
                return None
        except StoreUnavailable as error:
            log.warning("entry %s stays with the group: %s", entry.id, error)
            return None
        return None if event is None else Message(event, entry.deliveries, entry, self)

    def _in_vain(self, entry: StreamEntry) -> str:
        cause = self._causes.pop(entry.id, "")
        return f"handed out {entry.deliveries - 1} times in vain" + (f"; the handler raised {cause}" if cause else "")

    def _decoded(self, entry: StreamEntry) -> Event | None:
        try:
            event = decode(entry.fields, self._encryption)
        except DecryptionError as error:
            self._not_opened(entry, error)
            return None
        except EventError as error:
            log.error("entry %s is given up: %s", entry.id, error)  # noqa: TRY400 - where it was raised says nothing
            self._give_up(entry, f"no result event: {error}")
            return None
        if entry.fields["content-type"] == ENCRYPTED_TYPE:
            self._opened = True
            self._unopened.reset()
        return event

    def _not_opened(self, entry: StreamEntry, error: DecryptionError) -> None:
        """A single result that no key opens comes again. If none is opened, or several aren't, the keys are wrong."""
        self._unopened.record(entry.id)
        wrong = self._unopened.is_outage or (not self._opened and self._unopened.times >= OUTAGE)
        if wrong or not self._opened:
            self._refund(entry)
        if wrong:
            raise DecryptionError(f"entry {entry.id}: {error}; this consumer needs the encryption_keys of the service")
        log.error("entry %s comes again: %s", entry.id, error)

    def _refuse_without_keys(self, entry: StreamEntry) -> None:
        """Before it is counted as handed out in vain: no result must end as a dead letter for want of a setting."""
        if not self._encryption and entry.fields.get("content-type") == ENCRYPTED_TYPE:
            raise DecryptionError("results are encrypted, and this consumer has no key; give it encryption_keys")

    def _done(self, message: Message) -> None:
        self._causes.pop(message._entry.id, None)  # noqa: SLF001 - as in Message
        self._stream.acknowledge(self.group, message._entry, message.event.id, now_ms=now_ms(), keep_ms=self._keep_ms)  # noqa: SLF001

    def _refund(self, entry: StreamEntry) -> None:
        """Take back this delivery: it doesn't count."""
        try:
            self._stream.refund_delivery(self.group, self.name, entry)
        except StoreUnavailable as error:
            log.warning("entry %s: that it was handed out counts: %s", entry.id, error)

    def _give_up(self, entry: StreamEntry, reason: str) -> None:
        self._stream.give_up(self.group, entry, reason, now_ms=now_ms())

    def _leave(self) -> None:
        try:
            if self._joined:
                self._stream.leave(self.group, self.name)
        except StoreUnavailable as error:
            log.warning("the name %s stays in the group: %s", self.name, error)


def follow(
    url: str, start: str = "$", *, silence: float | None = None, encryption_keys: Sequence[str] = ()
) -> Iterator[Event]:
    """Results as they come, for looking on: no group, no acknowledgement.

    `start`: `$` from now on, `0` all that are kept. Ends after `silence` seconds without a result, or never.
    `encryption_keys`: those of the service, if it encrypts. Raises StoreUnavailable, and DecryptionError without them.
    """
    with following(url, start, silence=silence, encryption_keys=encryption_keys) as events:
        yield from events


@contextmanager
def following(
    url: str, start: str = "$", *, silence: float | None = None, encryption_keys: Sequence[str] = ()
) -> Iterator[Iterator[Event]]:
    """As follow(), but `$` is the time of entering: what comes before the first result is asked for isn't missed."""
    stream = ResultStream(url)
    try:
        yield _following(stream, stream.get_last_id() if start == "$" else start, silence, Encryption(encryption_keys))
    finally:
        stream.close()


def _following(stream: ResultStream, last: str, silence: float | None, encryption: Encryption) -> Iterator[Event]:
    heard = time.monotonic()
    while silence is None or time.monotonic() - heard < silence:
        for entry in stream.read_after(last, count=100, block_ms=BLOCK_MS):
            last, heard = entry.id, time.monotonic()
            try:
                yield decode(entry.fields, encryption)
            except DecryptionError:
                if not encryption:
                    raise
                log.warning("entry %s is left out: no key opens it", entry.id)
            except EventError as error:
                log.warning("entry %s is left out: %s", entry.id, error)


def _word(level: Level | str) -> str:
    """A level's word. Raises ValueError for what is none."""
    try:
        return level.word if isinstance(level, Level) else Level.of(level).word
    except KeyError:
        raise ValueError(f"level {level!r}: expected {', '.join(known.word for known in Level)}") from None

"""Live rulesets, opened and ready: changes are followed between two reports, and the last good version is kept."""

from __future__ import annotations

import logging
import threading
import time
from collections import OrderedDict
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any, Protocol

from triage_rules.evaluation.evaluator import Evaluator
from triage_rules.evaluation.result import contacts_as_json
from triage_rules.foundation.contacts import NO_CHOICE, ContactChoice
from triage_rules.foundation.errors import (
    BundleError,
    EngineLimitError,
    RulesetError,
    RulesetNotFound,
    StoreUnavailable,
)
from triage_rules.interview.plan import Planner
from triage_rules.language.bundle import open_bundle
from triage_rules.language.contacts import ignored_choices
from triage_rules.language.model import Ruleset
from triage_rules.store.rulesets import LiveRuleset

KEPT = 8
"""Number of opened rulesets kept besides the live ones, for reports accepted a little earlier."""

ASK_AFTER_SECONDS = 0.2

TRY_AGAIN_SECONDS = 5.0
"""Pause before a live ruleset that could not be opened is tried again."""

NEVER = float("-inf")

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Loaded:
    """Opened ruleset."""

    ruleset: Ruleset
    digest: str
    evaluator: Evaluator

    @cached_property
    def planner(self) -> Planner:
        """Return the planner of interviews; built at its first use, as that takes a moment."""
        return Planner(self.evaluator)

    @property
    def version(self) -> str:
        return self.ruleset.version


@dataclass(frozen=True, slots=True)
class _Refused:
    """Reason why a live ruleset could not be opened, and the time of the attempt."""

    digest: str
    reason: str
    tried: float


class LiveStore(Protocol):
    """The reads of the store that following live rulesets needs; `store.rulesets.RulesetStore` has them."""

    def get_live(self) -> dict[str, LiveRuleset]:
        """Return the live versions by the rulesets' names."""
        ...

    def get_bundle(self, digest: str) -> bytes:
        """Return a bundle. Raises RulesetNotFound."""
        ...


class LiveRulesets:
    """The live rulesets; the store is asked for them at most every ASK_AFTER_SECONDS. May be shared by threads.

    While one thread asks, the others use the earlier answer: the store may be slow.
    """

    def __init__(
        self,
        store: LiveStore,
        *,
        second_opinion: bool = True,
        alarm: Callable[[], None] = lambda: None,
        contacts: ContactChoice = NO_CHOICE,
    ) -> None:
        """Follow the live rulesets. contacts: to fill into their texts."""
        self._store = store
        self._contacts = contacts
        self._second_opinion = second_opinion
        self._alarm = alarm
        self._asking = threading.Lock()
        self._asked = NEVER
        self._failed = NEVER
        self._refreshes = 0
        self._live: dict[str, LiveRuleset] = {}
        self._opening = threading.RLock()
        self._opened: OrderedDict[tuple[str, ContactChoice], Loaded] = OrderedDict()
        self._good: dict[str, Loaded] = {}
        self._refused: dict[str, _Refused] = {}

    def refresh(self) -> None:
        """Ask the store at the next call, even if it was asked a moment ago."""
        self._refreshes += 1
        self._asked = self._failed = NEVER

    def names(self) -> list[str]:
        """Return the names of the live rulesets. Raises StoreUnavailable."""
        return sorted(self._follow())

    def refused(self) -> dict[str, str]:
        """Return the live rulesets that can't be opened, and why; the last good version decides in their place."""
        with self._opening:
            return {name: refused.reason for name, refused in self._refused.items()}

    def get(self, name: str) -> Loaded:
        """Return the live ruleset of that name. Raises RulesetNotFound, BundleError, StoreUnavailable."""
        live = self._follow()
        if name not in live:
            raise RulesetNotFound(f"no ruleset `{name}` is live")
        with self._opening:
            try:
                loaded = self._open_live(name, live[name].digest)
            except BundleError:
                if name not in self._good:
                    raise
                return self._good[name]
            self._refused.pop(name, None)
            self._good[name] = loaded
            return loaded

    def get_last(self, name: str) -> tuple[Loaded, bool]:
        """Return the live ruleset of that name, and True if the store answers.

        While it is away, the version that was live last is returned; the store is asked again after TRY_AGAIN_SECONDS.

        Raises RulesetNotFound, BundleError, and StoreUnavailable if none was known.
        """
        if time.monotonic() - self._failed >= TRY_AGAIN_SECONDS or name not in self._good:
            try:
                return self.get(name), True
            except StoreUnavailable:
                if name not in self._good:
                    raise
        return self._good[name], False

    def live_version(self, name: str, digest: str) -> str | None:
        """Return the version of a bundle if it is live now; open nothing. Raises StoreUnavailable."""
        live = self._store.get_live().get(name)
        return live.version if live is not None and live.digest == digest else None

    def by_digest(self, digest: str, contacts: ContactChoice | None = None) -> Loaded:
        """Return the ruleset of a bundle, live or not. contacts: other ones than these rulesets are filled with.

        Raises RulesetNotFound, BundleError, RulesetError, EngineLimitError, StoreUnavailable.
        """
        choice = self._contacts if contacts is None else contacts
        key = (digest, choice)
        with self._opening:
            if key not in self._opened:
                ruleset = open_bundle(self._store.get_bundle(digest), digest, choice)
                evaluator = Evaluator(ruleset, digest, second_opinion=self._second_opinion, alarm=self._alarm)
                if contacts is None:
                    for message in ignored_choices(ruleset.declared_contacts, choice):
                        log.warning(message, extra={"ruleset": ruleset.name})
                self._opened[key] = Loaded(ruleset, digest, evaluator)
                self._forget_oldest()
            self._opened.move_to_end(key)
            return self._opened[key]

    def of_result(self, digest: str, result: Mapping[str, Any]) -> Loaded:
        """Return the ruleset that made a result, with the contacts that it was made with. Raises as `by_digest`."""
        loaded, recorded = self.by_digest(digest), result.get("contacts")
        if recorded is None or recorded == contacts_as_json(loaded.ruleset.contacts):
            return loaded
        return self.by_digest(digest, ContactChoice(recorded["country"], tuple(sorted(recorded["values"].items()))))

    def _open_live(self, name: str, digest: str) -> Loaded:
        """Open a live ruleset. Raises BundleError, without a new attempt within TRY_AGAIN_SECONDS of a failed one."""
        refused, now = self._refused.get(name), time.monotonic()
        if refused is None or refused.digest != digest or now - refused.tried >= TRY_AGAIN_SECONDS:
            try:
                return self.by_digest(digest)
            except (BundleError, RulesetError, RulesetNotFound, EngineLimitError) as error:
                log.exception("the live ruleset could not be opened", extra={"ruleset": name})
                refused = self._refused[name] = _Refused(digest, str(error), now)
        raise BundleError(f"the live ruleset `{name}` can't be opened: {refused.reason}")

    def _forget_oldest(self) -> None:
        live = {live_ruleset.digest for live_ruleset in self._live.values()}
        others = [key for key in self._opened if key[0] not in live or key[1] != self._contacts]
        for key in others[: max(0, len(others) - KEPT)]:
            del self._opened[key]

    def _follow(self) -> dict[str, LiveRuleset]:
        asked = self._asked
        if time.monotonic() - asked >= ASK_AFTER_SECONDS and self._asking.acquire(blocking=asked == NEVER):
            try:
                if self._asked == asked:  # else another thread asked while this one waited
                    now, refreshes = time.monotonic(), self._refreshes
                    try:
                        self._live = self._store.get_live()
                    except StoreUnavailable:
                        self._failed = time.monotonic()
                        raise
                    self._failed = NEVER
                    self._asked = now if refreshes == self._refreshes else NEVER
            finally:
                self._asking.release()
        return self._live

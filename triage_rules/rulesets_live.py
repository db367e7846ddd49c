"""The rulesets that are live, opened and ready; followed between two reports, the last good one kept."""

from __future__ import annotations

import logging
import threading
import time
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass

from triage_rules.bundles import open_bundle
from triage_rules.errors import BundleError, EngineLimitError, RulesetError, RulesetNotFound
from triage_rules.evaluating import Evaluator
from triage_rules.ledger import Ledger, LiveRuleset
from triage_rules.ruleset import Ruleset

KEPT = 8
"""Opened rulesets that a process keeps: the live ones, and those of reports accepted a little earlier."""

ASK_AFTER_SECONDS = 0.2

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Loaded:
    """A ruleset that was opened."""

    ruleset: Ruleset
    digest: str
    evaluator: Evaluator

    @property
    def version(self) -> str:
        return self.ruleset.version


class LiveRulesets:
    """What is live in the ledger, asked for at most every ASK_AFTER_SECONDS. May be shared by threads."""

    def __init__(
        self, ledger: Ledger, *, second_opinion: bool = True, alarm: Callable[[], None] = lambda: None
    ) -> None:
        self._ledger = ledger
        self._second_opinion = second_opinion
        self._alarm = alarm
        self._lock = threading.RLock()
        self._live: dict[str, LiveRuleset] = {}
        self._asked = float("-inf")
        self._opened: OrderedDict[str, Loaded] = OrderedDict()
        self._good: dict[str, Loaded] = {}
        self._refused: dict[str, str] = {}

    def refresh(self) -> None:
        """Ask the ledger at the next call, however recently it was asked."""
        self._asked = float("-inf")

    def names(self) -> list[str]:
        """The names of the live rulesets. Raises LedgerUnavailable."""
        with self._lock:
            return sorted(self._follow())

    def refused(self) -> dict[str, str]:
        """Live rulesets that could not be opened here, and why; the last good one decides in their place."""
        with self._lock:
            return dict(self._refused)

    def get(self, name: str) -> Loaded:
        """The live ruleset of that name. Raises RulesetNotFound, BundleError, LedgerUnavailable."""
        with self._lock:
            live = self._follow()
            if name not in live:
                raise RulesetNotFound(f"no ruleset `{name}` is live")
            try:
                loaded = self.by_digest(live[name].digest)
            except (BundleError, RulesetError, RulesetNotFound, EngineLimitError) as error:
                log.exception("the live ruleset could not be opened", extra={"ruleset": name})
                self._refused[name] = str(error)
                if name not in self._good:
                    raise BundleError(f"the live ruleset `{name}` can't be opened: {error}") from error
                return self._good[name]
            self._refused.pop(name, None)
            self._good[name] = loaded
            return loaded

    def by_digest(self, digest: str) -> Loaded:
        """The ruleset of a bundle, live or not.

        Raises RulesetNotFound, BundleError, RulesetError, EngineLimitError, LedgerUnavailable.
        """
        with self._lock:
            if digest not in self._opened:
                ruleset = open_bundle(self._ledger.bundle(digest), digest)
                evaluator = Evaluator(ruleset, digest, second_opinion=self._second_opinion, alarm=self._alarm)
                self._opened[digest] = Loaded(ruleset, digest, evaluator)
                while len(self._opened) > KEPT:
                    self._opened.popitem(last=False)
            self._opened.move_to_end(digest)
            return self._opened[digest]

    def _follow(self) -> dict[str, LiveRuleset]:
        now = time.monotonic()
        if now - self._asked >= ASK_AFTER_SECONDS:
            self._live = self._ledger.live()
            self._asked = now
        return self._live

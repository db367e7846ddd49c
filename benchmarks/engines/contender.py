"""The interface of every adapter: an engine with a loaded ruleset, which decides reports and measures the time."""

from __future__ import annotations

import time
from abc import ABC, abstractmethod
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from triage_rules.language.model import Answers, Ruleset


@dataclass(frozen=True, slots=True)
class Decided:
    """A decision that all engines must agree on: the level, and the rules that fired."""

    level: str
    fired: frozenset[str]


class NotHere(Exception):
    """The engine isn't installed on this machine."""


class Contender(ABC):
    """An engine with a ruleset, loaded once for all reports. Raises NotHere."""

    name: str
    explains = False
    """True if the engine's answer includes reasons; otherwise it is only the fired rules."""

    @abstractmethod
    def decide(self, reports: Sequence[Answers]) -> list[Decided]:
        """Decide each report."""

    @abstractmethod
    def seconds(self, reports: Sequence[Answers]) -> float:
        """Return the processor time for all reports, one after the other, in all threads of the process."""

    def close(self) -> None:  # noqa: B027 - most hold nothing
        """Release the engine's resources."""


class InProcess(Contender):
    """An engine that is called from Python. Only `run` is timed; `read` doesn't count."""

    def __init__(self, ruleset: Ruleset) -> None:
        self.ruleset = ruleset

    @abstractmethod
    def run(self, answers: Answers) -> Any:
        """Evaluate a report, and return the engine's own answer."""

    @abstractmethod
    def read(self, answer: Any) -> Decided:
        """Convert that answer for the comparison."""

    def decide(self, reports: Sequence[Answers]) -> list[Decided]:
        return [self.read(self.run(report)) for report in reports]

    def seconds(self, reports: Sequence[Answers]) -> float:
        run = self.run
        begun = time.process_time()
        for report in reports:
            run(report)
        return time.process_time() - begun

    def from_rules(self, fired: Iterable[str]) -> Decided:
        """Return the level of these rules, for engines without levels."""
        return decided(self.ruleset, fired)


def decided(ruleset: Ruleset, fired: Iterable[str]) -> Decided:
    """Return the decision: the highest level of the fired rules, or the default."""
    rules = frozenset(fired)
    codes = [ruleset.rules[name].outcomes[0].disposition for name in rules] or [ruleset.default.disposition]
    return Decided(max(ruleset.dispositions[code].level for code in codes).word, rules)

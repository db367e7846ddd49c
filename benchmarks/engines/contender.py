"""What every adapter is: an engine with one ruleset loaded, that decides reports and says how long that took."""

from __future__ import annotations

import time
from abc import ABC, abstractmethod
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from triage_rules.language.model import Answers, Ruleset


@dataclass(frozen=True, slots=True)
class Decided:
    """What every engine must agree on: the level, and the rules that fired."""

    level: str
    fired: frozenset[str]


class NotHere(Exception):
    """The engine isn't installed on this machine."""


class Contender(ABC):
    """A ruleset is loaded once and used for all reports. Raises NotHere."""

    name: str
    explains = False
    """Whether what it gives says why; otherwise it is just the rules that fired."""

    @abstractmethod
    def decide(self, reports: Sequence[Answers]) -> list[Decided]:
        """What it makes of each report."""

    @abstractmethod
    def seconds(self, reports: Sequence[Answers]) -> float:
        """How much processor time it takes for all of them, one after the other, in all threads of its process."""

    def close(self) -> None:  # noqa: B027 - most hold nothing
        """Give back what it holds."""


class InProcess(Contender):
    """An engine that is called from Python. Timed is `run` alone; what `read` makes of its answer is free."""

    def __init__(self, ruleset: Ruleset) -> None:
        self.ruleset = ruleset

    @abstractmethod
    def run(self, answers: Answers) -> Any:
        """One report, and whatever the engine answers."""

    @abstractmethod
    def read(self, answer: Any) -> Decided:
        """That answer, as all are compared."""

    def decide(self, reports: Sequence[Answers]) -> list[Decided]:
        return [self.read(self.run(report)) for report in reports]

    def seconds(self, reports: Sequence[Answers]) -> float:
        run = self.run
        begun = time.process_time()
        for report in reports:
            run(report)
        return time.process_time() - begun

    def from_rules(self, fired: Iterable[str]) -> Decided:
        """The level that these rules amount to: for engines that know of none."""
        return decided(self.ruleset, fired)


def decided(ruleset: Ruleset, fired: Iterable[str]) -> Decided:
    """The highest level among the rules that fired, or else the default."""
    rules = frozenset(fired)
    codes = [ruleset.rules[name].outcomes[0].disposition for name in rules] or [ruleset.default.disposition]
    return Decided(max(ruleset.dispositions[code].level for code in codes).word, rules)

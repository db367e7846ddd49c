"""Every refusal, one root.

TriageError
├── RulesetError          a ruleset file was refused (carries `faults`)
├── RulesetNotFound       no ruleset of that name is live, or no such folder
│   └── NoRulesetLive     none is live at all: nothing can be accepted yet
├── EngineLimitError      the ruleset goes beyond what durable-rules can hold
├── BundleError           a stored bundle is not what its digest says
├── ReportError           a report was refused (carries `faults`)
├── EngineError           durable-rules failed on a report
├── LedgerUnavailable     Redis is away, full or too slow
├── QueueTooOld           reports wait too long: nothing more is accepted
├── IdempotencyMismatch   the key was used for another report
├── StaleRuleset          the live ruleset changed while a report was being accepted
├── ReportNotFound        no report of that id
├── KeyRequired           the caller gave no API key that is known
├── EventError            an entry of the result stream is no event of ours
└── SettingsError         a TRIAGE_* setting is wrong or unknown
"""

from __future__ import annotations

from dataclasses import dataclass

from triage_rules.ruleset import Place


class TriageError(Exception):
    """Something was refused."""

    def __init__(self, message: str | None = None) -> None:
        super().__init__(message or (self.__doc__ or "").strip().splitlines()[0])


@dataclass(frozen=True, slots=True)
class RulesetFault:
    """One fault of a ruleset file: where, what was written, what was expected, what was likely meant."""

    place: Place
    message: str

    def __str__(self) -> str:
        return f"{self.place}: {self.message}"


class RulesetError(TriageError):
    """The ruleset was refused."""

    def __init__(self, faults: tuple[RulesetFault, ...]) -> None:
        self.faults = faults
        super().__init__("\n".join(map(str, faults)))


class RulesetNotFound(TriageError):
    """There is no such ruleset."""


class NoRulesetLive(RulesetNotFound):
    """No ruleset is live yet, so nothing can be accepted."""


class EngineLimitError(TriageError):
    """The ruleset goes beyond what durable-rules can hold."""


class BundleError(TriageError):
    """The stored bundle is not what its digest says."""


@dataclass(frozen=True, slots=True)
class ReportFault:
    """One fault of a report: an RFC 6901 pointer to it, a stable code, and a sentence without any answer in it."""

    pointer: str
    code: str
    detail: str


class ReportError(TriageError):
    """The report was refused."""

    def __init__(self, faults: tuple[ReportFault, ...]) -> None:
        self.faults = faults
        super().__init__("\n".join(f"{f.pointer or '(whole report)'}: {f.detail}" for f in faults))


class EngineError(TriageError):
    """The rule engine failed."""


class LedgerUnavailable(TriageError):
    """The ledger can't be reached."""


class QueueTooOld(TriageError):
    """Reports are waiting too long; try again later."""


class IdempotencyMismatch(TriageError):
    """The Idempotency-Key was used for another report."""


class StaleRuleset(TriageError):
    """The live ruleset changed while the report was being accepted."""


class ReportNotFound(TriageError):
    """There is no such report."""


class EventError(TriageError):
    """The entry of the stream is no result event."""


class KeyRequired(TriageError):
    """An API key is required."""


class SettingsError(TriageError):
    """A setting is wrong."""

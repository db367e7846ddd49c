"""Every refusal, one root.

TriageError
├── RulesetError          a ruleset file was refused (carries `faults`)
│   ├── CasesFailed       the ruleset doesn't give what its cases want
│   └── PropertiesFailed  the ruleset doesn't do what its properties claim, or nobody knows
├── RulesetNotFound       no ruleset of that name is live, or no such folder
│   └── NoRulesetLive     none is live at all: nothing can be accepted yet
├── EngineLimitError      the ruleset goes beyond what durable-rules can hold
├── BundleError           a stored bundle is not what its digest says
├── ReportError           a report was refused (carries `faults`)
├── EngineError           durable-rules failed on a report
├── EngineUnavailable     durable-rules is installed, and can't be loaded
├── StoreUnavailable      Redis is away, full or too slow
├── QueueTooOld           reports wait too long: nothing more is accepted
├── IdempotencyMismatch   the key was used for another report
├── StaleRuleset          the live ruleset changed while a report was being accepted
├── ReportNotFound        no report of that id
├── DecryptionError       what is stored is encrypted, and can't be opened with the keys that are set
├── SubjectOfSeveral      more than one client has reports of that subject (carries `clients`)
├── AuditError            the audit log was tampered with
├── KeyNotFound           no API key of that id
├── GroupNotFound         no consumer group of that name
├── ProposalNotFound      no proposal of that id
├── ProposalRefused       a proposal can't be made, or not be decided so
├── WorkbenchBusy         somebody else's draft is being looked at
├── WorkbenchFailed       nothing is known of a draft: it took too long, or broke the process
├── LinkError             a link to a form or result can't be made, or opens nothing (carries `name`)
├── EventError            an entry of the result stream is no event of ours
└── SettingsError         a TRIAGE_* setting is wrong or unknown
"""

from __future__ import annotations

from dataclasses import dataclass

from triage_rules.foundation.place import Place


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


class CasesFailed(RulesetError):
    """The ruleset does not give what its cases want."""

    def __init__(self, faults: tuple[RulesetFault, ...], count: int) -> None:
        super().__init__(faults)
        self.args = (f"{self}\nRefused: {len(faults)} of {count} cases failed. What is live stays.",)


class PropertiesFailed(RulesetError):
    """The ruleset does not do what its properties claim of every report, as far as is known."""

    def __init__(self, faults: tuple[RulesetFault, ...], count: int) -> None:
        super().__init__(faults)
        self.args = (f"{self}\nRefused: {len(faults)} of {count} properties don't hold. What is live stays.",)


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
    """The report was refused. `left_out`: how many more faults it has than are in `faults`."""

    def __init__(self, faults: tuple[ReportFault, ...], left_out: int = 0) -> None:
        self.faults = faults
        self.left_out = left_out
        lines = [f"{f.pointer or '(whole report)'}: {f.detail}" for f in faults]
        super().__init__("\n".join([*lines, describe_left_out(left_out)] if left_out else lines))


def describe_left_out(left_out: int) -> str:
    """Said after the faults that are told, if there are more."""
    return f"and {left_out} more fault{'' if left_out == 1 else 's'}"


class EngineError(TriageError):
    """The rule engine failed."""


class EngineUnavailable(TriageError):
    """The rule engine is installed, and can't be loaded."""


class StoreUnavailable(TriageError):
    """The store can't be reached."""


class CredentialsRefused(StoreUnavailable):
    """The store answers, and takes neither this name nor this password."""


class QueueTooOld(TriageError):
    """Reports are waiting too long; try again later. `over_ms`: by how much."""

    def __init__(self, over_ms: int = 0) -> None:
        self.over_ms = over_ms
        super().__init__()


class IdempotencyMismatch(TriageError):
    """The Idempotency-Key was used for another report."""


class StaleRuleset(TriageError):
    """The live ruleset changed while the report was being accepted."""


class ReportNotFound(TriageError):
    """There is no such report."""


class NoPlace(TriageError):
    """There is no such place on the board."""


class NotSettled(TriageError):
    """The report waits to be decided."""


class NotRedrivable(TriageError):
    """The report can't be tried anew: it is no dead letter, or was put back too often."""


class EventError(TriageError):
    """The entry of the stream is no result event."""


class DecryptionError(TriageError):
    """What is stored can't be opened with the encryption keys that are set."""


class SubjectOfSeveral(TriageError):
    """More than one client has reports of that subject, and they may be different people; say whose to erase."""

    def __init__(self, clients: tuple[str, ...]) -> None:
        self.clients = clients
        super().__init__()


class AuditError(TriageError):
    """The audit log was tampered with."""


class KeyNotFound(TriageError):
    """There is no such API key."""


class GroupNotFound(TriageError):
    """There is no such consumer group."""


class ProposalNotFound(TriageError):
    """There is no such proposal, or not any more."""


class ProposalRefused(TriageError):
    """The proposal can't be made, or not be decided so."""


class WorkbenchBusy(TriageError):
    """Another draft is being looked at, and only one is at a time; try again in a moment."""


class WorkbenchFailed(TriageError):
    """Nothing is known of the draft."""


class LinkError(TriageError):
    """The link opens nothing. `name`: what of it is wrong, `link` for the whole of it."""

    def __init__(self, name: str, detail: str = "") -> None:
        self.name = name
        self.detail = detail
        super().__init__(f"{name}: {detail}")


class SettingsError(TriageError):
    """A setting is wrong."""

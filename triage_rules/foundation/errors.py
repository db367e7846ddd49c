"""Every error of the core, under one root. A class's docstring is its default message.

TriageError
├── RulesetError             a ruleset file was rejected (carries `faults`)
│   ├── CasesFailed          the ruleset does not pass its own cases
│   ├── PersonasFailed       an interview of a persona does not end with the expected outcome
│   ├── VignettesFailed      a vignette gets too mild an outcome, or the vignettes miss their budget
│   └── PropertiesFailed     a property of the ruleset is broken or not proved
├── RulesetNotFound          no ruleset of that name is live, or no such folder
│   ├── NoRulesetLive        no ruleset is live at all: no report can be accepted yet
│   └── NoEarlierDeployment  the ruleset is live, and has no earlier version to roll back to
├── EngineLimitError         the ruleset is larger than durable-rules can hold
├── BundleError              a stored bundle does not match its digest
├── ReportError              a report was rejected (carries `faults`)
├── EngineError              durable-rules failed on a report
├── EngineUnavailable        durable-rules is installed, and can't be loaded
├── StoreUnavailable         Redis is away, full or too slow
│   └── CredentialsRefused   Redis answers, and rejects the name or the password
├── QueueTooOld              reports have waited too long: no more are accepted (carries `over_ms`)
├── IdempotencyMismatch      the Idempotency-Key was used for another report
├── StaleRuleset             the live ruleset changed while a report was being accepted
├── ReportNotFound           no report has that id
├── PositionNotFound         a position on the board is malformed
├── ReportNotSettled         the report is not decided yet
├── RequeueRefused           the report is not a dead letter, or was requeued too often
├── DecryptionError          stored data is encrypted, and the keys that are set can't decrypt it
├── SubjectOfSeveral         several clients have reports of that subject (carries `clients`)
├── AuditError               the audit log was changed
├── KeyNotFound              no API key has that id
├── GroupNotFound            no consumer group has that name
├── ProposalNotFound         no proposal has that id
├── ProposalRefused          a proposal can't be made, or not be decided that way
├── WorkbenchBusy            another draft is being checked
├── WorkbenchFailed          a draft could not be checked: it took too long, or ended the process
├── LinkError                a link to a form or result is invalid (carries `name`)
├── EventError               an entry of the result stream is not a result event
└── SettingsError            a TRIAGE_* setting is wrong or unknown
"""

from __future__ import annotations

from dataclasses import dataclass

from triage_rules.foundation.place import Place


class TriageError(Exception):
    """The request was rejected."""

    def __init__(self, message: str | None = None) -> None:
        super().__init__(message or (self.__doc__ or "").strip().splitlines()[0])


@dataclass(frozen=True, slots=True)
class RulesetFault:
    """A fault of a ruleset file: its place, and a message with what was written and what was expected."""

    place: Place
    message: str

    def __str__(self) -> str:
        return f"{self.place}: {self.message}"


class RulesetError(TriageError):
    """The ruleset was rejected; fix its faults."""

    def __init__(self, faults: tuple[RulesetFault, ...]) -> None:
        self.faults = faults
        super().__init__("\n".join(map(str, faults)))


class CasesFailed(RulesetError):
    """The ruleset does not pass its own cases; fix the rules or the cases."""

    def __init__(self, faults: tuple[RulesetFault, ...], count: int) -> None:
        super().__init__(faults)
        self.args = (f"{self}\nRefused: {len(faults)} of {count} cases failed. The live version stays.",)


class PersonasFailed(RulesetError):
    """An interview of a persona does not end with the expected outcome; fix the rules or the persona."""

    def __init__(self, faults: tuple[RulesetFault, ...], count: int) -> None:
        super().__init__(faults)
        self.args = (f"{self}\nRefused: {len(faults)} of {count} personas failed. The live version stays.",)


class VignettesFailed(RulesetError):
    """The vignettes get too mild outcomes, or miss their budget; fix the rules, or have the vignettes reviewed."""

    def __init__(self, faults: tuple[RulesetFault, ...], count: int) -> None:
        super().__init__(faults)
        self.args = (f"{self}\nRefused: {count} vignettes were run, with the faults above. The live version stays.",)


class PropertiesFailed(RulesetError):
    """A property of the ruleset is broken or not proved; fix the rules or the property."""

    def __init__(self, faults: tuple[RulesetFault, ...], count: int) -> None:
        super().__init__(faults)
        self.args = (f"{self}\nRefused: {len(faults)} of {count} properties don't hold. The live version stays.",)


class RulesetNotFound(TriageError):
    """There is no such ruleset; check its name or folder."""


class NoRulesetLive(RulesetNotFound):
    """No ruleset is live, so no report can be accepted; deploy a ruleset first."""


class NoEarlierDeployment(RulesetNotFound):
    """The ruleset has no earlier deployment to return to."""


class EngineLimitError(TriageError):
    """The ruleset is larger than durable-rules can hold; split large conditions into statements."""


class BundleError(TriageError):
    """The stored bundle does not match its digest; deploy the ruleset again."""


@dataclass(frozen=True, slots=True)
class ReportFault:
    """A fault of a report: an RFC 6901 pointer to it, a stable code, and a sentence that repeats no answer."""

    pointer: str
    code: str
    detail: str


class ReportError(TriageError):
    """The report was rejected. `left_out`: the number of faults beyond those in `faults`."""

    def __init__(self, faults: tuple[ReportFault, ...], left_out: int = 0) -> None:
        self.faults = faults
        self.left_out = left_out
        lines = [f"{f.pointer or '(whole report)'}: {f.detail}" for f in faults]
        super().__init__("\n".join([*lines, describe_left_out(left_out)] if left_out else lines))


def describe_left_out(left_out: int) -> str:
    """Return the line that follows a cut list of faults."""
    return f"and {left_out} more fault{'' if left_out == 1 else 's'}"


class EngineError(TriageError):
    """The rule engine failed on this report; its log names the cause."""


class EngineUnavailable(TriageError):
    """The rule engine is installed, and can't be loaded."""


class StoreUnavailable(TriageError):
    """Redis can't be reached, is full or too slow; try again, and see `triage status`."""


class CredentialsRefused(StoreUnavailable):
    """Redis rejects this name or password; check TRIAGE_REDIS_URL."""


class QueueTooOld(TriageError):
    """Reports have waited too long, so no more are accepted; try again later. `over_ms`: by how much too long."""

    def __init__(self, over_ms: int = 0) -> None:
        self.over_ms = over_ms
        super().__init__()


class IdempotencyMismatch(TriageError):
    """The Idempotency-Key was used for another report; send a new key."""


class StaleRuleset(TriageError):
    """The live ruleset changed while the report was being accepted; send the report again."""


class ReportNotFound(TriageError):
    """There is no report with this id; it may have expired."""


class PositionNotFound(TriageError):
    """The position on the board is malformed; start again from the first page."""


class ReportNotSettled(TriageError):
    """The report is not decided yet; wait for its result."""


class RequeueRefused(TriageError):
    """The report can't be requeued: it is not a dead letter, or was requeued too often."""


class EventError(TriageError):
    """The stream entry is not a result event; only the service may write to this stream."""


class DecryptionError(TriageError):
    """Stored data can't be decrypted; add the key it was encrypted with to TRIAGE_ENCRYPTION_KEYS."""


class SubjectOfSeveral(TriageError):
    """Several clients have reports of this subject, who may be different people; name the client to erase for."""

    def __init__(self, clients: tuple[str, ...]) -> None:
        self.clients = clients
        super().__init__()


class AuditError(TriageError):
    """The audit log was changed; see `triage audit verify`."""


class KeyNotFound(TriageError):
    """There is no API key with this id; see `triage key list`."""


class GroupNotFound(TriageError):
    """There is no such consumer group; see `triage status`."""


class ProposalNotFound(TriageError):
    """There is no proposal with this id; it may have expired."""


class ProposalRefused(TriageError):
    """The proposal can't be made or decided that way; look at the open proposals again."""


class WorkbenchBusy(TriageError):
    """Another draft is being checked, and only one is checked at a time; try again in a moment."""


class WorkbenchFailed(TriageError):
    """The draft could not be checked; make it smaller, or try again."""


class LinkError(TriageError):
    """The link is invalid. `name`: the parameter that is wrong, or `link` for the whole link."""

    def __init__(self, name: str, detail: str = "") -> None:
        self.name = name
        self.detail = detail
        super().__init__(f"{name}: {detail}")


class SettingsError(TriageError):
    """A setting is wrong; see docs/reference/settings.md."""

"""Exit codes: their meanings, and the code of each error (docs/reference/exit-codes.md)."""

from __future__ import annotations

import enum

from triage_rules.foundation import errors
from triage_rules.foundation.errors import TriageError


class ExitCode(enum.IntEnum):
    """Result of a command, for scripts."""

    OK = 0
    FINDINGS = 1
    USAGE = 2
    CANNOT_RUN = 3


EXIT_CODES: dict[type[TriageError], ExitCode] = {
    TriageError: ExitCode.CANNOT_RUN,
    errors.RulesetError: ExitCode.FINDINGS,
    errors.CasesFailed: ExitCode.FINDINGS,
    errors.PersonasFailed: ExitCode.FINDINGS,
    errors.VignettesFailed: ExitCode.FINDINGS,
    errors.PropertiesFailed: ExitCode.FINDINGS,
    errors.RulesetNotFound: ExitCode.USAGE,
    errors.NoRulesetLive: ExitCode.USAGE,
    errors.NoEarlierDeployment: ExitCode.USAGE,
    errors.EngineLimitError: ExitCode.FINDINGS,
    errors.BundleError: ExitCode.FINDINGS,
    errors.ReportError: ExitCode.FINDINGS,
    errors.EngineError: ExitCode.CANNOT_RUN,
    errors.EngineUnavailable: ExitCode.CANNOT_RUN,
    errors.StoreUnavailable: ExitCode.CANNOT_RUN,
    errors.CredentialsRefused: ExitCode.CANNOT_RUN,
    errors.QueueTooOld: ExitCode.CANNOT_RUN,
    errors.IdempotencyMismatch: ExitCode.FINDINGS,
    errors.StaleRuleset: ExitCode.CANNOT_RUN,
    errors.ReportNotFound: ExitCode.USAGE,
    errors.PositionNotFound: ExitCode.USAGE,
    errors.ReportNotSettled: ExitCode.FINDINGS,
    errors.RequeueRefused: ExitCode.FINDINGS,
    errors.DecryptionError: ExitCode.CANNOT_RUN,
    errors.SubjectOfSeveral: ExitCode.FINDINGS,
    errors.AuditError: ExitCode.CANNOT_RUN,
    errors.KeyNotFound: ExitCode.USAGE,
    errors.GroupNotFound: ExitCode.USAGE,
    errors.ProposalNotFound: ExitCode.USAGE,
    errors.ProposalRefused: ExitCode.FINDINGS,
    errors.WorkbenchBusy: ExitCode.CANNOT_RUN,
    errors.WorkbenchFailed: ExitCode.CANNOT_RUN,
    errors.LinkError: ExitCode.USAGE,
    errors.EventError: ExitCode.CANNOT_RUN,
    errors.SettingsError: ExitCode.USAGE,
}
"""Exit code of every error of the core, by its own class: a new error needs a row here and in the docs."""


def exit_code_of(error: TriageError) -> ExitCode:
    """Return the exit code of an error."""
    return EXIT_CODES[type(error)]

"""The closed list of what `triage check` can find: a type, how serious it is, and what it means in one line.

docs/reference/checks.md explains each with an example.
"""

from __future__ import annotations

import enum


class Severity(enum.StrEnum):
    """How serious a finding is. An error may not go live; a warning fails with `--strict`; a note never fails."""

    ERROR = "error"
    WARNING = "warning"
    NOTE = "note"


class CheckType(enum.StrEnum):
    """What can be found. The order is that of telling, within one severity."""

    FAULT = "fault"
    ENGINE_LIMIT = "engine_limit"
    UNREACHABLE_RULE = "unreachable_rule"
    UNREACHABLE_OUTCOME = "unreachable_outcome"
    UNREACHABLE_STATEMENT = "unreachable_statement"
    CONTRADICTING_STATEMENTS = "contradicting_statements"
    MISSING_REASON = "missing_reason"
    MISSING_SOURCE = "missing_source"
    MISSING_OWNER = "missing_owner"
    DEAD_CONDITION = "dead_condition"
    REDUNDANT_RULE = "redundant_rule"
    SHADOWED_RULE = "shadowed_rule"
    EDGE_GAP = "edge_gap"
    EDGE_OVERLAP = "edge_overlap"
    EDGE_MIXED = "edge_mixed"
    UNUSED_INPUT = "unused_input"
    MISSPELT_GROUP = "misspelt_group"
    IDLE_MANDATORY = "idle_mandatory"
    EXPIRED_REVIEW = "expired_review"
    UNUSED_ACCEPTANCE = "unused_acceptance"
    INCOMPLETE = "incomplete"
    EQUAL_STATEMENTS = "equal_statements"
    UNUSED_STATEMENT = "unused_statement"
    UNREAD_VALUE = "unread_value"
    GAP = "gap"

    @property
    def severity(self) -> Severity:
        """How serious it is."""
        if self in _ERRORS:
            return Severity.ERROR
        return Severity.NOTE if self in _NOTES else Severity.WARNING

    @property
    def acceptable(self) -> bool:
        """It can be accepted on purpose, with a reason in the ruleset file."""
        return self not in _NEVER_ACCEPTED

    @property
    def means(self) -> str:
        """What it means, in one line."""
        return _MEANS[self]


_ERRORS = {
    CheckType.FAULT,
    CheckType.ENGINE_LIMIT,
    CheckType.UNREACHABLE_RULE,
    CheckType.UNREACHABLE_OUTCOME,
    CheckType.UNREACHABLE_STATEMENT,
    CheckType.CONTRADICTING_STATEMENTS,
    CheckType.MISSING_REASON,
    CheckType.MISSING_SOURCE,
    CheckType.MISSING_OWNER,
}
_NOTES = {
    CheckType.EQUAL_STATEMENTS,
    CheckType.UNUSED_STATEMENT,
    CheckType.UNREAD_VALUE,
    CheckType.GAP,
}
_NEVER_ACCEPTED = {
    CheckType.FAULT,
    CheckType.ENGINE_LIMIT,
    CheckType.UNUSED_ACCEPTANCE,
    CheckType.INCOMPLETE,
}
_MEANS = {
    CheckType.FAULT: "the file can't be read as a ruleset: schema, types, names, circles, units, cases",
    CheckType.ENGINE_LIMIT: "the rules are more than the engine can hold",
    CheckType.UNREACHABLE_RULE: "a rule or floor that no report can make fire",
    CheckType.UNREACHABLE_OUTCOME: "a `raised` that no report can make hold",
    CheckType.UNREACHABLE_STATEMENT: "an inference or conflict that no report can establish",
    CheckType.CONTRADICTING_STATEMENTS: "two statements under one `all` that never hold together",
    CheckType.MISSING_REASON: "a reason that says nothing",
    CheckType.MISSING_SOURCE: "a source that says nothing",
    CheckType.MISSING_OWNER: "an owner that names nobody",
    CheckType.DEAD_CONDITION: "a part of a condition that no report can make true",
    CheckType.REDUNDANT_RULE: "a rule or floor without which every report gets the same",
    CheckType.SHADOWED_RULE: "whenever this rule fires, another one gives the same or more",
    CheckType.EDGE_GAP: "two limits that don't meet: the value between them is taken by neither",
    CheckType.EDGE_OVERLAP: "two limits that overlap: the value between them is taken by both",
    CheckType.EDGE_MIXED: "conditions that disagree about a limit itself",
    CheckType.UNUSED_INPUT: "a question whose answer nothing reads",
    CheckType.MISSPELT_GROUP: "a group of one question, named almost like another group",
    CheckType.IDLE_MANDATORY: "a mandatory question that no rule reads, or a mandatory list that raises nothing",
    CheckType.EXPIRED_REVIEW: "a rule or floor whose day of review has passed",
    CheckType.UNUSED_ACCEPTANCE: "an acceptance of something that was not found",
    CheckType.INCOMPLETE: "the time ran out before something was decided",
    CheckType.EQUAL_STATEMENTS: "two statements that always hold in the same reports",
    CheckType.UNUSED_STATEMENT: "a statement that nothing reads",
    CheckType.UNREAD_VALUE: "an answer of a choice that no condition reads",
    CheckType.GAP: "reports with every mandatory answer that only the default decides",
}

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


class FindingType(enum.StrEnum):
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
    FindingType.FAULT,
    FindingType.ENGINE_LIMIT,
    FindingType.UNREACHABLE_RULE,
    FindingType.UNREACHABLE_OUTCOME,
    FindingType.UNREACHABLE_STATEMENT,
    FindingType.CONTRADICTING_STATEMENTS,
    FindingType.MISSING_REASON,
    FindingType.MISSING_SOURCE,
    FindingType.MISSING_OWNER,
}
_NOTES = {
    FindingType.EQUAL_STATEMENTS,
    FindingType.UNUSED_STATEMENT,
    FindingType.UNREAD_VALUE,
    FindingType.GAP,
}
_NEVER_ACCEPTED = {
    FindingType.FAULT,
    FindingType.ENGINE_LIMIT,
    FindingType.UNUSED_ACCEPTANCE,
    FindingType.INCOMPLETE,
}
_MEANS = {
    FindingType.FAULT: "the file can't be read as a ruleset: schema, types, names, circles, units, cases",
    FindingType.ENGINE_LIMIT: "the rules are more than the engine can hold",
    FindingType.UNREACHABLE_RULE: "a rule or floor that no report can make fire",
    FindingType.UNREACHABLE_OUTCOME: "a `raised` that no report can make hold",
    FindingType.UNREACHABLE_STATEMENT: "an inference or conflict that no report can establish",
    FindingType.CONTRADICTING_STATEMENTS: "two statements under one `all` that never hold together",
    FindingType.MISSING_REASON: "a reason that says nothing",
    FindingType.MISSING_SOURCE: "a source that says nothing",
    FindingType.MISSING_OWNER: "an owner that names nobody",
    FindingType.DEAD_CONDITION: "a part of a condition that no report can make true",
    FindingType.REDUNDANT_RULE: "a rule or floor without which every report gets the same",
    FindingType.SHADOWED_RULE: "whenever this rule fires, another one gives the same or more",
    FindingType.EDGE_GAP: "two limits that don't meet: the value between them is taken by neither",
    FindingType.EDGE_OVERLAP: "two limits that overlap: the value between them is taken by both",
    FindingType.EDGE_MIXED: "conditions that disagree about a limit itself",
    FindingType.UNUSED_INPUT: "a question whose answer nothing reads",
    FindingType.MISSPELT_GROUP: "a group of one question, named almost like another group",
    FindingType.IDLE_MANDATORY: "a mandatory question that no rule reads, or a mandatory list that raises nothing",
    FindingType.EXPIRED_REVIEW: "a rule or floor whose day of review has passed",
    FindingType.UNUSED_ACCEPTANCE: "an acceptance of something that was not found",
    FindingType.INCOMPLETE: "the time ran out before something was decided",
    FindingType.EQUAL_STATEMENTS: "two statements that always hold in the same reports",
    FindingType.UNUSED_STATEMENT: "a statement that nothing reads",
    FindingType.UNREAD_VALUE: "an answer of a choice that no condition reads",
    FindingType.GAP: "reports with every mandatory answer that only the default decides",
}

"""The closed list of checks: each is one row here, one generator in `assurance/checking`, one section of the docs."""

from __future__ import annotations

import enum
from typing import Self


class Severity(enum.StrEnum):
    """The consequence of a finding: an error may not go live, a warning fails with `--strict`, a note never fails."""

    ERROR = "error"
    WARNING = "warning"
    NOTE = "note"


class Family(enum.StrEnum):
    """Checks that run together. If their time runs out, this name is reported."""

    UPKEEP = "upkeep"
    REACH = "unreachable parts"
    PARTS = "parts of conditions"
    USE = "unused parts"
    INTERVIEW = "interview"
    OPEN_DANGER = "open danger"
    MENTIONS = "mentions"
    LIMITS = "limits on numbers"
    SUPERFLUOUS = "superfluous rules"
    EQUAL = "equal statements"
    GAPS = "gaps"


class CheckType(enum.StrEnum):
    """Every check: its code word, its severity, its family, and what a finding of it means.

    Within one severity, findings are listed in this order.
    """

    severity: Severity
    family: Family | None
    """None: found while the ruleset is read or compiled, or after all families have run."""

    meaning: str

    def __new__(cls, word: str, severity: Severity, family: Family | None, meaning: str) -> Self:
        """Make the member of one row: the code word, with the other columns as attributes."""
        member = str.__new__(cls, word)
        member._value_ = word
        member.severity, member.family, member.meaning = severity, family, meaning
        return member

    # fmt: off
    FAULT = "fault", Severity.ERROR, None, "the file is not a valid ruleset: schema, types, names, circles, units, cases"
    ENGINE_LIMIT = "engine_limit", Severity.ERROR, None, "the rules are more than the engine can hold"
    UNREACHABLE_RULE = "unreachable_rule", Severity.ERROR, Family.REACH, "a rule or floor that no report can make fire"
    UNREACHABLE_OUTCOME = "unreachable_outcome", Severity.ERROR, Family.REACH, "a `raised` that no report can make true"
    UNREACHABLE_STATEMENT = "unreachable_statement", Severity.ERROR, Family.REACH, "an inference or conflict that no report can establish"
    CONTRADICTING_STATEMENTS = "contradicting_statements", Severity.ERROR, Family.PARTS, "two statements under one `all` that are never true together"
    MISSING_REASON = "missing_reason", Severity.ERROR, Family.UPKEEP, "a reason without content, such as `todo`"
    MISSING_SOURCE = "missing_source", Severity.ERROR, Family.UPKEEP, "a source without content, such as `todo`"
    MISSING_OWNER = "missing_owner", Severity.ERROR, Family.UPKEEP, "an owner without content, such as `todo`"
    DEAD_CONDITION = "dead_condition", Severity.WARNING, Family.PARTS, "a part of a condition that no report can make true"
    REDUNDANT_RULE = "redundant_rule", Severity.WARNING, Family.SUPERFLUOUS, "a rule or floor whose removal changes no result"
    SHADOWED_RULE = "shadowed_rule", Severity.WARNING, Family.SUPERFLUOUS, "whenever this rule fires, another rule gives the same or more"
    EDGE_GAP = "edge_gap", Severity.WARNING, Family.LIMITS, "two limits that don't meet: neither takes the value between them"
    EDGE_OVERLAP = "edge_overlap", Severity.WARNING, Family.LIMITS, "two limits that overlap: both take the value between them"
    EDGE_MIXED = "edge_mixed", Severity.WARNING, Family.LIMITS, "conditions that disagree about the limit itself"
    UNUSED_INPUT = "unused_input", Severity.WARNING, Family.USE, "a question whose answer no condition reads"
    MISSPELT_GROUP = "misspelt_group", Severity.WARNING, Family.USE, "a group of one question, named almost like another group"
    IDLE_MANDATORY = "idle_mandatory", Severity.WARNING, Family.USE, "a mandatory question that no rule reads, or a mandatory list that raises nothing"
    GATED_DANGER = "gated_danger", Severity.WARNING, Family.INTERVIEW, "a sign that needs action at once where its question is not asked"
    OPEN_DANGER = "open_danger", Severity.WARNING, Family.OPEN_DANGER, "a question that a routine result leaves open, though an answer makes it urgent"
    UNASKED_MENTION = "unasked_mention", Severity.WARNING, Family.MENTIONS, "words of a text that raise a result, though no question asks for the same"
    POINTLESS_GATE = "pointless_gate", Severity.WARNING, Family.INTERVIEW, "a `relevant` or `available_if` that is never false, or never true"
    LATE_SCOPE = "late_scope", Severity.WARNING, Family.INTERVIEW, "a scope question that no `first` screen asks"
    NEGATED_LINE = "negated_line", Severity.WARNING, Family.INTERVIEW, "a line of a panel whose yes is the good answer, or that is a negation"
    IDLE_PANEL = "idle_panel", Severity.WARNING, Family.INTERVIEW, "a panel of which no condition reads a line"
    EXPIRED_REVIEW = "expired_review", Severity.WARNING, Family.UPKEEP, "a rule or floor whose review date has passed"
    UNUSED_ACCEPTANCE = "unused_acceptance", Severity.WARNING, None, "an acceptance of a finding that does not exist"
    INCOMPLETE = "incomplete", Severity.WARNING, None, "the time ran out before every question was decided"
    EQUAL_STATEMENTS = "equal_statements", Severity.NOTE, Family.EQUAL, "two statements that are true in the same reports"
    UNUSED_STATEMENT = "unused_statement", Severity.NOTE, Family.USE, "a statement that no condition reads"
    UNREAD_VALUE = "unread_value", Severity.NOTE, Family.USE, "an answer of a choice that no condition reads"
    GAP = "gap", Severity.NOTE, Family.GAPS, "reports with every mandatory answer that only the default decides"
    # fmt: on

    @property
    def is_acceptable(self) -> bool:
        """Return whether `accepts` in a ruleset file may accept such a finding: only the checks of a family."""
        return self.family is not None

"""The upkeep of rules: a reason, a source, an owner, and a review date that has not passed."""

from __future__ import annotations

from collections.abc import Iterator

from triage_rules.assurance.checking.context import CheckContext, Finding
from triage_rules.assurance.checking.written_conditions import place_at, rule_path
from triage_rules.foundation.place import Place
from triage_rules.language.check_types import CheckType
from triage_rules.language.model import Floor, Rule
from triage_rules.language.reading.places import MappingNode

EMPTY_WORDS = {"", "todo", "tbd", "tba", "tbc", "fixme", "xxx", "x", "n/a", "na", "none", "null", "unknown", "missing"}
"""Words without content, compared without case and without surrounding dots, dashes and question marks."""


def find_upkeep(context: CheckContext) -> Iterator[Finding]:
    """Yield a finding for each missing reason, source and owner, and each overdue review."""
    for rule in context.ruleset.rules_and_floors:
        yield from _check_rule(context, rule)


def _check_rule(context: CheckContext, rule: Rule | Floor) -> Iterator[Finding]:
    path = rule_path(rule)

    def place(key: str) -> Place:
        """Return the place of the rule's key, or else of the ruleset's key, or else of the rule."""
        own = place_at(context.root, (*path, key))
        if (
            own == place_at(context.root, path)
            and isinstance(context.root, MappingNode)
            and key in context.root.entries
        ):
            return context.root.entries[key].key_place
        return own

    if _is_empty(rule.reason):
        message = f"`{rule.id}` ({rule.title}) gives no reason: `{rule.reason}` has no content"
        yield Finding(CheckType.MISSING_REASON, place("reason"), rule.id, f"{message}.")
    if _is_empty(rule.source.text):
        message = f"`{rule.id}` ({rule.title}) names no source: `{rule.source.text}` has no content"
        yield Finding(CheckType.MISSING_SOURCE, place("source"), rule.id, f"{message}.")
    if _is_empty(rule.owner):
        message = f"`{rule.id}` ({rule.title}) names no owner: `{rule.owner}` has no content"
        yield Finding(CheckType.MISSING_OWNER, place("owner"), rule.id, f"{message}.")
    if rule.review_by < context.today.isoformat():
        message = f"`{rule.id}` ({rule.title}) was due for review by {rule.review_by}"
        yield Finding(CheckType.EXPIRED_REVIEW, place("review_by"), rule.id, f"{message}.")


def _is_empty(text: str) -> bool:
    return text.strip(" .-?!_()[]").casefold() in EMPTY_WORDS

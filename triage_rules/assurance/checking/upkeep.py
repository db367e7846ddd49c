"""What a rule owes its readers: a reason, a source, an owner, and a review that is not overdue."""

from __future__ import annotations

from collections.abc import Iterator

from triage_rules.assurance.checking.context import CheckContext, Finding
from triage_rules.assurance.checking.written_conditions import place_at
from triage_rules.foundation.place import Place
from triage_rules.language.check_types import CheckType
from triage_rules.language.model import Floor, Rule
from triage_rules.language.reading.places import MappingNode

SAYS_NOTHING = {"", "todo", "tbd", "tba", "tbc", "fixme", "xxx", "x", "n/a", "na", "none", "null", "unknown", "missing"}
"""Words that fill a line and say nothing, without case, dots, dashes and question marks around them."""


def find_upkeep(asking: CheckContext) -> Iterator[Finding]:
    """Of every rule and floor."""
    for rule in asking.ruleset.rules_and_floors:
        yield from _one(asking, rule)


def _one(asking: CheckContext, rule: Rule | Floor) -> Iterator[Finding]:
    path = ("rules" if isinstance(rule, Rule) else "safety_net", rule.id)

    def place(key: str) -> Place:
        """The rule's own line of that key, else the whole ruleset's, else the rule."""
        own = place_at(asking.root, (*path, key))
        if own == place_at(asking.root, path) and isinstance(asking.root, MappingNode) and key in asking.root.entries:
            return asking.root.entries[key].key_place
        return own

    if _empty(rule.reason):
        message = f"`{rule.id}` ({rule.title}) gives no reason: `{rule.reason}` says nothing to the patient"
        yield Finding(CheckType.MISSING_REASON, place("reason"), rule.id, f"{message}.")
    if _empty(rule.source.text):
        message = f"`{rule.id}` ({rule.title}) names no source: `{rule.source.text}` says nothing"
        yield Finding(CheckType.MISSING_SOURCE, place("source"), rule.id, f"{message}.")
    if _empty(rule.owner):
        message = f"nobody answers for `{rule.id}` ({rule.title}): the owner is `{rule.owner}`"
        yield Finding(CheckType.MISSING_OWNER, place("owner"), rule.id, f"{message}.")
    if rule.review_by < asking.today.isoformat():
        message = f"`{rule.id}` ({rule.title}) was to be reviewed by {rule.review_by}"
        yield Finding(CheckType.EXPIRED_REVIEW, place("review_by"), rule.id, f"{message}.")


def _empty(text: str) -> bool:
    return text.strip(" .-?!_()[]").casefold() in SAYS_NOTHING

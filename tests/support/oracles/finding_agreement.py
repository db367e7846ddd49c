"""What `triage check` proves of small rulesets against a look at every report: for the tests and for the campaign."""

from __future__ import annotations

from collections.abc import Iterator

from tests.support.oracles import brute_force
from tests.support.oracles.encoding_agreement import can_be_written
from tests.support.rulesets.defects import TODAY
from triage_rules.assurance.checking import superfluous, unreachable
from triage_rules.assurance.checking.context import CheckContext, Finding
from triage_rules.assurance.checking.gaps import find_gaps
from triage_rules.assurance.checking.open_danger import find_open_dangers
from triage_rules.assurance.checking.written_conditions import written_conditions
from triage_rules.assurance.solver.solver import Budget
from triage_rules.foundation.place import Place
from triage_rules.language.check_types import CheckType
from triage_rules.language.conditions import atoms, statements_in
from triage_rules.language.model import (
    MANDATORY_OPEN,
    Answers,
    AskedOf,
    Audience,
    Compare,
    Floor,
    Inferred,
    Level,
    OneOf,
    Rule,
    Ruleset,
    Value,
    Yes,
)
from triage_rules.language.reading.places import MappingNode

Told = set[tuple[str, str]]
TYPES = {
    CheckType.UNREACHABLE_RULE,
    CheckType.UNREACHABLE_OUTCOME,
    CheckType.UNREACHABLE_STATEMENT,
    CheckType.REDUNDANT_RULE,
    CheckType.SHADOWED_RULE,
    CheckType.GAP,
    CheckType.OPEN_DANGER,
}


def finding_differences(ruleset: Ruleset) -> Iterator[str]:
    """Findings of the check that brute force doesn't have, and the other way round; also witnesses that show nothing."""
    place = Place("made.yaml", 1, 1)
    asking = CheckContext(ruleset, MappingNode({}, place), "made.yaml", TODAY, Budget(), lambda *_: None)
    found = [*unreachable.find_unreachable(asking), *superfluous.find_superfluous_rules(asking), *find_gaps(asking)]
    found += find_open_dangers(asking)
    told = {(one.type.value, one.of) for one in found if one.type in TYPES}
    wanted = everything(ruleset)
    yield from (f"{kind} of `{of}` was told, and is not so" for kind, of in sorted(told - wanted))
    yield from (f"{kind} of `{of}` was not told" for kind, of in sorted(wanted - told))
    yield from (f"{one.type} of `{one.of}`: the report doesn't show it" for one in found if not shows(one))
    yield from (f"`{family}` was not decided" for family in asking.undecided)


def shows(found: Finding) -> bool:
    """The replayed report is one of those that the finding speaks of."""
    if found.witness is None:
        return found.type in TYPES - {
            CheckType.REDUNDANT_RULE,
            CheckType.SHADOWED_RULE,
            CheckType.GAP,
            CheckType.OPEN_DANGER,
        }
    result = found.witness.result
    fired = {rule["id"] for rule in [*result["rules"], *result["safety_net"]]}
    if found.type is CheckType.GAP:
        return not fired and not result["missing"]
    if found.type is CheckType.OPEN_DANGER:
        answered = found.of in found.witness.answers
        return not answered and [each["level"] for each in found.witness.results] == ["routine", "urgent"]
    return {found.of, *found.others} <= fired


def everything(ruleset: Ruleset) -> Told:
    """By looking at every report: (type, what it is about)."""
    looked = _Looked(ruleset)
    for findings in brute_force.completions(ruleset, {}):
        if can_be_written(ruleset, findings):
            looked.at(findings)
    return looked.told()


class _Looked:
    """What has been seen of one ruleset so far."""

    def __init__(self, ruleset: Ruleset) -> None:
        self.ruleset = ruleset
        self.reached: set[str] = set()
        self.matter: set[str] = set()
        self.gaps: set[str] = set()
        self.levels: dict[frozenset[tuple[str, Value]], Level] = {}
        self.rules = {rule.id: rule for rule in ruleset.rules_and_floors}
        self.covered = {one: {other for other in self.rules if other != one} for one in self.rules}
        self.looked_for = [
            leaf
            for w in written_conditions(ruleset)
            for leaf in atoms(w.condition)
            if isinstance(leaf, Compare | OneOf | Yes)
        ]

    def at(self, findings: Answers) -> None:
        """One report."""
        ruleset, posted = self.ruleset, findings
        findings = brute_force.effective(ruleset, findings)
        held = {key for key, holds in brute_force.outcomes(ruleset, findings).items() if holds}
        self.reached |= held
        for name in ruleset.inferences:
            if name not in self.reached and brute_force.truth(ruleset, findings, Inferred(name)):
                self.reached.add(name)
        for conflict in ruleset.conflicts.values():
            if conflict.id not in self.reached and brute_force.truth(ruleset, findings, conflict.when):
                self.reached.add(conflict.id)
        given = {rule_id: self._given(rule_id, held) for rule_id in self.rules}
        whole = self._result(held)
        self.levels[frozenset(posted.items())] = ruleset.dispositions[whole[0]].level
        for rule_id in self.rules.keys() & held:
            self.covered[rule_id] = {
                other
                for other in self.covered[rule_id]
                if given[other] is not None and given[rule_id] is not None and given[other] >= given[rule_id]
            }
            if self._told(given[rule_id], whole[0]) or whole != self._result(held, without=rule_id):
                self.matter.add(rule_id)
        if not held and not self._missing(findings):
            self.gaps |= {
                self._group(leaf.input) for leaf in self.looked_for if brute_force.truth(ruleset, findings, leaf)
            }

    def told(self) -> Told:
        """What follows from all reports."""
        ruleset, found = self.ruleset, {("gap", group) for group in self.gaps if group != "service"}
        found |= {("open_danger", name) for name in ruleset.inputs if self._is_open_danger(name)}
        read = {name for w in written_conditions(ruleset) for name in statements_in(w.condition)}
        for name, inference in ruleset.inferences.items():
            own = any(w.owner == name for w in written_conditions(ruleset))
            if own and name != MANDATORY_OPEN and name not in self.reached:
                found.add(("unreachable_statement", inference.name))
        found |= {("unreachable_statement", conflict) for conflict in ruleset.conflicts if conflict not in self.reached}
        order = list(self.rules)
        for rule_id, rule in self.rules.items():
            if rule_id not in self.reached:
                found.add(("unreachable_rule", rule_id))
                continue
            if any(f"{rule_id}+{n}" not in self.reached for n, o in enumerate(rule.outcomes) if o.when is not None):
                found.add(("unreachable_outcome", rule_id))
            if isinstance(rule, Rule) and rule.infers in read:
                continue
            shadows = [
                other
                for other in self.covered[rule_id]
                if rule.outcomes and not (order.index(other) > order.index(rule_id) and rule_id in self._covers(other))
            ]
            if rule_id not in self.matter:
                found.add(("redundant_rule", rule_id))
            elif shadows:
                found.add(("shadowed_rule", rule_id))
        return found

    def _is_open_danger(self, name: str) -> bool:
        """Some report is routine without an answer to a question for patients, and urgent with it."""
        asked = self.ruleset.inputs[name]
        answered = {name, *(mention.name for mention in self.ruleset.mentions.values() if mention.text == name)}
        urgent = [posted for posted, level in self.levels.items() if level is Level.URGENT]
        return asked.asked_of in Audience.PATIENT.answers and any(
            len(without) < len(posted)
            and self.levels[frozenset(without.items())] is Level.ROUTINE
            and (asked.relevant is None or brute_force.truth(self.ruleset, without, asked.relevant.when) is not False)
            for posted in urgent
            for without in [{said: value for said, value in posted if said not in answered}]
        )

    def _covers(self, rule_id: str) -> set[str]:
        return self.covered[rule_id] if self.rules[rule_id].outcomes else set()

    def _given(self, rule_id: str, held: set[str]) -> tuple[int, int] | None:
        """How urgent the disposition is that the rule reaches."""
        found = [
            self.ruleset.urgency(outcome.disposition)
            for number, outcome in enumerate(self.rules[rule_id].outcomes)
            if (rule_id if number == 0 else f"{rule_id}+{number}") in held
        ]
        return max(found, default=None)

    def _result(self, held: set[str], without: str = "") -> tuple[str, bool, frozenset[str]]:
        """Disposition, whether the default decided, and the flags."""
        ruleset = self.ruleset
        ids = (self.rules.keys() & held) - {without}
        codes = {
            outcome.disposition
            for rule_id in ids
            for number, outcome in enumerate(self.rules[rule_id].outcomes)
            if number == 0 or f"{rule_id}+{number}" in held
        }
        default = not any(isinstance(self.rules[rule_id], Rule) for rule_id in ids)
        codes |= {ruleset.default.disposition} if default else set()
        level = max(ruleset.dispositions[code].level for code in codes)
        lifting = [rule for rule_id in ids if isinstance(rule := self.rules[rule_id], Floor) and rule.raise_one]
        if level < Level.URGENT:
            codes |= {code for floor in lifting for to, code in floor.raise_one if to == level + 1}
        flags = {flag for rule_id in ids for flag in self.rules[rule_id].flags}
        flags |= set(ruleset.default.flags) if default else set()
        return max(codes, key=ruleset.urgency), default, frozenset(flags)

    def _told(self, given: tuple[int, int] | None, disposition: str) -> bool:
        """Its reason is in the advice; made rulesets have each reason once."""
        return given is None or given[0] == self.ruleset.dispositions[disposition].level

    def _missing(self, findings: Answers) -> bool:
        return any(
            (item.when is None or brute_force.truth(self.ruleset, findings, item.when) is not False)
            and all(finding not in findings for finding in item.inputs)
            for item in self.ruleset.mandatory
        )

    def _group(self, name: str) -> str:
        mention = self.ruleset.mentions.get(name)
        read = self.ruleset.inputs[mention.text if mention else name]
        return "service" if read.asked_of is AskedOf.SERVICE else read.group

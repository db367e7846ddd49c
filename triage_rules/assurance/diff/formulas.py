"""Two versions as formulas over one report: what differs between their results, and what may be the cause."""

from __future__ import annotations

from collections.abc import Callable, Iterator

from triage_rules.assurance.diff.edits import Edit, Within
from triage_rules.assurance.diff.text_changes import condition_edits
from triage_rules.assurance.solver.encoding import Encoding
from triage_rules.assurance.solver.logic import Formula
from triage_rules.evaluation.signals import outcome_key
from triage_rules.language.model import NOT_APPROVED, Conflict, InputKind, Level, Rule, Ruleset

DEFAULT = "default"
"""The name of the default among the rules that decide."""


class VersionPair:
    """The old and the new version, asked about one report."""

    def __init__(self, old: Ruleset, new: Ruleset) -> None:
        self.old = Encoding(old)
        self.new = Encoding(new, sharing=self.old)
        self.logic = self.old.logic

    # --- differences ---

    def fields(self, field: Callable[[Encoding], dict[str, Formula]]) -> Iterator[tuple[str, bool, Formula]]:
        """For a field that is a list: each element, whether it is lost (or gained), and the formula that it is so.

        An element whose formula is the same for both is left out.
        """
        before, after = field(self.old), field(self.new)
        for value in dict.fromkeys([*before, *after]):
            was, now = before.get(value, self.logic.false), after.get(value, self.logic.false)
            if not was.eq(now):
                yield value, True, self.logic.all_of([was, self.logic.opposite(now)])
                yield value, False, self.logic.all_of([now, self.logic.opposite(was)])

    def alike(self) -> Formula:
        """Level and disposition are the same, by name and by the time it leaves."""
        return self.logic.all_of([*self._same_levels(), *self._same_dispositions()])

    def _same_levels(self) -> Iterator[Formula]:
        return (self.logic.same(self.old.level_at_least(level), self.new.level_at_least(level)) for level in Level)

    def _same_dispositions(self) -> Iterator[Formula]:
        old, new = self.old.ruleset.dispositions, self.new.ruleset.dispositions
        for code, before in old.items():
            after = new.get(code)
            is_it = self.old.disposition_is(code)
            if after is None or after.act_within_minutes != before.act_within_minutes:
                yield self.logic.opposite(is_it)
            else:
                yield self.logic.same(is_it, self.new.disposition_is(code))

    # --- causes ---

    def causes(self, encoding: Encoding) -> dict[str, Formula]:
        """What may have made a result differ: the rules that decide by this version, and the edits that tell."""
        version = "old" if encoding is self.old else "new"
        decide = {f"{version} {name}": formula for name, formula in deciding_rules(encoding).items()}
        return decide | dict(self.telling())

    def telling(self) -> Iterator[tuple[str, Formula]]:
        """Each edit of a condition in words, and that it makes a difference to the report, at its place."""
        for part, name, edit in condition_edits(self.old.ruleset, self.new.ruleset):
            yield f"{part} {name}: {edit}", self._tells(edit)
        for name, read in self.old.ruleset.inputs.items():
            now = self.new.ruleset.inputs.get(name)
            if now is not None and now.kind is read.kind is InputKind.CHOICE and now.choices != read.choices:
                told = f"input {name}: its choices"
                yield told, self._differ(self.old.answered(name), self.new.answered(name))
        for name, mention in self.old.ruleset.mentions.items():
            again = self.new.ruleset.mentions.get(name)
            if again is not None and (again.text, again.phrases) != (mention.text, mention.phrases):
                was, found = (e.answers.mentioned(m) for e, m in ((self.old, mention), (self.new, again)))
                yield f"mention {name}: its phrases", self._differ(was, found)

    def _tells(self, edit: Edit) -> Formula:
        logic, parts = self.logic, []
        for encoding, part in ((self.old, edit.before), (self.new, edit.after)):
            if part is not None:
                parts.append((encoding.true(part), encoding.false(part)))
        if len(parts) > 1:
            (true, false), (other_true, other_false) = parts
            return logic.any_of([self._differ(true, other_true), self._differ(false, other_false)])
        true, false = parts[0]
        return logic.opposite(false if edit.within is Within.ANY else true)

    def _differ(self, one: Formula, other: Formula) -> Formula:
        return self.logic.opposite(self.logic.same(one, other))


def deciding_rules(encoding: Encoding) -> dict[str, Formula]:
    """The rules, floors and default by name, and that they are at the published level."""
    found = {rule.id: encoding.advises(rule.id) for rule in encoding.ruleset.rules_and_floors}
    level = encoding.ruleset.dispositions[encoding.ruleset.default.disposition].level
    found[DEFAULT] = encoding.logic.all_of([encoding.by_default(), encoding.level_is(level)])
    return found


# --- fields of the result, as elements and when they are there ---


def patient_paragraphs(encoding: Encoding) -> dict[str, Formula]:
    """The paragraphs of the advice to the patient."""
    ruleset = encoding.ruleset
    told = [(d.patient, encoding.disposition_is(d.code)) for d in ruleset.dispositions.values()]
    told += [
        (rule.reason, encoding.advises(rule.id))
        for rule in ruleset.rules_and_floors
        if not (isinstance(rule, Rule) and rule.clinician_only)
    ]
    told += [(ruleset.default.reason, encoding.by_default()), (ruleset.always_patient, encoding.logic.true)]
    return _when(encoding, told)


def clinician_paragraphs(encoding: Encoding) -> dict[str, Formula]:
    """The paragraphs of the advice to the clinician."""
    ruleset = encoding.ruleset
    told = [(d.clinician, encoding.disposition_is(d.code)) for d in ruleset.dispositions.values()]
    told += [
        (f"{rule.id}: {rule.title}. {rule.reason} {rule.clinician_note or ''}", encoding.advises(rule.id))
        for rule in ruleset.rules_and_floors
    ]
    told += [(ruleset.default.reason, encoding.by_default()), (ruleset.always_clinician, encoding.logic.true)]
    told += [(NOT_APPROVED, encoding.logic.true)] if ruleset.approved_by is None else []
    return _when(encoding, told)


def flags(encoding: Encoding) -> dict[str, Formula]:
    """The flags of the result."""
    ruleset = encoding.ruleset
    known = {flag for rule in ruleset.rules_and_floors for flag in rule.flags} | set(ruleset.default.flags)
    return {flag: encoding.flag(flag) for flag in sorted(known)}


def missing(encoding: Encoding) -> dict[str, Formula]:
    """The findings that are listed as missing."""
    listed = dict.fromkeys(name for item in encoding.ruleset.mandatory for name in item.inputs)
    return {name: encoding.missing(name) for name in listed}


def conflicts(encoding: Encoding) -> dict[str, Formula]:
    """The conflicts that are told."""

    def told(conflict: Conflict) -> str:
        return f"{conflict.id}: {conflict.says} ({', '.join(conflict.inputs)})"

    return _when(encoding, [(told(c), encoding.established(c.id)) for c in encoding.ruleset.conflicts.values()])


def valid_for(encoding: Encoding) -> dict[str, Formula]:
    """For how long the result may be relied on."""
    validity, sooner = encoding.ruleset.validity, encoding.sooner()
    told = [(f"{validity.minutes} minutes", encoding.logic.opposite(sooner))]
    if validity.sooner_minutes is not None:
        told.append((f"{validity.sooner_minutes} minutes", sooner))
    return _when(encoding, told)


def could_be(encoding: Encoding) -> dict[str, Formula]:
    """The highest level that answers to open questions could still lead to, and the most urgent disposition."""
    levels = {level.word: encoding.could_be_is(level) for level in Level}
    return levels | {code: encoding.could_be_disposition_is(code) for code in encoding.ruleset.dispositions}


def determined(encoding: Encoding) -> dict[str, Formula]:
    """Whether no answer can change the level any more."""
    return {"determined": encoding.determined()}


def _when(encoding: Encoding, told: list[tuple[str, Formula]]) -> dict[str, Formula]:
    """Texts and when they are there; what is blank isn't, and what several say is there if one says it."""
    ways: dict[str, list[Formula]] = {}
    for text, when in told:
        if text.strip():
            ways.setdefault(text.strip(), []).append(when)
    return {text: encoding.logic.any_of(whens) for text, whens in ways.items()}


def outcomes_at(encoding: Encoding, code: str) -> dict[str, Formula]:
    """The rules, floors and default that came to this disposition, by name; meant for reports that were given it."""
    logic, ruleset = encoding.logic, encoding.ruleset
    found = {}
    for rule in ruleset.rules_and_floors:
        reached = [outcome_key(rule.id, n) for n, outcome in enumerate(rule.outcomes) if outcome.disposition == code]
        whens = [encoding.established(key) for key in reached]
        if not rule.outcomes and code in dict(rule.raise_one).values():  # type: ignore[union-attr] # only a floor
            whens = [encoding.established(rule.id)]
        if whens:
            found[rule.id] = logic.any_of(whens)
    if ruleset.default.disposition == code:
        found[DEFAULT] = encoding.by_default()
    return found

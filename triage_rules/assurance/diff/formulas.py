"""Two versions as formulas over one report: the differences between their results, and the possible causes."""

from __future__ import annotations

from collections.abc import Callable, Iterator

from triage_rules.assurance.diff.edits import Edit, Within
from triage_rules.assurance.diff.text_changes import condition_edits
from triage_rules.assurance.solver.encoding import Encoding
from triage_rules.assurance.solver.logic import Formula
from triage_rules.evaluation.signals import outcome_key
from triage_rules.language.model import NOT_APPROVED, Basis, Conflict, InputKind, Level, Rule, Ruleset

DEFAULT = "default"
"""The name of the default among the rules that decide."""


class VersionPair:
    """The old and the new version, encoded over the same report."""

    def __init__(self, old: Ruleset, new: Ruleset) -> None:
        self.old = Encoding(old)
        self.new = Encoding(new, sharing=self.old)
        self.logic = self.old.logic

    # --- differences ---

    def fields(self, field: Callable[[Encoding], dict[str, Formula]]) -> Iterator[tuple[str, bool, Formula]]:
        """Yield each element of a list field, whether it is lost (or gained), and the formula for that.

        Skip elements with the same formula in both versions.
        """
        before, after = field(self.old), field(self.new)
        for value in dict.fromkeys([*before, *after]):
            was, now = before.get(value, self.logic.false), after.get(value, self.logic.false)
            if not was.eq(now):
                yield value, True, self.logic.all_of([was, self.logic.opposite(now)])
                yield value, False, self.logic.all_of([now, self.logic.opposite(was)])

    def alike(self) -> Formula:
        """Return the formula that level and disposition are the same, the disposition by code and by time limit."""
        return self.logic.all_of([*self._same_levels(), *self._same_dispositions()])

    def _same_levels(self) -> Iterator[Formula]:
        return (self.logic.same(self.old.level_at_least(level), self.new.level_at_least(level)) for level in Level)

    def _same_dispositions(self) -> Iterator[Formula]:
        old, new = self.old.ruleset.dispositions, self.new.ruleset.dispositions
        for code, before in old.items():
            after = new.get(code)
            is_given = self.old.disposition_is(code)
            if after is None or after.act_within_minutes != before.act_within_minutes:
                yield self.logic.opposite(is_given)
            else:
                yield self.logic.same(is_given, self.new.disposition_is(code))

    # --- causes ---

    def causes(self, encoding: Encoding) -> dict[str, Formula]:
        """Return the possible causes of a difference: this version's deciding rules, and the edits with an effect."""
        version = "old" if encoding is self.old else "new"
        decide = {f"{version} {name}": formula for name, formula in deciding_rules(encoding).items()}
        return decide | dict(self.effective_edits())

    def effective_edits(self) -> Iterator[tuple[str, Formula]]:
        """Yield each edit of a condition as text, and the formula that it has an effect at its place in the report."""
        for part, name, edit in condition_edits(self.old.ruleset, self.new.ruleset):
            yield f"{part} {name}: {edit}", self._has_effect(edit)
        for name, read in self.old.ruleset.inputs.items():
            now = self.new.ruleset.inputs.get(name)
            if now is not None and now.kind is read.kind is InputKind.CHOICE and now.choices != read.choices:
                differs = self._differ(self.old.answered(name), self.new.answered(name))
                yield f"input {name}: its choices", differs
            if now is not None and now.relevant != read.relevant:
                yield f"input {name}: when it is relevant", self._implied_differently(name)
        for name, mention in self.old.ruleset.mentions.items():
            changed = self.new.ruleset.mentions.get(name)
            if changed is not None and (changed.text, changed.phrases) != (mention.text, mention.phrases):
                was, now_mentioned = (e.answers.mentioned(m) for e, m in ((self.old, mention), (self.new, changed)))
                yield f"mention {name}: its phrases", self._differ(was, now_mentioned)

    def _implied_differently(self, name: str) -> Formula:
        """Return the formula that relevance implies an answer in only one version, or a different one."""
        was, now = self.old.implied(name), self.new.implied(name)
        before, after = (encoding.ruleset.inputs[name].relevant for encoding in (self.old, self.new))
        if before is not None and after is not None and before.otherwise != after.otherwise:
            return self.logic.any_of([was, now])
        return self._differ(was, now)

    def _has_effect(self, edit: Edit) -> Formula:
        logic, parts = self.logic, []
        for encoding, part in ((self.old, edit.before), (self.new, edit.after)):
            if part is not None:
                parts.append((encoding.true(part), encoding.false(part)))
        if len(parts) > 1:
            (true, false), (other_true, other_false) = parts
            return logic.any_of([self._differ(true, other_true), self._differ(false, other_false)])
        true, false = parts[0]
        return logic.opposite(false if edit.within is Within.ANY else true)

    def _differ(self, formula: Formula, other: Formula) -> Formula:
        return self.logic.opposite(self.logic.same(formula, other))


def deciding_rules(encoding: Encoding) -> dict[str, Formula]:
    """Map each rule and floor, and the default, to the formula that it is at the published level."""
    rules = {rule.id: encoding.advises(rule.id) for rule in encoding.ruleset.rules_and_floors}
    level = encoding.ruleset.dispositions[encoding.ruleset.default.disposition].level
    rules[DEFAULT] = encoding.logic.all_of([encoding.by_default(), encoding.level_is(level)])
    return rules


# --- fields of the result: elements, and the formulas that they are present ---


def patient_paragraphs(encoding: Encoding) -> dict[str, Formula]:
    """Map each paragraph of the advice to the patient to its formula."""
    ruleset = encoding.ruleset
    texts = [(d.patient, encoding.disposition_is(d.code)) for d in ruleset.dispositions.values()]
    texts += [
        (rule.reason, encoding.advises(rule.id))
        for rule in ruleset.rules_and_floors
        if not (isinstance(rule, Rule) and rule.clinician_only)
    ]
    texts += [(ruleset.default.reason, encoding.by_default()), (ruleset.always_patient, encoding.logic.true)]
    return _join_texts(encoding, texts)


def clinician_paragraphs(encoding: Encoding) -> dict[str, Formula]:
    """Map each paragraph of the advice to the clinician to its formula."""
    ruleset = encoding.ruleset
    texts = [(d.clinician, encoding.disposition_is(d.code)) for d in ruleset.dispositions.values()]
    texts += [
        (f"{rule.id}: {rule.title}. {rule.reason} {rule.clinician_note or ''}", encoding.advises(rule.id))
        for rule in ruleset.rules_and_floors
    ]
    texts += [(ruleset.default.reason, encoding.by_default()), (ruleset.always_clinician, encoding.logic.true)]
    texts += [(NOT_APPROVED, encoding.logic.true)] if ruleset.approved_by is None else []
    return _join_texts(encoding, texts)


def flags(encoding: Encoding) -> dict[str, Formula]:
    """Map each flag of the result to its formula."""
    ruleset = encoding.ruleset
    known = {flag for rule in ruleset.rules_and_floors for flag in rule.flags} | set(ruleset.default.flags)
    return {flag: encoding.flag(flag) for flag in sorted(known)}


def missing(encoding: Encoding) -> dict[str, Formula]:
    """Map each input that a result can list as missing to its formula."""
    listed = dict.fromkeys(name for item in encoding.ruleset.mandatory for name in item.inputs)
    return {name: encoding.missing(name) for name in listed}


def irrelevant(encoding: Encoding) -> dict[str, Formula]:
    """Map each input that relevance may rule out, with the answer that it counts as, to its formula."""
    gates = {name: encoding.ruleset.inputs[name].relevant for name in encoding.implying}
    return {f"{name}: {gate.otherwise}": encoding.implied(name) for name, gate in gates.items() if gate is not None}


def conflicts(encoding: Encoding) -> dict[str, Formula]:
    """Map each conflict of the result to its formula."""

    def describe(conflict: Conflict) -> str:
        return f"{conflict.id}: {conflict.says} ({', '.join(conflict.inputs)})"

    return _join_texts(
        encoding, [(describe(c), encoding.established(c.id)) for c in encoding.ruleset.conflicts.values()]
    )


def valid_for(encoding: Encoding) -> dict[str, Formula]:
    """Map each validity period of the result to its formula."""
    validity, sooner = encoding.ruleset.validity, encoding.sooner()
    texts = [(f"{validity.minutes} minutes", encoding.logic.opposite(sooner))]
    if validity.sooner_minutes is not None:
        texts.append((f"{validity.sooner_minutes} minutes", sooner))
    return _join_texts(encoding, texts)


def could_be(encoding: Encoding) -> dict[str, Formula]:
    """Map each highest level and each most urgent disposition that open questions leave possible to its formula."""
    levels = {level.word: encoding.could_be_is(level) for level in Level}
    return levels | {code: encoding.could_be_disposition_is(code) for code in encoding.ruleset.dispositions}


def determined(encoding: Encoding) -> dict[str, Formula]:
    """Map `determined` to the formula that no answer can change the outcome any more."""
    return {"determined": encoding.determined()}


def basis(encoding: Encoding) -> dict[str, Formula]:
    """Map each basis, and each disposition by the rules only, to its formula."""
    bases = {f"basis: {basis}": encoding.basis_is(basis) for basis in Basis}
    return bases | {f"by_rules: {code}": encoding.by_rules_is(code) for code in encoding.ruleset.dispositions}


def _join_texts(encoding: Encoding, texts: list[tuple[str, Formula]]) -> dict[str, Formula]:
    """Map each text to the formula that some source gives it; skip blank texts."""
    ways: dict[str, list[Formula]] = {}
    for text, when in texts:
        if text.strip():
            ways.setdefault(text.strip(), []).append(when)
    return {text: encoding.logic.any_of(whens) for text, whens in ways.items()}


def outcomes_at(encoding: Encoding, code: str) -> dict[str, Formula]:
    """Map the rules, floors and default that reached this disposition to their formulas, for reports that got it."""
    logic, ruleset = encoding.logic, encoding.ruleset
    outcomes = {}
    for rule in ruleset.rules_and_floors:
        reached = [outcome_key(rule.id, n) for n, outcome in enumerate(rule.outcomes) if outcome.disposition == code]
        whens = [encoding.established(key) for key in reached]
        if not rule.outcomes and code in dict(rule.raise_one).values():  # type: ignore[union-attr] # only a floor
            whens = [encoding.established(rule.id)]
        if whens:
            outcomes[rule.id] = logic.any_of(whens)
    if ruleset.default.disposition == code:
        outcomes[DEFAULT] = encoding.by_default()
    return outcomes

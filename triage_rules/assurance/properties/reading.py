"""Reads the properties beside a ruleset; every fault is told at once with its place."""

from __future__ import annotations

from collections.abc import Callable, Collection
from dataclasses import dataclass
from pathlib import Path

from triage_rules.assurance.properties.model import (
    Against,
    Answering,
    Claim,
    LeavingOpen,
    Never,
    Property,
    RelativeAnswer,
    ResultMeasure,
    RoutineOnlyIfAnswered,
    Then,
)
from triage_rules.foundation.errors import RulesetError
from triage_rules.foundation.place import Place
from triage_rules.language.model import AskedOf, Condition, Input, InputKind, Level, Ruleset, Source
from triage_rules.language.reading import Document, bytes_of, parse_text
from triage_rules.language.reading.conditions import ConditionReader, Names
from triage_rules.language.reading.fields import Form
from triage_rules.language.reading.messages import describe_node_kind, join_names, suggest_name
from triage_rules.language.reading.places import Broken, Faults, MappingEntry, MappingNode, Node, Scalar, quoted
from triage_rules.language.reading.rules import Context, read_mandatory

PROPERTIES_FILE = "properties.yaml"
PREVIOUS = "previous"
ANY = "any"

THEN = (
    *("level_at_least", "disposition_at_least", "could_be_at_least", "flags", "fires", "silent"),
    *("patient_says", "patient_never_says", "clinician_says", "clinician_never_says", "hidden_from_patient"),
)
KINDS = ("never", "routine_only_if_answered", "answering", "leaving_open", "against")
"""The keys that each make a kind of property; any of THEN makes one more."""

_BESIDE = ("unless", "unless_fires", "with", "instead_of", "compared_with", "never_lowers")
_LEVELS = tuple(level.word for level in Level)
_ABOVE_ROUTINE = tuple(level.word for level in Level if level is not Level.ROUTINE)
_MEASURES = tuple(measure.value for measure in ResultMeasure)


def has_properties(folder: Path) -> bool:
    """Whether there is anything to prove of a ruleset folder."""
    return (folder / PROPERTIES_FILE).exists()


def read_properties(folder: Path, ruleset: Ruleset) -> list[Property]:
    """The properties beside a ruleset. Raises RulesetNotFound, RulesetError with every fault."""
    return parse_properties(*bytes_of(folder / PROPERTIES_FILE), ruleset)


def parse_properties(text: bytes, file: str, ruleset: Ruleset) -> list[Property]:
    """As `read_properties`, from the file's bytes."""
    return properties_of(*parse_text(text, file), ruleset)


def properties_of(document: Document, faults: Faults, ruleset: Ruleset) -> list[Property]:
    """As `read_properties`, from the parsed file and the faults of parsing."""
    found: list[Property] = []
    if isinstance(document.root, MappingNode):
        found = _properties(Form(document.root, "", faults), ruleset, faults)
    if faults.collected:
        raise RulesetError(faults.in_order())
    return found


def _properties(root: Form, ruleset: Ruleset, faults: Faults) -> list[Property]:
    names = Names(
        inputs=dict(ruleset.inputs),
        mentions={mention.name: mention.text for mention in ruleset.mentions.values()},
        statements=set(ruleset.inferences),
    )
    owner = root.text("owner")
    review_by = root.date_or_none("review_by") or ""
    if not root.has_value("review_by"):
        root.add_fault(root.place_of("review_by"), "the key `review_by` is missing, or without a date")
    context = Context(faults, names, ConditionReader(names, faults), owner, review_by, dict(ruleset.dispositions))
    reader = _Reader(ruleset, context)
    found = [reader.property(name, entry) for name, entry in root.entries("properties", required=True)]
    root.close()
    return found


@dataclass(slots=True)
class _Reader:
    """What was refused is wrong in what comes back."""

    ruleset: Ruleset
    context: Context

    def property(self, name: str, entry: MappingEntry) -> Property:
        what = f"property `{name}`"
        self.context.claim_id(name, entry.key_place, what)
        form = Form(entry.node, what, self.context.faults, entry.key_place)
        read = Property(
            id=name,
            says=form.text("says"),
            whenever=self._condition(form, "whenever"),
            claim=self._claim(form),
            source=form.source() or Source(""),
            owner=form.text_or_none("owner") or self.context.owner,
            review_by=form.date_or_none("review_by") or self.context.review_by,
            place=entry.key_place,
        )
        form.close()
        return read

    def _condition(self, form: Form, key: str) -> Condition | None:
        return self.context.conditions.under_or_none(form, key)

    def _claim(self, form: Form) -> Claim:
        """By the key that makes the kind; more than one of them, or none, is a fault."""
        makers: dict[str, Callable[[Form], Claim]] = {
            "never": self._never,
            "routine_only_if_answered": self._routine_only_if_answered,
            "answering": self._answering,
            "leaving_open": self._leaving_open,
            "against": self._against,
        }
        kinds = [key for key in makers if form.has(key)]
        results = [key for key in THEN if form.has(key)]
        written = [*kinds, *results[:1]]
        if len(written) > 1:
            told = f"{join_names(written)} are different kinds of property; make a property of each"
            form.add_fault(form.key_place(written[1]), told)
        if kinds:
            claims = [makers[key](form) for key in kinds]
            self._then(form)  # asked for, so that they aren't told to be unknown as well
            return claims[0]
        then = self._then(form)
        if not results and not form.broken:
            self._tell_no_kind(form)
        return then

    def _tell_no_kind(self, form: Form) -> None:
        for key in (*KINDS, *_BESIDE):
            form.node(
                key, required=False
            )  # so that a misspelt one gets its hint, and the rest of it no fault of its own
        claims = f"{join_names(THEN, 3)}, perhaps with `whenever`"
        told = f"it claims nothing; write what is to hold ({claims}), or {join_names(KINDS)}"
        form.add_fault(form.place, told)

    # --- one result ---

    def _then(self, form: Form) -> Then:
        def level(key: str) -> Level | None:
            word = form.keyword(key, _ABOVE_ROUTINE, default="")
            return Level.of(word) if word else None

        rules = [rule.id for rule in self.ruleset.rules_and_floors]
        code = self.context.disposition(form, "disposition_at_least") if form.has("disposition_at_least") else None
        form.node("disposition_at_least", required=False)
        return Then(
            level_at_least=level("level_at_least"),
            disposition_at_least=code,
            could_be_at_least=level("could_be_at_least"),
            flags=self._known(form, "flags", _flags(self.ruleset), "flag"),
            fires=self._known(form, "fires", rules, "rule or floor"),
            silent=self._known(form, "silent", rules, "rule or floor"),
            patient_says=_texts(form, "patient_says"),
            patient_never_says=_texts(form, "patient_never_says"),
            clinician_says=_texts(form, "clinician_says"),
            clinician_never_says=_texts(form, "clinician_never_says"),
            hidden_from_patient=self._known(form, "hidden_from_patient", rules, "rule or floor"),
        )

    def _known(self, form: Form, key: str, known: Collection[str], what: str) -> tuple[str, ...]:
        """Names of things that the ruleset has: a misspelt one would be silent for ever."""
        return _checked(form, key, form.texts(key), known, what)

    def _never(self, form: Form) -> Claim:
        word = form.text("never")
        outcomes = (*_LEVELS, *self.ruleset.dispositions)
        if word and word not in outcomes:
            hint = suggest_name(word, outcomes) or f"; known are {join_names(outcomes, 12)}"
            form.add_fault(form.place_of("never"), f"`never`: no level or disposition {quoted(word)}{hint}")
        outcome = Level.of(word) if word in _LEVELS else word
        rules = [rule.id for rule in self.ruleset.rules_and_floors]
        return Never(
            outcome, self._condition(form, "unless"), self._known(form, "unless_fires", rules, "rule or floor")
        )

    def _routine_only_if_answered(self, form: Form) -> Claim:
        return RoutineOnlyIfAnswered(read_mandatory(form, self.context, "routine_only_if_answered", least=1))

    # --- two results ---

    def _answering(self, form: Form) -> Claim:
        findings = self._findings(form, "answering")
        node, replaced = form.node("with"), form.node("instead_of", required=False)
        answers = []
        for read in findings if node is not None else ():
            answer = self._answer(form, node, "with", read, changes=True)
            before = None if replaced is None else self._plain_answer(form, replaced, "instead_of", read)
            if isinstance(answer, RelativeAnswer) and replaced is not None:
                form.add_fault(replaced.place, f"`instead_of`: `with: {answer}` says already what it is instead of")
            if node is not None and answer is not None and answer == before:
                form.add_fault(node.place, f"`with`: this answer to `{read.name}` can't be given instead of itself")
            if answer is not None:
                answers.append((read.name, answer, before))
        return Answering(tuple(answers), self._measure(form))

    def _leaving_open(self, form: Form) -> Claim:
        node = form.peek("leaving_open")
        if isinstance(node, Scalar) and node.value == ANY:
            form.node("leaving_open")
            findings = [read for read in self.ruleset.inputs.values() if read.asked_of is not AskedOf.SERVICE]
        else:
            findings = self._findings(form, "leaving_open")
        answer = form.node("compared_with", required=False)
        compared: list[tuple[str, bool | str | None]] = []
        for read in findings:
            value = None if answer is None else self._plain_answer(form, answer, "compared_with", read)
            compared.append((read.name, value))
        return LeavingOpen(tuple(compared), self._measure(form))

    def _against(self, form: Form) -> Claim:
        form.keyword("against", (PREVIOUS,))
        return Against(self._measure(form))

    def _measure(self, form: Form) -> ResultMeasure:
        return ResultMeasure(form.keyword("never_lowers", _MEASURES) or ResultMeasure.LEVEL)

    def _findings(self, form: Form, key: str) -> list[Input]:
        """The inputs that are named; what the service counts can't be answered or left open by anybody."""
        texts = form.texts(key)
        known = self.ruleset.inputs
        found = []
        for name in _checked(form, key, texts, known, "input"):
            if known[name].asked_of is AskedOf.SERVICE:
                form.add_fault(dict(texts)[name], f"`{key}`: `{name}` is counted by the service; nobody answers it")
            else:
                found.append(known[name])
        return found

    def _plain_answer(self, form: Form, node: Node, key: str, read: Input) -> bool | str | None:
        answer = self._answer(form, node, key, read, changes=False)
        assert not isinstance(answer, RelativeAnswer)  # asked for without changes
        return answer

    def _answer(
        self, form: Form, node: Node | None, key: str, read: Input, *, changes: bool
    ) -> bool | str | RelativeAnswer | None:
        """The answer that the node is to this input; None if it is none."""
        written = node.value if isinstance(node, Scalar) else None
        known = _answers(read, changes=changes)
        if isinstance(written, bool):
            written = "yes" if written else "no"
        if isinstance(written, str) and written in known:
            return known[written]
        if node is not None and not isinstance(node, Broken):
            found = quoted(written) if written is not None else describe_node_kind(node)
            hint = suggest_name(written, known) if isinstance(written, str) else ""
            told = hint or (f"; it takes {join_names(known, 12)}" if known else "; only `with: any` goes with it")
            form.add_fault(node.place, f"`{key}`: {found} is no answer to `{read.name}`{told}")
        return None


def _answers(read: Input, *, changes: bool) -> dict[str, bool | str | RelativeAnswer]:
    """What may be written for an answer to this input."""
    found: dict[str, bool | str | RelativeAnswer] = {}
    if changes:
        found[RelativeAnswer.ANY.value] = RelativeAnswer.ANY
    match read.kind:
        case InputKind.YES_NO:
            found |= {"yes": True, "no": False}
        case InputKind.CHOICE:
            found |= {choice.value: choice.value for choice in read.choices if not choice.means_open}
        case InputKind.NUMBER | InputKind.INTEGER if changes:
            found |= {change.value: change for change in (RelativeAnswer.HIGHER, RelativeAnswer.LOWER)}
    return found


def _checked(
    form: Form, key: str, texts: tuple[tuple[str, Place], ...], known: Collection[str], what: str
) -> tuple[str, ...]:
    for name, place in texts:
        if name not in known:
            form.add_fault(place, f"`{key}`: the ruleset has no {what} {quoted(name)}{suggest_name(name, known)}")
    return tuple(name for name, _ in texts if name in known)


def _texts(form: Form, key: str) -> tuple[str, ...]:
    return tuple(text for text, _ in form.texts(key))


def _flags(ruleset: Ruleset) -> list[str]:
    return [*ruleset.default.flags, *(flag for rule in ruleset.rules_and_floors for flag in rule.flags)]

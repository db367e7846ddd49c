"""Reading of the properties beside a ruleset; all faults are reported at once, with their places."""

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
"""Keys that each make a kind of property; the keys in THEN together make another kind."""

_BESIDE = ("unless", "unless_fires", "with", "instead_of", "compared_with", "never_lowers")
_LEVELS = tuple(level.word for level in Level)
_ABOVE_ROUTINE = tuple(level.word for level in Level if level is not Level.ROUTINE)
_MEASURES = tuple(measure.value for measure in ResultMeasure)


def has_properties(folder: Path) -> bool:
    """Return whether a ruleset folder has properties to prove."""
    return (folder / PROPERTIES_FILE).exists()


def read_properties(folder: Path, ruleset: Ruleset) -> list[Property]:
    """Read the properties beside a ruleset.

    Raises:
        RulesetNotFound: If the file doesn't exist.
        RulesetError: With every fault of the file.
    """
    return parse_properties(*bytes_of(folder / PROPERTIES_FILE), ruleset)


def parse_properties(text: bytes, file: str, ruleset: Ruleset) -> list[Property]:
    """Parse the bytes of a properties file. Raises RulesetError with every fault."""
    return properties_of(*parse_text(text, file), ruleset)


def properties_of(document: Document, faults: Faults, ruleset: Ruleset) -> list[Property]:
    """Read the properties of a parsed file. Raises RulesetError with every fault, those of parsing included."""
    properties: list[Property] = []
    if isinstance(document.root, MappingNode):
        properties = _read_root(Form(document.root, "", faults), ruleset, faults)
    if faults.collected:
        raise RulesetError(faults.in_order())
    return properties


def _read_root(root: Form, ruleset: Ruleset, faults: Faults) -> list[Property]:
    names = Names(
        inputs=dict(ruleset.inputs),
        mentions={mention.name: mention.text for mention in ruleset.mentions.values()},
        statements=set(ruleset.inferences),
    )
    owner = root.text("owner")
    review_by = root.date_or_none("review_by") or ""
    if not root.has_value("review_by"):
        root.add_fault(root.place_of("review_by"), "the key `review_by` is missing or has no date")
    context = Context(faults, names, ConditionReader(names, faults), owner, review_by, dict(ruleset.dispositions))
    reader = _Reader(ruleset, context)
    properties = [reader.property(name, entry) for name, entry in root.entries("properties", required=True)]
    root.close()
    return properties


@dataclass(slots=True)
class _Reader:
    """Reader of properties. After a fault the returned value is a placeholder; the caller discards it."""

    ruleset: Ruleset
    context: Context

    def property(self, name: str, entry: MappingEntry) -> Property:
        title = f"property `{name}`"
        self.context.claim_id(name, entry.key_place, title)
        form = Form(entry.node, title, self.context.faults, entry.key_place)
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
        """Read the claim by the key of its kind; two kinds, or none, are a fault."""
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
            message = f"{join_names(written)} are different kinds of property; make a property of each"
            form.add_fault(form.key_place(written[1]), message)
        if kinds:
            claims = [makers[key](form) for key in kinds]
            self._then(form)  # read, or the form would report these keys as unknown too
            return claims[0]
        then = self._then(form)
        if not results and not form.broken:
            self._report_no_claim(form)
        return then

    def _report_no_claim(self, form: Form) -> None:
        for key in (*KINDS, *_BESIDE):
            form.node(key, required=False)  # known to the form, so only a misspelt key is a fault, with a hint
        claims = f"{join_names(THEN, 3)}, optionally with `whenever`"
        message = f"it claims nothing; write the expected result ({claims}), or {join_names(KINDS)}"
        form.add_fault(form.place, message)

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

    def _known(self, form: Form, key: str, known: Collection[str], kind: str) -> tuple[str, ...]:
        """Read names that the ruleset must have: a misspelt one would never make the property fail."""
        return _check_names(form, key, form.texts(key), known, kind)

    def _never(self, form: Form) -> Claim:
        word = form.text("never")
        outcomes = (*_LEVELS, *self.ruleset.dispositions)
        if word and word not in outcomes:
            hint = suggest_name(word, outcomes) or f"; the ruleset has {join_names(outcomes, 12)}"
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
        inputs = self._inputs(form, "answering")
        node, replaced = form.node("with"), form.node("instead_of", required=False)
        answers = []
        for read in inputs if node is not None else ():
            answer = self._answer(form, node, "with", read, changes=True)
            before = None if replaced is None else self._plain_answer(form, replaced, "instead_of", read)
            if isinstance(answer, RelativeAnswer) and replaced is not None:
                form.add_fault(
                    replaced.place, f"`instead_of`: `with: {answer}` already defines the replaced answer; remove this"
                )
            if node is not None and answer is not None and answer == before:
                form.add_fault(node.place, f"`with`: this answer to `{read.name}` can't replace itself")
            if answer is not None:
                answers.append((read.name, answer, before))
        return Answering(tuple(answers), self._measure(form))

    def _leaving_open(self, form: Form) -> Claim:
        node = form.peek("leaving_open")
        if isinstance(node, Scalar) and node.value == ANY:
            form.node("leaving_open")
            inputs = [read for read in self.ruleset.inputs.values() if read.asked_of is not AskedOf.SERVICE]
        else:
            inputs = self._inputs(form, "leaving_open")
        answer = form.node("compared_with", required=False)
        compared: list[tuple[str, bool | str | None]] = []
        for read in inputs:
            value = None if answer is None else self._plain_answer(form, answer, "compared_with", read)
            compared.append((read.name, value))
        return LeavingOpen(tuple(compared), self._measure(form))

    def _against(self, form: Form) -> Claim:
        form.keyword("against", (PREVIOUS,))
        return Against(self._measure(form))

    def _measure(self, form: Form) -> ResultMeasure:
        return ResultMeasure(form.keyword("never_lowers", _MEASURES) or ResultMeasure.LEVEL)

    def _inputs(self, form: Form, key: str) -> list[Input]:
        """Read names of inputs; a property can't answer or leave open an input that the service counts."""
        texts = form.texts(key)
        known = self.ruleset.inputs
        inputs = []
        for name in _check_names(form, key, texts, known, "input"):
            if known[name].asked_of is AskedOf.SERVICE:
                form.add_fault(dict(texts)[name], f"`{key}`: the service counts `{name}`; a report can't answer it")
            else:
                inputs.append(known[name])
        return inputs

    def _plain_answer(self, form: Form, node: Node, key: str, read: Input) -> bool | str | None:
        answer = self._answer(form, node, key, read, changes=False)
        assert not isinstance(answer, RelativeAnswer)  # changes=False excludes it
        return answer

    def _answer(
        self, form: Form, node: Node | None, key: str, read: Input, *, changes: bool
    ) -> bool | str | RelativeAnswer | None:
        """Read the node as an answer to this input; None, with a fault, if it isn't one."""
        written = node.value if isinstance(node, Scalar) else None
        known = _answers(read, changes=changes)
        if isinstance(written, bool):
            written = "yes" if written else "no"
        if isinstance(written, str) and written in known:
            return known[written]
        if node is not None and not isinstance(node, Broken):
            shown = quoted(written) if written is not None else describe_node_kind(node)
            hint = suggest_name(written, known) if isinstance(written, str) else ""
            advice = hint or (f"; its answers are {join_names(known, 12)}" if known else "; it allows only `with: any`")
            form.add_fault(node.place, f"`{key}`: {shown} is not an answer to `{read.name}`{advice}")
        return None


def _answers(read: Input, *, changes: bool) -> dict[str, bool | str | RelativeAnswer]:
    """Map each word that a file may write for an answer to this input to the answer."""
    answers: dict[str, bool | str | RelativeAnswer] = {}
    if changes:
        answers[RelativeAnswer.ANY.value] = RelativeAnswer.ANY
    match read.kind:
        case InputKind.YES_NO:
            answers |= {"yes": True, "no": False}
        case InputKind.CHOICE:
            answers |= {choice.value: choice.value for choice in read.choices if not choice.means_open}
        case InputKind.NUMBER | InputKind.INTEGER if changes:
            answers |= {change.value: change for change in (RelativeAnswer.HIGHER, RelativeAnswer.LOWER)}
    return answers


def _check_names(
    form: Form, key: str, texts: tuple[tuple[str, Place], ...], known: Collection[str], kind: str
) -> tuple[str, ...]:
    for name, place in texts:
        if name not in known:
            form.add_fault(place, f"`{key}`: the ruleset has no {kind} {quoted(name)}{suggest_name(name, known)}")
    return tuple(name for name, _ in texts if name in known)


def _texts(form: Form, key: str) -> tuple[str, ...]:
    return tuple(text for text, _ in form.texts(key))


def _flags(ruleset: Ruleset) -> list[str]:
    return [*ruleset.default.flags, *(flag for rule in ruleset.rules_and_floors for flag in rule.flags)]

"""Personas: people with a truth for every input, read from the file beside a ruleset; every fault with its place."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from triage_rules.evaluation.answers import UNKNOWN, asked, read_answers
from triage_rules.foundation.errors import ReportError, RulesetError
from triage_rules.foundation.place import Place
from triage_rules.language.model import Audience, Input, Level, Ruleset, Value
from triage_rules.language.reading import Document, bytes_of, parse_text
from triage_rules.language.reading.fields import Form
from triage_rules.language.reading.messages import NAME, NAME_HINT, describe_node_kind, join_names, suggest_name
from triage_rules.language.reading.places import (
    Broken,
    Faults,
    MappingEntry,
    MappingNode,
    Scalar,
    data_of,
    is_whole,
    quoted,
)

PERSONAS_FILE = "personas.yaml"
LEVELS = tuple(level.word for level in Level)
AUDIENCES = tuple(audience.value for audience in Audience)

Truth = dict[str, Value]
"""Truths by input; `unknown` for what the person doesn't know or hasn't measured."""


@dataclass(frozen=True, slots=True)
class Persona:
    """Person with a truth for every input that a report may answer, and the outcome once all of it is known.

    group: the author's word for people alike, such as `harmless`.
    """

    name: str
    title: str
    group: str
    audience: Audience
    truth: Truth
    expect_level: Level
    expect_disposition: str
    place: Place = field(default=Place(PERSONAS_FILE, 1, 1), compare=False)


@dataclass(frozen=True, slots=True)
class Personas:
    """People of a ruleset. `median_screens`: the budget of their median interview; None: there is none."""

    personas: tuple[Persona, ...]
    median_screens: int | None = None


def load_personas(folder: Path, ruleset: Ruleset) -> Personas | None:
    """Load the personas beside a ruleset; None if it has none. Raises RulesetError with every fault."""
    file = folder / PERSONAS_FILE
    return parse_personas(*bytes_of(file), ruleset) if file.exists() else None


def parse_personas(text: bytes, file: str, ruleset: Ruleset) -> Personas:
    """Parse personas as `load_personas` does, from the file's bytes."""
    return personas_of(*parse_text(text, file), ruleset)


def personas_of(document: Document, faults: Faults, ruleset: Ruleset) -> Personas:
    """Read personas as `load_personas` does, from the parsed file and the faults of parsing."""
    personas = Personas(())
    if isinstance(document.root, MappingNode):
        personas = _Reader(ruleset, faults).personas(Form(document.root, "", faults))
    if faults.collected:
        raise RulesetError(faults.in_order())
    return personas


@dataclass(slots=True)
class _Reader:
    """Reader of a file. `bases`: None for one that has faults. After a fault, what is returned is to be discarded."""

    ruleset: Ruleset
    faults: Faults
    bases: dict[str, Truth | None] = field(default_factory=dict)

    def personas(self, root: Form) -> Personas:
        """Read the whole file."""
        root.name_among("ruleset", (self.ruleset.name,), "ruleset")
        median = self._read_budget(root)
        for name, entry in root.entries("bases"):
            form = self._form(name, entry, "base")
            form.text_or_none("title")
            self.bases[name] = self._merge_findings(form)
            form.close()
        personas = [self._read_persona(name, entry) for name, entry in root.entries("personas", required=True)]
        root.close()
        return Personas(tuple(personas), median)

    def _read_budget(self, root: Form) -> int | None:
        node = root.node("budget", required=False)
        if node is None:
            return None
        form = Form(node, "`budget`", self.faults, root.key_place("budget"))
        median = form.number("median_screens", required=True, whole=True)
        if median is not None and median < 1:
            form.add_fault(form.place_of("median_screens"), f"`median_screens`: expected 1 or more, found `{median}`")
        form.close()
        return None if median is None else int(median)

    def _form(self, name: str, entry: MappingEntry, kind: str) -> Form:
        if not NAME.match(name):
            self.faults.add(entry.key_place, f"{kind} {quoted(name)}: the name is not valid; {NAME_HINT}")
        return Form(entry.node, f"{kind} {quoted(name)}", self.faults, entry.key_place)

    def _read_persona(self, name: str, entry: MappingEntry) -> Persona:
        form = self._form(name, entry, "persona")
        title = form.text("title")
        group = form.matching("group", NAME, NAME_HINT)
        audience = form.keyword("audience", AUDIENCES, default=Audience.PATIENT.value)
        truth = self._merge_findings(form)
        if truth is not None:
            self._check_complete(form, truth)
        level, disposition = self._read_expect(form)
        form.close()
        return Persona(
            name,
            title,
            group,
            Audience(audience or Audience.PATIENT),
            truth or {},
            level,
            disposition,
            entry.key_place,
        )

    def _check_complete(self, form: Form, truth: Mapping[str, Value]) -> None:
        missing = [read.name for read in asked(self.ruleset) if read.name not in truth]
        if missing:
            message = (
                f"there is no truth for {join_names(missing, 20)}; write `{UNKNOWN}` for what the person doesn't know"
            )
            form.add_fault(form.place, message)

    # --- truths ---

    def _merge_findings(self, form: Form) -> Truth | None:
        """Merge the base's truths with the form's own; None, with a fault collected, if a part can't be read."""
        base: Truth | None = {}
        if form.node("base", required=False) is not None:
            base = self.bases.get(form.name_among("base", self.bases, "base"))
        written = form.peek("findings")
        before = len(self.faults.collected)
        truth = dict(self._read_findings(form))
        whole = not form.broken and (written is None or is_whole(written)) and len(self.faults.collected) == before
        return {**base, **truth} if base is not None and whole else None

    def _read_findings(self, form: Form) -> Iterator[tuple[str, Value]]:
        """Yield the truths under `findings`; each that its input doesn't accept is a fault."""
        for name, entry in form.entries("findings"):
            read = self.ruleset.inputs.get(name)
            if read is None:
                hint = suggest_name(name, self.ruleset.inputs)
                form.add_fault(entry.key_place, f"`findings`: unknown input {quoted(name)}{hint}")
            elif not isinstance(entry.node, Broken):
                yield name, self._read_truth(form, read, entry)

    def _read_truth(self, form: Form, read: Input, entry: MappingEntry) -> Value:
        """Read one truth: an answer that its input accepts. A choice that means open counts as unknown."""
        written = data_of(entry.node)
        if written in (UNKNOWN, *(choice.value for choice in read.choices if choice.means_open)):
            return UNKNOWN
        try:
            return read_answers(self.ruleset, {read.name: written})[read.name]
        except ReportError as error:
            shown = quoted(written) if isinstance(entry.node, Scalar) else describe_node_kind(entry.node)
            form.add_fault(entry.node.place, f"`{read.name}`: {shown} does not fit: {error.faults[0].detail}")
            return UNKNOWN

    # --- the expected outcome ---

    def _read_expect(self, form: Form) -> tuple[Level, str]:
        node = form.node("expect")
        if node is None:
            return Level.URGENT, ""
        inner = Form(node, f"{form.what}: `expect`", self.faults, form.key_place("expect"))
        word = inner.keyword("level", LEVELS)
        code = inner.name_among("disposition", self.ruleset.dispositions, "disposition")
        inner.close()
        known = self.ruleset.dispositions.get(code)
        if word and known is not None and known.level.word != word:
            inner.add_fault(inner.place_of("level"), f"`level`: found `{word}`, but `{code}` is `{known.level.word}`")
        return Level.of(word or Level.URGENT.word), code

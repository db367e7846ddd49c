"""Personas: people with a truth for every input, read from the file beside a ruleset; every fault with its place."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path

from triage_rules.foundation.errors import RulesetError
from triage_rules.foundation.place import Place
from triage_rules.interview.truths import Truth, TruthReader
from triage_rules.language.model import Audience, Level, Ruleset
from triage_rules.language.reading import Document, bytes_of, parse_text
from triage_rules.language.reading.fields import Form
from triage_rules.language.reading.messages import NAME, NAME_HINT
from triage_rules.language.reading.places import Faults, MappingEntry, MappingNode

PERSONAS_FILE = "personas.yaml"
LEVELS = tuple(level.word for level in Level)
AUDIENCES = tuple(audience.value for audience in Audience)


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
    """People of a ruleset. `median_screens`: the budget of their median interview; None: there is none.

    bases: truths that several people share, by name.
    """

    personas: tuple[Persona, ...]
    median_screens: int | None = None
    bases: dict[str, Truth] = field(default_factory=dict, compare=False)


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
        personas = _Reader(ruleset, faults, TruthReader(ruleset, faults)).personas(Form(document.root, "", faults))
    if faults.collected:
        raise RulesetError(faults.in_order())
    return personas


@dataclass(slots=True)
class _Reader:
    """Reader of a file. After a fault, what is returned is to be discarded."""

    ruleset: Ruleset
    faults: Faults
    truths: TruthReader

    def personas(self, root: Form) -> Personas:
        """Read the whole file."""
        root.name_among("ruleset", (self.ruleset.name,), "ruleset")
        median = self._read_budget(root)
        self.truths.read_bases(root)
        personas = [self._read_persona(name, entry) for name, entry in root.entries("personas", required=True)]
        root.close()
        bases = {name: truth for name, truth in self.truths.bases.items() if truth is not None}
        return Personas(tuple(personas), median, bases)

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

    def _read_persona(self, name: str, entry: MappingEntry) -> Persona:
        form = self.truths.form(name, entry, "persona")
        title = form.text("title")
        group = form.matching("group", NAME, NAME_HINT)
        audience = form.keyword("audience", AUDIENCES, default=Audience.PATIENT.value)
        truth = self.truths.merge_findings(form)
        if truth is not None:
            self.truths.check_complete(form, truth)
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

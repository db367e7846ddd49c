"""A draft: the texts of a ruleset's files, opened as far as possible, with every fault."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import TypeVar

from triage_rules.assurance.cases.reading import CASES_FILE, Case, cases_of
from triage_rules.assurance.properties.model import Property
from triage_rules.assurance.properties.reading import PROPERTIES_FILE, properties_of
from triage_rules.evaluation.evaluator import Evaluator
from triage_rules.foundation.contacts import read_contact_choice
from triage_rules.foundation.errors import EngineLimitError, RulesetError, RulesetFault
from triage_rules.foundation.place import Place
from triage_rules.interview.personas import PERSONAS_FILE, Persona, Personas, personas_of
from triage_rules.interview.vignettes import VIGNETTES_FILE, Vignette, vignettes_of
from triage_rules.language.bundle import bundle_of
from triage_rules.language.model import Ruleset
from triage_rules.language.reading import FILE_NAME, Document, parse_text, parse_with_document
from triage_rules.language.reading.places import Faults

FILES = (FILE_NAME, CASES_FILE, PROPERTIES_FILE, PERSONAS_FILE, VIGNETTES_FILE)
"""Files of a draft; the last three may be missing or empty, which means the same."""

Files = Mapping[str, str]

KEPT = 4
"""Number of parsed texts kept for each file: an editor sends unchanged files again and again."""

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Rules:
    """Ruleset file that could be read. `evaluator`: None if the engine can't hold the rules; see `faults`."""

    ruleset: Ruleset
    document: Document
    digest: str
    evaluator: Evaluator | None
    faults: tuple[RulesetFault, ...] = ()


@dataclass(frozen=True, slots=True)
class OpenedDraft:
    """Readable part of a draft. `rules`: None if the ruleset file can't be read; see `faults`."""

    rules: Rules | None
    cases: tuple[Case, ...] = ()
    properties: tuple[Property, ...] = ()
    personas: tuple[Persona, ...] = ()
    vignettes: tuple[Vignette, ...] = ()
    faults: tuple[RulesetFault, ...] = ()

    @property
    def evaluator(self) -> Evaluator | None:
        """Return the evaluator of the draft; None if the draft can't be read."""
        return None if self.rules is None else self.rules.evaluator


@dataclass(slots=True)
class _Cache:
    """Cache of the newest KEPT results by text."""

    kept: OrderedDict[str, object] = field(default_factory=OrderedDict)

    def get(self, text: str, make: Callable[[bytes], T]) -> T:
        if text not in self.kept:
            self.kept[text] = make(text.encode())
            while len(self.kept) > KEPT:
                self.kept.popitem(last=False)
        self.kept.move_to_end(text)
        return self.kept[text]  # type: ignore[return-value] # made by the same function for this cache


class Drafts:
    """Opener of drafts, with a cache of parsed texts."""

    def __init__(self) -> None:
        self._rules, self._cases, self._properties = _Cache(), _Cache(), _Cache()
        self._personas, self._vignettes = _Cache(), _Cache()

    def open(self, files: Files) -> OpenedDraft:
        """Open a draft as far as it can be read: the rules, then the other files, which refer to them."""
        read = self.rules(files)
        if isinstance(read, RulesetError):
            return OpenedDraft(None, faults=read.faults)
        faults = list(read.faults)
        cases = _collect(faults, lambda: self._read_cases(files, read.ruleset))
        properties = _collect(faults, lambda: self._read_properties(files, read.ruleset))
        (personas,) = _collect(faults, lambda: [self._read_personas(files, read.ruleset)]) or (None,)
        vignettes: list[Vignette] = []
        if personas is not None:  # else each vignette would name an unknown base
            vignettes = _collect(faults, lambda: self._read_vignettes(files, read.ruleset, personas))
        people = () if personas is None else personas.personas
        return OpenedDraft(read, tuple(cases), tuple(properties), people, tuple(vignettes), tuple(faults))

    def rules(self, files: Files) -> Rules | RulesetError:
        """Read the ruleset file; return the error if it can't be read."""
        return self._rules.get(files.get(FILE_NAME, ""), _read_rules)

    def _read_cases(self, files: Files, ruleset: Ruleset) -> list[Case]:
        if CASES_FILE not in files:
            raise RulesetError((RulesetFault(Place(CASES_FILE, 1, 1), "this file is missing, so no case runs"),))
        return cases_of(
            *_copy_faults(self._cases.get(files[CASES_FILE], lambda text: _parse(text, CASES_FILE))), ruleset
        )

    def _read_properties(self, files: Files, ruleset: Ruleset) -> list[Property]:
        text = files.get(PROPERTIES_FILE, "")
        if not text.strip():
            return []
        return properties_of(
            *_copy_faults(self._properties.get(text, lambda text: _parse(text, PROPERTIES_FILE))), ruleset
        )

    def _read_personas(self, files: Files, ruleset: Ruleset) -> Personas:
        text = files.get(PERSONAS_FILE, "")
        if not text.strip():
            return Personas(())
        parsed = _copy_faults(self._personas.get(text, lambda text: _parse(text, PERSONAS_FILE)))
        return personas_of(*parsed, ruleset)

    def _read_vignettes(self, files: Files, ruleset: Ruleset, personas: Personas) -> list[Vignette]:
        text = files.get(VIGNETTES_FILE, "")
        if not text.strip():
            return []
        parsed = _copy_faults(self._vignettes.get(text, lambda text: _parse(text, VIGNETTES_FILE)))
        return list(vignettes_of(*parsed, ruleset, personas).vignettes)


def _read_rules(text: bytes) -> Rules | RulesetError:
    try:
        ruleset, document = parse_with_document(text, FILE_NAME, read_contact_choice())
    except RulesetError as error:
        return error
    digest = bundle_of(document).digest
    try:
        return Rules(ruleset, document, digest, Evaluator(ruleset, digest))
    except EngineLimitError as error:
        return Rules(ruleset, document, digest, None, (RulesetFault(Place(FILE_NAME, 1, 1), str(error)),))


def _parse(text: bytes, file: str) -> tuple[Document, Faults] | RulesetError:
    try:
        return parse_text(text, file)
    except RulesetError as error:
        return error


def _copy_faults(parsed: tuple[Document, Faults] | RulesetError) -> tuple[Document, Faults]:
    """Copy the list of faults, because reading adds to it. Raises RulesetError."""
    if isinstance(parsed, RulesetError):
        raise RulesetError(parsed.faults)
    document, faults = parsed
    return document, Faults(list(faults.collected))


def _collect(faults: list[RulesetFault], read: Callable[[], list[T]]) -> list[T]:
    try:
        return read()
    except RulesetError as error:
        faults.extend(error.faults)
        return []

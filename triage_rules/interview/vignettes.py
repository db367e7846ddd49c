"""Vignettes: clinical stories with the outcome that a clinician wants, read from the files beside a ruleset."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from pathlib import Path

from triage_rules.foundation.errors import RulesetError
from triage_rules.foundation.place import Place
from triage_rules.interview.personas import Personas
from triage_rules.interview.truths import Truth, TruthReader
from triage_rules.language.model import Level, Ruleset
from triage_rules.language.reading import Document, bytes_of, parse_text
from triage_rules.language.reading.fields import Form
from triage_rules.language.reading.messages import NAME, NAME_HINT, join_names
from triage_rules.language.reading.places import Faults, MappingEntry, MappingNode, quoted

VIGNETTES_FILE = "vignettes.yaml"
HELD_OUT_FILE = "vignettes-held-out.yaml"
"""File of the vignettes that are set aside: nobody looks at their outcomes while the rules are changed."""

KINDS = {"urgent": Level.URGENT, "between": Level.MONITOR, "harmless": Level.ROUTINE}
"""Kinds of vignettes, each with the level of the wanted outcome."""

PERCENTS = EXACT, WITHIN, OVERCALLED = "exact_percent", "acceptable_percent", "harmless_called_urgent_percent"
MARK = re.compile(r"(?:V~?(?::\S+)?|M|ours)\Z")
MARK_HINT = "use `V` or `V~` (with a `url`), `V:key`, `V~:key`, `M` or `ours`"
URL = re.compile(r"https?://[^\s/]+(?:/\S*)?\Z")
URL_HINT = "expected a web address such as `https://www.nice.org.uk/guidance/ng240`"


@dataclass(frozen=True, slots=True)
class VignetteSource:
    """Source of a wanted outcome. `marks`: as of a rule's source; plain `V` and `V~` stand for `url`."""

    text: str
    marks: tuple[str, ...]
    url: str | None = None


@dataclass(frozen=True, slots=True)
class Vignette:
    """Story with a truth for every input, the disposition that is wanted, and the range that is acceptable.

    group: the author's word for people alike. kind: one of KINDS.
    """

    name: str
    story: str
    group: str
    kind: str
    truth: Truth
    wanted: str
    mildest: str
    gravest: str
    why: str
    source: VignetteSource
    place: Place = field(default=Place(VIGNETTES_FILE, 1, 1), compare=False)


@dataclass(frozen=True, slots=True)
class VignetteBudget:
    """Shares that a ruleset must keep, in percent, by key of PERCENTS. A missing key is no limit.

    exact, acceptable: of all vignettes, at least. harmless_called_urgent: of the harmless ones, at most.
    """

    limits: dict[str, float] = field(default_factory=dict)
    place: Place = field(default=Place(VIGNETTES_FILE, 1, 1), compare=False)


@dataclass(frozen=True, slots=True)
class Vignettes:
    """Vignettes of one file, and their budget."""

    vignettes: tuple[Vignette, ...]
    budget: VignetteBudget = field(default_factory=VignetteBudget)


def load_vignettes(
    folder: Path, ruleset: Ruleset, personas: Personas | None, file: str = VIGNETTES_FILE
) -> Vignettes | None:
    """Load the vignettes beside a ruleset; None if it has none. Raises RulesetError with every fault.

    personas: those beside the ruleset, whose bases the vignettes share.
    """
    path = folder / file
    return parse_vignettes(*bytes_of(path), ruleset, personas) if path.exists() else None


def parse_vignettes(text: bytes, file: str, ruleset: Ruleset, personas: Personas | None) -> Vignettes:
    """Parse vignettes as `load_vignettes` does, from the file's bytes."""
    return vignettes_of(*parse_text(text, file), ruleset, personas)


def vignettes_of(document: Document, faults: Faults, ruleset: Ruleset, personas: Personas | None) -> Vignettes:
    """Read vignettes as `load_vignettes` does, from the parsed file and the faults of parsing."""
    vignettes = Vignettes(())
    if isinstance(document.root, MappingNode):
        bases: dict[str, Truth | None] = {} if personas is None else {**personas.bases}
        reader = _Reader(ruleset, faults, TruthReader(ruleset, faults, bases))
        vignettes = reader.vignettes(Form(document.root, "", faults))
    if faults.collected:
        raise RulesetError(faults.in_order())
    return vignettes


@dataclass(slots=True)
class _Reader:
    """Reader of a file. After a fault, what is returned is to be discarded."""

    ruleset: Ruleset
    faults: Faults
    truths: TruthReader

    def vignettes(self, root: Form) -> Vignettes:
        """Read the whole file."""
        root.name_among("ruleset", (self.ruleset.name,), "ruleset")
        budget = self._read_budget(root)
        self.truths.read_bases(root)
        vignettes = [self._read_vignette(name, entry) for name, entry in root.entries("vignettes", required=True)]
        root.close()
        return Vignettes(tuple(vignettes), budget)

    def _read_budget(self, root: Form) -> VignetteBudget:
        node = root.node("budget", required=False)
        if node is None:
            return VignetteBudget()
        form = Form(node, "`budget`", self.faults, root.key_place("budget"))
        limits = {key: self._read_percent(form, key) for key in PERCENTS}
        form.close()
        declared = {key: limit for key, limit in limits.items() if limit is not None}
        return VignetteBudget(declared, root.key_place("budget"))

    def _read_percent(self, form: Form, key: str) -> float | None:
        percent = form.number(key)
        if percent is not None and not 0 <= percent <= 100:  # noqa: PLR2004 - percent
            form.add_fault(form.place_of(key), f"`{key}`: expected 0 to 100, found {quoted(percent)}")
        return percent

    def _read_vignette(self, name: str, entry: MappingEntry) -> Vignette:
        form = self.truths.form(name, entry, "vignette")
        story = form.text("story")
        group = form.matching("group", NAME, NAME_HINT)
        kind = form.keyword("kind", KINDS) or ""
        truth = self.truths.merge_findings(form)
        if truth is not None:
            self.truths.check_complete(form, truth)
        wanted, mildest, gravest = (
            form.name_among(key, self.ruleset.dispositions, "disposition") for key in ("wanted", "mildest", "gravest")
        )
        self._check_kind(form, kind, wanted)
        self._check_range(form, wanted, mildest, gravest)
        why = form.text("why")
        source = self._read_source(form)
        form.close()
        place = entry.key_place
        return Vignette(name, story, group, kind, truth or {}, wanted, mildest, gravest, why, source, place)

    def _check_kind(self, form: Form, kind: str, wanted: str) -> None:
        level = self.ruleset.dispositions[wanted].level if wanted else None
        if kind and level is not None and level is not KINDS[kind]:
            expected = next(word for word, of_kind in KINDS.items() if of_kind is level)
            message = f"`kind`: expected `{expected}`, since `{wanted}` is {level.word}; found `{kind}`"
            form.add_fault(form.place_of("kind"), message)

    def _check_range(self, form: Form, wanted: str, mildest: str, gravest: str) -> None:
        urgency = self.ruleset.urgency
        if wanted and mildest and urgency(mildest) > urgency(wanted):
            message = f"`mildest`: expected `{wanted}` or a less urgent one, found `{mildest}`"
            form.add_fault(form.place_of("mildest"), message)
        if wanted and gravest and urgency(gravest) < urgency(wanted):
            message = f"`gravest`: expected `{wanted}` or a more urgent one, found `{gravest}`"
            form.add_fault(form.place_of("gravest"), message)

    def _read_source(self, form: Form) -> VignetteSource:
        node = form.node("source")
        if node is None:
            return VignetteSource("", ())
        inner = Form(node, f"{form.what}: `source`", self.faults, form.key_place("source"))
        text, url, marks = inner.text("text"), inner.text_or_none("url"), inner.texts("marks", required=True)
        if url is not None and not URL.match(url):
            inner.add_fault(inner.place_of("url"), f"`url`: {quoted(url)} is not valid; {URL_HINT}")
        for mark, place in marks:
            if not MARK.match(mark):
                inner.add_fault(place, f"`marks`: {quoted(mark)} is not valid; {MARK_HINT}")
        read = [mark for mark, _ in marks if mark in {"V", "V~"}]
        if read and not inner.has_value("url"):
            inner.add_fault(inner.place, f"the key `url` is missing: {join_names(read)} stands for what was read there")
        inner.close()
        return VignetteSource(text, tuple(mark for mark, _ in marks), url)

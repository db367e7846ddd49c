"""Truths: a person's answer to each input, written by hand or taken over from a base; for personas and vignettes."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field

from triage_rules.evaluation.answers import UNKNOWN, asked, read_answers
from triage_rules.foundation.errors import ReportError
from triage_rules.language.model import Input, Ruleset, Value
from triage_rules.language.reading.fields import Form
from triage_rules.language.reading.messages import NAME, NAME_HINT, describe_node_kind, join_names, suggest_name
from triage_rules.language.reading.places import Broken, Faults, MappingEntry, Scalar, data_of, is_whole, quoted

Truth = dict[str, Value]
"""Truths by input; `unknown` for what the person doesn't know or hasn't measured."""


@dataclass(slots=True)
class TruthReader:
    """Reader of truths and bases. `bases`: at first those of the personas, if shared; None for one that has faults."""

    ruleset: Ruleset
    faults: Faults
    bases: dict[str, Truth | None] = field(default_factory=dict)

    def read_bases(self, root: Form) -> None:
        """Read the bases of a file; each may rest on one above it, or on one of the personas."""
        of_personas = set(self.bases)
        for name, entry in root.entries("bases"):
            form = self.form(name, entry, "base")
            form.text_or_none("title")
            truth = self.merge_findings(form)
            form.close()
            if name in of_personas:
                form.add_fault(form.place, "the personas have a base of this name; use another name")
            else:
                self.bases[name] = truth

    def form(self, name: str, entry: MappingEntry, kind: str) -> Form:
        """Return the form of a named entry. `kind`: the word for it in messages."""
        if not NAME.match(name):
            self.faults.add(entry.key_place, f"{kind} {quoted(name)}: the name is not valid; {NAME_HINT}")
        return Form(entry.node, f"{kind} {quoted(name)}", self.faults, entry.key_place)

    def check_complete(self, form: Form, truth: Truth) -> None:
        """Collect a fault if an input that a report may answer has no truth."""
        missing = [read.name for read in asked(self.ruleset) if read.name not in truth]
        if missing:
            message = (
                f"there is no truth for {join_names(missing, 20)}; write `{UNKNOWN}` for what the person doesn't know"
            )
            form.add_fault(form.place, message)

    def merge_findings(self, form: Form) -> Truth | None:
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

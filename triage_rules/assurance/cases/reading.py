"""Reading of a ruleset's worked cases; every fault is reported at once with its place."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from triage_rules.foundation.errors import RulesetError
from triage_rules.foundation.place import Place
from triage_rules.language.model import Audience, Level, Ruleset
from triage_rules.language.reading import Document, bytes_of, parse_text
from triage_rules.language.reading.fields import Form
from triage_rules.language.reading.messages import describe_node_kind, join_names, suggest_name
from triage_rules.language.reading.places import Broken, Faults, MappingNode, Node, Scalar, data_of, quoted
from triage_rules.records.reports import History

CASES_FILE = "cases.yaml"
EQUAL = ("level", "disposition", "could_be", "determined", "complete", "act_within_minutes")
INCLUDED = ("flags", "missing")
REQUIRED_TEXTS = {"patient_says": "patient", "clinician_says": "clinician"}
FORBIDDEN_TEXTS = {"patient_never_says": "patient", "clinician_never_says": "clinician"}
WANTED = (
    *EQUAL,
    *INCLUDED,
    *("fires", "silent", "ask", "ask_includes", "ask_excludes", "open_elsewhere_includes", "conflicts"),
    *REQUIRED_TEXTS,
    *FORBIDDEN_TEXTS,
    "refused",
)

_LEVELS = tuple(level.word for level in Level)
_NO_LEVEL = "none"


@dataclass(frozen=True, slots=True)
class Case:
    """Worked case. `expect`: any of WANTED; at least the level, unless the report is to be `refused`.

    panels: as in a posted report.
    """

    id: str
    note: str
    answers: dict[str, Any]
    history: History
    expect: dict[str, Any]
    audience: Audience = Audience.PATIENT
    panels: dict[str, Any] = field(default_factory=dict)
    place: Place = field(default=Place(CASES_FILE, 1, 1), compare=False)


def read_cases(folder: Path, ruleset: Ruleset) -> list[Case]:
    """Read the cases beside a ruleset. Raises RulesetNotFound, RulesetError with every fault."""
    return parse_cases(*bytes_of(folder / CASES_FILE), ruleset)


def parse_cases(text: bytes, file: str, ruleset: Ruleset) -> list[Case]:
    """Parse cases as `read_cases` does, from the file's bytes."""
    return cases_of(*parse_text(text, file), ruleset)


def cases_of(document: Document, faults: Faults, ruleset: Ruleset) -> list[Case]:
    """Read cases as `read_cases` does, from the parsed file and the faults of parsing."""
    cases: list[Case] = []
    if isinstance(document.root, MappingNode):
        cases = _Reader(ruleset, faults).cases(Form(document.root, "", faults))
    if faults.collected:
        raise RulesetError(faults.in_order())
    return cases


@dataclass(slots=True)
class _Reader:
    """Reader of a file. `bases`: None for one that has faults; `ids`: place of each id's first use."""

    ruleset: Ruleset
    faults: Faults
    bases: dict[str, dict[str, Any] | None] = field(default_factory=dict)
    ids: dict[str, Place] = field(default_factory=dict)

    def cases(self, root: Form) -> list[Case]:
        """Read `bases` (name -> findings) and `cases`. Parts with faults are wrong in the returned cases."""
        for name, entry in root.entries("bases"):
            self.bases[name] = self._read_findings(entry.node, f"base `{name}`")
        cases = [
            self._read_case(node, number) for number, node in enumerate(root.items("cases", required=True), start=1)
        ]
        root.close()
        return cases

    def _read_case(self, node: Node, number: int) -> Case:
        form = Form(node, _name_case(node, number), self.faults)
        case_id = self._read_id(form)
        note = form.text_or_none("note") or ""
        answers = self._merge_findings(form)
        history = self._read_history(form)
        expect = self._read_expect(form)
        audience = form.keyword("audience", list(Audience), default=Audience.PATIENT)
        panels = self._read_panels(form)
        form.close()
        return Case(case_id, note, answers, history, expect, Audience(audience or Audience.PATIENT), panels, node.place)

    def _read_id(self, form: Form) -> str:
        case_id = form.text("id")
        if case_id in self.ids:
            message = f"`id`: the case in line {self.ids[case_id].line} has this id already; ids are used once"
            form.add_fault(form.place_of("id"), message)
        elif case_id:
            self.ids[case_id] = form.place_of("id")
        return case_id

    # --- answers ---

    def _read_findings(self, node: Node, what: str) -> dict[str, Any] | None:
        """Read answers by input; None if they are no mapping. Their types are checked when the case is run."""
        if not isinstance(node, MappingNode):
            if not isinstance(node, Broken):
                self.faults.add(node.place, f"{what}: expected a mapping of answers, found {describe_node_kind(node)}")
            return None
        for name, entry in node.entries.items():
            if name not in self.ruleset.inputs:
                hint = suggest_name(name, self.ruleset.inputs)
                self.faults.add(entry.key_place, f"{what}: unknown input {quoted(name)}{hint}")
        return {name: data_of(entry.node) for name, entry in node.entries.items()}

    def _read_panels(self, form: Form) -> dict[str, Any]:
        """Read the answers to panels by name. Their lines are checked when the case is run."""
        panels = {}
        for name, entry in form.entries("panels"):
            if name not in self.ruleset.panels:
                hint = suggest_name(name, self.ruleset.panels)
                form.add_fault(entry.key_place, f"`panels`: unknown panel {quoted(name)}{hint}")
            panels[name] = data_of(entry.node)
        return panels

    def _merge_findings(self, form: Form) -> dict[str, Any]:
        """Merge the base's answers with the case's own, without those in `without`."""
        base, whole = self._read_base(form)
        node = form.node("findings", required=False)
        case_findings = {} if node is None else self._read_findings(node, f"{form.what}: `findings`")
        answers = {**base, **(case_findings or {})}
        for name, place in form.texts("without"):
            if name not in self.ruleset.inputs:
                form.add_fault(
                    place, f"`without`: unknown input {quoted(name)}{suggest_name(name, self.ruleset.inputs)}"
                )
            elif name not in answers and whole and case_findings is not None:
                form.add_fault(place, f"`without`: `{name}` is not among the findings, so it can't be taken away")
            answers.pop(name, None)
        return answers

    def _read_base(self, form: Form) -> tuple[dict[str, Any], bool]:
        """Read the answers of the case's base, and whether they are known: False if it has faults."""
        if form.node("base", required=False) is None:
            return {}, True
        base = self.bases.get(form.name_among("base", self.bases, "base"))
        return base or {}, base is not None

    def _read_history(self, form: Form) -> History:
        node = form.node("history", required=False)
        if node is None:
            return History()
        inner = Form(node, f"{form.what}: `history`", self.faults)
        reports = inner.number("reports_last_48h", whole=True) or 0
        if reports < 0:
            inner.add_fault(
                inner.place_of("reports_last_48h"), f"`reports_last_48h`: expected 0 or more, found `{reports}`"
            )
        highest = inner.keyword("highest_level_24h", (*_LEVELS, _NO_LEVEL), default=_NO_LEVEL)
        inner.close()
        return History(int(reports), None if highest in (None, _NO_LEVEL) else Level.of(highest))

    # --- expected results ---

    def _read_expect(self, form: Form) -> dict[str, Any]:
        node = form.node("expect")
        if node is None:
            return {}
        inner = Form(node, f"{form.what}: `expect`", self.faults, form.key_place("expect"))
        if isinstance(node, MappingNode):
            self._check_enough(form, node)
        for key in ("level", "could_be"):
            inner.keyword(key, _LEVELS, default="")
        self._check_disposition(inner)
        inner.flag("determined")
        inner.flag("complete")
        limit = inner.node("act_within_minutes", required=False)
        if limit is not None and not (isinstance(limit, Scalar) and limit.value is None):
            inner.number_of(limit, "`act_within_minutes`", whole=True)
        for key in ("flags", *REQUIRED_TEXTS, *FORBIDDEN_TEXTS):
            inner.texts(key)
        statements = [rule.id for rule in self.ruleset.rules_and_floors]
        self._check_names(inner, ("fires", "silent"), statements, "rule or floor")
        self._check_names(
            inner,
            ("ask_includes", "ask_excludes", "open_elsewhere_includes", "missing", "refused"),
            list(self.ruleset.inputs),
            "input",
        )
        self._check_names(inner, ("ask",), list(self.ruleset.inputs), "input", least=0)  # `[]`: no question is open
        self._check_names(inner, ("conflicts",), list(self.ruleset.conflicts), "conflict")
        inner.close()
        if not isinstance(node, MappingNode):
            return {}
        return {key: data_of(entry.node) for key, entry in node.entries.items()}

    def _check_enough(self, form: Form, expect: MappingNode) -> None:
        """Report a case that can't fail, and one that expects both a refusal and a result."""
        written = expect.entries
        misspelt = [key for key in written if key not in WANTED and suggest_name(key, ("level", "refused"))]
        if not {"level", "refused"} & set(written) and not misspelt and expect.whole:
            form.add_fault(form.key_place("expect"), "`expect` must state a `level` (or what is `refused`)")
        others = [key for key in written if key in WANTED and key != "refused"]
        if "refused" in written and others:
            message = (
                f"`expect`: a report that is `refused` has no result, so {join_names(others)} can't be expected too"
            )
            form.add_fault(written["refused"].key_place, message)

    def _check_disposition(self, form: Form) -> None:
        if form.node("disposition", required=False) is not None:
            form.name_among("disposition", self.ruleset.dispositions, "disposition")

    def _check_names(
        self, form: Form, keys: Collection[str], known: Collection[str], what: str, *, least: int = 1
    ) -> None:
        """Report names that the ruleset lacks: a misspelt rule in `silent`, say, would never fail."""
        for key in keys:
            for name, place in form.texts(key, least=least):
                if name not in known:
                    form.add_fault(
                        place, f"`{key}`: the ruleset has no {what} {quoted(name)}{suggest_name(name, known)}"
                    )


def _name_case(node: Node, number: int) -> str:
    """Name a case for messages: by its id, if it has one."""
    entry = node.entries.get("id") if isinstance(node, MappingNode) else None
    written = entry.node.value if entry is not None and isinstance(entry.node, Scalar) else None
    return f"case {quoted(written)}" if isinstance(written, str) and written.strip() else f"case number {number}"

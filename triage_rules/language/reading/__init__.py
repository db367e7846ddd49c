"""Reader of rulesets: YAML or plain data to a checked Ruleset; all faults are listed at once, with their places."""

from __future__ import annotations

import datetime as dt
import re
from dataclasses import dataclass
from pathlib import Path

from triage_rules.foundation.contacts import NO_CHOICE, ContactChoice
from triage_rules.foundation.errors import RulesetError, RulesetNotFound
from triage_rules.language.contacts import fill_ruleset
from triage_rules.language.model import (
    IN_SCOPE,
    MANDATORY_OPEN,
    SCOPE,
    Inference,
    Mandatory,
    Rule,
    Ruleset,
    RulesetScope,
)
from triage_rules.language.reading.acceptances import read_acceptances
from triage_rules.language.reading.conditions import ConditionReader, Names
from triage_rules.language.reading.contacts import check_texts, read_contacts
from triage_rules.language.reading.fields import Form, is_date
from triage_rules.language.reading.fragments import insert_fragments
from triage_rules.language.reading.inputs import check_name, read_inputs, read_mentions
from triage_rules.language.reading.limits import MAX_BYTES
from triage_rules.language.reading.places import (
    Broken,
    Faults,
    MappingEntry,
    MappingNode,
    Node,
    Scalar,
    Sequence,
    data_of,
    quoted,
)
from triage_rules.language.reading.plain_data import tree_of_data
from triage_rules.language.reading.rules import (
    Context,
    mandatory_statement,
    read_conflict,
    read_default,
    read_dispositions,
    read_floor,
    read_inference,
    read_mandatory,
    read_rule,
    read_validity,
)
from triage_rules.language.reading.scope import check_reasons, finish_scope, in_scope_statement, read_scope, rule_of
from triage_rules.language.reading.screens import check_gates, read_gates, read_panels, read_screens
from triage_rules.language.reading.statements import StatementDraft, in_order
from triage_rules.language.reading.yaml_text import tree_of_yaml
from triage_rules.language.scope import mandatory_in_scope

FILE_NAME = "ruleset.yaml"
LANGUAGE = 1
_NO_MAPPING = "expected a mapping: lines such as `name: value`"
RULESET_NAME = re.compile(r"(?=.{1,60}\Z)[a-z][a-z0-9]*(?:-[a-z0-9]+)*\Z")
SEMVER = re.compile(
    r"(?:0|[1-9][0-9]*)\.(?:0|[1-9][0-9]*)\.(?:0|[1-9][0-9]*)"
    r"(?:-(?:0|[1-9][0-9]*|[0-9]*[a-zA-Z-][0-9a-zA-Z-]*)(?:\.(?:0|[1-9][0-9]*|[0-9]*[a-zA-Z-][0-9a-zA-Z-]*))*)?"
    r"(?:\+[0-9a-zA-Z-]+(?:\.[0-9a-zA-Z-]+)*)?\Z"
)


@dataclass(frozen=True, slots=True)
class Document:
    """A ruleset file in its written form, with the fragments that it uses.

    `data`: plain JSON data in the file's order; `root`: the same with places.
    """

    file: str
    data: dict[str, object]
    root: Node


def load_document(path: str | Path) -> Document:
    """Load a ruleset file, or a folder's ruleset.yaml, without checking more than the YAML.

    Raises:
        RulesetNotFound: If the file can't be read.
        RulesetError: If the file is not plain YAML.
    """
    return parse_document(*bytes_of(path))


def bytes_of(path: str | Path) -> tuple[bytes, str]:
    """Read a file, up to the limit of its size, and return its content and its name for places.

    A folder means its ruleset.yaml. Raises RulesetNotFound.
    """
    file = Path(path)
    if file.is_dir():
        file /= FILE_NAME
    try:
        with file.open("rb") as opened:
            return opened.read(MAX_BYTES + 1), str(file)
    except OSError as error:
        raise RulesetNotFound(f"`{file}` can't be read: {error.strerror}") from error


def parse_document(text: bytes, file: str) -> Document:
    """Load a document like `load_document`, from the file's bytes."""
    document, faults = _parse_rules(text, file)
    if faults.collected:
        raise RulesetError(faults.in_order())
    return document


def parse_text(text: bytes, file: str) -> tuple[Document, Faults]:
    """Load a document like `parse_document`, but return the faults of its YAML, so that a reader can add more.

    Raises RulesetError if there are too many faults to continue.
    """
    faults = Faults()
    return _document(tree_of_yaml(text, file, faults), file, faults), faults


def _parse_rules(text: bytes, file: str) -> tuple[Document, Faults]:
    """Load a ruleset file like `parse_text`, with the fragments that it uses."""
    faults = Faults()
    return _document(insert_fragments(tree_of_yaml(text, file, faults), faults), file, faults), faults


def _document(root: Node, file: str, faults: Faults) -> Document:
    if not isinstance(root, MappingNode | Broken):
        faults.add(root.place, _NO_MAPPING)
    data = data_of(root)
    return Document(file, data if isinstance(data, dict) else {}, root)


def read_ruleset(path: str | Path, contacts: ContactChoice = NO_CHOICE) -> Ruleset:
    """Read and check the ruleset of a folder or a file. Raises RulesetNotFound, and RulesetError with all faults.

    contacts: to fill into its texts.
    """
    return read_with_document(path, contacts)[0]


def read_with_document(path: str | Path, contacts: ContactChoice = NO_CHOICE) -> tuple[Ruleset, Document]:
    """Read a ruleset like `read_ruleset`, and return its document too."""
    return parse_with_document(*bytes_of(path), contacts)


def parse_with_document(text: bytes, file: str, contacts: ContactChoice = NO_CHOICE) -> tuple[Ruleset, Document]:
    """Read a ruleset like `read_with_document`, from the file's bytes."""
    document, faults = _parse_rules(text, file)
    _check_approval(document.root, faults)
    return _build(document.root, faults, contacts, is_file=True), document


def parse_ruleset(text: bytes, file: str, contacts: ContactChoice = NO_CHOICE) -> Ruleset:
    """Read a ruleset like `read_ruleset`, from the file's bytes."""
    return parse_with_document(text, file, contacts)[0]


def _check_approval(root: Node, faults: Faults) -> None:
    """Reject an approval in the future.

    Only in files: whether a live bundle can be opened must not depend on a worker's clock.
    """
    entry = root.entries.get("approved_on") if isinstance(root, MappingNode) else None
    written = entry.node.value if entry is not None and isinstance(entry.node, Scalar) else None
    # The date in the earliest time zone: a person who approves there must not have to wait for UTC.
    latest = (dt.datetime.now(dt.UTC) + dt.timedelta(hours=14)).date().isoformat()
    if entry is not None and isinstance(written, str) and is_date(written) and written > latest:
        faults.add(entry.node.place, f"`approved_on`: {quoted(written)} is in the future; write the day of approval")


def build_ruleset(document: object, file: str = "<bundle>", contacts: ContactChoice = NO_CHOICE) -> Ruleset:
    """Read and check the ruleset in plain JSON data; faults have line 0. Raises RulesetError with all faults."""
    faults = Faults()
    return _build(tree_of_data(document, file, faults), faults, contacts)


def _build(root: Node, faults: Faults, contacts: ContactChoice, *, is_file: bool = False) -> Ruleset:
    if isinstance(root, MappingNode):
        ruleset = _read(Form(root, "", faults), faults)
        if is_file or ruleset.declared_contacts:  # a bundle of an earlier version may have braces in its texts
            check_texts(root, ruleset.declared_contacts, faults)
        if not faults.collected:
            return fill_ruleset(ruleset, contacts)
    elif not faults.collected:
        faults.add(root.place, _NO_MAPPING)
    raise RulesetError(faults.in_order())


def _read(root: Form, faults: Faults) -> Ruleset:
    """Read the whole file: first the parts that define names, then the parts that use them."""
    head = _head(root)
    names = Names()
    taken: dict[str, str] = {IN_SCOPE: "`scope`"} if root.has("scope") else {}
    read_inputs(root, names, taken, faults)
    mentions = read_mentions(root, names, taken, faults)
    context = Context(
        faults, names, ConditionReader(names, faults), head["owner"], head["review_by"], read_dispositions(root, faults)
    )
    inferences, rules, mandatory, scope = _read_rules(root, context, taken)
    check_gates(names, inferences, root)
    panels = read_panels(root, names, faults)
    screens = read_screens(root, names, panels, faults)
    if scope is not None:
        scope = finish_scope(scope, names, inferences, panels, screens, root)
    floors = {i: read_floor(i, entry, context) for i, entry in root.entries("safety_net")}
    conflicts = {i: read_conflict(i, entry, context) for i, entry in root.entries("conflicts")}
    default, validity = read_default(root, context), read_validity(root, context)
    always_patient, always_clinician = _always(root, faults)
    read_acceptances(root, faults)  # only for `triage check`; evaluation never uses them
    contacts = read_contacts(root, faults)
    root.close()
    ruleset = Ruleset(
        name=head["ruleset"],
        version=head["version"],
        title=head["title"],
        description=head["description"],
        owner=head["owner"],
        approved_by=head["approved_by"] or None,
        approved_on=head["approved_on"] or None,
        inputs={name: read for name, read in names.inputs.items() if read is not None},
        mentions=mentions,
        inferences=inferences,
        rules=rules,
        floors=floors,
        conflicts=conflicts,
        mandatory=mandatory if scope is None else tuple(map(mandatory_in_scope, mandatory)),
        dispositions={code: read for code, read in context.dispositions.items() if read is not None},
        default=default,
        validity=validity,
        always_patient=always_patient,
        always_clinician=always_clinician,
        panels=panels,
        screens=screens,
        scope=scope,
        declared_contacts=contacts,
    )
    if scope is not None and not faults.collected:
        check_reasons(scope, ruleset, faults)
    return ruleset


def _read_rules(
    root: Form, context: Context, taken: dict[str, str]
) -> tuple[dict[str, Inference], dict[str, Rule], tuple[Mandatory, ...], RulesetScope | None]:
    """Read the statements and rules, with those that the mandatory list and the scope stand for."""
    written_inferences = list(root.entries("inferences"))
    written_rules = list(root.entries("rules", required=True))
    statements = _declare(written_inferences, written_rules, root, context, taken)
    read_gates(root, context.names, context.conditions, context.faults)
    scope = read_scope(root, context)
    mandatory = read_mandatory(root, context)
    for name, entry in written_inferences:
        # An inference with an invalid name is read too, for its faults, and then dropped.
        read_inference(name, entry, statements.get(name) or StatementDraft(name, entry.key_place, ""), context)
    rules = {rule_id: read_rule(rule_id, entry, context) for rule_id, entry in written_rules}
    _define(statements, rules)
    if scope is not None:
        statements[IN_SCOPE], rules[SCOPE] = in_scope_statement(scope), rule_of(scope, context)
    if mandatory:
        statements[MANDATORY_OPEN] = mandatory_statement(mandatory, root.key_place("mandatory"), scope)
    return in_order(statements, context.faults), rules, mandatory, scope


def _head(root: Form) -> dict[str, str]:
    """Read the lines at the top; invalid and null values are empty."""
    name = root.matching(
        "ruleset", RULESET_NAME, "use lower case letters and digits with single hyphens, at most 60 characters"
    )
    language = root.number("language", required=True, whole=True)
    if language is not None and language != LANGUAGE:
        root.add_fault(root.place_of("language"), f"`language`: expected {LANGUAGE}, found {quoted(language)}")
    head = {
        "ruleset": name,
        "version": root.matching("version", SEMVER, "write three numbers, such as `1.0.0`"),
        "title": root.text("title"),
        "description": root.text("description"),
        "owner": root.text("owner"),
        "review_by": root.date_or_none("review_by") or "",
        "approved_by": root.text_or_none("approved_by") or "",
        "approved_on": root.date_or_none("approved_on") or "",
    }
    if not root.has_value("review_by"):
        root.add_fault(root.place_of("review_by"), "the key `review_by` is missing or has no date")
    refused = isinstance(root.peek("approved_by"), Broken) or isinstance(root.peek("approved_on"), Broken)
    if not refused and root.has_value("approved_by") != root.has_value("approved_on"):
        here = "approved_by" if root.has_value("approved_by") else "approved_on"
        message = "`approved_by` and `approved_on` go together: a clinician and a date, or null for both"
        root.add_fault(root.place_of(here), message)
    return head


def _always(root: Form, faults: Faults) -> tuple[str, str]:
    node = root.node("always")
    if node is None:
        return "", ""
    form = Form(node, "`always`", faults, root.key_place("always"))
    texts = form.text("patient"), form.text("clinician")
    form.close()
    return texts


def _declare(
    inferences: list[tuple[str, MappingEntry]],
    rules: list[tuple[str, MappingEntry]],
    root: Form,
    context: Context,
    taken: dict[str, str],
) -> dict[str, StatementDraft]:
    """Return every statement by name, not yet defined, so that conditions anywhere can use it."""
    statements: dict[str, StatementDraft] = {}
    for name, entry in inferences:
        if check_name(name, entry.key_place, f"inference `{name}`", taken, context.faults):
            taken[name] = "an inference"
            statements[name] = StatementDraft(name, entry.key_place, "")
    for rule_id, entry in rules:
        infers = entry.node.entries.get("infers") if isinstance(entry.node, MappingNode) else None
        if infers is None or not isinstance(infers.node, Scalar) or not isinstance(infers.node.value, str):
            continue
        name, place = infers.node.value, infers.node.place
        if name not in statements:
            if not check_name(name, place, f"rule `{rule_id}`: `infers`", taken, context.faults):
                continue
            taken[name] = "a statement"
            statements[name] = StatementDraft(name, place, "")
        statements[name].rules.append(rule_id)
    context.names.statements.update(statements)
    if root.has("scope"):
        context.names.statements.add(IN_SCOPE)
    mandatory = root.peek("mandatory")
    if isinstance(mandatory, Sequence) and mandatory.items:
        context.names.statements.add(MANDATORY_OPEN)
    return statements


def _define(statements: dict[str, StatementDraft], rules: dict[str, Rule]) -> None:
    """Add the rules that infer each statement: their conditions, and their titles and sources if it has none."""
    for statement in statements.values():
        for rule_id in statement.rules:
            rule = rules[rule_id]
            statement.definitions.append(rule.when)
            statement.says = statement.says or rule.title
            statement.source = statement.source or rule.source


__all__ = [
    "Document",
    "build_ruleset",
    "bytes_of",
    "load_document",
    "parse_document",
    "parse_ruleset",
    "parse_text",
    "parse_with_document",
    "read_ruleset",
]

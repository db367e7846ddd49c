"""Schemas of requests and responses for the API description; tests check every response against them."""

from __future__ import annotations

from typing import Self

import marshmallow as ma
from marshmallow import fields, validate

from triage_rules.language.model import Level
from triage_rules.records.api_keys import CLIENT
from triage_rules.records.reports import SUBJECT_MAX, ReportStatus, subject_fault

_LEVELS = validate.OneOf([level.word for level in Level])
ID = "9f1c2b7a5d8e4c03b6a1f2e3d4c5b6a7"
DIGEST = "sha256:5e884898da28047151d0e56f8dc6292773603d0d6aabbdd62a11ef721d1542d8"


def _says(text: str, **more: object) -> dict[str, object]:
    return {"description": text, **more}


class Out(ma.Schema):
    """Base of all responses. Fields may be added later: callers ignore unknown fields."""

    class Meta:
        """Allow unknown fields, so a client generated from the description accepts them."""

        unknown = ma.EXCLUDE

    def __deepcopy__(self, memo: dict[int, object]) -> Self:
        """Return the schema itself: flask-smorest's deep copies took half the time of making an app."""
        return self


class Fault(Out):
    """A fault of a request."""

    pointer = fields.String(
        required=True, metadata=_says("JSON Pointer (RFC 6901) into the report; empty: the whole report.")
    )
    code = fields.String(required=True, metadata=_says("Stable code for programs.", examples=["out_of_range"]))
    detail = fields.String(required=True, metadata=_says("A sentence for people. It never repeats an answer."))
    file = fields.String(metadata=_says("For faults of a ruleset: the file."))
    line = fields.Integer(metadata=_says("For faults of a ruleset: the line, from 1."))
    column = fields.Integer(metadata=_says("For faults of a ruleset: the column, from 1."))


class ProblemOut(Out):
    """An error, as in RFC 9457."""

    type = fields.String(
        required=True, metadata=_says("The problem type; the address of a page about it.", format="uri-reference")
    )
    title = fields.String(required=True)
    status = fields.Integer(required=True, metadata=_says("The HTTP status."))
    detail = fields.String()
    errors = fields.List(fields.Nested(Fault), metadata=_says("Up to 100 faults, all at once."))
    errors_left_out = fields.Integer(metadata=_says("Number of further faults."))
    incident = fields.String(metadata=_says("The number of the error in the service's log."))


class ReportLinks(Out):
    """Links of a report."""

    self = fields.String(required=True, metadata=_says("The report.", format="uri-reference"))
    ruleset = fields.String(metadata=_says("The live version of the report's ruleset.", format="uri-reference"))


class AcceptedOut(Out):
    """An accepted report."""

    id = fields.String(required=True, metadata=_says("The report's id.", examples=[ID]))
    status = fields.String(required=True, validate=validate.OneOf([status.value for status in ReportStatus]))
    links = fields.Nested(ReportLinks, required=True)


class ReportOut(AcceptedOut):
    """A report and, once it is settled, its result."""

    ruleset = fields.String(required=True)
    digest = fields.String(required=True, metadata=_says("The digest of the ruleset that decides.", examples=[DIGEST]))
    received_at = fields.String(required=True, metadata=_says("UTC.", format="date-time"))
    amends = fields.String(
        required=True, allow_none=True, metadata=_says("The id of the report that it amends, or null.")
    )
    amended_by = fields.List(
        fields.String(), required=True, metadata=_says("The ids of the reports that amend it, in order of acceptance.")
    )
    result = fields.Dict()  # only if status is done or dead; openapi.py describes it
    acknowledged_by = fields.String(metadata=_says("The client that acknowledged the report, if any."))
    acknowledged_at = fields.String(metadata=_says("UTC.", format="date-time"))


class AcknowledgementOut(Out):
    """The acknowledgement of a report."""

    id = fields.String(required=True, metadata=_says("The report's id.", examples=[ID]))
    acknowledged_by = fields.String(required=True, allow_none=True, metadata=_says("A client; null: not acknowledged."))
    acknowledged_at = fields.String(required=True, allow_none=True, metadata=_says("UTC.", format="date-time"))
    links = fields.Nested(ReportLinks, required=True)


class OutcomeOut(Out):
    """The outcome of a line of a batch: `id`, `status` 202 and `links`, or a problem."""

    line = fields.Integer(required=True, metadata=_says("The line's number in the body, from 1; blank lines count."))
    status = fields.Integer(required=True, metadata=_says("The HTTP status that a single report would get."))
    id = fields.String(metadata=_says("If accepted."))
    links = fields.Nested(ReportLinks, metadata=_says("If accepted."))
    type = fields.String(metadata=_says("If rejected: the problem type.", format="uri-reference"))
    title = fields.String(metadata=_says("If rejected."))
    detail = fields.String(metadata=_says("If rejected."))
    errors = fields.List(fields.Nested(Fault), metadata=_says("If rejected; pointers are into the line's report."))
    errors_left_out = fields.Integer()


class RulesetLinks(Out):
    """Links of a ruleset."""

    self = fields.String(required=True, metadata=_says("The ruleset.", format="uri-reference"))
    schema = fields.String(required=True, metadata=_says("JSON Schema of its `findings`.", format="uri-reference"))


class RulesetOut(Out):
    """A live ruleset."""

    name = fields.String(required=True)
    version = fields.String(required=True)
    digest = fields.String(required=True, metadata=_says("Identifies the content.", examples=[DIGEST]))
    title = fields.String(required=True)
    approved_by = fields.String(required=True, allow_none=True, metadata=_says("The clinician who signed it, or null."))
    approval = fields.String(required=True, metadata=_says("The approval in words."))
    contacts = fields.Dict(
        required=True,
        allow_none=True,
        metadata=_says("`country`, and `values` of the contacts in its texts; null if it has none."),
    )
    activated_at = fields.String(required=True, metadata=_says("UTC.", format="date-time"))
    links = fields.Nested(RulesetLinks, required=True)


class RulesetsOut(Out):
    """The live rulesets."""

    rulesets = fields.List(fields.Nested(RulesetOut), required=True)


class InputOut(Out):
    """A question of a ruleset."""

    name = fields.String(required=True, metadata=_says("Its field in `findings`."))
    kind = fields.String(required=True)
    question = fields.String(required=True)
    help = fields.String(allow_none=True)
    group = fields.String(required=True)
    asked_of = fields.String(required=True, metadata=_says("`service`: counted by the service, rejected in a report."))
    relevant = fields.Dict(
        allow_none=True,
        metadata=_says("`when` in words, and `otherwise`: the answer that counts once `when` is ruled out."),
    )
    available_if = fields.String(allow_none=True, metadata=_says("Asked only once this is true, in words."))
    expected = fields.Raw(
        metadata=_says("The commonest answer; affects only the order of asking.")
        | {"type": ["boolean", "number", "string", "null"]}
    )
    unit = fields.String(allow_none=True, metadata=_says("UCUM."))
    minimum = fields.Float(allow_none=True)
    maximum = fields.Float(allow_none=True)
    max_length = fields.Integer(allow_none=True)
    choices = fields.List(
        fields.Dict(),
        required=True,
        metadata=_says("value, label, and `means_open`: true if the answer leaves the input open."),
    )


class PanelLineOut(Out):
    """A line of a panel."""

    finding = fields.String(required=True)
    question = fields.String(required=True)
    none_means = fields.Raw(
        required=True, metadata=_says("The answer if the line does not apply.") | {"type": ["boolean", "string"]}
    )


class PanelOut(Out):
    """Several questions on one screen, with "none of these"."""

    name = fields.String(required=True, metadata=_says("Its field in `panels`."))
    section = fields.String(allow_none=True)
    question = fields.String(required=True)
    immediate_danger = fields.Boolean(required=True)
    lines = fields.List(fields.Nested(PanelLineOut), required=True)


class ScopeOut(Out):
    """What a ruleset is for: a no to the question gives the disposition, or a worse one."""

    question = fields.String(required=True, metadata=_says("A yes/no input."))
    disposition = fields.String(required=True)
    reason = fields.String(required=True)
    then_ask = fields.List(fields.String(), required=True, metadata=_says("Inputs that are still asked after the no."))


class RuleOut(Out):
    """A rule, or a floor of the safety net."""

    id = fields.String(required=True)
    title = fields.String(required=True)
    level = fields.String(
        required=True, allow_none=True, validate=_LEVELS, metadata=_says("null: raises by one level.")
    )
    disposition = fields.String(required=True, allow_none=True)
    reason = fields.String(required=True)
    source = fields.String(required=True)
    marks = fields.List(fields.String(), required=True, metadata=_says("The certainty of the source."))
    owner = fields.String(required=True)
    review_by = fields.String(required=True)
    clinician_only = fields.Boolean(required=True, metadata=_says("The reason is never in a text for patients."))


class DispositionOut(Out):
    """The action of an outcome, and its time limit."""

    code = fields.String(required=True)
    level = fields.String(required=True, validate=_LEVELS)
    act_within_minutes = fields.Integer(required=True, allow_none=True, metadata=_says("null: no limit; 0: now."))
    title = fields.String(required=True)


class RulesetDetailOut(RulesetOut):
    """A live ruleset with its questions and rules."""

    description = fields.String(required=True)
    owner = fields.String(required=True)
    dispositions = fields.List(fields.Nested(DispositionOut), required=True)
    inputs = fields.List(fields.Nested(InputOut), required=True)
    panels = fields.List(fields.Nested(PanelOut), required=True)
    screens = fields.Dict(
        required=True,
        metadata=_says('`first` and `then`: lists of {"panel": name} or {"findings": [names]}, asked together.'),
    )
    scope = fields.Nested(ScopeOut, required=True, allow_none=True)
    rules = fields.List(fields.Nested(RuleOut), required=True)
    safety_net = fields.List(fields.Nested(RuleOut), required=True)
    document = fields.Dict(required=True, metadata=_says("The ruleset as deployed, with all conditions."))


class FilesIn(ma.Schema):
    """The files of a ruleset, as texts."""

    ruleset = fields.String(required=True, data_key="ruleset.yaml", metadata=_says("The ruleset."))
    cases = fields.String(required=True, data_key="cases.yaml", metadata=_says("The worked cases: at least one."))
    properties = fields.String(data_key="properties.yaml", metadata=_says("The properties to prove."))
    personas = fields.String(data_key="personas.yaml", metadata=_says("The people to interview."))
    vignettes = fields.String(data_key="vignettes.yaml", metadata=_says("The clinical stories to run."))


class DeploymentIn(ma.Schema):
    """A ruleset to deploy."""

    files = fields.Nested(FilesIn, required=True)


class InterviewsOut(Out):
    """The interviews of the personas, all of which passed."""

    personas = fields.Integer(required=True)
    median_screens = fields.Float(required=True)
    budget = fields.Integer(
        required=True, allow_none=True, metadata=_says("The most screens of the median interview, or null.")
    )


class DeployedOut(Out):
    """The live version after a deployment or rollback."""

    name = fields.String(required=True)
    version = fields.String(required=True)
    digest = fields.String(required=True, metadata=_says("Identifies the content.", examples=[DIGEST]))
    previous = fields.String(
        required=True, allow_none=True, metadata=_says("The digest that a rollback returns to, or null.")
    )
    activated_at = fields.String(required=True, metadata=_says("UTC.", format="date-time"))
    approved_by = fields.String(required=True, allow_none=True, metadata=_says("The clinician who signed it, or null."))
    approval = fields.String(required=True, metadata=_says("The approval in words."))
    cases = fields.Integer(metadata=_says("Number of cases that passed; absent after a rollback."))
    interviews = fields.Nested(
        InterviewsOut, allow_none=True, metadata=_says("null: no personas; absent after a rollback.")
    )
    warnings = fields.List(fields.String(), required=True)
    links = fields.Nested(RulesetLinks, required=True)


def _check_subject(text: str) -> None:
    """Reject an invalid subject: in the index of subjects it might match that of another client."""
    if subject_fault(text):
        raise ma.ValidationError("no report has such a subject")


class ErasureIn(ma.Schema):
    """The subject to erase."""

    subject = fields.String(
        required=True,
        validate=[validate.Length(min=1, max=SUBJECT_MAX), _check_subject],
        metadata=_says("The subject, as in the reports."),
    )
    client = fields.String(
        validate=validate.Regexp(f"^(?:{CLIENT.pattern})$"),
        metadata=_says("The client, if several clients have this subject."),
    )


class ErasedOut(Out):
    """The counts of what was erased."""

    reports = fields.Integer(required=True)
    events = fields.Integer(required=True)
    dead_letters = fields.Integer(required=True)
    keys = fields.Integer(required=True, metadata=_says("Other keys in the store."))
    unopened = fields.Integer(
        required=True, metadata=_says("Encrypted reports that can't be decrypted, and were kept.")
    )
    append_only_file = fields.String(
        required=True,
        validate=validate.OneOf(["done", "running", "none", "refused"]),
        metadata=_says("State of rewriting Redis' append-only file; until it is done, the file holds the erased data."),
    )


class DeadLetterOut(Out):
    """A report that could not be decided."""

    report = fields.String(required=True, metadata=_says("The report's id.", examples=[ID]))
    reason = fields.String(required=True)
    attempts = fields.Integer(required=True, metadata=_says("Number of attempts."))
    ruleset = fields.String(required=True)
    digest = fields.String(required=True)
    lane = fields.String(required=True)
    buried_at = fields.String(required=True, metadata=_says("UTC.", format="date-time"))
    links = fields.Nested(ReportLinks, required=True)


class DeadLettersOut(Out):
    """The dead letters."""

    total = fields.Integer(required=True, metadata=_says("Number of dead letters."))
    dead_letters = fields.List(fields.Nested(DeadLetterOut), required=True)


class AuditEntryOut(Out):
    """An action in the audit log. An entry that was tampered with may lack any field."""

    number = fields.String(metadata=_says("The entry's place in the log, as a text: `1` is the first."))
    at = fields.String(metadata=_says("UTC."))
    actor = fields.String(metadata=_says("A client (HTTP) or a user (command line)."))
    via = fields.String(metadata=_says("`http`, `cli` or `up`."))
    action = fields.String()
    details = fields.Raw(metadata=_says("An object; never a subject or a secret."))
    previous = fields.String(metadata=_says("The hash of the previous entry."))
    hash = fields.String()


class AuditOut(Out):
    """The audit log."""

    total = fields.Integer(required=True, metadata=_says("Number of entries."))
    head = fields.String(required=True, metadata=_says("The hash of the last entry."))
    faults = fields.List(
        fields.String(), required=True, metadata=_says("The places where the log was tampered with, if any.")
    )
    entries = fields.List(fields.Nested(AuditEntryOut), required=True)


class AliveOut(Out):
    """The state of the process."""

    status = fields.String(required=True, validate=validate.Equal("ok"))


class CheckOut(Out):
    """A check of what the service needs."""

    ok = fields.Boolean(required=True)
    detail = fields.String(required=True)


class ReadyOut(Out):
    """The checks of a service that is ready."""

    status = fields.String(required=True, validate=validate.Equal("ready"))
    checks = fields.Dict(keys=fields.String(), values=fields.Nested(CheckOut), required=True)


class NotReadyOut(ProblemOut):
    """The checks of a service that is not ready."""

    checks = fields.Dict(keys=fields.String(), values=fields.Nested(CheckOut), required=True)


class FormLinkIn(ma.Schema):
    """The parameters of a link to a form."""

    class Meta:
        """Reject unknown fields."""

        unknown = ma.RAISE

    ruleset = fields.String(required=True, metadata=_says("The ruleset whose questions the form asks."))
    return_to = fields.String(
        metadata=_says(
            "An https address that the result page links back to, with the report's id in the parameter `report`."
        )
    )
    framed_by = fields.String(
        metadata=_says("The origin whose pages may frame the form, such as `https://clinic.example`.")
    )
    subject = fields.String(
        metadata=_says("The subject of the report. Anyone with the link can read it. Omit it for a link that many use.")
    )
    expires_in_days = fields.Integer(strict=True, validate=validate.Range(1, 366), metadata=_says("Default: 30."))


class FormLinkOut(Out):
    """A link to a form."""

    path = fields.String(required=True, metadata=_says("The form's path on this service."))
    link = fields.String(required=True, metadata=_says("The signed part of the path."))
    expires_at = fields.String(required=True, metadata={"format": "date-time"})

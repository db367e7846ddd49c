"""The shapes of our answers, for the description of the interface; tests hold every answer against them."""

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
    """Fields may be added later: callers ignore what they don't know."""

    class Meta:
        """So the description forbids no other fields, and a client made from it takes them."""

        unknown = ma.EXCLUDE

    def __deepcopy__(self, memo: dict[int, object]) -> Self:
        """Itself: flask-smorest copies all that describes a call, which took half the time of making an app."""
        return self


class Fault(Out):
    """One fault of a request."""

    pointer = fields.String(required=True, metadata=_says("JSON Pointer (RFC 6901) into the report; empty: all of it."))
    code = fields.String(required=True, metadata=_says("Stable word for programs.", examples=["out_of_range"]))
    detail = fields.String(required=True, metadata=_says("A sentence for people. It never repeats an answer."))
    file = fields.String(metadata=_says("Of a ruleset's fault: its file."))
    line = fields.Integer(metadata=_says("Likewise, from 1."))
    column = fields.Integer(metadata=_says("Likewise, from 1."))


class ProblemOut(Out):
    """What went wrong, by RFC 9457."""

    type = fields.String(
        required=True, metadata=_says("What kind of problem; a page about it is there.", format="uri-reference")
    )
    title = fields.String(required=True)
    status = fields.Integer(required=True, metadata=_says("The HTTP status."))
    detail = fields.String()
    errors = fields.List(fields.Nested(Fault), metadata=_says("Every fault at once, up to 100."))
    errors_left_out = fields.Integer(metadata=_says("How many more faults there are."))
    incident = fields.String(metadata=_says("Name this to us; our log has it."))


class ReportLinks(Out):
    """Where to go from here."""

    self = fields.String(required=True, metadata=_says("The report.", format="uri-reference"))
    ruleset = fields.String(metadata=_says("The ruleset of the report, as it is live now.", format="uri-reference"))


class AcceptedOut(Out):
    """An accepted report."""

    id = fields.String(required=True, metadata=_says("The report's id.", examples=[ID]))
    status = fields.String(required=True, validate=validate.OneOf([status.value for status in ReportStatus]))
    links = fields.Nested(ReportLinks, required=True)


class ReportOut(AcceptedOut):
    """A report and, once it is settled, its result."""

    ruleset = fields.String(required=True)
    digest = fields.String(required=True, metadata=_says("The ruleset's content that decides.", examples=[DIGEST]))
    received_at = fields.String(required=True, metadata=_says("UTC.", format="date-time"))
    result = fields.Dict()  # only if status is done or dead; documenting.py describes it
    acknowledged_by = fields.String(metadata=_says("Who takes care of it, if somebody said so."))
    acknowledged_at = fields.String(metadata=_says("Since when; UTC.", format="date-time"))


class AcknowledgementOut(Out):
    """Who takes care of a report."""

    id = fields.String(required=True, metadata=_says("The report's id.", examples=[ID]))
    acknowledged_by = fields.String(required=True, allow_none=True, metadata=_says("A client; null: nobody."))
    acknowledged_at = fields.String(required=True, allow_none=True, metadata=_says("UTC.", format="date-time"))
    links = fields.Nested(ReportLinks, required=True)


class OutcomeOut(Out):
    """What became of one line of a batch: `id`, `status` 202 and `links`, or a problem."""

    line = fields.Integer(required=True, metadata=_says("Number of the line in the body, from 1; blank lines count."))
    status = fields.Integer(required=True, metadata=_says("The status that the report would have got by itself."))
    id = fields.String(metadata=_says("If accepted."))
    links = fields.Nested(ReportLinks, metadata=_says("If accepted."))
    type = fields.String(metadata=_says("If refused, as in a problem.", format="uri-reference"))
    title = fields.String(metadata=_says("If refused."))
    detail = fields.String(metadata=_says("If refused."))
    errors = fields.List(fields.Nested(Fault), metadata=_says("If refused; pointers are into the line's report."))
    errors_left_out = fields.Integer()


class RulesetLinks(Out):
    """Where to go from here."""

    self = fields.String(required=True, metadata=_says("The ruleset.", format="uri-reference"))
    schema = fields.String(required=True, metadata=_says("JSON Schema of its findings.", format="uri-reference"))


class RulesetOut(Out):
    """A live ruleset."""

    name = fields.String(required=True)
    version = fields.String(required=True)
    digest = fields.String(required=True, metadata=_says("Names exactly this content.", examples=[DIGEST]))
    title = fields.String(required=True)
    approved_by = fields.String(required=True, allow_none=True, metadata=_says("The clinician who signed it, or null."))
    approval = fields.String(required=True, metadata=_says("The same in words."))
    activated_at = fields.String(required=True, metadata=_says("UTC.", format="date-time"))
    links = fields.Nested(RulesetLinks, required=True)


class RulesetsOut(Out):
    """All live rulesets."""

    rulesets = fields.List(fields.Nested(RulesetOut), required=True)


class InputOut(Out):
    """A question of a ruleset."""

    name = fields.String(required=True, metadata=_says("Its field in `findings`."))
    kind = fields.String(required=True)
    question = fields.String(required=True)
    help = fields.String(allow_none=True)
    group = fields.String(required=True)
    asked_of = fields.String(required=True, metadata=_says("`service`: counted by us, refused in a report."))
    unit = fields.String(allow_none=True, metadata=_says("UCUM."))
    minimum = fields.Float(allow_none=True)
    maximum = fields.Float(allow_none=True)
    max_length = fields.Integer(allow_none=True)
    choices = fields.List(fields.Dict(), required=True, metadata=_says("value, label, and whether it leaves it open."))


class RuleOut(Out):
    """A rule, or a floor of the safety net."""

    id = fields.String(required=True)
    title = fields.String(required=True)
    level = fields.String(required=True, allow_none=True, validate=_LEVELS, metadata=_says("null: one level up."))
    disposition = fields.String(required=True, allow_none=True)
    reason = fields.String(required=True)
    source = fields.String(required=True)
    marks = fields.List(fields.String(), required=True, metadata=_says("How sure the source is."))
    owner = fields.String(required=True)
    review_by = fields.String(required=True)
    clinician_only = fields.Boolean(required=True, metadata=_says("The reason never reaches a patient's text."))


class DispositionOut(Out):
    """What to do and by when."""

    code = fields.String(required=True)
    level = fields.String(required=True, validate=_LEVELS)
    act_within_minutes = fields.Integer(required=True, allow_none=True, metadata=_says("null: no limit; 0: now."))
    title = fields.String(required=True)


class RulesetDetailOut(RulesetOut):
    """A live ruleset with what it asks and how it decides."""

    description = fields.String(required=True)
    owner = fields.String(required=True)
    dispositions = fields.List(fields.Nested(DispositionOut), required=True)
    inputs = fields.List(fields.Nested(InputOut), required=True)
    rules = fields.List(fields.Nested(RuleOut), required=True)
    safety_net = fields.List(fields.Nested(RuleOut), required=True)
    document = fields.Dict(required=True, metadata=_says("The ruleset as it was deployed, conditions and all."))


class FilesIn(ma.Schema):
    """The files of a ruleset, as texts."""

    ruleset = fields.String(required=True, data_key="ruleset.yaml", metadata=_says("The ruleset."))
    cases = fields.String(required=True, data_key="cases.yaml", metadata=_says("Its worked cases: at least one."))
    properties = fields.String(data_key="properties.yaml", metadata=_says("What it promises."))


class DeploymentIn(ma.Schema):
    """A ruleset to deploy."""

    files = fields.Nested(FilesIn, required=True)


class DeployedOut(Out):
    """What is live now."""

    name = fields.String(required=True)
    version = fields.String(required=True)
    digest = fields.String(required=True, metadata=_says("Names exactly this content.", examples=[DIGEST]))
    previous = fields.String(required=True, allow_none=True, metadata=_says("What a rollback returns to, or null."))
    activated_at = fields.String(required=True, metadata=_says("UTC.", format="date-time"))
    approved_by = fields.String(required=True, allow_none=True, metadata=_says("The clinician who signed it, or null."))
    approval = fields.String(required=True, metadata=_says("The same in words."))
    cases = fields.Integer(metadata=_says("How many cases passed; not after a rollback."))
    warnings = fields.List(fields.String(), required=True)
    links = fields.Nested(RulesetLinks, required=True)


def _check_subject(text: str) -> None:
    """Another one might lead to somebody else's in the index of subjects, which joins them to their client."""
    if subject_fault(text):
        raise ma.ValidationError("no report has such a subject")


class ErasureIn(ma.Schema):
    """Whom to erase."""

    subject = fields.String(
        required=True,
        validate=[validate.Length(min=1, max=SUBJECT_MAX), _check_subject],
        metadata=_says("As in the reports."),
    )
    client = fields.String(
        validate=validate.Regexp(f"^(?:{CLIENT.pattern})$"),
        metadata=_says("Whose subject it is, if several clients have one of that name."),
    )


class ErasedOut(Out):
    """How much went."""

    reports = fields.Integer(required=True)
    events = fields.Integer(required=True)
    dead_letters = fields.Integer(required=True)
    keys = fields.Integer(required=True, metadata=_says("Other keys of the store."))
    unopened = fields.Integer(required=True, metadata=_says("Encrypted reports that nobody can read, and were kept."))
    append_only_file = fields.String(
        required=True,
        validate=validate.OneOf(["done", "running", "none", "refused"]),
        metadata=_says("Whether Redis' file was written anew; until then it holds what was erased."),
    )


class DeadLetterOut(Out):
    """A report that could not be decided."""

    report = fields.String(required=True, metadata=_says("Its id.", examples=[ID]))
    reason = fields.String(required=True)
    attempts = fields.Integer(required=True, metadata=_says("How often it was tried."))
    ruleset = fields.String(required=True)
    digest = fields.String(required=True)
    lane = fields.String(required=True)
    buried_at = fields.String(required=True, metadata=_says("UTC.", format="date-time"))
    links = fields.Nested(ReportLinks, required=True)


class DeadLettersOut(Out):
    """What could not be decided."""

    total = fields.Integer(required=True, metadata=_says("How many there are."))
    dead_letters = fields.List(fields.Nested(DeadLetterOut), required=True)


class AuditEntryOut(Out):
    """What somebody did. Of an entry that was tampered with, anything may be missing."""

    number = fields.String()
    at = fields.String(metadata=_says("UTC."))
    actor = fields.String(metadata=_says("A client over HTTP, a user at the command line."))
    via = fields.String(metadata=_says("http, cli or up."))
    action = fields.String()
    details = fields.Raw(metadata=_says("An object; never a subject or a secret."))
    previous = fields.String(metadata=_says("The hash of the entry before."))
    hash = fields.String()


class AuditOut(Out):
    """Who did what."""

    total = fields.Integer(required=True, metadata=_says("How many entries there are."))
    head = fields.String(required=True, metadata=_says("The hash of the last one."))
    faults = fields.List(fields.String(), required=True, metadata=_says("Where the log was tampered with; else empty."))
    entries = fields.List(fields.Nested(AuditEntryOut), required=True)


class AliveOut(Out):
    """The process answers."""

    status = fields.String(required=True, validate=validate.Equal("ok"))


class CheckOut(Out):
    """One thing that must be there."""

    ok = fields.Boolean(required=True)
    detail = fields.String(required=True)


class ReadyOut(Out):
    """All that must be there is there."""

    status = fields.String(required=True, validate=validate.Equal("ready"))
    checks = fields.Dict(keys=fields.String(), values=fields.Nested(CheckOut), required=True)


class NotReadyOut(ProblemOut):
    """What is missing."""

    checks = fields.Dict(keys=fields.String(), values=fields.Nested(CheckOut), required=True)


class FormLinkIn(ma.Schema):
    """What a link to a form says."""

    class Meta:
        """Nothing unknown passes in silence."""

        unknown = ma.RAISE

    ruleset = fields.String(required=True, metadata=_says("Whose questions."))
    return_to = fields.String(
        metadata=_says(
            "An https address that the result page leads back to. It is told the report's id as the parameter `report`."
        )
    )
    framed_by = fields.String(metadata=_says("The origin whose pages may frame the form, as `https://clinic.example`."))
    subject = fields.String(
        metadata=_says("As in a report. Whoever has the link can read it. Leave it out for a link that many use.")
    )
    expires_in_days = fields.Integer(strict=True, validate=validate.Range(1, 366), metadata=_says("30 if left out."))


class FormLinkOut(Out):
    """A link to a form."""

    path = fields.String(required=True, metadata=_says("The form's address, to be put behind this service's."))
    link = fields.String(required=True, metadata=_says("The signed part of it."))
    expires_at = fields.String(required=True, metadata={"format": "date-time"})

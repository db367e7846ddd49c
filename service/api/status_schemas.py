"""The shape of the answer that says how the service is."""

from __future__ import annotations

from marshmallow import fields, validate

from service.api.schemas import Out, RulesetOut
from triage_rules.records.reports import Lane


class BacklogOut(Out):
    """How much waits, and for how long."""

    pending = fields.Integer(required=True)
    oldest_seconds = fields.Float(required=True)
    oldest_urgent_seconds = fields.Float(required=True)
    dead = fields.Integer(
        required=True, metadata={"description": "Reports that could not be decided; a human must look."}
    )
    results = fields.Integer(required=True, metadata={"description": "Events on the stream."})


class GroupOut(Out):
    """How far a consumer group is."""

    name = fields.String(required=True)
    lag = fields.Integer(
        required=True, allow_none=True, metadata={"description": "Results to come; null: Redis doesn't know."}
    )
    pending = fields.Integer(
        required=True, metadata={"description": "Results that it was given and hasn't acknowledged."}
    )
    dead = fields.Integer(
        required=True, metadata={"description": "Results that it gave up; `triage redrive` puts them back."}
    )


class LimitsOut(Out):
    """What is refused beyond."""

    report_bytes = fields.Integer(required=True)
    batch_bytes = fields.Integer(required=True)
    batch_lines = fields.Integer(required=True)
    wait_seconds = fields.Integer(required=True)
    queue_age_seconds = fields.Integer(required=True)


class StatusOut(Out):
    """How the service is."""

    version = fields.String(required=True)
    rulesets = fields.List(fields.Nested(RulesetOut), required=True)
    refused = fields.Dict(
        keys=fields.String(),
        values=fields.String(),
        required=True,
        metadata={"description": "Live rulesets that can't be opened, and why; the last good one decides what it can."},
    )
    backlog = fields.Nested(BacklogOut, required=True)
    groups = fields.List(fields.Nested(GroupOut), required=True, metadata={"description": "The first 100 by name."})
    groups_left_out = fields.Integer(
        required=True, metadata={"description": "More groups, or such as can't be named in print."}
    )
    settled = fields.Dict(
        keys=fields.String(),
        values=fields.Integer(),
        required=True,
        metadata={"description": "Reports settled since the beginning: by level, `dead`, and `flag:` with each flag."},
    )
    workers = fields.List(fields.String(), required=True, metadata={"description": "Those heard from lately."})
    workers_stalled = fields.List(
        fields.String(),
        required=True,
        metadata={"description": "Those heard from that get nothing done, although work waits."},
    )
    lanes = fields.List(fields.String(validate=validate.OneOf([lane.value for lane in Lane])), required=True)
    limits = fields.Nested(LimitsOut, required=True)

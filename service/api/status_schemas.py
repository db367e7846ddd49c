"""Schemas of the response of /v1/status."""

from __future__ import annotations

from marshmallow import fields, validate

from service.api.schemas import Out, RulesetOut
from triage_rules.records.reports import Lane


class BacklogOut(Out):
    """The queue: number and age of waiting reports."""

    pending = fields.Integer(required=True)
    oldest_seconds = fields.Float(required=True)
    oldest_urgent_seconds = fields.Float(required=True)
    dead = fields.Integer(
        required=True, metadata={"description": "Reports that could not be decided; a human must look at them."}
    )
    results = fields.Integer(required=True, metadata={"description": "Events on the stream."})


class GroupOut(Out):
    """The progress of a consumer group."""

    name = fields.String(required=True)
    lag = fields.Integer(
        required=True, allow_none=True, metadata={"description": "Results not delivered yet; null: unknown to Redis."}
    )
    pending = fields.Integer(required=True, metadata={"description": "Results delivered but not acknowledged."})
    dead = fields.Integer(
        required=True, metadata={"description": "Results that the group gave up on; `triage redrive` requeues them."}
    )


class LimitsOut(Out):
    """The limits of requests."""

    report_bytes = fields.Integer(required=True)
    batch_bytes = fields.Integer(required=True)
    batch_lines = fields.Integer(required=True)
    wait_seconds = fields.Integer(required=True)
    queue_age_seconds = fields.Integer(required=True)


class StatusOut(Out):
    """The status of the service."""

    version = fields.String(required=True)
    rulesets = fields.List(fields.Nested(RulesetOut), required=True)
    refused = fields.Dict(
        keys=fields.String(),
        values=fields.String(),
        required=True,
        metadata={
            "description": "Live rulesets that can't be opened, and why; the last good version decides where it can."
        },
    )
    backlog = fields.Nested(BacklogOut, required=True)
    groups = fields.List(fields.Nested(GroupOut), required=True, metadata={"description": "The first 100 by name."})
    groups_left_out = fields.Integer(
        required=True, metadata={"description": "Number of further groups, and of groups with an unprintable name."}
    )
    settled = fields.Dict(
        keys=fields.String(),
        values=fields.Integer(),
        required=True,
        metadata={"description": "All reports ever settled: by level, `dead`, and by flag as `flag:NAME`."},
    )
    workers = fields.List(
        fields.String(), required=True, metadata={"description": "Workers with a recent heartbeat that make progress."}
    )
    workers_stalled = fields.List(
        fields.String(),
        required=True,
        metadata={"description": "Workers with a recent heartbeat that make no progress although work waits."},
    )
    lanes = fields.List(fields.String(validate=validate.OneOf([lane.value for lane in Lane])), required=True)
    limits = fields.Nested(LimitsOut, required=True)

"""The table of all problem types: code, status, meaning, and what to do."""

from __future__ import annotations

from dataclasses import dataclass

PATH = "/problems/"
"""Path of the pages about problem types; a problem's `type` is this path and its code."""


@dataclass(frozen=True, slots=True)
class Problem:
    """A problem type. `says`: the default `detail`; `do`: advice for the caller's engineer.

    `retry_after`: seconds; set only where nothing was accepted and the same request may succeed later.
    """

    code: str
    status: int
    title: str
    says: str
    do: str
    retry_after: int | None = None

    @property
    def type(self) -> str:
        """Return the stable URI reference of this type."""
        return PATH + self.code


PROBLEMS = {
    problem.code: problem
    for problem in (
        Problem(
            "unreadable",
            400,
            "The JSON is invalid",
            "Expected strict JSON. `errors` lists the faults and, if known, their places.",
            "Send UTF-8 without a byte order mark, one JSON value, each key once, no NaN or Infinity, little nesting.",
        ),
        Problem(
            "bad-request",
            400,
            "The request is invalid",
            "The request breaks the rules of HTTP or of this API.",
            "See `detail`, and the description of the call in /openapi.json.",
        ),
        Problem(
            "unknown-parameter",
            400,
            "This call takes no query parameters",
            "The request has a query. Queries are rejected, because an ignored parameter would mislead the caller.",
            "Remove the query, and put the values into the body.",
        ),
        Problem(
            "idempotency-key-invalid",
            400,
            "The Idempotency-Key is invalid",
            "Expected 1 to 128 visible ASCII characters without comma, semicolon, quotation mark and backslash.",
            "Use a random UUID for each new report, and the same UUID when you send that report again.",
        ),
        Problem(
            "key-required",
            401,
            "An API key is required",
            "The request has no `Authorization: Bearer KEY`, or the key is not valid (any more).",
            "Send `Authorization: Bearer KEY` with a key from the operator of this service.",
        ),
        Problem(
            "scope-missing",
            403,
            "The API key lacks a scope",
            "The key is valid, but has no scope for this call. `detail` names the scope.",
            "Ask the operator of this service for a key with that scope.",
        ),
        Problem(
            "foreign-origin",
            403,
            "The request comes from another origin",
            "Without API keys, the service answers only on its own machine, under a loopback name, and pages of other "
            "sites can't do what operators and clinicians do.",
            "Call it at 127.0.0.1 or localhost, or run the service with API keys.",
        ),
        Problem(
            "link-refused",
            403,
            "This link is not valid",
            "The link was changed, has expired, or was signed with a secret that is no longer used.",
            "Ask for a new link where you got this one.",
        ),
        Problem(
            "form-not-ours",
            403,
            "This page has expired",
            "The form was not sent from a current page of this service.",
            "Open the page again and send the form from there. Pages of other sites can't send it.",
        ),
        Problem(
            "not-found",
            404,
            "Nothing was found at this path",
            "No call has this path. /openapi.json lists all calls.",
            "Check the path. Except for /problems/, no path ends in a slash.",
        ),
        Problem(
            "report-not-found",
            404,
            "The report was not found",
            "No report has this id: it was never accepted, its retention time is over, or it was erased.",
            "Check the id. POST /v1/reports returns the id of a report.",
        ),
        Problem(
            "ruleset-not-found",
            404,
            "The ruleset was not found",
            "No ruleset of this name is live. /v1/rulesets lists the live rulesets.",
            "Check the name, or deploy the ruleset.",
        ),
        Problem(
            "method-not-allowed",
            405,
            "The method is not allowed",
            "The header Allow lists the methods of this path.",
            "Use a method that Allow lists.",
        ),
        Problem(
            "no-earlier-deployment",
            409,
            "The ruleset has no earlier deployment",
            "Not rolled back: the ruleset has no earlier deployment to return to. The live version is unchanged.",
            "Deploy the version that should be live, or stop using the ruleset with `triage withdraw`.",
        ),
        Problem(
            "not-settled",
            409,
            "The report has no result yet",
            "Not acknowledged: the report is still in the queue.",
            "Get the report, and send this again when its status is done or dead.",
        ),
        Problem(
            "not-redrivable",
            409,
            "The report can't be requeued",
            "The report is not a dead letter (any more), or was requeued too often.",
            "Get the report. If it is dead, a human must decide it; GET /v1/dead-letters shows why it failed.",
        ),
        Problem(
            "subject-of-several",
            409,
            "Several clients have this subject",
            "Nothing was erased: several clients have reports of this subject, and they may be about different people.",
            "Name the client in `client`.",
        ),
        Problem(
            "too-large",
            413,
            "The body is too large",
            "The body is larger than this call accepts.",
            "Send less text, or split a batch into several requests. /v1/status lists the limits.",
        ),
        Problem(
            "unsupported-media-type",
            415,
            "The type of the body is not supported",
            "Expected `Content-Type: application/json` (a batch: `application/x-ndjson`), in UTF-8, not compressed.",
            "Set the header, and send the body uncompressed.",
        ),
        Problem(
            "report-refused",
            422,
            "The report was rejected",
            "Not accepted. `errors` lists every fault, each with a JSON pointer.",
            "Show each fault at its field, and send the corrected report. /v1/rulesets/NAME/schema has the schema.",
        ),
        Problem(
            "batch-refused",
            422,
            "The batch was rejected",
            "Not accepted: the batch has no report, or too many lines.",
            "Send one report a line, at least one, and no more lines than the limit in /v1/status.",
        ),
        Problem(
            "idempotency-key-reused",
            422,
            "This Idempotency-Key was used for another report",
            "Not accepted: an earlier report with other values has this key. The new report was not checked.",
            "Use a new key for a new or a corrected report.",
        ),
        Problem(
            "erasure-refused",
            422,
            "The erasure was rejected",
            "Nothing was erased: the body does not name a valid subject. `errors` lists every fault.",
            'Send {"subject": "..."}, with a `client` if needed.',
        ),
        Problem(
            "deployment-refused",
            422,
            "The deployment was rejected",
            "Not deployed: the body is not an object with the files of a ruleset. `errors` lists every fault.",
            'Send {"files": {"ruleset.yaml": "...", "cases.yaml": "..."}}, each file as its text.',
        ),
        Problem(
            "ruleset-refused",
            422,
            "The ruleset was rejected",
            "Not deployed; the live version is unchanged. `errors` lists every fault, each with file, line and column.",
            "Correct the files, and run `triage check` and `triage test` on them before you send them again.",
        ),
        Problem(
            "form-links-off",
            409,
            "Links to forms are off",
            "The service has no permanent secret to sign links with.",
            "Ask the operator of this service to set TRIAGE_PAGES_SECRET.",
        ),
        Problem(
            "form-link-invalid",
            422,
            "The link was not made",
            "The link's parameters are invalid. `errors` lists every fault.",
            "See /openapi.json for the parameters of a link.",
        ),
        Problem(
            "rate-exceeded",
            429,
            "Too many requests",
            "Not accepted: this client exceeded its rate limit; each report of a batch counts.",
            "Send it again after the seconds in Retry-After, or ask the operator of this service for a higher rate.",
        ),
        Problem(
            "evaluation-failed",
            500,
            "The report could not be decided",
            "The rule engine failed on this report. It is not routine: a human must look at the answers now.",
            "Treat the report as undecided and look at it urgently. Report the incident to the operator.",
        ),
        Problem(
            "internal",
            500,
            "The service has an internal error",
            "The request failed because of an error in the service.",
            "Send it again with the same Idempotency-Key. If it fails again, report the incident to the operator.",
        ),
        Problem(
            "ledger-unavailable",
            503,
            "The store is unavailable",
            "The store of reports can't be reached, is full, or refuses to write for another reason. "
            "As far as the service knows, the request was not accepted.",
            "Send the same request with the same Idempotency-Key again after the seconds in Retry-After.",
            5,
        ),
        Problem(
            "queue-too-old",
            503,
            "Reports wait too long",
            "Not accepted: reports already wait longer than the limit. Reports that look urgent go first, and are "
            "rejected only if urgent reports wait longer than the limit.",
            "Send it again after the seconds in Retry-After. Until then, show the person whom to call.",
            30,
        ),
        Problem(
            "no-ruleset-live",
            503,
            "No ruleset is live",
            "Not accepted: no ruleset is live.",
            "Deploy a ruleset, or send the report again after the seconds in Retry-After.",
            30,
        ),
        Problem(
            "ruleset-changing",
            503,
            "The ruleset is being changed",
            "Not accepted: the live ruleset changed several times while the report was being accepted.",
            "Send the same request with the same Idempotency-Key again after the seconds in Retry-After.",
            1,
        ),
        Problem(
            "ruleset-broken",
            503,
            "The live ruleset is broken",
            "Not accepted: the stored ruleset does not match its digest.",
            "Deploy it again, or roll back; then send the report again.",
            30,
        ),
        Problem(
            "store-sealed",
            503,
            "The stored data can't be decrypted",
            "Not accepted: the stored data is encrypted, and the service does not have the right encryption keys.",
            "Give all processes the encryption keys of the store (docs/howto/privacy.md); then send it again.",
            30,
        ),
        Problem(
            "deployment-running",
            503,
            "Another ruleset is being checked",
            "Not deployed: the service checks one ruleset at a time.",
            "Send it again after the seconds in Retry-After.",
            10,
        ),
        Problem(
            "not-ready",
            503,
            "The service is not ready",
            "`errors` lists the failed checks. Accepted reports are kept, and will be decided.",
            "Start or repair what `errors` lists.",
            5,
        ),
    )
}

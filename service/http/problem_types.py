"""The table of all problems that a caller can be told of: code, status, and what to do about each."""

from __future__ import annotations

from dataclasses import dataclass

PATH = "/problems/"
"""A problem's `type` is this and its code; the page at that address says what it means and what to do."""


@dataclass(frozen=True, slots=True)
class Problem:
    """A type of problem. `says` goes into `detail`; `do`: what the caller's engineer can do about it.

    `retry_after`: seconds; only where nothing was accepted and the same request may succeed later.
    """

    code: str
    status: int
    title: str
    says: str
    do: str
    retry_after: int | None = None

    @property
    def type(self) -> str:
        """The stable URI reference of this type."""
        return PATH + self.code


PROBLEMS = {
    problem.code: problem
    for problem in (
        Problem(
            "unreadable",
            400,
            "What was sent can't be read",
            "It is not the strict JSON that is expected. `errors` says what and, if known, where.",
            "Send UTF-8 without a byte order mark, one JSON value, each key once, no NaN or Infinity, little nesting.",
        ),
        Problem(
            "bad-request",
            400,
            "The request can't be read",
            "The request breaks the rules of HTTP or of this interface.",
            "See `detail`, and /openapi.json for what the call takes.",
        ),
        Problem(
            "unknown-parameter",
            400,
            "No query parameters are known here",
            "This call takes no query parameters. They are refused, so that none is ignored in silence.",
            "Put what you want to say into the body, and leave the query out.",
        ),
        Problem(
            "idempotency-key-invalid",
            400,
            "The Idempotency-Key can't be used",
            "Expected 1 to 128 visible ASCII characters, none of them a comma, semicolon, quotation mark or backslash.",
            "Use a random UUID for each new report, and the same one when you send that report again.",
        ),
        Problem(
            "key-required",
            401,
            "An API key is required",
            "The request has no `Authorization: Bearer KEY`, or the key opens nothing here (any more).",
            "Send `Authorization: Bearer KEY` with a key from whoever runs this service.",
        ),
        Problem(
            "scope-missing",
            403,
            "The API key doesn't open this call",
            "The key is known, but was not made for this call. `detail` names the scope that is needed.",
            "Ask whoever runs this service for a key with that scope.",
        ),
        Problem(
            "foreign-origin",
            403,
            "The request comes from somewhere else",
            "Without API keys, the service is for this machine alone, by its own name, and what operators and "
            "clinicians do is not for other sites' pages.",
            "Call it at 127.0.0.1 or localhost, or run the service with API keys.",
        ),
        Problem(
            "link-refused",
            403,
            "This link opens nothing",
            "The link was changed, has expired, or was signed with a secret that is no longer used.",
            "Ask whoever gave you the link for a new one.",
        ),
        Problem(
            "form-not-ours",
            403,
            "This page is too old, or is not ours",
            "What was sent does not come from a page that was opened here and is still good.",
            "Open the page again and send it from there. A page of another site can't send it.",
        ),
        Problem(
            "not-found",
            404,
            "There is nothing at this path",
            "No call has this path. /openapi.json lists all calls.",
            "Check the path; but for /problems/, no path ends in a slash.",
        ),
        Problem(
            "report-not-found",
            404,
            "There is no such report",
            "No report has this id: it was never accepted, its time of keeping is over, or it was erased.",
            "Check the id. Ids come from the answer to POST /v1/reports.",
        ),
        Problem(
            "ruleset-not-found",
            404,
            "There is no such ruleset",
            "No ruleset of this name is live. /v1/rulesets lists those that are.",
            "Check the name, or deploy the ruleset.",
        ),
        Problem(
            "method-not-allowed",
            405,
            "This path has other methods",
            "The header Allow lists the methods of this path.",
            "Use one of them.",
        ),
        Problem(
            "not-settled",
            409,
            "The report waits to be decided",
            "Nothing was noted: the report has no result yet that somebody could take care of.",
            "Ask for the report, and send this again once it is done or dead.",
        ),
        Problem(
            "not-redrivable",
            409,
            "The report can't be tried anew",
            "It is no dead letter, or not any more, or it was put back into the queue too often.",
            "Ask for the report. If it is dead, a human must decide it; GET /v1/dead-letters tells why it failed.",
        ),
        Problem(
            "subject-of-several",
            409,
            "More than one client has that subject",
            "Nothing was erased: more than one client has reports of that subject, and they may be different people.",
            "Say whose subject it is, by `client`.",
        ),
        Problem(
            "too-large",
            413,
            "The body is too large",
            "The body is larger than this call takes.",
            "Send less text, or a batch in several requests. /v1/status tells the limits.",
        ),
        Problem(
            "unsupported-media-type",
            415,
            "The body's type is not taken",
            "Expected `Content-Type: application/json` (a batch: `application/x-ndjson`), in UTF-8, not compressed.",
            "Set the header, and send the body uncompressed.",
        ),
        Problem(
            "report-refused",
            422,
            "The report was refused",
            "Not accepted. `errors` lists every fault, each with a JSON pointer to it.",
            "Show each fault at its field, and send the corrected report. /v1/rulesets/NAME/schema tells what fits.",
        ),
        Problem(
            "batch-refused",
            422,
            "The batch was refused",
            "Not accepted: the batch has no report in it, or too many lines.",
            "Send one report a line, at least one, and not more lines than /v1/status tells.",
        ),
        Problem(
            "idempotency-key-reused",
            422,
            "This Idempotency-Key was used for another report",
            "Not accepted: an earlier report was sent with this key, and other values. This one was not checked.",
            "Use a new key for a new or a corrected report.",
        ),
        Problem(
            "erasure-refused",
            422,
            "The erasure was refused",
            "Nothing was erased: the body doesn't say whose. `errors` says what is wrong.",
            'Send {"subject": "..."}, with a `client` if need be.',
        ),
        Problem(
            "deployment-refused",
            422,
            "The deployment was refused",
            "Not deployed: the body is not an object with the files of a ruleset. `errors` says what is wrong.",
            'Send {"files": {"ruleset.yaml": "...", "cases.yaml": "..."}}, each file as its text.',
        ),
        Problem(
            "ruleset-refused",
            422,
            "The ruleset was refused",
            "Not deployed; what is live stays. `errors` lists every fault, each with file, line and column.",
            "Correct the files, and try them with `triage check` and `triage test` before you send them again.",
        ),
        Problem(
            "form-links-off",
            409,
            "Links to forms can't be made here",
            "The service has no secret to sign them with that would outlive it.",
            "Have whoever runs this service set TRIAGE_PAGES_SECRET.",
        ),
        Problem(
            "form-link-invalid",
            422,
            "No such link can be made",
            "What the link is to say can't be. `errors` says what of it.",
            "See /openapi.json for what a link may say.",
        ),
        Problem(
            "rate-exceeded",
            429,
            "Too many requests",
            "Not accepted: this client has sent more than it may in the time; a batch counts with each report.",
            "Send it again after the seconds in Retry-After, or ask whoever runs this service for a higher rate.",
        ),
        Problem(
            "evaluation-failed",
            500,
            "The report could not be decided",
            "The rule engine failed on this report. It is not routine: a human must look at the answers now.",
            "Treat the report as undecided and urgent to look at, and tell us its incident.",
        ),
        Problem(
            "internal",
            500,
            "Something is wrong with the service",
            "The request was not carried out, because of a fault of ours.",
            "Send it again with the same Idempotency-Key; if it fails again, tell us the incident.",
        ),
        Problem(
            "ledger-unavailable",
            503,
            "The store can't be used now",
            "The store that reports are kept in can't be reached, or is full or refuses to write for another reason. "
            "What was sent was not accepted, as far as we know.",
            "Send the same request with the same Idempotency-Key again after the seconds in Retry-After.",
            5,
        ),
        Problem(
            "queue-too-old",
            503,
            "Reports wait too long",
            "Not accepted: reports wait longer than they may, so this one would too. Those that look urgent go before "
            "the others, and are refused only if urgent ones wait that long.",
            "Send it again after the seconds in Retry-After, and meanwhile tell the person whom to call.",
            30,
        ),
        Problem(
            "no-ruleset-live",
            503,
            "No ruleset is live",
            "Not accepted: no ruleset has been deployed yet, so nothing could decide.",
            "Deploy one, or send the report again after the seconds in Retry-After.",
            30,
        ),
        Problem(
            "ruleset-changing",
            503,
            "The ruleset is just being changed",
            "Not accepted: the live ruleset changed several times while the report was being accepted.",
            "Send the same request with the same Idempotency-Key again after the seconds in Retry-After.",
            1,
        ),
        Problem(
            "ruleset-broken",
            503,
            "The live ruleset can't be used",
            "Not accepted: the stored ruleset is not what its digest says.",
            "Deploy it again, or roll back; then send the report again.",
            30,
        ),
        Problem(
            "store-sealed",
            503,
            "What is stored can't be opened",
            "What is stored is encrypted, and can't be opened with the keys that this service was given. "
            "What was sent was not accepted.",
            "Give all processes the encryption keys of the store (docs/howto/privacy.md); then send it again.",
            30,
        ),
        Problem(
            "deployment-running",
            503,
            "Another ruleset is just being checked",
            "Not deployed: one ruleset is checked at a time.",
            "Send it again after the seconds in Retry-After.",
            10,
        ),
        Problem(
            "not-ready",
            503,
            "The service is not ready",
            "`errors` says what is missing. Reports that were accepted are kept, and will be decided.",
            "Start what is missing.",
            5,
        ),
    )
}

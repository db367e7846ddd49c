"""Commands on a ruleset folder: check, test, decide, explain. They need no server (a live name does)."""

from __future__ import annotations

import uuid
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from xml.etree import ElementTree as ET

import click

from triage_rules import envelope, explaining, strict_json
from triage_rules.bundles import bundle_of
from triage_rules.cases import CaseOutcome, read_cases, run_case
from triage_rules.cli.talking import FOUND, LEVEL_COLOURS, as_json, data, give_up, not_approved, refusing, say
from triage_rules.deciding import statements
from triage_rules.errors import RulesetNotFound
from triage_rules.evaluating import Evaluator
from triage_rules.messages import History, now_ms
from triage_rules.reading import read_with_document
from triage_rules.reference import Reference
from triage_rules.ruleset import Findings, Ruleset
from triage_rules.rulesets_live import Loaded

MAX_BYTES = 65_536
"""Largest report that is read at a desk; the service has its own setting."""

FORMATS = click.Choice(["text", "json"])


@click.command()
@click.argument("folder", metavar="RULESET", type=click.Path(path_type=Path))
@click.option("--format", "form", type=FORMATS, default="text", show_default=True)
@refusing
def check(folder: Path, form: str) -> None:
    """Check that a ruleset can be read and held by the engine; tell every fault with file, line and column."""
    evaluator = open_folder(folder)
    ruleset = evaluator.ruleset
    findings = overdue(ruleset)
    facts = {
        "ruleset": ruleset.name,
        "version": ruleset.version,
        "digest": evaluator.digest,
        "inputs": len(ruleset.inputs),
        "inferences": len(ruleset.inferences),
        "rules": len(ruleset.rules),
        "floors": len(ruleset.floors),
        "approved_by": ruleset.approved_by,
        "findings": findings,
    }
    if form == "json":
        data(as_json(facts))
    else:
        data(f"{ruleset.name} {ruleset.version} ({evaluator.digest})")
        data(f"{len(ruleset.inputs)} inputs, {len(ruleset.inferences)} statements, {len(ruleset.rules)} rules, "
             f"{len(ruleset.floors)} floors: no fault found.")  # fmt: skip
        for finding in findings:
            data(finding)
    not_approved(ruleset.name, ruleset.approved_by)
    if findings:
        give_up("The ruleset is readable, but see above.", FOUND)


def overdue(ruleset: Ruleset) -> list[str]:
    """Rules and floors whose review date has passed."""
    today = datetime.now(UTC).date().isoformat()
    return [
        f"{rule.place}: `{rule.id}` was to be reviewed by {rule.review_by}"
        for rule in ruleset.rules_and_floors
        if rule.review_by < today
    ]


@click.command()
@click.argument("folder", metavar="RULESET", type=click.Path(path_type=Path))
@click.option("--format", "form", type=click.Choice(["text", "json", "junit"]), default="text", show_default=True)
@refusing
def test(folder: Path, form: str) -> None:
    """Run the worked cases that lie beside a ruleset."""
    evaluator = open_folder(folder)
    outcomes = [run_case(evaluator, case) for case in read_cases(folder, evaluator.ruleset)]
    failed = [outcome for outcome in outcomes if not outcome.passed]
    data({"text": _cases_text, "json": _cases_json, "junit": _cases_junit}[form](outcomes))
    not_approved(evaluator.ruleset.name, evaluator.ruleset.approved_by)
    if failed or not outcomes:
        give_up(f"{len(failed)} of {len(outcomes)} cases differ from what they want.", FOUND)


def _cases_text(outcomes: list[CaseOutcome]) -> str:
    lines = [
        f"{outcome.case.id}: {outcome.case.note}\n    " + "\n    ".join(outcome.differences)
        for outcome in outcomes
        if not outcome.passed
    ]
    return "\n".join([*lines, f"{sum(o.passed for o in outcomes)} passed, {len(lines)} failed"])


def _cases_json(outcomes: list[CaseOutcome]) -> str:
    cases = [{"id": o.case.id, "note": o.case.note, "passed": o.passed, "differences": o.differences} for o in outcomes]
    return as_json({"cases": cases})


def _cases_junit(outcomes: list[CaseOutcome]) -> str:
    failures = str(sum(not o.passed for o in outcomes))
    suite = ET.Element("testsuite", name="cases", tests=str(len(outcomes)), failures=failures)
    for outcome in outcomes:
        case = ET.SubElement(suite, "testcase", name=outcome.case.id, classname="cases")
        if not outcome.passed:
            failure = ET.SubElement(case, "failure", message=outcome.case.note)
            failure.text = "\n".join(outcome.differences)
    return ET.tostring(suite, encoding="unicode")


@click.command()
@click.argument("ruleset")
@click.argument("file", type=click.File("rb"), default="-")
@click.option("--format", "form", type=FORMATS, default="text", show_default=True)
@refusing
def decide(ruleset: str, file: Any, form: str) -> None:
    """Decide one report; nothing is stored or published."""
    evaluator = open_any(ruleset)
    result = evaluate(evaluator, file.read())
    data(as_json(result) if form == "json" else "\n".join(result_text(result)))
    not_approved(evaluator.ruleset.name, evaluator.ruleset.approved_by)


SHOWN_QUESTIONS = 3


def result_text(result: dict[str, Any]) -> list[str]:
    """The result in a few lines: level, disposition, reasons, and what is still to be asked."""
    level, asked = result["level"], result["ask"]
    head = click.style(level or "no level: a human must look now", fg=LEVEL_COLOURS[level], bold=True)
    lines = [f"{head}  {result['disposition'] or ''}"]
    lines += [f"  {r['id']}: {r['text']}  [{r['source']}]" for r in [*result["rules"], *result["safety_net"]]]
    if not result["rules"] and level is not None:
        lines.append("  No rule matched.")
    lines += [f"  ask: {question['question']} ({_could(question)})" for question in asked[:SHOWN_QUESTIONS]]
    if len(asked) > SHOWN_QUESTIONS:
        lines.append(f"  and {len(asked) - SHOWN_QUESTIONS} more questions whose answers could change the level")
    return lines


def _could(question: dict[str, Any]) -> str:
    ways = [("raise it to", question["could_raise_to"]), ("lower it to", question["could_lower_to"])]
    return "could " + " or ".join(f"{way} {level}" for way, level in ways if level)


@click.command()
@click.argument("ruleset")
@click.argument("file", type=click.File("rb"), default="-")
@click.option("--format", "form", type=FORMATS, default="text", show_default=True)
@refusing
def explain(ruleset: str, file: Any, form: str) -> None:
    """Explain one report's result: which answers made which statements true, and those which rules."""
    evaluator = open_any(ruleset)
    findings = read_report(evaluator, file.read())
    result = decided(evaluator, findings)
    facts = evaluator.facts(findings, History())
    reference = Reference(evaluator.ruleset, facts)
    derived = {
        rule["id"]: explaining.derive(
            evaluator.ruleset,
            reference,
            _condition(evaluator.ruleset, rule["id"], rule.get("disposition")),
        )
        for rule in [*result["rules"], *result["safety_net"]]
    }
    if form == "json":
        nodes = {rule: [explaining.as_json(node) for node in found] for rule, found in derived.items()}
        data(as_json({"result": result, "derivation": nodes}))
        return
    data("\n".join(result_text(result)))
    for rule in [*result["rules"], *result["safety_net"]]:
        data(f"\n{rule['id']} {rule['title']} -> {rule.get('disposition', 'one level up')}  [{rule['source']}]")
        for node in derived[rule["id"]]:
            data("\n".join(explaining.as_text(evaluator.ruleset, node, 1)))


def _condition(ruleset: Ruleset, rule_id: str, disposition: str | None) -> Any:
    rule = {rule.id: rule for rule in ruleset.rules_and_floors}[rule_id]
    found = [s for s in statements([rule]) if (s.outcome.disposition if s.outcome else None) == disposition]
    return explaining.outcome_condition(found[0])


# --- shared with the live commands ----------------------------------------------------------


def open_folder(folder: Path) -> Evaluator:
    """The evaluator of a ruleset folder. Raises RulesetError, RulesetNotFound, EngineLimitError."""
    ruleset, document = read_with_document(folder)
    return Evaluator(ruleset, bundle_of(document).digest)


def open_any(ruleset: str) -> Evaluator:
    """The evaluator of a folder, or of a live ruleset by name."""
    if Path(ruleset).exists():
        return open_folder(Path(ruleset))
    from triage_rules.ledger.redis import RedisLedger
    from triage_rules.rulesets_live import LiveRulesets
    from triage_rules.settings import Settings

    say(f"`{ruleset}` is no folder here; asking the service.")
    with RedisLedger(Settings.from_environment()) as ledger:
        return LiveRulesets(ledger).get(ruleset).evaluator


def evaluate(evaluator: Evaluator, report: bytes) -> dict[str, Any]:
    """The result of a report as posted. Raises ReportError."""
    return decided(evaluator, read_report(evaluator, report))


def decided(evaluator: Evaluator, findings: Findings) -> dict[str, Any]:
    """The result of checked findings, of somebody without earlier reports."""
    now = now_ms()
    return evaluator.evaluate(findings, History(), report_id=str(uuid.uuid4()), received_ms=now, evaluated_ms=now)


def read_report(evaluator: Evaluator, report: bytes) -> Findings:
    """The findings of a report as posted, checked by this ruleset. Raises ReportError."""
    raw = strict_json.loads(report, max_bytes=MAX_BYTES)
    return envelope.read_report(raw, _Only(evaluator), now_ms()).findings


class _Only:
    """One ruleset, as if it were the one that is live."""

    def __init__(self, evaluator: Evaluator) -> None:
        self._loaded = Loaded(evaluator.ruleset, evaluator.digest, evaluator)

    def names(self) -> list[str]:
        return [self._loaded.ruleset.name]

    def get(self, name: str) -> Loaded:
        if name != self._loaded.ruleset.name:
            raise RulesetNotFound(f"the report is for `{name}`, and this ruleset is `{self._loaded.ruleset.name}`")
        return self._loaded

"""Deployment: the checks before a ruleset goes live, and going live; the same for the command line and over HTTP."""

from __future__ import annotations

import base64
import datetime as dt
import json
import resource
import subprocess
import sys
import tempfile
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from triage_rules.assurance.cases import parse_cases, run_case
from triage_rules.assurance.cases.reading import CASES_FILE
from triage_rules.assurance.properties.model import ProofVerdict, Property
from triage_rules.assurance.properties.reading import PROPERTIES_FILE, parse_properties
from triage_rules.deployment import evidence
from triage_rules.evaluation.evaluator import Evaluator
from triage_rules.foundation.errors import (
    CasesFailed,
    EngineLimitError,
    PersonasFailed,
    PropertiesFailed,
    RulesetError,
    RulesetFault,
    RulesetNotFound,
    VignettesFailed,
)
from triage_rules.foundation.place import Place
from triage_rules.interview.persona_runs import PersonaRun, median_screens, run_persona
from triage_rules.interview.personas import PERSONAS_FILE, Personas, parse_personas
from triage_rules.interview.plan import Planner
from triage_rules.interview.vignette_figures import VignetteSuite
from triage_rules.interview.vignette_runs import run_vignettes
from triage_rules.interview.vignettes import VIGNETTES_FILE, Vignettes, parse_vignettes
from triage_rules.language.bundle import Bundle, bundle_of, open_bundle
from triage_rules.language.check_types import CheckType, Severity
from triage_rules.language.model import Ruleset
from triage_rules.language.reading import FILE_NAME, Document, bytes_of, parse_with_document
from triage_rules.records.audit import Actor
from triage_rules.records.proposals import Approval
from triage_rules.store.rulesets import LiveRuleset, RulesetStore

REQUIRED = (FILE_NAME, CASES_FILE)
FILES = (*REQUIRED, PROPERTIES_FILE, PERSONAS_FILE, VIGNETTES_FILE)
"""Files of a ruleset's folder that are read; only REQUIRED ones must be there."""

CHECK_FINDINGS_SECONDS = 20.0
"""Time limit of the search for errors over every possible report. Undecided questions don't block, only warn."""

PROVE_SECONDS = 30.0
"""Time limit of the proof of all properties. A property not proved by then keeps the ruleset from going live."""

NOWHERE = Place(PROPERTIES_FILE, 1, 1)

CHECK_SECONDS = 60
CHECK_BYTES = 2 * 1024**3
"""Limits for checking a ruleset from elsewhere: clock time, and memory."""


@dataclass(frozen=True, slots=True)
class Interviews:
    """Interviews of personas, all of which passed. `budget`: the most screens that their median should take."""

    personas: int
    median_screens: float
    budget: int | None

    @property
    def is_over_budget(self) -> bool:
        """Return whether the median interview is longer than its budget."""
        return self.budget is not None and self.median_screens > self.budget


@dataclass(frozen=True, slots=True)
class Checked:
    """Ruleset that may go live: its bundle, the number of passed cases, and the clinician who approved it.

    proved: number of proved properties; None if none are claimed. unasked: those about the previous version.
    undecided: questions that the check for errors had no time for, a sentence each. files: the checked texts, by name.
    interviews: None if there are no personas. vignettes: their number; None if there are none.
    """

    bundle: Bundle
    cases: int
    approved_by: str | None
    proved: int | None = None
    unasked: tuple[str, ...] = ()
    undecided: tuple[str, ...] = ()
    files: Mapping[str, str] = field(default_factory=dict)
    evidence: str = ""
    interviews: Interviews | None = None
    vignettes: int | None = None

    @property
    def kept(self) -> Mapping[str, str]:
        """Return the files stored beside the bundle."""
        return {**self.files, evidence.FILE_NAME: self.evidence} if self.evidence else self.files


@dataclass(frozen=True, slots=True)
class Deployed:
    """Live version, and warnings for the person who deployed it, a sentence each."""

    live: LiveRuleset
    warnings: tuple[str, ...] = ()


def check_folder(folder: Path) -> Checked:
    """Read a ruleset, check it, run its cases, personas and vignettes, and prove its properties.

    All this on the bundle that would go live.

    Raises:
        RulesetError: With every fault.
        CasesFailed: If a case fails.
        PersonasFailed: If the interview of a persona does not end with the expected outcome.
        VignettesFailed: If a vignette gets too mild an outcome, or the vignettes miss their budget.
        PropertiesFailed: If a property is not proved.
        RulesetNotFound: If a file is missing.
        EngineLimitError: If the engine can't hold the ruleset.
    """
    sources = {name: bytes_of(folder / name) for name in FILES if name in REQUIRED or (folder / name).exists()}
    ruleset, document = parse_with_document(*sources[FILE_NAME])
    bundle = bundle_of(document)
    evaluator = Evaluator(open_bundle(bundle.data, bundle.digest), bundle.digest)
    properties_file = sources.get(PROPERTIES_FILE)
    claimed = None if properties_file is None else parse_properties(*properties_file, evaluator.ruleset)
    personas_file = sources.get(PERSONAS_FILE)
    personas = None if personas_file is None else parse_personas(*personas_file, evaluator.ruleset)
    vignettes_file = sources.get(VIGNETTES_FILE)
    stories = None if vignettes_file is None else parse_vignettes(*vignettes_file, evaluator.ruleset, personas)
    outcomes = [run_case(evaluator, case) for case in parse_cases(*sources[CASES_FILE], evaluator.ruleset)]
    faults = tuple(
        RulesetFault(outcome.case.place, f"case `{outcome.case.id}`: {'; '.join(outcome.differences)}")
        for outcome in outcomes
        if not outcome.passed
    )
    if faults:
        raise CasesFailed(faults, len(outcomes))
    runs = [] if personas is None else _interview(evaluator, personas)
    if stories is not None:
        _refuse_misses(evaluator, stories)
    undecided = _refuse_errors(ruleset, document, evaluator)
    verdicts = [] if claimed is None else _prove_all(evaluator, claimed)
    unasked = tuple(claim.id for claim, verdict in verdicts if verdict is ProofVerdict.NOT_ASKED)
    return Checked(
        bundle,
        cases=len(outcomes),
        approved_by=evaluator.ruleset.approved_by,
        proved=None if claimed is None else len(verdicts) - len(unasked),
        unasked=unasked,
        undecided=undecided,
        files={name: text.decode() for name, (text, _) in sources.items()},
        evidence=evidence.text_of(outcomes, verdicts, runs, None if personas is None else personas.median_screens),
        interviews=None if personas is None else Interviews(len(runs), median_screens(runs), personas.median_screens),
        vignettes=None if stories is None else len(stories.vignettes),
    )


def _interview(evaluator: Evaluator, personas: Personas) -> list[PersonaRun]:
    """Interview each persona. Raises PersonasFailed if one does not get the expected outcome."""
    planner = Planner(evaluator)
    runs = [run_persona(evaluator, planner, persona) for persona in personas.personas]
    faults = tuple(
        RulesetFault(run.persona.place, f"persona `{run.persona.name}`: {'; '.join(run.differences)}")
        for run in runs
        if not run.passed
    )
    if faults:
        raise PersonasFailed(faults, len(runs))
    return runs


def _refuse_misses(evaluator: Evaluator, stories: Vignettes) -> None:
    """Run the vignettes as full forms; `triage test` interviews them. Raises VignettesFailed if they fail."""
    suite = VignetteSuite(tuple(run_vignettes(evaluator, stories.vignettes, forms_only=True)), stories.budget)
    faults = [
        RulesetFault(run.vignette.place, f"vignette `{run.vignette.name}`: {run.miss}")
        for run in suite.runs
        if not run.passed
    ]
    faults += [RulesetFault(stories.budget.place, f"`budget`: {shortfall}") for shortfall in suite.shortfalls]
    if faults:
        raise VignettesFailed(tuple(faults), len(suite.runs))


def _refuse_errors(ruleset: Ruleset, document: Document, evaluator: Evaluator) -> tuple[str, ...]:
    """Return the undecided questions. Raises RulesetError with each error of `triage check` that is not accepted."""
    from triage_rules.assurance.checking import CheckOptions, check  # loads the solver, which most callers never need

    how = CheckOptions(dt.datetime.now(dt.UTC).date(), CHECK_FINDINGS_SECONDS, least=Severity.ERROR)
    findings = [finding for finding in check(ruleset, document, how, evaluator) if finding.accepted is None]
    errors = [finding for finding in findings if finding.type is not CheckType.INCOMPLETE]
    if errors:
        raise RulesetError(tuple(RulesetFault(error.place, f"{error.type}: {error.message}") for error in errors))
    return tuple(finding.message for finding in findings)


def _prove_all(evaluator: Evaluator, claimed: list[Property]) -> list[tuple[Property, ProofVerdict]]:
    """Return each property with its verdict. Raises PropertiesFailed if a property is refuted or not proved."""
    from triage_rules.assurance.properties.proving import (  # loads the solver, which most callers never need
        describe_proof,
        prove,
    )

    proofs = list(prove(evaluator.ruleset, claimed, seconds=PROVE_SECONDS, evaluator=evaluator))
    faults = tuple(
        RulesetFault(proof.asked.place or NOWHERE, f"property `{proof.asked.id}`: {describe_proof(proof)}")
        for proof in proofs
        if not proof.holds
    )
    if faults:
        raise PropertiesFailed(faults, len(proofs))
    return [(proof.asked, proof.verdict) for proof in proofs]


def check_files(files: Mapping[str, str]) -> Checked:
    """Check files from elsewhere as `check_folder` does, in a child process with limits, which may crash.

    `files`: texts by name, only of FILES. Raises RulesetError with every fault.
    """
    texts = {name: files[name] for name in FILES if name in files}
    with tempfile.TemporaryDirectory(prefix="triage-") as folder:
        for name, text in texts.items():
            (Path(folder) / name).write_text(text, encoding="utf-8", newline="")
        report = _check_in_child(folder)
    if "faults" in report:
        raise RulesetError(tuple(RulesetFault(Place(*place), message) for place, message in report["faults"]))
    bundle = Bundle(report["name"], report["version"], report["digest"], base64.b64decode(report["data"]))
    unasked, undecided = tuple(report["unasked"]), tuple(report["undecided"])
    return Checked(
        bundle,
        report["cases"],
        report["approved_by"],
        report["proved"],
        unasked,
        undecided,
        texts,
        report["evidence"],
        None if report["interviews"] is None else Interviews(**report["interviews"]),
        report["vignettes"],
    )


def deploy(
    rulesets: RulesetStore, checked: Checked, now_ms: int, by: Actor, approving: Approval | None = None
) -> Deployed:
    """Make a checked ruleset live in one step. `approving`: the proposal that asked for it.

    Raises StoreUnavailable, AuditError, ProposalNotFound, ProposalRefused.
    """
    bundle = checked.bundle
    warnings = _warn_of_budget(rulesets, checked)
    others = [digest for digest in rulesets.get_digests(bundle.name, bundle.version) if digest != bundle.digest]
    live = rulesets.deploy(
        bundle.name,
        bundle.version,
        bundle.digest,
        bundle.data,
        now_ms,
        by=by,
        approved_by=checked.approved_by,
        files=checked.kept,
        approving=approving,
    )
    if checked.proved is None:
        warnings.append(f"`{bundle.name}` has no {PROPERTIES_FILE}, so nothing is proved")
    warnings += [
        f"property `{name}` is about the previous version and was not checked: run `triage prove --against live`"
        for name in checked.unasked
    ]
    warnings += [
        f"the check is incomplete: {question} `triage check` may take longer" for question in checked.undecided
    ]
    warnings += [
        f"version {bundle.version} of `{bundle.name}` was deployed before with other content ({digest}); "
        "give new content a new version"
        for digest in others
    ]
    return Deployed(live, tuple(warnings))


def _warn_of_budget(rulesets: RulesetStore, checked: Checked) -> list[str]:
    """Return a warning if the median interview is over its budget, with that of the live version if it is known."""
    interviews = checked.interviews
    if interviews is None or not interviews.is_over_budget:
        return []
    live, before = rulesets.get_live().get(checked.bundle.name), None
    if live is not None and live.digest != checked.bundle.digest:
        before = evidence.read(rulesets.get_files(live.digest).get(evidence.FILE_NAME)).median_screens
    warning = f"the median interview of the personas takes {interviews.median_screens:g} screens, "
    warning += f"over the budget of {interviews.budget}"
    return [warning if before is None else f"{warning}; by the previous version it took {before:g}"]


def roll_back(rulesets: RulesetStore, name: str, now_ms: int, by: Actor) -> tuple[LiveRuleset, Ruleset]:
    """Make the previous version live again, in one step. If it can't be opened, the live version stays.

    Raises RulesetNotFound, NoEarlierDeployment, BundleError, StoreUnavailable, AuditError.
    """
    there = rulesets.get_live().get(name)
    if there is not None and there.previous is not None:
        open_bundle(rulesets.get_bundle(there.previous), there.previous)
    live = rulesets.roll_back(name, now_ms, by=by)
    return live, open_bundle(rulesets.get_bundle(live.digest), live.digest)


def _check_in_child(folder: str) -> dict[str, Any]:
    """Return the report of `_main` on that folder, or the reason why there is none. The child gets no secret."""
    command = [sys.executable, "-m", "triage_rules.deployment.deploy", folder]
    try:
        child = subprocess.run(  # noqa: S603 (our own module)
            command, capture_output=True, timeout=CHECK_SECONDS, check=False, env={"PYTHONUTF8": "1"}
        )
        report: dict[str, Any] = json.loads(child.stdout)
        return report
    except subprocess.TimeoutExpired:
        reason = f"the check took longer than {CHECK_SECONDS} seconds"
    except ValueError:
        reason = f"the check broke off (exit code {child.returncode}): out of time or memory, or the engine crashed"
    return {"faults": [((FILE_NAME, 1, 1), reason)]}


def _main(folder: Path) -> None:
    """Check a folder, and write the report to stdout as JSON."""
    resource.setrlimit(resource.RLIMIT_AS, (CHECK_BYTES, CHECK_BYTES))
    resource.setrlimit(resource.RLIMIT_CPU, (CHECK_SECONDS, CHECK_SECONDS))
    try:
        checked = check_folder(folder)
    except RulesetError as error:
        faults = [
            ((Path(fault.place.file).name, fault.place.line, fault.place.column), fault.message)
            for fault in error.faults
        ]
        report: dict[str, Any] = {"faults": faults}
    except EngineLimitError as error:
        report = {"faults": [((FILE_NAME, 1, 1), str(error))]}
    except RulesetNotFound:
        missing = [name for name in REQUIRED if not (folder / name).exists()]
        report = {"faults": [((name, 1, 1), "this file is missing") for name in missing]}
    else:
        bundle = checked.bundle
        report = {
            "name": bundle.name,
            "version": bundle.version,
            "digest": bundle.digest,
            "data": base64.b64encode(bundle.data).decode("ascii"),
            "cases": checked.cases,
            "approved_by": checked.approved_by,
            "proved": checked.proved,
            "unasked": checked.unasked,
            "undecided": checked.undecided,
            "evidence": checked.evidence,
            "interviews": None if checked.interviews is None else asdict(checked.interviews),
            "vignettes": checked.vignettes,
        }
    json.dump(report, sys.stdout)


if __name__ == "__main__":
    _main(Path(sys.argv[1]))

"""What goes live and what is checked before: the same for the command line and over HTTP."""

from __future__ import annotations

import base64
import datetime as dt
import json
import resource
import subprocess
import sys
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from triage_rules.assurance.cases import parse_cases, run_case
from triage_rules.assurance.cases.reading import CASES_FILE
from triage_rules.assurance.properties.model import ProofVerdict, Property
from triage_rules.assurance.properties.reading import PROPERTIES_FILE, has_properties, parse_properties
from triage_rules.deployment import evidence
from triage_rules.evaluation.evaluator import Evaluator
from triage_rules.foundation.errors import (
    CasesFailed,
    EngineLimitError,
    PropertiesFailed,
    RulesetError,
    RulesetFault,
    RulesetNotFound,
)
from triage_rules.foundation.place import Place
from triage_rules.language.bundle import Bundle, bundle_of, open_bundle
from triage_rules.language.check_types import CheckType, Severity
from triage_rules.language.model import Ruleset
from triage_rules.language.reading import FILE_NAME, Document, bytes_of, parse_with_document
from triage_rules.records.audit import Actor
from triage_rules.records.proposals import Approval
from triage_rules.store.rulesets import LiveRuleset, RulesetStore

FILES = (FILE_NAME, CASES_FILE, PROPERTIES_FILE)
"""What a ruleset's folder may hold that is looked at; the last one may be missing."""

CHECK_FINDINGS_SECONDS = 20.0
"""What the search for errors for every possible report may take. One that is not found by then is not refused;
what was not decided is told."""

PROVE_SECONDS = 30.0
"""What the proof of all properties may take; what is not proved by then keeps the ruleset from going live."""

NOWHERE = Place(PROPERTIES_FILE, 1, 1)

CHECK_SECONDS = 60
CHECK_BYTES = 2 * 1024**3
"""What the check of a ruleset from elsewhere may take: time on the clock, and memory."""


@dataclass(frozen=True, slots=True)
class Checked:
    """A ruleset that may go live: its bundle, how many cases passed, and which clinician approved it.

    proved: how many properties were proved; None if none are claimed. unasked: those about the previous version.
    undecided: what the check for errors had no time for, a sentence each. files: the texts that were checked, by name.
    """

    bundle: Bundle
    cases: int
    approved_by: str | None
    proved: int | None = None
    unasked: tuple[str, ...] = ()
    undecided: tuple[str, ...] = ()
    files: Mapping[str, str] = field(default_factory=dict)
    evidence: str = ""

    @property
    def kept(self) -> Mapping[str, str]:
        """What is kept beside the bundle."""
        return {**self.files, evidence.FILE_NAME: self.evidence} if self.evidence else self.files


@dataclass(frozen=True, slots=True)
class Deployed:
    """What is live now, and what whoever made it so should know: a sentence each."""

    live: LiveRuleset
    warnings: tuple[str, ...] = ()


def check_folder(folder: Path) -> Checked:
    """Read a ruleset, check it, run its cases and prove its properties, on exactly what would go live.

    Raises RulesetError with every fault, CasesFailed, PropertiesFailed, RulesetNotFound, EngineLimitError.
    """
    read = {name: bytes_of(folder / name) for name in FILES if name != PROPERTIES_FILE or has_properties(folder)}
    ruleset, document = parse_with_document(*read[FILE_NAME])
    bundle = bundle_of(document)
    evaluator = Evaluator(open_bundle(bundle.data, bundle.digest), bundle.digest)
    given = read.get(PROPERTIES_FILE)
    claimed = None if given is None else parse_properties(*given, evaluator.ruleset)
    outcomes = [run_case(evaluator, case) for case in parse_cases(*read[CASES_FILE], evaluator.ruleset)]
    faults = tuple(
        RulesetFault(outcome.case.place, f"case `{outcome.case.id}`: {'; '.join(outcome.differences)}")
        for outcome in outcomes
        if not outcome.passed
    )
    if faults:
        raise CasesFailed(faults, len(outcomes))
    undecided = _refuse_errors(ruleset, document, evaluator)
    verdicts = [] if claimed is None else _proved(evaluator, claimed)
    unasked = tuple(asked.id for asked, verdict in verdicts if verdict is ProofVerdict.NOT_ASKED)
    return Checked(
        bundle,
        cases=len(outcomes),
        approved_by=evaluator.ruleset.approved_by,
        proved=None if claimed is None else len(verdicts) - len(unasked),
        unasked=unasked,
        undecided=undecided,
        files={name: text.decode() for name, (text, _) in read.items()},
        evidence=evidence.text_of(outcomes, verdicts),
    )


def _refuse_errors(ruleset: Ruleset, document: Document, evaluator: Evaluator) -> tuple[str, ...]:
    """What was not decided in time. Raises RulesetError with what `triage check` calls an error and isn't accepted."""
    from triage_rules.assurance.checking import CheckOptions, check  # loads the solver, which most callers never need

    how = CheckOptions(dt.datetime.now(dt.UTC).date(), CHECK_FINDINGS_SECONDS, least=Severity.ERROR)
    found = [one for one in check(ruleset, document, how, evaluator) if one.accepted is None]
    errors = [one for one in found if one.type is not CheckType.INCOMPLETE]
    if errors:
        raise RulesetError(tuple(RulesetFault(one.place, f"{one.type}: {one.message}") for one in errors))
    return tuple(one.message for one in found)


def _proved(evaluator: Evaluator, claimed: list[Property]) -> list[tuple[Property, ProofVerdict]]:
    """What is known of each property.

    Raises PropertiesFailed if one does not hold, or is not known to.
    """
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
    """As `check_folder`, of files from elsewhere: by a process of its own, which may crash, and may not go on for ever.

    `files`: texts by name, of FILES alone. Raises RulesetError with every fault.
    """
    texts = {name: files[name] for name in FILES if name in files}
    with tempfile.TemporaryDirectory(prefix="triage-") as folder:
        for name, text in texts.items():
            (Path(folder) / name).write_text(text, encoding="utf-8", newline="")
        told = _check_apart(folder)
    if "faults" in told:
        raise RulesetError(tuple(RulesetFault(Place(*place), message) for place, message in told["faults"]))
    bundle = Bundle(told["name"], told["version"], told["digest"], base64.b64decode(told["data"]))
    unasked, undecided = tuple(told["unasked"]), tuple(told["undecided"])
    return Checked(
        bundle, told["cases"], told["approved_by"], told["proved"], unasked, undecided, texts, told["evidence"]
    )


def deploy(
    rulesets: RulesetStore, checked: Checked, now_ms: int, by: Actor, approving: Approval | None = None
) -> Deployed:
    """Make it live in one step. `approving`: the proposal that it was asked for by.

    Raises StoreUnavailable, AuditError, ProposalNotFound, ProposalRefused.
    """
    bundle = checked.bundle
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
    told = [] if checked.proved is not None else [f"nothing is proved of `{bundle.name}`: it has no {PROPERTIES_FILE}"]
    told += [
        f"property `{name}` is about the previous version, and was not asked about: `triage prove --against live` does"
        for name in checked.unasked
    ]
    told += [f"not all of it was checked: {what} `triage check` may take longer" for what in checked.undecided]
    told += [
        f"version {bundle.version} of `{bundle.name}` was deployed before with other content ({digest}); "
        "a new content should get a new version"
        for digest in others
    ]
    return Deployed(live, tuple(told))


def roll_back(rulesets: RulesetStore, name: str, now_ms: int, by: Actor) -> tuple[LiveRuleset, Ruleset]:
    """Make what was live before live again, in one step. If it can't be opened, what is live stays.

    Raises RulesetNotFound, BundleError, StoreUnavailable, AuditError.
    """
    there = rulesets.get_live().get(name)
    if there is not None and there.previous is not None:
        open_bundle(rulesets.get_bundle(there.previous), there.previous)
    live = rulesets.roll_back(name, now_ms, by=by)
    return live, open_bundle(rulesets.get_bundle(live.digest), live.digest)


def _check_apart(folder: str) -> dict[str, Any]:
    """What `_main` tells of that folder, or as a fault why it told nothing. The child gets no secret of ours."""
    command = [sys.executable, "-m", "triage_rules.deployment.deploy", folder]
    try:
        ran = subprocess.run(  # noqa: S603 (our own module)
            command, capture_output=True, timeout=CHECK_SECONDS, check=False, env={"PYTHONUTF8": "1"}
        )
        told: dict[str, Any] = json.loads(ran.stdout)
        return told
    except subprocess.TimeoutExpired:
        why = f"checking it took longer than {CHECK_SECONDS} seconds"
    except ValueError:
        why = f"checking it broke off (exit code {ran.returncode}): too much time or memory, or it breaks the engine"
    return {"faults": [((FILE_NAME, 1, 1), why)]}


def _main(folder: Path) -> None:
    """Check a folder and tell of it on stdout, as JSON."""
    resource.setrlimit(resource.RLIMIT_AS, (CHECK_BYTES, CHECK_BYTES))
    resource.setrlimit(resource.RLIMIT_CPU, (CHECK_SECONDS, CHECK_SECONDS))
    try:
        checked = check_folder(folder)
    except RulesetError as error:
        faults = [
            ((Path(fault.place.file).name, fault.place.line, fault.place.column), fault.message)
            for fault in error.faults
        ]
        told: dict[str, Any] = {"faults": faults}
    except EngineLimitError as error:
        told = {"faults": [((FILE_NAME, 1, 1), str(error))]}
    except RulesetNotFound:
        missing = [name for name in FILES[:2] if not (folder / name).exists()]
        told = {"faults": [((name, 1, 1), "this file is missing") for name in missing]}
    else:
        bundle = checked.bundle
        told = {
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
        }
    json.dump(told, sys.stdout)


if __name__ == "__main__":
    _main(Path(sys.argv[1]))

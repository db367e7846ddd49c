"""`triage prove`: the properties of a ruleset, each proved for every possible report or refuted by one."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import click

from triage_rules.assurance.properties.model import SECONDS, Against, Property, ResultMeasure
from triage_rules.assurance.properties.reading import PROPERTIES_FILE, has_properties, read_properties
from triage_rules.cli.exit_codes import ExitCode
from triage_rules.cli.output import FORMATS, Progress, count_noun, exit_with, handle_errors, warn_not_approved, write
from triage_rules.cli.previous_version import open_previous_version
from triage_rules.foundation.errors import RulesetNotFound
from triage_rules.language.model import Ruleset, Source
from triage_rules.language.reading import read_ruleset
from triage_rules.language.reading.messages import suggest_name


@click.command()
@click.argument("folder", metavar="RULESET", type=click.Path(path_type=Path, exists=True, file_okay=False))
@click.option("--property", "wanted", metavar="ID", multiple=True, help="Only this property; repeatable.")
@click.option("--against", metavar="OLD", help="The previous version: a folder, `live`, a digest or a git revision.")
@click.option("--seconds", type=click.FloatRange(min=0.1), default=SECONDS, show_default=True,
              help="Time limit of the whole run; a property that is not proved by then counts as failed.")  # fmt: skip
@click.option("--format", "form", type=FORMATS, default="text", show_default=True)
@handle_errors
def prove(folder: Path, wanted: tuple[str, ...], against: str | None, seconds: float, form: str) -> None:
    """Prove the properties of a ruleset for every possible report.

    The file properties.yaml lists them. Each property is proved, also for open answers, or refuted by the smallest
    report that breaks it, or given up when the time runs out. With --against also proves that no level is lower than
    by the previous version.
    """
    from triage_rules.assurance.properties import proving
    from triage_rules.assurance.properties.rendering import as_data, as_text
    from triage_rules.assurance.solver.witness import EncoderBugError

    ruleset = read_ruleset(folder)
    previous = None if against is None else open_previous_version(against, folder, ruleset.name)
    properties = _select(_read_properties(folder, ruleset, against), wanted)
    proofs, progress = [], Progress()
    try:
        for proof in proving.prove(ruleset, properties, previous=previous, seconds=seconds):
            proofs.append(proof)
            progress.show(f"{len(proofs)} of {len(properties)} properties")
    except EncoderBugError as error:
        exit_with(f"A fault of this program, so nothing is known: {error}", ExitCode.CANNOT_RUN)
    data = {"ruleset": ruleset.name, "version": ruleset.version, "properties": [*map(as_data, proofs)]}
    write(form, data, as_text(proofs))
    warn_not_approved(ruleset.name, ruleset.approved_by)
    failed = sum(not proof.holds for proof in proofs)
    if failed:
        total = count_noun(len(proofs), "property", "properties")
        exit_with(f"{failed} of {total} {'is' if failed == 1 else 'are'} not proved.", ExitCode.FINDINGS)


def _read_properties(folder: Path, ruleset: Ruleset, against: str | None) -> list[Property]:
    """Read the file, and add the usual property against a previous version if the file has none."""
    properties = read_properties(folder, ruleset) if has_properties(folder) else []
    if against is not None and not any(isinstance(wanted.claim, Against) for wanted in properties):
        says = f"No report gets a lower level than by {against}."
        usual = Property("AGAINST", says, Against(ResultMeasure.LEVEL), Source("--against"), ruleset.owner, "")
        properties.append(usual)
    if not properties:
        raise RulesetNotFound(f"there is no `{folder / PROPERTIES_FILE}`, so there are no properties to prove")
    return properties


def _select(properties: list[Property], wanted: Sequence[str]) -> list[Property]:
    known = [candidate.id for candidate in properties]
    for name in wanted:
        if name not in known:
            exit_with(f"There is no property `{name}`{suggest_name(name, known)}", ExitCode.USAGE)
    return [candidate for candidate in properties if not wanted or candidate.id in wanted]

"""The command `triage prove`: the properties of a ruleset, proved of every possible report or refuted by one."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import click

from triage_rules.assurance.properties.model import SECONDS, Against, Property, ResultMeasure
from triage_rules.assurance.properties.reading import PROPERTIES_FILE, has_properties, read_properties
from triage_rules.cli.exit_codes import ExitCode
from triage_rules.cli.output import FORMATS, as_json, exit_with, handle_errors, progress, warn_not_approved, write_data
from triage_rules.cli.previous_version import open_version
from triage_rules.foundation.errors import RulesetNotFound
from triage_rules.language.model import Ruleset, Source
from triage_rules.language.reading import read_ruleset
from triage_rules.language.reading.messages import suggest_name


@click.command()
@click.argument("folder", metavar="RULESET", type=click.Path(path_type=Path, exists=True, file_okay=False))
@click.option("--property", "wanted", metavar="ID", multiple=True, help="Only this one; may be given again.")
@click.option("--against", metavar="OLD", help="The previous version: a folder, `live`, a digest or a git revision.")
@click.option("--seconds", type=click.FloatRange(min=0.1), default=SECONDS, show_default=True,
              help="What all of it may take; what is not proved by then counts as failed.")  # fmt: skip
@click.option("--format", "form", type=FORMATS, default="text", show_default=True)
@handle_errors
def prove(folder: Path, wanted: tuple[str, ...], against: str | None, seconds: float, form: str) -> None:
    """Prove what properties.yaml claims of every possible report, open answers included.

    Each property is proved, or refuted by the smallest report that breaks it, or given up when the time runs out.
    With --against also: no level is lower than by the previous version.
    """
    from triage_rules.assurance.properties import proving
    from triage_rules.assurance.properties.rendering import as_data, as_text
    from triage_rules.assurance.solver.witness import EncoderBugError

    ruleset = read_ruleset(folder)
    previous = None if against is None else open_version(against, folder, ruleset.name)
    properties = _chosen(_properties(folder, ruleset, against), wanted)
    proofs, tell = [], progress()
    try:
        for proof in proving.prove(ruleset, properties, previous=previous, seconds=seconds):
            proofs.append(proof)
            tell(f"{len(proofs)} of {len(properties)} properties")
    except EncoderBugError as error:
        exit_with(f"The formulas and the evaluators differ, so nothing is known: {error}", ExitCode.CANNOT_RUN)
    if form == "json":
        write_data(
            as_json({"ruleset": ruleset.name, "version": ruleset.version, "properties": [*map(as_data, proofs)]})
        )
    else:
        write_data("\n".join(as_text(proofs)))
    warn_not_approved(ruleset.name, ruleset.approved_by)
    failed = sum(not proof.holds for proof in proofs)
    if failed:
        exit_with(f"{failed} of {len(proofs)} properties don't hold, as far as is known.", ExitCode.FINDINGS)


def _properties(folder: Path, ruleset: Ruleset, against: str | None) -> list[Property]:
    """What the file claims; and if it claims nothing against a previous version that is given, the usual claim."""
    found = read_properties(folder, ruleset) if has_properties(folder) else []
    if against is not None and not any(isinstance(asked.claim, Against) for asked in found):
        says = f"No report gets a lower level than by {against}."
        usual = Property("AGAINST", says, Against(ResultMeasure.LEVEL), Source("--against"), ruleset.owner, "")
        found.append(usual)
    if not found:
        raise RulesetNotFound(
            f"`{folder / PROPERTIES_FILE}` is not there: nothing is claimed, so nothing can be proved"
        )
    return found


def _chosen(properties: list[Property], wanted: Sequence[str]) -> list[Property]:
    known = [asked.id for asked in properties]
    for name in wanted:
        if name not in known:
            exit_with(f"There is no property `{name}`{suggest_name(name, known)}", ExitCode.USAGE)
    return [asked for asked in properties if not wanted or asked.id in wanted]

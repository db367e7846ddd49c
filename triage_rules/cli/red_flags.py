"""`triage red-flags`: each answer that can raise a result, and each pair, with the mildest outcome."""

from __future__ import annotations

from pathlib import Path

import click

from triage_rules.cli.exit_codes import ExitCode
from triage_rules.cli.output import Progress, as_json, exit_with, handle_errors, warn_not_approved, write_data
from triage_rules.language.model import AskedOf, InputKind, Ruleset, Value
from triage_rules.language.reading import read_ruleset
from triage_rules.language.reading.messages import suggest_name


@click.command("red-flags")
@click.argument("folder", metavar="RULESET", type=click.Path(path_type=Path, exists=True, file_okay=False))
@click.option("--pairs", is_flag=True, help="Evaluate each pair of red flags as well.")
@click.option(
    "--split",
    metavar="INPUT[=A,B]",
    multiple=True,
    help="Show the outcomes for each answer to this choice or yes/no question, or only A and B; repeatable.",
)
@click.option(
    "--format", "form", type=click.Choice(["text", "markdown", "json", "csv"]), default="text", show_default=True
)
@handle_errors
def red_flags(folder: Path, split: tuple[str, ...], form: str, *, pairs: bool) -> None:
    """Show the mildest outcome of each red flag, for each age.

    A red flag is an answer of a patient that makes some report more urgent. Its outcome is shown with everything else
    answered and harmless, and as the mildest of all reports with it. With --pairs also each pair of red flags; text
    and Markdown list only the pairs that are graver than both flags. For reading by eye: is any outcome too mild?
    """
    from triage_rules.assurance.red_flags import rendering
    from triage_rules.assurance.red_flags.table import make_table
    from triage_rules.assurance.solver.witness import EncoderBugError

    ruleset = read_ruleset(folder)
    answers = dict(_read_split(ruleset, text) for text in split)
    progress = Progress()
    try:
        table = make_table(
            ruleset,
            answers,
            with_pairs=pairs,
            progress=lambda what, done, of: progress.show(f"{what}: {done} of {of}"),
        )
    except EncoderBugError as error:
        exit_with(f"A fault of this program, so nothing is shown: {error}", ExitCode.CANNOT_RUN)
    match form:
        case "json":
            write_data(as_json(rendering.as_data(table)))
        case "csv":
            write_data(rendering.as_csv(table).rstrip("\n"))
        case _:
            lines = rendering.as_markdown(table) if form == "markdown" else rendering.as_text(table)
            write_data("\n".join(lines))
    warn_not_approved(ruleset.name, ruleset.approved_by)


def _read_split(ruleset: Ruleset, text: str) -> tuple[str, list[Value]]:
    """Read `INPUT` or `INPUT=A,B`. Exits if the ruleset has no such question or answer."""
    name, _, chosen = text.partition("=")
    kinds = {InputKind.YES_NO, InputKind.CHOICE}
    known = [n for n, read in ruleset.inputs.items() if read.kind in kinds and read.asked_of is not AskedOf.SERVICE]
    if name not in known:
        exit_with(
            f"--split {text}: there is no choice or yes/no question `{name}`{suggest_name(name, known)}", ExitCode.USAGE
        )
    read = ruleset.inputs[name]
    words: dict[str, Value] = {choice.value: choice.value for choice in read.choices if not choice.means_open}
    if read.kind is InputKind.YES_NO:
        words = {"yes": True, "no": False}
    for word in filter(None, chosen.split(",")):
        if word not in words:
            exit_with(
                f"--split {text}: `{name}` has no answer `{word}`{suggest_name(word, list(words))}", ExitCode.USAGE
            )
    return name, [value for word, value in words.items() if not chosen or word in chosen.split(",")]

"""The lower levels of a new version: shown before it replaces the live version."""

from __future__ import annotations

from triage_rules.cli.diff_text import example_lines
from triage_rules.cli.exit_codes import ExitCode
from triage_rules.cli.output import exit_with, write_message
from triage_rules.evaluation.evaluator import Evaluator
from triage_rules.foundation.errors import BundleError, RulesetError
from triage_rules.language.bundle import Bundle, open_bundle
from triage_rules.store.rulesets import RulesetStore

SECONDS = 20.0


def warn_of_lower_levels(rulesets: RulesetStore, bundle: Bundle, *, refuse: bool) -> None:
    """Show how many kinds of report get a lower level than by the live version, with the first example.

    `refuse`: exit unless it is proved that there are none.
    """
    live = rulesets.get_live().get(bundle.name)
    if live is None or live.digest == bundle.digest:
        return
    from triage_rules.assurance.diff import report
    from triage_rules.assurance.diff.outcomes import DifferenceSearch, SearchState, Way
    from triage_rules.assurance.solver.solver import Budget  # the solver takes long to load
    from triage_rules.assurance.solver.witness import EncoderBugError

    try:
        old = open_bundle(rulesets.get_bundle(live.digest), live.digest)
        new = open_bundle(bundle.data, bundle.digest)
        before, after = Evaluator(old, live.digest), Evaluator(new, bundle.digest)
        lower = DifferenceSearch(before, after, Budget(SECONDS)).levels(Way.LOWER)
    except (BundleError, RulesetError, EncoderBugError) as error:
        write_message(f"The live version can't be compared: {error}", fg="yellow")
        if refuse:
            exit_with("Refused by --no-lower. The live version stays.", ExitCode.CANNOT_RUN)
        return
    count = _count_kinds(len(lower.kinds), more=lower.state is not SearchState.COMPLETE)
    sentence = f"{count} of report get a lower level." if lower.kinds else report.statement(lower)
    write_message(
        f"Against {live.version} ({live.digest[:19]}): {sentence}", fg=None if lower.proved_none else "yellow"
    )
    for kind in lower.kinds[:1]:
        example = report.example(kind.witness, old, new)
        write_message(
            f"  {kind.before[0]} before, {kind.after[0]} now, for example: {' · '.join(example_lines(example))}"
        )
        write_message("  `triage diff` shows all differences.")
    if refuse and not lower.proved_none:
        exit_with("Refused by --no-lower. The live version stays.", ExitCode.FINDINGS)


def _count_kinds(kinds: int, *, more: bool) -> str:
    return f"{kinds}{' or more' if more else ''} kind{'' if kinds == 1 and not more else 's'}"

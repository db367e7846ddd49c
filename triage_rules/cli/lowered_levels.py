"""What a deployment would decide at a lower level than what is live: told before it goes live."""

from __future__ import annotations

from triage_rules.cli.diff_text import example_words
from triage_rules.cli.exit_codes import ExitCode
from triage_rules.cli.output import exit_with, write_message
from triage_rules.evaluation.evaluator import Evaluator
from triage_rules.foundation.errors import BundleError, RulesetError
from triage_rules.language.bundle import Bundle, open_bundle
from triage_rules.store.rulesets import RulesetStore

SECONDS = 20.0


def report_lowered_levels(rulesets: RulesetStore, bundle: Bundle, *, refuse: bool) -> None:
    """Say for how many kinds of report the level gets lower, with the first example; nothing if none was live.

    refuse: exit unless it is proved that there is none.
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
        both = [Evaluator(ruleset, digest) for ruleset, digest in ((old, live.digest), (new, bundle.digest))]
        found = DifferenceSearch(both[0], both[1], Budget(SECONDS)).levels(Way.LOWER)
    except (BundleError, RulesetError, EncoderBugError) as error:
        write_message(f"What is live can't be compared: {error}", fg="yellow")
        if refuse:
            exit_with("Refused by --no-lower. What is live stays.", ExitCode.CANNOT_RUN)
        return
    number = _number(len(found.kinds), more=found.state is not SearchState.COMPLETE)
    told = f"{number} of report get a lower level." if found.kinds else report.statement(found)
    write_message(f"Against {live.version} ({live.digest[:19]}): {told}", fg=None if found.proved_none else "yellow")
    for kind in found.kinds[:1]:
        example = report.example(kind.witness, old, new)
        write_message(
            f"  {kind.before[0]} before, {kind.after[0]} now, for example: {' · '.join(example_words(example))}"
        )
        write_message("  `triage diff` shows all of it.")
    if refuse and not found.proved_none:
        exit_with("Refused by --no-lower. What is live stays.", ExitCode.FINDINGS)


def _number(kinds: int, *, more: bool) -> str:
    return f"{kinds}{' or more' if more else ''} kind{'' if kinds == 1 and not more else 's'}"

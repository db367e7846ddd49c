"""The `triage` command: data on stdout, talk on stderr, exit 0 ok, 1 findings, 2 usage, 3 cannot run."""

from __future__ import annotations

import click

from triage_rules.cli import (
    audit,
    check,
    compare,
    decide,
    diff,
    form_link,
    key,
    mutate,
    privacy,
    prove,
    redrive,
    service,
    test,
    up,
)


@click.group(context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 110})
@click.version_option(package_name="triage-rules")
def main() -> None:
    """Triage of symptom reports by rules that can be trusted.

    \b
    At a desk (no server needed):   check, test, prove, mutate, decide, explain, compare, diff
    Against a running service:      deploy, rollback, withdraw, status, post, follow, redrive, key, audit, erase, rekey
    Forms for patients:             form-link
    Everything on this machine:     up

    RULESET is a folder such as rulesets/red-dots, or the name of a live ruleset. FILE is a report as posted;
    `-` reads it from standard input. Settings are the TRIAGE_* environment variables (docs/settings.md).
    Exit codes: 0 ok, 1 something was found wrong, 2 wrong usage, 3 could not run.
    """  # noqa: D301 - click wants the backspace itself


for command in (
    check.check_command,
    test.test,
    mutate.mutate,
    prove.prove_command,
    decide.decide,
    decide.explain,
    compare.compare_command,
    diff.diff,
    service.deploy,
    service.rollback,
    service.withdraw,
    service.status,
    service.post,
    service.follow,
    key.key,
    form_link.form_link,
    audit.audit,
    redrive.redrive,
    privacy.erase,
    privacy.rekey,
    up.up,
):
    main.add_command(command)

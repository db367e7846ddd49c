"""`triage form-link`: a signed link to a form, for patients or for another site to embed."""

from __future__ import annotations

import click

from triage_rules.cli.api_keys import check_client
from triage_rules.cli.exit_codes import ExitCode
from triage_rules.cli.output import exit_with, handle_errors, write_data, write_message
from triage_rules.foundation.errors import RulesetNotFound
from triage_rules.foundation.settings import Settings
from triage_rules.foundation.timestamps import DAY_MS, timestamp
from triage_rules.intake.links import FormLink, sign_form
from triage_rules.store.redis import RedisStore


@click.command("form-link")
@click.argument("ruleset")
@click.option("--client", callback=check_client, help="Client that owns the reports; required where API keys are.")
@click.option("--return-to", metavar="URL", help="https address to which the result page links back.")
@click.option("--framed-by", metavar="ORIGIN", help="Site that may frame the form, such as https://clinic.example.")
@click.option("--subject", help="Subject, as in a report. Anyone with the link can read it.")
@click.option("--expires", "days", metavar="DAYS", type=click.IntRange(1, 366), default=30, show_default=True,
              help="Days until the link expires.")  # fmt: skip
@click.option("--base", metavar="URL", help="Public URL of this service.  [default: its address on this machine]")
@handle_errors
def form_link(  # noqa: PLR0913 - click hands over each option by its name
    ruleset: str,
    *,
    client: str | None,
    return_to: str | None,
    framed_by: str | None,
    subject: str | None,
    days: int,
    base: str | None,
) -> None:
    """Make a link to the form of a live RULESET.

    Anyone with the link can fill in the form and see the result of their report, and nothing else. A single link
    can't be revoked: it expires, or all links end when TRIAGE_PAGES_SECRET changes.
    """
    settings = Settings.from_environment()
    if not settings.pages_secret:
        exit_with(
            "TRIAGE_PAGES_SECRET, which signs links, is not set. `openssl rand -hex 32` makes one.", ExitCode.CANNOT_RUN
        )
    if settings.auth_on and client is None:
        raise click.UsageError("--client is required where API keys are; `triage key list` lists the clients")
    with RedisStore(settings) as store:
        now = store.now_ms()
        live = store.rulesets.get_live()
    if ruleset not in live:
        raise RulesetNotFound(f"no ruleset `{ruleset}` is live; live: {', '.join(sorted(live)) or 'none'}")
    link = FormLink(ruleset, client or "", now + days * DAY_MS, return_to, framed_by, subject)
    write_data(
        f"{(base or settings.own_url).rstrip('/')}/forms/{ruleset}?link={sign_form(link, settings.pages_secret)}"
    )
    write_message(f"Valid until {timestamp(link.expires_ms)}, for anyone who has it.")

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
@click.option("--client", callback=check_client, help="Whose reports they will be. Needed where there are API keys.")
@click.option("--return-to", metavar="URL", help="An https address that the result page leads back to.")
@click.option("--framed-by", metavar="ORIGIN", help="The site that may frame the form, as in https://clinic.example.")
@click.option("--subject", help="Of whom, as in a report. Whoever has the link can read it.")
@click.option("--expires", "days", metavar="DAYS", type=click.IntRange(1, 366), default=30, show_default=True,
              help="Days it is good for.")  # fmt: skip
@click.option("--base", metavar="URL", help="Where people reach this service.  [default: its address on this machine]")
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

    Whoever opens it may fill in the form and see the result of what they send; nothing else. A link can't be taken
    back by itself: it ends by its time, or for all links when TRIAGE_PAGES_SECRET is changed.
    """
    settings = Settings.from_environment()
    if not settings.pages_secret:
        exit_with("TRIAGE_PAGES_SECRET is not set; it signs links. Try `openssl rand -hex 32`.", ExitCode.CANNOT_RUN)
    if settings.auth_on and client is None:
        raise click.UsageError("--client: whose reports will they be? `triage key list` shows the clients")
    with RedisStore(settings) as store:
        now = store.now_ms()
        live = store.rulesets.get_live()
    if ruleset not in live:
        raise RulesetNotFound(f"no ruleset `{ruleset}` is live; live are: {', '.join(sorted(live)) or 'none'}")
    link = FormLink(ruleset, client or "", now + days * DAY_MS, return_to, framed_by, subject)
    write_data(
        f"{(base or settings.own_url).rstrip('/')}/forms/{ruleset}?link={sign_form(link, settings.pages_secret)}"
    )
    write_message(f"Good until {timestamp(link.expires_ms)}, for whoever has it.")

"""The ruleset that a command is given: a file or folder, a live name, a digest, or a git revision."""

from __future__ import annotations

import re
import shutil
import subprocess
from pathlib import Path

from triage_rules.cli.output import write_message
from triage_rules.evaluation.evaluator import Evaluator
from triage_rules.foundation.contacts import read_contact_choice
from triage_rules.foundation.errors import RulesetNotFound
from triage_rules.foundation.settings import Settings
from triage_rules.interview.personas import PERSONAS_FILE, Personas, load_personas, parse_personas
from triage_rules.language.bundle import bundle_of, open_bundle
from triage_rules.language.reading import FILE_NAME, parse_document, parse_ruleset, read_with_document
from triage_rules.language.reading.limits import MAX_BYTES
from triage_rules.store.redis import RedisStore

GIT_SECONDS = 20

DIGEST = re.compile(r"sha256:[0-9a-f]{64}\Z")


def is_digest(asked: str) -> bool:
    """Return whether an argument has the form of a digest."""
    return DIGEST.match(asked) is not None


def open_version(asked: str) -> Evaluator:
    """Open a version: an existing file or folder, else a digest, `REVISION:PATH` in git, or a live name.

    Raises:
        RulesetError: The file is not a ruleset.
        RulesetNotFound: There is no such file, digest, revision or live ruleset.
        BundleError: The stored bundle is not what its digest says.
        EngineLimitError: The ruleset is too large for the engine.
        StoreUnavailable: The store can't be reached.
        SettingsError: A setting is wrong.

    """
    if Path(asked).exists():
        ruleset, document = read_with_document(asked, read_contact_choice())
        return Evaluator(ruleset, bundle_of(document).digest)
    if is_digest(asked):
        return _open_stored(asked)
    revision, colon, path = asked.partition(":")
    if colon:
        return _open_revision(revision, path)
    return _open_stored(asked)


def _open_stored(name_or_digest: str) -> Evaluator:
    settings = Settings.from_environment()
    write_message(f"No file `{name_or_digest}` here; reading from Redis: {settings.redis_place}")
    with RedisStore(settings) as store:
        digest = name_or_digest
        if not is_digest(digest):
            live = store.rulesets.get_live().get(name_or_digest)
            if live is None:
                raise RulesetNotFound(f"`{name_or_digest}` is neither a file or folder here nor a live ruleset")
            digest = live.digest
        return Evaluator(open_bundle(store.rulesets.get_bundle(digest), digest, settings.contact_choice), digest)


def _open_revision(revision: str, path: str) -> Evaluator:
    """Open a file or folder as it was in a revision of the git repository here."""
    asked = f"{revision}:{path}"
    if revision.startswith("-") or not revision or not path:
        raise RulesetNotFound(f"`{asked}`: expected a git revision and a path, such as `HEAD~1:rulesets/red-dots`")
    git = shutil.which("git")
    if git is None:
        raise RulesetNotFound(f"`{asked}`: there is no such file, and git is not installed")
    file = path if path.endswith((".yaml", ".yml")) else f"{path.rstrip('/')}/{FILE_NAME}"
    try:
        shown = subprocess.run(  # noqa: S603 (no shell; a name that looks like an option was refused)
            [git, "show", "--no-textconv", f"{revision}:{file}"],
            capture_output=True,
            timeout=GIT_SECONDS,
            check=False,
        )
    except subprocess.TimeoutExpired:
        raise RulesetNotFound(f"`{asked}`: git did not answer within {GIT_SECONDS} seconds") from None
    if shown.returncode:
        reason = shown.stderr.decode(errors="replace").strip().splitlines() or ["git gave no reason"]
        raise RulesetNotFound(f"`{asked}` can't be read from git: {reason[0]}")
    text, name = shown.stdout[: MAX_BYTES + 1], f"{revision}:{file}"
    return Evaluator(parse_ruleset(text, name, read_contact_choice()), bundle_of(parse_document(text, name)).digest)


def open_folder(folder: Path) -> Evaluator:
    """Open the ruleset of a folder.

    Raises:
        RulesetError: The file is not a ruleset.
        RulesetNotFound: There is no such folder.
        EngineLimitError: The ruleset is too large for the engine.

    """
    ruleset, document = read_with_document(folder, read_contact_choice())
    return Evaluator(ruleset, bundle_of(document).digest)


def open_folder_or_live(ruleset: str) -> Evaluator:
    """Open the ruleset of a folder, or a live ruleset by name. Raises as `open_folder`, and NoRulesetLive."""
    if Path(ruleset).exists():
        return open_folder(Path(ruleset))
    from triage_rules.deployment.live import LiveRulesets

    write_message(f"No folder `{ruleset}` here; reading the live ruleset.")
    settings = Settings.from_environment()
    with RedisStore(settings) as store:
        return LiveRulesets(store.rulesets, contacts=settings.contact_choice).get(ruleset).evaluator


def open_with_personas(ruleset: str) -> tuple[Evaluator, Personas | None]:
    """Open a ruleset as `open_folder_or_live`, with the personas beside it; None if there are none.

    Raises as `open_folder_or_live`, and RulesetError if the personas have faults.
    """
    path = Path(ruleset)
    if path.exists():
        evaluator = open_folder(path)
        return evaluator, load_personas(path if path.is_dir() else path.parent, evaluator.ruleset)
    evaluator = open_folder_or_live(ruleset)
    with RedisStore(Settings.from_environment()) as store:
        text = store.rulesets.get_files(evaluator.digest).get(PERSONAS_FILE)
    return evaluator, None if text is None else parse_personas(text.encode(), PERSONAS_FILE, evaluator.ruleset)

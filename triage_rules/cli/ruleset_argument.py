"""Names a version of a ruleset on the command line: a file or folder, a live name, a digest, or a git revision."""

from __future__ import annotations

import re
import shutil
import subprocess
from pathlib import Path

from triage_rules.cli.output import write_message
from triage_rules.evaluation.evaluator import Evaluator
from triage_rules.foundation.errors import RulesetNotFound
from triage_rules.foundation.settings import Settings
from triage_rules.language.bundle import bundle_of, open_bundle
from triage_rules.language.reading import FILE_NAME, parse_document, parse_ruleset, read_with_document
from triage_rules.language.reading.limits import MAX_BYTES
from triage_rules.store.redis import RedisStore

GIT_SECONDS = 20

DIGEST = re.compile(r"sha256:[0-9a-f]{64}\Z")


def is_digest(asked: str) -> bool:
    """It is written as a digest is."""
    return DIGEST.match(asked) is not None


def evaluator_of(asked: str) -> Evaluator:
    """The evaluator of a version: what there is a file of, else a digest, `REVISION:PATH` in git, or a live name.

    Raises RulesetError, RulesetNotFound, BundleError, EngineLimitError, StoreUnavailable, SettingsError.
    """
    if Path(asked).exists():
        ruleset, document = read_with_document(asked)
        return Evaluator(ruleset, bundle_of(document).digest)
    if is_digest(asked):
        return _stored(asked)
    revision, colon, path = asked.partition(":")
    if colon:
        return _of_git(revision, path)
    return _stored(asked)


def _stored(name_or_digest: str) -> Evaluator:
    settings = Settings.from_environment()
    write_message(f"`{name_or_digest}` is no file here; asking Redis: {settings.redis_place}")
    with RedisStore(settings) as store:
        digest = name_or_digest
        if not is_digest(digest):
            live = store.rulesets.get_live().get(name_or_digest)
            if live is None:
                raise RulesetNotFound(
                    f"`{name_or_digest}` is no file or folder here, and no ruleset of that name is live"
                )
            digest = live.digest
        return Evaluator(open_bundle(store.rulesets.get_bundle(digest), digest), digest)


def _of_git(revision: str, path: str) -> Evaluator:
    """The ruleset of a file or folder as it was in a revision of the git repository that we stand in."""
    asked = f"{revision}:{path}"
    if revision.startswith("-") or not revision or not path:
        raise RulesetNotFound(f"`{asked}`: expected a git revision and a path, such as `HEAD~1:rulesets/red-dots`")
    git = shutil.which("git")
    if git is None:
        raise RulesetNotFound(f"`{asked}`: no git is installed here, and no file has that name")
    file = path if path.endswith((".yaml", ".yml")) else f"{path.rstrip('/')}/{FILE_NAME}"
    try:
        told = subprocess.run(  # noqa: S603 (no shell; a name that looks like an option was refused)
            [git, "show", "--no-textconv", f"{revision}:{file}"],
            capture_output=True,
            timeout=GIT_SECONDS,
            check=False,
        )
    except subprocess.TimeoutExpired:
        raise RulesetNotFound(f"`{asked}`: git did not answer within {GIT_SECONDS} seconds") from None
    if told.returncode:
        why = told.stderr.decode(errors="replace").strip().splitlines() or ["git gave no reason"]
        raise RulesetNotFound(f"`{asked}` can't be read from git: {why[0]}")
    text, name = told.stdout[: MAX_BYTES + 1], f"{revision}:{file}"
    return Evaluator(parse_ruleset(text, name), bundle_of(parse_document(text, name)).digest)


def open_folder(folder: Path) -> Evaluator:
    """The evaluator of a ruleset folder. Raises RulesetError, RulesetNotFound, EngineLimitError."""
    ruleset, document = read_with_document(folder)
    return Evaluator(ruleset, bundle_of(document).digest)


def open_any(ruleset: str) -> Evaluator:
    """The evaluator of a folder, or of a live ruleset by name."""
    if Path(ruleset).exists():
        return open_folder(Path(ruleset))
    from triage_rules.deployment.live import LiveRulesets
    from triage_rules.foundation.settings import Settings
    from triage_rules.store.redis import RedisStore

    write_message(f"`{ruleset}` is no folder here; asking the service.")
    with RedisStore(Settings.from_environment()) as store:
        return LiveRulesets(store.rulesets).get(ruleset).evaluator

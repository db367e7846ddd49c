"""Bundles: a ruleset as one canonical JSON text, named by its digest. Bundles are what `triage deploy` makes live.

Canonical means: no comments, no optional blanks, no escapes, keys in the file's order. The order counts (dispositions
are listed most urgent first, questions in the order of asking), so keys are not sorted.
"""

from __future__ import annotations

import hashlib
import json
import re
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from triage_rules.foundation import strict_json
from triage_rules.foundation.contacts import NO_CHOICE, ContactChoice
from triage_rules.foundation.errors import BundleError, ReportError
from triage_rules.language.model import Ruleset
from triage_rules.language.reading import Document, build_ruleset, load_document
from triage_rules.language.reading.limits import MAX_DEPTH

FORMAT = 1

MAX_BYTES = 2 * 1024 * 1024
"""The largest bundle: twice the largest ruleset file, as some of it is longer in JSON."""

_DIGEST = re.compile(r"sha256:[0-9a-f]{64}")


@dataclass(frozen=True, slots=True)
class Bundle:
    """A bundle. `data`: canonical JSON of {format, ruleset}; `digest`: `sha256:` and its hash in hex."""

    name: str
    version: str
    digest: str
    data: bytes


def make_bundle(folder: Path) -> Bundle:
    """Make the bundle of a ruleset folder. Raises RulesetError, RulesetNotFound."""
    return bundle_of(load_document(folder))


def bundle_of(document: Document) -> Bundle:
    """Make the bundle of a ruleset file that was read."""
    content = {"format": FORMAT, "ruleset": document.data}
    data = json.dumps(content, ensure_ascii=False, allow_nan=False, separators=(",", ":")).encode()
    return Bundle(str(document.data.get("ruleset")), str(document.data.get("version")), digest_of(data), data)


def open_bundle(data: bytes, digest: str, contacts: ContactChoice = NO_CHOICE) -> Ruleset:
    """Return the ruleset in a bundle, with these contacts in its texts.

    Raises BundleError if the data does not match the digest or can't be read.
    """
    return build_ruleset(document_of(data, digest)["ruleset"], contacts=contacts)


def document_of(data: bytes, digest: str) -> dict[str, Any]:
    """Return the bundle's JSON object after checking its size and digest. Raises BundleError."""
    if len(data) > MAX_BYTES:
        raise BundleError(f"the bundle stored as {_shown(digest)} is larger than {MAX_BYTES} bytes")
    if digest_of(data) != digest:
        raise BundleError(f"the bundle stored as {_shown(digest)} has another digest")
    try:
        document = strict_json.loads(data, max_bytes=MAX_BYTES, max_depth=MAX_DEPTH + 2, what="bundle")
    except ReportError as error:
        raise BundleError(f"bundle {digest} can't be read: {error}") from None
    if not isinstance(document, dict) or set(document) != {"format", "ruleset"}:
        raise BundleError(f"bundle {digest} is not an object with `format` and `ruleset`")
    version = document["format"]
    if version != FORMAT or isinstance(version, bool):
        raise BundleError(f"bundle {digest} has a format that this version can't read; expected {FORMAT}")
    return document


def _shown(digest: str) -> str:
    """Return a digest for a message; a damaged store may hold any text in its place."""
    return digest if _DIGEST.fullmatch(digest) else "an invalid digest"


def digest_of(data: bytes) -> str:
    """Return `sha256:` and the hash in hex."""
    return f"sha256:{hashlib.sha256(data).hexdigest()}"

"""Encryption of stored personal data; the only module that uses cryptography.

An encrypted text is `sealed:` and a Fernet token. The token holds the report's id and the field's name before the text,
so a token that was moved to another report or field is rejected.
"""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import Sequence

from cryptography.fernet import Fernet, InvalidToken, MultiFernet

from triage_rules.foundation.errors import SealError

MARK = "sealed:"
"""The prefix of an encrypted text. No JSON object begins with it."""


def is_key(text: str) -> bool:
    """Return whether the text is a Fernet key: 32 bytes in base64 with `-` and `_`."""
    try:
        Fernet(text)
    except ValueError:
        return False
    return True


def is_sealed(text: str) -> bool:
    """Return whether a stored JSON text is encrypted. A subject may have any prefix: test its answers instead."""
    return text.startswith(MARK)


class Seals:
    """Encryption with the first of `keys`, decryption with all. Without keys texts stay plain, and none is decrypted.

    `index_secret`: the secret for hashes of names; it stays the same while keys are rotated. Raises ValueError for an
    invalid key, and for one text instead of a sequence; the message repeats neither.
    """

    def __init__(self, keys: Sequence[str] = (), index_secret: str = "") -> None:
        if isinstance(keys, str):
            raise ValueError("encryption_keys: expected a list of keys, got one text; write [key]")  # noqa: TRY004 - as for a bad key
        if not all(map(is_key, keys)):
            raise ValueError("encryption_keys: a key is not a Fernet key; expected 32 bytes in base64 with `-` and `_`")
        fernets = [Fernet(key) for key in keys]
        self._all = MultiFernet(fernets) if fernets else None
        self._first = fernets[0] if fernets else None
        self._secret = index_secret.encode()

    def __bool__(self) -> bool:
        """Return whether there is a key."""
        return self._first is not None

    def seal(self, text: str, report_id: str, field: str) -> str:
        """Encrypt `text` for a field of a report; without a key return it unchanged."""
        if self._first is None:
            return text
        return MARK + self._first.encrypt(f"{report_id}\n{field}\n{text}".encode()).decode("ascii")

    def open(self, text: str, report_id: str, field: str) -> str:
        """Decrypt a field of a report; return a plain text unchanged.

        Raises SealError, which never repeats the text.
        """
        if not is_sealed(text):
            return text
        if self._all is None:
            raise SealError("stored data is encrypted, and no encryption key is set")
        try:
            opened = self._all.decrypt(text.removeprefix(MARK)).decode("utf-8")
        except (InvalidToken, ValueError):
            raise SealError("stored data is encrypted, and none of the encryption keys decrypts it") from None
        sealed_for, name, inside = opened.split("\n", 2)
        if (sealed_for, name) != (report_id, field):
            raise SealError("stored data was encrypted for another report or field")
        return inside

    def is_current(self, text: str) -> bool:
        """Return whether a stored text is as it would be stored now: under the first key, or plain without keys."""
        if self._first is None or not is_sealed(text):
            return (self._first is None) is not is_sealed(text)
        try:
            self._first.decrypt(text.removeprefix(MARK))
        except (InvalidToken, ValueError):
            return False
        return True

    def marked(self, fingerprint: str) -> str:
        """Return a body's fingerprint for the store. Possible answers are few, so a plain hash would reveal them."""
        return self.named(fingerprint) if self._secret else fingerprint

    def named(self, text: str) -> str:
        """Return a hash for the name of a key in the store, in hex: HMAC with the secret, or SHA-256 without one."""
        if not self._secret:
            return hashlib.sha256(text.encode("utf-8")).hexdigest()
        return hmac.new(self._secret, text.encode("utf-8"), hashlib.sha256).hexdigest()

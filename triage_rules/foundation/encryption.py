"""Encryption of stored personal data; the only module that uses cryptography.

An encrypted text is `sealed:` and a Fernet token. The token holds the report's id and the field's name before the text,
so a token that was moved to another report or field is rejected.
"""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import Sequence
from typing import Self

from cryptography.fernet import Fernet, InvalidToken, MultiFernet

from triage_rules.foundation.errors import DecryptionError
from triage_rules.foundation.patterns import is_encryption_key
from triage_rules.foundation.settings import Settings

MARK = "sealed:"
"""The prefix of an encrypted text. No JSON object begins with it."""


def is_encrypted(text: str) -> bool:
    """Return whether a stored JSON text is encrypted. A subject may have any prefix: test its answers instead."""
    return text.startswith(MARK)


class Encryption:
    """Encryption with the first of `keys`, decryption with all. Without keys texts stay plain, and none is decrypted.

    `index_secret`: the secret for hashes of names; it stays the same while keys are rotated. Raises ValueError for an
    invalid key, and for one text instead of a sequence; the message repeats neither.
    """

    def __init__(self, keys: Sequence[str] = (), index_secret: str = "") -> None:
        if isinstance(keys, str):
            raise ValueError("encryption_keys: expected a list of keys, got one text; write [key]")  # noqa: TRY004 - as for a bad key
        if not all(map(is_encryption_key, keys)):
            raise ValueError("encryption_keys: a key is not a Fernet key; expected 32 bytes in base64 with `-` and `_`")
        fernets = [Fernet(key) for key in keys]
        self._all = MultiFernet(fernets) if fernets else None
        self._first = fernets[0] if fernets else None
        self._secret = index_secret.encode()

    @classmethod
    def from_settings(cls, settings: Settings) -> Self:
        """Return the encryption that the settings ask for."""
        return cls(settings.encryption, settings.index_secret)

    def __bool__(self) -> bool:
        """Return whether there is a key."""
        return self._first is not None

    def encrypt(self, text: str, report_id: str, field: str) -> str:
        """Encrypt `text` for a field of a report; without a key return it unchanged."""
        if self._first is None:
            return text
        return MARK + self._first.encrypt(f"{report_id}\n{field}\n{text}".encode()).decode("ascii")

    def decrypt(self, text: str, report_id: str, field: str) -> str:
        """Decrypt a field of a report; return a plain text unchanged.

        Raises DecryptionError, which never repeats the text.
        """
        if not is_encrypted(text):
            return text
        if self._all is None:
            raise DecryptionError("stored data is encrypted, and no encryption key is set")
        try:
            decrypted = self._all.decrypt(text.removeprefix(MARK)).decode("utf-8")
        except (InvalidToken, ValueError):
            raise DecryptionError("stored data is encrypted, and none of the encryption keys decrypts it") from None
        id_inside, field_inside, plain = decrypted.split("\n", 2)
        if (id_inside, field_inside) != (report_id, field):
            raise DecryptionError("stored data was encrypted for another report or field")
        return plain

    def is_current(self, text: str) -> bool:
        """Return whether a stored text is as it would be stored now: under the first key, or plain without keys."""
        if self._first is None or not is_encrypted(text):
            return (self._first is None) is not is_encrypted(text)
        try:
            self._first.decrypt(text.removeprefix(MARK))
        except (InvalidToken, ValueError):
            return False
        return True

    def hash_fingerprint(self, fingerprint: str) -> str:
        """Return a body's fingerprint for the store. Possible answers are few, so a plain hash would reveal them."""
        return self.hash_name(fingerprint) if self._secret else fingerprint

    def hash_name(self, text: str) -> str:
        """Return a hash for the name of a key in the store, in hex: HMAC with the secret, or SHA-256 without one."""
        if not self._secret:
            return hashlib.sha256(text.encode("utf-8")).hexdigest()
        return hmac.new(self._secret, text.encode("utf-8"), hashlib.sha256).hexdigest()

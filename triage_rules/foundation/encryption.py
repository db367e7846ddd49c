"""Encryption of what is stored of a person; the only module that imports cryptography.

An encrypted text is `sealed:` and a Fernet token. The token holds the report's id and the field's name before the text:
a token that was moved to another report or field doesn't open.
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
    """Return whether a stored JSON text is encrypted. A subject may begin with anything: ask of its findings."""
    return text.startswith(MARK)


class Encryption:
    """Encrypts with the first of `keys`, decrypts with all. Without keys, texts stay plain.

    index_secret: the secret that names are hashed with; stays the same while keys are rotated. Raises ValueError for a
    bad key, and for one text instead of a sequence; its message repeats neither.
    """

    def __init__(self, keys: Sequence[str] = (), index_secret: str = "") -> None:
        if isinstance(keys, str):
            raise ValueError("encryption_keys: expected a list of keys, got one text; write [key]")  # noqa: TRY004 - as for a bad key
        if not all(map(is_encryption_key, keys)):
            raise ValueError("encryption_keys: a key is no Fernet key; expected 32 bytes in base64 with `-` and `_`")
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
        """Return the text encrypted for that field of that report; unchanged if there is no key."""
        if self._first is None:
            return text
        return MARK + self._first.encrypt(f"{report_id}\n{field}\n{text}".encode()).decode("ascii")

    def decrypt(self, text: str, report_id: str, field: str) -> str:
        """Return the text that was encrypted for that field of that report; a plain text unchanged.

        Raises DecryptionError, which never repeats the text.
        """
        if not is_encrypted(text):
            return text
        if self._all is None:
            raise DecryptionError("the stored text is encrypted, and no encryption key is set")
        try:
            decrypted = self._all.decrypt(text.removeprefix(MARK)).decode("utf-8")
        except (InvalidToken, ValueError):
            raise DecryptionError("the stored text is encrypted, and none of the encryption keys opens it") from None
        id_inside, field_inside, plain = decrypted.split("\n", 2)
        if (id_inside, field_inside) != (report_id, field):
            raise DecryptionError("the stored text was encrypted for another report or field")
        return plain

    def is_current(self, text: str) -> bool:
        """Return whether a stored JSON text is in its present form: under the first key, or plain without keys."""
        if self._first is None or not is_encrypted(text):
            return (self._first is None) is not is_encrypted(text)
        try:
            self._first.decrypt(text.removeprefix(MARK))
        except (InvalidToken, ValueError):
            return False
        return True

    def hash_fingerprint(self, fingerprint: str) -> str:
        """Return a body's fingerprint as stored: answers are few, so a plain fingerprint would give them away."""
        return self.hash_name(fingerprint) if self._secret else fingerprint

    def hash_name(self, text: str) -> str:
        """Return a hash in hex as part of a key's name: HMAC with the secret, or plain SHA-256 without one."""
        if not self._secret:
            return hashlib.sha256(text.encode("utf-8")).hexdigest()
        return hmac.new(self._secret, text.encode("utf-8"), hashlib.sha256).hexdigest()

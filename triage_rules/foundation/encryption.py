"""What is stored of a person, sealed and opened again; the one door to cryptography.

A sealed text is `sealed:` and a Fernet token. Inside stand the report's id and the field's name before the text, so
that a token which was moved to another report or field doesn't open.
"""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import Sequence

from cryptography.fernet import Fernet, InvalidToken, MultiFernet

from triage_rules.foundation.errors import SealError

MARK = "sealed:"
"""What a sealed text begins with. No JSON object does."""


def is_key(text: str) -> bool:
    """Whether it is a Fernet key: 32 bytes in base64 with `-` and `_`."""
    try:
        Fernet(text)
    except ValueError:
        return False
    return True


def is_sealed(text: str) -> bool:
    """Whether a stored JSON text is sealed. A subject may begin as it likes: look at the findings beside it."""
    return text.startswith(MARK)


class Seals:
    """Seals with the first of `keys`, opens with all. Without keys nothing is sealed, and what is sealed doesn't open.

    `index_secret`: what names are hashed with; stays the same while keys are rotated. Raises ValueError for a bad key,
    and for one text instead of a sequence of them; neither is repeated.
    """

    def __init__(self, keys: Sequence[str] = (), index_secret: str = "") -> None:
        if isinstance(keys, str):
            raise ValueError("encryption_keys: expected a list of keys, got one text; write [key]")  # noqa: TRY004 - as for a bad key
        if not all(map(is_key, keys)):
            raise ValueError("encryption_keys: a key is no Fernet key; expected 32 bytes in base64 with `-` and `_`")
        fernets = [Fernet(key) for key in keys]
        self._all = MultiFernet(fernets) if fernets else None
        self._first = fernets[0] if fernets else None
        self._secret = index_secret.encode()

    def __bool__(self) -> bool:
        """Whether there is a key."""
        return self._first is not None

    def seal(self, text: str, report_id: str, field: str) -> str:
        """`text`, sealed for that field of that report; as it is if there is no key."""
        if self._first is None:
            return text
        return MARK + self._first.encrypt(f"{report_id}\n{field}\n{text}".encode()).decode("ascii")

    def open(self, text: str, report_id: str, field: str) -> str:
        """What was sealed for that field of that report; a text that isn't sealed comes back as it is.

        Raises SealError, which never repeats the text.
        """
        if not is_sealed(text):
            return text
        if self._all is None:
            raise SealError("what is stored is sealed, and no encryption key is set")
        try:
            opened = self._all.decrypt(text.removeprefix(MARK)).decode("utf-8")
        except (InvalidToken, ValueError):
            raise SealError("what is stored is sealed, and none of the encryption keys opens it") from None
        sealed_for, name, inside = opened.split("\n", 2)
        if (sealed_for, name) != (report_id, field):
            raise SealError("what is stored was sealed for another report or field")
        return inside

    def is_current(self, text: str) -> bool:
        """Whether a stored JSON text is as it would be stored now: under the first key, or plain without keys."""
        if self._first is None or not is_sealed(text):
            return (self._first is None) is not is_sealed(text)
        try:
            self._first.decrypt(text.removeprefix(MARK))
        except (InvalidToken, ValueError):
            return False
        return True

    def marked(self, fingerprint: str) -> str:
        """A body's fingerprint as it is stored: answers are few, so without a secret it tells them."""
        return self.named(fingerprint) if self._secret else fingerprint

    def named(self, text: str) -> str:
        """A hash to name a key in the store by, in hex: HMAC with the secret, or plain SHA-256 without one."""
        if not self._secret:
            return hashlib.sha256(text.encode("utf-8")).hexdigest()
        return hmac.new(self._secret, text.encode("utf-8"), hashlib.sha256).hexdigest()

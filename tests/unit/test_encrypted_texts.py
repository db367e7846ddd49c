"""Texts encrypted and decrypted: only with the key, only for the report and the field they were encrypted for."""

from __future__ import annotations

import pytest
from cryptography.fernet import Fernet
from hypothesis import given
from hypothesis import strategies as st

from triage_rules.foundation.encryption import Encryption, is_encrypted
from triage_rules.foundation.errors import DecryptionError
from triage_rules.foundation.patterns import is_encryption_key

OLD, NEW = Fernet.generate_key().decode(), Fernet.generate_key().decode()
TEXTS = st.text(st.characters(codec="utf-8"))


@given(text=TEXTS, report=st.from_regex(r"[0-9a-f-]{8,36}", fullmatch=True))
def test_a_text_comes_out_as_it_went_in(text: str, report: str) -> None:
    """Line breaks and all."""
    encryption = Encryption([NEW])
    encrypted = encryption.encrypt(text, report, "findings")
    assert is_encrypted(encrypted) and encryption.is_current(encrypted)
    assert encryption.decrypt(encrypted, report, "findings") == text


def test_the_first_key_encrypts_and_all_decrypt() -> None:
    """So keys can be changed without a moment in which something can't be read."""
    old, both = Encryption([OLD]), Encryption([NEW, OLD])
    encrypted = old.encrypt("{}", "r", "result")
    assert both.decrypt(encrypted, "r", "result") == "{}"
    assert (old.is_current(encrypted), both.is_current(encrypted), Encryption().is_current(encrypted)) == (
        True,
        False,
        False,
    )
    assert Encryption([NEW]).decrypt(both.encrypt("{}", "r", "result"), "r", "result") == "{}"


@pytest.mark.parametrize(
    ("encryption", "report", "field", "says"),
    [
        (Encryption([NEW]), "r", "result", "none of the encryption keys"),
        (Encryption(), "r", "result", "no encryption key is set"),
        (Encryption([OLD]), "another", "result", "another report"),
        (Encryption([OLD]), "r", "findings", "another report"),
    ],
)
def test_nothing_else_opens(encryption: Encryption, report: str, field: str, says: str) -> None:
    """And the error repeats nothing."""
    encrypted = Encryption([OLD]).encrypt("a private text", "r", "result")
    with pytest.raises(DecryptionError, match=says) as refused:
        encryption.decrypt(encrypted, report, field)
    assert "private" not in str(refused.value) and encrypted not in str(refused.value)
    assert refused.value.__cause__ is None


@pytest.mark.parametrize("broken", ["sealed:", "sealed:gAAAA", "sealed:\x00", "sealed:ä"])
def test_a_broken_text_is_refused_like_a_wrong_key(broken: str) -> None:
    """Whatever was written there."""
    with pytest.raises(DecryptionError):
        Encryption([OLD]).decrypt(broken, "r", "result")
    assert not Encryption([OLD]).is_current(broken)


def test_without_keys_texts_stay_as_they_are() -> None:
    """Off by default."""
    encryption = Encryption()
    assert not encryption
    assert encryption.encrypt("{}", "r", "result") == encryption.decrypt("{}", "r", "result") == "{}"
    assert encryption.is_current("{}")


def test_names_depend_on_the_secret_and_on_no_key() -> None:
    """So they stay the same when keys are changed."""
    assert (
        Encryption([OLD], "s").hash_name("p")
        == Encryption([NEW, OLD], "s").hash_name("p")
        == Encryption((), "s").hash_name("p")
    )
    assert len({Encryption((), secret).hash_name("p") for secret in ("", "s", "t")}) == 3
    assert Encryption().hash_fingerprint("f") == "f" != Encryption((), "s").hash_fingerprint("f")


@pytest.mark.parametrize("text", ["", "short", "x" * 44, "ä" * 44])
def test_what_is_no_key_is_known(text: str) -> None:
    assert not is_encryption_key(text)
    assert is_encryption_key(OLD)


@pytest.mark.parametrize(
    ("keys", "says"),
    [(Fernet.generate_key().decode(), "got one text"), (["no key"], "is not a Fernet key")],
    ids=["one text", "no key"],  # pytest would name the test by its key, another in each process
)
def test_keys_that_are_none_are_refused_by_name_and_not_repeated(keys: str | list[str], says: str) -> None:
    """One key alone is easily given as a text, and its letters are no keys."""
    with pytest.raises(ValueError, match=says) as caught:
        Encryption(keys)
    assert str(caught.value).startswith("encryption_keys: ")
    assert str(keys) not in str(caught.value)

"""Texts sealed and opened again: only with the key, only for the report and the field they were sealed for."""

from __future__ import annotations

import pytest
from cryptography.fernet import Fernet
from hypothesis import given
from hypothesis import strategies as st

from triage_rules.foundation.encryption import Seals, is_key, is_sealed
from triage_rules.foundation.errors import SealError

OLD, NEW = Fernet.generate_key().decode(), Fernet.generate_key().decode()
TEXTS = st.text(st.characters(codec="utf-8"))


@given(text=TEXTS, report=st.from_regex(r"[0-9a-f-]{8,36}", fullmatch=True))
def test_what_was_sealed_opens_as_it_was(text: str, report: str) -> None:
    """Line breaks and all."""
    seals = Seals([NEW])
    sealed = seals.seal(text, report, "findings")
    assert is_sealed(sealed) and seals.is_current(sealed)
    assert seals.open(sealed, report, "findings") == text


def test_the_first_key_seals_and_all_open() -> None:
    """So keys can be changed without a moment in which something can't be read."""
    old, both = Seals([OLD]), Seals([NEW, OLD])
    sealed = old.seal("{}", "r", "result")
    assert both.open(sealed, "r", "result") == "{}"
    assert (old.is_current(sealed), both.is_current(sealed), Seals().is_current(sealed)) == (True, False, False)
    assert Seals([NEW]).open(both.seal("{}", "r", "result"), "r", "result") == "{}"


@pytest.mark.parametrize(
    ("seals", "report", "field", "says"),
    [
        (Seals([NEW]), "r", "result", "none of the encryption keys"),
        (Seals(), "r", "result", "no encryption key is set"),
        (Seals([OLD]), "another", "result", "another report"),
        (Seals([OLD]), "r", "findings", "another report"),
    ],
)
def test_nothing_else_opens(seals: Seals, report: str, field: str, says: str) -> None:
    """And the error repeats nothing."""
    sealed = Seals([OLD]).seal("a private text", "r", "result")
    with pytest.raises(SealError, match=says) as refused:
        seals.open(sealed, report, field)
    assert "private" not in str(refused.value) and sealed not in str(refused.value)
    assert refused.value.__cause__ is None


@pytest.mark.parametrize("broken", ["sealed:", "sealed:gAAAA", "sealed:\x00", "sealed:ä"])
def test_a_broken_text_is_refused_like_a_wrong_key(broken: str) -> None:
    """Whatever was written there."""
    with pytest.raises(SealError):
        Seals([OLD]).open(broken, "r", "result")
    assert not Seals([OLD]).is_current(broken)


def test_without_keys_texts_stay_as_they_are() -> None:
    """Off by default."""
    seals = Seals()
    assert not seals
    assert seals.seal("{}", "r", "result") == seals.open("{}", "r", "result") == "{}"
    assert seals.is_current("{}")


def test_names_depend_on_the_secret_and_on_no_key() -> None:
    """So they stay the same when keys are changed."""
    assert Seals([OLD], "s").named("p") == Seals([NEW, OLD], "s").named("p") == Seals((), "s").named("p")
    assert len({Seals((), secret).named("p") for secret in ("", "s", "t")}) == 3
    assert Seals().marked("f") == "f" != Seals((), "s").marked("f")


@pytest.mark.parametrize("text", ["", "short", "x" * 44, "ä" * 44])
def test_what_is_no_key_is_known(text: str) -> None:
    assert not is_key(text)
    assert is_key(OLD)


@pytest.mark.parametrize(
    ("keys", "says"),
    [(Fernet.generate_key().decode(), "got one text"), (["no key"], "is not a Fernet key")],
    ids=["one text", "no key"],  # pytest would name the test by its key, another in each process
)
def test_keys_that_are_none_are_refused_by_name_and_not_repeated(keys: str | list[str], says: str) -> None:
    """One key alone is easily given as a text, and its letters are no keys."""
    with pytest.raises(ValueError, match=says) as caught:
        Seals(keys)
    assert str(caught.value).startswith("encryption_keys: ")
    assert str(keys) not in str(caught.value)

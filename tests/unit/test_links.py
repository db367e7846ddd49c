"""Signed links: what they say, who can change them, when they end."""

from __future__ import annotations

import pytest

from triage_rules.foundation.errors import LinkError
from triage_rules.intake.links import FormLink, ResultLink, open_form, open_result, sign_form, sign_result

SECRET = "s" * 32
LINK = FormLink("red-dots", "clinic", 1_000, "https://clinic.example/done?a=1", "https://clinic.example", "case-7")


def test_a_link_says_what_it_was_made_to_say() -> None:
    assert open_form(sign_form(LINK, SECRET), SECRET, 999) == LINK
    bare = FormLink("red-dots", "", 1_000)
    assert open_form(sign_form(bare, SECRET), SECRET, 0) == bare


def test_a_link_ends_with_its_time() -> None:
    with pytest.raises(LinkError, match="expired"):
        open_form(sign_form(LINK, SECRET), SECRET, 1_000)


def test_a_changed_link_opens_nothing() -> None:
    token = sign_form(LINK, SECRET)
    for other in (token[:-1], token + "a", "a" + token, "", "....", token.swapcase(), "é"):
        with pytest.raises(LinkError):
            open_form(other, SECRET, 0)
    with pytest.raises(LinkError):
        open_form(token, "t" * 32, 0)


def test_a_link_to_a_form_opens_no_result_and_the_other_way_round() -> None:
    result = ResultLink("0" * 32, 1_000)
    assert open_result(sign_result(result, SECRET), SECRET, 0) == result
    with pytest.raises(LinkError):
        open_result(sign_form(LINK, SECRET), SECRET, 0)
    with pytest.raises(LinkError):
        open_form(sign_result(result, SECRET), SECRET, 0)


@pytest.mark.parametrize(
    "address",
    ["javascript:alert(1)", "http://clinic.example/", "https://", "https://u:p@clinic.example/", "//clinic.example", "https://a b", "data:,", "https://x/" + "y" * 2_000],
)  # fmt: skip
def test_a_return_address_is_one_that_a_person_may_be_sent_to(address: str) -> None:
    with pytest.raises(LinkError, match="return_to"):
        FormLink("red-dots", "clinic", 1, return_to=address)


@pytest.mark.parametrize(
    "origin",
    [
        "*",
        "'self'",
        "https://clinic.example/",
        "https://clinic.example; script-src *",
        "https://*.example",
        "clinic.example",
        "",
    ],
)
def test_only_an_origin_may_frame(origin: str) -> None:
    """It goes into a policy: nothing else must fit in there."""
    with pytest.raises(LinkError, match="framed_by"):
        FormLink("red-dots", "clinic", 1, framed_by=origin)


def test_the_return_address_is_told_which_report_it_was_and_nothing_else() -> None:
    back = ResultLink("0" * 32, 1, LINK.return_to).back
    assert back == "https://clinic.example/done?a=1&report=" + "0" * 32
    assert ResultLink("0" * 32, 1).back is None

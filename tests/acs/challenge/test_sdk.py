"""One wish out of what an SDK says, whatever else it says beside it; what its Erro means."""

from __future__ import annotations

from typing import Any
from urllib.parse import urlencode

import pytest
from hypothesis import given
from hypothesis import strategies as st

from acs.challenge.sdk import (
    Cancels,
    Enters,
    Resends,
    Said,
    failure,
    form_of,
    is_from_sdk_of,
    is_out_of_order,
    misplaced,
    said,
)
from schemas.values import ChallengeCancel
from schemas.vault import Secret
from tests.acs.people import SDK_TRANS_ID, a_transaction

CANCEL = Cancels(ChallengeCancel.BY_CARDHOLDER)


def entered(one: Said) -> tuple[str, str]:
    assert isinstance(one.wish, Enters)
    return one.wish.entry.reveal(), one.wish.pin.reveal()


@pytest.mark.parametrize(
    ("creq", "wish"),
    [
        ({"challengeCancel": "01"}, CANCEL),
        ({"challengeCancel": "08"}, Cancels(ChallengeCancel.SDK_TIMED_OUT)),
        ({"challengeCancel": "01", "resendChallenge": "Y", "challengeDataEntry": "1"}, CANCEL),
        ({"challengeCancel": "01", "challengeNoEntry": "Y"}, CANCEL),
        ({"resendChallenge": "Y", "challengeDataEntry": "1"}, Resends()),
        ({"resendChallenge": "Y", "challengeNoEntry": "Y"}, Resends()),
    ],
)
@pytest.mark.parametrize("html", [True, False])
def test_a_cancel_counts_before_a_new_code_before_an_entry(
    creq: dict[str, Any], wish: object, html: bool
) -> None:
    assert said(creq, html=html).wish == wish


@pytest.mark.parametrize(
    ("creq", "entry"),
    [
        ({"challengeDataEntry": "123456"}, "123456"),
        ({"challengeDataEntry": "123456", "challengeNoEntry": "Y"}, "123456"),
        ({"challengeDataEntry": "123456", "resendChallenge": "N"}, "123456"),
        ({"challengeNoEntry": "Y"}, ""),
        ({}, ""),
    ],
)
def test_a_native_screen_has_one_entry(creq: dict[str, Any], entry: str) -> None:
    assert entered(said(creq, html=False)) == (entry, "")


@pytest.mark.parametrize(
    ("creq", "trusts"),
    [
        ({}, None),
        ({"whitelistingDataEntry": "Y"}, True),
        ({"whitelistingDataEntry": "N"}, False),
        ({"trustListDataEntry": "01"}, True),
        ({"trustListDataEntry": "02"}, False),
    ],
)
def test_an_offer_to_trust_is_answered_beside_the_entry(
    creq: dict[str, Any], trusts: bool | None
) -> None:
    assert said({"challengeDataEntry": "1", **creq}, html=False).trusts is trusts
    assert said({"challengeCancel": "01", **creq}, html=False).trusts is trusts


def test_html_gives_both_fields_and_the_box() -> None:
    one = said({"challengeHTMLDataEntry": "otp=12%203&pin=48%2B6&do=verify&trust=Y"}, html=True)
    assert entered(one) == ("12 3", "48+6")
    assert one.trusts is True


def test_a_box_that_is_not_ticked_is_not_sent() -> None:
    assert said({"challengeHTMLDataEntry": "otp=1&do=verify"}, html=True).trusts is False


def test_html_asks_for_a_new_code_by_its_button() -> None:
    assert said({"challengeHTMLDataEntry": "?otp=&do=resend"}, html=True).wish == Resends()


@pytest.mark.parametrize("query", ["", "%ff%fe", "&" * 300, "a=1&" * 60, "=", "otp", "?"])
def test_what_is_no_form_of_ours_is_an_empty_entry(query: str) -> None:
    assert entered(said({"challengeHTMLDataEntry": query}, html=True)) == ("", "")


def test_a_field_counts_as_it_stood_first() -> None:
    assert form_of("otp=1&otp=2") == {"otp": "1"}


@given(st.dictionaries(st.sampled_from(["otp", "pin", "do", "trust"]), st.text(max_size=20)))
def test_a_form_is_read_as_it_was_written(fields: dict[str, str]) -> None:
    assert form_of(urlencode(fields)) == fields


@given(st.text(max_size=256))
def test_no_query_does_harm(query: str) -> None:
    assert all(isinstance(value, str) for value in form_of(query).values())


@pytest.mark.parametrize(
    ("name", "html", "native"),
    [
        ("challengeDataEntry", True, False),
        ("challengeHTMLDataEntry", False, True),
        ("oobContinue", True, True),
        ("infoContinueIndicator", True, True),
        ("challengeNoEntry", False, False),
        ("challengeCancel", False, False),
        ("resendChallenge", False, False),
    ],
)
def test_what_does_not_fit_the_screen_is_named(name: str, html: bool, native: bool) -> None:
    assert misplaced({name: "x"}, html=True) == ((name,) if html else ())
    assert misplaced({name: "x"}, html=False) == ((name,) if native else ())


@pytest.mark.parametrize(
    ("code", "why"),
    [
        ("04", "04"),
        ("07", "07"),
        ("08", "08"),
        ("09", "06"),
        ("10", "06"),
        ("80", "07"),
    ],
)
@pytest.mark.parametrize("html", [True, False])
def test_why_it_ended_is_what_the_network_may_be_told(code: str, why: str, html: bool) -> None:
    """09 and 10 go with an Erro, which a cancel has not; 80 is some Directory Server's."""
    assert said({"challengeCancel": code}, html=html).wish == Cancels(ChallengeCancel(why))


@pytest.mark.parametrize(
    ("counter", "due", "is_wrong"),
    [
        ("000", 0, False),
        ("000", 1, True),
        ("002", 1, True),
        ("255", 1, True),
        ("256", 1, True),
        ("256", 256, False),
        ("999", 1, True),
        ("1", 1, True),
        ("0001", 1, True),
        ("\u0660\u0660\u0661", 1, True),
        ("001 ", 1, True),
        ("", 1, False),
        (0, 1, False),
        (None, 1, False),
    ],
)
def test_a_counter_is_out_of_order_if_it_is_one(counter: object, due: int, is_wrong: bool) -> None:
    assert is_out_of_order({"messageType": "CReq", "sdkCounterStoA": counter}, due) is is_wrong
    assert not is_out_of_order({"messageType": "CRes", "sdkCounterStoA": counter}, due)
    assert not is_out_of_order({"messageType": "CReq"}, due)


@pytest.mark.parametrize(
    ("theirs", "changes", "knows"),
    [
        (SDK_TRANS_ID, {}, True),
        (SDK_TRANS_ID.upper(), {}, True),
        ("7f3e1b0c-5d2a-4e9b-8c6f-0a1b2c3d4e5f", {}, False),
        (None, {}, False),
        (7, {}, False),
        (SDK_TRANS_ID, {"sdk_trans_id": None}, False),
        (SDK_TRANS_ID, {"trans_status": "Y"}, False),
    ],
)
def test_an_erro_knows_the_sdk_of_its_challenge(
    theirs: object, changes: dict[str, Any], knows: bool
) -> None:
    transaction = a_transaction(**{"sdk_trans_id": SDK_TRANS_ID, **changes})
    assert is_from_sdk_of(transaction, {"sdkTransID": theirs}) is knows


WHOLE = {
    "messageType": "Erro",
    "messageVersion": "2.3.1",
    "errorCode": "203",
    "errorComponent": "C",
    "errorDescription": "A data element has a wrong format",
    "errorDetail": "acsUiType",
    "errorMessageType": "CRes",
}


@pytest.mark.parametrize(
    ("changes", "timed_out", "about_cres"),
    [
        ({}, False, True),
        ({"errorCode": "402"}, True, True),
        ({"errorMessageType": "CReq"}, False, False),
        ({"errorDetail": ""}, False, False),
        ({"messageVersion": "2.2.0"}, False, False),
    ],
)
def test_an_erro_says_why_the_sdk_gave_up(
    changes: dict[str, str], timed_out: bool, about_cres: bool
) -> None:
    failed = failure(WHOLE | changes)

    assert (failed.timed_out, failed.about_cres) == (timed_out, about_cres)
    assert failed.error == WHOLE | changes


def test_what_was_typed_is_not_shown() -> None:
    assert "4826" not in repr(Enters(Secret("4826"), Secret("4826")))

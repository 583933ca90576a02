"""CReq: the browser's only one, the app's many, and the transaction's version and ids."""

from __future__ import annotations

from typing import Any

import pytest

from schemas.compiler import Context
from schemas.messages import read_creq
from schemas.problems import ProtocolError
from schemas.versions import SUPPORTED
from tests import builders


def answer(message: dict[str, Any], context: Context, *, advisory: bool = False) -> str:
    try:
        read_creq(builders.raw(message), context, advisory=advisory)
    except ProtocolError as error:
        return f"{error.problem.code} {error.problem.detail}"
    return "accepted"


@pytest.mark.parametrize("version", SUPPORTED)
@pytest.mark.parametrize("channel", ["01", "02"])
def test_the_smallest_message_is_accepted(version: str, channel: str) -> None:
    message = builders.creq(version, channel)

    assert read_creq(builders.raw(message), Context(version, channel)).values == message


@pytest.mark.parametrize("version", SUPPORTED)
@pytest.mark.parametrize("channel", ["01", "02"])
def test_each_required_element_removed_is_named_alone(version: str, channel: str) -> None:
    message = builders.creq(version, channel)
    context = Context(version, channel)
    names = builders.required_names("CReq", message, context)

    actual = {
        name: answer({k: v for k, v in message.items() if k != name}, context) for name in names
    }

    assert actual == {name: f"201 {name}" for name in names}


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({"challengeWindowSize": "06"}, "203 challengeWindowSize"),
        ({"challengeWindowSize": ""}, "201 challengeWindowSize"),
        ({"acsTransID": "x"}, "203 acsTransID"),
        ({"challengeCancel": "99", "sdkTransID": "x", "challengeDataEntry": 5}, "accepted"),
        ({"messageType": "AReq"}, "101 Invalid message for the receiving component"),
        ({"messageVersion": "2.1.0"}, "203 messageVersion"),
        ({"messageVersion": "2.0.0"}, "102 2.1.0,2.2.0,2.3.1"),
    ],
)
def test_the_browser_s_request_is_judged(changes: dict[str, Any], expected: str) -> None:
    assert answer({**builders.creq(), **changes}, Context("2.2.0")) == expected


def test_an_error_speaks_the_version_of_the_transaction() -> None:
    with pytest.raises(ProtocolError) as caught:
        read_creq(builders.raw(builders.creq(messageVersion="2.1.0")), Context("2.2.0"))

    assert caught.value.version == "2.2.0"
    assert caught.value.ids["acsTransID"] == builders.ACS_TRANS_ID


def test_ids_of_another_transaction_are_named() -> None:
    earlier = {
        "AReq": {"threeDSServerTransID": builders.SDK_TRANS_ID},
        "ARes": {"acsTransID": builders.ACS_TRANS_ID.upper()},
    }

    assert answer(builders.creq(), Context("2.2.0", earlier=earlier)) == "301 threeDSServerTransID"


def after(screen: str, version: str = "2.2.0", **cres: str) -> Context:
    earlier = {"CRes": {"acsUiType": screen, **cres}}
    return Context(version, "01", flow="subsequent", earlier=earlier)


@pytest.mark.parametrize(
    ("changes", "context", "expected"),
    [
        ({}, after("01"), "201 challengeNoEntry"),
        ({"challengeNoEntry": "Y"}, after("01"), "accepted"),
        ({"challengeDataEntry": "123456"}, after("01"), "accepted"),
        ({"challengeDataEntry": "1" * 46}, after("01"), "203 challengeDataEntry"),
        ({"challengeCancel": "01"}, after("01"), "accepted"),
        ({"resendChallenge": "Y"}, after("01"), "accepted"),
        ({}, after("04"), "201 oobContinue"),
        ({"oobContinue": True}, after("04"), "accepted"),
        ({"oobContinue": "01"}, after("04"), "203 oobContinue"),
        ({}, after("05"), "201 challengeHTMLDataEntry"),
        ({"challengeCancel": "01"}, after("05"), "accepted"),
    ],
)
def test_the_app_answers_the_screen_it_was_shown(
    changes: dict[str, Any], context: Context, expected: str
) -> None:
    assert answer({**builders.creq("2.2.0", "01"), **changes}, context) == expected


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({"oobContinue": "02"}, "accepted"),
        ({"oobContinue": True}, "203 oobContinue"),
        ({"infoContinueIndicator": True}, "accepted"),
        ({"infoContinueIndicator": "01"}, "accepted"),
        ({"infoContinueIndicator": False}, "203 infoContinueIndicator"),
        ({"trustListDataEntry": "01"}, "accepted"),
        ({"deviceBindingDataEntry": "X"}, "203 deviceBindingDataEntry"),
        ({"sdkCounterStoA": "256"}, "203 sdkCounterStoA"),
    ],
)
def test_the_codes_of_2_3_1(changes: dict[str, Any], expected: str) -> None:
    message = {**builders.creq("2.3.1", "01"), **changes}

    assert answer(message, Context("2.3.1", "01", flow="first")) == expected


def test_an_element_younger_than_the_version_is_ignored() -> None:
    message = {**builders.creq("2.1.0", "01"), "challengeNoEntry": "?"}

    assert answer(message, Context("2.1.0", "01")) == "accepted"


def test_there_is_none_in_3ri() -> None:
    assert answer(builders.creq("2.2.0", "03"), Context("2.2.0", "03")) == "203 messageType"


FIRST = Context("2.2.0", "01", flow="first")


@pytest.mark.parametrize(
    ("changes", "context", "expected"),
    [
        ({"challengeDataEntry": "1", "challengeNoEntry": "Y"}, after("01"), "4"),
        ({"challengeDataEntry": "1", "resendChallenge": "Y"}, after("02"), "4"),
        ({"challengeDataEntry": "1", "resendChallenge": "N"}, after("02"), None),
        ({"oobContinue": True, "challengeCancel": "01"}, after("04"), "3"),
        ({"oobContinue": True}, after("04"), None),
        ({"challengeHTMLDataEntry": "x", "challengeCancel": "01"}, after("05"), "2"),
        ({"challengeHTMLDataEntry": "x"}, after("05"), None),
        ({"challengeDataEntry": "1", "challengeCancel": "01"}, after("03", "2.1.0"), "3"),
        ({}, after("03", "2.1.0"), None),
        ({"challengeDataEntry": "1", "challengeAddCode": "Y"}, after("01", "2.3.1"), "5"),
        ({"challengeDataEntry": "1", "challengeAddCode": "N"}, after("01", "2.3.1"), None),
        ({}, after("04", "2.3.1"), "5"),
        ({"oobAppStatus": "01", "oobContinue": "01"}, after("04", "2.3.1"), None),
        ({"challengeNoEntry": "Y"}, FIRST, "1"),
        ({"resendChallenge": "N", "challengeDataEntry": "1"}, FIRST, "2"),
        ({"challengeCancel": "01"}, FIRST, None),
    ],
)
def test_what_sdks_break_in_the_field_is_told_in_the_conformance_mode_only(
    changes: dict[str, Any], context: Context, expected: str | None
) -> None:
    message = {**builders.creq(context.version, "01"), **changes}
    # Some of it is required all the same.
    usual = answer(message, context)

    told = answer(message, context, advisory=True)

    if expected is None:
        assert told == usual
    elif usual == "accepted":
        assert (told[:3], str(len(told.split(",")))) == ("203", expected)
    else:
        assert told == usual


def test_the_conformance_mode_names_the_elements_of_the_rule() -> None:
    message = {**builders.creq("2.2.0", "01"), "challengeDataEntry": "1", "challengeCancel": "01"}

    assert answer(message, after("01")) == "accepted"
    assert answer(message, after("01"), advisory=True) == (
        "203 challengeDataEntry,challengeNoEntry,challengeCancel,resendChallenge"
    )

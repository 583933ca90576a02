"""ARes: the presence matrix, and the answer held against the request."""

from __future__ import annotations

from typing import Any

import pytest

from schemas.compiler import Context
from schemas.messages import OutgoingInvalid, check_outgoing
from schemas.values import TransStatusReason
from schemas.versions import SUPPORTED
from tests import builders

EARLIER_AREQ = {
    "threeDSServerTransID": builders.SERVER_TRANS_ID,
    "dsTransID": builders.DS_TRANS_ID,
}


def verdict(message: dict[str, Any], context: Context) -> tuple[str, ...]:
    try:
        check_outgoing("ARes", message, context)
    except OutgoingInvalid as error:
        return error.names
    return ()


def decoupled(version: str, **overrides: Any) -> dict[str, Any]:
    given: dict[str, Any] = {"transStatus": "D", "acsDecConInd": "Y", **overrides}
    if version == "2.2.0":
        given.setdefault("authenticationType", "04")
    return builders.ares(version, **given)


# The statuses that go with each element in the browser, for 2.2.0 and 2.3.1.
GOES_WITH = {
    "authenticationValue": ("2.2.0", "A" * 27 + "=", "YA"),
    "eci": ("2.2.0", "05", "YANURI"),
    "transStatusReason": ("2.2.0", "01", "NURI"),
    "acsChallengeMandated": ("2.2.0", "N", "CD"),
    "authenticationType": ("2.2.0", "04", "CD"),
    "acsURL": ("2.2.0", "https://acs.example.com/", "C"),
    "cardholderInfo": ("2.2.0", "Call us.", "YANURID"),
    "authenticationMethod": ("2.3.1", ["02"], "CD"),
}


@pytest.mark.parametrize("name", GOES_WITH)
def test_an_element_goes_with_its_statuses_only(name: str) -> None:
    version, value, statuses = GOES_WITH[name]
    good = ""
    for status in "YANURICD":
        message = (
            decoupled(version) if status == "D" else builders.ares(version, transStatus=status)
        )
        if not verdict({**message, name: value}, Context(version)):
            good += status

    assert set(good) == set(statuses)


def test_a_browser_challenge_needs_what_the_browser_needs() -> None:
    message = builders.ares(transStatus="C")

    assert verdict(message, Context("2.2.0")) == ()
    assert {"acsURL", "acsChallengeMandated", "authenticationType"} <= message.keys()
    assert "authenticationValue" not in message


@pytest.mark.parametrize("version", SUPPORTED)
def test_the_challenge_address_goes_openly_in_the_browser_and_signed_in_the_app(
    version: str,
) -> None:
    challenges = {
        channel: builders.ares(version, channel, transStatus="C").keys() for channel in ("01", "02")
    }

    assert "acsURL" in challenges["02"] - challenges["01"]
    assert {"acsSignedContent", "acsRenderingType"} <= challenges["01"] - challenges["02"]


def test_there_is_no_challenge_in_3ri() -> None:
    message = builders.ares("2.2.0", "03", transStatus="C")

    assert verdict(message, Context("2.2.0", "03")) == ("transStatus",)


@pytest.mark.parametrize(
    ("version", "status"), [("2.1.0", "D"), ("2.1.0", "I"), ("2.2.0", "S"), ("2.1.0", "S")]
)
def test_a_status_is_never_younger_than_the_version(version: str, status: str) -> None:
    message = builders.ares(version, transStatus=status)

    assert "transStatus" in verdict(message, Context(version))


@pytest.mark.parametrize("version", SUPPORTED)
def test_a_reason_is_never_younger_than_the_version(version: str) -> None:
    sent = [
        reason
        for reason in TransStatusReason
        if not verdict(
            builders.ares(version, transStatus="N", transStatusReason=reason.value),
            Context(version),
        )
    ]

    assert sent == [reason for reason in TransStatusReason if reason.exists_in(version)]


def test_in_npa_value_and_reason_are_not_required() -> None:
    for status in "YN":
        message = builders.ares(category="02", transStatus=status)

        assert verdict(message, Context("2.2.0", "02", "02")) == ()
        assert not {"authenticationValue", "transStatusReason"} & message.keys()


def test_decoupled_is_confirmed_exactly_with_its_status() -> None:
    context = Context("2.2.0")

    assert verdict(decoupled("2.2.0"), context) == ()
    assert verdict(decoupled("2.2.0", acsDecConInd="N"), context) == ("acsDecConInd",)
    assert verdict(decoupled("2.2.0", authenticationType="02"), context) == ("authenticationType",)
    assert verdict(builders.ares(acsDecConInd="Y", cardholderInfo="x"), context) == (
        "acsDecConInd",
    )


@pytest.mark.parametrize(
    ("version", "status", "areq", "allowed"),
    [
        ("2.2.0", "D", {"threeDSRequestorDecReqInd": "Y"}, True),
        ("2.2.0", "D", {"threeDSRequestorDecReqInd": "N"}, False),
        ("2.2.0", "D", {}, False),
        ("2.3.1", "D", {"threeDSRequestorDecReqInd": "B"}, True),
        ("2.3.1", "D", {"threeDSRequestorDecReqInd": "F"}, False),
        ("2.2.0", "I", {"threeDSRequestorChallengeInd": "06"}, True),
        ("2.2.0", "I", {"threeDSRequestorChallengeInd": "04"}, False),
        ("2.3.1", "I", {"threeDSRequestorChallengeInd": ["10"]}, True),
        ("2.2.0", "C", {"threeDSRequestorChallengeInd": "06"}, False),
        ("2.2.0", "C", {"threeDSRequestorChallengeInd": "04"}, True),
        ("2.3.1", "S", {"threeDSRequestorSpcSupport": "Y"}, True),
        ("2.3.1", "S", {}, False),
    ],
)
def test_the_status_answers_what_was_asked(
    version: str, status: str, areq: dict[str, Any], allowed: bool
) -> None:
    message = decoupled(version) if status == "D" else builders.ares(version, transStatus=status)
    context = Context(version, earlier={"AReq": {**EARLIER_AREQ, **areq}})

    assert verdict(message, context) == (() if allowed else ("transStatus",))


def test_ids_are_those_of_the_request() -> None:
    areq = builders.areq()
    context = Context("2.2.0", earlier={"AReq": {**areq, "dsTransID": builders.ACS_TRANS_ID}})

    assert verdict(builders.ares(), context) == ("dsTransID",)


def test_a_source_needs_its_status() -> None:
    assert verdict(builders.ares(whiteListStatusSource="03"), Context("2.2.0")) == (
        "whiteListStatus",
    )

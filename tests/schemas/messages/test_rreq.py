"""RReq: what goes with which final status."""

from __future__ import annotations

from typing import Any

import pytest

from schemas.compiler import Context
from schemas.messages import OutgoingInvalid, check_outgoing
from schemas.problems import erro, naming
from schemas.versions import SUPPORTED
from tests import builders

CHALLENGED = {"acsTransID": builders.ACS_TRANS_ID, "transStatus": "C"}


def verdict(message: dict[str, Any], context: Context | None = None) -> tuple[str, ...]:
    try:
        check_outgoing("RReq", message, context or Context(str(message["messageVersion"])))
    except OutgoingInvalid as error:
        return error.names
    return ()


@pytest.mark.parametrize("version", SUPPORTED)
def test_a_passed_challenge_has_a_value_and_no_reason(version: str) -> None:
    message = builders.rreq(version)

    assert verdict(message) == ()
    assert "authenticationValue" in message
    assert verdict({**message, "transStatusReason": "01"}) == ("transStatusReason",)


@pytest.mark.parametrize("status", ["N", "U", "R"])
def test_a_refused_one_has_a_reason_and_no_value(status: str) -> None:
    message = builders.rreq(transStatus=status)

    assert verdict(message) == ()
    assert "transStatusReason" in message
    assert verdict({**message, "authenticationValue": "A" * 27 + "="}) == ("authenticationValue",)


@pytest.mark.parametrize("status", ["C", "I", "S", "D"])
def test_it_is_final(status: str) -> None:
    assert "transStatus" in verdict({**builders.rreq(), "transStatus": status})


def test_decoupled_follows_a_challenge_from_2_3_1_only_and_when_asked_for() -> None:
    message = builders.rreq("2.3.1", transStatus="D", transStatusReason="29")
    asked = {
        wish: verdict(
            message, Context("2.3.1", earlier={"AReq": {"threeDSRequestorDecReqInd": wish}})
        )
        for wish in "YFB"
    }

    assert verdict(message) == ()
    assert asked == {"Y": ("transStatus",), "F": (), "B": ()}


@pytest.mark.parametrize(
    ("cancel", "allowed"),
    [("04", True), ("05", True), ("08", True), ("01", False), ("06", False), (None, False)],
)
def test_timed_out_goes_with_a_time_out(cancel: str | None, allowed: bool) -> None:
    message = builders.rreq(transStatus="N", transStatusReason="14", challengeCancel=cancel)

    assert verdict(message) == (() if allowed else ("challengeCancel",))


def test_the_error_that_ended_it_is_reported_from_2_3_1_on() -> None:
    reported = erro(naming("203", ("x",)), version="2.3.1", ids={}, message_type="CReq")
    message = builders.rreq(
        "2.3.1",
        transStatus="U",
        transStatusReason="22",
        challengeCancel="10",
        challengeErrorReporting=reported,
    )

    assert verdict(message) == ()
    assert verdict({**message, "challengeCancel": "06"}) == ("challengeErrorReporting",)
    del message["challengeErrorReporting"]
    assert verdict(message) == ("challengeErrorReporting",)


@pytest.mark.parametrize(("status", "allowed"), [("C", True), ("D", True), ("Y", False)])
def test_it_follows_a_challenge(status: str, allowed: bool) -> None:
    context = Context("2.2.0", earlier={"ARes": {**CHALLENGED, "transStatus": status}})

    assert verdict(builders.rreq(), context) == (() if allowed else ("messageType",))


def test_a_decoupled_one_counts_no_interactions() -> None:
    context = Context(
        "2.2.0", earlier={"ARes": {**CHALLENGED, "transStatus": "D", "acsDecConInd": "Y"}}
    )
    message = builders.rreq(interactionCounter=None, authenticationType="04")

    assert verdict(message, context) == ()
    assert verdict({**message, "authenticationType": "02"}, context) == ("authenticationType",)
    assert verdict(message) == ("interactionCounter",)


def test_there_is_none_in_3ri_of_2_1_0() -> None:
    message = builders.rreq("2.1.0", "03")

    assert verdict(message, Context("2.1.0", "03")) == ("messageType",)


def test_ids_and_category_are_those_of_the_request() -> None:
    areq = builders.areq(dsTransID=builders.ACS_TRANS_ID, messageCategory="02")
    context = Context("2.2.0", earlier={"AReq": areq})

    assert set(verdict(builders.rreq(), context)) == {"dsTransID", "messageCategory"}


def test_the_method_is_one_code_before_2_3_1_and_a_list_after() -> None:
    assert verdict(builders.rreq("2.2.0", authenticationMethod="02")) == ()
    assert verdict(builders.rreq("2.3.1", authenticationMethod=["02", "06"])) == ()
    assert verdict(builders.rreq("2.3.1", authenticationMethod="02")) == ("authenticationMethod",)

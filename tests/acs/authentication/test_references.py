from __future__ import annotations

import base64
import json
from typing import Any

import pytest

from acs.authentication.references import device_ids, device_warnings, prior_ids
from tests.acs.people import ACS_TRANS_ID, DS_TRANS_ID, SERVER_TRANS_ID, an_areq

OTHER = DS_TRANS_ID
PRIOR = str(ACS_TRANS_ID)


@pytest.mark.parametrize("told", ["N", "U", None])
def test_a_method_that_did_not_end_gathered_nothing(told: str | None) -> None:
    assert device_ids(an_areq(threeDSCompInd=told)) == ()


def test_a_method_that_ended_is_found_under_the_server_transaction() -> None:
    assert device_ids(an_areq(threeDSCompInd="Y")) == (SERVER_TRANS_ID,)


def test_an_earlier_method_comes_second() -> None:
    areq = an_areq("2.3.1", threeDSCompInd="Y", threeDSMethodId=OTHER)

    assert device_ids(areq) == (SERVER_TRANS_ID, OTHER)


def test_an_earlier_method_stands_in_for_one_that_did_not_run() -> None:
    assert device_ids(an_areq("2.3.1", threeDSCompInd="U", threeDSMethodId=OTHER)) == (OTHER,)


@pytest.mark.parametrize("channel", ["01", "03"])
def test_only_browsers_run_the_method(channel: str) -> None:
    assert device_ids(an_areq(channel=channel, threeDSCompInd="Y")) == ()


def told_by_app(**members: Any) -> str:
    """Give deviceInfo, which an SDK pads or not."""
    return base64.urlsafe_b64encode(json.dumps({"DV": "1.6", **members}).encode()).decode()


@pytest.mark.parametrize(
    ("members", "found"),
    [
        ({}, ()),
        ({"SW": []}, ()),
        ({"SW": ["SW03", "SW01", "SW03"]}, ("SW01", "SW03")),
        ({"SW": ["SW07"]}, ("SW07",)),
        ({"SW": ["rooted", 1, None, "SW1", "SW01 "]}, ()),
        ({"SW": "SW01"}, ()),
        ({"SW": {"SW01": True}}, ()),
    ],
)
def test_what_the_sdk_warns_of_is_read_from_the_device_data(
    members: dict[str, Any], found: tuple[str, ...]
) -> None:
    told = told_by_app(**members)

    for spelled in (told, told.rstrip("=")):
        assert device_warnings(an_areq(channel="01", deviceInfo=spelled)) == found
        assert device_warnings(an_areq(channel="02", deviceInfo=spelled)) == ()


@pytest.mark.parametrize("told", ["%%%", "eyJEViI6", "W10", None])
def test_device_data_that_cannot_be_read_warn_of_nothing(told: str | None) -> None:
    assert device_warnings(an_areq(channel="01", deviceInfo=told)) == ()


@pytest.mark.parametrize("version", ["2.1.0", "2.2.0"])
def test_a_reference_is_one_object_until_220(version: str) -> None:
    info = {"threeDSReqPriorRef": PRIOR.upper(), "threeDSReqPriorAuthMethod": "02"}

    assert prior_ids(an_areq(version, threeDSRequestorPriorAuthenticationInfo=info)) == (PRIOR,)


def test_references_are_a_list_from_231_on_each_once() -> None:
    infos = [{"threeDSReqPriorRef": one} for one in (PRIOR, OTHER, PRIOR)]

    areq = an_areq("2.3.1", threeDSRequestorPriorAuthenticationInfo=infos)

    assert prior_ids(areq) == (PRIOR, OTHER)


@pytest.mark.parametrize("told", [None, {}, {"threeDSReqPriorRef": "merchant ref 7"}, [{}]])
def test_what_is_no_identifier_refers_to_nothing(told: object) -> None:
    assert prior_ids(an_areq(threeDSRequestorPriorAuthenticationInfo=told)) == ()

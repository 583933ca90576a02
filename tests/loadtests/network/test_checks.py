"""What the Directory Server demands of an ARes and of a final CRes."""

from __future__ import annotations

import pytest

from loadtests.network.checks import Objection, check_ares, check_cres, read_json

ID = "7d0f6d0a-4f7a-4c0e-9a52-6f6f1f2b8c01"
AREQ: dict[str, object] = {
    "messageVersion": "2.2.0",
    "messageCategory": "01",
    "deviceChannel": "02",
    "threeDSServerTransID": ID,
    "dsTransID": ID,
    "dsReferenceNumber": "DS",
}
ECHO: dict[str, object] = {
    "messageType": "ARes",
    "messageVersion": "2.2.0",
    "threeDSServerTransID": ID.upper(),
    "dsTransID": ID,
    "dsReferenceNumber": "DS",
    "acsTransID": ID,
    "acsReferenceNumber": "ACS",
}
Y = ECHO | {"transStatus": "Y", "eci": "05", "authenticationValue": "A" * 27 + "="}
N = ECHO | {"transStatus": "N", "transStatusReason": "12"}
C = ECHO | {
    "transStatus": "C",
    "acsURL": "https://acs.example/challenge",
    "acsChallengeMandated": "Y",
    "authenticationType": "02",
}


def without(message: dict[str, object], name: str) -> dict[str, object]:
    return {key: value for key, value in message.items() if key != name}


@pytest.mark.parametrize("ares", [Y, N, C], ids=["Y", "N", "C"])
def test_a_right_ares_has_no_faults(ares: dict[str, object]) -> None:
    assert check_ares(ares, AREQ) == []


@pytest.mark.parametrize(
    ("ares", "objection"),
    [
        (without(Y, "authenticationValue"), Objection("201", "authenticationValue")),
        (Y | {"authenticationValue": "short"}, Objection("203", "authenticationValue")),
        (without(N, "transStatusReason"), Objection("201", "transStatusReason")),
        (without(C, "acsURL"), Objection("201", "acsURL")),
        (C | {"acsURL": "ftp://acs.example"}, Objection("203", "acsURL")),
        (without(C, "authenticationType"), Objection("201", "authenticationType")),
        (Y | {"dsTransID": ID.replace("7", "8")}, Objection("203", "dsTransID")),
        (Y | {"messageVersion": "2.1.0"}, Objection("203", "messageVersion")),
        (Y | {"transStatus": "S"}, Objection("203", "transStatus")),
        (N | {"transStatusReason": "30"}, Objection("203", "transStatusReason")),
        (Y | {"eci": ""}, Objection("203", "eci")),
        (Y | {"acsURL": "https://x.example"}, Objection("203", "acsURL (not in this ARes)")),
        (
            C | {"authenticationValue": "A" * 27 + "="},
            Objection("203", "authenticationValue (not in this ARes)"),
        ),
    ],
)
def test_a_fault_of_an_ares_is_named(ares: dict[str, object], objection: Objection) -> None:
    found = check_ares(ares, AREQ)

    assert objection in found


def test_the_sdk_gets_its_id_back() -> None:
    areq = AREQ | {"deviceChannel": "01", "sdkTransID": ID}

    assert check_ares(N, areq) == [Objection("201", "sdkTransID")]


@pytest.mark.parametrize(
    ("changes", "code"),
    [({}, None), ({"transStatus": "U"}, "203"), ({"acsTransID": None}, "201")],
)
def test_a_final_cres_says_yes_or_no_about_this_transaction(
    changes: dict[str, object], code: str | None
) -> None:
    cres = {
        "messageType": "CRes",
        "messageVersion": "2.2.0",
        "threeDSServerTransID": ID,
        "acsTransID": ID,
        "transStatus": "Y",
    } | changes
    found = check_cres(cres, AREQ, Y)

    assert [objection.code for objection in found] == ([] if code is None else [code])


def test_a_name_that_comes_twice_in_an_inner_object_is_found() -> None:
    assert read_json(b'{"a":{"b":1,"b":2}}') == Objection("204", "b")

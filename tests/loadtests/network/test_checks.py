"""What the Directory Server demands of an ARes and of a final CRes."""

from __future__ import annotations

import pytest

from loadtests.network.checks import Objection, check_ares, check_cres, check_rreq, read_json

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


APP = AREQ | {"deviceChannel": "01", "sdkTransID": ID}
RENDERING = {"acsInterface": "01", "acsUiTemplate": "01"}
C_IN_APP = without(C, "acsURL") | {
    "sdkTransID": ID,
    "acsSignedContent": "a.b.c",
    "acsRenderingType": RENDERING,
}


@pytest.mark.parametrize(
    ("changes", "objection"),
    [
        ({}, None),
        ({"acsSignedContent": None}, Objection("201", "acsSignedContent")),
        ({"acsRenderingType": None}, Objection("201", "acsRenderingType")),
        ({"acsRenderingType": {"acsInterface": "01"}}, Objection("203", "acsRenderingType")),
        (
            {"acsRenderingType": RENDERING | {"acsUiTemplate": "07"}},
            Objection("203", "acsRenderingType"),
        ),
        (
            {"acsRenderingType": RENDERING | {"deviceUserInterfaceMode": "01"}},
            Objection("203", "acsRenderingType"),
        ),
        ({"acsURL": "https://x.example"}, Objection("203", "acsURL (not in this ARes)")),
    ],
)
def test_a_challenge_in_the_app_has_signed_content_and_says_how_it_looks(
    changes: dict[str, object], objection: Objection | None
) -> None:
    assert check_ares(C_IN_APP | changes, APP) == ([] if objection is None else [objection])


def test_in_the_browser_neither_has_a_place() -> None:
    found = check_ares(C | {"acsSignedContent": "a.b.c", "acsRenderingType": RENDERING}, AREQ)

    assert found == [Objection("203", "acsSignedContent,acsRenderingType (not in this ARes)")]


@pytest.mark.parametrize(
    ("version", "changes", "missing"),
    [
        ("2.2.0", {}, None),
        ("2.2.0", {"acsRenderingType": None}, "acsRenderingType"),
        ("2.2.0", {"sdkTransID": None}, "sdkTransID"),
        ("2.1.0", {"sdkTransID": None}, None),
    ],
)
def test_the_results_of_a_challenge_in_the_app_say_how_it_looked(
    version: str, changes: dict[str, object], missing: str | None
) -> None:
    rreq: dict[str, object] = ECHO | {
        "messageVersion": version, "messageCategory": "01", "sdkTransID": ID,
        "transStatus": "N", "transStatusReason": "19", "interactionCounter": "03",
        "authenticationType": "02", "authenticationMethod": "02", "acsRenderingType": RENDERING,
    } | changes  # fmt: skip

    found = check_rreq(rreq, APP | {"messageVersion": version}, C_IN_APP)

    assert found == ([] if missing is None else [Objection("201", missing)])


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

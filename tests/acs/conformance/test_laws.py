"""The laws hold for right messages and name the rule that a wrong one breaks."""

from __future__ import annotations

from typing import Any

import pytest

from acs.conformance import laws

ID = "f25084f0-5b16-4c0a-ae5d-b24808a95e4b"
AREQ: dict[str, Any] = {
    "messageVersion": "2.2.0",
    "deviceChannel": "02",
    "messageCategory": "01",
    "threeDSServerTransID": ID,
    "dsTransID": ID,
    "dsReferenceNumber": "DS",
}
ARES: dict[str, Any] = {
    "messageType": "ARes",
    "messageVersion": "2.2.0",
    "threeDSServerTransID": ID,
    "dsTransID": ID,
    "dsReferenceNumber": "DS",
    "acsTransID": ID,
    "acsReferenceNumber": "ACS",
    "transStatus": "Y",
    "authenticationValue": "x",
}
ERRO: dict[str, Any] = {
    "messageType": "Erro",
    "messageVersion": "2.2.0",
    "errorCode": "203",
    "errorComponent": "A",
    "errorDescription": "d",
    "errorDetail": "mcc",
}
RREQ: dict[str, Any] = {
    "messageType": "RReq",
    "messageVersion": "2.2.0",
    "messageCategory": "01",
    "threeDSServerTransID": ID,
    "dsTransID": ID,
    "acsTransID": ID,
    "transStatus": "Y",
    "authenticationValue": "x",
    "interactionCounter": "01",
}


def rules(faults: list[str]) -> set[str]:
    return {fault.partition(":")[0] for fault in faults}


@pytest.mark.parametrize(
    ("change", "rule"),
    [
        ({}, None),
        ({"transStatus": "S", "authenticationValue": None}, "3.1"),
        ({"authenticationValue": None}, "13.3"),
        ({"transStatus": "N", "authenticationValue": None}, "13.3"),
        ({"transStatus": "N", "authenticationValue": None, "transStatusReason": "27"}, "3.16"),
        ({"transStatus": "N", "authenticationValue": None, "transStatusReason": "12"}, None),
        ({"acsURL": "https://acs"}, "3.40"),
        ({"acsTransID": "x"}, "3.25"),
        ({"dsTransID": "x"}, "3.25"),
        ({"sdkTransID": ID}, "3.25"),
        ({"messageVersion": "2.3.1"}, "3.25"),
        ({"acsReferenceNumber": "A" * 33}, "3.26"),
        ({"challengeCancel": "01"}, "3.39"),
        ({"trustListStatus": "Y"}, "10.3"),
        ({"cardholderInfo": ""}, "13.7"),
        ({"x": {"y": []}}, "13.7"),
    ],
)
def test_an_ares_is_judged(change: dict[str, Any], rule: str | None) -> None:
    message = {name: value for name, value in {**ARES, **change}.items() if value is not None}

    assert rules(laws.of_answer(AREQ, message)) == ({rule} if rule else set())


@pytest.mark.parametrize(
    ("change", "rule"),
    [
        ({}, None),
        ({"errorComponent": "D"}, "2.37"),
        ({"errorCode": "207"}, "2.44"),
        ({"errorCode": "401"}, "2.44"),
        ({"messageVersion": "2.0.0"}, "2.39"),
        ({"dsTransID": "x"}, "2.40"),
        ({"errorDetail": "x" * 2049}, "2.37"),
    ],
)
def test_an_erro_is_judged(change: dict[str, Any], rule: str | None) -> None:
    assert rules(laws.of_answer(AREQ, {**ERRO, **change})) == ({rule} if rule else set())


def test_anything_else_is_no_answer() -> None:
    assert rules(laws.of_answer(AREQ, {"messageType": "CRes"})) == {"2.42"}


@pytest.mark.parametrize(
    ("change", "status", "rule"),
    [
        ({}, "C", None),
        ({}, "Y", "8.1"),
        ({"transStatus": "D", "authenticationValue": None}, "C", "13.2"),
        ({"acsTransID": "x"}, "C", "8.5"),
        ({"dsTransID": None}, "C", "8.5"),
        ({"interactionCounter": "1"}, "C", "13.11"),
        ({"challengeCancel": "09"}, "C", "8.9"),
        ({"challengeCancel": "10", "challengeErrorReporting": {"errorCode": "203"}}, "C", None),
        ({"challengeErrorReporting": {"errorCode": "203"}}, "C", "8.9"),
    ],
)
def test_an_rreq_is_judged(change: dict[str, Any], status: str, rule: str | None) -> None:
    message = {name: value for name, value in {**RREQ, **change}.items() if value is not None}
    ares = {**ARES, "transStatus": status}

    assert rules(laws.of_rreq(AREQ, ares, message)) == ({rule} if rule else set())


@pytest.mark.parametrize(("cancel", "rule"), [("08", None), ("01", "3.17"), (None, "3.17")])
def test_a_time_out_goes_with_its_code(cancel: str | None, rule: str | None) -> None:
    late = {"transStatus": "N", "transStatusReason": "14", "challengeCancel": cancel}
    message = {name: value for name, value in {**RREQ, **late}.items() if value is not None}
    del message["authenticationValue"]

    given = rules(laws.of_rreq(AREQ, {**ARES, "transStatus": "C"}, message))
    assert given == ({rule} if rule else set())


def test_a_final_cres_says_y_or_n() -> None:
    cres = {"messageVersion": "2.2.0", "transStatus": "Y"}

    assert laws.of_cres(cres, AREQ) == []
    assert rules(laws.of_cres({**cres, "transStatus": "U"}, AREQ)) == {"3.1"}
    assert rules(laws.of_cres({**cres, "sdkTransID": ID}, AREQ)) == {"5.25"}


def test_a_message_travels_as_json_with_200_and_soon() -> None:
    assert laws.of_http(200, "application/json;charset=utf-8", 0.1) == []
    assert rules(laws.of_http(400, "text/html", 6)) == {"13.9", "1.10", "1E.T0"}


IN_APP = {**AREQ, "deviceChannel": "01", "sdkTransID": ID}
SCREEN = {
    "messageType": "CRes",
    "messageVersion": "2.2.0",
    "threeDSServerTransID": AREQ["threeDSServerTransID"],
    "sdkTransID": ID,
    "acsTransID": ARES["acsTransID"],
    "acsCounterAtoS": "000",
    "challengeCompletionInd": "N",
    "acsUiType": "01",
    "challengeInfoHeader": "h",
    "challengeInfoLabel": "l",
    "challengeInfoText": "t",
    "submitAuthenticationLabel": "s",
}


@pytest.mark.parametrize(
    ("change", "rule"),
    [
        ({}, None),
        ({"whitelistingInfoText": "w", "whyInfoLabel": "a", "whyInfoText": "b"}, None),
        ({"messageVersion": "2.1.0"}, "13.5"),
        ({"sdkTransID": None}, "6.38"),
        ({"acsCounterAtoS": "0"}, "13.11"),
        ({"challengeCompletionInd": "Y"}, "6.38"),
        ({"challengeInfoLabel": None}, "6.41"),
        ({"challengeInfoText": "x" * 351}, "6.41"),
        ({"whyInfoLabel": "a"}, "6.42"),
        ({"trustListInfoText": "x"}, "6.40"),
        ({"transStatusReason": "01"}, "6.40"),
        ({"acsUiType": "05"}, "6.48"),
        ({"expandInfoLabel": "", "expandInfoText": "x"}, "13.7"),
    ],
)
def test_a_screen_of_the_app_is_judged(change: dict[str, Any], rule: str | None) -> None:
    message = {name: value for name, value in {**SCREEN, **change}.items() if value is not None}
    ares = {**ARES, "acsRenderingType": {"acsInterface": "01"}}

    assert rules(laws.of_app_cres(IN_APP, ares, message)) == ({rule} if rule else set())


def test_a_document_has_nothing_of_a_native_screen() -> None:
    ares = {**ARES, "acsRenderingType": {"acsInterface": "02"}}
    ids = {name: SCREEN[name] for name in SCREEN if name[:9] not in {"challenge", "submitAut"}}
    document = {**ids, "challengeCompletionInd": "N", "acsUiType": "05", "acsHTML": "eA"}

    assert laws.of_app_cres(IN_APP, ares, document) == []
    assert rules(laws.of_app_cres(IN_APP, ares, {**document, "challengeInfoText": "t"})) == {"6.40"}
    assert rules(laws.of_app_cres(IN_APP, ares, SCREEN)) == {"6.40", "6.41", "6.48"}


def test_the_end_in_the_app_says_y_or_n_and_nothing_else() -> None:
    ids = {name: SCREEN[name] for name in SCREEN if name[:9] not in {"challenge", "submitAut"}}
    end = {**ids, "challengeCompletionInd": "Y", "transStatus": "Y"}
    del end["acsUiType"]

    assert laws.of_app_cres(IN_APP, ARES, end) == []
    assert rules(laws.of_app_cres(IN_APP, ARES, {**end, "transStatus": "U"})) == {"3.1"}
    assert rules(laws.of_app_cres(IN_APP, ARES, {**end, "acsUiType": "01"})) == {"6.39"}


def test_an_sdk_waits_ten_seconds() -> None:
    assert laws.of_sdk_wait(9.9) == []
    assert rules(laws.of_sdk_wait(10.1)) == {"1E.T4"}

"""What a message of the service must look like, read anew from the protocol's description.

Nothing of the service's own tables is used here: this is the second reading that the first is
compared with. Presence follows the rules of the ARes, RReq and CRes of the browser channel and of
the answers other channels get without a challenge [rules 3.40, 8.5-8.10, 13.1-13.7].
"""

from __future__ import annotations

import base64
import re
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Mapping

UUID = re.compile(r"[0-9a-fA-F]{8}(-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}")
UUID_4 = re.compile(r"[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}")

_ARES_ALWAYS = {
    "messageType", "messageVersion", "threeDSServerTransID", "dsTransID", "acsTransID",
    "acsReferenceNumber", "dsReferenceNumber", "transStatus",
}  # fmt: skip
_REASONS = {
    "2.1.0": range(1, 22),
    "2.2.0": range(1, 27),
    "2.3.1": range(1, 31),
}
_ARES_STATUS = {"2.1.0": "YNUACR", "2.2.0": "YNUACRDI", "2.3.1": "YNUACRDIS"}
_CANCELS = {
    "2.1.0": {"01", "04", "05", "06", "07", "08"},
    "2.2.0": {"01", "03", "04", "05", "06", "07", "08"},
    "2.3.1": {"01", "03", "04", "05", "06", "07", "08", "09", "10"},
}
_LISTS: dict[str, set[str]] = {
    "2.1.0": set(),
    "2.2.0": {"whiteListStatus", "whiteListStatusSource"},
    "2.3.1": {"trustListStatus", "trustListStatusSource"},
}
_ERRO_ALWAYS = {
    "messageType", "messageVersion", "errorCode", "errorComponent", "errorDescription",
    "errorDetail",
}  # fmt: skip
_IDS = {"threeDSServerTransID", "dsTransID", "acsTransID", "sdkTransID"}


def answer(areq: Mapping[str, Any], given: Mapping[str, Any]) -> None:
    """Judge whatever came for an AReq."""
    if given["messageType"] == "Erro":
        erro(given)
    else:
        ares(areq, given)


def ares(  # noqa: C901 - one case per status
    areq: Mapping[str, Any], given: Mapping[str, Any]
) -> None:
    """Judge an ARes by the AReq it answers."""
    version, status = areq["messageVersion"], given["transStatus"]
    is_payment = areq["messageCategory"] == "01"
    needs, may = set(_ARES_ALWAYS), {"acsOperatorID"}
    if areq["deviceChannel"] == "01":
        needs |= {"sdkTransID"}
        if version == "2.3.1":
            may |= {"deviceInfoRecognisedVersion", "threeDSRequestorAppURLInd"}
    if version == "2.2.0" and "threeDSRequestorDecReqInd" in areq:
        may |= {"acsDecConInd"}
    match status:
        case "C":
            method = "authenticationMethod" if version == "2.3.1" else "authenticationType"
            needs |= {"acsChallengeMandated", method} | _WHERE[areq["deviceChannel"]]
        case "Y" | "A":
            needs |= {"authenticationValue", "eci"} if is_payment else set()
            may |= {"cardholderInfo"} if is_payment else {"cardholderInfo", "eci"}
            may |= _LISTS[version] | ({"transChallengeExemption"} if version == "2.3.1" else set())
        case "N" | "U" | "R":
            needs |= {"transStatusReason"}
            may |= {"cardholderInfo", "eci"}
        case "I":
            may |= {"cardholderInfo", "eci"}
        case _:
            raise AssertionError(status)
    _members(given, needs, may)
    _nothing_empty(given)
    assert status in _ARES_STATUS[version], status
    assert given["messageType"] == "ARes"
    for echoed in ("messageVersion", "threeDSServerTransID", "dsTransID", "dsReferenceNumber"):
        assert given[echoed] == areq[echoed], echoed
    if "sdkTransID" in given:
        assert given["sdkTransID"] == areq["sdkTransID"]
    assert UUID_4.fullmatch(given["acsTransID"])
    assert len(given["acsReferenceNumber"]) <= 32
    if status == "C":
        _where(given, version)
        assert given["acsChallengeMandated"] in {"Y", "N"}
        _method(given, version, in_ares=True)
    _reason(given, version)
    _proof(given)
    _listed(given, {"Y", "N"})
    if "cardholderInfo" in given:
        _cardholder_info(given["cardholderInfo"], version)


_WHERE = {"01": {"acsRenderingType", "acsSignedContent"}, "02": {"acsURL"}}


def _where(given: Mapping[str, Any], version: str) -> None:
    if "acsURL" in given:
        assert re.fullmatch(r"https?://\S{1,2040}", given["acsURL"])
    else:
        _rendering(given["acsRenderingType"], version)


def rreq(given: Mapping[str, Any]) -> None:
    """Judge an RReq; one with acsRenderingType is of the app channel."""
    version, status = given["messageVersion"], given["transStatus"]
    needs = {
        "messageType", "messageVersion", "messageCategory", "threeDSServerTransID", "acsTransID",
        "dsTransID", "transStatus", "interactionCounter", "eci",
    }  # fmt: skip
    may = {"challengeCancel"}
    if status in {"Y", "N"}:
        needs |= {"authenticationMethod"}
        needs |= set() if version == "2.3.1" else {"authenticationType"}
    if status == "Y" and given["messageCategory"] == "01":
        needs |= {"authenticationValue"}
    may |= _LISTS[version] if status == "Y" else set()
    if "acsRenderingType" in given:
        needs |= {"acsRenderingType"} | ({"sdkTransID"} if version != "2.1.0" else set())
        _rendering(given["acsRenderingType"], version)
    if status in {"N", "U", "R"}:
        needs |= {"transStatusReason"}
    if given.get("challengeCancel") in {"09", "10"}:
        needs |= {"challengeErrorReporting"}
    _members(given, needs, may)
    _nothing_empty(given)
    assert given["messageType"] == "RReq"
    assert status in {"Y", "N", "U", "R", "A"}
    assert re.fullmatch(r"[0-9]{2}", given["interactionCounter"])
    if "challengeCancel" in given:
        assert given["challengeCancel"] in _CANCELS[version]
        assert status != "Y"
    if given.get("transStatusReason") == "14":
        in_app = "acsRenderingType" in given
        assert given.get("challengeCancel") in {"04", "05"} | ({"08"} if in_app else set())
    if "authenticationMethod" in given:
        _method(given, version, in_ares=False)
    if "challengeErrorReporting" in given:
        assert version == "2.3.1"
        erro(given["challengeErrorReporting"], component="AC")
    _listed(given, {"Y", "R"})
    _reason(given, version)
    _proof(given)


def cres(given: Mapping[str, Any]) -> None:
    """Judge a final CRes of the browser channel."""
    always = {"messageType", "messageVersion", "threeDSServerTransID", "acsTransID", "transStatus"}
    _members(given, always, {"challengeCompletionInd"})
    assert given["messageType"] == "CRes"
    assert given["transStatus"] in {"Y", "N"}
    assert given.get("challengeCompletionInd", "Y") == "Y"


def app_cres(given: Mapping[str, Any]) -> None:
    """Judge a CRes of the app channel: a screen of text, one of HTML, or the end."""
    version = given["messageVersion"]
    always = {
        "messageType", "messageVersion", "threeDSServerTransID", "acsTransID", "sdkTransID",
        "acsCounterAtoS", "challengeCompletionInd",
    }  # fmt: skip
    assert given["messageType"] == "CRes"
    assert re.fullmatch("[0-9]{3}", given["acsCounterAtoS"])
    _nothing_empty(given)
    if given["challengeCompletionInd"] == "Y":  # SDKs refuse any surplus element
        _members(given, always | {"transStatus"}, set())
        assert given["transStatus"] in {"Y", "N"}
        return
    assert given["challengeCompletionInd"] == "N"
    if given["acsUiType"] == "05":
        _members(given, always | {"acsUiType", "acsHTML"}, set())
        return
    needs = {
        "acsUiType", "challengeInfoHeader", "challengeInfoLabel", "challengeInfoText",
        "submitAuthenticationLabel",
    }  # fmt: skip
    may = {
        "challengeInfoTextIndicator", "resendInformationLabel", "whyInfoLabel", "whyInfoText",
        "expandInfoLabel", "expandInfoText",
    }  # fmt: skip
    needs |= {"challengeEntryBox"} if version == "2.3.1" else set()
    may |= {"2.1.0": set(), "2.2.0": {"whitelistingInfoText"}, "2.3.1": {"trustListInfoText"}}[
        version
    ]
    _members(given, always | needs, may)
    assert given["acsUiType"] == "01"
    most = {"challengeInfoText": 350, "whyInfoText": 256, "expandInfoText": 256}
    most |= {"whitelistingInfoText": 64, "trustListInfoText": 64}
    texts = {name: given[name] for name in (needs | may) & set(given) - {"challengeEntryBox"}}
    assert {name for name, text in texts.items() if len(text) > most.get(name, 45)} == set()


def _rendering(given: Mapping[str, Any], version: str) -> None:
    mode = {"deviceUserInterfaceMode"} if version == "2.3.1" else set()
    _members(given, {"acsInterface", "acsUiTemplate"} | mode, set())
    assert given["acsInterface"] in {"01", "02"}
    assert given["acsUiTemplate"] in {"01", "05"}


def erro(given: Mapping[str, Any], component: str = "A") -> None:
    """Judge an Erro of the service, or one that it passes on."""
    _members(given, _ERRO_ALWAYS, {"errorMessageType", *_IDS})
    _nothing_empty(given)
    assert given["messageType"] == "Erro"
    assert given["errorComponent"] in component
    assert given["messageVersion"] in {"2.1.0", "2.2.0", "2.3.1"}
    code = given["errorCode"]
    assert re.fullmatch(r"10[1-3]|20[1-7]|30[1-9]|31[0-5]|40[2-5]", code), code
    if given["messageVersion"] != "2.3.1":
        assert code not in {"205", "206", "207", "308", "309"}, code
        assert not code.startswith("31"), code
    for name in _IDS & set(given):
        assert UUID.fullmatch(given[name]), name


def _members(given: Mapping[str, Any], needs: set[str], may: set[str]) -> None:
    missing, extra = needs - set(given), set(given) - needs - may
    assert (missing, extra) == (set(), set()), given


def _nothing_empty(given: object) -> None:
    if isinstance(given, dict):
        for value in given.values():
            _nothing_empty(value)
    elif isinstance(given, list):
        assert given
        for value in given:
            _nothing_empty(value)
    assert given not in ("", None, {}), given


def _reason(given: Mapping[str, Any], version: str) -> None:
    if "transStatusReason" in given:
        assert re.fullmatch("[0-9]{2}", given["transStatusReason"])
        assert int(given["transStatusReason"]) in _REASONS[version]


def _listed(given: Mapping[str, Any], statuses: set[str]) -> None:
    """Judge what is told of a trust list: a status and its source, which is the ACS, or neither."""
    for name in ("whiteListStatus", "trustListStatus"):
        assert given.get(f"{name}Source") == ("03" if name in given else None)
        assert given.get(name) in {None, *statuses}
    if "transChallengeExemption" in given:
        why = {"08": "Y", "10": None}  # a trust list's tells what the list says
        assert given.get("trustListStatus") == why[given["transChallengeExemption"]]


def _proof(given: Mapping[str, Any]) -> None:
    if "authenticationValue" in given:
        assert len(base64.b64decode(given["authenticationValue"], validate=True)) == 20
    if "eci" in given:
        assert re.fullmatch("[0-9]{2}|N[02]", given["eci"])


def _method(given: Mapping[str, Any], version: str, *, in_ares: bool) -> None:
    if version == "2.3.1":
        methods = given["authenticationMethod"]
        assert isinstance(methods, list)
        assert set(methods) <= {f"{code:02d}" for code in range(1, 17)}
        assert len(set(methods)) == len(methods)
        return
    assert given["authenticationType"] in {"01", "02", "03", "04"}
    if not in_ares:
        assert given["authenticationMethod"] in {f"{code:02d}" for code in range(1, 12)}


def _cardholder_info(given: object, version: str) -> None:
    text = given
    if version == "2.3.1":
        assert isinstance(given, dict)
        assert set(given) == {"text"}
        text = given["text"]
    assert isinstance(text, str)
    assert 1 <= len(text) <= 128
    assert not re.search(r"[<>]|https?:|www\.", text)

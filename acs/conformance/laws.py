"""What holds for every message an ACS sends, whatever a case is about.

A second reading of the protocol, next to the cases: legal statuses, companions of a status, ids
that are echoed, nothing empty, nothing younger than the version. Each fault names its rule.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

_UUID = re.compile(r"[0-9A-Fa-f]{8}(?:-[0-9A-Fa-f]{4}){3}-[0-9A-Fa-f]{12}")
_ARES_STATUS = {"2.1.0": "YNUACR", "2.2.0": "YNUACRDI", "2.3.1": "YNUACRDIS"}
_RREQ_STATUS = {"2.1.0": "YNUAR", "2.2.0": "YNUAR", "2.3.1": "YNUARD"}
_REASON_MAX = {"2.1.0": 21, "2.2.0": 26, "2.3.1": 30}
_REASON_OF_DS = range(80, 100)
_CODES = {"101", "102", "201", "202", "203", "204", "301", "302", "303", "304", "305", "306"}
_CODES |= {"402", "403", "404", "405"}
_CODES_231 = {"207", "308", "309", "310", "311", "312", "313", "314", "315"}
_ERRO = {"messageType", "messageVersion", "errorCode", "errorComponent", "errorDescription"}
_ERRO |= {"errorDetail"}
_ECHOED = ("threeDSServerTransID", "dsTransID", "dsReferenceNumber", "messageVersion")
_CHALLENGE_ONLY = (
    "acsChallengeMandated", "authenticationType", "authenticationMethod", "acsRenderingType",
    "acsSignedContent", "acsURL",
)  # fmt: skip
_NEVER_IN_ARES = ("challengeCancel", "interactionCounter")
_YOUNG = {
    "2.1.0": ("acsDecConInd", "whiteListStatus", "trustListStatus", "transChallengeExemption"),
    "2.2.0": ("trustListStatus", "deviceBindingStatus", "transChallengeExemption"),
    "2.3.1": ("authenticationType", "whiteListStatus"),
}
_FINAL = {
    "messageType", "messageVersion", "threeDSServerTransID", "acsTransID", "sdkTransID",
    "acsCounterAtoS", "challengeCompletionInd", "transStatus",
}  # fmt: skip
_IN_HTML = {"acsUiType", "acsHTML"}
_NATIVE_NEEDED = {
    "acsUiType", "challengeInfoHeader", "challengeInfoLabel", "challengeInfoText",
    "submitAuthenticationLabel",
}  # fmt: skip
_NATIVE = _NATIVE_NEEDED | {
    "challengeInfoTextIndicator", "resendInformationLabel", "whyInfoLabel", "whyInfoText",
    "expandInfoLabel", "expandInfoText", "issuerImage", "psImage", "challengeSelectInfo",
    "oobContinueLabel",
}  # fmt: skip
_NATIVE_YOUNG = {
    "2.1.0": {"challengeAddInfo"},
    "2.2.0": {"challengeAddInfo", "whitelistingInfoText"},
    "2.3.1": {
        "challengeEntryBox", "challengeEntryBoxTwo", "challengeAddLabel", "togglePositionInd",
        "trustListInfoText", "deviceBindingInfoText", "infoContinueLabel", "oobAppURL",
        "oobAppLabel",
    },
}  # fmt: skip
_LONGEST = {
    "challengeInfoHeader": 45, "challengeInfoLabel": 45, "challengeInfoText": 350,
    "submitAuthenticationLabel": 45, "resendInformationLabel": 45, "whyInfoLabel": 45,
    "whyInfoText": 256, "expandInfoLabel": 45, "expandInfoText": 256, "whitelistingInfoText": 64,
    "trustListInfoText": 64, "acsHTML": 100_000,
}  # fmt: skip
_TIMED_OUT = {"03", "04", "05", "08"}
_WITH_AN_ERRO = {"09", "10"}
_SDK_WAITS_S = 10.0
_DETAIL_MAX = 2048
_REFERENCE_MAX = 32
_ANSWER_WITHIN_S = 5.0


def of_answer(areq: Mapping[str, Any], given: Mapping[str, Any]) -> list[str]:
    """Judge what came for an AReq: an ARes or an Erro."""
    match given.get("messageType"):
        case "ARes":
            return _of_ares(areq, given)
        case "Erro":
            return of_erro(given)
        case other:
            return [f"2.42: the answer is {other!r}, neither ARes nor Erro"]


def of_erro(given: Mapping[str, Any]) -> list[str]:
    """Judge an Erro of the ACS."""
    version, code = given.get("messageVersion"), given.get("errorCode")
    known = _CODES | _CODES_231 if version == "2.3.1" else _CODES
    ids = [name for name in given if name.endswith("TransID")]
    return [
        *(f"2.37: {name} is missing" for name in sorted(_ERRO - set(given))),
        *_unless(given.get("errorComponent") == "A", "2.37: errorComponent is not A"),
        *_unless(version in _ARES_STATUS, f"2.39: messageVersion is {version!r}"),
        *_unless(code in known, f"2.44: errorCode is {code!r} in {version}"),
        *(f"2.40: {name} is malformed" for name in ids if not _is_uuid(given[name])),
        *_unless(len(str(given.get("errorDetail"))) <= _DETAIL_MAX, "2.37: errorDetail is long"),
        *_empty("", given),
    ]


def of_rreq(
    areq: Mapping[str, Any], ares: Mapping[str, Any], given: Mapping[str, Any]
) -> list[str]:
    """Judge an RReq."""
    version, status = str(areq.get("messageVersion")), given.get("transStatus")
    needed = {"messageType", "messageVersion", "messageCategory", "threeDSServerTransID"}
    needed |= {"acsTransID", "dsTransID", "transStatus"}
    is_payment = areq.get("messageCategory") == "01"
    return [
        *(f"8.5: {name} is missing" for name in sorted(needed - set(given))),
        *_unless(str(status) in _RREQ_STATUS[version], f"13.2: transStatus is {status!r}"),
        *_unless(given.get("messageVersion") == version, "13.5: another messageVersion"),
        *(
            f"8.5: {name} is not that of the AReq"
            for name in ("threeDSServerTransID", "dsTransID", "messageCategory")
            if given.get(name) != areq.get(name)
        ),
        *_unless(given.get("acsTransID") == ares.get("acsTransID"), "8.5: another acsTransID"),
        *_proof(given, is_payment=is_payment),
        *_reason(given, version, is_payment=is_payment),
        *_unless(ares.get("transStatus") in {"C", "D"}, "8.1: an RReq without a challenge"),
        *_ending(given),
        *_counter(given),
        *_empty("", given),
    ]


def of_cres(given: Mapping[str, Any], areq: Mapping[str, Any]) -> list[str]:
    """Judge the final CRes of a browser challenge."""
    return [
        *_unless(given.get("transStatus") in {"Y", "N"}, "3.1: final transStatus is not Y or N"),
        *_unless(given.get("messageVersion") == areq["messageVersion"], "13.5: another version"),
        *(f"5.25: {name} is there" for name in ("sdkTransID", "acsCounterAtoS") if name in given),
        *_empty("", given),
    ]


def of_app_cres(
    areq: Mapping[str, Any], ares: Mapping[str, Any], given: Mapping[str, Any]
) -> list[str]:
    """Judge a CRes in the app: a screen, or the final one with nothing else in it."""
    version = areq["messageVersion"]
    ids = {name: areq.get(name) for name in ("threeDSServerTransID", "sdkTransID")}
    ids["acsTransID"] = ares.get("acsTransID")
    is_final = "transStatus" in given
    return [
        *_unless(given.get("messageVersion") == version, "13.5: another messageVersion"),
        *(f"6.38: {name} is another" for name, known in ids.items() if given.get(name) != known),
        *_unless(_is_counter(given.get("acsCounterAtoS")), "13.11: acsCounterAtoS"),
        *_unless(
            given.get("challengeCompletionInd") == ("Y" if is_final else "N"),
            "6.38: challengeCompletionInd",
        ),
        *(_of_end(given) if is_final else _of_screen(version, ares, given)),
        *_empty("", given),
    ]


def _of_end(given: Mapping[str, Any]) -> list[str]:
    return [
        *_unless(given["transStatus"] in {"Y", "N"}, "3.1: final transStatus is not Y or N"),
        *(f"6.39: {name} in the final CRes" for name in sorted(set(given) - _FINAL)),
    ]


def _of_screen(version: str, ares: Mapping[str, Any], given: Mapping[str, Any]) -> list[str]:
    is_html = ares.get("acsRenderingType", {}).get("acsInterface") == "02"
    elements = {name for name in given if name not in _FINAL}
    known = _IN_HTML if is_html else _NATIVE | _NATIVE_YOUNG[version]
    needed = _IN_HTML if is_html else _NATIVE_NEEDED
    return [
        *_unless(
            (given.get("acsUiType") in {"05", "06"}) == is_html, "6.48: the interface has changed"
        ),
        *(f"6.41: {name} is missing" for name in sorted(needed - elements)),
        *(f"6.40: {name} does not belong there" for name in sorted(elements - known)),
        *(
            f"6.42: {name}Label and {name}Text do not go together"
            for name in ("whyInfo", "expandInfo")
            if (f"{name}Label" in given) != (f"{name}Text" in given)
        ),
        *(
            f"6.41: {name} is too long"
            for name, most in _LONGEST.items()
            if len(str(given.get(name, ""))) > most
        ),
    ]


def of_sdk_wait(took_s: float) -> list[str]:
    """Judge how long an SDK had to wait for its answer."""
    return _unless(took_s < _SDK_WAITS_S, f"1E.T4: the answer took {took_s:.1f} s")


def of_http(status: int, content_type: str, took_s: float) -> list[str]:
    """Judge how a protocol message travels, and how long it took."""
    return [
        *_unless(took_s < _ANSWER_WITHIN_S, f"1E.T0: the answer took {took_s:.1f} s"),
        *_unless(status == 200, f"13.9: HTTP {status}"),  # noqa: PLR2004 - HTTP
        *_unless(
            content_type.lower().startswith("application/json"), f"1.10: type {content_type!r}"
        ),
    ]


def _of_ares(areq: Mapping[str, Any], given: Mapping[str, Any]) -> list[str]:
    version, status = str(areq.get("messageVersion")), given.get("transStatus")
    is_payment = areq.get("messageCategory") == "01"
    is_challenge = status in {"C", "D"}
    return [
        *(f"3.25: {name} is not echoed" for name in _ECHOED if given.get(name) != areq.get(name)),
        *_unless(_is_uuid(given.get("acsTransID")), "3.25: acsTransID is no UUID"),
        *_unless(_has_reference(given), "3.26: no acsReferenceNumber of up to 32 characters"),
        *_unless(str(status) in _ARES_STATUS.get(version, ""), f"3.1: transStatus is {status!r}"),
        *_unless(areq.get("deviceChannel") != "03" or status != "C", "3.5: C for 3RI"),
        *_unless(not {"acsURL", "acsSignedContent"} <= set(given), "13.4: acsURL with JWS"),
        *(f"3.39: {name} is there" for name in _NEVER_IN_ARES if name in given),
        *(
            f"3.40: {name} without a challenge"
            for name in _CHALLENGE_ONLY
            if name in given and not is_challenge
        ),
        *(f"10.3: {name} in {version}" for name in _YOUNG.get(version, ()) if name in given),
        *_proof(given, is_payment=is_payment),
        *_reason(given, version, is_payment=is_payment),
        *_sdk_id(areq, given),
        *_empty("", given),
    ]


def _has_reference(given: Mapping[str, Any]) -> bool:
    number = given.get("acsReferenceNumber")
    return isinstance(number, str) and 1 <= len(number) <= _REFERENCE_MAX


def _sdk_id(areq: Mapping[str, Any], given: Mapping[str, Any]) -> list[str]:
    wanted = areq.get("sdkTransID") if areq.get("deviceChannel") == "01" else None
    return _unless(given.get("sdkTransID") == wanted, "3.25: sdkTransID is not that of the SDK")


def _proof(given: Mapping[str, Any], *, is_payment: bool) -> list[str]:
    is_there, is_due = "authenticationValue" in given, given.get("transStatus") in {"Y", "A"}
    if not is_payment:
        return []
    return _unless(
        is_there == is_due, f"13.3: authenticationValue {'' if is_there else 'not '}there"
    )


def _reason(given: Mapping[str, Any], version: str, *, is_payment: bool) -> list[str]:
    reason, status = given.get("transStatusReason"), given.get("transStatus")
    if reason is None:
        return _unless(not (is_payment and status in {"N", "U", "R"}), "13.3: no reason")
    is_known = str(reason).isdecimal() and (
        1 <= int(reason) <= _REASON_MAX[version] or int(reason) in _REASON_OF_DS
    )
    return [
        *_unless(status in {"N", "U", "R", "D", "I"}, f"13.3: a reason with {status}"),
        *_unless(is_known, f"3.16: transStatusReason {reason!r} in {version}"),
    ]


def _ending(given: Mapping[str, Any]) -> list[str]:
    """Judge why a challenge ended early: what goes with which code."""
    cancel, is_late = given.get("challengeCancel"), given.get("transStatusReason") == "14"
    is_reported = "challengeErrorReporting" in given
    return [
        *_unless(not is_late or cancel in _TIMED_OUT, f"3.17: reason 14 with {cancel!r}"),
        *_unless(is_reported == (cancel in _WITH_AN_ERRO), "8.9: challengeErrorReporting"),
    ]


def _counter(given: Mapping[str, Any]) -> list[str]:
    counter = given.get("interactionCounter")
    if counter is None:
        return []
    is_right = isinstance(counter, str) and re.fullmatch("[0-9]{2}", counter) is not None
    return _unless(is_right, f"13.11: interactionCounter is {counter!r}")


def _empty(place: str, given: object) -> list[str]:
    """Name every empty value at any depth [rule 13.7]."""
    if given is None or given in ("", [], {}):
        return [f"13.7: {place.rstrip('.') or 'the message'} is empty"]
    inner: Iterable[tuple[Any, Any]] = ()
    if isinstance(given, dict):
        inner = given.items()
    elif isinstance(given, list):
        inner = enumerate(given)
    return [fault for name, value in inner for fault in _empty(f"{place}{name}.", value)]


def _is_uuid(value: object) -> bool:
    return isinstance(value, str) and _UUID.fullmatch(value) is not None


def _is_counter(value: object) -> bool:
    return isinstance(value, str) and re.fullmatch("[0-9]{3}", value) is not None


def _unless(is_right: bool, fault: str) -> list[str]:  # noqa: FBT001 - reads as a sentence
    return [] if is_right else [fault]

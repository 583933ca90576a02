"""What the Directory Server demands of the messages an Access Control Server sends.

Pure, and written on its own from the message tables: each function gives the names of what is
missing and of what is malformed, worst first. Nothing here repairs anything.
"""

import json
import re
from base64 import b64decode
from binascii import Error as NotBase64
from collections.abc import Callable, Mapping
from dataclasses import dataclass

from loadtests.network.purchases import Message

_UUID = re.compile(r"[0-9a-fA-F]{8}(-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}")
_ARES_STATUSES = {"2.1.0": "YNUACR", "2.2.0": "YNUACDRI", "2.3.1": "YNUACDRIS"}
_RREQ_STATUSES = {"2.1.0": "YNUAR", "2.2.0": "YNUAR", "2.3.1": "YNUARD"}
_CANCELS = {
    "2.1.0": {"01", "04", "05", "06", "07", "08"},
    "2.2.0": {"01", "03", "04", "05", "06", "07", "08"},
    "2.3.1": {"01", "03", "04", "05", "06", "07", "08", "09", "10"},
}
_REASON_MAX = {"2.1.0": 21, "2.2.0": 26, "2.3.1": 30}
_AUTHENTICATION_VALUE_LENGTH = 28  # 20 bytes in base64 with its padding

Check = Callable[[object], bool]


@dataclass(frozen=True, slots=True)
class Objection:
    """A fault of a message: the protocol's error code, and the element names or a sentence."""

    code: str
    detail: str


def read_json(raw: bytes) -> Message | Objection:
    """Read a JSON object; 101 when it is none, 204 when a name comes twice."""
    twice: list[str] = []

    def collect(pairs: list[tuple[str, object]]) -> Message:
        found: Message = {}
        for name, value in pairs:
            if name in found:
                twice.append(name)
            found[name] = value
        return found

    try:
        message = json.loads(raw, object_pairs_hook=collect)
    except (ValueError, RecursionError):
        return Objection("101", "The message is not JSON")
    if not isinstance(message, dict):
        return Objection("101", "The message is not a JSON object")
    if twice:
        return Objection("204", ",".join(twice))
    return message


def check_ares(ares: Message, areq: Message) -> list[Objection]:
    """Say what is wrong with an ARes in the light of its AReq."""
    version = str(areq.get("messageVersion"))
    status = ares.get("transStatus")
    is_browser = areq.get("deviceChannel") == "02"
    needed: dict[str, Check] = {
        "messageVersion": lambda value: value == version,
        "acsTransID": _is_uuid,
        "threeDSServerTransID": is_same_id(areq, "threeDSServerTransID"),
        "dsTransID": is_same_id(areq, "dsTransID"),
        "dsReferenceNumber": lambda value: value == areq.get("dsReferenceNumber"),
        "acsReferenceNumber": is_text(32),
        "transStatus": is_one_of(_ARES_STATUSES.get(version, "")),
    }
    if areq.get("deviceChannel") == "01":
        needed["sdkTransID"] = is_same_id(areq, "sdkTransID")
    if areq.get("messageCategory") == "01":
        needed |= _of_status(status, version)
    if status == "C":
        needed["acsChallengeMandated"] = is_one_of("YN")
        needed |= _way_of_challenge(version, is_browser=is_browser)
    objections = violations(ares, needed, _common_optional(version))
    unwanted = [name for name in _unwanted_in_ares(str(status), version) if name in ares]
    if status == "C":
        strange = ("acsSignedContent", "acsRenderingType") if is_browser else ("acsURL",)
        unwanted += [name for name in strange if name in ares]
    if unwanted:
        objections.append(Objection("203", ",".join(unwanted) + " (not in this ARes)"))
    return objections


def check_rreq(rreq: Message, areq: Message, ares: Message) -> list[Objection]:
    """Say what is wrong with an RReq of this transaction: ids first, then 201, then 203."""
    objection = _ids_of_rreq(rreq, areq, ares)
    if objection is not None:
        return [objection]
    version = str(areq.get("messageVersion"))
    status = rreq.get("transStatus")
    cancel = is_one_of(_CANCELS.get(version, set()))
    needed: dict[str, Check] = {
        "messageVersion": lambda value: value == version,
        "messageCategory": lambda value: value == areq.get("messageCategory"),
        "transStatus": is_one_of(_RREQ_STATUSES.get(version, "")),
    }
    if ares.get("transStatus") == "C":
        needed["interactionCounter"] = _is_code
        if areq.get("deviceChannel") == "01":
            needed["acsRenderingType"] = _is_rendering(version)
    if areq.get("messageCategory") == "01":
        needed |= _of_status(status, version)
    if status in ("Y", "N"):
        needed |= _means(version)
    if rreq.get("transStatusReason") == "14":
        needed["challengeCancel"] = cancel
    if areq.get("deviceChannel") == "01" and version != "2.1.0":
        needed["sdkTransID"] = is_same_id(areq, "sdkTransID")
    optional = _common_optional(version) | {"challengeCancel": cancel}
    if version != "2.3.1":
        optional["authenticationMethod"] = _is_code
    objections = violations(rreq, needed, optional)
    if status not in ("Y", "A") and "authenticationValue" in rreq:
        objections.append(Objection("203", "authenticationValue"))
    return objections


def _ids_of_rreq(rreq: Message, areq: Message, ares: Message) -> Objection | None:
    ids = {"threeDSServerTransID": areq, "dsTransID": areq, "acsTransID": ares}
    missing = [name for name in ids if rreq.get(name) in (None, "")]
    if missing:
        return Objection("201", ",".join(missing))
    strange = [name for name, known in ids.items() if not is_same_id(known, name)(rreq[name])]
    return Objection("301", ",".join(strange)) if strange else None


def check_cres(cres: Message, areq: Message, ares: Message) -> list[Objection]:
    """Say what is wrong with a browser's final CRes."""
    version = str(areq.get("messageVersion"))
    return violations(
        cres,
        {
            "messageType": lambda value: value == "CRes",
            "messageVersion": lambda value: value == version,
            "threeDSServerTransID": is_same_id(areq, "threeDSServerTransID"),
            "acsTransID": is_same_id(ares, "acsTransID"),
            "transStatus": is_one_of("YN"),
        },
        {"challengeCompletionInd": lambda value: value == "Y"},
    )


def violations(
    message: Message, needed: Mapping[str, Check], optional: Mapping[str, Check]
) -> list[Objection]:
    """Name the elements that are missing and those that are malformed."""
    missing = [name for name in needed if message.get(name) in (None, "", [])]
    wrong = [
        name
        for name, check in {**optional, **needed}.items()
        if name in message and name not in missing and not check(message[name])
    ]
    objections = [Objection("201", ",".join(missing))] if missing else []
    return objections + ([Objection("203", ",".join(wrong))] if wrong else [])


def _of_status(status: object, version: str) -> dict[str, Check]:
    if status in ("Y", "A"):
        return {"authenticationValue": _is_authentication_value}
    if status in ("N", "U", "R"):
        return {"transStatusReason": _is_reason(version)}
    return {}


def _way_of_challenge(version: str, *, is_browser: bool) -> dict[str, Check]:
    if is_browser:
        return {"acsURL": _is_url, **_means(version)}
    return {
        "acsSignedContent": _is_jws,
        "acsRenderingType": _is_rendering(version),
        **_means(version),
    }


def _means(version: str) -> dict[str, Check]:
    if version == "2.3.1":
        return {"authenticationMethod": _is_list_of_codes}
    return {"authenticationType": _is_code}


def _common_optional(version: str) -> dict[str, Check]:
    return {"eci": is_text(2), "transStatusReason": _is_reason(version)}


def _unwanted_in_ares(status: str, version: str) -> list[str]:
    unwanted = ["challengeCancel", "interactionCounter"]
    if version != "2.3.1":
        unwanted.append("authenticationMethod")
    if status != "C":
        unwanted += ["acsURL", "acsSignedContent", "acsRenderingType"]
    if status in "CDS":
        unwanted.append("authenticationValue")
    return unwanted


def _is_uuid(value: object) -> bool:
    return isinstance(value, str) and _UUID.fullmatch(value) is not None


def is_same_id(earlier: Message, name: str) -> Check:
    """Demand the id of an earlier message; letters in either case."""
    expected = earlier.get(name)
    return lambda value: (
        isinstance(value, str) and isinstance(expected, str) and value.lower() == expected.lower()
    )


def is_text(length_max: int) -> Check:
    """Demand a text that is not empty and at most so long."""
    return lambda value: isinstance(value, str) and 0 < len(value) <= length_max


def _is_code(value: object) -> bool:
    return isinstance(value, str) and re.fullmatch("[0-9]{2}", value) is not None


def is_one_of(values: str | set[str]) -> Check:
    """Demand one of these values."""
    return lambda value: isinstance(value, str) and value != "" and value in set(values)


def _is_reason(version: str) -> Check:
    known = {f"{code:02d}" for code in range(1, _REASON_MAX.get(version, 30) + 1)}
    known |= {str(code) for code in range(80, 100)}  # 80-99 belong to the Directory Server
    return lambda value: _is_code(value) and value in known


def _is_list_of_codes(value: object) -> bool:
    return isinstance(value, list) and 0 < len(value) <= 99 and all(_is_code(v) for v in value)  # noqa: PLR2004 - the table's limit


def _is_url(value: object) -> bool:
    return isinstance(value, str) and re.fullmatch(r"https?://[^\s]{1,2040}", value) is not None


def _is_jws(value: object) -> bool:
    return isinstance(value, str) and value.count(".") == 2  # noqa: PLR2004 - a JWS has three parts


def _is_rendering(version: str) -> Check:
    names = {"acsInterface", "acsUiTemplate"}
    names |= {"deviceUserInterfaceMode"} if version == "2.3.1" else set()
    templates = [f"{number:02d}" for number in range(1, 8 if version == "2.3.1" else 6)]
    return lambda value: (
        isinstance(value, dict)
        and set(value) == names
        and value["acsInterface"] in ("01", "02")
        and value["acsUiTemplate"] in templates
    )


def _is_authentication_value(value: object) -> bool:
    if not isinstance(value, str) or len(value) != _AUTHENTICATION_VALUE_LENGTH:
        return False
    try:
        b64decode(value, validate=True)
    except NotBase64:
        return False
    return True

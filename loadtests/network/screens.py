"""What an SDK demands of the messages that come out of their envelopes: screens, and the end.

Pure, and written on its own from the protocol's rules, as strictly as the strictest SDK in the
field: it refuses anything that is missing, too much, or empty.
"""

import re
from base64 import urlsafe_b64decode
from binascii import Error as NotBase64
from collections.abc import Mapping

from loadtests.network.checks import (
    Check,
    Objection,
    is_one_of,
    is_same_id,
    is_text,
    violations,
)
from loadtests.network.purchases import Message

SUBMIT_URL = "https://emv3ds/challenge"

_LABEL, _TEXT, _INFO = 45, 350, 256
_CONSENT_MAX = 64
_HTML_CHARACTERS_MAX = 100_000
_NATIVE, _HTML = "01", "02"
_HTML_TYPES = ("05", "06")
_ENVELOPE = ("messageType", "messageVersion", "threeDSServerTransID", "acsTransID", "sdkTransID")
_FINAL = {*_ENVELOPE, "acsCounterAtoS", "challengeCompletionInd", "transStatus"}
# Nothing of these may stand in a document that a locked-down view shows.
_FORBIDDEN = re.compile(
    r"<\s*(?:script|iframe|object|embed|link|base|meta[^>]+http-equiv=[\"']?refresh)\b"
    r"|<a\b[^>]*\bhref|\bon[a-z]+\s*=\s*[\"']|url\(\s*[\"']?(?!data:)|\bsrc\s*=\s*[\"'](?!data:)",
    re.IGNORECASE,
)
_FORM = re.compile(r"<form\b[^>]*>", re.IGNORECASE)


def check_answer(cres: Message, areq: Message, ares: Message) -> list[Objection]:
    """Say what is wrong with a CRes in the app, a screen or the final one."""
    version = str(areq.get("messageVersion"))
    needed: dict[str, Check] = {
        "messageVersion": lambda value: value == version,
        "threeDSServerTransID": is_same_id(areq, "threeDSServerTransID"),
        "acsTransID": is_same_id(ares, "acsTransID"),
        "sdkTransID": is_same_id(areq, "sdkTransID"),
        "acsCounterAtoS": _is_counter,
    }
    if "transStatus" in cres:
        needed |= {"transStatus": is_one_of("YN"), "challengeCompletionInd": is_one_of("Y")}
        return _more_than(_FINAL, cres) + violations(cres, needed, {})
    needed |= {"challengeCompletionInd": is_one_of("N"), "acsUiType": _is_type(areq, ares)}
    kind = cres.get("acsUiType")
    optional: dict[str, Check] = {}
    if kind in _HTML_TYPES:
        needed["acsHTML"] = is_document
    else:
        needed |= _native(str(kind), version)
        optional = _native_more(version)
    known = {"messageType", *needed, *optional}
    return (
        _more_than(known, cres) + violations(cres, needed, optional) + _alone(cres) + _empty(cres)
    )


def _native(kind: str, version: str) -> dict[str, Check]:
    needed = {
        "challengeInfoHeader": is_text(_LABEL),
        "challengeInfoLabel": is_text(_LABEL),
        "challengeInfoText": is_text(_TEXT),
        "submitAuthenticationLabel": is_text(_LABEL),
    }
    if kind == "01" and version == "2.3.1":
        needed["challengeEntryBox"] = _is_entry_box
    return needed


def _native_more(version: str) -> dict[str, Check]:
    more: dict[str, Check] = {
        "challengeInfoTextIndicator": is_one_of("YN"),
        "resendInformationLabel": is_text(_LABEL),
        "whyInfoLabel": is_text(_LABEL),
        "whyInfoText": is_text(_INFO),
        "expandInfoLabel": is_text(_LABEL),
        "expandInfoText": is_text(_INFO),
        "issuerImage": _are_images(version),
        "psImage": _are_images(version),
    }
    if version == "2.2.0":
        more["whitelistingInfoText"] = is_text(_CONSENT_MAX)
    if version == "2.3.1":
        more["trustListInfoText"] = is_text(_CONSENT_MAX)
        more["togglePositionInd"] = is_one_of({"01"})
    return more


def _more_than(known: set[str], cres: Message) -> list[Objection]:
    more = [name for name in cres if name not in known]
    return [Objection("203", ",".join(more) + " (not in this CRes)")] if more else []


def _alone(cres: Message) -> list[Objection]:
    lonely = [
        name
        for one in ("whyInfo", "expandInfo")
        for name, other in ((f"{one}Label", f"{one}Text"), (f"{one}Text", f"{one}Label"))
        if name in cres and other not in cres
    ]
    return [Objection("203", ",".join(lonely))] if lonely else []


def _empty(cres: Message) -> list[Objection]:
    empty = [name for name, value in cres.items() if value in (None, "", [], {})]
    return [Objection("203", ",".join(empty) + " (empty)")] if empty else []


def _is_counter(value: object) -> bool:
    return isinstance(value, str) and re.fullmatch(r"[0-9]{3}", value) is not None


def _is_type(areq: Message, ares: Message) -> Check:
    """Demand a kind of screen that the SDK can show and the ARes has announced."""
    options = areq.get("deviceRenderOptions")
    able = options.get("sdkUiType") if isinstance(options, dict) else None
    rendering = ares.get("acsRenderingType")
    interface = rendering.get("acsInterface") if isinstance(rendering, dict) else None

    def fits(value: object) -> bool:
        is_html = interface == _HTML
        if is_html != (value in _HTML_TYPES):
            return False
        return isinstance(able, list) and (value in able or is_html)

    return fits


def _is_entry_box(value: object) -> bool:
    return (
        isinstance(value, dict)
        and is_text(_LABEL)(value.get("challengeDataEntryLabel"))
        and all(isinstance(one, str) and one for one in value.values())
        and ("challengeDataEntryMasking" not in value or "challengeDataEntryToggle" in value)
    )


def _are_images(version: str) -> Check:
    names = (
        {"default", "dark", "monochrome"} if version == "2.3.1" else {"medium", "high", "extraHigh"}
    )
    return lambda value: (
        isinstance(value, dict)
        and bool(value)
        and set(value) <= names
        and all(isinstance(url, str) and url.startswith("https://") for url in value.values())
    )


def is_document(value: object) -> bool:
    """Demand acsHTML for a locked-down view: forms to the SDK alone, nothing from outside."""
    html = document(value)
    if html is None or len(str(value)) > _HTML_CHARACTERS_MAX:
        return False
    forms = _FORM.findall(html)
    return (
        bool(forms)
        and all(SUBMIT_URL in form.lower() for form in forms)
        and all(re.search(r"method\s*=\s*[\"']?get\b", form, re.IGNORECASE) for form in forms)
        and _FORBIDDEN.search(html) is None
    )


def document(value: object) -> str | None:
    """Read an acsHTML; None when it is not base64url of UTF-8 without padding."""
    if not isinstance(value, str) or re.fullmatch(r"[A-Za-z0-9_-]+", value) is None:
        return None
    try:
        return urlsafe_b64decode(value + "=" * (-len(value) % 4)).decode()
    except (NotBase64, UnicodeDecodeError):
        return None


def intercepted(html: str, where: Mapping[str, str]) -> str:
    """Give the document with its forms caught, as an SDK catches them: sent to us in its place.

    `where` are the attributes that each form gets instead of its own action and method.
    """
    attributes = " ".join(f'{name}="{value}"' for name, value in where.items())

    def caught(form: re.Match[str]) -> str:
        own = re.sub(
            r"\s(?:action|method|target)\s*=\s*(?:\"[^\"]*\"|'[^']*'|[^\s>]+)",
            "",
            form.group(),
            flags=re.IGNORECASE,
        )
        return f"{own[:-1].rstrip()} {attributes}>"

    return _FORM.sub(caught, html)

"""The 3DS Server's part: opens a purchase, reads the ARes, makes the creq, takes the results.

Pure but for the ids and keys it draws; the sending is `exchange.py`'s.
"""

import json
import secrets
from base64 import urlsafe_b64decode, urlsafe_b64encode
from collections.abc import Mapping
from datetime import datetime
from uuid import uuid4

from loadtests.network import areq as areqs
from loadtests.network.checks import Objection, check_ares, check_cres, read_json
from loadtests.network.purchases import Faults, Message, Purchase
from loadtests.network.sdk import REFERENCE_NUMBER, App, Refused, Sdk

_NO_FAULTS = Faults()


def base64url(message: object) -> str:
    """Encode a message as the protocol does: base64url of its JSON, no padding."""
    raw = json.dumps(message, separators=(",", ":")).encode()
    return urlsafe_b64encode(raw).rstrip(b"=").decode()


def open_base64url(text: str) -> Message | Objection:
    """Decode what `base64url` encodes; padding and either alphabet are forgiven."""
    try:
        stripped = text.strip().rstrip("=").replace("+", "-").replace("/", "_").encode("ascii")
        raw = urlsafe_b64decode(stripped + b"=" * (-len(stripped) % 4))
    except ValueError:
        return Objection("101", "Not base64url")
    return read_json(raw)


def identity(base_url: str, sdk: Sdk | None = None) -> areqs.Identity:
    """Draw the ids of a new transaction; the key is the SDK's, or one that nobody holds."""
    known = sdk or Sdk(REFERENCE_NUMBER, None)
    return areqs.Identity(
        three_ds_server_trans_id=str(uuid4()),
        sdk_trans_id=str(uuid4()),
        sdk_app_id=str(uuid4()),
        sdk_reference_number=known.reference_number,
        sdk_public_key={**known.public_jwk},
        base_url=base_url,
    )


def with_overrides(areq: Message, overrides: Mapping[str, object]) -> Message:
    """Replace elements of an AReq; a None removes one."""
    replaced = areq | dict(overrides)
    return {name: value for name, value in replaced.items() if value is not None}


def open_purchase(
    order: areqs.Order,
    areq: Message,
    now: datetime,
    *,
    faults: Faults = _NO_FAULTS,
    sdk: Sdk | None = None,
) -> Purchase:
    """Write a purchase down, before anything is sent."""
    return Purchase(
        id=secrets.token_urlsafe(12),
        created_at=now,
        channel=order.channel,
        version=str(areq.get("messageVersion", order.version)),
        amount_minor=order.amount_minor,
        currency=order.currency,
        merchant_name=order.merchant_name,
        window_size=order.window_size,
        phone=order.card.phone if order.card else None,
        areq=areq,
        faults=faults,
        faults_left=faults.times,
        app=None if sdk is None else App(sdk),
    )


def read_answer(purchase: Purchase, raw: bytes, now: datetime) -> None:
    """Read what came back for the AReq: an ARes, an Erro, or something that is neither."""
    message = read_json(raw)
    if isinstance(message, Objection):
        purchase.failure = f"The ACS's answer cannot be read: {message.detail}"
        purchase.note(now, "ACS", "Directory Server", "?", note=purchase.failure, is_bad=True)
        return
    match message.get("messageType"):
        case "ARes":
            _read_ares(purchase, message, now)
        case "Erro":
            purchase.erro = message
            note = f"{message.get('errorCode')} {message.get('errorDetail')}"
            purchase.note(
                now, "ACS", "Directory Server", "Erro", message=message, note=note, is_bad=True
            )
        case other:
            purchase.failure = f"The ACS answered with a message of type {str(other)[:40]!r}"
            purchase.note(
                now,
                "ACS",
                "Directory Server",
                "?",
                message=message,
                note=purchase.failure,
                is_bad=True,
            )


def _read_ares(purchase: Purchase, ares: Message, now: datetime) -> None:
    purchase.ares = ares
    status = str(ares.get("transStatus"))
    note = f"transStatus {status}"
    if "transStatusReason" in ares:
        note += f", reason {ares['transStatusReason']}"
    purchase.note(now, "ACS", "Directory Server", "ARes", message=ares, note=note)
    find_faults(purchase, "ARes", check_ares(ares, purchase.areq), now)
    if status == "C" and purchase.areq.get("deviceChannel") == "02":
        purchase.creq_message = {
            "messageType": "CReq",
            "messageVersion": purchase.version,
            "threeDSServerTransID": purchase.areq.get("threeDSServerTransID"),
            "acsTransID": ares.get("acsTransID"),
            "challengeWindowSize": purchase.window_size,
        }
        purchase.creq = base64url(purchase.creq_message)
        purchase.session_data = base64url({"purchase": purchase.id})
    if status == "C" and purchase.app is not None:
        try:
            purchase.app.sdk.accept(ares, purchase.areq, now)
        except Refused as refused:
            find_faults(purchase, "ARes", [refused.objection], now)


def begin_method(purchase: Purchase, notification_url: str, now: datetime) -> None:
    """Write down that the browser is sent to the 3DS Method before the AReq."""
    message: Message = {
        "threeDSServerTransID": purchase.areq["threeDSServerTransID"],
        "threeDSMethodNotificationURL": notification_url,
    }
    purchase.method = base64url(message)
    purchase.areq["threeDSCompInd"] = "N"
    purchase.note(now, "Browser", "ACS", "3DS Method", message=message, note="in a hidden frame")


def end_method(purchase: Purchase, now: datetime) -> None:
    """Take the notification that the 3DS Method is through; one after the AReq changes nothing."""
    if not purchase.is_before_the_areq or purchase.areq["threeDSCompInd"] == "Y":
        return
    purchase.areq["threeDSCompInd"] = "Y"
    if purchase.version == "2.3.1":
        purchase.areq["threeDSMethodId"] = purchase.areq["threeDSServerTransID"]
    purchase.note(now, "Browser", "3DS Server", "3DS Method", note="completed, threeDSCompInd Y")


def give_up_method(purchase: Purchase, now: datetime) -> None:
    """Go on without the notification, if none has come."""
    if purchase.areq["threeDSCompInd"] == "N":
        note = "no word of it, threeDSCompInd N"
        purchase.note(now, "Browser", "3DS Server", "3DS Method", note=note, is_bad=True)


def take_results(purchase: Purchase, rreq: Message, now: datetime) -> Message:
    """Take the results the Directory Server relays and give the RRes."""
    purchase.rreq = rreq
    purchase.rres = {
        "messageType": "RRes",
        "messageVersion": purchase.version,
        "threeDSServerTransID": rreq["threeDSServerTransID"],
        "dsTransID": rreq["dsTransID"],
        "acsTransID": rreq["acsTransID"],
        "resultsStatus": "01",
    }
    if "sdkTransID" in rreq:
        purchase.rres["sdkTransID"] = rreq["sdkTransID"]
    purchase.note(now, "Directory Server", "3DS Server", "RReq", note=_summary(rreq))
    purchase.note(now, "3DS Server", "ACS", "RRes", message=purchase.rres)
    return purchase.rres


def take_notification(
    purchase: Purchase, message: Message, session_data: str | None, now: datetime
) -> None:
    """Take what the browser brought to the notificationURL: a CRes, or an Erro in its place."""
    if message.get("messageType") == "Erro":
        note = f"{message.get('errorCode')} {message.get('errorDetail')}"
        purchase.note(now, "Browser", "3DS Server", "Erro", message=message, note=note, is_bad=True)
        if purchase.cres is None:
            purchase.findings.append(f"Erro at the notificationURL: {note}")
        return
    note = f"transStatus {message.get('transStatus')}"
    if purchase.cres is not None:
        purchase.note(now, "Browser", "3DS Server", "CRes", note=f"again: {note}")
        if message != purchase.cres:
            purchase.findings.append("CRes: a second one says something else")
        return
    purchase.cres = message
    purchase.note(now, "Browser", "3DS Server", "CRes", message=message, note=note)
    find_faults(purchase, "CRes", check_cres(message, purchase.areq, purchase.ares or {}), now)
    if session_data != purchase.session_data:
        purchase.findings.append("CRes: threeDSSessionData did not come back as it went out")
    compare_with_results(purchase, message)


def compare_with_results(purchase: Purchase, cres: Message) -> None:
    """Hold a final CRes against the results, which have to come first and to say the same."""
    told = (purchase.rreq or {}).get("transStatus")
    if told is None:
        purchase.findings.append("CRes: came before the results")
    elif (told == "Y") != (cres.get("transStatus") == "Y"):
        purchase.findings.append("CRes: says something else than the results")


def find_faults(purchase: Purchase, name: str, faults: list[Objection], now: datetime) -> None:
    """Write down what is wrong with a message."""
    for fault in faults:
        finding = f"{name}: {fault.code} {fault.detail}"
        purchase.findings.append(finding)
        purchase.note(now, "Directory Server", "Log", "!", note=finding, is_bad=True)


def _summary(rreq: Message) -> str:
    names = ("transStatus", "transStatusReason", "eci", "challengeCancel", "interactionCounter")
    return ", ".join(f"{name} {rreq[name]}" for name in names if name in rreq)

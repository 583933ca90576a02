"""The Directory Server's part: adds its elements to the AReq, takes the results request.

It is strict about results. The first valid RReq of a transaction is taken and handed to the
3DS Server; the same bytes again get the same RRes and are not taken again; anything else about a
finished transaction is refused. No await stands between looking and taking, so two deliveries at
the same moment cannot both be first.
"""

import json
from dataclasses import dataclass
from datetime import datetime

from loadtests.network import three_ds_server
from loadtests.network.checks import Objection, check_rreq, read_json
from loadtests.network.purchases import Message, Purchase, Purchases

REFERENCE_NUMBER = "DEMO_DIRECTORY_SERVER_020301_01"
VERSIONS = ("2.1.0", "2.2.0", "2.3.1")

# Standard sentences for the codes this Directory Server sends.
_DESCRIPTIONS = {
    "101": "Message received is not valid",
    "102": "Message version not supported",
    "201": "Required element missing",
    "203": "Element not in the required format",
    "204": "Duplicate element",
    "301": "Transaction not recognised",
    "312": "Duplicate message",
    "313": "RReq inconsistent with the transaction",
}


def complete(areq: Message, ds_trans_id: str, base_url: str) -> Message:
    """Add what the Directory Server adds on the way to the Access Control Server."""
    added: Message = {
        "dsReferenceNumber": REFERENCE_NUMBER,
        "dsTransID": ds_trans_id,
        "dsURL": f"{base_url}/ds/rreq",
    }
    if areq.get("deviceChannel") == "01":
        # The SDK's encrypted data, opened by the Directory Server: base64url of its JSON.
        added["deviceInfo"] = three_ds_server.base64url({"DV": "1.6", "DD": {"C001": "Android"}})
    return areq | added


@dataclass(frozen=True, slots=True)
class Answer:
    """What goes back for a results request: a message, or nothing (an Erro is not answered)."""

    message: Message | None
    is_accepted: bool = False

    @property
    def body(self) -> bytes:
        """Give the bytes of the answer."""
        return b"" if self.message is None else json.dumps(self.message).encode()


def take_results(purchases: Purchases, raw: bytes, now: datetime) -> Answer:
    """Take an RReq (or an Erro) from the Access Control Server and answer it."""
    message = read_json(raw)
    if isinstance(message, Objection):
        return Answer(_erro(message, {}, None))
    purchase = purchases.by_message(message)
    if message.get("messageType") == "Erro":
        if purchase is not None:
            purchase.note(
                now,
                "ACS",
                "Directory Server",
                "Erro",
                message=message,
                is_bad=True,
                note=f"{message.get('errorCode')} {message.get('errorDetail')}",
            )
        return Answer(None)
    if purchase is not None:
        purchase.rreq_deliveries += 1
        if raw == purchase.rreq_bytes:
            purchase.note(now, "ACS", "Directory Server", "RReq", note="again: same RRes")
            return Answer(purchase.rres)
    objection = _objection(message, purchase)
    if objection is not None:
        if purchase is not None:
            purchase.note(
                now,
                "ACS",
                "Directory Server",
                "RReq",
                message=message,
                is_bad=True,
                note=f"refused with {objection.code} {objection.detail}",
            )
        return Answer(_erro(objection, message, "RReq"))
    assert purchase is not None  # an unknown transaction is an objection
    purchase.note(now, "ACS", "Directory Server", "RReq", message=message)
    rres = three_ds_server.take_results(purchase, message, now)
    purchase.rreq_bytes = raw
    purchase.rreq_accepted += 1
    return Answer(rres, is_accepted=True)


def _objection(message: Message, purchase: Purchase | None) -> Objection | None:
    version = message.get("messageVersion")
    if message.get("messageType") != "RReq":
        return Objection("101", "Only RReq and Erro are taken here")
    if version in (None, ""):
        return Objection("201", "messageVersion")
    if version not in VERSIONS:
        return Objection("102", ",".join(VERSIONS))
    if purchase is None or purchase.ares is None:
        return Objection("301", "No such transaction")
    return _objection_of_state(message, purchase, purchase.ares)


def _objection_of_state(message: Message, purchase: Purchase, ares: Message) -> Objection | None:
    # 312 and 313 exist since 2.3.1; before, the transaction is simply not one that is expected.
    is_new = purchase.version == "2.3.1"
    if purchase.rreq is not None:
        return Objection("312" if is_new else "301", "The results are already in")
    if ares.get("transStatus") not in ("C", "D", "S"):
        return Objection("313" if is_new else "301", "No results are due after this ARes")
    objections = check_rreq(message, purchase.areq, ares)
    return objections[0] if objections else None


def _erro(objection: Objection, about: Message, message_type: str | None) -> Message:
    version = about.get("messageVersion")
    erro: Message = {
        "messageType": "Erro",
        "messageVersion": version if version in VERSIONS else VERSIONS[-1],
        "errorCode": objection.code,
        "errorComponent": "D",
        "errorDescription": _DESCRIPTIONS[objection.code],
        "errorDetail": objection.detail[:2048],
    }
    if message_type is not None:
        erro["errorMessageType"] = message_type
    for name in ("threeDSServerTransID", "dsTransID", "acsTransID"):
        if isinstance(about.get(name), str):
            erro[name] = about[name]
    return erro

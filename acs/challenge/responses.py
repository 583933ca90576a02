"""The messages of a challenge: the RReq, and the CRes of either channel.

Laws:
- The RReq is made once from the stored outcome and kept as the bytes it will be sent as; a retry
  sends the same bytes [rule 8.12].
- Its status is never C, I or S [rule 13.2]. The value of the proof goes into the RReq of a Y only,
  never into a CRes [rule 3.22].
- The final CRes says Y or N and nothing more [rules 3.3, 5.25, 6.39].
- What is returned has passed its own table; a fault is ours and an AssertionError.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from acs.transaction import METHODS, list_status
from schemas import messages
from schemas.canonical import to_json
from schemas.compiler import Context
from schemas.values import (
    AuthenticationType,
    DeviceChannel,
    ListStatus,
    MessageCategory,
    TransStatus,
)
from schemas.versions import V210, V231

if TYPE_CHECKING:
    from collections.abc import Mapping

    from acs.challenge.state import Challenge, Outcome
    from acs.transaction import AuthenticationValue, Elements, Transaction

_WITH_METHOD: Final = {TransStatus.AUTHENTICATED, TransStatus.NOT_AUTHENTICATED}
_WITH_REASON: Final = {
    TransStatus.NOT_AUTHENTICATED,
    TransStatus.COULD_NOT,
    TransStatus.REJECTED,
}


def final_cres(
    transaction: Transaction, challenge: Challenge, counter: int | None = None
) -> dict[str, object]:
    """Give the final CRes; the challenge knows its ``cres_status``.

    ``counter`` is that of the CReq it answers in the app, None in the browser.
    """
    if challenge.cres_status is None:
        message = "the final CRes waits for the results"
        raise AssertionError(message)
    cres: dict[str, object] = {
        **_answering(transaction, counter),
        "challengeCompletionInd": "Y",
        "transStatus": challenge.cres_status,
    }
    messages.check_outgoing("CRes", cres, _context(transaction, flow="final"))
    return cres


def screen_cres(
    transaction: Transaction, screen: Mapping[str, object], counter: int
) -> dict[str, object]:
    """Give the CRes that shows one more screen in the app; ``screen`` is its elements."""
    cres = {**_answering(transaction, counter), "challengeCompletionInd": "N", **screen}
    messages.check_outgoing("CRes", cres, _context(transaction, flow="non-final"))
    return cres


def _answering(transaction: Transaction, counter: int | None) -> dict[str, object]:
    core: dict[str, object] = {
        "messageType": "CRes",
        "messageVersion": transaction.message_version,
        "threeDSServerTransID": transaction.three_ds_server_trans_id,
        "acsTransID": str(transaction.acs_trans_id),
    }
    if counter is None:
        return core
    return {**core, "sdkTransID": transaction.sdk_trans_id, "acsCounterAtoS": f"{counter:03d}"}


def rreq(
    transaction: Transaction,
    challenge: Challenge,
    *,
    eci: str | None,
    proof: AuthenticationValue | None,
    rendering: Mapping[str, object] | None = None,
) -> dict[str, object]:
    """Give the RReq of the outcome. ``proof`` is there with the Y of a payment and nothing else.

    ``rendering``: acsRenderingType of a challenge in the app.
    """
    told = challenge.outcome
    if told is None:
        message = "an RReq needs an outcome"
        raise AssertionError(message)
    proved = told.trans_status == TransStatus.AUTHENTICATED
    if transaction.message_category == MessageCategory.PA and proved != (proof is not None):
        message = "a proof goes with a Y and with nothing else"
        raise AssertionError(message)
    parts = {
        **_core(transaction),
        **_outcome(told, transaction.message_version),
        **_method(told, transaction.message_version, challenge.elements),
        "interactionCounter": f"{challenge.interaction_counter:02d}",
        **_trusted(told, transaction, challenge),
        "acsRenderingType": rendering,
        "eci": eci,
        "authenticationValue": None if proof is None else proof.value.reveal(),
    }
    sent = {name: value for name, value in parts.items() if value is not None}
    messages.check_outgoing("RReq", sent, _context(transaction))
    return sent


def to_bytes(message: Mapping[str, object]) -> bytes:
    """Serialise a message in its one canonical form: UTF-8, sorted names, no blanks."""
    return to_json(message)


def _core(transaction: Transaction) -> dict[str, object]:
    in_app = transaction.device_channel == DeviceChannel.APP
    knows_sdk = in_app and transaction.message_version != V210
    return {
        "messageType": "RReq",
        "messageVersion": transaction.message_version,
        "messageCategory": transaction.message_category,
        "threeDSServerTransID": transaction.three_ds_server_trans_id,
        "dsTransID": transaction.ds_trans_id,
        "acsTransID": str(transaction.acs_trans_id),
        "sdkTransID": transaction.sdk_trans_id if knows_sdk else None,
    }


def _outcome(told: Outcome, version: str) -> dict[str, object]:
    reason = told.reason if told.trans_status in _WITH_REASON else None
    reported = told.error if version == V231 else None
    return {
        "transStatus": str(told.trans_status),
        "transStatusReason": None if reason is None else str(reason),
        "challengeCancel": None if told.challenge_cancel is None else str(told.challenge_cancel),
        "challengeErrorReporting": None if reported is None else dict(reported),
    }


def _method(told: Outcome, version: str, elements: Elements) -> dict[str, object]:
    """How the cardholder was asked, or would have been [rules 3.29, 3.30, 8.7]."""
    if told.trans_status not in _WITH_METHOD:
        return {}
    methods = METHODS[elements]
    if version == V231:
        return {"authenticationMethod": list(methods)}
    return {
        "authenticationType": str(AuthenticationType.DYNAMIC),
        "authenticationMethod": methods[0],
    }


def _trusted(told: Outcome, transaction: Transaction, challenge: Challenge) -> dict[str, object]:
    """Say what came of the offer to trust the merchant; it counts with a success only [7.26]."""
    if not transaction.offers_trust or told.trans_status != TransStatus.AUTHENTICATED:
        return {}
    status = ListStatus.LISTED if challenge.trusts else ListStatus.REFUSED
    return list_status(transaction.message_version, status)


def _context(transaction: Transaction, flow: str | None = None) -> Context:
    return Context(
        version=transaction.message_version,
        channel=transaction.device_channel,
        category=transaction.message_category,
        flow=flow,
        earlier=asked_and_answered(transaction),
    )


def asked_and_answered(transaction: Transaction) -> dict[str, dict[str, object]]:
    """Give of AReq and ARes what later messages are held against."""
    asked: dict[str, object] = {
        "threeDSServerTransID": transaction.three_ds_server_trans_id,
        "dsTransID": transaction.ds_trans_id,
        "messageVersion": transaction.message_version,
        "messageCategory": transaction.message_category,
        "deviceChannel": transaction.device_channel,
    }
    if transaction.sdk_trans_id is not None:
        asked["sdkTransID"] = transaction.sdk_trans_id
    answered: dict[str, object] = {
        "acsTransID": str(transaction.acs_trans_id),
        "transStatus": transaction.trans_status,
    }
    return {"AReq": asked, "ARes": answered}

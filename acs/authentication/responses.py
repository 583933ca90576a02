"""The ARes of a decision: which element goes into which answer [rules 3.25-3.40].

Laws:
- Nothing empty is ever sent, and no element that the version does not know [rules 10.3, 13.7].
- Identifiers are echoed as they were spelled; the version is the AReq's [rule 13.5].
- What is returned has passed its own table; a fault is ours and an AssertionError.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from acs.authentication.case import Exemption
from acs.transaction import METHODS, list_status
from schemas import messages
from schemas.compiler import Context
from schemas.values import AuthenticationType, DeviceChannel, TransStatus
from schemas.versions import V220, V231

if TYPE_CHECKING:
    from acs.authentication.case import Decision
    from acs.transaction import AcsTransId, AuthenticationValue
    from schemas.compiler import Reading

DEVICE_DATA_VERSION: Final = "1.7"
"""The highest version of the app channel's device data that is understood; always sent."""

INFO_MAX: Final = 128
EXEMPTIONS: Final = {Exemption.TRUSTED: "08", Exemption.LOW_VALUE: "10"}
"""transChallengeExemption of the exemptions that are ours [rule 3.38]."""
_NO_INFO: Final = {TransStatus.CHALLENGE, TransStatus.DECOUPLED, TransStatus.SPC}


@dataclass(frozen=True, slots=True)
class Identity:
    """Who this server is towards one Directory Server: approval reference and operator id."""

    reference_number: str
    operator_id: str | None = None


def ares(  # noqa: PLR0913 - an answer has these parts
    areq: Reading,
    decision: Decision,
    *,
    acs_trans_id: AcsTransId,
    identity: Identity,
    challenge_url: str,
    eci: str | None = None,
    proof: AuthenticationValue | None = None,
    cardholder_text: str | None = None,
) -> messages.Written:
    """Write the ARes. ``proof`` is there with Y and A of a payment and with nothing else.

    ``challenge_url`` goes into acsURL of a browser challenge; ``cardholder_text`` is the text of
    ``decision.cardholder_info`` in the cardholder's language, cut to 128 characters.
    Raises OutgoingInvalid (an AssertionError) when the parts do not make a right message.
    """
    message = _core(areq, decision, acs_trans_id, identity)
    if eci is not None:
        message["eci"] = eci
    if proof is not None:
        message["authenticationValue"] = proof.value.reveal()
    if decision.trans_status in _NO_INFO:
        message |= _challenge(areq, decision, challenge_url)
    else:
        message |= _final(areq, cardholder_text)
    message |= _exempted(areq.context.version, decision)
    return messages.written("ARes", message, _context(areq))


def _context(areq: Reading) -> Context:
    asked = areq.context
    return Context(
        version=asked.version,
        channel=asked.channel,
        category=asked.category,
        earlier={"AReq": areq.values},
    )


def _core(
    areq: Reading, decision: Decision, acs_trans_id: AcsTransId, identity: Identity
) -> dict[str, object]:
    values, version = areq.values, areq.context.version
    core: dict[str, object] = {
        "messageType": "ARes",
        "messageVersion": version,
        "threeDSServerTransID": values["threeDSServerTransID"],
        "dsTransID": values["dsTransID"],
        "acsTransID": str(acs_trans_id),
        "acsReferenceNumber": identity.reference_number,
        "dsReferenceNumber": values["dsReferenceNumber"],
        "transStatus": decision.trans_status,
    }
    if identity.operator_id is not None:
        core["acsOperatorID"] = identity.operator_id
    if decision.reason is not None:
        core["transStatusReason"] = decision.reason
    if areq.context.channel == DeviceChannel.APP:
        core["sdkTransID"] = values["sdkTransID"]
        if version == V231:
            core["deviceInfoRecognisedVersion"] = DEVICE_DATA_VERSION
            core["threeDSRequestorAppURLInd"] = "N"
    return core


def _challenge(areq: Reading, decision: Decision, challenge_url: str) -> dict[str, object]:
    """Give what only a challenge carries: where it is held, how, and whether it has to be."""
    if decision.trans_status is not TransStatus.CHALLENGE or decision.elements is None:
        return {}
    since_231 = areq.context.version == V231
    kind: dict[str, object] = (
        {"authenticationMethod": list(METHODS[decision.elements])}
        if since_231
        else {"authenticationType": AuthenticationType.DYNAMIC}
    )
    return {
        "acsURL": challenge_url,
        "acsChallengeMandated": "Y" if decision.challenge_mandated else "N",
        **kind,
        **_not_decoupled(areq),
    }


def _final(areq: Reading, text: str | None) -> dict[str, object]:
    """Give what only an answer without a challenge may carry; nobody reads a text in 3RI."""
    final = _not_decoupled(areq)
    if text and areq.context.channel != DeviceChannel.RI3:
        cut = text[:INFO_MAX]
        final["cardholderInfo"] = {"text": cut} if areq.context.version == V231 else cut
    return final


def _exempted(version: str, decision: Decision) -> dict[str, object]:
    """Give what our list of trusted merchants says, and why a payment is exempt [3.35, 3.38]."""
    listed = {} if decision.list_status is None else list_status(version, decision.list_status)
    is_told = version == V231 and decision.trans_status == TransStatus.AUTHENTICATED
    exemption = EXEMPTIONS.get(decision.exemption) if is_told else None
    return {**listed, **({} if exemption is None else {"transChallengeExemption": exemption})}


def _not_decoupled(areq: Reading) -> dict[str, object]:
    """Say that nothing is decoupled, in 2.2.0 and only when it was asked [rule 3.28]."""
    asked = areq.context.version == V220 and "threeDSRequestorDecReqInd" in areq.values
    return {"acsDecConInd": "N"} if asked else {}

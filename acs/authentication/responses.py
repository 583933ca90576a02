"""The ARes of a decision: which element goes into which answer [rules 3.25-3.40].

Laws:
- Nothing empty is ever sent, and no element that the version does not know [rules 10.3, 13.7].
- Identifiers are echoed as they were spelled; the version is the AReq's [rule 13.5].
- What is returned has passed its own table; a fault is ours and an AssertionError.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final, NamedTuple

from acs.authentication.case import Exemption
from acs.transaction import METHODS, list_status
from schemas import messages
from schemas.compiler import Context
from schemas.values import AuthenticationType, DeviceChannel, TransStatus
from schemas.versions import V220, V231

if TYPE_CHECKING:
    from collections.abc import Mapping

    from acs.authentication.case import Decision
    from acs.transaction import AcsTransId, AuthenticationValue, Elements
    from schemas.compiler import Reading
    from schemas.values import ListStatus, TransStatusReason

DEVICE_DATA_VERSION: Final = "1.7"
"""The highest version of the app channel's device data that is understood; always sent."""

INFO_MAX: Final = 128
EXEMPTIONS: Final = {Exemption.TRUSTED: "08", Exemption.LOW_VALUE: "10"}
"""transChallengeExemption of the exemptions that are ours [rule 3.38]."""
_TEMPLATES_MAX: Final = 4096
"""Kept templates; some hundreds are met, and those of texts or policies that changed go in time."""
_NO_INFO: Final = {TransStatus.CHALLENGE, TransStatus.DECOUPLED, TransStatus.SPC}


@dataclass(frozen=True, slots=True)
class Identity:
    """Who this server is towards one Directory Server: approval reference and operator id."""

    reference_number: str
    operator_id: str | None = None


@dataclass(frozen=True, slots=True)
class InApp:
    """What an ARes of the app channel promises: acsRenderingType, and acsSignedContent."""

    rendering: Mapping[str, object]
    signed_content: str


class _Shape(NamedTuple):
    """All that makes an ARes but its identifiers and its value: those with one shape are alike.

    The last three are elements of the AReq that its table looks at.
    """

    version: str
    channel: str
    category: str
    trans_status: TransStatus
    reason: TransStatusReason | None
    elements: Elements | None
    challenge_mandated: bool
    exemption: Exemption
    list_status: ListStatus | None
    reference_number: str
    operator_id: str | None
    challenge_url: str
    eci: str | None
    cardholder_text: str | None
    is_proved: bool
    decoupled: object
    wish: object
    spc: object


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
    in_app: InApp | None = None,
) -> messages.Written:
    """Write the ARes. ``proof`` is there with Y and A of a payment and with nothing else.

    ``challenge_url`` goes into acsURL of a browser challenge; ``cardholder_text`` is the text of
    ``decision.cardholder_info`` in the cardholder's language, cut to 128 characters; ``in_app``
    is what a challenge in the app promises, and goes with nothing else.
    Raises OutgoingInvalid (an AssertionError) when the parts do not make a right message.
    """
    context = areq.context
    values: Mapping[str, Any] = areq.values
    wish = values.get("threeDSRequestorChallengeInd")
    shape = (  # a _Shape, in the order of its fields
        context.version,
        context.channel,
        context.category,
        decision.trans_status,
        decision.reason,
        decision.elements,
        decision.challenge_mandated,
        decision.exemption,
        decision.list_status,
        identity.reference_number,
        identity.operator_id,
        challenge_url,
        eci,
        cardholder_text,
        proof is not None,
        values.get("threeDSRequestorDecReqInd"),
        ",".join(wish) if isinstance(wish, list) else wish,
        values.get("threeDSRequestorSpcSupport"),
    )
    told: dict[str, str] = {
        "threeDSServerTransID": values["threeDSServerTransID"],
        "dsTransID": values["dsTransID"],
        "dsReferenceNumber": values["dsReferenceNumber"],
        "acsTransID": str(acs_trans_id),
    }
    if context.channel == DeviceChannel.APP:
        told["sdkTransID"] = values["sdkTransID"]
    if proof is not None:
        told["authenticationValue"] = proof.value.reveal()
    earlier = {"AReq": values}
    if in_app is not None:
        return _promising(_Shape(*shape), told, in_app, earlier)
    template = _TEMPLATES.get(shape)
    if template is None:
        template = _template(_Shape(*shape), told, earlier)
    return template.filled(told, earlier)


def _promising(
    shape: _Shape,
    told: Mapping[str, str],
    in_app: InApp,
    earlier: Mapping[str, Mapping[str, object]],
) -> messages.Written:
    """Write the ARes of a challenge in the app: what is signed is another text each time."""
    promised = {"acsRenderingType": in_app.rendering, "acsSignedContent": in_app.signed_content}
    values = {**_fixed(shape), **told, **promised}
    return messages.written("ARes", values, _context(shape, earlier))


_TEMPLATES: Final[dict[tuple[Any, ...], messages.Template]] = {}
"""Kept templates by their shapes; a plain tuple finds them as well, and is made sooner."""


def _template(
    shape: _Shape, told: Mapping[str, str], earlier: Mapping[str, Mapping[str, object]]
) -> messages.Template:
    """Make the template of a shape from its first message, and keep it."""
    context = _context(shape, earlier)
    template = messages.template("ARes", _fixed(shape), told, context)
    if len(_TEMPLATES) >= _TEMPLATES_MAX:
        _TEMPLATES.clear()
    _TEMPLATES[shape] = template
    return template


def _context(shape: _Shape, earlier: Mapping[str, Mapping[str, object]]) -> Context:
    return Context(shape.version, shape.channel, shape.category, earlier=earlier)


def _fixed(shape: _Shape) -> dict[str, object]:
    """Give the elements that all answers of a shape have alike."""
    fixed: dict[str, object] = {
        "messageType": "ARes",
        "messageVersion": shape.version,
        "acsReferenceNumber": shape.reference_number,
        "acsOperatorID": shape.operator_id,
        "transStatus": str(shape.trans_status),
        "transStatusReason": None if shape.reason is None else str(shape.reason),
        "eci": shape.eci,
        **_challenge(shape),
        **_final(shape),
        **_exempted(shape),
        **_app_231(shape),
    }
    return {name: value for name, value in fixed.items() if value is not None}


def _app_231(shape: _Shape) -> dict[str, object]:
    if shape.channel != DeviceChannel.APP or shape.version != V231:
        return {}
    return {
        "deviceInfoRecognisedVersion": DEVICE_DATA_VERSION,
        "threeDSRequestorAppURLInd": "N",
    }


def _challenge(shape: _Shape) -> dict[str, object]:
    """Give what only a challenge carries: where it is held, how, and whether it has to be."""
    if shape.trans_status != TransStatus.CHALLENGE or shape.elements is None:
        return {}
    since_231 = shape.version == V231
    kind: dict[str, object] = (
        {"authenticationMethod": list(METHODS[shape.elements])}
        if since_231
        else {"authenticationType": str(AuthenticationType.DYNAMIC)}
    )
    # In the app the URL travels in what is signed, and there alone [rule 3.32].
    in_browser = shape.channel != DeviceChannel.APP
    return {
        **({"acsURL": shape.challenge_url} if in_browser else {}),
        "acsChallengeMandated": "Y" if shape.challenge_mandated else "N",
        **kind,
        **_not_decoupled(shape),
    }


def _final(shape: _Shape) -> dict[str, object]:
    """Give what only an answer without a challenge may carry; nobody reads a text in 3RI."""
    if shape.trans_status in _NO_INFO:
        return {}
    is_read = shape.channel != DeviceChannel.RI3
    info = _info(shape.version, shape.cardholder_text) if is_read else None
    return {"cardholderInfo": info, **_not_decoupled(shape)}


def _exempted(shape: _Shape) -> dict[str, object]:
    """Give what our list of trusted merchants says, and why a payment is exempt [3.35, 3.38]."""
    status = shape.list_status
    listed = {} if status is None else list_status(shape.version, status)
    is_told = shape.version == V231 and shape.trans_status == TransStatus.AUTHENTICATED
    exemption = EXEMPTIONS.get(shape.exemption) if is_told else None
    return {**listed, **({} if exemption is None else {"transChallengeExemption": exemption})}


def _not_decoupled(shape: _Shape) -> dict[str, object]:
    """Say that nothing is decoupled, in 2.2.0 and only when it was asked [rule 3.28]."""
    asked = shape.version == V220 and shape.decoupled is not None
    return {"acsDecConInd": "N"} if asked else {}


def _info(version: str, text: str | None) -> object:
    if not text:
        return None
    cut = text[:INFO_MAX]
    return {"text": cut} if version == V231 else cut

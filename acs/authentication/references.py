"""What an AReq refers back to (device data, earlier authentications) and what later ones will.

An identifier is a claim of the requestor. Laws: one that is not a UUID refers to nothing; an
unknown one is no error [rules 4.5, 7.17].
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

from enrollment.model import Merchant
from schemas import base64url
from schemas.base64url import NotBase64Url
from schemas.formats import uuid
from schemas.json_reader import NotAMessage, read_object
from schemas.values import DeviceChannel

if TYPE_CHECKING:
    from schemas.compiler import Reading

GATHERED: Final = "Y"
"""threeDSCompInd of a 3DS Method that ran to its end."""
PRIOR_MAX: Final = 3
"""References looked up at most; the message has one, or three from 2.3.1 on."""

_PAYMENT: Final = "01"
"""threeDSRequestorAuthenticationInd of a single payment."""
_OF_A_SERIES: Final = (
    "recurringInd",
    "recurringAmount",
    "recurringDate",
    "recurringExpiry",
    "recurringFrequency",
    "purchaseInstalData",
)
_UUID: Final = uuid()
_WARNING: Final = re.compile("SW[0-9]{2}").fullmatch


def device_ids(areq: Reading) -> tuple[str, ...]:
    """Give the identifiers device data may be stored under, the AReq's own first [4.5, 4.6]."""
    if areq.context.channel != DeviceChannel.BRW:
        return ()
    values = areq.values
    # The first is a UUID in every AReq that was found right; the second is any text.
    own = (str(values["threeDSServerTransID"]),) if values.get("threeDSCompInd") == GATHERED else ()
    named = values.get("threeDSMethodId")
    return (*own, named) if isinstance(named, str) and _UUID.accepts(named) else own


def device_warnings(areq: Reading) -> tuple[str, ...]:
    """Give what the SDK warns of on its device, by code [rule 11.5]; device data has no other use.

    SW01 is a device that its owner or somebody else opened, SW02 an SDK that was changed, SW03 an
    emulator, SW04 a debugger, SW05 a system that the SDK is not made for.
    """
    told = areq.values.get("deviceInfo")
    if areq.context.channel != DeviceChannel.APP or not isinstance(told, str):
        return ()
    try:
        warned = read_object(base64url.decode(told)).message.get("SW")
    except (NotBase64Url, NotAMessage):
        return ()
    codes = warned if isinstance(warned, list) else []
    return tuple(sorted({one for one in codes if isinstance(one, str) and _WARNING(one)}))


def begins_a_series(areq: Reading) -> bool:
    """Tell whether more than one payment is agreed on now; nothing exempts that (RTS art. 14)."""
    asked = areq.values
    kind = asked.get("threeDSRequestorAuthenticationInd", _PAYMENT)
    return kind != _PAYMENT or any(name in asked for name in _OF_A_SERIES)


def merchant_of(areq: Reading) -> Merchant | None:
    """Give who asks, as a list of trusted merchants knows it; None where a part is missing."""
    acquirer, merchant = areq.values.get("acquirerBIN"), areq.values.get("acquirerMerchantID")
    return Merchant(str(acquirer), str(merchant)) if acquirer and merchant else None


def prior_ids(areq: Reading) -> tuple[str, ...]:
    """Give the acsTransIDs of the earlier authentications an AReq refers to, lower case."""
    told = areq.values.get("threeDSRequestorPriorAuthenticationInfo")
    infos = told if isinstance(told, list) else [told]
    named = [info.get("threeDSReqPriorRef") for info in infos if isinstance(info, dict)]
    known = [one.lower() for one in named if isinstance(one, str) and _UUID.accepts(one)]
    return tuple(dict.fromkeys(known))[:PRIOR_MAX]

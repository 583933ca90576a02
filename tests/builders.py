"""Valid messages, built from the project's own tables.

``areq(version="2.2.0", channel="02", category="01", purchaseAmount="500", email=None)`` gives a
dict with every element that its table requires there. Keyword arguments replace elements, None
takes one out; ``full=True`` adds every optional element. The values are the examples of the table's
formats, but for the elements that tests speak about.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from schemas.compiler import Context, compiled
from schemas.field import Field, ObjectOf, ObjectsOf, Table
from schemas.messages import TABLES
from schemas.presence import ALWAYS, Place, Presence, is_needed

if TYPE_CHECKING:
    from schemas.formats import Format

SERVER_TRANS_ID = "8a880dc0-d2d2-4067-bcb1-b08d1690b26e"
DS_TRANS_ID = "f25084f0-5b16-4c0a-ae5d-b24808a95e4b"
ACS_TRANS_ID = "d7c1ee99-9478-44a6-b1f2-391e29c6b340"
SDK_TRANS_ID = "b2385523-a66c-4907-ac3c-91848e8c0067"

CHANNELS = ("01", "02", "03")
CATEGORIES = ("01", "02")

_NAMED: dict[str, Any] = {
    "threeDSServerTransID": SERVER_TRANS_ID,
    "dsTransID": DS_TRANS_ID,
    "acsTransID": ACS_TRANS_ID,
    "sdkTransID": SDK_TRANS_ID,
    "acctNumber": "4532015112830366",
    "purchaseAmount": "12345",
    "purchaseCurrency": "985",
    "purchaseExponent": "2",
    "purchaseDate": "20260131125959",
    "merchantName": "Example Shop",
    "merchantCountryCode": "616",
    "mcc": "5411",
    "acquirerBIN": "400551",
    "acquirerMerchantID": "MERCHANT-1",
    "dsURL": "https://ds.example.com/rreq",
    "notificationURL": "https://shop.example.com/3ds/notify",
    "threeDSRequestorURL": "https://shop.example.com",
    "threeDSServerURL": "https://3dss.example.com",
    "acsURL": "https://acs.example.com/challenge",
    "dsReferenceNumber": "DS-REFERENCE-1",
    "acsReferenceNumber": "ACS-REFERENCE-1",
    "threeDSServerRefNumber": "3DSS-REFERENCE-1",
    "browserUserAgent": "Mozilla/5.0",
    "browserAcceptHeader": "text/html",
    "cardholderName": "Jan Nowak",
    "deviceRenderOptions": {"sdkInterface": "03", "sdkUiType": ["01", "02", "03", "04", "05"]},
    "interactionCounter": "00",
    "challengeDataEntry": "123456",
}


def areq(
    version: str = "2.2.0",
    channel: str = "02",
    category: str = "01",
    *,
    full: bool = False,
    **overrides: Any,
) -> dict[str, Any]:
    """Build an AReq as the Directory Server sends it to the ACS."""
    context = Context(version, channel, category)
    given = {"deviceChannel": channel, "messageCategory": category, **overrides}
    # Each type of SDK excludes what describes the other.
    other_sdk = "defaultSdkType" if given.get("sdkType") == "02" else "splitSdkType"
    return _built("AReq", context, given, full=full, without=frozenset({other_sdk}))


def ares(
    version: str = "2.2.0",
    channel: str = "02",
    category: str = "01",
    **overrides: Any,
) -> dict[str, Any]:
    """Build an ARes; without ``transStatus`` it authenticates (Y)."""
    return _built("ARes", Context(version, channel, category), {"transStatus": "Y", **overrides})


def creq(
    version: str = "2.2.0", channel: str = "02", category: str = "01", **overrides: Any
) -> dict[str, Any]:
    """Build a first CReq."""
    return _built("CReq", Context(version, channel, category, "first"), overrides)


def cres(
    version: str = "2.2.0",
    channel: str = "02",
    category: str = "01",
    *,
    flow: str = "final",
    **overrides: Any,
) -> dict[str, Any]:
    """Build a CRes: a final one, or with ``flow="non-final"`` a screen (of kind 01)."""
    is_final = flow == "final"
    start = {"transStatus": "Y"} if is_final else {"acsUiType": "01"}
    start["challengeCompletionInd"] = "Y" if is_final else "N"
    return _built("CRes", Context(version, channel, category, flow), {**start, **overrides})


def rreq(
    version: str = "2.2.0", channel: str = "02", category: str = "01", **overrides: Any
) -> dict[str, Any]:
    """Build an RReq; without ``transStatus`` the challenge was passed (Y)."""
    given = {"messageCategory": category, "transStatus": "Y", **overrides}
    return _built("RReq", Context(version, channel, category), given)


def rres(
    version: str = "2.2.0", channel: str = "02", category: str = "01", **overrides: Any
) -> dict[str, Any]:
    """Build an RRes."""
    return _built("RRes", Context(version, channel, category), overrides)


def erro(version: str = "2.2.0", channel: str = "02", **overrides: Any) -> dict[str, Any]:
    """Build an Erro of the Directory Server."""
    given = {"errorCode": "203", "errorComponent": "D", "errorMessageType": "RReq", **overrides}
    return _built("Erro", Context(version, channel), given)


def raw(message: dict[str, Any]) -> bytes:
    """Write a message as it travels."""
    return json.dumps(message, ensure_ascii=False).encode()


def required_names(message_type: str, message: dict[str, Any], context: Context) -> list[str]:
    """List the elements that the table requires of this message."""
    place = Place(context.version, context.channel, context.category, context.flow)
    return [
        name
        for name, _, needs, _ in compiled(TABLES[message_type], place).rows
        if is_needed(needs, message, context.earlier)
    ]


def rows_of(message_type: str, context: Context) -> list[Field]:
    """List the rows that hold in a context."""
    return [
        row
        for row in TABLES[message_type].rows
        if row.holds(context.version, context.channel, context.category)
    ]


def _built(
    message_type: str,
    context: Context,
    overrides: dict[str, Any],
    *,
    full: bool = False,
    without: frozenset[str] = frozenset(),
) -> dict[str, Any]:
    place = Place(context.version, context.channel, context.category, context.flow)
    message = {name: value for name, value in overrides.items() if value is not None}
    needs_of = {name: needs for name, _, needs, _ in compiled(TABLES[message_type], place).rows}
    size = -1
    # An element may be required because of one that was added before: until nothing is added.
    while size != len(message):
        size = len(message)
        for row in rows_of(message_type, context):
            needs = needs_of[row.name]
            must = is_needed(needs, message, context.earlier)
            is_wanted = must or (full and row.name not in without)
            if row.name not in message and row.name not in overrides and is_wanted:
                message[row.name] = example_of(row, context.version, full=full)
    return message


def example_of(row: Field, version: str, *, full: bool = False) -> Any:
    """Give a good value for a row: a named one if it fits, else the example of its format."""
    match row.shape:
        case ObjectOf(table, _):
            return _NAMED.get(row.name) or object_of(table, version, full=full)
        case ObjectsOf(table, _, _, _):
            return [object_of(table, version, full=full)]
        case shaped:
            format_ = shaped.at(version)
            return _NAMED[row.name] if _fits(format_, row.name) else format_.example


def object_of(table: Table, version: str, *, full: bool = False) -> dict[str, Any]:
    """Build an object: its required members, or one member when none is, or all of them."""
    rows = [row for row in table.rows if version in row.versions]
    always = Presence(ALWAYS)
    chosen = rows if full else [row for row in rows if row.presence == always] or rows[:1]
    return {row.name: example_of(row, version, full=full) for row in chosen}


def _fits(format_: Format, name: str) -> bool:
    return name in _NAMED and bool(format_.accepts(_NAMED[name]))

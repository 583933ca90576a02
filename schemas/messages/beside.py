"""What travels beside the messages: 3DS Method data, the app channel's envelope, device data.

None of it is a message: it has no type and no version of its own, and nothing in it is answered by
an Erro. So reading takes what is usable and leaves the rest; what we make ourselves is checked as
strictly as a message.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from schemas.addresses import https_url, url_https_from_231
from schemas.compiler import Findings, compiled, read_members
from schemas.encoded import free_object
from schemas.field import PERSONAL, Field, ObjectOf, Table
from schemas.formats import list_of, one_of, text, uuid
from schemas.json_reader import NotAMessage, read_object
from schemas.messages.objects import JWK_EC
from schemas.messages.shared import THREE_DS_SERVER_TRANS_ID
from schemas.presence import Place, optional, required
from schemas.versions import HIGHEST

if TYPE_CHECKING:
    from collections.abc import Mapping

_DEVICE_DATA_MAX: Final = 64_000

THREE_DS_METHOD_DATA = Table(
    "threeDSMethodData",
    (
        THREE_DS_SERVER_TRANS_ID,
        # It becomes the target of a form of ours: the format keeps it harmless.
        Field("threeDSMethodNotificationURL", https_url(256), required()),
    ),
)
"""What a shop's page posts to the 3DS Method URL, as base64url [rule 4.2]."""

THREE_DS_METHOD_NOTICE = Table("threeDSMethodNotice", (THREE_DS_SERVER_TRANS_ID,))
"""What the page posts back when it is done: that one element and no other [rule 4.3]."""

CHALLENGE_ENVELOPE = Table(
    "challengeEnvelope",
    (
        Field("alg", one_of(["dir"]), required()),
        Field("enc", one_of(["A128CBC-HS256", "A128GCM"]), required()),
        Field("kid", uuid(), required()),
    ),
)
"""The header of the JWE round a CReq or CRes in APP; ``kid`` is the acsTransID [rule 6.12]."""

ACS_SIGNED_CONTENT = Table(
    "acsSignedContentPayload",
    (
        Field("acsEphemPubKey", ObjectOf(JWK_EC), required()),
        Field("sdkEphemPubKey", ObjectOf(JWK_EC), required()),
        Field("acsURL", url_https_from_231(2048), required()),
    ),
)
"""What acsSignedContent signs [rule 6.4]."""

DEVICE_INFO = Table(
    "deviceInfo",
    (
        Field("DV", text(16, 3), required()),
        Field("DD", free_object(_DEVICE_DATA_MAX), optional(), PERSONAL),
        Field("DPNA", free_object(_DEVICE_DATA_MAX), optional(), PERSONAL),
        Field("SW", list_of(text(64), 0, 99), optional(), PERSONAL),
    ),
)
"""What deviceInfo decodes to: version, data, data not available, security warnings [rule 11.3]."""

BESIDE: Final[Mapping[str, Table]] = {
    table.name: table
    for table in (
        THREE_DS_METHOD_DATA,
        THREE_DS_METHOD_NOTICE,
        CHALLENGE_ENVELOPE,
        ACS_SIGNED_CONTENT,
        DEVICE_INFO,
    )
}


def read_usable(table: Table, raw: bytes, version: str = HIGHEST) -> dict[str, Any]:
    """Give the members of a JSON object that are as their rows say; {} when it is no object.

    A member that is there twice is none: nobody knows which one is meant.
    """
    try:
        opened = read_object(raw)
    except NotAMessage:
        return {}
    findings = Findings(version, opened.size)
    values = read_members(compiled(table, Place(version, None, None)), opened.message, {}, findings)
    wrong = {name.partition(".")[0] for name in findings.at_fault.union(opened.repeated)}
    return {name: value for name, value in values.items() if name not in wrong}

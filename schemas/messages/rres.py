"""RRes: the results response, 3DS Server to Directory Server to this ACS.

It confirms that a result arrived. An Erro may come instead; it is read by the Erro's table.
"""

from __future__ import annotations

from schemas.field import APP, Field, Table
from schemas.formats import codes, uuid
from schemas.messages.shared import (
    ACS_TRANS_ID,
    DS_TRANS_ID,
    MESSAGE_EXTENSION,
    MESSAGE_VERSION,
    THREE_DS_SERVER_TRANS_ID,
    echoed,
    message_type,
)
from schemas.presence import optional, required
from schemas.values import MessageType, ResultsStatus
from schemas.versions import FROM_220

RRES = Table(
    "RRes",
    (
        THREE_DS_SERVER_TRANS_ID,
        ACS_TRANS_ID,
        DS_TRANS_ID,
        # Formally required; not all 3DS Servers send it, and the other ids suffice [rule 8.18].
        Field("sdkTransID", uuid(), optional(), versions=FROM_220, channels=APP),
        MESSAGE_EXTENSION,
        message_type(MessageType.RRES),
        MESSAGE_VERSION,
        Field("resultsStatus", codes(ResultsStatus), required()),
    ),
    echoed(
        "RReq", "threeDSServerTransID", "acsTransID", "dsTransID", "sdkTransID", "messageVersion"
    ),
)

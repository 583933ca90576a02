"""Erro: the error message, from any component to its peer, and inside a 2.3.1 RReq."""

from __future__ import annotations

from schemas.field import APP, Field, Table
from schemas.formats import Versioned, one_of, text, uuid
from schemas.messages.shared import MESSAGE_VERSION, message_type
from schemas.presence import KNOWN, required
from schemas.problems import CODES
from schemas.values import ErrorComponent, MessageType
from schemas.versions import SUPPORTED

_IF_KNOWN = required(when=KNOWN)

# A peer's codes; some of them this ACS never sends.
_OF_OTHERS = {"2.3.1": ["205", "206"]}
_CODES = Versioned(
    {
        version: one_of(
            [code for code, row in CODES.items() if version in row.versions]
            + _OF_OTHERS.get(version, [])
        ).at(version)
        for version in SUPPORTED
    }
)

ERRO = Table(
    "Erro",
    (
        Field("threeDSServerTransID", uuid(), _IF_KNOWN),
        Field("acsTransID", uuid(), _IF_KNOWN),
        Field("dsTransID", uuid(), _IF_KNOWN),
        Field("sdkTransID", uuid(), _IF_KNOWN, channels=APP),
        Field("errorCode", _CODES, required()),
        Field("errorComponent", one_of(ErrorComponent), required()),
        Field("errorDescription", text(2048), required()),
        Field("errorDetail", text(2048), required()),
        Field("errorMessageType", one_of(MessageType), _IF_KNOWN),
        message_type(MessageType.ERRO),
        MESSAGE_VERSION,
    ),
)

"""Whatever bytes come, a message is read, or refused by an Erro that may be sent."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from schemas.compiler import Context, Reading
from schemas.messages import check_outgoing, masked, peek
from schemas.problems import CODES, ProtocolError, erro
from schemas.versions import HIGHEST, SUPPORTED

if TYPE_CHECKING:
    from collections.abc import Callable


def contexts(data: bytes) -> list[Context]:
    """Give the places where a later message may stand: its own version, each channel."""
    version = peek(data).get("messageVersion")
    spoken = version if isinstance(version, str) and version in SUPPORTED else HIGHEST
    return [
        Context(spoken, "02", flow="first"),
        Context(spoken, "01", flow="subsequent", earlier={"CRes": {"acsUiType": "01"}}),
    ]


def settle(kind: str, read: Callable[[], Reading], data: bytes) -> Reading | None:
    """Read; None when it was refused as it may be."""
    refused: ProtocolError
    try:
        reading = read()
    except ProtocolError as error:
        refused = error
    else:
        _keepable(kind, reading)
        return reading
    assert refused.problem.code in CODES
    answer = erro(
        refused.problem,
        version=refused.version,
        ids=refused.ids,
        message_type=refused.message_type,
    )
    check_outgoing("Erro", answer, Context(str(answer["messageVersion"]), "01"))
    json.dumps(answer, ensure_ascii=False).encode()
    return None


def _keepable(kind: str, reading: Reading) -> None:
    """Whatever was read can be masked and stored."""
    assert masked(kind, reading.values).keys() == reading.values.keys()
    json.dumps(reading.values, ensure_ascii=False).encode()

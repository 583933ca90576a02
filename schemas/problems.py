"""What can be wrong with a message: the error codes, and the one way from a problem to an Erro.

Laws: a problem's detail names elements, extension ids or versions, or is a short fixed text; it
never repeats a value of the message [rule 2.41]. An id that is not well-formed is never echoed
[rule 2.40]. An Erro that comes in is never answered by one [rule 1.18].
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING, Final

from schemas.values import DeviceChannel, ErrorComponent, MessageType
from schemas.versions import EVERY, FROM_231, HIGHEST, SUPPORTED

if TYPE_CHECKING:
    from collections.abc import Mapping

ID_NAMES: Final = ("threeDSServerTransID", "dsTransID", "acsTransID", "sdkTransID")
_DETAIL_MAX = 2048
_UUID = re.compile(r"[0-9A-Fa-f]{8}(?:-[0-9A-Fa-f]{4}){3}-[0-9A-Fa-f]{12}")


@dataclass(frozen=True, slots=True)
class ErrorCode:
    """One error code: its fixed description, and the versions that know it [rule 2.44]."""

    description: str
    versions: frozenset[str] = EVERY
    before: str = ""
    """The code that says it in a version without this one."""


CODES: Final[Mapping[str, ErrorCode]] = {
    "101": ErrorCode("The message is not one this component can process"),
    "102": ErrorCode("The protocol version is not supported"),
    "103": ErrorCode("Too many messages were sent"),
    "201": ErrorCode("A required data element is missing"),
    "202": ErrorCode("A critical message extension is not recognised"),
    "203": ErrorCode("A data element has a wrong format or value"),
    "204": ErrorCode("A data element occurs more than once"),
    "207": ErrorCode("A value in a reserved range is not recognised", FROM_231, "203"),
    "301": ErrorCode("A transaction identifier is not recognised"),
    "302": ErrorCode("The data could not be decrypted"),
    "303": ErrorCode("Access is denied at this endpoint"),
    "304": ErrorCode("An ISO code is not valid"),
    "305": ErrorCode("The transaction data are not valid"),
    "306": ErrorCode("The merchant category code is not valid"),
    "307": ErrorCode("The serial number is not valid"),
    "308": ErrorCode("The signature could not be verified", FROM_231, "302"),
    "309": ErrorCode("The content security policy check failed", FROM_231, "305"),
    "310": ErrorCode("The cryptographic algorithm is not the agreed one", FROM_231, "302"),
    "311": ErrorCode("The key identifier is not recognised", FROM_231, "301"),
    "312": ErrorCode("The message was already received", FROM_231, "301"),
    "313": ErrorCode("The results do not fit the authentication", FROM_231, "301"),
    "314": ErrorCode("Several challenge requests are not supported", FROM_231, "305"),
    "315": ErrorCode("The challenge request came after the result", FROM_231, "305"),
    "402": ErrorCode("The transaction timed out"),
    "403": ErrorCode("A temporary failure prevents processing"),
    "404": ErrorCode("A permanent failure prevents processing"),
    "405": ErrorCode("The connection to the partner failed"),
}


class Fault(StrEnum):
    """The kinds of fault inside a message, by their code, in order of precedence [rule 2.1].

    Only the first kind that occurs is told, with every element that has it [rule 2.12].
    """

    MISSING = "201"
    MALFORMED = "203"
    RESERVED = "207"
    CRITICAL = "202"
    NOT_ISO = "304"
    UNRELATED = "301"


@dataclass(frozen=True, slots=True)
class Problem:
    """What is wrong: the code, the errorDetail, and the element names it speaks of, dotted."""

    code: str
    detail: str
    names: tuple[str, ...] = ()


def naming(code: str, names: tuple[str, ...]) -> Problem:
    """Make a problem whose detail is its element names, joined by commas without blanks."""
    return Problem(code, ",".join(names), names)


class ProtocolError(Exception):
    """The peer broke the protocol; born where messages are read, turned into an Erro at an edge.

    ``version`` is the message's own when it is supported, else None; ``message_type`` is the type
    of the wrong message, None when it was unrecognisable [rule 2.38]; ``ids`` are the well-formed
    transaction ids that were found in it.
    """

    def __init__(
        self,
        problem: Problem,
        *,
        message_type: str | None,
        version: str | None = None,
        ids: Mapping[str, str] | None = None,
    ) -> None:
        """Hold the problem and what an Erro needs to tell of it."""
        super().__init__(f"{problem.code} {problem.detail}")
        self.problem = problem
        self.message_type = message_type
        self.version = version
        self.ids: Mapping[str, str] = {} if ids is None else ids


def well_formed_ids(message: Mapping[str, object]) -> dict[str, str]:
    """Pick the transaction ids of a message that have the canonical form [rule 2.24]."""
    found = {name: message.get(name) for name in ID_NAMES}
    return {
        name: value
        for name, value in found.items()
        if isinstance(value, str) and _UUID.fullmatch(value)
    }


def ids_of_areq(message: Mapping[str, object]) -> dict[str, str]:
    """Pick the ids that an AReq has: no acsTransID yet, and sdkTransID in the app only."""
    ids = well_formed_ids(message)
    ids.pop("acsTransID", None)
    if message.get("deviceChannel") != DeviceChannel.APP:
        ids.pop("sdkTransID", None)
    return ids


def erro(
    problem: Problem, *, version: str | None, ids: Mapping[str, str], message_type: str | None
) -> dict[str, object]:
    """Build the Erro of this ACS for a problem; it passes ``check_outgoing`` for any arguments.

    An unknown or unsupported version becomes the highest we speak [rule 2.39], a code the version
    does not know becomes its older equivalent, and ids that are not well-formed are left out.
    """
    spoken = version if version in SUPPORTED else HIGHEST
    code = problem.code if spoken in CODES[problem.code].versions else CODES[problem.code].before
    message: dict[str, object] = {
        **well_formed_ids(ids),
        "errorCode": code,
        "errorComponent": ErrorComponent.ACS.value,
        "errorDescription": CODES[code].description,
        "errorDetail": _bounded(problem.detail) or CODES[code].description,
        "messageType": MessageType.ERRO.value,
        "messageVersion": spoken,
    }
    if message_type in _types_of(spoken):
        message["errorMessageType"] = message_type
    return message


def _types_of(version: str) -> frozenset[str]:
    return frozenset(kind.value for kind in MessageType if kind.exists_in(version))


def _bounded(detail: str) -> str:
    """Cut a detail to its limit, a list of names at a comma."""
    if len(detail) <= _DETAIL_MAX:
        return detail
    return detail[:_DETAIL_MAX].rpartition(",")[0] or detail[:_DETAIL_MAX]

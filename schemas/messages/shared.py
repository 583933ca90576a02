"""Rows that stand in several messages."""

from __future__ import annotations

from typing import TYPE_CHECKING

from schemas.extensions import extensions
from schemas.field import Field, Rule, Sensitivity
from schemas.formats import codes, one_of, protocol_version, uuid
from schemas.presence import ALWAYS, DS_RULE, optional, present, required, same_as
from schemas.problems import Fault
from schemas.values import ListStatus, MessageType, StatusSource
from schemas.versions import FROM_231, ONLY_220

if TYPE_CHECKING:
    from schemas.presence import Condition

MESSAGE_VERSION = Field("messageVersion", protocol_version(), required())
MESSAGE_EXTENSION = Field(
    "messageExtension", extensions(), required(when=DS_RULE), Sensitivity.PERSONAL
)

THREE_DS_SERVER_TRANS_ID = Field("threeDSServerTransID", uuid(), required())
DS_TRANS_ID = Field("dsTransID", uuid(), required())
ACS_TRANS_ID = Field("acsTransID", uuid(), required())

DEVICE_BINDING = (
    Field("deviceBindingStatus", codes("01-05 11-15"), optional(), versions=FROM_231),
    Field(
        "deviceBindingStatusSource",
        codes(StatusSource),
        required(when=present("deviceBindingStatus")),
        versions=FROM_231,
    ),
)

CARD_SECURITY_CODE_STATUS = (
    Field("cardSecurityCodeStatus", one_of("YNU"), required(when=DS_RULE), versions=FROM_231),
    Field(
        "cardSecurityCodeStatusSource",
        codes("01-02"),
        required(when=present("cardSecurityCodeStatus")),
        versions=FROM_231,
    ),
)


def message_type(kind: MessageType) -> Field:
    """Give the messageType row of a message."""
    return Field("messageType", one_of([kind.value]), required())


def trust_list(members: str = "") -> tuple[Field, ...]:
    """Give the rows of the trust list, which 2.2.0 calls white list; ``members`` limits values."""
    status = one_of(ListStatus, members)
    return (
        Field("trustListStatus", status, optional(), versions=FROM_231),
        Field(
            "trustListStatusSource",
            codes(StatusSource),
            required(when=present("trustListStatus")),
            versions=FROM_231,
        ),
        Field("whiteListStatus", status, optional(), versions=ONLY_220),
        Field(
            "whiteListStatusSource",
            codes(StatusSource),
            required(when=present("whiteListStatus")),
            versions=ONLY_220,
        ),
    )


def source_needs_status(name: str) -> Rule:
    """Demand a status beside its source; the row of the source demands the reverse."""
    return Rule((name,), present(f"{name}Source"), present(name), Fault.MISSING)


def only_with(name: str, condition: Condition) -> Rule:
    """Forbid an element unless the condition holds."""
    return Rule((name,), present(name), condition)


def echoed(message: str, *names: str) -> tuple[Rule, ...]:
    """Demand that elements equal those of an earlier message, if we hold that message."""
    return tuple(Rule((name,), ALWAYS, same_as(message, name), Fault.UNRELATED) for name in names)

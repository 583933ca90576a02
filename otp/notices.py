"""Messages that carry no one-time code: what happened, and the first password of a registration.

Laws: no link, no name, no PAN, no whole phone number; every text has one part, so that none of it
is lost. Catalogues write them under ``notice.<kind>``.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import timedelta
from enum import StrEnum
from typing import TYPE_CHECKING, Final

from otp.message import plain
from schemas.secret import Secret

if TYPE_CHECKING:
    from collections.abc import Mapping

    from otp.message import Catalogue


class NoticeKind(StrEnum):
    """What a message tells; the value is part of its text id."""

    REGISTRATION_PASSWORD = "registration_password"  # noqa: S105 - the id of a text
    ALREADY_REGISTERED = "already_registered"
    REGISTERED = "registered"
    PASSWORD_CHANGED = "password_changed"  # noqa: S105 - the id of a text
    PHONE_CHANGED = "phone_changed"
    PHONE_IN_USE = "phone_in_use"
    PIN_CHANGED = "pin_changed"
    THREEDS_OFF = "threeds_off"
    CONSENT_WITHDRAWN = "consent_withdrawn"
    CARD_BLOCKED = "card_blocked"
    CARD_BLOCKED_TEMP = "card_blocked_temp"
    CARD_NOT_BLOCKED = "card_not_blocked"
    CARD_BLOCK_UNKNOWN = "card_block_unknown"
    CARD_REPLACED = "card_replaced"
    CARD_REPLACED_OFF = "card_replaced_off"
    BLOCKED = "blocked"
    BLOCKED_LAST = "blocked_last"
    ACCESS_RESET = "access_reset"
    NUMBER_ENDED = "number_ended"
    LIMIT_RAISED = "limit_raised"
    OVER_LIMIT = "over_limit"


NEWS_FOR: Final = timedelta(hours=72)
"""How long a change is worth telling: after a weekend a thief's can still be stopped."""
TRUE_FOR: Final = timedelta(hours=24)
"""The same of what may be over by then; a card's limits, for one, begin anew each day."""
_STANDINGS: Final = frozenset({NoticeKind.BLOCKED, NoticeKind.BLOCKED_LAST, NoticeKind.OVER_LIMIT})


@dataclass(frozen=True, slots=True)
class Notice:
    """One message to the phone on record; ``values`` may hold the first password, so no repr.

    ``is_bulk``: it tells of what a file brought, and waits behind what somebody did by hand.
    ``life`` is how long it may wait to leave, where that is not as for its kind.
    """

    kind: NoticeKind
    phone: Secret
    language: str
    values: Mapping[str, str] = field(default_factory=dict, repr=False)
    life: timedelta | None = None
    is_bulk: bool = False

    @property
    def lifetime(self) -> timedelta:
        """How long it may wait to leave."""
        if self.life is not None:
            return self.life
        return TRUE_FOR if self.kind in _STANDINGS else NEWS_FOR

    @property
    def is_awaited(self) -> bool:
        """Tell whether somebody sits before a page and waits for it."""
        return self.kind is NoticeKind.REGISTRATION_PASSWORD


def text_id(kind: NoticeKind) -> str:
    """Give the id under which a catalogue has the text."""
    return f"notice.{kind.value}"


def compose(catalogue: Catalogue, notice: Notice) -> Secret:
    """Write the message in the alphabet of its language."""
    frame = catalogue.texts[text_id(notice.kind)]
    if catalogue.alphabet == "gsm7":
        frame = plain(frame)
    return Secret(frame.format_map(dict(notice.values)))

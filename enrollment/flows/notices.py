"""Tells a client by SMS what happened to their access: so that a thief cannot act unseen."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from enrollment.flows.payments import phone_number
from enrollment.model import midnight_after
from enrollment.store import cards, counters, persons
from otp import flows as otp_flows
from otp.notices import Notice, NoticeKind
from schemas.vault import CannotOpen

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import timedelta
    from uuid import UUID

    from enrollment.flows.work import Work

__all__ = ["NoticeKind", "tell", "tell_over_limit"]

_OVER_LIMIT: Final = "notice.over_limit"


async def tell(
    work: Work,
    person_id: UUID,
    kind: NoticeKind,
    values: Mapping[str, str] | None = None,
    life: timedelta | None = None,
) -> UUID | None:
    """Queue a message to the phone in use; give its id, None when there is no way to it.

    Nothing that happened is undone because its notice cannot be sent.
    """
    phone = await persons.phone_of(work.conn, person_id)
    if phone is None or not phone.is_usable:
        return None
    try:
        number = await phone_number(work.conn, work.keys, phone.phone_id)
    except CannotOpen as failure:
        work.note(failure)
        return None
    language = await persons.language_of(work.conn, person_id)
    if number is None or language is None:
        return None
    notice = Notice(kind, number, language, values or {}, life, is_bulk=work.is_bulk)
    return await otp_flows.notify(work.conn, work.keys, work.otp_policy, notice, work.now)


async def tell_over_limit(work: Work, card_id: UUID) -> UUID | None:
    """Tell a client that a limit refused a payment: once a day for each card, whoever tries."""
    card = await cards.view(work.conn, card_id)
    key = counters.key_of(work.keys, _OVER_LIMIT, card_id.bytes)
    ends_at = midnight_after(work.now)
    told = await counters.take(work.conn, _OVER_LIMIT, key, ends_at=ends_at, now=work.now)
    if card is None or told.count > 1:
        return None
    return await tell(work, card.person_id, NoticeKind.OVER_LIMIT, {"last4": card.last4})

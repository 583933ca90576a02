"""Tells a client by SMS what happened to their access: so that a thief cannot act unseen."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Final

from enrollment.flows.payments import phone_number
from enrollment.store import persons
from otp import flows as otp_flows
from otp.notices import Notice, NoticeKind

if TYPE_CHECKING:
    from collections.abc import Mapping
    from uuid import UUID

    from enrollment.flows.work import Work

__all__ = ["NoticeKind", "tell"]

_DAY: Final = timedelta(hours=24)


async def tell(
    work: Work,
    person_id: UUID,
    kind: NoticeKind,
    values: Mapping[str, str] | None = None,
    lifetime: timedelta = _DAY,
) -> UUID | None:
    """Queue a message to the phone in use; give its id, None when there is no way to it.

    Nothing that happened is undone because its notice cannot be sent.
    """
    phone = await persons.phone_of(work.conn, person_id)
    if phone is None or not phone.is_usable:
        return None
    number = await phone_number(work.conn, work.keys, phone.phone_id)
    language = await persons.language_of(work.conn, person_id)
    if number is None or language is None:
        return None
    notice = Notice(kind, number, language, values or {}, lifetime)
    return await otp_flows.notify(work.conn, work.keys, work.otp_policy, notice, work.now)

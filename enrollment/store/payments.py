"""Reads the standing of a card and moves reservations between their states."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from enrollment.model import (
    Block,
    BlockKind,
    CardStatus,
    EffectiveLimits,
    EnrolmentReason,
    EnrolmentState,
    Footing,
    LowValue,
    PhoneRef,
    Standing,
    Use,
)
from schemas import queries

if TYPE_CHECKING:
    from datetime import date, datetime
    from uuid import UUID

    from enrollment.store import Row
    from schemas.queries import Connection

_SQL = queries.load(__file__)

_CARD_STATUS: Final = {str(one): one for one in CardStatus}
_ENROLMENT: Final = {str(one): one for one in EnrolmentState}
_REASON: Final[dict[str | None, EnrolmentReason | None]] = {
    None: None,
    **{str(one): one for one in EnrolmentReason},
}


async def footing(conn: Connection, card_id: UUID, day: date) -> Footing | None:
    """Read what a challenge of a card rests on: one statement."""
    row = await _SQL.footing.one(conn, card_id=card_id, day=day)
    if row is None:
        return None
    return Footing(
        card_status=_CARD_STATUS[row["card_status"]],
        enrolment=_ENROLMENT[row["enrolment"]],
        enrolment_reason=_REASON[row["enrolment_reason"]],
        phone_id=row["phone_id"],
        phone_usable=row["phone_usable"],
        number_ct=row["number_ct"],
        consent_valid=row["consent_valid"],
        consent_id=row["consent_id"],
        block=_block(row),
    )


def standing_from(row: Row) -> Standing:
    """Make the value of one row of ``enrollment.standing``."""
    return Standing(
        card_id=row["card_id"],
        account_id=row["account_id"],
        person_id=row["person_id"],
        last4=row["last4"],
        expiry=row["expiry"],
        previous_expiry=row["previous_expiry"],
        card_status=_CARD_STATUS[row["card_status"]],
        enrolment=_ENROLMENT[row["enrolment"]],
        enrolment_reason=_REASON[row["enrolment_reason"]],
        consent_valid=row["consent_valid"],
        phone=_phone(row),
        pin_set=row["pin_set"],
        block=_block(row),
        language=row["language"],
        currency=row["currency"],
        card_limits=EffectiveLimits(
            row["card_per_tx"],
            row["card_per_day"],
            row["card_per_month"],
            row["card_count_day"],
            row["card_count_month"],
        ),
        account_limits=EffectiveLimits(
            row["account_per_tx"],
            row["account_per_day"],
            row["account_per_month"],
            row["account_count_day"],
            row["account_count_month"],
        ),
        card_use=Use(
            row["card_used_day"],
            row["card_uses_day"],
            row["card_used_month"],
            row["card_uses_month"],
        ),
        account_use=Use(
            row["account_used_day"],
            row["account_uses_day"],
            row["account_used_month"],
            row["account_uses_month"],
        ),
        consecutive_failures=row["failures"],
        trusts_merchant=row["trusts_merchant"],
        low_value=_low_value(row),
    )


def _phone(row: Row) -> PhoneRef | None:
    if row["phone_id"] is None:
        return None
    return PhoneRef(
        row["phone_id"],
        row["phone_mask"],
        usable=row["phone_usable"],
        shared=row["phone_shared"],
        changed_at=row["phone_changed_at"],
    )


def _low_value(row: Row) -> LowValue:
    return LowValue(
        wanted=row["low_value_wanted"],
        currency=row["low_value_currency"],
        amount=row["low_value_amount"],
        count=row["low_value_count"],
    )


def _block(row: Row) -> Block | None:
    if row["block_kind"] is None:
        return None
    return Block(BlockKind(row["block_kind"]), row["block_until"])


async def phone_in_use(conn: Connection, phone_id: UUID) -> bytes | None:
    """Read the sealed number of a phone that is still in use."""
    row = await _SQL.phone_in_use.one(conn, phone_id=phone_id)
    return None if row is None else row["number_ct"]


async def count_use(
    conn: Connection,
    acs_trans_id: UUID,
    now: datetime,
    *,
    person_id: UUID | None,
    card_id: UUID | None,
) -> bool:
    """Turn a held reservation into a count; False when it was not held."""
    counted = await _SQL.count_use.run(
        conn, acs_trans_id=acs_trans_id, now=now, person_id=person_id, card_id=card_id
    )
    return counted == 1


async def release_use(conn: Connection, acs_trans_id: UUID, now: datetime) -> bool:
    """Give a held reservation back; False when it was not held."""
    return bool(
        await _SQL.give_back.value(
            conn, acs_trans_id=acs_trans_id, was="held", becomes="released", now=now
        )
    )


async def lapse(conn: Connection, before: datetime, limit: int, now: datetime) -> int:
    """Drop up to ``limit`` counts older than ``before``; give how many."""
    return int(await _SQL.lapse.value(conn, before=before, limit=limit, now=now))


async def forget_use(conn: Connection, before: date, limit: int) -> int:
    """Let go of up to ``limit`` counters that start before a day; give how many."""
    return await _SQL.forget_use.run(conn, before=before, limit=limit)

"""Reads the standing of a card and moves reservations between their states."""

from __future__ import annotations

from typing import TYPE_CHECKING

from enrollment.model import (
    Block,
    BlockKind,
    CardStatus,
    EffectiveLimits,
    EnrolmentReason,
    EnrolmentState,
    LowValue,
    Merchant,
    PhoneRef,
    Standing,
    Use,
)
from schemas import queries

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import date, datetime
    from uuid import UUID

    from enrollment.store import Row
    from schemas.queries import Connection

_SQL = queries.load(__file__)


async def standing(
    conn: Connection,
    pan_indexes: Sequence[bytes],
    day: date,
    month: date,
    merchant: Merchant | None,
) -> Standing | None:
    """Read the standing of the one card under these keyed hashes: one statement."""
    row = await _SQL.standing.one(
        conn,
        pan_idx=list(pan_indexes),
        day=day,
        month=month,
        acquirer_bin=None if merchant is None else merchant.acquirer_bin,
        merchant_id=None if merchant is None else merchant.merchant_id,
    )
    return None if row is None else standing_from(row)


async def standing_of_card(
    conn: Connection, card_id: UUID, day: date, month: date
) -> Standing | None:
    """Read the standing of a card known by its id: one statement."""
    row = await _SQL.standing_of_card.one(conn, card_id=card_id, day=day, month=month)
    return None if row is None else standing_from(row)


def standing_from(row: Row) -> Standing:
    """Make the value of one row of ``enrollment.standing``."""
    reason = row["enrolment_reason"]
    return Standing(
        card_id=row["card_id"],
        account_id=row["account_id"],
        person_id=row["person_id"],
        last4=row["last4"],
        expiry=row["expiry"],
        previous_expiry=row["previous_expiry"],
        card_status=CardStatus(row["card_status"]),
        enrolment=EnrolmentState(row["enrolment"]),
        enrolment_reason=None if reason is None else EnrolmentReason(reason),
        consent_valid=row["consent_valid"],
        phone=_phone(row),
        pin_set=row["pin_set"],
        block=_block(row),
        language=row["language"],
        currency=row["currency"],
        card_limits=_limits(row, "card"),
        account_limits=_limits(row, "account"),
        card_use=_use(row, "card"),
        account_use=_use(row, "account"),
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


def _limits(row: Row, level: str) -> EffectiveLimits:
    return EffectiveLimits(
        per_tx=row[f"{level}_per_tx"],
        per_day=row[f"{level}_per_day"],
        per_month=row[f"{level}_per_month"],
        count_day=row[f"{level}_count_day"],
        count_month=row[f"{level}_count_month"],
    )


def _use(row: Row, level: str) -> Use:
    return Use(
        day_amount=row[f"{level}_used_day"],
        day_count=row[f"{level}_uses_day"],
        month_amount=row[f"{level}_used_month"],
        month_count=row[f"{level}_uses_month"],
    )


async def phone_in_use(conn: Connection, phone_id: UUID) -> bytes | None:
    """Read the sealed number of a phone that is still in use."""
    row = await _SQL.phone_in_use.one(conn, phone_id=phone_id)
    return None if row is None else row["number_ct"]


async def count_use(conn: Connection, acs_trans_id: UUID, now: datetime) -> bool:
    """Turn a held reservation into a count; False when it was not held."""
    return await _SQL.count_use.run(conn, acs_trans_id=acs_trans_id, now=now) == 1


async def forget_low_value(conn: Connection, card_id: UUID) -> None:
    """Begin anew to count what a card pays without a challenge."""
    await _SQL.forget_low_value.run(conn, card_id=card_id)


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

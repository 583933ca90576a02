"""Keeps new phones that wait to take over, and the merchants a client trusts."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from schemas import queries

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime
    from uuid import UUID

    from enrollment.model import Merchant as Named
    from schemas.queries import Connection
    from schemas.vault import Tag

_SQL = queries.load(__file__)


@dataclass(frozen=True, slots=True)
class Change:
    """A new phone under way: ``asked`` of the new phone, or ``confirmed`` and waiting."""

    change_id: UUID
    phone_id: UUID
    state: str
    expires_at: datetime
    active_at: datetime | None
    mask: str
    number_ct: bytes = field(repr=False)


@dataclass(frozen=True, slots=True)
class Merchant:
    """A merchant that a client trusts."""

    merchant_id: UUID
    name: str
    added_at: datetime


async def changes_since(conn: Connection, person_id: UUID, since: datetime) -> list[datetime]:
    """Tell when a person confirmed changes after that time, the newest first."""
    rows = await _SQL.changes_since.all(conn, person_id=person_id, since=since)
    return [row["confirmed_at"] for row in rows]


async def add_change(
    conn: Connection,
    change: Change,
    person_id: UUID,
    tag: Tag,
    now: datetime,
) -> None:
    """Keep a new phone that waits for its code."""
    await _SQL.add_pending_phone.run(
        conn,
        phone_id=change.phone_id,
        person_id=person_id,
        number_ct=change.number_ct,
        idx=tag.value,
        key_id=tag.key_id,
        mask=change.mask,
        now=now,
    )
    await _SQL.add_change.run(
        conn,
        change_id=change.change_id,
        person_id=person_id,
        phone_id=change.phone_id,
        expires_at=change.expires_at,
        now=now,
    )


async def open_change(conn: Connection, person_id: UUID) -> Change | None:
    """Read the change under way."""
    row = await _SQL.open_change.one(conn, person_id=person_id)
    return None if row is None else Change(**dict(row))


async def confirm_change(
    conn: Connection, change: Change, person_id: UUID, active_at: datetime, now: datetime
) -> bool:
    """Note that the new phone answered; False when it was too late."""
    touched = await _SQL.confirm_change.run(
        conn, change_id=change.change_id, person_id=person_id, active_at=active_at, now=now
    )
    await _SQL.verify_phone.run(conn, phone_id=change.phone_id, now=now)
    return touched == 1


async def drop_change(conn: Connection, person_id: UUID, now: datetime) -> bool:
    """Drop the change under way; tells whether there was one."""
    touched = await _SQL.drop_change.run(conn, person_id=person_id)
    await _SQL.retire_pending.run(conn, person_id=person_id, now=now)
    return touched > 0


async def due_changes(conn: Connection, now: datetime, limit: int) -> list[UUID]:
    """Read whose wait is over."""
    return [row["person_id"] for row in await _SQL.due_changes.all(conn, now=now, limit=limit)]


async def pending_with_phone(conn: Connection, idx: Sequence[bytes], person_id: UUID) -> int:
    """Count the other persons who wait for the number to be theirs."""
    return int(await _SQL.pending_with_phone.value(conn, idx=list(idx), person_id=person_id))


async def take_over(conn: Connection, person_id: UUID, now: datetime) -> UUID | None:
    """Note that the new phone of a locked person takes over; None when it does not."""
    found: UUID | None = await _SQL.take_over.value(conn, person_id=person_id, now=now)
    return found


async def activate_phone(conn: Connection, phone_id: UUID, now: datetime) -> None:
    """Make the phone the one in use; the one before it was retired in the same transaction."""
    await _SQL.activate_phone.run(conn, phone_id=phone_id, now=now)


async def merchants(conn: Connection, person_id: UUID) -> list[Merchant]:
    """Read the merchants a person trusts, newest first."""
    rows = await _SQL.merchants.all(conn, person_id=person_id)
    return [Merchant(**dict(row)) for row in rows]


async def remove_merchant(
    conn: Connection, person_id: UUID, merchant_id: UUID, now: datetime
) -> bool:
    """Trust a merchant no longer; False when it is not one of the person's."""
    touched = await _SQL.remove_merchant.run(
        conn, merchant_id=merchant_id, person_id=person_id, now=now
    )
    return touched == 1


async def add_merchant(
    conn: Connection,
    merchant_id: UUID,
    person_id: UUID,
    merchant: Named,
    *,
    name: str,
    added_by: UUID,
    now: datetime,
) -> bool:
    """Trust a merchant from now on; False when it is trusted already."""
    touched = await _SQL.add_merchant.run(
        conn,
        merchant_id=merchant_id,
        person_id=person_id,
        acquirer_bin=merchant.acquirer_bin,
        acquirer_merchant_id=merchant.merchant_id,
        name=name,
        added_by=added_by,
        now=now,
    )
    return touched == 1


async def eventful(conn: Connection, person_id: UUID) -> dict[UUID, str | None]:
    """Read the cards and accounts whose events are a person's; of a card its last four digits."""
    rows = await _SQL.eventful.all(conn, person_id=person_id)
    return {row["thing_id"]: row["last4"] for row in rows}

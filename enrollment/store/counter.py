"""Keeps first signatures, and takes away what lets a client in."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

from schemas import queries

if TYPE_CHECKING:
    from datetime import datetime
    from uuid import UUID

    from schemas.queries import Connection

_SQL = queries.load(__file__)
# A reset that was proved may be finished some minutes after its own end; nothing after an hour.
_PROVED = timedelta(hours=1)


async def asked_by_another(
    conn: Connection, person_id: UUID, staff: str, now: datetime
) -> str | None:
    """Tell who else asked for the end of the permanent block; the caller holds the person."""
    found: str | None = await _SQL.asked_by_another.value(
        conn, person_id=person_id, staff=staff, now=now
    )
    return found


async def ask(
    conn: Connection,
    request_id: UUID,
    person_id: UUID,
    staff: str,
    *,
    reason: str,
    expires_at: datetime,
    now: datetime,
) -> None:
    """Keep the first signature; one given before by the same member of staff ends."""
    await _SQL.end_own.run(conn, person_id=person_id, staff=staff, now=now)
    await _SQL.ask.run(
        conn,
        request_id=request_id,
        person_id=person_id,
        staff=staff,
        reason=reason,
        expires_at=expires_at,
        now=now,
    )


async def end_requests(conn: Connection, person_id: UUID, now: datetime) -> None:
    """End every request about a person."""
    await _SQL.end_requests.run(conn, person_id=person_id, now=now)


async def drop_credentials(conn: Connection, person_id: UUID) -> bool:
    """Take password and PIN away; tells whether there was any."""
    passwords = await _SQL.drop_password.run(conn, person_id=person_id)
    return await _SQL.drop_pin.run(conn, person_id=person_id) + passwords > 0


async def end_pending(conn: Connection, person_id: UUID, now: datetime) -> None:
    """End logins, resets, registrations and step-ups that wait for something."""
    await _SQL.end_entries.run(conn, person_id=person_id, since=now - _PROVED, now=now)
    await _SQL.end_step_ups.run(conn, person_id=person_id, now=now)
    await _SQL.end_registrations.run(conn, person_id=person_id)

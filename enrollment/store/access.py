"""Keeps passwords, entries that wait for a code, and sessions; secrets as hashes only."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Literal

from schemas import queries

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime
    from uuid import UUID

    from schemas.queries import Connection

_SQL = queries.load(__file__)

EntryKind = Literal["login", "reset"]


@dataclass(frozen=True, slots=True)
class Entry:
    """What waits for a code; ``is_open`` False = whatever is typed is wrong."""

    entry_id: UUID
    who: bytes = field(repr=False)
    person_id: UUID | None
    is_open: bool
    attempts: int


@dataclass(frozen=True, slots=True)
class StoredSession:
    """A session as stored."""

    session_id: UUID
    person_id: UUID
    language: str
    status: str
    opened_at: datetime
    seen_at: datetime
    ended_at: datetime | None


async def password(conn: Connection, person_id: UUID) -> tuple[str, str] | None:
    """Read the hash of a person's password and the id of its pepper."""
    row = await _SQL.password.one(conn, person_id=person_id)
    return None if row is None else (row["hash"], row["key_id"])


async def put_password(
    conn: Connection, person_id: UUID, made: tuple[str, str], now: datetime
) -> None:
    """Set or change the password."""
    await _SQL.put_password.run(conn, person_id=person_id, hash=made[0], key_id=made[1], now=now)


async def rehash_password(
    conn: Connection, person_id: UUID, was: str, made: tuple[str, str]
) -> None:
    """Replace a hash that is still the one that was read."""
    await _SQL.rehash_password.run(conn, person_id=person_id, was=was, hash=made[0], key_id=made[1])


async def add_entry(
    conn: Connection, kind: EntryKind, entry: Entry, *, expires_at: datetime, now: datetime
) -> None:
    """Keep that somebody waits for a code."""
    await _SQL.add_entry.run(
        conn,
        entry_id=entry.entry_id,
        kind=kind,
        who=entry.who,
        person_id=entry.person_id,
        is_open=entry.is_open,
        expires_at=expires_at,
        now=now,
    )


async def try_entry(
    conn: Connection, kind: EntryKind, entry_id: UUID, attempts_max: int, now: datetime
) -> Entry | None:
    """Count a try and lock the entry; None when it is unknown, over or used."""
    row = await _SQL.try_entry.one(
        conn, entry_id=entry_id, kind=kind, attempts_max=attempts_max, now=now
    )
    return None if row is None else Entry(**dict(row))


async def person_of_entry(conn: Connection, kind: EntryKind, entry_id: UUID) -> UUID | None:
    """Read whom an entry lets in, without a lock."""
    found: UUID | None = await _SQL.person_of_entry.value(conn, kind=kind, entry_id=entry_id)
    return found


async def turn_of_entry(conn: Connection, kind: EntryKind, entry_id: UUID) -> UUID | None:
    """Wait for a turn among those who try entries of the same number; read whom it lets in."""
    found: UUID | None = await _SQL.turn_of_entry.value(conn, kind=kind, entry_id=entry_id)
    return found


async def who_of_entry(conn: Connection, kind: EntryKind, entry_id: UUID) -> bytes | None:
    """Read whose number an entry is about."""
    found: bytes | None = await _SQL.who_of_entry.value(conn, kind=kind, entry_id=entry_id)
    return found


async def use_entry(conn: Connection, entry_id: UUID, now: datetime) -> bool:
    """Use an entry up; False when somebody was faster."""
    return await _SQL.use_entry.run(conn, entry_id=entry_id, now=now) == 1


async def prove_entry(conn: Connection, entry_id: UUID, token_hash: bytes, now: datetime) -> bool:
    """Note that PIN and code were right; False when somebody was faster."""
    touched = await _SQL.prove_entry.run(conn, entry_id=entry_id, token_hash=token_hash, now=now)
    return touched == 1


async def lock_proved(
    conn: Connection, entry_id: UUID, since: datetime
) -> tuple[UUID, bytes] | None:
    """Lock a reset that was proved after ``since``: its person, and the hash of its token."""
    row = await _SQL.lock_proved.one(conn, entry_id=entry_id, since=since)
    return None if row is None else (row["person_id"], row["token_hash"])


async def add_session(
    conn: Connection,
    session_id: UUID,
    person_id: UUID,
    token_hash: bytes,
    ua_hash: bytes,
    *,
    origin: str,
    now: datetime,
) -> None:
    """Keep a new session."""
    await _SQL.add_session.run(
        conn,
        session_id=session_id,
        person_id=person_id,
        token_hash=token_hash,
        ua_hash=ua_hash,
        origin=origin,
        now=now,
    )


async def session(conn: Connection, token_hashes: Sequence[bytes]) -> StoredSession | None:
    """Read and lock the session of a token."""
    row = await _SQL.session.one(conn, token_hashes=list(token_hashes))
    return None if row is None else StoredSession(**dict(row))


async def touch_session(conn: Connection, session_id: UUID, now: datetime) -> None:
    """Note that the client did something."""
    await _SQL.touch_session.run(conn, session_id=session_id, now=now)


async def end_session(conn: Connection, session_id: UUID, reason: str, now: datetime) -> bool:
    """End a session; False when it was over."""
    return await _SQL.end_session.run(conn, session_id=session_id, reason=reason, now=now) == 1


async def end_sessions(conn: Connection, person_id: UUID, reason: str, now: datetime) -> int:
    """End all sessions of a person; gives how many."""
    return await _SQL.end_sessions.run(conn, person_id=person_id, reason=reason, now=now)


async def end_every_session(conn: Connection, reason: str, now: datetime) -> int:
    """End all sessions of everybody; gives how many."""
    return await _SQL.end_every_session.run(conn, reason=reason, now=now)


async def purge(conn: Connection, old: datetime, limit: int) -> int:
    """Forget up to ``limit`` entries and as many sessions that were over before ``old``."""
    entries = await _SQL.purge_entries.run(conn, old=old, limit=limit)
    return entries + await _SQL.purge_sessions.run(conn, old=old, limit=limit)

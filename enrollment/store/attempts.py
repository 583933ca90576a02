"""Counts attempts, keeps blocks and their history, and holds the hash of the PIN."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from enrollment.model import Block, BlockKind
from schemas import queries

if TYPE_CHECKING:
    from datetime import date, datetime
    from uuid import UUID

    from schemas.queries import Connection

_SQL = queries.load(__file__)


@dataclass(frozen=True, slots=True)
class ScaState:
    """Failures in a row and the block in the row, which may be over already."""

    failures: int
    block: Block | None


@dataclass(frozen=True, slots=True)
class StoredPin:
    """The hash of a PIN, the key that went into it, and how often it was set on ``day``."""

    hash: str = field(repr=False)
    key_id: str
    sets: int
    day: date


async def take_attempt(
    conn: Connection,
    person_id: UUID,
    failures_max: int,
    now: datetime,
    *,
    asks_pin: bool = False,
) -> int | None:
    """Count an attempt and give the count with it; None when no more may be made."""
    row = await _SQL.take_attempt.one(
        conn, person_id=person_id, failures_max=failures_max, now=now, asks_pin=asks_pin
    )
    return None if row is None else row["failures"]


async def sca_state(conn: Connection, person_id: UUID) -> ScaState:
    """Read and lock the count and the block."""
    row = await _SQL.sca_state.one(conn, person_id=person_id)
    if row is None:
        return ScaState(0, None)
    kind = row["block_kind"]
    return ScaState(
        row["failures"], None if kind is None else Block(BlockKind(kind), row["block_until"])
    )


async def failures(conn: Connection, person_id: UUID) -> int:
    """Read the count, without a lock."""
    return int(await _SQL.failures.value(conn, person_id=person_id) or 0)


async def temp_blocks_since(conn: Connection, person_id: UUID, since: datetime) -> int:
    """Count the temporary blocks that began after that time, and after a permanent one ended."""
    return int(await _SQL.temp_blocks_since.value(conn, person_id=person_id, since=since))


async def fill_failures(
    conn: Connection, person_id: UUID, failures_max: int, now: datetime
) -> None:
    """Count the failures of a person as full, so that the block that follows can be set."""
    await _SQL.fill_failures.run(conn, person_id=person_id, failures_max=failures_max, now=now)


async def set_block(
    conn: Connection, person_id: UUID, block: Block, failures_max: int, now: datetime
) -> bool:
    """Put a block in force when the count is full and none is in force; tell whether it was."""
    touched = await _SQL.set_block.run(
        conn,
        person_id=person_id,
        kind=block.kind.value,
        until=block.until,
        failures_max=failures_max,
        now=now,
    )
    return touched == 1


async def record_block(
    conn: Connection,
    block_id: UUID,
    person_id: UUID,
    block: Block,
    *,
    reason: str,
    set_by: str,
    now: datetime,
) -> None:
    """Add a block to the history."""
    await _SQL.record_block.run(
        conn,
        block_id=block_id,
        person_id=person_id,
        kind=block.kind.value,
        reason=reason,
        until=block.until,
        set_by=set_by,
        now=now,
    )


async def lift_block(
    conn: Connection, person_id: UUID, kind: BlockKind, *, reason: str, by: str, now: datetime
) -> bool:
    """End a block of that kind, in the row and in the history; False when there is none."""
    if await _SQL.lift_block.run(conn, person_id=person_id, kind=kind.value, now=now) == 0:
        return False
    await _SQL.record_block_end.run(
        conn, person_id=person_id, kind=kind.value, reason=reason, ended_by=by, now=now
    )
    return True


async def pin(conn: Connection, person_id: UUID) -> StoredPin | None:
    """Read the hash of a person's PIN."""
    row = await _SQL.pin.one(conn, person_id=person_id)
    if row is None:
        return None
    return StoredPin(row["pin_hash"], row["pin_key_id"], row["pin_sets"], row["pin_day"])


async def put_pin(
    conn: Connection,
    person_id: UUID,
    pin_hash: str,
    key_id: str,
    *,
    day: date,
    sets_max: int,
    now: datetime,
) -> bool:
    """Set or change the PIN; False when it was changed ``sets_max`` times on that day already."""
    touched = await _SQL.put_pin.run(
        conn,
        person_id=person_id,
        pin_hash=pin_hash,
        pin_key_id=key_id,
        day=day,
        sets_max=sets_max,
        now=now,
    )
    return touched == 1


async def rehash_pin(
    conn: Connection, person_id: UUID, was: str, pin_hash: str, key_id: str
) -> None:
    """Replace a hash that is still the one that was read."""
    await _SQL.rehash_pin.run(
        conn, person_id=person_id, was=was, pin_hash=pin_hash, pin_key_id=key_id
    )

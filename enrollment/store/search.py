"""Looks up one person with what belongs to it."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from enrollment.model import Block, BlockKind
from schemas import queries

if TYPE_CHECKING:
    from datetime import datetime
    from uuid import UUID

    from schemas.queries import Connection

_SQL = queries.load(__file__)


@dataclass(frozen=True, slots=True)
class FoundPerson:
    """A person as a counter sees it; the birth date is sealed."""

    person_id: UUID
    ref: str
    kind: str
    status: str
    language: str
    version: int
    phone_mask: str | None
    minor_allowed: bool
    birth_date_ct: bytes | None = field(repr=False)
    block: Block | None


@dataclass(frozen=True, slots=True)
class FoundAccount:
    """An account of a person; ``currency`` is ISO 4217 numeric."""

    account_id: UUID
    ref: str
    currency: str
    status: str
    role: str


async def person(conn: Connection, ref: str, now: datetime) -> FoundPerson | None:
    """Find a person by the bank's reference; a block that is over is left out."""
    row = await _SQL.person.one(conn, ref=ref, now=now)
    if row is None:
        return None
    found = dict(row)
    kind, until = found.pop("block_kind"), found.pop("block_until")
    block = None if kind is None else Block(BlockKind(kind), until)
    return FoundPerson(**found, block=block)


async def accounts(conn: Connection, person_id: UUID) -> list[FoundAccount]:
    """Read the accounts at which a person has a role."""
    rows = await _SQL.accounts.all(conn, person_id=person_id)
    return [FoundAccount(**dict(row)) for row in rows]

"""Evidence at rest: added once, changed by nobody; visitors apart from it, erased by themselves."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, TypeAlias
from uuid import uuid4

import asyncpg
import pytest

from acs.store import evidence
from acs.store.evidence import Visitor
from tests.acs.people import NOW
from tests.acs.store.rows import leave, proved, stored

if TYPE_CHECKING:
    from schemas.vault import Keys

Conn: TypeAlias = asyncpg.Connection
TEXT = '{"b": 1.10, "a":"ż"}'


async def test_a_document_is_read_to_the_letter(db: Conn) -> None:
    acs_trans_id = uuid4()
    await proved(db, acs_trans_id, TEXT, NOW)
    assert await evidence.document(db, acs_trans_id) == TEXT
    assert await evidence.document(db, uuid4()) is None


async def test_there_is_one_document_of_an_authentication(db: Conn) -> None:
    acs_trans_id = uuid4()
    await proved(db, acs_trans_id, TEXT, NOW)
    with pytest.raises(asyncpg.UniqueViolationError):
        await proved(db, acs_trans_id, TEXT, NOW)


@pytest.mark.parametrize(
    "change",
    [
        "UPDATE audit.evidence SET at = now()",
        "DELETE FROM audit.evidence",
        "TRUNCATE audit.evidence",
    ],
)
async def test_nobody_changes_or_removes_one(db: Conn, owner: Conn, change: str) -> None:
    """The service has no right to, and the tables' owner meets the trigger."""
    await proved(db, uuid4(), TEXT, NOW)
    with pytest.raises(asyncpg.PostgresError, match=r"permission denied|append-only"):
        await db.execute(change)
    with pytest.raises(asyncpg.RaiseError, match="append-only"):
        await owner.execute(change)


async def test_the_first_sight_of_a_visitor_stays_until_its_time_is_over(
    db: Conn, keys: Keys
) -> None:
    acs_trans_id = await stored(db, keys)
    first = Visitor("challenge", b"one", "k1:01")
    await leave(db, keys, acs_trans_id, visitor=first)
    await leave(db, keys, acs_trans_id, visitor=Visitor("challenge", b"two", "k1:02"))
    assert await evidence.visitors(db, acs_trans_id) == [first]
    assert await evidence.lapse_visitors(db, NOW, 10) == 0
    assert await evidence.lapse_visitors(db, NOW + timedelta(seconds=1), 10) == 1
    assert await evidence.visitors(db, acs_trans_id) == []

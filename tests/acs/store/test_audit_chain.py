"""The chain over the audit log tells every change, gap, removal and cut."""

from __future__ import annotations

import asyncio
from datetime import timedelta
from typing import TYPE_CHECKING, TypeAlias

import asyncpg
import msgspec
import pytest

from acs.store import audit_chain
from acs.store.audit_chain import Verified
from schemas import audit
from schemas.audit import AuditEvent
from schemas.vault import KeyRing
from tests.acs.people import NOW

if TYPE_CHECKING:
    from schemas.vault import Keys

Conn: TypeAlias = asyncpg.Connection
EVENT = AuditEvent(NOW, "card.status", "staff", "s-1", "card-1", "ok", details={"b": 1, "a": "ż"})


async def write(conn: Conn, keys: Keys, count: int) -> None:
    for number in range(count):
        event = msgspec.structs.replace(
            EVENT, at=NOW + timedelta(seconds=number), object=f"card-{number}"
        )
        await audit.append(conn, keys.audit, event)


async def seal(conn: Conn, keys: Keys, batch: int = 100) -> int:
    async with conn.transaction():
        return await audit_chain.seal(conn, keys.audit, batch)


async def checked(conn: Conn, keys: Keys) -> Verified:
    return await audit_chain.verify(conn, keys.audit)


async def numbered(conn: Conn, place: int) -> int:
    """Give the number of the n-th event of a log that was empty."""
    base: int = await conn.fetchval("SELECT upkeep.first_event(upkeep.event_month())")
    return base + place


async def tamper(owner: Conn, statement: str) -> None:
    """Do what only the owner of the tables could do, with the guards taken down."""
    async with owner.transaction():
        await owner.execute("SET LOCAL session_replication_role = replica")
        await owner.execute(statement)


async def test_a_whole_log_has_no_faults(db: Conn, keys: Keys) -> None:
    await write(db, keys, 5)
    assert [await seal(db, keys, 3), await seal(db, keys, 3), await seal(db, keys, 3)] == [3, 2, 0]
    found = await checked(db, keys)
    assert (found.links, found.unsealed, found.faults) == (5, 0, ())


async def test_links_that_come_in_stretches_are_one_chain(
    db: Conn, keys: Keys, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(audit_chain, "_SEALED_AT_ONCE", 2)
    await write(db, keys, 7)
    assert [await seal(db, keys, 5), await seal(db, keys, 5)] == [5, 2]
    found = await checked(db, keys)
    assert (found.links, found.unsealed, found.faults) == (7, 0, ())


async def test_an_empty_log_is_whole(db: Conn, keys: Keys) -> None:
    assert await seal(db, keys) == 0
    assert await checked(db, keys) == Verified(0, 0, 0, bytes(32), 0, ())


async def test_the_end_of_a_log_that_had_no_link_is_still_known(db: Conn, keys: Keys) -> None:
    """As it is kept on the first day."""
    await write(db, keys, 1)
    await seal(db, keys)

    found = await audit_chain.verify(db, keys.audit, f"0:{audit_chain.START.hex()}")

    assert (found.last_seq, found.faults) == (1, ())


async def test_what_is_not_sealed_yet_is_counted(db: Conn, keys: Keys) -> None:
    await write(db, keys, 2)
    await seal(db, keys)
    await write(db, keys, 3)
    assert (await checked(db, keys)).unsealed == 3


CHANGES = (
    "outcome = 'refused'",
    "object = 'card-9'",
    "actor = 's-2'",
    "at = at + interval '1 second'",
    """details = '{"a": "z", "b": 1}'""",
    "name = 'card.closed'",
)


@pytest.mark.parametrize("change", CHANGES)
async def test_a_changed_event_is_told(db: Conn, owner: Conn, keys: Keys, change: str) -> None:
    await write(db, keys, 3)
    await seal(db, keys)
    second = await numbered(db, 2)
    await tamper(owner, f"UPDATE audit.event SET {change} WHERE event_id = {second}")
    assert (await checked(db, keys)).faults == (f"event {second} was changed",)


async def test_a_removed_event_is_told(db: Conn, owner: Conn, keys: Keys) -> None:
    await write(db, keys, 3)
    await seal(db, keys)
    second = await numbered(db, 2)
    await tamper(owner, f"DELETE FROM audit.event WHERE event_id = {second}")
    assert f"event {second} was removed" in (await checked(db, keys)).faults


async def test_a_removed_link_is_told(db: Conn, owner: Conn, keys: Keys) -> None:
    await write(db, keys, 4)
    await seal(db, keys)
    await tamper(owner, "DELETE FROM audit.seal WHERE seq = 2")
    assert len((await checked(db, keys)).faults) >= 1


async def test_exchanged_events_are_told(db: Conn, owner: Conn, keys: Keys) -> None:
    await write(db, keys, 3)
    await seal(db, keys)
    second = await numbered(db, 2)
    await tamper(
        owner,
        f"UPDATE audit.seal SET event_id = event_id + CASE event_id WHEN {second} THEN 101"
        f" ELSE 99 END WHERE event_id >= {second}",
    )
    await tamper(
        owner, f"UPDATE audit.seal SET event_id = event_id - 100 WHERE event_id > {second + 50}"
    )
    assert (await checked(db, keys)).faults != ()


async def test_a_cut_tail_shows_in_the_last_link(db: Conn, owner: Conn, keys: Keys) -> None:
    await write(db, keys, 3)
    await seal(db, keys)
    before = await checked(db, keys)
    await tamper(owner, "DELETE FROM audit.seal WHERE seq = 3")
    await tamper(owner, f"DELETE FROM audit.event WHERE event_id = {await numbered(db, 3)}")
    after = await checked(db, keys)
    assert after.faults == ()
    assert (after.last_seq, after.last_mac) != (before.last_seq, before.last_mac)


async def test_without_the_key_a_chain_cannot_be_made(db: Conn, keys: Keys) -> None:
    forged = KeyRing("k2", {"k2": b"another key of thirty-two bytes!"})
    await audit.append(db, forged, EVENT)
    async with db.transaction():
        await audit_chain.seal(db, forged, 10)
    assert len((await checked(db, keys)).faults) == 2


async def test_links_of_an_earlier_key_are_still_good(db: Conn, keys: Keys) -> None:
    earlier = KeyRing("k1", dict(keys.audit.keys))
    await audit.append(db, earlier, EVENT)
    async with db.transaction():
        await audit_chain.seal(db, earlier, 10)
    await write(db, keys, 1)
    await seal(db, keys)
    assert (await checked(db, keys)).faults == ()


async def test_an_event_that_was_committed_late_is_sealed_all_the_same(
    db: Conn, pool: asyncpg.Pool, keys: Keys
) -> None:
    async with pool.acquire() as slow:
        late = slow.transaction()
        await late.start()
        await write(slow, keys, 1)
        await write(db, keys, 2)
        await seal(db, keys)
        await late.commit()
    assert await seal(db, keys) == 1
    found = await checked(db, keys)
    assert (found.links, found.unsealed, found.faults) == (3, 0, ())


async def test_many_housekeepers_make_one_chain(db: Conn, pool: asyncpg.Pool, keys: Keys) -> None:
    await write(db, keys, 30)

    async def housekeeper() -> int:
        async with pool.acquire() as conn:
            return sum([await seal(conn, keys, 2) for _ in range(20)])

    assert sum(await asyncio.gather(*(housekeeper() for _ in range(6)))) <= 30
    while await seal(db, keys):
        pass
    found = await checked(db, keys)
    assert (found.links, found.unsealed, found.faults) == (30, 0, ())


@pytest.mark.parametrize(
    "statement", ["UPDATE audit.event SET name = 'x'", "DELETE FROM audit.seal"]
)
async def test_nobody_edits_the_log(db: Conn, keys: Keys, statement: str) -> None:
    await write(db, keys, 1)
    await seal(db, keys)
    with pytest.raises(asyncpg.PostgresError):
        await db.execute(statement)


async def test_after_a_late_event_the_newest_are_sealed_all_the_same(
    db: Conn, pool: asyncpg.Pool, keys: Keys, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It is the last in the chain then, and far below the highest number in it."""
    monkeypatch.setattr(audit_chain, "_LOOK_BACK", 8)
    await write(db, keys, 10)
    assert await seal(db, keys) == 10
    async with pool.acquire() as slow:
        late = slow.transaction()
        await late.start()
        await write(slow, keys, 1)
        await write(db, keys, 7)
        assert await seal(db, keys) == 7
        await late.commit()
    assert await seal(db, keys, 2) == 1
    await write(db, keys, 3)
    assert [await seal(db, keys, 2), await seal(db, keys, 2), await seal(db, keys, 2)] == [2, 1, 0]
    found = await checked(db, keys)
    assert (found.links, found.unsealed, found.faults) == (21, 0, ())


async def test_an_event_that_was_committed_very_late_comes_into_the_chain_too(
    db: Conn, pool: asyncpg.Pool, keys: Keys, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As one of a file's lines, while thousands pay each second."""
    monkeypatch.setattr(audit_chain, "_LOOK_BACK", 3)
    async with pool.acquire() as slow:
        late = slow.transaction()
        await late.start()
        await write(slow, keys, 1)
        await write(db, keys, 6)
        await seal(db, keys)
        await late.commit()
    assert await seal(db, keys) == 0

    async with db.transaction():
        assert await audit_chain.seal(db, keys.audit, 100, is_far=True) == 1

    found = await checked(db, keys)
    assert (found.links, found.unsealed, found.faults) == (7, 0, ())


async def test_an_event_that_somebody_wrote_beside_the_chain_is_told(
    db: Conn, owner: Conn, keys: Keys
) -> None:
    """Under a number from long ago, where nobody looks for what has no link yet."""
    await write(db, keys, 3)
    await seal(db, keys)
    before = await numbered(db, 0)
    copied = (
        "at, name, actor_kind, actor, 'card-9', outcome, origin, request_id, details, key_id, mac"
    )
    await owner.execute(
        "INSERT INTO audit.event OVERRIDING SYSTEM VALUE"
        f" SELECT {before}, {copied} FROM audit.event ORDER BY event_id LIMIT 1"
    )
    await write(db, keys, 1)

    found = await checked(db, keys)

    assert found.faults == (f"event {before} was changed, or written by somebody else",)
    assert found.unsealed == 2


async def test_an_event_that_will_never_come_into_the_chain_is_told(
    db: Conn, owner: Conn, keys: Keys, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(audit_chain, "_LOOK_FAR_BACK", 3)
    await write(db, keys, 4)
    await seal(db, keys)
    first = await numbered(db, 1)
    await tamper(owner, f"DELETE FROM audit.seal WHERE event_id = {first}")
    await write(db, keys, 2)

    found = await checked(db, keys)

    assert f"event {first} never came into the chain" in found.faults
    assert not any("event" in fault and str(first) not in fault for fault in found.faults)

"""Sessions with SDKs: changed over what was read, erased early, gone in the end."""

from __future__ import annotations

import json
from datetime import timedelta
from typing import TYPE_CHECKING
from uuid import uuid4

import pytest
from hypothesis import given
from hypothesis import strategies as st

from acs.authentication.rendering import Rendering
from acs.store import sdk_sessions
from acs.store.sdk_sessions import KEPT, KEY_KEPT, NOTHING_YET, SdkSession
from acs.transaction import AcsTransId
from tests.acs.people import ACS_TRANS_ID, NOW
from tests.acs.store import rows
from tests.records import replace

if TYPE_CHECKING:
    import asyncpg

SECOND = timedelta(seconds=1)
NEW = SdkSession(ACS_TRANS_ID, Rendering("02", "05"), 15, b"sealed key")
MOVED = replace(
    NEW, counter=0, creq_digest=b"d" * 32, creqs_before=b"before.." * 3, pin_sealed=b"sealed pin"
)
DIGESTS = st.lists(st.binary(min_size=32, max_size=32), min_size=1, max_size=40, unique=True)


async def test_a_session_comes_back_as_it_was_kept(db: asyncpg.Connection) -> None:
    await sdk_sessions.add(db, NEW, NOW)

    assert await sdk_sessions.read(db, ACS_TRANS_ID) == NEW
    assert NEW.counter == NOTHING_YET
    assert NEW.lasts == timedelta(minutes=16)


async def test_a_creq_moves_it_and_is_kept(db: asyncpg.Connection) -> None:
    await sdk_sessions.add(db, NEW, NOW)

    await sdk_sessions.move(db, NEW, MOVED, masked={"messageType": "CReq"}, now=NOW)
    await sdk_sessions.move(db, MOVED, replace(MOVED, pin_sealed=None), masked=None, now=NOW)

    kept = await db.fetchrow("SELECT direction, message_type, body FROM acs.message_log")
    assert kept is not None
    assert (kept[0], kept[1], json.loads(kept[2])) == ("in", "CReq", {"messageType": "CReq"})
    assert await sdk_sessions.read(db, ACS_TRANS_ID) == replace(MOVED, pin_sealed=None)


async def test_two_cannot_move_it_from_the_same_place(db: asyncpg.Connection) -> None:
    await sdk_sessions.add(db, NEW, NOW)
    await sdk_sessions.move(db, NEW, MOVED, masked=None, now=NOW)

    with pytest.raises(AssertionError, match="moved"):
        await sdk_sessions.move(db, NEW, MOVED, masked={"a": "b"}, now=NOW)

    assert await db.fetchval("SELECT count(*) FROM acs.message_log") == 0


@given(digests=DIGESTS, other=st.binary(min_size=32, max_size=32))
def test_a_copy_is_known_by_its_bytes_however_many_came_since(
    digests: list[bytes], other: bytes
) -> None:
    session = NEW
    for digest in digests:
        assert not session.came_before(digest)
        session = session.after(digest)

    assert session.creq_digest == digests[-1]
    assert [session.came_before(one) for one in digests] == [True] * (len(digests) - 1) + [False]
    assert session.came_before(other) == (other in digests[:-1])
    assert len(session.creqs_before) == 8 * (len(digests) - 1)


def test_a_copy_is_not_found_across_two_others() -> None:
    session = NEW.after(b"a" * 32).after(b"b" * 32).after(b"c" * 32)

    assert not session.came_before(b"aaaabbbb" + b"x" * 24)


async def test_a_pin_is_dropped_alone_and_only_its_own(db: asyncpg.Connection) -> None:
    other = replace(NEW, acs_trans_id=AcsTransId(uuid4()))
    for one in (NEW, other):
        await sdk_sessions.add(db, one, NOW)
        waits = replace(MOVED, acs_trans_id=one.acs_trans_id)
        await sdk_sessions.move(db, one, waits, masked=None, now=NOW)

    for _ in range(2):
        await sdk_sessions.forget_pin(db, ACS_TRANS_ID)

    assert await sdk_sessions.read(db, ACS_TRANS_ID) == replace(MOVED, pin_sealed=None)
    kept = await sdk_sessions.read(db, other.acs_trans_id)
    assert kept is not None
    assert kept.pin_sealed == MOVED.pin_sealed


async def test_secrets_go_first_and_the_rest_later(db: asyncpg.Connection) -> None:
    await sdk_sessions.add(db, NEW, NOW)
    await sdk_sessions.move(db, NEW, MOVED, masked=None, now=NOW)

    assert await sdk_sessions.lapse(db, NOW + KEY_KEPT - SECOND, 10) == 0
    assert await sdk_sessions.lapse(db, NOW + KEY_KEPT, 10) == 1
    assert await sdk_sessions.lapse(db, NOW + KEPT - SECOND, 10) == 0
    erased = replace(MOVED, key_sealed=None, pin_sealed=None)
    assert await sdk_sessions.read(db, ACS_TRANS_ID) == erased
    assert await sdk_sessions.lapse(db, NOW + KEPT, 10) == 1
    assert await sdk_sessions.read(db, ACS_TRANS_ID) is None


async def test_a_session_stays_while_its_result_is_owed(db: asyncpg.Connection) -> None:
    await sdk_sessions.add(db, NEW, NOW)
    await rows.owed(db, ACS_TRANS_ID, "p", NOW)

    assert await sdk_sessions.lapse(db, NOW + 2 * KEPT, 10) == 1  # its key
    assert await sdk_sessions.lapse(db, NOW + 2 * KEPT, 10) == 0
    await db.execute(
        "UPDATE acs.result SET state = 'abandoned', lease_until = NULL, settled_at = $1", NOW
    )
    assert await sdk_sessions.lapse(db, NOW + 2 * KEPT, 10) == 1


def test_what_is_sealed_is_not_shown() -> None:
    assert "sealed" not in repr(replace(MOVED, counter=3)).replace("key_sealed", "")

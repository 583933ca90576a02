"""Rows of before the partitions: all of them are still there, and found as before."""

from __future__ import annotations

from typing import TYPE_CHECKING
from uuid import UUID, uuid4

import asyncpg
import pytest

from acs.store import dialogues, evidence, migrate, transactions
from acs.store.transactions import AlreadyKnown
from acs.transaction import DsTransId, ThreeDSServerTransId
from tests.acs.people import NOW
from tests.acs.store.rows import a_new

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from acs.store.embedded import EmbeddedPostgres
    from schemas.vault import Keys

_FIRST = "0020_pre_partitions.sql"
_TABLES = (
    "acs.transaction", "acs.message_log", "acs.visitor", "audit.evidence",
    "enrollment.reservation", "acs.timer", "acs.result",
)  # fmt: skip
_BEFORE = (
    """
    INSERT INTO acs.transaction (
        acs_trans_id, three_ds_server_trans_id, ds_trans_id, ds_id, areq_digest, message_version,
        device_channel, message_category, range_id, range_version, scheme, last4, link_digest,
        trans_status, rule, reasons, elements, ares_sealed, state, language, created_at)
    VALUES ($1, upper($2::uuid::text), $3::uuid::text, 'ds', $4, '2.2.0', '02', '01', 'range', 1,
            'visa', '1234', $4, 'C', 'rule', '{}', 'otp', 'sealed', 'wait_creq', 'en', $5)""",
    "INSERT INTO acs.timer (acs_trans_id, kind, due_at) VALUES ($1, 'first_creq', $2)",
    """
    INSERT INTO acs.result (acs_trans_id, state, next_at, created_at)
    VALUES ($1, 'queued', $2, $2)""",
    """
    INSERT INTO acs.message_log (acs_trans_id, at, direction, message_type, body)
    VALUES ($1, $2, 'in', 'AReq', '{}'), (NULL, $2, 'in', 'Erro', '{}')""",
    "INSERT INTO acs.visitor VALUES ($1, 'areq', $2, 'sealed', 'tag')",
    "INSERT INTO audit.evidence VALUES ($1, $2, '{\"a\": 1}')",
    """
    INSERT INTO enrollment.reservation (
        acs_trans_id, card_id, account_id, amount, day, month, state, made_at)
    VALUES ($1, $1, $1, 5, '2026-04-15', '2026-04-01', 'held', $2)""",
)


@pytest.fixture
async def old(postgres: EmbeddedPostgres, owner: asyncpg.Connection) -> AsyncIterator[str]:
    """Give a database as the last release without partitions left it."""
    name = f"old_{uuid4().hex}"
    await owner.execute(f"CREATE DATABASE {name}")
    conn = await asyncpg.connect(postgres.dsn_of(name))
    for one in migrate.migrations():
        if one.name < _FIRST:
            await conn.execute(one.sql)
    await conn.close()
    yield postgres.dsn_of(name)
    await owner.execute(f"DROP DATABASE {name} WITH (FORCE)")


async def test_no_row_is_lost_and_every_one_is_found(old: str, keys: Keys) -> None:
    conn = await asyncpg.connect(old)
    ids = [(uuid4(), uuid4(), uuid4()) for _ in range(40)]
    for mine, theirs, network in ids:
        await conn.execute(_BEFORE[0], mine, theirs, network, bytes(32), NOW)
        for statement in _BEFORE[1:]:
            await conn.execute(statement, mine, NOW)
    counts = [await conn.fetchval(f"SELECT count(*) FROM {table}") for table in _TABLES]
    for one in migrate.migrations():
        if one.name >= _FIRST:
            await conn.execute(one.sql)

    assert (
        counts
        == [await conn.fetchval(f"SELECT count(*) FROM {table}") for table in _TABLES]
        == [40, 80, 40, 40, 40, 40, 40]
    )
    for mine, theirs, network in ids:
        found = await dialogues.lock(conn, mine)
        assert found is not None
        known = await transactions.answered_before(conn, str(theirs), str(network))
        assert known is not None
        assert known.acs_trans_id == mine
        assert await evidence.document(conn, mine) == '{"a": 1}'
    assert await conn.fetchval("SELECT enrollment.give_back($1, 'held', 'released', now())", mine)
    again = a_new(
        keys,
        three_ds_server_trans_id=ThreeDSServerTransId(str(theirs)),
        ds_trans_id=DsTransId(str(network)),
    )
    assert await transactions.record(conn, [again]) == [AlreadyKnown()]
    with pytest.raises(asyncpg.PostgresError, match="cannot change"):
        await conn.execute("UPDATE acs.transaction SET last4 = '1111', ds_trans_id = 'x'")
    await conn.close()


async def test_an_old_row_whose_identifier_looks_like_a_month_to_come_moves_there(
    old: str,
) -> None:
    conn = await asyncpg.connect(old)
    within = await conn.fetchval("SELECT extract(epoch FROM now() + interval '40 days')")
    mine = UUID(int=(int(within) * 1000) << 80)
    await conn.execute(_BEFORE[0], mine, uuid4(), uuid4(), bytes(32), NOW)
    for one in migrate.migrations():
        if one.name >= _FIRST:
            await conn.execute(one.sql)
    made = await conn.fetchval(
        "SELECT upkeep.make_partition('acs.transaction', (now() + interval '40 days')::date)"
    )
    assert made == "made"
    assert await dialogues.read(conn, mine) is not None
    place = await conn.fetchval("SELECT tableoid::regclass::text FROM acs.transaction")
    assert not place.endswith("default")
    await conn.close()

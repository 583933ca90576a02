"""The yardstick D: the two statements of an AReq sent one by one, as fast as PostgreSQL takes them.

The same SQL with the same kind of values as the service sends, without the service: what an AReq
without batches could reach at most on this database.
"""

import asyncio
import json
import time
from dataclasses import dataclass
from datetime import UTC, datetime
from os import urandom
from uuid import UUID, uuid4

import asyncpg

from acs.authentication.case import Reservation
from acs.store import device_data, transactions
from acs.store.device_data import Question
from acs.store.evidence import Visitor
from acs.store.pool import Pool, PoolSettings
from acs.store.transactions import Hold, NewTransaction
from acs.transaction import AcsTransId, DsTransId, ThreeDSServerTransId
from enrollment.model import EffectiveLimits, calendar_of
from schemas.records import replace
from schemas.secret import Tag

DS_ID = "bench:statements"
"""Names the rows of this yardstick, so that nobody counts them as answers."""


@dataclass(frozen=True, slots=True)
class Sample:
    """A transaction that the service stored, to store its like."""

    new: NewTransaction
    question: Question

    def another(self) -> NewTransaction:
        """Give one more like it, under identifiers of its own."""
        transaction = replace(
            self.new.transaction,
            acs_trans_id=AcsTransId(uuid4()),
            three_ds_server_trans_id=ThreeDSServerTransId(str(uuid4())),
            ds_trans_id=DsTransId(str(uuid4())),
        )
        return replace(
            self.new, transaction=transaction, audit_object=str(transaction.acs_trans_id)
        )


async def sample(conn: asyncpg.Connection) -> Sample:
    """Take the newest frictionless transaction of the service apart."""
    acs_trans_id: UUID = await conn.fetchval(
        "SELECT acs_trans_id FROM acs.transaction WHERE trans_status = 'Y'"
        " ORDER BY created_at DESC LIMIT 1"
    )
    dialogue = await transactions.read(conn, acs_trans_id)
    assert dialogue is not None
    transaction = replace(dialogue.transaction, ds_id=DS_ID)
    stored = await conn.fetchrow(
        "SELECT t.ares_sealed, v.sealed, v.tag, e.document, a.*, c.pan_idx,"
        "  (SELECT body FROM acs.message_log WHERE acs_trans_id = $1 AND direction = 'in') AS areq,"
        "  (SELECT body FROM acs.message_log WHERE acs_trans_id = $1 AND direction = 'out') AS ares"
        " FROM acs.transaction t JOIN acs.visitor v USING (acs_trans_id)"
        " JOIN audit.evidence e USING (acs_trans_id)"
        " JOIN audit.event a ON a.object = t.acs_trans_id::text"
        " JOIN enrollment.card c USING (card_id) WHERE t.acs_trans_id = $1",
        acs_trans_id,
    )
    now = datetime.now(UTC)
    day, month = calendar_of(now)
    new = NewTransaction(
        transaction=transaction,
        areq_digest=urandom(32),
        ares_sealed=stored["ares_sealed"],
        areq_masked=json.loads(stored["areq"]),
        ares_masked=json.loads(stored["ares"]),
        hold=Hold(Reservation(100, EffectiveLimits(), EffectiveLimits()), day, month, counted=True),
        first_creq_due=None,
        audit_name=stored["name"],
        audit_object="",
        audit_outcome=stored["outcome"],
        audit_details=stored["details"],
        audit_tag=Tag(stored["key_id"], stored["mac"]),
        visitor=Visitor("areq", stored["sealed"], stored["tag"]),
        evidence=stored["document"],
    )
    return Sample(new, Question([stored["pan_idx"]], day, month, (), now))


async def rate(dsn: str, like: Sample, *, connections: int, seconds: float) -> float:
    """Give how many AReqs a second the database takes, two statements each, one by one."""
    pool = await Pool.open(PoolSettings(dsn, size=connections, application_name="acs bench"))
    done = 0

    async def one_by_one(stop_at: float) -> None:
        nonlocal done
        async with pool.connection() as conn:
            while time.perf_counter() < stop_at:
                await device_data.with_standings(conn, [like.question])
                await transactions.record(conn, [like.another()])
                done += 1

    started = time.perf_counter()
    try:
        await asyncio.gather(*(one_by_one(started + seconds) for _ in range(connections)))
    finally:
        await pool.close()
    return done / (time.perf_counter() - started)

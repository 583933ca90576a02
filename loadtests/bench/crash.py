"""What was acknowledged and is gone after a crash of the database: nothing, or the run fails.

Under full load every process of PostgreSQL is killed (-9), which leaves no time for a last write.
It is started again, recovers, and each answer that was given is looked for with all that belongs
to it.
"""

import asyncio
import json
from dataclasses import dataclass, field, replace

import asyncpg

from loadtests.bench.client import JSON, Target, head, wire_to
from loadtests.bench.site import Site
from loadtests.chaos.processes import children_of, kill

_MISSING = """
    SELECT count(*) FROM unnest($1::uuid[]) AS acknowledged (acs_trans_id)
    LEFT JOIN acs.transaction t USING (acs_trans_id)
    LEFT JOIN audit.evidence e USING (acs_trans_id)
    WHERE t.acs_trans_id IS NULL OR e.acs_trans_id IS NULL
       OR (SELECT count(*) FROM acs.message_log m WHERE m.acs_trans_id = t.acs_trans_id) <> 2
       OR NOT EXISTS (SELECT FROM audit.event v WHERE v.object = t.acs_trans_id::text)"""


@dataclass(frozen=True, slots=True)
class Crash:
    """How many answers were given before a crash, and how many of them it took along."""

    acknowledged: int
    lost: int


@dataclass(slots=True)
class _Heard:
    ids: list[str] = field(default_factory=list)

    def hear(self, answer: bytes) -> None:
        self.ids.append(json.loads(answer)["acsTransID"])


async def crash(site: Site, target: Target, *, connections: int, seconds: float) -> Crash:
    """Kill the database after a while of load, start it again, count."""
    database = site.database
    assert database is not None
    heard = _Heard()
    told = replace(target, hear=heard.hear)
    load = [asyncio.create_task(_until_refused(told)) for _ in range(connections)]
    await asyncio.sleep(seconds)
    for pid in children_of(database.pid):
        kill(pid)
    await database.crash()
    await asyncio.gather(*load)
    await database.start()
    await site.until_ready()
    conn = await site.connect()
    try:
        return Crash(len(heard.ids), await missing(conn, heard.ids))
    finally:
        await conn.close()


async def missing(conn: asyncpg.Connection, ids: list[str]) -> int:
    """Count the frictionless answers of which anything is not stored."""
    count: int = await conn.fetchval(_MISSING, ids)
    return count


async def _until_refused(target: Target) -> None:
    """Send until an answer is not the expected one; only what was answered counts as given."""
    top = head("POST", "/3ds/areq", target.port, content_type=JSON)
    async with wire_to(target.port) as wire:
        while True:
            _, answer = await wire.ask(top, target.body())
            if target.expected not in answer.replace(b" ", b""):
                return
            if target.hear is not None:
                target.hear(answer)

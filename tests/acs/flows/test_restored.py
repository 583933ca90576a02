"""A database that was dumped and restored elsewhere: the service goes on over it.

Where it is an earlier state, what happened after it is known to others alone: nothing that stood
open in it may speak up.
"""

from __future__ import annotations

import asyncio
import json
import subprocess
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Any
from uuid import uuid4

import asyncpg
import pytest

from acs.flows import restored
from acs.flows.restored import Ended
from acs.store import audit_chain, schema_file
from acs.store.postgres_binaries import find
from tests.records import replace
from tests.story.areqs import browser_areq
from tests.story.buying import EASY, ask, begin, outcome, right, shown
from tests.story.test_deaths import until_death

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from pathlib import Path

    from acs.store.embedded import EmbeddedPostgres
    from tests.story.world import Server, World


@asynccontextmanager
async def copy(postgres: EmbeddedPostgres, dsn: str, folder: Path) -> AsyncIterator[str]:
    """Dump a database and restore it under another name, as docs/operate/backup.md says."""
    name = f"restored_{uuid4().hex}"
    there, file = postgres.dsn_of(name), str(folder / "acs.dump")
    await run("pg_dump", "--format=custom", f"--file={file}", f"--dbname={dsn}")
    admin = await asyncpg.connect(postgres.dsn_of("postgres"))
    try:
        await admin.execute(f"CREATE DATABASE {name}")
        await run("pg_restore", "--exit-on-error", f"--dbname={there}", file)
        yield there
    finally:
        await admin.execute(f"DROP DATABASE {name} WITH (FORCE)")
        await admin.close()


async def run(program: str, *arguments: str) -> None:
    command = [str(find().folder / program), *arguments]

    def done() -> None:
        subprocess.run(command, check=True, capture_output=True, timeout=300)

    await asyncio.to_thread(done)


@asynccontextmanager
async def served(world: World, dsn: str) -> AsyncIterator[tuple[Server, asyncpg.Connection[Any]]]:
    """Run a process over another database, the other parties being the same."""
    server = await replace(world, dsn=dsn).start_server()
    conn = await asyncpg.connect(dsn)
    try:
        yield server, conn
    finally:
        await conn.close()
        await server.stop()


async def rows(conn: asyncpg.Connection[Any]) -> dict[str, int]:
    """Count the rows of every table that holds some, partitions by their own names."""
    tables = await conn.fetch(
        "SELECT oid::regclass::text FROM pg_class WHERE relkind = 'r'"
        " AND relnamespace::regnamespace::text IN ('acs', 'audit', 'enrollment', 'otp', 'upkeep')"
    )
    found = {one[0]: await conn.fetchval(f"SELECT count(*) FROM {one[0]}") for one in tables}
    return {name: count for name, count in found.items() if count}


async def state(conn: asyncpg.Connection[Any], ares: dict[str, Any]) -> tuple[str, ...]:
    query = (
        "SELECT t.state, t.outcome_status, r.state, r.answer FROM acs.transaction t"
        " JOIN acs.result r USING (acs_trans_id) WHERE acs_trans_id = $1::text::uuid"
    )
    return tuple(await conn.fetchrow(query, ares["acsTransID"]))


async def test_the_service_goes_on_over_a_restored_dump(
    world: World, postgres: EmbeddedPostgres, tmp_path: Path
) -> None:
    easy = await world.enrol(prefix=EASY)
    paid = json.dumps(browser_areq(easy.pan, ds_url=world.directory.url)).encode()
    answer = await world.areq_bytes(paid)
    ares, page = await begin(world, await world.enrol())
    await world.submit(page, otp=right(world, world.holders[-1]))
    await world.server.work_at_everything()

    async with copy(postgres, world.dsn, tmp_path) as dsn, served(world, dsn) as (server, conn):
        assert await rows(conn) == await rows(world.db)
        assert await asyncio.to_thread(schema_file.dump, dsn) == await asyncio.to_thread(
            schema_file.FILE.read_text, "utf-8"
        )
        assert (await audit_chain.verify(conn, world.keys.audit)).faults == ()
        assert await world.areq_bytes(paid, server) == answer
        assert shown(await world.open(ares, server=server)) == "Y"
        fresh = await world.areq(browser_areq(easy.pan, ds_url=world.directory.url), server)
        assert fresh["transStatus"] == "Y"


async def test_what_was_open_in_an_earlier_state_says_nothing_to_the_network(
    world: World, postgres: EmbeddedPostgres, tmp_path: Path
) -> None:
    holder = await world.enrol()
    ares, page = await begin(world, holder)
    waits = await ask(world, await world.enrol())
    async with copy(postgres, world.dsn, tmp_path) as dsn:
        assert shown(await world.submit(page, otp=right(world, holder))) == "Y"
        await world.server.time_out()
        async with served(world, dsn) as (server, conn):
            ended = await restored.end_what_was_open(server.ports)
            assert (ended.challenges, ended.codes) == (2, 0)
            late = await world.submit(page, server=server, otp=right(world, holder))
            assert late.cres is None or late.cres["transStatus"] != "Y"
            world.clock.advance(hours=1)
            await server.work_at_everything()
            for one in (ares, waits):
                assert await state(conn, one) == (
                    *("closed", "U", "abandoned"),
                    "the database was restored",
                )
            assert (await audit_chain.verify(conn, world.keys.audit)).faults == ()
        (told,) = world.directory.results(ares["acsTransID"])
        assert told["transStatus"] == "Y"
        assert world.directory.results(waits["acsTransID"]) == []
    world.finals.clear()  # those of the copy are no finals of this one
    await world.server.time_out()


async def test_a_result_that_was_fixed_before_leaves_as_ever(world: World) -> None:
    holder = await world.enrol()
    world.directory.mode = "error"
    ares, page = await begin(world, holder)
    await world.submit(page, otp=right(world, holder))
    assert await restored.end_what_was_open(world.server.ports) == Ended(0, 0, 0)
    world.directory.mode = "accept"
    world.clock.advance(minutes=1)
    await world.server.work("results")
    assert outcome(world, ares)[0] == "Y"


@pytest.mark.parametrize("number", range(1, 12))
async def test_it_is_done_again_after_a_death_at_any_step(world: World, number: int) -> None:
    ares = [await ask(world, await world.enrol()) for _ in range(2)]
    doomed = await world.start_server()
    doomed.death.at_step(number)
    assert await until_death(doomed, restored.end_what_was_open(doomed.ports))
    await restored.end_what_was_open(world.server.ports)
    world.clock.advance(hours=1)
    await world.server.work_at_everything()
    for one in ares:
        assert (await state(world.db, one))[:3] == ("closed", "U", "abandoned")
        assert world.directory.results(one["acsTransID"]) == []

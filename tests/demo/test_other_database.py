"""A purchase on a PostgreSQL that somebody else started."""

from __future__ import annotations

import asyncio
import shutil

import asyncpg

from acs.store.embedded import EmbeddedPostgres
from tests.conftest import scratch
from tests.demo.running import Demo


async def _create(dsn: str) -> None:
    conn = await asyncpg.connect(dsn)
    try:
        await conn.execute("CREATE DATABASE elsewhere")
    finally:
        await conn.close()


def test_a_purchase_works_on_a_database_given_by_its_url() -> None:
    folder = scratch("acs-other-")
    server = EmbeddedPostgres.start(folder / "pg")
    try:
        asyncio.run(_create(server.dsn))
        demo = Demo(folder, {"ACS_DATABASE__URL": server.dsn_of("elsewhere")})
        demo.start()
        try:
            card = demo.cards("C pin+otp")[0]
            page = demo.open(demo.buy(card))
            final = demo.submit(page, otp=demo.code(card), pin=card["pin"])

            assert final.cres["transStatus"] == "Y"
            assert not list((folder / "var").glob("postgres*"))
        finally:
            assert demo.stop() == 0
    finally:
        server.stop()
        shutil.rmtree(folder, ignore_errors=True)

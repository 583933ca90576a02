"""Nothing secret in clear: not in the database, not in the logs, not in the metrics."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

import asyncpg
import pytest

from acs.store.embedded import EmbeddedPostgres
from tests.story import laws

if TYPE_CHECKING:
    from tests.demo.running import Demo

pytestmark = pytest.mark.xdist_group("demo")

_TABLES = """
SELECT format('%I.%I', n.nspname, c.relname)
FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
WHERE c.relkind IN ('r', 'p', 'v', 'm')
  AND n.nspname NOT IN ('pg_catalog', 'information_schema', 'pg_toast')
"""


async def _dump(dsn: str) -> str:
    conn = await asyncpg.connect(dsn)
    try:
        rows = []
        for (table,) in await conn.fetch(_TABLES):
            rows += [row[0] for row in await conn.fetch(f"SELECT t::text FROM {table} t")]
        return "\n".join(rows)
    finally:
        await conn.close()


def test_a_purchase_leaves_no_secret_in_clear(demo: Demo) -> None:
    card = demo.cards("C pin+otp")[2]
    page = demo.open(demo.buy(card))
    codes = {demo.code(card)}
    again = demo.submit(page, otp="000000" if "000000" not in codes else "000001", pin="9731")
    final = demo.submit(again, otp=codes.copy().pop(), pin=card["pin"])
    demo.finish(final)
    in_app = demo.buy(card, channel="app")
    for entry in (None, card["pin"], "735197", card["pin"]):
        demo.act(in_app, **({} if entry is None else {"entry": entry}))
    codes.add(demo.code(card))
    passed = demo.act(in_app, entry=demo.code(card))
    codes.add("735197")
    number = card["phone"].removeprefix("+")

    dump = asyncio.run(_dump(EmbeddedPostgres.start(demo.folder / "var").dsn))
    logs = demo.log.read_text()
    metrics = laws.told_by_metrics(demo.get("ops", "/metrics").body.decode())

    assert (final.cres["transStatus"], passed["transStatus"]) == ("Y", "Y")
    assert len(dump) > 10_000
    for name, text in (("dump", dump), ("logs", logs), ("metrics", metrics)):
        for secret in {card["pan"], number, number[2:], *codes}:
            found = [one.kind for one in laws.traces("it", secret) if one.is_in(text)]
            assert found == [], name

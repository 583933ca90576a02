"""pgbench sends the service's statements: the same values, another card and other ids each time."""

from __future__ import annotations

from datetime import UTC, date, datetime
from typing import TYPE_CHECKING
from uuid import UUID

import pytest

from loadtests.bench import pgbench, statements

if TYPE_CHECKING:
    from pathlib import Path

    import asyncpg

    from tests.loadtests.bench.conftest import Filled

SAME = (
    "t.ds_id, t.message_version, t.purchase_amount, t.purchase_date, t.merchant_name, t.rule,"
    " t.reasons, t.trans_status, t.state, t.created_at, t.areq_digest, t.ares_sealed, t.tableoid"
)
_LEFT = """
    SELECT count(*) AS rows, count(DISTINCT t.acs_trans_id) AS ids,
           count(DISTINCT lower(t.ds_trans_id)) AS ds_ids, count(DISTINCT t.card_id) AS cards,
           min((SELECT count(*) FROM acs.message_log m
                WHERE m.acs_trans_id = t.acs_trans_id)) AS log,
           bool_and(EXISTS (SELECT FROM audit.event e
                            WHERE e.object = t.acs_trans_id::text)) AS told,
           count(r.acs_trans_id) AS held,
           max(abs(('x' || left(translate(t.acs_trans_id::text, '-', ''), 12))::bit(48)::bigint
                   - extract(epoch FROM now()) * 1000)) AS off_ms
    FROM acs.transaction t LEFT JOIN enrollment.reservation r USING (acs_trans_id)"""
VALUES: list[tuple[object, str]] = [
    ([None, 'a "quoted" \\ text, {with} ąć', "NULL", ""], "text[]"),
    ([b"\x00\xff", None], "bytea[]"),
    ([datetime(2026, 6, 17, 10, 0, 0, 123456, tzinfo=UTC)], "timestamptz[]"),
    ([date(2026, 6, 17)], "date[]"),
    ([True, False, None], "boolean[]"),
    ([UUID(int=7)], "uuid[]"),
    ([-5, None, 2**40], "bigint[]"),
    ([], "text[]"),
    (date(2026, 6, 17), "date"),
    (b"\x01", "bytea"),
    ("250ms", "text"),
]


@pytest.mark.parametrize(("value", "kind"), VALUES)
async def test_a_text_is_read_as_the_value(
    owner: asyncpg.Connection, value: object, kind: str
) -> None:
    assert await owner.fetchval(f"SELECT $1::text::{kind}", pgbench.text(value)) == value


async def test_it_leaves_what_the_service_leaves(
    filled: Filled, owner: asyncpg.Connection, tmp_path: Path
) -> None:
    program = pgbench.program()
    if program is None:
        pytest.skip("no pgbench here")
    exchange = await statements.capture(filled.dsn, filled.ports, filled.make, filled.cards)
    made = pgbench.script(exchange, filled.cards)
    # The first row is the service's own; what is the same in all of them must not change.
    same = await owner.fetchrow(f"SELECT {SAME} FROM acs.transaction t")
    rate = await pgbench.rate(program, filled.dsn, made, connections=4, seconds=1, folder=tmp_path)

    assert rate > 0
    assert await owner.fetch(f"SELECT DISTINCT {SAME} FROM acs.transaction t") == [same]
    found = await owner.fetchrow(_LEFT)
    assert found is not None
    assert found["rows"] > len(filled.cards)
    assert found["rows"] == found["ids"] == found["ds_ids"] == found["held"]
    assert (found["cards"], found["log"], found["told"]) == (len(filled.cards), 2, True)
    assert found["off_ms"] < 3_600_000  # an id begins with its time, and so lies in its partition


async def test_what_pgbench_says_of_its_failure_is_told(filled: Filled, tmp_path: Path) -> None:
    program = pgbench.program()
    if program is None:
        pytest.skip("no pgbench here")
    made = pgbench.Script("SELECT nothing_of_the_kind();\n", {})

    with pytest.raises(pgbench.PgbenchFailed, match="nothing_of_the_kind"):
        await pgbench.rate(program, filled.dsn, made, connections=1, seconds=1, folder=tmp_path)

"""How statements find their rows, in a database with enough of them: by keys, in one month.

Planned as the service has them planned (one generic plan each), so what is seen here is what runs.
"""

from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any
from uuid import uuid4

import asyncpg
import pytest
import pytest_asyncio

from acs.flows import stock
from acs.flows.stock import Maker, Pattern
from enrollment.flows import stock as clients
from schemas import queries
from tests.acs.flows.test_stock import SERVER, client
from tests.story import world as worlds
from tests.tidy.tree import PACKAGES, ROOT, name

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Iterator, Sequence

    from acs.store.embedded import EmbeddedPostgres
    from schemas.vault import Keys

pytestmark = [pytest.mark.asyncio(loop_scope="module"), pytest.mark.xdist_group("plans")]

CLIENTS, TRANSACTIONS = 1_500, 3_000
ON_THE_WAY = (
    "acs/store/transactions.sql",
    "acs/store/dialogues.sql",
    "acs/store/results.sql",
    "acs/store/timers.sql",
    "acs/store/limit_sweep.sql",
    "acs/store/device_data.sql",
    "acs/store/evidence.sql",
    "acs/store/number_checks.sql",
    "enrollment/store/payments.sql",
    "otp/store.sql",
    "otp/gateways/outbox.sql",
    "otp/gateways/receipts.sql",
    "otp/watch.sql",
    "acs/store/partitions.sql",
)
"""Files of statements on the way of a payment, and of those that are sent again and again."""
OF_THE_LOG = ("acs/store/audit_chain.sql", "acs/store/audit_months.sql")
"""Files of statements on the audit log and its chain, some of which are sent once a second."""
OF_CLIENTS = tuple(
    f"enrollment/store/{name}.sql"
    for name in (
        *("access", "attempts", "belongings", "cards", "consents", "counter", "counters"),
        *("host_wishes", "imports", "limits", "pans", "persons", "purge"),
        *("registrations", "search"),
    )
)
"""Files of statements about one client."""
READS_ALL = {
    *("evidence_count", "evidence_faults", "unsealed_count", "products_without_cards"),
    *("forget_all", "unsealed_events"),
}
"""What an operator's command asks: `acs audit verify`, `products load`, `work --restored`."""
NO_QUERY = {"hold_texts", "hold_products", "hold_months"}
FILLING = (ROOT / "tests/db/large.sql").read_text(encoding="utf-8")


@pytest_asyncio.fixture(loop_scope="module", scope="module")
async def large(postgres: EmbeddedPostgres, keys: Keys) -> AsyncIterator[asyncpg.Connection]:
    """Give a connection to a database with rows enough, which plans as the service does."""
    name = f"large_{uuid4().hex}"
    admin = await asyncpg.connect(postgres.dsn_of("postgres"))
    await admin.execute(f"CREATE DATABASE {name} TEMPLATE acs_template")
    made = await worlds.build(postgres.dsn_of(name), keys, datetime.now(UTC))
    try:
        await _fill(made)
        conn = await asyncpg.connect(
            postgres.dsn_of(name),
            server_settings={"plan_cache_mode": "force_generic_plan", "jit": "off"},
        )
        await conn.execute("SET search_path = public")
        yield conn
        await conn.close()
    finally:
        await worlds.tear_down(made)
        await admin.execute(f"DROP DATABASE {name} WITH (FORCE)")
        await admin.close()


async def _fill(made: worlds.World) -> None:
    db, ports, now = made.db, made.server.ports, made.clock.now
    await db.execute("SET timezone = 'UTC'")
    await db.execute("SET session_replication_role = replica")
    people = [client(number) for number in range(CLIENTS)]
    words = await clients.consent_digest(db)
    await clients.add(db, clients.lines(made.keys, people, words, now))
    await db.execute("SET session_replication_role = origin")
    pattern = await Pattern.take(ports, db, SERVER, client(0))
    kept = ports.policies.retention
    await stock.make_months(db, kept, now)
    moments = stock.moments(0, TRANSACTIONS, TRANSACTIONS, now, kept.transactions)
    maker = Maker(pattern, made.keys, kept, now, CLIENTS, client)
    async with db.transaction():
        await stock.keep(db, made.keys, maker.rows(moments), moments)
    await db.execute(FILLING)
    await db.execute("VACUUM ANALYZE")


def _statements(files: Sequence[str]) -> Iterator[Any]:
    for file in files:
        for query in queries.parse((ROOT / file).read_text(encoding="utf-8")):
            if query.name not in READS_ALL | NO_QUERY:
                yield pytest.param(file, query, id=f"{file}-{query.name}")


def _text(file: str, name: str) -> str:
    text = (ROOT / file).read_text(encoding="utf-8")
    sql = text.split(f"-- name: {name}\n", 1)[1].split("\n-- name:", 1)[0]
    return sql.strip().rstrip(";")


async def plan(conn: asyncpg.Connection, sql: str, **given: str) -> list[dict[str, Any]]:
    """Give the nodes of a statement's generic plan; ``given`` are literals for its parameters."""
    parsed = queries.parse(f"-- name: it\n{sql}")
    (query,) = parsed
    await conn.execute(f"PREPARE it AS {query.sql}")
    try:
        literals = ", ".join(given.get(name, "NULL") for name in query.parameters)
        said = await conn.fetchval(
            f"EXPLAIN (FORMAT JSON) EXECUTE it{f'({literals})' if literals else ''}"
        )
    finally:
        await conn.execute("DEALLOCATE it")
    return list(_nodes(json.loads(said)[0]["Plan"]))


def _nodes(node: dict[str, Any]) -> Iterator[dict[str, Any]]:
    yield node
    for below in node.get("Plans", ()):
        yield from _nodes(below)


def _ordered(limit: dict[str, Any]) -> Iterator[dict[str, Any]]:
    """Give what a limit stops: a reading by an index, or those of the months in their order."""
    for one in limit["Plans"]:
        yield from one["Plans"] if one["Node Type"] in {"Append", "Merge Append"} else (one,)


async def scanned(conn: asyncpg.Connection, nodes: list[dict[str, Any]]) -> set[str]:
    """Give the tables with many rows that are read from end to end, themselves or by an index.

    A partial index holds a few of them, and the first rows of an index are not all.
    """
    rows = await conn.fetch(
        "SELECT relname FROM pg_class WHERE reltuples > 100 AND relkind = 'r'"
        " AND relnamespace <> 'pg_catalog'::regnamespace"
    )
    partial = {
        row[0]
        for row in await conn.fetch(
            "SELECT indexrelid::regclass::text FROM pg_index WHERE indpred IS NOT NULL"
        )
    }
    firsts = {id(one) for node in nodes if node["Node Type"] == "Limit" for one in _ordered(node)}
    read = {
        one["Relation Name"]
        for one in nodes
        if one["Node Type"] == "Seq Scan"
        or (
            "Index Cond" not in one
            and one["Node Type"] in {"Index Scan", "Index Only Scan"}
            and not any(name.endswith(one["Index Name"]) for name in partial)
            and id(one) not in firsts
        )
    }
    return read & {row["relname"] for row in rows}


@pytest.mark.parametrize(("file", "query"), list(_statements(ON_THE_WAY)))
async def test_no_statement_on_the_way_reads_a_table_from_end_to_end(
    large: asyncpg.Connection, file: str, query: queries.Query
) -> None:
    assert await scanned(large, await plan(large, _text(file, query.name))) == set()


@pytest.mark.parametrize(("file", "query"), list(_statements((*OF_THE_LOG, *OF_CLIENTS))))
async def test_every_statement_about_a_client_or_the_log_has_an_index(
    large: asyncpg.Connection, file: str, query: queries.Query
) -> None:
    """Of a few thousand rows reading all may be quicker; here it is forbidden."""
    await large.execute("SET enable_seqscan = off")
    try:
        nodes = await plan(large, _text(file, query.name))
    finally:
        await large.execute("RESET enable_seqscan")
    assert await scanned(large, nodes) == set()


def _bounded() -> Iterator[Any]:
    files = (file for package in PACKAGES for file in (ROOT / package).rglob("*.sql"))
    for file in sorted(one for one in files if one.with_suffix(".py").exists()):
        for query in queries.parse(file.read_text(encoding="utf-8")):
            if "LIMIT" in query.sql and "SKIP LOCKED" in query.sql:
                yield pytest.param(name(file), query, id=f"{name(file)}-{query.name}")


@pytest.mark.parametrize(("file", "query"), list(_bounded()))
async def test_who_takes_a_number_of_rows_chooses_them_once(
    large: asyncpg.Connection, file: str, query: queries.Query
) -> None:
    """Chosen inside of a join they may be chosen anew for each row, and those that were taken
    before do not count: so planned, while a table was empty, a batch of three took all.
    """
    (whole, *_) = nodes = await plan(large, _text(file, query.name))
    if whole["Node Type"] == "ModifyTable":
        chosen = [one for one in nodes if one.get("Parent Relationship") == "InitPlan"]
        inside = {id(one) for top in chosen for one in _nodes(top)}
        locks = [one for one in nodes if one["Node Type"] == "LockRows"]
        assert locks
        assert {id(one) for one in locks} <= inside


@pytest.mark.parametrize(
    ("file", "name"),
    [
        ("acs/store/dialogues.sql", "lock"),
        ("acs/store/dialogues.sql", "read"),
        ("acs/store/dialogues.sql", "hold"),
        ("acs/store/dialogues.sql", "store"),
        ("acs/store/dialogues.sql", "settle"),
        ("acs/store/dialogues.sql", "log_message_once"),
        ("acs/store/evidence.sql", "document"),
        ("acs/store/evidence.sql", "visitors"),
        ("enrollment/store/payments.sql", "count_use"),
    ],
)
async def test_a_look_up_by_identifier_reads_one_month(
    large: asyncpg.Connection, file: str, name: str
) -> None:
    acs_trans_id = await large.fetchval(
        "SELECT acs_trans_id FROM acs.transaction ORDER BY acs_trans_id DESC LIMIT 1 OFFSET 9"
    )
    nodes = await plan(large, _text(file, name), acs_trans_id=f"'{acs_trans_id}'")
    read = {
        one["Relation Name"]
        for one in nodes
        if "Relation Name" in one and one["Node Type"] != "ModifyTable"
    }
    months = [one for one in read if one.rpartition("_p")[2][:4].isdigit()]
    assert len(months) == 1, read
    assert not any(one.endswith("_default") for one in read)


async def test_an_earlier_answer_is_found_by_two_look_ups(large: asyncpg.Connection) -> None:
    """The identifiers lead to one transaction; of all months only its own is read when it runs."""
    row = await large.fetchrow(
        "SELECT acs_trans_id, three_ds_server_trans_id AS a, ds_trans_id AS b FROM acs.transaction"
        " ORDER BY acs_trans_id LIMIT 1 OFFSET 700"
    )
    sql = _text("acs/store/transactions.sql", "answered_before")
    (query,) = queries.parse(f"-- name: it\n{sql}")
    values = {"three_ds_server_trans_id": row["a"], "ds_trans_id": row["b"]}
    literals = ", ".join(f"'{values[name]}'" for name in query.parameters)
    await large.execute(f"PREPARE it AS {query.sql}")
    said = await large.fetchval(f"EXPLAIN (ANALYZE, FORMAT JSON) EXECUTE it({literals})")
    await large.execute("DEALLOCATE it")
    nodes = list(_nodes(json.loads(said)[0]["Plan"]))
    ran = {
        one["Relation Name"]
        for one in nodes
        if one.get("Actual Loops") and one.get("Relation Name", "").startswith("transaction_")
    }
    assert len(ran) == 1


async def test_the_standing_of_a_card_is_look_ups_only(large: asyncpg.Connection) -> None:
    """The function has its plan made the same way: no table is read from end to end, and nothing
    is asked in an expression, which would be asked in each place that uses it.
    """
    await large.execute("SET enable_seqscan = off")
    nodes = await plan(
        large,
        "SELECT * FROM enrollment.card_standing s LEFT JOIN LATERAL (SELECT x.amount"
        " FROM enrollment.usage x WHERE x.owner_id = s.card_id AND x.period = 'day'"
        " AND x.starts_on = :day::date LIMIT 1) u ON true"
        " WHERE s.pan_idx = ANY(:pan_idx::bytea[])",
    )
    await large.execute("RESET enable_seqscan")
    assert await scanned(large, nodes) == set()
    assert [one for one in nodes if one.get("Parent Relationship") == "SubPlan"] == []


async def test_a_month_is_asked_for_open_reservations_by_an_index(
    large: asyncpg.Connection,
) -> None:
    """That is what upkeep.drop_partition asks before it drops one."""
    month = await large.fetchval(
        "SELECT partition FROM upkeep.partition WHERE parent = 'enrollment.reservation'"
        " ORDER BY rows_about DESC LIMIT 1"
    )
    nodes = await plan(large, f"SELECT FROM {month} WHERE state IN ('held', 'counted') LIMIT 1")
    assert await scanned(large, nodes) == set()


async def test_the_chain_is_carried_on_from_the_newest_months(large: asyncpg.Connection) -> None:
    """There are eighteen months in the log; what they hold is not read again and again."""
    sql = _text("acs/store/audit_chain.sql", "unsealed")
    (query,) = queries.parse(f"-- name: it\n{sql}")
    values = {"look_back": "100", "batch": "100"}
    literals = ", ".join(values[name] for name in query.parameters)
    await large.execute(f"PREPARE it AS {query.sql}")
    said = await large.fetchval(f"EXPLAIN (ANALYZE, FORMAT JSON) EXECUTE it({literals})")
    await large.execute("DEALLOCATE it")
    nodes = list(_nodes(json.loads(said)[0]["Plan"]))
    touched = {
        one["Relation Name"] for one in nodes if one.get("Actual Loops") and "Relation Name" in one
    }
    newest = sorted(one["Relation Name"] for one in nodes if "Relation Name" in one)[-4:]
    assert {one[-7:] for one in touched} <= {one[-7:] for one in newest}


@pytest.mark.parametrize("name", ["claim", "sweep"])
async def test_notices_that_wait_are_not_gone_over_for_a_code(
    large: asyncpg.Connection, name: str
) -> None:
    """There are 20 000 of them, and the workers look as often as codes come."""
    assert await _read_of_held(large, name) == 0


async def test_of_the_notices_that_wait_those_alone_are_read_that_leave(
    large: asyncpg.Connection,
) -> None:
    assert await _read_of_held(large, "claim_notices") == 2 * 10  # to choose and to mark them


async def _read_of_held(large: asyncpg.Connection, name: str) -> int:
    """Run a statement of the worker, and undo it; tell how many rows of messages it read."""
    (query,) = queries.parse(f"-- name: it\n{_text('otp/gateways/outbox.sql', name)}")
    now = "now()::timestamptz"
    known = {"sms_id": "NULL", "worker": "'w'", "idempotent": "'{}'", "most": "10"}
    for span in ("minute", "hour", "day"):
        known |= {span: now, f"total_{span}": "1600", f"share_{span}": "400"}
    literals = ", ".join(known.get(one, now) for one in query.parameters)
    await large.execute(f"PREPARE it AS {query.sql}")
    undone = large.transaction()
    await undone.start()
    said = await large.fetchval(f"EXPLAIN (ANALYZE, FORMAT JSON) EXECUTE it({literals})")
    await undone.rollback()
    await large.execute("DEALLOCATE it")
    nodes = list(_nodes(json.loads(said)[0]["Plan"]))
    return sum(
        (one["Actual Rows"] + one.get("Rows Removed by Filter", 0)) * one["Actual Loops"]
        for one in nodes
        if one.get("Relation Name") == "outbox" and one["Node Type"] != "ModifyTable"
    )

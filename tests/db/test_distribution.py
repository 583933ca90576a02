"""Every statement on the tables of transactions finds them by acs_trans_id, so that they can be
spread over machines by it.

PostgreSQL itself is asked: in the plan of a statement each visit of such a table must be bounded by
its key. What functions do inside is not seen. Statements that go over all transactions are named
here, each with the reason; none of them is waited for by a cardholder or a Directory Server.
"""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING, Any

import pytest

from schemas import queries
from tests.tidy.tree import PACKAGES, ROOT, name

if TYPE_CHECKING:
    from collections.abc import Iterator

    import asyncpg

_KEY = "acs_trans_id"
_ELSEWHERE = {
    "acs.known_areq": "the register of identifiers: spread by the identifiers it is asked for",
    "acs.device_data": "what a device said before its AReq came: spread by threeDSServerTransID",
}
"""Tables that tell of transactions and are not spread by their key."""
_CLAIM = "a worker asks what is due, wherever it is"
_COUNT = "a figure for the metrics"
_OLD = "the housekeeper goes over what is old"
OVER_ALL = {
    "acs/store/results.sql claim_due": _CLAIM,
    "acs/store/results.sql claim_due_of_others": _CLAIM,
    "acs/store/results.sql pending": _COUNT,
    "acs/store/results.sql lapse": _OLD,
    "acs/store/timers.sql claim_due": _CLAIM,
    "acs/store/timers.sql running": "after a restore everything that is open is ended",
    "acs/store/limit_sweep.sql refused": "a worker goes over what is new, where clients are told",
    "acs/store/evidence.sql lapse_visitors": _OLD,
    "acs/store/partitions.sql lapse_transactions": _OLD,
    "acs/store/sdk_sessions.sql erase": _OLD,
    "acs/store/sdk_sessions.sql lapse": _OLD,
    "acs/store/partitions.sql lapse_messages": _OLD,
    "acs/store/partitions.sql lapse_reservations": _OLD,
    "acs/store/audit_chain.sql evidence_count": "an auditor counts all documents",
    "acs/store/audit_chain.sql evidence_faults": "an auditor looks at all documents",
    "enrollment/store/payments.sql lapse": _OLD,
    "enrollment/store/stock.sql count_use": "made-up payments are counted a stretch at a time",
}


def _statements() -> Iterator[tuple[str, queries.Query]]:
    files = (file for package in PACKAGES for file in (ROOT / package).rglob("*.sql"))
    for file in sorted(files):
        if "db" not in file.relative_to(ROOT).parts:
            for query in queries.parse(file.read_text(encoding="utf-8")):
                yield f"{name(file)} {query.name}", query


async def _spread(db: asyncpg.Connection) -> set[str]:
    """Give the tables that are spread, partitions as well."""
    rows = await db.fetch(
        "SELECT format('%s.%s', n.nspname, c.relname) AS place"
        " FROM pg_attribute a JOIN pg_class c ON c.oid = a.attrelid"
        " JOIN pg_namespace n ON n.oid = c.relnamespace"
        " WHERE a.attname = $1 AND c.relkind IN ('r', 'p') AND n.nspname !~ '^pg_'",
        _KEY,
    )
    return {row["place"] for row in rows} - set(_ELSEWHERE)


async def _plan(db: asyncpg.Connection, query: queries.Query) -> dict[str, Any]:
    """Ask for the plan that holds for any values; empty for what PostgreSQL does not plan."""
    if not re.match(r"(?:\s|--[^\n]*\n)*(?:SELECT|WITH|INSERT|UPDATE|DELETE)\b", query.sql):
        return {"Node Type": "Utility"}
    values = ", ".join(["NULL"] * len(query.parameters))
    await db.execute(f"PREPARE asked AS {query.sql}")
    try:
        told = await db.fetchval(
            f"EXPLAIN (VERBOSE, FORMAT JSON) EXECUTE asked{f'({values})' if values else ''}"
        )
    finally:
        await db.execute("DEALLOCATE asked")
    plan: dict[str, Any] = json.loads(told)[0]["Plan"]
    return plan


def _nodes(plan: dict[str, Any]) -> Iterator[dict[str, Any]]:
    yield plan
    for inner in plan.get("Plans", ()):
        yield from _nodes(inner)


def _is_bounded(node: dict[str, Any]) -> bool:
    """Tell whether the key leads to the rows: equal to a value, to one of several, or a column."""
    return re.search(rf"\b{_KEY} = ", node.get("Index Cond", "")) is not None


def _free_visits(plan: dict[str, Any], spread: set[str]) -> list[str]:
    places = [
        f"{node['Schema']}.{node['Relation Name']}"
        for node in _nodes(plan)
        if "Relation Name" in node and node["Node Type"] != "ModifyTable" and not _is_bounded(node)
    ]
    return [place for place in places if place in spread]


@pytest.fixture
async def planner(owner: asyncpg.Connection) -> asyncpg.Connection:
    """Give a connection that finds rows by keys wherever it can, and prunes nothing."""
    for setting in ("seqscan", "hashjoin", "mergejoin", "bitmapscan", "partition_pruning"):
        await owner.execute(f"SET enable_{setting} = off")
    await owner.execute("SET plan_cache_mode = force_generic_plan")
    return owner


async def test_every_statement_on_transactions_names_theirs(planner: asyncpg.Connection) -> None:
    spread = await _spread(planner)
    free: dict[str, list[str]] = {}
    for place, query in _statements():
        found = _free_visits(await _plan(planner, query), spread)
        if found:
            free[place] = sorted(set(found))

    assert {place: tables for place, tables in free.items() if place not in OVER_ALL} == {}
    assert sorted(set(OVER_ALL) - set(free)) == []  # no exception that is none any more


@pytest.mark.parametrize(
    ("sql", "is_free"),
    [
        ("SELECT state FROM acs.transaction WHERE acs_trans_id = $1", False),
        ("SELECT state FROM acs.transaction WHERE acs_trans_id = ANY ($1::uuid[])", False),
        ("SELECT state FROM acs.transaction WHERE card_id = $1", True),
        ("SELECT state FROM acs.transaction WHERE acs_trans_id > $1", True),
        ("SELECT state FROM acs.transaction WHERE acs_trans_id = $1 OR card_id = $2", True),
        ("UPDATE acs.timer SET attempt = 1 WHERE acs_trans_id = $1", False),
        ("UPDATE acs.timer SET attempt = 1 WHERE kind = $1", True),
        ("DELETE FROM acs.result WHERE settled_at < $1", True),
        (
            (
                "SELECT r.state FROM acs.result r JOIN acs.transaction t USING (acs_trans_id)"
                " WHERE t.acs_trans_id = $1"
            ),
            False,
        ),
        (
            (
                "SELECT r.state FROM acs.result r JOIN acs.transaction t ON t.ds_id = r.ds_id"
                " WHERE t.acs_trans_id = $1"
            ),
            True,
        ),
        (
            (
                "INSERT INTO acs.timer (acs_trans_id, kind, due_at)"
                " SELECT acs_trans_id, 'first_creq', now() FROM acs.transaction WHERE card_id = $1"
            ),
            True,
        ),
    ],
)
async def test_a_statement_that_does_not_name_its_transaction_is_seen(
    planner: asyncpg.Connection, sql: str, is_free: bool
) -> None:
    parameters = tuple(re.findall(r"\$\d", sql))

    plan = await _plan(planner, queries.Query("tried", sql, parameters))

    assert bool(_free_visits(plan, await _spread(planner))) is is_free


async def test_a_statement_that_inserts_a_row_names_its_key(planner: asyncpg.Connection) -> None:
    spread = await _spread(planner)
    inserts = [
        (place, *found)
        for place, query in _statements()
        for found in re.findall(r"INSERT INTO ([a-z_.]+)(?: AS \w+)?\s*\(([^)]*)\)", query.sql)
        if found[0] in spread
    ]

    assert {"acs.transaction", "acs.result", "audit.evidence"} <= {table for _, table, _ in inserts}
    assert [one for one in inserts if _KEY not in re.split(r"[\s,]+", one[2])] == []

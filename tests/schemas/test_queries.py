"""Named queries: parameters by name, never by text; a wrong call never reaches the database."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from schemas import queries

if TYPE_CHECKING:
    import asyncpg

TEXT = """
-- name: add
-- Two numbers and one of them again.
SELECT :a::int + :b::int + :a::int;

-- name: literal
-- What looks like a parameter inside a literal or a comment is none.
SELECT ':a', 'it''s :b', '12:30'::time -- :c
 , :d::text;

-- name: none
-- No row.
SELECT 1 WHERE false;

-- name: make
-- A table of three.
CREATE TEMPORARY TABLE made AS SELECT generate_series(1, 3) AS n;

-- name: change
-- Some rows.
UPDATE made SET n = n + 10 WHERE n >= :least::int;
"""
Q = queries.parse(TEXT)


def test_a_name_used_twice_is_one_parameter() -> None:
    assert Q.add.sql.splitlines()[-1] == "SELECT $1::int + $2::int + $1::int"
    assert Q.add.parameters == ("a", "b")


def test_literals_comments_and_casts_are_left_alone() -> None:
    assert Q.literal.parameters == ("d",)
    assert "':a', 'it''s :b', '12:30'::time" in Q.literal.sql


def test_arguments_are_put_in_order() -> None:
    assert Q.add.arguments({"b": 2, "a": 1}) == [1, 2]


@pytest.mark.parametrize("given", [{}, {"a": 1}, {"a": 1, "b": 2, "c": 3}])
def test_a_missing_or_surplus_argument_is_a_mistake(given: dict[str, object]) -> None:
    with pytest.raises(TypeError, match="query add"):
        Q.add.arguments(given)


def test_an_unknown_query_is_a_mistake() -> None:
    with pytest.raises(AttributeError):
        _ = Q.nothing


def test_a_name_stands_once() -> None:
    with pytest.raises(ValueError, match="add is defined twice"):
        queries.parse(TEXT + TEXT)


def test_all_queries_can_be_gone_through() -> None:
    assert [query.name for query in Q] == ["add", "literal", "none", "make", "change"]


async def test_values_rows_and_counts_come_back(db: asyncpg.Connection) -> None:
    await Q.make.run(db)

    assert await Q.add.value(db, a=1, b=2) == 4
    assert await Q.none.one(db) is None
    assert await Q.none.value(db) is None
    assert [row[3] for row in await Q.literal.all(db, d="x")] == ["x"]
    assert await Q.change.run(db, least=2) == 2

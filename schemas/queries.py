"""Named SQL queries kept in .sql files beside the code that runs them.

A file holds queries separated by name lines; the comment under a name says what the query is for:

    -- name: lock_transaction
    -- The row of one transaction, locked until the end of the database transaction.
    SELECT state FROM acs.transaction WHERE acs_trans_id = :acs_trans_id FOR UPDATE;

Laws: parameters are written ``:name`` and given by keyword; a missing or a surplus parameter is a
programmer's mistake (``TypeError``) and never reaches the database. SQL text is never built from
values. Each query is one statement, so that it can be prepared and checked against the schema.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

_NAME_LINE = re.compile(r"^--\s*name:\s*([a-z][a-z0-9_]*)\s*$", re.MULTILINE)
# Skips string literals and comments; a cast such as ``::text`` is not a parameter.
_TOKEN = re.compile(r"'(?:[^']|'')*'|--[^\n]*|::|:([a-z][a-z0-9_]*)")


class Connection(Protocol):
    """What a query needs of a database connection (asyncpg offers it)."""

    async def fetch(self, query: str, *args: object) -> Sequence[Any]:
        """Return all rows."""

    async def fetchrow(self, query: str, *args: object) -> Any:  # noqa: ANN401 - a driver's row
        """Return the first row or None."""

    async def execute(self, query: str, *args: object) -> str:
        """Run the statement and return its command tag."""


@dataclass(frozen=True, slots=True)
class Query:
    """One named statement with positional placeholders and the order of its parameters."""

    name: str
    sql: str
    parameters: tuple[str, ...]

    def arguments(self, given: Mapping[str, object]) -> list[object]:
        """Order keyword arguments for the driver; raise TypeError when names do not match."""
        if given.keys() != set(self.parameters):
            missing = sorted(set(self.parameters) - given.keys())
            surplus = sorted(given.keys() - set(self.parameters))
            message = f"query {self.name}: missing {missing}, surplus {surplus}"
            raise TypeError(message)
        return [given[name] for name in self.parameters]

    async def all(self, conn: Connection, **given: object) -> Sequence[Any]:
        """Run the query and return every row."""
        return await conn.fetch(self.sql, *self.arguments(given))

    async def one(self, conn: Connection, **given: object) -> Any:  # noqa: ANN401 - a driver's row
        """Run the query and return its first row, or None."""
        return await conn.fetchrow(self.sql, *self.arguments(given))

    async def value(self, conn: Connection, **given: object) -> Any:  # noqa: ANN401 - any SQL value
        """Run the query and return the first column of its first row, or None."""
        row = await conn.fetchrow(self.sql, *self.arguments(given))
        return None if row is None else row[0]

    async def run(self, conn: Connection, **given: object) -> int:
        """Run the statement and return how many rows it touched."""
        tag = await conn.execute(self.sql, *self.arguments(given))
        last = tag.rsplit(" ", 1)[-1]
        return int(last) if last.isdigit() else 0


class Queries:
    """The queries of one file, each an attribute under its name."""

    def __init__(self, queries: Mapping[str, Query]) -> None:
        """Hold the queries by name."""
        self._queries = dict(queries)

    def __getattr__(self, name: str) -> Query:
        """Give the query of that name; an unknown name is a programmer's mistake."""
        try:
            return self._queries[name]
        except KeyError:
            raise AttributeError(name) from None

    def __iter__(self):  # type: ignore[no-untyped-def]  # noqa: ANN204 - iterator of queries
        """Go through all queries, for the test that prepares each of them."""
        return iter(self._queries.values())


def parse(text: str) -> Queries:
    """Read the text of a .sql file into named queries; raise ValueError on a double name."""
    parts = _NAME_LINE.split(text)[1:]
    queries: dict[str, Query] = {}
    for name, body in zip(parts[::2], parts[1::2], strict=True):
        if name in queries:
            message = f"query {name} is defined twice"
            raise ValueError(message)
        queries[name] = _positional(name, body.strip().rstrip(";"))
    return Queries(queries)


def load(module_file: str) -> Queries:
    """Read the .sql file that stands beside a module (pass ``__file__``)."""
    return parse(Path(module_file).with_suffix(".sql").read_text(encoding="utf-8"))


def _positional(name: str, sql: str) -> Query:
    order: list[str] = []

    def placeholder(match: re.Match[str]) -> str:
        parameter = match.group(1)
        if parameter is None:
            return match.group(0)
        if parameter not in order:
            order.append(parameter)
        return f"${order.index(parameter) + 1}"

    return Query(name, _TOKEN.sub(placeholder, sql), tuple(order))

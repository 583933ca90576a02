"""The two statements of an AReq as the service sends them, to send their like without it.

Nothing here knows their columns: an AReq is answered in this process over a connection that notes
what it is asked to do. What belongs to the AReq (its ids) and to the card (its keyed hash and its
owners' ids) is found among the parameters by value and exchanged; all else stays as it was sent.
"""

import asyncio
import json
import time
from collections.abc import AsyncIterator, Callable, Iterator, Mapping, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from os import urandom
from typing import Any, NamedTuple, TypeAlias, cast
from uuid import UUID, uuid4

import asyncpg

from acs.directory_server import DirectoryServer
from acs.flows.authenticate import authenticate
from acs.ports import Ports
from acs.store.pool import Pool, PoolSettings
from acs.transaction import CHANCE_BYTES, acs_trans_id_at
from loadtests.bench.client import Measure

DS_ID = "bench:statements"
"""Names the rows of this yardstick, so that nobody counts them as answers."""
SERVER = DirectoryServer(DS_ID, frozenset({"visa", "mastercard", "jcb"}), frozenset({"127.0.0.1"}))
TRANSACTION = ("acs", "three_ds_server", "ds")
"""Identifiers that each AReq has of its own."""
CARD = ("pan_idx", "card_id", "account_id", "person_id")
"""What differs from card to card."""


Place: TypeAlias = tuple[int, ...]


class CardFacts(NamedTuple):
    """How the database knows a card."""

    pan: str
    pan_idx: bytes
    card_id: UUID
    account_id: UUID
    person_id: UUID


class Mark(NamedTuple):
    """What a parameter holds: which value, and whether as text."""

    name: str
    is_text: bool


@dataclass(frozen=True, slots=True)
class Statement:
    """SQL with its parameters; ``marks`` by the place of those that are exchanged.

    A place is the number of a parameter, of its element, and of a member where that is a row.
    """

    sql: str
    args: tuple[object, ...]
    marks: Mapping[Place, Mark]

    def like(self, values: Mapping[str, object]) -> list[object]:
        """Give the parameters with other values in the marked places."""

        def at(place: Place, value: object) -> object:
            if place in self.marks:
                name, is_text = self.marks[place]
                return str(values[name]) if is_text else values[name]
            if isinstance(value, list | tuple):
                return type(value)(at((*place, n), each) for n, each in enumerate(value))
            return value

        return [at((number,), value) for number, value in enumerate(self.args)]


class Noting:
    """A pool whose connections note their statements."""

    def __init__(self, pool: Pool) -> None:
        """Wrap an open pool."""
        self.noted: list[tuple[str, tuple[object, ...]]] = []
        self._pool = pool

    @asynccontextmanager
    async def connection(self) -> AsyncIterator["_NotingConnection"]:
        """Lend a connection that notes."""
        async with self._pool.connection() as conn:
            yield _NotingConnection(conn, self.noted)


@dataclass(frozen=True, slots=True)
class _NotingConnection:
    conn: Any
    noted: list[tuple[str, tuple[object, ...]]]

    async def fetch(self, sql: str, *args: object) -> object:
        self.noted.append((sql, args))
        return await self.conn.fetch(sql, *args)

    async def execute(self, sql: str, *args: object) -> object:
        self.noted.append((sql, args))
        return await self.conn.execute(sql, *args)


async def capture(
    dsn: str, ports: Callable[[Pool], Ports], make: Callable[[], bytes], cards: Sequence[CardFacts]
) -> tuple[Statement, Statement]:
    """Answer one frictionless AReq of these cards; give its reading and its writing statement."""
    raw = make()
    card = {one.pan: one for one in cards}[json.loads(raw)["acctNumber"]]
    pool = await Pool.open(PoolSettings(dsn, size=2, application_name="acs bench"))
    noting = Noting(pool)
    try:
        ares = json.loads(await authenticate(ports(cast("Pool", noting)), raw, SERVER))
    finally:
        await pool.close()
    assert ares.get("transStatus") == "Y", ares
    ids = {
        "acs": ares["acsTransID"],
        "three_ds_server": ares["threeDSServerTransID"],
        "ds": ares["dsTransID"],
    }
    known: dict[object, Mark] = {}
    for name, text in ids.items():
        known |= {text: Mark(name, is_text=True), UUID(text): Mark(name, is_text=False)}
    known |= {getattr(card, name): Mark(name, is_text=False) for name in CARD}
    read, write = (_marked(sql, args, known) for sql, args in noting.noted)
    assert {mark.name for mark in read.marks.values()} == {"pan_idx"}
    assert {mark.name for mark in write.marks.values()} == {*TRANSACTION, *CARD} - {"pan_idx"}
    return read, write


def _marked(sql: str, args: tuple[object, ...], known: Mapping[object, Mark]) -> Statement:
    def found(place: Place, value: object) -> Iterator[tuple[Place, Mark]]:
        if isinstance(value, list | tuple):
            for number, each in enumerate(value):
                yield from found((*place, number), each)
        elif len(place) > 1 and value in known:
            yield place, known[value]

    marks = {
        place: mark for number, value in enumerate(args) for place, mark in found((number,), value)
    }
    return Statement(sql, args, marks)


async def one_by_one(
    dsn: str,
    exchange: tuple[Statement, Statement],
    cards: Sequence[CardFacts],
    *,
    connections: int,
    seconds: float,
) -> Measure:
    """Send the two statements of one AReq after another, on each of these connections."""
    read, write = exchange
    latencies: list[float] = []

    async def lane(conn: asyncpg.Connection, first: int, stop_at: float) -> None:
        turn = first
        while True:
            card = cards[turn % len(cards)]
            turn += connections
            values = card._asdict() | {name: uuid4() for name in TRANSACTION}
            values["acs"] = acs_trans_id_at(datetime.now(UTC), urandom(CHANCE_BYTES))
            began = time.perf_counter()
            await conn.fetch(read.sql, *read.like(values))
            await conn.execute(write.sql, *write.like(values))
            ended = time.perf_counter()
            latencies.append((ended - began) * 1000)
            if ended >= stop_at:
                return

    pool = await Pool.open(PoolSettings(dsn, size=connections, application_name="acs bench"))
    try:
        async with AsyncExitStack() as stack:
            lent = [await stack.enter_async_context(pool.connection()) for _ in range(connections)]
            # Once before the clock starts: connected, the statements prepared and planned.
            await asyncio.gather(*(lane(conn, at, 0.0) for at, conn in enumerate(lent)))
            latencies.clear()
            started = time.perf_counter()
            stop_at = started + seconds
            await asyncio.gather(*(lane(conn, at, stop_at) for at, conn in enumerate(lent)))
            return Measure(time.perf_counter() - started, latencies)
    finally:
        await pool.close()


async def rate(
    dsn: str,
    exchange: tuple[Statement, Statement],
    cards: Sequence[CardFacts],
    *,
    connections: int,
    seconds: float,
) -> float:
    """Give how many AReqs a second the database takes so."""
    done = await one_by_one(dsn, exchange, cards, connections=connections, seconds=seconds)
    return done.per_s

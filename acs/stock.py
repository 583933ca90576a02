"""The command ``acs seed``: card ranges from a file; clients and payments made up by the million.

What is made up is for finding out how the service does at its size, and stays apart from the
bank's own: a database that holds clients and was not filled by this command is refused. Each chunk
is one database transaction together with how far it got, so whatever dies, the command goes on
where it was when it is given again.

Exit codes: 0 done; 1 not possible now; 2 usage.
"""

from __future__ import annotations

import asyncio
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any, NoReturn, TypeAlias, TypeVar

import asyncpg

from acs import commands, log
from acs.background import Background
from acs.clock import utc_now
from acs.config import ConfigError
from acs.directory_server import DirectoryServer, DirectoryServers
from acs.flows import stock as transactions
from acs.flows.stock import Maker, NoPattern, Pattern, Rows
from acs.live_tables import LiveTables
from acs.parts import Parts, prepare
from acs.ports import Ports
from acs.store import stock as store
from acs.store.card_ranges import BadPolicy
from acs.store.pool import Pool, PoolSettings, Unavailable
from acs.terminal import NotNow, absence, database, run_value, say
from enrollment.flows import stock as clients
from enrollment.flows.stock import Client

if TYPE_CHECKING:
    import argparse
    from collections.abc import Awaitable, Callable
    from datetime import datetime

    from acs.authentication.facts import CardRange
    from acs.config import Settings
    from acs.store.stock import Filling

    Connection: TypeAlias = asyncpg.Connection[Any]

MadeT = TypeVar("MadeT")

_AT_ONCE = 5_000
_TELL_EACH_S = 10.0


def add_options(parser: argparse.ArgumentParser) -> None:
    """Declare the command's options."""
    parser.add_argument(
        "file", nargs="?", type=Path, help="issuers, card ranges, exchange rates: TOML"
    )
    parser.add_argument("--cards", type=int, default=0, metavar="N", help="made-up clients, in all")
    parser.add_argument(
        "--transactions", type=int, default=0, metavar="N", help="made-up payments, in all"
    )
    parser.add_argument("--range", metavar="ID", help="the card range of the made-up clients")
    parser.add_argument(
        "--beside-clients", action="store_true", help="even where there are clients of the bank"
    )


def run(options: argparse.Namespace, settings: Settings) -> int:
    """Load the file, then make up what is wanted."""
    wanted = options.cards or options.transactions
    if options.file is None and not wanted:
        raise ConfigError(("seed needs a file, --cards or --transactions",))
    if options.transactions and not options.cards:
        raise ConfigError(("--transactions needs --cards: somebody must have paid",))
    if wanted and options.range is None:
        raise ConfigError(("--cards needs --range: the card range of the cards",))
    if options.file is not None:
        commands.seed(options, settings)
    if not wanted:
        return 0
    log.setup(level="WARNING")
    parts = prepare(settings, ())
    with database(settings) as dsn:
        try:
            run_value(_fill(dsn, settings, parts, options))
        except (NoPattern, BadPolicy) as error:
            raise NotNow(str(error)) from error
        except Unavailable as error:
            raise NotNow(absence(error)) from error
    return 0


async def _fill(dsn: str, settings: Settings, parts: Parts, options: argparse.Namespace) -> None:
    conn = await asyncpg.connect(dsn, server_settings={"timezone": "UTC"})
    pool = await Pool.open(PoolSettings(dsn, role=settings.database.role, size=2))
    try:
        await store.lock(conn)
        is_ours = await clients.is_empty(conn) or await store.is_begun(conn)
        if not is_ours and not options.beside_clients:
            message = "this database holds clients: without --beside-clients nobody is made up"
            raise NotNow(message)
        tables = LiveTables(pool)
        await tables.load()
        issued = tables.now.by_id(options.range)
        if issued is None:
            message = f"there is no card range {options.range}: load it first"
            raise NotNow(message)
        await _cards(conn, parts, issued.range, options.cards)
        if options.transactions:
            ports = _ports(pool, parts, tables)
            await _transactions(conn, ports, parts, issued.range, options)
    finally:
        await pool.close()
        await conn.close()


async def _begin(conn: Connection, what: str, range_id: str, planned: int) -> Filling:
    found = await store.begin(conn, what, range_id, planned)
    if found.range_id != range_id or (what == "transactions" and found.planned != planned):
        message = (
            f"this database is being filled with {found.planned} {what} of {found.range_id}: "
            "go on with the same, or begin with another database"
        )
        raise NotNow(message)
    return found


async def _cards(conn: Connection, parts: Parts, card_range: CardRange, wanted: int) -> None:
    if not card_range.holds(_client(card_range, wanted - 1).pan.reveal()):
        message = f"the card range {card_range.range_id} has no room for {wanted} cards"
        raise NotNow(message)
    filling = await _begin(conn, "cards", card_range.range_id, wanted)
    is_superuser = await conn.fetchval("SELECT current_setting('is_superuser') = 'on'")
    words = await clients.consent_digest(conn)

    def make(numbers: range) -> list[clients.Lines]:
        made = [_client(card_range, number) for number in numbers]
        return clients.lines(parts.keys, made, words, filling.began_at)

    async def keep(made: list[clients.Lines], _numbers: range) -> None:
        if is_superuser:  # both ends of every foreign key are made here
            await conn.execute("SET LOCAL session_replication_role = replica")
        await clients.add(conn, made)

    await _chunks(conn, "cards", range(filling.done, wanted), make, keep)


async def _transactions(
    conn: Connection,
    ports: Ports,
    parts: Parts,
    card_range: CardRange,
    options: argparse.Namespace,
) -> None:
    wanted, kept = options.transactions, ports.policies.retention
    filling = await _begin(conn, "transactions", card_range.range_id, wanted)
    end = filling.began_at
    if filling.done == wanted:
        return
    await transactions.make_months(conn, kept, end)
    server = _server(parts, card_range)
    pattern = await Pattern.take(ports, conn, server, _client(card_range, 0))
    maker = Maker(
        pattern, parts.keys, kept, end, options.cards, lambda number: _client(card_range, number)
    )

    def moments(numbers: range) -> list[datetime]:
        return transactions.moments(numbers.start, len(numbers), wanted, end, kept.transactions)

    async def keep(made: Rows, numbers: range) -> None:
        await transactions.keep(conn, parts.keys, made, moments(numbers))

    await _chunks(
        conn,
        "transactions",
        range(filling.done, wanted),
        lambda numbers: maker.rows(moments(numbers)),
        keep,
    )


async def _chunks(
    conn: Connection,
    what: str,
    missing: range,
    make: Callable[[range], MadeT],
    keep: Callable[[MadeT, range], Awaitable[None]],
) -> None:
    """Make and keep what is missing; the next chunk is made while the last one is stored."""
    starts = range(missing.start, missing.stop, _AT_ONCE)
    chunks = [range(start, min(start + _AT_ONCE, missing.stop)) for start in starts]
    if not chunks:
        return
    began, told = time.monotonic(), 0.0
    coming = asyncio.create_task(asyncio.to_thread(make, chunks[0]))
    for number, chunk in enumerate(chunks, start=1):
        made = await coming
        if number < len(chunks):
            coming = asyncio.create_task(asyncio.to_thread(make, chunks[number]))
        async with conn.transaction():
            await keep(made, chunk)
            await store.got(conn, what, chunk.stop)
        now = time.monotonic()
        if now - told >= _TELL_EACH_S or number == len(chunks):
            told = now
            rate = (chunk.stop - missing.start) / (now - began)
            say(f"{chunk.stop} of {missing.stop} {what}, {rate:.0f} a second")


def _client(card_range: CardRange, number: int) -> Client:
    return Client(number, clients.number_of(f"{card_range.low:019d}", number))


def _server(parts: Parts, card_range: CardRange) -> DirectoryServer:
    for one in parts.directory_servers:
        if card_range.scheme in one.schemes:
            return one
    return DirectoryServer("stock", frozenset({card_range.scheme}), frozenset({"ds.example"}))


class _NobodySends:
    """Stands where messages would be sent: what is made up sends none."""

    async def deliver(self, *_: object) -> NoReturn:
        """Never come here."""
        raise AssertionError

    deliver_claimed = tidy_reports = deliver


def _ports(pool: Pool, parts: Parts, tables: LiveTables) -> Ports:
    return Ports(
        pool=pool,
        keys=parts.keys,
        values=parts.values,
        directory_servers=DirectoryServers(parts.directory_servers),
        tables=tables,
        messages=_NobodySends(),
        pages=parts.pages,
        policies=parts.policies,
        clock=utc_now,
        worker="stock",
        background=Background(),
    )

"""A block by the card host, killed before every statement: host, card, event and message agree."""

from __future__ import annotations

import signal
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import pytest
from aiohttp import web
from aiohttp.test_utils import TestServer

from tests.enrollment import doors, people
from tests.enrollment.dying import processes

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from datetime import datetime

    import asyncpg

    from enrollment.flows.work import Work
    from schemas.vault import Keys
    from tests.enrollment.dying import Ask
    from tests.enrollment.people import Client


@dataclass
class Host:
    """A card host that blocks what it is asked, and remembers under which ids."""

    url: str = ""
    ids: dict[str, set[str]] = field(default_factory=dict)

    @property
    def at_work(self) -> int:
        return sum(map(len, self.ids.values()))


@asynccontextmanager
async def _host() -> AsyncIterator[Host]:
    host = Host()

    async def answer(request: web.Request) -> web.Response:
        told = await request.json()
        ids = host.ids.setdefault(told["card_ref"], set())
        ids.add(request.headers["Idempotency-Key"])
        return web.Response()

    app = web.Application()
    app.router.add_post("/block", answer)
    async with TestServer(app) as server:
        host.url = str(server.make_url("/block"))
        yield host


async def _client(bank: Work, number: int) -> Client:
    """Make the client with that number, whose card has it too."""
    born = bank.now.date().replace(year=1980)
    return await people.make_client(bank, number=number, pesel=people.pesel_of(born, number))


async def _let_go(db: asyncpg.Connection) -> None:
    """Wait until a dead process holds nothing any more."""
    await db.execute("SELECT FROM enrollment.person FOR UPDATE")


async def _agree(bank: Work, host: Host, number: int, client: Client) -> bool:
    """Judge one client at the end; tells whether the card is blocked."""
    db = bank.conn
    card = await db.fetchrow("SELECT status FROM enrollment.card WHERE ref = $1", f"c{number}")
    events = await db.fetch(
        "SELECT outcome FROM audit.event WHERE name = 'block.asked' AND object = $1",
        str(client.card_id),
    )
    ends = people.pan(number)[-4:]
    told = sum(f"*{ends}" in text and "portalu" in text for text in await doors.messages(bank))
    is_blocked = bool(card["status"] == "blocked")
    assert len(host.ids.get(f"c{number}", ())) == is_blocked
    assert [row["outcome"] for row in events] == ["ok"] * is_blocked
    assert told == is_blocked
    return is_blocked


async def _lives(ask: Ask, about: str) -> None:
    assert await ask(0, about) == 0


@pytest.mark.parametrize("comes_again", [False, True])
async def test_a_client_s_process_that_dies_anywhere_leaves_a_whole_or_nothing(
    db: asyncpg.Connection, dsn: str, keys: Keys, now: datetime, comes_again: bool
) -> None:
    bank = people.hands(db, keys, now, phone_persons_max=1000)
    clients: dict[int, Client] = {}
    async with _host() as host, processes(dsn, now, "block") as block:
        asked_at, ended = 0, -signal.SIGKILL
        while ended:
            number = len(clients) + 1
            client = clients[number] = await _client(bank, number)
            about = f"{host.url} {client.person_id} {client.card_id}"
            before = host.at_work
            ended = await block(number, about)
            assert ended in {0, -signal.SIGKILL}
            await _let_go(db)
            asked_at = asked_at or (number if host.at_work > before else 0)
            if comes_again:
                await _lives(block, about)
        async with processes(dsn, now, "carry_on") as carry_on:
            for _ in clients:
                await _lives(carry_on, host.url)

        blocked = [await _agree(bank, host, number, one) for number, one in clients.items()]

    assert await db.fetchval("SELECT count(*) FROM enrollment.host_wish") == 0
    # It died on both sides of the host's yes, and what was not yet on disk is nothing.
    assert 5 < asked_at < len(clients) - 5
    assert blocked == sorted(blocked)
    assert all(blocked) is comes_again


async def test_a_worker_that_dies_anywhere_leaves_it_to_the_next_one(
    db: asyncpg.Connection, dsn: str, keys: Keys, now: datetime
) -> None:
    bank = people.hands(db, keys, now, phone_persons_max=1000)
    clients: dict[int, Client] = {}
    async with _host() as host, processes(dsn, now, "carry_on") as carry_on:
        ended = -signal.SIGKILL
        while ended:
            number = len(clients) + 1
            client = clients[number] = await _client(bank, number)
            await db.execute(
                "INSERT INTO enrollment.host_wish VALUES"
                " (gen_random_uuid(), $1, $2, $3, 'permanent', $4, $4)",
                client.person_id, client.card_id, f"c{number}", now,
            )  # fmt: skip
            ended = await carry_on(number, host.url)
            assert ended in {0, -signal.SIGKILL}
            await _let_go(db)
            await db.execute("UPDATE enrollment.host_wish SET due_at = asked_at")
            await _lives(carry_on, host.url)

        assert all([await _agree(bank, host, number, one) for number, one in clients.items()])

    assert await db.fetchval("SELECT count(*) FROM enrollment.host_wish") == 0
    assert len(clients) > 15

"""A database with the demo's card ranges and a few people, and what a flow is handed over it."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

import asyncpg
import pytest

from acs.flows import seed
from acs.pages.render import Pages
from acs.store import card_ranges
from enrollment import pan
from loadtests.bench import client
from loadtests.bench.statements import CardFacts
from loadtests.chaos import people
from loadtests.micro import inside
from loadtests.network import __file__ as network_file
from loadtests.network.cards import Card
from schemas.vault import KeyRing, Keys

if TYPE_CHECKING:
    from collections.abc import Callable

    from acs.ports import Ports
    from acs.store.card_ranges import PolicyTables
    from acs.store.pool import Pool


@dataclass(frozen=True, slots=True)
class Filled:
    """A database with people, whose cards pay without a challenge."""

    dsn: str
    keys: Keys
    tables: PolicyTables
    cards: list[CardFacts]
    make: Callable[[], bytes]
    pages: Pages

    def ports(self, pool: Pool) -> Ports:
        """Give what a flow is handed."""
        return inside.ports(pool=pool, keys=self.keys, tables=self.tables, pages=self.pages)


@pytest.fixture(scope="session")
def issuer() -> seed.Seed:
    """Read the demo's issuer and card ranges."""
    return seed.read(Path(network_file).with_name("issuer.toml"), datetime.now(UTC).date())


@pytest.fixture(scope="session")
def pages() -> Pages:
    """Read the pages."""
    return Pages()


@pytest.fixture
async def filled(dsn: str, issuer: seed.Seed, pages: Pages) -> Filled:
    """Fill a database."""
    rings: dict[str, Any] = {one: KeyRing("k1", {"k1": bytes(32)}) for one in Keys.PURPOSES}
    keys = Keys(**rings)
    conn = await asyncpg.connect(dsn)
    async with conn.transaction():
        await seed.store(conn, keys.audit, issuer, "test", datetime.now(UTC))
    tables = await card_ranges.load(conn)
    await conn.close()
    easy = [one for one in people.everybody(20) if one.kind == "easy" and not one.has_limits]
    await people.enrol(dsn, keys, easy)
    cards = [
        CardFacts(one.pan, pan.index(keys, one.pan)[0], one.card_id, one.account_id, one.person_id)
        for one in easy
    ]
    sent = [Card(one.pan, "Jan Kowalski", one.phone, None, "x", "a", "c", "Y") for one in easy]
    return Filled(dsn, keys, tables, cards, client.areqs(sent, "http://127.0.0.1:1"), pages)

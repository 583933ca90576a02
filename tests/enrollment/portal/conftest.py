"""What the tests of the portal may ask for."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.enrollment import people
from tests.enrollment.portal import browsing

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from datetime import datetime

    import asyncpg

    from schemas.vault import Keys
    from tests.enrollment.people import Client
    from tests.enrollment.portal.browsing import Browser, Portal

NUMBER = people.PESELS[1]


@pytest.fixture
async def portal(pool: asyncpg.Pool, keys: Keys, now: datetime) -> AsyncIterator[Portal]:
    """Run the portal on loopback with a fresh database."""
    async with browsing.running(pool, keys, now) as running:
        yield running


@pytest.fixture
async def browser(portal: Portal) -> AsyncIterator[Browser]:
    """A browser without cookies, in Polish."""
    async with portal.browser() as opened:
        yield opened


@pytest.fixture
async def client(portal: Portal) -> Client:
    """A client known to the bank, with a card, not registered."""
    return await people.make_client(portal.bank)


@pytest.fixture
async def inside(portal: Portal, browser: Browser, client: Client) -> Browser:
    """A browser in which that client is signed in."""
    assert client is not None
    await portal.register(browser, NUMBER)
    page = await portal.sign_in(browser, NUMBER)
    assert page.path == "/cards", page.text
    return browser

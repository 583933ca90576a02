"""The whole of what is measured runs: challenges, a look-up, a switch, both statements counted."""

from __future__ import annotations

import shutil
import ssl
from typing import TYPE_CHECKING

import pytest

from loadtests.bench import apps, bank, cardholders, counting
from loadtests.bench.client import Target, areqs, closed_loop
from loadtests.bench.site import CHALLENGED, CLIENT, EASY, bare, secured, site
from tests.conftest import scratch

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


@pytest.fixture
def folder() -> Iterator[Path]:
    """A folder that PostgreSQL's account can enter."""
    made = scratch("acs-bench-")
    yield made
    shutil.rmtree(made, ignore_errors=True)


async def test_everything_that_is_measured_gets_right_answers(folder: Path) -> None:
    async with site(folder) as at, bare(at) as (port, pids), secured(at) as tls:
        assert len(pids) == 1
        assert len(at.facts(EASY)) == len(at.cards(EASY)) > 100
        context = ssl.create_default_context(ssl.Purpose.SERVER_AUTH)
        tls.authority.configure_trust(context)
        tls.client.configure_cert(context)
        easy = areqs(at.cards(EASY), at.outside.url)
        for target in (
            Target("A", port, easy, b'"-"'),
            Target("Y", at.ports["ds"], easy, b'"transStatus":"Y"'),
            Target("T", tls.port, easy, b'"transStatus":"Y"', context),
        ):
            assert (await closed_loop(target, connections=2, seconds=0.3)).count >= 1

        conn = await at.connect()
        async with counting.counter(conn) as counter:
            found = await counter.count(
                lambda: cardholders.challenges(at, at.cards(CHALLENGED)[:1], seconds=0.5)
            )
        assert found.messages >= 1
        if counter.unit == counting.STATEMENTS:
            assert found.per_message > 10
            assert found.by_text["COMMIT"] >= 1
        assert (await apps.challenges(at, at.cards(CHALLENGED)[:1], seconds=0.3)).count >= 1
        assert await conn.fetchval("SHOW fsync") == "on"
        await conn.close()

        clients = at.of(CLIENT)[:2]
        assert (await bank.look_ups(at, clients, seconds=0.5)).count >= 2
        assert (await bank.switches(at, clients, seconds=0.5)).count >= 2

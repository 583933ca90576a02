"""Random lives keep the laws. A failure names its seed; ``ACS_TEST_SEED=7`` lives that one only,
``ACS_TEST_LIVES=500`` lives so many.

At the end everything is at rest: every challenge has one outcome that the network was told or that
was given up with an alarm, nothing is on its way, no clock runs, the counters are right, and
nothing secret was written down on the way.
"""

from __future__ import annotations

import os
import random
from datetime import timedelta
from typing import TYPE_CHECKING

import pytest

from acs.directory_server import Budget
from acs.store import audit_chain
from loadtests.chaos.tables import AN_HOUR_LATER, AT_REST
from tests.sim.life import Life, told
from tests.story import laws
from tests.story import world as worlds
from tests.story.conftest import log_lines

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from datetime import datetime

    from schemas.vault import Keys
    from tests.story.world import World

__all__ = ["log_lines"]

_ONE = os.environ.get("ACS_TEST_SEED")
_MANY = int(os.environ.get("ACS_TEST_LIVES", "6"))
SEEDS = range(_MANY) if _ONE is None else [int(_ONE)]
STEPS = 120
_NEVER_LOGGED = ("request:failed", "event_not_expected")


@pytest.fixture
async def world(dsn: str, keys: Keys, now: datetime, log_lines: list[str]) -> AsyncIterator[World]:
    made = await worlds.build(
        dsn,
        keys,
        now,
        budget=Budget(connect_s=1, read_s=0.3),
        final_wait=timedelta(seconds=0.4),
    )
    made.log_lines = log_lines
    try:
        yield made
    finally:
        await worlds.tear_down(made)


@pytest.mark.parametrize("seed", SEEDS)
async def test_a_random_life_keeps_the_laws(world: World, seed: int) -> None:
    life = Life(world, random.Random(seed))
    await life.begin()
    await life.live(STEPS)
    found = await laws.broken(world)
    await life.rest()

    found += await laws.broken(world)
    for what, query in (AT_REST | AN_HOUR_LATER).items():
        row = await world.db.fetchrow(query)
        found += [] if row is None else [f"{what}: {row[0]}"]
    found += await _told_once(world)
    found += await _refused(world)
    found += [line for line in world.log_lines if any(word in line for word in _NEVER_LOGGED)]
    found += (await audit_chain.verify(world.db, world.keys.audit)).faults
    assert found == [], f"ACS_TEST_SEED={seed}, after {life.done}"


async def _refused(world: World) -> list[str]:
    """See that no CReq ended a challenge in an app: no SDK breaks a rule, copies may be late."""
    rows = await world.db.fetch(
        "SELECT acs_trans_id::text FROM acs.transaction"
        " WHERE device_channel = '01' AND outcome_name = 'creq_refused'"
    )
    return [f"ended by a CReq of an SDK: {row[0]}" for row in rows]


async def _told_once(world: World) -> list[str]:
    """See that each ended challenge was told, or given up; and that 'delivered' is true."""
    found = []
    heard: dict[str, set[bytes]] = {}
    for raw in world.directory.heard:
        heard.setdefault(told(raw)["acsTransID"], set()).add(raw)
    rows = await world.db.fetch("SELECT acs_trans_id::text, state FROM acs.result")
    for acs_trans_id, state in rows:
        copies = len(heard.pop(acs_trans_id, ()))
        if copies > 1:
            found.append(f"{copies} different RReqs: {acs_trans_id}")
        if state == "delivered" and acs_trans_id not in world.directory.accepted:
            found.append(f"delivered to nobody: {acs_trans_id}")
        if state == "unconfirmed" and copies != 1:
            found.append(f"given up and never sent: {acs_trans_id}")
    found += [f"an RReq that nobody owed: {acs_trans_id}" for acs_trans_id in heard]
    return found

"""One machine whose clock is wrong: the others say so, and their time holds."""

from __future__ import annotations

import math
import socket
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING

import pytest

from acs import clock as clocks
from acs import metrics
from acs.clock import Clock, judged, utc_now
from acs.store import results, timers
from enrollment.flows import card_blocks
from otp.gateways import outbox
from tests.acs.store.test_pool import opened

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from datetime import datetime
    from pathlib import Path

    import asyncpg

    from acs.store.pool import Connection, Pool

DAY = 86400.0


@pytest.mark.parametrize(
    ("own", "before", "others", "database", "holds"),
    [
        (0.1, 0.1, [], True, 0.1),
        (DAY, DAY, [0.1], True, 0.0),  # begun a day ahead: the other one and the database agree
        (-DAY, -DAY, [0.1, 0.2], False, 0.1),
        (DAY, 0.2, [], True, 0.0),  # set while it ran: what it said before is the database's
        (DAY, 0.2, [0.1], False, 0.1),
        (0.1, DAY, [0.2], False, 0.1),  # set right again
        (DAY, DAY, [], True, None),  # one against one: nobody knows
        (DAY, DAY, [0.1], False, None),
        (DAY, 0.1, [], False, None),
        (DAY, DAY, [-DAY], True, None),  # no two agree
        (-DAY, -DAY, [-DAY], True, -DAY),  # it is the database's that is wrong
        (2.9, 2.9, [0.0], True, 2.9),  # near enough
        (DAY, DAY, [2.9, 0.1, 0.2], True, 0.1),  # the middle one of those that are right
        (4.5, 4.5, [0.1, 2.0], True, 4.5),  # one that is right agrees, whoever told first
        (4.5, 4.5, [2.0, 0.1], True, 4.5),
        (4.5, 4.5, [0.1], True, 0.0),
    ],
)
def test_the_time_holds_that_more_than_half_agree_on(
    own: float, before: float, others: list[float], *, database: bool, holds: float | None
) -> None:
    assert judged(own, before, others, database=database) == holds


def test_two_clocks_that_are_let_stand_apart_end_no_claim_of_each_other() -> None:
    apart = timedelta(seconds=2 * clocks.TOLERANCE_S)  # each agrees with one between them
    claims = (results.LEASE, timers.LEASE, outbox.NOT_HANDED_OVER, card_blocks.LEASE)
    assert apart < min(claims)


class Machine:
    """A machine: by how much its clock is set forward, and how many seconds more it has run.

    The database that it asks has a true clock.
    """

    def __init__(self, name: str, ahead_s: float = 0.0) -> None:
        self.set_s, self.ran_s = ahead_s, 0.0
        self.clock = Clock(self.tell, name, lambda: clocks.seconds() + self.ran_s)

    def tell(self) -> datetime:
        return utc_now() + timedelta(seconds=self.set_s)

    def run(self, seconds: float) -> None:
        self.set_s += seconds
        self.ran_s += seconds

    def set_forward(self, seconds: float) -> None:
        self.set_s += seconds

    @property
    def ahead_s(self) -> float:
        """Tell by how much its time is ahead of the true one."""
        return (self.clock() - utc_now()).total_seconds()


@pytest.fixture
async def service(dsn: str) -> AsyncIterator[Pool]:
    async with opened(dsn) as pool:
        yield pool


def test_a_machine_whose_kernel_has_no_name_goes_by_its_host_name(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    by_kernel = clocks.machine_name()
    monkeypatch.setattr(clocks, "_KERNEL", tmp_path / "none")

    assert clocks.machine_name() == socket.gethostname()[:100] != by_kernel


async def test_a_machine_is_asked_for_its_own_time_until_the_first_look() -> None:
    assert Machine("a", 3.0).ahead_s == pytest.approx(3.0, abs=1.0)


@pytest.mark.parametrize("ahead_s", [DAY, -DAY])
async def test_a_machine_a_day_off_goes_by_the_time_of_the_others(
    service: Pool, ahead_s: float
) -> None:
    wrong, right, other = Machine("a", ahead_s), Machine("b"), Machine("c")
    for one in (right, other, wrong, right):
        await one.clock.look(service)

    found = [abs(one.ahead_s) < 1.0 for one in (wrong, right, other)]
    assert found == [True, True, True]


async def test_a_clock_that_is_set_while_it_runs_changes_nothing_before_it_is_judged(
    service: Pool,
) -> None:
    one, other = Machine("a"), Machine("b")
    for each in (other, one):
        await each.clock.look(service)
    one.set_forward(DAY)
    at_once = one.ahead_s
    await one.clock.look(service)

    assert at_once == pytest.approx(0.0, abs=1.0)
    assert one.ahead_s == pytest.approx(0.0, abs=1.0)


async def test_a_clock_that_is_set_while_it_is_compared_is_judged_the_next_time(
    service: Pool,
) -> None:
    one, other = Machine("a"), Machine("b")
    for each in (other, one):
        await each.clock.look(service)
    asked = 0

    def set_when_asked_again() -> datetime:
        nonlocal asked
        asked += 1
        return utc_now() + timedelta(days=asked > 1)

    one.clock._machine = set_when_asked_again
    for _ in range(2):
        await one.clock.look(service)

        assert one.ahead_s == pytest.approx(0.0, abs=1.0)


async def test_a_database_behind_a_pooler_on_its_machine_has_a_voice(
    service: Pool, owner: asyncpg.Connection
) -> None:
    """To it every machine comes from its own; then it is beside none of them."""
    await owner.execute("INSERT INTO acs.host_clock VALUES ('b', 0.1, true, now())")
    wrong = Machine("a", DAY)
    await wrong.clock.look(service)

    assert wrong.ahead_s == pytest.approx(0.1, abs=1.0)


@dataclass
class Looked:
    """A database that is looked at; another machine, a day behind, is set right at some look."""

    pool: Pool
    owner: asyncpg.Connection
    set_right_at: int
    looks: int = 0

    @asynccontextmanager
    async def connection(self) -> AsyncIterator[Connection]:
        self.looks += 1
        if self.looks == self.set_right_at:
            await self.owner.execute("UPDATE acs.host_clock SET ahead_s = 0 WHERE host = 'b'")
        async with self.pool.connection() as conn:
            yield conn


@pytest.mark.parametrize(("set_right_at", "looks"), [(1, 1), (3, 3), (9, 5)])
async def test_a_process_waits_at_its_start_while_nobody_knows_whose_clock_is_right(
    service: Pool,
    owner: asyncpg.Connection,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
    set_right_at: int,
    looks: int,
) -> None:
    """As the first machine after a power cut: it would end everybody's challenges meanwhile."""
    monkeypatch.setattr(clocks, "EVERY_S", 0.001)
    await owner.execute("INSERT INTO acs.host_clock VALUES ('b', -86400, true, now())")
    database, wrong = Looked(service, owner, set_right_at), Machine("a", DAY)
    await wrong.clock.settle(database)  # type: ignore[arg-type]

    assert database.looks == looks
    assert (wrong.ahead_s < 1.0) is (set_right_at <= looks)
    assert caplog.text.count("clock:doubted") == (looks > 1)


async def test_time_goes_on_as_the_machine_counts_seconds(service: Pool) -> None:
    one = Machine("a")
    await one.clock.look(service)
    one.run(30.5)

    assert one.ahead_s == pytest.approx(30.5, abs=1.0)


async def test_small_corrections_of_a_machine_are_followed(service: Pool) -> None:
    one = Machine("a")
    await one.clock.look(service)
    one.set_forward(2.0)
    await one.clock.look(service)

    assert one.ahead_s == pytest.approx(2.0, abs=1.0)


async def test_an_answer_that_took_long_is_not_believed(service: Pool) -> None:
    one = Machine("a")
    await one.clock.look(service)
    one.set_forward(DAY)
    slow = iter(range(0, 1000, 3))
    one.clock._running = lambda: float(next(slow))
    await one.clock.look(service)

    assert one.ahead_s < DAY


async def test_an_operator_is_told_that_a_machine_was_overruled(service: Pool) -> None:
    def seen() -> tuple[float, float]:
        alarms = metrics.ALARM.labels("clock")._value.get()
        return float(metrics.CLOCK_OVERRULED._value.get()), float(alarms)

    wrong, right, other = Machine("a", DAY), Machine("b"), Machine("c")
    was = seen()[1]
    for one in (right, other, wrong, wrong):
        await one.clock.look(service)
    told = seen()
    offset = float(metrics.CLOCK_OFFSET._value.get())
    wrong.set_forward(-DAY)
    await wrong.clock.look(service)

    assert (told, seen()) == ((1.0, was + 1), (0.0, was + 1))
    assert offset - float(metrics.CLOCK_OFFSET._value.get()) == pytest.approx(DAY, abs=1.0)


@pytest.mark.parametrize(
    "fault",
    [
        "DROP TABLE acs.host_clock",
        "ALTER TABLE acs.host_clock RENAME COLUMN ahead_s TO another",
    ],
)
async def test_without_a_word_of_the_database_time_goes_on_and_the_offset_is_unknown(
    service: Pool, owner: asyncpg.Connection, fault: str
) -> None:
    one = Machine("a")
    await one.clock.look(service)
    await owner.execute(fault)
    one.run(5.0)
    one.set_forward(DAY)
    await one.clock.look(service)

    assert one.ahead_s == pytest.approx(5.0, abs=1.0)
    assert math.isnan(metrics.CLOCK_OFFSET._value.get())


def test_a_machine_has_a_name_and_counts_seconds() -> None:
    assert len(clocks.machine_name()) == 36
    assert clocks.seconds() <= clocks.seconds()

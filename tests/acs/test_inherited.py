"""Sockets and the line that a worker inherits, between two ends in one process."""

from __future__ import annotations

import asyncio
import contextlib
import os
import socket
from typing import TYPE_CHECKING

import pytest

from acs import config, inherited
from acs.config import ConfigError, Listen
from acs.inherited import Listener, SupervisorEnd, WorkerEnd

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


@pytest.fixture
def ops() -> Iterator[Listener]:
    """A listener of the edge to the operators."""
    made = Listener.bind(Listen.parse("127.0.0.1:0"))
    yield made
    made.close()


def read(folder: Path, listen: str) -> config.Settings:
    return config.read(
        environ={"ACS_PROFILE": "demo", "ACS_DATA_DIR": str(folder), "ACS_OPS__LISTEN": listen}
    )


def test_a_listener_is_handed_over_and_taken_again(ops: Listener, tmp_path: Path) -> None:
    told, descriptors = inherited.handed_over({"ops": ops})
    copies = [os.dup(one) for one in descriptors]
    told = told.replace(str([*descriptors]), str(copies))
    taken = inherited.listeners(
        {inherited.LISTENERS: told}, read(tmp_path, "127.0.0.1:0"), ("ops",)
    )

    assert taken is not None
    (theirs,), (ours,) = taken["ops"].sockets, ops.sockets
    assert theirs.getsockname() == ours.getsockname()
    assert theirs.getsockopt(socket.SOL_SOCKET, socket.SO_ACCEPTCONN) == 1
    taken["ops"].close()


def test_nobody_hands_over_nothing(tmp_path: Path) -> None:
    assert inherited.listeners({}, read(tmp_path, "127.0.0.1:0"), ("ops",)) is None


@pytest.mark.parametrize(("edge", "listen"), [("ops", "127.0.0.1:9"), ("ds", "127.0.0.1:0")])
def test_an_address_that_the_supervisor_does_not_hold_is_refused(
    ops: Listener, tmp_path: Path, edge: str, listen: str
) -> None:
    told, _ = inherited.handed_over({"ops": ops})
    with pytest.raises(ConfigError, match=f"{edge}.listen: the supervisor does not listen there"):
        inherited.listeners({inherited.LISTENERS: told}, read(tmp_path, listen), (edge,))


def test_an_address_in_use_is_an_error_and_leaves_nothing_open(ops: Listener) -> None:
    port = ops.sockets[0].getsockname()[1]
    with pytest.raises(OSError, match="in use"):
        Listener.bind(Listen("127.0.0.1", port))


async def ends() -> tuple[SupervisorEnd, WorkerEnd, asyncio.Future[str]]:
    supervisor = SupervisorEnd()
    fd = os.dup(supervisor.theirs.fileno())
    supervisor.theirs.close()
    worker, heard = WorkerEnd({inherited.LINE: str(fd)}), asyncio.get_running_loop().create_future()
    worker.watch(lambda: heard.set_result("retire"), lambda: heard.set_result("gone"))
    heard.add_done_callback(lambda _: os.close(fd))
    return supervisor, worker, heard


async def test_the_line_carries_ready_and_retire() -> None:
    supervisor, worker, heard = await ends()
    before = supervisor.is_ready
    worker.say_ready()
    after = supervisor.is_ready, supervisor.is_ready
    supervisor.retire()

    assert (before, after) == (False, (True, True))
    assert await heard == "retire"
    supervisor.close()


async def test_a_worker_that_lives_says_so_until_it_is_told_to_retire() -> None:
    supervisor, worker, heard = await ends()
    before = [supervisor.look() for _ in range(3)]
    worker.say_ready()
    lives, looks = supervisor.look(), 1
    while (silent := supervisor.look()) > 0:
        looks += 1
        await asyncio.sleep(0)
    supervisor.retire()
    await heard
    await asyncio.sleep(0)
    after = [supervisor.look() for _ in range(3)]

    assert (before, lives, silent) == ([0, 0, 0], 0, 0)
    assert looks > 1
    assert after == [1, 2, 3]
    supervisor.close()


async def test_a_worker_says_so_to_nobody_who_hears_it_and_goes_on() -> None:
    """As beside a supervisor of an earlier version, which a restart by SIGHUP does not replace."""
    supervisor = SupervisorEnd()
    line = supervisor.theirs
    line.setblocking(False)
    with contextlib.suppress(BlockingIOError):
        while line.send(b"." * 4096):
            pass
    worker = WorkerEnd({inherited.LINE: str(line.fileno())})
    loop = asyncio.get_running_loop()
    retired = loop.create_future()
    worker.watch(lambda: retired.set_result(None), lambda: None)
    worker._say_alive(line.fileno())
    supervisor.retire()

    assert await retired is None
    line.close()
    supervisor.close()


async def test_a_line_that_ends_says_that_the_supervisor_is_gone() -> None:
    supervisor, _, heard = await ends()
    supervisor.close()

    assert await heard == "gone"


async def test_a_worker_that_is_gone_is_not_ready_and_hears_nothing() -> None:
    supervisor = SupervisorEnd()
    supervisor.theirs.close()

    assert supervisor.is_ready is False
    supervisor.retire()
    supervisor.close()


async def test_without_a_supervisor_nothing_is_said() -> None:
    alone = WorkerEnd({})
    alone.say_ready()
    alone.watch(lambda: None, lambda: None)

    assert alone.is_supervised is False

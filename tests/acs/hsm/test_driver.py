"""The way to the HSM while it is well, slow, silent, dead or wrong; always an end in time."""

from __future__ import annotations

import asyncio
import hmac
import os
import signal
import time
from contextlib import asynccontextmanager
from dataclasses import replace
from typing import TYPE_CHECKING, Any, ClassVar

import pytest

from acs import metrics
from acs.crypto.keys import KeysUnavailable
from acs.hsm import driver
from acs.hsm.driver import Hsm, Patience
from acs.hsm.link import HsmKey
from loadtests.hsm.softhsm import behave
from tests import hsm as tokens
from tests.hsm import softhsm
from tests.story.conftest import log_lines

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable, Iterator
    from pathlib import Path

    from tests.hsm import SoftHsm

__all__ = ["log_lines", "softhsm"]
LONG_S = 30.0
PATIENT = Patience(ask_s=LONG_S)
HASTY = Patience(ask_s=1.0, pause_s=0.01)
RIGHT = hmac.digest(bytes.fromhex(tokens.HMAC_HEX), b"", "sha256").hex()


def key(label: str = "iav-1", right: str | None = None) -> HsmKey:
    def wrong(check: bytes) -> str | None:
        return None if right in {None, check.hex()} else "it is another key"

    return HsmKey(label, "hmac", wrong)


class Control:
    """The file that a misbehaving module reads."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.say("well")

    def say(self, mode: str) -> None:
        behave(self.path, mode)


@pytest.fixture
def control(tmp_path: Path) -> Control:
    return Control(tmp_path / "mode")


@asynccontextmanager
async def running(place: Any, patience: Patience, *keys: HsmKey) -> AsyncIterator[Hsm]:
    made = Hsm(place, keys or (key(),), patience)
    await made.start()
    try:
        yield made
    finally:
        await made.close()


async def until(holds: Callable[[], bool]) -> None:
    async with asyncio.timeout(LONG_S):
        while not holds():
            await asyncio.sleep(0.01)


async def is_ready(made: Hsm) -> None:
    async with asyncio.timeout(LONG_S):
        await made.ready.wait()


def counted(outcome: str) -> float:
    return float(metrics.HSM.labels(outcome)._value.get())


async def test_many_are_answered_each_his_own(softhsm: SoftHsm) -> None:
    async with running(softhsm.place, PATIENT) as made:
        assert not made.is_away
        answers = await asyncio.gather(*(made.ask("iav-1", bytes([n])) for n in range(100)))
        again = await asyncio.gather(*(made.ask("iav-1", bytes([n])) for n in range(100)))
    assert len(set(answers)) == 100
    assert answers == again


async def test_nobody_waits_longer_than_the_budget_and_the_next_helper_answers(
    softhsm: SoftHsm, control: Control
) -> None:
    before = counted("timeout")
    async with running(softhsm.misbehaving(control.path), HASTY) as made:
        first = made.pid
        control.say("hang")
        ends = await asyncio.gather(
            *(made.ask("iav-1", b"") for _ in range(4)), return_exceptions=True
        )
        assert all(isinstance(end, KeysUnavailable) for end in ends)
        assert counted("timeout") > before
        control.say("well")
        await until(lambda: made.pid not in {None, first})
        assert len(await made.ask("iav-1", b"")) == 32


async def test_a_full_queue_refuses_at_once(softhsm: SoftHsm, control: Control) -> None:
    patience = replace(PATIENT, queue_max=2)
    async with running(softhsm.misbehaving(control.path), patience) as made:
        control.say("hang")
        waiting = [asyncio.create_task(made.ask("iav-1", b""))]
        await until(lambda: not made._queue and made._asked.is_set())
        waiting += [asyncio.create_task(made.ask("iav-1", b"")) for _ in range(2)]
        await until(lambda: len(made._queue) == 2)
        with pytest.raises(KeysUnavailable, match="too many wait"):
            await made.ask("iav-1", b"")
        assert not any(one.done() for one in waiting)
    ends = await asyncio.gather(*waiting, return_exceptions=True)
    assert all(isinstance(end, KeysUnavailable) for end in ends)


async def test_a_module_that_crashes_is_away_and_comes_back(
    softhsm: SoftHsm, control: Control, log_lines: list[str]
) -> None:
    async with running(softhsm.misbehaving(control.path), HASTY) as made:
        await made.ask("iav-1", b"")
        control.say("crash")
        with pytest.raises(KeysUnavailable, match="its process ended"):
            await made.ask("iav-1", b"")
        await until(lambda: made.is_away)  # the next one dies at its first call
        with pytest.raises(KeysUnavailable, match="the HSM is away"):
            await made.ask("iav-1", b"")
        control.say("well")
        await is_ready(made)
        assert not made.is_away
        assert len(await made.ask("iav-1", b"")) == 32
    assert sum('"hsm:away"' in line for line in log_lines) >= 2
    assert sum('"alarm":"hsm"' in line for line in log_lines) == 1


class Scarce(tuple[str, ...]):
    """A command that cannot be run for lack of memory, the first two times."""

    __slots__ = ()
    tries: ClassVar[list[str]] = []

    def __iter__(self) -> Iterator[str]:
        self.tries.append("tried")
        if len(self.tries) <= 2:
            raise MemoryError
        return super().__iter__()


async def test_a_process_without_memory_has_the_hsm_again_when_there_is_some(
    softhsm: SoftHsm, log_lines: list[str]
) -> None:
    place = replace(softhsm.place, command=Scarce(softhsm.place.command))
    async with running(place, HASTY) as made:
        await is_ready(made)
        assert len(await made.ask("iav-1", b"")) == 32
    told = [line for line in log_lines if f'"pid":{os.getpid()},"reason":"MemoryError"' in line]
    assert len(told) == 2
    assert any(f'"event":"hsm:ready","pid":{os.getpid()}' in line for line in log_lines)


async def test_an_exchange_that_takes_long_is_an_absence(
    softhsm: SoftHsm, control: Control
) -> None:
    async with running(softhsm.misbehaving(control.path), PATIENT) as made:
        await made.ask("iav-1", b"")
        control.say("hang")
        assert made.pid is not None
        os.kill(made.pid, signal.SIGKILL)
        await until(lambda: made.pid is None)  # the next one hangs while it looks for its keys
        made._gone_at_s = time.monotonic() + LONG_S
        assert not made.is_away
        made._gone_at_s = time.monotonic() - driver.EXCHANGE_S
        await until(lambda: made.is_away)


async def test_a_helper_that_dies_unasked_is_replaced(softhsm: SoftHsm) -> None:
    async with running(softhsm.place, PATIENT) as made:
        await made.ask("iav-1", b"")
        first = made.pid
        assert first is not None
        os.kill(first, signal.SIGKILL)
        await until(lambda: made.pid not in {None, first})
        assert not made.is_away
        assert len(await made.ask("iav-1", b"")) == 32


async def test_an_hsm_that_is_too_slow_rests_and_a_check_ends_that(
    softhsm: SoftHsm, control: Control
) -> None:
    """No AReq has to try an HSM that rests: the driver's own question does."""
    patience = replace(PATIENT, ask_s=0.05, check_s=LONG_S, pause_s=0.01)
    async with running(softhsm.misbehaving(control.path), patience) as made:
        control.say("slow")
        async with asyncio.timeout(LONG_S):
            while not made._breaker.is_open:
                await made.ready.wait()
                with pytest.raises(KeysUnavailable):
                    await made.ask("iav-1", b"")
        assert made.is_away
        await is_ready(made)
        before = counted("resting")
        with pytest.raises(KeysUnavailable, match="rests after failures"):
            await made.ask("iav-1", b"")
        assert counted("resting") == before + 1

        control.say("well")
        made._patience = replace(patience, ask_s=LONG_S, check_s=0.05)
        first = made.pid
        assert first is not None
        os.kill(first, signal.SIGKILL)  # the next one is as patient as that
        await until(lambda: not made.is_away and made.ready.is_set())
        assert len(await made.ask("iav-1", b"")) == 32


async def test_a_key_that_is_refused_gives_no_bad_name_to_the_others(
    softhsm: SoftHsm, control: Control
) -> None:
    async with running(softhsm.misbehaving(control.path), PATIENT) as made:
        control.say("unfit")
        with pytest.raises(KeysUnavailable, match="MechanismInvalid"):
            await made.ask("iav-1", b"")
        await until(lambda: made._link is not None and "iav-1" in made._link.faults)
        control.say("well")
        for _ in range(6):
            with pytest.raises(KeysUnavailable, match="the HSM refuses to use it"):
                await made.ask("iav-1", b"")
        assert not made._breaker.is_open
        assert not made.is_away


async def test_a_key_that_changed_is_found_before_anybody_asks(
    softhsm: SoftHsm, control: Control, log_lines: list[str]
) -> None:
    patience = replace(PATIENT, check_s=0.02, pause_s=0.01)
    async with running(softhsm.misbehaving(control.path), patience, key(right=RIGHT)) as made:
        assert made._link is not None
        assert made._link.faults == {}
        control.say("wrong")
        await until(lambda: made._link is not None and "iav-1" in made._link.faults)
        with pytest.raises(KeysUnavailable, match="it is another key"):
            await made.ask("iav-1", b"")
        control.say("well")
        await until(lambda: made._link is not None and made._link.faults == {})
        assert len(await made.ask("iav-1", b"")) == 32
    assert any('"keys:found"' in line for line in log_lines)
    assert any('"keys:missing"' in line and "it is another key" in line for line in log_lines)


async def test_a_key_that_changed_is_found_while_everybody_asks(
    softhsm: SoftHsm, control: Control
) -> None:
    patience = replace(PATIENT, check_s=0.05, pause_s=0.01)
    async with running(softhsm.misbehaving(control.path), patience, key(right=RIGHT)) as made:
        control.say("wrong")
        with pytest.raises(KeysUnavailable):
            async with asyncio.timeout(LONG_S):
                while True:
                    await asyncio.gather(*(made.ask("iav-1", b"") for _ in range(5)))


async def test_a_key_at_fault_is_refused_and_the_others_are_served(softhsm: SoftHsm) -> None:
    async with running(softhsm.place, PATIENT, key("nobody"), key()) as made:
        with pytest.raises(KeysUnavailable, match="holds no secret_key with the label nobody"):
            await made.ask("nobody", b"")
        assert len(await made.ask("iav-1", b"")) == 32


async def test_an_hsm_that_lets_nobody_in_is_tried_again_with_pauses(
    softhsm: SoftHsm, control: Control
) -> None:
    control.say("deaf")
    async with running(softhsm.misbehaving(control.path), HASTY) as made:
        assert made.is_away
        with pytest.raises(KeysUnavailable, match="the HSM is away"):
            await made.ask("iav-1", b"")
        control.say("well")
        await is_ready(made)
        assert not made.is_away


async def test_a_refused_pin_is_tried_once(
    softhsm: SoftHsm, tmp_path: Path, log_lines: list[str]
) -> None:
    """A token counts refusals and locks itself."""
    pin_file = tmp_path / "pin"
    pin_file.write_text("wrong-pin-3141")
    async with running(replace(softhsm.place, pin_file=pin_file), HASTY) as made:
        assert made._task is not None
        async with asyncio.timeout(LONG_S):
            await made._task
        assert made.is_away
    text = "\n".join(log_lines)
    assert "the HSM refuses the PIN (PinIncorrect)" in text
    assert "3141" not in text
    assert tokens.PIN not in text


async def test_who_goes_away_is_asked_for_no_more(softhsm: SoftHsm, control: Control) -> None:
    async with running(softhsm.misbehaving(control.path), PATIENT) as made:
        control.say("hang")
        first = asyncio.create_task(made.ask("iav-1", b""))
        await until(lambda: not made._queue and made._asked.is_set())
        second = asyncio.create_task(made.ask("iav-1", b""))
        await until(lambda: len(made._queue) == 1)
        second.cancel()
        await asyncio.gather(second, return_exceptions=True)
        assert second.cancelled()
        assert made._queue[0].answer.cancelled()
    with pytest.raises(KeysUnavailable):
        await first


async def test_without_a_program_to_start_it_is_away(softhsm: SoftHsm) -> None:
    async with running(replace(softhsm.place, command=("/nowhere/python",)), HASTY) as made:
        assert made.is_away


def test_it_is_as_patient_as_the_documents_say() -> None:
    assert (driver.REST_S, driver.REST_MAX_S, driver.PAUSE_MAX_S, driver.CHECK_S) == (5, 60, 30, 10)

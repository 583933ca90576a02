"""A session with the HSM that ends is followed by another; keys are looked at again and again."""

from __future__ import annotations

import asyncio
import os
import signal
import time
from dataclasses import replace
from typing import TYPE_CHECKING, ClassVar

import pytest

from acs import metrics
from acs.crypto.keys import KeysUnavailable
from acs.hsm import session
from tests import hsm as tokens
from tests.acs.hsm.at_work import (
    HASTY,
    LONG_S,
    PATIENT,
    RIGHT,
    Control,
    control,
    is_ready,
    key,
    pid,
    running,
    until,
)
from tests.hsm import softhsm
from tests.story.conftest import log_lines

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from tests.hsm import SoftHsm

__all__ = ["control", "log_lines", "softhsm"]


async def test_each_session_begins_its_checks_with_another_key(
    softhsm: SoftHsm, control: Control
) -> None:
    """What is wrong with a key is known to all of them."""
    patience = replace(PATIENT, sessions=2, check_s=0.02, pause_s=0.01)
    keys = (key("iav-1", right=RIGHT), key("nobody"))
    async with running(softhsm.misbehaving(control.path), patience, *keys) as made:
        await until(lambda: len(made.pids) == 2)
        assert set(made.faults) == {"nobody"}
        control.say("wrong")
        await until(lambda: set(made.faults) == {"iav-1", "nobody"})
        control.say("well")
        await until(lambda: set(made.faults) == {"nobody"})
        assert len(await made.ask("iav-1", b"")) == 32


async def test_a_module_that_crashes_is_away_and_comes_back(
    softhsm: SoftHsm, control: Control, log_lines: list[str]
) -> None:

    def ends() -> int:
        return sum('"hsm:away"' in line for line in log_lines)

    patience = replace(PATIENT, pause_s=0.01)
    async with running(softhsm.misbehaving(control.path), patience) as made:
        await made.ask("iav-1", b"")
        control.say("crash")
        with pytest.raises(KeysUnavailable, match="its process ended"):
            await made.ask("iav-1", b"")
        await until(lambda: made.is_away and ends() >= 2)  # the next one dies at its first call
        with pytest.raises(KeysUnavailable, match="the HSM is away"):
            await made.ask("iav-1", b"")
        control.say("well")
        await is_ready(made)
        assert not made.is_away
        assert len(await made.ask("iav-1", b"")) == 32
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
        os.kill(made.pids[0], signal.SIGKILL)
        await until(lambda: not made.pids)  # the next one hangs while it looks for its keys
        made._sessions[0]._gone_at_s = time.monotonic() + LONG_S
        assert not made.is_away
        made._sessions[0]._gone_at_s = time.monotonic() - session.EXCHANGE_S
        await until(lambda: made.is_away)


async def test_a_helper_that_dies_unasked_is_replaced(softhsm: SoftHsm) -> None:
    async with running(softhsm.place, PATIENT) as made:
        await made.ask("iav-1", b"")
        first = pid(made)
        assert first is not None
        os.kill(first, signal.SIGKILL)
        await until(lambda: pid(made) not in {None, first})
        assert not made.is_away
        assert len(await made.ask("iav-1", b"")) == 32


async def test_a_key_that_is_refused_gives_no_bad_name_to_the_others(
    softhsm: SoftHsm, control: Control
) -> None:
    async with running(softhsm.misbehaving(control.path), PATIENT) as made:
        control.say("unfit")
        with pytest.raises(KeysUnavailable, match="MechanismInvalid"):
            await made.ask("iav-1", b"")
        await until(lambda: "iav-1" in made.faults)
        control.say("well")
        for _ in range(6):
            with pytest.raises(KeysUnavailable, match="the HSM refuses to use it"):
                await made.ask("iav-1", b"")
        assert not made._desk.breaker.is_open
        assert not made.is_away


async def test_a_key_that_changed_is_found_before_anybody_asks(
    softhsm: SoftHsm, control: Control, log_lines: list[str]
) -> None:
    patience = replace(PATIENT, check_s=0.02, pause_s=0.01)
    async with running(softhsm.misbehaving(control.path), patience, key(right=RIGHT)) as made:
        assert made.faults == {}
        control.say("wrong")
        await until(lambda: "iav-1" in made.faults)
        with pytest.raises(KeysUnavailable, match="it is another key"):
            await made.ask("iav-1", b"")
        control.say("well")
        await until(lambda: made.faults == {})
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


async def test_an_hsm_that_lets_nobody_in_is_tried_again_with_pauses(
    softhsm: SoftHsm, control: Control
) -> None:
    control.say("deaf")
    async with running(softhsm.misbehaving(control.path), HASTY) as made:
        # Nobody is asked, so nothing fails; the operators are called all the same.
        assert (made.is_away, resting()) == (True, 1)
        with pytest.raises(KeysUnavailable, match="the HSM is away"):
            await made.ask("iav-1", b"")
        control.say("well")
        await is_ready(made)
        assert (made.is_away, resting()) == (False, 0)
    assert resting() == 0


def resting() -> float | None:
    return metrics.REGISTRY.get_sample_value("acs_hsm_breaker_open")


class Counted(tuple[str, ...]):
    """A command that counts how often it is run."""

    __slots__ = ()
    starts: ClassVar[list[str]] = []

    def __iter__(self) -> Iterator[str]:
        self.starts.append("started")
        return super().__iter__()


@pytest.mark.parametrize("sessions", [1, 3])
async def test_a_refused_pin_is_tried_once(
    softhsm: SoftHsm, tmp_path: Path, log_lines: list[str], sessions: int
) -> None:
    """A token counts refusals and locks itself."""
    pin_file = tmp_path / "pin"
    pin_file.write_text("wrong-pin-3141")
    Counted.starts.clear()
    place = replace(softhsm.place, pin_file=pin_file, command=Counted(softhsm.place.command))
    async with running(place, replace(HASTY, sessions=sessions)) as made:
        async with asyncio.timeout(LONG_S):
            await asyncio.gather(*made._tasks)
        assert made.is_away
    assert Counted.starts == ["started"]
    text = "\n".join(log_lines)
    assert "the HSM refuses the PIN (PinIncorrect)" in text
    assert "3141" not in text
    assert tokens.PIN not in text


def test_it_is_as_patient_as_the_documents_say() -> None:
    assert (session.REST_S, session.REST_MAX_S, session.PAUSE_MAX_S, session.CHECK_S) == (
        5,
        60,
        30,
        10,
    )

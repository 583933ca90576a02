"""The way to the HSM while it is well, slow, silent, dead or wrong; always an end in time."""

from __future__ import annotations

import asyncio
import os
import signal
from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from acs import metrics
from acs.crypto.keys import KeysUnavailable
from tests.acs.hsm.at_work import (
    HASTY,
    LONG_S,
    PATIENT,
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
    from tests.hsm import SoftHsm

__all__ = ["control", "log_lines", "softhsm"]


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
        first = pid(made)
        control.say("hang")
        ends = await asyncio.gather(
            *(made.ask("iav-1", b"") for _ in range(4)), return_exceptions=True
        )
        assert all(isinstance(end, KeysUnavailable) for end in ends)
        assert counted("timeout") > before
        made._desk.patience = PATIENT
        control.say("well")
        await until(lambda: pid(made) not in {None, first})
        assert len(await made.ask("iav-1", b"")) == 32


async def test_a_full_queue_refuses_at_once(softhsm: SoftHsm, control: Control) -> None:
    patience = replace(PATIENT, queue_max=2)
    async with running(softhsm.misbehaving(control.path), patience) as made:
        control.say("hang")
        waiting = [asyncio.create_task(made.ask("iav-1", b""))]
        await until(lambda: not made._desk.queue and made._desk.asked.is_set())
        waiting += [asyncio.create_task(made.ask("iav-1", b"")) for _ in range(2)]
        await until(lambda: len(made._desk.queue) == 2)
        with pytest.raises(KeysUnavailable, match="too many wait"):
            await made.ask("iav-1", b"")
        assert not any(one.done() for one in waiting)
    ends = await asyncio.gather(*waiting, return_exceptions=True)
    assert all(isinstance(end, KeysUnavailable) for end in ends)


async def test_as_many_are_asked_at_a_time_as_there_are_sessions(
    softhsm: SoftHsm, control: Control
) -> None:
    patience = replace(PATIENT, sessions=3)
    async with running(softhsm.misbehaving(control.path), patience) as made:
        await until(lambda: len(made.pids) == 3)
        control.say("hang")
        waiting = [asyncio.create_task(made.ask("iav-1", b"")) for _ in range(5)]
        await until(lambda: len(made._desk.queue) == 2)
        assert not any(one.done() for one in waiting)
    ends = await asyncio.gather(*waiting, return_exceptions=True)
    assert all(isinstance(end, KeysUnavailable) for end in ends)


async def test_a_session_that_hangs_takes_its_own_question_and_no_other(
    softhsm: SoftHsm, log_lines: list[str]
) -> None:
    async with running(softhsm.place, replace(HASTY, sessions=2, ask_s=4.0)) as made:
        await until(lambda: len(made.pids) == 2)
        still, _ = made.pids
        os.kill(still, signal.SIGSTOP)
        ends = await asyncio.gather(
            *(made.ask("iav-1", bytes([n])) for n in range(8)), return_exceptions=True
        )
        lost = [end for end in ends if isinstance(end, BaseException)]
        assert len(lost) == 1
        assert isinstance(lost[0], KeysUnavailable)
        assert not made.is_away
        await until(lambda: len(made.pids) == 2 and still not in made.pids)
    assert not any('"alarm":"hsm"' in line for line in log_lines)
    assert any('"event":"hsm:away"' in line and '"sessions":1' in line for line in log_lines)


async def test_an_hsm_that_is_too_slow_rests_and_a_check_ends_that(
    softhsm: SoftHsm, control: Control
) -> None:
    """No AReq has to try an HSM that rests: the driver's own question does."""
    patience = replace(PATIENT, ask_s=0.05, check_s=LONG_S, pause_s=0.01)
    async with running(softhsm.misbehaving(control.path), patience) as made:
        control.say("slow")
        async with asyncio.timeout(LONG_S):
            while not made._desk.breaker.is_open:
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
        made._desk.patience = replace(patience, ask_s=LONG_S, check_s=0.05)
        first = pid(made)
        assert first is not None
        os.kill(first, signal.SIGKILL)  # the next one is as patient as that
        await until(lambda: not made.is_away and made.ready.is_set())
        assert len(await made.ask("iav-1", b"")) == 32


async def test_a_key_at_fault_is_refused_and_the_others_are_served(softhsm: SoftHsm) -> None:
    async with running(softhsm.place, PATIENT, key("nobody"), key()) as made:
        with pytest.raises(KeysUnavailable, match="holds no secret_key with the label nobody"):
            await made.ask("nobody", b"")
        assert len(await made.ask("iav-1", b"")) == 32


async def test_who_goes_away_is_asked_for_no_more(softhsm: SoftHsm, control: Control) -> None:
    async with running(softhsm.misbehaving(control.path), PATIENT) as made:
        control.say("hang")
        first = asyncio.create_task(made.ask("iav-1", b""))
        await until(lambda: not made._desk.queue and made._desk.asked.is_set())
        second = asyncio.create_task(made.ask("iav-1", b""))
        await until(lambda: len(made._desk.queue) == 1)
        second.cancel()
        await asyncio.gather(second, return_exceptions=True)
        assert second.cancelled()
        assert made._desk.queue[0].answer.cancelled()
    with pytest.raises(KeysUnavailable):
        await first


async def test_without_a_program_to_start_it_is_away(softhsm: SoftHsm) -> None:
    async with running(replace(softhsm.place, command=("/nowhere/python",)), HASTY) as made:
        assert made.is_away

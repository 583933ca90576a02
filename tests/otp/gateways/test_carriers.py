"""Providers lent to messages: places, rest, and asking after what is in doubt."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import uuid4

import pytest

from otp.gateways import router
from otp.gateways.carriers import Carriers, Watch
from otp.gateways.port import Accepted, Rejected, SmsJob, Unknown
from tests.otp.fakes import PHONE, RecordingSmsGateway

NOW = datetime(2026, 6, 17, 10, 0, tzinfo=UTC)
JOB = SmsJob(uuid4(), PHONE, PHONE, "BANK", 300)
BUSY = Rejected(retryable=True, reason="http_503")


class Fleet:
    """Carriers with their gateways, a clock, and what was watched."""

    def __init__(self, *gateways: RecordingSmsGateway, most_each: int = 2) -> None:
        """Put them together."""
        self.now = NOW
        self.watched: list[Any] = []
        self.carriers = Carriers(
            gateways,
            Watch(
                sent=lambda *told: self.watched.append(told[:2]),
                breaker=lambda *told: self.watched.append(told),
            ),
            clock=lambda: self.now,
            pause=lambda _: asyncio.sleep(0),
            most_each=most_each,
        )


async def _not_reported() -> bool:
    return False


async def test_a_full_provider_is_passed_over_at_once() -> None:
    carriers = Fleet(RecordingSmsGateway("a"), RecordingSmsGateway("b")).carriers

    taken = [await carriers.borrow("ab", ()) for _ in range(4)]

    assert (taken, carriers.room) == (["a", "a", "b", "b"], 0)


async def test_when_all_are_full_the_next_place_that_is_given_back_is_taken() -> None:
    carriers = Fleet(RecordingSmsGateway("a"), most_each=1).carriers
    await carriers.borrow("a", ())
    waiting = [asyncio.create_task(carriers.borrow("a", ())) for _ in range(2)]
    await asyncio.sleep(0)
    carriers.give_back("a")
    done, left = await asyncio.wait(waiting, return_when=asyncio.FIRST_COMPLETED)

    assert ([task.result() for task in done], len(left)) == (["a"], 1)
    carriers.give_back("a")
    assert [await task for task in left] == ["a"]


async def test_nobody_waits_for_a_place_longer_than_a_while(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("otp.gateways.carriers.ROOM_MAX_S", 0.01)
    carriers = Fleet(RecordingSmsGateway("a"), most_each=1).carriers
    await carriers.borrow("a", ())

    assert await carriers.borrow("a", ()) is None


async def test_nobody_waits_for_a_provider_that_rests_or_was_tried() -> None:
    fleet = Fleet(RecordingSmsGateway("a", answers=[BUSY] * 5), RecordingSmsGateway("b"))
    for _ in range(5):
        await fleet.carriers.send("a", JOB)

    assert await fleet.carriers.borrow("ab", {"b"}) is None
    assert fleet.carriers.usable_at("a") == NOW + router.REST
    assert fleet.watched[-2:] == [("a", "retryable"), ("a", True)]


async def test_after_failures_a_provider_has_fewer_places() -> None:
    fleet = Fleet(RecordingSmsGateway("a", answers=[BUSY] * 4), most_each=5)
    for _ in range(3):
        await fleet.carriers.send("a", JOB)

    taken = [await fleet.carriers.borrow("ab", ()) for _ in range(2)]

    assert (taken, router.slots(router.Health(failures=3), 5)) == (["a", "a"], 2)


async def test_a_rested_provider_gets_one_message_while_others_wait_for_nothing() -> None:
    fleet = Fleet(RecordingSmsGateway("a", answers=[BUSY] * 5), most_each=5)
    for _ in range(5):
        await fleet.carriers.send("a", JOB)
    fleet.now += router.REST

    assert [await fleet.carriers.borrow("a", ()) for _ in range(2)] == ["a", None]


@pytest.mark.parametrize(
    ("found", "outcome", "asked"),
    [
        ([Unknown("x"), Unknown("x"), Accepted("a-7")], Accepted("a-7"), 3),
        ([BUSY], BUSY, 1),
        ([], None, 5),
    ],
)
async def test_a_provider_is_asked_until_it_knows_and_not_for_ever(
    found: list[Any], outcome: Any, asked: int
) -> None:
    gateway = RecordingSmsGateway("a", found=found)

    assert await Fleet(gateway).carriers.find_out("a", JOB, _not_reported) == outcome
    assert (len(gateway.asked), gateway.sent) == (asked, [])


async def test_a_provider_that_hangs_when_asked_knows_nothing(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    class Hanging(RecordingSmsGateway):
        async def find_out(self, job: SmsJob) -> Any:
            await asyncio.Event().wait()

    monkeypatch.setattr("otp.gateways.carriers.FIND_OUT_MAX_S", 0.01)

    assert await Fleet(Hanging("a")).carriers.find_out("a", JOB, _not_reported) is None


async def test_a_report_spares_the_question() -> None:
    gateway = RecordingSmsGateway("a")
    looks = iter([False, True])

    async def is_reported() -> bool:
        return next(looks)

    assert await Fleet(gateway).carriers.find_out("a", JOB, is_reported) == Accepted()
    assert len(gateway.asked) == 1


async def test_what_nobody_foresaw_is_raised_and_counts_as_a_failure() -> None:
    fleet = Fleet(RecordingSmsGateway("a", answers=[ValueError("adapter")] * 5))
    for _ in range(5):
        with pytest.raises(ValueError, match="adapter"):
            await fleet.carriers.send("a", JOB)

    assert await fleet.carriers.borrow("a", ()) is None
    assert fleet.watched[-2:] == [("a", "unknown"), ("a", True)]


async def test_a_provider_is_not_told_as_resting_when_for_long_nobody_has_tried() -> None:
    fleet = Fleet(RecordingSmsGateway("a", answers=[BUSY] * 5))
    for _ in range(5):
        await fleet.carriers.send("a", JOB)
    told = []
    for later in (
        timedelta(0),
        router.REST + router.NEWS_FOR - timedelta(seconds=1),
        timedelta(days=1),
    ):
        fleet.now = NOW + later
        fleet.carriers.tell_resting()
        told.append(fleet.watched[-1])

    assert told == [("a", True), ("a", True), ("a", False)]


async def test_notices_have_half_the_places_of_each_provider(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("otp.gateways.carriers.ROOM_MAX_S", 0.01)
    gateways = (RecordingSmsGateway("a"), RecordingSmsGateway("b"))
    carriers = Fleet(*gateways, most_each=5).carriers

    notices = [await carriers.borrow("ab", (), is_notice=True) for _ in range(5)]
    codes = [await carriers.borrow("ab", ()) for _ in range(7)]

    assert carriers.notice_room == 4
    assert notices == ["a", "a", "b", "b", None]
    assert codes == ["a", "a", "a", "b", "b", "b", None]
    carriers.give_back("a", is_notice=True)
    assert await carriers.borrow("ab", (), is_notice=True) == "a"


async def test_the_only_place_of_a_provider_is_for_notices_too() -> None:
    carriers = Fleet(RecordingSmsGateway("a"), most_each=1).carriers

    assert await carriers.borrow("a", (), is_notice=True) == "a"


async def test_a_place_that_is_given_back_goes_to_a_code_before_a_notice_that_waited_longer() -> (
    None
):
    carriers = Fleet(RecordingSmsGateway("a"), most_each=2).carriers
    await carriers.borrow("a", (), is_notice=True)
    await carriers.borrow("a", ())
    notice = asyncio.create_task(carriers.borrow("a", (), is_notice=True))
    await asyncio.sleep(0)
    codes = [asyncio.create_task(carriers.borrow("a", ())) for _ in range(2)]
    await asyncio.sleep(0)

    for ended in (True, False):
        carriers.give_back("a", is_notice=ended)
        done, _ = await asyncio.wait([notice, *codes], return_when=asyncio.FIRST_COMPLETED)
        assert notice not in done
        await asyncio.sleep(0)
    assert [code.done() for code in codes] == [True, True]
    carriers.give_back("a")
    assert await notice == "a"


async def test_where_every_provider_rests_there_is_no_room_for_a_notice() -> None:
    fleet = Fleet(RecordingSmsGateway("a", answers=[BUSY] * 5))
    for _ in range(5):
        await fleet.carriers.send("a", JOB)

    assert (fleet.carriers.notice_room, fleet.carriers.room) == (0, 2)

"""Messages that may not leave any more, and those whose worker died with them in its hands."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from contextlib import asynccontextmanager
from dataclasses import replace
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any
from uuid import uuid4

import pytest

from otp import flows
from otp.gateways.deliver import Delivery
from otp.gateways.outbox import NOT_HANDED_OVER
from otp.gateways.port import Rejected, Report, ReportState, Unknown
from otp.model import SmsState
from tests.otp.fakes import LEASE, Post, RecordingSmsGateway, crash

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    import asyncpg

    from schemas.vault import Keys

BUSY = Rejected(retryable=True, reason="http_503")
PostMaker = Callable[..., Post]


@pytest.fixture
def post(pool: asyncpg.Pool, keys: Keys, now: datetime) -> PostMaker:
    """Make a post office of the gateways given."""
    return lambda *gateways: Post(pool, keys, now, gateways)


async def test_a_message_whose_code_was_replaced_never_leaves(post: PostMaker) -> None:
    gateway = RecordingSmsGateway()
    office = post(gateway)
    challenge = uuid4()
    old = await office.queue(challenge)
    office.now += timedelta(seconds=30)
    new = await office.queue(challenge)
    delivery = office.delivery()

    await delivery.deliver(old.sms_id)
    await delivery.deliver_due(10)

    assert [await office.state(old.sms_id), await office.state(new.sms_id)] == [
        SmsState.EXPIRED,
        SmsState.SENT,
    ]
    assert [job.sms_id for job in gateway.sent] == [new.sms_id]


async def test_a_message_whose_code_was_forgotten_never_leaves(
    post: PostMaker, pool: asyncpg.Pool
) -> None:
    gateway = RecordingSmsGateway()
    office = post(gateway)
    challenge = uuid4()
    issued = await office.queue(challenge)
    await flows.forget(pool, challenge)

    await office.delivery().deliver_due(10)

    row = await office.row(issued.sms_id)
    assert (row["state"], row["text_sealed"], gateway.sent) == ("expired", None, [])


async def test_a_message_whose_code_expired_never_leaves(post: PostMaker) -> None:
    gateway = RecordingSmsGateway()
    office = post(gateway)
    issued = await office.queue()
    office.now = issued.expires_at

    await office.delivery().deliver_due(10)

    assert (await office.state(issued.sms_id), gateway.sent) == (SmsState.EXPIRED, [])


async def test_a_message_is_not_sent_in_the_last_second_of_its_code(post: PostMaker) -> None:
    gateway = RecordingSmsGateway()
    office = post(gateway)
    issued = await office.queue()
    office.now = issued.expires_at - timedelta(milliseconds=500)

    state = await office.delivery().deliver(issued.sms_id)

    assert (state, gateway.sent) == (None, [])


async def test_nobody_takes_a_message_while_its_worker_may_be_alive(post: PostMaker) -> None:
    gateway = RecordingSmsGateway(idempotent=True)
    office = post(gateway)
    issued = await office.queue()
    await crash(office, gateway, issued.sms_id)
    office.now += LEASE - timedelta(seconds=1)

    await office.delivery().deliver_due(10)

    assert (await office.state(issued.sms_id), gateway.sent) == (SmsState.SENDING, [])


async def test_after_a_crash_an_idempotent_provider_gets_the_same_message_again(
    post: PostMaker,
) -> None:
    first, second = RecordingSmsGateway("a", idempotent=True), RecordingSmsGateway("b")
    office = post(first, second)
    issued = await office.queue()
    await crash(office, first, issued.sms_id)
    office.now += LEASE

    await office.delivery().deliver_due(10)

    assert await office.state(issued.sms_id) is SmsState.SENT
    assert ([job.sms_id for job in first.sent], second.sent) == ([issued.sms_id], [])


async def test_after_a_crash_any_other_provider_s_message_has_an_unknown_fate(
    post: PostMaker,
) -> None:
    first, second = RecordingSmsGateway("a"), RecordingSmsGateway("b", idempotent=True)
    office = post(first, second)
    issued = await office.queue()
    await crash(office, first, issued.sms_id)
    office.now += LEASE

    await office.delivery().deliver_due(10)

    row = await office.row(issued.sms_id)
    assert (row["state"], row["text_sealed"]) == ("unknown", None)
    assert (first.sent, second.sent) == ([], [])


class Away(Exception):
    """The database does not answer."""


class _Blinking:
    """Lends connections; the answer to what is done with some of them is lost."""

    def __init__(self, pool: asyncpg.Pool, first: int, *, times: int = 1) -> None:
        self._pool, self._lent, self._lost = pool, 0, range(first, first + times)

    @asynccontextmanager
    async def acquire(self) -> AsyncIterator[Any]:
        async with self._pool.acquire() as conn:
            yield conn
        self._lent += 1
        if self._lent in self._lost:
            raise Away


@pytest.mark.parametrize("loses", [2, 3], ids=["the provider is noted", "it is settled"])
async def test_a_message_leaves_once_whatever_answer_of_the_database_is_lost_on_its_way(
    post: PostMaker, pool: asyncpg.Pool, loses: int
) -> None:
    """Its process knows what it handed over, and to whom; another one never could."""
    gateway = RecordingSmsGateway()
    office = post(gateway)
    issued = await office.queue()
    ports = replace(office.ports(), pool=_Blinking(pool, loses), away=Away)

    await Delivery(ports).deliver(issued.sms_id)

    assert await office.state(issued.sms_id) is SmsState.SENT
    assert [job.sms_id for job in gateway.sent] == [issued.sms_id]


async def test_a_database_that_stays_away_for_longer_is_told_and_nothing_leaves(
    post: PostMaker, pool: asyncpg.Pool
) -> None:
    gateway = RecordingSmsGateway()
    office = post(gateway)
    issued = await office.queue()
    ports = replace(office.ports(), pool=_Blinking(pool, 2, times=4), away=Away)
    with pytest.raises(Away):
        await Delivery(ports).deliver(issued.sms_id)

    assert (len(office.pauses), gateway.sent) == (3, [])


async def test_after_a_crash_the_other_provider_is_not_used_even_if_the_first_is_busy(
    post: PostMaker,
) -> None:
    """The first may have taken the message before the crash."""
    first, second = RecordingSmsGateway("a", idempotent=True), RecordingSmsGateway("b")
    office = post(first, second)
    issued = await office.queue()
    await crash(office, first, issued.sms_id)
    first.answers = [BUSY]
    office.now += LEASE

    await office.delivery("w1").deliver_due(10)
    between = await office.state(issued.sms_id)
    office.now += LEASE
    await office.delivery("w2").deliver_due(10)

    assert (between, await office.state(issued.sms_id)) == (SmsState.SENDING, SmsState.SENT)
    assert (len(first.sent), len(second.sent)) == (2, 0)


async def test_after_a_crash_before_any_provider_was_asked_the_message_is_free_again(
    post: PostMaker, pool: asyncpg.Pool
) -> None:
    gateway = RecordingSmsGateway()
    office = post(gateway)
    issued = await office.queue()
    await pool.execute(
        "UPDATE otp.outbox SET state = 'sending', attempts = 1, claimed_by = 'dead',"
        " claimed_at = $1",
        office.now,
    )
    office.now += LEASE

    await office.delivery().deliver_due(10)

    assert (await office.state(issued.sms_id), len(gateway.sent)) == (SmsState.SENT, 1)


async def test_a_crash_that_outlives_the_code_leaves_an_unknown_fate(post: PostMaker) -> None:
    gateway = RecordingSmsGateway(idempotent=True)
    office = post(gateway)
    issued = await office.queue()
    await crash(office, gateway, issued.sms_id)
    office.now = issued.expires_at

    await office.delivery().deliver_due(10)

    assert (await office.state(issued.sms_id), gateway.sent) == (SmsState.UNKNOWN, [])


async def test_after_a_crash_the_same_text_does_not_go_out_by_a_third_provider(
    post: PostMaker,
) -> None:
    """The first was in doubt, the worker died with the second, which is now in doubt too."""
    first = RecordingSmsGateway("a", answers=[Unknown("x")])
    second = RecordingSmsGateway("b", idempotent=True, answers=[OSError("the process is gone")])
    third = RecordingSmsGateway("c")
    office = post(first, second, third)
    office.same_text_on_unknown = True
    issued = await office.queue()
    with pytest.raises(OSError, match="gone"):
        await office.delivery("dead").deliver(issued.sms_id)
    second.answers = [Unknown("y")]
    office.now += office.ports().lease

    await office.delivery().deliver_due(10)

    assert await office.state(issued.sms_id) is SmsState.UNKNOWN
    assert [len(one.sent) for one in (first, second, third)] == [1, 2, 0]


@pytest.mark.parametrize("idempotent", [True, False])
async def test_after_a_crash_a_report_tells_that_the_message_was_taken(
    post: PostMaker, *, idempotent: bool
) -> None:
    gateway = RecordingSmsGateway("a", idempotent=idempotent)
    office = post(gateway)
    issued = await office.queue()
    await crash(office, gateway, issued.sms_id)
    delivery = office.delivery()
    await delivery.take_report(Report("a", issued.sms_id, None, ReportState.ACCEPTED))
    office.now += LEASE

    await delivery.deliver_due(10)

    assert (await office.state(issued.sms_id), gateway.sent) == (SmsState.SENT, [])


async def test_a_worker_that_lost_its_claim_does_not_send(
    post: PostMaker, pool: asyncpg.Pool
) -> None:
    first = RecordingSmsGateway("a", answers=[BUSY], gate=asyncio.Event())
    second = RecordingSmsGateway("b")
    office = post(first, second)
    issued = await office.queue()
    task = asyncio.create_task(office.delivery("slow").deliver(issued.sms_id))
    await first.entered.wait()
    await pool.execute("UPDATE otp.outbox SET claimed_by = 'other', attempts = 2")
    assert first.gate is not None
    first.gate.set()

    assert (await task, second.sent) == (None, [])


async def test_a_message_is_left_to_its_sender_for_a_moment_and_not_when_it_died(
    post: PostMaker,
) -> None:
    gateway = RecordingSmsGateway()
    office = post(gateway)
    issued = await office.queue(sender="dead")
    heir = office.delivery("heir")

    office.now += NOT_HANDED_OVER - timedelta(seconds=1)
    await heir.deliver_due(10)
    early = (await office.state(issued.sms_id), len(gateway.sent))
    office.now += timedelta(seconds=1)
    await heir.deliver_due(10)

    assert early == (SmsState.SENDING, 0)
    assert (await office.state(issued.sms_id), len(gateway.sent)) == (SmsState.SENT, 1)


async def test_a_sender_that_was_too_slow_sends_nothing(post: PostMaker) -> None:
    gateway = RecordingSmsGateway()
    office = post(gateway)
    issued = await office.queue(sender="slow")
    office.now += NOT_HANDED_OVER
    await office.delivery("heir").deliver_due(10)

    assert issued.claim is not None
    assert await office.delivery("slow").deliver_claimed(issued.claim) is None
    assert len(gateway.sent) == 1


async def test_a_message_in_its_sender_s_hands_that_may_not_leave_any_more_is_swept(
    post: PostMaker, pool: asyncpg.Pool
) -> None:
    gateway = RecordingSmsGateway()
    office = post(gateway)
    challenge = uuid4()
    issued = await office.queue(challenge, sender="dead")
    await flows.forget(pool, challenge)
    office.now += NOT_HANDED_OVER

    await office.delivery().deliver_due(10)

    assert (await office.state(issued.sms_id), gateway.sent) == (SmsState.EXPIRED, [])


async def test_what_is_with_a_provider_is_not_taken_over_sooner(post: PostMaker) -> None:
    gateway = RecordingSmsGateway(idempotent=True, answers=[OSError("the process is gone")])
    office = post(gateway)
    issued = await office.queue(sender="dead")
    assert issued.claim is not None
    with pytest.raises(OSError, match="gone"):
        await office.delivery("dead").deliver_claimed(issued.claim)
    office.now += NOT_HANDED_OVER

    await office.delivery().deliver_due(10)

    assert (await office.state(issued.sms_id), len(gateway.sent)) == (SmsState.SENDING, 1)

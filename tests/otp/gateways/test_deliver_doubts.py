"""Messages in doubt: asked after, reported on, sent once more where a bank says so."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any
from uuid import uuid4

import pytest

from otp.gateways import carriers, outbox, receipts
from otp.gateways.port import Accepted, Rejected, Report, ReportState, Unknown
from otp.model import SmsState
from tests.otp.fakes import Post, RecordingSmsGateway, ReportingSmsGateway

if TYPE_CHECKING:
    import asyncpg

    from schemas.vault import Keys

BUSY = Rejected(retryable=True, reason="http_503")
PostMaker = Callable[..., Post]


@pytest.fixture
def post(pool: asyncpg.Pool, keys: Keys, now: datetime) -> PostMaker:
    """Make a post office of the gateways given."""
    return lambda *gateways: Post(pool, keys, now, gateways)


@pytest.mark.parametrize(
    ("found", "state", "provider"),
    [
        (Accepted("late"), SmsState.SENT, "a"),
        (BUSY, SmsState.SENT, "b"),
        (Rejected(retryable=False, reason="http_400"), SmsState.FAILED, "a"),
    ],
)
async def test_in_doubt_the_provider_is_asked_until_it_knows(
    post: PostMaker, found: Any, state: SmsState, provider: str
) -> None:
    first = RecordingSmsGateway("a", answers=[Unknown("x")], found=[Unknown("x"), found])
    office = post(first, RecordingSmsGateway("b"))
    issued = await office.queue()

    assert await office.delivery().deliver(issued.sms_id) is state
    assert (await office.row(issued.sms_id))["provider"] == provider
    assert (len(first.sent), len(first.asked)) == (1, 2)


async def test_a_provider_in_doubt_is_asked_for_eight_seconds_at_most(post: PostMaker) -> None:
    first = RecordingSmsGateway("a", answers=[Unknown("x")])
    office = post(first)

    await office.delivery().deliver((await office.queue()).sms_id)

    assert len(first.asked) == len(office.pauses)
    assert 6 < sum(office.pauses) < carriers.FIND_OUT_MAX_S == 8


async def test_a_report_ends_the_doubt(post: PostMaker) -> None:
    gateway = RecordingSmsGateway("a", answers=[Unknown("x")], gate=asyncio.Event())
    office = post(gateway)
    issued = await office.queue()
    delivery = office.delivery()
    sending = asyncio.create_task(delivery.deliver(issued.sms_id))
    await gateway.entered.wait()
    await delivery.take_report(Report("a", issued.sms_id, None, ReportState.DELIVERED))
    assert gateway.gate is not None
    gateway.gate.set()

    assert (await sending, gateway.asked) == (SmsState.SENT, [])


async def test_who_holds_no_claim_any_more_does_not_settle_what_it_found(
    post: PostMaker, pool: asyncpg.Pool
) -> None:
    gateway = RecordingSmsGateway(
        "a", answers=[Unknown("x")], found=[Accepted()], gate=asyncio.Event()
    )
    office = post(gateway)
    issued = await office.queue()
    sending = asyncio.create_task(office.delivery("slow").deliver(issued.sms_id))
    await gateway.entered.wait()
    await pool.execute("UPDATE otp.outbox SET claimed_by = 'other', attempts = 2")
    assert gateway.gate is not None
    gateway.gate.set()

    assert (await sending, await office.state(issued.sms_id)) == (None, SmsState.SENDING)


@pytest.mark.parametrize(
    ("second", "state", "third"),
    [
        ([Accepted()], SmsState.SENT, 0),
        ([Unknown("y")], SmsState.UNKNOWN, 0),
        ([Rejected(retryable=False, reason="y")], SmsState.UNKNOWN, 0),
        ([BUSY], SmsState.SENT, 1),
    ],
)
async def test_a_bank_that_prefers_reach_sends_the_same_text_once_more(
    post: PostMaker, second: list[Any], state: SmsState, third: int
) -> None:
    gateways = [
        RecordingSmsGateway("a", answers=[Unknown("x")]),
        RecordingSmsGateway("b", answers=second),
        RecordingSmsGateway("c"),
    ]
    office = post(*gateways)
    office.same_text_on_unknown = True
    issued = await office.queue()

    assert await office.delivery().deliver(issued.sms_id) is state
    assert [len(gateway.sent) for gateway in gateways] == [1, 1, third]
    assert len({job.text for gateway in gateways for job in gateway.sent}) == 1
    assert (await office.row(issued.sms_id))["doubted_provider"] == "a"


async def test_when_no_one_else_takes_a_doubtful_message_its_fate_is_unknown(
    post: PostMaker,
) -> None:
    office = post(
        RecordingSmsGateway("a", answers=[Unknown("x")]), RecordingSmsGateway("b", answers=[BUSY])
    )
    office.same_text_on_unknown = True
    challenge = uuid4()

    first = await office.delivery().deliver((await office.queue(challenge)).sms_id)
    office.now += timedelta(seconds=30)
    async with office.pool.acquire() as conn:
        issued = await office.queue(challenge)
        (claim,) = await outbox.claim(
            conn,
            worker="w2",
            idempotent=[],
            now=office.now,
            lease_began=office.now,
            most=1,
            sms_id=issued.sms_id,
        )

    assert (first, claim.used) == (SmsState.UNKNOWN, ("a", "b"))


async def test_the_same_text_does_not_go_out_when_a_report_came_meanwhile(
    post: PostMaker, pool: asyncpg.Pool
) -> None:
    """Between the last look for a report and the note of the next provider."""
    office = post(RecordingSmsGateway("a"))
    issued = await office.queue()
    async with pool.acquire() as conn:
        (claim,) = await outbox.claim(
            conn,
            worker="w",
            idempotent=[],
            now=office.now,
            lease_began=office.now,
            most=1,
        )
        noted = [await outbox.note_provider(conn, claim, "a")]
        await office.delivery().take_report(Report("a", issued.sms_id, None, ReportState.DELIVERED))
        noted.append(await outbox.note_provider(conn, claim, "b", doubted="a"))

    assert noted == [True, False]


async def test_a_report_that_overtakes_the_answer_is_not_lost(post: PostMaker) -> None:
    gateway = RecordingSmsGateway(gate=asyncio.Event())
    office = post(gateway)
    issued = await office.queue()
    delivery = office.delivery()
    sending = asyncio.create_task(delivery.deliver(issued.sms_id))
    await gateway.entered.wait()
    await delivery.take_report(Report("rec", None, "rec-1", ReportState.DELIVERED))
    between = (await office.row(issued.sms_id))["report_state"]
    assert gateway.gate is not None
    gateway.gate.set()
    await sending

    after = (await office.row(issued.sms_id))["report_state"]
    assert (between, after, len(office.recorded)) == (None, "delivered", 1)


async def test_a_gateway_that_reports_by_itself_is_told_whom_to_report_to(
    post: PostMaker,
) -> None:
    gateway = ReportingSmsGateway()
    office = post(gateway)
    issued = await office.queue()
    await office.delivery().deliver(issued.sms_id)

    await gateway.tell(Report("rec", issued.sms_id, None, ReportState.DELIVERED))

    assert [(told.provider, told.state) for told in office.recorded] == [
        ("rec", ReportState.DELIVERED)
    ]


async def test_reports_left_over_are_tidied_up(post: PostMaker, pool: asyncpg.Pool) -> None:
    """One whose message got its id and whose process died then, one that belongs to nothing."""
    office = post(RecordingSmsGateway())
    issued = await office.queue()
    delivery = office.delivery()
    await delivery.take_report(Report("rec", None, "nobody", ReportState.FAILED))
    await delivery.deliver(issued.sms_id)
    await pool.execute(
        "INSERT INTO otp.early_report (provider, provider_id, state, received_at)"
        " VALUES ('rec', 'rec-1', 'delivered', $1)",
        office.now,
    )

    touched = [await delivery.tidy_reports(10)]
    office.now += receipts.KEPT + timedelta(seconds=1)
    touched += [await delivery.tidy_reports(10), await delivery.tidy_reports(10)]

    row = await office.row(issued.sms_id)
    assert (touched, row["report_state"], len(office.recorded)) == ([1, 1, 0], "delivered", 1)

"""How messages leave: once, by the next provider where that is safe, within its time."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any
from uuid import uuid4

import pytest

from otp.gateways.port import (
    Accepted,
    Rejected,
    Report,
    ReportState,
    SmsGateway,
    SmsJob,
    Unknown,
)
from otp.gateways.router import Route
from otp.model import SmsState
from schemas.vault import KeyRing, Keys, Vault
from tests.otp.fakes import PHONE, Post, RecordingSmsGateway

if TYPE_CHECKING:
    import asyncpg

BUSY = Rejected(retryable=True, reason="http_503")
PostMaker = Callable[..., Post]


@pytest.fixture
def post(pool: asyncpg.Pool, keys: Keys, now: datetime) -> PostMaker:
    """Make a post office of the gateways given."""
    return lambda *gateways: Post(pool, keys, now, gateways)


async def test_a_message_is_sent_and_its_number_and_text_are_erased(post: PostMaker) -> None:
    gateway = RecordingSmsGateway()
    office = post(gateway)
    issued = await office.queue()

    state = await office.delivery().deliver(issued.sms_id)

    row = await office.row(issued.sms_id)
    assert (state, row["state"], row["provider"], row["provider_id"], row["attempts"]) == (
        SmsState.SENT,
        "sent",
        "rec",
        "rec-1",
        1,
    )
    assert (row["number_sealed"], row["text_sealed"]) == (None, None)


async def test_the_gateway_gets_number_text_sender_and_what_is_left_of_the_validity(
    post: PostMaker,
) -> None:
    gateway = RecordingSmsGateway()
    office = post(gateway)
    issued = await office.queue()
    office.now += timedelta(seconds=12)

    await office.delivery().deliver(issued.sms_id)

    job = gateway.sent[0]
    assert (job.sms_id, job.to, job.sender, job.validity_s) == (issued.sms_id, PHONE, "BANK", 288)
    assert job.text.reveal().startswith("Platnosc 12,50 PLN dla Sklep ABC")


async def test_a_message_is_sent_once_by_many_at_the_same_time(post: PostMaker) -> None:
    gateway = RecordingSmsGateway()
    office = post(gateway)
    issued = await office.queue()
    deliveries = [office.delivery(f"w{number}") for number in range(8)]

    states = await asyncio.gather(
        *(delivery.deliver(issued.sms_id) for delivery in deliveries),
        *(delivery.deliver_due(10) for delivery in deliveries),
    )

    assert len(gateway.sent) == 1
    assert [state for state in states[:8] if state is not None] in ([], [SmsState.SENT])


async def test_due_messages_are_sent_by_the_worker_up_to_its_limit(post: PostMaker) -> None:
    gateway = RecordingSmsGateway()
    office = post(gateway)
    for _ in range(5):
        await office.queue()
    delivery = office.delivery()

    touched = [await delivery.deliver_due(3) for _ in range(3)]

    assert (touched, len(gateway.sent)) == ([3, 2, 0], 5)


@pytest.mark.parametrize(
    ("answers", "observed"),
    [
        ([Accepted()], [("rec", "accepted")]),
        ([Unknown("x")], [("rec", "unknown")]),
        ([Rejected(retryable=False, reason="x")], [("rec", "rejected")]),
        ([BUSY], [("rec", "retryable")]),
    ],
)
async def test_every_send_is_observed(
    post: PostMaker, answers: list[Any], observed: list[tuple[str, str]]
) -> None:
    office = post(RecordingSmsGateway(answers=answers))

    await office.delivery().deliver((await office.queue()).sms_id)

    assert office.observed == observed


async def test_what_a_provider_did_not_take_goes_to_the_next_at_once(post: PostMaker) -> None:
    first, second = RecordingSmsGateway("a", answers=[BUSY]), RecordingSmsGateway("b")
    office = post(first, second)
    issued = await office.queue()

    state = await office.delivery().deliver(issued.sms_id)

    assert (state, (await office.row(issued.sms_id))["provider"]) == (SmsState.SENT, "b")
    assert first.sent[0].text == second.sent[0].text


async def test_in_doubt_a_message_is_not_sent_again(post: PostMaker) -> None:
    first = RecordingSmsGateway("a", answers=[Unknown("TimeoutError")])
    second = RecordingSmsGateway("b")
    office = post(first, second)
    issued = await office.queue()
    delivery = office.delivery()

    state = await delivery.deliver(issued.sms_id)
    office.now += timedelta(minutes=2)
    await delivery.deliver_due(10)

    row = await office.row(issued.sms_id)
    assert (state, row["reason"], row["text_sealed"]) == (SmsState.UNKNOWN, "TimeoutError", None)
    assert (len(first.sent), len(second.sent)) == (1, 0)


async def test_messages_go_by_the_routes_of_their_destinations(post: PostMaker) -> None:
    first, second = RecordingSmsGateway("a"), RecordingSmsGateway("b")
    office = post(first, second)
    office.routes = (Route("4860", {"b": 1}), Route("48", {"a": 1}))

    await office.delivery().deliver((await office.queue()).sms_id)

    assert (len(first.sent), len(second.sent)) == (0, 1)


async def test_a_provider_that_hangs_does_not_hold_up_the_messages_of_others(
    post: PostMaker, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("otp.gateways.deliver._BATCH_WAIT_S", 0.05)
    hanging = RecordingSmsGateway("a", gate=asyncio.Event())
    well = RecordingSmsGateway("b")
    office = post(hanging, well)
    for _ in range(30):
        await office.queue()
    delivery = office.delivery()

    async with asyncio.timeout(300):
        while len(hanging.sent) + len(well.sent) < 30:
            await delivery.deliver_due(10)

    assert (len(hanging.sent), len(well.sent)) == (5, 25)
    assert hanging.gate is not None
    hanging.gate.set()
    await delivery.close()
    assert await office.pool.fetchval("SELECT count(*) FROM otp.outbox WHERE state = 'sent'") == 30


async def test_a_provider_that_dies_costs_each_process_five_messages(post: PostMaker) -> None:
    """Many at the same time, and nobody knows what became of those it got."""
    dead = RecordingSmsGateway("a", answers=[Unknown("x")] * 99, gate=asyncio.Event())
    well = RecordingSmsGateway("b")
    office = post(dead, well)
    delivery = office.delivery()
    issued = [await office.queue() for _ in range(12)]
    sending = [asyncio.create_task(delivery.deliver(one.sms_id)) for one in issued]
    await dead.entered.wait()
    assert dead.gate is not None
    dead.gate.set()
    await asyncio.gather(*sending)
    for _ in range(12):
        await delivery.deliver((await office.queue()).sms_id)

    assert (len(dead.sent), len(well.sent)) == (5, 19)
    assert office.breakers == {"a": True, "b": False}


async def test_what_a_slow_message_raises_is_raised_by_the_next_batch(
    post: PostMaker, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("otp.gateways.deliver._BATCH_WAIT_S", 0.0)
    gateway = RecordingSmsGateway(answers=[OSError("broken adapter")], gate=asyncio.Event())
    office = post(gateway)
    await office.queue()
    delivery = office.delivery()
    touched = await delivery.deliver_due(10)
    assert gateway.gate is not None
    gateway.gate.set()
    await delivery.close()

    with pytest.raises(OSError, match="broken adapter"):
        await delivery.deliver_due(10)
    assert (touched, await delivery.deliver_due(10)) == (1, 0)


async def test_a_permanent_rejection_ends_the_message(post: PostMaker) -> None:
    first = RecordingSmsGateway("a", answers=[Rejected(retryable=False, reason="http_400")])
    second = RecordingSmsGateway("b")
    office = post(first, second)
    issued = await office.queue()

    state = await office.delivery().deliver(issued.sms_id)

    assert (state, len(second.sent)) == (SmsState.FAILED, 0)


async def test_when_no_provider_took_it_the_message_waits_for_a_later_try(post: PostMaker) -> None:
    gateway = RecordingSmsGateway(answers=[BUSY])
    office = post(gateway)
    issued = await office.queue()
    delivery = office.delivery()

    states = [await delivery.deliver(issued.sms_id), await delivery.deliver(issued.sms_id)]
    office.now += timedelta(seconds=2)
    states.append(await delivery.deliver(issued.sms_id))

    assert states == [SmsState.QUEUED, None, SmsState.SENT]


async def test_after_five_rounds_without_a_taker_the_message_has_failed(post: PostMaker) -> None:
    first = RecordingSmsGateway("a", answers=[BUSY] * 99)
    office = post(first)
    issued = await office.queue()
    states = []
    for number in range(5):
        states.append(await office.delivery(f"w{number}").deliver(issued.sms_id))
        office.now += timedelta(seconds=31)

    assert states == [SmsState.QUEUED] * 4 + [SmsState.FAILED]


async def test_a_resting_provider_is_left_alone_and_the_message_waits_for_it(
    post: PostMaker,
) -> None:
    gateway = RecordingSmsGateway(answers=[Unknown("x")] * 5)
    office = post(gateway)
    delivery = office.delivery()
    for _ in range(5):
        await delivery.deliver((await office.queue()).sms_id)
    issued = await office.queue()

    state = await delivery.deliver(issued.sms_id)

    due = (await office.row(issued.sms_id))["due_at"] - office.now
    assert (state, len(gateway.sent), due) == (SmsState.QUEUED, 5, timedelta(seconds=30))


async def test_a_resend_prefers_another_provider(post: PostMaker) -> None:
    first, second = RecordingSmsGateway("a"), RecordingSmsGateway("b")
    office = post(first, second)
    challenge = uuid4()
    delivery = office.delivery()
    await delivery.deliver((await office.queue(challenge)).sms_id)
    office.now += timedelta(seconds=30)

    await delivery.deliver((await office.queue(challenge)).sms_id)

    assert (len(first.sent), len(second.sent)) == (1, 1)


async def test_a_resend_after_a_failed_report_goes_by_the_provider_that_has_not_failed(
    post: PostMaker,
) -> None:
    first, second = RecordingSmsGateway("a"), RecordingSmsGateway("b")
    office = post(first, second)
    challenge = uuid4()
    delivery = office.delivery()
    for waited_s in (0, 30, 60):
        office.now += timedelta(seconds=waited_s)
        issued = await office.queue(challenge)
        await delivery.deliver(issued.sms_id)
        if first.sent:
            await delivery.take_report(Report("a", None, "a-1", ReportState.FAILED))

    assert (len(first.sent), len(second.sent)) == (1, 2)


async def test_who_waits_gives_up_in_time_and_the_message_goes_on(post: PostMaker) -> None:
    gateway = RecordingSmsGateway(gate=asyncio.Event())
    office = post(gateway)
    issued = await office.queue()
    delivery = office.delivery()

    waited = await delivery.deliver(issued.sms_id, wait_s=0.05)
    assert gateway.gate is not None
    gateway.gate.set()
    await delivery.close()

    assert (waited, await office.state(issued.sms_id)) == (None, SmsState.SENT)
    assert gateway.closed


async def test_a_caller_that_goes_away_does_not_break_off_a_send(post: PostMaker) -> None:
    gateway = RecordingSmsGateway(gate=asyncio.Event())
    office = post(gateway)
    issued = await office.queue()
    delivery = office.delivery()
    caller = asyncio.create_task(delivery.deliver(issued.sms_id))
    await gateway.entered.wait()
    caller.cancel()
    await asyncio.gather(caller, return_exceptions=True)
    assert gateway.gate is not None
    gateway.gate.set()

    await delivery.close()

    assert await office.state(issued.sms_id) is SmsState.SENT


async def test_a_message_that_cannot_be_opened_has_failed(post: PostMaker) -> None:
    """Its key is gone: nobody will ever be able to send it."""
    gateway = RecordingSmsGateway()
    office = post(gateway)
    issued = await office.queue()
    other = Vault(KeyRing("k9", {"k9": b"9" * 32}))

    state = await office.delivery(vault=other).deliver(issued.sms_id)

    row = await office.row(issued.sms_id)
    assert (state, row["reason"], gateway.sent) == (SmsState.FAILED, "cannot_open", [])


async def test_one_message_s_mishap_does_not_stop_the_others(post: PostMaker) -> None:
    gateway = RecordingSmsGateway(answers=[OSError("broken adapter")])
    office = post(gateway)
    sms_ids = [(await office.queue()).sms_id for _ in range(3)]

    with pytest.raises(OSError, match="broken adapter"):
        await office.delivery().deliver_due(10)

    states = sorted([await office.state(sms_id) for sms_id in sms_ids])
    assert states == [SmsState.SENDING, SmsState.SENT, SmsState.SENT]


async def test_a_gateway_that_hangs_is_left_after_a_while(
    post: PostMaker, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("otp.gateways.carriers.SEND_MAX_S", 0.05)
    gateway = RecordingSmsGateway(gate=asyncio.Event())
    office = post(gateway)

    state = await office.delivery().deliver((await office.queue()).sms_id)

    assert state is SmsState.UNKNOWN


@pytest.mark.parametrize("names", [[], ["a", "a"]])
def test_gateways_need_names_of_their_own(post: PostMaker, names: list[str]) -> None:
    with pytest.raises(ValueError, match="each with a name of its own"):
        post(*map(RecordingSmsGateway, names)).delivery()


def test_a_claim_outlasts_all_that_a_message_may_wait_for(post: PostMaker) -> None:
    alone, many = post(*map(RecordingSmsGateway, "a")), post(*map(RecordingSmsGateway, "abcdef"))

    assert alone.ports().lease == timedelta(seconds=60)
    assert many.ports().lease.total_seconds() > 6 * (10 + 5) + 2 * 8


def test_a_route_to_a_gateway_that_is_not_there_is_refused(post: PostMaker) -> None:
    office = post(RecordingSmsGateway("a"))
    office.routes = (Route("48", {"a": 1, "b": 1}),)

    with pytest.raises(ValueError, match="a route leads to b"):
        office.delivery()


@pytest.mark.parametrize("sender", ["", "BANK OF TESTS"])
def test_a_sender_name_that_no_network_carries_is_refused(post: PostMaker, sender: str) -> None:
    office = post(RecordingSmsGateway())
    office.sender = sender

    with pytest.raises(ValueError, match="1 to 11 characters"):
        office.delivery()


async def test_the_recording_gateway_is_a_gateway() -> None:
    gateway: SmsGateway = RecordingSmsGateway()

    assert await gateway.send(SmsJob(uuid4(), PHONE, PHONE, "BANK", 300)) == Accepted("rec-1")


async def test_a_message_in_its_sender_s_hands_is_sent_and_settled(post: PostMaker) -> None:
    gateway = RecordingSmsGateway()
    office = post(gateway)
    issued = await office.queue(sender="w1")
    assert issued.claim is not None
    assert issued.code.delivery is SmsState.SENDING

    state = await office.delivery("w1").deliver_claimed(issued.claim)

    row = await office.row(issued.sms_id)
    assert (state, row["state"], row["provider"], row["attempts"]) == (
        SmsState.SENT,
        "sent",
        "rec",
        1,
    )
    assert gateway.sent[0].text.reveal().startswith("Platnosc 12,50 PLN dla Sklep ABC")


async def test_the_next_message_in_its_sender_s_hands_prefers_another_provider(
    post: PostMaker,
) -> None:
    first, second = RecordingSmsGateway("a"), RecordingSmsGateway("b")
    office = post(first, second)
    challenge = uuid4()
    delivery = office.delivery("w1")
    for _ in range(2):
        issued = await office.queue(challenge, sender="w1")
        assert issued.claim is not None
        await delivery.deliver_claimed(issued.claim)
        office.now += timedelta(seconds=30)

    assert (len(first.sent), len(second.sent)) == (1, 1)

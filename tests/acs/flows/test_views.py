"""The entry page is the challenge as it is."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any
from uuid import UUID

from acs.challenge.screens import Amount, Brand, CodeScreen, Notice, ResendState, TimeLeft
from acs.flows.views import code_screen
from acs.store import dialogues
from otp.gateways.port import Report, ReportState
from tests.records import replace
from tests.story.buying import PIN, begin, fail
from tests.story.world import FixedTables

if TYPE_CHECKING:
    from tests.story.world import World


async def screen(world: World, ares: dict[str, Any]) -> CodeScreen:
    ports = world.server.ports
    async with ports.pool.connection() as conn:
        dialogue = await dialogues.read(conn, UUID(ares["acsTransID"]))
    assert dialogue is not None
    return await code_screen(ports, dialogue)


async def test_it_shows_what_is_paid_by_which_card_to_whom(world: World) -> None:
    holder = await world.enrol(prefix=PIN)
    ares, _ = await begin(world, holder, amount="123456", purchaseExponent="3")
    found = await screen(world, ares)
    assert found.amount == Amount(123456, 3, "985")
    assert found.merchant == "Księgarnia Pod Lipą"
    assert found.last4 == holder.pan[-4:]
    assert found.purchase_at == datetime(2026, 11, 25, 12, tzinfo=UTC)
    assert found.asks_pin
    assert found.brand == Brand("Bank Testowy", "+48 22 123 45 67", "visa", theme="bank")
    assert holder.phone not in repr(found)
    assert found.window_size == "01"


async def test_a_name_that_would_deceive_is_not_shown(world: World) -> None:
    holder = await world.enrol()
    ares, _ = await begin(world, holder, merchantName="\u202e \u200b")
    assert (await screen(world, ares)).merchant == "MERCHANT-1"


async def test_the_wait_for_a_new_code_counts_down(world: World) -> None:
    ares, _ = await begin(world, await world.enrol())
    due = world.clock() + timedelta(seconds=30)
    waits = ResendState(allowed=False, wait_s=30, left=2, ready_at=due)
    assert (await screen(world, ares)).resend == waits
    world.clock.advance(seconds=29, milliseconds=1)
    assert (await screen(world, ares)).resend == replace(waits, wait_s=1)
    world.clock.advance(seconds=1)
    assert (await screen(world, ares)).resend == ResendState(allowed=True, wait_s=0, left=2)


async def test_a_range_may_have_a_theme_of_its_own(world: World) -> None:
    ares, _ = await begin(world, await world.enrol())
    held = world.server.ports.tables
    assert isinstance(held, FixedTables)
    tables = held.now
    gold = [
        replace(one, range=replace(one.range, policy=replace(one.range.policy, theme="gold")))
        for one in tables.ranges
    ]
    held.now = replace(tables, ranges=tuple(gold))
    assert (await screen(world, ares)).brand.theme == "gold"
    held.now = replace(tables, ranges=())
    assert (await screen(world, ares)).brand == Brand("", "", "visa")


async def test_the_page_knows_how_long_it_waits(world: World) -> None:
    opened = world.clock()
    ares, page = await begin(world, await world.enrol())
    ends = opened + timedelta(minutes=10)
    assert (await screen(world, ares)).time_left == TimeLeft(ends, 600, may_extend=True)
    world.clock.advance(minutes=9, seconds=30)
    assert (await screen(world, ares)).time_left == TimeLeft(ends, 30, may_extend=True)
    page = await world.submit(page, "extend")
    assert page.notice is not None
    ends = opened + timedelta(minutes=19, seconds=30)
    assert (await screen(world, ares)).time_left == TimeLeft(ends, 600, may_extend=True)
    for _ in range(2):
        world.clock.advance(minutes=9, seconds=30)
        page = await world.submit(page, "extend")
    last = opened + timedelta(minutes=30)
    assert (await screen(world, ares)).time_left == TimeLeft(last, 90, may_extend=False)


async def test_a_page_does_not_go_on_to_its_end_before_it_is_there(world: World) -> None:
    ares, _ = await begin(world, await world.enrol())
    world.clock.advance(minutes=9, seconds=59, milliseconds=1)
    assert (await screen(world, ares)).time_left.left_s == 1
    world.clock.advance(milliseconds=998)
    assert (await screen(world, ares)).time_left.left_s == 1
    world.clock.advance(milliseconds=1)
    assert (await screen(world, ares)).time_left.left_s == 0


async def test_no_more_codes_is_no_more_codes(world: World) -> None:
    ares, page = await begin(world, await world.enrol())
    for wait_s in (30, 60):
        world.clock.advance(seconds=wait_s)
        page = await world.submit(page, "resend")
    world.clock.advance(hours=0, minutes=5)
    found = await screen(world, ares)
    assert (found.resend.left, found.resend.allowed, found.code_number) == (0, False, 3)


async def test_a_code_is_live_until_its_last_second(world: World) -> None:
    ares, _ = await begin(world, await world.enrol())
    found = await screen(world, ares)
    assert found.expires_at == world.clock() + timedelta(minutes=5)
    world.clock.advance(minutes=4, seconds=59)
    assert (await screen(world, ares)).code_live
    world.clock.advance(seconds=1)
    assert not (await screen(world, ares)).code_live


async def test_it_tells_the_attempts_left_and_what_happened_last(world: World) -> None:
    holder = await world.enrol()
    ares, page = await begin(world, holder)
    await fail(world, holder, page, 1)
    found = await screen(world, ares)
    assert (found.attempts_left, found.notice) == (2, Notice.WRONG)


async def test_failures_of_an_earlier_challenge_leave_fewer_attempts(world: World) -> None:
    """The fifth failure in a row blocks the cardholder, whichever challenge it is in."""
    holder = await world.enrol(language="en")
    await fail(world, holder, (await begin(world, holder))[1], 3)
    ares, page = await begin(world, holder)
    page = await fail(world, holder, page, 1)

    assert page.notice == "The details do not match. You have one attempt left."
    assert (await screen(world, ares)).attempts_left == 1


async def test_it_tells_of_a_message_that_is_reported_as_not_delivered(world: World) -> None:
    ares, _ = await begin(world, await world.enrol())
    before = await screen(world, ares)
    sms_id = await world.db.fetchval("SELECT sms_id FROM otp.outbox")
    await world.server.delivery.take_report(Report("inbox", sms_id, None, ReportState.FAILED))

    after = await screen(world, ares)

    assert (before.notice, before.sent_at) == (None, world.clock.now)
    assert (after.notice, after.sent_at) == (Notice.SMS_FAILED, None)


async def test_it_offers_a_new_code_when_nobody_knows_whether_the_message_left(
    world: World,
) -> None:
    ares, _ = await begin(world, await world.enrol())
    await world.db.execute("UPDATE otp.outbox SET state = 'unknown', provider_id = NULL")

    found = [await screen(world, ares)]
    await world.db.execute("UPDATE acs.transaction SET code_seq = 3")
    found.append(await screen(world, ares))

    assert [(one.notice, one.resend.left) for one in found] == [
        (Notice.SMS_UNKNOWN, 2),
        (None, 0),
    ]


async def test_each_step_has_a_token_of_its_own(world: World) -> None:
    holder = await world.enrol()
    ares, page = await begin(world, holder)
    before = (await screen(world, ares)).form_token
    await fail(world, holder, page, 1)
    assert (await screen(world, ares)).form_token != before
    assert before not in repr(await screen(world, ares))

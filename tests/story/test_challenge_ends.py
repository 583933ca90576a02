"""Ends that come from elsewhere: a block, a stolen card, another phone, a consent withdrawn."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import TYPE_CHECKING, Any

import pytest

from tests.story import people
from tests.story.areqs import browser_areq
from tests.story.buying import PIN, ask, begin, fail, outcome, right, shown, wrong

if TYPE_CHECKING:
    from tests.story.people import Cardholder
    from tests.story.world import World


pytestmark = pytest.mark.asyncio(loop_scope="module")


@pytest.fixture
def world(shared: World) -> World:
    """One world for all of these: each has its own cardholders."""
    return shared


async def phone_changed(world: World, holder: Cardholder) -> None:
    await people.add_phone(world.db, world.keys, world.clock(), holder.person_id, "+48601999999")


async def phone_gone(world: World, holder: Cardholder) -> None:
    await world.db.execute(
        "UPDATE enrollment.phone SET state = 'retired', valid_to = now() WHERE person_id = $1",
        holder.person_id,
    )


async def consent_withdrawn(world: World, holder: Cardholder) -> None:
    await people.declare(world.db, holder, world.clock(), "withdrawn")


async def switched_off(world: World, holder: Cardholder) -> None:
    await world.db.execute(
        "UPDATE enrollment.enrolment SET state = 'suspended', reason = 'client_off'"
        " WHERE card_id = $1",
        holder.card_id,
    )


async def stolen(world: World, holder: Cardholder) -> None:
    await people.set_card_status(world.db, holder, "blocked_stolen")


async def card_blocked(world: World, holder: Cardholder) -> None:
    await people.set_card_status(world.db, holder, "blocked_temp")


async def closed(world: World, holder: Cardholder) -> None:
    await people.set_card_status(world.db, holder, "closed")


async def blocked(world: World, holder: Cardholder) -> None:
    await people.block(world.db, holder, world.clock())


CHANGES: tuple[tuple[Any, str], ...] = (
    (phone_changed, "13"),
    (phone_gone, "13"),
    (consent_withdrawn, "13"),
    (switched_off, "13"),
    (stolen, "10"),
    (card_blocked, "12"),
    (closed, "12"),
    (blocked, "19"),
)


@pytest.mark.parametrize(("change", "reason"), CHANGES, ids=[row[0].__name__ for row in CHANGES])
@pytest.mark.parametrize("then", ["right code", "resend", "reload", "first CReq"])
async def test_what_a_challenge_rests_on_goes_away_and_it_ends(
    world: World, change: Any, reason: str, then: str
) -> None:
    holder = await world.enrol()
    ares = await ask(world, holder)
    if then == "first CReq":
        await change(world, holder)
        final = await world.open(ares)
        assert world.phone.texts(holder.phone) == []
    else:
        page = await world.open(ares)
        await change(world, holder)
        world.clock.advance(seconds=60)
        match then:
            case "right code":
                final = await world.submit(page, otp=right(world, holder))
            case "resend":
                final = await world.submit(page, "resend")
            case _:
                final = await world.open(ares)
        assert len(world.phone.texts(holder.phone)) == 1
    assert shown(final) == "N"
    assert outcome(world, ares)[:3] == ("N", reason, None)


async def test_a_card_that_expires_during_its_challenge_was_good_when_it_was_asked(
    world: World,
) -> None:
    holder = await world.enrol()
    ares, page = await begin(world, holder)
    await people.set_card_status(world.db, holder, "expired")
    await world.db.execute(
        "UPDATE enrollment.enrolment SET state = 'suspended', reason = 'card_expired'"
        " WHERE card_id = $1",
        holder.card_id,
    )
    assert shown(await world.submit(page, otp=right(world, holder))) == "Y"
    assert outcome(world, ares)[0] == "Y"


async def test_cancel_is_heard_also_when_the_card_is_gone(world: World) -> None:
    holder = await world.enrol()
    ares, page = await begin(world, holder)
    await stolen(world, holder)
    assert shown(await world.submit(page, "cancel")) == "N"
    assert outcome(world, ares)[:3] == ("N", "01", "01")


async def test_the_pages_own_cancel_asks_first_and_costs_nothing(world: World) -> None:
    holder = await world.enrol()
    ares, page = await begin(world, holder)
    url, fields = page.forms()[0]

    asked = await world.post(f"{url}?ask", {**fields, "action": "cancel"})
    assert not asked.has_code_field
    back = await world.submit(asked, "continue")
    assert back.has_code_field
    again = await world.post(f"{url}?ask", {**back.forms()[0][1], "action": "cancel"})
    assert shown(await world.submit(again, "cancel")) == "N"
    assert outcome(world, ares)[:2] == ("N", "01")


async def test_who_asks_to_cancel_too_late_sees_the_end(world: World) -> None:
    holder = await world.enrol()
    _, page = await begin(world, holder)
    url, fields = page.forms()[0]
    await world.submit(page, otp=right(world, holder))

    assert shown(await world.post(f"{url}?ask", {**fields, "action": "cancel"})) == "Y"


async def test_five_failures_over_challenges_and_cards_block_the_person(world: World) -> None:
    """RTS art. 4(3)(b): five in a row, wherever they were made."""
    holder = await world.enrol()
    second_card = await world.enrol(person_of=holder, account_of=holder)
    _, page = await begin(world, holder)
    await world.submit(await fail(world, holder, page, 2), "cancel")
    ares, page = await begin(world, second_card)
    page = await fail(world, holder, page, 2)
    assert page.has_code_field
    assert shown(await fail(world, holder, page, 1)) == "N"
    assert outcome(world, ares)[:2] == ("N", "19")

    for card in (holder, second_card):
        refused = await world.areq(browser_areq(card.pan, ds_url=world.directory.url))
        assert (refused["transStatus"], refused["transStatusReason"]) == ("N", "04")
        assert "cardholderInfo" in refused
    assert await notices_to(world, holder) == [BLOCKED]


async def test_a_payment_by_a_code_alone_buys_no_more_guesses_at_the_pin(world: World) -> None:
    """Who has the phone guesses the PIN of one card, and clears no count by another card."""
    holder = await world.enrol(prefix=PIN)
    without_pin = await world.enrol(person_of=holder, account_of=holder)
    for _ in range(2):
        _, page = await begin(world, holder)
        for pin in ("9182", "9283"):
            page = await world.submit(page, otp=right(world, holder), pin=pin)
        await world.submit(page, "cancel")
        _, page = await begin(world, without_pin)
        assert shown(await world.submit(page, otp=right(world, without_pin))) == "Y"

    ares, page = await begin(world, holder)
    assert shown(await world.submit(page, otp=right(world, holder), pin="9384")) == "N"
    assert outcome(world, ares)[:2] == ("N", "19")


BLOCKED = "Platnosci karta w internecie sa zablokowane. W sprawie odblokowania zadzwon do banku."
WARNED = (
    "Platnosci karta w internecie sa czasowo zablokowane. Nastepna blokada bedzie stala."
    " Jesli to nie Ty, zadzwon do banku."
)


async def notices_to(world: World, holder: Cardholder) -> list[str]:
    """Give the messages without a code that the phone got, once everything queued has left."""
    await world.server.work_at_everything()
    return [text for text in world.phone.texts(holder.phone) if "Kod" not in text]


async def test_the_fifth_failure_ends_a_challenge_that_has_attempts_left(world: World) -> None:
    holder = await world.enrol()
    _, page = await begin(world, holder)
    await fail(world, holder, page, 3)
    other, other_page = await begin(world, holder)
    third, third_page = await begin(world, holder)
    third_code = right(world, holder)
    other_page = await fail(world, holder, other_page, 1)
    assert shown(await fail(world, holder, other_page, 1)) == "N"
    assert outcome(world, other) == ("N", "19", None, "02")
    # The right code in a challenge that was open all the while comes too late.
    assert shown(await world.submit(third_page, otp=third_code)) == "N"
    assert outcome(world, third) == ("N", "19", None, "00")


async def fail_five_times(world: World, holder: Cardholder) -> None:
    for times in (3, 2):
        _, page = await begin(world, holder)
        await fail(world, holder, page, times)


def noon_of_another_day(world: World) -> None:
    world.clock.now = world.clock().replace(hour=10, minute=0, second=0) + timedelta(days=1)


async def status_now(world: World, holder: Cardholder) -> str:
    message = browser_areq(holder.pan, ds_url=world.directory.url)
    return str((await world.areq(message))["transStatus"])


async def test_a_block_ends_at_midnight_in_warsaw(world: World) -> None:
    noon_of_another_day(world)
    holder = await world.enrol(prefix=PIN)
    await fail_five_times(world, holder)
    world.clock.advance(hours=11, minutes=59)
    assert await status_now(world, holder) == "N"
    world.clock.advance(minutes=1)
    _, page = await begin(world, holder)
    page = await fail(world, holder, page, 2)
    assert page.has_code_field  # the count began anew
    final = await world.submit(page, otp=right(world, holder), pin=holder.pin)
    assert shown(final) == "Y"


async def test_a_block_in_the_evening_lasts_six_hours(world: World) -> None:
    noon_of_another_day(world)
    world.clock.advance(hours=10)  # 22:00 in Warsaw
    holder = await world.enrol()
    await fail_five_times(world, holder)
    world.clock.advance(hours=5, minutes=59)
    assert await status_now(world, holder) == "N"
    world.clock.advance(minutes=1)
    assert await status_now(world, holder) == "C"


async def test_after_three_blocks_in_a_month_the_next_one_stays(world: World) -> None:
    """RTS art. 4(4): the cardholder is warned before."""
    holder = await world.enrol()
    told: list[list[str]] = []
    for _ in range(4):
        noon_of_another_day(world)
        assert await status_now(world, holder) == "C"
        await fail_five_times(world, holder)
        told.append((await notices_to(world, holder))[len(told) :])
    assert told == [[BLOCKED], [BLOCKED], [WARNED], [BLOCKED]]
    world.clock.advance(days=90)
    assert await status_now(world, holder) == "N"


async def test_only_a_complete_success_clears_the_count(world: World) -> None:
    holder = await world.enrol(prefix=PIN)
    _, page = await begin(world, holder)
    page = await fail(world, holder, page, 2)
    await world.submit(page, "cancel")
    _, page = await begin(world, holder)
    await world.submit(page, otp=right(world, holder), pin=holder.pin)
    # Four more failures are allowed again.
    for times in (2, 2):
        _, page = await begin(world, holder)
        page = await fail(world, holder, page, times)
        assert page.has_code_field
        await world.submit(page, "cancel")
    assert (await ask(world, holder))["transStatus"] == "C"


async def test_a_blocked_person_is_not_told_whether_the_code_was_right(world: World) -> None:
    holder = await world.enrol()
    pages = []
    for code_is_right in (True, False):
        _, page = await begin(world, holder)
        code = right(world, holder) if code_is_right else wrong(world, holder)
        pages.append((page, code))
    await people.block(world.db, holder, world.clock())
    finals = [await world.submit(page, otp=code) for page, code in pages]
    assert [shown(final) for final in finals] == ["N", "N"]
    assert finals[0].text == finals[1].text


async def test_posts_are_bounded_however_many_are_allowed(world: World) -> None:
    """Where more than 60 were allowed the challenge never heard of the last one."""
    policy = replace(world.policies.challenge, posts_max=61)
    server = await world.start_server(challenge=policy)
    holder = await world.enrol()
    ares = await ask(world, holder, server)
    page = await world.open(ares, server=server)
    for _ in range(policy.posts_max):
        page = await world.submit(page, otp="12", server=server)
        assert page.has_code_field
    page = await world.submit(page, otp="12", server=server)

    assert shown(page) == "N"
    assert outcome(world, ares)[:2] == ("N", "19")

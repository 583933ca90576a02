"""Again: reload, Back, double click, two tabs, the CReq once more, and after the end."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.story.buying import VERSIONS, ask, begin, fail, outcome, right, shown, wrong

if TYPE_CHECKING:
    from tests.story.world import World


pytestmark = pytest.mark.asyncio(loop_scope="module")


@pytest.fixture
def world(shared: World) -> World:
    """One world for all of these: each has its own cardholders."""
    return shared


@pytest.mark.parametrize("version", VERSIONS)
async def test_the_creq_again_shows_the_same_page_and_costs_nothing(
    world: World, version: str
) -> None:
    holder = await world.enrol()
    ares, page = await begin(world, holder, version=version)
    row = await world.challenge_row(ares)
    again = await world.open(ares)
    assert again.without_token == page.without_token
    assert await world.challenge_row(ares) == row
    assert len(world.phone.texts(holder.phone)) == 1
    assert shown(await world.submit(again, otp=right(world, holder))) == "Y"


async def test_the_creq_again_does_not_lengthen_the_life_of_a_challenge(world: World) -> None:
    holder = await world.enrol()
    ares, _ = await begin(world, holder)
    for _ in range(3):
        world.clock.advance(minutes=3)
        assert (await world.open(ares)).has_code_field
    world.clock.advance(minutes=1)
    assert shown(await world.open(ares)) == "N"
    assert outcome(world, ares) == ("N", "14", "04", "00")


async def test_the_same_wrong_code_posted_again_costs_no_attempt(world: World) -> None:
    """A reload of the answer: the browser posts the very same form."""
    holder = await world.enrol()
    ares, page = await begin(world, holder)
    code = wrong(world, holder)
    first = await world.submit(page, otp=code)
    for _ in range(5):
        again = await world.submit(page, otp=code)
        assert again.without_token == first.without_token
    assert (await world.challenge_row(ares))["attempts"] == 1
    assert (await world.challenge_row(ares))["interaction_counter"] == 1


async def test_the_same_wrong_code_typed_again_costs_an_attempt(world: World) -> None:
    holder = await world.enrol()
    ares, page = await begin(world, holder)
    code = wrong(world, holder)
    page = await world.submit(page, otp=code)
    await world.submit(page, otp=code)
    assert (await world.challenge_row(ares))["attempts"] == 2


async def test_back_and_another_code_is_a_fresh_try(world: World) -> None:
    holder = await world.enrol()
    ares, page = await begin(world, holder)
    await world.submit(page, otp=wrong(world, holder))
    assert shown(await world.submit(page, otp=right(world, holder))) == "Y"
    assert outcome(world, ares) == ("Y", None, None, "02")


async def test_two_tabs_are_one_challenge(world: World) -> None:
    holder = await world.enrol()
    ares, first = await begin(world, holder)
    second = await world.open(ares)
    await world.submit(first, otp=wrong(world, holder))
    page = await world.submit(second, otp=f"{int(wrong(world, holder)) + 2:06d}")
    assert (await world.challenge_row(ares))["attempts"] in {1, 2}
    assert shown(await world.submit(second, "cancel")) == "N"
    assert shown(await world.submit(page, otp=right(world, holder))) == "N"
    assert outcome(world, ares)[:3] == ("N", "01", "01")


async def test_a_double_click_on_the_right_code_is_one_y(world: World) -> None:
    holder = await world.enrol()
    ares, page = await begin(world, holder)
    code = right(world, holder)
    finals = [await world.submit(page, otp=code) for _ in range(3)]
    assert [shown(final) for final in finals] == ["Y", "Y", "Y"]
    assert len({final.html for final in finals}) == 1
    assert len(world.directory.results(ares["acsTransID"])) == 1


ENDS = ("right", "cancel", "attempts", "timeout")


@pytest.mark.parametrize("end", ENDS)
async def test_after_the_end_the_same_final_page_for_ten_minutes_then_a_neutral_one(
    world: World, end: str
) -> None:
    holder = await world.enrol()
    ares, page = await begin(world, holder)
    ended_at = world.clock()
    match end:
        case "right":
            final = await world.submit(page, otp=right(world, holder))
        case "cancel":
            final = await world.submit(page, "cancel")
        case "attempts":
            final = await fail(world, holder, page, 3)
        case _:
            world.clock.advance(minutes=10)
            ended_at = world.clock()
            final = await world.submit(page, otp=right(world, holder))
    told = world.directory.results(ares["acsTransID"])
    assert shown(final) == ("Y" if end == "right" else "N")

    for minutes in (0, 5, 9):
        world.clock.now = ended_at
        world.clock.advance(minutes=minutes, seconds=59)
        for again in (
            await world.open(ares),
            await world.submit(page, otp=right(world, holder)),
            await world.submit(page, "cancel"),
            await world.submit(page, "resend"),
        ):
            assert again.html == final.html

    world.clock.now = ended_at
    world.clock.advance(minutes=10)
    unknown = await world.open(ares, acsTransID="00000000-0000-4000-8000-000000000000")
    for late in (await world.open(ares), await world.submit(page, otp="123456")):
        assert late.is_neutral
        assert late.html == unknown.html
    assert world.directory.results(ares["acsTransID"]) == told
    assert len(world.phone.texts(holder.phone)) == 1


async def test_a_cancelled_payment_stays_cancelled(world: World) -> None:
    holder = await world.enrol()
    ares, page = await begin(world, holder)
    code = right(world, holder)
    assert shown(await world.submit(page, "cancel")) == "N"
    assert shown(await world.submit(page, otp=code)) == "N"
    assert outcome(world, ares) == ("N", "01", "01", "00")


@pytest.mark.parametrize("version", VERSIONS)
async def test_cancel_after_a_wrong_answer_tells_how_many_there_were(
    world: World, version: str
) -> None:
    holder = await world.enrol()
    ares, page = await begin(world, holder, version=version)
    page = await fail(world, holder, page, 2)
    assert shown(await world.submit(page, "cancel")) == "N"
    assert outcome(world, ares) == ("N", "01", "01", "02")


async def test_a_paid_payment_cannot_be_cancelled(world: World) -> None:
    holder = await world.enrol()
    ares, page = await begin(world, holder)
    await world.submit(page, otp=right(world, holder))
    assert shown(await world.submit(page, "cancel")) == "Y"
    assert outcome(world, ares) == ("Y", None, None, "01")


async def test_the_form_of_another_challenge_does_nothing_here(world: World) -> None:
    """Two payments of one person side by side: each page knows its own."""
    holder = await world.enrol()
    first_ares, first = await begin(world, holder)
    first_code = right(world, holder)
    second_ares, _ = await begin(world, holder)
    assert shown(await world.submit(first, otp=first_code)) == "Y"
    assert outcome(world, first_ares)[0] == "Y"
    assert (await world.challenge_row(second_ares))["state"] == "challenge"


async def test_the_final_page_of_a_challenge_nobody_opened(world: World) -> None:
    holder = await world.enrol()
    ares = await ask(world, holder)
    world.clock.advance(seconds=32)
    await world.server.time_out()
    final = await world.open(ares)
    assert shown(final) == "N"
    assert final.final_fields is not None
    assert final.final_fields["threeDSSessionData"] == "c2Vzc2lvbg"
    assert outcome(world, ares) == ("N", "14", "05", "00")
    assert world.phone.texts(holder.phone) == []

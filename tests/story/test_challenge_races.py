"""Many at once, through two processes: one outcome, one message, one result."""

from __future__ import annotations

import asyncio
import random
from typing import TYPE_CHECKING

import pytest

from otp.policy import OtpPolicy
from tests.story.areqs import browser_areq
from tests.story.buying import OTP, PIN, ask, begin, outcome, right, shown
from tests.story.parties import other_than

if TYPE_CHECKING:
    from tests.story.pages import Page
    from tests.story.people import Cardholder
    from tests.story.world import World

MANY = 50
UNLIMITED = OtpPolicy(
    phone_hour=500, phone_day=500, card_hour=500, card_day=500, card_challenges_hour=500
)
"""Nothing but the count of the person's failures stands between a guesser and the codes."""


async def post_all(world: World, page: Page, codes: list[str], holder: Cardholder) -> list[Page]:
    """Post each code at the same time, by turns to two processes."""
    servers = (world.server, await world.start_server())
    return list(
        await asyncio.gather(
            *(
                world.submit(page, server=servers[n % 2], otp=code, pin=holder.pin)
                for n, code in enumerate(codes)
            )
        )
    )


@pytest.mark.parametrize("prefix", [OTP, PIN])
async def test_fifty_right_codes_are_one_success(world: World, prefix: str) -> None:
    holder = await world.enrol(prefix=prefix)
    ares, page = await begin(world, holder)
    finals = await post_all(world, page, [right(world, holder)] * MANY, holder)
    assert {shown(final) for final in finals} == {"Y"}
    assert len({final.html for final in finals}) == 1
    assert len(world.directory.heard) == 1
    assert outcome(world, ares) == ("Y", None, None, "01")


@pytest.mark.parametrize("prefix", [OTP, PIN])
async def test_of_fifty_wrong_guesses_three_are_compared(world: World, prefix: str) -> None:
    holder = await world.enrol(prefix=prefix)
    ares, page = await begin(world, holder)
    code = right(world, holder)
    guesses = [guess for n in range(MANY + 1) if (guess := f"{n:06d}") != code][:MANY]
    pages = await post_all(world, page, guesses, holder)
    assert sum(one.has_code_field for one in pages) == 2
    assert sum(shown(one) == "N" for one in pages) == MANY - 2
    compared = await world.db.fetchrow(
        "SELECT (SELECT attempts FROM otp.code), (SELECT failures FROM enrollment.sca_state)"
    )
    assert tuple(compared) == (3, 3)
    assert outcome(world, ares) == ("N", "19", None, "03")
    assert shown(await world.submit(page, otp=code, pin=holder.pin)) == "N"


async def test_the_right_code_among_wrong_ones_is_one_outcome(world: World) -> None:
    holder = await world.enrol()
    ares, page = await begin(world, holder)
    code = right(world, holder)
    others = [other_than(code, *(f"{taken:06d}" for taken in range(n))) for n in range(9)]
    pages = await post_all(world, page, [*others[:4], code, *others[4:]], holder)
    told = outcome(world, ares)
    finals = {shown(one) for one in pages} - {None}
    assert finals == {told[0]}
    assert len(world.directory.heard) == 1


async def test_fifty_first_creqs_send_one_message(world: World) -> None:
    holder = await world.enrol()
    ares = await ask(world, holder)
    servers = (world.server, await world.start_server())
    pages = await asyncio.gather(*(world.open(ares, server=servers[n % 2]) for n in range(MANY)))
    assert len({page.without_token for page in pages}) == 1
    assert len(world.phone.messages) == 1
    assert shown(await world.submit(pages[7], otp=right(world, holder))) == "Y"


async def test_twenty_calls_for_a_new_code_send_one(world: World) -> None:
    holder = await world.enrol()
    _, page = await begin(world, holder)
    world.clock.advance(seconds=30)
    await asyncio.gather(*(world.submit(page, "resend") for _ in range(20)))
    assert len(world.phone.messages) == 2


async def test_cancel_and_the_right_code_at_once_are_one_outcome(world: World) -> None:
    holder = await world.enrol()
    ares, page = await begin(world, holder)
    code = right(world, holder)
    posts = [world.submit(page, "cancel") for _ in range(5)]
    posts += [world.submit(page, otp=code) for _ in range(5)]
    finals = await asyncio.gather(*posts)
    assert {shown(final) for final in finals} == {outcome(world, ares)[0]}
    assert len({final.html for final in finals}) == 1
    assert len(world.directory.heard) == 1


async def test_the_time_out_and_the_right_code_at_once_are_one_outcome(world: World) -> None:
    other = await world.start_server()
    holder = await world.enrol()
    asked = [await begin(world, holder) for _ in range(2)]
    world.clock.advance(minutes=10)
    await asyncio.gather(
        other.time_out(),
        *(world.submit(page, otp=right(world, holder)) for _, page in asked),
        world.server.time_out(),
    )
    for ares, _ in asked:
        assert outcome(world, ares)[:3] == ("N", "14", "04")
        assert len(world.directory.results(ares["acsTransID"])) == 1


async def test_the_last_attempt_of_a_person_in_two_challenges_at_once(world: World) -> None:
    """Four failures were made; of two more guesses made at once one is compared."""
    holder = await world.enrol()
    for times in (2, 2):
        _, page = await begin(world, holder)
        for n in range(times):
            page = await world.submit(page, otp=other_than(right(world, holder), *["000000"] * n))
        await world.submit(page, "cancel")
    asked = [await begin(world, holder) for _ in range(2)]
    codes = world.phone.codes(holder.phone)
    pages = await asyncio.gather(*(world.submit(page, otp=other_than(*codes)) for _, page in asked))
    assert [shown(page) for page in pages] == ["N", "N"]
    assert await world.db.fetchval("SELECT failures FROM enrollment.sca_state") == 5
    assert await world.db.fetchval("SELECT sum(attempts) FROM otp.code") == 5


async def test_of_a_hundred_challenges_of_one_person_five_guesses_are_compared(
    world: World,
) -> None:
    """RTS art. 4(3)(b): over five cards and two processes, whoever is first; then nobody is."""
    chance = random.Random(7)
    servers = [await world.start_server(otp=UNLIMITED) for _ in range(2)]
    first = await world.enrol(prefix=PIN)
    cards = [first, *[await world.enrol(prefix=PIN, person_of=first) for _ in range(4)]]
    asked = [await ask(world, cards[n % 5], servers[n % 2]) for n in range(100)]
    pages = [await world.open(ares, server=servers[n % 2]) for n, ares in enumerate(asked)]
    assert all(page.has_code_field for page in pages)
    sent = set(world.phone.codes(first.phone))
    assert len(world.phone.messages) == 100

    drawn = (f"{chance.randrange(10**6):06d}" for _ in range(200))
    guesses = [code for code in drawn if code not in sent]
    finals = await asyncio.gather(
        *(
            world.submit(page, server=servers[n % 2], otp=guesses[n], pin=first.pin)
            for n, page in enumerate(pages)
        )
    )

    counted = "SELECT sum(attempts), max(attempts) FROM otp.code"
    assert tuple(await world.db.fetchrow(counted) or ()) == (5, 1)
    assert await world.db.fetchval("SELECT failures FROM enrollment.sca_state") == 5
    assert await world.db.fetchval("SELECT count(*) FROM enrollment.block") == 1
    # Four may try again and cannot; whoever made the fifth, or came later, got an end.
    alive = [page for page in finals if page.has_code_field]
    assert len(alive) == 4
    assert [shown(page) for page in finals if page not in alive] == ["N"] * 96
    ends = await asyncio.gather(
        *(world.submit(page, otp=right(world, first), pin=first.pin) for page in alive)
    )
    assert [shown(page) for page in ends] == ["N"] * 4
    assert {outcome(world, ares)[:2] for ares in asked} == {("N", "19")}
    assert await world.db.fetchval("SELECT sum(attempts) FROM otp.code") == 5
    # Nobody is asked any more, and no message leaves.
    for card in cards:
        refused = await world.areq(browser_areq(card.pan, ds_url=world.directory.url))
        assert (refused["transStatus"], refused["transStatusReason"]) == ("N", "04")
    assert len(world.phone.messages) == 100

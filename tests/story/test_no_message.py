"""Where no message may leave for no fault of the cardholder's: we could not, and say so."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

import pytest

from otp.policy import OtpPolicy
from tests.otp.fakes import RecordingSmsGateway
from tests.story.buying import ask, begin, outcome, right, shown

if TYPE_CHECKING:
    from tests.story.world import World


async def test_where_we_cannot_send_the_shop_is_told_that_we_could_not(world: World) -> None:
    """A budget that is used up is not the cardholder's doing: U, and no N that says fraud."""
    stingy = await world.start_server(otp=OtpPolicy(total_day=1))
    first, second = await world.enrol(), await world.enrol()
    for holder, told in ((first, None), (second, ("U", "22", "06", "00"))):
        ares = await ask(world, holder, stingy)
        page = await world.open(ares, server=stingy)
        assert page.has_code_field is (told is None)
        if told is not None:
            assert outcome(world, ares) == told
    assert len(world.phone.messages) == 1


async def test_a_suspended_block_of_numbers_is_told_the_same_way(world: World) -> None:
    holder = await world.enrol()
    await world.db.execute(
        "INSERT INTO otp.suspension VALUES ('48600', $1, $2, 21, 0)",
        world.clock(),
        world.clock() + timedelta(minutes=15),
    )
    ares = await ask(world, holder)
    await world.open(ares)
    assert outcome(world, ares)[:2] == ("U", "22")
    world.clock.advance(minutes=15)
    _, page = await begin(world, holder)
    assert shown(await world.submit(page, otp=right(world, holder))) == "Y"


@pytest.mark.parametrize(("language", "says"), [("pl", "zamów nowy kod"), ("de", "neuen Code")])
async def test_an_adapter_that_breaks_costs_no_page(world: World, language: str, says: str) -> None:
    """What nobody foresaw on a message's way is ours; the cardholder can ask for another one."""
    gateway = RecordingSmsGateway(answers=[ValueError("adapter")])
    server = await world.start_server(gateways=(gateway,))
    ares = await ask(world, await world.enrol(language=language), server)
    page = await world.open(ares, server=server)
    world.clock.advance(minutes=2)
    again = await world.submit(page, action="resend")

    assert (page.status, page.has_code_field, says in page.text) == (200, True, True)
    assert (again.status, len(gateway.sent)) == (200, 2)

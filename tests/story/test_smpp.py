"""A challenge whose code travels over SMPP, to an SMSC of another make; and carriers that die.

Whatever dies when: at most one text with a code and number goes out, and there is a way on.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

import pytest

from otp.gateways.smpp.gateway import SmppGateway
from tests.otp.gateways.smpp.smsc import (
    ANSWER,
    SUBMIT_SM,
    Desk,
    Line,
    Smsc,
    config,
    cutting_at,
    rejecting,
)
from tests.story.buying import ask, outcome, shown

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from tests.story.pages import Page
    from tests.story.parties import FakePhone
    from tests.story.people import Cardholder
    from tests.story.world import Server, World


class Carriers:
    """Two SMSCs, the first one over a line that can be cut, and a process that knows them."""

    def __init__(self) -> None:
        self.first, self.second = Smsc(), Smsc()
        self.line = Line(self.first.port)
        self.desk = Desk()

    async def start(self, world: World) -> Server:
        await self.first.start()
        await self.second.start()
        await self.line.start()
        gateways = tuple(
            SmppGateway(config(port, name=name))
            for name, port in (("carrier", self.line.port), ("second", self.second.port))
        )
        server = await world.start_server(gateways=gateways)
        for gateway in gateways:
            gateway.start(self.desk.observe)
        await self.desk.news.until(lambda: {one[0] for one in self.desk.link} >= NAMES)
        return server

    async def stop(self) -> None:
        await self.line.stop()
        await self.first.stop()
        await self.second.stop()

    def texts(self) -> tuple[list[str], list[str]]:
        """Give what each carrier has been asked to deliver."""
        first, second = (
            [message.short_message.decode("ascii") for message in smsc.received]
            for smsc in (self.first, self.second)
        )
        return first, second

    def show(self, phone: FakePhone) -> None:
        """Bring every text to the phone, so that the laws know what must be found nowhere."""
        for message in (*self.first.received, *self.second.received):
            number, text = f"+{message.destination_addr}", message.short_message.decode("ascii")
            phone.messages[text] = {"id": text, "to": number, "from": "BANK", "text": text}


NAMES = {"carrier", "second"}


def code(text: str) -> str:
    (found,) = re.findall(r"(?<!\d)\d{6}(?!\d)", text)
    return str(found)


@pytest.fixture
async def carriers(world: World) -> AsyncIterator[Carriers]:
    made = Carriers()
    world.server = await made.start(world)
    yield made
    made.show(world.phone)
    for server in world.servers:  # gateways leave before their SMSCs
        await server.delivery.close()
    await made.stop()


async def _begin(world: World) -> tuple[Cardholder, dict[str, Any], Page]:
    holder = await world.enrol()
    ares = await ask(world, holder)
    return holder, ares, await world.open(ares)


async def _again(world: World, page: Page) -> Page:
    world.clock.advance(seconds=31)
    return await world.submit(page, "resend")


async def test_a_payment_is_authenticated_by_a_code_over_smpp(
    world: World, carriers: Carriers
) -> None:
    holder, ares, page = await _begin(world)
    (text,), nothing = carriers.texts()
    final = await world.submit(page, otp=code(text))

    assert nothing == []
    assert carriers.first.received[0].destination_addr == holder.phone.removeprefix("+")
    assert (outcome(world, ares)[0], shown(final)) == ("Y", "Y")


async def test_a_carrier_s_receipt_is_kept_with_the_message(
    world: World, carriers: Carriers
) -> None:
    await _begin(world)
    answer = await carriers.first.report("id:id-1 stat:UNDELIV err:001 text:Platnosc")

    row = await world.db.fetchrow("SELECT provider, provider_id, report_state FROM otp.outbox")
    assert answer.command_status == 0
    assert tuple(row or ()) == ("carrier", "id-1", "failed")


async def test_a_carrier_dead_before_the_message_is_passed_over(
    world: World, carriers: Carriers
) -> None:
    await carriers.line.stop()
    await carriers.desk.heard((False, "connection_lost"))
    _, ares, page = await _begin(world)

    nothing, (text,) = carriers.texts()
    assert nothing == []
    assert shown(await world.submit(page, otp=code(text))) == "Y"
    assert outcome(world, ares)[0] == "Y"


async def test_a_carrier_that_dies_with_the_message_written_may_have_it(
    world: World, carriers: Carriers
) -> None:
    """Nobody else is asked to send it; a new code, under a new number, goes another way."""
    carriers.line.to_smsc = cutting_at(SUBMIT_SM)
    _, ares, page = await _begin(world)
    assert carriers.texts() == ([], [])

    page = await _again(world, page)
    nothing, (text,) = carriers.texts()
    assert nothing == []
    assert "(SMS nr 2)" in text
    assert shown(await world.submit(page, otp=code(text))) == "Y"
    assert outcome(world, ares)[0] == "Y"


async def test_a_carrier_that_dies_having_taken_the_message_has_sent_it_once(
    world: World, carriers: Carriers
) -> None:
    carriers.line.to_us = cutting_at(SUBMIT_SM | ANSWER)
    _, ares, page = await _begin(world)

    (text,), nothing = carriers.texts()
    assert nothing == []
    assert shown(await world.submit(page, otp=code(text))) == "Y"
    assert outcome(world, ares)[0] == "Y"


async def test_after_a_message_in_doubt_the_new_code_is_the_only_one(
    world: World, carriers: Carriers
) -> None:
    carriers.line.to_us = cutting_at(SUBMIT_SM | ANSWER)
    _, ares, page = await _begin(world)
    page = await _again(world, page)

    (old,), (new,) = carriers.texts()
    assert code(old) != code(new)
    page = await world.submit(page, otp=code(old))
    assert shown(page) is None
    assert shown(await world.submit(page, otp=code(new))) == "Y"
    assert outcome(world, ares)[0] == "Y"


async def test_a_carrier_without_room_is_passed_over(world: World, carriers: Carriers) -> None:
    carriers.first.answers = [rejecting(0x58), rejecting(0x58)]
    _, _, page = await _begin(world)

    refused, (text,) = carriers.texts()
    assert refused == [text, text]
    assert shown(await world.submit(page, otp=code(text))) == "Y"

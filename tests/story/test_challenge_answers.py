"""The cardholder answers: right, wrong, malformed, too often; and what the page tells of it."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.story.buying import OTP, PIN, VERSIONS, ask, begin, fail, outcome, right, shown, wrong

if TYPE_CHECKING:
    from tests.story.world import World


pytestmark = pytest.mark.asyncio(loop_scope="module")


@pytest.fixture
def world(shared: World) -> World:
    """One world for all of these: each has its own cardholders."""
    return shared


@pytest.mark.parametrize("version", VERSIONS)
@pytest.mark.parametrize("prefix", [OTP, PIN])
async def test_wrong_then_right_is_one_y(world: World, prefix: str, version: str) -> None:
    holder = await world.enrol(prefix=prefix)
    ares, page = await begin(world, holder, version=version)
    page = await fail(world, holder, page, 2)
    assert page.has_code_field
    final = await world.submit(page, otp=right(world, holder), pin=holder.pin)
    assert shown(final) == "Y"
    assert outcome(world, ares) == ("Y", None, None, "03")


@pytest.mark.parametrize("version", VERSIONS)
async def test_three_wrong_answers_end_it(world: World, version: str) -> None:
    holder = await world.enrol()
    ares, page = await begin(world, holder, version=version)
    final = await fail(world, holder, page, 3)
    assert shown(final) == "N"
    assert outcome(world, ares) == ("N", "19", None, "03")


async def test_the_right_code_after_the_last_attempt_changes_nothing(world: World) -> None:
    holder = await world.enrol()
    ares, page = await begin(world, holder)
    last = await fail(world, holder, page, 2)
    await fail(world, holder, last, 1)
    for copy in (page, last):
        assert shown(await world.submit(copy, otp=right(world, holder))) == "N"
    assert outcome(world, ares) == ("N", "19", None, "03")


async def test_nothing_tells_which_element_was_wrong(world: World) -> None:
    """RTS art. 4(3)(a): the same bytes, the same headers, whichever it was."""
    holder = await world.enrol(prefix=PIN)
    pages = []
    for code_right, pin_right in ((True, False), (False, True), (False, False)):
        _, page = await begin(world, holder)
        pages.append(
            await world.submit(
                page,
                otp=right(world, holder) if code_right else wrong(world, holder),
                pin=holder.pin if pin_right else "9182",
            )
        )
    assert len({page.without_token for page in pages}) == 1
    assert len({len(page.html) for page in pages}) == 1
    kept = [
        {
            name: value
            for name, value in page.headers.items()
            if name not in {"Date", "X-Request-ID"}
        }
        for page in pages
    ]
    assert kept[0] == kept[1] == kept[2]
    assert "2" in (pages[0].notice or "")


async def test_the_right_code_with_a_wrong_pin_is_still_good_for_the_next_try(
    world: World,
) -> None:
    holder = await world.enrol(prefix=PIN)
    ares, page = await begin(world, holder)
    page = await world.submit(page, otp=right(world, holder), pin="9182")
    assert shown(await world.submit(page, otp=right(world, holder), pin=holder.pin)) == "Y"
    assert outcome(world, ares) == ("Y", None, None, "02")


async def test_the_page_counts_the_attempts_down(world: World) -> None:
    holder = await world.enrol(language="en")
    _, page = await begin(world, holder)
    assert page.notice is None
    page = await fail(world, holder, page, 1)
    assert page.notice == "The details do not match. Attempts left: 2."
    page = await fail(world, holder, page, 1)
    assert page.notice == "The details do not match. You have one attempt left."


MALFORMED = (
    "",
    " ",
    "12345",
    "1234567",
    "12345a",
    "abcdef",
    "１２３",
    "12 34",
    "<b>",
    "0x1234",
    "½½½½½½",
)


@pytest.mark.parametrize("entry", MALFORMED)
async def test_an_entry_that_is_no_code_costs_no_attempt(world: World, entry: str) -> None:
    holder = await world.enrol()
    ares, page = await begin(world, holder)
    page = await world.submit(page, otp=entry)
    assert page.has_code_field
    assert page.notice is not None
    assert (await world.challenge_row(ares))["attempts"] == 0
    assert shown(await world.submit(page, otp=right(world, holder))) == "Y"
    assert outcome(world, ares) == ("Y", None, None, "01")


@pytest.mark.parametrize("pin", ["", "123", "123456789", "12a4"])
async def test_an_entry_that_is_no_pin_costs_no_attempt(world: World, pin: str) -> None:
    holder = await world.enrol(prefix=PIN)
    ares, page = await begin(world, holder)
    page = await world.submit(page, otp=right(world, holder), pin=pin)
    assert page.notice is not None
    assert (await world.challenge_row(ares))["attempts"] == 0
    assert shown(await world.submit(page, otp=right(world, holder), pin=holder.pin)) == "Y"


@pytest.mark.parametrize(
    "spell", ["{0} {1}", " {0}-{1} ", "{0}\u00a0{1}", "\t{0}{1}", "{0}\u2013{1}"]
)
async def test_blanks_and_dashes_in_a_code_are_no_mistake(world: World, spell: str) -> None:
    holder = await world.enrol()
    _, page = await begin(world, holder)
    code = right(world, holder)
    assert shown(await world.submit(page, otp=spell.format(code[:3], code[3:]))) == "Y"


async def test_full_width_digits_are_digits(world: World) -> None:
    holder = await world.enrol()
    _, page = await begin(world, holder)
    wide = "".join(chr(ord("０") + int(digit)) for digit in right(world, holder))
    assert shown(await world.submit(page, otp=wide)) == "Y"


async def test_malformed_entries_are_bounded_too(world: World) -> None:
    holder = await world.enrol()
    ares, page = await begin(world, holder)
    for post in range(20):
        page = await world.submit(page, otp=f"x{post}")
        assert page.has_code_field, post
    assert shown(await world.submit(page, otp="x20")) == "N"
    assert outcome(world, ares) == ("N", "19", None, "00")


async def test_the_code_of_another_payment_is_wrong_here(world: World) -> None:
    holder = await world.enrol()
    _, first = await begin(world, holder, amount="100")
    earlier = right(world, holder)
    ares, second = await begin(world, holder, amount="200")
    page = await world.submit(second, otp=earlier)
    assert page.has_code_field
    assert shown(await world.submit(page, otp=right(world, holder))) == "Y"
    assert outcome(world, ares) == ("Y", None, None, "02")
    assert shown(await world.submit(first, otp=earlier)) == "Y"


async def test_a_code_works_once(world: World) -> None:
    holder = await world.enrol()
    _, page = await begin(world, holder)
    code = right(world, holder)
    await world.submit(page, otp=code)
    _, page = await begin(world, holder)
    assert (await world.submit(page, otp=code)).has_code_field


async def test_the_message_tells_amount_payee_and_card(world: World) -> None:
    holder = await world.enrol()
    await begin(world, holder, amount="123456")
    (text,) = world.phone.texts(holder.phone)
    assert "1234,56" in text.replace(" ", "").replace("\u00a0", "")
    assert "PLN" in text
    assert "Ksiegarnia Pod Lipa" in text
    assert holder.pan[-4:] in text
    assert holder.pan not in text
    assert "http" not in text


async def test_no_message_leaves_before_the_cardholder_comes(world: World) -> None:
    holder = await world.enrol()
    ares = await ask(world, holder)
    await world.server.work("sms")
    assert world.phone.texts(holder.phone) == []
    await world.open(ares)
    assert len(world.phone.texts(holder.phone)) == 1


async def test_a_message_that_could_not_leave_leaves_later(world: World) -> None:
    holder = await world.enrol()
    world.phone.broken = True
    ares, page = await begin(world, holder)
    assert world.phone.texts(holder.phone) == []
    world.phone.broken = False
    world.clock.advance(seconds=3)
    await world.server.work("sms")
    assert shown(await world.submit(page, otp=right(world, holder))) == "Y"
    assert outcome(world, ares)[0] == "Y"


async def test_the_page_shows_what_is_paid_and_nothing_secret(world: World) -> None:
    holder = await world.enrol(language="en")
    _, page = await begin(world, holder, amount="123456", merchantName="<b>Shop</b> & Co")
    assert "1,234.56" in page.text
    assert "<b>Shop</b>" not in page.html
    assert holder.pan not in page.html
    assert holder.phone not in page.html
    assert holder.phone.removeprefix("+48") not in page.html.replace(" ", "")
    assert right(world, holder) not in page.html
    assert holder.pan[-4:] in page.text
    assert holder.phone[-3:] in page.text

"""Codes over time: asking again, too soon, too often; the end of a code's life; languages."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.story.buying import ask, begin, outcome, right, shown, wrong

if TYPE_CHECKING:
    from tests.story.world import World


pytestmark = pytest.mark.asyncio(loop_scope="module")


@pytest.fixture
def world(shared: World) -> World:
    """One world for all of these: each has its own cardholders."""
    return shared


IF_IT_DOES_NOT_COME = "If the text message does not come soon, ask for a new code."


async def test_a_new_code_too_soon_is_refused_with_the_time_left(world: World) -> None:
    holder = await world.enrol(language="en")
    _, page = await begin(world, holder)
    world.clock.advance(seconds=29)
    page = await world.submit(page, "resend")
    assert page.notice == "It is too soon for a new code. Wait 1 s."
    assert len(world.phone.texts(holder.phone)) == 1
    world.clock.advance(seconds=1)
    assert (await world.submit(page, "continue")).notice is None


async def test_a_new_code_kills_the_old_one(world: World) -> None:
    holder = await world.enrol(language="en")
    ares, page = await begin(world, holder)
    old = right(world, holder)
    world.clock.advance(seconds=30)
    page = await world.submit(page, "resend")
    assert page.notice == "We have sent a new code. The earlier one no longer works."
    assert len(world.phone.texts(holder.phone)) == 2
    new = right(world, holder)
    if new != old:  # one time in a million they are the same
        page = await world.submit(page, otp=old)
        assert page.has_code_field
    assert shown(await world.submit(page, otp=new)) == "Y"
    assert outcome(world, ares)[0] == "Y"


async def test_the_second_message_says_that_it_is_the_second(world: World) -> None:
    holder = await world.enrol()
    _, page = await begin(world, holder)
    world.clock.advance(seconds=30)
    page = await world.submit(page, "resend")
    first, second = world.phone.texts(holder.phone)
    assert "2" in second.removesuffix(".")[-4:] or "nr 2" in second
    assert "nr 2" not in first
    assert "2" in page.text


async def test_the_waits_grow_and_the_messages_are_counted(world: World) -> None:
    holder = await world.enrol(language="en")
    _, page = await begin(world, holder)
    world.clock.advance(seconds=30)
    page = await world.submit(page, "resend")
    world.clock.advance(seconds=59)
    page = await world.submit(page, "resend")
    assert page.notice == "It is too soon for a new code. Wait 1 s."
    world.clock.advance(seconds=1)
    page = await world.submit(page, "resend")
    assert len(world.phone.texts(holder.phone)) == 3
    world.clock.advance(minutes=2)
    page = await world.submit(page, "resend")
    assert page.notice is not None
    assert page.notice.startswith("We cannot send another code.")
    assert len(world.phone.texts(holder.phone)) == 3
    assert shown(await world.submit(page, otp=right(world, holder))) == "Y"


async def test_where_no_code_can_be_sent_nobody_is_told_to_enter_a_dead_one(world: World) -> None:
    holder = await world.enrol(language="en")
    _, page = await begin(world, holder)
    for wait_s in (30, 60):
        world.clock.advance(seconds=wait_s)
        page = await world.submit(page, "resend")
    world.clock.advance(minutes=5)
    page = await world.submit(page, "resend")
    assert page.notice is not None
    assert page.notice.startswith("The code has expired and we cannot send another one. Cancel")


async def test_asking_again_keeps_the_attempts_and_costs_none(world: World) -> None:
    holder = await world.enrol()
    ares, page = await begin(world, holder)
    for _ in range(2):
        page = await world.submit(page, otp=wrong(world, holder))
    world.clock.advance(seconds=30)
    page = await world.submit(page, "resend")
    assert page.has_code_field
    assert shown(await world.submit(page, otp=wrong(world, holder))) == "N"
    assert outcome(world, ares) == ("N", "19", None, "03")


async def test_the_page_after_a_new_code_is_the_same_page(world: World) -> None:
    """What is on the page is the challenge as it is, however one came to it."""
    holder = await world.enrol()
    ares, page = await begin(world, holder)
    world.clock.advance(seconds=30)
    after = await world.submit(page, "resend")
    again = await world.open(ares)
    assert after.without_token == again.without_token


async def test_a_double_click_on_the_new_code_sends_one(world: World) -> None:
    holder = await world.enrol()
    _, page = await begin(world, holder)
    world.clock.advance(seconds=90)
    first = await world.submit(page, "resend")
    second = await world.submit(page, "resend")
    assert len(world.phone.texts(holder.phone)) == 2
    assert first.without_token == second.without_token


async def test_a_reload_sends_no_message(world: World) -> None:
    holder = await world.enrol()
    ares, page = await begin(world, holder)
    for _ in range(5):
        world.clock.advance(seconds=61)
        page = await world.open(ares)
    assert len(world.phone.texts(holder.phone)) == 1
    assert page.has_code_field


@pytest.mark.parametrize(("after_s", "status"), [(299, "Y"), (300, None)])
async def test_a_code_lives_five_minutes(world: World, after_s: int, status: str | None) -> None:
    holder = await world.enrol(language="en")
    ares, page = await begin(world, holder)
    world.clock.advance(seconds=after_s)
    page = await world.submit(page, otp=right(world, holder))
    assert shown(page) == status
    if status is None:
        assert page.notice == "The code has expired. Ask for a new one."
        assert (await world.challenge_row(ares))["attempts"] == 0


async def test_after_an_expired_code_a_new_one_goes_on(world: World) -> None:
    holder = await world.enrol()
    ares, page = await begin(world, holder)
    world.clock.advance(minutes=5)
    for _ in range(4):  # more often than there are attempts: they cost none
        page = await world.submit(page, otp=right(world, holder))
        assert page.has_code_field
    page = await world.submit(page, "resend")
    assert shown(await world.submit(page, otp=right(world, holder))) == "Y"
    assert outcome(world, ares)[:3] == ("Y", None, None)


async def test_too_many_messages_to_a_phone_end_the_next_challenge(world: World) -> None:
    holder = await world.enrol()
    for _ in range(2):  # three messages each
        _, page = await begin(world, holder)
        for wait_s in (30, 60):
            world.clock.advance(seconds=wait_s)
            page = await world.submit(page, "resend")
        await world.submit(page, "cancel")
    ares = await ask(world, holder)
    final = await world.open(ares)
    assert shown(final) == "N"
    assert outcome(world, ares) == ("N", "04", None, "00")
    assert len(world.phone.texts(holder.phone)) == 6
    world.clock.advance(hours=1)
    await begin(world, holder)


async def test_a_sixth_challenge_of_a_card_without_success_is_refused(world: World) -> None:
    holder = await world.enrol()
    for _ in range(5):
        _, page = await begin(world, holder)
        await world.submit(page, "cancel")
    ares = await ask(world, holder)
    assert shown(await world.open(ares)) == "N"
    assert outcome(world, ares)[1] == "04"


async def test_a_message_that_could_not_be_sent_is_not_said_to_be_sent(world: World) -> None:
    holder = await world.enrol(language="en")
    world.phone.refuses = True
    try:
        _, page = await begin(world, holder)
        assert page.notice is not None
        assert page.notice.startswith("We could not send the text message.")
        assert "Sent at" not in page.text
        page = await world.submit(page, otp="000000")
        assert page.notice == "The details do not match. Attempts left: 2."
    finally:
        world.phone.refuses = False
    world.clock.advance(seconds=30)
    page = await world.submit(page, "resend")
    assert page.notice == "We have sent a new code. The earlier one no longer works."
    assert shown(await world.submit(page, otp=right(world, holder))) == "Y"


async def test_a_message_that_waits_for_a_provider_is_not_said_to_be_sent(world: World) -> None:
    holder = await world.enrol(language="en")
    world.phone.broken = True
    try:
        ares, page = await begin(world, holder)
        assert page.notice == IF_IT_DOES_NOT_COME
        assert "Sent at" not in page.text
        world.clock.advance(seconds=30)
        page = await world.submit(page, "resend")
        assert page.notice == IF_IT_DOES_NOT_COME
        world.clock.advance(seconds=60)
        page = await world.submit(page, "resend")
        assert page.notice is None  # there is no other one to ask for
        assert "Sent at" not in page.text
    finally:
        world.phone.broken = False
    world.clock.advance(seconds=30)
    await world.server.work("sms")
    page = await world.open(ares)
    assert "Sent at" in page.text
    assert shown(await world.submit(page, otp=right(world, holder))) == "Y"


async def test_the_language_can_be_changed_and_the_code_stays(world: World) -> None:
    holder = await world.enrol(language="pl")
    ares, page = await begin(world, holder)
    assert page.language == "pl"
    url, fields = page.forms()[0]
    english = await world.post(url, {**fields, "lang": "en", "otp": "", "pin": ""})
    assert english.language == "en"
    assert english.has_code_field
    assert len(world.phone.texts(holder.phone)) == 1
    assert (await world.open(ares)).language == "en"
    wrong_page = await world.submit(english, otp=wrong(world, holder))
    assert (wrong_page.language, wrong_page.notice) == (
        "en",
        "The details do not match. Attempts left: 2.",
    )
    final = await world.submit(wrong_page, otp=right(world, holder))
    assert (final.language, shown(final)) == ("en", "Y")


@pytest.mark.parametrize("language", ["fr", "xx", "../en", "e" * 50, "<b>"])
async def test_a_language_there_is_not_changes_nothing(world: World, language: str) -> None:
    holder = await world.enrol()
    ares, page = await begin(world, holder)
    url, fields = page.forms()[0]
    other = await world.post(url, {**fields, "lang": language, "otp": "", "action": "submit"})
    assert other.language == "pl"
    assert (await world.challenge_row(ares))["attempts"] == 0


@pytest.mark.parametrize(
    ("card", "browser", "shown_in"),
    [("en", "pl", "en"), ("de", "en-GB-oxendict", "de"), ("uk", "xx", "uk"), ("pl", "en", "pl")],
)
async def test_the_language_is_the_cards_then_the_browsers_then_the_banks(
    world: World, card: str, browser: str, shown_in: str
) -> None:
    holder = await world.enrol(language=card)
    _, page = await begin(world, holder, browserLanguage=browser[:8])
    assert page.language == shown_in

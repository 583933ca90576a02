"""A payment in a shop's app, from the AReq to the final CRes, through the SDK's native screens."""

from __future__ import annotations

import base64
from typing import TYPE_CHECKING, Any

import pytest

from tests.story import apps
from tests.story.buying import EASY, OTP, PIN, VERSIONS, outcome, right, wrong
from tests.story.parties import other_than

if TYPE_CHECKING:
    from tests.story.world import World

pytestmark = pytest.mark.asyncio(loop_scope="module")


@pytest.fixture
def world(shared: World) -> World:
    """One world for all of these: each has its own cardholders."""
    return shared


def is_final(cres: dict[str, Any]) -> bool:
    return bool(cres.get("challengeCompletionInd") == "Y")


@pytest.mark.parametrize("enc", ["A128GCM", "A128CBC-HS256"])
@pytest.mark.parametrize("version", VERSIONS)
async def test_a_right_code_pays(world: World, version: str, enc: str) -> None:
    holder = await world.enrol(prefix=OTP)

    app = await apps.ask(world, holder, version=version)
    screen = await app.send(enc=enc)
    assert not is_final(screen)
    final = await app.send(enc=enc, challengeDataEntry=right(world, holder))

    assert is_final(final)
    assert final["transStatus"] == "Y"
    told = world.directory.result(app.ares["acsTransID"])
    assert told["transStatus"] == "Y"
    assert told["acsRenderingType"]["acsInterface"] == "01"
    assert told["interactionCounter"] == "01"
    assert (await world.challenge_row(app.ares))["state"] == "closed"


async def test_the_page_is_there_before_any_code_is_made(world: World) -> None:
    holder = await world.enrol(prefix=OTP)

    await apps.ask(world, holder)

    assert world.phone.codes(holder.phone) == []


async def test_a_wrong_code_may_be_put_right(world: World) -> None:
    holder = await world.enrol(prefix=OTP)
    app, _ = await apps.begin(world, holder)

    again = await app.send(challengeDataEntry=wrong(world, holder))
    final = await app.send(challengeDataEntry=right(world, holder))

    assert not is_final(again)
    assert final["transStatus"] == "Y"
    assert outcome(world, app.ares) == ("Y", None, None, "02")


async def test_three_wrong_codes_end_it(world: World) -> None:
    holder = await world.enrol(prefix=OTP)
    app, _ = await apps.begin(world, holder)

    for _ in range(2):
        assert not is_final(await app.send(challengeDataEntry=wrong(world, holder)))
    final = await app.send(challengeDataEntry=wrong(world, holder))

    assert final["transStatus"] == "N"
    assert outcome(world, app.ares) == ("N", "19", None, "03")


@pytest.mark.parametrize("version", VERSIONS)
async def test_pin_then_code_pays(world: World, version: str) -> None:
    holder = await world.enrol(prefix=PIN)
    app, first = await apps.begin(world, holder, version=version)

    second = await app.send(challengeDataEntry=holder.pin)
    final = await app.send(challengeDataEntry=right(world, holder))

    assert first["challengeInfoLabel"] != second["challengeInfoLabel"]
    assert final["transStatus"] == "Y"


@pytest.mark.parametrize("wrong_one", ["pin", "code"])
async def test_after_a_wrong_answer_both_are_asked_for_anew(world: World, wrong_one: str) -> None:
    """Nobody is told which of them it was (RTS art. 4(3)(a))."""
    holder = await world.enrol(prefix=PIN)
    app, first = await apps.begin(world, holder)
    pin = other_than(holder.pin) if wrong_one == "pin" else holder.pin
    code = wrong(world, holder) if wrong_one == "code" else right(world, holder)

    await app.send(challengeDataEntry=pin[: len(holder.pin)])
    again = await app.send(challengeDataEntry=code)
    await app.send(challengeDataEntry=holder.pin)
    final = await app.send(challengeDataEntry=right(world, holder))

    assert again["challengeInfoLabel"] == first["challengeInfoLabel"]
    assert "challengeInfoText" in again
    assert final["transStatus"] == "Y"
    assert outcome(world, app.ares) == ("Y", None, None, "02")


async def test_an_empty_entry_costs_no_attempt(world: World) -> None:
    holder = await world.enrol(prefix=OTP)
    app, _ = await apps.begin(world, holder)

    for _ in range(4):
        assert not is_final(await app.send(challengeNoEntry="Y"))
    final = await app.send(challengeDataEntry=right(world, holder))

    assert outcome(world, app.ares) == ("Y", None, None, "01")
    assert final["transStatus"] == "Y"


async def test_a_new_code_can_be_asked_for(world: World) -> None:
    holder = await world.enrol(prefix=OTP)
    app, _ = await apps.begin(world, holder)
    world.clock.advance(seconds=40)

    screen = await app.send(resendChallenge="Y", challengeNoEntry="Y")
    final = await app.send(challengeDataEntry=right(world, holder))

    assert len(world.phone.codes(holder.phone)) == 2
    assert not is_final(screen)
    assert final["transStatus"] == "Y"


@pytest.mark.parametrize("version", VERSIONS)
async def test_the_cardholder_may_cancel(world: World, version: str) -> None:
    holder = await world.enrol(prefix=OTP)
    app, _ = await apps.begin(world, holder, version=version)

    final = await app.send(challengeCancel="01")

    assert final["transStatus"] == "N"
    assert outcome(world, app.ares) == ("N", "01", "01", "00")


async def test_the_first_word_may_be_cancel(world: World) -> None:
    holder = await world.enrol(prefix=OTP)
    app = await apps.ask(world, holder)

    final = await app.send(challengeCancel="01", challengeNoEntry="Y")

    assert final["transStatus"] == "N"
    assert outcome(world, app.ares) == ("N", "01", "01", "00")
    assert world.phone.codes(holder.phone) == []


async def test_a_small_payment_needs_no_challenge(world: World) -> None:
    holder = await world.enrol(prefix=EASY)
    sdk = apps.new_sdk()

    before = await world.db.fetchval("SELECT count(*) FROM acs.sdk_session")
    ares = await world.areq(apps.app_areq(holder.pan, sdk, ds_url=world.directory.url))

    assert ares["transStatus"] == "Y"
    assert await world.db.fetchval("SELECT count(*) FROM acs.sdk_session") == before


@pytest.mark.parametrize("version", VERSIONS)
async def test_a_device_that_its_sdk_warns_of_is_challenged(world: World, version: str) -> None:
    holder = await world.enrol(prefix=EASY)
    warned = base64.urlsafe_b64encode(b'{"DV": "1.6", "SW": ["SW02", "SW04"]}').decode()

    app = await apps.ask(world, holder, version=version, deviceInfo=warned)
    await app.send()
    final = await app.send(challengeDataEntry=right(world, holder))

    assert final["transStatus"] == "Y"
    row = await world.db.fetchrow(
        "SELECT rule, reasons FROM acs.transaction WHERE acs_trans_id = $1::uuid",
        app.ares["acsTransID"],
    )
    assert row is not None
    assert row["rule"] == "device:challenge"
    assert {"device:SW02", "device:SW04"} <= set(row["reasons"])


@pytest.mark.parametrize(
    ("offered", "chosen"),
    [
        ({"sdkInterface": "01", "sdkUiType": ["01", "02"]}, ("01", "01")),
        ({"sdkInterface": "03", "sdkUiType": ["01", "05"]}, ("01", "01")),
        ({"sdkInterface": "02", "sdkUiType": ["01", "05"]}, ("02", "01")),
        ({"sdkInterface": "03", "sdkUiType": ["02", "05"]}, ("02", "05")),
        ({"sdkInterface": "01", "sdkUiType": ["02", "04"]}, None),
        ({"sdkInterface": "02", "sdkUiType": ["04"]}, None),
    ],
)
async def test_what_the_sdk_can_show_is_chosen(
    world: World, offered: dict[str, Any], chosen: tuple[str, str] | None
) -> None:
    holder = await world.enrol(prefix=OTP)
    sdk = apps.new_sdk()
    message = apps.app_areq(
        holder.pan, sdk, ds_url=world.directory.url, deviceRenderOptions=offered
    )

    ares = await world.areq(message)

    if chosen is None:
        assert (ares["transStatus"], ares["transStatusReason"]) == ("U", "03")
    else:
        told = ares["acsRenderingType"]
        assert (told["acsInterface"], told["acsUiTemplate"]) == chosen


@pytest.mark.parametrize("version", VERSIONS)
async def test_html_asks_for_both_at_once(world: World, version: str) -> None:
    holder = await world.enrol(prefix=PIN)
    app, screen = await apps.begin(world, holder, version=version, **HTML)

    again = await app.send(
        challengeHTMLDataEntry=f"otp={wrong(world, holder)}&pin={holder.pin}&do=verify"
    )
    world.clock.advance(seconds=40)
    resent = await app.send(challengeHTMLDataEntry="do=resend&otp=&pin=")
    final = await app.send(
        challengeHTMLDataEntry=f"?otp={right(world, holder)}&pin={holder.pin}&do=verify"
    )

    assert [one["acsUiType"] for one in (screen, again, resent)] == ["05"] * 3
    assert len(world.phone.codes(holder.phone)) == 2
    assert final["transStatus"] == "Y"
    told = world.directory.result(app.ares["acsTransID"])
    assert told["acsRenderingType"]["acsInterface"] == "02"


HTML = {"deviceRenderOptions": {"sdkInterface": "02", "sdkUiType": ["01", "05"]}}


@pytest.mark.parametrize(
    ("version", "element", "told"),
    [
        ("2.2.0", "whitelistingDataEntry", "whiteListStatus"),
        ("2.3.1", "trustListDataEntry", "trustListStatus"),
    ],
)
@pytest.mark.parametrize(("answer", "status"), [("Y", "Y"), ("N", "R")])
async def test_a_merchant_is_trusted_with_the_code(
    world: World, version: str, element: str, told: str, answer: str, status: str
) -> None:
    holder = await world.enrol(prefix="40000013")
    wishes = "09" if version == "2.2.0" else ["09"]
    app, first = await apps.begin(
        world, holder, version=version, threeDSRequestorChallengeInd=wishes
    )

    second = await app.send(challengeDataEntry=holder.pin)
    final = await app.send(**{"challengeDataEntry": right(world, holder), element: answer})

    offer = element.replace("DataEntry", "InfoText")
    assert (offer in first, offer in second) == (False, True)
    assert final["transStatus"] == "Y"
    assert world.directory.result(app.ares["acsTransID"])[told] == status


async def test_a_card_is_added_without_an_amount(world: World) -> None:
    holder = await world.enrol(prefix=OTP)
    app, screen = await apps.begin(
        world,
        holder,
        messageCategory="02",
        threeDSRequestorAuthenticationInd="04",
        **dict.fromkeys(("purchaseAmount", "purchaseCurrency", "purchaseExponent", "purchaseDate")),
    )

    final = await app.send(challengeDataEntry=right(world, holder))

    assert "PLN" not in screen["challengeInfoText"]
    assert final["transStatus"] == "Y"

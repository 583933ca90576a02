"""A merchant is trusted on the challenge's page, and the next payment there needs no challenge."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from tests.story.areqs import browser_areq
from tests.story.buying import begin, fail, right, shown, wrong

if TYPE_CHECKING:
    from tests.story.pages import Page
    from tests.story.people import Cardholder
    from tests.story.world import World

TRUST = "40000013"
ASKED: dict[str, Any] = {"threeDSRequestorChallengeInd": "09"}
NAMES = {"2.2.0": "whiteListStatus", "2.3.1": "trustListStatus"}


def asked(version: str) -> dict[str, Any]:
    """Give the wish for the prompt as a version writes it."""
    return {"threeDSRequestorChallengeInd": ["09"] if version == "2.3.1" else "09"}


def box(page: Page) -> dict[str, str] | None:
    """Give the attributes of the offer's box, or None when nothing is offered."""
    found = [dict(one.attrib) for one in page.tree.iter("input") if one.get("name") == "trust"]
    return found[0] if found else None


async def pay(world: World, holder: Cardholder, page: Page, *, tick: bool = False) -> Page:
    ticked = {"trust": "Y"} if tick else {}
    entries = {"otp": right(world, holder), "pin": holder.pin, **ticked}
    return await world.submit(page, "submit", None, **entries)


async def listed(world: World, holder: Cardholder) -> list[str]:
    rows = await world.db.fetch(
        "SELECT name FROM enrollment.trusted_merchant WHERE person_id = $1 AND removed_at IS NULL",
        holder.person_id,
    )
    return [row["name"] for row in rows]


async def again(world: World, holder: Cardholder, **areq: Any) -> dict[str, Any]:
    """Pay at the same shop again."""
    return await world.areq(browser_areq(holder.pan, ds_url=world.directory.url, **areq))


@pytest.mark.parametrize("version", NAMES)
async def test_what_is_ticked_is_trusted_with_the_success(world: World, version: str) -> None:
    holder = await world.enrol(prefix=TRUST)
    ares, page = await begin(world, holder, version=version, **asked(version))
    found = box(page)
    assert found is not None
    assert "checked" not in found

    assert shown(await pay(world, holder, page, tick=True)) == "Y"

    told = world.directory.result(ares["acsTransID"])
    assert (told[NAMES[version]], told[f"{NAMES[version]}Source"]) == ("Y", "03")
    assert await listed(world, holder) == ["Księgarnia Pod Lipą"]
    next_one = await again(world, holder, version=version)
    assert (next_one["transStatus"], next_one[NAMES[version]]) == ("Y", "Y")
    assert "authenticationValue" in next_one


async def test_what_is_not_ticked_is_told_as_refused(world: World) -> None:
    holder = await world.enrol(prefix=TRUST)
    ares, page = await begin(world, holder, **ASKED)

    assert shown(await pay(world, holder, page)) == "Y"

    assert world.directory.result(ares["acsTransID"])["whiteListStatus"] == "R"
    assert await listed(world, holder) == []
    assert (await again(world, holder))["transStatus"] == "C"


async def test_a_tick_survives_a_wrong_code_another_language_and_a_new_code(world: World) -> None:
    """WCAG 2.2, 3.3.7; and a tick that is taken away is away."""
    holder = await world.enrol(prefix=TRUST)
    _, page = await begin(world, holder, **ASKED)
    page = await world.submit(page, otp=wrong(world, holder), pin=holder.pin, trust="Y")
    assert "checked" in (box(page) or {})
    page = await world.post(page.forms()[0][0], {**page.forms()[0][1], "lang": "en"})
    assert (page.language, "checked" in (box(page) or {})) == ("en", True)
    fields = {name: value for name, value in page.forms()[0][1].items() if name != "trust"}
    page = await world.post(page.forms()[0][0], {**fields, "lang": "pl"})
    assert "checked" not in (box(page) or {})


async def test_without_a_success_nobody_is_trusted(world: World) -> None:
    holder = await world.enrol(prefix=TRUST)
    ares, page = await begin(world, holder, **ASKED)
    page = await world.submit(page, otp=wrong(world, holder), pin=holder.pin, trust="Y")
    page = await fail(world, holder, page, 2)

    assert shown(page) == "N"
    assert await listed(world, holder) == []
    assert "whiteListStatus" not in world.directory.result(ares["acsTransID"])


async def test_a_tick_that_nobody_was_offered_is_nothing(world: World) -> None:
    """The page is not the judge of what was offered."""
    holder = await world.enrol(prefix=TRUST)
    ares, page = await begin(world, holder)
    assert box(page) is None

    assert shown(await pay(world, holder, page, tick=True)) == "Y"

    assert await listed(world, holder) == []
    assert "whiteListStatus" not in world.directory.result(ares["acsTransID"])


async def test_another_shop_or_another_cardholder_does_not_profit(world: World) -> None:
    holder, other = await world.enrol(prefix=TRUST), await world.enrol(prefix=TRUST)
    _, page = await begin(world, holder, **ASKED)
    await pay(world, holder, page, tick=True)

    for who, what in (
        (holder, {"acquirerMerchantID": "MERCHANT-2"}),
        (holder, {"acquirerBIN": "400552"}),
        (other, {}),
    ):
        answer = await again(world, who, **what)
        assert answer["transStatus"] == "C"


async def test_a_series_begins_with_a_challenge_and_rests_on_no_exemption(world: World) -> None:
    """RTS art. 14: the payer is asked once, and what comes later rests on that."""
    holder = await world.enrol(prefix=TRUST)
    ares, page = await begin(world, holder, **ASKED)
    await pay(world, holder, page, tick=True)
    exempt = await again(world, holder, amount="100")
    series: dict[str, Any] = {
        "threeDSRequestorAuthenticationInd": "02",
        "recurringExpiry": "20301231",
        "recurringFrequency": "30",
    }

    assert exempt["transStatus"] == "Y"
    assert (await again(world, holder, **series))["transStatus"] == "C"
    later = [await _later(world, holder, one["acsTransID"]) for one in (exempt, ares)]
    assert later == [("U", "12"), ("Y", None)]


async def _later(world: World, holder: Cardholder, prior: str) -> tuple[str, str | None]:
    """Let the shop take more, with an earlier payment as its reference."""
    referring: dict[str, Any] = {
        "deviceChannel": "03",
        "threeRIInd": "11",
        "notificationURL": None,
        "threeDSRequestorPriorAuthenticationInfo": {"threeDSReqPriorRef": prior},
    }
    answer = await again(world, holder, amount="900000", **referring)
    return answer["transStatus"], answer.get("transStatusReason")


async def test_the_requestor_may_ask_what_the_list_says(world: World) -> None:
    holder = await world.enrol(prefix=TRUST)
    question: dict[str, Any] = {
        "deviceChannel": "03",
        "messageCategory": "02",
        "threeRIInd": "10",
        "notificationURL": None,
    }
    before = await again(world, holder, **question)
    _, page = await begin(world, holder, **ASKED)
    await pay(world, holder, page, tick=True)
    after = await again(world, holder, **question)

    assert [(one["transStatus"], one["whiteListStatus"]) for one in (before, after)] == [
        ("Y", "N"),
        ("Y", "Y"),
    ]

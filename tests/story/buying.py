"""The steps that most stories begin with."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from tests.story.areqs import browser_areq
from tests.story.parties import other_than

if TYPE_CHECKING:
    from tests.story.pages import Page
    from tests.story.people import Cardholder
    from tests.story.world import Server, World

OTP, PIN, EASY = "40000010", "40000011", "40000012"
VERSIONS = ("2.1.0", "2.2.0", "2.3.1")


async def ask(
    world: World, holder: Cardholder, server: Server | None = None, **areq: Any
) -> dict[str, Any]:
    """Send an AReq that must be answered with a challenge."""
    ares = await world.areq(browser_areq(holder.pan, ds_url=world.directory.url, **areq), server)
    assert ares.get("transStatus") == "C", ares
    return ares


async def begin(world: World, holder: Cardholder, **areq: Any) -> tuple[dict[str, Any], Page]:
    """Go as far as the page that asks for the code."""
    ares = await ask(world, holder, **areq)
    page = await world.open(ares)
    assert page.has_code_field, page.text
    return ares, page


def right(world: World, holder: Cardholder) -> str:
    """Give the newest code that came to the phone."""
    return world.phone.code(holder.phone)


def wrong(world: World, holder: Cardholder) -> str:
    """Give a code that never came to the phone."""
    return other_than(*world.phone.codes(holder.phone))


async def fail(world: World, holder: Cardholder, page: Page, times: int) -> Page:
    """Enter wrong codes (with the right PIN)."""
    for _ in range(times):
        page = await world.submit(page, otp=wrong(world, holder), pin=holder.pin)
    return page


def outcome(world: World, ares: dict[str, Any]) -> tuple[str, str | None, str | None, str]:
    """Give what the network was told: status, reason, challengeCancel, interactionCounter."""
    told = world.directory.result(ares["acsTransID"])
    return (
        told["transStatus"],
        told.get("transStatusReason"),
        told.get("challengeCancel"),
        told["interactionCounter"],
    )


def shown(page: Page) -> str | None:
    """Give the status on the page for the shop; None when it is no final page."""
    return None if page.cres is None else str(page.cres["transStatus"])

"""A card payment from AReq to RRes, as the network and the cardholder live it."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.story.areqs import browser_areq

if TYPE_CHECKING:
    from tests.story.world import World

VERSIONS = ("2.1.0", "2.2.0", "2.3.1")


@pytest.mark.parametrize("version", VERSIONS)
async def test_a_right_code_ends_in_one_y_for_network_and_shop(world: World, version: str) -> None:
    """The main job, in every version of the protocol."""
    holder = await world.enrol()
    ares = await world.areq(browser_areq(holder.pan, version=version, ds_url=world.directory.url))
    assert ares.get("transStatus") == "C", ares

    page = await world.open(ares)
    final = await world.submit(page, otp=world.phone.code(holder.phone))

    (rreq,) = world.directory.results(ares["acsTransID"])
    assert rreq["transStatus"] == "Y"
    assert rreq["eci"] == "05"
    assert len(rreq["authenticationValue"]) == 28
    assert rreq["interactionCounter"] == "01"
    assert final.cres is not None
    assert final.cres["transStatus"] == "Y"
    assert final.cres["messageVersion"] == version

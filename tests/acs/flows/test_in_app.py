"""What an ARes of the app channel promises, and what is kept for it."""

from __future__ import annotations

import json
from datetime import timedelta
from typing import TYPE_CHECKING

from acs.authentication.rendering import Rendering
from acs.crypto.keys import KeysUnavailable
from acs.crypto.signer import good_from, good_until
from acs.flows import in_app
from acs.flows.gather import Asked
from acs.flows.in_app import Promise, key_place
from schemas import messages
from tests.acs.people import ACS_TRANS_ID
from tests.records import replace
from tests.story import apps

if TYPE_CHECKING:
    from loadtests.network.sdk import Sdk
    from tests.story.world import World


PAN = "4000001000000002"
NATIVE = Rendering("01", "01")
SECOND = timedelta(seconds=1)


def asked(world: World, sdk: Sdk) -> Asked:
    areq = apps.app_areq(PAN, sdk, ds_url=world.directory.url, sdkMaxTimeout="12")
    raw = json.dumps(areq).encode()
    server = world.server.ports.directory_servers.by_id("test")
    issued = world.server.ports.tables.now.find(PAN)
    assert server is not None
    assert issued is not None
    return Asked(messages.read_areq(raw, server.additions), raw, server, issued, world.clock())


async def test_what_is_kept_is_the_key_that_the_sdk_derives(world: World) -> None:
    sdk = apps.new_sdk()
    areq = asked(world, sdk)

    made = in_app.promise(world.server.ports, areq, ACS_TRANS_ID, NATIVE)

    assert isinstance(made, Promise)
    assert made.session.key_sealed is not None
    key = world.keys.vault.open(made.session.key_sealed, key_place(ACS_TRANS_ID))
    ares = {"acsTransID": str(ACS_TRANS_ID), "acsSignedContent": made.told.signed_content}
    sdk.accept(ares, areq.areq.values)
    assert sdk._key == key
    assert sdk.acs_url == f"{world.server.challenge_url}/app"
    assert made.session.patience_min == 12
    assert made.session.rendering == NATIVE


async def test_no_key_is_made_twice(world: World) -> None:
    areq = asked(world, apps.new_sdk())
    sealed = set()
    for _ in range(3):
        made = in_app.promise(world.server.ports, areq, ACS_TRANS_ID, NATIVE)
        assert isinstance(made, Promise)
        assert made.session.key_sealed is not None
        sealed.add(world.keys.vault.open(made.session.key_sealed, key_place(ACS_TRANS_ID)))
    assert len(sealed) == 3


async def test_nothing_is_promised_that_nobody_signs(world: World) -> None:
    areq = asked(world, apps.new_sdk())
    unsigned = replace(areq, server=replace(areq.server, signer=None))

    made = in_app.promise(world.server.ports, unsigned, ACS_TRANS_ID, NATIVE)

    assert isinstance(made, KeysUnavailable)


async def test_nothing_is_promised_that_no_sdk_would_believe(world: World) -> None:
    """The certificate ended: an SDK refuses what it signs."""
    areq = asked(world, apps.new_sdk())
    assert areq.server.signer is not None
    end = good_until(areq.server.signer)

    made = in_app.promise(world.server.ports, replace(areq, now=end), ACS_TRANS_ID, NATIVE)

    assert isinstance(made, KeysUnavailable)
    assert isinstance(
        in_app.promise(world.server.ports, replace(areq, now=end - SECOND), ACS_TRANS_ID, NATIVE),
        Promise,
    )


async def test_nothing_is_promised_before_a_certificate_begins(world: World) -> None:
    """The scheme dated it ahead: an SDK refuses it until then [rule 6.5]."""
    areq = asked(world, apps.new_sdk())
    assert areq.server.signer is not None
    start = good_from(areq.server.signer)

    early = in_app.promise(
        world.server.ports, replace(areq, now=start - SECOND), ACS_TRANS_ID, NATIVE
    )

    assert isinstance(early, KeysUnavailable)
    assert isinstance(
        in_app.promise(world.server.ports, replace(areq, now=start), ACS_TRANS_ID, NATIVE), Promise
    )


def test_key_and_pin_are_sealed_for_places_of_their_own() -> None:
    assert in_app.key_place(ACS_TRANS_ID) != in_app.pin_place(ACS_TRANS_ID)

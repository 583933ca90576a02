"""What a key makes for an answer, here or far away; stories with an HSM: tests/story/test_hsm."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest

from acs.authentication.decision import decide
from acs.authentication.rendering import Rendering
from acs.crypto.keys import KeysUnavailable
from acs.flows import promises
from acs.flows.gather import Asked, gather
from schemas import messages
from schemas.records import replace as record_with
from schemas.values import TransStatus
from tests.acs.people import ACS_TRANS_ID
from tests.records import replace
from tests.story import apps
from tests.story.areqs import browser_areq
from tests.story.world import KEYS

if TYPE_CHECKING:
    from typing import Any

    from acs.ports import Ports
    from tests.story.world import World

NATIVE = Rendering("01", "01")


class Far:
    """Keys as over a wire: those of the file, some of them; or nobody answers."""

    def __init__(self, *held: str, is_well: bool = True) -> None:
        self._held = held
        self._is_well = is_well
        self.is_away = False
        self.asked: list[str] = []

    def holds(self, key_id: str) -> bool:
        return key_id in self._held

    async def cvv(self, key_id: str, digits: str) -> str:
        self._ask(key_id)
        return KEYS.cvv(key_id, digits)

    async def hmac_sha256(self, key_id: str, message: bytes) -> bytes:
        self._ask(key_id)
        return KEYS.hmac_sha256(key_id, message)

    def _ask(self, key_id: str) -> None:
        self.asked.append(key_id)
        if not self._is_well:
            raise KeysUnavailable(key_id)


class FarSigner:
    """The stories' signer, as over a wire."""

    def __init__(self, *, is_well: bool = True) -> None:
        self._near = apps.authority()[0]
        self._is_well = is_well
        self.algorithm = self._near.algorithm
        self.certificates = self._near.certificates

    async def sign_remotely(self, signing_input: bytes) -> bytes:
        if not self._is_well:
            raise KeysUnavailable("far")
        return self._near.sign(signing_input)


async def asked(world: World, prefix: str, *, signer: Any = None, app: bool = False) -> Asked:
    holder = await world.enrol(prefix=prefix)
    if app:
        areq = apps.app_areq(holder.pan, apps.new_sdk(), ds_url=world.directory.url)
    else:
        areq = browser_areq(holder.pan, ds_url=world.directory.url, amount="100")
    raw = json.dumps(areq).encode()
    server = world.server.ports.directory_servers.by_id("test")
    issued = world.server.ports.tables.now.find(holder.pan)
    assert server is not None
    assert issued is not None
    if signer is not None:
        server = replace(server, signer=signer)
    return Asked(messages.read_areq(raw, server.additions), raw, server, issued, world.clock())


async def fetched(ports: Ports, one: Asked) -> promises.Promised:
    facts = (await gather(ports, one)).facts
    return await promises.fetched(ports, one, facts, ACS_TRANS_ID)


@pytest.mark.parametrize("prefix", ["40000012", "52000012"])
async def test_a_far_key_makes_a_value_as_a_near_one_does(world: World, prefix: str) -> None:
    far = Far("visa-1", "mc-1")
    ports = replace(world.server.ports, hsm=far)
    one = await asked(world, prefix)
    assert promises.are_remote(ports, one)
    made = await fetched(ports, one)
    assert made.decision.trans_status is TransStatus.AUTHENTICATED
    assert made.proof is not None
    assert made.acs_trans_id == ACS_TRANS_ID
    assert len(far.asked) == 1
    facts = (await gather(world.server.ports, one)).facts
    near = promises.promised(
        world.server.ports, one, facts, ACS_TRANS_ID, decide(one.areq, facts, one.now)
    )
    assert near.proof is not None
    assert near.eci == made.eci
    if prefix == "52000012":  # no chance in it: the same bytes
        assert near.proof.value.reveal() == made.proof.value.reveal()


async def test_a_far_key_that_fails_turns_y_into_u(world: World) -> None:
    far = Far("visa-1", is_well=False)
    ports = replace(world.server.ports, hsm=far)
    made = await fetched(ports, await asked(world, "40000012"))
    assert (made.decision.trans_status, made.decision.rule) == ("U", "key:missing")
    assert made.proof is None
    assert far.asked == ["visa-1"]


async def test_what_needs_no_key_asks_for_none(world: World) -> None:
    far = Far("visa-1")
    ports = replace(world.server.ports, hsm=far)
    made = await fetched(ports, await asked(world, "40000010"))
    assert made.decision.trans_status is TransStatus.CHALLENGE
    assert far.asked == []
    assert not promises.are_remote(ports, await asked(world, "52000010"))


async def test_a_near_key_beside_a_far_signer_is_used_here(world: World) -> None:
    ports = replace(world.server.ports, hsm=Far())
    one = await asked(world, "52000012", signer=FarSigner())
    assert promises.are_remote(ports, one)
    assert (await fetched(ports, one)).proof is not None


@pytest.mark.parametrize("is_well", [True, False])
async def test_a_far_signer_signs_or_there_is_no_challenge(world: World, is_well: bool) -> None:
    ports = replace(world.server.ports, hsm=Far())
    one = await asked(world, "52000010", signer=FarSigner(is_well=is_well), app=True)
    made = await fetched(ports, one)
    if is_well:
        assert made.decision.trans_status is TransStatus.CHALLENGE
        assert made.agreed is not None
    else:
        assert made.decision.trans_status == "U"
        assert made.agreed is None


async def test_in_step_a_far_key_is_never_waited_for(world: World) -> None:
    """Whoever comes there with one gets what a missing key gives."""
    ports = world.server.ports
    one = await asked(world, "52000010", signer=FarSigner(), app=True)
    facts = record_with((await gather(ports, one)).facts, rendering=NATIVE)
    decision = decide(one.areq, facts, one.now)
    made = promises.promised(ports, one, facts, ACS_TRANS_ID, decision)
    assert (made.decision.trans_status, made.agreed) == ("U", None)


async def test_of_an_hsm_that_is_away_nothing_is_hoped_for(world: World) -> None:
    far = Far("visa-1")
    far.is_away = True
    ports = replace(world.server.ports, hsm=far)
    assert not (await gather(ports, await asked(world, "40000010"))).facts.keys_available
    assert (await gather(ports, await asked(world, "52000010"))).facts.keys_available

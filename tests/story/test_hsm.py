"""Keys in an HSM: what needs one gets it or U in time, and nobody else notices.

The HSM is SoftHSM2 behind a module that can be told to hang, to crash and to fail.
"""

from __future__ import annotations

import asyncio
import base64
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING

import pytest
from cryptography.hazmat.primitives.serialization import Encoding

from acs.crypto import cavv
from acs.crypto.software import SoftwareKeys
from acs.hsm.driver import Hsm
from acs.hsm.keys import HsmSigner, HsmValueKeys, wanted
from acs.hsm.session import Patience
from loadtests.hsm.softhsm import behave
from loadtests.network.sdk import REFERENCE_NUMBER, Sdk
from tests import hsm as tokens
from tests import signing
from tests.hsm import softhsm
from tests.records import replace
from tests.story import apps
from tests.story.areqs import browser_areq
from tests.story.buying import EASY, OTP, ask, outcome, right

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from pathlib import Path

    from acs.crypto.keys import RemoteSigner
    from tests.hsm import SoftHsm
    from tests.story.people import Cardholder
    from tests.story.world import Server, World

__all__ = ["softhsm"]
MC_EASY, JCB = "52000012", "35280010"
LONG_S = 300.0
MANY = 12
"""More than the connections to the database of a process of these stories."""


class Bank:
    """A process of the service whose Visa key and SDK signer are in the token; Mastercard's not."""

    def __init__(self, server: Server, hsm: Hsm, control: Path, patience: Patience) -> None:
        self.server = server
        self.hsm = hsm
        self._control = control
        self._patience = patience

    def module(self, mode: str) -> None:
        """Say how the module behaves from its next call on; one that is well is waited for."""
        ask_s = LONG_S if mode == "well" else self._patience.ask_s
        self.hsm._desk.patience = replace(self._patience, ask_s=ask_s)
        behave(self._control, mode)

    async def recovers(self) -> None:
        """Wait until the HSM answers again, with every key."""
        async with asyncio.timeout(LONG_S):
            while self.hsm.is_away or not self.hsm.ready.is_set() or self.hsm.faults:
                await asyncio.sleep(0.01)


@asynccontextmanager
async def a_bank(
    world: World, token: SoftHsm, folder: Path, *, patience: Patience | None = None
) -> AsyncIterator[Bank]:
    values = SoftwareKeys.from_content(
        {
            "keys": [
                {"id": "visa-1", "kind": "3des", "state": "active", "hsm": "cavv-1",
                 "kcv": "08D7B4", "kcv_first": "D5D44F"},
                {"id": "mc-1", "kind": "hmac", "state": "active", "hex": tokens.HMAC_HEX},
            ]
        }
    )  # fmt: skip
    signer = HsmSigner("ec", [signing.leaf(signing.ec_key()), signing.root()])
    control, patience = folder / "mode", patience or Patience(ask_s=LONG_S, start_s=LONG_S)
    control.write_text("well")
    hsm = Hsm(
        token.misbehaving(control),
        [*(wanted(one) for one in values.in_hsm()), signer.key()],
        replace(patience, ask_s=LONG_S),
    )
    signer.reach(hsm)
    server = await world.start_server()
    object.__setattr__(server.ports, "values", values)
    object.__setattr__(server.ports, "hsm", HsmValueKeys(hsm, values.in_hsm()))
    _sign_with(server, signer)
    await hsm.start()
    try:
        yield Bank(server, hsm, control, patience)
    finally:
        await hsm.close()


def _sign_with(server: Server, signer: RemoteSigner) -> None:
    known = server.ports.directory_servers.by_id("test")
    assert known is not None
    server.ports.directory_servers._by_id = {"test": replace(known, signer=signer)}


async def pays(world: World, holder: Cardholder, server: Server) -> tuple[str, str | None]:
    """Pay without a challenge; gives status and reason, and judges the value of a Y."""
    message = browser_areq(holder.pan, ds_url=world.directory.url, amount="100")
    ares = await world.areq(message, server)
    if ares["transStatus"] == "Y":
        assert len(ares["authenticationValue"]) == 28
    return ares["transStatus"], ares.get("transStatusReason")


async def test_a_value_of_the_hsm_is_the_value_that_the_hosts_key_gives(
    world: World, softhsm: SoftHsm, tmp_path: Path
) -> None:
    """The host computes again from what the value tells; a software key is the host here."""
    host = cavv.CvvKey(bytes.fromhex(tokens.CVV_HEX))
    holder = await world.enrol(prefix=EASY)
    async with a_bank(world, softhsm, tmp_path) as bank:
        message = browser_areq(holder.pan, ds_url=world.directory.url, amount="100")
        ares = await world.areq(message, bank.server)
    assert ares["transStatus"] == "Y"
    raw = base64.b64decode(ares["authenticationValue"])
    day = world.clock().date()
    purchase = cavv.VisaPurchase(holder.pan, ares["eci"], 100, message["purchaseCurrency"], day)
    codes = cavv.Codes(raw.hex()[1], raw.hex()[2:4], raw.hex()[4:6])
    layout = cavv.visa_v7_layout(purchase, raw.hex()[10:14], codes, "5")
    assert cavv.visa_v7(layout, cavv.cvv(host, layout.block)) == raw


async def test_a_challenge_ends_with_a_value_of_the_hsm(
    world: World, softhsm: SoftHsm, tmp_path: Path
) -> None:
    async with a_bank(world, softhsm, tmp_path) as bank:
        holder = await world.enrol(prefix=OTP)
        ares = await ask(world, holder, bank.server)
        page = await world.open(ares, server=bank.server)
        await world.submit(page, server=bank.server, otp=right(world, holder))
    told = world.directory.result(ares["acsTransID"])
    assert told["transStatus"] == "Y"
    assert len(told["authenticationValue"]) == 28


async def test_an_sdk_believes_what_the_hsm_signed(
    world: World, softhsm: SoftHsm, tmp_path: Path
) -> None:
    holder = await world.enrol(prefix=OTP)
    sdk = Sdk(REFERENCE_NUMBER, signing.root().public_bytes(Encoding.PEM))
    message = apps.app_areq(holder.pan, sdk, ds_url=world.directory.url)
    async with a_bank(world, softhsm, tmp_path) as bank:
        ares = await world.areq(message, bank.server)
        assert ares["transStatus"] == "C"
        sdk.accept(ares, message)  # it verifies signature, chain and keys
        app = apps.App(world, sdk, message, ares, bank.server)
        screen = await app.send()
    assert screen["messageType"] == "CRes"


@pytest.mark.parametrize("mode", ["hang", "crash", "error", "unfit", "short"])
async def test_who_needs_the_hsm_gets_u_and_the_others_notice_nothing(
    world: World, softhsm: SoftHsm, tmp_path: Path, mode: str
) -> None:
    visa = [await world.enrol(prefix=EASY) for _ in range(MANY)]
    others = [await world.enrol(prefix=MC_EASY) for _ in range(MANY)]
    bystander, jcb = await world.enrol(prefix="52000010"), await world.enrol(prefix=JCB)
    hasty = Patience(ask_s=1.0, pause_s=0.01, check_s=0.05)
    async with a_bank(world, softhsm, tmp_path, patience=hasty) as bank:
        assert await pays(world, visa[0], bank.server) == ("Y", None)
        bank.module(mode)
        mixed = [
            pays(world, one, bank.server) for pair in zip(visa, others, strict=True) for one in pair
        ]
        ends = await asyncio.gather(*mixed)
        assert set(ends[0::2]) == {("U", "22")}
        assert set(ends[1::2]) == {("Y", None)}
        await ask(world, bystander, bank.server)
        assert (await pays(world, jcb, bank.server))[0] == "U"

        bank.module("well")
        await bank.recovers()
        assert await pays(world, visa[0], bank.server) == ("Y", None)


async def test_a_slow_hsm_serves_as_many_as_fit(
    world: World, softhsm: SoftHsm, tmp_path: Path
) -> None:
    """Twelve values take two calls each, 2.4 s in all: more than anybody waits."""
    visa = [await world.enrol(prefix=EASY) for _ in range(MANY)]
    others = [await world.enrol(prefix=MC_EASY) for _ in range(MANY)]
    async with a_bank(world, softhsm, tmp_path, patience=Patience(ask_s=1.5)) as bank:
        bank.module("slow")
        mixed = [
            pays(world, one, bank.server) for pair in zip(visa, others, strict=True) for one in pair
        ]
        ends = await asyncio.gather(*mixed)
        assert set(ends[0::2]) == {("Y", None), ("U", "22")}
        assert set(ends[1::2]) == {("Y", None)}


async def test_while_the_hsm_hangs_others_are_answered_before_it_is_given_up(
    world: World, softhsm: SoftHsm, tmp_path: Path
) -> None:
    visa, other = await world.enrol(prefix=EASY), await world.enrol(prefix=MC_EASY)
    async with a_bank(world, softhsm, tmp_path) as bank:
        bank.module("hang")
        waiting = [asyncio.create_task(pays(world, visa, bank.server)) for _ in range(MANY)]
        async with asyncio.timeout(LONG_S):
            while len(bank.hsm._desk.queue) < MANY - 1:
                await asyncio.sleep(0)
        assert await pays(world, other, bank.server) == ("Y", None)
        assert not any(one.done() for one in waiting)
        await bank.hsm.close()
        assert set(await asyncio.gather(*waiting)) == {("U", "22")}


async def test_a_lost_hsm_is_no_reason_to_begin_a_challenge(
    world: World, softhsm: SoftHsm, tmp_path: Path
) -> None:
    """No code goes out for a payment that could not be proved in the end."""
    holder = await world.enrol(prefix=OTP)
    async with a_bank(world, softhsm, tmp_path) as bank:
        await bank.hsm.close()
        assert bank.hsm.is_away
        assert await pays(world, holder, bank.server) == ("U", "22")


async def test_an_app_is_offered_no_challenge_that_nobody_signs(
    world: World, softhsm: SoftHsm, tmp_path: Path
) -> None:
    holder = await world.enrol(prefix="52000010")
    async with a_bank(world, softhsm, tmp_path) as bank:
        bank.module("wrong")
        sdk = apps.new_sdk()
        message = apps.app_areq(holder.pan, sdk, ds_url=world.directory.url)
        ares = await world.areq(message, bank.server)
        assert (ares["transStatus"], ares["transStatusReason"]) == ("U", "03")
        await ask(world, holder, bank.server)  # in a browser it is offered as ever


async def test_a_result_waits_for_the_hsm(world: World, softhsm: SoftHsm, tmp_path: Path) -> None:
    """The outcome stands; what is put off goes out with its value when the HSM is back."""
    hasty = Patience(ask_s=1.0, pause_s=0.01, check_s=0.05)
    async with a_bank(world, softhsm, tmp_path, patience=hasty) as bank:
        holder = await world.enrol(prefix=OTP)
        ares = await ask(world, holder, bank.server)
        page = await world.open(ares, server=bank.server)
        bank.module("hang")
        await world.submit(page, server=bank.server, otp=right(world, holder))
        assert world.directory.results(ares["acsTransID"]) == []

        bank.module("well")
        await bank.recovers()
        world.clock.advance(seconds=2)
        assert await bank.server.work("results") == 1
    assert outcome(world, ares)[0] == "Y"
    assert len(world.directory.result(ares["acsTransID"])["authenticationValue"]) == 28


async def test_neither_pin_nor_key_is_told(world: World, softhsm: SoftHsm, tmp_path: Path) -> None:
    holder = await world.enrol(prefix=EASY)
    hasty = Patience(ask_s=0.2, pause_s=0.01)
    async with a_bank(world, softhsm, tmp_path, patience=hasty) as bank:
        await pays(world, holder, bank.server)
        for mode in ("crash", "error", "hang"):
            bank.module(mode)
            await pays(world, holder, bank.server)
    said = "\n".join(text for _, text in world.told()).lower()
    for secret in (tokens.PIN, tokens.SO_PIN, tokens.CVV_HEX, tokens.HMAC_HEX):
        assert secret.lower() not in said

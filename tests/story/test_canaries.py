"""A memory of everything: no card number, code, PIN or phone number lies anywhere in clear.

Every story ends with that look (``laws.in_clear``). This one makes all kinds of payments first,
good and bad, with secrets that cannot be mistaken, and proves that the look would find them.
"""

from __future__ import annotations

import asyncio
import json
from pathlib import Path
from typing import TYPE_CHECKING

from tests.story import laws, people
from tests.story.areqs import browser_areq
from tests.story.buying import EASY, OTP, PIN, VERSIONS, ask, begin, fail, right, shown, wrong

if TYPE_CHECKING:
    from tests.story.people import Cardholder
    from tests.story.world import World

PIN_CANARY = "73915284"


async def test_nothing_secret_lies_anywhere(world: World) -> None:
    holders = [await world.enrol(prefix=prefix, pin=PIN_CANARY) for prefix in (OTP, PIN, EASY)]
    for holder in holders:
        for version in VERSIONS:
            await _answered(world, holder, version)
    await _challenges(world)
    await _refusals(world, holders[0])
    await _failures(world)
    world.clock.advance(hours=1)
    await world.server.work_at_everything()

    assert await laws.in_clear(world) == []
    data_directory = await world.db.fetchval("SHOW data_directory")
    postgres_log = await asyncio.to_thread(_read, Path(data_directory).parent / "postgres.log")
    secrets = list(world.secrets())
    assert [one.kind for one in secrets if one.is_in(postgres_log)] == []
    # The look is not blind: it sees what may be seen, in every place it must look at.
    places = dict([*await laws.dump(world), *world.told()])
    assert "Księgarnia Pod Lipą" in places["acs.transaction"]
    assert "400000******" in places["acs.message_log"]
    assert "challenge:closed" in places["log"]
    checks = "SELECT count(*), count(*) FILTER (WHERE document::text LIKE '%\"pin\":false%')"
    many, wrong_pins = await world.db.fetchrow(f"{checks} FROM audit.evidence") or (0, 0)
    assert (many > 20, wrong_pins > 0) == (True, True)
    assert "pl/payment/" in places["audit.evidence"]
    assert "192.0.2.10" not in "".join(places.values())
    assert "challenge" in places["acs.visitor"]
    assert "acs_areq_total" in places["metrics"]
    assert len(world.phone.messages) > 10
    assert {"PAN", "code", "phone", "PIN"} <= {one.kind for one in secrets}
    for kind in ("PAN", "phone", "code", "PIN"):
        one = next(one for one in secrets if one.kind == kind)
        assert one.is_in(f'{{"x":"{one.text}"}}')


def _read(path: Path) -> str:
    return path.read_text(encoding="utf-8", errors="replace")


async def _answered(world: World, holder: Cardholder, version: str) -> None:
    """Send a full AReq, with everything about a person that one may hold."""
    message = browser_areq(
        holder.pan,
        version=version,
        ds_url=world.directory.url,
        cardExpiryDate=holder.expiry,
        cardholderName="Jan Kowalski",
        email="jan@example.com",
        mobilePhone={"cc": "48", "subscriber": holder.phone.removeprefix("+48")},
        homePhone={"cc": "48", "subscriber": holder.phone.removeprefix("+48")},
        billAddrLine1="Lipowa 1",
        acctID=holder.pan,
    )
    await world.areq(message)
    await world.areq(message)
    await world.areq(message | {"purchaseAmount": "7"})


async def _challenges(world: World) -> None:
    for prefix in (OTP, PIN):
        holder = await world.enrol(prefix=prefix, pin=PIN_CANARY)
        _, page = await begin(world, holder)
        page = await world.submit(page, otp="", pin=holder.pin)
        page = await world.submit(page, otp=holder.pin, pin=right(world, holder))
        page = await world.submit(page, otp=wrong(world, holder), pin=holder.pin)
        if prefix == PIN:
            page = await world.submit(page, otp=right(world, holder), pin="1111")
        world.clock.advance(seconds=30)
        page = await world.submit(page, "resend")
        assert shown(await world.submit(page, otp=right(world, holder), pin=holder.pin)) == "Y"
        _, page = await begin(world, holder)
        await world.submit(page, "cancel", otp=right(world, holder), pin=holder.pin)
        for times in (3, 2):  # and the person is blocked
            _, page = await begin(world, holder)
            await fail(world, holder, page, times)


async def _refusals(world: World, holder: Cardholder) -> None:
    """Send card numbers and codes to where they do not belong."""
    pan, url = holder.pan, world.server.challenge_url
    for name in ("acctNumber", "merchantName", "mcc", "dsTransID", "messageVersion", pan):
        message = browser_areq(pan, ds_url=world.directory.url) | {name: pan, "acctInfo": pan}
        await world.raw_areq(json.dumps(message).encode())
    await world.raw_areq(pan.encode())
    await world.areq_bytes(
        f'{{"messageType":"Erro","errorCode":"{pan}","errorDetail":"{pan}"}}'.encode()
    )
    ares = await ask(world, holder)
    await world.open(ares, challengeWindowSize=pan, messageExtension=pan)
    ares = await ask(world, holder)
    page = await world.open(ares)
    for fields in (
        {"form_token": pan, "otp": right(world, holder), "pin": PIN_CANARY},
        {"creq": pan},
        {"otp": right(world, holder)},
        {pan: right(world, holder)},
    ):
        await world.post(url, fields)
    await world.fetch("GET", f"{url}?otp={right(world, holder)}&pan={pan}")
    await world.fetch("GET", url.replace("challenge", pan))
    await world.fetch("POST", url, "x", **{"User-Agent": pan, "X-Request-ID": pan, "Cookie": pan})
    await world.submit(page, otp=pan)
    await world.submit(page, action=right(world, holder))


async def _failures(world: World) -> None:
    """Let the Directory Server, the phone and the database fail at the wrong moment."""
    for mode in ("error", "erro", "html", "hang_up"):
        world.directory.mode = mode
        holder = await world.enrol(pin=PIN_CANARY)
        _, page = await begin(world, holder)
        await world.submit(page, otp=right(world, holder))
    world.directory.mode = "accept"
    world.phone.broken = True
    holder = await world.enrol(pin=PIN_CANARY)
    ares = await ask(world, holder)
    await world.open(ares)
    world.phone.broken = False
    doomed = await world.start_server()
    holder = await world.enrol(prefix=PIN, pin=PIN_CANARY)
    ares = await ask(world, holder, doomed)
    page = await world.open(ares)
    doomed.ports.pool._pool.terminate()
    await world.submit(page, otp=right(world, holder), pin=holder.pin)
    await world.areq(browser_areq(holder.pan, ds_url=world.directory.url), doomed)
    await people.set_card_status(world.db, holder, "blocked_stolen")
    await world.submit(page, server=world.server, otp=right(world, holder), pin=holder.pin)


def test_a_time_is_no_code_and_a_label_is_none_that_is_overlooked() -> None:
    code = next(laws.traces("code", "204817"))
    samples = 'acs_x_sum{way="in"} 3.204817\nacs_y 1.5e-05\nacs_z 7.0\n'
    assert not code.is_in(laws.told_by_metrics(samples))
    for leak in ('acs_x{code="204817"} 1.0\n', "acs_x 204817.0\n", "acs_x 204817\n"):
        assert code.is_in(laws.told_by_metrics(samples + leak))

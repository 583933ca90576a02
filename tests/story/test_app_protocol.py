"""What an SDK must not do, what a stranger can not do, and what a bad network does to both."""

from __future__ import annotations

import asyncio
import json
from base64 import urlsafe_b64decode, urlsafe_b64encode
from typing import TYPE_CHECKING, Any
from uuid import uuid4

import pytest

from tests.story import apps
from tests.story.buying import OTP, PIN, VERSIONS, ask, outcome, right, wrong

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.story.world import World

pytestmark = pytest.mark.asyncio(loop_scope="module")
TECHNICAL = {"2.1.0": "07", "2.2.0": "22", "2.3.1": "22"}


@pytest.fixture
def world(shared: World) -> World:
    """One world for all of these: each has its own cardholders."""
    return shared


@pytest.mark.parametrize("enc", ["A128GCM", "A128CBC-HS256"])
async def test_the_same_bytes_again_get_the_same_answer(world: World, enc: str) -> None:
    """A telephone network sends twice; nothing is done twice, and no IV serves two texts."""
    holder = await world.enrol(prefix=OTP)
    app = await apps.ask(world, holder)
    first = app.sdk.creq(enc=enc)
    got = [await app.post(first) for _ in range(3)]
    screens = [app.read(one) for one in got]
    code = app.sdk.creq(enc=enc, challengeDataEntry=right(world, holder))
    finals = [app.read(await app.post(code)) for _ in range(2)]

    assert screens[0] == screens[1] == screens[2]
    assert len({one.body.split(b".")[2] for one in got}) == 3
    assert len(world.phone.codes(holder.phone)) == 1
    assert [one["transStatus"] for one in finals] == ["Y", "Y"]
    assert outcome(world, app.ares) == ("Y", None, None, "01")


async def test_the_same_bytes_at_the_same_time_are_worked_on_once(world: World) -> None:
    holder = await world.enrol(prefix=OTP)
    app, _ = await apps.begin(world, holder)

    body = app.sdk.creq(challengeDataEntry=wrong(world, holder))
    got = await asyncio.gather(*(app.post(body) for _ in range(4)))

    assert {json.dumps(app.read(one), sort_keys=True) for one in got} == {
        json.dumps(app.read(got[0]), sort_keys=True)
    }
    assert (await world.challenge_row(app.ares))["attempts"] == 1


@pytest.mark.parametrize("counter", ["000", "002", "017", "200", "256", "999", "1", "01", "0001"])
@pytest.mark.parametrize("version", VERSIONS)
async def test_a_counter_out_of_order_ends_it(world: World, version: str, counter: str) -> None:
    holder = await world.enrol(prefix=OTP)
    app, _ = await apps.begin(world, holder, version=version)

    erro = await app.send(sdkCounterStoA=counter, challengeDataEntry=right(world, holder))

    assert (erro["errorCode"], erro["errorMessageType"]) == ("302", "CReq")
    ended_by = "10" if version == "2.3.1" else "06"
    assert outcome(world, app.ares) == ("U", TECHNICAL[version], ended_by, "00")
    later = await app.send(challengeDataEntry=right(world, holder))
    assert later["errorCode"] == ("315" if version == "2.3.1" else "305")


@pytest.mark.parametrize(
    ("elements", "code", "detail"),
    [
        ({"acsTransID": str(uuid4())}, "301", "acsTransID"),
        ({"threeDSServerTransID": str(uuid4())}, "301", "threeDSServerTransID"),
        ({"sdkTransID": str(uuid4())}, "301", "sdkTransID"),
        ({"sdkTransID": None}, "201", "sdkTransID"),
        ({"sdkCounterStoA": 1}, "203", "sdkCounterStoA"),
        ({"sdkCounterStoA": ""}, "201", "sdkCounterStoA"),
        ({"messageVersion": "2.3.1"}, "203", "messageVersion"),
        ({"challengeDataEntry": "1" * 46}, "203", "challengeDataEntry"),
        ({"challengeHTMLDataEntry": "otp=1"}, "203", "challengeHTMLDataEntry"),
        ({"challengeNoEntry": "N"}, "203", "challengeNoEntry"),
        ({"challengeNoEntry": None}, "201", "challengeNoEntry"),
    ],
)
async def test_what_breaks_the_protocol_is_named_and_ends_it(
    world: World, elements: dict[str, Any], code: str, detail: str
) -> None:
    holder = await world.enrol(prefix=OTP)
    app, _ = await apps.begin(world, holder)

    erro = await app.send(**{"challengeNoEntry": "Y", **elements})

    assert erro["errorCode"] == code
    assert detail in erro["errorDetail"]
    assert outcome(world, app.ares)[:3] == ("U", "22", "06")


async def test_two_point_one_submits_nothing_by_saying_nothing(world: World) -> None:
    holder = await world.enrol(prefix=OTP)
    app, _ = await apps.begin(world, holder, version="2.1.0")

    screen = await app.send(threeDSRequestorAppURL=None)

    assert screen["challengeCompletionInd"] == "N"


@pytest.mark.parametrize("place", [0, 40, -30, -1])
async def test_a_stranger_ends_no_challenge(world: World, place: int) -> None:
    """Who knows the acsTransID has no key: what does not open changes nothing."""
    holder = await world.enrol(prefix=OTP)
    app, _ = await apps.begin(world, holder)
    body = bytearray(app.sdk.creq(challengeCancel="01"))
    spoilt = body.copy()
    spoilt[place] = ord("A") if spoilt[place] != ord("A") else ord("B")

    refused = json.loads((await app.post(bytes(spoilt))).body)
    final = app.read(await app.post(bytes(body)))

    assert refused["errorCode"] in {"301", "302"}
    assert refused["errorComponent"] == "A"
    # It ends a challenge, so who has no key does not learn it here.
    assert "sdkTransID" not in refused
    assert final["transStatus"] == "N"
    assert outcome(world, app.ares) == ("N", "01", "01", "00")


@pytest.mark.parametrize(
    ("body", "code"),
    [
        (b"", "302"),
        (b"creq=abc", "302"),
        (b"a.b.c.d.e", "302"),
        (b'{"messageType":"CReq"}', "302"),
        (b"{", "302"),
        (b"\xff\xfe", "302"),
    ],
)
async def test_what_is_no_envelope_is_an_erro(world: World, body: bytes, code: str) -> None:
    holder = await world.enrol(prefix=OTP)
    app, _ = await apps.begin(world, holder)

    got = await app.post(body, "text/plain")

    assert got.content_type.startswith("application/json")
    assert json.loads(got.body)["errorCode"] == code
    assert (await app.send(challengeDataEntry=right(world, holder)))["transStatus"] == "Y"


def headed(body: bytes, **changes: object) -> bytes:
    """Change the header of an envelope; ``None`` leaves a member out."""
    header, _, others = body.partition(b".")
    members = json.loads(urlsafe_b64decode(header + b"=" * (-len(header) % 4))) | changes
    told = {name: value for name, value in members.items() if value is not None}
    return urlsafe_b64encode(json.dumps(told).encode()).rstrip(b"=") + b"." + others


SPOILT: dict[str, Callable[[bytes], bytes]] = {
    "alg": lambda body: headed(body, alg="A128KW"),
    "no alg": lambda body: headed(body, alg=None),
    "enc": lambda body: headed(body, enc="A256GCM"),
    "crit": lambda body: headed(body, crit=["exp"]),
    "padded": lambda body: body + b"=",
    "four parts": lambda body: body.rpartition(b".")[0],
    "a key": lambda body: body.replace(b"..", b".AAAA."),
    "another text": lambda body: body[:-4] + b"AAAA",
}


@pytest.mark.parametrize("version", VERSIONS)
@pytest.mark.parametrize("how", SPOILT)
async def test_what_does_not_open_is_told_for_the_challenge_it_names(
    world: World, version: str, how: str
) -> None:
    """In its version and with the id it named, and with no other [rules 2.39, 6.62]."""
    holder = await world.enrol(prefix=OTP)
    app, _ = await apps.begin(world, holder, version=version)

    erro = json.loads((await app.post(SPOILT[how](app.sdk.creq(challengeCancel="01")))).body)

    is_disagreed = how in {"alg", "no alg", "enc"} and version == "2.3.1"
    assert erro["errorCode"] == ("310" if is_disagreed else "302")
    assert not is_disagreed or erro["errorDetail"] == how[-3:]
    assert erro["errorMessageType"] == "CReq"
    assert erro["messageVersion"] == version
    assert {name for name in erro if name.endswith("TransID")} == {"acsTransID"}
    assert erro["acsTransID"] == app.ares["acsTransID"]
    assert (await world.challenge_row(app.ares))["state"] == "challenge"


@pytest.mark.parametrize("how", SPOILT)
async def test_what_does_not_open_tells_nothing_of_a_browsers_challenge(
    world: World, how: str
) -> None:
    app, _ = await apps.begin(world, await world.enrol(prefix=OTP))
    in_browser = await ask(world, await world.enrol(prefix=OTP))
    got = []
    for acs_trans_id in (str(uuid4()), in_browser["acsTransID"]):
        app.sdk._ids["acsTransID"] = acs_trans_id
        got.append(json.loads((await app.post(SPOILT[how](app.sdk.creq()))).body))

    assert got[0] == got[1]
    assert not [name for name in got[0] if name.endswith("TransID")]


@pytest.mark.parametrize("message_type", ["CRes", "AReq", "FooBar"])
async def test_another_message_in_the_envelope_is_named(world: World, message_type: str) -> None:
    app, _ = await apps.begin(world, await world.enrol(prefix=OTP))

    erro = await app.send(messageType=message_type)

    assert erro["errorCode"] == "101"
    assert erro.get("errorMessageType") == (None if message_type == "FooBar" else message_type)
    assert outcome(world, app.ares) == ("U", "22", "06", "00")


@pytest.mark.parametrize("version", VERSIONS)
async def test_a_first_message_sealed_anew_is_out_of_order(world: World, version: str) -> None:
    """Which elements a later one needs is no matter: it says that it is the first."""
    app, _ = await apps.begin(world, await world.enrol(prefix=OTP), version=version)

    erro = await app.send(sdkCounterStoA="000", enc="A128CBC-HS256")

    assert (erro["errorCode"], erro["errorDetail"]) == ("302", "sdkCounterStoA")


async def test_an_unknown_challenge_and_a_browsers_one_look_the_same(world: World) -> None:
    holder = await world.enrol(prefix=OTP)
    app, _ = await apps.begin(world, holder)
    in_browser = await ask(world, await world.enrol(prefix=OTP))
    got = []
    for acs_trans_id in (str(uuid4()), in_browser["acsTransID"], "no-uuid"):
        app.sdk._ids["acsTransID"] = acs_trans_id
        got.append(json.loads((await app.post(app.sdk.creq())).body))

    assert got[0] == got[1] == got[2]
    assert got[0]["errorCode"] == "301"


async def test_quirks_of_sdks_in_the_field_are_taken(world: World) -> None:
    """An empty entry beside everything, names nobody knows, No for a new code [rule 6.28]."""
    holder = await world.enrol(prefix=OTP)
    app = await apps.ask(world, holder)

    await app.send(challengeNoEntry="Y")
    await app.send(challengeDataEntry=wrong(world, holder), messageExtensions=[])
    await app.send(resendChallenge="N", challengeNoEntry="Y", unknown={"a": 1})
    final = await app.send(challengeNoEntry="Y", challengeCancel="01")

    assert final["transStatus"] == "N"
    assert outcome(world, app.ares) == ("N", "01", "01", "01")


async def test_a_key_off_the_curve_is_refused_at_the_areq(world: World) -> None:
    holder = await world.enrol(prefix=OTP)
    sdk = apps.new_sdk()
    other = apps.new_sdk()
    key = {**sdk.public_jwk, "y": other.public_jwk["y"]}

    erro = await world.areq(
        apps.app_areq(holder.pan, sdk, ds_url=world.directory.url, sdkEphemPubKey=key)
    )

    assert erro["errorCode"] == "203"
    assert "sdkEphemPubKey" in erro["errorDetail"]


async def test_every_payment_has_a_key_of_its_own(world: World) -> None:
    holder = await world.enrol(prefix=OTP)
    one, two = [await apps.ask(world, holder) for _ in range(2)]
    body = one.sdk.creq()
    two.sdk._ids, two.sdk._sent = one.sdk._ids, -1

    refused = json.loads((await one.post(two.sdk.creq())).body)

    assert refused["errorCode"] == "302"
    assert one.read(await one.post(body))["challengeCompletionInd"] == "N"


async def test_a_pin_of_no_shape_is_asked_for_again(world: World) -> None:
    holder = await world.enrol(prefix=PIN)
    app, first = await apps.begin(world, holder)

    again = await app.send(challengeDataEntry="12")
    await app.send(challengeDataEntry=holder.pin)
    final = await app.send(challengeDataEntry=right(world, holder))

    assert again["challengeInfoLabel"] == first["challengeInfoLabel"]
    assert outcome(world, app.ares) == ("Y", None, None, "01")
    assert final["transStatus"] == "Y"

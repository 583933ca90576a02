"""CReqs of an SDK that come once more, after later ones: who kept a copy ends nothing with it."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from loadtests.network.sdk import JOSE
from tests.story import apps
from tests.story.buying import OTP, PIN, VERSIONS, outcome, right, wrong

if TYPE_CHECKING:
    from tests.story.apps import App
    from tests.story.world import World

pytestmark = pytest.mark.asyncio(loop_scope="module")
SELDOM = settings(
    max_examples=15,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
STATE = """
    SELECT t.*, s.counter, s.creq_digest, s.creqs_before, s.pin_sealed,
           (SELECT count(*) FROM acs.message_log l WHERE l.acs_trans_id = t.acs_trans_id) AS logged
    FROM acs.transaction t JOIN acs.sdk_session s USING (acs_trans_id)
    WHERE t.acs_trans_id = $1::text::uuid"""


@pytest.fixture
def world(shared: World) -> World:
    """One world for all of these: each has its own cardholders."""
    return shared


async def state(world: World, app: App) -> tuple[Any, ...]:
    """Give all that is stored of a challenge and its session."""
    return tuple(await world.db.fetchrow(STATE, app.ares["acsTransID"]) or ())


async def sent(app: App, **elements: Any) -> bytes:
    """Send the next CReq, which must be answered by a screen; gives its bytes."""
    body = app.sdk.creq(**elements)
    assert app.read(await app.post(body))["challengeCompletionInd"] == "N"
    return body


async def late(app: App, body: bytes) -> None:
    """Send a copy, which must be refused as out of its turn."""
    erro = app.read(await app.post(body))
    assert (erro["errorCode"], erro["errorDetail"]) == ("302", "sdkCounterStoA")
    assert {name for name in erro if name.endswith("TransID")} == {"acsTransID"}


@pytest.mark.parametrize("enc", ["A128GCM", "A128CBC-HS256"])
@pytest.mark.parametrize("version", VERSIONS)
async def test_a_late_copy_changes_nothing(world: World, version: str, enc: str) -> None:
    holder = await world.enrol(prefix=PIN)
    app = await apps.ask(world, holder, version=version)
    opens = await sent(app, enc=enc)
    pin = await sent(app, enc=enc, challengeDataEntry=holder.pin)
    code = await sent(app, enc=enc, challengeDataEntry=wrong(world, holder))
    before = await state(world, app)

    for body in (opens, pin, pin + b"\n"):
        await late(app, body)
    assert await state(world, app) == before
    await sent(app, enc=enc, challengeDataEntry=holder.pin)
    before = await state(world, app)
    for body in (opens, pin, code):
        await late(app, body)
    assert await state(world, app) == before

    final = await app.send(enc=enc, challengeDataEntry=right(world, holder))
    assert final["transStatus"] == "Y"
    assert outcome(world, app.ares) == ("Y", None, None, "02")
    assert len(world.phone.codes(holder.phone)) == 1


async def test_a_right_code_of_earlier_is_not_used_by_its_copy(world: World) -> None:
    """It came with a wrong PIN; its copy is not taken for the code of the right one."""
    holder = await world.enrol(prefix=PIN)
    app, _ = await apps.begin(world, holder)
    await app.send(challengeDataEntry=holder.pin[::-1] + "0")
    code = await sent(app, challengeDataEntry=right(world, holder))
    await app.send(challengeDataEntry=holder.pin)

    await late(app, code)

    assert (await world.challenge_row(app.ares))["attempts"] == 1
    assert (await app.send(challengeCancel="01"))["transStatus"] == "N"


@pytest.mark.parametrize(
    ("counter", "enc"), [("000", "A128GCM"), ("000", "A128CBC-HS256"), ("001", "A128CBC-HS256")]
)
async def test_an_old_counter_under_other_bytes_ends_it(
    world: World, counter: str, enc: str
) -> None:
    """Even the same text, sealed anew, is no copy: only who has the key can have made it."""
    holder = await world.enrol(prefix=OTP)
    app, _ = await apps.begin(world, holder)
    for _ in range(2):
        await app.send(enc=enc, challengeNoEntry="Y")

    erro = await app.send(enc=enc, sdkCounterStoA=counter, challengeNoEntry="Y")

    assert erro["errorCode"] == "302"
    assert outcome(world, app.ares) == ("U", "22", "06", "00")


async def test_a_copy_after_the_end_is_told_so(world: World) -> None:
    holder = await world.enrol(prefix=OTP)
    app = await apps.ask(world, holder)
    first = await sent(app)
    await app.send(challengeDataEntry=right(world, holder))
    before = await state(world, app)

    assert app.read(await app.post(first))["errorCode"] == "305"

    assert await state(world, app) == before
    assert outcome(world, app.ares) == ("Y", None, None, "01")


async def test_copies_beside_the_next_message_at_two_processes(world: World) -> None:
    """One lock decides: the next one is worked on once, whatever is handled beside it."""
    other = await world.start_server()
    holder = await world.enrol(prefix=OTP)
    app = await apps.ask(world, holder)
    elsewhere = apps.App(world, app.sdk, app.areq, app.ares, other)
    bodies = [await sent(app)]

    for _ in range(3):
        bodies.append(app.sdk.creq(challengeDataEntry="12"))
        got = await asyncio.gather(
            *(one.post(body) for body in bodies for one in (app, elsewhere, app))
        )
        assert {app.read(one)["challengeCompletionInd"] for one in got[-3:]} == {"N"}
        # A copy of what was last until then may come before the next one, and is answered anew.
        errors = [app.read(one) for one in got[:-3] if one.content_type != JOSE]
        assert {one["errorCode"] for one in errors} <= {"302"}
        assert len(errors) >= 3 * (len(bodies) - 2)

    assert (await world.challenge_row(app.ares))["form_posts"] == 3
    assert (await app.send(challengeDataEntry=right(world, holder)))["transStatus"] == "Y"
    assert outcome(world, app.ares) == ("Y", None, None, "01")


WORDS = st.lists(st.sampled_from(["empty", "short", "wrong", "resend"]), max_size=6).filter(
    lambda words: words.count("wrong") < 3  # the third one would be the end
)


@SELDOM
@given(words=WORDS, data=st.data())
async def test_copies_in_any_order_end_nothing_and_count_nothing(
    shared: World, words: list[str], data: st.DataObject
) -> None:
    world = shared
    holder = await world.enrol(prefix=OTP)
    app = await apps.ask(world, holder)
    bodies = [await sent(app)]
    elements = {
        "empty": {"challengeNoEntry": "Y"},
        "short": {"challengeDataEntry": "12"},
        "wrong": {"challengeDataEntry": wrong(world, holder)},
        "resend": {"resendChallenge": "Y"},
    }
    for word in words:
        bodies.append(await sent(app, **elements[word]))
        for body in data.draw(st.lists(st.sampled_from(bodies), max_size=3)):
            got = app.read(await app.post(body))
            assert got["messageType"] == ("CRes" if body == bodies[-1] else "Erro")

    row = await world.challenge_row(app.ares)
    assert (row["attempts"], row["form_posts"]) == (words.count("wrong"), len(words))
    final = await app.send(challengeDataEntry=right(world, holder))
    assert final["transStatus"] == "Y"
    assert outcome(world, app.ares)[3] == f"{words.count('wrong') + 1:02}"

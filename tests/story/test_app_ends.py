"""How a challenge in the app ends otherwise: clocks, the SDK's errors, results that are lost."""

from __future__ import annotations

import json
from datetime import timedelta
from typing import TYPE_CHECKING, Any

import pytest

from acs.challenge.policy import ChallengePolicy
from acs.crypto.keys import KeysUnavailable
from acs.directory_server import Budget
from tests.records import replace
from tests.story import apps
from tests.story.buying import OTP, PIN, VERSIONS, outcome, right
from tests.story.test_deaths import LEASE_S, until_death

if TYPE_CHECKING:
    from tests.story.world import Server, World

TECHNICAL = {"2.1.0": "07", "2.2.0": "22", "2.3.1": "22"}


@pytest.mark.parametrize("version", VERSIONS)
async def test_no_first_creq(world: World, version: str) -> None:
    holder = await world.enrol(prefix=OTP)
    app = await apps.ask(world, holder, version=version)
    world.clock.advance(seconds=32)

    assert await world.server.time_out() == 1
    erro = await app.send()

    assert outcome(world, app.ares) == ("N", "14", "05", "00")
    assert erro["errorCode"] == "402"
    assert world.phone.codes(holder.phone) == []


async def test_a_first_creq_too_late_is_told_so_before_the_worker_comes(world: World) -> None:
    holder = await world.enrol(prefix=OTP)
    app = await apps.ask(world, holder)
    world.clock.advance(seconds=33)

    erro = await app.send()

    assert erro["errorCode"] == "402"
    assert outcome(world, app.ares) == ("N", "14", "05", "00")


@pytest.mark.parametrize(("patience", "minutes"), [("05", 6), ("09", 10), ("99", 10)])
async def test_the_session_ends_with_the_sdks_own(
    world: World, patience: str, minutes: int
) -> None:
    """A minute after sdkMaxTimeout, or after ten without a word [rule 1.27]."""
    holder = await world.enrol(prefix=OTP)
    app = await apps.ask(world, holder, sdkMaxTimeout=patience)
    await app.send()
    world.clock.advance(seconds=60 * minutes - 1)

    assert await world.server.time_out() == 0
    world.clock.advance(seconds=1)
    assert await world.server.time_out() >= 1

    assert outcome(world, app.ares) == ("N", "14", "04", "00")
    assert (await app.send(challengeDataEntry="123456"))["errorCode"] == "402"


async def test_a_word_does_not_prolong_it_beyond_the_sdks_patience(world: World) -> None:
    holder = await world.enrol(prefix=OTP)
    app = await apps.ask(world, holder, sdkMaxTimeout="05")
    await app.send()
    world.clock.advance(minutes=5)
    await app.send(challengeNoEntry="Y")
    world.clock.advance(minutes=1)

    erro = await app.send(challengeDataEntry=right(world, holder))

    assert erro["errorCode"] == "402"
    assert outcome(world, app.ares) == ("N", "14", "04", "00")


@pytest.mark.parametrize("version", VERSIONS)
@pytest.mark.parametrize("code", ["402", "203"])
@pytest.mark.parametrize("opened", [True, False])
async def test_the_sdk_gives_up(world: World, version: str, code: str, opened: bool) -> None:
    holder = await world.enrol(prefix=OTP)
    app = await apps.ask(world, holder, version=version)
    if opened:
        await app.send()

    got = await app.post(
        app.sdk.erro(code, "challengeInfoText"), "application/JSON; charset = UTF-8"
    )
    again = await app.post(app.sdk.erro(code, "challengeInfoText"), "text/plain")

    assert (got.body, again.body) == (b"", b"")
    told = world.directory.result(app.ares["acsTransID"])
    if code == "402":
        assert outcome(world, app.ares) == ("N", "14", "08", "00")
    else:
        ended_by = "09" if version == "2.3.1" else "06"
        assert outcome(world, app.ares) == ("U", TECHNICAL[version], ended_by, "00")
        if version == "2.3.1":
            assert told["challengeErrorReporting"]["errorDetail"] == "challengeInfoText"


async def test_an_error_that_cannot_be_passed_on_is_not(world: World) -> None:
    holder = await world.enrol(prefix=OTP)
    app = await apps.ask(world, holder, version="2.3.1")
    await app.send()

    await app.post(app.sdk.erro("203", "x", errorDescription=None))

    assert outcome(world, app.ares) == ("U", "22", "06", "00")


@pytest.mark.parametrize("name", ["acsTransID", "sdkTransID"])
async def test_who_does_not_know_both_ids_ends_nothing(world: World, name: str) -> None:
    holder = await world.enrol(prefix=OTP)
    app, _ = await apps.begin(world, holder)
    other = await apps.ask(world, holder)

    got = await app.post(app.sdk.erro("402", "", **{name: other.areq.get(name, other.ares[name])}))
    missing = await app.post(app.sdk.erro("402", "", **{name: None}))

    assert (got.body, missing.body) == (b"", b"")
    assert (await app.send(challengeDataEntry=right(world, holder)))["transStatus"] == "Y"


async def test_an_error_in_the_envelope_is_heard(world: World) -> None:
    holder = await world.enrol(prefix=OTP)
    app, _ = await apps.begin(world, holder)
    erro = json.loads(app.sdk.erro("402", "timed out"))

    got = await app.post(app.sdk.creq(**erro, sdkCounterStoA=None))

    assert got.body == b""
    assert outcome(world, app.ares) == ("N", "14", "08", "00")


@pytest.mark.parametrize("sdk_trans_id", [None, "00000000-0000-4000-8000-000000000000"])
async def test_an_error_in_the_envelope_needs_no_other_proof(
    world: World, sdk_trans_id: str | None
) -> None:
    """Only the SDK can have sealed it; and an Erro is never answered by one [rule 13.10]."""
    holder = await world.enrol(prefix=OTP)
    app, _ = await apps.begin(world, holder)
    erro = json.loads(app.sdk.erro("203", "acsUiType"))

    got = await app.post(app.sdk.creq(**{**erro, "sdkTransID": sdk_trans_id}, sdkCounterStoA=None))

    assert got.body == b""
    assert outcome(world, app.ares) == ("U", "22", "06", "00")


@pytest.mark.parametrize("is_late", [False, True])
async def test_an_error_in_the_envelope_after_the_end_is_not_answered(
    world: World, is_late: bool
) -> None:
    holder = await world.enrol(prefix=OTP)
    app, _ = await apps.begin(world, holder)
    if is_late:
        world.clock.advance(minutes=10)
    else:
        await app.send(challengeCancel="01")
    erro = app.sdk.creq(**json.loads(app.sdk.erro("203", "acsUiType")), sdkCounterStoA=None)

    got = [await app.post(erro) for _ in range(2)]

    assert [one.body for one in got] == [b"", b""]
    assert outcome(world, app.ares)[:3] == (("N", "14", "04") if is_late else ("N", "01", "01"))


@pytest.mark.parametrize(
    ("version", "why"),
    [
        *((version, why) for version in VERSIONS for why in ("04", "06", "07", "08")),
        ("2.3.1", "09"),
        ("2.3.1", "10"),
    ],
)
async def test_whatever_an_sdk_cancels_for_the_network_hears_of_it(
    world: World, version: str, why: str
) -> None:
    """09 and 10 of 2.3.1 go with an Erro, which a cancel has not [rules 3.17, 8.9, 13.1]."""
    app, _ = await apps.begin(world, await world.enrol(prefix=OTP), version=version)

    final = await app.send(challengeCancel=why)

    assert final["transStatus"] == "N"
    reason = "14" if why in {"04", "08"} else "01"
    told = "06" if why in {"09", "10"} else why
    assert outcome(world, app.ares) == ("N", reason, told, "00")


@pytest.mark.parametrize("version", VERSIONS)
async def test_the_answer_to_a_result_must_not_name_another_sdk(world: World, version: str) -> None:
    """2.1.0 has no sdkTransID there, so nothing is compared [rule 8.18]."""
    holder = await world.enrol(prefix=OTP)
    app, _ = await apps.begin(world, holder, version=version)
    world.directory.mode = "wrong_sdk"

    came = await app.send(challengeDataEntry=right(world, holder))

    if version == "2.1.0":
        assert came["transStatus"] == "Y"
        return
    assert (came["messageType"], came["errorCode"]) == ("Erro", "403")
    await world.directory.told_of_errors()
    (erro,) = world.directory.errors
    assert (erro["errorCode"], erro["errorDetail"]) == ("301", "sdkTransID")
    assert erro["sdkTransID"] == app.areq["sdkTransID"]
    assert outcome(world, app.ares) == ("Y", None, None, "01")


@pytest.mark.parametrize(
    ("mode", "code"),
    [
        ("erro", "403"),
        ("html", "403"),
        ("error", "403"),
        ("hang_up", "402"),
        ("silent", "402"),
        ("late", "402"),
    ],
)
async def test_a_success_the_network_does_not_confirm_is_none_in_the_app(
    world: World, mode: str, code: str
) -> None:
    """It is told why, whoever loses patience first; what was sent stays as it is [rule 8.16]."""
    patience: dict[str, Any] = {"budget": Budget(read_s=0.5)}
    if mode == "late":
        patience = {"final_wait": world.policies.final_wait / 30}
    server = await world.start_server(**patience)
    holder = await world.enrol(prefix=OTP)
    app, _ = await apps.begin(world, holder, server=server)
    world.directory.mode = "silent" if mode == "late" else mode
    body = app.sdk.creq(challengeDataEntry=right(world, holder))

    erros = [app.read(await app.post(body)) for _ in range(2)]

    assert [(one["messageType"], one["errorCode"]) for one in erros] == [("Erro", code)] * 2
    assert outcome(world, app.ares) == ("Y", None, None, "01")


async def test_a_network_that_cannot_be_reached_is_told_to_the_app(world: World) -> None:
    holder = await world.enrol(prefix=OTP)
    app, _ = await apps.begin(world, holder)
    await world.directory.shut()

    erro = await app.send(challengeDataEntry=right(world, holder))

    assert (erro["messageType"], erro["errorCode"]) == ("Erro", "405")
    await world.directory.reopen()
    world.clock.advance(seconds=60)
    await world.server.work("results")
    assert outcome(world, app.ares) == ("Y", None, None, "01")


async def test_without_a_key_to_sign_no_challenge_is_offered(world: World) -> None:
    class Broken:
        algorithm = "ES256"
        certificates = apps.authority()[0].certificates

        def sign(self, signing_input: bytes) -> bytes:
            message = f"HSM away, {len(signing_input)} bytes unsigned"
            raise KeysUnavailable(message)

    holder = await world.enrol(prefix=OTP)
    for signer in (None, Broken()):
        server = await _signing_with(world, signer)
        sdk = apps.new_sdk()
        message = apps.app_areq(holder.pan, sdk, ds_url=world.directory.url)
        ares = await world.areq(message, server)
        assert (ares["transStatus"], ares["transStatusReason"]) == ("U", "03")


async def test_keys_are_erased_when_their_time_is_over(world: World) -> None:
    holder = await world.enrol(prefix=PIN)
    app, _ = await apps.begin(world, holder)
    await app.send(challengeDataEntry=holder.pin)
    world.clock.advance(hours=1, seconds=1)
    await world.server.work_at_everything()

    row = await world.db.fetchrow("SELECT * FROM acs.sdk_session")
    assert row is not None
    assert (row["key_sealed"], row["pin_sealed"]) == (None, None)
    erro = await app.send(challengeCancel="01")
    assert erro["errorCode"] == "402"
    # Nobody can prove to have the key any more: no identifier but the one that was named.
    assert {name for name in erro if name.endswith("TransID")} == {"acsTransID"}

    world.clock.advance(days=2)
    await world.server.work_at_everything()
    assert await world.db.fetchval("SELECT count(*) FROM acs.sdk_session") == 0


async def test_a_challenge_that_may_last_hours_keeps_its_key(world: World) -> None:
    server = await world.start_server(challenge=ChallengePolicy(cap=timedelta(hours=2)))
    holder = await world.enrol(prefix=OTP)
    app = await apps.ask(world, holder, server=server, sdkMaxTimeout="99")
    await app.send()
    for _ in range(8):
        world.clock.advance(minutes=9)
        await server.work_at_everything()
        assert (await app.send(challengeNoEntry="Y"))["messageType"] == "CRes"
    await app.send(resendChallenge="Y")

    final = await app.send(challengeDataEntry=right(world, holder))

    assert final["transStatus"] == "Y"
    world.clock.advance(hours=2)
    await server.work_at_everything()
    assert await world.db.fetchval("SELECT key_sealed FROM acs.sdk_session") is None


async def steps_of_a_success(world: World) -> list[str]:
    """Give the steps that a right code takes in the app when nothing dies."""
    server = await world.start_server()
    app, code = await _before_the_right_code(world, server)
    server.death.arm(lambda _: False)
    assert (await app.send(challengeDataEntry=code))["transStatus"] == "Y"
    return list(server.death.steps)


STEPS = 14
"""How many steps there are; a test sees to it that none is left out."""


async def test_every_step_is_tried(world: World) -> None:
    assert len(await steps_of_a_success(world)) == STEPS


@pytest.mark.parametrize("number", range(1, STEPS + 1))
async def test_a_death_at_any_step_leaves_one_result(world: World, number: int) -> None:
    """The SDK sends the same bytes again, to another process, and hears how it ended."""
    doomed = await world.start_server()
    heir = await world.start_server()
    app, code = await _before_the_right_code(world, doomed)
    body = app.sdk.creq(challengeDataEntry=code)
    doomed.death.at_step(number)
    assert await until_death(doomed, app.post(body))
    committed = (await world.challenge_row(app.ares))["outcome_status"]

    app.server = heir
    world.clock.advance(seconds=LEASE_S)
    await heir.work("results")
    final = app.read(await app.post(body))

    assert committed in {None, "Y"}
    assert world.directory.result(app.ares["acsTransID"])["transStatus"] == "Y"
    assert final["messageType"] == "Erro" or final["transStatus"] == "Y"


async def _before_the_right_code(world: World, server: Server) -> tuple[apps.App, str]:
    holder = await world.enrol(prefix=PIN)
    app, _ = await apps.begin(world, holder, server=server)
    await app.send(challengeDataEntry=holder.pin)
    return app, right(world, holder)


async def _signing_with(world: World, signer: Any) -> Server:
    server = await world.start_server()
    known = server.ports.directory_servers.by_id("test")
    assert known is not None
    server.ports.directory_servers._by_id = {"test": replace(known, signer=signer)}
    return server

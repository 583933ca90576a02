"""Registration, login and reset over HTTP: strangers and clients cannot be told apart."""

from __future__ import annotations

from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Any
from uuid import uuid4

import pytest

from enrollment.policy import RegistrationMode, RegistrationPolicy
from tests.enrollment import api as apis
from tests.enrollment import doors, people
from tests.watching import Cost, connections, watched

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from datetime import datetime

    import asyncpg

    from schemas.vault import Keys
    from tests.enrollment.api import Api, Reply

PESEL, STRANGER = people.PESELS[1], people.PESELS[3]
CONSENTS = {
    "consents": [
        {"code": code, "version": 1, "language": "pl", "accepted": True}
        for code in ("sms_3ds", "terms")
    ]
}
PASSWORD = {"password": doors.PASSWORD, "repeat": doors.PASSWORD}
RANDOM = ("registration_id", "login_id", "reset_id", "phone_mask")


async def call(api: Api, method: str, path: str, body: Any = None, **more: Any) -> Reply:
    return await api.call(method, f"/v1{path}", body, by="portal", **more)


async def activation_code(api: Api, ref: str = "p1", pesel: str = PESEL) -> str:
    made = await api.call("PUT", f"/v1/persons/{ref}", {"identifier": pesel, "phone": people.PHONE})
    code = await api.call("POST", f"/v1/persons/{made.body['person_id']}/activation-codes")
    assert code.status == 201, code
    return str(code.body["code"])


async def registered(api: Api, ref: str = "p1", pesel: str = PESEL) -> list[Reply]:
    code = await activation_code(api, ref, pesel)
    begun = await call(
        api, "POST", "/registrations", {"identifier": pesel, "activation_code": code}
    )
    path = f"/registrations/{begun.body['registration_id']}"
    consented = await call(api, "POST", f"{path}/consents", CONSENTS)
    sent = await call(api, "POST", f"{path}/sms")
    work = people.hands(api.conn, api.keys, api.clock.now)
    password = await doors.password_of(work, api.sent[-1])
    proved = await call(api, "POST", f"{path}/verify", {"sms_password": password.reveal()})
    done = await call(api, "POST", f"{path}/password", {"token": proved.body["token"], **PASSWORD})
    return [begun, consented, sent, proved, done]


async def session(api: Api, pesel: str = PESEL) -> str:
    begun = await call(api, "POST", "/logins", {"identifier": pesel, "password": doors.PASSWORD})
    code = await people.read_code(api.conn, api.keys, api.sent[-1])
    opened = await call(api, "POST", f"/logins/{begun.body['login_id']}/sms", {"code": code})
    assert opened.status == 201, opened
    return str(opened.body["session"])


def told(reply: Reply) -> tuple[int, dict[str, Any]]:
    """What an answer tells once random ids and the mask are taken out."""
    return reply.status, {
        name: "?" if name in RANDOM else value for name, value in reply.body.items()
    }


async def test_a_client_registers_logs_in_and_logs_out(api: Api) -> None:
    steps = await registered(api)
    token = await session(api)
    header = {"Portal-Session": token}
    shown = await call(api, "GET", "/me/cards", headers=header)
    out = await call(api, "DELETE", "/session", headers=header)
    after = await call(api, "GET", "/me/cards", headers=header)

    assert [reply.status for reply in steps] == [201, 200, 202, 200, 200]
    assert (shown.status, shown.body["cards"], out.status) == (200, [], 200)
    assert (after.status, after.code) == (401, "session_over")


async def test_a_logout_names_a_session_of_the_tokens_person(api: Api) -> None:
    await registered(api)
    header = {"Portal-Session": await session(api)}
    without = await call(api, "DELETE", "/session")
    unknown = await call(api, "DELETE", "/session", headers={"Portal-Session": "x" * 43})
    foreign = await call(api, "DELETE", "/session", headers=header, person=uuid4())
    twice = [(await call(api, "DELETE", "/session", headers=header)).status for _ in range(2)]

    assert (without.status, without.code, without.field) == (400, "required", "Portal-Session")
    assert [(one.status, one.code) for one in (unknown, foreign)] == [(401, "session_over")] * 2
    assert twice == [200, 200]


@pytest.mark.parametrize("mode", list(RegistrationMode))
async def test_a_stranger_gets_the_answers_of_a_client_at_every_step(
    pool: asyncpg.Pool, keys: Keys, now: datetime, mode: RegistrationMode
) -> None:
    policy = RegistrationPolicy(mode=mode)
    async with apis.running(pool, keys, now, registration=policy) as api:
        await activation_code(api)
        seen = [await _walk(api, pesel) for pesel in (PESEL, STRANGER)]

    assert seen[0] == seen[1]


async def _walk(api: Api, pesel: str) -> list[tuple[int, dict[str, Any]]]:
    begun = await call(api, "POST", "/registrations", {"identifier": pesel})
    path = f"/registrations/{begun.body['registration_id']}"
    wrong = {"sms_password": "AAAAAAAAAA"}
    code, pin = {"code": "000000"}, {"pin": "2846", "code": "000000"}
    replies = [
        begun,
        await call(api, "GET", path),
        await call(api, "POST", f"{path}/consents", CONSENTS),
        *[await call(api, "POST", f"{path}/sms") for _ in range(4)],
        *[await call(api, "POST", f"{path}/verify", wrong) for _ in range(6)],
    ]
    for _ in range(4):
        login = await call(
            api, "POST", "/logins", {"identifier": pesel, "password": doors.PASSWORD}
        )
        answer = await call(api, "POST", f"/logins/{login.body['login_id']}/sms", code)
        replies += [login, answer]
    reset = await call(api, "POST", "/password-resets", {"identifier": pesel})
    path = f"/password-resets/{reset.body['reset_id']}"
    replies += [reset, *[await call(api, "POST", f"{path}/proof", pin) for _ in range(4)]]
    body = {"token": "x", **PASSWORD}
    replies.append(await call(api, "POST", f"{path}/password", body))
    return [told(reply) for reply in replies]


async def test_every_answer_to_a_visitor_is_paced(
    pool: asyncpg.Pool, keys: Keys, now: datetime
) -> None:
    paced = []

    @asynccontextmanager
    async def pace() -> AsyncIterator[None]:
        paced.append(1)
        yield

    async with apis.running(pool, keys, now, ports={"pace": pace}) as api:
        await call(api, "POST", "/registrations", {"identifier": STRANGER})
        await call(api, "POST", "/logins", {"identifier": STRANGER, "password": "x"})
        await call(api, "POST", f"/logins/{uuid4()}/sms", {"code": "000000"})
        await call(api, "POST", "/password-resets", {"identifier": STRANGER})
        await call(api, "GET", "/me/cards", person=uuid4())

    assert len(paced) == 4


async def test_a_new_password_over_pin_and_code(api: Api) -> None:
    await registered(api)
    work = people.hands(api.conn, api.keys, api.clock.now)
    row = await api.conn.fetchrow("SELECT person_id FROM enrollment.person")
    await people.set_pin(work, row["person_id"])
    begun = await call(api, "POST", "/password-resets", {"identifier": PESEL})
    path = f"/password-resets/{begun.body['reset_id']}"
    code = await people.read_code(api.conn, api.keys, api.sent[-1])
    proved = await call(api, "POST", f"{path}/proof", {"pin": people.PIN, "code": code})
    new = {"token": proved.body["token"], "password": "inne kamienie", "repeat": "inne kamienie"}
    done = await call(api, "POST", f"{path}/password", new)

    assert [begun.status, proved.status, done.status] == [201, 200, 200]


async def test_a_registration_can_be_ended_or_its_phone_disputed(api: Api) -> None:
    ended = []
    for method, tail in (("DELETE", ""), ("POST", "/phone-dispute")):
        begun = await call(api, "POST", "/registrations", {"identifier": PESEL})
        path = f"/registrations/{begun.body['registration_id']}"
        ended.append((await call(api, method, f"{path}{tail}")).status)
        ended.append((await call(api, "GET", path)).status)

    assert ended == [200, 410, 200, 410]


async def test_a_child_gets_no_activation_code(api: Api) -> None:
    child = {"identifier": people.PESELS[3], "phone": people.PHONE}
    made = await api.call("PUT", "/v1/persons/p1", child)
    refused = await api.call("POST", f"/v1/persons/{made.body['person_id']}/activation-codes")

    assert (refused.status, refused.code) == (422, "too_young")


async def test_an_activation_code_is_not_kept_for_a_second_sending(api: Api) -> None:
    made = await api.call("PUT", "/v1/persons/p1", {"identifier": PESEL})
    path = f"/v1/persons/{made.body['person_id']}/activation-codes"
    codes = [
        (await api.call("POST", path, headers={"Idempotency-Key": "k"})).body["code"]
        for _ in range(2)
    ]
    kept = str(await api.conn.fetch("SELECT * FROM enrollment.idempotency"))

    assert codes[0] != codes[1]
    assert all(code not in kept for code in codes)


@pytest.mark.parametrize(
    ("told", "kept"), [("2001:db8::7", "2001:db8::7"), (f"fe80::7%{'x' * 80}", "fe80::7")]
)
async def test_the_address_is_the_clients_only_from_the_portal(
    api: Api, told: str, kept: str
) -> None:
    header = {"Portal-Client-Address": told}
    await call(api, "POST", "/registrations", {"identifier": STRANGER}, headers=header)
    await api.call("POST", "/v1/persons/x/activation-codes", headers=header)
    rows = await api.conn.fetch(
        "SELECT origin FROM audit.event WHERE name = 'registration.started'"
    )

    assert [row["origin"] for row in rows] == [kept]


@pytest.mark.parametrize(
    ("path", "body"),
    [
        ("/registrations", {"identifier": PESEL}),
        ("/logins", {"identifier": PESEL, "password": "x"}),
        ("/password-resets", {"identifier": PESEL}),
    ],
)
async def test_only_the_portal_opens_its_doors(api: Api, path: str, body: Any) -> None:
    refused = await api.call(
        "POST", f"/v1{path}", body, by="portal", claims={"scope": "person:read card:read"}
    )

    assert (refused.status, refused.code) == (403, "scope_missing")


async def test_the_branch_unlocks_the_portal(api: Api) -> None:
    await registered(api)
    wrong = {"identifier": PESEL, "password": "cztery kamienie"}
    for _ in range(3):
        await call(api, "POST", "/logins", wrong)
    row = await api.conn.fetchrow("SELECT person_id FROM enrollment.person")
    body = {"kind": "portal", "reason": "hotline", "staff_id": "s1"}
    path = f"/v1/persons/{row['person_id']}/unblock"
    done = [(await api.call("POST", path, body)).status for _ in range(2)]

    assert done == [200, 409]
    assert await session(api)


MESSAGES = ("send", "begin a reset")
"""Steps at which a client gets a message and a stranger none."""


async def cost_of_each_step(
    api: Api, pool: asyncpg.Pool, monkeypatch: pytest.MonkeyPatch, number: str
) -> dict[str, tuple[tuple[int, dict[str, Any]], Cost]]:
    """Walk every step with wrong entries; give what was told and what it cost."""
    found: dict[str, tuple[tuple[int, dict[str, Any]], Cost]] = {}

    async def step(name: str, method: str, path: str, body: Any = None) -> Any:
        with watched(monkeypatch, connections(pool)) as cost:
            reply = await call(api, method, path, body)
        found[name] = (told(reply), cost)
        return reply.body

    begun = await step("begin", "POST", "/registrations", {"identifier": number})
    path = f"/registrations/{begun['registration_id']}"
    await step("show", "GET", path)
    await step("consent", "POST", f"{path}/consents", CONSENTS)
    await step("send", "POST", f"{path}/sms")
    await step("verify", "POST", f"{path}/verify", {"sms_password": "AAAAAAAAAA"})
    await step("cancel", "DELETE", path)
    wrong = {"identifier": number, "password": "cztery suche kamienie"}
    begun = await step("log in", "POST", "/logins", wrong)
    await step("enter code", "POST", f"/logins/{begun['login_id']}/sms", {"code": "000000"})
    begun = await step("begin a reset", "POST", "/password-resets", {"identifier": number})
    path = f"/password-resets/{begun['reset_id']}"
    await step("prove", "POST", f"{path}/proof", {"pin": "9513", "code": "000000"})
    return found


@pytest.mark.parametrize("mode", RegistrationMode)
async def test_each_step_costs_the_same_for_a_client_and_a_stranger(
    pool: asyncpg.Pool, keys: Keys, now: datetime, monkeypatch: pytest.MonkeyPatch, mode: Any
) -> None:
    """Statements and slow hashes; the message to a client is all there is more, and its time is
    within the floor that every answer takes (`make bench`, the quiet part).
    """
    policy = RegistrationPolicy(mode=mode, per_number_day=99, per_number_week=99)
    async with apis.running(pool, keys, now, registration=policy) as api:
        await registered(api)
        person_id = await api.conn.fetchval("SELECT person_id FROM enrollment.person")
        await people.set_pin(people.hands(api.conn, api.keys, api.clock.now), person_id)
        for number in (PESEL, STRANGER):
            await cost_of_each_step(api, pool, monkeypatch, number)  # what a connection asks once
        client = await cost_of_each_step(api, pool, monkeypatch, PESEL)
        stranger = await cost_of_each_step(api, pool, monkeypatch, STRANGER)

    assert {name: one[0] for name, one in client.items()} == {
        name: one[0] for name, one in stranger.items()
    }
    for name, (_, cost) in client.items():
        other = stranger[name][1]
        assert cost.hashes == other.hashes, name
        if name not in MESSAGES:
            assert len(cost.statements) == len(other.statements), name
    assert {name: one[1].hashes for name, one in client.items() if one[1].hashes} == {
        "log in": 1, "prove": 1,
    }  # fmt: skip

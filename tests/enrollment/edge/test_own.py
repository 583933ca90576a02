"""A logged-in client's own things over HTTP; another client's are not there."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any
from uuid import uuid4

import pytest

from enrollment.edge import own
from enrollment.model import HostSaid
from tests.enrollment import api as apis
from tests.enrollment import doors, people

if TYPE_CHECKING:
    from datetime import datetime
    from uuid import UUID

    import asyncpg

    from schemas.vault import Keys
    from tests.enrollment.api import Api, Reply
    from tests.enrollment.people import Client

NEW = "+48600700999"


@pytest.fixture
async def client(api: Api) -> Client:
    return await people.make_client(people.hands(api.conn, api.keys, api.clock.now))


@pytest.fixture
async def other(api: Api) -> Client:
    work = people.hands(api.conn, api.keys, api.clock.now)
    return await people.make_client(work, number=2, pesel=people.PESELS[2])


async def me(
    api: Api, client: Client, method: str, path: str, body: Any = None, **more: Any
) -> Reply:
    return await api.call(
        method, f"/v1/me{path}", body, by="portal", person=client.person_id, **more
    )


async def changing(api: Api, client: Client) -> Reply:
    proof = await api.step_up(client.person_id, "phone.change", phone=NEW)
    return await me(api, client, "POST", "/phone", {"phone": NEW, "step_up": proof})


async def test_a_phone_is_changed_in_two_steps_and_the_change_dropped(
    api: Api, client: Client
) -> None:
    asked = await changing(api, client)
    code = await people.read_code(api.conn, api.keys, api.sent[-1])
    body = {"change_id": asked.body["change_id"], "code": code}
    confirmed = await me(api, client, "POST", "/phone/confirm", body)
    shown = await me(api, client, "GET", "/phone")
    dropped = await me(api, client, "DELETE", "/phone")
    none = await me(api, client, "GET", "/phone")

    assert [reply.status for reply in (asked, confirmed, shown, dropped)] == [202, 200, 200, 200]
    assert asked.body["active_at"] is None
    assert confirmed.body == shown.body
    assert confirmed.body["active_at"] == "2026-06-18T10:00:00+00:00"
    assert none.body == {"change_id": None, "phone_mask": None, "active_at": None}


async def test_the_step_up_of_a_phone_names_the_phone_and_nothing_else_does(
    api: Api, client: Client
) -> None:
    bodies = [
        {"action": "phone.change"},
        {"action": "pin.set", "parameters": {"phone": NEW}},
        {"action": "phone.change", "parameters": {"phone": NEW, "card_id": str(uuid4())}},
    ]
    replies = [await me(api, client, "POST", "/step-ups", body) for body in bodies]

    assert [(reply.status, reply.field) for reply in replies] == [
        (422, "parameters.phone"),
        (422, "parameters.phone"),
        (422, "parameters.card_id"),
    ]


async def test_preferences_are_changed_by_version(api: Api, client: Client) -> None:
    shown = await me(api, client, "GET", "/preferences")
    header = {"If-Match": shown.headers["ETag"]}
    body = {"language": "en", "low_value": False}
    done = await me(api, client, "PUT", "/preferences", body, headers=header)
    late = await me(api, client, "PUT", "/preferences", {**body, "language": "uk"}, headers=header)
    small = await me(api, client, "PUT", "/preferences", {"language": "en", "low_value": True})
    proof = await api.step_up(client.person_id, "low_value.on")
    with_code = {"language": "en", "low_value": True, "step_up": proof}
    on = await me(api, client, "PUT", "/preferences", with_code)

    assert shown.body == {"language": "pl", "low_value": False}
    assert [done.status, late.status, small.status, on.status] == [200, 412, 403, 200]


async def test_without_a_host_a_block_is_refused_with_502(api: Api, client: Client) -> None:
    reply = await me(api, client, "POST", f"/cards/{client.card_id}/block", {"wish": "permanent"})

    assert (reply.status, reply.code) == (502, "host_unavailable")


async def test_a_host_blocks_the_card_and_the_client_is_told_once(
    pool: asyncpg.Pool, keys: Keys, now: datetime
) -> None:
    class Host:
        is_there = True

        async def block(self, card_ref: str, wish: str, wish_id: UUID) -> HostSaid:
            assert wish_id.int > 0
            assert (card_ref, wish) == ("c1", "temporary")
            return HostSaid.TAKEN

    async with apis.running(pool, keys, now, ports={"host": Host()}) as api:
        client = await people.make_client(people.hands(api.conn, keys, now))
        path = f"/cards/{client.card_id}/block"
        reply = await me(api, client, "POST", path, {"wish": "temporary"})

        again = await me(api, client, "POST", path, {"wish": "temporary"})
        told = await api.conn.fetchval("SELECT count(*) FROM otp.outbox WHERE kind = 'held'")

    assert (reply.status, reply.body["status"]) == (200, "blocked_temp")
    assert (again.status, told) == (200, 1)


class SlowHost:
    """A card host that looks, while it is asked, at what the asker holds."""

    is_there = True

    def __init__(self, pool: asyncpg.Pool) -> None:
        self.pool = pool
        self.keys: list[UUID] = []
        self.open: list[int] = []
        self.dies = False
        self.says = HostSaid.TAKEN

    async def block(self, card_ref: str, wish: str, wish_id: UUID) -> HostSaid:
        del card_ref, wish
        self.keys.append(wish_id)
        query = (
            "SELECT count(*) FROM pg_locks WHERE pid <> pg_backend_pid()"
            " AND relation = 'enrollment.person'::regclass"
        )
        self.open.append(await self.pool.fetchval(query))
        if self.dies:
            message = "the process ends after the host's yes"
            raise RuntimeError(message)
        return self.says


async def test_no_transaction_is_open_while_the_host_is_asked(
    pool: asyncpg.Pool, keys: Keys, now: datetime
) -> None:
    host = SlowHost(pool)
    async with apis.running(pool, keys, now, ports={"host": host}) as api:
        client = await people.make_client(people.hands(api.conn, keys, now))
        path, again = f"/cards/{client.card_id}/block", {"Idempotency-Key": "k-1"}
        replies = [
            await me(api, client, "POST", path, {"wish": "permanent"}, headers=again)
            for _ in range(2)
        ]

    assert [one.status for one in replies] == [200, 200]
    assert replies[0].body == replies[1].body
    assert (host.open, len(host.keys)) == ([0], 1)


async def test_what_was_asked_before_a_death_is_on_disk_and_its_key_is_free(
    pool: asyncpg.Pool, keys: Keys, now: datetime
) -> None:
    host = SlowHost(pool)
    async with apis.running(pool, keys, now, ports={"host": host}) as api:
        client = await people.make_client(people.hands(api.conn, keys, now))
        path, again = f"/cards/{client.card_id}/block", {"Idempotency-Key": "k-1"}
        host.dies = True
        dead = await me(api, client, "POST", path, {"wish": "permanent"}, headers=again)
        left = await api.conn.fetchval("SELECT wish_id FROM enrollment.host_wish")
        host.dies = False
        done = await me(api, client, "POST", path, {"wish": "permanent"}, headers=again)

    assert (dead.status, done.status) == (500, 200)
    assert [left, left] == host.keys


async def test_a_client_is_told_that_a_block_is_not_known_and_asks_again_for_the_same_one(
    pool: asyncpg.Pool, keys: Keys, now: datetime
) -> None:
    host = SlowHost(pool)
    async with apis.running(pool, keys, now, ports={"host": host}) as api:
        client = await people.make_client(people.hands(api.conn, keys, now))
        path, again = f"/cards/{client.card_id}/block", {"Idempotency-Key": "k-1"}
        host.says = HostSaid.UNKNOWN
        told = await me(api, client, "POST", path, {"wish": "permanent"}, headers=again)
        host.says = HostSaid.NOT_ASKED
        busy = await me(api, client, "POST", path, {"wish": "permanent"})
        host.says = HostSaid.TAKEN
        done = await me(api, client, "POST", path, {"wish": "permanent"}, headers=again)

    assert [(told.status, told.code), (busy.status, busy.code)] == [(504, "host_unknown")] * 2
    assert (done.status, done.body["status"]) == (200, "blocked")
    assert len(set(host.keys)) == 1


async def test_events_and_merchants_are_listed(api: Api, client: Client) -> None:
    await me(api, client, "POST", "/step-ups", {"action": "pin.set"})
    events = await me(api, client, "GET", "/events")
    merchants = await me(api, client, "GET", "/trusted-merchants")

    assert {one["name"] for one in events.body["events"]} >= {"person.created", "phone.changed"}
    assert [events.body["events"][0][name] for name in ("name", "about")] == [
        "step_up.sent",
        "pin.set",
    ]
    assert merchants.body == {"merchants": []}


async def test_of_two_clients_with_swapped_routes_none_reaches_the_other(
    api: Api, client: Client, other: Client
) -> None:
    merchant_id = uuid4()
    await api.conn.execute(
        "INSERT INTO enrollment.trusted_merchant VALUES ($1, $2, '400001', 'm1', 'Sklep', $3, $4)",
        merchant_id, client.person_id, uuid4(), api.clock.now,
    )  # fmt: skip
    card = f"/cards/{client.card_id}"
    limits = dict.fromkeys(("per_tx", "per_day"), 1)
    replies = [
        await me(api, other, "DELETE", f"/trusted-merchants/{merchant_id}"),
        await me(api, other, "POST", f"{card}/block", {"wish": "permanent"}),
        await me(api, other, "POST", f"{card}/threeds", {"wish": "deactivate"}),
        await me(api, other, "PUT", f"{card}/limits", limits),
        await me(
            api, other, "POST", "/step-ups",
            {"action": "threeds.activate", "parameters": {"card_id": str(client.card_id)}},
        ),
    ]  # fmt: skip

    assert [reply.status for reply in replies] == [404] * 5


async def test_a_nobody_has_nothing(api: Api) -> None:
    nobody = people.Client(uuid4(), uuid4(), uuid4())
    paths = ("/phone", "/trusted-merchants", "/preferences", "/events", "/cards", "/consents")

    assert [(await me(api, nobody, "GET", path)).status for path in paths] == [404] * 6


async def test_a_session_stands_for_the_person_and_for_nobody_else(
    api: Api, client: Client, other: Client
) -> None:
    work = people.hands(api.conn, api.keys, api.clock.now)
    await doors.register(work, client.person_id)
    opened = await doors.log_in(work)
    header = {"Portal-Session": opened.token.reveal()}
    mine = await api.call("GET", "/v1/me/cards", by="portal", headers=header)
    theirs = await me(api, other, "GET", "/cards", headers=header)
    nobodys = await api.call(
        "GET", "/v1/me/cards", by="portal", headers={"Portal-Session": "x" * 43}
    )

    assert [one["card_id"] for one in mine.body["cards"]] == [str(client.card_id)]
    assert [theirs.status, nobodys.status] == [401, 401]


def test_every_use_case_has_a_name_of_its_own() -> None:
    assert len(own.USE_CASES) == 10

"""Ends of blocks, of accesses and of clients; two signatures under what one must not do alone."""

from __future__ import annotations

import asyncio
from datetime import timedelta
from typing import TYPE_CHECKING
from uuid import uuid4

import pytest

from enrollment import flows
from enrollment.flows import counter, enrolments, logins, persons, registrations, sessions
from enrollment.flows.sessions import Over
from enrollment.model import BlockKind
from enrollment.refusals import Done, Refusal, RefusalCode
from schemas.vault import Secret
from tests.enrollment import doors, people
from tests.enrollment.people import hands, later

if TYPE_CHECKING:
    from datetime import datetime
    from uuid import UUID

    import asyncpg

    from enrollment.flows.work import Work
    from schemas.vault import Keys

PERM = BlockKind.SCA_PERM


@pytest.fixture
def bank(db: asyncpg.Connection, keys: Keys, now: datetime) -> Work:
    return hands(db, keys, now)


async def blocked_for_good(work: Work) -> UUID:
    person_id = await people.make_person(work)
    for day in range(4):
        then = later(work, days=day - 4)
        for _ in range(5):
            await flows.begin_attempt(then, person_id)
        await flows.attempt_failed(then, person_id)
    return person_id


async def sign(work: Work, person_id: UUID, staff: str) -> str:
    """Ask for the end of the permanent block; give ``done`` or the refusal's code."""
    done = await counter.unblock(work, person_id, PERM, reason="id shown", staff=staff)
    return "done" if isinstance(done, Done) else done.code.value


async def test_a_permanent_block_ends_by_two_members_of_staff(bank: Work) -> None:
    person_id = await blocked_for_good(bank)

    assert await sign(bank, person_id, "a.lis") == "dual_control_needed"
    assert await sign(later(bank, minutes=14), person_id, "k.nowak") == "done"
    row = await bank.conn.fetchrow("SELECT ended_by FROM enrollment.block WHERE kind = 'sca_perm'")
    assert row["ended_by"] == "a.lis+k.nowak"
    assert await sign(bank, person_id, "a.lis") == "no_such_block"


@pytest.mark.parametrize("again", ["a.lis", "A.Lis"])
async def test_the_same_member_of_staff_is_no_second_one(bank: Work, again: str) -> None:
    person_id = await blocked_for_good(bank)

    assert [await sign(bank, person_id, staff) for staff in ("a.lis", again)] == [
        "dual_control_needed"
    ] * 2


async def test_a_first_signature_is_good_for_a_quarter_of_an_hour(bank: Work) -> None:
    person_id = await blocked_for_good(bank)
    await sign(bank, person_id, "a.lis")

    assert await sign(later(bank, minutes=15), person_id, "k.nowak") == "dual_control_needed"
    assert await sign(later(bank, minutes=16), person_id, "a.lis") == "done"


async def test_a_first_signature_serves_one_block_only(bank: Work) -> None:
    person_id = await blocked_for_good(bank)
    await sign(bank, person_id, "a.lis")
    await sign(bank, person_id, "k.nowak")
    soon = later(bank, minutes=1)
    kinds = []
    for _ in range(4):
        for _ in range(5):
            await flows.begin_attempt(soon, person_id)
        again = await flows.attempt_failed(soon, person_id)
        assert again is not None
        kinds.append(again.kind)
        await counter.unblock(soon, person_id, BlockKind.SCA_TEMP, reason="id", staff="s")

    assert kinds[-1] is PERM
    assert await sign(soon, person_id, "z.wilk") == "dual_control_needed"


async def test_names_as_long_as_they_may_be_are_kept(bank: Work) -> None:
    person_id = await blocked_for_good(bank)
    await sign(bank, person_id, "a" * 64)

    assert await sign(bank, person_id, "b" * 64) == "done"


async def test_both_signatures_are_audited(bank: Work) -> None:
    person_id = await blocked_for_good(bank)
    await sign(bank, person_id, "a.lis")
    await sign(bank, person_id, "k.nowak")

    rows = await bank.conn.fetch(
        "SELECT name, outcome, details->>'staff' AS staff FROM audit.event"
        " WHERE name IN ('staff.unblock', 'block.cleared') ORDER BY event_id"
    )
    assert [tuple(row) for row in rows] == [
        ("staff.unblock", "dual_control_needed", "a.lis"),
        ("staff.unblock", "ok", "k.nowak"),
        ("block.cleared", "ok", "a.lis+k.nowak"),
    ]


async def test_two_first_signatures_at_once_end_the_block_once(
    pool: asyncpg.Pool, keys: Keys, now: datetime
) -> None:
    async with pool.acquire() as conn:
        person_id = await blocked_for_good(hands(conn, keys, now))

    async def one(staff: str) -> str:
        async with pool.acquire() as conn, conn.transaction():
            return await sign(hands(conn, keys, now), person_id, staff)

    answers = await asyncio.gather(one("a.lis"), one("k.nowak"))

    assert sorted(answers) == ["done", "dual_control_needed"]


async def test_who_is_not_blocked_for_good_is_not_asked_about(bank: Work) -> None:
    person_id = await people.make_person(bank)

    assert await sign(bank, person_id, "a.lis") == "no_such_block"
    assert await bank.conn.fetch("SELECT request_id FROM enrollment.unblock_request") == []


async def test_of_nobody_nothing_can_be_ended(bank: Work) -> None:
    act = {"reason": "r", "staff": "s"}
    refused = [
        await counter.unblock(bank, uuid4(), BlockKind.MANUAL, **act),
        await counter.unlock_portal(bank, uuid4(), **act),
        await counter.reset(bank, uuid4(), **act),
        await counter.close(bank, uuid4(), **act),
    ]

    assert refused == [Refusal(RefusalCode.NOT_FOUND)] * 4


async def active(bank: Work) -> people.Client:
    """Give a client who is registered, logs in with a password, and has an active card."""
    client = await people.make_client(bank)
    await doors.register(bank, client.person_id)
    await people.set_pin(later(bank, minutes=1), client.person_id)
    await people.switch(later(bank, minutes=2), client)
    return client


async def reset(bank: Work, person_id: UUID) -> None:
    done = await counter.reset(bank, person_id, reason="phone stolen", staff="a.lis")
    assert isinstance(done, Done)
    assert done.value.status == "known"


async def test_a_reset_takes_the_access_and_suspends_the_cards(bank: Work) -> None:
    client = await active(bank)
    opened = await doors.log_in(later(bank, minutes=3))
    at = later(bank, minutes=4)
    await reset(at, client.person_id)

    assert isinstance(await sessions.resume(at, opened.token), Over)
    again = await logins.begin(at, people.PESELS[1], Secret(doors.PASSWORD))
    assert isinstance(again, Done)
    assert again.value.sms_id is None
    assert await people.enrolment(bank.conn, client.card_id) == ("suspended", "pin_missing")
    assert not await flows.check_pin(bank.conn, bank.keys, client.person_id, Secret(people.PIN))
    assert "Bank uniewaznil dostep" in (await doors.messages(bank))[-1]


async def test_after_a_reset_the_cards_come_back_with_a_new_pin(bank: Work) -> None:
    client = await active(bank)
    at = later(bank, days=1)
    await reset(at, client.person_id)
    await doors.register(at, client.person_id)
    suspended = await people.enrolment(bank.conn, client.card_id)
    await people.set_pin(later(at, minutes=5), client.person_id, "9513")

    assert suspended == ("suspended", "pin_missing")
    assert await people.enrolment(bank.conn, client.card_id) == ("active", None)


async def test_a_reset_brings_nothing_back_that_the_client_switched_off(bank: Work) -> None:
    client = await active(bank)
    await people.switch(later(bank, minutes=3), client, "deactivate")
    at = later(bank, days=1)
    await reset(at, client.person_id)
    await doors.register(at, client.person_id)
    await people.set_pin(later(at, minutes=5), client.person_id, "9513")

    assert await people.enrolment(bank.conn, client.card_id) == ("suspended", "client_off")


async def test_what_was_under_way_is_over_with_a_reset(bank: Work) -> None:
    client = await active(bank)
    at = later(bank, minutes=5)
    login = await logins.begin(at, people.PESELS[1], Secret(doors.PASSWORD))
    assert isinstance(login, Done)
    code = await doors.code_of(at, login.value.sms_id)
    activation = await doors.activation(at, client.person_id)
    registration, _ = await doors.to_sms(at, people.PESELS[1], activation)
    await reset(at, client.person_id)

    refused = await logins.finish(at, login.value.login_id, code)
    over = await registrations.show(at, registration)
    assert isinstance(refused, Refusal)
    assert over == Refusal(RefusalCode.REGISTRATION_OVER)
    rows = await bank.conn.fetch("SELECT void_at, used_at FROM enrollment.activation")
    assert all(row["void_at"] or row["used_at"] for row in rows)


async def test_a_login_that_ends_while_the_access_goes_lets_nobody_in(bank: Work) -> None:
    await active(bank)
    at = later(bank, minutes=5)
    login = await logins.begin(at, people.PESELS[1], Secret(doors.PASSWORD))
    assert isinstance(login, Done)
    code = await doors.code_of(at, login.value.sms_id)
    await bank.conn.execute("DELETE FROM enrollment.password")  # the reset left the locked row out

    assert isinstance(await logins.finish(at, login.value.login_id, code), Refusal)


async def test_a_reset_of_who_has_no_access_changes_nothing(bank: Work) -> None:
    person_id = await people.make_person(bank)
    before = await people.events(bank.conn)
    await reset(bank, person_id)

    assert await people.events(bank.conn) == before
    assert await doors.messages(bank) == []


async def test_a_block_outlives_a_reset(bank: Work) -> None:
    person_id = await blocked_for_good(bank)
    await doors.register(bank, person_id)
    await reset(bank, person_id)

    assert await sign(bank, person_id, "a.lis") == "dual_control_needed"


async def test_a_closed_client_has_no_access_no_phone_and_no_number(bank: Work) -> None:
    client = await active(bank)
    opened = await doors.log_in(later(bank, minutes=3))
    at = later(bank, minutes=4)
    done = await counter.close(at, client.person_id, reason="died", staff="a.lis")

    assert isinstance(done, Done)
    assert (done.value.status, done.value.phone_mask) == ("closed", None)
    assert isinstance(await sessions.resume(at, opened.token), Over)
    assert await people.enrolment(bank.conn, client.card_id) == ("suspended", "person_closed")
    other = await persons.put_person(at, "p9", persons.PersonData(people.PESELS[1]), None)
    assert isinstance(other, Done)
    assert other.created


async def test_closing_twice_is_closing_once(bank: Work) -> None:
    person_id = await people.make_person(bank)
    act = {"reason": "r", "staff": "s"}
    first = await counter.close(bank, person_id, **act)
    again = await counter.close(bank, person_id, **act)

    assert first == again
    assert (await people.events(bank.conn)).count("person.closed") == 1


async def test_a_closed_client_cannot_be_reset(bank: Work) -> None:
    person_id = await people.make_person(bank)
    await counter.close(bank, person_id, reason="r", staff="s")

    refused = await counter.reset(bank, person_id, reason="r", staff="s")
    assert refused == Refusal(RefusalCode.PERSON_CLOSED)


async def test_3d_secure_of_a_closed_client_cannot_be_switched_on(bank: Work) -> None:
    client = await active(bank)
    await counter.close(later(bank, minutes=3), client.person_id, reason="r", staff="s")

    refused = await enrolments.switch(bank, client.person_id, client.card_id, "activate")
    assert isinstance(refused, Refusal)


def test_the_second_signature_is_awaited_for_a_quarter_of_an_hour() -> None:
    assert timedelta(minutes=15) == counter.SECOND_WITHIN

"""What a client does in the very moment in which branch, worker or another browser does something.

Each test ends one way whoever is first, and nobody waits for somebody who waits.
"""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any, TypeVar

import pytest

from enrollment.flows import (
    card_blocks,
    cards,
    clients,
    counter,
    limits,
    logins,
    passwords,
    persons,
    phone_change,
    registrations,
    sessions,
)
from enrollment.flows.cards import StatusData
from enrollment.flows.sessions import Over, OverReason
from enrollment.flows.step_up import Intent, Proof
from enrollment.model import CardStatus, EffectiveLimits, HostSaid
from enrollment.refusals import Done, Refusal
from enrollment.store.host_wishes import HostWish
from enrollment.words import Action
from schemas.vault import Secret
from tests.enrollment import doors, people, races
from tests.enrollment.people import code_of
from tests.records import replace

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Awaitable, Callable
    from datetime import datetime

    import asyncpg

    from enrollment.flows.work import Work
    from schemas.vault import Keys
    from tests.enrollment.people import Client

Out = TypeVar("Out")
LOW = EffectiveLimits(per_tx=100)
PINS = (Secret("2846"), Secret("2846"))
NEW = Secret("piec gladkich kamieni")


@pytest.fixture
async def bank(pool: asyncpg.Pool, keys: Keys, now: datetime) -> AsyncIterator[Work]:
    """Give the bank's hands at a connection beside which there are others."""
    async with pool.acquire() as conn:
        yield people.hands(conn, keys, now)


@pytest.fixture
async def client(bank: Work) -> Client:
    """Give a client with an access and 3-D Secure, who has done nothing for an hour."""
    made = await people.make_client(bank)
    await doors.register(bank, made.person_id)
    await people.activate(bank, made)
    return made


async def at_once(
    pool: asyncpg.Pool, bank: Work, act: Callable[[Work], Awaitable[Out]], times: int = 3
) -> list[Out]:
    """Let several browsers do the same at once."""

    async def alone() -> Out:
        async with pool.acquire() as conn, conn.transaction():
            return await act(doors.at_portal(replace(bank, conn=conn)))

    async with asyncio.timeout(100):
        return await asyncio.gather(*(alone() for _ in range(times)))


def done_and_codes(outcomes: list[Any]) -> tuple[int, set[str]]:
    refused = {one.code.value for one in outcomes if isinstance(one, Refusal)}
    return sum(isinstance(one, Done) for one in outcomes), refused


async def phone_changes(work: Work, client: Client) -> None:
    done = await persons.put_phone(work, client.person_id, doors.NEW_PHONE, "branch", None)
    assert isinstance(done, Done)


async def is_reset(work: Work, client: Client) -> None:
    done = await counter.reset(work, client.person_id, reason="asked", staff="s1")
    assert isinstance(done, Done)


async def is_closed(work: Work, client: Client) -> None:
    done = await counter.close(work, client.person_id, reason="left", staff="s1")
    assert isinstance(done, Done)


CHANGES = {"phone": phone_changes, "reset": is_reset, "close": is_closed}


@pytest.mark.parametrize(
    ("change", "code"),
    [("phone", "step_up_invalid"), ("reset", "step_up_invalid"), ("close", "not_found")],
)
@pytest.mark.parametrize("act", ["switch", "limits", "pin", "phone"])
async def test_a_code_that_was_sent_before_confirms_nothing_after(
    pool: asyncpg.Pool, bank: Work, client: Client, act: str, change: str, code: str
) -> None:
    """Whoever holds the old phone has a good code in hand when the branch makes the change."""
    person_id, card_id = client.person_id, client.card_id
    portal = doors.at_portal(people.later(bank, hours=1))
    intents = {
        "switch": Intent(Action.THREEDS_DEACTIVATE, card_id),
        "limits": Intent(Action.LIMITS_LOWER, card_id, LOW.as_dict()),
        "pin": Intent(Action.PIN_SET),
    }
    if act == "phone":
        sent = await phone_change.ask_code(portal, person_id, "+48600700888")
        assert isinstance(sent, Done)
        read = await doors.code_of(portal, sent.value.sms_id)
        proof = Proof(sent.value.step_up_id, read)
    else:
        proof = await people.proof(portal, person_id, intents[act])

    async def go_on(work: Work) -> Any:
        match act:
            case "switch":
                return await clients.switch_threeds(work, person_id, card_id, "deactivate", proof)
            case "limits":
                return await clients.lower_limits(work, person_id, card_id, LOW, proof)
            case "pin":
                return await clients.set_pin(work, person_id, PINS, proof)
            case _:
                return await phone_change.request(work, person_id, "+48600700888", proof)

    async def changes(work: Work) -> None:
        await CHANGES[change](work, client)

    refused = await races.during(pool, people.later(bank, hours=1), person_id, go_on, changes)

    assert code_of(refused) == code


@pytest.mark.parametrize("change", ["phone", "reset", "close"])
async def test_a_session_is_over_with_the_change(
    pool: asyncpg.Pool, bank: Work, client: Client, change: str
) -> None:
    opened = await doors.log_in(bank)

    async def changes(work: Work) -> None:
        await CHANGES[change](work, client)

    found = await races.during(
        pool, bank, client.person_id, lambda work: sessions.resume(work, opened.token), changes
    )

    assert found == Over(OverReason.ENDED)


@pytest.mark.parametrize("change", ["phone", "reset", "close"])
async def test_a_phone_that_answers_while_the_branch_makes_a_change_takes_nothing_over(
    pool: asyncpg.Pool, bank: Work, client: Client, change: str
) -> None:
    later = people.later(bank, hours=1)
    asked = await doors.ask_for_phone(later, client.person_id, "+48600700888")
    code = await doors.code_of(later, asked.sms_id)

    async def confirm(work: Work) -> Any:
        return await phone_change.confirm(work, client.person_id, asked.change_id, code)

    async def changes(work: Work) -> None:
        await CHANGES[change](work, client)

    refused = await races.during(pool, later, client.person_id, confirm, changes)

    assert code_of(refused) == ("not_found" if change == "close" else "invalid")
    assert await phone_change.take_over(people.later(bank, days=3), 10) == 0


@pytest.mark.parametrize("change", ["reset", "close"])
async def test_a_registration_is_over_with_the_access(
    pool: asyncpg.Pool, bank: Work, client: Client, change: str
) -> None:
    later = doors.at_portal(people.later(bank, hours=1))
    code = await doors.activation(later, client.person_id)
    found, sms_id = await doors.to_sms(later, people.PESELS[1], code)
    proved = await registrations.verify(later, found, await doors.password_of(later, sms_id))
    assert isinstance(proved, Done)

    async def finish(work: Work) -> Any:
        return await registrations.set_password(work, found, proved.value.token, (NEW, NEW))

    async def changes(work: Work) -> None:
        await CHANGES[change](work, client)

    refused = await races.during(pool, later, client.person_id, finish, changes)

    assert code_of(refused) == "registration_over"
    assert await bank.conn.fetch("SELECT 1 FROM enrollment.password") == []


async def test_of_browsers_with_one_code_one_switches(
    pool: asyncpg.Pool, bank: Work, client: Client
) -> None:
    later = people.later(bank, hours=1)
    intent = Intent(Action.THREEDS_DEACTIVATE, client.card_id)
    proof = await people.proof(later, client.person_id, intent)

    async def switch(work: Work) -> Any:
        return await clients.switch_threeds(
            work, client.person_id, client.card_id, "deactivate", proof
        )

    assert done_and_codes(await at_once(pool, later, switch)) == (1, {"step_up_invalid"})


async def test_of_browsers_with_one_code_one_sets_its_pin(
    pool: asyncpg.Pool, bank: Work, client: Client
) -> None:
    later = people.later(bank, hours=1)
    proof = await people.proof(later, client.person_id, Intent(Action.PIN_SET))

    async def put(work: Work) -> Any:
        return await clients.set_pin(work, client.person_id, PINS, proof)

    assert done_and_codes(await at_once(pool, later, put)) == (1, {"step_up_invalid"})


async def test_of_browsers_with_one_code_one_changes_the_phone(
    pool: asyncpg.Pool, bank: Work, client: Client
) -> None:
    later = people.later(bank, hours=1)
    asked = await doors.ask_for_phone(later, client.person_id)
    code = await doors.code_of(later, asked.sms_id)

    async def confirm(work: Work) -> Any:
        return await phone_change.confirm(work, client.person_id, asked.change_id, code)

    done, codes = done_and_codes(await at_once(pool, later, confirm))
    assert done == 1
    assert codes <= {"invalid", "conflict"}  # who comes while the first is at work


async def test_of_browsers_with_one_proof_one_sets_the_password(
    pool: asyncpg.Pool, bank: Work, client: Client
) -> None:
    later = doors.at_portal(people.later(bank, hours=1))
    begun = await passwords.begin_reset(later, people.PESELS[1])
    assert isinstance(begun, Done)
    code = await doors.code_of(later, begun.value.sms_id)
    proved = await passwords.prove_reset(later, begun.value.reset_id, Secret(people.PIN), code)
    assert isinstance(proved, Done)

    async def finish(work: Work) -> Any:
        token = proved.value.token
        return await passwords.finish_reset(work, begun.value.reset_id, token, (NEW, NEW))

    assert done_and_codes(await at_once(pool, later, finish)) == (1, {"registration_over"})


async def test_of_browsers_in_one_registration_one_sets_the_password(
    pool: asyncpg.Pool, bank: Work, client: Client
) -> None:
    later = doors.at_portal(people.later(bank, hours=1))
    code = await doors.activation(later, client.person_id)
    found, sms_id = await doors.to_sms(later, people.PESELS[1], code)
    password = await doors.password_of(later, sms_id)

    async def verify(work: Work) -> Any:
        return await registrations.verify(work, found, password)

    tried = await at_once(pool, later, verify)
    (proved,) = [one for one in tried if isinstance(one, Done)]

    async def finish(work: Work) -> Any:
        return await registrations.set_password(work, found, proved.value.token, (NEW, NEW))

    assert done_and_codes(tried) == (1, {"not_yet"})
    assert done_and_codes(await at_once(pool, later, finish)) == (1, {"registration_over"})


async def test_logins_resets_and_registrations_of_one_client_do_not_lock_each_other_out(
    pool: asyncpg.Pool, bank: Work, client: Client
) -> None:
    """Everything that counts and holds the same client, from the doors and from the counter."""
    later = people.later(bank, hours=1)
    number = people.PESELS[1]
    acts: list[Callable[[Work], Awaitable[Any]]] = [
        lambda work: logins.begin(work, number, Secret(doors.PASSWORD)),
        lambda work: logins.begin(work, number, NEW),
        lambda work: passwords.begin_reset(work, number),
        lambda work: registrations.start(work, number, Secret("AAAABBBBCCCC")),
        lambda work: counter.unlock_portal(work, client.person_id, reason="x", staff="s1"),
        lambda work: phone_changes(work, client),
    ]

    async def alone(act: Callable[[Work], Awaitable[Any]], address: int) -> None:
        async with pool.acquire() as conn, conn.transaction():
            work = doors.at_portal(replace(later, conn=conn))
            actor = replace(work.actor, origin=f"203.0.113.{address}")
            await act(replace(work, actor=actor))

    for _ in range(3):
        async with asyncio.timeout(100):
            await asyncio.gather(*(alone(act, at) for at, act in enumerate(acts * 2)))

    assert await bank.conn.fetch("SELECT 1 FROM enrollment.password") != []


async def test_a_lower_limit_and_a_block_at_once_both_hold(
    pool: asyncpg.Pool, bank: Work, client: Client
) -> None:
    later = people.later(bank, hours=1)
    intent = Intent(Action.LIMITS_LOWER, client.card_id, LOW.as_dict())
    proof = await people.proof(later, client.person_id, intent)

    async def lower(work: Work) -> Any:
        return await clients.lower_limits(work, client.person_id, client.card_id, LOW, proof)

    async def block(work: Work) -> None:
        wished = await card_blocks.wish(work, client.person_id, client.card_id, "permanent")
        assert isinstance(wished, HostWish)
        assert isinstance(await card_blocks.settle(work, wished, HostSaid.TAKEN), Done)

    lowered = await races.during(pool, later, client.person_id, lower, block)
    found = await limits.card_limits(bank, client.card_id)

    assert isinstance(lowered, Done)
    assert isinstance(found, Done)
    assert found.value.client == LOW
    row = await bank.conn.fetchrow("SELECT status FROM enrollment.card")
    assert row["status"] == "blocked"


async def test_a_branch_and_a_client_who_set_limits_at_once_both_hold(
    pool: asyncpg.Pool, bank: Work, client: Client
) -> None:
    later = people.later(bank, hours=1)
    intent = Intent(Action.LIMITS_LOWER, client.card_id, LOW.as_dict())
    proof = await people.proof(later, client.person_id, intent)
    of_branch = EffectiveLimits(per_tx=50)

    async def lower(work: Work) -> Any:
        return await clients.lower_limits(work, client.person_id, client.card_id, LOW, proof)

    async def set_(work: Work) -> Any:
        return await limits.put_card_limits(work, client.card_id, of_branch, None)

    lowered = await races.during(pool, later, client.person_id, lower, set_)
    found = await limits.card_limits(bank, client.card_id)

    assert code_of(lowered) == "raise_in_branch"
    assert isinstance(found, Done)
    assert found.value.effective == of_branch


async def test_a_switch_on_while_the_card_is_reported_stolen_stays_off(
    pool: asyncpg.Pool, bank: Work, client: Client
) -> None:
    later = people.later(bank, hours=1)
    await people.switch(later, client, "deactivate")
    intent = Intent(Action.THREEDS_ACTIVATE, client.card_id)
    proof = await people.proof(later, client.person_id, intent)

    async def switch(work: Work) -> Any:
        return await clients.switch_threeds(
            work, client.person_id, client.card_id, "activate", proof
        )

    async def stolen(work: Work) -> None:
        said = StatusData(CardStatus.BLOCKED_STOLEN, None, None, None)
        assert isinstance(await cards.set_status(work, client.card_id, said), Done)

    refused = await races.during(pool, later, client.person_id, switch, stolen)

    assert code_of(refused) == "missing"
    assert (await people.enrolment(bank.conn, client.card_id))[0] == "removed"


@pytest.mark.parametrize("is_given", [True, False])
async def test_a_consent_act_while_the_phone_changes_is_kept_and_the_card_follows(
    pool: asyncpg.Pool, bank: Work, client: Client, is_given: bool
) -> None:
    async def declare(work: Work) -> Any:
        if is_given:
            await people.consent(work, client.person_id)
            return Done(None)
        return await clients.withdraw(work, client.person_id, "sms_3ds")

    async def changes(work: Work) -> None:
        await phone_changes(work, client)

    done = await races.during(pool, bank, client.person_id, declare, changes)
    state = await people.enrolment(bank.conn, client.card_id)

    assert isinstance(done, Done)
    assert state == (("active", None) if is_given else ("suspended", "consent_withdrawn"))

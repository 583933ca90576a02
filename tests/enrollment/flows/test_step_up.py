"""A code that confirms one action: what it is bound to, and when none is sent."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING
from uuid import UUID, uuid4

import pytest

from enrollment.flows import step_up
from enrollment.flows.step_up import Intent, Proof
from enrollment.refusals import Done, Refusal, RefusalCode
from enrollment.store import persons
from enrollment.words import Action
from otp.policy import OtpPolicy
from schemas.vault import Secret
from tests.enrollment import people
from tests.enrollment.people import hands
from tests.records import replace

if TYPE_CHECKING:
    import asyncpg

    from enrollment.flows.work import Work
    from enrollment.store.persons import Person
    from schemas.vault import Keys

PIN_SET = Intent(Action.PIN_SET)


async def person_of(work: Work) -> Person:
    found = await persons.lock(work.conn, await people.make_person(work))
    assert found is not None
    return found


def test_every_part_of_an_intent_changes_what_the_code_is_bound_to() -> None:
    person, card = uuid4(), uuid4()
    intents = [
        (PIN_SET, person),
        (PIN_SET, card),
        (Intent(Action.THREEDS_ACTIVATE, card), person),
        (Intent(Action.THREEDS_DEACTIVATE, card), person),
        (Intent(Action.THREEDS_ACTIVATE, person), person),
        (Intent(Action.LIMITS_LOWER, card, {"per_tx": 1}), person),
        (Intent(Action.LIMITS_LOWER, card, {"per_tx": 2}), person),
        (Intent(Action.LIMITS_LOWER, card, {"per_day": 1}), person),
    ]

    digests = {intent.digest(person_id) for intent, person_id in intents}

    assert len(digests) == len(intents)
    assert {len(digest) for digest in digests} == {32}


def test_the_order_of_parameters_does_not_matter() -> None:
    person = UUID(int=1)
    one = Intent(Action.LIMITS_LOWER, None, {"per_tx": 1, "per_day": 2})
    other = Intent(Action.LIMITS_LOWER, None, {"per_day": 2, "per_tx": 1})

    assert one.digest(person) == other.digest(person)


async def test_a_late_code_is_no_code(db: asyncpg.Connection, keys: Keys, now: datetime) -> None:
    work = hands(db, keys, now)
    person = await person_of(work)
    proof = await people.proof(work, person.person_id, PIN_SET)
    late = people.later(work, seconds=301)

    refused = await step_up.confirm(late, person, PIN_SET, proof)

    assert refused == Refusal(RefusalCode.STEP_UP_INVALID, "step_up")
    assert (await people.events(db))[-1] == "step_up.failed"


@pytest.mark.parametrize("code", ["", "12345", "abcdef", "\x00"])
async def test_what_is_no_code_is_refused(
    db: asyncpg.Connection, keys: Keys, now: datetime, code: str
) -> None:
    work = hands(db, keys, now)
    person = await person_of(work)
    proof = await people.proof(work, person.person_id, PIN_SET)
    wrong = Proof(proof.step_up_id, Secret(code))

    assert await step_up.confirm(work, person, PIN_SET, wrong) is not None
    assert await step_up.confirm(work, person, PIN_SET, proof) is None


async def test_a_step_up_that_never_was_is_answered_like_a_wrong_code(
    db: asyncpg.Connection, keys: Keys, now: datetime
) -> None:
    work = hands(db, keys, now)
    person = await person_of(work)
    unknown = Proof(uuid4(), Secret("123456"))

    refused = await step_up.confirm(work, person, PIN_SET, unknown)

    assert refused == Refusal(RefusalCode.STEP_UP_INVALID, "step_up")


async def test_without_a_usable_phone_no_code_is_sent(
    db: asyncpg.Connection, keys: Keys, now: datetime
) -> None:
    work = hands(db, keys, now)
    person = await person_of(work)
    await db.execute("UPDATE enrollment.phone SET state = 'disputed'")

    refused = await step_up.ask(work, person, PIN_SET)

    assert refused == Refusal(RefusalCode.MISSING, missing=("phone",))


async def test_a_destination_that_is_not_served_is_told(
    db: asyncpg.Connection, keys: Keys, now: datetime
) -> None:
    work = replace(hands(db, keys, now), otp_policy=OtpPolicy(destinations=("49",)))
    person = await person_of(work)

    assert await step_up.ask(work, person, PIN_SET) == Refusal(RefusalCode.PHONE_NOT_REACHABLE)


async def test_the_limits_of_messages_hold_for_step_ups_as_well(
    db: asyncpg.Connection, keys: Keys, now: datetime
) -> None:
    work = replace(hands(db, keys, now), otp_policy=OtpPolicy(phone_hour=1))
    person = await person_of(work)

    first = await step_up.ask(work, person, PIN_SET)
    second = await step_up.ask(work, person, PIN_SET)

    assert isinstance(first, Done)
    assert isinstance(second, Refusal)
    assert second.code is RefusalCode.TOO_MANY_CODES
    assert second.retry_after_s == 3600


@pytest.mark.parametrize(
    ("now", "seconds"),
    [
        (datetime(2026, 6, 17, 21, 59, 59, tzinfo=UTC), 1),
        (datetime(2026, 6, 17, 22, 0, 0, tzinfo=UTC), 86_400),
        (datetime(2026, 3, 28, 23, 0, 0, tzinfo=UTC), 23 * 3600),
        (datetime(2026, 10, 24, 22, 0, 0, tzinfo=UTC), 25 * 3600),
    ],
)
def test_the_day_of_the_limits_ends_at_midnight_in_warsaw(now: datetime, seconds: int) -> None:
    wait = step_up.seconds_to_midnight(now)

    assert seconds <= wait <= seconds + 1
    assert now + timedelta(seconds=wait) >= now

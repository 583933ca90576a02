"""What a client is told by SMS when somebody acts on the access or the card."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from enrollment.flows import limits, notices, persons
from enrollment.flows.notices import NoticeKind
from enrollment.model import EffectiveLimits
from enrollment.refusals import Done
from tests.enrollment import doors, people

if TYPE_CHECKING:
    from datetime import datetime

    import asyncpg

    from enrollment.flows.work import Work
    from schemas.vault import Keys


@pytest.fixture
def bank(db: asyncpg.Connection, keys: Keys, now: datetime) -> Work:
    return people.hands(db, keys, now)


async def told(work: Work) -> list[str]:
    rows = await work.conn.fetch(
        "SELECT sms_id FROM otp.outbox WHERE kind = 'notice' ORDER BY queued_at"
    )
    return [await doors.sms_of(work, row["sms_id"]) for row in rows]


async def test_a_notice_speaks_the_clients_language(bank: Work) -> None:
    person_id = await people.make_person(bank)
    data = persons.PersonData(people.PESELS[1], language="en", phone=people.PHONE)
    await persons.put_person(bank, "p1", data, None)
    await notices.tell(bank, person_id, NoticeKind.BLOCKED)

    assert await told(bank) == [
        "Online card payments are blocked. To have them unblocked, call the bank."
    ]


async def test_without_a_phone_there_is_nobody_to_tell(bank: Work) -> None:
    made = await persons.put_person(bank, "p1", persons.PersonData(people.PESELS[1]), None)
    assert isinstance(made, Done)

    assert await notices.tell(bank, made.value.person_id, NoticeKind.BLOCKED) is None


async def test_a_changed_pin_is_told_and_the_first_one_is_not(bank: Work) -> None:
    person_id = await people.make_person(bank)
    await people.set_pin(bank, person_id)
    first = await told(bank)
    await people.set_pin(people.later(bank, minutes=1), person_id, "9513")

    assert first == []
    assert (await told(bank))[0].startswith("PIN do platnosci w internecie zostal zmieniony")


async def test_3d_secure_off_is_told_and_on_is_not(bank: Work) -> None:
    client = await people.make_client(bank)
    await people.activate(bank, client)
    await people.switch(people.later(bank, minutes=1), client, "deactivate")

    assert await told(bank) == [
        f"3-D Secure karty *{people.pan(1)[-4:]} jest wylaczone. Jesli to nie Ty, zadzwon do banku."
    ]


async def test_a_raised_limit_is_told_and_a_lowered_one_is_not(bank: Work) -> None:
    client = await people.make_client(bank)
    for per_tx in (100, 50, 200):
        await limits.put_card_limits(bank, client.card_id, EffectiveLimits(per_tx=per_tx), None)
    await limits.put_account_limits(bank, client.account_id, EffectiveLimits(per_tx=1), None)
    await limits.put_account_limits(bank, client.account_id, EffectiveLimits(per_tx=2), None)

    assert len(await told(bank)) == 2


async def test_a_phone_changed_in_the_branch_is_told_to_the_old_one(bank: Work) -> None:
    person_id = await people.make_person(bank)
    await persons.put_phone(bank, person_id, "+48600700999", "branch", None)
    row = await bank.conn.fetchrow("SELECT sms_id, number_sealed FROM otp.outbox")

    number = bank.keys.vault.open(row["number_sealed"], f"otp.outbox.number|{row['sms_id']}")
    assert number.decode() == people.PHONE

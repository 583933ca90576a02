"""What a client is told by SMS when somebody acts on the access or the card."""

from __future__ import annotations

import re
from datetime import timedelta
from typing import TYPE_CHECKING
from uuid import uuid4

import pytest

from enrollment import flows
from enrollment.flows import card_blocks, cards, clients, limits, notices, persons
from enrollment.flows.cards import StatusData
from enrollment.flows.clients import Declaration
from enrollment.flows.notices import NoticeKind
from enrollment.flows.step_up import Intent
from enrollment.model import CardStatus, EffectiveLimits, HostSaid
from enrollment.policy import Activation, PortalRaise
from enrollment.ports import NoHost
from enrollment.refusals import Done, Refusal
from enrollment.words import Action
from tests.enrollment import doors, people
from tests.records import replace

if TYPE_CHECKING:
    from datetime import datetime
    from uuid import UUID

    import asyncpg

    from enrollment.flows.work import Work
    from schemas.vault import Keys


@pytest.fixture
def bank(db: asyncpg.Connection, keys: Keys, now: datetime) -> Work:
    return people.hands(db, keys, now)


async def told(work: Work) -> list[str]:
    rows = await work.conn.fetch(
        "SELECT sms_id FROM otp.outbox WHERE kind = 'held' ORDER BY queued_at"
    )
    return [await doors.sms_of(work, row["sms_id"]) for row in rows]


async def told_to(work: Work) -> list[tuple[str, str]]:
    rows = await work.conn.fetch(
        "SELECT sms_id, number_sealed FROM otp.outbox WHERE kind = 'held' ORDER BY queued_at"
    )
    return [
        (
            work.keys.vault.open(
                row["number_sealed"], f"otp.outbox.number|{row['sms_id']}"
            ).decode(),
            await doors.sms_of(work, row["sms_id"]),
        )
        for row in rows
    ]


class WillingHost:
    """A card host that takes every block."""

    is_there = True

    async def block(self, card_ref: str, wish: str, wish_id: UUID) -> HostSaid:
        assert card_ref and wish and wish_id.int  # noqa: PT018 - it is asked in full
        return HostSaid.TAKEN


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
    await people.set_pin(people.later(bank, minutes=1), person_id, "9513")

    assert [one.partition(".")[0] for one in await told(bank)] == [
        "PIN do platnosci w internecie zostal zmieniony"
    ]


async def test_3d_secure_off_is_told_and_on_is_not(bank: Work) -> None:
    client = await people.make_client(bank)
    await people.activate(bank, client)
    await people.switch(people.later(bank, minutes=1), client, "deactivate")

    assert await told(bank) == [
        (
            f"3-D Secure dla karty *{people.pan(1)[-4:]} jest wylaczone. "
            "Jesli to nie Ty, zadzwon do banku."
        )
    ]


async def test_a_raised_limit_is_told_and_a_lowered_one_is_not(bank: Work) -> None:
    client = await people.make_client(bank)
    for per_tx in (100, 50, 200):
        await limits.put_card_limits(bank, client.card_id, EffectiveLimits(per_tx=per_tx), None)
    await limits.put_account_limits(bank, client.account_id, EffectiveLimits(per_tx=1), None)
    await limits.put_account_limits(bank, client.account_id, EffectiveLimits(per_tx=2), None)

    assert len(await told(bank)) == 2


async def test_a_limit_that_a_client_raises_in_the_portal_is_told(bank: Work) -> None:
    client = await people.make_client(bank)
    work = replace(bank, policy=replace(bank.policy, portal_raise=PortalRaise.UP_TO_BRANCH))
    for minute, per_tx in enumerate((50, 80)):
        wanted = EffectiveLimits(per_tx=per_tx)
        intent = Intent(Action.LIMITS_LOWER, client.card_id, wanted.as_dict())
        at = people.later(work, minutes=minute)
        proof = await people.proof(at, client.person_id, intent)
        done = await clients.lower_limits(at, client.person_id, client.card_id, wanted, proof)
        assert isinstance(done, Done), done

    assert [text.partition(".")[0] for text in await told(bank)] == [
        "Limity platnosci w internecie zostaly podniesione"
    ]


async def test_a_payment_over_a_limit_is_told_once_a_day_for_each_card(bank: Work) -> None:
    client = await people.make_client(bank)
    other = await people.make_card(bank, client.person_id, client.account_id, 2)
    for day in range(2):
        for card_id in [client.card_id, other, uuid4()] * 3:
            await notices.tell_over_limit(people.later(bank, days=day), card_id)

    ends = [people.pan(1)[-4:], people.pan(2)[-4:]]
    assert re.findall(r"karta \*([0-9]{4})", " ".join(await told(bank))) == ends * 2


async def test_a_phone_changed_in_the_branch_is_told_to_the_old_one_and_to_the_new_one(
    bank: Work,
) -> None:
    person_id = await people.make_person(bank)
    await persons.put_phone(bank, person_id, doors.NEW_PHONE, "branch", None)

    assert {number: text.partition(".")[0] for number, text in await told_to(bank)} == {
        people.PHONE: "Numer telefonu do potwierdzania platnosci zmienia sie na +48 *** *** 999",
        doors.NEW_PHONE: "Ten telefon potwierdza teraz Twoje platnosci karta",
    }


async def test_a_new_phone_is_told_when_its_wait_is_over_and_once(bank: Work) -> None:
    person_id = await people.make_person(bank)
    await doors.change_phone(bank, person_id)
    before = await told_to(bank)
    late = bank.now + timedelta(days=1)
    for _ in range(2):
        await flows.carry_on(people.by_itself(bank.conn, bank.keys, late), 10)
    after = await told_to(bank)

    assert [number for number, _ in before] == [people.PHONE]
    assert after[:1] == before
    assert [number for number, _ in after[1:]] == [doors.NEW_PHONE]


async def test_a_withdrawn_consent_is_told_with_what_follows(bank: Work) -> None:
    client = await people.make_client(bank)
    await people.consent(bank, client.person_id)
    await clients.withdraw(bank, client.person_id, "sms_3ds")
    again = await clients.withdraw(bank, client.person_id, "sms_3ds")

    assert isinstance(again, Refusal)
    assert await told(bank) == [
        (
            "Zgoda na kody SMS zostala wycofana, kartami nie zaplacisz w internecie. "
            "Jesli to nie Ty, zadzwon do banku."
        )
    ]


async def test_a_consent_that_is_refused_afterwards_is_told_like_one_withdrawn(bank: Work) -> None:
    person_id = await people.make_person(bank)
    for accepted in (False, True, False, False):
        await people.consent(bank, person_id, accepted=accepted)

    assert len(await told(bank)) == 1


async def test_the_terms_are_withdrawn_without_a_message(bank: Work) -> None:
    person_id = await people.make_person(bank)
    await clients.declare(bank, person_id, [Declaration("terms", 1, "pl", is_accepted=True)])
    done = await clients.withdraw(bank, person_id, "terms")

    assert isinstance(done, Done)
    assert await told(bank) == []


async def test_who_gives_and_withdraws_without_end_costs_three_messages_a_day(bank: Work) -> None:
    person_id = await people.make_person(bank)
    for day in range(2):
        for minute in range(5):
            work = people.later(bank, days=day, minutes=minute)
            await people.consent(work, person_id)
            await clients.withdraw(work, person_id, "sms_3ds")

    assert len(await told(bank)) == 6


@pytest.mark.parametrize(
    ("wish", "done"), [("temporary", "zablokowana na 60 dni"), ("permanent", "zastrzezona")]
)
async def test_a_card_blocked_in_the_portal_is_told_once(
    bank: Work, wish: card_blocks.BlockWish, done: str
) -> None:
    client = await people.make_client(bank)
    portal, host = doors.at_portal(bank), WillingHost()
    for _ in range(2):
        await doors.block(portal, host, client, wish)

    assert await told(bank) == [
        (
            f"Karta *{people.pan(1)[-4:]} zostala {done} w portalu kartowym. "
            "Jesli to nie Ty, zadzwon do banku."
        )
    ]


async def test_a_block_that_the_host_did_not_take_is_not_told(bank: Work) -> None:
    client = await people.make_client(bank)
    portal = doors.at_portal(bank)
    await doors.block(portal, NoHost(), client, "temporary")

    assert await told(bank) == []


async def replaced(bank: Work, client: people.Client) -> None:
    new = await people.make_card(bank, client.person_id, client.account_id, 2)
    for _ in range(2):
        said = StatusData(CardStatus.REPLACED, None, new, None)
        assert isinstance(await cards.set_status(bank, client.card_id, said), Done)


async def test_3d_secure_that_moves_to_a_new_card_is_told_once(bank: Work) -> None:
    client = await people.make_client(bank)
    await people.activate(bank, client)
    said = StatusData(CardStatus.BLOCKED_TEMP, None, None, None)
    await cards.set_status(bank, client.card_id, said)
    await replaced(bank, client)

    assert await told(bank) == [
        (
            f"Karte *{people.pan(1)[-4:]} zastapila karta *{people.pan(2)[-4:]}, 3-D Secure dziala "
            "dla nowej. Jesli nic o tym nie wiesz, zadzwon do banku."
        )
    ]


async def test_a_new_card_without_3d_secure_is_not_told(bank: Work) -> None:
    client = await people.make_client(bank)
    await people.activate(bank, client)
    await people.switch(people.later(bank, minutes=1), client, "deactivate")
    before = await told(bank)
    await replaced(bank, client)

    assert await told(bank) == before
    assert not any("zastapila" in text for text in before)


@pytest.mark.parametrize("is_paused", [False, True])
async def test_3d_secure_that_stays_behind_is_told_once_with_what_to_do(
    bank: Work, is_paused: bool
) -> None:
    bank = replace(bank, policy=replace(bank.policy, copy_on_replace=False))
    client = await people.make_client(bank)
    await people.activate(bank, client)
    if is_paused:
        said = StatusData(CardStatus.BLOCKED_TEMP, None, None, None)
        await cards.set_status(bank, client.card_id, said)
    await replaced(bank, client)

    assert await told(bank) == [
        (
            f"Karte *{people.pan(1)[-4:]} zastapila *{people.pan(2)[-4:]}. Aby placic nia w "
            "internecie, wlacz 3-D Secure w portalu kartowym. Nic o tym nie wiesz? "
            "Zadzwon do banku."
        )
    ]


async def test_where_3d_secure_was_never_on_or_not_wanted_nothing_stays_behind(
    bank: Work,
) -> None:
    bank = replace(bank, policy=replace(bank.policy, copy_on_replace=False))
    client = await people.make_client(bank)
    await replaced(bank, client)
    assert await told(bank) == []

    other = await people.make_client(bank, number=3, pesel=people.PESELS[0])
    await people.activate(bank, other)
    await people.switch(people.later(bank, minutes=1), other, "deactivate")
    before = await told(bank)
    new = await people.make_card(bank, other.person_id, other.account_id, 4)
    said = StatusData(CardStatus.REPLACED, None, new, None)
    assert isinstance(await cards.set_status(bank, other.card_id, said), Done)
    assert await told(bank) == before


async def test_where_3d_secure_of_every_card_goes_on_by_itself_it_is_told_as_on(
    bank: Work,
) -> None:
    policy = replace(bank.policy, copy_on_replace=False, activation=Activation.AUTOMATIC)
    client = await people.make_client(bank)
    await people.activate(bank, client)
    await replaced(replace(bank, policy=policy), client)

    assert [text.count("3-D Secure dziala dla nowej") for text in await told(bank)] == [1]


async def test_without_a_usable_phone_a_replacement_is_told_to_nobody(bank: Work) -> None:
    bank = replace(bank, policy=replace(bank.policy, copy_on_replace=False))
    client = await people.make_client(bank)
    await people.activate(bank, client)
    await bank.conn.execute("UPDATE enrollment.phone SET state = 'disputed'")
    await replaced(bank, client)

    assert await told(bank) == []


async def test_what_is_undone_is_not_told(
    db: asyncpg.Connection, keys: Keys, now: datetime
) -> None:
    bank = people.hands(db, keys, now)
    client = await people.make_client(bank)
    await people.consent(bank, client.person_id)
    with pytest.raises(ZeroDivisionError):
        async with db.transaction():
            host = WillingHost()
            await doors.block(bank, host, client, "permanent")
            await clients.withdraw(bank, client.person_id, "sms_3ds")
            assert len(await told(bank)) == 2
            raise ZeroDivisionError

    assert await told(bank) == []

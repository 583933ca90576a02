"""A client registers: the branch's code, the texts, the message, the own password."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Any

import pytest

from enrollment.flows import persons, registrations
from enrollment.flows.clients import Declaration
from enrollment.policy import RegistrationMode, RegistrationPolicy
from enrollment.refusals import Done, Refusal, RefusalCode
from schemas.vault import Secret
from tests.enrollment import doors, people, races
from tests.enrollment.people import code_of

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable
    from datetime import datetime
    from uuid import UUID

    import asyncpg

    from enrollment.flows.registrations import Registering
    from enrollment.flows.work import Work
    from schemas.vault import Keys

PESEL, STRANGER = people.PESELS[1], people.PESELS[3]
BOTH = (Secret(doors.PASSWORD), Secret(doors.PASSWORD))
WRONG = Secret("AAAAAAAAAA")
LEGACY = RegistrationPolicy(mode=RegistrationMode.LEGACY)


@pytest.fixture
def bank(db: asyncpg.Connection, keys: Keys, now: datetime) -> Work:
    return people.hands(db, keys, now)


async def begin(work: Work, pesel: str = PESEL, code: Secret | None = None) -> Registering:
    begun = await registrations.start(work, pesel, code)
    assert isinstance(begun, Done), begun
    return begun.value


async def test_the_whole_way_in_strict_mode(bank: Work) -> None:
    person_id = await people.make_person(bank)
    await doors.register(bank, person_id)
    given = await bank.conn.fetch("SELECT code, act FROM enrollment.consent ORDER BY code")

    assert [tuple(row) for row in given] == [("sms_3ds", "given"), ("terms", "given")]
    assert (await people.events(bank.conn))[-2:] == ["password.set", "registration.completed"]
    assert (await doors.messages(bank))[-1].startswith("Dostep do portalu kartowego jest aktywny")
    assert (await doors.log_in(bank)).person_id == person_id


async def test_in_strict_mode_no_message_leaves_without_the_branchs_code(bank: Work) -> None:
    person_id = await people.make_person(bank)
    await doors.activation(bank, person_id)
    portal = doors.at_portal(bank)

    for code in (None, Secret("AAAABBBBCCCC")):
        registration_id, sms_id = await doors.to_sms(portal, PESEL, code)
        refused = await registrations.verify(portal, registration_id, WRONG)
        assert (sms_id, code_of(refused)) == (None, "invalid")
    assert await doors.messages(bank) == []


async def test_in_legacy_mode_number_and_message_are_enough(bank: Work) -> None:
    person_id = await people.make_person(bank)
    portal = doors.at_portal(bank, registration=LEGACY)
    registration_id, sms_id = await doors.to_sms(portal, PESEL, None)
    verified = await registrations.verify(
        portal, registration_id, await doors.password_of(portal, sms_id)
    )
    assert isinstance(verified, Done)
    done = await registrations.set_password(portal, registration_id, verified.value.token, BOTH)

    assert isinstance(done, Done)
    assert (await doors.log_in(bank)).person_id == person_id


async def test_in_legacy_mode_a_wrong_code_of_the_branch_is_no_code(bank: Work) -> None:
    await people.make_person(bank)
    portal = doors.at_portal(bank, registration=LEGACY)

    assert (await doors.to_sms(portal, PESEL, Secret("AAAABBBBCCCC")))[1] is None


async def test_who_has_access_is_told_and_keeps_the_old_password(bank: Work) -> None:
    person_id = await people.make_person(bank)
    await doors.register(bank, person_id)
    portal = doors.at_portal(people.later(bank, hours=1), registration=LEGACY)
    registration_id, sms_id = await doors.to_sms(portal, PESEL, None)
    again = await registrations.send_sms(portal, registration_id)

    assert (await doors.sms_of(portal, sms_id)).startswith("Masz juz dostep")
    assert isinstance(again, Done)
    assert again.value.sms_id is None
    assert code_of(await registrations.verify(portal, registration_id, WRONG)) == "invalid"
    assert (await doors.log_in(people.later(bank, hours=1))).person_id == person_id


async def test_with_the_branchs_code_an_access_is_opened_anew(bank: Work) -> None:
    person_id = await people.make_person(bank)
    await doors.register(bank, person_id)
    later = doors.at_portal(people.later(bank, hours=1))
    code = await doors.activation(later, person_id)
    registration_id, sms_id = await doors.to_sms(later, PESEL, code)
    verified = await registrations.verify(
        later, registration_id, await doors.password_of(later, sms_id)
    )
    assert isinstance(verified, Done)
    new = (Secret("inne suche kamyki"), Secret("inne suche kamyki"))
    same = await registrations.set_password(later, registration_id, verified.value.token, BOTH)
    done = await registrations.set_password(later, registration_id, verified.value.token, new)

    assert code_of(same) == "same_as_old"
    assert isinstance(done, Done)
    assert (await doors.log_in(later, password="inne suche kamyki")).person_id == person_id


async def test_a_stranger_sees_the_same_steps(bank: Work) -> None:
    await people.make_person(bank)
    portal = doors.at_portal(bank)
    seen: list[list[Any]] = []
    for pesel in (PESEL, STRANGER):
        begun = await begin(portal, pesel)
        shown = await registrations.consent(portal, begun.registration_id, doors.TEXTS)
        sent = await registrations.send_sms(portal, begun.registration_id)
        wrong = [await registrations.verify(portal, begun.registration_id, WRONG) for _ in range(6)]
        assert isinstance(shown, Done)
        assert isinstance(sent, Done)
        seen.append([begun.state, begun.sends_left, shown.value.state, sent.value, *wrong])

    assert seen[0] == seen[1]
    assert code_of(seen[0][-1]) == "registration_over"


async def test_a_strangers_mask_is_always_the_same_and_looks_real(bank: Work) -> None:
    portal = doors.at_portal(bank)
    masks = {(await begin(portal, STRANGER)).phone_mask for _ in range(3)}

    assert len(masks) == 1
    assert masks.pop()[:-3] == "+48 *** *** "


async def test_a_newer_registration_ends_the_one_before_it(bank: Work) -> None:
    portal = doors.at_portal(bank)
    first = await begin(portal)
    await begin(portal)

    assert code_of(await registrations.show(portal, first.registration_id)) == "registration_over"


async def test_without_both_texts_there_is_no_way_on(bank: Work) -> None:
    portal = doors.at_portal(bank)
    begun = await begin(portal)
    half = [doors.TEXTS[0], Declaration("terms", 1, "pl", is_accepted=False)]
    refused = await registrations.consent(portal, begun.registration_id, half)
    unsent = await registrations.send_sms(portal, begun.registration_id)

    assert [code_of(refused), code_of(unsent)] == ["consent_required", "not_yet"]


async def test_a_yes_beside_a_no_to_the_same_text_is_neither(bank: Work) -> None:
    await people.make_person(bank)
    portal = doors.at_portal(bank)
    begun = await begin(portal)
    said = [Declaration("sms_3ds", 1, "pl", is_accepted=False), *doors.TEXTS]
    refused = await registrations.consent(portal, begun.registration_id, said)

    assert refused == Refusal(RefusalCode.CONSENT_TWICE, "consents[1].code")


async def test_a_password_by_sms_is_good_for_a_quarter_of_an_hour(bank: Work) -> None:
    person_id = await people.make_person(bank)
    portal = doors.at_portal(bank)
    code = await doors.activation(bank, person_id)
    registration_id, sms_id = await doors.to_sms(portal, PESEL, code)
    password = await doors.password_of(portal, sms_id)
    late = await registrations.verify(people.later(portal, minutes=15), registration_id, password)
    in_time = await registrations.verify(
        people.later(portal, minutes=14, seconds=59), registration_id, password
    )

    assert code_of(late) == "invalid"
    assert isinstance(in_time, Done)


async def test_near_the_end_of_a_registration_its_message_and_answers_say_what_time_is_left(
    bank: Work,
) -> None:
    person_id = await people.make_person(bank)
    code = await doors.activation(bank, person_id)
    begun = await begin(doors.at_portal(bank), code=code)
    late = people.later(doors.at_portal(bank), minutes=56, seconds=1)
    await registrations.consent(late, begun.registration_id, doors.TEXTS)
    sent = await registrations.send_sms(late, begun.registration_id)
    assert isinstance(sent, Done)
    password = await doors.password_of(late, sent.value.sms_id)
    verified = await registrations.verify(late, begun.registration_id, password)
    assert isinstance(verified, Done)

    assert "wazne 3 min" in await doors.sms_of(late, sent.value.sms_id)
    assert verified.value.expires_at == begun.expires_at


async def test_each_message_makes_the_one_before_it_void_and_three_are_all(bank: Work) -> None:
    person_id = await people.make_person(bank)
    portal = doors.at_portal(bank)
    code = await doors.activation(bank, person_id)
    registration_id, first = await doors.to_sms(portal, PESEL, code)
    sent = [await registrations.send_sms(portal, registration_id) for _ in range(3)]
    assert isinstance(sent[1], Done)
    old = await registrations.verify(
        portal, registration_id, await doors.password_of(portal, first)
    )
    new = await registrations.verify(
        portal, registration_id, await doors.password_of(portal, sent[1].value.sms_id)
    )

    assert [code_of(old), code_of(sent[2])] == ["invalid", "too_often"]
    assert isinstance(new, Done)


async def test_five_wrong_passwords_in_all_end_it(bank: Work) -> None:
    person_id = await people.make_person(bank)
    portal = doors.at_portal(bank)
    code = await doors.activation(bank, person_id)
    registration_id, sms_id = await doors.to_sms(portal, PESEL, code)
    wrong = [await registrations.verify(portal, registration_id, WRONG) for _ in range(5)]
    right = await registrations.verify(
        portal, registration_id, await doors.password_of(portal, sms_id)
    )

    assert [code_of(one) for one in wrong] == ["invalid"] * 5
    assert code_of(right) == "registration_over"


async def failures(bank: Work) -> list[tuple[str, str]]:
    """Give what wrong codes were about, and which codes."""
    rows = await bank.conn.fetch(
        "SELECT object, outcome FROM audit.event WHERE name = 'registration.wrong_code'"
        " ORDER BY event_id"
    )
    return [(row["object"], row["outcome"]) for row in rows]


async def test_every_wrong_code_is_in_the_audit_log(bank: Work) -> None:
    person_id = await people.make_person(bank)
    code = await doors.activation(bank, person_id)
    portal = doors.at_portal(bank)
    false = Secret("AAAABBBBCCCC")
    for _ in range(2):  # of the branch, for a client
        assert isinstance(await registrations.start(portal, PESEL, false), Done)
    begun = await registrations.start(portal, STRANGER, false)
    assert isinstance(begun, Done)
    registration_id, _ = await doors.to_sms(portal, PESEL, code)
    for _ in range(2):  # by SMS
        await registrations.verify(portal, registration_id, WRONG)

    nobody = str(begun.value.registration_id)
    assert await failures(bank) == [
        *[(str(person_id), "activation")] * 2, (nobody, "activation"),
        *[(str(person_id), "sms")] * 2,
    ]  # fmt: skip


async def test_a_code_that_is_not_compared_any_more_is_in_the_audit_log(bank: Work) -> None:
    person_id = await people.make_person(bank)
    code = await doors.activation(bank, person_id)
    portal = doors.at_portal(bank)
    for _ in range(bank.policy.registration.per_number_day):
        assert isinstance(await registrations.start(portal, PESEL, None), Done)
    assert isinstance(await registrations.start(portal, PESEL, code), Done)

    assert await failures(bank) == [(str(person_id), "activation")]


async def _verified(bank: Work) -> tuple[Work, UUID, Secret]:
    person_id = await people.make_person(bank)
    portal = doors.at_portal(bank)
    code = await doors.activation(bank, person_id)
    registration_id, sms_id = await doors.to_sms(portal, PESEL, code)
    verified = await registrations.verify(
        portal, registration_id, await doors.password_of(portal, sms_id)
    )
    assert isinstance(verified, Done)
    return portal, registration_id, verified.value.token


async def test_the_password_is_set_within_ten_minutes(bank: Work) -> None:
    portal, registration_id, token = await _verified(bank)
    late = people.later(portal, minutes=10)

    refused = await registrations.set_password(late, registration_id, token, BOTH)
    assert code_of(refused) == "registration_over"


async def test_the_password_is_set_in_the_same_browser(bank: Work) -> None:
    portal, registration_id, _ = await _verified(bank)

    refused = await registrations.set_password(portal, registration_id, Secret("x" * 43), BOTH)
    assert code_of(refused) == "invalid"


@pytest.mark.parametrize(
    ("password", "repeat", "code"),
    [
        ("krotkie", "krotkie", "too_short"),
        ("x" * 300, "x" * 300, "too_long"),
        ("haslo123", "haslo123", "common"),
        (f"moj {PESEL}!", f"moj {PESEL}!", "contains_id"),
        ("nr 600700761 tel", "nr 600700761 tel", "contains_id"),
        (doors.PASSWORD, "trzy mokre kamyki", "mismatch"),
    ],
)
async def test_a_bad_password_is_told(bank: Work, password: str, repeat: str, code: str) -> None:
    portal, registration_id, token = await _verified(bank)
    both = (Secret(password), Secret(repeat))
    refused = await registrations.set_password(portal, registration_id, token, both)

    assert code_of(refused) == code
    assert isinstance(await registrations.set_password(portal, registration_id, token, BOTH), Done)


async def test_from_the_fourth_registration_of_a_day_on_nothing_is_sent(bank: Work) -> None:
    person_id = await people.make_person(bank)
    portal = doors.at_portal(bank)
    code = await doors.activation(bank, person_id)
    for _ in range(3):
        await begin(portal)

    assert (await doors.to_sms(portal, PESEL, code))[1] is None
    tomorrow = people.later(portal, days=1)
    assert (await doors.to_sms(tomorrow, PESEL, code))[1] is not None


async def test_with_a_new_code_of_the_branch_registrations_are_counted_anew(bank: Work) -> None:
    """Strangers who know the number, or slips, used up those of the day and of the week."""
    person_id = await people.make_person(bank)
    for days in (0, 0, 0, 1, 1):
        await begin(people.later(doors.at_portal(bank), days=days))
    later = people.later(bank, days=2)
    assert (await doors.to_sms(doors.at_portal(later), PESEL, None))[1] is None
    code = await doors.activation(later, person_id)

    assert (await doors.to_sms(doors.at_portal(later), PESEL, code))[1] is not None


async def test_an_address_begins_ten_registrations_an_hour(bank: Work) -> None:
    portal = doors.at_portal(bank)
    for _ in range(10):
        await begin(portal)
    refused = await registrations.start(portal, PESEL, None)

    assert isinstance(refused, Refusal)
    assert (refused.code, refused.retry_after_s) == (RefusalCode.TOO_OFTEN, 3601)
    assert (await begin(people.later(portal, hours=1))).sends_left == 3


async def test_a_wrong_shape_may_be_told(bank: Work) -> None:
    refused = await registrations.start(doors.at_portal(bank), "44051401358", None)

    assert code_of(refused) == "identifier_check_digit"


async def test_who_says_the_phone_is_not_theirs_gets_no_message(bank: Work) -> None:
    await people.make_person(bank)
    portal = doors.at_portal(bank)
    begun = await begin(portal)
    await registrations.dispute_phone(portal, begun.registration_id)

    refused = await registrations.send_sms(portal, begun.registration_id)
    assert code_of(refused) == "registration_over"
    assert (await people.events(bank.conn))[-1] == "phone.disputed"


async def test_a_registration_ends_after_an_hour(bank: Work) -> None:
    portal = doors.at_portal(bank)
    begun = await begin(portal)

    assert begun.expires_at == bank.now + timedelta(hours=1)
    refused = await registrations.show(people.later(portal, hours=1), begun.registration_id)
    assert code_of(refused) == "registration_over"


async def go_on(bank: Work, step: str) -> tuple[UUID, Callable[[Work], Awaitable[object]]]:
    """Bring a client's registration to a step; give the person, and what takes the step."""
    person_id = await people.make_person(bank)
    code = await doors.activation(bank, person_id)
    portal = doors.at_portal(bank)
    if step == "consent":
        begun = (await begin(portal, code=code)).registration_id
        return person_id, lambda work: registrations.consent(work, begun, doors.TEXTS)
    found, sms_id = await doors.to_sms(portal, PESEL, code)
    password = await doors.password_of(portal, sms_id)
    if step == "send":
        return person_id, lambda work: registrations.send_sms(work, found)
    if step == "verify":
        return person_id, lambda work: registrations.verify(work, found, password)
    verified = await registrations.verify(portal, found, password)
    assert isinstance(verified, Done)
    token = verified.value.token
    return person_id, lambda work: registrations.set_password(work, found, token, BOTH)


@pytest.mark.parametrize("step", ["consent", "send", "verify", "password"])
async def test_a_registration_that_goes_on_while_the_phone_changes_is_over(
    pool: asyncpg.Pool, keys: Keys, now: datetime, step: str
) -> None:
    """What came to the old phone proves nothing once the new one is there."""
    async with pool.acquire() as branch:
        bank = people.hands(branch, keys, now)
        person_id, act = await go_on(bank, step)

        async def change(work: Work) -> None:
            await persons.put_phone(work, person_id, doors.NEW_PHONE, "branch", None)

        refused = await races.during(pool, bank, person_id, act, change)

        assert code_of(refused) == "registration_over"
        assert await branch.fetchval("SELECT state FROM enrollment.registration") == "cancelled"
        assert await branch.fetch("SELECT 1 FROM enrollment.password") == []


async def test_a_registration_that_begins_while_the_phone_changes_is_about_the_new_one(
    pool: asyncpg.Pool, keys: Keys, now: datetime
) -> None:
    async with pool.acquire() as branch:
        bank = people.hands(branch, keys, now)
        person_id = await people.make_person(bank)

        async def change(work: Work) -> None:
            await persons.put_phone(work, person_id, doors.NEW_PHONE, "branch", None)

        begun = await races.during(pool, bank, person_id, begin, change)

        assert begun.phone_mask[-3:] == doors.NEW_PHONE[-3:]

"""What belongs to a client: merchants, preferences, the own events."""

from __future__ import annotations

from typing import TYPE_CHECKING
from uuid import uuid4

from enrollment.flows import belongings, cards, limits, persons
from enrollment.flows.belongings import Preferences
from enrollment.flows.cards import AccountData, StatusData
from enrollment.flows.persons import PersonData
from enrollment.flows.step_up import Intent
from enrollment.model import CardStatus, EffectiveLimits
from enrollment.refusals import Done
from enrollment.words import Action
from tests.enrollment import doors, people
from tests.enrollment.people import code_of

if TYPE_CHECKING:
    from uuid import UUID

    from enrollment.flows.work import Work
    from tests.enrollment.people import Client


async def trust(bank: Work, person_id: UUID) -> UUID:
    merchant_id = uuid4()
    await bank.conn.execute(
        "INSERT INTO enrollment.trusted_merchant VALUES ($1, $2, '400001', $3, 'Sklep', $4, $5)",
        merchant_id, person_id, str(merchant_id)[:15], uuid4(), bank.now,
    )  # fmt: skip
    return merchant_id


async def test_a_trusted_merchant_is_shown_and_removed_once(bank: Work, client: Client) -> None:
    merchant_id = await trust(bank, client.person_id)
    shown = await belongings.merchants(bank, client.person_id)
    gone = await belongings.remove_merchant(bank, client.person_id, merchant_id)
    again = await belongings.remove_merchant(bank, client.person_id, merchant_id)

    assert isinstance(shown, Done)
    assert [one.name for one in shown.value] == ["Sklep"]
    assert isinstance(gone, Done)
    assert code_of(again) == "not_found"
    assert await belongings.merchants(bank, client.person_id) == Done([])


async def test_another_persons_merchant_is_none(bank: Work, client: Client) -> None:
    other = await people.make_person(bank, "p9", people.PESELS[2])
    merchant_id = await trust(bank, client.person_id)

    assert code_of(await belongings.remove_merchant(bank, other, merchant_id)) == "not_found"


async def test_switching_small_payments_on_takes_a_code_and_off_none(
    bank: Work, client: Client
) -> None:
    person_id, on = client.person_id, Preferences("pl", low_value=True)
    refused = await belongings.put_preferences(bank, person_id, on, None)
    proof = await people.proof(bank, person_id, Intent(Action.LOW_VALUE_ON))
    done = await belongings.put_preferences(bank, person_id, on, proof)
    off = await belongings.put_preferences(
        bank, person_id, Preferences("en", low_value=False), None
    )

    assert code_of(refused) == "step_up_required"
    assert done == Done(on, 2)
    assert off == Done(Preferences("en", low_value=False), 3)
    assert await belongings.preferences(bank, person_id) == off


async def choose(bank: Work, person_id: UUID, language: str) -> None:
    done = await belongings.put_preferences(
        bank, person_id, Preferences(language, low_value=False), None
    )
    assert isinstance(done, Done)


async def say(bank: Work, language: str | None) -> str:
    data = PersonData(people.PESELS[1], language=language)
    done = await persons.put_person(bank, "p1", data, None)
    assert isinstance(done, Done)
    return done.value.language


async def test_a_clients_language_stays_until_the_bank_says_another_than_before(
    bank: Work, client: Client
) -> None:
    """A file names the same language night after night; the client has chosen since."""
    assert await say(bank, "de") == "de"
    await choose(bank, client.person_id, "uk")
    nights = [await say(bank, language) for language in ("de", None, "de", "en", "de")]
    await choose(bank, client.person_id, "uk")
    await choose(bank, client.person_id, "pl")

    assert nights == ["uk", "uk", "uk", "en", "de"]
    assert await say(bank, "de") == "pl"
    assert await say(bank, "pl") == "pl"
    assert await say(bank, "de") == "de"


async def test_the_language_that_a_new_person_is_given_counts_as_the_banks_word(
    bank: Work, client: Client
) -> None:
    await choose(bank, client.person_id, "en")

    assert await say(bank, "pl") == "en"


async def test_of_two_changes_the_one_that_saw_an_older_version_is_refused(
    bank: Work, client: Client
) -> None:
    english = Preferences("en", low_value=False)
    await belongings.put_preferences(bank, client.person_id, english, None, 1)
    second = await belongings.put_preferences(
        bank, client.person_id, Preferences("uk", low_value=False), None, 1
    )

    assert code_of(second) == "version_changed"


async def test_own_events_are_those_of_ninety_days_and_of_nobody_else(
    bank: Work, client: Client
) -> None:
    other = await people.make_person(bank, "p9", people.PESELS[2])
    await people.activate(people.later(bank, days=1), client)
    await doors.register(people.later(bank, days=2), other, people.PESELS[2])
    now = people.later(bank, days=90, hours=1)
    shown = await belongings.own_events(now, client.person_id)
    assert isinstance(shown, Done)
    names = [one.name for one in shown.value]

    assert names[0] == "threeds.activated"
    assert shown.value[0].card_last4 == people.pan(1)[-4:]
    assert "person.created" not in names
    assert "password.set" not in names


async def test_events_of_a_card_stay_when_it_is_closed(bank: Work, client: Client) -> None:
    await people.activate(bank, client)
    await people.switch(bank, client, "deactivate")
    ended = StatusData(CardStatus.CLOSED, None, None, None)
    await cards.set_status(people.later(bank, minutes=1), client.card_id, ended)
    shown = await belongings.own_events(people.later(bank, days=1), client.person_id)
    assert isinstance(shown, Done)
    of_card = [one.name for one in shown.value if one.card_last4 == people.pan(1)[-4:]]

    assert {"card.status", "threeds.suspended"} == set(of_card[:2])
    assert of_card[2:] == ["threeds.deactivated", "threeds.activated", "card.upserted"]


async def test_own_events_tell_of_the_limits_of_an_account_to_its_owners(
    bank: Work, client: Client
) -> None:
    """Whose message says that limits were raised finds it there."""
    proxy = await people.make_person(bank, "p9", people.PESELS[2])
    roles = {client.person_id: "owner", proxy: "proxy"}
    assert isinstance(await cards.put_account(bank, "a1", AccountData("PLN", roles), None), Done)
    for most in (100, 200):
        await limits.put_account_limits(bank, client.account_id, EffectiveLimits(most), None)
    at_owner = await belongings.own_events(bank, client.person_id)
    at_proxy = await belongings.own_events(bank, proxy)
    assert isinstance(at_owner, Done)
    assert isinstance(at_proxy, Done)

    assert [one.name for one in at_owner.value[:2]] == ["limit.raised", "limit.set"]
    assert "account.upserted" not in {one.name for one in at_owner.value}
    assert not {"limit.raised", "account.upserted"} & {one.name for one in at_proxy.value}

"""What the bank tells of accounts and cards, beside what the API's tests show."""

from __future__ import annotations

import asyncio
from datetime import timedelta
from typing import TYPE_CHECKING

import pytest

from enrollment.flows import cards, clients, limits
from enrollment.flows.cards import AccountData, CardData, StatusData
from enrollment.model import CardStatus, EffectiveLimits
from enrollment.refusals import Done, Refusal, RefusalCode
from enrollment.store import cards as store
from schemas.vault import Secret
from tests.enrollment import doors, people
from tests.enrollment.people import hands
from tests.records import replace

if TYPE_CHECKING:
    from datetime import datetime
    from uuid import UUID

    import asyncpg

    from enrollment.flows.work import Work
    from schemas.vault import Keys


async def test_a_card_number_is_stored_hashed_and_sealed_only(
    db: asyncpg.Connection, keys: Keys, now: datetime
) -> None:
    await people.make_client(hands(db, keys, now))

    row = await db.fetchval("SELECT c::text FROM enrollment.card c")
    assert people.pan(1) not in row
    assert people.pan(1).encode().hex() not in row
    events = str(await db.fetch("SELECT details FROM audit.event"))
    assert people.pan(1) not in events


async def test_a_closed_account_suspends_its_cards_and_an_open_one_resumes_them(
    db: asyncpg.Connection, keys: Keys, now: datetime
) -> None:
    work = hands(db, keys, now)
    client = await people.make_client(work)
    await people.activate(work, client)
    roles = {client.person_id: "owner"}

    await cards.put_account(work, "a1", AccountData("PLN", roles, "closed"), None)
    closed = await people.enrolment(db, client.card_id)
    await cards.put_account(work, "a1", AccountData("PLN", roles, "active"), None)

    assert closed == ("suspended", "account_closed")
    assert await people.enrolment(db, client.card_id) == ("active", None)


async def test_those_who_leave_an_account_have_no_role_any_more(
    db: asyncpg.Connection, keys: Keys, now: datetime
) -> None:
    work = hands(db, keys, now)
    client = await people.make_client(work)
    other = await people.make_person(work, "p2", people.PESELS[0])
    done = await cards.put_account(work, "a1", AccountData("PLN", {other: "co_owner"}), None)

    assert isinstance(done, Done)
    rows = await db.fetch("SELECT person_id, role FROM enrollment.account_person")
    assert [tuple(row) for row in rows] == [(other, "co_owner")]
    assert client.person_id != other


async def test_a_temporary_block_suspends_and_its_end_resumes(
    db: asyncpg.Connection, keys: Keys, now: datetime
) -> None:
    work = hands(db, keys, now)
    client = await people.make_client(work)
    await people.activate(work, client)
    states = []
    for status in (CardStatus.BLOCKED_TEMP, CardStatus.ACTIVE, CardStatus.BLOCKED_STOLEN):
        await cards.set_status(work, client.card_id, StatusData(status, None, None, None))
        states.append(await people.enrolment(db, client.card_id))

    assert states == [("suspended", "card_blocked"), ("active", None), ("removed", "card_stolen")]


@pytest.mark.parametrize(("seconds", "is_taken"), [(0, True), (5, True), (5.001, False)])
async def test_the_hosts_clock_may_be_a_little_ahead(
    db: asyncpg.Connection, keys: Keys, now: datetime, seconds: float, *, is_taken: bool
) -> None:
    work = hands(db, keys, now)
    client = await people.make_client(work)
    said = StatusData(CardStatus.BLOCKED, None, None, now + timedelta(seconds=seconds))
    done = await cards.set_status(work, client.card_id, said)

    refused = Refusal(RefusalCode.EFFECTIVE_IN_FUTURE, "effective")
    assert isinstance(done, Done) if is_taken else done == refused


async def test_a_bank_may_choose_that_a_replacing_card_starts_anew(
    db: asyncpg.Connection, keys: Keys, now: datetime
) -> None:
    work = hands(db, keys, now, copy_on_replace=False)
    client = await people.make_client(work)
    await people.activate(work, client)
    new = await people.make_card(work, client.person_id, client.account_id, 2)
    said = StatusData(CardStatus.REPLACED, None, new, now)
    await cards.set_status(work, client.card_id, said)

    assert await people.enrolment(db, new) == ("eligible", None)
    assert await db.fetchval("SELECT replaced_by FROM enrollment.card WHERE ref = 'c1'") == new


async def test_the_clients_off_goes_with_the_replacing_card(
    db: asyncpg.Connection, keys: Keys, now: datetime
) -> None:
    work = hands(db, keys, now)
    client = await people.make_client(work)
    await people.activate(work, client)
    await people.switch(people.later(work, minutes=1), client, "deactivate")
    new = await people.make_card(work, client.person_id, client.account_id, 2)
    said = StatusData(CardStatus.REPLACED, None, new, None)
    await cards.set_status(work, client.card_id, said)

    assert await people.enrolment(db, new) == ("suspended", "client_off")


ENDS = (CardStatus.BLOCKED_STOLEN, CardStatus.BLOCKED, CardStatus.REPLACED)


async def become(
    work: Work, card_id: UUID, status: CardStatus, follower: UUID | None = None
) -> None:
    said = StatusData(status, None, follower, None)
    assert isinstance(await cards.set_status(work, card_id, said), Done)


@pytest.mark.parametrize("ended", ENDS)
async def test_a_card_that_follows_is_told_of_later_as_if_at_once(
    db: asyncpg.Connection, keys: Keys, now: datetime, ended: CardStatus
) -> None:
    work = hands(db, keys, now)
    client = await people.make_client(work)
    await people.activate(work, client)
    await limits.put_card_limits(work, client.card_id, EffectiveLimits(per_day=500), None)
    await become(work, client.card_id, ended)
    day = people.later(work, days=1)
    new = await people.make_card(day, client.person_id, client.account_id, 2)
    for hour in (1, 2):  # the second time it is known
        await become(people.later(day, hours=hour), client.card_id, CardStatus.REPLACED, new)
    found = await limits.card_limits(day, new)

    assert await people.enrolment(db, new) == ("active", None)
    assert await people.enrolment(db, client.card_id) == ("removed", f"card_{REASONS[ended]}")
    assert isinstance(found, Done)
    assert found.value.branch == EffectiveLimits(per_day=500)
    ends = [people.pan(number)[-4:] for number in (1, 2)]
    told = [text for text in await doors.messages(work) if all(end in text for end in ends)]
    assert len(told) == 1
    assert await db.fetchval("SELECT replaced_by FROM enrollment.card WHERE ref = 'c1'") == new


REASONS = {
    CardStatus.BLOCKED_STOLEN: "stolen",
    CardStatus.BLOCKED: "blocked",
    CardStatus.REPLACED: "replaced",
}


@pytest.mark.parametrize(
    ("acts", "stays"),
    [
        (("off",), ("suspended", "client_off")),
        (("end", "withdraw"), ("suspended", "consent_withdrawn")),
        (("end", "withdraw", "consent"), ("suspended", "consent_withdrawn")),
        (("block", "end"), ("active", None)),
    ],
)
async def test_what_the_client_wants_of_an_ended_card_goes_to_the_one_that_follows(
    db: asyncpg.Connection, keys: Keys, now: datetime,
    acts: tuple[str, ...], stays: tuple[str, str | None],
) -> None:  # fmt: skip
    work = hands(db, keys, now)
    client = await people.make_client(work)
    await people.activate(work, client)
    for minute, act in enumerate(acts, 1):
        at = people.later(work, minutes=minute)
        match act:
            case "off":
                await people.switch(at, client, "deactivate")
            case "withdraw":
                await clients.withdraw(at, client.person_id, "sms_3ds")
            case "consent":
                await people.consent(at, client.person_id)
            case "block":
                await become(at, client.card_id, CardStatus.BLOCKED_TEMP)
            case _:
                await become(at, client.card_id, CardStatus.BLOCKED_STOLEN)
    day = people.later(work, days=1)
    new = await people.make_card(day, client.person_id, client.account_id, 2)
    await become(day, client.card_id, CardStatus.BLOCKED_STOLEN)
    await become(day, client.card_id, CardStatus.REPLACED, new)

    assert await people.enrolment(db, new) == stays


@pytest.mark.parametrize(
    ("old", "new", "stays"),
    [
        (["activate"], ["activate", "deactivate"], ("suspended", "client_off")),
        (["activate", "deactivate"], ["activate"], ("active", None)),
    ],
)
async def test_what_the_client_chose_for_the_new_card_already_stays(
    db: asyncpg.Connection, keys: Keys, now: datetime,
    old: list[str], new: list[str], stays: tuple[str, str | None],
) -> None:  # fmt: skip
    work = hands(db, keys, now)
    client = await people.make_client(work)
    await people.consent(work, client.person_id)
    await people.set_pin(work, client.person_id)
    card_id = await people.make_card(work, client.person_id, client.account_id, 2)
    follower = replace(client, card_id=card_id)
    for minute, (one, wish) in enumerate(
        [*((client, wish) for wish in old), *((follower, wish) for wish in new)], 1
    ):
        await people.switch(people.later(work, minutes=minute), one, wish)
    said = StatusData(CardStatus.REPLACED, None, card_id, None)
    await cards.set_status(people.later(work, minutes=9), client.card_id, said)

    assert await people.enrolment(db, card_id) == stays


@pytest.mark.parametrize(
    ("currency", "kept"),
    [
        ("PLN", EffectiveLimits(per_tx=500_000, per_day=0, count_day=3)),
        ("JPY", EffectiveLimits(per_day=0, count_day=3)),
    ],
)
async def test_limits_go_with_a_replacing_card_as_far_as_they_mean_the_same(
    db: asyncpg.Connection, keys: Keys, now: datetime, currency: str, kept: EffectiveLimits
) -> None:
    """5,000.00 zloty are not 500,000 yen; no payments are no payments in any currency."""
    work = people.hands(db, keys, now)
    client = await people.make_client(work)
    other = await cards.put_account(
        work, "a2", AccountData(currency, {client.person_id: "owner"}), None
    )
    assert isinstance(other, Done)
    new = await people.make_card(work, client.person_id, other.value.account_id, 2)
    wanted = EffectiveLimits(per_tx=500_000, per_day=0, count_day=3)
    await limits.put_card_limits(work, client.card_id, wanted, None)
    await cards.set_status(work, client.card_id, StatusData(CardStatus.REPLACED, None, new, None))
    found = await limits.card_limits(work, new)

    assert isinstance(found, Done)
    assert found.value.branch == kept


async def test_what_a_replacing_card_is_given_is_in_the_audit_log(
    db: asyncpg.Connection, keys: Keys, now: datetime
) -> None:
    work = people.hands(db, keys, now)
    client = await people.make_client(work)
    new = await people.make_card(work, client.person_id, client.account_id, 2)
    wanted = EffectiveLimits(per_tx=100)
    await limits.put_card_limits(work, client.card_id, wanted, None)
    await limits.lower_card_limits(work, client.card_id, EffectiveLimits(per_tx=50))
    for _ in range(2):
        await cards.set_status(
            work, client.card_id, StatusData(CardStatus.REPLACED, None, new, None)
        )
    follows = await db.fetchval(
        "SELECT details->>'replaced_by' FROM audit.event WHERE name = 'card.status'"
    )
    given = await db.fetch(
        "SELECT details->>'level' AS level, details->'becomes'->>'per_tx' AS most"
        "  FROM audit.event WHERE name = 'limit.set' AND object = $1 ORDER BY 1",
        str(new),
    )

    assert follows == str(new)
    assert [tuple(row) for row in given] == [("card_branch", "100"), ("card_client", "50")]


async def test_a_new_card_of_a_registered_client_is_eligible(
    db: asyncpg.Connection, keys: Keys, now: datetime
) -> None:
    work = hands(db, keys, now)
    client = await people.make_client(work)
    await people.activate(work, client)
    new = await people.make_card(work, client.person_id, client.account_id, 2)

    assert await people.enrolment(db, new) == ("eligible", None)


def test_a_card_number_is_not_shown() -> None:
    data = CardData(Secret(people.pan(1)), "2912", "p", *[None] * 2)  # type: ignore[arg-type]

    assert people.pan(1) not in repr(data)


async def test_a_card_hangs_on_no_account_at_which_its_holder_has_no_role(
    db: asyncpg.Connection, keys: Keys, now: datetime
) -> None:
    work = hands(db, keys, now)
    one = await people.make_client(work, number=1, pesel=people.PESELS[0])
    other = await people.make_client(work, number=2)
    data = CardData(Secret(people.pan(3)), "2912", "classic", one.person_id, other.account_id)

    refused = await cards.put_card(work, "c3", data, is_in_range=True, if_match=None)
    assert refused == Refusal(RefusalCode.NOT_OF_ACCOUNT, "account_id")


async def test_a_card_does_not_move_to_an_account_of_others_or_of_another_currency(
    db: asyncpg.Connection, keys: Keys, now: datetime
) -> None:
    work = hands(db, keys, now)
    one = await people.make_client(work, number=1, pesel=people.PESELS[0])
    other = await people.make_client(work, number=2)
    euros = await cards.put_account(work, "e1", AccountData("EUR", {one.person_id: "owner"}), None)
    own = await cards.put_account(work, "a9", AccountData("PLN", {one.person_id: "proxy"}), None)
    assert isinstance(euros, Done)
    assert isinstance(own, Done)

    answers = []
    for account_id in (other.account_id, euros.value.account_id, own.value.account_id):
        data = CardData(Secret(people.pan(1)), "2912", "classic", one.person_id, account_id)
        done = await cards.put_card(work, "c1", data, is_in_range=True, if_match=None)
        answers.append(done.code if isinstance(done, Refusal) else done.value.account_id)
    assert answers == [
        RefusalCode.NOT_OF_ACCOUNT,
        RefusalCode.CURRENCY_FIXED,
        own.value.account_id,
    ]


async def test_a_card_that_moves_does_not_wait_for_the_account_it_leaves(
    pool: asyncpg.Pool, keys: Keys, now: datetime
) -> None:
    """Who holds that account waits for the card's holder: the two would lock each other out."""
    async with pool.acquire() as conn:
        work = hands(conn, keys, now)
        client = await people.make_client(work)
        other = await cards.put_account(
            work, "a2", AccountData("PLN", {client.person_id: "owner"}), None
        )
    assert isinstance(other, Done)
    data = CardData(
        Secret(people.pan(1)), "2912", "classic", client.person_id, other.value.account_id
    )
    async with pool.acquire() as holder, holder.transaction():
        await store.lock_account(holder, client.account_id)
        async with pool.acquire() as conn, conn.transaction(), asyncio.timeout(100):
            moved = await cards.put_card(
                hands(conn, keys, now), "c1", data, is_in_range=True, if_match=None
            )

    assert isinstance(moved, Done)
    assert moved.value.account_id == other.value.account_id


async def test_who_loses_the_role_at_an_account_has_the_cards_on_it_suspended(
    db: asyncpg.Connection, keys: Keys, now: datetime
) -> None:
    work = hands(db, keys, now)
    owner = await people.make_client(work, number=1, pesel=people.PESELS[0])
    proxy = await people.make_person(work, "p2")
    both = {owner.person_id: "owner", proxy: "proxy"}
    await cards.put_account(work, "a1", AccountData("PLN", both), None)
    card_id = await people.make_card(work, proxy, owner.account_id, 2)
    for client in (owner, people.Client(proxy, owner.account_id, card_id)):
        await people.activate(work, client)

    await cards.put_account(work, "a1", AccountData("PLN", {owner.person_id: "owner"}), None)
    without = [await people.enrolment(db, one) for one in (owner.card_id, card_id)]
    await cards.put_account(work, "a1", AccountData("PLN", both), None)

    assert without == [("active", None), ("suspended", "not_of_account")]
    assert await people.enrolment(db, card_id) == ("active", None)


async def test_a_card_of_who_lost_the_role_still_follows_the_hosts_file(
    db: asyncpg.Connection, keys: Keys, now: datetime
) -> None:
    work = hands(db, keys, now)
    client = await people.make_client(work)
    other = await people.make_person(work, "p9", people.PESELS[0])
    await cards.put_account(work, "a1", AccountData("PLN", {other: "owner"}), None)
    data = CardData(Secret(people.pan(1)), "3012", "classic", client.person_id, client.account_id)

    renewed = await cards.put_card(work, "c1", data, is_in_range=True, if_match=None)
    assert isinstance(renewed, Done)
    assert renewed.value.expiry == "3012"


async def test_co_owners_share_the_accounts_limits_and_see_their_own_cards_only(
    db: asyncpg.Connection, keys: Keys, now: datetime
) -> None:
    work = hands(db, keys, now)
    one = await people.make_client(work, number=1, pesel=people.PESELS[0])
    second = await people.make_person(work, "p2")
    both = {one.person_id: "owner", second: "co_owner"}
    await cards.put_account(work, "a1", AccountData("PLN", both), None)
    card_id = await people.make_card(work, second, one.account_id, 2)
    shared = EffectiveLimits(per_day=500)
    await limits.put_account_limits(work, one.account_id, shared, None)
    await limits.put_card_limits(work, one.card_id, EffectiveLimits(per_day=100), None)

    seen = []
    for person_id in (one.person_id, second):
        done = await clients.own_cards(work, person_id)
        assert isinstance(done, Done)
        seen.append([(own.card.card_id, own.limits.effective.per_day) for own in done.value])
    assert seen == [[(one.card_id, 100)], [(card_id, 500)]]

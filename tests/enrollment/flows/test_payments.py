"""What a payment asks of the enrolment side, on PostgreSQL: standing, reservation, races."""

from __future__ import annotations

import asyncio
from datetime import date, datetime, timedelta
from typing import TYPE_CHECKING, Any
from uuid import UUID, uuid4

import asyncpg
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from enrollment import flows, pan
from enrollment.flows import clients, limits, persons
from enrollment.model import (
    BlockKind,
    CardStatus,
    EffectiveLimits,
    EnrolmentReason,
    EnrolmentState,
    Payment,
    Use,
)
from enrollment.store import limits as stored
from tests.enrollment import people
from tests.enrollment.people import hands

if TYPE_CHECKING:
    from schemas.vault import Keys

DAY, MONTH = date(2026, 6, 17), date(2026, 6, 1)
WITHIN_BOUNDS = "usage_within_bounds"


def a_payment(
    card: UUID,
    account: UUID,
    amount: int,
    now: datetime,
    *,
    counted: bool = False,
    **bounds: int | None,
) -> Payment:
    """Give a payment with bounds by names such as ``card_day`` and ``account_count_month``."""

    def of(level: str) -> EffectiveLimits:
        return EffectiveLimits(
            per_day=bounds.get(f"{level}_day"),
            per_month=bounds.get(f"{level}_month"),
            count_day=bounds.get(f"{level}_count_day"),
            count_month=bounds.get(f"{level}_count_month"),
        )

    return Payment(
        uuid4(), card, account, amount, DAY, MONTH, counted, now, of("card"), of("account")
    )


async def reserve(
    conn: asyncpg.Connection, card: UUID, account: UUID, amount: int, now: datetime, **more: Any
) -> UUID:
    one = a_payment(card, account, amount, now, **more)
    await reserve_together(conn, [one])
    return one.acs_trans_id


async def reserve_together(conn: asyncpg.Connection, payments: list[Payment]) -> None:
    await conn.execute("SELECT enrollment.reserve_shares($1, $2)", *flows.shares_of(payments))


async def use_of(conn: asyncpg.Connection, owner: UUID) -> Use:
    rows = await conn.fetch(
        "SELECT period, amount, count FROM enrollment.usage WHERE owner_id = $1", owner
    )
    used = {row["period"]: (row["amount"], row["count"]) for row in rows}
    return Use(*used.get("day", (0, 0)), *used.get("month", (0, 0)))


async def test_standing_of_an_activated_card_says_everything(
    db: asyncpg.Connection, keys: Keys, now: datetime
) -> None:
    work = hands(db, keys, now)
    client = await people.make_client(work)
    await people.activate(work, client)
    await limits.put_account_limits(
        work, client.account_id, EffectiveLimits(per_tx=100_00, count_month=9), None
    )
    await limits.put_card_limits(work, client.card_id, EffectiveLimits(per_day=50_00), None)
    await reserve(db, client.card_id, client.account_id, 12_34, now)

    standing = await people.standing_of(db, pan.index(keys, people.pan(1)), DAY, MONTH)

    assert standing is not None
    assert (standing.card_id, standing.account_id, standing.person_id) == (
        client.card_id, client.account_id, client.person_id,
    )  # fmt: skip
    assert standing.card_status is CardStatus.ACTIVE
    assert standing.enrolment is EnrolmentState.ACTIVE
    assert (standing.last4, standing.expiry) == (people.pan(1)[-4:], "2912")
    assert (standing.consent_valid, standing.pin_set, standing.block) == (True, True, None)
    assert standing.phone is not None
    assert (standing.phone.mask, standing.phone.usable) == ("+48 *** *** 761", True)
    assert (standing.currency, standing.language) == ("985", "pl")
    assert standing.account_limits == EffectiveLimits(per_tx=100_00, count_month=9)
    assert standing.card_limits == EffectiveLimits(per_day=50_00)
    assert standing.card_use == standing.account_use == Use(12_34, 1, 12_34, 1)


async def test_an_unknown_pan_has_no_standing(db: asyncpg.Connection, keys: Keys) -> None:
    assert await people.standing_of(db, pan.index(keys, people.pan(9)), DAY, MONTH) is None


async def test_a_card_indexed_under_the_earlier_pepper_is_found(
    db: asyncpg.Connection, keys: Keys, now: datetime
) -> None:
    client = await people.make_client(hands(db, keys, now))
    earlier = keys.pan_index.tags(b"pan/1", people.pan(1).encode())[1]
    await db.execute(
        "UPDATE enrollment.card SET pan_idx = $1, idx_key_id = $2", earlier.value, earlier.key_id
    )

    standing = await people.standing_of(db, pan.index(keys, people.pan(1)), DAY, MONTH)

    assert standing is not None
    assert standing.card_id == client.card_id


async def test_one_statement_answers_for_many_cards(
    db: asyncpg.Connection, keys: Keys, now: datetime
) -> None:
    work = hands(db, keys, now)
    client = await people.make_client(work)
    await people.make_card(work, client.person_id, client.account_id, 2)
    wanted = pan.index(keys, people.pan(1)) + pan.index(keys, people.pan(2))

    rows = await db.fetch("SELECT pan_idx FROM enrollment.standing($1, $2, $3)", wanted, DAY, MONTH)

    assert len({row["pan_idx"] for row in rows}) == 2


async def test_standing_of_a_bare_card_names_what_is_missing(
    db: asyncpg.Connection, keys: Keys, now: datetime
) -> None:
    client = await people.make_client(hands(db, keys, now))

    standing = await people.standing_of_card(db, client.card_id, DAY, MONTH)

    assert standing is not None
    assert (standing.enrolment, standing.enrolment_reason) == (EnrolmentState.NONE, None)
    assert (standing.consent_valid, standing.pin_set) == (False, False)
    assert standing.card_limits == standing.account_limits == EffectiveLimits()
    assert standing.card_use == Use()
    assert standing.consecutive_failures == 0


async def test_standing_shows_the_block_and_the_failures(
    db: asyncpg.Connection, keys: Keys, now: datetime
) -> None:
    client = await people.make_client(hands(db, keys, now))
    for _ in range(5):
        await flows.begin_attempt(people.hands(db, keys, now), client.person_id)
    block = await flows.attempt_failed(people.hands(db, keys, now), client.person_id)

    standing = await people.standing_of_card(db, client.card_id, DAY, MONTH)

    assert standing is not None
    assert standing.block == block
    assert block is not None
    assert block.kind is BlockKind.SCA_TEMP
    assert standing.consecutive_failures == 5


async def test_a_replaced_consent_text_counts_to_its_last_day(
    db: asyncpg.Connection, owner: asyncpg.Connection, keys: Keys, now: datetime
) -> None:
    client = await people.make_client(hands(db, keys, now))
    await people.consent(hands(db, keys, now), client.person_id)
    await owner.execute("UPDATE enrollment.consent_text SET good_until = $1", DAY)

    on_it = await people.standing_of_card(db, client.card_id, DAY, MONTH)
    after = await people.standing_of_card(db, client.card_id, DAY + timedelta(days=1), MONTH)

    assert on_it is not None
    assert after is not None
    assert (on_it.consent_valid, after.consent_valid) == (True, False)


async def test_the_card_limits_are_the_least_of_product_branch_and_client(
    db: asyncpg.Connection, keys: Keys, now: datetime
) -> None:
    work = hands(db, keys, now)
    client = await people.make_client(work)
    await stored.put_product(db, "classic", EffectiveLimits(per_tx=500, per_day=900))
    await limits.put_card_limits(
        work, client.card_id, EffectiveLimits(per_tx=700, per_day=800), None
    )
    await limits.lower_card_limits(work, client.card_id, EffectiveLimits(per_tx=600, count_day=2))

    standing = await people.standing_of_card(db, client.card_id, DAY, MONTH)

    assert standing is not None
    assert standing.card_limits == EffectiveLimits(per_tx=500, per_day=800, count_day=2)


async def test_the_phone_number_is_given_only_while_it_is_in_use(
    db: asyncpg.Connection, keys: Keys, now: datetime
) -> None:
    work = hands(db, keys, now)
    person_id = await people.make_person(work)
    phone_id = await db.fetchval("SELECT phone_id FROM enrollment.phone")

    number = await flows.phone_number(db, keys, phone_id)
    await persons.put_phone(work, person_id, "+48 601 111 222", "branch", None)

    assert number is not None
    assert number.reveal() == people.PHONE
    assert await flows.phone_number(db, keys, phone_id) is None
    assert await flows.phone_number(db, keys, uuid4()) is None


@pytest.mark.parametrize(
    "bounds",
    [
        {"account_day": 99},
        {"account_month": 99},
        {"card_day": 99},
        {"card_month": 99},
        {"card_count_day": 0},
        {"card_count_month": 0},
        {"account_count_day": 0},
        {"account_count_month": 0},
        {"account_day": 0, "card_month": 0},
    ],
)
async def test_a_reservation_over_a_limit_is_refused_and_leaves_nothing(
    db: asyncpg.Connection, now: datetime, bounds: dict[str, Any]
) -> None:
    card, account = uuid4(), uuid4()

    with pytest.raises(asyncpg.CheckViolationError) as raised:
        await reserve(db, card, account, 100, now, **bounds)

    assert raised.value.constraint_name == WITHIN_BOUNDS
    assert await use_of(db, card) == await use_of(db, account) == Use()
    assert await db.fetchval("SELECT count(*) FROM enrollment.reservation") == 0


async def test_a_reservation_may_reach_its_limit(db: asyncpg.Connection, now: datetime) -> None:
    card, account = uuid4(), uuid4()

    await reserve(db, card, account, 100, now, account_day=100, card_count_month=1)

    assert await use_of(db, card) == Use(100, 1, 100, 1)


async def test_a_reservation_is_counted_once(db: asyncpg.Connection, now: datetime) -> None:
    held = await reserve(db, uuid4(), uuid4(), 100, now)

    assert await flows.count_use(db, held, now)
    assert not await flows.count_use(db, held, now)
    assert not await flows.release_use(db, held, now)


async def test_a_reservation_is_given_back_once(db: asyncpg.Connection, now: datetime) -> None:
    card, account = uuid4(), uuid4()
    await reserve(db, card, account, 7, now)
    held = await reserve(db, card, account, 100, now)

    assert await flows.release_use(db, held, now)
    assert not await flows.release_use(db, held, now)
    assert not await flows.count_use(db, held, now)
    assert await use_of(db, card) == await use_of(db, account) == Use(7, 1, 7, 1)


async def test_what_is_counted_at_once_is_not_given_back(
    db: asyncpg.Connection, now: datetime
) -> None:
    counted = await reserve(db, uuid4(), uuid4(), 100, now, counted=True)

    assert not await flows.release_use(db, counted, now)


async def test_old_counts_lapse_and_held_ones_stay(db: asyncpg.Connection, now: datetime) -> None:
    card, account = uuid4(), uuid4()
    week = timedelta(days=7)
    await reserve(db, card, account, 1, now - week - timedelta(seconds=1), counted=True)
    await reserve(db, card, account, 10, now - week + timedelta(seconds=1), counted=True)
    await reserve(db, card, account, 100, now - week - timedelta(days=1))

    lapsed = await flows.lapse_use(db, now - week, 10, now=now)

    assert lapsed == 1
    assert await flows.lapse_use(db, now - week, 10, now=now) == 0
    assert await use_of(db, card) == await use_of(db, account) == Use(110, 2, 110, 2)


async def test_counters_go_when_no_limit_and_no_reservation_looks_back_to_them(
    db: asyncpg.Connection, now: datetime
) -> None:
    for day in (date(2026, 4, 1), date(2026, 4, 30), date(2026, 5, 1), date(2026, 6, 17)):
        await db.execute("INSERT INTO enrollment.usage VALUES ($1, 'day', $2, 5, 1)", uuid4(), day)

    assert [await flows.forget_use(db, now, 1) for _ in range(3)] == [1, 1, 0]
    kept = await db.fetch("SELECT starts_on FROM enrollment.usage ORDER BY 1")
    assert [f"{row[0]:%m-%d}" for row in kept] == ["05-01", "06-17"]


async def test_forty_parallel_reservations_never_pass_a_limit_that_fits_three(
    pool: asyncpg.Pool, now: datetime
) -> None:
    card, account = uuid4(), uuid4()

    async def one() -> bool:
        try:
            async with pool.acquire() as conn:
                await reserve(conn, card, account, 100, now, account_day=399)
        except asyncpg.PostgresError as refused:
            return bool(refused.constraint_name != WITHIN_BOUNDS)
        return True

    outcomes = await asyncio.gather(*(one() for _ in range(40)))

    assert sum(outcomes) == 3
    async with pool.acquire() as conn:
        assert await use_of(conn, account) == Use(300, 3, 300, 3)
        assert await conn.fetchval("SELECT count(*) FROM enrollment.reservation") == 3


async def test_two_cards_of_one_account_do_not_lock_each_other_out(
    pool: asyncpg.Pool, now: datetime
) -> None:
    cards, account = (uuid4(), uuid4()), uuid4()
    week = timedelta(days=7)

    async def one(number: int) -> None:
        card = cards[number % 2]
        made_at = now - week * 2 if number % 4 == 0 else now
        async with pool.acquire() as conn:
            held = await reserve(conn, card, account, 1, made_at, counted=number % 4 == 0)
            if number % 4 == 1:
                await flows.release_use(conn, held, now)
            if number % 8 == 2:
                await flows.lapse_use(conn, now - week, 100, now=now)

    await asyncio.gather(*(one(number) for number in range(80)))

    async with pool.acquire() as conn:
        await flows.lapse_use(conn, now - week, 100, now=now)
        assert await use_of(conn, account) == Use(40, 40, 40, 40)


@settings(
    max_examples=25,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
@given(
    payments=st.lists(st.tuples(st.integers(0, 2), st.integers(0, 60)), min_size=1, max_size=8),
    per_day=st.integers(0, 200),
    most=st.integers(1, 8),
)
async def test_together_they_take_what_they_take_one_by_one_or_nothing(
    db: asyncpg.Connection, now: datetime, payments: list[tuple[int, int]], per_day: int, most: int
) -> None:
    cards, account = [uuid4() for _ in range(3)], uuid4()
    bounds = {"account_day": per_day, "card_count_day": most}
    rows = [
        a_payment(cards[card], account, amount, now, counted=True, **bounds)
        for card, amount in payments
    ]
    total = sum(amount for _, amount in payments)
    fits = total <= per_day and all(
        sum(card == number for card, _ in payments) <= most for number in range(3)
    )
    if not fits:
        with pytest.raises(asyncpg.CheckViolationError) as refused:
            async with db.transaction():
                await reserve_together(db, rows)
        assert refused.value.constraint_name == WITHIN_BOUNDS
        assert await use_of(db, account) == Use()
        return
    await reserve_together(db, rows)
    assert await use_of(db, account) == Use(total, len(rows), total, len(rows))
    for number, card in enumerate(cards):
        mine = [amount for of, amount in payments if of == number]
        assert await use_of(db, card) == Use(sum(mine), len(mine), sum(mine), len(mine))


AMOUNTS = st.lists(st.tuples(st.integers(0, 50), st.sampled_from("hcr")), max_size=12)


@settings(
    max_examples=25,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
@given(payments=AMOUNTS, per_day=st.integers(0, 120))
async def test_counters_are_the_sum_of_what_is_held_and_counted(
    db: asyncpg.Connection, now: datetime, payments: list[tuple[int, str]], per_day: int
) -> None:
    card, account, expected = uuid4(), uuid4(), 0
    for amount, then in payments:
        fits = expected + amount <= per_day
        try:
            held = await reserve(db, card, account, amount, now, card_day=per_day)
        except asyncpg.PostgresError:
            assert not fits
            continue
        assert fits
        expected += amount
        if then == "c":
            await flows.count_use(db, held, now)
        if then == "r":
            await flows.release_use(db, held, now)
            expected -= amount

    used = await use_of(db, card)

    assert (used.day_amount, used.month_amount) == (expected, expected)


async def test_a_withdrawn_consent_is_seen_by_the_next_payment(
    db: asyncpg.Connection, keys: Keys, now: datetime
) -> None:
    work = hands(db, keys, now)
    client = await people.make_client(work)
    await people.activate(work, client)
    await clients.withdraw(work, client.person_id, "sms_3ds")

    standing = await people.standing_of_card(db, client.card_id, DAY, MONTH)

    assert standing is not None
    assert not standing.consent_valid
    assert standing.enrolment is EnrolmentState.SUSPENDED
    assert standing.enrolment_reason is EnrolmentReason.CONSENT_WITHDRAWN


def test_counters_are_stepped_in_one_order_under_the_least_bound(now: datetime) -> None:
    low, high = UUID(int=1), UUID(int=2)
    both = [
        a_payment(low, high, 5, now, account_day=40, card_month=9),
        a_payment(high, low, 7, now),
        a_payment(low, high, 1, now, account_day=30, card_count_month=3),
    ]

    for payments in (both, both[::-1]):
        assert flows.shares_of(payments)[1] == [
            (low, "month", MONTH, 7, 1, None, None),
            (low, "day", DAY, 7, 1, None, None),
            (high, "month", MONTH, 6, 2, None, None),
            (high, "day", DAY, 6, 2, 30, None),
            (low, "month", MONTH, 6, 2, 9, 3),
            (low, "day", DAY, 6, 2, None, None),
            (high, "month", MONTH, 7, 1, None, None),
            (high, "day", DAY, 7, 1, None, None),
        ]


async def test_a_raised_limit_counts_at_once_and_a_lowered_one_with_the_next_payment(
    db: asyncpg.Connection, now: datetime
) -> None:
    card, account = uuid4(), uuid4()
    first = await reserve(db, card, account, 100, now, card_day=100)
    await reserve(db, card, account, 50, now, card_day=150)

    with pytest.raises(asyncpg.CheckViolationError):
        async with db.transaction():
            await reserve(db, card, account, 0, now, card_day=149)
    assert await flows.release_use(db, first, now)
    await reserve(db, card, account, 50, now, card_day=100)

    assert await use_of(db, card) == Use(100, 2, 100, 2)

"""What a payment asks: the standing of its card, its phone, and its share in the limits.

The share is taken inside the Access Control Server's own commit by the SQL function
``enrollment.reserve_shares`` with the rows of ``shares_of``; a counter that would pass its limit
breaks the constraint ``usage_within_bounds``. Here it is turned into a count at success, or given
back. Each reservation is counted or given back once: a second call finds the state changed and
does nothing.
"""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, TypeAlias

from enrollment import phones
from enrollment.model import calendar_of
from enrollment.store import consents, payments

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import date, datetime
    from uuid import UUID

    from enrollment.model import Footing, Payment, Standing
    from enrollment.store import Row
    from schemas.queries import Connection
    from schemas.vault import Keys, Secret


_PERIODS = ("month", "day")
_Counter: TypeAlias = "tuple[int, int, int, date]"
"""Whose counter, of an account (0) or a card (1), and of which period."""
_Step: TypeAlias = "tuple[UUID, int, int, int | None, int | None]"


def standing_from(row: Row) -> Standing:
    """Make the value of one row of the SQL function ``enrollment.standing``.

    The caller reads it in a statement of its own, together with what it has to look up besides:
    the function is the door, the columns are those of its declaration.
    """
    return payments.standing_from(row)


async def footing_of(conn: Connection, card_id: UUID, day: date) -> Footing | None:
    """Give what a running challenge of a card rests on, to see whether it may go on."""
    return await payments.footing(conn, card_id, day)


def number_on(keys: Keys, footing: Footing) -> Secret | None:
    """Open the number that a code may go to; None when it is not to be used now."""
    if footing.phone_id is None or footing.number_ct is None or not footing.phone_usable:
        return None
    return phones.unseal(keys, footing.phone_id, footing.number_ct)


async def phone_number(conn: Connection, keys: Keys, phone_id: UUID) -> Secret | None:
    """Open the number of a phone; None when it is no longer the one in use."""
    sealed = await payments.phone_in_use(conn, phone_id)
    return None if sealed is None else phones.unseal(keys, phone_id, sealed)


async def consent_in_force(conn: Connection, person_id: UUID) -> int | None:
    """Give the id of the person's consent to codes by SMS, for the evidence of a payment."""
    return await consents.in_force(conn, person_id)


def shares_of(
    taken: Sequence[Payment],
) -> tuple[list[tuple[object, ...]], list[tuple[object, ...]]]:
    """Give the two parameters of ``enrollment.reserve_shares`` for payments at the same time.

    A row for each payment; and for each counter one step, bounded by the least of their limits, in
    the order in which counters are locked: accounts, then cards, by owner, month before day.
    """
    reservations: list[tuple[object, ...]] = []
    steps: dict[_Counter, _Step] = {}
    for one in taken:
        amount, account, card = one.amount, one.account, one.card
        reservations.append(
            (one.acs_trans_id, one.card_id, one.account_id, amount, one.day, one.month,
             one.is_counted, one.made_at)
        )  # fmt: skip
        for counter, amount_max, count_max in (
            ((0, one.account_id.int, 0, one.month), account.per_month, account.count_month),
            ((0, one.account_id.int, 1, one.day), account.per_day, account.count_day),
            ((1, one.card_id.int, 0, one.month), card.per_month, card.count_month),
            ((1, one.card_id.int, 1, one.day), card.per_day, card.count_day),
        ):
            so_far = steps.get(counter)
            if so_far is None:
                owner = one.card_id if counter[0] else one.account_id
                steps[counter] = (owner, amount, 1, amount_max, count_max)
            else:
                steps[counter] = (
                    so_far[0],
                    so_far[1] + amount,
                    so_far[2] + 1,
                    _least(so_far[3], amount_max),
                    _least(so_far[4], count_max),
                )
    return reservations, [
        (owner, _PERIODS[counter[2]], counter[3], amount, count, amount_max, count_max)
        for counter, (owner, amount, count, amount_max, count_max) in sorted(steps.items())
    ]


def _least(one: int | None, other: int | None) -> int | None:
    if one is None:
        return other
    return one if other is None else min(one, other)


async def count_use(
    conn: Connection,
    acs_trans_id: UUID,
    now: datetime,
    *,
    person_id: UUID | None = None,
    card_id: UUID | None = None,
) -> bool:
    """Turn a held reservation into a count; False when there was none held.

    ``person_id`` was just authenticated with every asked element right: the failures start anew,
    but those where the PIN was asked for only with ``card_id``. That says that it was a strong
    authentication; small payments of the card are counted anew, too (RTS art. 16).
    """
    return await payments.count_use(conn, acs_trans_id, now, person_id=person_id, card_id=card_id)


async def release_use(conn: Connection, acs_trans_id: UUID, now: datetime) -> bool:
    """Give a held reservation back to the counters; False when there was none held."""
    return await payments.release_use(conn, acs_trans_id, now)


async def lapse_use(conn: Connection, before: datetime, limit: int, *, now: datetime) -> int:
    """Drop up to ``limit`` counts made before that time which no authorisation followed.

    An authentication is not yet an authorisation: the service's own count forgets it after seven
    days. ``now`` is recorded as the end.
    """
    return await payments.lapse(conn, before, limit, now)


async def forget_use(conn: Connection, now: datetime, limit: int) -> int:
    """Let go of up to ``limit`` counters of days and months before the last; give how many.

    Limits look at this month; what is still given back was held in it or in the one before.
    """
    _, this_month = calendar_of(now)
    last_month = (this_month - timedelta(days=1)).replace(day=1)
    return await payments.forget_use(conn, last_month, limit)

"""What the enrolment side does by itself: drops what is over, lets a new phone take over."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import TYPE_CHECKING, Final

from enrollment import callers, idempotency
from enrollment.events import ACS, EventName
from enrollment.flows import card_blocks, coming_of_age, consent_texts, notices, phone_change, purge
from enrollment.flows.work import Work
from enrollment.policy import EnrollmentPolicy
from enrollment.store import access, counters, imports, registrations
from otp.policy import OtpPolicy

if TYPE_CHECKING:
    from collections.abc import Iterable
    from datetime import datetime
    from uuid import UUID

    from enrollment.model import HostSaid
    from enrollment.policy import Activation
    from enrollment.store.host_wishes import HostWish
    from schemas.queries import Connection
    from schemas.vault import Keys

_KEPT: Final = timedelta(days=1)


async def outdate_consents(conn: Connection, keys: Keys, now: datetime, limit: int) -> int:
    """Suspend who agreed to a text that ran out; sees up to ``limit`` clients, gives how many."""
    return await consent_texts.outdate(_work(conn, keys, now), limit)


async def end_every_session(conn: Connection, reason: str, now: datetime) -> int:
    """End the portal's sessions of everybody; gives how many there were."""
    return await access.end_every_session(conn, reason, now)


async def follow_ages(
    conn: Connection, keys: Keys, activation: Activation, now: datetime, limit: int
) -> int:
    """Let cards follow their holders' birthdays; sees up to ``limit`` cards, gives how many."""
    policy = EnrollmentPolicy(activation=activation)
    work = replace(_work(conn, keys, now), policy=policy)
    return await coming_of_age.catch_up(work, limit)


async def tell_over_limit(
    conn: Connection, keys: Keys, otp_policy: OtpPolicy, card_ids: Iterable[UUID], now: datetime
) -> None:
    """Tell holders by SMS that a limit refused a payment with their cards."""
    work = replace(_work(conn, keys, now), otp_policy=otp_policy)
    for card_id in card_ids:
        await notices.tell_over_limit(work, card_id)


async def forget_used(conn: Connection, now: datetime, limit: int) -> int:
    """Drop up to ``limit`` of each that is over: token ids, kept answers, counts, entries, ...

    Gives how many rows went. What somebody may still ask about is kept for a day, imports longer.
    """
    old = now - _KEPT
    return sum(
        [
            await callers.purge(conn, now, limit),
            await idempotency.purge(conn, now, limit),
            await counters.purge(conn, now, limit),
            await access.purge(conn, old, limit),
            await registrations.purge(conn, old, limit),
            await imports.purge(conn, now, limit),
        ]
    )


async def carry_on(
    conn: Connection, keys: Keys, otp_policy: OtpPolicy, now: datetime, limit: int
) -> int:
    """Let new phones take over whose wait is over, end registrations whose time is; how many."""
    work = replace(_work(conn, keys, now), otp_policy=otp_policy)
    phones = await phone_change.take_over(work, limit)
    ended = await registrations.expire(conn, now, limit)
    for registration_id, person_id in ended:
        await work.record(EventName.REGISTRATION_EXPIRED, person_id or registration_id)
    return phones + len(ended)


async def claim_host_wishes(conn: Connection, now: datetime, limit: int) -> list[HostWish]:
    """Lease wishes to the card host whose end is not known, or whose process died."""
    return await card_blocks.claim(conn, now, limit)


async def settle_host_wish(
    conn: Connection,
    keys: Keys,
    policies: tuple[OtpPolicy, Activation],
    answer: tuple[HostWish, HostSaid],
    now: datetime,
) -> bool:
    """Carry out what the card host said of such a wish; False while that is not known."""
    otp_policy, activation = policies
    policy = EnrollmentPolicy(activation=activation)
    work = replace(_work(conn, keys, now), policy=policy, otp_policy=otp_policy)
    return await card_blocks.settle_left(work, *answer)


async def purge_closed(conn: Connection, keys: Keys, before: datetime, now: datetime) -> bool:
    """Erase one person who was closed before that time; False when there is none."""
    return await purge.purge_one(_work(conn, keys, now), before)


def _work(conn: Connection, keys: Keys, now: datetime) -> Work:
    return Work(conn, keys, EnrollmentPolicy(), OtpPolicy(), ACS, now)

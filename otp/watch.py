"""Watches over the messages: artificial traffic ("pumping") and card testing show in the counts.

A number that earns somebody money for every message never sends a code back. So the share of codes
that were entered rightly is watched per block of numbers, and a block where hardly any is gets no
message for a while. A merchant whose payments suddenly send many times the usual is told to a
person; so is a budget that is nearly used up.

Laws: only messages that a carrier took and that had time to be entered are judged, so that neither
a provider's outage nor a rush suspends anybody. What is suspended opens again by itself. One
process looks at a time, at most every ``EVERY``.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING, Final

from schemas import queries

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import datetime

    from otp.policy import OtpPolicy
    from schemas.queries import Connection

_SQL = queries.load(__file__)

EVERY: Final = timedelta(seconds=30)
BUDGET_ALARM: Final = 0.8
"""From this share of a budget on somebody must look."""
_GRACE: Final = timedelta(minutes=2)
_DAY: Final = timedelta(days=1)
_MERCHANT_SPAN: Final = timedelta(minutes=15)
_MERCHANT_FLOOR: Final = 50
_MERCHANT_FACTOR: Final = 10


@dataclass(frozen=True, slots=True)
class Suspended:
    """A block of numbers that gets no message until ``until``, and the counts that led to it."""

    prefix: str
    sends: int
    used: int
    until: datetime


@dataclass(frozen=True, slots=True)
class Busy:
    """A merchant whose payments sent ``sends`` messages in a quarter of an hour."""

    merchant_ref: str
    sends: int


@dataclass(frozen=True, slots=True)
class Watched:
    """What one look found; ``budget`` is the used share of minute, hour and day."""

    suspended: tuple[Suspended, ...]
    merchants: tuple[Busy, ...]
    budget: Mapping[str, float]

    @property
    def is_budget_low(self) -> bool:
        """Tell whether a budget is nearly used up."""
        return max(self.budget.values()) >= BUDGET_ALARM


async def look(conn: Connection, policy: OtpPolicy, now: datetime) -> Watched | None:
    """Look once on the caller's transaction; None when it is not time yet."""
    if await _SQL.take_turn.run(conn, now=now, before=now - EVERY) == 0:
        return None
    await _SQL.lapse.run(conn, now=now)
    return Watched(
        await _suspend(conn, policy, now),
        await _merchants(conn, now),
        await budget_used(conn, policy, now),
    )


async def _suspend(conn: Connection, policy: OtpPolicy, now: datetime) -> tuple[Suspended, ...]:
    until = now + timedelta(seconds=policy.suspend_s)
    newest = now - _GRACE
    found = []
    for row in await _SQL.conversion.all(
        conn,
        since=newest - timedelta(seconds=policy.watch_window_s),
        until=newest,
        sends_min=policy.watch_sends_min,
    ):
        sends, used = row["sends"], row["used"]
        if used * 100 >= sends * policy.watch_share_pct:
            continue
        suspended = Suspended(row["prefix"], sends, used, until)
        is_new = await _SQL.suspend.run(
            conn, prefix=suspended.prefix, now=now, until=until, sends=sends, used=used
        )
        found += [suspended] * is_new
    return tuple(found)


async def _merchants(conn: Connection, now: datetime) -> tuple[Busy, ...]:
    rows = await _SQL.merchants.all(
        conn,
        since=now - _MERCHANT_SPAN,
        day_before=now - _MERCHANT_SPAN - _DAY,
        floor=_MERCHANT_FLOOR,
        factor=_MERCHANT_FACTOR,
        spans=_DAY // _MERCHANT_SPAN,
    )
    return tuple(Busy(row["merchant_ref"], row["sends"]) for row in rows)


async def budget_used(conn: Connection, policy: OtpPolicy, now: datetime) -> dict[str, float]:
    """Give the share of each budget that is used: minute, hour and day of UTC."""
    minute = now.replace(second=0, microsecond=0)
    hour = minute.replace(minute=0)
    row = await _SQL.budget.one(conn, minute=minute, hour=hour, day=hour.replace(hour=0))
    totals = {
        "minute": policy.total_minute,
        "hour": policy.total_hour,
        "day": policy.total_day,
    }
    return {span: int(row[span]) / total for span, total in totals.items()}


async def suspended_count(conn: Connection, now: datetime) -> int:
    """Tell how many blocks of numbers get no message now."""
    return int(await _SQL.suspended_count.value(conn, now=now))

"""Watches over the messages: artificial traffic ("pumping") and card testing show in the counts.

A number that earns somebody money for every message never sends a code back. So the share of codes
that were entered rightly is watched per block of numbers, and a block where hardly any is gets no
message for a while. A merchant, an acquirer or a network of browsers whose payments suddenly send
many times the usual is told to a person, and gets no message for a while either where hardly any of
those codes is entered; so a sale stops nobody. A budget that is nearly used up is told, too.

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
_AHEAD: Final = timedelta(minutes=2)
"""No clock of ours is so far ahead of another's, unless it was wrong."""
BUDGET_ALARM: Final = 0.8
"""From this share of a budget on somebody must look."""
_GRACE: Final = timedelta(minutes=2)
_DAY: Final = timedelta(days=1)
_BUSY_SPAN: Final = timedelta(minutes=15)
_BUSY_FLOOR: Final = 50
_BUSY_FACTOR: Final = 10
KINDS: Final = ("merchant", "acquirer", "network")
"""Where payments come from: a merchant at its acquirer, acquirerBIN, the browser's /24 or /48."""


@dataclass(frozen=True, slots=True)
class Suspended:
    """A block of numbers that gets no message until ``until``, and the counts that led to it."""

    prefix: str
    sends: int
    used: int
    until: datetime


@dataclass(frozen=True, slots=True)
class Busy:
    """One of ``KINDS`` whose payments sent ``sends`` messages in a quarter of an hour.

    ``is_stopped``: hardly any of the codes was entered, so it gets no more for a while from now on.
    """

    kind: str
    source: str
    sends: int
    is_stopped: bool


@dataclass(frozen=True, slots=True)
class Watched:
    """What one look found; ``budget`` is the used share of minute, hour and day."""

    suspended: tuple[Suspended, ...]
    busy: tuple[Busy, ...]
    budget: Mapping[str, float]

    @property
    def is_budget_low(self) -> bool:
        """Tell whether a budget is nearly used up."""
        return max(self.budget.values()) >= BUDGET_ALARM


async def look(conn: Connection, policy: OtpPolicy, now: datetime) -> Watched | None:
    """Look once on the caller's transaction; None when it is not time yet."""
    turn = {"now": now, "before": now - EVERY, "ahead": now + _AHEAD}
    if await _SQL.take_turn.run(conn, **turn) == 0:
        return None
    await _SQL.lapse.run(conn, now=now)
    await _SQL.lapse_sources.run(conn, now=now)
    return Watched(
        await _suspend(conn, policy, now),
        await _busy(conn, policy, now),
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
        if not _is_hardly_entered(policy, sends, used):
            continue
        suspended = Suspended(row["prefix"], sends, used, until)
        is_new = await _SQL.suspend.run(
            conn, prefix=suspended.prefix, now=now, until=until, sends=sends, used=used
        )
        found += [suspended] * is_new
    return tuple(found)


def _is_hardly_entered(policy: OtpPolicy, sends: int, used: int) -> bool:
    return used * 100 < sends * policy.watch_share_pct


async def _busy(conn: Connection, policy: OtpPolicy, now: datetime) -> tuple[Busy, ...]:
    rows = await _SQL.busy.all(
        conn,
        since=now - _BUSY_SPAN,
        until=now - _GRACE,
        ahead=now + _AHEAD,
        day_before=now - _BUSY_SPAN - _DAY,
        floor=_BUSY_FLOOR,
        factor=_BUSY_FACTOR,
        spans=_DAY // _BUSY_SPAN,
    )
    found = []
    for row in rows:
        judged, used = row["judged"], row["used"]
        stops = judged > policy.watch_sends_min and _is_hardly_entered(policy, judged, used)
        is_new = stops and await _SQL.suspend_source.run(
            conn,
            kind=row["kind"],
            source=row["source"],
            now=now,
            until=now + timedelta(seconds=policy.suspend_s),
            sends=judged,
            used=used,
        )
        found.append(Busy(row["kind"], row["source"], row["sends"], is_stopped=bool(is_new)))
    return tuple(found)


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


async def suspended_sources(conn: Connection, now: datetime) -> dict[str, int]:
    """Tell how many of each of ``KINDS`` get no message now."""
    rows = await _SQL.suspended_sources.all(conn, now=now)
    return dict.fromkeys(KINDS, 0) | {row["kind"]: row["suspended"] for row in rows}

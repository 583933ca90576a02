"""Delivery reports: what became of a message after its provider took it.

Laws:
- A report never accepts or refuses a code. It tells the cardholder that nothing will come, chooses
  the provider of the next message, and is kept as evidence.
- The highest word stays: delivered over failed and expired, these over accepted. So duplicates and
  reports out of order change nothing.
- A report may come before it is known whose it is. Who writes a report stores it first and looks
  for its message then; who settles a message stores its id first and looks for reports then. One
  of the two finds the other; `catch_up` does for one that died in between.
- All functions work in autocommit: each statement is whole by itself.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING, Any, Final

from otp.gateways.port import ReportState
from schemas import queries

if TYPE_CHECKING:
    from datetime import datetime

    from otp.gateways.port import Report
    from schemas.queries import Connection

_SQL = queries.load(__file__)

KEPT: Final = timedelta(minutes=15)
"""How long a report waits for its message: longer than any message is on its way to settlement."""
_PROVIDER_ID_MAX: Final = 200
_REASON_MAX: Final = 80


@dataclass(frozen=True, slots=True)
class Recorded:
    """A report that told something new. `calling_code` is the country's, None if not known.

    `after` is the time since the message was queued.
    """

    provider: str
    state: ReportState
    calling_code: str | None
    after: timedelta


async def record(conn: Connection, report: Report, now: datetime) -> Recorded | None:
    """Store a provider's word on a message; None when it changes nothing, or nothing yet.

    A report without a usable id is dropped: it can belong to no message.
    """
    reason = None if report.reason is None else _printable(report.reason)[:_REASON_MAX]
    told_at = report.at if report.at is not None and report.at.tzinfo is not None else None
    word = {"state": report.state.value, "now": now, "told_at": told_at, "reason": reason}
    if report.sms_id is not None:
        row = await _SQL.by_own_id.one(conn, sms_id=report.sms_id, provider=report.provider, **word)
        return None if row is None else _recorded(report.provider, report.state, row, now)
    provider_id = report.provider_id
    if not provider_id or len(provider_id) > _PROVIDER_ID_MAX or not provider_id.isprintable():
        return None
    whose = {"provider": report.provider, "provider_id": provider_id}
    row = await _SQL.by_provider_id.one(conn, **whose, **word)
    if row is not None:
        return _recorded(report.provider, report.state, row, now)
    await _SQL.keep_early.run(conn, **whose, **word)
    return await apply_early(conn, report.provider, provider_id)


async def apply_early(conn: Connection, provider: str, provider_id: str) -> Recorded | None:
    """Give a message the report that came before its provider's id was stored, if one did."""
    row = await _SQL.apply_early.one(conn, provider=provider, provider_id=provider_id)
    if row is None:
        return None
    return _recorded(provider, ReportState(row["report_state"]), row, row["reported_at"])


async def catch_up(conn: Connection, most: int) -> list[Recorded]:
    """Apply up to `most` early reports whose message is known by now."""
    keys = await _SQL.claimed_early.all(conn, most=most)
    applied = [await apply_early(conn, key["provider"], key["provider_id"]) for key in keys]
    return [recorded for recorded in applied if recorded is not None]


async def lapse(conn: Connection, now: datetime, most: int) -> int:
    """Delete up to `most` reports that nobody has claimed in `KEPT`; give how many."""
    return await _SQL.lapse.run(conn, before=now - KEPT, most=most)


def _recorded(
    provider: str,
    state: ReportState,
    row: Any,  # noqa: ANN401 - a driver's row
    at: datetime,
) -> Recorded:
    return Recorded(provider, state, row["calling_code"], at - row["queued_at"])


def _printable(text: str) -> str:
    """Drop what PostgreSQL or a terminal would stumble over."""
    return "".join(filter(str.isprintable, text))

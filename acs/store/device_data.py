"""What browsers said of themselves before a payment, sealed, until an AReq asks for it.

Laws: the first post under an identifier is kept and later ones change nothing. What no AReq asked
for is not found after ``UNCLAIMED`` any more, whether it was cleared away or not.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING
from uuid import UUID

from enrollment import flows as enrollment_flows
from schemas import queries

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import date, datetime

    from acs.store.pool import Connection
    from enrollment.model import Merchant, Standing

UNCLAIMED = timedelta(hours=1)
"""How long device data waits for an AReq [rule 4.7]."""
CLAIMED = timedelta(days=1)
"""How long data that an AReq asked for can be referred to by related ones (threeDSMethodId)."""

_SQL = queries.load(__file__)


@dataclass(frozen=True, slots=True)
class Sealed:
    """Device data as it is stored, and the identifier it was stored under."""

    three_ds_server_trans_id: UUID
    sealed: bytes


async def keep(
    conn: Connection, three_ds_server_trans_id: UUID, sealed: bytes, now: datetime
) -> bool:
    """Keep what a device said; False when something was kept under this identifier before."""
    touched = await _SQL.keep.run(
        conn, three_ds_server_trans_id=three_ds_server_trans_id, sealed=sealed, made_at=now
    )
    return touched == 1


async def with_standing(  # noqa: PLR0917 - two questions in one statement
    conn: Connection,
    pan_indexes: Sequence[bytes],
    day: date,
    month: date,
    device_ids: Sequence[str],
    now: datetime,
    merchant: Merchant | None = None,
) -> tuple[Standing | None, Sealed | None]:
    """Read a card's standing, and the data under the first of the identifiers that has any."""
    row = await _SQL.with_standing.one(
        conn,
        pan_idx=list(pan_indexes),
        day=day,
        month=month,
        device_ids=[UUID(one) for one in device_ids],
        good_after=now - UNCLAIMED,
        acquirer_bin=None if merchant is None else merchant.acquirer_bin,
        merchant_id=None if merchant is None else merchant.merchant_id,
    )
    found = row["device_id"]
    device = None if found is None else Sealed(found, row["device_sealed"])
    standing = None if row["card_id"] is None else enrollment_flows.standing_from(row)
    return standing, device


async def lapse(conn: Connection, now: datetime, batch: int) -> int:
    """Clear away what is too old; give how many rows that were."""
    return await _SQL.lapse.run(
        conn, unclaimed_before=now - UNCLAIMED, claimed_before=now - CLAIMED, batch=batch
    )

"""What browsers said of themselves before a payment, sealed, until an AReq asks for it.

Laws: the first post under an identifier is kept and later ones change nothing. What no AReq asked
for is not found after ``UNCLAIMED`` any more, whether it was cleared away or not.
"""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Any, TypeAlias

from enrollment import flows as enrollment_flows
from schemas import queries
from schemas.records import Record

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from datetime import date, datetime
    from uuid import UUID

    from acs.store.pool import Connection
    from enrollment.model import Merchant, Standing

UNCLAIMED = timedelta(hours=1)
"""How long device data waits for an AReq [rule 4.7]."""
CLAIMED = timedelta(days=1)
"""How long data that an AReq asked for can be referred to by related ones (threeDSMethodId)."""

Row: TypeAlias = Any  # a driver's row

_SQL = queries.load(__file__)


class Sealed(Record, frozen=True):
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


class Question(Record, frozen=True):
    """What one AReq asks: its card's keyed hashes, its calendar, where device data may be.

    ``merchant`` is who asks, where the request names one.
    """

    pan_indexes: Sequence[bytes]
    day: date
    month: date
    device_ids: Sequence[UUID]
    now: datetime
    merchant: Merchant | None = None


class Answer(Record, frozen=True):
    """A card's standing, and the data under the first of the identifiers that has any."""

    standing: Standing | None
    device: Sealed | None


async def with_standings(conn: Connection, questions: Sequence[Question]) -> list[Answer]:
    """Answer many questions, those of one calendar day by one statement."""
    by_day: dict[tuple[date, date], list[int]] = {}
    for number, each in enumerate(questions):
        by_day.setdefault((each.day, each.month), []).append(number)
    answers: dict[int, Answer] = {}
    for numbers in by_day.values():
        found = await _of_one_day(conn, [questions[number] for number in numbers])
        answers |= zip(numbers, found, strict=True)
    return [answers[number] for number in range(len(questions))]


async def _of_one_day(conn: Connection, questions: Sequence[Question]) -> list[Answer]:
    places = [
        (number, index) for number, each in enumerate(questions) for index in each.pan_indexes
    ]
    merchants = [questions[number].merchant for number, _ in places]
    rows = await _SQL.with_standings.all(
        conn,
        pan_idx=[index for _, index in places],
        acquirer_bin=[None if one is None else one.acquirer_bin for one in merchants],
        merchant_id=[None if one is None else one.merchant_id for one in merchants],
        day=questions[0].day,
        month=questions[0].month,
        device_ids=list({one for each in questions for one in each.device_ids}),
    )
    # A card has one row; under an earlier key of the index it would be the same one.
    cards = {places[row["place"] - 1][0]: row for row in rows if row["place"] is not None}
    devices = {row["device_id"]: row for row in rows if row["device_id"] is not None}
    return [_answer(each, cards.get(number), devices) for number, each in enumerate(questions)]


def _answer(asked: Question, card: Row | None, devices: Mapping[UUID, Row]) -> Answer:
    standing = None if card is None else enrollment_flows.standing_from(card)
    good = (_good(asked, devices.get(one)) for one in asked.device_ids)
    return Answer(standing, next((one for one in good if one is not None), None))


def _good(asked: Question, row: Row | None) -> Sealed | None:
    """Give device data that was claimed before or has not waited too long [rule 4.7]."""
    if row is None or not (row["device_claimed"] or row["device_made_at"] > asked.now - UNCLAIMED):
        return None
    return Sealed(row["device_id"], row["device_sealed"])


async def lapse(conn: Connection, now: datetime, batch: int) -> int:
    """Clear away what is too old; give how many rows that were."""
    return await _SQL.lapse.run(
        conn, unclaimed_before=now - UNCLAIMED, claimed_before=now - CLAIMED, batch=batch
    )

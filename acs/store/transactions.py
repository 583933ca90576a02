"""Transactions as AReqs leave them; their challenges are in ``acs.store.dialogues``.

Frozen records go in; rows stay here. A constraint that speaks is turned
into an answer of this module: a repeated AReq is ``AlreadyKnown``, a limit that another payment
used up in the meantime is ``LimitTaken``.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, TypeAlias
from uuid import UUID

import asyncpg
from msgspec.structs import astuple

from acs.authentication.facts import Prior
from acs.challenge.machine import State
from acs.store.batches import Divide, Halve
from acs.transaction import AcsTransId, Transaction
from enrollment import flows as enrollment_flows
from enrollment.model import Payment
from schemas import queries
from schemas.records import Record

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import date, datetime

    from acs.authentication.case import Reservation
    from acs.authentication.low_value import Share
    from acs.store.evidence import Visitor
    from acs.store.pool import Connection
    from acs.store.sdk_sessions import SdkSession
    from schemas.vault import Tag

_SQL = queries.load(__file__)
_LIMIT_PASSED = "AL001"
_AREQ_ONCE = "transaction_areq_once"
_WITHIN_BOUNDS = "usage_within_bounds"
_BLAMES_ONE: Final = (
    asyncpg.IntegrityConstraintViolationError,
    asyncpg.DataError,
    asyncpg.LockNotAvailableError,
    asyncpg.DeadlockDetectedError,
    asyncpg.UnknownPostgresError,
)
_WAITED: Final = (asyncpg.LockNotAvailableError, asyncpg.DeadlockDetectedError)
_PATIENCE_TOGETHER: Final = "250ms"
"""How long several wait for a lock: who holds one account must not hold up everybody."""
_UNIT_SEPARATOR: Final = "\x1f"


@dataclass(frozen=True, slots=True)
class AlreadyKnown:
    """An AReq with these identifiers was answered before; nothing was stored."""


@dataclass(frozen=True, slots=True)
class LimitTaken:
    """A limit would be passed by now; nothing was stored and the facts must be read again."""


@dataclass(frozen=True, slots=True)
class Recorded:
    """The transaction and everything that belongs to it is committed."""


class Hold(Record, frozen=True):
    """What a transaction takes of the limits; ``counted``: at once, not only held."""

    reservation: Reservation
    day: date
    month: date
    counted: bool


class NewTransaction(Record, frozen=True):
    """A transaction as it is about to be stored, with its messages and its audit event.

    ``areq_digest``: SHA-256 of the bytes received. ``ares_sealed``: the answer for its place.
    ``areq_masked``, ``ares_masked``: JSON of what may be kept of both.
    ``device_id``: where the device data that was found is stored. ``evidence``: the document of an
    outcome that is final with the answer. ``low_value``: what a small payment takes of its card's
    bounds. ``sdk_session``: what a challenge in the app is held with, stored before all this.
    """

    transaction: Transaction
    areq_digest: bytes
    ares_sealed: bytes
    areq_masked: str
    ares_masked: str
    hold: Hold | None
    first_creq_due: datetime | None
    audit_name: str
    audit_object: str
    audit_outcome: str
    audit_details: str
    audit_tag: Tag
    device_id: UUID | None = None
    visitor: Visitor | None = None
    evidence: str | None = None
    low_value: Share | None = None
    sdk_session: SdkSession | None = None


@dataclass(frozen=True, slots=True)
class Answered:
    """The stored answer to an earlier AReq with the same identifiers."""

    acs_trans_id: AcsTransId
    areq_digest: bytes
    ares_sealed: bytes


Recording: TypeAlias = Recorded | AlreadyKnown | LimitTaken


async def record(conn: Connection, news: Sequence[NewTransaction]) -> list[Recording]:
    """Store accepted AReqs and all that belongs to them in one round trip: all or none.

    Those that are known already are told apart by a second round trip, and the others stored by a
    third: a Directory Server that asks again, does so when it is slow to be answered. One AReq
    alone is told what it is. Of several, one that cannot be stored for another reason makes this
    raise ``Halve``: it is not known which. A lock that is not given in time makes it ``Divide``.
    """
    try:
        await _record(conn, news)
    except _BLAMES_ONE as error:
        if len(news) == 1:
            return [_told_by(error)]
        if error.constraint_name != _AREQ_ONCE:
            raise _apart(error) from error
        return await _record_unknown(conn, news)
    return [Recorded()] * len(news)


async def _record_unknown(conn: Connection, news: Sequence[NewTransaction]) -> list[Recording]:
    """Store those whose identifiers nobody came with before, in the table or among them."""
    transactions = [new.transaction for new in news]
    rows = await _SQL.known.all(
        conn,
        three_ds_server_trans_ids=[UUID(one.three_ds_server_trans_id) for one in transactions],
        ds_trans_ids=[UUID(one.ds_trans_id) for one in transactions],
    )
    known = {(str(row[0]), str(row[1])) for row in rows}
    is_new = []
    for one in transactions:
        ids = (one.three_ds_server_trans_id.lower(), one.ds_trans_id.lower())
        is_new.append(ids not in known)
        known.add(ids)
    if all(is_new):
        raise Halve
    try:
        await _record(conn, [new for new, unknown in zip(news, is_new, strict=True) if unknown])
    except _BLAMES_ONE as error:
        raise _apart(error) from error
    return [Recorded() if unknown else AlreadyKnown() for unknown in is_new]


def _apart(error: asyncpg.PostgresError) -> Divide:
    return Divide() if isinstance(error, _WAITED) else Halve()


async def _record(conn: Connection, news: Sequence[NewTransaction]) -> None:
    are_several = len(news) > 1
    in_order = sorted(news, key=_turn) if are_several else news
    reservations, shares = enrollment_flows.shares_of(
        [_payment(new, new.hold) for new in in_order if new.hold is not None]
    )
    await _SQL.record.run(
        conn,
        rows=[_row(new) for new in in_order],
        reservations=reservations,
        shares=shares,
        lock_timeout=_PATIENCE_TOGETHER if are_several else None,
    )


def _told_by(error: asyncpg.PostgresError) -> AlreadyKnown | LimitTaken:
    if error.constraint_name == _AREQ_ONCE:
        return AlreadyKnown()
    if error.constraint_name == _WITHIN_BOUNDS or error.sqlstate == _LIMIT_PASSED:
        return LimitTaken()
    raise error


def _turn(new: NewTransaction) -> tuple[int, str, str]:
    """Order those that come together as locks are taken: by card, then by identifiers."""
    transaction = new.transaction
    card_id = transaction.card_id
    return (
        -1 if card_id is None else card_id.int,
        transaction.three_ds_server_trans_id.lower(),
        transaction.ds_trans_id.lower(),
    )


_TRANSACTION: Final = Transaction.__struct_fields__
_AMOUNT: Final = _TRANSACTION.index("purchase_amount")
_REASONS: Final = _TRANSACTION.index("reasons")
_COLUMNS: Final = (
    *_TRANSACTION,
    *("low_currency", "low_amount", "low_sum_max", "low_count_max"),
    *("areq_digest", "ares_sealed", "state", "first_creq_due", "areq_masked", "ares_masked"),
    *("audit_name", "audit_object", "audit_outcome", "audit_details", "audit_key_id", "audit_mac"),
    *("device_id", "visitor_sealed", "visitor_tag", "evidence"),
)
"""The members of the type ``acs.new_areq``, as ``_row`` orders them."""
_NO_SHARE: Final = (None,) * 4


def _row(new: NewTransaction) -> tuple[object, ...]:
    visitor = new.visitor
    return (
        *_of_transaction(new.transaction),
        *(_NO_SHARE if new.low_value is None else astuple(new.low_value)),
        new.areq_digest,
        new.ares_sealed,
        "done" if new.first_creq_due is None else State.WAIT_CREQ,
        new.first_creq_due,
        new.areq_masked,
        new.ares_masked,
        new.audit_name,
        new.audit_object,
        new.audit_outcome,
        new.audit_details,
        new.audit_tag.key_id,
        new.audit_tag.value,
        new.device_id,
        None if visitor is None else visitor.sealed,
        None if visitor is None else visitor.tag,
        new.evidence,
    )


def _of_transaction(transaction: Transaction) -> list[object]:
    values = list(astuple(transaction))
    amount = transaction.purchase_amount
    values[_AMOUNT] = None if amount is None else str(amount)
    values[_REASONS] = _UNIT_SEPARATOR.join(transaction.reasons)
    return values


def _payment(new: NewTransaction, hold: Hold) -> Payment:
    transaction, reservation = new.transaction, hold.reservation
    if transaction.card_id is None or transaction.account_id is None:
        message = "what is held is held of a card and its account"
        raise AssertionError(message)
    return Payment(
        acs_trans_id=transaction.acs_trans_id,
        card_id=transaction.card_id,
        account_id=transaction.account_id,
        amount=reservation.amount,
        day=hold.day,
        month=hold.month,
        is_counted=hold.counted,
        made_at=transaction.created_at,
        card=reservation.card,
        account=reservation.account,
    )


async def answered_before(
    conn: Connection, three_ds_server_trans_id: str, ds_trans_id: str
) -> Answered | None:
    """Find the stored answer to an AReq with these identifiers."""
    row = await _SQL.answered_before.one(
        conn,
        three_ds_server_trans_id=UUID(three_ds_server_trans_id),
        ds_trans_id=UUID(ds_trans_id),
    )
    return None if row is None else Answered(AcsTransId(row[0]), row[1], row[2])


async def priors(conn: Connection, acs_trans_ids: Sequence[str]) -> tuple[Prior, ...]:
    """Read how the transactions with these identifiers ended, as far as they are ours."""
    rows = await _SQL.priors.all(conn, acs_trans_ids=[UUID(one) for one in acs_trans_ids])
    return tuple(Prior(**dict(row)) for row in rows)

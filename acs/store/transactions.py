"""Transactions and their challenges at rest.

Frozen records come out, frozen records go in; rows stay here. A constraint that speaks is turned
into an answer of this module: a repeated AReq is ``AlreadyKnown``, a limit that another payment
used up in the meantime is ``LimitTaken``.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final, TypeAlias
from uuid import UUID

import asyncpg
from msgspec.structs import astuple

from acs.authentication.facts import Prior
from acs.challenge.machine import Challenge, Outcome, State
from acs.challenge.screens import Notice
from acs.store.batches import Divide, Halve
from acs.transaction import (
    AcsTransId,
    DsTransId,
    Elements,
    SdkTransId,
    ThreeDSServerTransId,
    Transaction,
)
from enrollment import flows as enrollment_flows
from enrollment.model import Payment
from schemas import queries
from schemas.records import Record
from schemas.values import TransStatus, TransStatusReason

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from datetime import date, datetime

    from acs.authentication.case import Reservation
    from acs.authentication.low_value import Share
    from acs.store.evidence import Visitor
    from acs.store.pool import Connection
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
    bounds.
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


@dataclass(frozen=True, slots=True)
class Answered:
    """The stored answer to an earlier AReq with the same identifiers."""

    acs_trans_id: AcsTransId
    areq_digest: bytes
    ares_sealed: bytes


@dataclass(frozen=True, slots=True)
class Dialogue:
    """A transaction with its challenge and what the browser brought along.

    ``address``: where the browser that posted a CReq just now is; not stored with the transaction.
    """

    transaction: Transaction
    challenge: Challenge
    window_size: str | None
    session_data: str | None
    seen_posts: tuple[bytes, ...]
    address: str | None = None


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


async def lock(conn: Connection, acs_trans_id: UUID) -> Dialogue | None:
    """Read one transaction and hold its row lock until the database transaction ends."""
    row = await _SQL.lock.one(conn, acs_trans_id=acs_trans_id)
    return None if row is None else _dialogue(row)


async def read(conn: Connection, acs_trans_id: UUID) -> Dialogue | None:
    """Read one transaction as it is now."""
    row = await _SQL.read.one(conn, acs_trans_id=acs_trans_id)
    return None if row is None else _dialogue(row)


async def store_challenge(conn: Connection, was: Challenge, now_is: Challenge) -> None:
    """Store the challenge after a step; AssertionError if the row moved under our lock."""
    outcome = now_is.outcome
    touched = await _SQL.store_challenge.run(
        conn,
        acs_trans_id=now_is.acs_trans_id,
        was_state=was.state,
        was_step=was.step,
        state=now_is.state,
        step=now_is.step,
        form_posts=now_is.form_posts,
        interaction_counter=now_is.interaction_counter,
        attempts=now_is.attempts,
        code_seq=now_is.code_seq,
        code_sent_at=now_is.code_sent_at,
        notice=now_is.notice,
        outcome_name=None if outcome is None else outcome.name,
        outcome_status=None if outcome is None else outcome.trans_status,
        outcome_reason=None if outcome is None else outcome.reason,
        outcome_cancel=None if outcome is None else outcome.challenge_cancel,
        outcome_error=_json(None if outcome is None else outcome.error),
        cres_status=now_is.cres_status,
        language=now_is.language,
        opened_at=now_is.opened_at,
        last_activity_at=now_is.last_activity_at,
        outcome_at=now_is.outcome_at,
        closed_at=now_is.closed_at,
        trusts=now_is.trusts,
    )
    if touched != 1:
        message = "a challenge moved although its row was locked"
        raise AssertionError(message)


async def keep_form(
    conn: Connection, acs_trans_id: UUID, window_size: str | None, session_data: str | None
) -> None:
    """Keep what the first CReq brought along: window size and threeDSSessionData.

    ``window_size`` is None when the CReq could not be read; the shop gets its data back all the
    same [rule 5.7].
    """
    await _SQL.keep_form.run(
        conn, acs_trans_id=acs_trans_id, window_size=window_size, session_data=session_data
    )


async def remember_post(conn: Connection, acs_trans_id: UUID, digest: bytes) -> None:
    """Remember the keyed hash of a form that was worked on."""
    await _SQL.remember_post.run(conn, acs_trans_id=acs_trans_id, digest=digest)


async def erase_pan(conn: Connection, acs_trans_id: UUID) -> None:
    """Erase the sealed card number of a transaction."""
    await _SQL.erase_pan.run(conn, acs_trans_id=acs_trans_id)


async def log_message(
    conn: Connection,
    acs_trans_id: UUID | None,
    *,
    at: datetime,
    direction: str,
    message_type: str,
    masked: Mapping[str, object],
) -> None:
    """Keep one masked message as evidence."""
    await _SQL.log_message.run(
        conn,
        acs_trans_id=acs_trans_id,
        at=at,
        direction=direction,
        message_type=message_type,
        body=json.dumps(dict(masked)),
    )


async def log_message_once(
    conn: Connection,
    acs_trans_id: UUID,
    *,
    at: datetime,
    direction: str,
    message_type: str,
    masked: Mapping[str, object],
) -> None:
    """Keep a message unless one of its type is kept; needs an open database transaction.

    # Race: two replays at once queue up at the transaction's lock, and the second sees the row.
    """
    await _SQL.hold.one(conn, acs_trans_id=acs_trans_id)
    await _SQL.log_message_once.run(
        conn,
        acs_trans_id=acs_trans_id,
        at=at,
        direction=direction,
        message_type=message_type,
        body=json.dumps(dict(masked)),
    )


def _json(value: Mapping[str, object] | None) -> str | None:
    return None if value is None else json.dumps(dict(value))


def _dialogue(row: Any) -> Dialogue:  # noqa: ANN401 - a driver's row
    transaction = _transaction(row)
    return Dialogue(
        transaction=transaction,
        challenge=_challenge(row, transaction),
        window_size=row["window_size"],
        session_data=row["session_data"],
        seen_posts=tuple(row["seen_posts"]),
    )


def _transaction(row: Any) -> Transaction:  # noqa: ANN401 - a driver's row
    columns = {name: row[name] for name in Transaction.__struct_fields__}
    amount = columns["purchase_amount"]
    columns |= {
        "acs_trans_id": AcsTransId(columns["acs_trans_id"]),
        "three_ds_server_trans_id": ThreeDSServerTransId(columns["three_ds_server_trans_id"]),
        "ds_trans_id": DsTransId(columns["ds_trans_id"]),
        "sdk_trans_id": None
        if columns["sdk_trans_id"] is None
        else SdkTransId(columns["sdk_trans_id"]),
        "purchase_amount": None if amount is None else int(amount),
        "reasons": tuple(columns["reasons"]),
        "elements": None if columns["elements"] is None else Elements(columns["elements"]),
    }
    return Transaction(**columns)


def _challenge(row: Any, transaction: Transaction) -> Challenge:  # noqa: ANN401 - a driver's row
    state = State.CLOSED if row["state"] == "done" else State(row["state"])
    return Challenge(
        acs_trans_id=transaction.acs_trans_id,
        message_version=transaction.message_version,
        elements=transaction.elements or Elements.OTP,
        language=transaction.language,
        created_at=transaction.created_at,
        state=state,
        step=row["step"],
        form_posts=row["form_posts"],
        interaction_counter=row["interaction_counter"],
        attempts=row["attempts"],
        code_seq=row["code_seq"],
        code_sent_at=row["code_sent_at"],
        notice=None if row["notice"] is None else Notice(row["notice"]),
        outcome=_outcome(row),
        cres_status=row["cres_status"],
        opened_at=row["opened_at"],
        last_activity_at=row["last_activity_at"],
        outcome_at=row["outcome_at"],
        closed_at=row["closed_at"],
        trusts=row["trusts"],
    )


def _outcome(row: Any) -> Outcome | None:  # noqa: ANN401 - a driver's row
    if row["outcome_status"] is None:
        return None
    reason = row["outcome_reason"]
    error = row["outcome_error"]
    return Outcome(
        name=row["outcome_name"],
        trans_status=TransStatus(row["outcome_status"]),
        reason=None if reason is None else TransStatusReason(reason),
        challenge_cancel=row["outcome_cancel"],
        error=None if error is None else json.loads(error),
    )

"""Challenges at rest: read under the transaction's lock, stored by one statement after the steps.

Frozen records come out, frozen records go in; rows stay here. What is stored names the state that
was read, so that two steps can never both count.
"""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from datetime import timedelta
from typing import TYPE_CHECKING, Any, Final

from acs.challenge.machine import Challenge, Outcome, State
from acs.challenge.screens import Notice
from acs.store.results import LEASE
from acs.transaction import (
    AcsTransId,
    DsTransId,
    Elements,
    SdkTransId,
    ThreeDSServerTransId,
    Transaction,
)
from schemas import audit, queries
from schemas.values import TransStatus, TransStatusReason

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from datetime import datetime
    from uuid import UUID

    from acs.store.evidence import Visitor
    from acs.store.pool import Connection
    from acs.store.results import Settled
    from schemas.audit import AuditEvent
    from schemas.vault import KeyRing

_SQL = queries.load(__file__)
POSTS_KEPT: Final = 100


@dataclass(frozen=True, slots=True)
class Dialogue:
    """A transaction with its challenge and what the browser brought along.

    ``seen_posts``: keyed hashes of the forms that were worked on. ``checks``: what each comparison
    of the elements came to, oldest first. ``address``: where the browser that posted a CReq just
    now is; not stored with the transaction.
    """

    transaction: Transaction
    challenge: Challenge
    window_size: str | None
    session_data: str | None
    seen_posts: tuple[bytes, ...]
    checks: tuple[Mapping[str, object], ...] = ()
    address: str | None = None


@dataclass(slots=True)
class Beside:
    """What steps leave behind beside the challenge itself, gathered until it is stored.

    ``timers``: when each clock that was touched is due, None for one that is stopped.
    ``owed_by``: the process that has just claimed the result it owes. ``evidence``: the document
    of the outcome.
    """

    timers: dict[str, datetime | None] = field(default_factory=dict)
    visitor: Visitor | None = None
    owed_by: str | None = None
    evidence: str | None = None
    events: list[AuditEvent] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class Message:
    """One message of a transaction, masked."""

    direction: str
    message_type: str
    masked: Mapping[str, object]


async def lock(conn: Connection, acs_trans_id: UUID) -> Dialogue | None:
    """Read one transaction and hold its row lock until the database transaction ends."""
    row = await _SQL.lock.one(conn, acs_trans_id=acs_trans_id)
    return None if row is None else _dialogue(row)


async def read(conn: Connection, acs_trans_id: UUID) -> Dialogue | None:
    """Read one transaction as it is now."""
    row = await _SQL.read.one(conn, acs_trans_id=acs_trans_id)
    return None if row is None else _dialogue(row)


async def store(
    conn: Connection,
    ring: KeyRing,
    was: Dialogue,
    now_is: Dialogue,
    *,
    beside: Beside,
    now: datetime,
) -> None:
    """Store a dialogue after its steps, and all they leave behind; nothing where nothing changed.

    The caller holds the lock under which ``was`` was read. AssertionError if the row moved all the
    same.
    """
    if now_is == was and beside == _NOTHING:
        return
    visitor, timers = beside.visitor, beside.timers
    started = {kind: due_at for kind, due_at in timers.items() if due_at is not None}
    stored = await _SQL.store.value(
        conn,
        **_row(now_is),
        was_state=was.challenge.state,
        was_step=was.challenge.step,
        stopped=[kind for kind, due_at in timers.items() if due_at is None],
        started=list(started),
        due=list(started.values()),
        seen_in=None if visitor is None else visitor.seen_in,
        visitor_sealed=None if visitor is None else visitor.sealed,
        visitor_tag=None if visitor is None else visitor.tag,
        ds_id=now_is.transaction.ds_id,
        claimed_by=beside.owed_by,
        lease_until=now + LEASE,
        evidence=beside.evidence,
        events=audit.rows(ring, beside.events),
        now=now,
    )
    if stored != 1:
        message = "a challenge moved although its row was locked"
        raise AssertionError(message)


_NOTHING: Final = Beside()


def _row(dialogue: Dialogue) -> dict[str, object]:
    challenge, outcome = dialogue.challenge, dialogue.challenge.outcome
    return {
        "acs_trans_id": challenge.acs_trans_id,
        "state": challenge.state,
        "step": challenge.step,
        "form_posts": challenge.form_posts,
        "interaction_counter": challenge.interaction_counter,
        "attempts": challenge.attempts,
        "code_seq": challenge.code_seq,
        "code_sent_at": challenge.code_sent_at,
        "notice": challenge.notice,
        "outcome_name": None if outcome is None else outcome.name,
        "outcome_status": None if outcome is None else outcome.trans_status,
        "outcome_reason": None if outcome is None else outcome.reason,
        "outcome_cancel": None if outcome is None else outcome.challenge_cancel,
        "outcome_error": _json(None if outcome is None else outcome.error),
        "cres_status": challenge.cres_status,
        "language": challenge.language,
        "opened_at": challenge.opened_at,
        "last_activity_at": challenge.last_activity_at,
        "outcome_at": challenge.outcome_at,
        "closed_at": challenge.closed_at,
        "trusts": challenge.trusts,
        "lasts_s": None if challenge.lasts is None else int(challenge.lasts.total_seconds()),
        "window_size": dialogue.window_size,
        "session_data": dialogue.session_data,
        "seen_posts": dialogue.seen_posts[:POSTS_KEPT],
        "checks": json.dumps(dialogue.checks),
    }


async def keep_rreq(  # noqa: PLR0913 - the row, and what is told of it
    conn: Connection,
    ring: KeyRing,
    acs_trans_id: UUID,
    claimed_by: str,
    rreq_sealed: bytes,
    *,
    masked: Mapping[str, object],
    events: Sequence[AuditEvent],
    now: datetime,
) -> bool:
    """Keep the sealed RReq before it is sent; False when the claim is no longer ours."""
    kept = await _SQL.keep_rreq.value(
        conn,
        acs_trans_id=acs_trans_id,
        claimed_by=claimed_by,
        rreq_sealed=rreq_sealed,
        body=json.dumps(dict(masked)),
        events=audit.rows(ring, events),
        now=now,
    )
    return bool(kept)


@dataclass(frozen=True, slots=True)
class Settlement:
    """How the outbox row of a result ends, and what goes into the logs with that."""

    state: Settled
    answer: str
    messages: Sequence[Message]
    events: Sequence[AuditEvent]


async def settle(
    conn: Connection,
    ring: KeyRing,
    was: Challenge,
    now_is: Challenge,
    settlement: Settlement,
    *,
    claimed_by: str,
    now: datetime,
) -> bool:
    """End the outbox row and store the challenge that was closed by it.

    False, and nothing is stored, when the claim is no longer ours or the challenge moved since it
    was read: then read it and decide again.
    """
    messages = [
        {"direction": one.direction, "message_type": one.message_type, "body": dict(one.masked)}
        for one in settlement.messages
    ]
    ended = await _SQL.settle.value(
        conn,
        acs_trans_id=now_is.acs_trans_id,
        was_state=was.state,
        was_step=was.step,
        was_cres_status=was.cres_status,
        state=now_is.state,
        cres_status=now_is.cres_status,
        closed_at=now_is.closed_at,
        becomes=settlement.state,
        answer=settlement.answer,
        claimed_by=claimed_by,
        messages=json.dumps(messages),
        events=audit.rows(ring, settlement.events),
        now=now,
    )
    return bool(ended)


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
        checks=tuple(json.loads(row["checks"])),
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
        lasts=None if row["lasts_s"] is None else timedelta(seconds=row["lasts_s"]),
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

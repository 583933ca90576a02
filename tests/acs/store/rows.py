"""Rows as the service would store them: one transaction, with or without what it holds."""

from __future__ import annotations

from datetime import date, timedelta
from typing import TYPE_CHECKING, Any
from uuid import uuid4

from acs.authentication.case import Reservation
from acs.store import dialogues, transactions
from acs.store.dialogues import Beside, Dialogue
from acs.store.results import LEASE
from acs.store.transactions import Hold, NewTransaction
from acs.transaction import AcsTransId, DsTransId, ThreeDSServerTransId
from enrollment.model import EffectiveLimits
from schemas.audit import AuditEvent
from tests.acs.people import NOW, a_transaction

if TYPE_CHECKING:
    from datetime import datetime
    from uuid import UUID

    from acs.store.pool import Connection
    from schemas.vault import Keys


def a_new(keys: Keys, *, hold: Hold | None = None, **changes: Any) -> NewTransaction:
    """Give a transaction about to be stored, with identifiers of its own."""
    transaction = a_transaction(
        **{
            "acs_trans_id": AcsTransId(uuid4()),
            "three_ds_server_trans_id": ThreeDSServerTransId(str(uuid4())),
            "ds_trans_id": DsTransId(str(uuid4())),
            **changes,
        }
    )
    event = AuditEvent(
        at=NOW,
        name="authentication.decided",
        actor_kind="network",
        actor=transaction.ds_id,
        object=str(transaction.acs_trans_id),
        outcome="C",
    )
    return NewTransaction(
        transaction=transaction,
        areq_digest=bytes(32),
        ares_sealed=b"sealed answer",
        areq_masked='{"messageType":"AReq"}',
        ares_masked='{"messageType":"ARes"}',
        hold=hold,
        first_creq_due=NOW + timedelta(seconds=32) if transaction.trans_status == "C" else None,
        audit_name=event.name,
        audit_object=event.object,
        audit_outcome=event.outcome,
        audit_details=event.details_json(),
        audit_tag=keys.audit.tag(b"audit/1", event.canonical()),
    )


def a_hold(amount: int = 10_000, *, counted: bool = False, **limits: int) -> Hold:
    """Give what a payment takes of the account's limits on one day."""
    reservation = Reservation(amount, EffectiveLimits(), EffectiveLimits(**limits))
    return Hold(reservation, date(2026, 4, 15), date(2026, 4, 1), counted)


async def stored(conn: Connection, keys: Keys, **changes: Any) -> AcsTransId:
    """Store a transaction; gives its identifier."""
    new = a_new(keys, **changes)
    assert await transactions.record(conn, [new]) == [transactions.Recorded()]
    return new.transaction.acs_trans_id


async def the(conn: Connection, acs_trans_id: UUID) -> Dialogue:
    """Read a transaction that is there."""
    found = await dialogues.read(conn, acs_trans_id)
    assert found is not None
    return found


async def leave(
    conn: Connection, keys: Keys, acs_trans_id: UUID, now: datetime = NOW, **beside: Any
) -> None:
    """Store a dialogue as it is, with something beside it."""
    was = await the(conn, acs_trans_id)
    left = Beside(**beside)
    await dialogues.store(conn, keys.audit, was, was, beside=left, now=now)


async def proved(conn: Connection, acs_trans_id: UUID, document: str, at: datetime) -> None:
    """Keep a document of evidence as it stands with its outcome."""
    await conn.execute(
        "INSERT INTO audit.evidence (acs_trans_id, at, document) VALUES ($1, $2, $3)",
        acs_trans_id,
        at,
        document,
    )


async def owed(
    conn: Connection, acs_trans_id: UUID, claimed_by: str, now: datetime, ds_id: str = "test"
) -> None:
    """Owe a result that a process has just claimed."""
    await conn.execute(
        "INSERT INTO acs.result"
        " (acs_trans_id, ds_id, state, attempt, claimed_by, lease_until, created_at)"
        " VALUES ($1, $2, 'sending', 1, $3, $4, $5)",
        acs_trans_id,
        ds_id,
        claimed_by,
        now + LEASE,
        now,
    )

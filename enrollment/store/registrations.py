"""Keeps activation codes and registrations; both as keyed hashes only."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Literal

from enrollment.registration import RegistrationState
from enrollment.store import changed_one
from schemas import queries
from schemas.secret import Tag

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime
    from uuid import UUID

    from enrollment.store import Row
    from schemas.queries import Connection

_SQL = queries.load(__file__)

Sends = Literal["password", "notice", "nothing"]


@dataclass(frozen=True, slots=True)
class Activation:
    """An activation code of which a try was counted, to be compared."""

    activation_id: UUID
    tag: Tag = field(repr=False)
    attempts: int


@dataclass(frozen=True, slots=True)
class Registration:
    """A registration as stored; ``person_id`` None = a stranger's number."""

    registration_id: UUID
    person_id: UUID | None
    activation_id: UUID | None
    state: RegistrationState
    sends: Sends
    phone_mask: str
    expires_at: datetime
    consents: tuple[dict[str, Any], ...] = ()
    sms: Tag | None = field(default=None, repr=False)
    sms_expires_at: datetime | None = None
    sent: int = 0
    attempts: int = 0
    token_hash: bytes | None = field(default=None, repr=False)
    verified_at: datetime | None = None


async def void_activations(conn: Connection, person_id: UUID, now: datetime) -> int:
    """Make the open code of a person void; gives how many there were."""
    return await _SQL.void_activations.run(conn, person_id=person_id, now=now)


async def add_activation(
    conn: Connection,
    activation_id: UUID,
    person_id: UUID,
    code: Tag,
    *,
    issued_by: str,
    expires_at: datetime,
    now: datetime,
) -> int:
    """Keep a new code; gives how many open ones it made void."""
    void = await void_activations(conn, person_id, now)
    await _SQL.add_activation.run(
        conn,
        activation_id=activation_id,
        person_id=person_id,
        code_hash=code.value,
        key_id=code.key_id,
        issued_by=issued_by,
        expires_at=expires_at,
        now=now,
    )
    return void


async def activations_since(conn: Connection, person_id: UUID, since: datetime) -> int:
    """Count the codes made for a person since that time."""
    return int(await _SQL.activations_since.value(conn, person_id=person_id, since=since))


async def try_activation(
    conn: Connection, person_id: UUID, attempts_max: int, now: datetime
) -> Activation | None:
    """Count a try of the open code; None when there is none to be tried."""
    row = await _SQL.try_activation.one(
        conn, person_id=person_id, attempts_max=attempts_max, now=now
    )
    if row is None:
        return None
    tag = Tag(row["key_id"], row["code_hash"])
    return Activation(row["activation_id"], tag, row["attempts"])


async def void_activation(conn: Connection, activation_id: UUID, now: datetime) -> None:
    """Make a code void."""
    await _SQL.void_activation.run(conn, activation_id=activation_id, now=now)


async def use_activation(conn: Connection, activation_id: UUID, now: datetime) -> bool:
    """Use a code up; False when it was used, void or late."""
    return await _SQL.use_activation.run(conn, activation_id=activation_id, now=now) == 1


async def add(
    conn: Connection,
    registration: Registration,
    idx: bytes,
    now: datetime,
) -> None:
    """Begin a registration; the open one of the same number ends."""
    await _SQL.end_open.run(conn, idx=idx)
    await _SQL.add.run(
        conn,
        registration_id=registration.registration_id,
        idx=idx,
        person_id=registration.person_id,
        activation_id=registration.activation_id,
        sends=registration.sends,
        phone_mask=registration.phone_mask,
        expires_at=registration.expires_at,
        now=now,
    )


async def person_of(conn: Connection, registration_id: UUID) -> UUID | None:
    """Read whose registration it is, without a lock; None of a stranger's number."""
    found: UUID | None = await _SQL.person_of.value(conn, registration_id=registration_id)
    return found


async def lock(conn: Connection, registration_id: UUID) -> Registration | None:
    """Read and lock a registration."""
    row = await _SQL.lock.one(conn, registration_id=registration_id)
    return None if row is None else _registration(row)


def _registration(row: Row) -> Registration:
    has_sms = row["sms_hash"] is not None
    return Registration(
        registration_id=row["registration_id"],
        person_id=row["person_id"],
        activation_id=row["activation_id"],
        state=RegistrationState(row["state"]),
        sends=row["sends"],
        phone_mask=row["phone_mask"],
        consents=tuple(json.loads(row["consents"])),
        sms=Tag(row["sms_key_id"], row["sms_hash"]) if has_sms else None,
        sms_expires_at=row["sms_expires_at"],
        sent=row["sent"],
        attempts=row["attempts"],
        token_hash=row["token_hash"],
        verified_at=row["verified_at"],
        expires_at=row["expires_at"],
    )


async def move(conn: Connection, was: Registration, becomes: RegistrationState) -> None:
    """Give a locked registration another state."""
    touched = await _SQL.move.run(
        conn,
        registration_id=was.registration_id,
        was=was.state.value,
        becomes=becomes.value,
    )
    changed_one(touched, "a registration")


async def put_consents(
    conn: Connection,
    was: Registration,
    becomes: RegistrationState,
    consents: Sequence[dict[str, Any]],
) -> None:
    """Keep what the client agreed to."""
    await _SQL.put_consents.run(
        conn,
        registration_id=was.registration_id,
        was=was.state.value,
        becomes=becomes.value,
        consents=json.dumps(list(consents)),
    )


async def put_sms(
    conn: Connection,
    was: Registration,
    becomes: RegistrationState,
    tag: Tag,
    expires_at: datetime,
) -> None:
    """Keep the keyed hash of the password by SMS; the one before it is good no more."""
    await _SQL.put_sms.run(
        conn,
        registration_id=was.registration_id,
        was=was.state.value,
        becomes=becomes.value,
        sms_hash=tag.value,
        sms_key_id=tag.key_id,
        sms_expires_at=expires_at,
    )


async def count_try(conn: Connection, registration_id: UUID) -> int | None:
    """Count a try; None when no password by SMS is waited for."""
    found: int | None = await _SQL.count_try.value(conn, registration_id=registration_id)
    return found


async def verified(
    conn: Connection, registration_id: UUID, token_hash: bytes, now: datetime
) -> None:
    """Note that the password by SMS was right."""
    await _SQL.verified.run(conn, registration_id=registration_id, token_hash=token_hash, now=now)


async def expire(conn: Connection, now: datetime, limit: int) -> list[tuple[UUID, UUID | None]]:
    """End up to ``limit`` registrations whose time is over; gives them with their persons."""
    rows = await _SQL.expire.all(conn, now=now, limit=limit)
    return [(row["registration_id"], row["person_id"]) for row in rows]


async def purge(conn: Connection, old: datetime, limit: int) -> int:
    """Forget up to ``limit`` registrations that were over before ``old``."""
    return await _SQL.purge.run(conn, old=old, limit=limit)

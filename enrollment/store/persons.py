"""Keeps persons, their identification numbers and their phones."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING
from uuid import UUID

from enrollment.model import EnrolmentReason, PersonStatus
from enrollment.store import changed_one
from schemas import queries

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import date, datetime

    from enrollment.store import Row
    from schemas.queries import Connection
    from schemas.vault import Tag

_SQL = queries.load(__file__)
_BEFORE_ALL = UUID(int=0)


@dataclass(frozen=True, slots=True)
class Person:
    """A person as stored; ``birth_date_ct`` is sealed, ``minor_allowed`` the bank's leave.

    ``bank_language``: what the bank said last of who chose another one; None = ``language`` is it.
    """

    person_id: UUID
    ref: str
    kind: str
    status: PersonStatus
    language: str
    version: int
    birth_date_ct: bytes | None = field(default=None, repr=False)
    minor_allowed: bool = False
    bank_language: str | None = None


@dataclass(frozen=True, slots=True)
class Phone:
    """The phone in use, without its number."""

    phone_id: UUID
    mask: str
    is_usable: bool
    idx: bytes = field(repr=False)


@dataclass(frozen=True, slots=True)
class Young:
    """A card that waits for its holder's age; ``birth_date_ct`` is sealed."""

    card_id: UUID
    reason: EnrolmentReason
    person_id: UUID
    birth_date_ct: bytes | None = field(repr=False)
    minor_allowed: bool


async def claim(conn: Connection, *tags: Tag) -> None:
    """Wait until no other transaction decides about these keyed hashes; lasts to the end."""
    for value in sorted({tag.value for tag in tags}):
        await _SQL.claim.one(conn, idx=value)


async def try_claim(conn: Connection, tag: Tag) -> bool:
    """Claim a keyed hash unless another transaction decides about it; for who holds a person."""
    return bool(await _SQL.try_claim.value(conn, idx=tag.value))


async def insert(conn: Connection, person: Person, now: datetime) -> bool:
    """Add a person; False when the reference is known."""
    touched = await _SQL.insert_person.run(
        conn,
        person_id=person.person_id,
        ref=person.ref,
        kind=person.kind,
        language=person.language,
        birth_date_ct=person.birth_date_ct,
        minor_allowed=person.minor_allowed,
        now=now,
    )
    return touched == 1


async def lock_by_ref(conn: Connection, ref: str) -> Person | None:
    """Read and lock a person by the bank's reference."""
    return _person(await _SQL.lock_by_ref.one(conn, ref=ref))


async def lock(conn: Connection, person_id: UUID) -> Person | None:
    """Read and lock a person by our id."""
    return _person(await _SQL.lock_by_id.one(conn, person_id=person_id))


async def read(conn: Connection, person_id: UUID) -> Person | None:
    """Read a person by our id, without a lock."""
    return _person(await _SQL.read_by_id.one(conn, person_id=person_id))


def _person(row: Row | None) -> Person | None:
    if row is None:
        return None
    return Person(
        person_id=row["person_id"],
        ref=row["ref"],
        kind=row["kind"],
        status=PersonStatus(row["status"]),
        language=row["language"],
        version=row["version"],
        birth_date_ct=row["birth_date_ct"],
        minor_allowed=row["minor_allowed"],
        bank_language=row["bank_language"],
    )


async def update(conn: Connection, person: Person, now: datetime) -> None:
    """Write changed data; the person was locked, so its version still holds."""
    touched = await _SQL.update_person.run(
        conn,
        person_id=person.person_id,
        kind=person.kind,
        language=person.language,
        bank_language=person.bank_language,
        birth_date_ct=person.birth_date_ct,
        minor_allowed=person.minor_allowed,
        version=person.version,
        now=now,
    )
    changed_one(touched, "a person")


async def register(conn: Connection, person_id: UUID, now: datetime) -> bool:
    """Make a known person a registered one; False when it was not ``known``."""
    return await _SQL.register_person.run(conn, person_id=person_id, now=now) == 1


async def set_status(
    conn: Connection, person: Person, becomes: PersonStatus, now: datetime
) -> None:
    """Give a locked person another status."""
    touched = await _SQL.set_person_status.run(
        conn, person_id=person.person_id, becomes=becomes.value, version=person.version, now=now
    )
    changed_one(touched, "a person")


async def end_identifiers(conn: Connection, person_id: UUID, now: datetime) -> None:
    """Take all identification numbers from a person."""
    await _SQL.end_identifiers.run(conn, person_id=person_id, now=now)


async def holder_of_identifier(conn: Connection, idx: Sequence[bytes]) -> UUID | None:
    """Tell whose identification number it is."""
    found: UUID | None = await _SQL.holder_of_identifier.value(conn, idx=list(idx))
    return found


async def put_identifier(
    conn: Connection, person_id: UUID, id_kind: str, tag: Tag, now: datetime
) -> bool:
    """Make a number the person's only one of its kind; tell whether it replaced another."""
    ended = await _SQL.end_identifier.run(conn, person_id=person_id, id_kind=id_kind, now=now)
    await _SQL.add_identifier.run(
        conn, person_id=person_id, id_kind=id_kind, idx=tag.value, key_id=tag.key_id, now=now
    )
    return ended > 0


async def had_number(conn: Connection, person_id: UUID, idx: Sequence[bytes]) -> bool:
    """Tell whether a number was a person's and is not any more."""
    found = await _SQL.had_number.value(conn, person_id=person_id, idx=list(idx))
    return found is not None


async def has_pesel(conn: Connection, person_id: UUID) -> bool:
    """Tell whether a person is known by a PESEL."""
    return await _SQL.pesel_of.value(conn, person_id=person_id) is not None


async def end_older_identifiers(conn: Connection, person_id: UUID, now: datetime) -> bool:
    """Leave a person the newest number only; tells whether another one ended."""
    return await _SQL.end_older_identifiers.run(conn, person_id=person_id, now=now) > 0


async def phone_of(conn: Connection, person_id: UUID) -> Phone | None:
    """Read the phone in use."""
    row = await _SQL.phone_of.one(conn, person_id=person_id)
    if row is None:
        return None
    return Phone(row["phone_id"], row["mask"], row["state"] == "active", row["idx"])


async def persons_with_phone(conn: Connection, idx: Sequence[bytes], person_id: UUID) -> int:
    """Count the other persons who use the number."""
    return int(await _SQL.persons_with_phone.value(conn, idx=list(idx), person_id=person_id))


async def put_phone(
    conn: Connection,
    person_id: UUID,
    phone: Phone,
    *,
    number_ct: bytes,
    key_id: str,
    source: str,
    now: datetime,
) -> bool:
    """Make a phone the one in use; tell whether it replaced another."""
    retired = await _SQL.retire_phone.run(conn, person_id=person_id, now=now)
    await _SQL.add_phone.run(
        conn,
        phone_id=phone.phone_id,
        person_id=person_id,
        number_ct=number_ct,
        idx=phone.idx,
        key_id=key_id,
        mask=phone.mask,
        source=source,
        now=now,
    )
    return retired > 0


async def vouch_for_phone(conn: Connection, person_id: UUID) -> bool:
    """Make the phone that a client put in use in the portal the bank's word; false: it is so."""
    return await _SQL.vouch_for_phone.run(conn, person_id=person_id) > 0


async def outlived_phone(conn: Connection, person_id: UUID) -> bytes | None:
    """Give the number that the bank said before the client put another in use in the portal."""
    found: bytes | None = await _SQL.outlived_phone.value(conn, person_id=person_id)
    return found


async def retire_phone(conn: Connection, person_id: UUID, now: datetime) -> None:
    """Take the phone in use out of use."""
    await _SQL.retire_phone.run(conn, person_id=person_id, now=now)


async def last4s(conn: Connection, person_id: UUID) -> list[str]:
    """Read the ends of a person's cards."""
    return [row["last4"] for row in await _SQL.last4s.all(conn, person_id=person_id)]


async def language_of(conn: Connection, person_id: UUID) -> str | None:
    """Read the language of a person's messages."""
    found: str | None = await _SQL.language_of.value(conn, person_id=person_id)
    return found


async def identifier_hashes(conn: Connection, person_id: UUID) -> set[bytes]:
    """Read the keyed hashes of the numbers by which a person is known."""
    rows = await _SQL.key_of_identifier.all(conn, person_id=person_id)
    return {row["idx"] for row in rows}


async def wants_low_value(conn: Connection, person_id: UUID) -> bool:
    """Read whether a person wants small payments without a code."""
    return bool(await _SQL.low_value_of.value(conn, person_id=person_id))


async def put_preferences(
    conn: Connection, person: Person, *, language: str, low_value: bool, now: datetime
) -> None:
    """Write what a locked person prefers."""
    touched = await _SQL.put_preferences.run(
        conn,
        person_id=person.person_id,
        language=language,
        low_value=low_value,
        version=person.version,
        now=now,
    )
    changed_one(touched, "a person")


async def next_age_sweep(conn: Connection, day: date) -> UUID | None:
    """Give the card up to and with which the young were looked at on that day, locked.

    None when all of them were, or somebody else is at it.
    """
    row = await _SQL.next_age_sweep.one(conn, day=day)
    if row is None:
        return None
    return row["after"] if row["day"] == day else _BEFORE_ALL


async def next_of_age_sweep(conn: Connection, after: UUID, limit: int) -> list[Young]:
    """Read the next cards that wait for their holders' age."""
    rows = await _SQL.next_of_age_sweep.all(conn, after=after, limit=limit)
    return [Young(**{**dict(row), "reason": EnrolmentReason(row["reason"])}) for row in rows]


async def move_age_sweep(
    conn: Connection, day: date, after: UUID, done_at: datetime | None
) -> None:
    """Write how far the look at the young is on that day."""
    await _SQL.move_age_sweep.run(conn, day=day, after=after, done_at=done_at)

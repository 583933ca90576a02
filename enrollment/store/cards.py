"""Keeps accounts, cards and their enrolment in 3-D Secure."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from enrollment.activation import Conditions, Enrolment
from enrollment.model import CardStatus, EnrolmentReason, EnrolmentState, PersonStatus
from enrollment.store import changed_one
from schemas import queries

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence
    from datetime import date, datetime
    from uuid import UUID

    from enrollment.store import Row
    from schemas.queries import Connection
    from schemas.vault import Tag

_SQL = queries.load(__file__)


@dataclass(frozen=True, slots=True)
class Account:
    """An account as stored; ``currency`` is ISO 4217 numeric."""

    account_id: UUID
    ref: str
    currency: str
    status: str
    version: int = 1


@dataclass(frozen=True, slots=True)
class Card:
    """A card as stored, without its PAN."""

    card_id: UUID
    ref: str
    account_id: UUID
    person_id: UUID
    last4: str
    expiry: str
    product: str
    pan_idx: bytes = field(repr=False)
    status: CardStatus = CardStatus.ACTIVE
    replaced_by: UUID | None = None
    version: int = 1


@dataclass(frozen=True, slots=True)
class CardView:
    """A card as the bank's systems and its holder see it; ``version`` covers its enrolment."""

    card_id: UUID
    ref: str
    account_id: UUID
    person_id: UUID
    last4: str
    expiry: str | None
    product: str
    status: CardStatus
    enrolment: Enrolment
    version: int
    currency: str


@dataclass(frozen=True, slots=True)
class EnrolmentFacts:
    """Where a card's enrolment stands and what it depends on.

    ``before``: where it would stand had the card not ended; None = not ended, or not known.
    """

    card_id: UUID
    enrolment: Enrolment
    conditions: Conditions
    before: Enrolment | None = None

    @property
    def lasting(self) -> Enrolment:
        """Give the enrolment that a card which follows goes on with."""
        return self.before or self.enrolment


async def insert_account(conn: Connection, account: Account, now: datetime) -> bool:
    """Add an account; False when the reference is known."""
    touched = await _SQL.insert_account.run(
        conn,
        account_id=account.account_id,
        ref=account.ref,
        currency=account.currency,
        status=account.status,
        now=now,
    )
    return touched == 1


async def lock_account_by_ref(conn: Connection, ref: str) -> Account | None:
    """Read and lock an account by the bank's reference."""
    row = await _SQL.lock_account_by_ref.one(conn, ref=ref)
    return None if row is None else Account(**dict(row))


async def lock_account(conn: Connection, account_id: UUID) -> Account | None:
    """Read and lock an account by our id."""
    row = await _SQL.lock_account.one(conn, account_id=account_id)
    return None if row is None else Account(**dict(row))


async def update_account(conn: Connection, account: Account, now: datetime) -> None:
    """Write the status of a locked account."""
    touched = await _SQL.update_account.run(
        conn,
        account_id=account.account_id,
        status=account.status,
        version=account.version,
        now=now,
    )
    changed_one(touched, "an account")


async def members(conn: Connection, account_id: UUID) -> dict[UUID, str]:
    """Read who has which role at an account."""
    rows = await _SQL.members.all(conn, account_id=account_id)
    return {row["person_id"]: row["role"] for row in rows}


async def known_persons(conn: Connection, person_ids: Iterable[UUID]) -> set[UUID]:
    """Tell which of these persons exist."""
    rows = await _SQL.known_persons.all(conn, person_ids=list(person_ids))
    return {row["person_id"] for row in rows}


async def put_members(conn: Connection, account_id: UUID, roles: Mapping[UUID, str]) -> None:
    """Make these the only roles at an account."""
    person_ids = sorted(roles)
    await _SQL.drop_members.run(conn, account_id=account_id, person_ids=person_ids)
    await _SQL.put_members.run(
        conn,
        account_id=account_id,
        person_ids=person_ids,
        roles=[roles[person_id] for person_id in person_ids],
    )


async def card_holders_of_account(conn: Connection, account_id: UUID) -> list[UUID]:
    """Read whose cards an account has, in the order in which persons are locked."""
    rows = await _SQL.card_holders_of_account.all(conn, account_id=account_id)
    return [row["person_id"] for row in rows]


async def card_by_pan(
    conn: Connection, pan_indexes: Sequence[bytes]
) -> tuple[UUID, str, UUID] | None:
    """Find the card under one of these keyed hashes: its id, reference and holder."""
    row = await _SQL.card_by_pan.one(conn, pan_idx=list(pan_indexes))
    return None if row is None else (row["card_id"], row["ref"], row["person_id"])


async def insert_card(
    conn: Connection, card: Card, pan_tag: Tag, pan_ct: bytes, now: datetime
) -> bool:
    """Add a card in use; False when the reference is known."""
    touched = await _SQL.insert_card.run(
        conn,
        card_id=card.card_id,
        ref=card.ref,
        account_id=card.account_id,
        person_id=card.person_id,
        pan_idx=pan_tag.value,
        idx_key_id=pan_tag.key_id,
        pan_ct=pan_ct,
        last4=card.last4,
        expiry=card.expiry,
        product=card.product,
        now=now,
    )
    return touched == 1


async def insert_enrolment(
    conn: Connection, card_id: UUID, *, by: str, channel: str, now: datetime
) -> None:
    """Start a card without 3-D Secure."""
    await _SQL.insert_enrolment.run(conn, card_id=card_id, by=by, channel=channel, now=now)


async def lock_card_by_ref(conn: Connection, ref: str) -> Card | None:
    """Read and lock a card by the bank's reference."""
    return _card(await _SQL.lock_card_by_ref.one(conn, ref=ref))


async def lock_card(conn: Connection, card_id: UUID) -> Card | None:
    """Read and lock a card by our id."""
    return _card(await _SQL.lock_card.one(conn, card_id=card_id))


def _card(row: Row | None) -> Card | None:
    if row is None:
        return None
    return Card(**{**dict(row), "status": CardStatus(row["status"])})


async def update_card(conn: Connection, card: Card, now: datetime) -> None:
    """Write account, product and expiry of a locked card."""
    touched = await _SQL.update_card.run(
        conn,
        card_id=card.card_id,
        account_id=card.account_id,
        product=card.product,
        expiry=card.expiry,
        version=card.version,
        now=now,
    )
    changed_one(touched, "a card")


async def set_status(
    conn: Connection,
    card: Card,
    status: CardStatus,
    *,
    reason: str | None,
    replaced_by: UUID | None,
    now: datetime,
) -> None:
    """Write what the host says of a locked card."""
    touched = await _SQL.set_status.run(
        conn,
        card_id=card.card_id,
        was=card.status.value,
        status=status.value,
        reason=reason,
        replaced_by=replaced_by,
        now=now,
    )
    changed_one(touched, "a card")


async def enrolments(
    conn: Connection, person_id: UUID, day: date, age: EnrolmentReason | None
) -> list[EnrolmentFacts]:
    """Read and lock the enrolments of all cards of a person, with what they depend on."""
    rows = await _SQL.enrolments.all(conn, person_id=person_id)
    return [
        EnrolmentFacts(
            row["card_id"],
            _enrolment(row["state"], row["reason"]),
            Conditions(
                person=PersonStatus(row["person_status"]),
                account_open=row["account_status"] == "active",
                card=CardStatus(row["card_status"]),
                consent=_consent_fault(row["consent_act"], row["consent_good_until"], day),
                phone_usable=bool(row["phone_usable"]),
                pin_set=row["pin_set"],
                has_role=row["has_role"],
                age=age,
            ),
            None if row["was_state"] is None else _enrolment(row["was_state"], row["was_reason"]),
        )
        for row in rows
    ]


def _enrolment(state: str, reason: str | None) -> Enrolment:
    return Enrolment(EnrolmentState(state), None if reason is None else EnrolmentReason(reason))


def _consent_fault(act: str | None, good_until: date | None, day: date) -> EnrolmentReason | None:
    if act == "withdrawn":
        return EnrolmentReason.CONSENT_WITHDRAWN
    if act != "given":
        return EnrolmentReason.CONSENT_MISSING
    if good_until is not None and day > good_until:
        return EnrolmentReason.CONSENT_OUTDATED
    return None


async def set_enrolment(
    conn: Connection,
    card_id: UUID,
    was: Enrolment,
    becomes: Enrolment,
    *,
    by: str,
    channel: str,
    now: datetime,
) -> bool:
    """Write the next state of an enrolment; False when it is no longer the one read."""
    touched = await _SQL.set_enrolment.run(
        conn,
        card_id=card_id,
        was_state=was.state.value,
        was_reason=was.reason,
        state=becomes.state.value,
        reason=becomes.reason,
        by=by,
        channel=channel,
        now=now,
    )
    return touched == 1


async def remember(conn: Connection, card_id: UUID, before: Enrolment) -> None:
    """Keep what the enrolment of an ended card would be by now."""
    await _SQL.remember.run(conn, card_id=card_id, state=before.state.value, reason=before.reason)


async def view(conn: Connection, card_id: UUID) -> CardView | None:
    """Read one card to show it."""
    row = await _SQL.view_card.one(conn, card_id=card_id)
    return None if row is None else _view(row)


async def views_of_person(conn: Connection, person_id: UUID) -> list[CardView]:
    """Read a client's own cards to show them."""
    rows = await _SQL.view_cards_of_person.all(conn, person_id=person_id)
    return [_view(row) for row in rows]


async def views_of_co_owners(conn: Connection, person_id: UUID) -> list[CardView]:
    """Read the cards of the other owners of accounts that a person owns."""
    rows = await _SQL.view_cards_of_co_owners.all(conn, person_id=person_id)
    return [_view(row) for row in rows]


def _view(row: Row) -> CardView:
    return CardView(
        card_id=row["card_id"],
        ref=row["ref"],
        account_id=row["account_id"],
        person_id=row["person_id"],
        last4=row["last4"],
        expiry=row["expiry"],
        product=row["product"],
        status=CardStatus(row["status"]),
        enrolment=_enrolment(row["threeds_state"], row["threeds_reason"]),
        version=row["version"],
        currency=row["currency"],
    )

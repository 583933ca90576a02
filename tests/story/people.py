"""Cardholders for stories, put into the database as the enrolment side would leave them."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import count
from typing import TYPE_CHECKING, Any
from uuid import UUID, uuid4

from enrollment import pan as enrollment_pan
from enrollment import phones, pin_hash
from schemas.vault import Keys, Secret

if TYPE_CHECKING:
    from datetime import datetime

    import asyncpg

_NUMBERS = count(1)
_CONSENT = (
    "SELECT sha256 FROM enrollment.consent_text"
    " WHERE code = 'sms_3ds' AND version = 1 AND language = 'pl'"
)


@dataclass(frozen=True)
class Cardholder:
    """One person with one account, card and phone."""

    person_id: UUID
    account_id: UUID
    card_id: UUID
    pan: str
    phone: str
    pin: str = "4826"
    expiry: str = "3012"


def luhn(partial: str) -> str:
    """Append the check digit."""
    digits = [int(d) for d in reversed(partial)]
    total = sum(d if i % 2 else (d * 2 - 9 if d > 4 else d * 2) for i, d in enumerate(digits))
    return partial + str(-total % 10)


@dataclass(frozen=True)
class Facts:
    """What may be different about a cardholder.

    ``person_of`` and ``account_of`` give the card to the person, or to the account, of another
    cardholder; ``limits`` are the account's, ``card_limits`` the branch's for the card.
    """

    prefix: str = "40000010"
    language: str = "pl"
    currency: str = "985"
    pin: str = "4826"
    expiry: str = "3012"
    card_status: str = "active"
    enrolment: str = "active"
    suspended_for: str = "client_off"
    limits: dict[str, int | None] | None = None
    card_limits: dict[str, int | None] | None = None
    person_of: Cardholder | None = None
    account_of: Cardholder | None = None
    no_phone: bool = False
    no_consent: bool = False
    no_pin: bool = False
    unknown: bool = False


async def enrol(
    conn: asyncpg.Connection[Any], keys: Keys, now: datetime, **facts: Any
) -> Cardholder:
    """Put a cardholder into the database; ``unknown=True`` only makes up a card number."""
    given, number = Facts(**facts), next(_NUMBERS)
    holder = Cardholder(
        person_id=given.person_of.person_id if given.person_of else uuid4(),
        account_id=given.account_of.account_id if given.account_of else uuid4(),
        card_id=uuid4(),
        pan=luhn(f"{given.prefix}{number:07d}"),
        phone=given.person_of.phone if given.person_of else f"+48600{number:06d}",
        pin=given.person_of.pin if given.person_of else given.pin,
        expiry=given.expiry,
    )
    if given.unknown:
        return holder
    if given.person_of is None:
        await _person(conn, keys, now, holder, given)
    if given.account_of is None:
        await _account(conn, now, holder, given)
    await _card(conn, keys, now, holder, given)
    return holder


async def _person(
    conn: asyncpg.Connection[Any], keys: Keys, now: datetime, holder: Cardholder, given: Facts
) -> None:
    await conn.execute(
        "INSERT INTO enrollment.person"
        " (person_id, ref, kind, status, language, created_at, updated_at)"
        " VALUES ($1, $2, 'natural', 'registered', $3, $4, $4)",
        holder.person_id, str(holder.person_id), given.language, now,
    )  # fmt: skip
    if not given.no_phone:
        await add_phone(conn, keys, now, holder.person_id, holder.phone)
    if not given.no_consent:
        await declare(conn, holder, now, "given")
    if not given.no_pin:
        made, key_id = await pin_hash.make(keys, holder.person_id, Secret(holder.pin))
        await conn.execute(
            "INSERT INTO enrollment.credential"
            " (person_id, pin_hash, pin_key_id, pin_set_at, pin_day)"
            " VALUES ($1, $2, $3, $4, $5)",
            holder.person_id, made, key_id, now, now.date(),
        )  # fmt: skip


async def declare(
    conn: asyncpg.Connection[Any], holder: Cardholder, now: datetime, act: str
) -> None:
    """Record what the person says to codes by SMS: given, refused, withdrawn."""
    await conn.execute(
        "INSERT INTO enrollment.consent"
        " (person_id, code, version, language, text_sha256, act, at, channel)"
        " VALUES ($1, 'sms_3ds', 1, 'pl', $2, $3, $4, 'portal')",
        holder.person_id, await conn.fetchval(_CONSENT), act, now,
    )  # fmt: skip


async def add_phone(
    conn: asyncpg.Connection[Any], keys: Keys, now: datetime, person_id: UUID, number: str
) -> None:
    """Put a phone into use; the one before is retired."""
    await conn.execute(
        "UPDATE enrollment.phone SET state = 'retired', valid_to = $2"
        " WHERE person_id = $1 AND state = 'active'",
        person_id, now,
    )  # fmt: skip
    phone_id = uuid4()
    secret = Secret(number)
    tag = phones.tag(keys, secret)
    await conn.execute(
        "INSERT INTO enrollment.phone"
        " (phone_id, person_id, state, number_ct, idx, key_id, mask, source, valid_from)"
        " VALUES ($1, $2, 'active', $3, $4, $5, $6, 'branch', $7)",
        phone_id, person_id, phones.seal(keys, phone_id, secret), tag.value, tag.key_id,
        phones.mask(secret, ("48",)), now,
    )  # fmt: skip


async def _account(
    conn: asyncpg.Connection[Any], now: datetime, holder: Cardholder, given: Facts
) -> None:
    await conn.execute(
        "INSERT INTO enrollment.account (account_id, ref, currency, status, created_at, updated_at)"
        " VALUES ($1, $2, $3, 'active', $4, $4)",
        holder.account_id, str(holder.account_id), given.currency, now,
    )  # fmt: skip
    await set_limits(conn, holder.account_id, now, given.limits or {})


async def _card(
    conn: asyncpg.Connection[Any], keys: Keys, now: datetime, holder: Cardholder, given: Facts
) -> None:
    pan = Secret(holder.pan)
    tag = enrollment_pan.tag(keys, pan)
    await conn.execute(
        "INSERT INTO enrollment.card"
        " (card_id, ref, account_id, person_id, pan_idx, idx_key_id, pan_ct, last4,"
        " expiry, product, status, created_at, updated_at)"
        " VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, 'debit', $10, $11, $11)",
        holder.card_id, str(holder.card_id), holder.account_id, holder.person_id, tag.value,
        tag.key_id, enrollment_pan.seal(keys, holder.card_id, pan), holder.pan[-4:],
        holder.expiry, given.card_status, now,
    )  # fmt: skip
    reason = given.suspended_for if given.enrolment in {"suspended", "removed"} else None
    await conn.execute(
        "INSERT INTO enrollment.enrolment (card_id, state, reason, changed_by, channel, changed_at)"
        " VALUES ($1, $2, $3, 'story', 'portal', $4)",
        holder.card_id, given.enrolment, reason, now,
    )  # fmt: skip
    if given.card_limits is not None:
        await set_limits(conn, holder.card_id, now, given.card_limits, "card_branch")


async def set_limits(
    conn: asyncpg.Connection[Any],
    owner_id: UUID,
    now: datetime,
    limits: dict[str, int | None],
    level: str = "account",
) -> None:
    """Set the limits of an account, or of a card (``card_branch``), as the branch does."""
    names = ("per_tx", "per_day", "per_month", "count_day", "count_month")
    await conn.execute(
        "INSERT INTO enrollment.spending_limit"
        " (owner_id, level, per_tx, per_day, per_month, count_day, count_month, set_by, set_at)"
        " VALUES ($1, $2, $3, $4, $5, $6, $7, 'branch', $8)"
        " ON CONFLICT (owner_id, level) DO UPDATE SET per_tx = $3, per_day = $4, per_month = $5,"
        " count_day = $6, count_month = $7",
        owner_id, level, *[limits.get(name) for name in names], now,
    )  # fmt: skip


async def block(conn: asyncpg.Connection[Any], holder: Cardholder, now: datetime) -> None:
    """Block the person for internet payments until somebody lifts it."""
    await conn.execute(
        "INSERT INTO enrollment.sca_state (person_id, failures, block_kind, updated_at)"
        " VALUES ($1, 0, 'manual', $2)",
        holder.person_id, now,
    )  # fmt: skip


async def set_card_status(conn: asyncpg.Connection[Any], holder: Cardholder, status: str) -> None:
    """Let the host say something else of a card."""
    await conn.execute(
        "UPDATE enrollment.card SET status = $2 WHERE card_id = $1", holder.card_id, status
    )

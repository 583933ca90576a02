"""Cardholders for stories, put into the database as the enrolment side would leave them."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from itertools import count
from typing import TYPE_CHECKING, Any
from uuid import UUID, uuid4

from enrollment import pan as enrollment_pan
from enrollment import phones, pin_hash
from schemas.vault import Keys, Secret

if TYPE_CHECKING:
    import asyncpg

_NUMBERS = count(1)
_CONSENT = "SELECT sha256 FROM enrollment.consent_text WHERE code = 'sms_3ds' AND version = 1 AND language = 'pl'"


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


async def enrol(
    conn: asyncpg.Connection[Any],
    keys: Keys,
    now: datetime,
    *,
    prefix: str = "40000010",
    language: str = "pl",
    limits: dict[str, int | None] | None = None,
    **without: bool,
) -> Cardholder:
    """Enrol a cardholder; ``no_pin=True``, ``no_consent=True``, ``no_phone=True`` leave one out."""
    number = next(_NUMBERS)
    holder = Cardholder(
        person_id=uuid4(),
        account_id=uuid4(),
        card_id=uuid4(),
        pan=luhn(f"{prefix}{number:07d}"),
        phone=f"+48600{number:06d}",
    )
    await _person(conn, keys, now, holder, language, without)
    await _card(conn, keys, now, holder, limits or {})
    return holder


async def _person(
    conn: asyncpg.Connection[Any],
    keys: Keys,
    now: datetime,
    holder: Cardholder,
    language: str,
    without: dict[str, bool],
) -> None:
    await conn.execute(
        "INSERT INTO enrollment.person (person_id, ref, kind, status, language, created_at, updated_at)"
        " VALUES ($1, $2, 'natural', 'registered', $3, $4, $4)",
        holder.person_id, str(holder.person_id), language, now,
    )  # fmt: skip
    if not without.get("no_phone"):
        await add_phone(conn, keys, now, holder.person_id, holder.phone)
    if not without.get("no_consent"):
        sha256 = await conn.fetchval(_CONSENT)
        await conn.execute(
            "INSERT INTO enrollment.consent (person_id, code, version, language, text_sha256, act, at, channel)"
            " VALUES ($1, 'sms_3ds', 1, 'pl', $2, 'given', $3, 'portal')",
            holder.person_id, sha256, now,
        )  # fmt: skip
    if not without.get("no_pin"):
        made, key_id = await pin_hash.make(keys, holder.person_id, Secret(holder.pin))
        await conn.execute(
            "INSERT INTO enrollment.credential (person_id, pin_hash, pin_key_id, pin_set_at, pin_day)"
            " VALUES ($1, $2, $3, $4, $5)",
            holder.person_id, made, key_id, now, now.date(),
        )  # fmt: skip


async def add_phone(
    conn: asyncpg.Connection[Any], keys: Keys, now: datetime, person_id: UUID, number: str
) -> None:
    """Put a phone into use; the one before is retired."""
    await conn.execute(
        "UPDATE enrollment.phone SET state = 'retired', valid_to = $2 WHERE person_id = $1 AND state = 'active'",
        person_id, now,
    )  # fmt: skip
    phone_id = uuid4()
    secret = Secret(number)
    tag = phones.tag(keys, secret)
    await conn.execute(
        "INSERT INTO enrollment.phone (phone_id, person_id, state, number_ct, idx, key_id, mask, source, valid_from)"
        " VALUES ($1, $2, 'active', $3, $4, $5, $6, 'branch', $7)",
        phone_id, person_id, phones.seal(keys, phone_id, secret), tag.value, tag.key_id,
        phones.mask(secret, ("48",)), now,
    )  # fmt: skip


async def _card(
    conn: asyncpg.Connection[Any],
    keys: Keys,
    now: datetime,
    holder: Cardholder,
    limits: dict[str, int | None],
) -> None:
    await conn.execute(
        "INSERT INTO enrollment.account (account_id, ref, currency, status, created_at, updated_at)"
        " VALUES ($1, $2, '985', 'active', $3, $3)",
        holder.account_id, str(holder.account_id), now,
    )  # fmt: skip
    pan = Secret(holder.pan)
    tag = enrollment_pan.tag(keys, pan)
    await conn.execute(
        "INSERT INTO enrollment.card (card_id, ref, account_id, person_id, pan_idx, idx_key_id, pan_ct, last4,"
        " expiry, product, status, created_at, updated_at)"
        " VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, 'debit', 'active', $10, $10)",
        holder.card_id, str(holder.card_id), holder.account_id, holder.person_id, tag.value,
        tag.key_id, enrollment_pan.seal(keys, holder.card_id, pan), holder.pan[-4:],
        holder.expiry, now,
    )  # fmt: skip
    await conn.execute(
        "INSERT INTO enrollment.enrolment (card_id, state, changed_by, channel, changed_at)"
        " VALUES ($1, 'active', 'story', 'portal', $2)",
        holder.card_id, now,
    )  # fmt: skip
    await set_limits(conn, holder.account_id, now, limits)


async def set_limits(
    conn: asyncpg.Connection[Any], account_id: UUID, now: datetime, limits: dict[str, int | None]
) -> None:
    """Set the account's limits, as the branch does."""
    names = ("per_tx", "per_day", "per_month", "count_day", "count_month")
    await conn.execute(
        "INSERT INTO enrollment.spending_limit (owner_id, level, per_tx, per_day, per_month, count_day,"
        " count_month, set_by, set_at) VALUES ($1, 'account', $2, $3, $4, $5, $6, 'branch', $7)"
        " ON CONFLICT (owner_id, level) DO UPDATE SET per_tx = $2, per_day = $3, per_month = $4,"
        " count_day = $5, count_month = $6",
        account_id, *[limits.get(name) for name in names], now,
    )  # fmt: skip

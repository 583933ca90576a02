"""The bank's people for a run, put into the database as the enrolment side would leave them.

By SQL, in one transaction and in a second; the enrolment's own ways are not what is tested here.
"""

from dataclasses import dataclass
from datetime import UTC, datetime
from uuid import UUID, uuid4

import asyncpg

from enrollment import pan as enrollment_pan
from enrollment import phones, pin_hash
from loadtests.network import people
from loadtests.network.identifiers import pan
from schemas.vault import Keys, Secret

_EXPIRY = "3012"
PER_DAY_MINOR = 60_000
"""Day limit of the accounts that have one: a few payments use it up."""
COUNT_DAY = 6
_GENEROUS = (1_000_000, 10**12, 10**12, 10**9, 10**9)
_TIGHT = (30_000, PER_DAY_MINOR, 10 * PER_DAY_MINOR, COUNT_DAY, 10 * COUNT_DAY)
_KINDS = (
    ("otp", people.VISA_OTP),
    ("otp", people.MASTERCARD_OTP),
    ("pin", people.VISA_PIN_OTP),
    ("easy", people.VISA_FRICTIONLESS),
    ("easy", people.MASTERCARD_FRICTIONLESS),
)

WAYS = {
    "right": 8,
    "wrong, then right": 3,
    "wrong to the end": 1,
    "an old code, then right": 2,
    "cancels": 2,
    "never opens": 1,
    "opens and leaves": 1,
}
"""What cardholders do at a challenge wherever they pay, and how often."""


@dataclass(frozen=True, slots=True)
class Holder:
    """One person with one account, card and phone; `kind` is otp, pin or easy."""

    person_id: UUID
    account_id: UUID
    card_id: UUID
    pan: str
    phone: str
    pin: str
    kind: str
    has_limits: bool


def everybody(count: int) -> list[Holder]:
    """Make up so many people; each third has tight limits."""
    found = []
    for number in range(count):
        kind, prefix = _KINDS[number % len(_KINDS)]
        found.append(
            Holder(
                person_id=uuid4(),
                account_id=uuid4(),
                card_id=uuid4(),
                pan=pan(prefix, 7000 + number),
                phone=f"+48502{number:06d}",
                pin=f"{7305 + 13 * (number % 200):04d}",
                kind=kind,
                has_limits=number % 3 == 0,
            )
        )
    return found


async def enrol(dsn: str, keys: Keys, holders: list[Holder]) -> None:
    """Write all of them."""
    conn = await asyncpg.connect(dsn)
    try:
        async with conn.transaction():
            for holder in holders:
                await _person(conn, keys, holder)
                await _card(conn, keys, holder)
    finally:
        await conn.close()


async def _person(conn: asyncpg.Connection, keys: Keys, holder: Holder) -> None:
    now = datetime.now(UTC)
    await conn.execute(
        "INSERT INTO enrollment.person"
        " (person_id, ref, kind, status, language, created_at, updated_at)"
        " VALUES ($1, $2, 'natural', 'registered', 'en', $3, $3)",
        holder.person_id, str(holder.person_id), now,
    )  # fmt: skip
    phone_id, number = uuid4(), Secret(holder.phone)
    tag = phones.tag(keys, number)
    await conn.execute(
        "INSERT INTO enrollment.phone"
        " (phone_id, person_id, state, number_ct, idx, key_id, mask, source, valid_from)"
        " VALUES ($1, $2, 'active', $3, $4, $5, $6, 'branch', $7)",
        phone_id, holder.person_id, phones.seal(keys, phone_id, number), tag.value, tag.key_id,
        phones.mask(number, ("48",)), now,
    )  # fmt: skip
    await conn.execute(
        "INSERT INTO enrollment.consent"
        " (person_id, code, version, language, text_sha256, act, at, channel)"
        " SELECT $1, code, version, language, sha256, 'given', $2, 'portal'"
        " FROM enrollment.consent_text"
        " WHERE code = 'sms_3ds' AND version = 1 AND language = 'en'",
        holder.person_id, now,
    )  # fmt: skip
    if holder.kind == "pin":
        made, key_id = await pin_hash.make(keys, holder.person_id, Secret(holder.pin))
        await conn.execute(
            "INSERT INTO enrollment.credential"
            " (person_id, pin_hash, pin_key_id, pin_set_at, pin_day) VALUES ($1, $2, $3, $4, $5)",
            holder.person_id, made, key_id, now, now.date(),
        )  # fmt: skip


async def _card(conn: asyncpg.Connection, keys: Keys, holder: Holder) -> None:
    now = datetime.now(UTC)
    await conn.execute(
        "INSERT INTO enrollment.account (account_id, ref, currency, status, created_at, updated_at)"
        " VALUES ($1, $2, '985', 'active', $3, $3)",
        holder.account_id, str(holder.account_id), now,
    )  # fmt: skip
    await conn.execute(
        "INSERT INTO enrollment.account_person (account_id, person_id, role)"
        " VALUES ($1, $2, 'owner')",
        holder.account_id, holder.person_id,
    )  # fmt: skip
    await conn.execute(
        "INSERT INTO enrollment.spending_limit"
        " (owner_id, level, per_tx, per_day, per_month, count_day, count_month, set_by, set_at)"
        " VALUES ($1, 'account', $2, $3, $4, $5, $6, 'branch', $7)",
        holder.account_id, *(_TIGHT if holder.has_limits else _GENEROUS), now,
    )  # fmt: skip
    number = Secret(holder.pan)
    tag = enrollment_pan.tag(keys, number)
    await conn.execute(
        "INSERT INTO enrollment.card"
        " (card_id, ref, account_id, person_id, pan_idx, idx_key_id, pan_ct, last4,"
        " expiry, product, status, created_at, updated_at)"
        " VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, 'debit', 'active', $10, $10)",
        holder.card_id, str(holder.card_id), holder.account_id, holder.person_id, tag.value,
        tag.key_id, enrollment_pan.seal(keys, holder.card_id, number), holder.pan[-4:],
        _EXPIRY, now,
    )  # fmt: skip
    await conn.execute(
        "INSERT INTO enrollment.enrolment (card_id, state, reason, changed_by, channel, changed_at)"
        " VALUES ($1, 'active', NULL, 'chaos', 'portal', $2)",
        holder.card_id, now,
    )  # fmt: skip

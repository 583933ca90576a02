"""Made-up clients by the million, as the enrolment side would leave them; for tests of size only.

Everything of a client follows from his number: ids, names for outside, phone. So whoever knows the
number and the keys can pay with the card. Rows go in by COPY, many clients in one transaction.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING, Any
from uuid import UUID

from enrollment import identifiers, pan, phones
from enrollment.identifiers import Identifier, IdKind
from enrollment.model import calendar_of
from enrollment.store import stock as store
from schemas.vault import Secret

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence
    from datetime import datetime

    import asyncpg

    from schemas.vault import Keys

_COUNTRY = "48"
_UUID_BYTES = 16
_PLACES = range(0, 4 * _UUID_BYTES, _UUID_BYTES)
_CONSENT = ("sms_3ds", 1, "en")
_EXPIRY = "9912"
_COUNTED = timedelta(days=7)
"""So long an authentication counts without an authorisation notice."""
_PERSON = "person_id ref kind status language created_at updated_at"
_IDENTIFIER = "person_id id_kind idx key_id valid_from"
_PHONE = "phone_id person_id state number_ct idx key_id mask source valid_from"
_ACCOUNT = "account_id ref currency status created_at updated_at"
_ROLE = "account_id person_id role"
_LIMIT = "owner_id level per_tx per_day per_month count_day count_month set_by set_at"
_CARD = (
    "card_id ref account_id person_id pan_idx idx_key_id pan_ct last4 expiry product status"
    " created_at updated_at"
)
_ENROLMENT = "card_id state changed_by channel changed_at"
_RESERVATION = "acs_trans_id card_id account_id amount day month state made_at counted_at ended_at"
_CONSENTS = "person_id code version language text_sha256 act at channel"
_LIMITS = (10_000_000, 100_000_000, 1_000_000_000, 10_000, 100_000)
"""Of an account, so that payments in a row do not end at them: minor units, and how often."""


class Client:
    """One person with one account, phone and card."""

    __slots__ = ("account_id", "card_id", "number", "pan", "person_id", "phone_id")

    def __init__(self, number: int, card_number: str) -> None:
        """Make up the ids; each is the same whenever it is asked for."""
        drawn = hashlib.shake_128(b"stock/%d" % number).digest(4 * _UUID_BYTES)
        ids = (UUID(bytes=drawn[at : at + _UUID_BYTES], version=4) for at in _PLACES)
        self.number = number
        self.pan = Secret(card_number)
        self.card_id, self.account_id, self.person_id, self.phone_id = ids

    @property
    def phone(self) -> Secret:
        """Give the number of the phone."""
        return Secret(f"+{_COUNTRY}60{self.number % 10_000_000:07d}")


def number_of(low: str, number: int) -> str:
    """Give the ``number``th card number of 16 digits from a bound of a range on."""
    body = f"{int(low[:15]) + number:015d}"
    return body + pan.check_digit(body)


@dataclass(frozen=True, slots=True)
class Lines:
    """Rows of one table, as COPY reads them."""

    table: str
    columns: tuple[str, ...]
    text: bytes


async def consent_digest(conn: asyncpg.Connection[Any]) -> bytes:
    """Read the digest of the words that everybody made up has agreed to."""
    return await store.consent_digest(conn, *_CONSENT)


async def is_empty(conn: asyncpg.Connection[Any]) -> bool:
    """Tell whether no client is known here."""
    return await store.is_empty(conn)


def lines(keys: Keys, clients: Sequence[Client], words: bytes, now: datetime) -> list[Lines]:
    """Write the rows of clients whose cards are enrolled; those that are referred to come first."""
    at = now.isoformat()
    code, version, language = _CONSENT
    rows: dict[tuple[str, str], Iterable[tuple[object, ...]]] = {
        ("person", _PERSON): _persons(clients, at),
        ("person_identifier", _IDENTIFIER): _ids(keys, clients, at),
        ("phone", _PHONE): _phones(keys, clients, at),
        ("account", _ACCOUNT): _accounts(clients, at),
        ("account_person", _ROLE): ((one.account_id, one.person_id, "owner") for one in clients),
        ("spending_limit", _LIMIT): (
            (one.account_id, "account", *_LIMITS, "core", at) for one in clients
        ),
        ("card", _CARD): _cards(keys, clients, at),
        ("enrolment", _ENROLMENT): (
            (one.card_id, "active", "stock", "portal", at) for one in clients
        ),
        ("consent", _CONSENTS): (
            (one.person_id, code, version, language, _hex(words), "given", at, "portal")
            for one in clients
        ),
    }
    return [
        Lines(
            table,
            tuple(columns.split()),
            "".join("\t".join(map(str, row)) + "\n" for row in each).encode(),
        )
        for (table, columns), each in rows.items()
    ]


async def add(conn: asyncpg.Connection[Any], given: Iterable[Lines]) -> None:
    """Add rows on the caller's open transaction."""
    for one in given:
        await store.copy(conn, one.table, one.columns, one.text)


async def add_use(
    conn: asyncpg.Connection[Any], lines: Sequence[bytes], first_id: UUID, last_id: UUID
) -> None:
    """Add what payments held of limits, and what the young ones count, on the caller's transaction.

    The payments are those with identifiers from the first to the last.
    """
    if lines:
        await store.copy(conn, "reservation", _RESERVATION.split(), b"".join(lines))
        await store.count_use(conn, first_id, last_id)


def use_line(
    client: Client, acs_trans_id: UUID, amount: str, made_at: datetime, now: datetime
) -> bytes:
    """Write what a payment that was authenticated at once held of limits."""
    day, month = calendar_of(made_at)
    is_counted = now - made_at < _COUNTED
    state, ended_at = (
        ("counted", "\\N") if is_counted else ("lapsed", (made_at + _COUNTED).isoformat())
    )
    when = made_at.isoformat()
    row = (
        acs_trans_id, client.card_id, client.account_id, amount, day, month, state, when, when,
        ended_at,
    )  # fmt: skip
    return ("\t".join(map(str, row)) + "\n").encode()


def _persons(clients: Sequence[Client], at: str) -> Iterable[tuple[object, ...]]:
    for one in clients:
        yield one.person_id, _ref(one), "natural", "registered", "en", at, at


def _ids(keys: Keys, clients: Sequence[Client], at: str) -> Iterable[tuple[object, ...]]:
    for one in clients:
        known_by = Identifier(IdKind.NONRESIDENT, Secret(f"XX{one.number:010d}"), None)
        tag = identifiers.tag(keys, known_by)
        yield one.person_id, known_by.kind.value, _hex(tag.value), tag.key_id, at


def _phones(keys: Keys, clients: Sequence[Client], at: str) -> Iterable[tuple[object, ...]]:
    places = [(one.phone_id, one.phone) for one in clients]
    sealed = phones.seal_all(keys, places)
    for one, (phone_id, number), ciphertext in zip(clients, places, sealed, strict=True):
        tag = phones.tag(keys, number)
        mask = phones.mask(number, (_COUNTRY,))
        yield (
            phone_id, one.person_id, "active", _hex(ciphertext), _hex(tag.value), tag.key_id, mask,
            "branch", at,
        )  # fmt: skip


def _accounts(clients: Sequence[Client], at: str) -> Iterable[tuple[object, ...]]:
    for one in clients:
        yield one.account_id, _ref(one), "985", "active", at, at


def _cards(keys: Keys, clients: Sequence[Client], at: str) -> Iterable[tuple[object, ...]]:
    sealed = pan.seal_all(keys, [(one.card_id, one.pan) for one in clients])
    for one, ciphertext in zip(clients, sealed, strict=True):
        tag = pan.tag(keys, one.pan)
        yield (
            one.card_id, _ref(one), one.account_id, one.person_id, _hex(tag.value), tag.key_id,
            _hex(ciphertext), pan.last4(one.pan), _EXPIRY, "stock", "active", at, at,
        )  # fmt: skip


def _ref(client: Client) -> str:
    return f"stock-{client.number:010d}"


def _hex(value: bytes) -> str:
    return f"\\\\x{value.hex()}"

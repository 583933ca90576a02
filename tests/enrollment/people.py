"""A small bank for the tests: persons, accounts and cards made by the real use cases."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

from enrollment import flows
from enrollment.events import ACS, Actor
from enrollment.flows import cards, clients, consent_texts, persons
from enrollment.flows.cards import AccountData, CardData
from enrollment.flows.clients import Declaration
from enrollment.flows.persons import PersonData
from enrollment.flows.step_up import Intent, Proof
from enrollment.flows.work import Work
from enrollment.policy import EnrollmentPolicy
from enrollment.refusals import Done, Refusal
from enrollment.words import Action
from otp.policy import OtpPolicy
from schemas.vault import Keys, Secret
from tests.conftest import fixed_keys
from tests.otp.fakes import sms_text
from tests.records import replace

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import date
    from uuid import UUID

    import asyncpg

    from enrollment.model import Merchant, Standing
    from enrollment.store.consents import TextVersion
    from schemas.queries import Connection

PESELS = ("44051401359", "85030912343", "02270803563", "15323199999")
PHONE = "+48600700761"
PIN = "2846"
BANK = Actor("bank-core", channel="branch", origin="127.0.0.1", request_id="r-1")
OTP_POLICY = OtpPolicy(
    resend_waits_s=(0,), phone_hour=1000, phone_day=1000, card_hour=1000, card_day=1000
)


def code_of(done: object) -> str:
    """Give why a use case refused; fails where it did not."""
    assert isinstance(done, Refusal), done
    return done.code.value


def pan(number: int) -> str:
    """Give the test card number with that number, the check digit included."""
    body = f"400000100{number:06d}"
    doubled = [int(digit) * 2 for digit in body[::-2]]
    total = sum(map(int, body[-2::-2])) + sum(sum(divmod(value, 10)) for value in doubled)
    return f"{body}{-total % 10}"


def pesel_of(born: date, number: int = 1) -> str:
    """Give the PESEL with that number of somebody born on that day, 1900 to 2099."""
    month = born.month + (20 if born.year >= 2000 else 0)
    body = f"{born.year % 100:02d}{month:02d}{born.day:02d}{number:04d}"
    total = sum(int(digit) * weight for digit, weight in zip(body, (1, 3, 7, 9) * 3, strict=False))
    return f"{body}{-total % 10}"


def hands(conn: asyncpg.Connection, keys: Keys, now: datetime, **policy: Any) -> Work:
    """Give the hands of the bank's core system at that moment."""
    return Work(conn, keys, EnrollmentPolicy(**policy), OTP_POLICY, BANK, now)


def by_itself(conn: asyncpg.Connection, keys: Keys, now: datetime, **policy: Any) -> Work:
    """Give the hands of the service at that moment, for what it does by itself."""
    return replace(hands(conn, keys, now, **policy), actor=ACS)


def later(work: Work, **span: float) -> Work:
    """Give the same hands some time later."""
    return replace(work, now=work.now + timedelta(**span))


@dataclass(frozen=True)
class Client:
    """A person with an account and a card."""

    person_id: UUID
    account_id: UUID
    card_id: UUID


async def make_person(work: Work, ref: str = "p1", pesel: str = PESELS[1]) -> UUID:
    """Make a person with a phone."""
    made = await persons.put_person(work, ref, PersonData(pesel, phone=PHONE), None)
    assert isinstance(made, Done), made
    return made.value.person_id


async def make_client(work: Work, *, number: int = 1, pesel: str = PESELS[1]) -> Client:
    """Make a person, an account and a card, without 3-D Secure yet."""
    person_id = await make_person(work, f"p{number}", pesel)
    account = await cards.put_account(
        work, f"a{number}", AccountData("PLN", {person_id: "owner"}), None
    )
    assert isinstance(account, Done), account
    account_id = account.value.account_id
    return Client(person_id, account_id, await make_card(work, person_id, account_id, number))


async def make_card(work: Work, person_id: UUID, account_id: UUID, number: int) -> UUID:
    """Make a card of a person on an account."""
    data = CardData(Secret(pan(number)), "2912", "classic", person_id, account_id)
    made = await cards.put_card(work, f"c{number}", data, is_in_range=True, if_match=None)
    assert isinstance(made, Done), made
    return made.value.card_id


async def consent(work: Work, person_id: UUID, *, accepted: bool = True) -> None:
    """Declare the consent to codes by SMS."""
    said = [Declaration("sms_3ds", 1, "pl", accepted)]
    assert isinstance(await clients.declare(work, person_id, said), Done)


async def proof(work: Work, person_id: UUID, intent: Intent) -> Proof:
    """Ask for a step-up and read its code from the phone."""
    asked = await clients.ask_code(work, person_id, intent)
    assert isinstance(asked, Done), asked
    code = await read_code(work.conn, work.keys, asked.value.sms_id)
    return Proof(asked.value.step_up_id, Secret(code))


async def read_code(conn: asyncpg.Connection, keys: Keys, sms_id: UUID) -> str:
    """Read the six digits of a queued message, as the phone would show them."""
    found = re.search(r"\b[0-9]{6}\b", await sms_text(conn, keys, sms_id))
    assert found is not None
    return found.group()


async def set_pin(work: Work, person_id: UUID, pin: str = PIN) -> None:
    """Set the PIN for internet payments, with its step-up."""
    code = await proof(work, person_id, Intent(Action.PIN_SET))
    done = await clients.set_pin(work, person_id, (Secret(pin), Secret(pin)), code)
    assert isinstance(done, Done), done


async def switch(work: Work, client: Client, wish: str = "activate") -> None:
    """Switch 3-D Secure of the card on or off, with its step-up."""
    code = await proof(work, client.person_id, Intent(Action(f"threeds.{wish}"), client.card_id))
    done = await clients.switch_threeds(
        work,
        client.person_id,
        client.card_id,
        wish,  # type: ignore[arg-type]
        code,
    )
    assert isinstance(done, Done), done


async def activate(work: Work, client: Client) -> None:
    """Bring a client all the way to an active card."""
    await consent(work, client.person_id)
    await set_pin(work, client.person_id)
    await switch(work, client)


async def load_texts(owner: asyncpg.Connection, texts: Sequence[TextVersion]) -> int:
    """Load texts of consents as `acs consents load` does, on the caller's transaction."""
    actor = Actor("acs consents", kind="system")
    return await consent_texts.load(owner, fixed_keys().audit, actor, texts, datetime.now(UTC))


async def events(conn: asyncpg.Connection) -> list[str]:
    """Give the names of all audit events in their order."""
    rows = await conn.fetch("SELECT name FROM audit.event ORDER BY event_id")
    return [row["name"] for row in rows]


async def enrolment(conn: asyncpg.Connection, card_id: UUID) -> tuple[str, str | None]:
    """Give state and reason of a card's enrolment."""
    row = await conn.fetchrow(
        "SELECT state, reason FROM enrollment.enrolment WHERE card_id = $1", card_id
    )
    return row["state"], row["reason"]


async def standing_of(
    conn: Connection,
    pan_indexes: Sequence[bytes],
    day: date,
    month: date,
    merchant: Merchant | None = None,
) -> Standing | None:
    """Read the standing of the card under these keyed hashes, as a payment at a merchant does."""
    row = await conn.fetchrow(
        "SELECT *, enrollment.trusts(person_id, $4, $5) AS trusts_merchant"
        " FROM enrollment.standing($1::bytea[], $2, $3)",
        list(pan_indexes),
        day,
        month,
        None if merchant is None else merchant.acquirer_bin,
        None if merchant is None else merchant.merchant_id,
    )
    return None if row is None else flows.standing_from(row)


async def standing_of_card(
    conn: asyncpg.Connection, card_id: UUID, day: date, month: date
) -> Standing | None:
    """Read the standing of a card that is known by its id."""
    idx = await conn.fetchval("SELECT pan_idx FROM enrollment.card WHERE card_id = $1", card_id)
    return await standing_of(conn, [idx], day, month)

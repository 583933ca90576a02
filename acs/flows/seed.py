"""Issuers, card ranges and exchange rates from a TOML file into the tables.

    [[issuer]]
    id = "bank"
    name = "Bank"
    phone = "+48 22 123 45 67"
    default_language = "pl"

    [[card_range]]
    id = "visa-classic"
    low = "400000100000"        # a prefix bound, padded with 0 to 19 digits
    high = "400000199999"       # padded with 9
    scheme = "visa"
    issuer = "bank"
    policy = { elements = "pin+otp", av_profile = "visa-v7", av_key_id = "visa-1" }

    [[exchange_rate]]
    from = "EUR"                # ISO 4217 letters
    to = "PLN"
    rate = "4.30"
    as_of = 2026-11-25          # left out: today

Laws:
- A file with a fault is refused as a whole with a sentence that says where. The same file again
  changes nothing.
- Every change is one event in the audit log, in the transaction of the change: what of an issuer,
  card range or rate was and what it became, and the file's name.
"""

from __future__ import annotations

import tomllib
from dataclasses import dataclass
from datetime import date
from decimal import Decimal, InvalidOperation
from itertools import pairwise
from typing import TYPE_CHECKING, Any, Final

from iso4217 import Currency

from acs.authentication.facts import PAN_DIGITS_MAX, CardRange
from acs.authentication.range_policy import RangePolicy
from acs.crypto.keys import KeyState
from acs.store import card_ranges
from acs.store.card_ranges import Issuer
from schemas import audit
from schemas.audit import AuditEvent

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator
    from datetime import datetime
    from pathlib import Path

    from acs.crypto.software import SoftwareKeys
    from acs.store.card_ranges import Contents
    from acs.store.pool import Connection
    from schemas.vault import KeyRing

_NAMES: Final = {
    "issuer": ("id", "name", "phone", "default_language"),
    "card_range": ("id", "low", "high", "scheme", "issuer", "policy"),
    "exchange_rate": ("from", "to", "rate", "as_of"),
}


class BadSeed(ValueError):
    """The file cannot be used; the message says which entry and why."""


@dataclass(frozen=True, slots=True)
class Rate:
    """One exchange rate: currencies by their numeric codes."""

    currency_from: str
    currency_to: str
    rate: Decimal
    as_of: date


@dataclass(frozen=True, slots=True)
class Seed:
    """What a file holds, read and found right."""

    issuers: tuple[Issuer, ...]
    ranges: tuple[CardRange, ...]
    rates: tuple[Rate, ...]


def read(path: Path, today: date) -> Seed:
    """Read a seed file; raise BadSeed for everything wrong with it."""
    try:
        content = tomllib.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        message = f"{path}: {error}"
        raise BadSeed(message) from error
    unknown = sorted(set(content) - set(_NAMES))
    if unknown:
        message = f"{path}: unknown entries {', '.join(unknown)}"
        raise BadSeed(message)
    issuers = tuple(_each(content, "issuer", _issuer))
    ranges = tuple(_each(content, "card_range", _range))
    rates = tuple(_each(content, "exchange_rate", lambda row: _rate(row, today)))
    _refuse_overlap(ranges)
    return Seed(issuers, ranges, rates)


def unknown_themes(seed: Seed, known: Collection[str]) -> list[str]:
    """Name the themes that card ranges name and nobody has."""
    named = {one.policy.theme for one in seed.ranges if one.policy.theme is not None}
    return sorted(named - set(known))


def unusable_keys(seed: Seed, values: SoftwareKeys) -> list[str]:
    """Tell which card ranges name a key of the authentication values that makes none."""
    named = [(one.range_id, one.policy.av_key_id) for one in seed.ranges]
    return [
        f"the policy of {range_id} names the key {key_id}, which is {_state(values, key_id)}"
        for range_id, key_id in named
        if key_id is not None and values.state(key_id) is not KeyState.ACTIVE
    ]


def _state(values: SoftwareKeys, key_id: str) -> str:
    state = values.state(key_id)
    return "not there" if state is None else f"{state} and not active"


async def store(conn: Connection, ring: KeyRing, seed: Seed, source: str, now: datetime) -> int:
    """Store a seed on the caller's open transaction and tell every process to load again.

    Gives how many things changed.
    """
    # Race: first, so that of two seeds at once each tells what the one before it left.
    await card_ranges.move_version(conn)
    before = await card_ranges.contents(conn)
    for issuer in seed.issuers:
        await card_ranges.put_issuer(conn, issuer)
    await card_ranges.make_room(conn, seed.ranges)
    for card_range in seed.ranges:
        await card_ranges.put_range(conn, card_range)
    for rate in seed.rates:
        await card_ranges.put_rate(
            conn,
            rate.currency_from,
            rate.currency_to,
            rate=rate.rate,
            as_of=rate.as_of,
            source=source[:80],
        )
    after = await card_ranges.contents(conn)
    changes = list(_changes(before, after, source, now))
    for event in changes:
        await audit.append(conn, ring, event)
    return len(changes)


def _changes(before: Contents, after: Contents, source: str, now: datetime) -> Iterator[AuditEvent]:
    """Give an event for each thing that is new or became another."""
    for (kind, name), becomes in sorted(after.items()):
        was = before.get((kind, name))
        if becomes == was:
            continue
        known = was or {}
        differ = [one for one in {**known, **becomes} if known.get(one) != becomes.get(one)]
        yield AuditEvent(
            at=now,
            name=f"{kind}.set",
            actor_kind="system",
            actor="acs seed",
            object=name,
            outcome="new" if was is None else "changed",
            details={
                "source": source[:80],
                "was": None if was is None else {one: was.get(one) for one in differ},
                "becomes": {one: becomes.get(one) for one in differ},
            },
        )


def _each(content: dict[str, Any], kind: str, read_one: Any) -> list[Any]:  # noqa: ANN401
    rows = content.get(kind, [])
    if not isinstance(rows, list):
        message = f"{kind} stands under double brackets: [[{kind}]]"
        raise BadSeed(message)
    found = []
    for number, row in enumerate(rows, 1):
        try:
            _refuse_unknown(row, _NAMES[kind])
            found.append(read_one(row))
        except KeyError as error:
            message = f"{kind} number {number}: {error.args[0]} is missing"
            raise BadSeed(message) from error
        except (ValueError, TypeError, InvalidOperation) as error:
            message = f"{kind} number {number}: {error}"
            raise BadSeed(message) from error
    return found


def _refuse_unknown(row: Any, known: Collection[str]) -> None:  # noqa: ANN401 - of TOML
    """Refuse a name that nobody reads, such as a misspelt policy: the default would be live."""
    if not isinstance(row, dict):
        message = "an entry is a table"
        raise TypeError(message)
    unknown = sorted(set(row) - set(known))
    if unknown:
        message = f"{', '.join(unknown)} is unknown"
        raise ValueError(message)


def _issuer(row: dict[str, Any]) -> Issuer:
    return Issuer(str(row["id"]), str(row["name"]), str(row["phone"]), str(row["default_language"]))


def _range(row: dict[str, Any]) -> CardRange:
    low, high = str(row["low"]), str(row["high"])
    if not (low.isdigit() and high.isdigit()) or max(len(low), len(high)) > PAN_DIGITS_MAX:
        message = f"low and high are 1 to {PAN_DIGITS_MAX} digits"
        raise ValueError(message)
    card_range = CardRange(
        range_id=str(row["id"]),
        version=1,
        low=int(low.ljust(PAN_DIGITS_MAX, "0")),
        high=int(high.ljust(PAN_DIGITS_MAX, "9")),
        scheme=str(row["scheme"]),
        issuer_id=str(row["issuer"]),
        policy=RangePolicy.from_json(row.get("policy", {})),
    )
    if card_range.low > card_range.high:
        message = "low is above high"
        raise ValueError(message)
    return card_range


def _rate(row: dict[str, Any], today: date) -> Rate:
    as_of = row.get("as_of", today)
    if not isinstance(as_of, date):
        message = "as_of is a date"
        raise TypeError(message)
    # Money: a rate of days to come would be as good as new until then. Tomorrow is today elsewhere.
    if as_of.toordinal() > today.toordinal() + 1:
        message = "as_of is a day to come"
        raise ValueError(message)
    rate = Decimal(str(row["rate"]))
    if not rate.is_finite() or rate <= 0:
        message = "rate is a positive number"
        raise ValueError(message)
    return Rate(_number(str(row["from"])), _number(str(row["to"])), rate, as_of)


def _number(letters: str) -> str:
    """Give the numeric code of a currency; raise ValueError for one ISO 4217 does not know."""
    return f"{Currency(letters).number:03d}"


def _refuse_overlap(ranges: tuple[CardRange, ...]) -> None:
    ordered = sorted(ranges, key=lambda one: one.low)
    for before, after in pairwise(ordered):
        if after.low <= before.high:
            message = f"card ranges {before.range_id} and {after.range_id} overlap"
            raise BadSeed(message)

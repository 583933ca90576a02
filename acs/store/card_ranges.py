"""Issuers, card ranges and exchange rates: read into memory, exchanged whole when they change.

The lookup of a card number is a search in a sorted tuple, not a query: ranges are few and change
seldom. A change moves a version number; every process looks at it often and loads again.
"""

from __future__ import annotations

import json
from bisect import bisect_right
from dataclasses import dataclass
from decimal import Decimal
from typing import TYPE_CHECKING, Any, TypeAlias

from acs.authentication.facts import PAN_DIGITS_MAX, CardRange
from acs.authentication.limits import Rate
from acs.authentication.range_policy import RangePolicy
from schemas import queries

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from datetime import date

    from acs.store.pool import Connection

Contents: TypeAlias = "Mapping[tuple[str, str], Mapping[str, Any]]"
"""What is stored about each issuer, card range and rate, by its kind and id."""

_SQL = queries.load(__file__)


class BadPolicy(ValueError):
    """A stored policy is none that this version knows; the message names its card range."""


@dataclass(frozen=True, slots=True)
class Issuer:
    """The bank that stands on the page: its name, its help line, its language."""

    issuer_id: str
    name: str
    phone: str
    default_language: str


@dataclass(frozen=True, slots=True)
class IssuedRange:
    """A card range together with its issuer."""

    range: CardRange
    issuer: Issuer


@dataclass(frozen=True, slots=True)
class PolicyTables:
    """All ranges by their lower bound, and all rates by the pair of currencies; one version."""

    version: int
    ranges: tuple[IssuedRange, ...]
    rates: Mapping[tuple[str, str], Rate]

    def find(self, pan: str) -> IssuedRange | None:
        """Find the range that holds a card number, or None."""
        padded = int(pan.ljust(PAN_DIGITS_MAX, "0"))
        index = bisect_right(self.ranges, padded, key=lambda issued: issued.range.low) - 1
        if index < 0 or not self.ranges[index].range.holds(pan):
            return None
        return self.ranges[index]

    def by_id(self, range_id: str) -> IssuedRange | None:
        """Find a range by its id, or None when it was taken away."""
        return next((one for one in self.ranges if one.range.range_id == range_id), None)


async def load(conn: Connection) -> PolicyTables:
    """Read everything; raise BadPolicy when a stored policy is not one."""
    version = await _SQL.version.value(conn)
    ranges = []
    for row in await _SQL.ranges.all(conn):
        issuer = Issuer(
            row["issuer_id"], row["issuer_name"], row["issuer_phone"], row["default_language"]
        )
        card_range = CardRange(
            range_id=row["range_id"],
            version=row["version"],
            low=int(row["low"]),
            high=int(row["high"]),
            scheme=row["scheme"],
            issuer_id=row["issuer_id"],
            policy=_policy(row["range_id"], row["policy"]),
        )
        ranges.append(IssuedRange(card_range, issuer))
    rates = {
        (row["currency_from"], row["currency_to"]): Rate(row["rate"], row["as_of"])
        for row in await _SQL.rates.all(conn)
    }
    return PolicyTables(version, tuple(ranges), rates)


def _policy(range_id: str, stored: str) -> RangePolicy:
    try:
        return RangePolicy.from_json(json.loads(stored))
    except ValueError as error:
        message = f"the policy of the card range {range_id} cannot be read: {error}"
        raise BadPolicy(message) from error


async def version(conn: Connection) -> int:
    """Read the number that moves with every change."""
    return int(await _SQL.version.value(conn))


async def contents(conn: Connection) -> Contents:
    """Read everything as it is stored, also a policy that this version cannot read."""
    rows = await _SQL.contents.all(conn)
    return {(row["kind"], row["id"]): json.loads(row["content"]) for row in rows}


async def put_issuer(conn: Connection, issuer: Issuer) -> None:
    """Store an issuer."""
    await _SQL.put_issuer.run(
        conn,
        issuer_id=issuer.issuer_id,
        name=issuer.name,
        phone=issuer.phone,
        default_language=issuer.default_language,
    )


async def make_room(conn: Connection, ranges: Sequence[CardRange]) -> None:
    """Take those whose bounds move out of the way of the others, before each is put.

    Needs an open database transaction: until ``put_range`` they hold no card number.
    """
    await _SQL.make_room.run(
        conn,
        range_ids=[one.range_id for one in ranges],
        lows=[Decimal(one.low) for one in ranges],
        highs=[Decimal(one.high) for one in ranges],
    )


async def put_range(conn: Connection, card_range: CardRange) -> None:
    """Store a card range; its version moves only if something differs."""
    await _SQL.put_range.run(
        conn,
        range_id=card_range.range_id,
        low=Decimal(card_range.low),
        high=Decimal(card_range.high),
        scheme=card_range.scheme,
        issuer_id=card_range.issuer_id,
        policy=json.dumps(card_range.policy.to_json(), sort_keys=True),
    )


async def put_rate(
    conn: Connection,
    currency_from: str,
    currency_to: str,
    *,
    rate: Decimal,
    as_of: date,
    source: str,
) -> None:
    """Store the rate of a pair of currencies (ISO 4217 numeric codes)."""
    await _SQL.put_rate.run(
        conn,
        currency_from=currency_from,
        currency_to=currency_to,
        rate=rate,
        as_of=as_of,
        source=source,
    )


async def move_version(conn: Connection) -> None:
    """Tell every process to load again; until the commit nobody else changes anything."""
    await _SQL.move_version.run(conn)

"""A service without sockets and database, for measuring what an AReq costs between the two.

Everything of ours is the real thing: keys, card ranges, pages, batches, the SQL modules. Only the
driver's connection is exchanged for one that knows every card that is asked for, and takes every
row. So what is not here is HTTP, the driver and PostgreSQL.
"""

from __future__ import annotations

import os
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

from asyncpg.pgproto.pgproto import UUID

from acs.background import Background
from acs.challenge.policy import ChallengePolicy
from acs.crypto.keys import KeyState
from acs.crypto.software import KeyKind, SoftwareKey, SoftwareKeys
from acs.directory_server import DirectoryServer, DirectoryServers
from acs.flows import seed
from acs.pages.render import Pages
from acs.ports import Policies, Ports
from acs.store.card_ranges import IssuedRange, PolicyTables
from loadtests.network import __file__ as network_file
from otp.policy import OtpPolicy
from schemas.vault import KeyRing, Keys

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from acs.ports import MessageDelivery
    from acs.store.pool import Pool

SERVER = DirectoryServer(
    "micro", frozenset({"visa", "mastercard", "jcb"}), frozenset({"127.0.0.1"})
)
PAN_FRICTIONLESS, PAN_CHALLENGED = "4000003000000016", "4000001000000018"

_ISSUER = Path(network_file).with_name("issuer.toml")
_ID = UUID("00000000-0000-4000-8000-000000000001")
"""Of the driver's own kind."""
_ROW: dict[str, object] = {
    "device_id": None, "device_sealed": None, "device_made_at": None, "device_claimed": None,
    "card_id": _ID, "account_id": _ID, "person_id": _ID, "last4": "0016",
    "expiry": None, "previous_expiry": None, "card_status": "active",
    "enrolment": "active", "enrolment_reason": None, "consent_valid": True,
    "phone_id": _ID, "phone_mask": "+48 *** *** 101", "phone_usable": True,
    "phone_shared": False, "phone_changed_at": None, "trusts_merchant": False,
    "pin_set": True, "block_kind": None, "block_until": None, "failures": 0,
    "language": "pl", "currency": "985",
    **{f"{level}_{name}": None for level in ("card", "account")
       for name in ("per_tx", "per_day", "per_month", "count_day", "count_month")},
    **{f"{level}_{name}": 0 for level in ("card", "account")
       for name in ("used_day", "uses_day", "used_month", "uses_month")},
    "low_value_wanted": False, "low_value_currency": None, "low_value_amount": 0,
    "low_value_count": 0,
}  # fmt: skip


class KnowsAll:
    """A connection that finds a good card at every place and stores whatever it is given."""

    async def fetch(self, _sql: str, *args: object) -> list[dict[str, object]]:
        """Give the standing of every card whose keyed hash is asked for."""
        asked = cast("list[bytes]", args[0])
        return [
            _ROW | {"place": place, "pan_idx": index} for place, index in enumerate(asked, start=1)
        ]

    async def execute(self, _sql: str, *_args: object) -> str:
        """Take the rows."""
        return "INSERT 0 1"


class OneConnection:
    """A pool that lends it at once."""

    @asynccontextmanager
    async def connection(self) -> AsyncIterator[KnowsAll]:
        """Lend the connection."""
        yield KnowsAll()


class Fixed:
    """Policy tables that do not change."""

    def __init__(self, now: PolicyTables) -> None:
        """Hold the tables in force."""
        self.now = now


def ports(
    *,
    pool: Pool | None = None,
    keys: Keys | None = None,
    values: SoftwareKeys | None = None,
    tables: PolicyTables | None = None,
    pages: Pages | None = None,
) -> Ports:
    """Build what a flow is handed, as ``acs.app`` does; what is not given is made now."""
    return Ports(
        pool=pool or cast("Pool", OneConnection()),
        keys=keys or _keys(),
        values=values or _values(),
        directory_servers=DirectoryServers([SERVER]),
        tables=Fixed(tables or _tables()),
        messages=cast("MessageDelivery", None),  # an AReq sends none
        pages=pages or Pages(),
        policies=Policies(ChallengePolicy(), OtpPolicy(), "http://127.0.0.1:8082/challenge"),
        clock=lambda: datetime.now(UTC),
        worker="micro",
        background=Background(),
    )


def _keys() -> Keys:
    rings: dict[str, Any] = {
        purpose: KeyRing("k1", {"k1": os.urandom(32)}) for purpose in Keys.PURPOSES
    }
    return Keys(**rings)


def _values() -> SoftwareKeys:
    return SoftwareKeys(
        [
            SoftwareKey("visa-1", KeyKind.CVV, KeyState.ACTIVE, os.urandom(16)),
            SoftwareKey("mastercard-1", KeyKind.HMAC, KeyState.ACTIVE, os.urandom(32)),
        ]
    )


def _tables() -> PolicyTables:
    content = seed.read(_ISSUER, datetime.now(UTC).date())
    issuers = {one.issuer_id: one for one in content.issuers}
    ranges = sorted(content.ranges, key=lambda one: one.low)
    issued = tuple(IssuedRange(one, issuers[one.issuer_id]) for one in ranges)
    return PolicyTables(1, issued, {})

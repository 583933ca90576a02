"""Sessions with SDKs: the key of each challenge in the app, and how far its messages have come.

Laws: key and PIN are sealed where they come from; nothing here opens them. A session is changed
under the lock of its transaction only, and over the counter that was read.
"""

from __future__ import annotations

import json
from dataclasses import dataclass, field, replace
from datetime import timedelta
from typing import TYPE_CHECKING, Final

from acs.authentication.rendering import Rendering
from acs.transaction import AcsTransId
from schemas import queries

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import datetime
    from uuid import UUID

    from acs.store.pool import Connection

_SQL = queries.load(__file__)

KEY_KEPT: Final = timedelta(hours=1)
"""Longer than a challenge usually lasts [rules 1E T2x, 1.27] and its final answer is asked for."""
KEPT: Final = timedelta(days=2)
"""Longer than a challenge lasts. While its result is owed, which tells of it, one stays."""

_KNOWN_BY: Final = 8
"""So many bytes of a digest are kept of an earlier CReq. Only the SDK could make two that agree in
them, and would gain an Erro that ends nothing."""

NOTHING_YET: Final = -1
"""The counter of a session whose first CReq has not come."""


@dataclass(frozen=True, slots=True)
class SdkSession:
    """What a challenge in the app is held with.

    ``patience_min`` is sdkMaxTimeout in minutes. ``counter`` is that of the last CReq taken,
    ``creq_digest`` the SHA-256 of its bytes, ``creqs_before`` the beginnings of those of the CReqs
    before it, one after the other.
    ``pin_sealed``: the PIN that was typed and waits for the code.
    """

    acs_trans_id: AcsTransId
    rendering: Rendering
    patience_min: int
    key_sealed: bytes | None = field(repr=False)
    counter: int = NOTHING_YET
    creq_digest: bytes | None = None
    creqs_before: bytes = b""
    pin_sealed: bytes | None = field(default=None, repr=False)

    @property
    def lasts(self) -> timedelta:
        """How long the SDK waits for the end, and a minute more [rule 1.27]."""
        return timedelta(minutes=self.patience_min + 1)

    def came_before(self, digest: bytes) -> bool:
        """Tell whether a CReq is the copy of one that was answered before the last one."""
        known, start = self.creqs_before, digest[:_KNOWN_BY]
        return any(known[at : at + _KNOWN_BY] == start for at in range(0, len(known), _KNOWN_BY))

    def after(self, digest: bytes) -> SdkSession:
        """Give the session whose last CReq is the one with this digest."""
        last = b"" if self.creq_digest is None else self.creq_digest[:_KNOWN_BY]
        return replace(self, creq_digest=digest, creqs_before=self.creqs_before + last)


async def add(conn: Connection, session: SdkSession, now: datetime) -> None:
    """Keep a new session."""
    await _SQL.add.run(
        conn,
        acs_trans_id=session.acs_trans_id,
        made_at=now,
        interface=session.rendering.interface,
        template=session.rendering.template,
        patience_min=session.patience_min,
        key_sealed=session.key_sealed,
    )


async def read(conn: Connection, acs_trans_id: UUID) -> SdkSession | None:
    """Read a session; who goes on to change it holds the transaction's lock already."""
    row = await _SQL.read.one(conn, acs_trans_id=acs_trans_id)
    if row is None:
        return None
    return SdkSession(
        acs_trans_id=AcsTransId(row["acs_trans_id"]),
        rendering=Rendering(row["interface"], row["template"]),
        patience_min=row["patience_min"],
        key_sealed=row["key_sealed"],
        counter=row["counter"],
        creq_digest=row["creq_digest"],
        creqs_before=row["creqs_before"],
        pin_sealed=row["pin_sealed"],
    )


async def move(
    conn: Connection,
    was: SdkSession,
    now_is: SdkSession,
    *,
    masked: Mapping[str, object] | None,
    now: datetime,
) -> None:
    """Store what a CReq changed; ``masked`` is the message as it may be kept.

    AssertionError if the session moved although its transaction was locked.
    """
    moved = await _SQL.move.value(
        conn,
        acs_trans_id=now_is.acs_trans_id,
        was_counter=was.counter,
        counter=now_is.counter,
        creq_digest=now_is.creq_digest,
        creqs_before=now_is.creqs_before,
        pin_sealed=now_is.pin_sealed,
        body=None if masked is None else json.dumps(dict(masked)),
        now=now,
    )
    if moved != 1:
        message = "a session moved although its transaction was locked"
        raise AssertionError(message)


async def forget_pin(conn: Connection, acs_trans_id: UUID) -> None:
    """Drop the PIN that waits for its code, if one does; the caller holds the lock."""
    await _SQL.forget_pin.run(conn, acs_trans_id=acs_trans_id)


async def lapse(
    conn: Connection, now: datetime, batch: int, *, challenges_last: timedelta = KEY_KEPT
) -> int:
    """Erase keys whose time is over and clear away old sessions; give how many rows that were.

    ``challenges_last``: how long after its AReq a CReq may still be answered.
    """
    kept = max(KEY_KEPT, challenges_last)
    erased = await _SQL.erase.run(conn, before=now - kept, batch=batch)
    return erased + await _SQL.lapse.run(conn, before=now - KEPT, batch=batch)

"""A request sent twice is carried out once: the second gets the answer of the first.

Laws: the key belongs to one caller; the answer is kept in the same transaction as the change, so
there is no state between "done" and "not done"; the request is known by a keyed hash, for its body
may hold a card number. The same key with another request is refused. What was refused changed
nothing and frees its key.
"""

from __future__ import annotations

import hmac
from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING, Final

from schemas import queries

if TYPE_CHECKING:
    from datetime import datetime

    from schemas.queries import Connection
    from schemas.vault import Keys

_SQL = queries.load(__file__)
_KEPT: Final = timedelta(hours=24)
_LABEL = b"enrollment.idempotency/1"
FORMS: Final = "portal.forms"
"""The caller in whose name the portal keeps what its own forms were answered with."""


@dataclass(frozen=True, slots=True)
class Ticket:
    """A key that a caller gave, and the request it stands for."""

    caller: str
    key: str
    fingerprints: tuple[bytes, ...]


@dataclass(frozen=True, slots=True)
class Answer:
    """What is kept: the status, the body as it was sent, and its ETag."""

    status: int
    body: str
    etag: str | None


@dataclass(frozen=True, slots=True)
class Taken:
    """The request is new under this key: carry it out, then ``keep`` its answer."""


@dataclass(frozen=True, slots=True)
class Differs:
    """The key was used for another request."""


def ticket(keys: Keys, caller: str, key: str, request: tuple[str, str, bytes]) -> Ticket:
    """Make the ticket of a request: method, path with what is asked for whom, body."""
    method, target, body = request
    tags = keys.form.tags(_LABEL, method.encode(), target.encode(), body)
    return Ticket(caller, key, tuple(tag.value for tag in tags))


async def take(
    conn: Connection, given: Ticket, now: datetime, kept: timedelta = _KEPT
) -> Taken | Differs | Answer:
    """Take the key, or give the answer that is kept under it; one older than ``kept`` is none."""
    taken = await _SQL.take.one(
        conn,
        caller=given.caller,
        key=given.key,
        fingerprint=given.fingerprints[0],
        now=now,
        old=now - kept,
    )
    if taken is not None:
        return Taken()
    row = await _SQL.stored.one(conn, caller=given.caller, key=given.key)
    if row is None or row["status"] is None:
        return Differs()
    if not any(hmac.compare_digest(row["fingerprint"], one) for one in given.fingerprints):
        return Differs()
    return Answer(row["status"], row["body"], row["etag"])


async def keep(conn: Connection, given: Ticket, answer: Answer) -> None:
    """Keep the answer of a request that was carried out."""
    await _SQL.keep.run(
        conn,
        caller=given.caller,
        key=given.key,
        status=answer.status,
        body=answer.body,
        etag=answer.etag,
    )


async def free(conn: Connection, given: Ticket) -> None:
    """Give the key back after a refusal."""
    await _SQL.free.run(conn, caller=given.caller, key=given.key)


async def purge(conn: Connection, now: datetime, limit: int) -> int:
    """Forget up to ``limit`` answers older than a day; give how many."""
    return await _SQL.purge.run(conn, old=now - _KEPT, limit=limit)


async def purge_of(conn: Connection, caller: str, old: datetime, limit: int) -> int:
    """Forget up to ``limit`` answers to one caller from before ``old``; give how many."""
    return await _SQL.purge_of.run(conn, caller=caller, old=old, limit=limit)

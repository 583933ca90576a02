"""Keeps bulk imports: what is known of a batch, its new rows in columns, how far an import got.

Every function takes or gives columns for many rows at once; which rows are written is decided by
the caller.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import timedelta
from typing import TYPE_CHECKING, Any

from enrollment.model import EffectiveLimits
from enrollment.store import changed_one
from schemas import queries

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Sequence
    from datetime import datetime
    from uuid import UUID

    from enrollment.store import Row
    from schemas.queries import Connection

_SQL = queries.load(__file__)
_LIMITS = tuple(EffectiveLimits().as_dict())
_KEPT = timedelta(days=90)
Columns = dict[str, list[Any]]


@dataclass(frozen=True, slots=True)
class Run:
    """One import and how far it got: everything up to ``bytes_done`` is committed."""

    run_id: UUID
    bytes_total: int | None
    started_at: datetime
    updated_at: datetime
    state: str = "running"
    bytes_done: int = 0
    lines_done: int = 0
    created: int = 0
    changed: int = 0
    unchanged: int = 0
    refused: int = 0

    @property
    def percent(self) -> int | None:
        """Tell how far it is, by bytes; None when nobody knows how long the file is."""
        if self.state == "done":
            return 100
        if self.bytes_total is None:
            return None
        return 100 if not self.bytes_total else 100 * self.bytes_done // self.bytes_total


@dataclass(frozen=True, slots=True)
class LineError:
    """A refused line: its number, why, and which member it is about; nothing of its content."""

    line: int
    code: str
    field: str | None


async def begin(conn: Connection, stage: str) -> bool:
    """Take the turn in a stage among all imports and make look-ups go by keys; False: not yet."""
    return bool(await _SQL.begin.value(conn, stage=stage))


async def take_file(conn: Connection, sha256: bytes) -> bool:
    """Hold a file as long as the connection lives; False when another process holds it."""
    return bool(await _SQL.take_file.value(conn, sha256=sha256))


async def claim(conn: Connection, values: Iterable[bytes]) -> None:
    """Wait until no other transaction decides about these keyed hashes; lasts to the end."""
    await _SQL.claim_all.one(conn, idx=sorted(set(values)))


async def persons_by_ref(conn: Connection, refs: Collection[str]) -> dict[str, Row]:
    """Read persons with the phone in use."""
    return await _by_ref(_SQL.persons_by_ref, conn, refs)


async def accounts_by_ref(conn: Connection, refs: Collection[str]) -> dict[str, Row]:
    """Read accounts with the roles at them."""
    return await _by_ref(_SQL.accounts_by_ref, conn, refs)


async def cards_by_ref(conn: Connection, refs: Collection[str]) -> dict[str, Row]:
    """Read cards."""
    return await _by_ref(_SQL.cards_by_ref, conn, refs)


async def person_ids(conn: Connection, refs: Collection[str]) -> dict[str, UUID]:
    """Find persons by their references."""
    found = await _by_ref(_SQL.person_ids, conn, refs)
    return {ref: row["person_id"] for ref, row in found.items()}


async def account_ids(
    conn: Connection, refs: Collection[str]
) -> dict[str, tuple[UUID, frozenset[UUID]]]:
    """Find accounts by their references, and who has a role at them until the transaction ends."""
    # Race: roles are read after the accounts are held, so what a change of roles left is seen.
    await _SQL.hold_accounts.run(conn, refs=list(set(refs)))
    found = await _by_ref(_SQL.account_ids, conn, refs)
    return {ref: (row["account_id"], frozenset(row["members"])) for ref, row in found.items()}


async def hold_persons(conn: Connection, refs: Collection[str]) -> dict[str, Row]:
    """Read persons and keep them as they are until the transaction ends."""
    return await _by_ref(_SQL.hold_persons, conn, refs)


async def _by_ref(query: queries.Query, conn: Connection, refs: Collection[str]) -> dict[str, Row]:
    return {row["ref"]: row for row in await query.all(conn, refs=list(set(refs)))}


async def holders(conn: Connection, values: Sequence[bytes]) -> dict[bytes, UUID]:
    """Tell whose identification numbers these are."""
    rows = await _SQL.holders.all(conn, idx=list(values))
    return {row["idx"]: row["person_id"] for row in rows}


async def phones_in_use(conn: Connection, values: Sequence[bytes]) -> set[bytes]:
    """Tell which of these phones somebody uses."""
    return {row["idx"] for row in await _SQL.phones_in_use.all(conn, idx=list(values))}


async def known_pans(conn: Connection, values: Sequence[bytes]) -> set[bytes]:
    """Tell under which of these keyed hashes there is a card."""
    return {row["idx"] for row in await _SQL.cards_by_pan.all(conn, idx=list(values))}


async def engaged(conn: Connection, person_ids: Collection[UUID]) -> set[UUID]:
    """Tell which persons agreed to something or set a PIN."""
    rows = await _SQL.engaged.all(conn, person_ids=list(person_ids))
    return {row["person_id"] for row in rows}


async def insert_persons(conn: Connection, columns: Columns, now: datetime) -> set[UUID]:
    """Add persons; give those that were added."""
    rows = await _SQL.insert_persons.all(conn, now=now, **columns)
    return {row["person_id"] for row in rows}


async def insert_identifiers(conn: Connection, columns: Columns, now: datetime) -> None:
    """Add identification numbers of new persons."""
    await _SQL.insert_identifiers.run(conn, now=now, **columns)


async def insert_phones(conn: Connection, columns: Columns, now: datetime) -> None:
    """Add phones of new persons."""
    await _SQL.insert_phones.run(conn, now=now, **columns)


async def insert_accounts(conn: Connection, columns: Columns, now: datetime) -> set[UUID]:
    """Add accounts; give those that were added."""
    rows = await _SQL.insert_accounts.all(conn, now=now, **columns)
    return {row["account_id"] for row in rows}


async def insert_members(conn: Connection, columns: Columns) -> None:
    """Add roles at new accounts."""
    await _SQL.insert_members.run(conn, **columns)


async def insert_cards(conn: Connection, columns: Columns, now: datetime) -> set[UUID]:
    """Add cards in use; give those that were added."""
    rows = await _SQL.insert_cards.all(conn, now=now, **columns)
    return {row["card_id"] for row in rows}


async def insert_enrolments(
    conn: Connection, card_ids: Collection[UUID], *, by: str, channel: str, now: datetime
) -> None:
    """Start new cards without 3-D Secure."""
    await _SQL.insert_enrolments.run(conn, card_ids=list(card_ids), by=by, channel=channel, now=now)


async def limits_of(
    conn: Connection, owner_ids: Sequence[UUID], levels: Sequence[str]
) -> dict[UUID, EffectiveLimits]:
    """Read the limits set for these owners, each at its level."""
    rows = await _SQL.limits_of.all(conn, owner_ids=list(owner_ids), levels=list(levels))
    return {
        row["owner_id"]: EffectiveLimits(**{name: row[name] for name in _LIMITS}) for row in rows
    }


async def insert_limits(
    conn: Connection,
    owners: Sequence[tuple[UUID, str]],
    limits: Sequence[EffectiveLimits],
    *,
    by: str,
    now: datetime,
) -> set[UUID]:
    """Set limits where none were set; give the owners for whom that was done."""
    columns = {name: [getattr(one, name) for one in limits] for name in _LIMITS}
    rows = await _SQL.insert_limits.all(
        conn,
        owner_ids=[owner_id for owner_id, _ in owners],
        levels=[level for _, level in owners],
        by=by,
        now=now,
        **columns,
    )
    return {row["owner_id"] for row in rows}


async def insert_run(conn: Connection, run: Run, *, sha256: bytes | None, caller: str) -> None:
    """Begin an import."""
    await _SQL.insert_run.run(
        conn,
        run_id=run.run_id,
        sha256=sha256,
        caller=caller,
        bytes_total=run.bytes_total,
        now=run.started_at,
    )


async def unfinished(conn: Connection, sha256: bytes, caller: str) -> Run | None:
    """Find the newest import of the same file that did not come to its end."""
    row = await _SQL.unfinished.one(conn, sha256=sha256, caller=caller)
    return None if row is None else Run(**dict(row))


async def run_of(conn: Connection, run_id: UUID, caller: str) -> Run | None:
    """Read an import of that caller."""
    row = await _SQL.run_of.one(conn, run_id=run_id, caller=caller)
    return None if row is None else Run(**dict(row))


async def advance(conn: Connection, was: Run, becomes: Run) -> None:
    """Write how far an import got; it was held, so it is still where it was."""
    touched = await _SQL.advance.run(
        conn,
        run_id=was.run_id,
        lines_before=was.lines_done,
        bytes_done=becomes.bytes_done,
        lines_done=becomes.lines_done,
        created=becomes.created,
        changed=becomes.changed,
        unchanged=becomes.unchanged,
        refused=becomes.refused,
        now=becomes.updated_at,
    )
    changed_one(touched, "an import")


async def touch(conn: Connection, run_id: UUID, now: datetime) -> None:
    """Note that an import is at work."""
    await _SQL.touch.run(conn, run_id=run_id, now=now)


async def finish(conn: Connection, run: Run, now: datetime) -> Run:
    """Note that every line was carried out."""
    await _SQL.finish.run(conn, run_id=run.run_id, now=now)
    return replace(run, state="done", updated_at=now)


async def add_errors(conn: Connection, run_id: UUID, errors: Sequence[LineError]) -> None:
    """Note refused lines."""
    await _SQL.add_errors.run(
        conn,
        run_id=run_id,
        lines=[one.line for one in errors],
        codes=[one.code for one in errors],
        fields=[one.field for one in errors],
    )


async def errors(conn: Connection, run_id: UUID, after: int, limit: int) -> list[LineError]:
    """Read the refused lines after that one."""
    rows = await _SQL.errors.all(conn, run_id=run_id, after=after, limit=limit)
    return [LineError(**dict(row)) for row in rows]


async def purge(conn: Connection, now: datetime, limit: int) -> int:
    """Forget up to ``limit`` refused lines, and as many imports, older than 90 days."""
    before = now - _KEPT
    lines = await _SQL.purge_errors.run(conn, before=before, limit=limit)
    return lines + await _SQL.purge_runs.run(conn, before=before, limit=limit)

"""Keeps what clients declared, the words they declared it to, and actions that wait for a code."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Literal

from schemas import queries

if TYPE_CHECKING:
    from datetime import date, datetime
    from uuid import UUID

    from schemas.queries import Connection

_SQL = queries.load(__file__)


@dataclass(frozen=True, slots=True)
class ConsentText:
    """The exact words of one version of a declaration in one language, and their SHA-256."""

    code: str
    version: int
    language: str
    body: str
    sha256: bytes


@dataclass(frozen=True, slots=True)
class Taken:
    """Where a declaration was taken, from which address, and by whom of the staff."""

    channel: Literal["portal", "branch"]
    origin: str
    staff: str | None = None


@dataclass(frozen=True, slots=True)
class Consent:
    """The newest declaration of a person to one code."""

    code: str
    version: int
    language: str
    text_sha256: bytes
    act: str
    at: datetime
    channel: str
    good_until: date | None

    def holds(self, day: date) -> bool:
        """Tell whether it is a yes to words that still count, perhaps not the newest."""
        return self.act == "given" and (self.good_until is None or day <= self.good_until)


@dataclass(frozen=True, slots=True)
class TextVersion:
    """One version of a text in one language as a bank brings it."""

    code: str
    version: int
    language: str
    body: str
    valid_from: datetime
    must_reaccept_by: date | None


@dataclass(frozen=True, slots=True)
class Sweep:
    """How far the clients of a version that ran out were gone through."""

    code: str
    version: int
    after: UUID


async def hold_texts(conn: Connection) -> None:
    """Let one loader at a time decide about texts, until the end of the transaction."""
    await _SQL.hold_texts.run(conn)


async def all_texts(conn: Connection) -> list[TextVersion]:
    """Read every version of every text."""
    return [TextVersion(**dict(row)) for row in await _SQL.all_texts.all(conn)]


async def add_text(conn: Connection, text: TextVersion) -> None:
    """Keep a new text."""
    await _SQL.add_text.run(conn, **asdict(text))


async def end_earlier(conn: Connection, text: TextVersion) -> None:
    """End the versions before this one."""
    await _SQL.end_earlier.run(
        conn,
        code=text.code,
        version=text.version,
        valid_from=text.valid_from,
        good_until=text.must_reaccept_by,
    )


async def next_sweep(conn: Connection, day: date) -> Sweep | None:
    """Take up a version whose last day was before that day; None when there is none to do."""
    await _SQL.begin_sweep.run(conn, day=day)
    row = await _SQL.next_sweep.one(conn)
    return None if row is None else Sweep(**dict(row))


async def next_of_sweep(conn: Connection, sweep: Sweep, limit: int) -> list[tuple[UUID, bool]]:
    """Read the next clients, and whether each agreed to that version last."""
    rows = await _SQL.next_of_sweep.all(
        conn, code=sweep.code, version=sweep.version, after=sweep.after, limit=limit
    )
    return [(row["person_id"], row["is_outdated"]) for row in rows]


async def still_agrees(conn: Connection, sweep: Sweep, person_id: UUID) -> bool:
    """Tell whether a person, whose row is held, agreed to that version last."""
    return bool(
        await _SQL.still_agrees.value(
            conn, code=sweep.code, version=sweep.version, person_id=person_id
        )
    )


async def move_sweep(
    conn: Connection, sweep: Sweep, after: UUID | None, done_at: datetime | None
) -> None:
    """Note how far a sweep is; ``done_at`` ends it."""
    await _SQL.move_sweep.run(
        conn, code=sweep.code, version=sweep.version, after=after, done_at=done_at
    )


async def current_texts(conn: Connection, now: datetime) -> list[ConsentText]:
    """Read the words that are shown now."""
    return [ConsentText(**dict(row)) for row in await _SQL.current_texts.all(conn, now=now)]


async def add(
    conn: Connection,
    person_id: UUID,
    text: ConsentText,
    act: str,
    taken: Taken,
    *,
    now: datetime,
) -> None:
    """Append a declaration: ``given``, ``refused`` or ``withdrawn``."""
    await _SQL.add_consent.run(
        conn,
        person_id=person_id,
        code=text.code,
        version=text.version,
        language=text.language,
        text_sha256=text.sha256,
        act=act,
        channel=taken.channel,
        origin=taken.origin,
        staff=taken.staff,
        now=now,
    )


async def newest(conn: Connection, person_id: UUID) -> list[Consent]:
    """Read the newest declaration to each code."""
    return [Consent(**dict(row)) for row in await _SQL.newest.all(conn, person_id=person_id)]


async def in_force(conn: Connection, person_id: UUID) -> int | None:
    """Give the id of the consent to codes by SMS that the person's payments rest on."""
    found: int | None = await _SQL.in_force.value(conn, person_id=person_id)
    return found


async def step_ups_since(conn: Connection, person_id: UUID, since: datetime) -> int:
    """Count the codes a person asked for since that time."""
    return int(await _SQL.step_ups_since.value(conn, person_id=person_id, since=since))


async def add_step_up(
    conn: Connection,
    step_up_id: UUID,
    person_id: UUID,
    phone_id: UUID,
    *,
    action: str,
    expires_at: datetime,
    now: datetime,
) -> None:
    """Keep an action that waits for its code."""
    await _SQL.add_step_up.run(
        conn,
        step_up_id=step_up_id,
        person_id=person_id,
        phone_id=phone_id,
        action=action,
        expires_at=expires_at,
        now=now,
    )


async def purge_step_ups(conn: Connection, old: datetime, limit: int) -> int:
    """Forget up to ``limit`` acts whose code was over at ``old``; give how many."""
    return await _SQL.purge_step_ups.run(conn, old=old, limit=limit)


async def is_open_step_up(
    conn: Connection, step_up_id: UUID, person_id: UUID, action: str, now: datetime
) -> bool:
    """Tell whether a step-up of that person and action still waits for its code."""
    row = await _SQL.open_step_up.one(
        conn, step_up_id=step_up_id, person_id=person_id, action=action, now=now
    )
    return row is not None


async def use_step_up(
    conn: Connection, step_up_id: UUID, person_id: UUID, action: str, now: datetime
) -> bool:
    """Mark a step-up as used, once."""
    touched = await _SQL.use_step_up.run(
        conn, step_up_id=step_up_id, person_id=person_id, action=action, now=now
    )
    return touched == 1

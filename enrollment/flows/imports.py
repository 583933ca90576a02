"""A bulk import, batch by batch: read, carry out set by set, note how far it got.

Laws: memory is that of three batches, whatever the size of the file; a batch is noted as done only
after all its lines were committed, so an import that was killed goes on from there, and what was
committed beyond it is found done; a line that is refused stops nothing. An import at work says so
every few seconds; one that has been silent for a minute has lost its process.

Three things go on at once, so that neither processor nor database waits: a thread reads and hashes
a batch, the persons of the one before are carried out, and the cards of the one before that.
"""

from __future__ import annotations

import asyncio
from contextlib import nullcontext
from dataclasses import dataclass, field, replace
from datetime import timedelta
from typing import TYPE_CHECKING, Any, Final
from uuid import uuid4

from enrollment.flows import cards, import_rows, limits, persons
from enrollment.flows.cards import AccountData, CardData
from enrollment.flows.import_lines import BATCH_LINES, Reading, error_of, person_data, read_batch
from enrollment.flows.work import Work
from enrollment.refusals import Done, Refusal, RefusalCode
from enrollment.rules import currency_letters
from enrollment.store import cards as card_store
from enrollment.store import imports
from enrollment.store.imports import LineError, Run
from enrollment.store.limits import Level
from schemas.import_api import SCOPE_OF
from schemas.vault import Secret

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from contextlib import AbstractAsyncContextManager
    from datetime import datetime
    from uuid import UUID

    from enrollment.events import Actor
    from enrollment.flows.import_lines import Batch, Record, Source
    from enrollment.policy import EnrollmentPolicy
    from enrollment.ports import Pool
    from otp.policy import OtpPolicy
    from schemas.queries import Connection
    from schemas.vault import Keys

__all__ = [
    "ALL_SCOPES", "Hands", "LineError", "Run", "begin", "begin_or_resume", "carry_on",
    "errors_after", "find", "is_interrupted", "new_run",
]  # fmt: skip

LEASE: Final = timedelta(seconds=60)
"""An import that has said nothing for so long is at work nowhere."""

_BEAT_S: Final = 10.0
_LOOK_AGAIN_S: Final = 0.1
"""How soon it is tried again while another process is at the same stage of an import of its own."""
ALL_SCOPES: Final = frozenset(SCOPE_OF.values())


@dataclass(frozen=True, slots=True)
class Hands:
    """What an import works with: database, keys, settings, who brings the file and may what."""

    pool: Pool
    keys: Keys
    policy: EnrollmentPolicy
    otp_policy: OtpPolicy
    actor: Actor
    scopes: frozenset[str]
    clock: Callable[[], datetime]
    card_range_known: Callable[[str], bool]


@dataclass(frozen=True, slots=True)
class Stage:
    """Kinds of records that are carried out one after the other, one batch at a time."""

    name: str
    kinds: tuple[str, ...]


# In the order in which things depend on each other.
_PEOPLE: Final = Stage("people", ("person", "phone"))
_CARDS: Final = Stage("cards", ("account", "link", "card", "limits"))


@dataclass(slots=True)
class _Found:
    created: int = 0
    changed: int = 0
    unchanged: int = 0
    errors: list[LineError] = field(default_factory=list)


def new_run(bytes_total: int | None, now: datetime) -> Run:
    """Give an import that has not begun."""
    return Run(uuid4(), bytes_total, now, now)


async def begin_or_resume(
    conn: Connection, hands: Hands, known: tuple[bytes, int] | None
) -> Run | None:
    """Begin an import or find where it stopped; hold it as long as the connection lives.

    ``known`` is hash and size of the file; None = a stream, which always begins anew. None comes
    back when another process has the same file in hand.
    """
    sha256, size = known or (None, None)
    found = None
    if sha256 is not None:
        if not await imports.take_file(conn, sha256):
            return None
        found = await imports.unfinished(conn, sha256, hands.actor.name)
    if found is not None:
        return found
    run = new_run(size, hands.clock())
    await imports.insert_run(conn, run, sha256=sha256, caller=hands.actor.name)
    return run


async def begin(conn: Connection, size: int, caller: str, now: datetime) -> Run:
    """Begin an import of that many bytes, brought by that caller."""
    run = new_run(size, now)
    await imports.insert_run(conn, run, sha256=None, caller=caller)
    return run


async def find(conn: Connection, run_id: UUID, caller: str) -> Run | None:
    """Find an import of that caller."""
    return await imports.run_of(conn, run_id, caller)


async def errors_after(conn: Connection, run_id: UUID, after: int, limit: int) -> list[LineError]:
    """Read the refused lines of an import after that one, in their order."""
    return await imports.errors(conn, run_id, after, limit)


async def carry_on(
    hands: Hands,
    source: Source,
    run: Run,
    tell: Callable[[Run], object] = lambda _: None,
    *,
    turn: AbstractAsyncContextManager[object] | None = None,
) -> Run:
    """Carry out a file from where the import got to; ``source`` stands at ``run.bytes_done``.

    It waits for its ``turn`` among the imports of a process: each has up to three connections, and
    some tens of them would have all that there are. For those of other processes each batch waits
    by itself, however long that is, and holds no connection meanwhile.
    """
    beat = asyncio.create_task(_beat(hands, run.run_id), name="import beat")
    try:
        async with turn or nullcontext():
            run = await _carry_out(hands, source, run, tell)
    finally:
        await _let_go(beat)
    async with hands.pool.transaction() as conn:
        return await imports.finish(conn, run, hands.clock())


async def _carry_out(hands: Hands, source: Source, run: Run, tell: Callable[[Run], object]) -> Run:
    lines_read = run.lines_done
    upcoming = _next(hands, source, lines_read)
    rest: asyncio.Task[Run] | None = None
    try:
        while (batch := await upcoming).lines:
            lines_read += batch.lines
            upcoming = _next(hands, source, lines_read)
            found = _Found(errors=list(batch.errors))
            await _stage(hands, run.run_id, batch, _PEOPLE, found)
            run = await rest if rest is not None else run
            tell(run)
            rest = asyncio.create_task(_finish(hands, run, batch, found), name="import")
        return await rest if rest is not None else run
    finally:
        await _let_go(upcoming, rest)


async def _let_go(*tasks: asyncio.Task[Any] | None) -> None:
    """Break off what nobody waits for any more, and see it end before its file is closed."""
    left = [task for task in tasks if task is not None]
    for task in left:
        task.cancel()
    await asyncio.gather(*left, return_exceptions=True)


async def _beat(hands: Hands, run_id: UUID) -> None:
    """Say that the import is at work, however long a batch may take.

    What cannot be said now is said the next time; whether the import goes on, its batches decide.
    """
    while True:
        await asyncio.sleep(_BEAT_S)
        await asyncio.gather(_say_so(hands, run_id), return_exceptions=True)


async def _say_so(hands: Hands, run_id: UUID) -> None:
    async with hands.pool.transaction() as conn:
        await imports.touch(conn, run_id, hands.clock())


def is_interrupted(run: Run, now: datetime) -> bool:
    """Tell whether an import lost its process; its file has to be sent again."""
    return run.state == "running" and now - run.updated_at > LEASE


def _next(hands: Hands, source: Source, lines_done: int) -> asyncio.Task[Batch]:
    reading = Reading(hands.keys, hands.policy, hands.card_range_known, hands.scopes, hands.clock())
    reader = asyncio.to_thread(read_batch, source, reading, lines_done + 1, BATCH_LINES)
    return asyncio.create_task(reader, name="import")


async def _stage(hands: Hands, run_id: UUID, batch: Batch, stage: Stage, found: _Found) -> None:
    """Carry out those kinds of a batch, each when those it depends on are done."""
    for kind in stage.kinds:
        rest = [record for record in batch.records if record.kind == kind]
        while rest:
            records, rest = _firsts(rest)
            await _carry_out_set(hands, run_id, stage, records, found)


async def _finish(hands: Hands, run: Run, batch: Batch, found: _Found) -> Run:
    """Carry out what is left of a batch, then note it as done."""
    await _stage(hands, run.run_id, batch, _CARDS, found)
    becomes = replace(
        run,
        bytes_done=run.bytes_done + batch.size,
        lines_done=run.lines_done + batch.lines,
        created=run.created + found.created,
        changed=run.changed + found.changed,
        unchanged=run.unchanged + found.unchanged,
        refused=run.refused + len(found.errors),
        updated_at=hands.clock(),
    )
    async with hands.pool.transaction() as conn:
        if found.errors:
            await imports.add_errors(conn, run.run_id, found.errors)
        await imports.advance(conn, run, becomes)
    return becomes


def _firsts(records: Sequence[Record]) -> tuple[list[Record], list[Record]]:
    """Part the first record about each thing from later ones, which may change what it made."""
    seen: set[object] = set()
    firsts: list[Record] = []
    rest: list[Record] = []
    for record in records:
        about = {(record.ref, record.body.get("of")), *(one[0] for one in record.hashes)}
        (firsts if seen.isdisjoint(about) else rest).append(record)
        seen |= about
    return firsts, rest


async def _carry_out_set(
    hands: Hands, run_id: UUID, stage: Stage, records: Sequence[Record], found: _Found
) -> None:
    while (by_set := await _set(hands, run_id, stage, records)) is None:  # noqa: ASYNC110 - afar
        await asyncio.sleep(_LOOK_AGAIN_S)
    found.created += by_set.created
    found.unchanged += by_set.unchanged
    for record in by_set.singly:
        async with hands.pool.transaction() as conn:
            done = await _singly(_work(hands, conn), record, hands)
        if isinstance(done, Refusal):
            found.errors.append(error_of(record.line, done))
        elif done.created:
            found.created += 1
        else:
            found.changed += 1


async def _set(
    hands: Hands, run_id: UUID, stage: Stage, records: Sequence[Record]
) -> import_rows.Sorted | None:
    """Carry out a set in a transaction of its own; None while another import is at that stage."""
    async with hands.pool.transaction() as conn:
        return await import_rows.carry_out(_work(hands, conn), run_id, stage.name, records)


def _work(hands: Hands, conn: Connection) -> Work:
    return Work(
        conn,
        hands.keys,
        hands.policy,
        hands.otp_policy,
        hands.actor,
        hands.clock(),
        is_bulk=True,
    )


async def _singly(work: Work, record: Record, hands: Hands) -> Done[object] | Refusal:
    """Carry out one record by the use case of the single call."""
    match record.kind:
        case "person":
            data = person_data(record.body, hands.scopes)
            return await persons.put_person(work, record.ref, data, None)
        case "phone":
            return await _phone(work, record)
        case "account":
            return await _account(work, record)
        case "link":
            return await _link(work, record)
        case "card":
            return await _card(work, record)
        case _:
            return await _limits(work, record)


async def _phone(work: Work, record: Record) -> Done[object] | Refusal:
    known = await imports.persons_by_ref(work.conn, [record.ref])
    if record.ref not in known:
        return Refusal(RefusalCode.PERSON_UNKNOWN, "ref")
    person_id = known[record.ref]["person_id"]
    return await persons.put_phone(work, person_id, record.body["phone"], "branch", None)


async def _account(work: Work, record: Record) -> Done[object] | Refusal:
    people = record.body["people"]
    known = await imports.persons_by_ref(work.conn, [one["person_ref"] for one in people])
    if any(one["person_ref"] not in known for one in people):
        return Refusal(RefusalCode.PERSON_UNKNOWN, "people")
    roles = {known[one["person_ref"]]["person_id"]: one["role"] for one in people}
    if len(roles) != len(people):
        return Refusal(RefusalCode.PERSON_TWICE, "people")
    data = AccountData(record.body["currency"], roles, record.body["status"])
    return await cards.put_account(work, record.ref, data, None)


async def _link(work: Work, record: Record) -> Done[object] | Refusal:
    """Give one more person a role at an account, or another role; the others keep theirs."""
    account = await card_store.lock_account_by_ref(work.conn, record.ref)
    known = await imports.persons_by_ref(work.conn, [record.body["person_ref"]])
    if account is None:
        return Refusal(RefusalCode.ACCOUNT_UNKNOWN, "ref")
    if not known:
        return Refusal(RefusalCode.PERSON_UNKNOWN, "person_id")
    roles = await card_store.members(work.conn, account.account_id)
    roles[known[record.body["person_ref"]]["person_id"]] = record.body["role"]
    data = AccountData(currency_letters(account.currency), roles)
    return await cards.put_account(work, record.ref, data, None)


async def _card(work: Work, record: Record) -> Done[object] | Refusal:
    body = record.body
    accounts = await imports.accounts_by_ref(work.conn, [body["account_ref"]])
    people = await imports.persons_by_ref(work.conn, [body["person_ref"]])
    if not accounts:
        return Refusal(RefusalCode.ACCOUNT_UNKNOWN, "account_id")
    if not people:
        return Refusal(RefusalCode.PERSON_UNKNOWN, "person_id")
    data = CardData(
        Secret(body["pan"]),
        body["exp"],
        body["product"],
        people[body["person_ref"]]["person_id"],
        accounts[body["account_ref"]]["account_id"],
    )
    return await cards.put_card(work, record.ref, data, is_in_range=True, if_match=None)


async def _limits(work: Work, record: Record) -> Done[object] | Refusal:
    owners = await import_rows.owners_of(work, [record])
    if not owners:
        return Refusal(RefusalCode.NOT_FOUND, "ref")
    owner_id, level = owners[record.line]
    if level == Level.ACCOUNT.value:
        return await limits.put_account_limits(work, owner_id, record.limits, None)
    return await limits.put_card_limits(work, owner_id, record.limits, None)

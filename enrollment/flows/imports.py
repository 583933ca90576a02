"""A bulk import, batch by batch: read, carry out set by set, note how far it got.

Laws: memory is that of two batches, whatever the size of the file; a batch is noted as done only
after all its lines were committed, so an import that was killed goes on from there, and what was
committed beyond it is found done; a line that is refused stops nothing. Reading and
hashing run in a thread, beside the database's work on the batch before.
"""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Final
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
from schemas.import_api import BODIES, SCOPE_OF
from schemas.vault import Secret

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
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
    "errors_after", "find", "new_run",
]  # fmt: skip

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


@dataclass(slots=True)
class _Counts:
    created: int = 0
    changed: int = 0
    unchanged: int = 0


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
    hands: Hands, source: Source, run: Run, tell: Callable[[Run], object] = lambda _: None
) -> Run:
    """Carry out a file from where the import got to; ``source`` stands at ``run.bytes_done``."""
    upcoming = _next(hands, source, run.lines_done)
    try:
        while (batch := await upcoming).lines:
            upcoming = _next(hands, source, run.lines_done + batch.lines)
            run = await _carry_out(hands, run, batch)
            tell(run)
    finally:
        upcoming.cancel()  # of what nobody waits for any more
    async with hands.pool.transaction() as conn:
        return await imports.finish(conn, run, hands.clock())


def _next(hands: Hands, source: Source, lines_done: int) -> asyncio.Task[Batch]:
    reading = Reading(hands.keys, hands.policy, hands.card_range_known, hands.scopes, hands.clock())
    reader = asyncio.to_thread(read_batch, source, reading, lines_done + 1, BATCH_LINES)
    return asyncio.create_task(reader, name="import")


async def _carry_out(hands: Hands, run: Run, batch: Batch) -> Run:
    counts, errors = _Counts(), list(batch.errors)
    for kind in BODIES:  # in the order in which things depend on each other
        rest = [record for record in batch.records if record.kind == kind]
        while rest:
            records, rest = _firsts(rest)
            errors += await _carry_out_set(hands, run.run_id, records, counts)
    now = hands.clock()
    becomes = replace(
        run,
        bytes_done=run.bytes_done + batch.size,
        lines_done=run.lines_done + batch.lines,
        created=run.created + counts.created,
        changed=run.changed + counts.changed,
        unchanged=run.unchanged + counts.unchanged,
        refused=run.refused + len(errors),
        updated_at=now,
    )
    async with hands.pool.transaction() as conn:
        if errors:
            await imports.add_errors(conn, run.run_id, errors)
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
    hands: Hands, run_id: UUID, records: Sequence[Record], counts: _Counts
) -> list[LineError]:
    async with hands.pool.transaction() as conn:
        found = await import_rows.carry_out(_work(hands, conn), run_id, records)
    counts.created += found.created
    counts.unchanged += found.unchanged
    errors = []
    for record in found.singly:
        async with hands.pool.transaction() as conn:
            done = await _singly(_work(hands, conn), record, hands)
        if isinstance(done, Refusal):
            errors.append(error_of(record.line, done))
        elif done.created:
            counts.created += 1
        else:
            counts.changed += 1
    return errors


def _work(hands: Hands, conn: Connection) -> Work:
    return Work(
        conn,
        hands.keys,
        hands.policy,
        hands.otp_policy,
        hands.actor,
        hands.clock(),
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
    data = AccountData(record.body["currency"], roles, record.body["status"] or "active")
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
    data = AccountData(currency_letters(account.currency), roles, account.status)
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

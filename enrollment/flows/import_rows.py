"""One batch's records of one kind, set by set: what is plainly new, plainly known, or neither.

The rules stand in the use cases of the single calls. What is plainly new is added in a few
statements; what is known and the same is left untouched; all else (changes, conflicts, cards of
clients who may have 3-D Secure already) is given back, to be carried out by the single use case.
So nothing is decided here but that there is nothing to decide.

Race: keyed hashes are claimed before they are looked up, as by the single calls; persons who get a
card are held, so that none of them agrees to anything while we think that nothing can be enrolled;
so are accounts, for whoever takes a role away looks then for the cards that go with it.
Lock order: claims, account, person, card.
"""

from __future__ import annotations

import os
from dataclasses import dataclass, field
from typing import TYPE_CHECKING
from uuid import UUID

from enrollment import pan, phones, rules
from enrollment.events import EventName
from enrollment.flows import ages
from enrollment.flows.cards import NEW_STATUS
from enrollment.flows.import_lines import person_data
from enrollment.flows.persons import KIND, LANGUAGE, Open, told_of
from enrollment.model import PersonStatus
from enrollment.store import imports
from enrollment.store.limits import Level
from schemas.vault import Secret

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence
    from typing import Any

    from enrollment.flows.import_lines import Record
    from enrollment.flows.work import Work
    from enrollment.store import Row

_UUID_BYTES = 16
_LEVEL = {"account": Level.ACCOUNT.value, "card": Level.CARD_BRANCH.value}


@dataclass(slots=True)
class Sorted:
    """What became of records: how many were added, left as they are; which are to be decided."""

    created: int = 0
    unchanged: int = 0
    singly: list[Record] = field(default_factory=list)


async def carry_out(
    work: Work, run_id: UUID, stage: str, records: Sequence[Record]
) -> Sorted | None:
    """Carry out records of one kind, no two of which are about the same thing.

    None: another import is at that stage, and nothing was done.
    """
    if not await imports.begin(work.conn, stage):
        return None
    await imports.claim(work.conn, (one[0] for record in records for one in record.hashes))
    kind = records[0].kind
    match kind:
        case "person":
            found, new = await _persons(work, records)
        case "phone":
            found, new = await _phones(work, records)
        case "account":
            found, new = await _accounts(work, records)
        case "card":
            found, new = await _cards(work, records)
        case "limits":
            found, new = await _limits(work, records)
        case _:
            return Sorted(singly=list(records))
    if new:
        found.created = len(new)
        ids = [str(one) for one in sorted(new)]
        await work.record(EventName.IMPORT_BATCH, run_id, kind=kind, created=ids)
    return found


async def _persons(work: Work, records: Sequence[Record]) -> tuple[Sorted, set[UUID]]:
    known = await imports.persons_by_ref(work.conn, [one.ref for one in records])
    holders = await imports.holders(work.conn, _searched(records, 0))
    used = await imports.phones_in_use(work.conn, _searched(records, 1))
    found, new = Sorted(), []
    for record in records:
        row = known.get(record.ref)
        holder = next((holders[one] for one in record.hashes[0] if one in holders), None)
        is_free = holder is None and not any(one in used for one in _phone_of(record))
        if row is None and is_free:
            new.append(record)
        elif row is not None and holder == row["person_id"] and _is_same_person(record, row):
            found.unchanged += 1
        else:
            found.singly.append(record)
    return found, await _add_persons(work, new, found)


def _phone_of(record: Record) -> list[bytes]:
    return record.hashes[1] if len(record.hashes) > 1 else []


def _is_same_person(record: Record, row: Row) -> bool:
    data = person_data(record.body, frozenset())
    known = Open(row["kind"], row["language"], row["bank_language"], row["minor_allowed"])
    return (
        told_of(data, known) == known
        and data.birth_date is None  # sealed: the single call opens and compares it
        and row["status"] != PersonStatus.CLOSED
        and (
            data.phone is None
            or _is_phone(record.hashes[1], row)
            or row["outlived_idx"] in record.hashes[1]
        )
    )


def _is_phone(hashes: Sequence[bytes], row: Row) -> bool:
    """Tell whether it is the phone in use, and was the bank's word before."""
    is_in_use = row["phone_state"] == "active" and row["phone_source"] == "branch"
    return is_in_use and row["phone_idx"] in hashes


async def _add_persons(work: Work, records: Sequence[Record], found: Sorted) -> set[UUID]:
    if not records:
        return set()
    ids = _new_ids(records)
    data = [person_data(record.body, frozenset()) for record in records]
    columns: imports.Columns = {
        "person_ids": list(ids.values()),
        "refs": [record.ref for record in records],
        "kinds": [one.kind or KIND for one in data],
        "languages": [one.language or LANGUAGE for one in data],
        "birth_dates": _birth_dates(work, records, ids),
        "minors_allowed": [bool(one.minor_allowed) for one in data],
    }
    added = await imports.insert_persons(work.conn, columns, work.now)
    done = _split(records, ids, added, found)
    identifiers: imports.Columns = {
        "person_ids": [ids[one.line] for one in done],
        "id_kinds": [one.numbers.identifier.kind.value for one in done if one.numbers],
        "idx": [one.hashes[0][0] for one in done],
        "key_ids": [work.keys.identifier_index.active] * len(done),
    }
    await imports.insert_identifiers(work.conn, identifiers, work.now)
    await _add_phones(work, done, ids)
    return added


def _birth_dates(
    work: Work, records: Sequence[Record], ids: Mapping[int, UUID]
) -> list[bytes | None]:
    """Seal the birth dates that PESELs tell, or the bank; None for the others."""
    told = {
        record.line: (day.isoformat().encode(), ages.place(ids[record.line]))
        for record in records
        if record.numbers is not None and (day := record.numbers.birth_date) is not None
    }
    sealed = dict(zip(told, work.keys.vault.seal_all(list(told.values())), strict=True))
    return [sealed.get(record.line) for record in records]


async def _add_phones(work: Work, records: Sequence[Record], ids: Mapping[int, UUID]) -> None:
    given = [
        (record, record.numbers.phone)
        for record in records
        if record.numbers is not None and record.numbers.phone is not None
    ]
    phone_ids = list(_new_ids([record for record, _ in given]).values())
    numbers = [number for _, number in given]
    columns: imports.Columns = {
        "phone_ids": phone_ids,
        "person_ids": [ids[record.line] for record, _ in given],
        "numbers": phones.seal_all(work.keys, zip(phone_ids, numbers, strict=True)),
        "idx": [record.hashes[1][0] for record, _ in given],
        "key_ids": [work.keys.phone_index.active] * len(given),
        "masks": [phones.mask(number, work.policy.countries) for number in numbers],
    }
    await imports.insert_phones(work.conn, columns, work.now)


async def _phones(work: Work, records: Sequence[Record]) -> tuple[Sorted, set[UUID]]:
    known = await imports.persons_by_ref(work.conn, [one.ref for one in records])
    found = Sorted()
    for record in records:
        row = known.get(record.ref)
        is_there = row is not None and row["status"] != PersonStatus.CLOSED
        if row is not None and is_there and _stays(record, row):
            found.unchanged += 1
        else:
            found.singly.append(record)
    return found, set()


def _stays(record: Record, row: Row) -> bool:
    """Tell whether it is the phone in use, and no other one waits to take its place."""
    return _is_phone(record.hashes[0], row) and not row["phone_changes"]


async def _accounts(work: Work, records: Sequence[Record]) -> tuple[Sorted, set[UUID]]:
    named = {one["person_ref"] for record in records for one in record.body["people"]}
    persons = await imports.person_ids(work.conn, named)
    known = await imports.accounts_by_ref(work.conn, [one.ref for one in records])
    found = Sorted()
    new: list[tuple[Record, Wanted]] = []
    for record in records:
        row = known.get(record.ref)
        wanted = _wanted(record, persons, row)
        if wanted is None:
            found.singly.append(record)
        elif row is None:
            new.append((record, wanted))
        elif wanted == _stored(row):
            found.unchanged += 1
        else:
            found.singly.append(record)
    return found, await _add_accounts(work, new, found)


@dataclass(frozen=True, slots=True)
class Wanted:
    """What an account shall be: number of the currency, status, who has which role."""

    currency: str
    status: str
    roles: Mapping[UUID, str]


def _wanted(record: Record, persons: Mapping[str, UUID], row: Row | None) -> Wanted | None:
    """Give what a record of an account says; None when it names what there is not, or twice.

    A status that it leaves out is that of ``row``, the account as it is stored.
    """
    people = record.body["people"]
    currency = rules.currency_number(record.body["currency"])
    if currency is None or any(one["person_ref"] not in persons for one in people):
        return None
    roles = {persons[one["person_ref"]]: one["role"] for one in people}
    if len(roles) != len(people):
        return None
    status = NEW_STATUS if row is None else row["status"]
    return Wanted(currency, record.body["status"] or status, roles)


def _stored(row: Row) -> Wanted:
    roles = dict(zip(row["person_ids"], row["roles"], strict=True))
    return Wanted(row["currency"], row["status"], roles)


async def _add_accounts(
    work: Work, new: Sequence[tuple[Record, Wanted]], found: Sorted
) -> set[UUID]:
    if not new:
        return set()
    records = [record for record, _ in new]
    ids = _new_ids(records)
    columns: imports.Columns = {
        "account_ids": list(ids.values()),
        "refs": [record.ref for record in records],
        "currencies": [wanted.currency for _, wanted in new],
        "statuses": [wanted.status for _, wanted in new],
    }
    added = await imports.insert_accounts(work.conn, columns, work.now)
    _split(records, ids, added, found)
    roles = [
        (ids[record.line], *role)
        for record, wanted in new
        if ids[record.line] in added
        for role in wanted.roles.items()
    ]
    members: imports.Columns = {
        "account_ids": [one[0] for one in roles],
        "person_ids": [one[1] for one in roles],
        "roles": [one[2] for one in roles],
    }
    await imports.insert_members(work.conn, members)
    return added


async def _cards(work: Work, records: Sequence[Record]) -> tuple[Sorted, set[UUID]]:
    accounts = await imports.account_ids(work.conn, [one.body["account_ref"] for one in records])
    persons = await imports.hold_persons(work.conn, [one.body["person_ref"] for one in records])
    engaged = await imports.engaged(work.conn, [row["person_id"] for row in persons.values()])
    known = await imports.cards_by_ref(work.conn, [one.ref for one in records])
    pans = await imports.known_pans(work.conn, _searched(records, 0))
    found = Sorted()
    new: list[tuple[Record, UUID, UUID]] = []
    for record in records:
        account, members = accounts.get(record.body["account_ref"], (None, frozenset()))
        person = persons.get(record.body["person_ref"])
        row = known.get(record.ref)
        if account is None or person is None or person["status"] == PersonStatus.CLOSED:
            found.singly.append(record)
        elif row is not None and _is_same_card(record, row, account, person):
            found.unchanged += 1
        elif (
            row is None
            and person["person_id"] in members
            and person["person_id"] not in engaged
            and not any(one in pans for one in record.hashes[0])
        ):
            new.append((record, account, person["person_id"]))
        else:
            found.singly.append(record)
    return found, await _add_cards(work, new, found)


def _is_same_card(record: Record, row: Row, account_id: UUID, person: Row) -> bool:
    body = record.body
    return row["pan_idx"] in record.hashes[0] and (
        (row["person_id"], row["account_id"], row["expiry"], row["product"])
        == (person["person_id"], account_id, body["exp"], body["product"])
    )


async def _add_cards(
    work: Work, new: Sequence[tuple[Record, UUID, UUID]], found: Sorted
) -> set[UUID]:
    if not new:
        return set()
    records = [record for record, _, _ in new]
    ids = _new_ids(records)
    numbers = [Secret(record.body["pan"]) for record in records]
    columns: imports.Columns = {
        "card_ids": list(ids.values()),
        "refs": [record.ref for record in records],
        "account_ids": [account_id for _, account_id, _ in new],
        "person_ids": [person_id for _, _, person_id in new],
        "pan_idx": [record.hashes[0][0] for record in records],
        "idx_key_ids": [work.keys.pan_index.active] * len(records),
        "pans": pan.seal_all(work.keys, zip(ids.values(), numbers, strict=True)),
        "last4s": [pan.last4(number) for number in numbers],
        "expiries": [record.body["exp"] for record in records],
        "products": [record.body["product"] for record in records],
    }
    added = await imports.insert_cards(work.conn, columns, work.now)
    _split(records, ids, added, found)
    await imports.insert_enrolments(
        work.conn,
        sorted(added),
        by=work.actor.name,
        channel=work.actor.channel or "api",
        now=work.now,
    )
    return added


async def _limits(work: Work, records: Sequence[Record]) -> tuple[Sorted, set[UUID]]:
    owners = await owners_of(work, records)
    known = await imports.limits_of(
        work.conn, [one for one, _ in owners.values()], [level for _, level in owners.values()]
    )
    found = Sorted()
    new: list[Record] = []
    for record in records:
        owner = owners.get(record.line)
        if owner is None:
            found.singly.append(record)
        elif owner[0] not in known:
            new.append(record)
        elif known[owner[0]] == record.limits:
            found.unchanged += 1
        else:
            found.singly.append(record)
    if not new:
        return found, set()
    added = await imports.insert_limits(
        work.conn,
        [owners[record.line] for record in new],
        [record.limits for record in new],
        by=work.actor.name,
        now=work.now,
    )
    _split(new, {record.line: owners[record.line][0] for record in new}, added, found)
    return found, added


async def owners_of(work: Work, records: Sequence[Record]) -> dict[int, tuple[UUID, str]]:
    """Find, line by line, whose limits are meant, and at which level they are set."""
    refs: dict[str, list[str]] = {"account": [], "card": []}
    for record in records:
        refs[record.body["of"]].append(record.ref)
    rows: dict[str, Mapping[str, Any]] = {
        "account": await imports.accounts_by_ref(work.conn, refs["account"]),
        "card": await imports.cards_by_ref(work.conn, refs["card"]),
    }
    found = {}
    for record in records:
        of = record.body["of"]
        row = rows[of].get(record.ref)
        if row is not None:
            found[record.line] = (row[f"{of}_id"], _LEVEL[of])
    return found


def _searched(records: Iterable[Record], place: int) -> list[bytes]:
    return [
        value for record in records if len(record.hashes) > place for value in record.hashes[place]
    ]


def _split(
    records: Sequence[Record], ids: Mapping[int, UUID], added: set[UUID], found: Sorted
) -> list[Record]:
    """Give the records that were added; those that lost a race go the single way."""
    found.singly += [record for record in records if ids[record.line] not in added]
    return [record for record in records if ids[record.line] in added]


def _new_ids(records: Sequence[Record]) -> dict[int, UUID]:
    """Give each record an id of its own by its line (UUID version 4), drawn at once."""
    drawn = os.urandom(_UUID_BYTES * len(records))
    return {
        record.line: UUID(bytes=drawn[at * _UUID_BYTES : (at + 1) * _UUID_BYTES], version=4)
        for at, record in enumerate(records)
    }

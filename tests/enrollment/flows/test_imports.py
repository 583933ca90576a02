"""Bulk imports: the rules of the single calls, resumed anywhere, in bounded memory."""

from __future__ import annotations

import asyncio
import io
import json
import threading
import tracemalloc
from contextlib import asynccontextmanager
from datetime import timedelta
from typing import TYPE_CHECKING, Any

import asyncpg
import pytest

from enrollment.flows import imports, phone_change
from enrollment.store import imports as store
from tests.enrollment import doors, importing, people
from tests.enrollment.importing import account, bank, bring, card, counts, hands, limits, person
from tests.records import replace

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from contextlib import AbstractAsyncContextManager
    from datetime import datetime

    from enrollment.ports import Pool
    from schemas.vault import Keys


@pytest.fixture
def by(pool: asyncpg.Pool, keys: Keys, now: datetime) -> imports.Hands:
    return hands(pool, keys, now)


async def count(pool: asyncpg.Pool, table: str) -> int:
    return int(await pool.fetchval(f"SELECT count(*) FROM enrollment.{table}"))


async def test_a_file_makes_persons_accounts_and_cards(
    by: imports.Hands, pool: asyncpg.Pool
) -> None:
    run = await bring(by, bank(1, 2, 3))

    assert (run.state, run.percent, counts(run)) == ("done", 100, (9, 0, 0, 0))
    assert await count(pool, "person") == await count(pool, "phone") == 3
    assert await count(pool, "card") == await count(pool, "enrolment") == 3
    assert await count(pool, "account_person") == 3


async def test_what_an_import_made_is_what_the_single_calls_make(
    by: imports.Hands, pool: asyncpg.Pool, keys: Keys, now: datetime
) -> None:
    await bring(by, bank(1))
    columns = "status, kind, language, version"
    imported = await pool.fetchrow(f"SELECT {columns} FROM enrollment.person")
    async with pool.acquire() as conn, conn.transaction():
        await people.make_client(people.hands(conn, keys, now), number=5)
        singly = await conn.fetchrow(f"SELECT {columns} FROM enrollment.person WHERE ref = 'p5'")
        cards = await conn.fetch(
            "SELECT c.status, c.version, e.state, e.reason, e.changed_by, e.channel"
            "  FROM enrollment.card c JOIN enrollment.enrolment e USING (card_id)"
        )

    assert imported == singly
    assert cards[0] == cards[1]


async def test_a_file_sent_again_touches_nothing(by: imports.Hands, pool: asyncpg.Pool) -> None:
    lines = [*bank(1, 2), limits(1, per_tx=100), limits(1, "account", per_day=5)]
    await bring(by, lines)
    versions = "SELECT sum(version) FROM enrollment.{}"
    tables = ("person", "account", "card", "enrolment", "spending_limit")
    before = [await pool.fetchval(versions.format(table)) for table in tables]
    again = await bring(by, lines)

    assert counts(again) == (0, 0, 8, 0)
    assert [await pool.fetchval(versions.format(table)) for table in tables] == before


async def test_a_changed_line_changes_its_thing(by: imports.Hands, pool: asyncpg.Pool) -> None:
    await bring(by, bank(1, 2))
    run = await bring(by, [card(1, exp="3101"), card(2), person(2, language="en")])

    assert counts(run) == (0, 2, 1, 0)
    assert await pool.fetchval("SELECT expiry FROM enrollment.card WHERE ref = 'c1'") == "3101"


async def test_a_card_file_sent_again_switches_nothing_on(
    by: imports.Hands, pool: asyncpg.Pool, keys: Keys, now: datetime
) -> None:
    async with pool.acquire() as conn, conn.transaction():
        work = people.hands(conn, keys, now)
        client = await people.make_client(work)
        await people.activate(work, client)
        await people.switch(work, client, "deactivate")
    run = await bring(by, [card(1), card(1, product="gold")])

    async with pool.acquire() as conn:
        assert await people.enrolment(conn, client.card_id) == ("suspended", "client_off")
    assert counts(run) == (0, 1, 1, 0)


async def test_a_file_sent_again_leaves_the_phone_that_the_client_chose(
    by: imports.Hands, pool: asyncpg.Pool, keys: Keys, now: datetime
) -> None:
    await bring(by, [person(1)])
    async with pool.acquire() as conn, conn.transaction():
        work = people.hands(conn, keys, now)
        person_id = await conn.fetchval("SELECT person_id FROM enrollment.person")
        await doors.change_phone(work, person_id)
        await phone_change.take_over(people.later(work, days=1), 10)
    old = await bring(by, [person(1)])
    chosen = [await bring(by, [person(1, phone=doors.NEW_PHONE)]) for _ in range(2)]

    assert counts(old) == (0, 0, 1, 0)
    assert [counts(run) for run in chosen] == [(0, 1, 0, 0), (0, 0, 1, 0)]
    masks = await pool.fetch("SELECT mask FROM enrollment.phone WHERE valid_to IS NULL")
    assert [row["mask"] for row in masks] == ["+48 *** *** 999"]


async def test_a_new_card_of_a_client_who_agreed_follows_the_conditions(
    by: imports.Hands, pool: asyncpg.Pool, keys: Keys, now: datetime
) -> None:
    async with pool.acquire() as conn, conn.transaction():
        work = people.hands(conn, keys, now)
        await people.activate(work, await people.make_client(work))
    await bring(by, [{**card(2, person_ref="p1", account_ref="a1"), "ref": "c2"}])

    assert (
        await pool.fetchval(
            "SELECT e.state FROM enrollment.enrolment e JOIN enrollment.card c USING (card_id)"
            " WHERE c.ref = 'c2'"
        )
        == "eligible"
    )


async def test_lines_about_one_thing_are_carried_out_in_their_order(
    by: imports.Hands, pool: asyncpg.Pool
) -> None:
    run = await bring(by, [*bank(1), card(1, product="gold"), card(1, product="black"), card(1)])

    assert counts(run) == (3, 3, 0, 0)
    assert await pool.fetchval("SELECT product FROM enrollment.card") == "classic"


async def test_things_may_come_before_what_they_need_within_a_batch(by: imports.Hands) -> None:
    run = await bring(by, list(reversed(bank(1, 2))))

    assert counts(run) == (6, 0, 0, 0)


async def test_a_link_gives_one_more_person_a_role(by: imports.Hands, pool: asyncpg.Pool) -> None:
    link = {"kind": "link", "ref": "a1", "body": {"person_ref": "p2", "role": "proxy"}}
    run = await bring(by, [*bank(1), person(2), link])

    assert counts(run) == (4, 1, 0, 0)
    rows = await pool.fetch("SELECT role FROM enrollment.account_person ORDER BY role")
    assert [row["role"] for row in rows] == ["owner", "proxy"]


async def test_a_phone_line_changes_the_phone(by: imports.Hands, pool: asyncpg.Pool) -> None:
    phone = {"kind": "phone", "ref": "p1", "body": {"phone": "+48600000777"}}
    run = await bring(by, [person(1), phone])
    again = await bring(by, [phone])

    assert (counts(run), counts(again)) == ((1, 1, 0, 0), (0, 0, 1, 0))
    assert await count(pool, "phone") == 2


async def test_a_phone_line_with_the_number_in_use_ends_a_change_that_waits(
    by: imports.Hands, pool: asyncpg.Pool, keys: Keys, now: datetime
) -> None:
    line = {"kind": "phone", "ref": "p1", "body": {"phone": "+48600000001"}}
    await bring(by, [person(1)])
    async with pool.acquire() as conn:
        work = people.hands(conn, keys, now)
        person_id = await conn.fetchval("SELECT person_id FROM enrollment.person")
        await doors.change_phone(work, person_id)
    record = await bring(by, [person(1)])
    confirmed, again = [await bring(by, [line]) for _ in range(2)]
    async with pool.acquire() as conn:
        later = people.later(people.hands(conn, keys, now), days=1)
        taken_over = await phone_change.take_over(later, 10)

    assert [importing.counts(run) for run in (record, confirmed, again)] == [
        (0, 0, 1, 0),
        (0, 1, 0, 0),
        (0, 0, 1, 0),
    ]
    assert taken_over == 0


STRAY_PHONE = {"kind": "phone", "ref": "p9", "body": {"phone": "+48600000777"}}


@pytest.mark.parametrize(
    ("line", "code", "field"),
    [
        (person(9, identifier="44051401358"), "identifier_check_digit", "body.identifier"),
        (person(9, identifier=importing.nonresident(1)), "identifier_taken", "body.identifier"),
        (person(9, phone="+48221234567"), "phone_not_mobile", "body.phone"),
        (account(9), "person_unknown", "body.people"),
        (account(1, currency="XTS"), "currency_unknown", "body.currency"),
        (account(1, currency="EUR"), "currency_fixed", "body.currency"),
        (card(9, pan="4000001000000011"), "luhn", "body.pan"),
        (card(9, pan="5555555555554444"), "unknown_range", "body.pan"),
        (card(9), "account_unknown", "body.account_ref"),
        (card(9, account_ref="a1"), "person_unknown", "body.person_ref"),
        ({**card(1), "ref": "c9"}, "other_reference", "body.pan"),
        (card(1, pan=people.pan(8)), "pan_fixed", "body.pan"),
        ({**card(1), "ref": people.pan(1)}, "personal_data", "ref"),
        ({**card(1), "kind": "cards"}, "not_in_list", "kind"),
        (card(1, exp="2913"), "bad_format", "body.exp"),
        (card(1, cvv2="123"), "unknown_field", "body.cvv?"),
        (limits(9, per_tx=1), "not_found", "ref"),
        (limits(1, per_tx=-1), "out_of_range", "body.per_tx"),
        (STRAY_PHONE, "person_unknown", "ref"),
    ],
)  # fmt: skip
async def test_a_refused_line_is_named_and_stops_nothing(
    by: imports.Hands, pool: asyncpg.Pool, line: importing.Line, code: str, field: str
) -> None:
    run = await bring(by, [*bank(1), line, *bank(2)])

    assert counts(run) == (6, 0, 0, 1)
    assert await importing.errors(pool, run) == [(4, code, field)]


async def test_what_is_no_record_is_an_error_of_its_line(
    by: imports.Hands, pool: asyncpg.Pool
) -> None:
    lines = [b"hello\n", b"\n", b"[]\n", b'{"kind":"card","kind":"card"}\n', b"\xff\n"]
    long = b'{"kind": "person", "ref": "' + b"x" * 100_000 + b'"}\n'
    run = await bring(by, b"".join([*lines, long]) + importing.file_of([person(1)]).strip())

    assert counts(run) == (1, 0, 0, 6)
    assert [code for _, code, _ in await importing.errors(pool, run)] == [
        "bad_json", "bad_json", "bad_json", "repeated_field", "bad_json", "too_large",
    ]  # fmt: skip


async def test_a_byte_order_mark_before_the_first_line_is_no_part_of_it(by: imports.Hands) -> None:
    mark = "\ufeff".encode()
    file = importing.file_of([person(1)]) + mark + importing.file_of([person(2)])

    assert counts(await bring(by, mark + file)) == (1, 0, 0, 1)


async def test_errors_and_audit_hold_no_number(by: imports.Hands, pool: asyncpg.Pool) -> None:
    lines = [*bank(1), {**card(1), "ref": "c9"}, person(9, phone="+48221234567")]
    await bring(by, lines)
    rows = [*await pool.fetch("SELECT * FROM enrollment.import_error")]
    rows += await pool.fetch("SELECT * FROM audit.event")
    text = json.dumps([dict(row) for row in rows], default=str)

    for number in (people.pan(1), importing.nonresident(1), "600000001", "221234567"):
        assert number not in text


async def test_an_import_is_audited_with_what_it_made(
    by: imports.Hands, pool: asyncpg.Pool
) -> None:
    run = await bring(by, bank(1, 2))
    rows = await pool.fetch(
        "SELECT object, details FROM audit.event WHERE name = 'import.batch' ORDER BY event_id"
    )
    card_ids = await pool.fetch("SELECT card_id FROM enrollment.card ORDER BY card_id")

    assert {row["object"] for row in rows} == {str(run.run_id)}
    told = [json.loads(row["details"]) for row in rows]
    assert [one["kind"] for one in told] == ["person", "account", "card"]
    assert told[2]["created"] == [str(row["card_id"]) for row in card_ids]


async def test_a_caller_brings_only_what_it_may(
    pool: asyncpg.Pool, keys: Keys, now: datetime
) -> None:
    poor = hands(pool, keys, now, frozenset({"person:write"}))
    run = await bring(poor, bank(1))
    phone = await bring(poor, [person(1, phone="+48600000777")])

    assert counts(run) == (1, 0, 0, 2)
    assert await importing.errors(pool, run) == [
        (2, "scope_missing", "kind"), (3, "scope_missing", "kind"),
    ]  # fmt: skip
    assert await importing.errors(pool, phone) == [(1, "scope_missing", "body.phone")]


class Killed(Exception):
    """The process died."""


class _DyingPool:
    """A pool whose process dies before one of its transactions, or just after its commit."""

    def __init__(self, pool: Any, transaction: int, *, after: bool) -> None:
        self._pool, self._left, self._after = pool, transaction, after
        self._is_dead = False

    @asynccontextmanager
    async def transaction(self) -> AsyncIterator[Any]:
        self._left -= 1
        is_last = self._left == 0
        self._is_dead |= is_last and not self._after
        self._stop_if_dead()
        async with self._pool.transaction() as conn:
            yield conn
            self._stop_if_dead()
        self._is_dead |= is_last
        self._stop_if_dead()

    def _stop_if_dead(self) -> None:
        if self._is_dead:
            raise Killed


@pytest.mark.parametrize("after", [False, True])
@pytest.mark.parametrize("transaction", range(1, 14))
async def test_killed_anywhere_and_run_again_it_is_whole(
    by: imports.Hands,
    pool: asyncpg.Pool,
    monkeypatch: pytest.MonkeyPatch,
    transaction: int,
    after: bool,
) -> None:
    monkeypatch.setattr(imports, "BATCH_LINES", 6)
    lines = [*bank(1, 2), {**card(1), "ref": "c9"}, *bank(3, 4), card(2, product="gold")]
    content = importing.file_of(lines)
    run = await importing.begin(by, content, b"s" * 32)
    dying = replace(by, pool=_DyingPool(by.pool, transaction, after=after))
    with pytest.raises(Killed):
        await imports.carry_on(dying, io.BytesIO(content), run)
    async with pool.acquire() as conn:
        found = await store.unfinished(conn, b"s" * 32, by.actor.name)
    if found is None:  # it died after its last commit
        assert await pool.fetchval("SELECT state FROM enrollment.import_run") == "done"
    else:
        source = io.BytesIO(content)
        source.seek(found.bytes_done)
        ended = await imports.carry_on(by, source, found)
        assert (ended.state, ended.lines_done, ended.refused) == ("done", 14, 1)

    assert await count(pool, "person") == await count(pool, "account") == 4
    assert await count(pool, "card") == await count(pool, "enrolment") == 4
    assert await count(pool, "import_error") == 1
    assert await pool.fetchval("SELECT product FROM enrollment.card WHERE ref = 'c2'") == "gold"


class _Endless:
    """Lines made as they are read, so that the test holds none of them."""

    def __init__(self, people_count: int) -> None:
        self._lines = (line for number in range(people_count) for line in bank(number))

    def readline(self, _limit: int) -> bytes:
        line = next(self._lines, None)
        return b"" if line is None else json.dumps(line).encode() + b"\n"


async def test_memory_is_that_of_a_few_batches(by: imports.Hands) -> None:
    """Twenty thousand lines are read in the memory of a few hundred (MiB, traced)."""
    run = await importing.begin(by, None)
    tracemalloc.start()
    try:
        ended = await imports.carry_on(by, _Endless(6_667), run)
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()

    assert (ended.lines_done, ended.refused) == (20_001, 0)
    assert peak < 16 * 1024 * 1024


class _Waiting:
    """A source whose next line comes only when the test lets it."""

    def __init__(self) -> None:
        self.may_end = threading.Event()

    def readline(self, _limit: int) -> bytes:
        self.may_end.wait(20)
        return b""


class _Stumbling:
    """A pool that has no connection for the first ones who ask."""

    def __init__(self, pool: Pool, failures: int) -> None:
        self.pool, self.failures = pool, failures

    def transaction(self) -> AbstractAsyncContextManager[Any]:
        self.failures -= 1
        if self.failures >= 0:
            raise asyncpg.TooManyConnectionsError
        return self.pool.transaction()


async def _told_anew(pool: asyncpg.Pool, by: imports.Hands, run: store.Run) -> store.Run:
    """Wait until an import says again that it is at work."""
    seen = run
    async with asyncio.timeout(100):
        while seen.updated_at == run.updated_at:
            async with pool.acquire() as conn:
                found = await imports.find(conn, run.run_id, by.actor.name)
            assert found is not None
            seen = found
    return seen


@pytest.mark.parametrize("failures", [0, 2])
async def test_an_import_at_work_says_so_however_long_a_batch_takes(
    by: imports.Hands, pool: asyncpg.Pool, monkeypatch: pytest.MonkeyPatch, failures: int
) -> None:
    monkeypatch.setattr(imports, "_BEAT_S", 0.001)
    run = await importing.begin(by, b"", b"s" * 32)
    later = replace(
        by,
        pool=_Stumbling(by.pool, failures),
        clock=lambda: run.updated_at + timedelta(minutes=5),
    )
    source = _Waiting()
    at_work = asyncio.create_task(imports.carry_on(later, source, run))
    seen = await _told_anew(pool, by, run)

    assert imports.is_interrupted(run, later.clock())
    assert not imports.is_interrupted(seen, later.clock())
    source.may_end.set()
    assert (await at_work).state == "done"


async def test_an_import_that_waits_for_its_turn_says_so_and_does_nothing_else(
    by: imports.Hands, pool: asyncpg.Pool, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(imports, "_BEAT_S", 0.001)
    content, turn = importing.file_of(bank(1)), asyncio.Lock()
    run, source = await importing.begin(by, content), io.BytesIO(content)
    later = replace(by, clock=lambda: run.updated_at + timedelta(minutes=5))
    await turn.acquire()  # as by another import of the process
    waiting = asyncio.create_task(imports.carry_on(later, source, run, turn=turn))
    await _told_anew(pool, by, run)
    assert (source.tell(), await count(pool, "person")) == (0, 0)

    turn.release()
    assert counts(await waiting) == (3, 0, 0, 0)
    assert not turn.locked()


class _Counting:
    """Lends connections, and tells when it has lent so many."""

    def __init__(self, pool: Pool, many: int) -> None:
        self._pool, self._left = pool, many
        self.has_lent = asyncio.Event()

    @asynccontextmanager
    async def transaction(self) -> AsyncIterator[Any]:
        async with self._pool.transaction() as conn:
            yield conn
        self._left -= 1
        if not self._left:
            self.has_lent.set()


@pytest.mark.parametrize("stage", ["people", "cards"])
async def test_an_import_waits_for_that_of_another_process_longer_than_for_any_lock(
    by: imports.Hands, dsn: str, stage: str
) -> None:
    content = importing.file_of(bank(1))
    run = await importing.begin(by, content)
    hasty = {"role": "acs_app", "lock_timeout": "1ms"}
    async with asyncpg.create_pool(dsn, min_size=1, server_settings=hasty) as pool:
        lends = _Counting(hands(pool, by.keys, by.clock()).pool, 5)
        async with by.pool.transaction() as other:
            assert await store.begin(other, stage)
            here = replace(by, pool=lends)
            waiting = asyncio.create_task(imports.carry_on(here, io.BytesIO(content), run))
            lent = asyncio.create_task(lends.has_lent.wait())
            async with asyncio.timeout(100):
                await asyncio.wait({waiting, lent}, return_when=asyncio.FIRST_COMPLETED)
            assert not waiting.done()
        assert counts(await waiting) == (3, 0, 0, 0)


async def test_an_import_that_fails_leaves_its_turn_to_the_next(by: imports.Hands) -> None:
    content, turn = importing.file_of(bank(1)), asyncio.Lock()
    run, next_run = [await importing.begin(by, content) for _ in range(2)]
    without = replace(by, pool=_Stumbling(by.pool, 1))
    with pytest.raises(asyncpg.TooManyConnectionsError):
        await imports.carry_on(without, io.BytesIO(content), run, turn=turn)

    done = await imports.carry_on(by, io.BytesIO(content), next_run, turn=turn)
    assert counts(done) == (3, 0, 0, 0)

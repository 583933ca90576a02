"""Whatever happens to the log by the rules, it verifies; whatever else happens to it, it does not.

The course of a log is drawn from a seed: events, links, months that turn, commits that come late,
months that are let go. Then each way to tamper with what is left is tried by itself, with the
rights of the tables' owner and no key, and taken back.
"""

from __future__ import annotations

import random
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

import pytest

from acs.chain_gaps import EVENT, LOG, LetGo
from acs.store import audit_chain, audit_months, partitions
from schemas import audit
from schemas.vault import KeyRing
from tests.acs.store.audit_log import begin, faults, moment, month, seal, write

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    import asyncpg

    from schemas.vault import Keys
    from tests.acs.store.audit_log import Conn

MONTHS = 6
A_LINK = "(SELECT s.seq FROM audit.seal s ORDER BY s.seq OFFSET {place} LIMIT 1)"
AN_EVENT = "(SELECT s.event_id FROM audit.seal s ORDER BY s.seq OFFSET {place} LIMIT 1)"
"""A link that is not the last one, and its event: a tail that is cut is told by ``--expect``."""
TOLD = f"object = '{LOG}' AND name = '{EVENT}'"

TAMPERING = {
    "an event is removed": f"DELETE FROM audit.event WHERE event_id = {AN_EVENT}",
    "a link is removed": f"DELETE FROM audit.seal WHERE seq = {A_LINK}",
    "an event is removed with its link": f"""
        WITH gone AS (DELETE FROM audit.seal WHERE seq = {A_LINK} RETURNING event_id)
        DELETE FROM audit.event e USING gone g WHERE e.event_id = g.event_id""",
    "the beginning is removed": f"""
        WITH gone AS (DELETE FROM audit.seal WHERE seq <= {A_LINK} RETURNING event_id)
        DELETE FROM audit.event e USING gone g WHERE e.event_id = g.event_id""",
    "an outcome is changed": f"UPDATE audit.event SET outcome = 'no' WHERE event_id = {AN_EVENT}",
    "a time is changed": f"""
        UPDATE audit.event SET at = at + interval '1 ms' WHERE event_id = {AN_EVENT}""",
    "a hash is changed": f"UPDATE audit.event SET mac = sha256('x') WHERE event_id = {AN_EVENT}",
    "a link is changed": f"UPDATE audit.seal SET mac = sha256('x') WHERE seq = {A_LINK}",
    "an event takes the place of another": f"""
        UPDATE audit.event e
           SET (at, name, object, outcome, details, mac)
             = (SELECT o.at, o.name, o.object, o.outcome, o.details, o.mac FROM audit.event o
                 WHERE o.event_id = (SELECT max(event_id) FROM audit.seal))
         WHERE e.event_id = {AN_EVENT}""",
    "links are numbered anew": "UPDATE audit.seal SET seq = seq + 1000",
}
OF_MONTHS = {
    "what went is not told of": f"DELETE FROM audit.event WHERE {TOLD}",
    "what went is not told of, nor linked": f"""
        WITH gone AS (DELETE FROM audit.event WHERE {TOLD} RETURNING event_id)
        DELETE FROM audit.seal s USING gone g WHERE s.event_id = g.event_id""",
    "what went is told otherwise": f"""
        UPDATE audit.event
           SET details = jsonb_set(details, '{{gaps}}', jsonb_build_array(
                   '1-' || (SELECT min(seq) FROM audit.seal) || ':' ||
                   (SELECT encode(mac, 'hex') FROM audit.seal ORDER BY seq LIMIT 1)))
         WHERE {TOLD}""",
    "more goes than was told": """
        WITH gone AS (DELETE FROM audit.seal
                       WHERE seq = (SELECT min(seq) FROM audit.seal) RETURNING event_id)
        DELETE FROM audit.event e USING gone g WHERE e.event_id = g.event_id""",
}


class Course:
    """A log that goes its way by the rules, as the dice say."""

    def __init__(self, db: Conn, late: Conn, ring: KeyRing, dice: random.Random) -> None:
        self.db, self.late, self.ring, self.dice = db, late, ring, dice
        self.month, self.gone = 0, 0
        self.open: asyncpg.transaction.Transaction | None = None

    async def run(self) -> None:
        """Go through all months; verify after every step."""
        while self.month < MONTHS - 1:
            step = self.dice.choice(
                [self.write, self.write, self.seal, self.seal, self.turn, self.begin_late,
                 self.end_late, self.let_go]
            )  # fmt: skip
            await step()
            assert await faults(self.db, self.ring) == ()
        await self.end_late()
        while await seal(self.db, self.ring):
            pass

    async def write(self) -> None:
        await write(self.db, self.ring, moment(self.month), self.dice.randint(1, 5))

    async def seal(self) -> None:
        await seal(self.db, self.ring, self.dice.randint(1, 8))

    async def turn(self) -> None:
        self.month += 1
        assert await partitions.turn(self.db, month(self.month)) == "turned"

    async def begin_late(self) -> None:
        if self.open is None:
            self.open = self.late.transaction()
            await self.open.start()
            await write(self.late, self.ring, moment(self.month, 25))

    async def end_late(self) -> None:
        if self.open is not None:
            await self.open.commit()
            self.open = None

    async def let_go(self) -> None:
        if self.month and self.open is None:  # nobody's transaction is open for a year
            number = self.dice.randrange(self.month)
            end = datetime.combine(month(number + 1), datetime.min.time(), UTC)
            now = end + timedelta(days=400)
            async with self.db.transaction():
                told = await audit_months.let_go(self.db, self.ring, end, now)
            self.gone += isinstance(told, LetGo)


@pytest.fixture
async def log(
    db: Conn, owner: Conn, pool: asyncpg.Pool, keys: Keys, request: pytest.FixtureRequest
) -> AsyncIterator[Course]:
    """Give a log that has gone its way, with at least one month that was let go of."""
    await begin(owner, MONTHS)
    dice = random.Random(request.param)
    async with pool.acquire() as late:
        course = Course(db, late, keys.audit, dice)
        await course.write()
        await course.seal()
        await course.run()
        while not course.gone:
            await course.write()
            await course.seal()
            await course.let_go()
        while await seal(db, keys.audit):
            pass
        await course.write()
        await course.seal()
        yield course


@pytest.mark.parametrize("log", range(5), indirect=True)
async def test_a_log_that_goes_by_the_rules_verifies_and_no_other_does(
    log: Course, owner: Conn, keys: Keys
) -> None:
    assert await faults(owner, keys.audit) == ()
    links = await owner.fetchval("SELECT count(*) FROM audit.seal")
    unnoticed = []
    for what, statement in (TAMPERING | OF_MONTHS).items():
        text = statement.replace("{place}", str(log.dice.randrange(links - 1)))
        back = owner.transaction()
        await back.start()
        await owner.execute("SET LOCAL session_replication_role = replica")
        done = await owner.execute(text)
        assert not done.endswith(" 0"), (what, done)
        if await faults(owner, keys.audit) == ():
            unnoticed.append((what, text))
        await back.rollback()
    assert unnoticed == []
    assert await faults(owner, keys.audit) == ()


@pytest.mark.parametrize("linked_by", ["nobody", "the forger", "the service"])
@pytest.mark.parametrize("log", [3], indirect=True)
async def test_who_has_no_key_tells_of_no_month(
    log: Course, owner: Conn, keys: Keys, linked_by: str
) -> None:
    """Links are removed, and an event is made up that tells of them as the service would."""
    forger = KeyRing("k2", {"k2": b"another key of thirty-two bytes!"})
    told = await audit_chain.months_let_go(owner, keys.audit)
    first = await owner.fetchrow("SELECT seq, mac, event_id FROM audit.seal ORDER BY seq LIMIT 1")
    back = owner.transaction()
    await back.start()
    await owner.execute("SET LOCAL session_replication_role = replica")
    await owner.execute("DELETE FROM audit.seal WHERE seq = $1", first["seq"])
    await owner.execute("DELETE FROM audit.event WHERE event_id = $1", first["event_id"])
    event = told[-1].event()
    gaps = [f"1-{first['seq']}:{first['mac'].hex()}"]
    forged = audit.AuditEvent(
        event.at, event.name, event.actor_kind, event.actor, event.object, event.outcome,
        details={**event.details, "gaps": gaps},
    )  # fmt: skip
    await audit.append(owner, forger, forged)
    if linked_by != "nobody":
        await audit_chain.seal(owner, forger if linked_by == "the forger" else keys.audit, 10)
    assert await faults(owner, keys.audit) != ()
    await back.rollback()


@pytest.mark.parametrize("log", range(3), indirect=True)
async def test_a_tail_that_is_cut_is_told_by_a_link_that_was_kept(
    log: Course, owner: Conn, keys: Keys
) -> None:
    last = await owner.fetchrow("SELECT seq, mac FROM audit.seal ORDER BY seq DESC LIMIT 1")
    kept = f"{last['seq']}:{last['mac'].hex()}"
    assert await faults(owner, keys.audit, kept) == ()
    back = owner.transaction()
    await back.start()
    await owner.execute("SET LOCAL session_replication_role = replica")
    await owner.execute(
        "WITH gone AS (DELETE FROM audit.seal WHERE seq = $1 RETURNING event_id)"
        " DELETE FROM audit.event e USING gone g WHERE e.event_id = g.event_id",
        last["seq"],
    )
    assert await faults(owner, keys.audit, kept) != ()
    await back.rollback()

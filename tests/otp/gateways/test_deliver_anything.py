"""Random lives of messages: workers die at any line, providers do anything, time jumps.

A failure names its seed; ``ACS_TEST_SEED=7`` lives that one only, ``ACS_TEST_LIVES=500`` so many.
"""

from __future__ import annotations

import asyncio
import os
import random
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any
from uuid import UUID, uuid4

import pytest

from otp import flows
from otp.gateways.deliver import Delivery
from otp.gateways.port import (
    Accepted,
    Rejected,
    Report,
    ReportState,
    SendOutcome,
    SmsJob,
    Unknown,
)
from otp.gateways.router import Route
from otp.model import Issued, SmsState
from otp.notices import Notice, NoticeKind
from tests.otp.fakes import MANY, PHONE, Post, RecordingSmsGateway, payment
from tests.records import replace

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    import asyncpg

    from schemas.vault import Keys

_ONE = os.environ.get("ACS_TEST_SEED")
_MANY = int(os.environ.get("ACS_TEST_LIVES", "5"))
SEEDS = range(_MANY) if _ONE is None else [int(_ONE)]
STEPS = 50
_WAYS = ("takes", "refuses", "never", "takes in silence", "silent", "dies before", "dies after")
_MOODS = ((20, 1, 1, 1, 1, 1, 1), (1, 6, 1, 1, 1, 1, 1), (1, 1, 1, 6, 6, 3, 3))


class DiedError(Exception):
    """The process is gone."""


@dataclass(slots=True)
class Carrier(RecordingSmsGateway):
    """A provider in a mood: what it took is what reaches the phone."""

    dice: random.Random = field(default_factory=random.Random)
    mood: tuple[int, ...] = _MOODS[0]
    knows: float = 0.0
    taken: list[SmsJob] = field(default_factory=list)

    async def send(self, job: SmsJob) -> SendOutcome:
        """Take the message or not, and say so or not."""
        await asyncio.sleep(0)
        (way,) = self.dice.choices(_WAYS, self.mood)
        match way:
            case "refuses":
                return Rejected(retryable=True, reason="busy")
            case "never":
                return Rejected(retryable=False, reason="no")
            case "silent":
                return Unknown("silent")
            case "dies before":
                raise DiedError
            case _:
                self._take(job)
        await asyncio.sleep(0)
        if way == "dies after":
            raise DiedError
        return Accepted(self._id(job)) if way == "takes" else Unknown("silent")

    async def find_out(self, job: SmsJob) -> SendOutcome:
        """Tell the truth, or that it cannot tell."""
        if self.dice.random() > self.knows:
            return Unknown("cannot tell")
        if any(one.sms_id == job.sms_id for one in self.taken):
            return Accepted(self._id(job))
        return Rejected(retryable=True, reason="not here")

    def _take(self, job: SmsJob) -> None:
        is_known = any(one.sms_id == job.sms_id for one in self.taken)
        if not (self.idempotent and is_known):
            self.taken.append(job)

    def _id(self, job: SmsJob) -> str:
        return f"{self.name}-{job.sms_id}"


@dataclass
class MortalPool:
    """A pool that is gone after so many more connections, or while one is given back."""

    pool: asyncpg.Pool
    left: int | None = None

    @asynccontextmanager
    async def acquire(self) -> AsyncIterator[Any]:
        """Lend a connection, unless the process is dead by now."""
        if self.left == 0:
            raise DiedError
        async with self.pool.acquire() as conn:
            yield conn
        if self.left is not None:
            self.left -= 1
            if self.left == 0:
                raise DiedError


@dataclass
class Life:
    """One life: its dice, its workers, and the messages issued by challenge and number."""

    office: Post
    dice: random.Random
    carriers: tuple[Carrier, ...]
    workers: list[tuple[Delivery, MortalPool]] = field(default_factory=list)
    issued: dict[tuple[UUID, int], Issued] = field(default_factory=dict)
    told: list[UUID] = field(default_factory=list)
    born: int = 0

    def hire(self) -> tuple[Delivery, MortalPool]:
        """Start a process."""
        self.born += 1
        pool = MortalPool(self.office.pool)
        ports = replace(self.office.ports(f"w{self.born}"), pool=pool)
        return Delivery(ports), pool

    async def step(self) -> None:
        """Do some things, several of them at once."""
        acts = (self.issue, self.resend, self.work, self.tell, self.send, self.report)
        chosen = self.dice.choices(acts, (6, 3, 2, 2, 6, 3), k=self.dice.randint(1, 4))
        if self.dice.random() < 0.3:
            place = self.dice.randrange(len(self.workers))
            self.workers[place][1].left = self.dice.randint(1, 6)
        await asyncio.gather(*(act() for act in chosen))
        for place, (_, pool) in enumerate(self.workers):
            if pool.left == 0:
                self.workers[place] = self.hire()
        for carrier in self.carriers:
            if self.dice.random() < 0.2:
                carrier.mood = self.dice.choice(_MOODS)
        self.office.now += timedelta(seconds=self.dice.choice([0, 1, 5, 30, 31, 80, 81]))

    async def issue(self) -> None:
        await self._issue(uuid4())

    async def resend(self) -> None:
        if self.issued:
            challenge_id, _ = self.dice.choice(list(self.issued)[-5:])
            await self._issue(challenge_id)

    async def _issue(self, challenge_id: UUID) -> None:
        async with self.office.pool.acquire() as conn, conn.transaction():
            issued = await flows.issue(
                conn, self.office.keys, MANY, payment(challenge_id), self.office.now
            )
        if isinstance(issued, Issued):
            self.issued[challenge_id, issued.seq] = issued

    async def tell(self) -> None:
        """Tell somebody something, then work as well."""
        notice = Notice(NoticeKind.PIN_CHANGED, PHONE, "pl")
        async with self.office.pool.acquire() as conn, conn.transaction():
            sms_id = await flows.notify(conn, self.office.keys, MANY, notice, self.office.now)
        assert sms_id is not None
        self.told.append(sms_id)
        await self.work()

    async def work(self) -> None:
        await self._alive_or_dead(self.dice.choice(self.workers)[0].deliver_due(5))

    async def send(self) -> None:
        if self.issued:
            issued = self.dice.choice(list(self.issued.values())[-8:])
            delivery, _ = self.dice.choice(self.workers)
            await self._alive_or_dead(delivery.deliver(issued.sms_id))

    async def report(self) -> None:
        carrier = self.dice.choice(self.carriers)
        if carrier.taken:
            job = self.dice.choice(carrier.taken[-5:])
            by_ours = self.dice.random() < 0.5
            told = Report(
                carrier.name,
                job.sms_id if by_ours else None,
                None if by_ours else f"{carrier.name}-{job.sms_id}",
                self.dice.choice(list(ReportState)),
            )
            await self._alive_or_dead(self.dice.choice(self.workers)[0].take_report(told))

    @staticmethod
    async def _alive_or_dead(doing: Any) -> None:
        try:
            await doing
        except DiedError:
            return

    async def rest(self) -> None:
        """Let everything come to rest."""
        for carrier in self.carriers:
            carrier.mood = (1, 0, 0, 0, 0, 0, 0)
        last, _ = self.hire()
        for _ in range(8):
            self.office.now += timedelta(seconds=90)
            while await last.deliver_due(50):
                continue
        await last.tidy_reports(500)

    async def broken(self) -> list[str]:
        """Name the laws that do not hold."""
        most = 2 if self.office.same_text_on_unknown else 1
        rows = {row["sms_id"]: row for row in await self.office.pool.fetch(_ROWS)}
        found = []
        lives = {issued.sms_id: (str(about), 300) for about, issued in self.issued.items()}
        lives |= dict.fromkeys(self.told, ("notice", 86_400))
        for sms_id, (about, valid_s) in lives.items():
            row = rows[sms_id]
            taken = [
                (carrier.name, job)
                for carrier in self.carriers
                for job in carrier.taken
                if job.sms_id == sms_id
            ]
            where = f"{about}: {dict(row)}, taken {[name for name, _ in taken]}"
            codes = {job.text.reveal() for _, job in taken}
            state = SmsState(row["state"])
            found += [
                f"{what}, {where}"
                for what, is_so in {
                    "too many texts": len(taken) > most,
                    "two texts of one number": len(codes) > 1,
                    "not at rest": state in {SmsState.QUEUED, SmsState.SENDING},
                    "sent by nobody": state is SmsState.SENT and not taken,
                    "it did leave": state in {SmsState.FAILED, SmsState.EXPIRED} and taken,
                    "valid too long": any(job.validity_s > valid_s for _, job in taken),
                    "still readable": row["readable"],
                }.items()
                if is_so
            ]
        return found


_ROWS = """
SELECT sms_id, state, provider, doubted_provider, attempts, reason, report_state,
       text_sealed IS NOT NULL AS readable
FROM otp.outbox"""


@pytest.mark.parametrize("same_text", [False, True])
@pytest.mark.parametrize("seed", SEEDS)
async def test_a_message_leaves_once_or_says_that_it_may_not_have(
    pool: asyncpg.Pool, keys: Keys, now: datetime, *, seed: int, same_text: bool
) -> None:
    dice = random.Random(seed)
    carriers = tuple(
        Carrier(
            name,
            idempotent=name == "a",
            dice=dice,
            mood=dice.choice(_MOODS),
            knows=dice.choice([0.0, 0.0, 0.3]),
        )
        for name in "abc"
    )
    office = Post(pool, keys, now, carriers)
    office.same_text_on_unknown = same_text
    office.routes = (Route("48", {"a": 2, "b": 1, "c": 0}),)
    life = Life(office, dice, carriers)
    life.workers = [life.hire() for _ in range(3)]
    for _ in range(STEPS):
        await life.step()
    found = [line for line in await life.broken() if not line.startswith(("not at", "still"))]
    await life.rest()

    found += await life.broken()
    # One row per challenge holds its one code, under the number of its newest message.
    numbers = await pool.fetch("SELECT challenge_id, seq FROM otp.code")
    newest: dict[UUID, int] = {}
    for challenge_id, seq in life.issued:
        newest[challenge_id] = max(seq, newest.get(challenge_id, 0))
    assert found == [], f"ACS_TEST_SEED={seed}"
    assert dict(map(tuple, numbers)) == newest
    assert sum(len(carrier.taken) for carrier in carriers) > 5

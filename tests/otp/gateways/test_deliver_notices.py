"""Notices beside codes: a code is never refused, nor waits, for any number of notices.

The law is tried in random courses; a failure names its seed, ``ACS_TEST_SEED=7`` runs that one
only.
"""

from __future__ import annotations

import asyncio
import os
import random
from collections import Counter
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

import asyncpg
import pytest

from otp import flows
from otp.gateways import outbox
from otp.gateways.port import Rejected
from otp.model import Issued, Refused, SendRefusal, SmsState
from otp.notices import Notice, NoticeKind
from otp.policy import notice_share
from tests.otp.fakes import LEASE, MANY, PHONE, Post, RecordingSmsGateway, payment
from tests.records import replace

if TYPE_CHECKING:
    from uuid import UUID

    from schemas.vault import Keys

_ONE = os.environ.get("ACS_TEST_SEED")
SEEDS = range(6) if _ONE is None else [int(_ONE)]
BUSY = Rejected(retryable=True, reason="http_503")
SMALL = replace(MANY, total_minute=50, total_hour=100, total_day=200, notice_share_pct=20)
HELD = "SELECT count(*) FROM otp.outbox WHERE kind = 'held' AND state = 'queued'"


@dataclass
class Bank(Post):
    """A post office of one provider that also tells notices."""

    told: list[UUID] = field(default_factory=list)

    @property
    def gateway(self) -> RecordingSmsGateway:
        """The provider."""
        return self.gateways[0]

    async def tell(
        self, kind: NoticeKind = NoticeKind.PIN_CHANGED, *, is_bulk: bool = False
    ) -> UUID:
        """Tell somebody something."""
        notice = Notice(kind, PHONE, "pl", {"last4": "0694"}, is_bulk=is_bulk)
        async with self.pool.acquire() as conn, conn.transaction():
            sms_id = await flows.notify(conn, self.keys, self.policy, notice, self.now)
        assert sms_id is not None
        self.told.append(sms_id)
        return sms_id

    async def ask(self) -> Issued | Refused:
        """Ask for a payment's code."""
        async with self.pool.acquire() as conn, conn.transaction():
            return await flows.issue(conn, self.keys, self.policy, payment(), self.now)

    async def claim_notices(self, most: int = 10) -> list[UUID]:
        """Take notices as a worker does."""
        async with self.pool.acquire() as conn:
            claims = await outbox.claim_notices(
                conn,
                self.policy,
                worker="w1",
                idempotent=[],
                now=self.now,
                lease_began=self.now - LEASE,
                most=most,
            )
        return [claim.sms_id for claim in claims]

    async def budget(self) -> int:
        """Give how many messages were taken from the budget of the day."""
        return int(await self.pool.fetchval("SELECT sum(day_used) FROM otp.budget"))


@pytest.fixture
def bank(pool: asyncpg.Pool, keys: Keys, now: datetime) -> Bank:
    """A bank with a budget of 50, 100 and 200 messages, at the end of a minute."""
    made = Bank(pool, keys, now + timedelta(seconds=59), (RecordingSmsGateway(),))
    made.policy = SMALL
    return made


async def _drain(bank: Bank) -> None:
    delivery = bank.delivery()
    while await delivery.deliver_due(10):
        continue


async def test_any_number_of_notices_leaves_codes_all_but_their_share(bank: Bank) -> None:
    for _ in range(60):
        await bank.tell(is_bulk=True)
    await _drain(bank)
    asked = [await bank.ask() for _ in range(41)]

    assert [isinstance(one, Issued) for one in asked] == [True] * 40 + [False]
    assert asked[-1] == Refused(SendRefusal.TOTAL, 1)
    assert len(bank.gateway.sent) == 10


async def test_notices_above_their_share_wait_and_leave_once_in_their_order(bank: Bank) -> None:
    told = [await bank.tell() for _ in range(25)]
    left = []
    for minutes in (0, 1, 60, 61):
        bank.now = bank.now.replace(hour=10, minute=0) + timedelta(minutes=minutes)
        await _drain(bank)
        left.append(len(bank.gateway.sent))

    assert left == [10, 20, 25, 25]
    sent = [job.sms_id for job in bank.gateway.sent]
    assert sorted(sent[:10]) == sorted(told[:10])
    assert (len(set(sent)), await bank.budget()) == (25, 25)


async def test_notices_leave_evenly_over_the_minute(bank: Bank) -> None:
    for _ in range(12):
        await bank.tell()
    left = []
    for second in (0, 0, 5, 29, 30, 59):
        bank.now = bank.now.replace(second=second)
        await _drain(bank)
        left.append(len(bank.gateway.sent))

    assert left == [1, 1, 1, 5, 6, 10]


async def test_a_code_is_taken_before_notices_that_waited_longer(bank: Bank) -> None:
    for _ in range(12):
        await bank.tell()
    bank.now += timedelta(seconds=1)
    code = await bank.ask()
    assert isinstance(code, Issued)

    await bank.delivery().deliver_due(1)

    assert [job.sms_id for job in bank.gateway.sent] == [code.sms_id]


async def test_a_code_leaves_whatever_becomes_of_notices(
    bank: Bank, owner: asyncpg.Connection
) -> None:
    await owner.execute("REVOKE ALL ON otp.notice_budget FROM acs_app")
    code = await bank.ask()
    assert isinstance(code, Issued)
    delivery = bank.delivery()
    with pytest.raises(asyncpg.InsufficientPrivilegeError):
        await delivery.deliver_due(10)
    await delivery.close()

    assert await bank.state(code.sms_id) is SmsState.SENT


async def test_what_somebody_did_is_told_before_what_a_file_did(bank: Bank) -> None:
    in_bulk = [await bank.tell(is_bulk=True) for _ in range(3)]
    bank.now += timedelta(seconds=-1)
    by_hand = await bank.tell()

    assert (await bank.claim_notices(1), await bank.claim_notices(1)) == ([by_hand], in_bulk[:1])


async def test_a_file_that_is_brought_in_holds_up_no_code(bank: Bank) -> None:
    """Else who pays waits for a lane of the budget until the file's transaction has ended."""
    notice = Notice(NoticeKind.PHONE_CHANGED, PHONE, "pl", {"phone": "+48"})
    async with bank.pool.acquire() as file, file.transaction():
        for _ in range(200):
            await flows.notify(file, bank.keys, MANY, notice, bank.now)
        async with bank.pool.acquire() as conn, conn.transaction():
            await conn.execute("SET LOCAL lock_timeout = '1s'")
            issued = await flows.issue(conn, bank.keys, MANY, payment(), bank.now)

    assert isinstance(issued, Issued)


async def test_many_workers_and_many_codes_at_once_pass_neither_share_nor_budget(
    bank: Bank,
) -> None:
    for _ in range(60):
        await bank.tell()
    asked, claimed = await asyncio.gather(
        asyncio.gather(*(bank.ask() for _ in range(60))),
        asyncio.gather(*(bank.claim_notices(3) for _ in range(20))),
    )
    afterwards = [await bank.ask() for _ in range(50)]

    notices = [sms_id for one in claimed for sms_id in one]
    codes = sum(isinstance(one, Issued) for one in [*asked, *afterwards])
    assert len(notices) == len(set(notices)) <= 10
    assert codes == 50 - len(notices)
    assert await bank.budget() == 50


async def test_a_password_is_awaited_like_a_code_and_has_the_whole_budget(bank: Bank) -> None:
    for _ in range(20):
        await bank.tell()
    await _drain(bank)
    password = Notice(
        NoticeKind.REGISTRATION_PASSWORD,
        PHONE,
        "pl",
        {"password": "ABC", "minutes": "60"},
    )
    async with bank.pool.acquire() as conn:
        sent = [
            await flows.notify(conn, bank.keys, bank.policy, password, bank.now) for _ in range(41)
        ]
    assert [one is not None for one in sent] == [True] * 40 + [False]
    assert sent[0] is not None
    assert await bank.delivery().deliver(sent[0]) is SmsState.SENT


async def test_nobody_can_pull_a_notice_forward(bank: Bank) -> None:
    sms_id = await bank.tell()

    assert await bank.delivery().deliver(sms_id) is None
    assert (await bank.state(sms_id), bank.gateway.sent) == (SmsState.QUEUED, [])


async def test_a_notice_outlives_an_outage_that_a_code_would_not(bank: Bank) -> None:
    bank.gateway.answers = [BUSY] * 9
    sms_id = await bank.tell()
    delivery = bank.delivery()
    for _ in range(20):
        await delivery.deliver_due(10)
        bank.now += timedelta(minutes=5)

    assert (len(bank.gateway.sent), await bank.state(sms_id)) == (10, SmsState.SENT)
    assert await bank.budget() == 1  # it is taken from there once


async def test_while_every_provider_rests_no_notice_is_taken_from_the_budget(bank: Bank) -> None:
    bank.gateway.answers = [BUSY] * 5
    for _ in range(5):
        await bank.queue()
    delivery = bank.delivery()
    await delivery.deliver_due(10)
    for _ in range(3):
        await bank.tell()

    await delivery.deliver_due(10)

    assert (await bank.pool.fetchval(HELD), await bank.budget()) == (3, 5)


async def test_notices_with_a_slow_provider_leave_places_for_codes(
    bank: Bank, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("otp.gateways.deliver._BATCH_WAIT_S", 0.0)
    bank.gateway.gate = asyncio.Event()
    for _ in range(10):
        await bank.tell()
    delivery = bank.delivery()
    async with asyncio.timeout(300):
        while len(bank.gateway.sent) < 2:
            await delivery.deliver_due(10)
        for _ in range(3):
            await delivery.deliver_due(10)
        code = await bank.ask()
        assert isinstance(code, Issued)
        await delivery.deliver_due(10)
        while not any(one.sms_id == code.sms_id for one in bank.gateway.sent):
            await asyncio.sleep(0.01)

    assert len(bank.gateway.sent) == 3
    bank.gateway.gate.set()
    await delivery.close()


@pytest.mark.parametrize(
    ("kind", "hours"), [(NoticeKind.PHONE_IN_USE, 72), (NoticeKind.OVER_LIMIT, 24)]
)
async def test_a_notice_waits_as_long_as_it_is_worth_telling(
    bank: Bank, kind: NoticeKind, hours: int
) -> None:
    sms_id = await bank.tell(kind)
    began = bank.now
    bank.now = began + timedelta(hours=hours, seconds=-1)
    assert await bank.delivery().deliver_due(10) == 1
    late = await bank.tell(kind)
    bank.now += timedelta(hours=hours)

    assert await bank.delivery().deliver_due(10) == 1
    assert [await bank.state(one) for one in (sms_id, late)] == [SmsState.SENT, SmsState.EXPIRED]
    assert [job.validity_s for job in bank.gateway.sent] == [1]


async def test_a_carrier_keeps_a_notice_for_a_day(bank: Bank) -> None:
    await bank.tell()
    await _drain(bank)

    assert [job.validity_s for job in bank.gateway.sent] == [86_400]


_OLDER_CLAIM = """
    UPDATE otp.outbox SET state = 'sending', attempts = attempts + 1, claimed_by = 'older',
                          claimed_at = due_at
     WHERE state = 'queued' AND (kind = 'notice' OR EXISTS (
            SELECT FROM otp.code
             WHERE code.challenge_id = outbox.challenge_id AND code.seq = outbox.seq
               AND code.phase = 'live'))
    RETURNING sms_id"""


async def test_an_older_worker_leaves_what_is_held_and_we_send_what_it_queued(bank: Bank) -> None:
    """A notice that an older version queued was taken from the budget then."""
    held, older = await bank.tell(), await bank.tell()
    await bank.pool.execute("UPDATE otp.outbox SET kind = 'notice' WHERE sms_id = $1", older)
    async with bank.pool.acquire() as conn, conn.transaction():
        turn = conn.transaction()
        await turn.start()
        assert [row["sms_id"] for row in await conn.fetch(_OLDER_CLAIM)] == [older]
        await turn.rollback()

    assert await bank.claim_notices(1) == [older]
    assert (await bank.budget(), await bank.claim_notices(1)) == (0, [held])


@dataclass
class Course:
    """A random course: what left and what was asked for, by its moment.

    Where minute, hour and day are tight at once a lane may be full for one of them and another lane
    for another: then the budget seems spent a few messages early, with or without notices.
    """

    bank: Bank
    dice: random.Random
    judges_refusals: bool
    codes: list[datetime] = field(default_factory=list)
    notices: list[datetime] = field(default_factory=list)
    faults: list[str] = field(default_factory=list)

    async def step(self) -> None:
        """Tell, ask and work in some order, then let time pass."""
        acts = [self.tell] * self.dice.randint(0, 3) + [self.ask] * self.dice.randint(0, 9)
        acts += [self.work] * self.dice.randint(1, 3)
        self.dice.shuffle(acts)
        for act in acts:
            await act()
        wait_s = self.dice.choice([0, 0, 1, 7, 30, 61, 1800])
        self.bank.now += timedelta(seconds=wait_s)

    async def tell(self) -> None:
        if len(self.bank.told) < 60:
            await self.bank.tell(is_bulk=self.dice.random() < 0.5)

    async def ask(self) -> None:
        answer = await self.bank.ask()
        if isinstance(answer, Issued):
            self.codes.append(self.bank.now)
        elif self.judges_refusals and not any(
            used >= total - share for used, total, share in self._spans(self.codes, self.bank.now)
        ):
            self.faults.append(f"{self.bank.now}: {answer}")

    async def work(self) -> None:
        await self.bank.delivery().deliver_due(10)
        told = set(self.bank.told)
        sent = [job for job in self.bank.gateway.sent if job.sms_id in told]
        self.notices += [self.bank.now] * (len(sent) - len(self.notices))
        for used, _, share in self._spans(self.notices, self.bank.now):
            if used > share:
                self.faults.append(f"{self.bank.now}: {used} notices of {share}")
        for used, total, _ in self._spans(self.codes + self.notices, self.bank.now):
            if used > total:
                self.faults.append(f"{self.bank.now}: {used} messages of {total}")

    def _spans(self, moments: list[datetime], at: datetime) -> list[tuple[int, int, int]]:
        """What was used in the running minute, hour and day, its total, and notices' share."""
        policy = self.bank.policy
        share = notice_share(policy, at.replace(second=59))
        begins = [at.replace(second=0), at.replace(minute=0, second=0)]
        begins.append(begins[1].replace(hour=0))
        return [
            (sum(moment >= begin for moment in moments), total, most)
            for begin, total, most in zip(
                begins,
                (policy.total_minute, policy.total_hour, policy.total_day),
                (share.minute, share.hour, share.day),
                strict=True,
            )
        ]


@pytest.mark.parametrize("seed", SEEDS)
async def test_no_course_of_notices_refuses_a_code_loses_one_or_sends_it_twice(
    bank: Bank, seed: int
) -> None:
    dice = random.Random(seed)
    totals = {
        "total_minute": dice.randint(20, 40),
        "total_hour": dice.randint(60, 120),
        "total_day": dice.randint(300, 400),
    }
    tight = dice.choice([*totals, None])
    given = totals if tight is None else {tight: totals[tight]}
    pct = dice.choice([20, 35, 50, 90])
    bank.policy = replace(MANY, notice_share_pct=pct, **given)
    course = Course(bank, dice, judges_refusals=tight is not None)
    for _ in range(25):
        await course.step()
    while await bank.pool.fetchval(HELD):
        bank.now = bank.now.replace(second=59) + timedelta(hours=1)
        await course.work()

    assert course.faults == [], f"ACS_TEST_SEED={seed}"
    sent = Counter(job.sms_id for job in bank.gateway.sent)
    assert {sms_id: sent[sms_id] for sms_id in bank.told} == dict.fromkeys(bank.told, 1)
    assert course.codes

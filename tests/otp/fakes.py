"""What the tests of the one-time password share: a gateway that records, and requests to issue."""

from __future__ import annotations

import asyncio
import re
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any
from uuid import UUID, uuid4

import pytest

from otp import flows
from otp.gateways import outbox
from otp.gateways.carriers import Watch
from otp.gateways.deliver import Delivery, DeliveryPorts
from otp.gateways.port import Accepted, SendOutcome, SmsJob, Unknown
from otp.model import CheckResult, Issued, IssueRequest, PaymentText, Purpose, Refused, SmsState
from otp.policy import OtpPolicy
from schemas.vault import Secret
from tests.records import replace

if TYPE_CHECKING:
    import asyncpg

    from otp.gateways.port import OnReport
    from otp.gateways.receipts import Recorded
    from otp.gateways.router import Route
    from schemas.vault import Keys, Vault

LINK = b"\x01" * 32
PHONE = Secret("+48600700800")
POLICY = OtpPolicy()
MANY = OtpPolicy(phone_hour=1000, phone_day=1000)
LEASE = timedelta(seconds=60)


def payment(challenge_id: UUID | None = None, **changes: Any) -> IssueRequest:
    """A request to issue a code for a payment; members may be replaced by name."""
    request = IssueRequest(
        challenge_id=challenge_id or uuid4(),
        purpose=Purpose.PAYMENT,
        link_digest=LINK,
        phone=PHONE,
        phone_mask="+48 *** *** 800",
        language="pl",
        text=PaymentText("12,50 PLN", "Sklep ABC", "12345678", "0694"),
    )
    return replace(request, **changes)


async def sms_text(conn: Any, keys: Keys, sms_id: UUID) -> str:
    """The text of a queued message, opened as the worker opens it."""
    sealed = await conn.fetchval("SELECT text_sealed FROM otp.outbox WHERE sms_id = $1", sms_id)
    return keys.vault.open(sealed, outbox.text_place(sms_id)).decode()


async def code_of(conn: Any, keys: Keys, sms_id: UUID) -> Secret:
    """The code as the cardholder reads it."""
    found = re.search(r"Kod: (\d{6})", await sms_text(conn, keys, sms_id))
    assert found
    return Secret(found.group(1))


def wrong(code: Secret) -> Secret:
    """A well-formed entry that is not the code."""
    return Secret(f"{(int(code.reveal()) + 1) % 10**6:06d}")


@dataclass(slots=True)
class RecordingSmsGateway:
    """A gateway with behaviour: keeps what it was given and answers in the order it was told.

    Without answers left it accepts. `gate`, when set, is waited for before the answer is given.
    """

    name: str = "rec"
    idempotent: bool = False
    answers: list[SendOutcome | Exception] = field(default_factory=list)
    sent: list[SmsJob] = field(default_factory=list)
    found: list[SendOutcome] = field(default_factory=list)
    asked: list[SmsJob] = field(default_factory=list)
    gate: asyncio.Event | None = None
    entered: asyncio.Event = field(default_factory=asyncio.Event)
    closed: bool = False

    async def send(self, job: SmsJob) -> SendOutcome:
        """Keep the job and give the next answer."""
        self.sent.append(job)
        self.entered.set()
        if self.gate is not None:
            await self.gate.wait()
        answer = self.answers.pop(0) if self.answers else Accepted(f"{self.name}-{len(self.sent)}")
        if isinstance(answer, Exception):
            raise answer
        return answer

    async def find_out(self, job: SmsJob) -> SendOutcome:
        """Keep the question and give what was found; Unknown when nothing is left."""
        self.asked.append(job)
        return self.found.pop(0) if self.found else Unknown("no_query")

    async def close(self) -> None:
        """Remember that it was closed."""
        self.closed = True


@dataclass(slots=True)
class ReportingSmsGateway(RecordingSmsGateway):
    """The same with reports over its own connection."""

    tell: OnReport = field(init=False)

    def report_to(self, on_report: OnReport) -> None:
        """Keep whom to tell."""
        self.tell = on_report


async def issue_code(
    conn: asyncpg.Connection,
    keys: Keys,
    now: datetime,
    request: IssueRequest | None = None,
    policy: OtpPolicy = POLICY,
) -> Issued | Refused:
    async with conn.transaction():
        return await flows.issue(conn, keys, policy, request or payment(), now)


async def issued_code(*args: Any, **kwargs: Any) -> Issued:
    issued = await issue_code(*args, **kwargs)
    assert isinstance(issued, Issued)
    return issued


async def check_code(
    conn: asyncpg.Connection,
    keys: Keys,
    challenge_id: UUID,
    entry: Secret,
    now: datetime,
    **given: Any,
) -> CheckResult:
    link = given.pop("link", LINK)
    async with conn.transaction():
        return await flows.check(conn, keys, POLICY, challenge_id, link, entry, now, **given)


@dataclass
class Post:
    """A delivery with its gateways, a clock that stands where it is put, and what was observed."""

    pool: asyncpg.Pool
    keys: Keys
    now: datetime
    gateways: tuple[RecordingSmsGateway, ...] = ()
    observed: list[tuple[str, str]] = field(default_factory=list)
    breakers: dict[str, bool] = field(default_factory=dict)
    recorded: list[Recorded] = field(default_factory=list)
    routes: tuple[Route, ...] = ()
    most_each: int = 5
    policy: OtpPolicy = POLICY
    same_text_on_unknown: bool = False
    pauses: list[float] = field(default_factory=list)
    sender: str = "BANK"

    def delivery(self, worker: str = "w1", vault: Vault | None = None) -> Delivery:
        """One process's delivery."""
        return Delivery(self.ports(worker, vault))

    def ports(self, worker: str = "w1", vault: Vault | None = None) -> DeliveryPorts:
        """What a process's delivery is handed."""
        return DeliveryPorts(
            pool=self.pool,
            vault=vault or self.keys.vault,
            gateways=self.gateways,
            clock=lambda: self.now,
            worker=worker,
            sender=self.sender,
            watch=Watch(
                sent=lambda name, outcome, _: self.observed.append((name, outcome)),
                breaker=self.breakers.__setitem__,
            ),
            observe_report=self.recorded.append,
            policy=self.policy,
            routes=self.routes,
            most_each=self.most_each,
            same_text_on_unknown=self.same_text_on_unknown,
            pause=self._pause,
        )

    async def _pause(self, seconds: float) -> None:
        """Note the wait and let others run meanwhile."""
        self.pauses.append(seconds)
        await asyncio.sleep(0)

    async def queue(self, challenge_id: UUID | None = None, sender: str | None = None) -> Issued:
        """Issue a code, so that its message is queued; with a sender it is in its hands."""
        request = payment(challenge_id, sender=sender)
        async with self.pool.acquire() as conn, conn.transaction():
            issued = await flows.issue(conn, self.keys, MANY, request, self.now)
        assert isinstance(issued, Issued)
        return issued

    async def row(self, sms_id: UUID) -> Any:
        """The outbox row as it is."""
        return await self.pool.fetchrow("SELECT * FROM otp.outbox WHERE sms_id = $1", sms_id)

    async def state(self, sms_id: UUID) -> SmsState:
        """Where the message stands."""
        return SmsState((await self.row(sms_id))["state"])


async def crash(office: Post, gateway: RecordingSmsGateway, sms_id: UUID) -> None:
    """A worker dies with the message in the hands of the gateway."""
    gateway.answers.insert(0, OSError("the process is gone"))
    with pytest.raises(OSError, match="gone"):
        await office.delivery("dead").deliver(sms_id)
    gateway.sent.clear()

"""What the tests of the one-time password share: a gateway that records, and requests to issue."""

from __future__ import annotations

import asyncio
import re
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any
from uuid import UUID, uuid4

from otp.gateways import outbox
from otp.gateways.port import Accepted, SendOutcome, SmsJob
from otp.model import IssueRequest, PaymentText, Purpose
from schemas.vault import Secret

if TYPE_CHECKING:
    from schemas.vault import Keys

LINK = b"\x01" * 32
PHONE = Secret("+48600700800")


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

    async def close(self) -> None:
        """Remember that it was closed."""
        self.closed = True

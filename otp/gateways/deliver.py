"""The one way a message leaves: claim it, hand it to a provider, settle it.

The request that queued a message and the worker call the same code; the claim makes sure that one
of them sends. Laws of failing over:

- A provider that surely did not take the message is followed by the next one at once.
- When nobody knows whether it was taken, it is not sent again: the cardholder can ask for a new
  code, which has its own number and prefers another provider.
- After a crash the same text goes out again only through the same provider, and only if that one
  never makes two messages of one id; otherwise its fate is unknown.
- No database connection is held while a provider is asked.
"""

from __future__ import annotations

import asyncio
import time
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Final, Protocol, assert_never

from otp.gateways import outbox, receipts, router
from otp.gateways.port import (
    Accepted,
    Rejected,
    ReportsByItself,
    SendOutcome,
    SmsGateway,
    SmsJob,
    Unknown,
)
from otp.model import SmsState
from schemas.vault import CannotOpen, Secret, Vault

if TYPE_CHECKING:
    from collections.abc import Callable
    from contextlib import AbstractAsyncContextManager
    from uuid import UUID

    from otp.gateways.outbox import Claim
    from otp.gateways.port import Report
    from otp.gateways.receipts import Recorded
    from schemas.queries import Connection

ATTEMPTS_MAX: Final = 5
"""With the waits below this spans 60 s: longer, and the cardholder has asked for a new code."""
SEND_MAX_S: Final = 10.0
"""No provider may hold a message longer, whatever its adapter does; above the adapters' limits."""
_SENDER_MAX: Final = 11
"""Characters of an alphanumeric originating address (3GPP TS 23.040, 9.1.2.5)."""
_LOOK_S: Final = 0.05
_UNDER_WAY: Final = (SmsState.QUEUED, SmsState.SENDING)
_RETRY_WAITS_S: Final = (2, 5, 15, 30)


class Pool(Protocol):
    """Where connections come from (asyncpg's pool offers it)."""

    def acquire(self) -> AbstractAsyncContextManager[Connection]:
        """Lend a connection for the time of the block."""


@dataclass(frozen=True, slots=True, kw_only=True)
class DeliveryPorts:
    """What delivery is handed.

    `gateways` in order of preference. `worker` names this process among all (its claims).
    `sender` is the registered sender name, at most 11 characters. `observe(provider, outcome,
    seconds)` hears of every send; outcomes are accepted, rejected, retryable and unknown.
    `observe_report` hears of every report that told something new. `lease_s` must be longer than a
    message can take through all gateways.
    """

    pool: Pool
    vault: Vault
    gateways: tuple[SmsGateway, ...]
    clock: Callable[[], datetime]
    worker: str
    sender: str
    observe: Callable[[str, str, float], None]
    observe_report: Callable[[Recorded], None]
    lease_s: int = 60

    def __post_init__(self) -> None:
        """Refuse what could send a message twice or not at all."""
        names = [gateway.name for gateway in self.gateways]
        if not names or len(set(names)) != len(names):
            message = "there must be at least one SMS gateway, each with a name of its own"
            raise ValueError(message)
        if self.lease_s <= SEND_MAX_S * len(names):
            message = f"lease_s must be above {SEND_MAX_S * len(names):g} s with these gateways"
            raise ValueError(message)
        if not 1 <= len(self.sender) <= _SENDER_MAX:
            message = f"the sender is a name of 1 to {_SENDER_MAX} characters"
            raise ValueError(message)


class Delivery:
    """Sends what is in the outbox. Remembers each provider's health for this process."""

    def __init__(self, ports: DeliveryPorts) -> None:
        """Hold the ports; opens nothing."""
        self._ports = ports
        self._gateways = {gateway.name: gateway for gateway in ports.gateways}
        self._idempotent = [gateway.name for gateway in ports.gateways if gateway.idempotent]
        self._healths: dict[str, router.Health] = {}
        self._running: set[asyncio.Task[SmsState | None]] = set()
        for gateway in ports.gateways:
            if isinstance(gateway, ReportsByItself):
                gateway.report_to(self.take_report)

    async def deliver(self, sms_id: UUID, wait_s: float | None = None) -> SmsState | None:
        """Send one message now if it may leave; wait for it at most `wait_s` seconds.

        Gives where the message stands, or None: it goes on in the background. A message that
        another worker has in hand is waited for too, if there is a `wait_s`. A caller that goes
        away does not break off a message half sent.
        """
        loop = asyncio.get_running_loop()
        began = loop.time()
        task = asyncio.create_task(self._deliver(sms_id))
        self._running.add(task)
        task.add_done_callback(self._running.discard)
        await asyncio.wait({task}, timeout=wait_s)
        if not task.done():
            return None
        state = task.result()
        if state is not None or wait_s is None:
            return state
        return await self._await_other(sms_id, began + wait_s)

    async def _await_other(self, sms_id: UUID, until: float) -> SmsState | None:
        """Look until a message that somebody else has in hand is at rest, or the wait is over."""
        loop = asyncio.get_running_loop()
        while True:
            async with self._ports.pool.acquire() as conn:
                state = await outbox.state_of(conn, sms_id)
            if state not in _UNDER_WAY or loop.time() >= until:
                return state
            await asyncio.sleep(_LOOK_S)

    async def deliver_due(self, limit: int) -> int:
        """Settle what is over, then send up to `limit` due messages; give how many were touched."""
        now = self._ports.clock()
        lease_began = now - timedelta(seconds=self._ports.lease_s)
        async with self._ports.pool.acquire() as conn:
            swept = await outbox.sweep(
                conn,
                idempotent=self._idempotent,
                now=now,
                lease_began=lease_began,
                most=limit,
            )
            claims = await self._claim(conn, now, most=limit)
        outcomes = await asyncio.gather(*map(self._send, claims), return_exceptions=True)
        for outcome in outcomes:
            if isinstance(outcome, BaseException):
                raise outcome
        return swept + len(claims)

    async def take_report(self, report: Report) -> None:
        """Store a provider's word on a message, whoever it comes to (`OnReport`).

        What it raises means that nothing was stored and the provider should tell it again.
        """
        async with self._ports.pool.acquire() as conn:
            recorded = await receipts.record(conn, report, self._ports.clock())
        if recorded is not None:
            self._ports.observe_report(recorded)

    async def tidy_reports(self, limit: int) -> int:
        """Apply reports left over by a process that died, delete what nobody claims; how many."""
        async with self._ports.pool.acquire() as conn:
            applied = await receipts.catch_up(conn, limit)
            lapsed = await receipts.lapse(conn, self._ports.clock(), limit)
        for recorded in applied:
            self._ports.observe_report(recorded)
        return len(applied) + lapsed

    async def close(self) -> None:
        """Wait for messages under way, then close the gateways."""
        if self._running:
            await asyncio.wait(self._running)
        for gateway in self._gateways.values():
            await gateway.close()

    async def _deliver(self, sms_id: UUID) -> SmsState | None:
        async with self._ports.pool.acquire() as conn:
            claims = await self._claim(conn, self._ports.clock(), most=1, sms_id=sms_id)
        return await self._send(claims[0]) if claims else None

    async def _claim(
        self, conn: Connection, now: datetime, *, most: int, sms_id: UUID | None = None
    ) -> list[Claim]:
        return await outbox.claim(
            conn,
            worker=self._ports.worker,
            idempotent=self._idempotent,
            now=now,
            lease_began=now - timedelta(seconds=self._ports.lease_s),
            most=most,
            sms_id=sms_id,
        )

    async def _send(self, claim: Claim) -> SmsState | None:
        """Hand a claimed message to one provider after the other until its fate is clear."""
        try:
            number, text = self._opened(claim)
        except CannotOpen:
            return await self._settle(claim, SmsState.FAILED, reason="cannot_open")
        tried: set[str] = set()
        reason: str | None = None
        while name := self._choose(claim, tried):
            job = self._job(claim, number, text)
            if job is None or not await self._note(claim, name):
                return None
            outcome = await self._ask(self._gateways[name], job)
            match outcome:
                case Accepted(provider_id):
                    return await self._settle(
                        claim, SmsState.SENT, provider=name, provider_id=provider_id
                    )
                case Unknown(why):
                    return await self._settle(claim, SmsState.UNKNOWN, reason=why)
                case Rejected(retryable=False, reason=why):
                    return await self._settle(claim, SmsState.FAILED, reason=why)
                case Rejected(reason=why):
                    tried.add(name)
                    reason = why
                case _:
                    assert_never(outcome)
        return await self._give_back(claim, reason)

    def _opened(self, claim: Claim) -> tuple[Secret, Secret]:
        vault, sms_id = self._ports.vault, claim.sms_id
        number = vault.open(claim.number_sealed, outbox.number_place(sms_id))
        text = vault.open(claim.text_sealed, outbox.text_place(sms_id))
        return Secret(number.decode()), Secret(text.decode())

    def _choose(self, claim: Claim, tried: set[str]) -> str | None:
        pinned = claim.provider
        names = [pinned] if pinned is not None else list(self._gateways)
        now = self._ports.clock()
        name = router.choose(
            names, self._healths, tried=tried, used=claim.used, failed=claim.failed, now=now
        )
        if name is not None:
            health = self._healths.get(name, router.Health())
            self._healths[name] = router.chosen(health, now)
        return name

    def _job(self, claim: Claim, number: Secret, text: Secret) -> SmsJob | None:
        """Make the job with the validity that is left; None when none is."""
        validity_s = int((claim.expires_at - self._ports.clock()).total_seconds())
        if validity_s < 1:
            return None
        return SmsJob(claim.sms_id, number, text, self._ports.sender, validity_s)

    async def _ask(self, gateway: SmsGateway, job: SmsJob) -> SendOutcome:
        began = time.monotonic()
        outcome: SendOutcome
        try:
            async with asyncio.timeout(SEND_MAX_S):
                outcome = await gateway.send(job)
        except TimeoutError:
            outcome = Unknown("timeout")
        health = self._healths.get(gateway.name, router.Health())
        self._healths[gateway.name] = router.after(health, outcome, self._ports.clock())
        self._ports.observe(gateway.name, _word(outcome), time.monotonic() - began)
        return outcome

    async def _note(self, claim: Claim, provider: str) -> bool:
        async with self._ports.pool.acquire() as conn:
            return await outbox.note_provider(conn, claim, provider)

    async def _settle(
        self,
        claim: Claim,
        becomes: SmsState,
        *,
        provider: str | None = None,
        provider_id: str | None = None,
        reason: str | None = None,
    ) -> SmsState | None:
        async with self._ports.pool.acquire() as conn:
            settled = await outbox.settle(
                conn,
                claim,
                becomes,
                now=self._ports.clock(),
                provider_id=provider_id,
                reason=reason,
            )
            early = None
            if settled and provider is not None and provider_id is not None:
                early = await receipts.apply_early(conn, provider, provider_id)
        if early is not None:
            self._ports.observe_report(early)
        return becomes if settled else None

    async def _give_back(self, claim: Claim, reason: str | None) -> SmsState | None:
        """No provider took it: later again, unless that is over."""
        if claim.provider is not None:
            # A crash came before: the first try may have been taken, so the row stays with this
            # provider; its lease passes and the same id is tried again until the code expires.
            return None
        if reason is not None and claim.attempts >= ATTEMPTS_MAX:
            return await self._settle(claim, SmsState.FAILED, reason=reason)
        async with self._ports.pool.acquire() as conn:
            queued = await outbox.queue_again(
                conn, claim, due_at=self._due_at(claim), reason=reason
            )
        return SmsState.QUEUED if queued else None

    def _due_at(self, claim: Claim) -> datetime:
        now = self._ports.clock()
        wait_s = _RETRY_WAITS_S[min(claim.attempts, len(_RETRY_WAITS_S)) - 1]
        usable = min(
            router.usable_at(self._healths.get(name, router.Health()), now)
            for name in self._gateways
        )
        return max(now + timedelta(seconds=wait_s), usable)


def _word(outcome: SendOutcome) -> str:
    match outcome:
        case Accepted():
            return "accepted"
        case Rejected(retryable=True):
            return "retryable"
        case Rejected():
            return "rejected"
        case Unknown():
            return "unknown"
        case _:
            assert_never(outcome)

"""The one way a message leaves: claim it, hand it to a provider, settle it.

The request that queued a message and the worker call the same code; the claim makes sure that one
of them sends. Laws of failing over:

- A provider that surely did not take the message is followed by the next one at once.
- When nobody knows whether it was taken, its provider is asked for a while. Still unknown, it is
  not sent again: the cardholder can ask for a new code, which has its own number and prefers
  another provider. A bank may prefer reach: then the same text goes out once by another provider.
- After a crash the same text goes out again only through the same provider, and only if that one
  never makes two messages of one id; otherwise its fate is unknown.
- No database connection is held while a provider is asked.
- A database that is away for a moment costs no message: what is noted and settled is so again.
- A code goes before every notice, and a notice is tried until the end of its life.
"""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from functools import partial
from typing import TYPE_CHECKING, Any, Final, Protocol, TypeVar, assert_never

from otp.gateways import carriers, outbox, receipts, router
from otp.gateways.carriers import Carriers, Watch
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
    from collections.abc import Awaitable, Callable, Coroutine
    from contextlib import AbstractAsyncContextManager
    from uuid import UUID

    from otp.gateways.port import Report
    from otp.gateways.receipts import Recorded
    from otp.model import Claim
    from otp.policy import OtpPolicy
    from schemas.queries import Connection

DoneT = TypeVar("DoneT")

ATTEMPTS_MAX: Final = 5
"""With the waits below this spans 60 s: longer, and the cardholder has asked for a new code."""
_SENDER_MAX: Final = 11
"""Characters of an alphanumeric originating address (3GPP TS 23.040, 9.1.2.5)."""
_LOOK_S: Final = 0.05
_UNDER_WAY: Final = (SmsState.QUEUED, SmsState.SENDING)
_RETRY_WAITS_S: Final = (2, 5, 15, 30)
_NOTICE_WAITS_S: Final = (5, 30, 60, 240)
_AGAIN_S: Final = (0.2, 0.5, 1.0)
"""A database that restarts is back in seconds, and before a claim under which nothing was handed
over is over."""
_BATCH_WAIT_S: Final = 1.0
"""How long one batch is waited for: the messages of a slow provider do not hold up the next one."""
_LEASE_MIN_S: Final = 60
_VALIDITY_MAX_S: Final = 86_400
"""A phone that is off for a day gets no notice: a carrier may refuse to keep one for longer."""


class Pool(Protocol):
    """Where connections come from (asyncpg's pool offers it)."""

    def acquire(self) -> AbstractAsyncContextManager[Connection]:
        """Lend a connection for the time of the block."""


@dataclass(frozen=True, slots=True, kw_only=True)
class DeliveryPorts:
    """What delivery is handed.

    `gateways` in order of preference; `routes` name others for some destinations. `worker` names
    this process among all (its claims). `sender` is the registered sender name, at most 11
    characters. `policy` has the budget, of which notices get a share. `most_each` messages at most
    are with one provider at once, notices half as many. With
    `same_text_on_unknown` a message that one provider may have taken goes out by another one too.
    `observe_report` hears of every report that told something new. `pause` waits so many seconds.
    `away` is what `pool` raises when the database does not answer.
    """

    pool: Pool
    vault: Vault
    gateways: tuple[SmsGateway, ...]
    clock: Callable[[], datetime]
    worker: str
    sender: str
    watch: Watch
    observe_report: Callable[[Recorded], None]
    policy: OtpPolicy
    routes: tuple[router.Route, ...] = ()
    most_each: int = router.FAILURES_TO_OPEN
    same_text_on_unknown: bool = False
    pause: Callable[[float], Awaitable[object]] = asyncio.sleep
    away: type[Exception] | tuple[()] = ()

    def __post_init__(self) -> None:
        """Refuse what could send a message twice or not at all."""
        names = [gateway.name for gateway in self.gateways]
        if not names or len(set(names)) != len(names):
            message = "there must be at least one SMS gateway, each with a name of its own"
            raise ValueError(message)
        strangers = {name for route in self.routes for name in route.weights} - set(names)
        if strangers:
            message = f"a route leads to {', '.join(sorted(strangers))}, which is no SMS gateway"
            raise ValueError(message)
        if self.most_each < 1:
            message = "most_each must be at least 1"
            raise ValueError(message)
        if not 1 <= len(self.sender) <= _SENDER_MAX:
            message = f"the sender is a name of 1 to {_SENDER_MAX} characters"
            raise ValueError(message)

    @property
    def lease(self) -> timedelta:
        """How long a claim holds: longer than a message can take through all gateways."""
        sends_s = len(self.gateways) * (carriers.ROOM_MAX_S + carriers.SEND_MAX_S)
        # In doubt about the first and about the one that gets the same text.
        doubts_s = 2 * carriers.FIND_OUT_MAX_S
        return timedelta(seconds=max(_LEASE_MIN_S, 1.2 * (sends_s + doubts_s)))


@dataclass(slots=True)
class _Trip:
    """One round of a claimed message through its providers.

    `doubted` may have taken it.
    """

    claim: Claim
    number: Secret
    text: Secret
    names: list[str]
    doubted: str | None
    tried: set[str] = field(default_factory=set)
    reason: str | None = None


class Delivery:
    """Sends what is in the outbox. Remembers each provider's health for this process."""

    def __init__(self, ports: DeliveryPorts) -> None:
        """Hold the ports; opens nothing."""
        self._ports = ports
        self._names = [gateway.name for gateway in ports.gateways]
        self._idempotent = [gateway.name for gateway in ports.gateways if gateway.idempotent]
        self._carriers = Carriers(
            ports.gateways,
            ports.watch,
            clock=ports.clock,
            pause=ports.pause,
            most_each=ports.most_each,
        )
        self._running: set[asyncio.Task[SmsState | None]] = set()
        self._late: set[asyncio.Task[SmsState | None]] = set()
        self._notices = 0
        for gateway in ports.gateways:
            if isinstance(gateway, ReportsByItself):
                gateway.report_to(self.take_report)

    def tell_resting(self) -> None:
        """Tell which providers rest, as far as it is news."""
        self._carriers.tell_resting()

    async def deliver(self, sms_id: UUID, wait_s: float | None = None) -> SmsState | None:
        """Send one awaited message now if it may leave; wait for it at most `wait_s` seconds.

        Gives where the message stands, or None: it goes on in the background. A message that
        another worker has in hand is waited for too, if there is a `wait_s`. A caller that goes
        away does not break off a message half sent.
        """
        loop = asyncio.get_running_loop()
        began = loop.time()
        task = self._begin(self._deliver(sms_id))
        await asyncio.wait({task}, timeout=wait_s)
        if not task.done():
            return None
        state = task.result()
        if state is not None or wait_s is None:
            return state
        return await self._await_other(sms_id, began + wait_s)

    async def deliver_claimed(self, claim: Claim, wait_s: float | None = None) -> SmsState | None:
        """Send a message that was put into this process's hands when it was queued.

        Gives where it stands, or None: it goes on in the background, or somebody else has it.
        """
        task = self._begin(self._send(claim))
        await asyncio.wait({task}, timeout=wait_s)
        return task.result() if task.done() else None

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
        """Settle what is over, then send up to `limit` due messages; give how many were touched.

        No more are taken than the providers have places for, and notices after all that is awaited,
        as far as they may be taken from the budget. A message that takes long goes on in
        the background; what it raises is raised by the next call.
        """
        now = self._ports.clock()
        self._raise_late()
        room = min(limit, self._carriers.room)
        async with self._ports.pool.acquire() as conn:
            swept = await outbox.sweep(
                conn,
                idempotent=self._idempotent,
                now=now,
                lease_began=now - self._ports.lease,
                most=limit,
            )
            claims = await self._claim(conn, now, most=room) if room > 0 else []
            # On their way before notices are looked for: whatever becomes of that.
            tasks = self._begin_all(claims)
            room = min(room - len(claims), self._carriers.notice_room - self._notices)
            notices = await self._claim_notices(conn, now, most=room) if room > 0 else []
        tasks |= self._begin_all(notices)
        if tasks:
            await asyncio.wait(tasks, timeout=_BATCH_WAIT_S)
            self._raise_late()
        return swept + len(tasks)

    def _begin_all(self, claims: list[Claim]) -> set[asyncio.Task[SmsState | None]]:
        tasks = {self._begin(self._send(claim)) for claim in claims}
        self._late |= tasks
        return tasks

    def _begin(
        self, sending: Coroutine[Any, Any, SmsState | None]
    ) -> asyncio.Task[SmsState | None]:
        task = asyncio.create_task(sending)
        self._running.add(task)
        task.add_done_callback(self._running.discard)
        return task

    def _raise_late(self) -> None:
        """Raise what one of the ended tasks of a batch raised, forget the ended ones."""
        done = {task for task in self._late if task.done()}
        self._late -= done
        for task in done:
            task.result()

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
        await self._carriers.close()

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
            lease_began=now - self._ports.lease,
            most=most,
            sms_id=sms_id,
        )

    async def _claim_notices(self, conn: Connection, now: datetime, *, most: int) -> list[Claim]:
        return await outbox.claim_notices(
            conn,
            self._ports.policy,
            worker=self._ports.worker,
            idempotent=self._idempotent,
            now=now,
            lease_began=now - self._ports.lease,
            most=most,
        )

    async def _send(self, claim: Claim) -> SmsState | None:
        """Hand a claimed message to one provider after the other until its fate is clear."""
        self._notices += claim.is_notice
        try:
            return await self._go_round(claim)
        finally:
            self._notices -= claim.is_notice

    async def _go_round(self, claim: Claim) -> SmsState | None:
        try:
            trip = self._trip(claim)
        except CannotOpen:
            return await self._settle(claim, SmsState.FAILED, reason="cannot_open")
        is_notice = claim.is_notice
        while name := await self._carriers.borrow(trip.names, trip.tried, is_notice=is_notice):
            try:
                outcome = await self._ask(trip, name)
            finally:
                self._carriers.give_back(name, is_notice=is_notice)
            if outcome is None:
                return None
            found = None
            if isinstance(outcome, Unknown):
                found = await self._find_out(trip, name)
            match found or outcome:
                case Accepted(provider_id):
                    return await self._settle(
                        claim, SmsState.SENT, provider=name, provider_id=provider_id
                    )
                case Rejected(retryable=True, reason=why):
                    trip.tried.add(name)
                    trip.reason = why
                case Rejected(reason=why):
                    return await self._settle(claim, _refused(trip), reason=why)
                case Unknown(why):
                    if trip.doubted is not None or not self._ports.same_text_on_unknown:
                        return await self._settle(claim, SmsState.UNKNOWN, reason=why)
                    self._doubt(trip, name, why)
                case outcome:
                    assert_never(outcome)
        return await self._rest(trip)

    def _trip(self, claim: Claim) -> _Trip:
        vault, sms_id = self._ports.vault, claim.sms_id
        number = Secret(vault.open(claim.number_sealed, outbox.number_place(sms_id)).decode())
        text = Secret(vault.open(claim.text_sealed, outbox.text_place(sms_id)).decode())
        names = self._order(claim, number) if claim.provider is None else [claim.provider]
        return _Trip(claim, number, text, names, claim.doubted)

    def _order(self, claim: Claim, number: Secret) -> list[str]:
        draw = router.draw_of(claim.sms_id)
        names = router.order(self._ports.routes, self._names, number.reveal(), draw)
        return router.preferred(names, claim.used, claim.failed)

    async def _ask(self, trip: _Trip, name: str) -> SendOutcome | None:
        """Send by one provider; None when the claim is lost or nothing of the validity is left."""
        job = self._job(trip)
        if job is None or not await self._note(trip, name):
            return None
        return await self._carriers.send(name, job)

    def _job(self, trip: _Trip) -> SmsJob | None:
        """Make the job with the validity that is left; None when none is."""
        claim = trip.claim
        validity_s = int((claim.expires_at - self._ports.clock()).total_seconds())
        if validity_s < 1:
            return None
        validity_s = min(validity_s, _VALIDITY_MAX_S)
        return SmsJob(claim.sms_id, trip.number, trip.text, self._ports.sender, validity_s)

    async def _find_out(self, trip: _Trip, name: str) -> SendOutcome | None:
        """Ask a provider what became of the message it may have; None when it stays unknown."""
        job = self._job(trip)
        if job is None:
            return None
        return await self._carriers.find_out(name, job, lambda: self._is_reported(trip.claim))

    async def _is_reported(self, claim: Claim) -> bool:
        async with self._ports.pool.acquire() as conn:
            return await outbox.is_reported(conn, claim.sms_id)

    def _doubt(self, trip: _Trip, name: str, reason: str) -> None:
        """Go on with the others, and with the doubt that the message may be out already."""
        trip.doubted = name
        trip.reason = reason
        trip.tried.add(name)
        trip.names = self._order(trip.claim, trip.number)

    async def _note(self, trip: _Trip, provider: str) -> bool:
        return await self._surely(
            lambda conn: outbox.note_provider(conn, trip.claim, provider, doubted=trip.doubted)
        )

    async def _settle(
        self,
        claim: Claim,
        becomes: SmsState,
        *,
        provider: str | None = None,
        provider_id: str | None = None,
        reason: str | None = None,
    ) -> SmsState | None:
        settled = await self._surely(
            lambda conn: outbox.settle(
                conn,
                claim,
                becomes,
                now=self._ports.clock(),
                provider_id=provider_id,
                reason=reason,
            )
        )
        if settled and provider is not None and provider_id is not None:
            early = await self._surely(
                partial(receipts.apply_early, provider=provider, provider_id=provider_id)
            )
            if early is not None:
                self._ports.observe_report(early)
        return becomes if settled else None

    async def _surely(self, does: Callable[[Connection], Awaitable[DoneT]]) -> DoneT:
        """Do what may be done twice, and once more after a moment when the database is away."""
        for pause_s in _AGAIN_S:
            try:
                return await self._once(does)
            except self._ports.away:
                await self._ports.pause(pause_s)
        return await self._once(does)

    async def _once(self, does: Callable[[Connection], Awaitable[DoneT]]) -> DoneT:
        async with self._ports.pool.acquire() as conn:
            return await does(conn)

    async def _rest(self, trip: _Trip) -> SmsState | None:
        """No provider took it: later again, unless that is over or somebody may have it."""
        claim, reason = trip.claim, trip.reason
        if trip.doubted is not None:
            return await self._settle(claim, SmsState.UNKNOWN, reason=reason)
        if claim.provider is not None:
            # A crash came before: the first try may have been taken, so the row stays with this
            # provider; its lease passes and the same id is tried again until the code expires.
            return None
        if reason is not None and claim.attempts >= ATTEMPTS_MAX and not claim.is_notice:
            return await self._settle(claim, SmsState.FAILED, reason=reason)
        async with self._ports.pool.acquire() as conn:
            queued = await outbox.queue_again(conn, claim, due_at=self._due_at(trip), reason=reason)
        return SmsState.QUEUED if queued else None

    def _due_at(self, trip: _Trip) -> datetime:
        waits_s = _NOTICE_WAITS_S if trip.claim.is_notice else _RETRY_WAITS_S
        wait_s = waits_s[min(trip.claim.attempts, len(waits_s)) - 1]
        usable_at = self._carriers.usable_at(trip.names)
        return max(self._ports.clock() + timedelta(seconds=wait_s), usable_at)


def _refused(trip: _Trip) -> SmsState:
    """Say where a message stands that one provider refused for good, this time."""
    was_handed_over = trip.doubted is not None or trip.claim.provider is not None
    return SmsState.UNKNOWN if was_handed_over else SmsState.FAILED

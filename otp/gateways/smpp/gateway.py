"""A provider that speaks SMPP 3.4: one bound connection per process, kept as long as it lives.

Laws:
- Nothing written: the message surely was not taken. Written and not answered: nobody knows. A
  negative answer: not taken.
- A throttled message is tried once more after a rest, and everything goes slower.
- The connection is made ahead of the first message and made again when it is lost, after 1 to 60 s
  with chance; a refusal of who we are is not argued with for half a minute.
- A delivery report is acknowledged when it has been handed on, and only then; otherwise the SMSC
  sends it again.
- No text, number or password reaches an outcome's reason or a log.
"""

from __future__ import annotations

import asyncio
import random
import re
from contextlib import suppress
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final

from otp.gateways.port import Accepted, Rejected, Report, SendOutcome, Unknown
from otp.gateways.smpp import pdu
from otp.gateways.smpp.link import Address, Link, NotBound, Times
from otp.gateways.smpp.pace import Pace
from otp.gateways.smpp.pdu import Command, Malformed, Pdu, Status
from otp.gateways.smpp.receipts import ReceiptIds, read_receipt, response_id
from otp.gateways.smpp.texts import DefaultAlphabet, LongMessages, submits

if TYPE_CHECKING:
    from collections.abc import Callable
    from uuid import UUID

    from otp.gateways.port import OnReport, SmsJob
    from otp.gateways.smpp.pdu import Submit

    Observe = Callable[[str, bool, str], None]

_NAME: Final = re.compile(r"[a-z0-9][a-z0-9_-]{0,39}")
_BUSY: Final = frozenset({Status.THROTTLED, Status.QUEUE_FULL})
_PERMANENT: Final = frozenset({Status.BAD_SOURCE, Status.BAD_DESTINATION})
_LATE_MAX: Final = 1_000
_WELL_AFTER_S: Final = 60.0
"""A connection that lived so long was a good one; an earlier end counts as a failure."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Patience:
    """How long a message may take and when a lost connection is made again, in seconds.

    `send_s`: one message in all; `turn_s`: until it is written; `rest_s`: after throttling;
    `report_s`: to hand a report on; `back_off_s`: shortest and longest pause between two tries to
    bind; `refused_s`: the pause after a refusal.
    """

    send_s: float = 8.0
    turn_s: float = 3.0
    rest_s: float = 1.0
    report_s: float = 5.0
    back_off_s: tuple[float, float] = (1.0, 60.0)
    refused_s: float = 30.0


@dataclass(frozen=True, slots=True, kw_only=True)
class SmppConfig:
    """One provider. Raises ValueError with a sentence on what could not work.

    `window`: submit_sm on the way at once. `rate`: a second, from this process. `receipt_ids`,
    `alphabet` and `long_messages`: see the modules `receipts` and `texts`.
    """

    name: str
    address: Address
    window: int = 10
    rate: float = 10.0
    alphabet: DefaultAlphabet = "gsm7"
    long_messages: LongMessages = "payload"
    receipt_ids: ReceiptIds = "same"
    priority: int = 0
    times: Times = field(default_factory=Times)
    patience: Patience = field(default_factory=Patience)

    def __post_init__(self) -> None:
        """Refuse what an SMSC could not be asked for."""
        given = self.address
        if not _NAME.fullmatch(self.name):
            message = "a gateway's name is 1 to 40 of a-z, 0-9, - and _"
            raise ValueError(message)
        # SMPP 3.4, 5.2.1 to 5.2.3: sizes without the closing zero.
        for what, text, most in (
            ("system_id", given.system_id, 15),
            ("password", given.password.reveal(), 8),
            ("system_type", given.system_type, 12),
        ):
            if len(text) > most or not text.isascii() or "\x00" in text:
                message = f"gateway {self.name}: {what} is at most {most} ASCII characters"
                raise ValueError(message)
        if not self.window >= 1 or not self.rate > 0:
            message = f"gateway {self.name}: window and rate must be above zero"
            raise ValueError(message)


class SmppGateway:
    """A gateway over SMPP. `start` binds in the background; without it the first message does."""

    def __init__(self, config: SmppConfig) -> None:
        """Hold the configuration; opens nothing."""
        self._config = config
        self._observe: Observe | None = None
        self._on_report: OnReport | None = None
        self._pace = Pace(config.rate, config.patience.rest_s)
        self._window = asyncio.Semaphore(config.window)
        self._link: Link | None = None
        self._tried = asyncio.Event()
        self._keeper: asyncio.Task[None] | None = None
        self._is_closed = False
        self._late: dict[UUID, asyncio.Future[Pdu | None]] = {}

    @property
    def name(self) -> str:
        """Give the provider's name."""
        return self._config.name

    @property
    def idempotent(self) -> bool:
        """Tell that a second submit_sm is a second message."""
        return False

    def report_to(self, on_report: OnReport) -> None:
        """Remember whom to give reports; what it raises makes the SMSC send them again."""
        self._on_report = on_report

    def start(self, observe: Observe | None = None) -> None:
        """Begin to bind; `observe(name, is_bound, reason)` hears of the connection."""
        self._observe = observe
        self._keep_bound()

    async def send(self, job: SmsJob) -> SendOutcome:
        """Submit the message, in its parts one after another."""
        config = self._config
        until = asyncio.get_running_loop().time() + config.patience.send_s
        made = submits(job, config.alphabet, config.long_messages, config.priority)
        for submit in made[:-1]:
            outcome = await self._submit(submit, until, None)
            if not isinstance(outcome, Accepted):
                # Parts that were taken cannot be taken back.
                return outcome if submit is made[0] else Unknown("partly_taken")
        return _whole(await self._submit(made[-1], until, job.sms_id), len(made))

    async def find_out(self, job: SmsJob) -> SendOutcome:
        """Wait for an answer that is late; a message whose id nobody knows cannot be asked for."""
        answer = self._late.get(job.sms_id)
        if answer is None:
            return Unknown("no_query")
        await asyncio.wait({answer}, timeout=self._config.patience.send_s)
        if not answer.done():
            return Unknown("no_answer")
        self._late.pop(job.sms_id, None)
        made = submits(job, self._config.alphabet, self._config.long_messages)
        return _whole(self._outcome(answer.result()), len(made))

    async def close(self) -> None:
        """Unbind and let go of the connection; nothing is sent any more."""
        self._is_closed = True
        if self._link is not None:
            await self._link.unbind()
        if self._keeper is not None:
            self._keeper.cancel()
            await asyncio.gather(self._keeper, return_exceptions=True)
        self._tried.set()

    async def _submit(self, submit: Submit, until: float, sms_id: UUID | None) -> SendOutcome:
        answer = await self._ask(submit, until, sms_id)
        if _is_busy(answer):
            # Not taken: the pace holds everything back for a rest, then once more.
            self._pace.throttled(asyncio.get_running_loop().time())
            answer = await self._ask(submit, until, sms_id)
            if _is_busy(answer):
                self._pace.throttled(asyncio.get_running_loop().time())
        return self._outcome(answer)

    async def _ask(
        self, submit: Submit, until: float, sms_id: UUID | None
    ) -> Pdu | Rejected | None:
        """Write one submit_sm when it is its turn; None when nobody knows what became of it."""
        loop = asyncio.get_running_loop()
        turn_by = min(until, loop.time() + self._config.patience.turn_s)
        link = await self._bound(turn_by)
        if link is None:
            return Rejected(retryable=True, reason="not_bound")
        if not await self._turn(turn_by):
            return Rejected(retryable=True, reason="busy")
        if not link.is_open:
            self._window.release()
            return Rejected(retryable=True, reason="not_bound")
        # From here to the answer there is no way back: what is written may have been taken.
        answer = link.ask(Command.SUBMIT_SM, submit.body(), self._config.times.submit_answer_s)
        answer.add_done_callback(lambda _: self._window.release())
        if sms_id is not None:
            self._remember(sms_id, answer)
        await asyncio.wait({answer}, timeout=until - loop.time())
        if not answer.done():
            return None
        if sms_id is not None:
            self._late.pop(sms_id, None)
        return answer.result()

    def _remember(self, sms_id: UUID, answer: asyncio.Future[Pdu | None]) -> None:
        self._late[sms_id] = answer
        if len(self._late) > _LATE_MAX:
            del self._late[next(iter(self._late))]

    async def _bound(self, by: float) -> Link | None:
        """Give the connection; only the first try to make one is waited for."""
        self._keep_bound()
        with suppress(TimeoutError):
            async with asyncio.timeout_at(by):
                await self._tried.wait()
        return self._link

    async def _turn(self, by: float) -> bool:
        """Wait for the pace and for room in the window."""
        now = asyncio.get_running_loop().time()
        if now + self._pace.wait_s(now) > by:
            return False
        await asyncio.sleep(self._pace.take(now))
        with suppress(TimeoutError):
            async with asyncio.timeout_at(by):
                return await self._window.acquire()
        return False

    def _outcome(self, answer: Pdu | Rejected | None) -> SendOutcome:
        if answer is None:
            return Unknown("no_answer")
        if isinstance(answer, Rejected):
            return answer
        if answer.status == Status.OK and answer.command != Command.GENERIC_NACK:
            self._pace.taken()
            return Accepted(response_id(pdu.message_id(answer.body), self._config.receipt_ids))
        return Rejected(
            retryable=answer.status not in _PERMANENT, reason=f"smpp_{answer.status:#04x}"
        )

    def _keep_bound(self) -> None:
        if not self._is_closed and (self._keeper is None or self._keeper.done()):
            self._keeper = asyncio.create_task(self._keep(), name=f"smpp {self.name}")

    async def _keep(self) -> None:
        """Bind, live, and again."""
        loop = asyncio.get_running_loop()
        failures = 0
        while True:
            began, is_refused = loop.time(), False
            try:
                self._link = await Link.bind(
                    self._config.address, self._config.times, self._deal_with
                )
            except NotBound as error:
                reason, is_refused = error.reason, error.is_refused
            else:
                reason = await self._live(self._link)
            self._tried.set()
            self._tell(is_bound=False, reason=reason)
            failures = 0 if loop.time() - began > _WELL_AFTER_S else failures + 1
            await asyncio.sleep(self._pause_s(failures, is_refused=is_refused))

    async def _live(self, link: Link) -> str:
        self._tried.set()
        self._tell(is_bound=True, reason="bound")
        try:
            return await link.run()
        finally:
            self._link = None

    def _pause_s(self, failures: int, *, is_refused: bool) -> float:
        """Give a wait between the shortest and one that doubles, by chance; longer if refused."""
        shortest, longest = self._config.patience.back_off_s
        most = min(shortest * 2 ** min(failures, 10), longest)
        pause_s = random.uniform(shortest, most)  # noqa: S311 - spreads reconnections
        return max(pause_s, self._config.patience.refused_s) if is_refused else pause_s

    def _tell(self, *, is_bound: bool, reason: str) -> None:
        if self._observe is not None:
            self._observe(self.name, is_bound, reason)

    async def _deal_with(self, message: Pdu) -> int:
        """Hand a delivery report on; gives the status that the SMSC is answered."""
        try:
            delivered = pdu.read_deliver(message.body)
        except Malformed:
            return Status.RECEIVER_PERMANENT
        receipt = read_receipt(delivered, self._config.receipt_ids)
        if receipt is None or self._on_report is None:
            return Status.OK
        report = Report(
            provider=self.name,
            sms_id=None,
            provider_id=receipt.provider_id,
            state=receipt.state,
            reason=receipt.reason,
        )
        handed = asyncio.wait_for(self._on_report(report), self._config.patience.report_s)
        (failure,) = await asyncio.gather(handed, return_exceptions=True)
        return Status.OK if failure is None else Status.RECEIVER_TEMPORARY


def _whole(of_last: SendOutcome, parts: int) -> SendOutcome:
    """Say what became of a message by the answer to its last part; the ones before were taken."""
    is_partly = parts > 1 and isinstance(of_last, Rejected)
    return Unknown("partly_taken") if is_partly else of_last


def _is_busy(answer: Pdu | Rejected | None) -> bool:
    return isinstance(answer, Pdu) and answer.status in _BUSY

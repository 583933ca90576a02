"""One bound connection to an SMSC: requests with their answers, signs of life, what comes in.

Laws: a request is answered, or its answer is None: the time was over or the connection gone.
Whatever ends the connection ends every wait. A peer that breaks the protocol, or is silent to
`enquire_link`, is left. Each message that comes in is answered when it is dealt with, not before.
"""

from __future__ import annotations

import asyncio
from contextlib import suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from otp.gateways.smpp import pdu
from otp.gateways.smpp.pdu import HEADER, RESPONSE, Command, Malformed, Pdu, Status

if TYPE_CHECKING:
    import ssl
    from collections.abc import Awaitable, Callable

    from schemas.secret import Secret

_COMING_IN_MAX: Final = 100
"""Above the window of any SMSC; what is above this is refused for now and comes again."""
_LAST_WORDS_S: Final = 1.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Times:
    """How patient a link is, in seconds.

    `submit_answer_s` is longer than a message is waited for, so that a late answer is still told
    to whoever asks what became of the message.
    """

    connect_s: float = 5.0
    answer_s: float = 10.0
    submit_answer_s: float = 16.0
    enquire_every_s: float = 30.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Address:
    """Where an SMSC is and who we are there. Without `tls` the way is plain TCP."""

    host: str
    port: int
    system_id: str
    password: Secret
    system_type: str = ""
    tls: ssl.SSLContext | None = None


class NotBound(Exception):
    """No bound connection came about; `reason` is a word for operators.

    `is_refused`: the SMSC does not want us as we are, so asking at once again is useless.
    """

    def __init__(self, reason: str, *, is_refused: bool = False) -> None:
        """Hold the reason."""
        super().__init__(reason)
        self.reason = reason
        self.is_refused = is_refused


@dataclass(slots=True)
class _Asked:
    command: int
    answer: asyncio.Future[Pdu | None]
    timer: asyncio.TimerHandle


class Link:
    """A connection that is bound; `run` is its life."""

    def __init__(
        self,
        reader: asyncio.StreamReader,
        writer: asyncio.StreamWriter,
        times: Times,
        deal_with: Callable[[Pdu], Awaitable[int]],
    ) -> None:
        """Take over an open connection; `deal_with` gives the status a deliver_sm is answered."""
        self._reader = reader
        self._writer = writer
        self._times = times
        self._deal_with = deal_with
        self._sequence = 0
        self._asked: dict[int, _Asked] = {}
        self._coming_in: asyncio.Queue[Pdu] = asyncio.Queue(_COMING_IN_MAX)
        self.is_open = True

    @classmethod
    async def bind(
        cls, address: Address, times: Times, deal_with: Callable[[Pdu], Awaitable[int]]
    ) -> Link:
        """Connect and bind as transceiver. Raises NotBound."""
        try:
            async with asyncio.timeout(times.connect_s):
                reader, writer = await asyncio.open_connection(
                    address.host, address.port, ssl=address.tls
                )
        except (OSError, TimeoutError) as error:
            raise NotBound(type(error).__name__) from error
        link = cls(reader, writer, times, deal_with)
        is_bound = False
        try:
            await link._introduce(address)
            is_bound = True
        finally:
            if not is_bound:
                await link.hang_up()
        return link

    async def _introduce(self, address: Address) -> None:
        self._sequence = 1
        # Secret: the password is in these octets; they are written and nothing else.
        body = pdu.bind(address.system_id, address.password.reveal(), address.system_type)
        self._write(Pdu(Command.BIND_TRANSCEIVER, 0, self._sequence, body))
        try:
            async with asyncio.timeout(self._times.answer_s):
                answer = await self._read()
        except (OSError, EOFError, TimeoutError, Malformed) as error:
            raise NotBound(type(error).__name__) from error
        if answer.command not in (Command.BIND_TRANSCEIVER | RESPONSE, Command.GENERIC_NACK):
            reason = "no_bind_answer"
            raise NotBound(reason)
        if answer.status != Status.OK:
            reason = f"bind_{answer.status:#04x}"
            raise NotBound(reason, is_refused=answer.status != Status.ALREADY_BOUND)

    async def run(self) -> str:
        """Live until the connection ends; gives the reason, a word for operators."""
        tasks = [
            asyncio.create_task(life, name="smpp")
            for life in (self._hear(), self._keep_alive(), self._deal_with_all())
        ]
        try:
            ended, _ = await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
            return ended.pop().result()
        finally:
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)
            await self.hang_up()

    def ask(self, command: Command, body: bytes, within_s: float) -> asyncio.Future[Pdu | None]:
        """Write a request; its answer is None when none came in time or the connection ended.

        From here on the request may have been taken. Only for an open link.
        """
        loop = asyncio.get_running_loop()
        self._sequence = self._sequence % pdu.SEQUENCE_MAX + 1
        answer: asyncio.Future[Pdu | None] = loop.create_future()
        timer = loop.call_later(within_s, self._settle, self._sequence, None)
        self._asked[self._sequence] = _Asked(command, answer, timer)
        self._write(Pdu(command, 0, self._sequence, body))
        return answer

    async def unbind(self) -> None:
        """Say good-bye, and wait a little for the answer."""
        if self.is_open:
            await self.ask(Command.UNBIND, b"", _LAST_WORDS_S)

    async def hang_up(self) -> None:
        """Close the connection; every wait for an answer is over."""
        self.is_open = False
        for sequence in list(self._asked):
            self._settle(sequence, None)
        self._writer.close()
        try:
            async with asyncio.timeout(_LAST_WORDS_S):
                await self._writer.wait_closed()
        except (OSError, TimeoutError):
            self._writer.transport.abort()

    def _settle(self, sequence: int, answer: Pdu | None) -> None:
        asked = self._asked.pop(sequence, None)
        if asked is not None:
            asked.timer.cancel()
            if not asked.answer.done():
                asked.answer.set_result(answer)

    def _write(self, message: Pdu) -> None:
        if not self._writer.is_closing():  # the other side may have left; uvloop raises then
            self._writer.write(message.octets())

    async def _read(self) -> Pdu:
        header = await self._reader.readexactly(HEADER.size)
        return pdu.read(header, await self._reader.readexactly(pdu.body_length(header)))

    async def _hear(self) -> str:
        try:
            while True:
                ended = self._heard(await self._read())
                if ended is not None:
                    return ended
                await self._writer.drain()
        except (OSError, EOFError):
            return "connection_lost"
        except Malformed:
            return "malformed"
        finally:
            self.is_open = False

    def _heard(self, message: Pdu) -> str | None:
        """Act on a message; gives the reason when it ends the connection."""
        if message.command & RESPONSE:
            return self._heard_answer(message)
        match message.command:
            case Command.DELIVER_SM:
                with suppress(asyncio.QueueFull):
                    self._coming_in.put_nowait(message)
                    return None
                self._answer(message, Status.RECEIVER_TEMPORARY, b"\x00")
            case Command.ENQUIRE_LINK:
                self._answer(message, Status.OK)
            case Command.UNBIND:
                self._answer(message, Status.OK)
                return "unbound_by_smsc"
            case _:
                self._write(Pdu(Command.GENERIC_NACK, Status.UNKNOWN_COMMAND, message.sequence))
        return None

    def _heard_answer(self, message: Pdu) -> str | None:
        asked = self._asked.get(message.sequence)
        if asked is None:
            return None
        if message.command not in (asked.command | RESPONSE, Command.GENERIC_NACK):
            return "malformed"
        self._settle(message.sequence, message)
        return None

    def _answer(self, message: Pdu, status: int, body: bytes = b"") -> None:
        self._write(Pdu(message.command | RESPONSE, status, message.sequence, body))

    async def _keep_alive(self) -> str:
        while True:
            await asyncio.sleep(self._times.enquire_every_s)
            answer = await self.ask(Command.ENQUIRE_LINK, b"", self._times.answer_s)
            if answer is None:
                return "silent"

    async def _deal_with_all(self) -> str:
        while True:
            message = await self._coming_in.get()
            status = await self._deal_with(message)
            self._answer(message, status, b"\x00")

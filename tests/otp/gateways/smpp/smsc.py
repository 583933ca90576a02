"""An SMSC that nobody here wrote (smpp34, in Rust), and a line to it that a test can disturb.

The SMSC answers as told and keeps what it was sent. The line looks at every message on its way: it
can hold back, change or repeat one, cut the connection, or end TLS.
"""

from __future__ import annotations

import asyncio
import struct
from contextlib import suppress
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any
from uuid import UUID, uuid4

import smpp34

from loadtests.ports import free_ports
from otp.gateways.port import Rejected, Report, SmsJob
from otp.gateways.smpp.gateway import Patience, SmppConfig
from otp.gateways.smpp.link import Address, Times
from schemas.secret import Secret

if TYPE_CHECKING:
    import ssl
    from collections.abc import Callable

SUBMIT_SM, DELIVER_SM, BIND, ENQUIRE_LINK, UNBIND = 0x04, 0x05, 0x09, 0x15, 0x06
ANSWER = 0x80000000
_HEADER = struct.Struct(">IIII")
_WITHIN_S = 100.0


class News:
    """Something to wait for: whoever changes a fact calls `tell`."""

    def __init__(self) -> None:
        self._event = asyncio.Event()

    def tell(self) -> None:
        self._event.set()

    async def until(self, is_true: Callable[[], Any]) -> None:
        async with asyncio.timeout(_WITHIN_S):
            while not is_true():
                self._event.clear()
                await self._event.wait()


class Smsc:
    """A short message service centre. `answers` are used one after another, then all is taken."""

    def __init__(self) -> None:
        (self.port,) = free_ports(1)  # it does not tell which one it was given
        self.news = News()
        self.sessions: list[smpp34.Esme] = []
        self.ended: list[str] = []
        self.received: list[smpp34.SubmitSmEvent] = []
        self.answers: list[Callable[[smpp34.SubmitSmEvent], None]] = []
        self._server = smpp34.Server("127.0.0.1", self.port, system_id="SMSC")
        self._task: asyncio.Task[None] | None = None

    async def start(self) -> None:
        await self._server.start()
        self._task = asyncio.create_task(self._serve())

    async def stop(self) -> None:
        if self._task is not None:
            self._task.cancel()
            await asyncio.gather(self._task, return_exceptions=True)
        await self._server.stop()

    async def got(self, count: int) -> list[smpp34.SubmitSmEvent]:
        """Wait for so many messages."""
        await self.news.until(lambda: len(self.received) >= count)
        return self.received

    async def has_sessions(self, count: int) -> None:
        """Wait until so many sessions have been bound in all."""
        await self.news.until(lambda: len(self.sessions) >= count)

    async def report(self, text: str = "", **more: Any) -> smpp34.DeliverSmResp:
        """Send a delivery receipt to the newest session; gives how it was answered."""
        return await self.sessions[-1].deliver_sm(
            "BANK", text.encode(), source_addr="48600700800", **{"esm_class": 0x04, **more}
        )

    async def _serve(self) -> None:
        while True:
            match await self._server.next():
                case smpp34.Esme() as session:
                    self.sessions.append(session)
                case smpp34.SubmitSmEvent() as message:
                    self.received.append(message)
                    if self.answers:
                        self.answers.pop(0)(message)
                    else:
                        message.accept(f"id-{len(self.received)}")
                case smpp34.Unbound() as session:
                    self.ended.append(session.session_id)
            self.news.tell()


def rejecting(status: int) -> Callable[[smpp34.SubmitSmEvent], None]:
    """Answer with a status."""
    return lambda message: message.reject(status)


def naming(message_id: str) -> Callable[[smpp34.SubmitSmEvent], None]:
    """Take the message under an id."""
    return lambda message: message.accept(message_id)


@dataclass(frozen=True)
class Seen:
    """A message on the line."""

    command: int
    status: int
    sequence: int
    octets: bytes


class Cut(Exception):
    """The line goes dead here."""


@dataclass
class Line:
    """A line to an SMSC. `to_smsc` and `to_us` look at each message and give what goes on: the
    octets, changed or not; None holds it back; `Cut` ends the connection.
    """

    port_beyond: int
    tls: ssl.SSLContext | None = None
    to_smsc: Callable[[Seen], bytes | None] = lambda seen: seen.octets
    to_us: Callable[[Seen], bytes | None] = lambda seen: seen.octets
    port: int = 0
    sent: list[Seen] = field(default_factory=list)
    came: list[Seen] = field(default_factory=list)
    news: News = field(default_factory=News)
    calls: int = 0
    writers: list[asyncio.StreamWriter] = field(default_factory=list)
    _server: asyncio.Server | None = None
    _calls: set[asyncio.Task[Any]] = field(default_factory=set)

    async def start(self) -> None:
        self._server = await asyncio.start_server(
            self._take_call, "127.0.0.1", self.port, ssl=self.tls
        )
        self.port = self._server.sockets[0].getsockname()[1]

    async def stop(self) -> None:
        """Cut every connection and take no more."""
        assert self._server is not None
        self._server.close()
        self.cut()
        await asyncio.gather(*self._calls, return_exceptions=True)

    def cut(self) -> None:
        """Cut what is connected now."""
        for writer in self.writers:
            writer.transport.abort()
        self.writers.clear()

    def inject(self, octets: bytes) -> None:
        """Say something to the newest caller in the SMSC's place."""
        self.writers[-2].write(octets)

    def said(self, command: int) -> list[Seen]:
        return [seen for seen in self.sent if seen.command == command]

    def answered(self, command: int) -> list[Seen]:
        return [seen for seen in self.came if seen.command == command | ANSWER]

    async def _take_call(self, reader: Any, writer: asyncio.StreamWriter) -> None:
        self.calls += 1
        task = asyncio.current_task()
        assert task is not None
        self._calls.add(task)
        beyond_reader, beyond = await asyncio.open_connection("127.0.0.1", self.port_beyond)
        self.writers += [writer, beyond]
        ways = [
            asyncio.create_task(self._carry(reader, beyond, self.sent, "to_smsc")),
            asyncio.create_task(self._carry(beyond_reader, writer, self.came, "to_us")),
        ]
        await asyncio.wait(ways, return_when=asyncio.FIRST_COMPLETED)
        for end in (writer, beyond):
            end.transport.abort()
        for way in ways:
            way.cancel()
        await asyncio.gather(*ways, return_exceptions=True)
        self.news.tell()

    async def _carry(
        self, reader: asyncio.StreamReader, writer: Any, kept: list[Seen], look: str
    ) -> None:
        with suppress(OSError, EOFError, Cut):
            while True:
                header = await reader.readexactly(_HEADER.size)
                length, command, status, sequence = _HEADER.unpack(header)
                octets = header + await reader.readexactly(length - _HEADER.size)
                seen = Seen(command, status, sequence, octets)
                kept.append(seen)
                self.news.tell()
                passed = getattr(self, look)(seen)
                if passed is not None:
                    writer.write(passed)


def holding_back(command: int) -> Callable[[Seen], bytes | None]:
    """Let everything pass but this."""
    return lambda seen: None if seen.command == command else seen.octets


def cutting_at(command: int) -> Callable[[Seen], bytes | None]:
    """Let everything pass until this comes; then the line is dead."""

    def look(seen: Seen) -> bytes | None:
        if seen.command == command:
            raise Cut
        return seen.octets

    return look


def with_status(command: int, status: int) -> Callable[[Seen], bytes | None]:
    """Change the status of an answer."""

    def look(seen: Seen) -> bytes | None:
        if seen.command != command | ANSWER:
            return seen.octets
        return _HEADER.pack(16, seen.command, status, seen.sequence)

    return look


QUICK = Patience(
    send_s=100.0, turn_s=50.0, rest_s=0.02, report_s=50.0, back_off_s=(0.01, 0.02), refused_s=0.03
)


def config(port: int, **changes: Any) -> SmppConfig:
    """Describe the provider behind a port; impatient, so that a test need not wait."""
    address = {
        "host": "127.0.0.1",
        "port": port,
        "system_id": "bank",
        "password": Secret("pass-9X"),
    }
    given: dict[str, Any] = {
        "name": "carrier",
        "address": Address(**{**address, **changes.pop("address", {})}),
        "rate": 1_000.0,
        "times": Times(**changes.pop("times", {})),
        "patience": QUICK,
    }
    return SmppConfig(**{**given, **changes})


TEXT = "Kod: 048291"
NOT_BOUND = Rejected(retryable=True, reason="not_bound")
MESSAGE_PAYLOAD, RECEIPTED_MESSAGE_ID, MESSAGE_STATE = 0x0424, 0x001E, 0x0427


def job(text: str = TEXT, sms_id: UUID | None = None) -> SmsJob:
    return SmsJob(sms_id or uuid4(), Secret("+48600700800"), Secret(text), "BANK", 290)


class Desk:
    """Where reports and news of the connection arrive."""

    def __init__(self) -> None:
        self.news = News()
        self.reports: list[Report] = []
        self.link: list[tuple[str, bool, str]] = []
        self.failures: list[Exception] = []

    async def on_report(self, report: Report) -> None:
        if self.failures:
            raise self.failures.pop(0)
        self.reports.append(report)
        self.news.tell()

    def observe(self, name: str, is_bound: bool, reason: str) -> None:
        self.link.append((name, is_bound, reason))
        self.news.tell()

    async def heard(self, *told: tuple[bool, str]) -> None:
        """Wait until the connection's story contains these."""
        wanted = [("carrier", *one) for one in told]
        await self.news.until(lambda: all(one in self.link for one in wanted))

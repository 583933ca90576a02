"""One connection, where the other side breaks the protocol."""

from __future__ import annotations

import asyncio
import struct
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Any

import pytest
import uvloop

from otp.gateways.smpp.link import Address, Link, NotBound, Times
from otp.gateways.smpp.pdu import Command, Pdu, Status
from schemas.secret import Secret

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable, Coroutine

HEADER = struct.Struct(">IIII")
BOUND = HEADER.pack(16, 0x80000009, 0, 1)


class Peer:
    """The other end of one connection, octet by octet."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._reader, self._writer = reader, writer

    async def hear(self) -> tuple[int, int, int, bytes]:
        """Read a message: command, status, sequence, body."""
        async with asyncio.timeout(100):
            header = await self._reader.readexactly(16)
            length, command, status, sequence = HEADER.unpack(header)
            return command, status, sequence, await self._reader.readexactly(length - 16)

    def say(self, command: int, status: int = 0, sequence: int = 1, body: bytes = b"") -> None:
        self.say_octets(HEADER.pack(16 + len(body), command, status, sequence) + body)

    def say_octets(self, octets: bytes) -> None:
        self._writer.write(octets)

    def leave(self) -> None:
        self._writer.close()


@asynccontextmanager
async def listening() -> AsyncIterator[tuple[Address, asyncio.Queue[Peer]]]:
    callers: asyncio.Queue[Peer] = asyncio.Queue()
    peers: list[Peer] = []

    def take(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        peers.append(Peer(reader, writer))
        callers.put_nowait(peers[-1])

    server = await asyncio.start_server(take, "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    yield (
        Address(host="127.0.0.1", port=port, system_id="bank", password=Secret("pass-9X")),
        callers,
    )
    server.close()
    for peer in peers:
        peer.leave()


@asynccontextmanager
async def bound(
    statuses: list[int] | None = None, **times: float
) -> AsyncIterator[tuple[Link, Peer, asyncio.Task[str]]]:
    """Give a bound link, its peer and its life; what comes in is answered with `statuses`."""

    async def deal_with(_: Pdu) -> int:
        return statuses.pop(0) if statuses else 0

    async with listening() as (address, callers):
        binding = asyncio.create_task(Link.bind(address, Times(**times), deal_with))
        peer = await callers.get()
        await peer.hear()
        peer.say_octets(BOUND)
        link = await binding
        life = asyncio.create_task(link.run())
        yield link, peer, life
        life.cancel()
        await asyncio.gather(life, return_exceptions=True)


async def test_the_bind_says_who_we_are_and_which_version() -> None:
    async with listening() as (address, callers):
        binding = asyncio.create_task(Link.bind(address, Times(), _ignored))
        peer = await callers.get()
        command, status, sequence, body = await peer.hear()
        peer.say_octets(BOUND)
        await (await binding).hang_up()

    assert (command, status, sequence) == (0x09, 0, 1)
    assert body == b"bank\x00pass-9X\x00\x00\x34\x00\x00\x00"


async def _ignored(_: Pdu) -> int:
    return 0


@pytest.mark.parametrize(
    ("answer", "reason", "is_refused"),
    [
        (HEADER.pack(16, 0x80000009, 0x0E, 1), "bind_0x0e", True),
        (HEADER.pack(16, 0x80000009, 0x05, 1), "bind_0x05", False),
        (HEADER.pack(16, 0x80000000, 0x03, 1), "bind_0x03", True),
        (HEADER.pack(16, 0x80000004, 0, 1), "no_bind_answer", False),
        (b"HTTP/1.1 400 Bad Request\r\n\r\n", "Malformed", False),
        (b"", "IncompleteReadError", False),
    ],
)
async def test_what_is_no_bind_gives_no_link(answer: bytes, reason: str, is_refused: bool) -> None:
    async with listening() as (address, callers):
        binding = asyncio.create_task(Link.bind(address, Times(), _ignored))
        peer = await callers.get()
        await peer.hear()
        peer.say_octets(answer)
        peer.leave()
        with pytest.raises(NotBound) as told:
            await binding

    assert (told.value.reason, told.value.is_refused) == (reason, is_refused)


async def test_silence_to_the_bind_gives_no_link() -> None:
    async with listening() as (address, _):
        with pytest.raises(NotBound) as told:
            await Link.bind(address, Times(answer_s=0.05), _ignored)

    assert told.value.reason == "TimeoutError"


@pytest.mark.parametrize(
    "octets",
    [
        HEADER.pack(15, 0x15, 0, 1),
        HEADER.pack(0xFFFFFFFF, 0x15, 0, 1),
        HEADER.pack(16, 0x80000015, 0, 2),  # the answer to another request
    ],
)
async def test_a_peer_that_breaks_the_protocol_is_left(octets: bytes) -> None:
    async with bound() as (link, peer, life):
        answer = link.ask(Command.SUBMIT_SM, b"", 10)
        peer.say_octets(octets)

        assert await life == "malformed"
        assert await answer is None
        assert not link.is_open


async def test_answers_find_their_requests_in_any_order() -> None:
    async with bound() as (link, peer, _):
        first, second = (link.ask(Command.SUBMIT_SM, b"", 10) for _ in range(2))
        sequences = [(await peer.hear())[2] for _ in range(2)]
        peer.say(0x80000004, 0, sequences[1], b"two\x00")
        peer.say(0x80000004, 0, 99, b"nobody's\x00")
        peer.say(0x80000004, 0, sequences[0], b"one\x00")

        answers = [await first, await second]
        assert [answer and answer.body for answer in answers] == [b"one\x00", b"two\x00"]


async def test_an_answer_that_does_not_come_in_time_is_none() -> None:
    async with bound() as (link, _, _):
        assert await link.ask(Command.SUBMIT_SM, b"", 0.01) is None
        assert link.is_open


@pytest.mark.parametrize("run", [asyncio.run, uvloop.run])
def test_what_is_asked_when_the_connection_has_just_ended_has_no_answer_whatever_the_loop(
    run: Callable[[Coroutine[Any, Any, None]], None],
) -> None:
    """The service runs in uvloop, where writing to a connection that is closed is an error."""

    async def story() -> None:
        async with bound() as (link, peer, life):
            peer.leave()
            await life
            assert await link.ask(Command.SUBMIT_SM, b"", 0.01) is None

    run(story())


async def test_leaving_waits_for_the_answer() -> None:
    async with bound() as (link, peer, _):
        leaving = asyncio.create_task(link.unbind())
        command, _, sequence, _ = await peer.hear()
        assert (command, leaving.done()) == (0x06, False)
        peer.say(0x80000006, 0, sequence)
        await leaving


async def test_leaving_does_not_need_the_answer() -> None:
    async with bound() as (link, peer, life):
        leaving = asyncio.create_task(link.unbind())
        await peer.hear()
        peer.leave()
        await leaving

        assert await life == "connection_lost"


async def test_sequence_numbers_begin_again_after_the_last() -> None:
    async with bound() as (link, peer, _):
        link._sequence = 0x7FFFFFFE
        asked = [link.ask(Command.ENQUIRE_LINK, b"", 10) for _ in range(2)]

        assert [(await peer.hear())[2] for _ in asked] == [0x7FFFFFFF, 1]


async def test_a_sign_of_life_is_given_when_asked_for() -> None:
    async with bound() as (_, peer, _):
        peer.say(0x15, sequence=77)

        assert (await peer.hear())[:3] == (0x80000015, 0, 77)


async def test_an_unknown_request_is_refused_and_the_link_lives_on() -> None:
    async with bound() as (link, peer, _):
        peer.say(0x103, sequence=5, body=b"data_sm")

        assert (await peer.hear())[:3] == (0x80000000, Status.UNKNOWN_COMMAND, 5)
        assert link.is_open


async def test_what_comes_in_is_answered_in_its_order_with_its_status() -> None:
    async with bound([0x64, 0]) as (_, peer, _):
        peer.say(0x05, sequence=8)
        peer.say(0x05, sequence=9)

        heard = [await peer.hear() for _ in range(2)]
        assert heard == [(0x80000005, 0x64, 8, b"\x00"), (0x80000005, 0, 9, b"\x00")]


async def test_more_than_can_be_dealt_with_is_asked_for_again() -> None:
    """Nobody is done with the first: a hundred may wait, the rest comes again."""
    begun, stop = asyncio.Event(), asyncio.Event()

    async def never_done(_: Pdu) -> int:
        begun.set()
        await stop.wait()
        return 0

    async with bound() as (link, peer, _):
        link._deal_with = never_done
        peer.say(0x05, sequence=1)
        await begun.wait()
        for sequence in range(2, 111):
            peer.say(0x05, sequence=sequence)
        refused = [await peer.hear() for _ in range(9)]
        stop.set()
        done = [await peer.hear() for _ in range(101)]

    assert {status for _, status, _, _ in refused} == {Status.RECEIVER_TEMPORARY}
    assert {status for _, status, _, _ in done} == {0}
    assert len({one[2] for one in refused + done}) == 110

"""The way out: only to listed hosts, never back into this machine, sure of what was sent."""

from __future__ import annotations

import asyncio
import socket
import threading
from contextlib import asynccontextmanager, contextmanager
from typing import TYPE_CHECKING, Any

import pytest
from aiohttp import web

from acs import metrics
from acs.breaker import FAILURES_MAX, NEWS_FOR_S
from acs.directory_server import (
    ANSWER_LIMIT_BYTES,
    REST_S,
    Answered,
    Budget,
    DirectoryServer,
    DirectoryServers,
    GuardedResolver,
    NoAnswer,
    NotConnected,
    Resting,
)
from schemas.messages import NO_ADDITIONS, Additions
from tests.acs.fleet import until
from tests.records import replace
from tests.turning_away import VERSIONS, turning_away

if TYPE_CHECKING:
    import ssl
    from collections.abc import AsyncIterator, Iterator

    from aiohttp.typedefs import Handler

HOSTS = frozenset({"ds.visa.example", "127.0.0.1:9000", "[2001:db8::1]:8443", "2001:db8::2"})
VISA = DirectoryServer("visa", frozenset({"visa"}), HOSTS, "https://results.example/rreq")


@pytest.mark.parametrize(
    ("url", "listed"),
    [
        ("https://ds.visa.example/rreq", True),
        ("https://DS.visa.example:8443/rreq", True),
        ("http://127.0.0.1:9000/rreq", True),
        ("https://[2001:DB8::1]:8443/rreq", True),
        ("https://[2001:db8::1]/rreq", False),
        ("https://[2001:db8::2]:8443/rreq", True),
        ("http://127.0.0.1:9001/rreq", False),
        ("http://ds.visa.example/rreq", False),  # plain HTTP to another machine
        ("https://ds.visa.example.evil.example/", False),
        ("https://evil.example/?ds.visa.example", False),
        ("https://ds.visa.example@evil.example/", False),
        ("https://user@ds.visa.example/", False),
        ("ftp://ds.visa.example/", False),
        ("https://ds.visa.example:99999/", False),
        ("//ds.visa.example/", False),
        ("", False),
    ],
)
def test_only_a_listed_host_is_spoken_to(url: str, listed: bool) -> None:
    assert VISA.is_listed(url) is listed


@pytest.mark.parametrize(
    ("ds_url", "goes_to"),
    [
        ("https://ds.visa.example/rreq", "https://ds.visa.example/rreq"),
        ("https://evil.example/rreq", "https://results.example/rreq"),
        (None, "https://results.example/rreq"),
    ],
)
def test_results_go_to_the_areqs_address_only_if_it_is_listed(
    ds_url: str | None, goes_to: str
) -> None:
    assert VISA.url_for_results(ds_url) == goes_to


def test_a_certificate_leads_to_its_directory_server() -> None:
    named = DirectoryServer(
        "mc",
        frozenset({"mastercard"}),
        HOSTS,
        client_subject="ds.mc.example",
        authorities=frozenset({b"root", b"issuing"}),
    )
    servers = DirectoryServers([VISA, named])

    assert servers.by_certificate(["x", "ds.mc.example"], [b"other", b"root"]) == named
    assert servers.by_certificate(["unknown.example"], [b"root"]) is None
    assert servers.by_certificate(["ds.mc.example"], [b"other"]) is None
    assert servers.without_certificate() == VISA
    assert servers.by_id("mc") == named
    assert servers.by_id("none") is None


def test_what_a_directory_server_defines_is_its_own() -> None:
    additions = Additions(frozenset({"TEST-1"}))
    servers = DirectoryServers([VISA, replace(VISA, ds_id="mc", additions=additions)])

    assert servers.additions_of("mc") == additions
    assert servers.additions_of("visa") == NO_ADDITIONS
    assert servers.additions_of("none") == NO_ADDITIONS


@asynccontextmanager
async def network(handler: Handler) -> AsyncIterator[tuple[DirectoryServers, DirectoryServer, str]]:
    """Run a Directory Server on this machine; give the client, its entry and its address."""
    app = web.Application(client_max_size=10_000_000)
    app.router.add_route("*", "/{path:.*}", handler)
    runner = web.AppRunner(app, access_log=None)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    host = f"127.0.0.1:{runner.addresses[0][1]}"
    server = DirectoryServer("ds", frozenset({"visa"}), frozenset({host}))
    servers = DirectoryServers([server])
    yield servers, server, f"http://{host}/rreq"
    await servers.close()
    await runner.cleanup()


async def test_an_answer_comes_back_whatever_its_status() -> None:
    async def answer(request: web.Request) -> web.Response:
        kind = request.headers["Content-Type"]
        return web.Response(status=500, body=await request.read() + kind.encode())

    async with network(answer) as (servers, server, url):
        reply = await servers.post(server, url, b"{}")

    assert reply == Answered(500, b"{}application/json;charset=utf-8")


async def test_an_endless_answer_is_read_up_to_the_limit() -> None:
    async def answer(_request: web.Request) -> web.Response:
        return web.Response(body=b"x" * (ANSWER_LIMIT_BYTES * 3))

    async with network(answer) as (servers, server, url):
        reply = await servers.post(server, url, b"{}")

    assert isinstance(reply, Answered)
    assert len(reply.body) <= ANSWER_LIMIT_BYTES


async def test_a_redirect_is_an_answer_and_not_followed() -> None:
    visited: list[str] = []

    async def answer(request: web.Request) -> web.Response:
        visited.append(request.path)
        return web.Response(status=307, headers={"Location": "/elsewhere"})

    async with network(answer) as (servers, server, url):
        reply = await servers.post(server, url, b"{}")

    assert isinstance(reply, Answered)
    assert (reply.status, visited) == (307, ["/rreq"])


@pytest.fixture
def dead() -> Iterator[str]:
    """Give a host where nobody listens, and nobody else can meanwhile."""
    with socket.socket() as held:
        held.bind(("127.0.0.1", 0))
        yield f"127.0.0.1:{held.getsockname()[1]}"


async def test_nobody_listening_means_nothing_was_sent(dead: str) -> None:
    server = DirectoryServer("ds", frozenset({"visa"}), frozenset({dead}))
    servers = DirectoryServers([server])
    reply = await servers.post(server, f"http://{dead}/rreq", b"{}")
    await servers.close()

    assert reply == NotConnected()


async def test_a_connection_cut_after_the_request_leaves_the_outcome_open() -> None:
    async def cut(request: web.Request) -> web.Response:
        await request.read()
        assert request.transport is not None
        request.transport.close()
        return web.Response()

    async with network(cut) as (servers, server, url):
        assert await servers.post(server, url, b"{}") == NoAnswer()


@pytest.mark.parametrize("version", VERSIONS)
@pytest.mark.parametrize("shows", [False, True])
async def test_a_certificate_that_is_refused_means_nothing_was_taken(
    version: ssl.TLSVersion, shows: bool
) -> None:
    """Under TLS 1.3 it is judged when our side of the handshake has ended and the message goes."""
    async with turning_away(version, shows=shows) as (host, tls):
        server = DirectoryServer("ds", frozenset({"visa"}), frozenset({host}), tls=tls)
        servers = DirectoryServers([server])
        reply = await servers.post(server, f"https://{host}/rreq", b"{}")
        await servers.close()

    assert reply == NotConnected()


async def test_each_message_has_a_connection_of_its_own() -> None:
    ports: list[int] = []

    async def note(request: web.Request) -> web.Response:
        assert request.transport is not None
        ports.append(request.transport.get_extra_info("peername")[1])
        return web.Response()

    async with network(note) as (servers, server, url):
        await asyncio.gather(*(servers.post(server, url, b"{}") for _ in range(3)))

    assert len(set(ports)) == 3


async def test_an_answer_in_pieces_is_read_to_its_end() -> None:
    async def in_pieces(request: web.Request) -> web.StreamResponse:
        response = web.StreamResponse()
        await response.prepare(request)
        for piece in (b"{", b'"a":', b"1}"):
            await response.write(piece)
            await asyncio.sleep(0.02)  # so that each is a packet of its own
        await response.write_eof()
        return response

    async with network(in_pieces) as (servers, server, url):
        assert await servers.post(server, url, b"{}") == Answered(200, b'{"a":1}')


@contextmanager
def silent_names(monkeypatch: pytest.MonkeyPatch) -> Iterator[list[object]]:
    """Let look-ups of ``.example`` wait, each in its thread; gives what was asked."""
    asked: list[object] = []
    over, as_ever = threading.Event(), socket.getaddrinfo

    def look_up(host: Any, *args: Any, **named: Any) -> Any:
        if not str(host).endswith(".example"):
            return as_ever(host, *args, **named)
        asked.append(host)
        over.wait()
        raise socket.gaierror

    monkeypatch.setattr(socket, "getaddrinfo", look_up)
    try:
        yield asked
    finally:
        over.set()


async def test_a_name_nobody_resolves_in_time_is_no_connection(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Nothing was sent, so the message may be tried again."""

    with silent_names(monkeypatch) as asked:
        servers = DirectoryServers([VISA], Budget(connect_s=0.1, read_s=20))
        reply = await servers.post(VISA, "https://ds.visa.example/rreq", b"{}")
        await servers.close()

    assert reply == NotConnected()
    assert asked


async def test_a_name_that_nobody_resolves_holds_up_no_other_one(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Each look-up of it keeps a thread for as long as the system's resolver tries."""

    async def answers(request: web.Request) -> web.Response:
        return web.Response()

    async with network(answers) as (_, server, url):
        there = replace(server, hosts=frozenset({"localhost"}))
        servers = DirectoryServers([VISA, there], Budget(connect_s=300, read_s=20))
        with silent_names(monkeypatch) as asked:
            waits = [
                asyncio.create_task(servers.post(VISA, "https://ds.visa.example/rreq", b"{}"))
                for _ in range(40)
            ]
            await until(lambda: len(asked) > 0)
            servers.budget = Budget(connect_s=60, read_s=20)
            reply = await servers.post(there, url.replace("127.0.0.1", "localhost"), b"{}")
            assert reply == Answered(200, b"")
            assert await asyncio.get_running_loop().getaddrinfo("localhost", 80)
        assert await asyncio.gather(*waits) == [NotConnected()] * 40
        await servers.close()


@pytest.mark.parametrize(
    "name",
    ["localhost", "169.254.169.254", "0.0.0.0", "::ffff:127.0.0.1", "::ffff:169.254.169.254"],
)
async def test_a_name_that_leads_back_into_this_machine_or_its_link_is_refused(name: str) -> None:
    """An IPv4 address may be written as IPv6, which Python sees through from 3.13 on alone."""
    resolver = GuardedResolver()

    with pytest.raises(OSError, match="no usable address"):
        await resolver.resolve(name, 80)
    await resolver.close()


async def test_unless_the_list_names_this_machine_itself() -> None:
    resolver = GuardedResolver(frozenset({"localhost:9000"}))
    found = await resolver.resolve("localhost", 9000, socket.AF_INET)
    await resolver.close()

    assert found[0]["host"] == "127.0.0.1"


async def test_so_many_connections_to_a_server_and_what_finds_no_room_was_not_sent() -> None:
    heard, release = [], asyncio.Event()

    async def hold(request: web.Request) -> web.Response:
        heard.append(await request.read())
        await release.wait()
        return web.Response()

    async with network(hold) as (_, server, url):
        servers = DirectoryServers([server], Budget(connect_s=100, read_s=100), sockets_max=3)
        held = [asyncio.create_task(servers.post(server, url, b"{}")) for _ in range(3)]
        await until(lambda: len(heard) == 3)
        servers.budget = Budget(connect_s=0.1, read_s=100)
        more = [servers.post(server, url, b"{}") for _ in range(2)]
        assert await asyncio.gather(*more) == [NotConnected()] * 2
        assert len(heard) == 3
        release.set()
        assert await asyncio.gather(*held) == [Answered(200, b"")] * 3
        await servers.close()


async def test_a_server_that_fails_again_and_again_is_left_alone_and_then_tried_by_one() -> None:
    heard, status, now = [], 503, 0.0

    async def answer(request: web.Request) -> web.Response:
        heard.append(await request.read())
        return web.Response(status=status)

    async with network(answer) as (_, server, url):
        other = replace(server, ds_id="other")
        servers = DirectoryServers([server, other], clock=lambda: now)
        for _ in range(FAILURES_MAX):
            await servers.post(server, url, b"{}")
        assert await servers.post(server, url, b"{}") == Resting()
        assert (len(heard), servers.room(["ds"]), servers.room(["other"])) == (5, 0, None)
        assert await servers.tell(server, url, b"erro") == Answered(503, b"")
        assert isinstance(await servers.post(other, url, b"{}"), Answered)

        now += REST_S
        status = 400  # it looks at what it gets: it is there
        assert servers.room(["ds"]) == 1
        assert await servers.post(server, url, b"{}") == Answered(400, b"")
        assert servers.room(["ds"]) is None
        await servers.close()


async def well(_: web.Request) -> web.Response:
    return web.Response()


async def test_an_address_that_is_dead_holds_up_no_other_one(dead: str) -> None:
    async with network(well) as (_, server, url):
        nowhere = f"http://{dead}/rreq"
        servers = DirectoryServers([server], Budget(connect_s=5), clock=lambda: 0.0)
        for _ in range(FAILURES_MAX):
            assert await servers.post(server, nowhere, b"{}") == NotConnected()
        assert servers.room(["ds"]) == 0
        assert await servers.post(server, nowhere, b"{}") == Resting()
        assert await servers.post(server, url, b"{}") == Answered(200, b"")
        assert servers.room(["ds"]) is None
        assert metrics.RREQ_BREAKER.labels("ds")._value.get() == 1
        await servers.close()


async def test_of_many_addresses_those_that_are_well_are_forgotten_first(dead: str) -> None:
    async with network(well) as (_, server, url):
        nowhere = f"http://{dead}/rreq"
        servers = DirectoryServers([server], Budget(connect_s=5), clock=lambda: 0.0)
        for _ in range(FAILURES_MAX):
            await servers.post(server, nowhere, b"{}")
        for number in range(300):  # user names make addresses that differ, and lead to the same
            other = url.replace("//", f"//u{number}@")
            assert await servers.post(server, other, b"{}") == Answered(200, b"")
        assert len(servers._breakers["ds"]) == 256
        assert await servers.post(server, nowhere, b"{}") == Resting()
        await servers.close()


async def test_an_address_that_nobody_uses_any_more_keeps_no_alarm_up(dead: str) -> None:
    """A Directory Server that has moved is told of as resting for a while, not until a restart."""
    now = 0.0
    async with network(well) as (_, server, url):
        servers = DirectoryServers([server], Budget(connect_s=5), clock=lambda: now)
        gauge = metrics.RREQ_BREAKER.labels("ds")
        for _ in range(FAILURES_MAX):
            await servers.post(server, f"http://{dead}/rreq", b"{}")
        now += NEWS_FOR_S
        await servers.post(server, url, b"{}")
        servers.tell_resting()
        assert gauge._value.get() == 1
        now += 60
        servers.tell_resting()
        assert gauge._value.get() == 0
        await servers.close()

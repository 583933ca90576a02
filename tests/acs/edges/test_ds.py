"""Who speaks at the Directory Server's edge, and that every answer is a protocol answer."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any
from uuid import uuid4

from aiohttp import ClientSession, web

from acs.directory_server import DirectoryServer, DirectoryServers
from acs.edges import ds
from acs.edges.middleware import Guard
from tests.records import replace
from tests.story import judge
from tests.story.areqs import browser_areq
from tests.story.conftest import log_lines, world
from tests.story.parties import CONTENT_TYPE

if TYPE_CHECKING:
    from tests.story.world import World

__all__ = ["log_lines", "world"]


async def answer_of(world: World, *servers: DirectoryServer, body: bytes = b"{}") -> dict[str, Any]:
    """Ask an edge that knows only these Directory Servers, without a certificate."""
    ports = replace(world.server.ports, directory_servers=DirectoryServers(servers))
    runner = web.ServerRunner(ds.server(ports, Guard("ds")), shutdown_timeout=0.05)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    url = f"http://127.0.0.1:{runner.addresses[0][1]}{ds.PATH}"
    try:
        async with ClientSession() as http, http.post(url, data=body) as got:
            assert (got.status, got.headers["Content-Type"]) == (200, CONTENT_TYPE)
            assert got.headers["Cache-Control"] == "no-store"
            given = dict(json.loads(await got.read()))
    finally:
        await runner.cleanup()
    judge.erro(given)
    return given


async def test_without_a_certificate_only_a_server_that_needs_none_may_speak(
    world: World,
) -> None:
    needs = DirectoryServer("a", frozenset(), frozenset(), client_subject="ds.example")
    plain = DirectoryServer("b", frozenset(), frozenset())
    assert (await answer_of(world, needs))["errorCode"] == "303"
    assert (await answer_of(world))["errorCode"] == "303"
    assert (await answer_of(world, needs, plain))["errorCode"] == "201"


async def test_who_may_not_speak_is_told_so_in_the_version_and_about_the_message_it_sent(
    world: World,
) -> None:
    message = browser_areq("4000001000000000", version="2.1.0", ds_url=world.directory.url)
    given = await answer_of(
        world, body=json.dumps({**message, "acsTransID": str(uuid4())}).encode()
    )
    ids = {name: given[name] for name in given if name.endswith("TransID")}
    assert (given["errorCode"], given["messageVersion"]) == ("303", "2.1.0")
    assert ids == {name: message[name] for name in ("threeDSServerTransID", "dsTransID")}

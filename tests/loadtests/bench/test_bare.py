"""The yardstick answers every body with as many bytes as an ARes has."""

from __future__ import annotations

from aiohttp.test_utils import TestClient, TestServer

from loadtests.bench.bare import ANSWER, application


async def test_every_body_has_the_same_answer() -> None:
    async with TestClient(TestServer(application())) as client:
        for body in (b"{}", b"x" * 4000):
            async with client.post("/3ds/areq", data=body) as answer:
                assert (answer.status, await answer.read()) == (200, ANSWER)
    assert 600 < len(ANSWER) < 900

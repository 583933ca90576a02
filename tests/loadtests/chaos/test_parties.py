"""Parties misbehave in every way before they do so again in one of them, and answer twice."""

from __future__ import annotations

import asyncio
import json
import random

from loadtests.chaos.parties import DIRECTORY_MOODS, Ledger, Mood, Parties


def test_every_way_is_had_before_one_comes_again() -> None:
    mood = Mood(random.Random(1), DIRECTORY_MOODS, 1.0)
    ways = [mood.next() for _ in range(3 * len(DIRECTORY_MOODS))]
    assert set(ways) == set(DIRECTORY_MOODS)
    assert set(mood.had.values()) == {3}


def test_in_turn_every_other_answer_is_proper() -> None:
    mood = Mood(random.Random(1), DIRECTORY_MOODS, 0.5, in_turn=True)
    ways = [mood.next() for _ in range(2 * len(DIRECTORY_MOODS))]
    assert ways.count("proper") == len(DIRECTORY_MOODS)
    assert "proper" not in {*ways[::2]} & {*ways[1::2]}


def test_who_is_well_answers_properly() -> None:
    assert Mood(random.Random(1)).next() == "proper"
    assert Mood(random.Random(1), DIRECTORY_MOODS, 0.0, in_turn=True).next() == "proper"


async def test_an_answer_comes_twice() -> None:
    gateway = Mood(random.Random(1), ("twice",), 1.0)
    parties = Parties(Ledger(), Mood(random.Random(1)), gateway)
    await parties.start()
    try:
        body = json.dumps({"id": "1", "text": "Shop 1: 123456"}).encode()
        reader, writer = await asyncio.open_connection("127.0.0.1", parties.port)
        writer.write(b"POST /sms HTTP/1.1\r\nHost: sms\r\nContent-Type: application/json\r\n")
        writer.write(b"Content-Length: %d\r\n\r\n" % len(body) + body)
        async with asyncio.timeout(100):
            for _ in range(2):
                head = await reader.readuntil(b"\r\n\r\n")
                assert head.startswith(b"HTTP/1.1 200 ")
                assert json.loads(await reader.readexactly(len(b'{"id": "1"}'))) == {"id": "1"}
        writer.close()
    finally:
        await parties.stop()
    assert parties.ledger.codes == {"1": ["123456"]}

"""Everybody else: results are confirmed and kept, codes are read from the text of a message."""

from __future__ import annotations

import asyncio

import aiohttp

from loadtests.bench.outside import outside

_IDS = {
    "messageVersion": "2.2.0",
    "threeDSServerTransID": "a",
    "acsTransID": "b",
    "dsTransID": "c",
}


async def test_a_result_is_kept_and_confirmed() -> None:
    async with outside() as others, aiohttp.ClientSession() as http:
        rreq = {"messageType": "RReq", "transStatus": "Y", "eci": "05", **_IDS}
        async with http.post(f"{others.url}/ds/rreq", json=rreq) as answer:
            assert await answer.json() == {
                "messageType": "RRes",
                "resultsStatus": "01",
                **_IDS,
            }
        async with http.post(f"{others.url}/ds/rreq", json={"messageType": "Erro"}) as answer:
            assert (answer.status, await answer.read()) == (200, b"")

        assert others.results == {"b": "Y"}


async def test_each_phone_has_its_own_codes_in_their_order() -> None:
    async with outside() as others, aiohttp.ClientSession() as http:
        waiting = asyncio.create_task(others.code("+48502000001"))
        for number, (to, text) in enumerate(
            [
                ("+48502000002", "Kod 222222 do 12.30 PLN"),
                ("+48502000001", "3-D Secure was switched off for the card *1234"),
                ("+48502000001", "Kod 111111, 1234567890123"),
                ("+48502000001", "333333"),
            ]
        ):
            message = {"id": str(number), "to": to, "from": "Bank", "text": text}
            async with http.post(f"{others.url}/sms", json=message) as answer:
                assert (await answer.json())["id"] == str(number)

        assert await waiting == "111111"
        assert await others.code("+48502000001") == "333333"
        assert await others.code("+48502000002") == "222222"

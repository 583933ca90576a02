"""The command tells a faulty ACS from a good one by its exit code; wrong use is told as such."""

from __future__ import annotations

import argparse
import asyncio
import json
from typing import Any

import pytest
from aiohttp import web
from aiohttp.test_utils import TestServer

from acs.conformance import command
from acs.conformance.cards import CardFile, PageNames
from acs.conformance.cases import Case
from acs.conformance.command import Options
from acs.conformance.report import Outcome

DECK = CardFile(({"kind": "frictionless", "pan": "4000003000000016"},), PageNames())
CASE = Case("one", "a Y", "3.21: a value", ("3.21",), expect={"transStatus": "Y"})
ERRO = {
    "messageType": "Erro",
    "messageVersion": "2.2.0",
    "errorCode": "203",
    "errorComponent": "A",
    "errorDescription": "d",
    "errorDetail": "mcc",
}


def options(*given: str) -> argparse.Namespace:
    parser = argparse.ArgumentParser()
    command.add_options(parser)
    return parser.parse_args(given)


def answered(message: dict[str, Any], **changes: Any) -> dict[str, Any]:
    echoed = ("messageVersion", "threeDSServerTransID", "dsTransID", "dsReferenceNumber")
    ares = {
        "messageType": "ARes",
        **{name: message[name] for name in echoed},
        "acsTransID": "f25084f0-5b16-4c0a-ae5d-b24808a95e4b",
        "acsReferenceNumber": "ACS",
        "transStatus": "Y",
        "authenticationValue": "AAAA",
        **changes,
    }
    return {name: value for name, value in ares.items() if value is not None}


async def outcomes(answer: Any) -> list[tuple[str, ...]]:
    """Run the case against an ACS that answers so; the faults of each run."""
    return [one.faults for one in await told(answer)]


async def told(answer: Any) -> list[Outcome]:

    async def areq(request: web.Request) -> web.Response:
        given = answer(json.loads(await request.read()))
        return given if isinstance(given, web.Response) else web.json_response(given)

    app = web.Application()
    app.router.add_post("/3ds/areq", areq)
    async with TestServer(app) as server:
        asked = Options(str(server.make_url("")), card_file=DECK)
        return await command.run(asked, [CASE])


async def test_a_good_acs_passes() -> None:
    assert await outcomes(answered) == [(), (), ()]


@pytest.mark.parametrize(
    ("told", "asked"),
    [
        ("http://acs.example:8081", "http://acs.example:8081/3ds/areq"),
        ("http://acs.example:8081/", "http://acs.example:8081/3ds/areq"),
        ("http://acs.example:8081/3ds/areq", "http://acs.example:8081/3ds/areq"),
        ("https://acs.example/v2/AReq/", "https://acs.example/v2/AReq/"),
        ("https://acs.example/areq?scheme=visa", "https://acs.example/areq?scheme=visa"),
    ],
)
def test_an_address_with_a_path_is_asked_as_it_stands(told: str, asked: str) -> None:
    assert command._areq_url(told) == asked


@pytest.mark.parametrize(
    ("changes", "says"),
    [
        ({"transStatus": "N", "authenticationValue": None, "transStatusReason": "12"}, "expected"),
        ({"authenticationValue": None}, "13.3"),
        ({"dsTransID": "x"}, "3.25"),
        ({"acsURL": "https://acs.example"}, "3.40"),
    ],
)
async def test_a_faulty_acs_fails(changes: dict[str, Any], says: str) -> None:
    found = await outcomes(lambda message: answered(message, **changes))

    assert all(says in " ".join(faults) for faults in found)


async def test_an_erro_and_a_failure_are_faults() -> None:
    assert all(await outcomes(lambda _: ERRO))
    assert all(await outcomes(lambda _: web.Response(status=500)))
    assert all(await outcomes(lambda _: web.Response(body=b"\xff not JSON")))


@pytest.mark.parametrize("code", ["402", "403"])
async def test_an_acs_that_is_busy_is_asked_once_more(
    code: str, capsys: pytest.CaptureFixture[str]
) -> None:
    busy = ERRO | {"errorCode": code, "errorDetail": "too many"}
    first = {"2.1.0": busy, "2.2.0": ERRO}

    found = await told(lambda asked: first.pop(asked["messageVersion"], None) or answered(asked))

    assert [(one.has_failed, one.was_busy) for one in found] == [
        (False, True),
        (True, False),
        (False, False),
    ]
    assert command._tell(found) == 1
    assert "busy the first time (402, 403): 1\n" in capsys.readouterr().out
    for one in await told(lambda _: busy):
        assert one.was_busy
        assert f"it says: {code} too many" in one.faults


@pytest.mark.parametrize(
    ("answer", "says"),
    [
        (lambda areq: answered(areq, transStatus=["Y"]), "TypeError"),
        (lambda _: web.Response(body=b"[" * 100_000), "RecursionError"),
    ],
)
async def test_an_answer_that_nobody_can_read_fails_its_run_alone(answer: Any, says: str) -> None:
    def once(areq: dict[str, Any]) -> Any:
        return answer(areq) if areq["messageVersion"] == "2.2.0" else answered(areq)

    found = await outcomes(once)
    assert [bool(faults) for faults in found] == [False, True, False]
    assert says in found[1][-1]


async def test_a_kind_of_card_that_is_not_there_skips_its_cases() -> None:
    case = Case("two", "t", "w", ("1.1",), card="blocked", versions=("2.2.0",))
    asked = Options("http://127.0.0.1:9", card_file=DECK)

    (outcome,) = await command.run(asked, [case])

    assert (outcome.has_failed, outcome.skipped) == (False, "no card of the kind blocked")


@pytest.mark.parametrize(
    ("given", "code", "says"),
    [
        (["--url", "https://[::1"], 2, "no http(s) URL"),
        (["--url", "nowhere"], 2, "no http"),
        (["--rule", "99"], 2, "rule 99"),
        (["--cases", "/nowhere"], 2, "nowhere"),
        (["--listen", "here"], 2, "HOST:PORT"),
        (["--at-once", "0"], 2, "at least 1"),
        (["--demo", "http://127.0.0.1:9"], 1, "Cannot connect"),
    ],
)
def test_wrong_use_ends_with_2_and_nobody_there_with_1(
    given: list[str], code: int, says: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert command.main(options(*given)) == code
    assert says in capsys.readouterr().err


def test_no_number_is_no_option() -> None:
    with pytest.raises(SystemExit, match="2"):
        options("--at-once", "x")


def test_the_cases_can_be_listed_by_rule(capsys: pytest.CaptureFixture[str]) -> None:
    assert command.main(options("--list", "--rule", "2.36")) == 0
    assert "range-luhn-is-not-checked" in capsys.readouterr().out


def test_the_exit_code_tells_a_failure(capsys: pytest.CaptureFixture[str]) -> None:
    found = asyncio.run(outcomes(lambda message: answered(message, dsTransID="x")))
    failed = [Outcome(run, faults) for run, faults in zip(CASE.runs(), found, strict=True)]

    assert command._tell(failed) == 1
    assert "FAILED one [2.1.0 BRW PA]" in capsys.readouterr().out
    assert command._tell([Outcome(run) for run in CASE.runs()]) == 0

"""Each profile against a stub that is as strict as the provider, and the provider's own calls."""

from __future__ import annotations

import asyncio
import json
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit
from uuid import uuid4

import pytest
from aiohttp import web

from acs import config, http_gateways
from acs.clock import utc_now
from otp.gateways.http import callback
from otp.gateways.port import Accepted, Rejected, ReportState, SendOutcome, SmsJob, Unknown
from schemas.secret import Secret
from tests import sms_providers
from tests.records import replace
from tests.sms_providers import REPORT_TOKEN, Called, StubProvider, Taken

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from pathlib import Path

    from otp.gateways.http.gateway import HttpGateway

TEXTS = (
    "Platnosc 12,50 PLN w SKLEP ABC 1 karta *0694. Kod: 482913. Wazny 5 min.",
    "Płatność 12,50 PLN w Żółć & Gęś + karta *0694. Kod: 482913. Ważny 5 min. {to}",
    "Оплата 12,50 PLN у SKLEP ABC карткою *0694. Код: 482913. Дійсний 5 хв.",
)
PUBLIC = "https://acs.bank.example"


def settings(table: dict[str, Any], name: str) -> config.Settings:
    return config.read(
        environ={
            "ACS_PROFILE": "demo",
            "ACS_SMS__PROVIDERS": json.dumps([name]),
            "ACS_SMS__HTTP": json.dumps({name: table}),
            "ACS_RECEIPTS__PUBLIC_URL": PUBLIC,
        }
    )


@asynccontextmanager
async def provider(name: str) -> AsyncIterator[StubProvider]:
    stub = StubProvider(name)
    await stub.start()
    try:
        yield stub
    finally:
        await stub.stop()


def job(text: str = TEXTS[0]) -> SmsJob:
    return SmsJob(uuid4(), Secret("+48600700800"), Secret(text), "BANK", 290)


async def made(stub: StubProvider, folder: Path, *, reports: bool = True) -> HttpGateway:
    def read() -> HttpGateway:
        table = stub.settings(folder, reports=reports)
        return http_gateways.http_gateway(settings(table, stub.name), stub.name, utc_now)

    return await asyncio.to_thread(read)


async def send(
    stub: StubProvider, folder: Path, one: SmsJob, *, reports: bool = True
) -> SendOutcome:
    gateway = await made(stub, folder, reports=reports)
    try:
        return await gateway.send(one)
    finally:
        await gateway.close()


@pytest.mark.parametrize("text", TEXTS, ids=["plain", "polish", "ukrainian"])
@pytest.mark.parametrize("name", sms_providers.NAMES)
async def test_a_message_is_written_as_the_provider_wants_it(
    name: str, text: str, tmp_path: Path
) -> None:
    one = job(text)
    async with provider(name) as stub:
        outcome = await send(stub, tmp_path, one)

    assert (stub.faults, stub.requests) == ([], 1)
    (taken,) = stub.taken
    assert outcome == Accepted(taken.provider_id)
    assert (taken.to, taken.text, taken.sender) == ("48600700800", text, "BANK")
    assert taken.own_id == one.sms_id
    assert taken.validity_s in ({959, 960} if name == "smsapi" else {290})
    assert taken.report_url is not None
    assert taken.report_url.startswith(f"{PUBLIC}/sms/reports/{name}/{REPORT_TOKEN}")


@pytest.mark.parametrize("name", sms_providers.NAMES)
async def test_where_no_reports_are_wanted_none_are_asked_for(name: str, tmp_path: Path) -> None:
    async with provider(name) as stub:
        outcome = await send(stub, tmp_path, job(), reports=False)

    assert isinstance(outcome, Accepted)
    assert (stub.faults, stub.taken[0].report_url) == ([], None)


def _rejected(status: str) -> dict[str, Any]:
    group = status.partition("_")[0]
    return {"messages": [{"messageId": "m", "status": {"groupName": group, "name": status}}]}


NO, NEXT = Rejected(retryable=False, reason=""), Rejected(retryable=True, reason="")
ANSWERS: list[tuple[str, int, Any, SendOutcome]] = [
    ("smsapi", 200, {"error": 103, "message": "Insufficient credits"}, NEXT),
    ("smsapi", 400, {"error": 101, "message": "Authorization failed"}, NEXT),
    ("smsapi", 200, {"error": 105, "message": "IP"}, NEXT),
    ("smsapi", 200, {"error": 14, "message": "Wrong sender"}, NEXT),
    ("smsapi", 200, {"error": 13, "message": "No correct phone numbers"}, NO),
    ("smsapi", 200, {"error": 53, "message": "Not unique idx"}, Accepted()),
    ("smsapi", 200, {"error": 201, "message": "Internal"}, Unknown("")),
    ("smsapi", 200, {"count": 0, "list": []}, Unknown("")),
    ("smsapi", 500, {}, Unknown("")),
    ("infobip", 200, _rejected("REJECTED_NOT_ENOUGH_CREDITS"), NEXT),
    ("infobip", 200, _rejected("REJECTED_DESTINATION"), NO),
    ("infobip", 200, _rejected("EXPIRED_UNKNOWN"), Unknown("")),
    ("infobip", 401, {"errorCode": "E401"}, NEXT),
    ("infobip", 400, {"errorCode": "E400"}, NEXT),
    ("infobip", 500, {}, Unknown("")),
    ("twilio", 400, {"code": 21211, "message": "Invalid 'To'", "status": 400}, NO),
    ("twilio", 400, {"code": 21608, "message": "unverified", "status": 400}, NEXT),
    ("twilio", 401, {"code": 20003, "status": 401}, NEXT),
    ("twilio", 429, {"code": 20429, "status": 429}, NEXT),
    ("twilio", 500, {}, Unknown("")),
    ("vonage", 401, {"title": "Unauthorized"}, NEXT),
    ("vonage", 422, {"title": "Invalid params"}, NEXT),
    ("vonage", 429, {"title": "Rate Limit Hit"}, NEXT),
    ("vonage", 500, {}, Unknown("")),
]


@pytest.mark.parametrize(("name", "status", "said", "outcome"), ANSWERS)
async def test_what_the_provider_answers_is_understood(
    name: str, status: int, said: Any, outcome: SendOutcome, tmp_path: Path
) -> None:
    async with provider(name) as stub:
        stub.answer = lambda: web.json_response(said, status=status)
        got = await send(stub, tmp_path, job())

    assert (stub.faults, stub.requests) == ([], 1)
    assert type(got) is type(outcome)
    assert getattr(got, "retryable", None) == getattr(outcome, "retryable", None)


@pytest.mark.parametrize("name", sms_providers.NAMES)
async def test_only_who_can_be_asked_is_asked(name: str, tmp_path: Path) -> None:
    one = job()
    async with provider(name) as stub:
        gateway = await made(stub, tmp_path)
        outcome = await gateway.find_out(one)
        await gateway.close()

    assert stub.faults == []
    can = name == "infobip"
    assert outcome == (Accepted(str(one.sms_id)) if can else Unknown("no_query"))
    assert stub.requests == can


def message(name: str) -> Taken:
    own_id = uuid4()
    url = f"{PUBLIC}/sms/reports/{name}/{REPORT_TOKEN}"
    given = str(own_id) if name == "infobip" else f"P{own_id.hex}"
    url += f"?id={own_id}" if name == "twilio" else ""
    return Taken("48600700800", "text", "BANK", 290, own_id, given, url)


@pytest.fixture
def door(name: str, tmp_path: Path) -> callback.Door:
    stub = StubProvider(name, url="http://127.0.0.1:1")
    (found,) = http_gateways.doors(settings(stub.settings(tmp_path), stub.name))
    return found


def as_call(called: Called) -> callback.Call:
    headers = {name.lower(): value for name, value in called.headers.items()}
    return callback.Call(called.method, called.url, headers, called.body, utc_now())


@pytest.mark.parametrize("name", sms_providers.NAMES)
@pytest.mark.parametrize("state", list(ReportState))
def test_a_report_is_read_as_the_provider_writes_it(
    door: callback.Door, state: ReportState
) -> None:
    taken = message(door.provider)
    called = sms_providers.call(door.provider, [taken], state)
    call = as_call(called)

    assert door.opens(urlsplit(called.url).path.rpartition("/")[2])
    assert called.method in door.shape.methods
    assert callback.is_proved(door.proof, call)
    (report,) = callback.told(door, call).reports
    assert (report.state, report.provider) == (state, door.provider)
    assert (report.sms_id, report.provider_id) == (taken.own_id, taken.provider_id)
    if door.provider != "twilio":  # which tells no time
        assert report.at is not None
        assert report.at.isoformat() == "2026-03-04T12:00:00+00:00"


@pytest.mark.parametrize("name", ["smsapi", "infobip"])  # the others make a call each
def test_several_reports_in_one_call_are_all_read(door: callback.Door) -> None:
    both = [message(door.provider), message(door.provider)]

    told = callback.told(door, as_call(sms_providers.call(door.provider, both, "delivered")))

    assert [report.sms_id for report in told.reports] == [one.own_id for one in both]
    assert {report.state for report in told.reports} == {ReportState.DELIVERED}


@pytest.mark.parametrize("name", ["infobip"])
def test_what_reached_the_operator_only_is_not_delivered(door: callback.Door) -> None:
    called = sms_providers.call("infobip", [message("infobip")], "delivered")
    content = json.loads(called.body)
    content["results"][0]["status"]["name"] = "DELIVERED_TO_OPERATOR"

    (report,) = callback.told(
        door, as_call(replace(called, body=json.dumps(content).encode()))
    ).reports

    assert report.state is ReportState.ACCEPTED


@pytest.mark.parametrize("name", ["twilio", "vonage"])
def test_a_forged_call_of_a_provider_that_signs_is_not_proved(door: callback.Door) -> None:
    right = sms_providers.call(door.provider, [message(door.provider)], "failed")

    forged = [
        replace(
            right,
            body=right.body.replace(b"undelivered", b"delivered").replace(
                b"rejected", b"delivered"
            ),
        ),
        replace(right, body=right.body + b" "),
        replace(right, body=b""),
        replace(right, headers={}),
        replace(right, headers={"Authorization": "Bearer x", "X-Twilio-Signature": "x"}),
        replace(right, headers={"Authorization": "", "X-Twilio-Signature": ""}),
    ]

    assert callback.is_proved(door.proof, as_call(right))
    assert [callback.is_proved(door.proof, as_call(one)) for one in forged] == [False] * 6

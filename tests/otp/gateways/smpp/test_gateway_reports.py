"""What an SMSC reports, how it is known to be the right one, and what nobody is told."""

from __future__ import annotations

import asyncio
import logging
import ssl
import struct
from typing import Any

import pytest
import smpp34
import trustme

from otp.gateways.port import Accepted, Report, ReportState
from otp.gateways.smpp.gateway import SmppGateway
from tests.otp.gateways.smpp.smsc import (
    ANSWER,
    DELIVER_SM,
    MESSAGE_STATE,
    NOT_BOUND,
    RECEIPTED_MESSAGE_ID,
    Desk,
    Line,
    Smsc,
    config,
    job,
    naming,
    rejecting,
)

RECEIPT = (
    "id:{} sub:001 dlvrd:001 submit date:2606171000 done date:2606171000 stat:{} err:{} text:Kod"
)


async def test_a_receipt_by_text_is_handed_on(gateway: SmppGateway, smsc: Smsc, desk: Desk) -> None:
    await gateway.send(job())
    answer = await smsc.report(RECEIPT.format("id-1", "UNDELIV", "005"))

    assert answer.command_status == 0
    assert desk.reports == [Report("carrier", None, "id-1", ReportState.FAILED, None, "err_005")]


async def test_a_receipt_by_parameters_is_handed_on(
    gateway: SmppGateway, smsc: Smsc, desk: Desk
) -> None:
    await gateway.send(job())
    await smsc.report(
        tlvs=[
            smpp34.Tlv(RECEIPTED_MESSAGE_ID, b"id-1\x00"),
            smpp34.Tlv(MESSAGE_STATE, b"\x02"),
        ]
    )

    assert desk.reports == [Report("carrier", None, "id-1", ReportState.DELIVERED)]


@pytest.mark.parametrize(
    ("ids", "response", "receipt"),
    [("decimal", "00AB12", "43794"), ("hexadecimal", "43794", "00AB12")],
)
async def test_ids_in_two_notations_are_one(
    open_gateway: Any, smsc: Smsc, desk: Desk, ids: str, response: str, receipt: str
) -> None:
    gateway = open_gateway(receipt_ids=ids)
    smsc.answers = [naming(response)]

    taken = await gateway.send(job())
    await smsc.report(RECEIPT.format(receipt, "DELIVRD", "000"))
    assert isinstance(taken, Accepted)
    assert [report.provider_id for report in desk.reports] == [taken.provider_id]


async def test_a_receipt_before_the_response_is_not_lost(
    gateway: SmppGateway, smsc: Smsc, desk: Desk
) -> None:
    held: list[smpp34.SubmitSmEvent] = []
    smsc.answers = [held.append]
    sending = asyncio.create_task(gateway.send(job()))
    await smsc.got(1)
    answer = await smsc.report(RECEIPT.format("early", "DELIVRD", "000"))
    held[0].accept("early")

    assert await sending == Accepted("early")
    assert answer.command_status == 0
    assert [report.provider_id for report in desk.reports] == ["early"]


async def test_every_receipt_is_handed_on_in_the_order_it_came(
    gateway: SmppGateway, smsc: Smsc, desk: Desk
) -> None:
    """Duplicates, another process's, the wrong order: to judge them needs the database."""
    await smsc.has_sessions(1)
    for state in ("DELIVRD", "ACCEPTD", "DELIVRD"):
        await smsc.report(RECEIPT.format("of-another-process", state, "000"))

    assert [report.state for report in desk.reports] == [
        ReportState.DELIVERED,
        ReportState.ACCEPTED,
        ReportState.DELIVERED,
    ]


async def test_a_report_that_could_not_be_kept_is_asked_for_again(
    gateway: SmppGateway, smsc: Smsc, desk: Desk
) -> None:
    await smsc.has_sessions(1)
    desk.failures = [ConnectionError("the database is away")]
    receipt = RECEIPT.format("id-1", "DELIVRD", "000")

    assert (await smsc.report(receipt)).command_status == 0x64
    assert (await smsc.report(receipt)).command_status == 0
    assert len(desk.reports) == 1


async def test_a_message_from_a_phone_is_acknowledged_and_left(
    gateway: SmppGateway, smsc: Smsc, desk: Desk
) -> None:
    await smsc.has_sessions(1)

    assert (await smsc.report("STOP", esm_class=0)).command_status == 0
    assert desk.reports == []


async def test_a_delivery_that_cannot_be_read_is_refused_for_good(
    gateway: SmppGateway, line: Line, desk: Desk
) -> None:
    """It would be no better the next time; the connection lives on."""
    await desk.heard((True, "bound"))
    line.inject(struct.pack(">IIII", 18, DELIVER_SM, 0, 77) + b"ab")
    await line.news.until(lambda: [one for one in line.sent if one.sequence == 77])

    (answer,) = [one for one in line.sent if one.sequence == 77]
    assert (answer.command, answer.status) == (DELIVER_SM | ANSWER, 0x65)
    assert await gateway.send(job()) == Accepted("id-1")


async def test_over_tls_with_an_authority_of_its_own(smsc: Smsc, desk: Desk) -> None:
    authority = trustme.CA()
    line, ours = await _tls_line(smsc, authority, "127.0.0.1")
    authority.configure_trust(ours)
    gateway = SmppGateway(config(line.port, address={"tls": ours}))

    assert await gateway.send(job()) == Accepted("id-1")
    await gateway.close()
    await line.stop()


@pytest.mark.parametrize("fault", ["authority", "name"])
async def test_a_certificate_that_does_not_prove_the_smsc_gets_no_password(
    smsc: Smsc, desk: Desk, fault: str
) -> None:
    authority = trustme.CA()
    line, ours = await _tls_line(
        smsc, authority, "elsewhere.example" if fault == "name" else "127.0.0.1"
    )
    (trustme.CA() if fault == "authority" else authority).configure_trust(ours)
    gateway = SmppGateway(config(line.port, address={"tls": ours}))
    gateway.report_to(desk.on_report)
    gateway.start(desk.observe)

    assert await gateway.send(job()) == NOT_BOUND
    assert desk.link[0] == ("carrier", False, "SSLCertVerificationError")
    assert line.sent == []
    await gateway.close()
    await line.stop()


async def _tls_line(smsc: Smsc, authority: trustme.CA, name: str) -> tuple[Line, Any]:
    theirs = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert(name).configure_cert(theirs)
    line = Line(smsc.port, tls=theirs)
    await line.start()
    return line, ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)


async def test_no_log_and_no_outcome_has_a_secret_in_it(
    gateway: SmppGateway, line: Line, smsc: Smsc, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    smsc.answers = [rejecting(0x45)]
    line.to_us = lambda seen: seen.octets
    outcomes = [await gateway.send(job())]
    await smsc.report("id:x stat:nonsense text:048291")
    line.inject(b"\x00\x00\x00\x0b048291 600700800")
    outcomes.append(await gateway.send(job()))
    await gateway.close()

    written = caplog.text + str(outcomes) + repr(gateway) + repr(vars(gateway))
    assert not [secret for secret in ("048291", "600700800", "pass-9X") if secret in written]

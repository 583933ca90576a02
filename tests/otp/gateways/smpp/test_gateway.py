"""SMPP against an SMSC of another make, over a line that can be disturbed."""

from __future__ import annotations

import asyncio
import socket
import struct
from typing import Any

import pytest
import smpp34

from otp.gateways.port import Accepted, Rejected, Unknown
from otp.gateways.smpp.gateway import SmppGateway
from schemas.secret import Secret
from tests.otp.gateways.smpp.smsc import (
    ANSWER,
    BIND,
    ENQUIRE_LINK,
    MESSAGE_PAYLOAD,
    NOT_BOUND,
    QUICK,
    SUBMIT_SM,
    TEXT,
    UNBIND,
    Desk,
    Line,
    Smsc,
    config,
    cutting_at,
    holding_back,
    job,
    naming,
    rejecting,
    with_status,
)
from tests.records import replace


async def test_a_message_is_taken_under_the_smsc_s_id(gateway: SmppGateway, smsc: Smsc) -> None:
    assert await gateway.send(job()) == Accepted("id-1")

    (message,) = smsc.received
    assert message.short_message == TEXT.encode()
    assert (message.source_addr, message.source_addr_ton, message.source_addr_npi) == ("BANK", 5, 0)
    assert message.destination_addr == "48600700800"
    assert (message.dest_addr_ton, message.dest_addr_npi) == (1, 1)
    assert (message.esm_class, message.protocol_id, message.data_coding) == (0, 0, 0)
    assert message.registered_delivery == 1


async def test_the_validity_travels_with_the_message(gateway: SmppGateway, line: Line) -> None:
    await gateway.send(job())

    (submit,) = line.said(SUBMIT_SM)
    read = smpp34.decode(submit.octets)
    assert isinstance(read, smpp34.SubmitSm)
    assert read.validity_period == "000000000450000R"


async def test_it_binds_as_transceiver_before_there_is_a_message(
    gateway: SmppGateway, smsc: Smsc
) -> None:
    await smsc.has_sessions(1)

    assert (smsc.sessions[0].system_id, smsc.sessions[0].can_receive) == ("bank", True)


async def test_without_a_start_the_first_message_binds(smsc: Smsc) -> None:
    gateway = SmppGateway(config(smsc.port))

    assert await gateway.send(job()) == Accepted("id-1")
    await gateway.close()


@pytest.mark.parametrize(
    ("status", "outcome"),
    [
        (0x0A, Rejected(retryable=False, reason="smpp_0x0a")),
        (0x0B, Rejected(retryable=False, reason="smpp_0x0b")),
        (0x45, Rejected(retryable=True, reason="smpp_0x45")),
        (0x08, Rejected(retryable=True, reason="smpp_0x08")),
    ],
)
async def test_a_negative_answer_means_not_taken(
    gateway: SmppGateway, smsc: Smsc, status: int, outcome: Rejected
) -> None:
    smsc.answers = [rejecting(status)]

    assert await gateway.send(job()) == outcome
    assert len(smsc.received) == 1


@pytest.mark.parametrize("status", [0x01, 0x400, 0xFFFF])
async def test_a_carrier_s_own_status_means_not_taken(
    gateway: SmppGateway, line: Line, status: int
) -> None:
    line.to_us = with_status(SUBMIT_SM, status)

    assert await gateway.send(job()) == Rejected(retryable=True, reason=f"smpp_{status:#04x}")


async def test_generic_nack_means_not_taken(gateway: SmppGateway, line: Line) -> None:
    line.to_us = lambda seen: (
        seen.octets
        if seen.command != SUBMIT_SM | ANSWER
        else struct.pack(">IIII", 16, ANSWER, 0x03, seen.sequence)
    )

    assert await gateway.send(job()) == Rejected(retryable=True, reason="smpp_0x03")


@pytest.mark.parametrize("status", [0x58, 0x14])
async def test_a_throttled_message_is_tried_once_more(
    gateway: SmppGateway, smsc: Smsc, status: int
) -> None:
    smsc.answers = [rejecting(status), naming("second")]

    assert await gateway.send(job()) == Accepted("second")
    assert len(smsc.received) == 2


@pytest.mark.parametrize("status", [0x58, 0x14])
async def test_throttled_twice_it_is_another_provider_s(
    gateway: SmppGateway, smsc: Smsc, status: int
) -> None:
    smsc.answers = [rejecting(status), rejecting(status)]

    assert await gateway.send(job()) == Rejected(retryable=True, reason=f"smpp_{status:#04x}")
    assert len(smsc.received) == 2


async def test_a_late_answer_is_unknown_first_and_then_found_out(
    open_gateway: Any, smsc: Smsc, line: Line, desk: Desk
) -> None:
    gateway = open_gateway(patience=replace(QUICK, send_s=0.2))
    held: list[smpp34.SubmitSmEvent] = []
    smsc.answers = [held.append]
    late = job()
    await desk.heard((True, "bound"))

    assert await gateway.send(late) == Unknown("no_answer")
    await smsc.got(1)
    held[0].accept("late-1")
    await line.news.until(lambda: line.answered(SUBMIT_SM))
    assert await gateway.find_out(late) == Accepted("late-1")
    assert await gateway.find_out(late) == Unknown("no_query")
    assert len(smsc.received) == 1


async def test_two_who_ask_for_one_late_answer_both_get_it(
    open_gateway: Any, smsc: Smsc, desk: Desk
) -> None:
    gateway = open_gateway(patience=replace(QUICK, send_s=0.2))
    held: list[smpp34.SubmitSmEvent] = []
    smsc.answers = [held.append]
    late = job()
    await desk.heard((True, "bound"))
    assert await gateway.send(late) == Unknown("no_answer")
    await smsc.got(1)

    asked = [asyncio.create_task(gateway.find_out(late)) for _ in range(2)]
    held[0].accept("late-1")

    assert await asyncio.gather(*asked) == [Accepted("late-1")] * 2


async def test_what_stays_unanswered_stays_unknown(
    open_gateway: Any, line: Line, desk: Desk
) -> None:
    gateway = open_gateway(patience=replace(QUICK, send_s=0.1))
    line.to_us = holding_back(SUBMIT_SM | ANSWER)
    late = job()
    await desk.heard((True, "bound"))

    assert await gateway.send(late) == Unknown("no_answer")
    assert await gateway.find_out(late) == Unknown("no_answer")


async def test_an_answer_that_is_over_frees_its_place_in_the_window(
    open_gateway: Any, line: Line, desk: Desk
) -> None:
    gateway = open_gateway(window=1, times={"submit_answer_s": 0.01})
    line.to_us = holding_back(SUBMIT_SM | ANSWER)
    await desk.heard((True, "bound"))

    assert await gateway.send(job()) == Unknown("no_answer")
    await line.news.until(lambda: line.answered(SUBMIT_SM))
    line.to_us = lambda seen: seen.octets
    line.to_smsc = cutting_at(SUBMIT_SM)
    assert await gateway.send(job()) == Unknown("no_answer")
    assert len(line.said(SUBMIT_SM)) == 2


async def test_a_message_that_nobody_knows_cannot_be_found_out(gateway: SmppGateway) -> None:
    assert await gateway.find_out(job()) == Unknown("no_query")


async def test_where_nobody_listens_nothing_was_taken(desk: Desk) -> None:
    with socket.socket() as deaf:
        deaf.bind(("127.0.0.1", 0))
        gateway = SmppGateway(config(deaf.getsockname()[1]))
        gateway.report_to(desk.on_report)
        gateway.start(desk.observe)

        assert await gateway.send(job()) == NOT_BOUND
        assert desk.link[0] == ("carrier", False, "ConnectionRefusedError")
        await gateway.close()


async def test_a_connection_lost_before_the_message_means_not_taken(
    gateway: SmppGateway, line: Line, desk: Desk, smsc: Smsc
) -> None:
    await desk.heard((True, "bound"))
    await line.stop()
    await desk.heard((False, "connection_lost"))

    assert await gateway.send(job()) == NOT_BOUND
    assert smsc.received == []


async def test_a_connection_lost_after_the_message_was_written_is_unknown(
    gateway: SmppGateway, line: Line, smsc: Smsc
) -> None:
    line.to_smsc = cutting_at(SUBMIT_SM)

    assert await gateway.send(job()) == Unknown("no_answer")
    assert smsc.received == []


async def test_a_connection_lost_after_the_message_was_taken_is_unknown(
    gateway: SmppGateway, line: Line, smsc: Smsc
) -> None:
    line.to_us = cutting_at(SUBMIT_SM | ANSWER)

    assert await gateway.send(job()) == Unknown("no_answer")
    assert len(await smsc.got(1)) == 1


async def test_a_lost_connection_is_made_again(
    gateway: SmppGateway, line: Line, smsc: Smsc, desk: Desk
) -> None:
    await smsc.has_sessions(1)
    line.cut()
    await smsc.has_sessions(2)
    await desk.news.until(lambda: desk.link[-1] == ("carrier", True, "bound"))

    assert await gateway.send(job()) == Accepted("id-1")
    assert desk.link[:2] == [("carrier", True, "bound"), ("carrier", False, "connection_lost")]


async def test_silence_to_enquire_link_makes_a_new_connection(
    open_gateway: Any, line: Line, smsc: Smsc, desk: Desk
) -> None:
    line.to_us = holding_back(ENQUIRE_LINK | ANSWER)
    open_gateway(times={"enquire_every_s": 0.01, "answer_s": 0.05})
    await desk.heard((False, "silent"))
    line.to_us = lambda seen: seen.octets
    await smsc.has_sessions(2)

    await desk.news.until(lambda: desk.link[-1][1])


async def test_an_answered_enquire_link_keeps_the_connection(
    open_gateway: Any, line: Line, desk: Desk
) -> None:
    open_gateway(times={"enquire_every_s": 0.01})
    await line.news.until(lambda: len(line.answered(ENQUIRE_LINK)) >= 3)

    assert desk.link == [("carrier", True, "bound")]


@pytest.mark.parametrize("status", [0x0D, 0x0E, 0x0F])
async def test_a_refused_bind_means_not_taken_and_is_tried_again_later(
    open_gateway: Any, line: Line, desk: Desk, smsc: Smsc, status: int
) -> None:
    line.to_us = with_status(BIND, status)
    gateway = open_gateway()

    assert await gateway.send(job()) == NOT_BOUND
    assert desk.link[0] == ("carrier", False, f"bind_{status:#04x}")
    line.to_us = lambda seen: seen.octets
    await desk.heard((True, "bound"))
    assert await gateway.send(job()) == Accepted("id-1")


async def test_already_bound_is_no_bind(open_gateway: Any, line: Line, desk: Desk) -> None:
    """The carrier's limit of sessions is reached, or has not noticed that one has died."""
    line.to_us = with_status(BIND, 0x05)
    gateway = open_gateway()

    assert await gateway.send(job()) == NOT_BOUND
    line.to_us = lambda seen: seen.octets
    await desk.heard((False, "bind_0x05"), (True, "bound"))


async def test_closing_unbinds(gateway: SmppGateway, line: Line, smsc: Smsc, desk: Desk) -> None:
    await desk.heard((True, "bound"))
    await gateway.close()

    assert len(line.said(UNBIND)) == 1
    assert await gateway.send(job()) == NOT_BOUND
    await smsc.news.until(lambda: smsc.ended)


async def test_closing_a_connection_that_is_being_made_is_over_at_once(
    open_gateway: Any, line: Line
) -> None:
    line.to_us = holding_back(BIND | ANSWER)
    gateway = open_gateway()
    await line.news.until(lambda: line.said(BIND))

    async with asyncio.timeout(100):
        await gateway.close()


async def test_an_smsc_that_unbinds_is_answered_and_bound_to_again(
    gateway: SmppGateway, line: Line, smsc: Smsc, desk: Desk
) -> None:
    await smsc.has_sessions(1)
    await smsc.sessions[0].unbind()
    await desk.heard((False, "unbound_by_smsc"))

    await smsc.has_sessions(2)
    assert [seen.status for seen in line.sent if seen.command == UNBIND | ANSWER] == [0]


async def test_no_more_messages_are_under_way_than_the_window_holds(
    open_gateway: Any, smsc: Smsc
) -> None:
    gateway = open_gateway(window=2)
    held: list[smpp34.SubmitSmEvent] = []
    smsc.answers = [held.append] * 5
    sends = [asyncio.create_task(gateway.send(job())) for _ in range(5)]

    await smsc.got(2)
    assert len(held) == 2
    for number in range(5):
        await smsc.got(number + 1)
        assert len(held) <= number + 2
        held[number].accept(f"w-{number}")
    assert sorted(str(one) for one in await asyncio.gather(*sends)) == [
        str(Accepted(f"w-{number}")) for number in range(5)
    ]


async def test_a_full_window_means_not_taken(open_gateway: Any, smsc: Smsc, desk: Desk) -> None:
    gateway = open_gateway(window=1, patience=replace(QUICK, turn_s=0.1))
    await desk.heard((True, "bound"))
    kept: list[smpp34.SubmitSmEvent] = []
    smsc.answers = [kept.append]
    first = asyncio.create_task(gateway.send(job()))
    await smsc.got(1)

    assert await gateway.send(job()) == Rejected(retryable=True, reason="busy")
    kept[0].accept("one")
    assert await first == Accepted("one")


async def test_a_turn_that_would_come_too_late_means_not_taken(
    open_gateway: Any, smsc: Smsc
) -> None:
    """An hour between two messages is more than a message waits; it does not wait at all."""
    gateway = open_gateway(rate=1 / 3600)

    assert await gateway.send(job()) == Accepted("id-1")
    assert await gateway.send(job()) == Rejected(retryable=True, reason="busy")
    assert len(smsc.received) == 1


def test_a_second_try_would_be_a_second_message() -> None:
    assert not SmppGateway(config(2775)).idempotent


async def test_a_caller_that_goes_away_leaves_nothing_behind_and_the_answer_to_be_found(
    gateway: SmppGateway, smsc: Smsc
) -> None:
    held: list[smpp34.SubmitSmEvent] = []
    smsc.answers = [held.append]
    given_up = job()
    task = asyncio.create_task(gateway.send(given_up))
    await smsc.got(1)
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)
    held[0].accept("after-all")

    assert await gateway.find_out(given_up) == Accepted("after-all")
    assert await gateway.send(job()) == Accepted("id-2")


async def test_a_caller_that_goes_away_while_waiting_sends_nothing(
    open_gateway: Any, line: Line, smsc: Smsc
) -> None:
    gateway = open_gateway(rate=1 / 60)
    await gateway.send(job())
    waiting = asyncio.create_task(gateway.send(job()))
    await asyncio.sleep(0)
    waiting.cancel()
    await asyncio.gather(waiting, return_exceptions=True)
    await gateway.close()

    assert len(smsc.received) == 1


@pytest.mark.parametrize(
    ("text", "decoded"),
    [
        ("Kod: 048291", lambda octets: octets.decode("ascii")),
        ("Zażółć: 048291 🍕", lambda octets: octets.decode("utf-16-be")),
        ("Оплата " + "ї" * 200, lambda octets: octets.decode("utf-16-be")),
        ("a" * 400, lambda octets: octets.decode("ascii")),
    ],
)
async def test_the_smsc_reads_the_text_that_was_sent(
    gateway: SmppGateway, smsc: Smsc, text: str, decoded: Any
) -> None:
    assert await gateway.send(job(text)) == Accepted("id-1")

    (message,) = smsc.received
    payload = {tlv.tag: tlv.value for tlv in message.tlvs}.get(MESSAGE_PAYLOAD, b"")
    assert decoded(message.short_message or payload) == text


@pytest.mark.parametrize("way", ["udh", "sar"])
async def test_a_long_text_arrives_in_parts_with_one_receipt(
    open_gateway: Any, smsc: Smsc, way: str
) -> None:
    gateway = open_gateway(long_messages=way)
    text = "Ї" * 134 + "кінець"

    assert await gateway.send(job(text)) == Accepted("id-3")
    octets = [message.short_message[6 if way == "udh" else 0 :] for message in smsc.received]
    assert b"".join(octets).decode("utf-16-be") == text
    assert [message.registered_delivery for message in smsc.received] == [0, 0, 1]


async def test_a_message_taken_in_part_is_unknown(open_gateway: Any, smsc: Smsc) -> None:
    gateway = open_gateway(long_messages="udh")
    smsc.answers = [naming("one"), rejecting(0x45)]

    assert await gateway.send(job("a" * 300)) == Unknown("partly_taken")


async def test_a_last_part_that_is_refused_late_leaves_the_message_unknown(
    open_gateway: Any, smsc: Smsc, line: Line, desk: Desk
) -> None:
    gateway = open_gateway(long_messages="udh", patience=replace(QUICK, send_s=1.5))
    held: list[smpp34.SubmitSmEvent] = []
    smsc.answers = [naming("one"), held.append]
    late = job("a" * 300)
    await desk.heard((True, "bound"))

    assert await gateway.send(late) == Unknown("no_answer")
    await smsc.got(2)
    held[0].reject(0x45)
    assert await gateway.find_out(late) == Unknown("partly_taken")


async def test_a_message_refused_at_its_first_part_was_not_taken(
    open_gateway: Any, smsc: Smsc
) -> None:
    gateway = open_gateway(long_messages="sar")
    smsc.answers = [rejecting(0x45)]

    assert await gateway.send(job("a" * 300)) == Rejected(retryable=True, reason="smpp_0x45")
    assert len(smsc.received) == 1


@pytest.mark.parametrize(
    ("changes", "sentence"),
    [
        ({"name": "Carrier!"}, "name is 1 to 40"),
        ({"address": {"system_id": "s" * 16}}, "system_id is at most 15"),
        ({"address": {"password": Secret("123456789")}}, "password is at most 8"),
        ({"address": {"system_type": "ż"}}, "system_type is at most 12 ASCII"),
        ({"window": 0}, "above zero"),
        ({"rate": 0.0}, "above zero"),
    ],
)
def test_what_could_not_work_is_refused(changes: dict[str, Any], sentence: str) -> None:
    with pytest.raises(ValueError, match=sentence):
        config(2775, **changes)

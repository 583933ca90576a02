"""Evidence of whole stories: complete, chained, and what is tampered with is told."""

from __future__ import annotations

import hashlib
import json
from dataclasses import replace
from datetime import timedelta
from typing import TYPE_CHECKING, Any
from uuid import UUID, uuid4

import pytest
from aiohttp.http import SERVER_SOFTWARE

from acs import VERSION
from acs.evidence import Basis, moment
from acs.flows import evidence, retention
from acs.store import audit_chain
from loadtests.chaos.tables import AT_ANY_TIME
from schemas.audit import AuditEvent, append
from schemas.values import TransStatus
from tests.acs import evidence_1
from tests.acs.people import a_challenge, a_transaction
from tests.acs.store.rows import proved
from tests.story import apps
from tests.story.areqs import browser_areq
from tests.story.buying import EASY, PIN, begin, right, shown, wrong

if TYPE_CHECKING:
    from acs.flows.evidence import Shown
    from tests.story.world import World

HTML = {"deviceRenderOptions": {"sdkInterface": "02", "sdkUiType": ["01", "05"]}}


async def evidence_of(world: World, message: dict[str, Any]) -> Shown:
    found = await evidence.show(world.db, world.keys, UUID(message["acsTransID"]))
    assert found is not None
    return found


async def paid(world: World) -> dict[str, Any]:
    """Pay with a wrong PIN first, then rightly; gives the ARes."""
    holder = await world.enrol(prefix=PIN)
    ares, page = await begin(world, holder)
    page = await world.submit(page, otp=right(world, holder), pin="9999")
    page = await world.submit(page, otp=wrong(world, holder), pin=holder.pin)
    final = await world.submit(page, otp=right(world, holder), pin=holder.pin)
    assert shown(final) == "Y"
    return ares


async def test_a_challenge_leaves_everything_that_proves_it(world: World) -> None:
    ares = await paid(world)
    found = await evidence_of(world, ares)
    told = found.document

    assert found.faults == ()
    assert told["software"] == VERSION
    assert told["ids"]["ds_trans_id"] == ares["dsTransID"]
    assert told["link"]["purchase_amount"] == 12345
    assert told["link"]["merchant_name"] == "Księgarnia Pod Lipą"
    checks = told["challenge"]["checks"]
    assert [(one["verdict"], one["elements"]) for one in checks] == [
        ("rejected", {"pin": False, "otp": True}),
        ("rejected", {"pin": True, "otp": False}),
        ("accepted", {"pin": True, "otp": True}),
    ]
    (message,) = told["challenge"]["messages"]
    assert (message["provider"], message["state"]) == ("inbox", "sent")
    assert message["sms_id"] in world.phone.messages
    assert message["template"].startswith("pl/payment/")
    assert message["to"] == told["challenge"]["phone"]
    assert "***" in message["to"]
    assert found.messages == (message,)
    assert isinstance(told["consent_id"], int)
    assert (told["challenge"]["interface"], told["challenge"]["ui_template"]) == ("browser", None)
    assert told["outcome"]["trans_status"] == "Y"
    assert told["eci"] == world.directory.result(ares["acsTransID"])["eci"]
    assert set(told["key_ids"]) == set(world.keys.PURPOSES)
    assert found.visitors == {
        "areq": {"ip": "192.0.2.10", "user_agent": "Mozilla/5.0 (X11; Linux x86_64)"},
        "challenge": {"ip": "127.0.0.1", "user_agent": SERVER_SOFTWARE},
    }


@pytest.mark.parametrize("shows", [{}, HTML])
async def test_a_challenge_in_an_app_leaves_as_much(world: World, shows: dict[str, Any]) -> None:
    holder = await world.enrol(prefix=PIN)
    app, _ = await apps.begin(world, holder, version="2.3.1", **shows)

    async def enter(pin: str, code: str) -> dict[str, Any]:
        if shows:
            return await app.send(challengeHTMLDataEntry=f"otp={code}&pin={pin}&do=verify")
        await app.send(challengeDataEntry=pin)
        return await app.send(challengeDataEntry=code)

    await enter("9999", right(world, holder))
    assert (await enter(holder.pin, right(world, holder)))["transStatus"] == "Y"
    found = await evidence_of(world, app.ares)
    told = found.document

    assert found.faults == ()
    assert (told["message"]["channel"], told["link"]["device_channel"]) == ("01", "01")
    assert told["ids"]["sdk_trans_id"] == app.areq["sdkTransID"]
    assert told["challenge"]["interface"] == ("html" if shows else "native")
    assert told["challenge"]["ui_template"] == app.ares["acsRenderingType"]["acsUiTemplate"]
    assert [one["name"] for one in told["challenge"]["elements"]] == ["pin", "otp"]
    assert [(one["verdict"], one["elements"]) for one in told["challenge"]["checks"]] == [
        ("rejected", {"pin": False, "otp": True}),
        ("accepted", {"pin": True, "otp": True}),
    ]
    assert len(told["challenge"]["messages"]) == 1
    assert told["outcome"]["trans_status"] == "Y"
    assert found.visitors == {
        "areq": {"ip": "192.0.2.10", "user_agent": None},
        "challenge": {"ip": "127.0.0.1", "user_agent": "SDK/1.0"},
    }


async def test_an_sdk_that_gave_up_leaves_evidence_of_it(world: World) -> None:
    holder = await world.enrol(prefix=PIN)
    app, _ = await apps.begin(world, holder)

    await app.post(app.sdk.erro("402", "timed out"))
    found = await evidence_of(world, app.ares)

    assert found.faults == ()
    assert found.document["outcome"]["name"] == "sdk_timeout"
    assert found.document["outcome"]["challenge_cancel"] == "08"
    assert found.document["challenge"]["interface"] == "native"
    assert found.document["challenge"]["checks"] == []


async def test_the_value_of_a_result_can_be_held_against_the_log(world: World) -> None:
    ares = await paid(world)
    found = await evidence_of(world, ares)
    value = world.directory.result(ares["acsTransID"])["authenticationValue"]
    (made,) = [one for one in found.events if one.name == "authentication.value_made"]
    key_id, _, reference = made.details["reference"].partition(":")
    tag = world.keys.audit.tag(b"value/1", UUID(ares["acsTransID"]).bytes, value.encode())
    assert (key_id, reference) == (tag.key_id, tag.value.hex())
    assert made.details["key_id"] == found.document["authentication_value"]["key_id"] == "visa-1"
    assert value not in json.dumps([found.document, [dict(one.details) for one in found.events]])


@pytest.mark.parametrize(("prefix", "status"), [(EASY, "Y"), ("40000010", "N")])
async def test_an_answer_without_a_challenge_leaves_evidence_too(
    world: World, prefix: str, status: str
) -> None:
    holder = await world.enrol(prefix=prefix, enrolment="active" if status == "Y" else "none")
    ares = await world.areq(browser_areq(holder.pan, ds_url=world.directory.url))
    assert ares["transStatus"] == status
    found = await evidence_of(world, ares)
    assert found.faults == ()
    assert found.document["outcome"]["trans_status"] == status
    value = found.document["authentication_value"]
    assert (value is not None) is (status == TransStatus.AUTHENTICATED)
    assert found.document["answer"]["applied_by"] == ("issuer" if status == "Y" else None)


async def test_a_challenge_nobody_came_to_leaves_evidence(world: World) -> None:
    holder = await world.enrol()
    ares = await world.areq(browser_areq(holder.pan, ds_url=world.directory.url))
    assert await evidence.show(world.db, world.keys, UUID(ares["acsTransID"])) is None
    world.clock.advance(seconds=40)
    await world.server.work("timers")
    found = await evidence_of(world, ares)
    assert found.document["outcome"]["trans_status_reason"] == "14"
    assert found.document["challenge"]["messages"] == []
    assert found.document["challenge"]["opened_at"] is None


async def test_a_document_of_the_first_format_is_shown_and_verified_as_ever(world: World) -> None:
    transaction = a_transaction()
    text = evidence_1.document(transaction, a_challenge(), Basis("0.1.0", {"otp": "k1"}))
    await proved(world.db, transaction.acs_trans_id, text, world.clock())
    told = AuditEvent(
        world.clock(), "challenge:ended:accepted", "system", "acs", str(transaction.acs_trans_id),
        "Y", details={"evidence": hashlib.sha256(text.encode()).hexdigest()},
    )  # fmt: skip
    async with world.db.transaction():
        await append(world.db, world.keys.audit, told)

    found = await evidence.show(world.db, world.keys, transaction.acs_trans_id)

    assert found is not None
    assert (found.document, found.faults) == (json.loads(text), ())
    assert await _audit_faults(world) == ()
    await tamper(world, "DELETE FROM audit.evidence")
    await tamper(world, "DELETE FROM audit.event")
    await tamper(world, "DELETE FROM audit.seal")


async def test_a_document_that_was_cut_is_told_and_shown_as_it_stands(world: World) -> None:
    ares = await paid(world)
    kept = await world.db.fetchval("SELECT document::text FROM audit.evidence")
    await tamper(world, "UPDATE audit.evidence SET document = $1", '{"v": 2}')
    found = await evidence_of(world, ares)
    assert found.document == {"v": 2}
    assert found.faults[0] == "the document was changed after its outcome"
    await tamper(world, "UPDATE audit.evidence SET document = $1", kept)


async def tamper(world: World, statement: str, *given: object) -> None:
    """Do what only the owner of the tables could do, with the guards taken down."""
    async with world.db.transaction():
        await world.db.execute("SET LOCAL session_replication_role = replica")
        await world.db.execute(statement, *given)


async def _audit_faults(world: World) -> tuple[str, ...]:
    await world.server.work("audit")
    return (await audit_chain.verify(world.db, world.keys.audit)).faults


async def test_a_changed_amount_is_told(world: World) -> None:
    ares = await paid(world)
    assert await _audit_faults(world) == ()
    kept = await world.db.fetchval("SELECT document::text FROM audit.evidence")
    await tamper(world, "UPDATE audit.evidence SET document = $1", kept.replace("12345", "12346"))
    found = await evidence_of(world, ares)
    assert found.faults == ("the document was changed after its outcome",)
    assert await _audit_faults(world) == (f"the evidence of {ares['acsTransID']} was changed",)
    await tamper(world, "UPDATE audit.evidence SET document = $1", kept)


@pytest.mark.parametrize("prefix", [EASY, PIN])
async def test_a_document_of_another_outcome_breaks_a_law_of_the_tables(
    world: World, prefix: str
) -> None:
    broken = AT_ANY_TIME["every outcome has its evidence, and nothing else has"]
    if prefix == PIN:
        ares = await paid(world)
    else:
        holder = await world.enrol(prefix=prefix)
        ares = await world.areq(browser_areq(holder.pan, ds_url=world.directory.url))
    kept = await world.db.fetchval("SELECT document::text FROM audit.evidence")
    assert await world.db.fetchval(broken) is None
    await tamper(
        world, "UPDATE audit.evidence SET document = $1", kept.replace('"st":"Y"', '"st":"N"')
    )
    assert await world.db.fetchval(broken) == ares["acsTransID"]
    await tamper(world, "UPDATE audit.evidence SET document = $1", kept)


async def test_a_removed_document_is_told(world: World) -> None:
    ares = await paid(world)
    row = await world.db.fetchrow("SELECT at, document FROM audit.evidence")
    assert row is not None
    await tamper(world, "DELETE FROM audit.evidence")
    assert (await evidence_of(world, ares)).faults == ("the document was removed",)
    assert await _audit_faults(world) == (f"the evidence of {ares['acsTransID']} was removed",)
    acs_trans_id = UUID(ares["acsTransID"])
    await tamper(world, "INSERT INTO audit.evidence VALUES ($1, $2, $3)", acs_trans_id, *row)


async def test_a_made_up_document_is_told(world: World) -> None:
    made_up = uuid4()
    statement = "INSERT INTO audit.evidence VALUES ($1, now(), $2)"
    await world.db.execute(statement, made_up, '{"visitors": {}}')
    found = await evidence.show(world.db, world.keys, made_up)
    assert found is not None
    assert found.faults == ("no event of the audit log tells of this document",)
    assert await _audit_faults(world) == (f"the evidence of {made_up} is not in the log",)
    await tamper(world, "DELETE FROM audit.evidence")


async def test_erased_visitors_leave_the_evidence_whole(world: World) -> None:
    ares = await paid(world)
    kept = replace(world.server.ports.policies.retention, visitors=timedelta(days=40))
    ports = replace(
        world.server.ports, policies=replace(world.server.ports.policies, retention=kept)
    )
    world.clock.advance(days=40)
    await retention.lapse_strays(ports)
    assert len((await evidence_of(world, ares)).visitors) == 2
    world.clock.advance(days=1)
    await retention.lapse_strays(ports)
    found = await evidence_of(world, ares)
    assert (found.visitors, found.faults) == ({}, ())
    assert set(found.document["visitors"]) == {"areq", "challenge"}


async def test_an_exchanged_visitor_is_told(world: World) -> None:
    ares = await paid(world)
    other = evidence.visitor(world.keys, UUID(ares["acsTransID"]), "areq", "198.51.100.1", "x")
    await world.db.execute(
        "UPDATE acs.visitor SET sealed = $1, tag = $2 WHERE seen_in = 'areq'",
        other.sealed,
        other.tag,
    )
    faults = ("the visitor of the areq is not the one of the document",)
    assert (await evidence_of(world, ares)).faults == faults
    await world.db.execute("UPDATE acs.visitor SET sealed = 'x' WHERE seen_in = 'areq'")
    assert (await evidence_of(world, ares)).faults == ("the visitor of the areq cannot be opened",)


async def test_what_is_not_committed_leaves_no_evidence(world: World) -> None:
    """The document is part of the outcome's own transaction."""
    holder = await world.enrol()
    ares, page = await begin(world, holder)
    await world.db.execute("REVOKE INSERT ON acs.result FROM acs_app")
    try:
        await world.submit(page, "cancel")
    finally:
        await world.db.execute("GRANT INSERT ON acs.result TO acs_app")
    assert await evidence.show(world.db, world.keys, UUID(ares["acsTransID"])) is None
    assert (await world.challenge_row(ares))["state"] == "challenge"
    assert shown(await world.submit(page, otp=right(world, holder))) == "Y"
    assert (await evidence_of(world, ares)).faults == ()


async def test_a_report_that_comes_after_the_outcome_is_shown_beside_the_document(
    world: World,
) -> None:
    ares = await paid(world)
    await world.db.execute(
        "UPDATE otp.outbox SET report_state = 'delivered', reported_at = $1", world.clock()
    )
    found = await evidence_of(world, ares)
    assert found.document["challenge"]["messages"][0]["report"] is None
    assert found.messages[0]["report"] == "delivered"
    assert found.messages[0]["reported_at"] == moment(world.clock())
    assert found.faults == ()


async def test_which_element_failed_is_told_under_the_transaction_alone(world: World) -> None:
    ares = await paid(world)
    found = await evidence_of(world, ares)
    failed = [dict(one.details) for one in found.events if one.name.endswith(".failed")]
    assert failed == [{"elements": ["pin"]}, {"elements": ["otp"]}]
    about = await world.db.fetch("SELECT object FROM audit.event WHERE name LIKE '%.failed'")
    assert {row["object"] for row in about} == {ares["acsTransID"]}  # no page of the client's


async def test_the_whole_way_is_told_in_order(world: World) -> None:
    ares = await paid(world)
    await world.server.work("audit")
    found = await evidence_of(world, ares)
    names = [one.name for one in found.events]
    assert names == [
        "authentication.decided",
        "challenge:opened",
        "pin.failed",
        "challenge:code:rejected",
        "code.failed",
        "challenge:code:rejected",
        "challenge:ended:accepted",
        "authentication.value_made",
        "challenge:result:confirmed",
    ]
    assert all(one.link is not None for one in found.events)
    assert [one.at - found.events[0].at for one in found.events] == [timedelta(0)] * 9

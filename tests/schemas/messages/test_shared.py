"""Rows that stand in several messages."""

from __future__ import annotations

from schemas.messages.shared import echoed, message_type, only_with, source_needs_status, trust_list
from schemas.presence import ALWAYS, MARKET
from schemas.problems import Fault
from schemas.values import MessageType


def test_the_trust_list_is_the_white_list_of_2_2_0() -> None:
    versions = {row.name: sorted(row.versions) for row in trust_list()}

    assert versions == {
        "trustListStatus": ["2.3.1"],
        "trustListStatusSource": ["2.3.1"],
        "whiteListStatus": ["2.2.0"],
        "whiteListStatusSource": ["2.2.0"],
    }


def test_its_values_can_be_limited() -> None:
    status = trust_list("YN")[0].shape

    assert not hasattr(status, "table")
    assert status.at("2.3.1").accepts("Y")
    assert not status.at("2.3.1").accepts("P")


def test_a_message_has_its_own_type() -> None:
    shape = message_type(MessageType.RREQ).shape

    assert shape.at("2.1.0").accepts("RReq")  # type: ignore[union-attr]
    assert not shape.at("2.1.0").accepts("RRes")  # type: ignore[union-attr]


def test_a_missing_status_is_missing() -> None:
    rule = source_needs_status("trustListStatus")

    assert (rule.names, rule.fault) == (("trustListStatus",), Fault.MISSING)


def test_a_foreign_id_is_unrelated() -> None:
    rules = echoed("AReq", "dsTransID", "sdkTransID")

    assert [(rule.names, rule.when, rule.fault) for rule in rules] == [
        (("dsTransID",), ALWAYS, Fault.UNRELATED),
        (("sdkTransID",), ALWAYS, Fault.UNRELATED),
    ]


def test_an_element_out_of_place_is_malformed() -> None:
    assert only_with("eci", MARKET).fault is Fault.MALFORMED

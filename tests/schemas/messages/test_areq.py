"""AReq: the answers in the two text tables, and laws over every version, channel and category."""

from __future__ import annotations

import json
from itertools import product
from pathlib import Path
from typing import Any

import pytest

from schemas.compiler import Context
from schemas.messages import Additions, read_areq
from schemas.problems import ProtocolError
from schemas.versions import SUPPORTED
from tests import builders

TABLES = Path(__file__).parents[2] / "tables"
CONTEXTS = list(product(SUPPORTED, builders.CHANNELS, builders.CATEGORIES))


def answer(raw: bytes) -> str:
    try:
        read_areq(raw)
    except ProtocolError as error:
        return f"{error.problem.code} {error.problem.detail}"
    return "accepted"


def rows(name: str) -> list[list[str]]:
    lines = (TABLES / name).read_text(encoding="utf-8").splitlines()
    return [
        [cell.strip() for cell in line.split("|")]
        for line in lines
        if line.strip() and not line.startswith("#")
    ]


def changed(message: dict[str, Any], changes: list[str]) -> bytes:
    """Apply changes; a name that occurs twice is written into the text by hand."""
    added, cut = "", False
    for change in changes:
        match change.split(" ", 2):
            case ["cut"]:
                cut = True
            case ["remove", name]:
                message.pop(name, None)
            case ["set", name, value]:
                message[name] = json.loads(value)
            case ["twice", name]:
                value = json.dumps(message.get(name, "x"))
                message.setdefault(name, "x")
                added += f', "{name}": {value}'
            case _:
                raise AssertionError(change)
    text = json.dumps(message)[:-1] + added + "}"
    return (text[:-1] if cut else text).encode()


ANSWERS = rows("areq_answers.txt")
PRECEDENCE = rows("areq_precedence.txt")


@pytest.mark.parametrize(("context", "changes", "expected"), ANSWERS)
def test_the_answer_is_that_of_the_table(context: str, changes: str, expected: str) -> None:
    version, channel, category = context.split()
    message = builders.areq(version, channel, category)
    # The smallest message has a browser without script.
    if channel == "02" and version != "2.1.0":
        message["browserJavascriptEnabled"] = False
        for name in ("JavaEnabled", "ColorDepth", "ScreenHeight", "ScreenWidth", "TZ"):
            message.pop(f"browser{name}", None)

    actual = answer(changed(message, changes.split("; ")))

    assert actual == expected


@pytest.mark.parametrize("repaired", range(len(PRECEDENCE)))
def test_the_first_fault_in_order_is_told(repaired: int) -> None:
    open_faults = [change for change, _ in PRECEDENCE[repaired:]]

    actual = answer(changed(builders.areq("2.3.1"), open_faults[::-1]))

    assert actual == PRECEDENCE[repaired][1]


@pytest.mark.parametrize(("version", "channel", "category"), CONTEXTS)
@pytest.mark.parametrize("full", [False, True])
def test_a_message_built_from_the_table_is_read_whole(
    version: str, channel: str, category: str, full: bool
) -> None:
    message = builders.areq(version, channel, category, full=full)

    reading = read_areq(builders.raw(message))

    assert reading.values == message
    assert reading.context == Context(version, channel, category)


@pytest.mark.parametrize(("version", "channel", "category"), CONTEXTS)
def test_each_required_element_removed_is_named_alone(
    version: str, channel: str, category: str
) -> None:
    message = builders.areq(version, channel, category)
    names = builders.required_names("AReq", message, Context(version, channel, category))

    actual = {name: answer(builders.raw(without(message, name))) for name in names}

    assert actual == {name: f"201 {name}" for name in names}
    assert len(names) > 10


@pytest.mark.parametrize("empty", ["", None])
@pytest.mark.parametrize(("version", "channel", "category"), CONTEXTS)
def test_an_empty_value_is_missing_where_required_and_malformed_elsewhere(
    version: str, channel: str, category: str, empty: str | None
) -> None:
    message = builders.areq(version, channel, category, full=True)
    required = builders.required_names("AReq", message, Context(version, channel, category))

    actual = {name: answer(builders.raw({**message, name: empty})) for name in message}

    assert actual == {name: f"{'201' if name in required else '203'} {name}" for name in message}


@pytest.mark.parametrize("wrong", [7, 1.5, ["x", {}], {"x": "y"}, "\x00"])
@pytest.mark.parametrize(("version", "channel", "category"), CONTEXTS)
def test_a_value_of_a_wrong_type_is_malformed(
    version: str, channel: str, category: str, wrong: object
) -> None:
    message = builders.areq(version, channel, category, full=True)
    names = [
        name
        for name, value in message.items()
        if name != "messageType" and not isinstance(value, type(wrong))
    ]
    if wrong == "\x00":
        names = list(message.keys() - {"messageType"})

    actual = {name: answer(builders.raw({**message, name: wrong})) for name in names}

    assert actual == {name: f"203 {name}" for name in names}


@pytest.mark.parametrize(("version", "channel", "category"), CONTEXTS)
def test_each_element_written_twice_is_named(version: str, channel: str, category: str) -> None:
    message = builders.areq(version, channel, category, full=True)

    actual = {name: answer(changed(dict(message), [f"twice {name}"])) for name in message}

    assert actual == {name: f"204 {name}" for name in message}


def test_a_member_written_twice_is_named_with_its_object() -> None:
    raw = (
        builders.raw(builders.areq())[:-1]
        + b', "acctInfo": {"chAccAgeInd":"01","chAccAgeInd":"01"}}'
    )

    assert answer(raw) == "204 acctInfo.chAccAgeInd"


def test_a_name_that_is_no_name_is_not_repeated_in_the_answer() -> None:
    raw = builders.raw(builders.areq())[:-1] + b', "4111111111111111": 1, "4111111111111111": 2}'

    assert answer(raw) == "204 ?"


def test_unknown_members_are_dropped_at_any_depth() -> None:
    message = builders.areq(acctInfo={"chAccAgeInd": "01", "x": {"y": 1}}, z="1")

    values = read_areq(builders.raw(message)).values

    assert values["acctInfo"] == {"chAccAgeInd": "01"}
    assert "z" not in values


def test_the_error_carries_version_and_well_formed_ids() -> None:
    message = builders.areq(mcc=None, dsTransID="not-an-id")

    with pytest.raises(ProtocolError) as caught:
        read_areq(builders.raw(message))

    assert caught.value.version == "2.2.0"
    assert caught.value.message_type == "AReq"
    assert caught.value.ids == {"threeDSServerTransID": builders.SERVER_TRANS_ID}


def test_an_id_that_is_there_twice_is_not_echoed() -> None:
    raw = changed(builders.areq(), ["twice dsTransID"])

    with pytest.raises(ProtocolError) as caught:
        read_areq(raw)

    assert caught.value.ids == {"threeDSServerTransID": builders.SERVER_TRANS_ID}


def test_the_sdk_id_is_echoed_in_the_app_only() -> None:
    ids = {}
    for channel in ("01", "02"):
        message = builders.areq(channel=channel, mcc=None, sdkTransID=builders.SDK_TRANS_ID)
        with pytest.raises(ProtocolError) as caught:
            read_areq(builders.raw(message))
        ids[channel] = "sdkTransID" in caught.value.ids

    assert ids == {"01": True, "02": False}


def test_a_misdirected_message_keeps_its_type_and_an_unknown_one_has_none() -> None:
    types = {}
    for kind in ("RReq", "Nonsense"):
        with pytest.raises(ProtocolError) as caught:
            read_areq(builders.raw(builders.areq(messageType=kind)))
        types[kind] = caught.value.message_type

    assert types == {"RReq": "RReq", "Nonsense": None}


def test_a_value_that_the_directory_server_defined_passes() -> None:
    raw = builders.raw(builders.areq("2.3.1", messageCategory="80"))
    additions = Additions(values={"messageCategory": frozenset({"80"})})

    assert read_areq(raw, additions).context.category == "80"


def test_a_defined_value_does_not_excuse_its_neighbour() -> None:
    additions = Additions(values={"threeDSRequestorChallengeInd": frozenset({"80"})})
    verdicts = {}
    for second in ("04", "81"):
        message = builders.areq("2.3.1", threeDSRequestorChallengeInd=["80", second])
        try:
            read_areq(builders.raw(message), additions)
            verdicts[second] = "accepted"
        except ProtocolError as error:
            verdicts[second] = error.problem.code

    assert verdicts == {"04": "accepted", "81": "207"}


def test_a_critical_extension_that_is_configured_passes() -> None:
    extension = {"name": "X", "id": "X-1", "criticalityIndicator": True, "data": {"a": 1}}
    raw = builders.raw(builders.areq(messageExtension=[extension]))

    assert read_areq(raw, Additions(extensions=frozenset({"X-1"}))).values["messageExtension"]


def without(message: dict[str, Any], name: str) -> dict[str, Any]:
    return {key: value for key, value in message.items() if key != name}


STORED = {
    "acquirerBIN": ("1" * 12, ""),
    "acquirerMerchantID": ("m" * 36, ""),
    "deviceChannel": ("04", "2"),
    "dsTransID": ("d" * 36, "8f3e1a52-5a44-4d1c-9f53-2b0c6d7e8f9", ""),
    "dsURL": ("https://" + "d" * 2041, "ds"),
    "merchantName": ("n" * 41, ""),
    "messageCategory": ("1", "100"),
    "messageVersion": ("2.0.0", "2.2.00"),
    "notificationURL": ("https://n.example/" + "n" * 239, "n"),
    "purchaseAmount": ("-1", "1" * 49, "1.5", ""),
    "purchaseCurrency": ("PLN", "98", "9855"),
    "purchaseDate": ("2026041510300", "202604151030000", "20261315103000"),
    "purchaseExponent": ("10", "x", "-1", ""),
    "sdkTransID": ("s" * 36, "8f3e1a52-5a44-4d1c-9f53-2b0c6d7e8f9", ""),
    "threeDSRequestorAuthenticationInd": ("1", "001", ""),
    "threeDSRequestorID": ("r" * 36, ""),
    "threeDSServerTransID": ("t" * 36, "8f3e1a52-5a44-4d1c-9f53-2b0c6d7e8f9", ""),
}
"""What stands in columns of acs.transaction, which checks no forms and lengths of its own."""


@pytest.mark.parametrize(("name", "value"), [(n, v) for n, each in STORED.items() for v in each])
def test_nothing_of_another_form_comes_as_far_as_the_database(name: str, value: str) -> None:
    seen = 0
    for version, channel, category in CONTEXTS:
        message = builders.areq(version, channel, category)
        if name in message:
            seen += 1
            assert answer(json.dumps(message | {name: value}).encode()) != "accepted"
    assert seen

"""messageExtension: its limits and the recognition of critical ones."""

from __future__ import annotations

from typing import Any

import pytest

from schemas.extensions import BRIDGING, DEVICE_ACKNOWLEDGEMENT, extensions, unrecognised_critical
from schemas.formats import REFUSALS
from schemas.json_reader import UNUSABLE
from schemas.versions import SUPPORTED

ENTRY: dict[str, Any] = {"name": "X", "id": "X-1", "criticalityIndicator": False, "data": {"a": 1}}
LONGEST_DATA = {"k": "v" * 8051}


def is_good(value: object, version: str = "2.2.0") -> bool:
    try:
        return bool(extensions().at(version).accepts(value))
    except REFUSALS:
        return False


@pytest.mark.parametrize(("version", "most"), list(zip(SUPPORTED, [10, 10, 15], strict=True)))
def test_the_number_of_extensions_is_limited(version: str, most: int) -> None:
    assert is_good([ENTRY] * most, version)
    assert not is_good([ENTRY] * (most + 1), version)


@pytest.mark.parametrize("name", list(ENTRY))
def test_no_member_may_be_missing(name: str) -> None:
    assert not is_good([{key: value for key, value in ENTRY.items() if key != name}])


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("name", ""),
        ("name", "n" * 65),
        ("name", 1),
        ("id", ""),
        ("id", "i" * 65),
        ("criticalityIndicator", "true"),
        ("criticalityIndicator", None),
        ("criticalityIndicator", 1),
        ("data", {}),
        ("data", []),
        ("data", "x"),
        ("data", {"k": "v" * 8052}),
        ("data", {"k": UNUSABLE}),
    ],
)
def test_a_member_that_is_wrong_makes_the_whole_wrong(name: str, value: object) -> None:
    assert not is_good([ENTRY, {**ENTRY, name: value}])


@pytest.mark.parametrize("value", [[], {}, "x", ["x"], [None]])
def test_what_is_no_list_of_objects_is_wrong(value: object) -> None:
    assert not is_good(value)


def test_data_may_be_as_long_as_published() -> None:
    assert is_good([{**ENTRY, "data": LONGEST_DATA}] * 9)


def test_all_together_are_limited() -> None:
    assert not is_good([{**ENTRY, "data": LONGEST_DATA}] * 11, "2.3.1")


def test_an_unknown_member_is_ignored_but_counts_towards_the_whole() -> None:
    assert is_good([{**ENTRY, "more": "x"}])
    assert not is_good([{**ENTRY, "more": "x" * 82_000}])


def critical(id_: str) -> dict[str, Any]:
    return {**ENTRY, "id": id_, "criticalityIndicator": True}


@pytest.mark.parametrize(
    ("message_type", "version", "unrecognised"),
    [
        ("AReq", "2.2.0", ()),
        ("AReq", "2.1.0", ()),
        ("AReq", "2.3.1", (DEVICE_ACKNOWLEDGEMENT.id, BRIDGING.id)),
        ("CReq", "2.2.0", (DEVICE_ACKNOWLEDGEMENT.id,)),
        ("RRes", "2.2.0", (DEVICE_ACKNOWLEDGEMENT.id, BRIDGING.id)),
    ],
)
def test_an_extension_is_recognised_for_its_messages_and_versions(
    message_type: str, version: str, unrecognised: tuple[str, ...]
) -> None:
    entries = [critical(DEVICE_ACKNOWLEDGEMENT.id), critical(BRIDGING.id)]

    found = unrecognised_critical(entries, message_type=message_type, version=version)

    assert found == unrecognised


def test_each_unrecognised_critical_id_is_listed_once() -> None:
    entries = [critical("B"), critical("A"), critical("B"), {**ENTRY, "id": "C"}]

    found = unrecognised_critical(entries, message_type="AReq", version="2.2.0")

    assert found == ("B", "A")


def test_ids_can_be_added() -> None:
    found = unrecognised_critical(
        [critical("A")], message_type="AReq", version="2.2.0", also=frozenset({"A"})
    )

    assert found == ()


def test_what_is_no_list_has_no_critical_extension() -> None:
    assert unrecognised_critical(None, message_type="AReq", version="2.2.0") == ()

"""Objects inside messages: each built from its table is read, each row judged."""

from __future__ import annotations

from typing import Any

import pytest

from schemas.compiler import Findings, compiled, read_members
from schemas.field import Table
from schemas.messages import objects
from schemas.presence import Place
from schemas.problems import Fault
from schemas.versions import SUPPORTED
from tests import builders

TABLES = [value for value in vars(objects).values() if isinstance(value, Table)]
PLACES = [Place(version, "02", "01") for version in SUPPORTED]


def faults_of(table: Table, value: dict[str, Any], place: Place) -> dict[Fault, list[str]]:
    findings = Findings(place.version, 10_000)
    read_members(compiled(table, place), value, {}, findings)
    return findings.by_kind


@pytest.mark.parametrize("table", TABLES, ids=lambda table: table.name)
@pytest.mark.parametrize("place", PLACES, ids=lambda place: place.version)
def test_an_object_with_every_member_is_good(table: Table, place: Place) -> None:
    value = builders.object_of(table, place.version, full=True)

    assert faults_of(table, value, place) == {}


@pytest.mark.parametrize("table", TABLES, ids=lambda table: table.name)
@pytest.mark.parametrize("place", PLACES, ids=lambda place: place.version)
def test_a_member_of_a_wrong_type_is_named_alone(table: Table, place: Place) -> None:
    value = builders.object_of(table, place.version, full=True)
    actual = {
        name: faults_of(table, {**value, name: 7}, place)
        for name in value
        if name != "threeDSReqAuthData"
    }

    assert actual == {name: {Fault.MALFORMED: [name]} for name in actual}


def test_html_templates_belong_to_the_html_interface() -> None:
    place = Place("2.2.0", "01", "01")
    value = {"acsInterface": "01", "acsUiTemplate": "05"}

    assert faults_of(objects.ACS_RENDERING_TYPE, value, place) == {
        Fault.MALFORMED: ["acsUiTemplate"]
    }


@pytest.mark.parametrize(
    ("version", "method", "kind"),
    [
        ("2.1.0", "07", Fault.MALFORMED),
        ("2.2.0", "07", None),
        ("2.2.0", "09", Fault.MALFORMED),
        ("2.3.1", "10", None),
        ("2.3.1", "11", Fault.RESERVED),
    ],
)
def test_methods_of_the_requestor_come_with_the_versions(
    version: str, method: str, kind: Fault | None
) -> None:
    found = faults_of(
        objects.REQUESTOR_AUTHENTICATION,
        {"threeDSReqAuthMethod": method},
        Place(version, "02", "01"),
    )

    assert list(found) == ([] if kind is None else [kind])

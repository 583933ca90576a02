"""Rows: where they hold, and that the tables of the messages are well made."""

from __future__ import annotations

from itertools import product

import pytest

from schemas.compiler import compiled
from schemas.field import APP, APP_BRW, BRW, PA, Field, ObjectOf, ObjectsOf, Sensitivity, Table
from schemas.formats import text
from schemas.messages import TABLES
from schemas.presence import Place, optional
from schemas.versions import FROM_231, SUPPORTED

PLACES = [Place(*place) for place in product(SUPPORTED, ("01", "02", "03"), ("01", "02"))]


def test_a_row_without_limits_holds_everywhere_also_in_the_unknown() -> None:
    row = Field("x", text(1), optional())

    assert row.holds("2.1.0", None, None)


def test_a_limited_row_holds_within_its_limits_only() -> None:
    row = Field("x", text(1), optional(), versions=FROM_231, channels=APP_BRW, categories=PA)

    assert row.holds("2.3.1", "01", "01")
    assert not row.holds("2.2.0", "01", "01")
    assert not row.holds("2.3.1", "03", "01")
    assert not row.holds("2.3.1", "01", "02")
    assert not row.holds("2.3.1", None, "01")
    assert not row.holds("2.3.1", "01", None)


def test_channels_add_up() -> None:
    assert APP | BRW == APP_BRW


def test_sensitivities_are_ordered_from_open_to_secret() -> None:
    assert sorted(Sensitivity) == [
        Sensitivity.OPEN,
        Sensitivity.ACCOUNT,
        Sensitivity.PERSONAL,
        Sensitivity.SECRET,
    ]


@pytest.mark.parametrize("name", list(TABLES))
@pytest.mark.parametrize(
    "place", PLACES, ids=lambda place: f"{place.version}-{place.channel}-{place.category}"
)
def test_no_element_has_two_rows_in_one_place(name: str, place: Place) -> None:
    table = compiled(TABLES[name], place)

    assert len({row[0] for row in table.rows}) == len(table.rows)


def every_table() -> dict[str, Table]:
    found: dict[str, Table] = {}
    waiting = list(TABLES.values())
    while waiting:
        table = waiting.pop()
        if table.name not in found:
            found[table.name] = table
            waiting += [
                row.shape.table
                for row in table.rows
                if isinstance(row.shape, (ObjectOf, ObjectsOf))
            ]
    return found


@pytest.mark.parametrize("table", list(every_table().values()), ids=lambda table: table.name)
def test_rules_speak_of_elements_that_exist(table: Table) -> None:
    names = {row.name for row in table.rows}

    assert {name for rule in table.rules for name in rule.names} <= names


@pytest.mark.parametrize(
    "name",
    ["acctNumber", "cardholderName", "email", "browserIP", "mobilePhone", "cardSecurityCode"],
)
def test_no_row_of_a_sensitive_element_is_open(name: str) -> None:
    rows = [row for row in TABLES["AReq"].rows if row.name == name]

    assert rows
    assert all(row.sensitivity is not Sensitivity.OPEN for row in rows)

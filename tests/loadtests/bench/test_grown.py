"""What size costs: a ratio within each round, cards drawn from the database itself."""

from __future__ import annotations

import tomllib
from dataclasses import replace
from typing import TYPE_CHECKING

from loadtests.bench import grown
from loadtests.bench.grown import Grown
from loadtests.bench.report import BUDGET, PARTS
from loadtests.chaos import people

if TYPE_CHECKING:
    import asyncpg

    from tests.loadtests.bench.conftest import Filled

GROWN = Grown(
    empty_ms=[{"p50": 10.0}, {"p50": 20.0}, {"p50": 10.0}],
    full_ms=[{"p50": 11.0}, {"p50": 21.0}, {"p50": 15.0}],
    rate=700.0,
    rates=(1400.0, 1300.0),
    size={"transactions": 5e7, "cards": 1e7},
    answers=8400,
    rows_missing=0,
    machine={"cores": "2"},
)


def test_a_ratio_is_taken_within_each_round() -> None:
    assert GROWN.ratios == {"p50": (1.1, 1.05, 1.5)}


def test_what_is_slower_than_allowed_is_named_and_so_are_missing_rows() -> None:
    assert grown.faults(GROWN, {"p50": 1.2}) == []
    assert grown.faults(GROWN, {"p50": 1.05}) == [
        "p50 is 1.10 times as long, the budget allows 1.05"
    ]
    assert grown.faults(replace(GROWN, rows_missing=3), {}) == [
        "3 answers have no row of their own"
    ]


def test_the_budget_names_percentiles() -> None:
    assert tomllib.loads(BUDGET.read_text())["most_grown"].keys() <= PARTS.keys()


def test_the_report_tells_both_and_the_size() -> None:
    told = grown.markdown(GROWN, ["too slow"]).splitlines()
    assert "| p50 | 10.0 | 15.0 | 1.10 | 1.05-1.50 |" in told
    assert "transactions 50,000,000.0, cards 10,000,000.0." in told[2]
    assert "too slow" in told


async def test_enrolled_cards_of_frictionless_ranges_are_drawn(
    filled: Filled, owner: asyncpg.Connection
) -> None:
    challenged = [one for one in people.everybody(20) if one.kind == "otp"]
    await people.enrol(filled.dsn, filled.keys, challenged)
    off = filled.cards[0]
    await owner.execute(
        "UPDATE enrollment.enrolment SET state = 'suspended', reason = 'client_off'"
        " WHERE card_id = $1",
        off.card_id,
    )

    drawn = await grown.draw(owner, filled.keys, filled.tables, 1000)

    assert {one.pan for one in drawn} == {one.pan for one in filled.cards} - {off.pan}
    assert {one.card_id for one in drawn} == {
        str(one.card_id) for one in filled.cards if one is not off
    }

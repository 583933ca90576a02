"""The statements alone leave what the service leaves, for another card and other ids each time."""

from __future__ import annotations

from typing import TYPE_CHECKING
from uuid import UUID, uuid4

import pytest

from loadtests.bench import statements
from loadtests.bench.client import areqs
from loadtests.bench.statements import CARD, DS_ID, TRANSACTION, Mark, Statement
from loadtests.network.cards import Card

if TYPE_CHECKING:
    import asyncpg

    from tests.loadtests.bench.conftest import Filled


_LEFT = """
    SELECT count(*) AS rows, count(DISTINCT t.card_id) AS cards,
           count(DISTINCT r.account_id) AS accounts, array_agg(DISTINCT t.ds_id) AS senders,
           min((SELECT count(*) FROM acs.message_log m
                WHERE m.acs_trans_id = t.acs_trans_id)) AS log,
           bool_and(EXISTS (SELECT FROM audit.event e
                            WHERE e.object = t.acs_trans_id::text)) AS told,
           bool_and(EXISTS (SELECT FROM audit.evidence e
                            WHERE e.acs_trans_id = t.acs_trans_id)) AS proved
    FROM acs.transaction t JOIN enrollment.reservation r USING (acs_trans_id)"""


def test_marked_places_are_exchanged_and_no_others() -> None:
    marks = {(0, 0): Mark("acs", is_text=False), (2, 0, 1): Mark("acs", is_text=True)}
    args = ([UUID(int=1)], ["x"], [("y", str(UUID(int=1)))], None)
    statement = Statement("SELECT", args, marks)

    like = statement.like({"acs": UUID(int=2)})

    assert like == [[UUID(int=2)], ["x"], [("y", str(UUID(int=2)))], None]
    assert statement.args == args == ([UUID(int=1)], ["x"], [("y", str(UUID(int=1)))], None)


async def test_every_run_leaves_a_transaction_with_all_that_belongs_to_it(
    filled: Filled, owner: asyncpg.Connection
) -> None:
    exchange = await statements.capture(filled.dsn, filled.ports, filled.make, filled.cards)
    lanes = len(filled.cards)  # each begins with a card of its own, and may have time for one only
    done = await statements.rate(
        filled.dsn, exchange, filled.cards, connections=lanes, seconds=0.05
    )

    assert done > 0
    found = await owner.fetchrow(_LEFT)
    assert found is not None
    assert found["rows"] > lanes  # one on each before the clock starts, and some while it runs
    assert (found["cards"], found["accounts"]) == (len(filled.cards), len(filled.cards))
    assert (found["senders"], found["log"]) == ([DS_ID], 2)
    assert found["told"]
    assert found["proved"]


async def test_each_card_is_asked_for_by_its_own_hash(
    filled: Filled, owner: asyncpg.Connection
) -> None:
    read, _ = await statements.capture(filled.dsn, filled.ports, filled.make, filled.cards)

    for card in filled.cards:
        values = card._asdict() | {name: uuid4() for name in TRANSACTION}
        (row,) = await owner.fetch(read.sql, *read.like(values))
        assert (row["card_id"], row["account_id"]) == (card.card_id, card.account_id)


async def test_an_answer_that_is_no_y_is_not_taken_for_one(filled: Filled) -> None:
    stranger = "4000003000000999"
    make = areqs(
        [Card(stranger, "Jan Kowalski", "+48501000101", None, "x", "a", "c", "N")],
        "http://127.0.0.1:1",
    )
    card = filled.cards[0]._replace(pan=stranger)

    with pytest.raises(AssertionError, match="'transStatus': 'N'"):
        await statements.capture(filled.dsn, filled.ports, make, [card])


def test_what_is_exchanged_are_fields_of_the_card() -> None:
    assert set(CARD) <= set(statements.CardFacts._fields)

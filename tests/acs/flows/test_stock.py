"""Transactions that are made up are transactions like others: all that is told of them verifies."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from typing import TYPE_CHECKING

import pytest

from acs.directory_server import DirectoryServer
from acs.flows import evidence, stock
from acs.flows.authenticate import ares_place
from acs.flows.stock import Maker, NoPattern, Pattern, Template
from acs.store import audit_chain, dialogues, transactions
from acs.transaction import link_digest
from enrollment.flows import stock as clients
from enrollment.flows.stock import Client
from tests.story.buying import EASY

if TYPE_CHECKING:
    from tests.story.world import World

SERVER = DirectoryServer("stock", frozenset({"visa"}), frozenset({"ds.example"}))
CLIENTS = 5


def client(number: int) -> Client:
    return Client(number, clients.number_of(EASY.ljust(19, "0"), 5_000 + number))


async def fill(world: World, count: int) -> list[datetime]:
    """Make up clients and transactions, as the command does."""
    ports, db = world.server.ports, world.db
    await db.execute("SET timezone = 'UTC'")
    words = await clients.consent_digest(db)
    made = [client(number) for number in range(CLIENTS)]
    await clients.add(db, clients.lines(world.keys, made, words, world.clock.now))
    pattern = await Pattern.take(ports, db, SERVER, client(0))
    kept, now = ports.policies.retention, world.clock.now
    await stock.make_months(db, kept, now)
    moments = stock.moments(0, count, count, now, kept.transactions)
    maker = Maker(pattern, world.keys, kept, now, CLIENTS, client)
    for chunk in (moments[: count // 2], moments[count // 2 :]):
        async with db.transaction():
            await stock.keep(db, world.keys, maker.rows(chunk), chunk)
    return moments


async def test_everything_that_is_told_of_them_verifies(world: World) -> None:
    moments = await fill(world, 60)
    found = await audit_chain.verify(world.db, world.keys.audit)
    assert (found.faults, found.documents, found.unsealed) == ((), 61, 0)
    rows = await world.db.fetch("SELECT * FROM acs.transaction ORDER BY acs_trans_id")
    assert [row["created_at"] for row in rows[:60]] == moments
    for row in rows:
        acs_trans_id = row["acs_trans_id"]
        dialogue = await dialogues.read(world.db, acs_trans_id)
        assert dialogue is not None
        assert link_digest(dialogue.transaction.linked) == row["link_digest"]
        place = ares_place(acs_trans_id)
        ares = json.loads(world.keys.vault.open(row["ares_sealed"], place))
        assert ares["acsTransID"] == str(acs_trans_id)
        assert ares["dsTransID"] == row["ds_trans_id"]
        assert row["last4"] in {client(number).pan.reveal()[-4:] for number in range(CLIENTS)}
        shown = await evidence.show(world.db, world.keys, acs_trans_id)
        assert shown is not None
        assert shown.faults == ()
        assert shown.document["card"]["token"] == str(row["card_id"])
        known = await transactions.answered_before(
            world.db, row["three_ds_server_trans_id"], row["ds_trans_id"]
        )
        assert known is not None
        assert known.acs_trans_id == acs_trans_id


async def test_they_leave_what_would_not_have_been_let_go(world: World) -> None:
    moments = await fill(world, 100)
    kept, now = world.server.ports.policies.retention, world.clock.now
    for table, at, span in (
        ("acs.message_log", "at", kept.messages),
        ("acs.visitor", "seen_at", kept.visitors),
        ("enrollment.reservation", "made_at", kept.use),
    ):
        young = [one for one in moments if now - one < span]
        found = await world.db.fetch(f"SELECT DISTINCT {at} FROM {table} WHERE {at} < $1", now)
        assert {row[0] for row in found} == {*young}
    in_default = "SELECT count(*) FROM acs.transaction_default WHERE created_at < $1"
    assert await world.db.fetchval(in_default, now) == 0


async def test_their_audit_events_lie_in_the_months_that_they_tell_of(world: World) -> None:
    moments = await fill(world, 100)
    rows = await world.db.fetch(
        "SELECT e.event_id / 1000000000000 AS month, e.at, e.tableoid::regclass::text AS place,"
        " s.tableoid::regclass::text AS link FROM audit.event e JOIN audit.seal s USING (event_id)"
        " WHERE e.at = ANY ($1) ORDER BY s.seq",
        moments,
    )
    assert [row["at"] for row in rows] == moments
    for row in rows:
        assert row["month"] == row["at"].year * 100 + row["at"].month
        assert row["place"] == f"audit.event_p{row['at']:%Y_%m}"
        assert row["link"] == f"audit.seal_p{row['at']:%Y_%m}"


async def test_a_made_up_card_pays_after_them(world: World) -> None:
    await fill(world, 20)
    body = json.dumps(
        stock.AREQ | {"acctNumber": client(3).pan.reveal(), "purchaseDate": "20260617100000"}
    )
    ares = await world.areq(json.loads(body) | {"dsURL": world.directory.url})
    assert ares["transStatus"] == "Y"


async def test_a_card_that_does_not_pay_gives_no_pattern(world: World) -> None:
    nobody = client(99)
    with pytest.raises(NoPattern, match="transStatus"):
        await Pattern.take(world.server.ports, world.db, SERVER, nobody)


def test_a_template_exchanges_every_word_and_nothing_else() -> None:
    template = Template(b"a=1 b=12 a=1;", {"one": b"1", "twelve": b"12"})
    assert template.fill({"one": b"x", "twelve": b"yy"}) == b"a=x b=yy a=x;"


def test_moments_are_spread_evenly_however_they_are_asked_for() -> None:
    end, span = datetime(2026, 6, 1, tzinfo=UTC), timedelta(days=100)
    whole = stock.moments(0, 50, 50, end, span)
    assert whole == stock.moments(0, 20, 50, end, span) + stock.moments(20, 30, 50, end, span)
    assert whole[0] == end - span
    assert {after - before for before, after in pairwise(whole)} == {timedelta(days=2)}

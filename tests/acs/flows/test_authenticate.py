"""AReq to ARes: what is promised can be kept, what cannot be answered is an Erro."""

from __future__ import annotations

import asyncio
import json
from typing import TYPE_CHECKING, Any
from uuid import uuid4

import pytest

from acs import metrics
from acs.crypto.keys import KeyState, KeysUnavailable
from acs.directory_server import DirectoryServer
from acs.flows.authenticate import ares_place, authenticate, pan_place
from acs.transaction import AcsTransId
from tests.records import replace
from tests.story import judge
from tests.story.areqs import browser_areq
from tests.watching import connections, watched

if TYPE_CHECKING:
    from tests.story.world import World

SERVER = DirectoryServer("test", frozenset({"visa", "mastercard", "jcb"}), frozenset())


class VanishingKeys:
    """A key store that promises a key and then cannot use it."""

    def state(self, key_id: str) -> KeyState | None:
        return KeyState.ACTIVE

    def cvv(self, key_id: str, digits: str) -> str:
        raise KeysUnavailable(key_id)

    def hmac_sha256(self, key_id: str, message: bytes) -> bytes:
        raise KeysUnavailable(key_id)


async def answer(
    world: World, message: dict[str, Any], server: DirectoryServer = SERVER, **ports: Any
) -> dict[str, Any]:
    raw = json.dumps(message).encode()
    given = dict(json.loads(await authenticate(replace(world.server.ports, **ports), raw, server)))
    judge.answer(message, given)
    return given


@pytest.mark.parametrize(("version", "reason"), [("2.1.0", "07"), ("2.2.0", "22"), ("2.3.1", "22")])
@pytest.mark.parametrize("prefix", ["40000012", "52000012"])
async def test_a_key_that_fails_at_the_last_moment_gives_u_and_holds_nothing(
    world: World, prefix: str, version: str, reason: str
) -> None:
    holder = await world.enrol(prefix=prefix, limits={"count_day": 1})
    message = browser_areq(holder.pan, version=version, ds_url=world.directory.url)
    ares = await answer(world, message, values=VanishingKeys())
    assert (ares["transStatus"], ares["transStatusReason"]) == ("U", reason)
    assert "authenticationValue" not in ares
    assert await world.db.fetchval("SELECT count(*) FROM enrollment.reservation") == 0


async def test_a_directory_server_asks_for_its_own_schemes_only(world: World) -> None:
    holder = await world.enrol()
    message = browser_areq(holder.pan, ds_url=world.directory.url)
    only_jcb = replace(SERVER, schemes=frozenset({"jcb"}))
    assert (await answer(world, message, only_jcb))["errorCode"] == "305"
    assert (await answer(world, message))["transStatus"] == "C"


@pytest.mark.parametrize(
    ("prefix", "kept"), [("40000010", True), ("40000012", False), ("35280010", False)]
)
async def test_the_card_number_is_kept_only_while_a_value_may_be_owed(
    world: World, prefix: str, kept: bool
) -> None:
    holder = await world.enrol(prefix=prefix)
    ares = await answer(world, browser_areq(holder.pan, ds_url=world.directory.url))
    row = await world.challenge_row(ares)
    assert (row["pan_sealed"] is not None) == kept
    assert holder.pan.encode() not in (row["pan_sealed"] or b"")


async def test_a_sealed_answer_opens_at_its_own_place_only(world: World) -> None:
    holder = await world.enrol()
    ares = await answer(world, browser_areq(holder.pan, ds_url=world.directory.url))
    row = await world.challenge_row(ares)
    acs_trans_id = AcsTransId(row["acs_trans_id"])
    opened = world.keys.vault.open(row["ares_sealed"], ares_place(acs_trans_id))
    assert json.loads(opened) == ares


def test_places_differ_by_kind_and_by_transaction() -> None:
    first, second = AcsTransId(uuid4()), AcsTransId(uuid4())
    places = [pan_place(first), pan_place(second), ares_place(first), ares_place(second)]
    assert len(set(places)) == 4


async def test_a_refusal_is_counted_and_keeps_nothing(world: World) -> None:
    assert json.loads(await authenticate(world.server.ports, b"{}", SERVER))["errorCode"] == "201"
    assert await world.db.fetchval("SELECT count(*) FROM acs.message_log") == 0


async def test_the_rule_that_spoke_is_stored_with_its_reasons(world: World) -> None:
    holder = await world.enrol(limits={"per_tx": 1})
    ares = await answer(world, browser_areq(holder.pan, ds_url=world.directory.url))
    row = await world.challenge_row(ares)
    assert (row["rule"], row["reasons"]) == ("limit:per_tx", ["limit:per_tx:account"])
    assert (row["range_id"], row["range_version"]) == ("visa-otp", 1)


@pytest.mark.parametrize("exponent", ["0", "1", "2", "3", "4"])
async def test_no_exponent_takes_a_payment_past_a_limit_or_makes_its_use_small(
    world: World, exponent: str
) -> None:
    message = {"purchaseAmount": "12345", "purchaseExponent": exponent}  # PLN, which has two
    answers = []
    for most in (12_344, 1_234_500):
        holder = await world.enrol(limits={"per_tx": most})
        asked = browser_areq(holder.pan, ds_url=world.directory.url)
        answers.append(await answer(world, asked | message))
    held = await world.db.fetchval("SELECT max(amount) FROM enrollment.reservation")

    assert [one["transStatus"] for one in answers] == ["N", "C"]
    assert held >= 12_345


async def test_an_amount_is_read_by_the_digits_that_the_scheme_gives_its_currency(
    world: World,
) -> None:
    message = {
        "purchaseAmount": "12345",
        "purchaseExponent": "3",
    }  # 12.345 PLN, of which it has two
    answers = []
    for most in (1_234, 1_235):
        holder = await world.enrol(prefix="40000015", limits={"per_tx": most})
        asked = browser_areq(holder.pan, ds_url=world.directory.url)
        answers.append(await answer(world, asked | message))

    assert [one["transStatus"] for one in answers] == ["N", "C"]


NEGATIVE: dict[str, dict[str, Any]] = {
    "unknown card": {"unknown": True},
    "blocked card": {"card_status": "blocked_temp"},
    "stolen card": {"card_status": "blocked_stolen"},
    "card switched off": {"enrolment": "suspended"},
    "not enrolled": {"enrolment": "none"},
    "expired": {"expiry": "2001"},
    "no phone": {"no_phone": True},
    "no consent": {"no_consent": True},
    "no PIN": {"no_pin": True, "prefix": "40000011"},
    "limit of nothing": {"limits": {"per_tx": 0}},
}


async def test_every_negative_answer_costs_the_same(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Statements, not time [T11]: why a card is refused cannot be read off a clock."""
    statuses, costs = {}, {}
    for name, facts in NEGATIVE.items():
        holder = await world.enrol(**facts)
        message = browser_areq(holder.pan, ds_url=world.directory.url)
        with watched(monkeypatch, connections(world.server.ports.pool._pool)) as cost:
            statuses[name] = (await answer(world, message))["transStatus"]
        costs[name] = cost

    assert set(statuses.values()) <= {"N", "R", "U"}, statuses
    first = costs["unknown card"].statements
    assert len(first) == 2
    assert [name for name, cost in costs.items() if cost.statements != first] == []
    assert {cost.hashes for cost in costs.values()} == {0}


async def test_what_looks_like_a_shop_s_mistake_is_counted_and_answered(world: World) -> None:
    holder = await world.enrol()
    before = [metrics.AREQ_ODDITY.labels(kind)._value.get() for kind in ("exponent", "language")]
    message = browser_areq(holder.pan, ds_url=world.directory.url)
    odd = {"purchaseCurrency": "352", "purchaseExponent": "2", "browserLanguage": "es"}

    given = await answer(world, message | odd)
    await asyncio.sleep(0)  # it is told of after the answer

    assert given["messageType"] == "ARes"
    after = [metrics.AREQ_ODDITY.labels(kind)._value.get() for kind in ("exponent", "language")]
    assert [now - then for now, then in zip(after, before, strict=True)] == [1, 1]

"""The seeding client does what the bank's systems and the cardholders would do, once."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING

import pytest
from cryptography.hazmat.primitives.asymmetric import ec

from loadtests.network import cards, people
from loadtests.network.app import build
from loadtests.network.seed import seed
from tests.loadtests.network.conftest import served
from tests.loadtests.network.fake_bank import FakeBank
from tests.loadtests.network.test_enrollment_api import write_callers

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from pathlib import Path

EVERYBODY = people.everybody()


class Town:
    """A bank, a network without cards, and the folder both know."""

    def __init__(self, bank: FakeBank, bank_url: str, network_url: str, state: Path) -> None:
        self.bank, self.state = bank, state
        self._urls = (f"{bank_url}/v1", network_url)

    async def seed(self) -> list[str]:
        return await seed(*self._urls, self.state)


@pytest.fixture
async def town(tmp_path: Path) -> AsyncIterator[Town]:
    write_callers(tmp_path, ec.generate_private_key(ec.SECP256R1()))
    bank = FakeBank()
    network = build(base_url="http://127.0.0.1:1", ds_edge="http://127.0.0.1:1", state=tmp_path)
    async with served(bank.application()) as bank_url, served(network) as network_url:
        bank.inbox_url = f"{network_url}/inbox/sms"
        yield Town(bank, bank_url, network_url, tmp_path)


async def test_everybody_gets_a_card_in_the_promised_order(town: Town) -> None:
    faults = await town.seed()

    assert (faults, [card.pan for card in cards.Cards(town.state).all()]) == (
        [],
        [person.pan for person in EVERYBODY],
    )


async def test_3d_secure_is_on_for_all_but_those_who_never_asked(town: Town) -> None:
    await town.seed()
    states = Counter(card["threeds"]["state"] for card in town.bank.cards.values())

    assert states["none"] == Counter(p.expect for p in EVERYBODY)["N not enrolled"]


async def test_the_pins_at_the_bank_are_those_the_holders_know(town: Town) -> None:
    await town.seed()
    known = sorted(card.pin for card in cards.Cards(town.state).all() if card.pin)

    assert sorted(town.bank.pins.values()) == known


async def test_blocked_and_expired_cards_are_made_so_at_the_end(town: Town) -> None:
    await town.seed()
    statuses = Counter(card["status"] for card in town.bank.cards.values())

    expected = Counter(person.expect for person in EVERYBODY)
    assert (statuses["blocked"], statuses["expired"]) == (
        expected["N blocked"],
        expected["N expired"],
    )


async def test_limits_are_set_by_the_branch(town: Town) -> None:
    await town.seed()
    setters = {caller for caller, _, path in town.bank.calls if path.endswith("/limits")}

    assert setters == {"branch"}


async def test_seeding_again_asks_for_each_person_once_and_changes_nothing(town: Town) -> None:
    await town.seed()
    before = cards.Cards(town.state).all()
    town.bank.calls.clear()
    faults = await town.seed()

    assert (faults, len(town.bank.calls)) == ([], len(EVERYBODY))
    assert cards.Cards(town.state).all() == before


async def test_a_lost_note_is_made_good_without_new_codes(town: Town) -> None:
    await town.seed()
    (town.state / "seeded.json").unlink()
    town.bank.calls.clear()
    faults = await town.seed()

    assert (faults, [call for call in town.bank.calls if "/me/" in call[2]]) == ([], [])


async def test_another_database_is_seeded_afresh(town: Town) -> None:
    await town.seed()
    town.bank.persons.clear()
    town.bank.cards.clear()
    town.bank.pins.clear()
    await town.seed()

    assert len(town.bank.pins) == len([person for person in EVERYBODY if person.pin])
    assert all("phone" in person for person in town.bank.persons.values())


async def test_one_refused_person_does_not_stop_the_others(town: Town) -> None:
    town.bank.refuse = "/cards/demo-002"
    faults = await town.seed()

    assert faults == ["demo-002 (C otp): core PUT /cards/demo-002: HTTP 423 locked"]
    assert len(cards.Cards(town.state).all()) == len(EVERYBODY) - 1


async def test_what_was_too_slow_is_tried_again(town: Town) -> None:
    town.bank.refuse, town.bank.refusals = "/cards/demo-002", 2

    assert await town.seed() == []
    assert len(cards.Cards(town.state).all()) == len(EVERYBODY)

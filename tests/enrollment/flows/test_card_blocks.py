"""A block by the card host: asked outside of transactions, found again after a death, done once."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import pytest

from enrollment.events import ACS
from enrollment.flows import card_blocks
from enrollment.model import CardStatus
from enrollment.ports import NoHost
from enrollment.refusals import Done
from enrollment.store.host_wishes import HostWish
from tests.enrollment import doors, people
from tests.enrollment.people import code_of
from tests.records import replace

if TYPE_CHECKING:
    from uuid import UUID

    from enrollment.flows.work import Work
    from tests.enrollment.people import Client


@dataclass
class Host:
    """A card host that says yes and remembers what it was asked."""

    asked: list[tuple[str, str]] = field(default_factory=list)

    is_there = True

    async def block(self, card_ref: str, wish: str, wish_id: UUID) -> bool:
        del wish_id
        self.asked.append((card_ref, wish))
        return True


async def status(bank: Work) -> str:
    row = await bank.conn.fetchrow("SELECT status FROM enrollment.card")
    return str(row["status"])


async def left(bank: Work) -> int:
    row = await bank.conn.fetchrow("SELECT count(*) AS n FROM enrollment.host_wish")
    return int(row["n"])


async def wished(bank: Work, client: Client) -> HostWish:
    made = await card_blocks.wish(bank, client.person_id, client.card_id, "permanent")
    assert isinstance(made, HostWish)
    return made


def worker(bank: Work, **span: float) -> Work:
    return replace(people.later(bank, **span), actor=ACS)


@pytest.mark.parametrize(
    ("wish", "becomes"),
    [("temporary", CardStatus.BLOCKED_TEMP), ("permanent", CardStatus.BLOCKED)],
)
async def test_a_block_goes_to_the_host_and_the_card_follows(
    bank: Work, client: Client, wish: card_blocks.BlockWish, becomes: CardStatus
) -> None:
    host = Host()
    done = await doors.block(bank, host, client, wish)

    assert isinstance(done, Done)
    assert done.value.status is becomes
    assert host.asked == [("c1", wish)]
    assert await left(bank) == 0


async def test_without_a_host_nothing_is_done(bank: Work, client: Client) -> None:
    refused = await doors.block(bank, NoHost(), client, "permanent")

    assert (code_of(refused), await status(bank)) == ("host_unavailable", "active")
    assert await left(bank) == 0


async def test_another_persons_card_is_none(bank: Work, client: Client) -> None:
    other, host = await people.make_person(bank, "p9", people.PESELS[2]), Host()
    refused = await doors.block(bank, host, replace(client, person_id=other), "temporary")

    assert (code_of(refused), host.asked) == ("not_found", [])


async def test_a_yes_whose_asker_died_is_found_again_and_takes_effect_once(
    bank: Work, client: Client
) -> None:
    made = await wished(bank, client)
    late = worker(bank, seconds=30)
    assert await card_blocks.claim(bank.conn, bank.now, 3) == []
    assert await card_blocks.claim(bank.conn, late.now, 3) == [made]
    for _ in range(2):
        await card_blocks.settle_left(late, made, is_taken=True)
    slow = await card_blocks.settle(bank, made, is_taken=True)  # it was not dead after all

    assert isinstance(slow, Done)
    assert await status(bank) == "blocked"
    assert sum("zablokowana w portalu" in text for text in await doors.messages(bank)) == 1
    assert (await people.events(bank.conn)).count("block.asked") == 1
    assert await left(bank) == 0


async def test_a_death_while_the_yes_is_carried_out_leaves_the_wish(
    bank: Work, client: Client
) -> None:
    made = await wished(bank, client)
    with pytest.raises(ZeroDivisionError):
        async with bank.conn.transaction():  # type: ignore[attr-defined]
            await card_blocks.settle(bank, made, is_taken=True)
            raise ZeroDivisionError

    assert await status(bank) == "active"
    assert await card_blocks.claim(bank.conn, worker(bank, seconds=30).now, 3) == [made]


async def test_a_wish_that_was_left_is_asked_again_for_fifteen_minutes(
    bank: Work, client: Client
) -> None:
    made = await wished(bank, client)
    await card_blocks.settle_left(worker(bank, minutes=14), made, is_taken=False)
    kept = await left(bank)
    await card_blocks.settle_left(worker(bank, minutes=15), made, is_taken=False)

    assert (kept, await left(bank)) == (1, 0)
    assert await status(bank) == "active"


async def test_what_the_bank_said_meanwhile_stays(bank: Work, client: Client) -> None:
    made = await wished(bank, client)
    await bank.conn.execute("UPDATE enrollment.card SET status = 'blocked_stolen'")
    refused = await card_blocks.settle(bank, made, is_taken=True)

    assert (code_of(refused), await status(bank)) == ("illegal_transition", "blocked_stolen")
    assert await left(bank) == 0


async def test_a_wish_about_a_card_that_was_erased_ends(bank: Work, client: Client) -> None:
    made = replace(await wished(bank, client), card_id=client.person_id)

    assert code_of(await card_blocks.settle(bank, made, is_taken=True)) == "not_found"
    assert await left(bank) == 0
